"""FETCH commands."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.errors import BadSyntax, WireError
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.fetch import Fetch, Form, Item, Partial, Section, What, parse_fetch
from postroad.wire.imap.framing import RawCommand
from postroad.wire.imap.sequence import SequenceSet
from wire.imap.commands import cursor

ONE = SequenceSet(((1, 1),))


@pytest.mark.parametrize(
    ("octets", "items"),
    [
        (b"FLAGS", (Item.FLAGS,)),
        (b"(uid rfc822.size)", (Item.UID, Item.RFC822_SIZE)),
        (b"(UID UID)", (Item.UID,)),
        (b"FAST", (Item.FLAGS, Item.INTERNALDATE, Item.RFC822_SIZE)),
        (b"FULL", (Item.FLAGS, Item.INTERNALDATE, Item.RFC822_SIZE, Item.ENVELOPE, Item.BODY)),
        (b"(BODY BODYSTRUCTURE)", (Item.BODY, Item.BODYSTRUCTURE)),
        (b"(EMAILID THREADID MODSEQ)", (Item.EMAILID, Item.THREADID, Item.MODSEQ)),
    ],
)
def test_items(octets: bytes, items: tuple[object, ...]) -> None:
    assert parse_fetch(cursor(b" 1 " + octets)) == Fetch(ONE, items)  # type: ignore[arg-type]  # values of a table


@pytest.mark.parametrize(
    ("octets", "section"),
    [
        (b"BODY[]", Section(Form.BODY, (), What.WHOLE, b"BODY[]")),
        (b"body.peek[]", Section(Form.BODY, (), What.WHOLE, b"BODY[]", peek=True)),
        (
            b"BODY[]<0.100>",
            Section(Form.BODY, (), What.WHOLE, b"BODY[]", partial=Partial(0, 100)),
        ),
        (b"BODY[HEADER]", Section(Form.BODY, (), What.HEADER, b"BODY[HEADER]")),
        (b"BODY[1.2.mime]", Section(Form.BODY, (1, 2), What.MIME, b"BODY[1.2.MIME]")),
        (b"BODY[3.TEXT]", Section(Form.BODY, (3,), What.TEXT, b"BODY[3.TEXT]")),
        (b"BODY[4.2]", Section(Form.BODY, (4, 2), What.WHOLE, b"BODY[4.2]")),
        (
            b'BODY[HEADER.FIELDS (Date "From")]',
            Section(
                Form.BODY,
                (),
                What.FIELDS,
                b"BODY[HEADER.FIELDS (Date From)]",
                (b"Date", b"From"),
            ),
        ),
        (
            b"BODY[1.HEADER.FIELDS.NOT (X)]",
            Section(Form.BODY, (1,), What.FIELDS_NOT, b"BODY[1.HEADER.FIELDS.NOT (X)]", (b"X",)),
        ),
        (b"RFC822", Section(Form.BODY, (), What.WHOLE, b"RFC822")),
        (b"RFC822.PEEK", Section(Form.BODY, (), What.WHOLE, b"RFC822", peek=True)),
        (b"rfc822.text.peek", Section(Form.BODY, (), What.TEXT, b"RFC822.TEXT", peek=True)),
        (b"RFC822.HEADER", Section(Form.BODY, (), What.HEADER, b"RFC822.HEADER", peek=True)),
        (b"BINARY[1]", Section(Form.BINARY, (1,), What.WHOLE, b"BINARY[1]")),
        (b"BINARY.PEEK[]", Section(Form.BINARY, (), What.WHOLE, b"BINARY[]", peek=True)),
        (
            b"BINARY.SIZE[1.1]",
            Section(Form.BINARY_SIZE, (1, 1), What.WHOLE, b"BINARY.SIZE[1.1]", peek=True),
        ),
    ],
)
def test_sections(octets: bytes, section: Section) -> None:
    assert parse_fetch(cursor(b" 1 " + octets)).items == (section,)


def test_modifiers() -> None:
    command = parse_fetch(cursor(b" 300:500 (FLAGS) (CHANGEDSINCE 12345 VANISHED)"))
    assert (command.changed_since, command.vanished) == (12345, True)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b" 1",
        b" 1 ()",
        b" 1 FOO",
        b" 1 (FLAGS ALL)",
        b" 1 BODY[",
        b" 1 BODY[MIME]",
        b" 1 BODY[0]",
        b" 1 BODY[1.]",
        b" 1 BODY[1x]",
        b" 1 BODY[HEADER.FIELDS ()]",
        b" 1 BODY[]<0.0>",
        b" 1 BODY[]<0>",
        b" 1 BINARY[1.MIME]",
        b" 1 BINARY.SIZE[1]<0.1>",
        b" 1 FLAGS (VANISHED)",
        b" 1 FLAGS (FOO 1)",
        b" 1 FLAGS x",
        b" 1 BODY[" + b"1." * 200 + b"1]",
    ],
)
def test_refused(octets: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_fetch(cursor(octets))


@given(st.binary(max_size=40) | st.text("BODY[]().12<>FIELSHRN ").map(str.encode))
def test_nothing_but_wire_errors(octets: bytes) -> None:
    with contextlib.suppress(WireError):
        parse_fetch(Cursor(RawCommand(b" 1 " + octets)))
