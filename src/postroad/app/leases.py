"""Duties that one process is enough for: whoever has the lease does them."""

import logging
from datetime import timedelta

from postroad.base.errors import MailError
from postroad.base.identifiers import new_uuid
from postroad.base.moments import after
from postroad.ports.clock import Clock
from postroad.stores.leases import LeaseStore

log = logging.getLogger(__name__)

RENEWED_EVERY = timedelta(seconds=5)
_LASTS = timedelta(seconds=20)


class Lease:
    """To be renewed every `RENEWED_EVERY`; another process has it at most `_LASTS` after our end.

    A holder that was stopped for longer than that may go on beside the next one for a moment. So
    what is done under a lease must bear to be done twice; the lease only saves the work.
    """

    def __init__(self, name: str, leases: LeaseStore, clock: Clock) -> None:
        self.name = name
        self.is_held = False
        self._leases = leases
        self._clock = clock
        self._token = new_uuid()

    async def renew(self) -> bool:
        """Take it if it is free; whether it is new to us."""
        before, now = self.is_held, self._clock.now()
        try:
            self.is_held = await self._leases.take(self.name, self._token, now, after(now, _LASTS))
        except MailError as error:
            self.is_held = False
            log.warning("a lease is not renewed", extra={"lease": self.name, "why": str(error)})
        if self.is_held and not before:
            log.info("lease taken", extra={"lease": self.name})
        return self.is_held and not before

    async def give_back(self) -> None:
        if self.is_held:
            self.is_held = False
            await self._leases.give_back(self.name, self._token)
