"""A core in memory that knows a few names, for SMTP sessions in tests."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from postroad.base.errors import (
    AuthenticationFailed,
    LowSpace,
    MailError,
    NotAuthorised,
    NotFound,
    NotPermitted,
    OverQuota,
    TryLater,
)
from postroad.base.moments import Moment
from postroad.base.secret import Secret
from postroad.core.auth.scram import Digest
from postroad.core.auth.service import ScramExchange
from postroad.core.message.facts import Facts, MailParameters, Receipt
from postroad.model.directory import Account, Role
from postroad.model.ids import AccountId, TenantId, TraceId
from postroad.model.principal import Principal
from postroad.sessions.sasl.exchange import Authenticator
from postroad.sessions.smtp.ports import Reception, Transaction

RECIPIENTS: dict[str, type[MailError]] = {
    "full@example.org": OverQuota,
    "busy@example.org": TryLater,
    "nobody@example.org": NotFound,
    "other@relay.example": NotPermitted,
}
SENDERS: dict[str, type[MailError]] = {
    "spammer@example.net": NotPermitted,
    "unlucky@example.net": LowSpace,
}


@dataclass
class Taken:
    """A message that was accepted."""

    facts: Facts
    reverse_path: str
    parameters: MailParameters
    recipients: list[str]
    octets: bytes


@dataclass
class FakeTransaction(Transaction):
    core: "FakeCore"
    facts: Facts
    reverse_path: str
    parameters: MailParameters
    recipients: list[str] = field(default_factory=list)
    octets: bytearray = field(default_factory=bytearray)

    async def add_recipient(self, forward_path: str) -> None:
        if error := RECIPIENTS.get(forward_path.lower()):
            raise error
        self.recipients.append(forward_path)

    async def write(self, chunk: bytes) -> None:
        assert chunk
        if b"X-Full-Disk:" in self.octets + chunk:
            raise LowSpace
        self.octets += chunk

    async def finish(self) -> Receipt:
        if b"X-Loop:" in self.octets:
            raise NotPermitted("this message is in a loop")
        self.core.taken.append(
            Taken(
                self.facts, self.reverse_path, self.parameters, self.recipients, bytes(self.octets)
            )
        )
        return Receipt(TraceId(f"t{len(self.core.taken)}"))

    def abort(self) -> None:
        self.core.open_transactions.discard(id(self))


@dataclass
class FakeCore(Reception, Authenticator):
    taken: list[Taken] = field(default_factory=list)
    open_transactions: set[int] = field(default_factory=set)
    opened: list[FakeTransaction] = field(default_factory=list)

    async def open(
        self, facts: Facts, reverse_path: str, parameters: MailParameters
    ) -> Transaction:
        if error := SENDERS.get(reverse_path):
            raise error
        transaction = FakeTransaction(self, facts, reverse_path, parameters)
        self.opened.append(transaction)
        self.open_transactions.add(id(transaction))
        return transaction

    async def authenticate(
        self, name: str, password: Secret, *, protocol: str, peer: str
    ) -> Principal:
        assert protocol == "smtp"
        if name == "busy@example.org":
            raise TryLater("too many failed logins")
        if name != "alice@example.org" or password != Secret("wonderland"):
            raise AuthenticationFailed("the name or the password is wrong")
        return Principal(_account(name), "c1")

    async def scram(self, name: str, digest: Digest, *, protocol: str, peer: str) -> ScramExchange:
        raise TryLater("there are no keys here")

    async def bearer(self, token: Secret, name: str, *, protocol: str, peer: str) -> Principal:
        """The token of RFC 7628 section 4.1."""
        if token.reveal() != "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==":
            raise AuthenticationFailed("the name or the password is wrong")
        return Principal(_account(name), "oauth")

    async def certified(
        self, addresses: Sequence[str], name: str, *, protocol: str, peer: str
    ) -> Principal:
        if name and name not in addresses:
            raise NotAuthorised("the certificate is of somebody else")
        return Principal(_account(addresses[0]), "certificate")


def _account(address: str) -> Account:
    return Account(
        account_id=AccountId(1),
        tenant_id=TenantId(1),
        address=address,
        display_name="",
        role=Role.MEMBER,
        is_person=True,
        auth_version=1,
        disabled=False,
        quota_octets=None,
        created_at=Moment(0),
    )
