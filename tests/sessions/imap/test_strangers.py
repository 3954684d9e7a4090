"""Who has no rights learns nothing: every answer is the same, whether there is anything or not."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.stores.sharing import SharingStore
from sessions.imap.neighbours import Neighbours, in_memory

STRANGERS = ("2", "4")  # Bob, of the same tenant, and Eve, of another
_MOMENT = re.compile(r"\b1[0-9]{9}\b")  # UIDVALIDITY is the time

_names = st.sampled_from(
    [
        '"Other Users/alice@example.test/INBOX"',
        '"Other Users/alice@example.test/inbox"',
        '"Other Users/Alice@Example.Test/Secret"',
        '"Other Users/alice@example.test/Secret/Deep"',
        '"Other Users/alice@example.test/Secret/New"',
        '"Other Users/alice@example.test"',
        '"Other Users/info@example.test/INBOX"',
        '"Other Users/nobody@example.test/INBOX"',
        "Shared/info@example.test/INBOX",
        "Shared/info@example.test/Sent",
        "Shared/alice@example.test/Secret",
        "Secret",
        "INBOX",
        "Sent",
    ]
)
_forms = st.sampled_from(
    [
        'LIST "" * RETURN (MYRIGHTS STATUS (MESSAGES UNSEEN SIZE))',
        'LIST "" (% %/% %/%/%)',
        'LIST (SUBSCRIBED) "" *',
        'LIST "" {0} RETURN (CHILDREN MYRIGHTS)',
        'LSUB "" *',
        "STATUS {0} (MESSAGES UIDNEXT UNSEEN HIGHESTMODSEQ MAILBOXID)",
        "SELECT {0}",
        "EXAMINE {0}",
        "UID FETCH 1:* (FLAGS UID EMAILID)",
        "UID COPY 1:* {0}",
        "UID MOVE 1:* {0}",
        "SEARCH ALL",
        "APPEND {0} {{9+}}\r\na: b\r\n\r\nc",
        'APPEND {0} CATENATE (URL "/Other%20Users/alice@example.test/Secret/;UID=1")',
        "CREATE {0}",
        "DELETE {0}",
        "RENAME {0} {1}",
        "SUBSCRIBE {0}",
        "UNSUBSCRIBE {0}",
        "GETACL {0}",
        "SETACL {0} bob@example.test lrswite",
        "DELETEACL {0} carol@example.test",
        "LISTRIGHTS {0} carol@example.test",
        "MYRIGHTS {0}",
        "GETQUOTAROOT {0}",
        "NOOP",
    ]
)
_steps = st.lists(
    st.tuples(st.sampled_from(STRANGERS), _forms, _names, _names), min_size=1, max_size=12
)


@settings(max_examples=60, deadline=None)
@given(_steps)
async def test_what_is_not_shared_changes_no_answer(
    steps: list[tuple[str, str, str, str]],
) -> None:
    with TemporaryDirectory() as folder:
        full = await Neighbours(Path(folder)).move_in()
        empty = await Neighbours(Path(folder)).move_in()
        for preparation in (
            "mailbox alice@example.test Secret/Deep",
            "message alice@example.test INBOX small seen",
            "message alice@example.test Secret mixed flagged",
            "message info@example.test INBOX small",
            "acl alice@example.test Secret carol@example.test lrswipkxtea",
            "acl info@example.test INBOX carol@example.test lr",
            "acl alice@example.test INBOX -anyone lr",
            "acl alice@example.test INBOX bob@example.test p",
        ):
            await full.prepare(preparation)
        for world in (full, empty):
            for person in ("bob@example.test", "eve@other.test"):
                await world.prepare(f"message {person} INBOX small")
        for client, form, first, second in steps:
            command = "a " + form.format(first, second)
            answers = [
                _MOMENT.sub("T", await world.ask(client, command)) for world in (full, empty)
            ]
            assert answers[0] == answers[1]
            assert " BAD " not in answers[0] or "allowed in this state" in answers[0]
            # Meanwhile much happens where nobody of them may look.
            await full.prepare("message alice@example.test Secret small")


async def test_nobody_else_hears_of_it_in_idle(tmp_path: Path) -> None:
    world = await Neighbours(tmp_path).move_in()
    for client in STRANGERS:
        await world.ask(client, "a SELECT INBOX")
        await world.ask(client, "b IDLE")
        assert world.sessions[client].listens_to == {
            world.people["bob@example.test" if client == "2" else "eve@other.test"].account_id
        }
    await world.prepare("message alice@example.test INBOX small")
    received = await world.send("1", b"a SETACL INBOX carol@example.test lr\r\n")
    assert [received[client] for client in STRANGERS] == [b"", b""]


async def test_idle_listens_for_the_owner_of_the_mailbox(tmp_path: Path) -> None:
    world = await Neighbours(tmp_path).move_in()
    await world.prepare("acl alice@example.test INBOX bob@example.test lr")
    await world.ask("2", 'a SELECT "Other Users/alice@example.test/INBOX"')
    await world.ask("2", "b IDLE")
    assert world.sessions["2"].listens_to == {world.people["alice@example.test"].account_id}


class Unasked:
    """A store of rights that must not be asked for anything."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"{name} was asked for")


async def test_own_mailboxes_ask_for_no_rights(tmp_path: Path) -> None:
    mail, directory, _, metadata, url_keys, virtual = in_memory()
    unasked = cast("SharingStore", Unasked())  # whatever is asked of it fails
    stores = mail, directory, unasked, metadata, url_keys, virtual
    world = await Neighbours(tmp_path, stores).move_in()
    await world.prepare("message alice@example.test INBOX small")
    for command in (
        "SELECT INBOX",
        "FETCH 1 (FLAGS BODY[])",
        "STORE 1 +FLAGS (\\Flagged)",
        "SEARCH FLAGGED",
        "COPY 1 Sent",
        "APPEND Sent {9+}\r\na: b\r\n\r\nc",
        "STATUS Sent (MESSAGES UNSEEN)",
        "CREATE New/Deep",
        "RENAME New/Deep New/Other",
        "DELETE New/Other",
        "MOVE 1 Sent",
        "EXPUNGE",
        "NOOP",
        "CLOSE",
    ):
        assert "\r\na OK" in "\r\n" + await world.ask("1", f"a {command}"), command
