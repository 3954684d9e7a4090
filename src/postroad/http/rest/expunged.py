"""/accounts/{address}/expunged: messages that were expunged and can be restored."""

import re
from typing import Annotated

import msgspec

from postroad.base.errors import NotFound, NotPermitted
from postroad.base.moments import to_iso
from postroad.http.contract.endpoint import Access, Call, Endpoint
from postroad.http.contract.problems import unprocessable
from postroad.http.rest.pages import Listed
from postroad.http.rest.services import RestServices
from postroad.model.ids import AccountId, MailboxId, Uid, mailbox_name
from postroad.model.undelete import KeptMessage, RestoredMessage

_ID = re.compile(r"([0-9]{1,18})\.([0-9]{1,10})", re.ASCII)
_MAX_IDS = 1000


class ExpungedQuery(msgspec.Struct, kw_only=True):
    """Which of them, expunged last first."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    mailbox: str | None = None


class Restore(msgspec.Struct, kw_only=True):
    """Messages to bring back, by the ids that the list shows."""

    ids: Annotated[list[str], msgspec.Meta(min_length=1, max_length=_MAX_IDS)]


class ExpungedEmail(msgspec.Struct, kw_only=True):
    """A message that can be restored."""

    id: str
    mailbox: str
    expunged_at: str
    received_at: str
    size: int
    subject: str


class RestoredEmail(msgspec.Struct, kw_only=True):
    """Where a message lies now."""

    id: str
    mailbox: str
    uid: int


async def _list(call: Call[RestServices, None]) -> Listed[ExpungedEmail]:
    query = call.query_as(ExpungedQuery)
    account = await _account(call)
    mailbox = None if query.mailbox is None else mailbox_name(query.mailbox)
    found = await call.services.undelete.kept(account, query.limit + 1, mailbox=mailbox)
    shown = [_shown(kept) for kept in found[: query.limit]]
    return Listed(has_more=len(found) > query.limit, data=shown)


async def _restore(call: Call[RestServices, Restore]) -> Listed[RestoredEmail]:
    places = [_place(each) for each in dict.fromkeys(call.body.ids)]
    account = await _account(call)
    restored = await call.services.undelete.restore(account, places)
    if not restored:
        raise NotFound("None of these messages is kept.")
    return Listed(data=[_restored(each) for each in restored])


async def _account(call: Call[RestServices, Restore] | Call[RestServices, None]) -> AccountId:
    """Security: only an account of the key's tenant, and not with a key for one domain."""
    if call.program.key.domain_id is not None:
        raise NotPermitted("This API key is restricted to one domain.")
    address = call.path["address"]
    found = await call.services.accounts.find(address)
    if found.tenant_id != call.program.tenant_id:
        raise NotFound(f"there is no account {address}")
    return found.account_id


def _place(text: str) -> tuple[MailboxId, Uid]:
    found = _ID.fullmatch(text)
    if found is None:
        raise unprocessable("invalid_parameter", "The `ids` must be ids that the list shows.")
    return MailboxId(int(found[1])), Uid(int(found[2]))


def _shown(kept: KeptMessage) -> ExpungedEmail:
    return ExpungedEmail(
        id=f"{kept.mailbox_id}.{kept.uid}",
        mailbox=kept.mailbox,
        expunged_at=to_iso(kept.expunged_at),
        received_at=to_iso(kept.internal_date),
        size=kept.size,
        subject=kept.subject,
    )


def _restored(each: RestoredMessage) -> RestoredEmail:
    return RestoredEmail(id=f"{each.mailbox_id}.{each.uid}", mailbox=each.target, uid=each.new_uid)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/accounts/{address}/expunged",
        "List the expunged messages of an account that can be restored.",
        Access.FULL,
        None,
        Listed[ExpungedEmail],
        _list,
        query=ExpungedQuery,
    ),
    Endpoint(
        "POST",
        "/accounts/{address}/expunged/restore",
        "Bring expunged messages back, under new UIDs.",
        Access.FULL,
        Restore,
        Listed[RestoredEmail],
        _restore,
    ),
)
