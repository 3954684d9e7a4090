"""The system's clock."""

import time

from postroad.base.moments import Moment
from postroad.ports.clock import Clock


class SystemClock(Clock):
    def now(self) -> Moment:
        return Moment(time.time_ns() // 1000)
