"""Numbered, checksummed migrations: SQL files rendered for the engine at hand."""

import hashlib
import re
from dataclasses import dataclass
from enum import Enum
from importlib.resources import files

from postroad.base.errors import Invalid

_NUMBER = re.compile(r"(\d{4})_\w+\.sql\Z")


class Dialect(Enum):
    SQLITE = "sqlite"
    POSTGRES = "postgres"


_TYPES = {
    Dialect.SQLITE: {
        "{int}": "INTEGER",
        "{text}": "TEXT",
        "{octets}": "BLOB",
        "{wide}": "STRICT",
        "{narrow}": "STRICT, WITHOUT ROWID",
    },
    Dialect.POSTGRES: {
        "{int}": "BIGINT",
        "{text}": 'TEXT COLLATE "C"',
        "{octets}": "BYTEA",
        "{wide}": "",
        "{narrow}": "",
    },
}

JOURNAL = """CREATE TABLE IF NOT EXISTS migration (
    number {int} PRIMARY KEY, name {text} NOT NULL, checksum {text} NOT NULL
) {wide}"""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    checksum: str  # of the text before rendering
    text: str

    def statements(self, dialect: Dialect) -> list[str]:
        plain = re.sub(r"--[^\n]*", "", render(self.text, dialect))
        return [statement.strip() for statement in plain.split(";") if statement.strip()]


def render(text: str, dialect: Dialect) -> str:
    for name, kind in _TYPES[dialect].items():
        text = text.replace(name, kind)
    return text


def migrations() -> list[Migration]:
    """All that this version of the program knows, in order."""
    found = []
    for entry in files("postroad.adapters.sql").joinpath("schema").iterdir():
        if match := _NUMBER.match(entry.name):
            text = entry.read_text()
            checksum = hashlib.sha256(text.encode()).hexdigest()
            found.append(Migration(int(match[1]), entry.name, checksum, text))
    return sorted(found, key=lambda migration: migration.number)


def missing(applied: dict[int, str]) -> list[Migration]:
    """What is still to be applied to a database with these numbers and checksums.

    Raises `Invalid` for a database that a newer program made, or whose history differs.
    """
    known = {migration.number: migration for migration in migrations()}
    for number, checksum in applied.items():
        if number not in known:
            raise Invalid(
                f"the database has migration {number:04}, which this version does not know: "
                "it was made by a newer one; upgrade the program"
            )
        if known[number].checksum != checksum:
            raise Invalid(f"migration {known[number].name} differs from the one that was applied")
    return [known[number] for number in sorted(known) if number not in applied]
