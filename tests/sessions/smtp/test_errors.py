"""Every error of the domain has a reply."""

import inspect
import re

import pytest

from postroad.base import errors
from postroad.base.errors import MailError, TryLater
from postroad.sessions.smtp.errors import REPLIES, reply_to

KINDS = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, MailError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_has_an_entry(kind: type[MailError]) -> None:
    reply = REPLIES[kind]
    assert re.fullmatch(r"[45]\.\d\.\d{1,2}", reply.enhanced)
    assert reply.enhanced[0] == str(reply.code)[0]
    assert not kind.temporary or reply.is_temporary


def test_an_error_of_a_new_kind_is_told_as_its_nearest_ancestor() -> None:
    class Slow(TryLater):
        pass

    assert reply_to(Slow()).code == 451
    assert reply_to(Slow("wait\r\na minute")).encode() == b"451 4.3.0 wait  a minute\r\n"
