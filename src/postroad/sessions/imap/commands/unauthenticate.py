"""UNAUTHENTICATE (RFC 8437): as if nobody had ever logged in, on the same TLS."""

from postroad.sessions.imap.feature import (
    AFTER_LOGIN,
    Context,
    Done,
    Feature,
    News,
    Next,
    Replies,
    always,
    no_arguments,
)


async def handle(context: Context, command: None) -> Replies:
    context.forget_login()
    if context.compresses:
        context.next = Next.STOP_COMPRESSION  # RFC 8437 section 4.1
    yield Done("Who are you?")


FEATURE = Feature(
    b"UNAUTHENTICATE",
    AFTER_LOGIN,
    no_arguments,
    handle,
    always(b"UNAUTHENTICATE"),
    news=News.NONE,
)
