"""What is kept of mailboxes has a bound, and belongs to one mailbox."""

from array import array
from dataclasses import dataclass, field, replace

from postroad.core.mailbox.extras import Extras
from postroad.model.ids import AccountId, MailboxId, MailboxName, ModSeq, Uid, UidValidity
from postroad.model.mailbox import Mailbox

ALICE, BOB = AccountId(1), AccountId(2)
_ONE = ModSeq(1)
BOX = Mailbox(
    MailboxId(1),
    MailboxName("INBOX"),
    None,
    UidValidity(1),
    Uid(1),
    _ONE,
    _ONE,
    messages=0,
    octets=0,
    selectable=True,
)


@dataclass(frozen=True)
class Thing:
    octets: int
    uids: "array[int]" = field(default_factory=lambda: array("I"))


def test_another_mailbox_account_or_name_has_its_own() -> None:
    extras, thing = Extras(), Thing(1)
    extras.keep(ALICE, BOX, "a", thing)
    assert extras.find(ALICE, BOX, "a") is thing
    assert extras.find(BOB, BOX, "a") is None
    assert extras.find(ALICE, BOX, "b") is None
    assert extras.find(ALICE, replace(BOX, uid_validity=UidValidity(2)), "a") is None
    assert extras.find(ALICE, replace(BOX, mailbox_id=MailboxId(2)), "a") is None


def test_what_was_used_longest_ago_goes_first() -> None:
    extras = Extras(100)
    for name in "abc":
        extras.keep(ALICE, BOX, name, Thing(30))
    extras.find(ALICE, BOX, "a")
    extras.keep(ALICE, BOX, "d", Thing(30))
    assert [name for name in "abcd" if extras.find(ALICE, BOX, name)] == ["a", "c", "d"]


def test_what_is_kept_in_its_place_is_counted_once() -> None:
    extras = Extras(100)
    for _ in range(10):
        extras.keep(ALICE, BOX, "a", Thing(60))
    extras.keep(ALICE, BOX, "b", Thing(40))
    assert extras.find(ALICE, BOX, "a") is not None


def test_what_is_too_large_takes_no_place() -> None:
    extras = Extras(100)
    extras.keep(ALICE, BOX, "a", Thing(60))
    extras.keep(ALICE, BOX, "b", Thing(101))
    assert extras.find(ALICE, BOX, "a") is not None
    extras.keep(ALICE, BOX, "a", Thing(101))
    assert extras.find(ALICE, BOX, "a") is None
