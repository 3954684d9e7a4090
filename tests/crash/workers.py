"""What all clients of the crash test have in common."""

import http.client
import smtplib
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Protocol

from crash.imap import Imap
from crash.ledger import Ledger, Violation
from support.server import Finished

LOST = (OSError, smtplib.SMTPException, http.client.HTTPException)
"""How clients notice that the server is gone."""

CAROL = "carol@example.test"
DAVE = "dave@example.test"


class Serving(Protocol):
    """A server, or several of which each `ports` may be another's."""

    @property
    def ports(self) -> Mapping[str, int]: ...

    @property
    def passwords(self) -> Mapping[str, str]: ...

    @property
    def api_key(self) -> str: ...

    def command(self, *words: str, stdin: str = "") -> Finished: ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What a client works with; `chance` is its own."""

    name: str
    server: "Serving"
    ledger: Ledger
    chance: Random
    may_fail: bool = False
    """Whether parts may be away, so that clients are told to come again."""

    def imap(self, address: str) -> Imap:
        password = self.server.passwords[address]
        return Imap(self.server.ports["imap"], address, password, may_fail=self.may_fail)


class Worker(ABC):
    """A client with a thread of its own while there is load."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._tries = 0

    def recover(self) -> None:  # noqa: B027  # most clients have nothing to compare
        """After a restart, before there is load: compare what is there with what must be."""

    @abstractmethod
    def session(self, stop: threading.Event) -> None:
        """Connect and work until it is time to stop or the server is gone."""
        ...

    def run(self, stop: threading.Event) -> None:
        """Sessions, one after the other; what they find is written into the ledger."""
        while not stop.is_set():
            try:
                self.session(stop)
            except LOST:
                stop.wait(0.05)
            except Violation as violation:
                self.desk.ledger.violated(f"{self.desk.name}: {violation}")
                return

    def new_key(self) -> str:
        self._tries += 1
        return f"{self.desk.name}x{self._tries:06d}"
