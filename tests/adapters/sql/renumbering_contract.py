"""After a restore no number comes again, on both engines."""

import re
from importlib.resources import files

from postroad.adapters.sql.engine import Engine
from postroad.adapters.sql.renumbering import Renumbered, renumber
from postroad.adapters.sql.statement import Row, Run, Sql, Steps
from postroad.base.moments import Moment
from postroad.model.events import EventKind, NewEvent
from postroad.model.ids import MailboxName, ModSeq, TraceId
from postroad.model.queue import QueueFilter, RecipientState
from postroad.model.virtual import NewVirtual
from stores.making import NOW, Stores, arrival, blob, email, submission

_LATER = Moment(2_000_000_000_000_000)
_TABLES = Sql("""
    SELECT owner_id, mailbox_id, uid_validity, mod_seq, oldest_known_mod_seq FROM mailbox
    UNION ALL
    SELECT owner_id, virtual_id, uid_validity, mod_seq, oldest_known_mod_seq FROM virtual_mailbox
""")


class RenumberingContract:
    async def test_no_table_was_forgotten(self) -> None:
        """Whoever adds one with numbers that clients know, adds it to `renumber`."""
        text = (files("postroad.adapters.sql") / "schema").iterdir()
        schema = "".join(file.read_text() for file in text if file.name.endswith(".sql"))
        tables = {
            name
            for name, columns in re.findall(r"CREATE TABLE (\w+) \((.*?)\n\)", schema, re.DOTALL)
            if re.search(r"uid_validity|oldest_known|next_", columns)
        }
        assert tables == {"owner", "mailbox", "virtual_mailbox", "sequence"}

    async def test_all_numbers_are_higher(self, stores: Stores, engine: Engine) -> None:
        for name in ("alice", "bob"):
            account = await stores.account(name)
            inbox = (await stores.mailbox(account)).mailbox_id
            await stores.mail.append(account, inbox, [arrival(email(blob_id=blob()))])
            await stores.mail.create_mailbox(account, MailboxName("Other"), None)
            await stores.virtual.create_virtual(account, _virtual("Found"))
            await stores.virtual.create_virtual(account, _virtual("Found too"))
        before = await engine.read(lambda: _rows(_TABLES))
        done: Renumbered = await engine.write(lambda: renumber(_LATER))
        after = await engine.read(lambda: _rows(_TABLES))
        assert done.mailboxes == len(before) == len(after)
        assert {row[:2] for row in before} == {row[:2] for row in after}
        assert len({(row[0], row[2]) for row in after}) == len(after), "each has one of its own"
        assert min(_integers(after, 2)) > max(*_integers(before, 2), _LATER // 1_000_000)
        assert set(_integers(after, 3)) == set(_integers(after, 4)) == {_LATER}
        made = await stores.mail.create_mailbox(account, MailboxName("New"), None)
        assert made.uid_validity > max(_integers(after, 2))
        assert made.mod_seq > _LATER
        assert made.mailbox_id >= _LATER
        changes = await stores.mail.changes(account, inbox, ModSeq(_LATER - 1))
        assert not changes.complete

    async def test_it_may_come_again(self, stores: Stores, engine: Engine) -> None:
        account = await stores.account()
        await engine.write(lambda: renumber(_LATER))
        first = await stores.mail.mailboxes(account)
        await engine.write(lambda: renumber(NOW))  # and the clock was set back
        second = await stores.mail.mailboxes(account)
        assert min(box.uid_validity for box in second) > max(box.uid_validity for box in first)
        assert min(box.mod_seq for box in second) > max(box.mod_seq for box in first)

    async def test_a_virtual_mailbox_is_found_anew(self, stores: Stores, engine: Engine) -> None:
        account = await stores.account()
        made = await stores.virtual.create_virtual(account, _virtual("Found"))
        await engine.write(lambda: renumber(_LATER))
        [again] = await stores.virtual.virtuals(account)
        assert again.mailbox.mailbox_id == made.mailbox.mailbox_id
        assert again.mailbox.uid_next == 1
        state = await stores.virtual.virtual_state(account, made.mailbox.mailbox_id)
        assert state.virtual.folded == 0

    async def test_what_waits_is_held(self, stores: Stores, engine: Engine) -> None:
        account = await stores.account()
        sent, waiting = submission("x@one.test"), submission("y@two.test", "z@three.test")
        await stores.queue.submit(account, [sent, waiting], [])
        await stores.queue.cancel(QueueFilter(domain="one.test"), _event(sent.trace_id))
        claims, _ = await stores.queue.claim_due(NOW, Moment(NOW + 10**9), 1, [], 10)
        assert len(claims) == 1
        done: Renumbered = await engine.write(lambda: renumber(_LATER))
        assert done.held == 2
        assert await stores.queue.sizes() == {"held": 2}
        [(_, recipients)] = await stores.queue.waiting(QueueFilter(), 10)
        assert {one.state for one in recipients} == {RecipientState.HELD}
        events = await stores.queue.events(account, waiting.trace_id)
        assert [(one.kind, one.details) for one in events] == [(EventKind.HELD, {"by": "restore"})]
        assert not await stores.queue.settle(claims[0], [], [])


def _virtual(name: str) -> NewVirtual:
    return NewVirtual(name, "ALL")


def _event(trace: TraceId) -> NewEvent:
    return NewEvent(trace, EventKind.CANCELED, NOW)


def _rows(sql: Sql) -> Steps[list[Row]]:
    return list((yield Run(sql, {})))


def _integers(rows: list[Row], column: int) -> list[int]:
    return [int(str(row[column])) for row in rows]
