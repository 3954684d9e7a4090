"""The client's side of SMTP: hand a message to the next server (RFC 5321 section 4.5.4.1)."""
