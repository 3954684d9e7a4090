"""NOOP and CHECK: say what has changed meanwhile (RFC 9051 section 6.1.2, RFC 3501 6.4.1).

A mailbox needs no checkpoint of the client's, so CHECK is the same, as RFC 9051 has it.
"""

from postroad.sessions.imap.feature import (
    EVERYWHERE,
    ONLY_SELECTED,
    Context,
    Done,
    Feature,
    News,
    Replies,
    no_arguments,
)


async def handle(context: Context, command: None) -> Replies:
    yield Done("That was nothing")  # what is new is announced after every command


NOOP = Feature(b"NOOP", EVERYWHERE, no_arguments, handle, news=News.WANTED)
CHECK = Feature(b"CHECK", ONLY_SELECTED, no_arguments, handle, news=News.WANTED)
