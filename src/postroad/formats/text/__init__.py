"""Text out of octets: charsets, and the plain text of HTML."""
