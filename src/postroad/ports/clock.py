"""What time it is, so that tests can hold it in their hand."""

from abc import abstractmethod
from typing import Protocol

from postroad.base.moments import Moment


class Clock(Protocol):
    @abstractmethod
    def now(self) -> Moment: ...
