"""Which process has what only one should do at a time."""

from abc import abstractmethod
from typing import Protocol

from postroad.base.moments import Moment


class LeaseStore(Protocol):
    """A lease is held by a token, which its holder made up and tells nobody."""

    @abstractmethod
    async def take(self, name: str, token: str, now: Moment, until: Moment) -> bool:
        """Have the lease up to `until`; False when another token holds it.

        Who has it renews it so. One that has lapsed is anybody's.
        """
        ...

    @abstractmethod
    async def give_back(self, name: str, token: str) -> None:
        """Leave it to the others at once; nothing happens to another's lease."""
        ...

    @abstractmethod
    async def any_held(self, prefix: str, now: Moment) -> bool:
        """Whether anybody holds a lease whose name begins with `prefix`, which is not empty."""
        ...
