"""What every `MailStore` must do where the caller knows which emails it asks for."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from postroad.model.ids import AccountId, EmailId, MailboxId, Uid
from postroad.model.mailbox import Column, FlagAction, FlagChange, Flags, Joined, NewEmail
from stores.making import Stores, arrival, email

DELETED = FlagChange(FlagAction.ADD, Flags.DELETED, frozenset())
MANY = 120


def _numbered(number: int, *, utf8: bool = False) -> NewEmail:
    """An email whose octets say its number."""
    new = email()
    kept = replace(
        new.prepared,
        envelope=b"(%d 100%%)" % number,
        envelope_utf8=b"(utf8 %d)" % number if utf8 else None,
    )
    return replace(new, prepared=kept)


async def _filled(stores: Stores) -> tuple[AccountId, MailboxId, MailboxId]:
    """An account with many messages in INBOX, and Sent."""
    account = await stores.account()
    inbox, sent = await stores.mailbox(account), await stores.mailbox(account, "Sent")
    emails = [arrival(_numbered(n, utf8=n % 10 == 0)) for n in range(MANY)]
    await stores.mail.append(account, inbox.mailbox_id, emails)
    return account, inbox.mailbox_id, sent.mailbox_id


async def _ask(
    stores: Stores,
    account: AccountId,
    mailbox: MailboxId,
    uids: Sequence[Uid] = (),
    columns: Sequence[Column] = (Column.ENVELOPE,),
) -> tuple[list[int], list[bytes]]:
    """What is told with the emails of a snapshot; without them it is the same."""
    _, placed = await stores.mail.placements(account, mailbox)
    known = dict(zip(placed.uids, placed.email_ids, strict=True))
    wanted = uids or [Uid(uid) for uid in placed.uids]
    emails = [EmailId(known.get(uid, 1)) for uid in wanted]
    told = await stores.mail.octets_of(account, mailbox, wanted, columns, emails)
    plain = await stores.mail.octets_of(account, mailbox, wanted, columns)
    assert _spread(told) == _spread(plain)
    return _spread(told)


def _spread(told: tuple[Sequence[Uid], Joined | list[bytes]]) -> tuple[list[int], list[bytes]]:
    uids, octets = told
    return list(uids), octets.split() if isinstance(octets, Joined) else octets


def _envelopes(numbers: Sequence[int]) -> list[bytes]:
    return [b"(%d 100%%)" % number for number in numbers]


class NeighbourContract:
    async def test_octets_of_emails_are_theirs(self, stores: Stores) -> None:
        account, inbox, _ = await _filled(stores)
        uids, octets = await _ask(stores, account, inbox)
        assert (uids, octets) == (list(range(1, MANY + 1)), _envelopes(range(MANY)))
        some = [Uid(uid) for uid in range(20, 90)]
        uids, octets = await _ask(stores, account, inbox, some)
        assert (uids, octets) == (some, _envelopes(range(19, 89)))

    async def test_the_first_form_that_is_set(self, stores: Stores) -> None:
        account, inbox, _ = await _filled(stores)
        both = (Column.ENVELOPE_UTF8, Column.ENVELOPE)
        _, octets = await _ask(stores, account, inbox, columns=both)
        assert octets[19:21] == [b"(19 100%)", b"(utf8 20)"]
        _, octets = await _ask(stores, account, inbox, columns=both[:1])
        assert octets[19:21] == [b"", b"(utf8 20)"]
        _, octets = await _ask(stores, account, inbox, columns=(Column.PART_TABLE,))
        assert octets == [b"\0\xff"] * MANY

    @pytest.mark.parametrize("every", [10, 2])
    async def test_others_between_them_are_left_out(self, stores: Stores, every: int) -> None:
        account, inbox, sent = await _filled(stores)
        moved = [Uid(uid) for uid in range(1, MANY + 1, every)]
        await stores.mail.move(account, moved, inbox, sent)
        stay = [n for n in range(MANY) if n % every]
        assert await _ask(stores, account, inbox) == ([n + 1 for n in stay], _envelopes(stay))
        gone = [n for n in range(MANY) if not n % every]
        _, octets = await _ask(stores, account, sent)
        assert octets == _envelopes(gone)

    async def test_what_went_since_is_left_out(self, stores: Stores) -> None:
        account, inbox, sent = await _filled(stores)
        _, placed = await stores.mail.placements(account, inbox)
        await stores.mail.store_flags(account, inbox, [Uid(7)], DELETED)
        await stores.mail.expunge(account, inbox, None)
        await stores.mail.copy(account, [Uid(8)], inbox, sent)
        uids = [Uid(uid) for uid in placed.uids]
        emails = [EmailId(each) for each in placed.email_ids]
        told = await stores.mail.octets_of(account, inbox, uids, [Column.ENVELOPE], emails)
        there = [n for n in range(MANY) if n != 6]
        assert _spread(told) == ([n + 1 for n in there], _envelopes(there))

    async def test_emails_that_are_not_in_order(self, stores: Stores) -> None:
        account, inbox, sent = await _filled(stores)
        for first in (61, 1):
            some = [Uid(uid) for uid in range(first, first + 60)]
            await stores.mail.copy(account, some, inbox, sent)
        await stores.mail.copy(account, [Uid(1), Uid(2)], inbox, sent)  # these are there twice
        _, octets = await _ask(stores, account, sent)
        assert octets == _envelopes([*range(60, MANY), *range(60), 0, 1])

    async def test_octets_with_a_nul(self, stores: Stores) -> None:
        account, inbox, _ = await _filled(stores)
        new = email()
        kept = replace(new.prepared, envelope=b"(a\0b)")
        await stores.mail.append(account, inbox, [arrival(replace(new, prepared=kept))])
        _, octets = await _ask(stores, account, inbox)
        assert octets == [*_envelopes(range(MANY)), b"(a\0b)"]

    async def test_nobody_reads_the_emails_of_another_owner(self, stores: Stores) -> None:
        account, inbox, _ = await _filled(stores)
        bob = await stores.account("bob")
        _, placed = await stores.mail.placements(account, inbox)
        uids = [Uid(uid) for uid in placed.uids]
        emails = [EmailId(each) for each in placed.email_ids]
        told = await stores.mail.octets_of(bob, inbox, uids, [Column.ENVELOPE], emails)
        assert _spread(told) == ([], [])
