"""What comes in over SMTP: what is put above it, and who may send as whom."""

from pathlib import Path

import pytest

from core.house import MESSAGE, House, by, by_mx
from postroad.base.errors import MailError, NotPermitted, TooLarge
from postroad.core.message.facts import Facts, MailParameters
from postroad.model.directory import Account


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def _take(
    house: House, facts: Facts, reverse_path: str, forward_path: str, *chunks: bytes
) -> bytes:
    """The octets that are kept."""
    transaction = await house.reception.open(facts, reverse_path, MailParameters())
    try:
        await transaction.add_recipient(forward_path)
        for chunk in chunks:
            await transaction.write(chunk)
        await transaction.finish()
    finally:
        transaction.abort()
    return list(house.blobs.blobs.values())[-1]


async def _submit(house: House, account: Account, message: bytes) -> bytes:
    return await _take(house, by(account), account.address, "carol@else.test", message)


@pytest.mark.parametrize("chunks", [(), (b"",), (b"", b"", MESSAGE), (MESSAGE,)])
async def test_the_trace_stands_above_once(house: House, chunks: tuple[bytes, ...]) -> None:
    alice = await house.stores.person()
    kept = await _take(house, by_mx(), "eve@else.test", alice.address, *chunks)
    assert kept.startswith(b"Return-Path: <eve@else.test>\r\nReceived: from else.test (")
    assert kept.count(b"Return-Path:") == kept.count(b"Received:") == 1


async def test_what_a_client_calls_itself_is_plain_text(house: House) -> None:
    alice = await house.stores.person()
    facts = Facts(by_mx().way, "2001:db8::1", "b\u00fccher\r\nX: y (z)", "ESMTP")
    kept = await _take(house, facts, "", alice.address, MESSAGE)
    assert b"from bcherX:yz ([IPv6:2001:db8::1])" in kept
    assert kept.isascii()


@pytest.mark.parametrize(
    "header",
    [
        b"From: bob@example.test\r\n",
        b"From: alice@example.test\r\nFrom: bob@example.test\r\n",
        b"From: alice@example.test, bob@example.test\r\n",
        b"From: all: alice@example.test, bob@example.test;\r\n",
        b"From: alice@example.test\r\n <bob@example.test>\r\n",
        b"From: alice@example.test\r\nSender: bob@example.test\r\n",
        b"From:\r\n",
        b"Subject: none\r\n",
        b"",
    ],
)
async def test_a_from_that_is_not_the_submitters(house: House, header: bytes) -> None:
    alice = await house.stores.person()
    await house.stores.person("bob")
    with pytest.raises(NotPermitted):
        await _submit(house, alice, header + b"\r\nHello\r\n")


async def test_a_header_is_looked_at_whole_or_not_taken(house: House) -> None:
    """Security: a second From must not hide behind what we look at."""
    alice = await house.stores.person()
    padding = b"X: " + b"x" * 900 + b"\r\n"
    header = b"From: alice@example.test\r\n" + padding * 1300 + b"From: bob@example.test\r\n"
    with pytest.raises(TooLarge):
        await _submit(house, alice, header + b"\r\nHello\r\n")


async def test_blind_copies_are_taken_out(house: House) -> None:
    alice = await house.stores.person()
    header = (
        b"Bcc: secret@one.test,\r\n\tsecret@two.test\r\nFrom: alice@example.test\r\n"
        b"BCC : secret@three.test\r\nReturn-Path: <secret@four.test>\r\nSubject: x\r\n"
        b"bcc:\r\n secret@five.test\r\n"
    )
    kept = await _submit(house, alice, header + b"\r\nHello\r\n")
    assert b"secret" not in kept
    assert b"\r\nSubject: x\r\n" in kept
    assert kept.count(b"\r\nDate: ") == kept.count(b"\r\nMessage-ID: ") == 1
    assert kept.endswith(b"\r\n\r\nHello\r\n")


async def test_resent_blind_copies_are_taken_out(house: House) -> None:
    """RFC 5322 section 3.6.6: Resent-Bcc is to the resent message what Bcc is to the first."""
    alice = await house.stores.person()
    header = b"From: alice@example.test\r\nResent-Bcc: secret@one.test\r\n"
    assert b"secret" not in await _submit(house, alice, header + b"\r\nHello\r\n")


@pytest.mark.parametrize("reverse_path", ["", "bob@example.test", "nobody@else.test"])
async def test_a_reverse_path_that_is_not_the_submitters(house: House, reverse_path: str) -> None:
    alice = await house.stores.person()
    await house.stores.person("bob")
    with pytest.raises(NotPermitted):
        await house.reception.open(by(alice), reverse_path, MailParameters())


async def test_a_message_of_exactly_the_limit(house: House) -> None:
    alice = await house.stores.person()
    start = b"Subject: x\r\n\r\n"
    full = start + b"x" * (house.reception.settings.max_octets - len(start))
    await _take(house, by_mx(), "eve@else.test", alice.address, full)
    with pytest.raises(TooLarge):
        await _take(house, by_mx(), "eve@else.test", alice.address, full, b"y")


async def test_a_message_without_an_end_of_its_header(house: House) -> None:
    alice = await house.stores.person()
    kept = await _submit(house, alice, b"From: alice@example.test")
    assert kept.partition(b"\r\n\r\n")[2] == b""
    assert b"From: alice@example.test\r\n" in kept


async def test_a_message_in_a_loop(house: House) -> None:
    alice = await house.stores.person()
    with pytest.raises(MailError):
        await _take(
            house, by_mx(), "e@else.test", alice.address, b"Received: x\r\n" * 100, b"\r\n"
        )


async def test_unknown_local_recipients_and_relaying(house: House) -> None:
    await house.stores.person()
    transaction = await house.reception.open(by_mx(), "eve@else.test", MailParameters())
    for forward_path in ("nobody@example.test", "a@else.test", "a@[192.0.2.1]"):
        with pytest.raises(MailError):
            await transaction.add_recipient(forward_path)
    transaction.abort()


BINARY = (
    b"From: eve@else.test\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
    b"Content-Transfer-Encoding: binary\r\n\r\n\x00\n\xff"
)


async def test_binary_parts_are_kept_in_base64(house: House) -> None:
    alice = await house.stores.person()
    kept = await _take(house, by_mx(), "eve@else.test", alice.address, BINARY)
    assert kept.endswith(b"Content-Transfer-Encoding: base64\r\n\r\nAAr/\r\n")
    assert b"\0" not in kept


async def test_what_cannot_be_encoded_is_kept_as_it_came(house: House) -> None:
    alice = await house.stores.person()
    message = b"Subject: \x00\r\n\r\nx\r\n"
    kept = await _take(house, by_mx(), "eve@else.test", alice.address, message)
    assert kept.endswith(message)
