"""Whatever is wrong with a command: one answer, no more than it costs, and the session goes on."""

import re
import time

import pytest

from postroad.sessions.imap.commands import FEATURES
from postroad.sessions.imap.feature import AnyFeature, State
from sessions.imap.campaign import EXAMPLES, Attempt, attempts
from sessions.imap.clients import Clients

_SECONDS = 2.0


class _Talk:
    """Somebody who begins anew when the connection was closed."""

    def __init__(self, state: State = State.SELECTED, enabled: bytes = b"") -> None:
        self.state = state
        self.enabled = enabled
        self.clients: Clients | None = None

    async def say(self, octets: bytes) -> bytes:
        if self.clients is None:
            self.clients = Clients()
            self.clients.logs_in = self.state is not State.NOT_AUTHENTICATED
            for preparation in (
                "mailbox INBOX 0",
                "mailbox Old 1",
                "message INBOX mixed",
                "message INBOX small",
            ):
                await self.clients.prepare(preparation)
            if self.enabled and self.state is not State.NOT_AUTHENTICATED:
                await self.clients.send("1", b"e ENABLE " + self.enabled + b"\r\n")
            if self.state is State.SELECTED:
                await self.clients.send("1", b"s SELECT INBOX\r\n")
        answer = (await self.clients.send("1", octets))["1"]
        if b"(closed)" in answer:
            self.clients = None
        return answer

    async def attempt(self, octets: bytes) -> bytes:
        """The whole answer; what waits for more is brought to an end."""
        answer = await self.say(octets)
        for end in (b"*\r\n", b"DONE\r\n"):
            if self.clients is not None and answer.splitlines()[-1:] and _waits(answer):
                answer += await self.say(end)
        return answer


def _waits(answer: bytes) -> bool:
    return answer.splitlines()[-1].startswith(b"+")


async def _check(talk: _Talk, attempt: Attempt) -> None:
    began = time.process_time()
    answer = await talk.attempt(b"t " + attempt.command + b"\r\n")
    shown = f"{attempt.command[:200]!r}: {answer[-300:]!r}"
    assert time.process_time() - began < _SECONDS, shown
    tagged = re.findall(rb"(?m)^t (OK|NO|BAD) ", answer)
    if not tagged:  # where even the tag is lost, it is untagged
        assert re.search(rb"(?m)^\* (BAD|BYE) ", answer), shown
    else:
        assert len(tagged) == 1, shown
        assert not attempt.must_fail or tagged[0] != b"OK", shown
        if tagged[0] == b"OK":
            talk.clients = None  # the next one finds everything as it was
    if talk.clients is not None:
        assert b"z OK" in await talk.say(b"z NOOP\r\n"), shown


@pytest.mark.parametrize("feature", FEATURES, ids=lambda one: one.name.decode().replace(" ", "-"))
@pytest.mark.parametrize("enabled", [b"", b"QRESYNC IMAP4REV2", b"UIDONLY"])
async def test_spoilt_arguments(feature: AnyFeature, enabled: bytes) -> None:
    talk = _Talk(_best_state(feature), enabled)
    for attempt in attempts(feature.name):
        await _check(talk, attempt)


def _best_state(feature: AnyFeature) -> State:
    return max(feature.states, key=lambda state: state.value)


@pytest.mark.parametrize("state", State, ids=lambda one: one.name)
async def test_the_wrong_state(state: State) -> None:
    for feature in FEATURES:
        for example in EXAMPLES[feature.name]:
            talk = _Talk(state)
            answer = await talk.attempt(b"t " + feature.name + b" " + example + b"\r\n")
            is_allowed = state in feature.states
            assert (b"t BAD" in answer and b"state" in answer) is not is_allowed, answer


def test_every_command_has_an_example() -> None:
    missing = {feature.name for feature in FEATURES} - set(EXAMPLES)
    assert not missing, f"add arguments of {missing} to EXAMPLES in campaign.py"


@pytest.mark.parametrize("feature", FEATURES, ids=lambda one: one.name.decode().replace(" ", "-"))
async def test_the_examples_are_understood(feature: AnyFeature) -> None:
    if feature.name in (b"STARTTLS", b"IDLE"):  # TLS is on already; IDLE ends with DONE only
        return
    may_have_none = State.AUTHENTICATED in feature.states
    state = State.AUTHENTICATED if may_have_none else _best_state(feature)
    for example in EXAMPLES[feature.name]:
        talk = _Talk(state, b"QRESYNC")
        answer = await talk.attempt(
            b"t " + feature.name + b" " * bool(example) + example + b"\r\n"
        )
        assert b"BAD" not in answer, answer
