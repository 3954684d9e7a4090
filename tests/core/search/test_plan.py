"""What of a message is read."""

import pytest

from postroad.core.search.plan import Message, Plan, Wanted, batches, make_plan
from postroad.formats.mime.prepare import prepare
from postroad.model.ids import BlobId

BLOB = BlobId(b"b" * 16)
ALL = Wanted(header=True, body_octets=100_000)

MIXED = b"""\
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

preamble
--b
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Sch=F6n
--b
Content-Type: text/html

<p>One<br>two <script>three</script></p>
--b
Content-Type: application/pdf; name="Invoice 12.pdf"
Content-Transfer-Encoding: base64

c2VjcmV0
--b
Content-Type: message/rfc822

Subject: inner

deep
--b
Content-Type: message/delivery-status

Action: failed
--b--
""".replace(b"\n", b"\r\n")


def read(octets: bytes, wanted: Wanted) -> Message:
    plan = make_plan(7, BLOB, prepare(octets).part_table, wanted)
    return Message(plan, [octets[each.start : each.end] for each in plan.ranges()])


def test_texts_of_all_kinds() -> None:
    message = read(MIXED, ALL)
    assert message.plan.is_whole
    assert "Subject: Grüße" in message.header_text()
    texts = [text.strip() for text in message.body_texts()]
    assert texts == ["Invoice 12.pdf", "Schön", "One\ntwo", "Subject: inner", "deep",
                     "Action: failed"]  # fmt: skip


def test_only_the_header() -> None:
    message = read(MIXED, Wanted(header=True, body_octets=0))
    assert message.plan.octets == MIXED.index(b"\r\n\r\n") + 4
    assert message.plan.is_whole
    assert list(message.body_texts()) == []
    assert message.header().startswith(b"Subject: =?")


def test_only_the_body() -> None:
    message = read(MIXED, Wanted(header=False, body_octets=100_000))
    assert message.header() == b""
    assert message.header_text() == ""
    assert len(list(message.body_texts())) == 6


@pytest.mark.parametrize("octets", [1, 8, 20, 60])
def test_a_body_that_is_cut_says_so(octets: int) -> None:
    message = read(MIXED, Wanted(header=False, body_octets=octets))
    assert not message.plan.is_whole
    assert message.plan.octets == octets
    assert "Invoice 12.pdf" in list(message.body_texts())


@pytest.mark.parametrize(
    "octets",
    [b"", b"\r\n", b"a: b", b"a: b\r\n\r\n", b"\0\r\n\r\n\xff", b"Content-Type: text/html"],
)
def test_odd_messages(octets: bytes) -> None:
    message = read(octets, ALL)
    assert isinstance("".join([message.header_text(), *message.body_texts()]), str)


def _plan(size: int) -> Plan:
    return read(b"\r\n" + b"x" * (size - 2), ALL).plan


def test_batches_are_bounded() -> None:
    plans = [_plan(size) for size in (10, 10, 30, 100, 5, 5, 5, 5)]
    found = [[plan.octets for plan in batch] for batch in batches(plans, 40, 3)]
    assert found == [[10, 10], [30], [100], [5, 5, 5], [5]]
    assert list(batches([], 40, 3)) == []
