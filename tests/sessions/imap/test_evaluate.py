"""Search keys against what they mean, message by message."""

from hypothesis import given
from hypothesis import strategies as st

from postroad.model.ids import MailboxName, Uid
from postroad.model.mailbox import FlagAction, FlagChange, Flags
from postroad.model.principal import Principal
from postroad.sessions.imap.evaluate import Evaluation
from postroad.sessions.imap.feature import Context
from postroad.sessions.imap.settings import Peer
from postroad.sessions.imap.view import Selected
from postroad.wire.imap import searchkeys as s
from postroad.wire.imap.searchkeys import Key, Side
from postroad.wire.imap.sequence import SequenceSet
from sessions.imap.clients import SETTINGS, VIEWER, Clients
from sessions.imap.memory import ALICE

_LEAVES: list[Key] = [
    s.All(),
    s.All(wanted=False),
    s.HasFlag("\\Seen", wanted=True),
    s.HasFlag("\\Flagged", wanted=False),
    s.HasFlag("$x", wanted=True),
    s.InSet(SequenceSet(((1, 2), (5, 0))), uid=False),
    s.InSet(SequenceSet(((2, 4),)), uid=True),
    s.Sized(Side.SINCE, 183),
    s.HasHeader("subject", "hello"),
    s.ModifiedSince(6),
]
KEYS = st.recursive(
    st.sampled_from(_LEAVES),
    lambda keys: (
        st.builds(s.Not, keys)
        | st.builds(s.Or, st.tuples(keys, keys))
        | st.builds(lambda some: s.And(tuple(some)), st.lists(keys, min_size=1, max_size=3))
    ),
    max_leaves=8,
)


def means(key: Key, leaves: dict[Key, set[int]], everything: set[int]) -> set[int]:
    match key:
        case s.And():
            return set.intersection(*(means(each, leaves, everything) for each in key.keys))
        case s.Or():
            return set.union(*(means(each, leaves, everything) for each in key.keys))
        case s.Not():
            return everything - means(key.key, leaves, everything)
        case _:
            return leaves[key]


async def evaluation() -> Evaluation:
    clients = Clients()
    for text in ("mailbox INBOX", "message INBOX small", "message INBOX mixed seen",
                 "message INBOX small seen flagged", "message INBOX mixed",
                 "message INBOX small flagged"):  # fmt: skip
        await clients.prepare(text)
    mailboxes = clients.services.mailboxes
    place = await clients.services.reach.find(VIEWER, MailboxName("INBOX"))
    mailbox = place.mailbox
    snapshot = await mailboxes.snapshot(place)
    view = Selected(mailboxes, place, snapshot, read_only=False)
    # One message goes without the client being told: it matches nothing.
    await clients.prepare("message INBOX small")
    deleted = FlagChange(FlagAction.ADD, Flags.DELETED, frozenset())
    await clients.mail.store_flags(ALICE.account_id, mailbox.mailbox_id, [Uid(4)], deleted)
    await clients.mail.expunge(ALICE.account_id, mailbox.mailbox_id, None)
    await view.refresh()
    list(view.news(expunge=False, vanished=False, mod_seq=False))
    context = Context(
        clients.services,
        SETTINGS,
        Peer(""),
        True,
        True,
        lambda _: (),
        principal=Principal(ALICE, ""),
    )
    return Evaluation(context, view)


@given(KEYS)
async def test_keys_mean_what_they_are_made_of(key: Key) -> None:
    it = await evaluation()
    everything = set(await it.places(s.All()))
    leaves = {leaf: set(await it.places(leaf)) for leaf in _LEAVES}
    assert set(await it.places(key)) == means(key, leaves, everything)


async def test_what_the_leaves_find() -> None:
    it = await evaluation()
    found = [await it.places(leaf) for leaf in _LEAVES]
    assert found[0] == [0, 1, 2, 4, 5]
    assert found[1:5] == [[], [1, 2], [0, 1, 5], []]
    assert found[5:9] == [[0, 1, 4, 5], [1, 2], [1], [0, 2, 4, 5]]
