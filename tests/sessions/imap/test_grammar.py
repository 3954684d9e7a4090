"""Whatever stands behind the name of a command, it is read, or `WireError` is raised."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from postroad.sessions.imap.commands import FEATURES
from postroad.sessions.imap.feature import AnyFeature
from postroad.wire.errors import WireError
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.framing import RawCommand

PIECES = st.sampled_from(
    [b" ", b"(", b")", b"[", b"]", b"<", b">", b'"', b'"a"', b"\\Seen", b"{3}\r\n", b"NIL", b"1:*",
     b"0", b"1", b"4294967296", b",", b":", b"*", b"$", b"%", b"INBOX", b"UID", b"FLAGS",
     b"+FLAGS", b".SILENT", b"BODY.PEEK", b"HEADER.FIELDS", b"BINARY", b"ALL", b"NOT", b"OR",
     b"RETURN", b"MODSEQ", b"CHANGEDSINCE", b"QRESYNC", b"CHARSET", b"UTF-8", b"&AOk-",
     b"\xc3\xa9", b"\xff", b"17-Jul-1996", b'" 1-Jan-2024 00:00:00 +0000"', b"=", b"\0", b"\r",
     b"\n"]
)  # fmt: skip
ARGUMENTS = st.one_of(
    st.binary(max_size=100), st.lists(PIECES, max_size=20).map(lambda found: b"".join(found))
)


@pytest.mark.parametrize("feature", FEATURES, ids=lambda one: one.name.decode().replace(" ", "-"))
@given(arguments=ARGUMENTS, utf8=st.booleans())
@example(arguments=b" " + b"(" * 5000, utf8=False)
@example(arguments=b" NOT" * 5000 + b" ALL", utf8=True)
@example(arguments=b" 1" + b",1" * 5000, utf8=False)
def test_only_wire_errors(feature: AnyFeature, arguments: bytes, utf8: bool) -> None:
    for text in (arguments, b" " + arguments):
        with contextlib.suppress(WireError):
            feature.parse(Cursor(RawCommand(text), utf8=utf8))
