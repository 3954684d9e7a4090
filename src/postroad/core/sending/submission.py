"""Mail that our users send with their mail programs (RFC 6409)."""

from postroad.base.errors import Invalid, NotPermitted, TooLarge
from postroad.base.identifiers import new_uuid
from postroad.core.delivery.routing import Router
from postroad.core.message.facts import Facts, mail_date
from postroad.core.message.headers import header_end, is_header_too_large
from postroad.core.sending.identity import Identities
from postroad.core.sending.service import Draft, Sending
from postroad.formats.mailaddress import normalise_domain, split_address
from postroad.formats.mime.address import mailboxes, parse_address_list
from postroad.formats.mime.headers import HeaderField, fields, to_text, unfold
from postroad.model.directory import Account
from postroad.model.ids import TraceId
from postroad.model.queue import Source
from postroad.ports.clock import Clock
from postroad.ports.spool import Octets, Spools

_CHUNK = 262_144


class SubmittedMail:
    def __init__(
        self,
        router: Router,
        identities: Identities,
        sending: Sending,
        spools: Spools,
        clock: Clock,
        hostname: str,
    ) -> None:
        self._router = router
        self._identities = identities
        self._sending = sending
        self._spools = spools
        self._clock = clock
        self._hostname = hostname

    async def check_recipient(self, facts: Facts, forward_path: str) -> None:
        """Refuse what can be known now: no such local mailbox.

        Raises `NotFound`, `Invalid`, `NotPermitted` for who is not logged in.
        """
        if facts.principal is None:
            raise NotPermitted("authenticate first")
        domain = split_address(forward_path)[1]
        if domain.startswith("["):
            raise Invalid("mail to address literals is not sent from here")
        sender = facts.principal.account.tenant_id
        if await self._router.is_local(normalise_domain(domain), sender):
            await self._router.route(forward_path)

    async def submit(
        self,
        trace_id: TraceId,
        facts: Facts,
        reverse_path: str,
        forward_paths: tuple[str, ...],
        octets: Octets,
        received: bytes,
    ) -> None:
        """Mend the header, check the author and queue the message for every recipient.

        Missing Date and Message-ID are added, Bcc is removed (RFC 6409 section 8, RFC 5322
        section 3.6.3). Raises `NotPermitted` for a From that is not the submitter's, `TooLarge`.
        """
        if facts.principal is None:
            raise NotPermitted("authenticate first")
        account = facts.principal.account
        if is_header_too_large(octets):
            # Security: a From that we do not look at would be one that nobody may use.
            raise TooLarge("the header of the message is over a megabyte")
        author = await self._author(account, octets)
        edited = self._edited_header(octets, author, received)
        spool = self._spools.open()
        try:
            await spool.write(edited)
            for start in range(header_end(octets), len(octets), _CHUNK):
                await spool.write(octets[start : start + _CHUNK])
            draft = Draft(
                octets=await spool.octets(),
                author=author,
                reverse_path=reverse_path,
                forward_paths=forward_paths,
                source=Source.SUBMISSION,
                trace_id=trace_id,
                details=(("peer", facts.peer), ("protocol", facts.protocol), ("tls", facts.tls)),
            )
            await self._sending.submit(account.account_id, [draft])
        finally:
            spool.close()

    async def _author(self, account: Account, octets: Octets) -> str:
        """The first address in From, after all of From and Sender have been checked."""
        addresses: list[str] = []
        for name in ("from", "sender"):
            for field in _named(octets, name):
                addresses.extend(_addresses(field.raw(octets)))
        if not addresses:
            raise NotPermitted("the message has no From address")
        for address in addresses:
            if not await self._identities.may_use(account, address):
                raise NotPermitted(f"you may not send as {address}")
        return addresses[0]

    def _edited_header(self, octets: Octets, author: str, received: bytes) -> bytes:
        """The header with what is missing, without what must not leave."""
        kept, names, last = [received], set[str](), 0
        end = header_end(octets)
        for field in fields(octets, 0, end):
            name = field.name.lower()
            names.add(name)
            if name in ("bcc", "resent-bcc", "return-path"):
                kept.append(octets[last : field.start])
                last = field.end
        kept.append(octets[last:end])
        if kept[-1] and not kept[-1].endswith(b"\n"):
            kept.append(b"\r\n")
        if "date" not in names:
            kept.append(f"Date: {mail_date(self._clock.now())}\r\n".encode())
        if "message-id" not in names:
            domain = split_address(author)[1] or self._hostname
            kept.append(f"Message-ID: <{new_uuid()}@{domain}>\r\n".encode())
        if header_end(octets) == len(octets):
            kept.append(b"\r\n")  # there was no empty line
        return b"".join(kept)


def _named(octets: Octets, name: str) -> list[HeaderField]:
    end = header_end(octets)
    return [field for field in fields(octets, 0, end) if field.name.lower() == name]


def _addresses(value: bytes) -> list[str]:
    """The addresses of a From or Sender field; one without a domain counts, too."""
    found = mailboxes(parse_address_list(to_text(unfold(value))))
    return [f"{one.local_part}@{one.domain or ''}" for one in found]
