"""ENHANCEDSTATUSCODES (RFC 2034): every reply but the greeting, EHLO, 334 and 354 has one."""

from postroad.sessions.smtp.context import Extension

EXTENSION = Extension("ENHANCEDSTATUSCODES", lambda context: "ENHANCEDSTATUSCODES")
