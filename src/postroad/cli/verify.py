"""`postroad verify`: whether everything that is kept is whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation

if TYPE_CHECKING:
    from postroad.app.program import Program
    from postroad.model.ids import AccountId, BlobId

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Fault:
    """`place` is where to look, `what` what is wrong, `advice` what to do."""

    place: str
    what: str
    advice: str


async def verify(*, invocation: Invocation = EVERYTHING_DEFAULT) -> int:
    """Read all that is kept and explain every fault. The server may run meanwhile.

    **Examples**

        postroad verify

        postroad verify --json
    """
    async with invocation.program() as program:
        references, faults = await faults_of(program)
    value = {
        "ok": not faults,
        "references": references,
        "faults": [fault_json(one) for one in faults],
    }
    told = (
        f"{len(faults)} faults found."
        if faults
        else f"All is whole: the database, {references} references and every stored message."
    )
    invocation.output.result(value, *fault_lines(faults), told)
    return 1 if faults else 0


async def faults_of(program: "Program") -> tuple[int, list[Fault]]:
    """How many references there are, and all that is wrong."""
    faults = await _of_the_database(program)
    references, missing = await _of_the_references(program)
    return references, faults + missing + await _of_the_blobs(program)


def fault_json(one: Fault) -> dict[str, object]:
    return {"place": one.place, "what": one.what, "advice": one.advice}


def fault_lines(faults: Sequence[Fault]) -> list[str]:
    return [
        line
        for one in faults
        for line in (f"FAULT {one.place}: {one.what}", f"      {one.advice}")
    ]


async def _of_the_database(program: "Program") -> list[Fault]:
    advice = "Stop the server, keep a copy of the data folder, and restore the last backup."
    return [Fault("database", what, advice) for what in await program.references.check()]


async def _of_the_references(program: "Program") -> tuple[int, list[Fault]]:
    """How many references there are, and those whose message is gone."""
    from postroad.model.ids import BlobId

    faults: list[Fault] = []
    after, count = BlobId(b""), 0
    while True:
        page = await program.references.references(after, _AT_ONCE)
        if not page:
            return count, faults
        count += len(page)
        for account, blob in page:
            if blob != after and await _is_missing(program, blob):
                faults.append(await _missing(program, account, blob))
            after = blob


async def _is_missing(program: "Program", blob: "BlobId") -> bool:
    """Whether there are no octets for a blob that is still referred to."""
    from postroad.base.errors import NotFound

    try:
        await program.blobs.size(blob)
    except NotFound:
        # It may have been let go, and collected, since its reference was read.
        return not await program.references.unreferenced([blob])
    return False


async def _missing(program: "Program", account: "AccountId", blob: "BlobId") -> Fault:
    owner = await program.directory.load_account(account)
    whose = owner.address
    if not owner.is_person:
        tenant = await program.directory.find_tenant(owner.tenant_id)
        whose = f"programs of {tenant.name if tenant else owner.tenant_id}"
    return Fault(
        f"message {blob.hex()} of {whose}",
        "its octets are missing from the blob store",
        "Bring it back: postroad backup restore --from TARGET --account ADDRESS.",
    )


async def _of_the_blobs(program: "Program") -> list[Fault]:
    advice = (
        "Check the disk (dmesg, smartctl), then bring the message back: "
        "postroad backup restore --from TARGET --account ADDRESS."
    )
    faults = []
    async for fault in program.blobs.scrub():
        which = "" if fault.blob_id is None else f" (message {fault.blob_id.hex()})"
        faults.append(Fault(f"{fault.place}{which}", fault.what, advice))
    return faults
