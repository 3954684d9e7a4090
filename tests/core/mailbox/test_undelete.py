"""Restoring in slices, and the news of it."""

from pathlib import Path

import pytest

from core.house import House
from postroad.base.moments import Moment
from postroad.core.mailbox import undelete
from postroad.core.mailbox.undelete import Undelete
from postroad.model.ids import MailboxId, Uid
from postroad.model.mailbox import FlagAction, FlagChange, Flags
from stores.making import INBOX

DELETED = FlagChange(FlagAction.ADD, Flags.DELETED, frozenset())


async def test_all_comes_back_slice_by_slice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undelete, "_SLICE", 2)
    house = House(tmp_path)
    account = await house.stores.account()
    inbox = (await house.stores.mailbox(account)).mailbox_id
    uids = await house.stores.fill(account, inbox, 5)
    await house.stores.mail.store_flags(account, inbox, uids, DELETED)
    await house.stores.mail.expunge(account, inbox, None)
    service = Undelete(house.stores.mail, house.bus)
    assert len(await service.kept(account, 10, mailbox=INBOX)) == 5
    place = inbox, Uid(3)
    assert [one.new_uid for one in await service.restore(account, [place])] == [6]
    assert await service.restore(account, [place, (MailboxId(99), Uid(1))]) == []
    done = await service.restore_since(account, Moment(0))
    assert sorted(one.uid for one in done) == [1, 2, 4, 5]
    assert sorted(one.new_uid for one in done) == [7, 8, 9, 10]
    assert await service.kept(account, 10) == []
