"""Rights as letters, and the commands and responses of RFC 4314."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.model.sharing import ALL_RIGHTS, AclAction, AclEntry, Rights
from postroad.wire.errors import BadSyntax, WireError
from postroad.wire.imap.acl import (
    Acl,
    Identified,
    ListRights,
    MyRights,
    SetAcl,
    encode_rights,
    parse_identified,
    parse_modification,
    parse_rights,
    parse_set_acl,
)
from wire.imap.commands import cursor

ET = Rights.EXPUNGE | Rights.DELETE_MESSAGES
KX = Rights.CREATE | Rights.DELETE
LR = Rights.LOOKUP | Rights.READ

MODIFICATIONS = [
    ("", AclAction.REPLACE, Rights.NONE),
    ("lr", AclAction.REPLACE, LR),
    ("rll", AclAction.REPLACE, LR),
    ("+d", AclAction.ADD, ET),
    ("-c", AclAction.REMOVE, KX),
    ("+", AclAction.ADD, Rights.NONE),
    ("lrswipkxteacd", AclAction.REPLACE, ALL_RIGHTS),
]


@pytest.mark.parametrize(("text", "action", "rights"), MODIFICATIONS)
def test_modifications(text: str, action: AclAction, rights: Rights) -> None:
    assert parse_modification(text) == (action, rights)


@pytest.mark.parametrize("text", ["q", "lR", "l r", "++l", "l+r", "0", "é"])
def test_unknown_rights_are_refused(text: str) -> None:
    """RFC 4314 section 3.1."""
    with pytest.raises(BadSyntax):
        parse_modification(text)


@given(st.integers(0, int(ALL_RIGHTS)))
def test_rights_there_and_back(number: int) -> None:
    rights = Rights(number)
    text = encode_rights(rights)
    assert ("d" in text) == bool(rights & ET)
    assert ("c" in text) == bool(rights & KX)
    assert parse_rights("".join(letter for letter in text if letter not in "cd")) == rights


def test_commands() -> None:
    command = cursor(b' "a b" {3+}\r\nbob +lr')
    assert parse_set_acl(command) == SetAcl("a b", "bob", AclAction.ADD, LR)
    command = cursor(b" inbox -Bob@example.test")
    assert parse_identified(command) == Identified("INBOX", "-Bob@example.test")


@pytest.mark.parametrize(
    "octets", [b' x "" lr', b' x " " lr', b" x - lr", b" x bob", b" x bob lr more", b' x "\xff" l']
)
def test_wrong_commands(octets: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_set_acl(cursor(octets))


@given(st.binary(max_size=60))
def test_nothing_but_wire_errors(octets: bytes) -> None:
    line = b" x " + octets.replace(b"\r", b"").replace(b"\n", b"").replace(b"{", b"")
    for parse in (parse_set_acl, parse_identified):
        with suppress(WireError):
            parse(cursor(line))


def test_responses() -> None:
    entries = [AclEntry("fred", False, LR | ET), AclEntry("fred", True, Rights.SEEN)]
    assert Acl("INBOX", entries, utf8=False).encode() == b"* ACL INBOX fred lrted -fred s\r\n"
    told = ListRights("a b", "anyone", Rights.NONE, LR | KX, utf8=True).encode()
    assert told == b'* LISTRIGHTS "a b" anyone "" l r k x c\r\n'
    assert MyRights("ä", Rights.NONE, utf8=False).encode() == b'* MYRIGHTS &AOQ- ""\r\n'
