"""SMTP as octets: commands, replies and message content (RFC 5321)."""
