"""What a session tells of changes, whatever happens and whenever it may tell."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from postroad.core.mailbox.service import MailboxService
from postroad.model.ids import MailboxName, Uid
from postroad.model.mailbox import FlagAction, FlagChange, Flags
from postroad.sessions.imap.view import Selected
from postroad.wire.imap.responses import Exists, Expunged
from sessions.imap.clients import VIEWER, Clients
from sessions.imap.memory import ALICE

ACCOUNT = ALICE.account_id

_STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "flag", "tell", "tell all"]), st.integers(0, 9)),
    max_size=25,
)


async def opened() -> tuple[Clients, MailboxService, Selected]:
    clients = Clients()
    await clients.prepare("mailbox INBOX 3")
    mailboxes, name = clients.services.mailboxes, MailboxName("INBOX")
    place = await clients.services.reach.find(VIEWER, name)
    snapshot = await mailboxes.snapshot(place)
    return clients, mailboxes, Selected(mailboxes, place, snapshot, read_only=False)


@given(_STEPS)
async def test_a_client_that_listens_knows_the_mailbox(steps: list[tuple[str, int]]) -> None:
    clients, _, view = await opened()
    box = view.mailbox_id
    count = 3  # as a client counts that only reads EXISTS and EXPUNGE
    for what, which in [*steps, ("tell all", 0)]:
        held = clients.mail.box().placed
        chosen = [Uid(uid) for uid in list(held)[which : which + 2]]
        if what == "add":
            await clients.prepare("message INBOX small")
        elif what == "flag":
            change = FlagChange(FlagAction.ADD, Flags.DELETED, frozenset())
            await clients.mail.store_flags(ACCOUNT, box, chosen, change)
        elif what == "remove":
            await clients.mail.expunge(ACCOUNT, box, None)
        else:
            await view.refresh()
            expunge = what == "tell all"
            for said in view.news(expunge=expunge, vanished=False, mod_seq=False):
                if isinstance(said, Exists):
                    assert said.count >= count
                    count = said.count
                elif isinstance(said, Expunged):
                    assert expunge
                    for number in said.numbers:
                        assert 1 <= number <= count
                        count -= 1
            assert count == len(view.uids)
    assert list(view.uids) == list(clients.mail.box().placed)
    assert view.uids is view.snapshot.uids


async def test_places_of_uids() -> None:
    _, _, view = await opened()
    assert view.spans_of_uids([1, 3]) == [(0, 1), (2, 3)]
    assert view.spans_of_uids(array("I", [1, 2, 3])) == [(0, 3)]
    assert view.spans_of_uids([7]) == []
    assert view.numbers_of([2, 3]) == [2, 3]
