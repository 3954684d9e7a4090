"""The catalogues of LANGUAGE (RFC 5255), compared with what the code says."""

import re
from string import Formatter

import pytest

from postroad.base.errors import LowSpace, MailError, NotFound
from postroad.base.phrases import phrase
from postroad.base.syntax import BadSyntax
from postroad.sessions.imap.errors import words_of
from postroad.sessions.imap.languages import DEFAULT, LANGUAGES, Language, find
from sessions.imap.clients import Clients
from sessions.imap.phrases import said

TRANSLATED = [each for each in LANGUAGES.values() if each.is_translated]
GERMAN = LANGUAGES["de"]


def _places(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


@pytest.fixture(scope="module")
def templates() -> dict[str, str]:
    return said()


def test_the_code_speaks_ascii(templates: dict[str, str]) -> None:
    assert len(templates) > 150
    assert [each for each in templates if not each.isascii() or each.startswith("[")] == []


@pytest.mark.parametrize("language", TRANSLATED, ids=lambda each: each.tag)
def test_a_catalogue_has_all_that_is_said_and_nothing_else(
    language: Language, templates: dict[str, str]
) -> None:
    lacks = {each: where for each, where in templates.items() if each not in language.texts}
    assert lacks == {}
    assert [each for each in language.texts if each not in templates] == []


@pytest.mark.parametrize("language", TRANSLATED, ids=lambda each: each.tag)
def test_translations_are_texts_with_the_same_places(language: Language) -> None:
    for template, text in language.texts.items():
        assert _places(text) == _places(template), template
        # RFC 5255 section 3.5: UTF8-TEXT-CHAR.
        assert re.fullmatch(r"[^\x00-\x1f\x7f\[][^\x00-\x1f\x7f]*", text), template
        assert text.strip() == text
    assert len(set(language.texts.values())) > 0.95 * len(language.texts)
    assert language.other_users
    assert language.shared


def test_values_stay_as_they_are() -> None:
    assert GERMAN.say(phrase("there is no mailbox {name}", name="Closed {x}")) == (
        "es gibt kein Postfach Closed {x}"
    )
    inner = phrase("the filter {name} is not there", name="x")
    assert (
        GERMAN.say(phrase("Too much: {error}", error=inner))
        == "Zu viel: den Filter x gibt es nicht"
    )
    assert GERMAN.say(words_of(NotFound("there is no such message"))) == (
        "diese Nachricht gibt es nicht"
    )
    assert "bei Oktett 7" in GERMAN.say(BadSyntax("DONE", 7).args[0])
    assert LANGUAGES["en"].say("Closed") == "Closed"


def test_what_is_for_operators_is_said_in_general_words() -> None:
    assert words_of(LowSpace("the disk {sda} is full")) == "the disk {sda} is full"
    assert GERMAN.say(words_of(LowSpace("the disk {sda} is full"))) == (
        "das ist gerade nicht möglich, bitte später wieder versuchen"
    )
    assert GERMAN.say(words_of(MailError())) == "das ist nicht möglich"
    assert words_of(MailError()) == "that cannot be done"


@pytest.mark.parametrize(
    ("wanted", "tag"),
    [
        ("DE", "de"),
        ("de-IT", "de"),
        ("fr-CA-x-q", "fr"),
        ("en-GB", "en"),
        ("default", "i-default"),
        ("*", "i-default"),
        ("I-Default", "i-default"),
        ("mul", None),
        ("d", None),
        ("i", None),
    ],
)
def test_ranges_are_looked_up(wanted: str, tag: str | None) -> None:
    found = find(wanted)
    assert (found and found.tag) == tag


async def test_farewells_are_spoken_too() -> None:
    clients = Clients()
    await clients.prepare("mailbox INBOX")
    session = await clients.session("1")
    await clients.send("1", b"a LANGUAGE fr\r\n")
    assert b"silencieux" in session.timed_out().encode()
    assert b"* BYE [UNAVAILABLE] Le serveur" in session.shutting_down().encode()
    session.tls_started()  # who stood between is forgotten
    assert b"You were silent" in session.timed_out().encode()
    assert (await clients.send("1", b"b COMPARATOR x\r\n"))["1"].endswith(
        b"no such comparator\r\n"
    )


async def test_without_utf8_english_is_ascii() -> None:
    clients = Clients()
    await clients.prepare("mailbox INBOX")
    said_now = (await clients.send("1", b"a STATUS &AOQ- (MESSAGES)\r\n"))["1"]
    assert said_now == b"a NO [NONEXISTENT] there is no mailbox ?\r\n"
    await clients.send("1", b"b ENABLE UTF8=ACCEPT\r\n")
    said_now = (await clients.send("1", 'c STATUS "ä" (MESSAGES)\r\n'.encode()))["1"]
    assert said_now.decode() == "c NO [NONEXISTENT] there is no mailbox ä\r\n"
    assert DEFAULT.say("x") == "x"
