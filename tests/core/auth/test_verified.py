"""Passwords that were found right are known again, here and in the other processes."""

from dataclasses import replace

from postroad.base.secret import Secret
from postroad.core.auth.verified import VERIFIED, VerifiedPasswords
from postroad.model.directory import Account, Role
from postroad.model.ids import AccountId, TenantId
from stores.making import NOW

ANN = Account(
    account_id=AccountId(1),
    tenant_id=TenantId(1),
    address="ann@example.test",
    display_name="",
    role=Role.MEMBER,
    is_person=True,
    auth_version=1,
    disabled=False,
    quota_octets=None,
    created_at=NOW,
)
RIGHT, WRONG = Secret("right"), Secret("wrong")


def test_only_what_was_found_right_is_known() -> None:
    verified = VerifiedPasswords()
    assert verified.find(ANN, RIGHT, "imap") is None
    verified.add(ANN, RIGHT, "imap", "credential 1")
    assert verified.find(ANN, RIGHT, "imap") == "credential 1"
    assert verified.find(ANN, WRONG, "imap") is None
    assert verified.find(ANN, RIGHT, "smtp") is None
    assert verified.find(replace(ANN, account_id=AccountId(2)), RIGHT, "imap") is None


def test_a_change_of_the_account_makes_it_void() -> None:
    verified = VerifiedPasswords()
    verified.add(ANN, RIGHT, "imap", "credential 1")
    assert verified.find(replace(ANN, auth_version=2), RIGHT, "imap") is None


def test_processes_with_one_pepper_tell_each_other() -> None:
    told: list[tuple[str, str, str]] = []
    one = VerifiedPasswords(b"p" * 32, lambda *values: told.append(values))
    one.add(ANN, RIGHT, "imap", "credential 1")
    ((topic, key, credential),) = told
    assert topic == VERIFIED
    other, stranger = VerifiedPasswords(b"p" * 32), VerifiedPasswords()
    for each in (other, stranger):
        each.hear(key, credential)
    assert other.find(ANN, RIGHT, "imap") == "credential 1"
    assert stranger.find(ANN, RIGHT, "imap") is None, "the key tells nothing without the pepper"
