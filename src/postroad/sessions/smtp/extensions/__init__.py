"""The SMTP extensions we have. A new one is a file here and a line in this list."""

from postroad.sessions.smtp.context import Extension
from postroad.sessions.smtp.extensions import (
    auth,
    binarymime,
    chunking,
    eightbitmime,
    enhancedstatuscodes,
    pipelining,
    size,
    smtputf8,
    starttls,
)

EXTENSIONS: tuple[Extension, ...] = (
    pipelining.EXTENSION,
    size.EXTENSION,
    eightbitmime.EXTENSION,
    smtputf8.EXTENSION,
    enhancedstatuscodes.EXTENSION,
    chunking.EXTENSION,
    binarymime.EXTENSION,
    starttls.EXTENSION,
    auth.EXTENSION,
)
