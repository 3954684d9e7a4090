"""SMTP conversations, the server's side and the client's (RFC 5321, RFC 6409)."""
