"""Counting what happens, for operators."""

from abc import abstractmethod
from enum import Enum
from typing import Protocol


class Counter(Enum):
    """What is counted; the values are the names of the metrics without their prefix."""

    RECEIVED = "messages_received"  # by way: mx, submission
    REFUSED_LOGINS = "logins_refused"  # by protocol
    LOGINS = "logins"  # by protocol
    SUBMITTED = "messages_submitted"  # by source: api, submission, notification, forward
    HAPPENINGS = "messages_touched"  # by cause: append, copy, flag
    OUTCOMES = "recipients_settled"  # by state: delivered, bounced, queued (tried again)


class Counters(Protocol):
    @abstractmethod
    def count(self, counter: Counter, label: str, amount: int = 1) -> None: ...


class NoCounters(Counters):
    """Where nobody looks, such as on the command line."""

    def count(self, counter: Counter, label: str, amount: int = 1) -> None:
        return
