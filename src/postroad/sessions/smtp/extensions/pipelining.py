"""PIPELINING (RFC 2920): the session answers in order, so there is nothing more to it."""

from postroad.sessions.smtp.context import Extension

EXTENSION = Extension("PIPELINING", lambda context: "PIPELINING")
