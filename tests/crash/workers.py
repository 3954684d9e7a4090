"""What all clients of the crash test have in common."""

import http.client
import smtplib
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from random import Random

from crash.imap import Imap
from crash.ledger import Ledger, Violation
from support.server import RunningServer

LOST = (OSError, smtplib.SMTPException, http.client.HTTPException)
"""How clients notice that the server is gone."""

CAROL = "carol@example.test"
DAVE = "dave@example.test"


@dataclass(frozen=True, slots=True)
class Desk:
    """What a client works with; `chance` is its own."""

    name: str
    server: RunningServer
    ledger: Ledger
    chance: Random

    def imap(self, address: str) -> Imap:
        return Imap(self.server.ports["imap"], address, self.server.passwords[address])


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
