"""What `changes` tells must lead from any earlier state of a mailbox to the present one."""

from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postroad.core.mailbox.cache import SnapshotCache
from postroad.core.mailbox.snapshot import Snapshot, apply, difference, flagged
from postroad.model.ids import AccountId, MailboxId, MailboxName, ModSeq, Uid
from postroad.model.mailbox import FlagAction, FlagChange, Flags
from stores.making import (
    FUTURE,
    Stores,
    arrival,
    email,
    is_array_of_uids,
    spread,
    uids_of,
)

_UIDS = st.lists(st.integers(1, 12), max_size=6, unique=True).map(sorted)
_BOX = st.integers(0, 1)
_CHANGE = st.builds(
    FlagChange,
    st.sampled_from(FlagAction),
    st.sampled_from([Flags.NONE, Flags.SEEN, Flags.DELETED, Flags.SEEN | Flags.DELETED]),
    st.sets(st.sampled_from(["$a", "$b"])).map(frozenset),
)
_STEP = st.one_of(
    st.tuples(st.just("append"), _BOX, st.integers(1, 3)),
    st.tuples(st.just("store"), _BOX, _UIDS, _CHANGE, st.booleans()),
    st.tuples(st.just("copy"), _BOX, _BOX, _UIDS),
    st.tuples(st.just("move"), _BOX, _BOX, _UIDS),
    st.tuples(st.just("expunge"), _BOX, st.none() | _UIDS),
)
# Each example makes an account of its own, and each adapter runs this very test.
_SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
Look = tuple[int, frozenset[str]]


@dataclass
class Model:
    """The two mailboxes as plain dicts: what the standard says, without any store."""

    boxes: list[dict[int, Look]] = field(default_factory=lambda: [{}, {}])
    uid_next: list[int] = field(default_factory=lambda: [1, 1])

    def place(self, box: int, looks: list[Look]) -> list[int]:
        first = self.uid_next[box]
        fresh = list(range(first, first + len(looks)))
        self.boxes[box].update(zip(fresh, looks, strict=True))
        self.uid_next[box] += len(looks)
        return fresh

    def store(self, box: int, uids: list[int], change: FlagChange) -> list[int]:
        changed = []
        for uid in uids:
            if uid in self.boxes[box]:
                before = self.boxes[box][uid]
                self.boxes[box][uid] = changed_look(before, change)
                if self.boxes[box][uid] != before:
                    changed.append(uid)
        return changed

    def transfer(self, source: int, target: int, uids: list[int], *, keep: bool) -> list[int]:
        there = [uid for uid in uids if uid in self.boxes[source]]
        looks = [self.boxes[source][uid] for uid in there]
        if not keep:
            for uid in there:
                del self.boxes[source][uid]
        return self.place(target, looks)

    def expunge(self, box: int, uids: list[int] | None) -> list[int]:
        marked = [uid for uid, look in self.boxes[box].items() if look[0] & Flags.DELETED]
        gone = sorted(uid for uid in marked if uids is None or uid in uids)
        for uid in gone:
            del self.boxes[box][uid]
        return gone


def changed_look(look: Look, change: FlagChange) -> Look:
    flags, keywords = look
    match change.action:
        case FlagAction.ADD:
            return flags | int(change.flags), keywords | change.keywords
        case FlagAction.REMOVE:
            return flags & ~int(change.flags), keywords - change.keywords
        case FlagAction.REPLACE:
            return int(change.flags), change.keywords


