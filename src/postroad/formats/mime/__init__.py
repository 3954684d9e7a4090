"""Internet messages: RFC 5322 and MIME, over octets that are read once, at arrival."""
