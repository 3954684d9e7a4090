"""The DNS: of the server's own name, and of each domain."""

import asyncio
import socket
from typing import TYPE_CHECKING

from postroad.base.errors import MailError, NotFound
from postroad.cli.diagnosis.finding import Finding, Level
from postroad.cli.dns import zone_lines
from postroad.cli.founding import is_reserved
from postroad.config.settings import DeliveryMode
from postroad.formats.dkim.keys import parse_record

if TYPE_CHECKING:
    from postroad.app.program import Program
    from postroad.core.directory.domains import DnsRecord
    from postroad.model.directory import Domain

_PTR_SECONDS = 10.0


async def hostname(program: "Program") -> list[Finding]:
    """The name has addresses, and these lead back to it (RFC 1912 section 2.1)."""
    name = program.hostname
    if "." not in name or name.startswith("localhost"):
        what = f"{name} is no name in the DNS: other servers will not like it"
        return [Finding(_graver(program), "hostname", what, "set hostname: mail.YOUR.DOMAIN")]
    try:
        addresses = await program.resolver.addresses(name)
    except MailError as error:
        fix = f"publish an A or AAAA record for {name}"
        return [Finding(_graver(program), "hostname", str(error), fix)]
    if not addresses:
        fix = f"publish {name}. IN A ADDRESS"
        return [Finding(_graver(program), "hostname", f"{name} has no address", fix)]
    found = [Finding(Level.OK, "hostname", f"{name} is {', '.join(addresses)}")]
    return found + [await _reverse(address, name) for address in addresses]


async def delivery(program: "Program") -> list[Finding]:
    """Whether mail leaves, and by which way."""
    settings = program.settings.delivery
    if settings.mode is DeliveryMode.SANDBOX:
        what = "sandbox: mail for elsewhere does not leave this machine"
        return [Finding(Level.WARN, "delivery", what, "set delivery.mode: live when all is well")]
    way = "by the relay" if settings.relay else f"to port {settings.port} of other servers"
    return [Finding(Level.OK, "delivery", f"live, {way}")]


async def domains(program: "Program") -> list[Finding]:
    """The records of every domain, and what of them is missing."""
    every = await program.domains.domains(None)
    if not every:
        fix = "postroad init --domain DOMAIN --admin ADDRESS"
        return [Finding(Level.FAIL, "domains", "there is no domain", fix)]
    found = await asyncio.gather(*(_domain(program, one) for one in every))
    return [finding for findings in found for finding in findings]


async def _domain(program: "Program", domain: "Domain") -> list[Finding]:
    if is_reserved(domain.name):
        return [Finding(Level.OK, f"domain {domain.name}", "for tests: the DNS never has it")]
    records = await program.domains.records(domain)
    return list(await asyncio.gather(*(_record(program, domain, one) for one in records)))


async def _record(program: "Program", domain: "Domain", record: "DnsRecord") -> Finding:
    subject = f"domain {domain.name} {record.purpose}"
    line = zone_lines([record])[0]
    try:
        is_there = await _is_published(program, record)
    except MailError as error:
        return Finding(Level.WARN, subject, str(error), "check dns.servers and the network")
    if is_there:
        return Finding(Level.OK, subject, f"{record.name} {record.type} is published")
    level = _graver(program) if record.is_required or record.type == "MX" else Level.WARN
    return Finding(level, subject, "not published as it should be", f"publish {line}")


async def _is_published(program: "Program", record: "DnsRecord") -> bool:
    """A look that keeps nothing, unlike `domain verify`. Raises `TryLater`."""
    try:
        if record.type == "MX":
            exchangers = await program.resolver.mx(record.name)
            return any(one.host.lower() == record.value.lower() for one in exchangers)
        texts = await program.resolver.txt(record.name)
    except NotFound:
        return False
    if record.purpose == "DKIM":
        wanted = parse_record(record.value)
        return wanted is not None and any(parse_record(text) == wanted for text in texts)
    version = record.value.partition(";")[0].split()[0]
    return any(text.startswith(version) for text in texts)


async def _reverse(address: str, name: str) -> Finding:
    subject = f"reverse DNS {address}"
    fix = f"ask who gave you {address} to point its PTR record at {name}"
    try:
        async with asyncio.timeout(_PTR_SECONDS):
            found = (await asyncio.to_thread(socket.gethostbyaddr, address))[0]
    except (OSError, TimeoutError):
        return Finding(Level.WARN, subject, "has no name: many servers refuse its mail", fix)
    if found.lower().rstrip(".") == name.lower():
        return Finding(Level.OK, subject, f"is {found}")
    return Finding(Level.WARN, subject, f"is {found}, not {name}", fix)


def _graver(program: "Program") -> Level:
    """What is missing in the DNS is a failure only where mail leaves for real."""
    live = program.settings.delivery.mode is DeliveryMode.LIVE
    return Level.FAIL if live else Level.WARN