@dataclass
class Trial:
    """A store and the model beside each other."""

    stores: Stores
    account: AccountId
    ids: list[MailboxId]
    model: Model = field(default_factory=Model)
    history: list[Snapshot] = field(default_factory=list)

    async def snapshot(self, box: int) -> Snapshot:
        return Snapshot(*await self.stores.mail.placements(self.account, self.ids[box]))

    async def step(self, step: tuple[object, ...]) -> bool:
        """Do it in both and compare the answers; True if anything changed."""
        match step:
            case ("append", int(box), int(count)):
                emails = [arrival(email(size=10)) for _ in range(count)]
                done = await self.stores.mail.append(self.account, self.ids[box], emails)
                fresh = self.model.place(box, [(0, frozenset())] * count)
                assert list(done.uids) == fresh
                return True
            case ("store", int(box), list(uids), FlagChange() as change, bool(conditional)):
                return await self._store(box, uids, change, conditional=conditional)
            case ("copy" | "move" as verb, int(source), int(target), list(uids)):
                mail = self.stores.mail
                call = mail.copy if verb == "copy" else mail.move
                copied = await call(self.account, uids, self.ids[source], self.ids[target])
                fresh = self.model.transfer(source, target, uids, keep=verb == "copy")
                assert list(copied.target) == fresh
                return bool(fresh)
            case ("expunge", int(box), None | list() as uids):
                wanted = None if uids is None else list[Uid](uids)
                gone = await self.stores.mail.expunge(self.account, self.ids[box], wanted)
                assert list(gone) == self.model.expunge(box, uids)
                return bool(gone)
        raise AssertionError(step)

    async def _store(
        self, box: int, uids: list[int], change: FlagChange, *, conditional: bool
    ) -> bool:
        known = None
        if conditional and self.history:
            known = ModSeq(self.history[len(self.history) // 2].mod_seq)
        before = await self.stores.messages(self.account, self.ids[box])
        fits = [one[0] for one in before if known is None or one[4] <= known]
        done = await self.stores.mail.store_flags(
            self.account, self.ids[box], [Uid(uid) for uid in uids], change, known
        )
        refused = [uid for uid in uids if uid in uids_of(before) and uid not in fits]
        assert list(done.modified) == refused
        allowed = [uid for uid in uids if uid in fits]
        assert list(done.changed) == self.model.store(box, allowed, change)
        return bool(done.changed)


class ChangesContract:
    @settings(max_examples=60, deadline=None, suppress_health_check=_SHARED)
    @given(steps=st.lists(_STEP, max_size=25))
    async def test_changes_lead_from_any_state_to_the_present(
        self, stores: Stores, steps: list[tuple[object, ...]]
    ) -> None:
        name = f"user{len(await stores.directory.accounts())}"
        account = await stores.account(name)
        ids = [(await stores.mailbox(account, one)).mailbox_id for one in ("INBOX", "Sent")]
        trial = Trial(stores, account, ids)
        last: int = max(mailbox.mod_seq for mailbox in await stores.mail.mailboxes(account))
        for step in steps:
            trial.history += [await trial.snapshot(box) for box in (0, 1)]
            effective = await trial.step(step)
            last = await self._one_mod_seq(trial, last, effective=effective)
            await self._as_the_model_says(trial)
        for old in trial.history:
            await self._leads_to_the_present(trial, old)
        assert await stores.references.check() == []

    async def _one_mod_seq(self, trial: Trial, last: int, *, effective: bool) -> int:
        mailboxes = await trial.stores.mail.mailboxes(trial.account)
        now = max(mailbox.mod_seq for mailbox in mailboxes)
        assert now == last + effective
        return now

    async def _as_the_model_says(self, trial: Trial) -> None:
        octets = 0
        for box in (0, 1):
            snapshot = await trial.snapshot(box)
            messages = spread(snapshot.placements)
            assert {one[0]: one[2:4] for one in messages} == trial.model.boxes[box]
            assert uids_of(messages) == sorted(uids_of(messages))
            assert snapshot.mailbox.messages == len(messages)
            assert snapshot.mailbox.uid_next == trial.model.uid_next[box]
            assert all(one[4] <= snapshot.mod_seq for one in messages)
            octets += snapshot.mailbox.octets
        assert await trial.stores.room(trial.account) == (octets, None)
        assert octets == 10 * sum(map(len, trial.model.boxes))

    async def _leads_to_the_present(self, trial: Trial, old: Snapshot) -> None:
        box = trial.ids.index(old.mailbox.mailbox_id)
        present = await trial.snapshot(box)
        changes = await trial.stores.mail.changes(trial.account, trial.ids[box], old.mod_seq)
        assert changes.complete
        assert changes.mailbox == present.mailbox
        assert is_array_of_uids(changes.expunged)
        assert all(one[4] > old.mod_seq for one in spread(changes.placed))
        then, now = spread(old.placements), spread(present.placements)
        folded = apply(old, changes)
        assert spread(folded.placements) == now
        seen = difference(old, folded)
        assert set(seen.expunged) == set(uids_of(then)) - set(uids_of(now))
        assert set(seen.appended) == set(uids_of(now)) - set(uids_of(then))

    async def test_nothing_since_now(self, stores: Stores) -> None:
        account = await stores.account()
        inbox = (await stores.mailbox(account)).mailbox_id
        await stores.fill(account, inbox, 2)
        mailbox = await stores.mailbox(account)
        changes = await stores.mail.changes(account, inbox, mailbox.mod_seq)
        assert changes.complete
        assert (len(changes.expunged), len(changes.placed.uids)) == (0, 0)
        assert changes.mailbox == mailbox

    async def test_before_its_beginning_nothing_is_known(self, stores: Stores) -> None:
        account = await stores.account()
        made = await stores.mail.create_mailbox(account, MailboxName("new"), None)
        await stores.fill(account, made.mailbox_id, 1)
        before = ModSeq(made.mod_seq - 1)
        assert not (await stores.mail.changes(account, made.mailbox_id, before)).complete
        assert (await stores.mail.changes(account, made.mailbox_id, made.mod_seq)).complete

    async def test_forgotten_changes_are_said_to_be_unknown(self, stores: Stores) -> None:
        account = await stores.account()
        inbox = (await stores.mailbox(account)).mailbox_id
        before = (await stores.mailbox(account)).mod_seq
        await stores.fill(account, inbox, 2)
        middle = (await stores.mailbox(account)).mod_seq
        assert await stores.references.purge_changes(FUTURE, 10) > 0
        assert await stores.references.purge_changes(FUTURE, 10) == 0
        await stores.fill(account, inbox, 1)
        assert not (await stores.mail.changes(account, inbox, before)).complete
        since = await stores.mail.changes(account, inbox, middle)
        assert since.complete
        assert list(since.placed.uids) == [3]
        assert since.mailbox.oldest_known_mod_seq == middle

    @settings(suppress_health_check=_SHARED, max_examples=25, deadline=None)
    @given(steps=st.lists(st.tuples(_UIDS, _CHANGE), min_size=1, max_size=6))
    async def test_a_change_of_flags_says_what_became_of_a_mailbox(
        self, stores: Stores, steps: list[tuple[list[int], FlagChange]]
    ) -> None:
        account = await stores.account(f"user{len(await stores.directory.accounts())}")
        inbox = (await stores.mailbox(account)).mailbox_id
        await stores.fill(account, inbox, 8)
        cache = SnapshotCache(stores.mail)
        await cache.current(account, inbox)
        for uids, change in steps:
            before = Snapshot(*await stores.mail.placements(account, inbox))
            wanted = [Uid(uid) for uid in uids]
            done = await stores.mail.store_flags(account, inbox, wanted, change)
            now = Snapshot(*await stores.mail.placements(account, inbox))
            if done.before is None:  # this store does not tell
                continue
            assert done.before == before.mod_seq
            made = flagged(before, done)
            assert made is not None
            assert made.mailbox == now.mailbox
            assert spread(made.placements) == spread(now.placements)
            cache.flagged(account, inbox, done)
            kept = await cache.current(account, inbox)
            assert spread(kept.placements) == spread(now.placements)

    async def test_what_lies_between_is_not_left_out(self, stores: Stores) -> None:
        account = await stores.account()
        inbox = (await stores.mailbox(account)).mailbox_id
        uids = await stores.fill(account, inbox, 4)
        cache = SnapshotCache(stores.mail)
        old = await cache.current(account, inbox)
        seen = FlagChange(FlagAction.ADD, Flags.SEEN, frozenset())
        draft = FlagChange(FlagAction.ADD, Flags.DRAFT, frozenset({"$a"}))
        await stores.mail.store_flags(account, inbox, uids[:2], seen)
        done = await stores.mail.store_flags(account, inbox, uids[1:], draft)
        cache.flagged(account, inbox, done)
        kept = await cache.current(account, inbox)
        _, now = await stores.mail.placements(account, inbox)
        assert spread(kept.placements) == spread(now)
        if done.before is not None:
            assert done.before > old.mod_seq
            sent = (await stores.mailbox(account, "Sent")).mailbox_id
            assert flagged(await cache.current(account, sent), done) is None
            assert flagged(kept, done) is None  # it has other flags than were changed
