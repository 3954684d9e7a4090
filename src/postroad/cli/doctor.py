"""`postroad doctor`: whether this machine and its DNS are fit for mail."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from postroad.base.errors import MailError
from postroad.cli.diagnosis.finding import Finding, Level
from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation

if TYPE_CHECKING:
    from postroad.app.program import Program
    from postroad.config.settings import Settings


async def doctor(*, invocation: Invocation = EVERYTHING_DEFAULT) -> int:
    """Check settings, data, ports, clock, disk, certificate and DNS, with what mends each.

    **Examples**

        postroad doctor

        postroad doctor --json
    """
    findings = await examine(invocation)
    failed = [one for one in findings if one.level is Level.FAIL]
    value = {
        "ok": not failed,
        "findings": [
            {
                "level": one.level.value,
                "subject": one.subject,
                "what": one.what,
                "fix": one.fix or None,
            }
            for one in findings
        ],
    }
    lines = [line for one in findings for line in _lines(one)]
    warned = sum(one.level is Level.WARN for one in findings)
    invocation.output.result(value, *lines, "", f"{len(failed)} failed, {warned} to look at.")
    return 1 if failed else 0


async def examine(invocation: Invocation) -> list[Finding]:
    """All findings: those of the machine, then those that need the stores."""
    from postroad.app.program import open_program
    from postroad.cli.diagnosis import bucket, certificate, database, domains, machine, ports

    settings = invocation.settings()
    findings = [Finding(Level.OK, "settings", "no faults")]
    checks: Sequence[Callable[[Settings], list[Finding]]] = (
        machine.folder,
        machine.disk,
        machine.clock,
        certificate.certificate,
        ports.ports,
    )
    for check in checks:
        findings += await asyncio.to_thread(check, settings)
    try:
        async with open_program(settings) as program:
            findings.append(Finding(Level.OK, "data", "the database opens, the master key fits"))
            findings += await _together(
                program,
                (
                    database.database,
                    bucket.bucket,
                    domains.hostname,
                    domains.delivery,
                    domains.domains,
                ),
            )
    except MailError as error:
        findings.append(Finding(Level.FAIL, "data", str(error), _mending(str(error))))
    return findings


async def _together(
    program: "Program",
    checks: Sequence[Callable[["Program"], Awaitable[list[Finding]]]],
) -> list[Finding]:
    found = await asyncio.gather(*(check(program) for check in checks))
    return [finding for findings in found for finding in findings]


def _mending(reason: str) -> str:
    if "postroad init" in reason:
        return "postroad init --domain DOMAIN --admin ADDRESS"
    return "put back what is missing from the last backup of the data folder"


def _lines(one: Finding) -> list[str]:
    lines = [f"{one.level.value:<4}  {one.subject}: {one.what}"]
    if one.fix:
        lines.append(f"      fix: {one.fix}")
    return lines
