"""The arguments of SETQUOTA (RFC 9208 section 4.1.3)."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.errors import BadSyntax, WireError
from postroad.wire.imap.quota import Quota, SetQuota, parse_quota_root_name, parse_set_quota
from wire.imap.commands import cursor

GOOD = [
    (b' "#user/alice" (STORAGE 510)', SetQuota(b"#user/alice", {b"STORAGE": 510})),
    (b' "" (storage 0 MESSAGE 9)', SetQuota(b"", {b"STORAGE": 0, b"MESSAGE": 9})),
    (b" a@b ()", SetQuota(b"a@b", {})),
    (b" {1+}\r\nx (MAILBOX 9223372036854775807)", SetQuota(b"x", {b"MAILBOX": 2**63 - 1})),
]


@pytest.mark.parametrize(("octets", "value"), GOOD)
def test_set_quota(octets: bytes, value: SetQuota) -> None:
    assert parse_set_quota(cursor(octets)) == value


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b' ""',
        b' "" STORAGE 1',
        b' "" (STORAGE)',
        b' "" (STORAGE -1)',
        b' "" (STORAGE 9223372036854775808)',
        b' "" (STORAGE 1 storage 1)',
        b' "" (STORAGE 1) ',
        b' "" (' + b" ".join(b"R%d 1" % n for n in range(51)) + b")",
    ],
)
def test_what_is_no_list_of_limits(octets: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_set_quota(cursor(octets))


def test_a_quota_is_told_as_it_is_read() -> None:
    told = Quota(b"a b", {b"STORAGE": (1, 2), b"MAILBOX": (0, 7)})
    assert told.encode() == b'* QUOTA "a b" (STORAGE 1 2 MAILBOX 0 7)\r\n'


@given(st.binary(max_size=60).filter(lambda octets: not set(octets) & set(b"\r\n{}")))
def test_nothing_but_wire_errors_comes_out(octets: bytes) -> None:
    for parse in (parse_quota_root_name, parse_set_quota):
        with suppress(WireError):
            parse(cursor(b" " + octets))
