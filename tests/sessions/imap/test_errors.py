"""How domain errors are told."""

from collections.abc import Iterator

from postroad.base.errors import LowSpace, MailError
from postroad.sessions.imap.errors import CODES, reply_to


def subclasses(kind: type[MailError]) -> Iterator[type[MailError]]:
    for each in kind.__subclasses__():
        if each.__module__.startswith("postroad."):
            yield each
            yield from subclasses(each)


def test_every_error_has_a_code_or_an_ancestor_with_one() -> None:
    without = [
        kind
        for kind in subclasses(MailError)
        if not any(CODES.get(each) for each in kind.__mro__ if issubclass(each, MailError))
    ]
    assert without == []


def test_an_error_without_an_entry_is_told_as_its_ancestor() -> None:
    assert reply_to(LowSpace("full"), b"a").encode() == b"a NO [UNAVAILABLE] full\r\n"
