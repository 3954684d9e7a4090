"""What is kept of a header answers as the header itself."""

from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.mime.headers import select_fields
from postroad.formats.mime.listfields import KEPT, LIMIT, are_kept, kept

NAMES = sorted(name.decode() for name in KEPT)
_FOLDS = st.sampled_from(
    ["", "\r\n ", "\n\t", "\r\n \r\n\t", "\r\nnot a field", "\r", "\nTo", "é\0"]
)
_LINE = st.builds(
    "".join,
    st.tuples(
        st.sampled_from([*NAMES, "Received", "X-Other", "Froms", " From", "", "TO", "sUBJECT"]),
        st.sampled_from([":", " :", "\t: ", ": ", ""]),
        st.text('ab:,"\\<>', max_size=6),
        _FOLDS,
        st.text("ab ", max_size=4),
        st.sampled_from(["\r\n", "\n", "\r\n\r\n"]),
    ),
)
_HEADERS = st.lists(_LINE, max_size=12).map(lambda lines: "".join(lines).encode())


@given(_HEADERS, st.lists(st.sampled_from(NAMES), min_size=1, max_size=6), st.booleans())
def test_any_of_the_names_finds_the_same(block: bytes, names: list[str], is_whole: bool) -> None:
    block += b"\r\n" if is_whole else b""
    found = kept(block)
    if found is None:
        assert not block.endswith(b"\n")
    else:
        asked = [name.upper() for name in names]
        assert select_fields(found, asked) == select_fields(block, asked)


def test_folded_repeated_and_absent_fields() -> None:
    block = b"Received: x\r\nTO: a,\r\n b\r\nX: y\r\nto : c\r\nSubject:\r\n\r\n"
    found = kept(block)
    assert found == b"TO: a,\r\n b\r\nto : c\r\nSubject:\r\n"
    assert select_fields(found, ["To", "Date"]) == b"TO: a,\r\n b\r\nto : c\r\n\r\n"
    assert kept(b"\r\n") == kept(b"Received: x\r\n\r\n") == b""


def test_more_than_a_little_is_not_kept() -> None:
    line = b"Subject: %b\r\n"
    room = LIMIT - len(line % b"")
    assert kept(line % (b"x" * room) + b"\r\n") == line % (b"x" * room)
    assert kept(line % (b"x" * (room + 1)) + b"\r\n") is None
    assert kept(b"Received: " + b"x" * 9999 + b"\r\nSubject: x\r\n\r\n") == b"Subject: x\r\n"
    assert kept(b"Subject: x") is None
    assert kept(b"") is None


def test_which_names_are_kept() -> None:
    assert are_kept([b"SUBJECT", b"List-Id", b"x-priority"])
    assert not are_kept([b"Subject", b"Received"])
    assert not are_kept([b"Sub\xffject"])
