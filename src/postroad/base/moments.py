"""Moments as the program keeps them: whole microseconds since 1970 in UTC."""

from datetime import UTC, datetime, timedelta
from typing import NewType

Moment = NewType("Moment", int)
"""Microseconds since 1970-01-01T00:00:00Z; what every `..._at` of the stores holds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def from_datetime(value: datetime) -> Moment:
    """The moment of an aware datetime."""
    return Moment((value - _EPOCH) // timedelta(microseconds=1))


def to_datetime(value: Moment) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


def to_iso(value: Moment) -> str:
    """RFC 3339 with a Z, to the microsecond, as the REST API and the command line print it."""
    return to_datetime(value).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def after(value: Moment, delay: timedelta) -> Moment:
    return Moment(value + delay // timedelta(microseconds=1))
