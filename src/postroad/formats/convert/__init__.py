"""Make a message fit what the next server lacks (RFC 6152 section 3, RFC 3030 section 3)."""
