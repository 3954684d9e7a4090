"""LANGUAGE (RFC 5255 section 3): in which language people are told what happens."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from postroad.base.phrases import phrase
from postroad.sessions.imap.commands.namespace import namespaces
from postroad.sessions.imap.feature import (
    EVERYWHERE,
    Context,
    Done,
    Feature,
    Replies,
    State,
    always,
)
from postroad.sessions.imap.languages import LANGUAGES, find
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.responses import Condition, astring

_RANGE = re.compile(rb"(?:[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,10}|\*)\Z")  # RFC 4647 section 2.1
_MAX_RANGES = 20


@dataclass(frozen=True, slots=True)
class Spoken:
    """The response (RFC 5255 section 3.3): the language from here on, or all that there are."""

    tags: Sequence[str]

    def encode(self) -> bytes:
        return b"* LANGUAGE (%b)\r\n" % b" ".join([astring(tag.encode()) for tag in self.tags])


def parse(cursor: Cursor) -> tuple[str, ...]:
    ranges: list[str] = []
    while not cursor.at_end():
        cursor.sp()
        octets = cursor.astring()
        if not _RANGE.match(octets):
            raise cursor.wrong("a language range")
        ranges.append(octets.decode())
        if len(ranges) > _MAX_RANGES:
            raise cursor.wrong(f"at most {_MAX_RANGES} languages")
    return tuple(ranges)


async def handle(context: Context, command: tuple[str, ...]) -> Replies:
    if not command:
        yield Spoken(list(LANGUAGES))
        yield Done("Supported languages have been enumerated")
        return
    language = next((found for each in command if (found := find(each)) is not None), None)
    if language is None:
        text = phrase("The language {name} is not spoken here", name=command[0])
        yield Done(text, condition=Condition.NO)
        return
    before, context.language = context.language, language
    yield Spoken([language.tag])
    is_told = language.is_translated or before.is_translated
    if is_told and context.state is not State.NOT_AUTHENTICATED:
        yield namespaces(context)  # their names are other ones now (section 3.4)
    yield Done("This is the language now")


FEATURE = Feature(b"LANGUAGE", EVERYWHERE, parse, handle, always(b"LANGUAGE"))
