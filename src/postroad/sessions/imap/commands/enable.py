"""ENABLE (RFC 9051 section 6.3.1)."""

from postroad.sessions.imap.feature import (
    AFTER_LOGIN,
    Context,
    Done,
    Extension,
    Feature,
    Replies,
)
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.responses import Condition, Enabled

_MAX_NAMES = 50
_KNOWN = {extension.value: extension for extension in Extension}


def parse(cursor: Cursor) -> tuple[bytes, ...]:
    names = []
    while not cursor.at_end():
        cursor.sp()
        names.append(cursor.word())
        if len(names) > _MAX_NAMES:
            raise cursor.wrong(f"at most {_MAX_NAMES} names")
    if not names:
        raise cursor.wrong("a capability")
    return tuple(names)


async def handle(context: Context, command: tuple[bytes, ...]) -> Replies:
    wanted = [_KNOWN[name] for name in command if name in _KNOWN]
    if context.view is not None and Extension.UTF8 in wanted:
        # RFC 6855 section 3: it is to be enabled before a mailbox is selected.
        yield Done("UTF8=ACCEPT cannot be enabled now", condition=Condition.BAD)
        return
    fresh = [extension for extension in dict.fromkeys(wanted) if extension not in context.enabled]
    for extension in fresh:
        context.enable(extension)
    yield Enabled([_spelled(extension) for extension in fresh])


def _spelled(extension: Extension) -> bytes:
    return b"IMAP4rev2" if extension is Extension.IMAP4REV2 else extension.value


def capabilities(context: Context) -> tuple[bytes, ...]:
    utf8 = b"UTF8=ONLY" if context.settings.utf8_only else b"UTF8=ACCEPT"  # never both
    return b"ENABLE", b"CONDSTORE", b"QRESYNC", utf8, b"UIDONLY"


FEATURE = Feature(b"ENABLE", AFTER_LOGIN, parse, handle, capabilities)
