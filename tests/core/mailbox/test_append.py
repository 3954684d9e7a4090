"""Messages that a person's program puts into a mailbox."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from core.house import House
from postroad.adapters.spool.folder import SpoolFolder
from postroad.base.errors import Invalid, LowSpace, OverQuota, TooLarge
from postroad.core.mailbox.append import Appending
from postroad.model.ids import BlobId, MailboxName, Uid
from postroad.model.mailbox import Column, Flags, Replaced
from postroad.model.sharing import Place, Spot
from postroad.stores.blobs import Piece
from stores.making import Stores

INBOX = MailboxName("INBOX")
BINARY = (
    b"MIME-Version: 1.0\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    b"\x89PNG\r\n\x1a\n\x00\x00"
)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def appending(house: House) -> Appending:
    assert isinstance(house.stores, Stores)
    assert isinstance(house.spools, SpoolFolder)
    return Appending(
        house.stores.mail,
        house.blobs,
        house.spools,
        house.bus,
        house.jobs,
        house.clock,
        max_octets=1000,
    )


async def put(house: House, octets: bytes, replaces: Replaced | None = None) -> Uid:
    account = await house.stores.directory.find_account("alice@example.test")
    assert account is not None
    place = Place(Spot(account.account_id, INBOX), await house.stores.mailbox(account.account_id))
    incoming = await appending(house).open(place, len(octets), replaces)
    try:
        await incoming.write(octets)
        done = await incoming.finish(Flags.NONE, frozenset(), None)
    finally:
        incoming.close()
    return done.uids[0]


async def test_binary_parts_are_kept_in_base64(house: House) -> None:
    """RFC 3516 section 4.4: nothing of the data is lost."""
    await house.stores.person()
    await put(house, BINARY)
    (kept,) = house.blobs.blobs.values()
    assert b"Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgoAAA==\r\n" in kept


async def test_binary_where_it_cannot_be_encoded_is_refused(house: House) -> None:
    await house.stores.person()
    with pytest.raises(Invalid, match="NUL"):
        await put(house, b"Subject: \x00\r\n\r\nx")
    assert house.blobs.blobs == {}


async def test_what_is_replaced_makes_room(house: House) -> None:
    account = (await house.stores.person(quota=150)).account_id
    inbox = await house.stores.mailbox(account)
    first = await put(house, b"x" * 100)
    with pytest.raises(OverQuota):
        await put(house, b"y" * 120)
    second = await put(house, b"y" * 120, Replaced(account, inbox.mailbox_id, first))
    assert [row[0] for row in await house.stores.messages(account, inbox.mailbox_id)] == [second]
    assert await house.stores.room(account) == (120, 150)


async def test_pieces_together_are_bounded(house: House) -> None:
    account = (await house.stores.person()).account_id
    place = Place(Spot(account, INBOX), await house.stores.mailbox(account))
    incoming = await appending(house).open(place, 600)
    await incoming.write(b"x" * 600)
    with pytest.raises(TooLarge):
        await incoming.write(b"x" * 600)
    incoming.close()


async def _put_many(house: House, messages: list[bytes]) -> list[Uid]:
    account = await house.stores.directory.find_account("alice@example.test")
    assert account is not None
    place = Place(Spot(account.account_id, INBOX), await house.stores.mailbox(account.account_id))
    incoming = await appending(house).open(place, len(messages[0]))
    try:
        await incoming.write(messages[0])
        for message in messages[1:]:
            await incoming.next(Flags.NONE, frozenset(), None, len(message))
            await incoming.write(message)
        return list((await incoming.finish(Flags.NONE, frozenset(), None)).uids)
    finally:
        incoming.close()


async def test_many_at_once_keep_their_order(house: House) -> None:
    account = (await house.stores.person()).account_id
    inbox = await house.stores.mailbox(account)
    messages = [b"Subject: %d\r\n\r\n%b" % (n, b"x" * (n % 7)) for n in range(250)]
    uids = await _put_many(house, messages)
    assert uids == list(range(1, 251))
    sizes = await house.stores.mail.rows(account, inbox.mailbox_id, uids, [Column.SIZE])
    assert [row[1] for row in sizes] == [len(message) for message in messages]
    assert sorted(house.blobs.blobs.values()) == sorted(messages)


async def test_all_or_none_of_many(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    account = (await house.stores.person()).account_id
    inbox = await house.stores.mailbox(account)
    put = house.blobs.put

    async def failing(pieces: Sequence[Piece]) -> BlobId:
        if b"Subject: 3" in b"".join(bytes(piece) for piece in pieces):
            raise LowSpace("the disk is full")
        return await put(pieces)

    monkeypatch.setattr(house.blobs, "put", failing)
    with pytest.raises(LowSpace):
        await _put_many(house, [b"Subject: %d\r\n\r\n" % n for n in range(9)])
    assert await house.stores.messages(account, inbox.mailbox_id) == []
