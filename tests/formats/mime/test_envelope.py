import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.mime.imapgrammar import check_envelope, read
from formats.mime.samples import nonsense
from postroad.formats.mime import envelope
from postroad.formats.mime.headers import Header

# RFC 9051 section 8.
SAMPLE = b"""Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r
From: Terry Gray <gray@cac.washington.edu>\r
Subject: IMAP4rev2 WG mtg summary and minutes\r
To: imap@cac.washington.edu\r
cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r
Message-Id: <B27397-0100000@cac.washington.edu>\r
MIME-Version: 1.0\r
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r
"""
GRAY = b'(("Terry Gray" NIL "gray" "cac.washington.edu"))'
SAMPLE_ENVELOPE = (
    b'("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes" '
    + b" ".join((GRAY, GRAY, GRAY))
    + b' ((NIL NIL "imap" "cac.washington.edu")) ((NIL NIL "minutes" "CNRI.Reston.VA.US")'
    b'("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL "<B27397-0100000@cac.washington.edu>")'
)

NOTHING = b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"
A = b'((NIL NIL "a" "b"))'

CASES = [
    ("the sample of RFC 9051", SAMPLE, SAMPLE_ENVELOPE),
    ("nothing", b"", NOTHING),
    (
        "present but empty",
        b"Date:\r\nSubject: \r\nFrom:\r\nSender:\r\nTo:\r\nIn-Reply-To:\r\nMessage-ID:\r\n",
        b'("" "" NIL NIL NIL NIL NIL NIL "" "")',
    ),
    (
        "sender and reply-to are from",
        b"From: a@b\r\nSender:\r\n",
        b"(NIL NIL %b %b %b NIL NIL NIL NIL NIL)" % (A, A, A),
    ),
    (
        "sender of its own",
        b"From: a@b\r\nSender: c@d\r\n",
        b'(NIL NIL %b ((NIL NIL "c" "d")) %b NIL NIL NIL NIL NIL)' % (A, A),
    ),
    (
        "a group",
        b"To: G: a@b, C <c@d>;\r\n",
        b'(NIL NIL NIL NIL NIL ((NIL NIL "G" NIL)(NIL NIL "a" "b")("C" NIL "c" "d")'
        b"(NIL NIL NIL NIL)) NIL NIL NIL NIL)",
    ),
    (
        "a route",
        b"To: <@x,@y:a@b>\r\n",
        b'(NIL NIL NIL NIL NIL ((NIL "@x,@y" "a" "b")) NIL NIL NIL NIL)',
    ),
    ("no domain", b"To: root\r\n", b'(NIL NIL NIL NIL NIL ((NIL NIL "root" "")) NIL NIL NIL NIL)'),
    (
        "twice",
        b"To: a@b\r\nTo: a@b\r\n",
        b'(NIL NIL NIL NIL NIL ((NIL NIL "a" "b")(NIL NIL "a" "b")) NIL NIL NIL NIL)',
    ),
    (
        "encoded words stay",
        b"Subject: =?utf-8?q?x?=\r\n =?utf-8?q?y?=\r\n",
        b'(NIL "=?utf-8?q?x?= =?utf-8?q?y?=" NIL NIL NIL NIL NIL NIL NIL NIL)',
    ),
    (
        "quoting",
        b'Subject: a "b" \\c\r\n',
        b'(NIL "a \\"b\\" \\\\c" NIL NIL NIL NIL NIL NIL NIL NIL)',
    ),
]


@pytest.mark.parametrize(
    ("header", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_envelopes(header: bytes, expected: bytes) -> None:
    found = envelope.read(Header(header))
    assert envelope.encode(found) == expected
    assert envelope.encode(found, utf8=True) == expected
    check_envelope(read(expected))


INTERNATIONAL = "Subject: é\r\nFrom: José <josé@bücher.test>\r\nTo: a@bücher.test\r\n".encode()


def test_utf8_is_raw_for_those_who_asked() -> None:
    jose = '(("José" NIL "josé" "bücher.test"))'
    assert envelope.encode(envelope.read(Header(INTERNATIONAL)), utf8=True) == (
        f'(NIL "é" {jose} {jose} {jose} ((NIL NIL "a" "bücher.test")) NIL NIL NIL NIL)'.encode()
    )


def test_others_get_ascii() -> None:
    jose = b'(("=?utf-8?b?Sm9zw6k=?=" NIL "invalid" "internationalized-address.invalid"))'
    encoded = envelope.encode(envelope.read(Header(INTERNATIONAL)))
    assert encoded.isascii()
    assert encoded == (
        b'(NIL "=?utf-8?b?w6k=?=" %b %b %b ((NIL NIL "a" "xn--bcher-kva.test")) NIL NIL NIL NIL)'
        % (jose, jose, jose)
    )


@given(st.binary(max_size=300))
def test_any_header_has_an_envelope(octets: bytes) -> None:
    _check(b"From: " + octets + b"\r\nSubject: " + octets)


@given(st.integers(0, 2**32))
def test_any_order_of_lines_has_an_envelope(seed: int) -> None:
    _check(nonsense(seed))


def _check(octets: bytes) -> None:
    found = envelope.read(Header(octets))
    plain, utf8 = envelope.encode(found), envelope.encode(found, utf8=True)
    assert plain.isascii()
    utf8.decode("utf-8")
    check_envelope(read(plain))
    check_envelope(read(utf8))


def test_authors_are_few() -> None:
    found = envelope.read(Header(b"From: " + b"a@b," * 5000))
    assert len(found.from_) == 100
