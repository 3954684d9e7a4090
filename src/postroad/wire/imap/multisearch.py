"""ESEARCH as the client writes it: a search in several mailboxes (RFC 7377 section 4)."""

from dataclasses import dataclass

from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.notify import MailboxFilter, Watched, mailbox_filter
from postroad.wire.imap.search import Return, Search, charset, program, return_options

_MAX_SOURCES = 50
_ONLY_SELECTED: tuple[MailboxFilter, ...] = (MailboxFilter(Watched.SELECTED),)


@dataclass(frozen=True, slots=True)
class MultiSearch:
    sources: tuple[MailboxFilter, ...]
    search: Search

    @property
    def needs_selected(self) -> bool:
        return any(source.watched is Watched.SELECTED for source in self.sources)


def parse_multi_search(cursor: Cursor) -> MultiSearch:
    """Raises `BadCharset` too."""
    cursor.sp()
    sources = _ONLY_SELECTED
    if cursor.take(b"IN "):
        sources = tuple(cursor.parenthesized(lambda: _source(cursor), limit=_MAX_SOURCES))
        cursor.sp()
    options = return_options(cursor)
    if cursor.take(b"CHARSET "):
        charset(cursor)
        cursor.sp()
    saves = options.returns is not None and Return.SAVE in options.returns
    if saves and any(source.watched is not Watched.SELECTED for source in sources):
        raise cursor.wrong("SAVE for the selected mailbox only")  # RFC 7377 section 2.2
    return MultiSearch(sources, program(cursor, options))


def _source(cursor: Cursor) -> MailboxFilter:
    source = mailbox_filter(cursor)
    if source.watched is Watched.SELECTED_DELAYED:
        raise cursor.wrong("SELECTED")  # RFC 7377 section 2.2
    return source
