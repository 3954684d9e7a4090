"""Whether the database keeps what it has committed."""

from typing import TYPE_CHECKING

from postroad.cli.diagnosis.finding import Finding, Level

if TYPE_CHECKING:
    from postroad.app.program import Program


async def database(program: "Program") -> list[Finding]:
    """A fault is what loses mail in an accident that is common, a warning in one that is rare."""
    return [
        Finding(Level.FAIL if one.is_grave else Level.WARN, "database", one.what, one.fix)
        for one in await program.engine.weaknesses()
    ]
