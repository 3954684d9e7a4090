"""Dates of header fields (RFC 5322 sections 3.3 and 4.3), read tolerantly."""

import re
from dataclasses import dataclass
from datetime import date

from postroad.formats.mime.parameters import strip_comments

_DATE = re.compile(
    r"\s*+(?:[A-Za-z]{3,9}\.?\s*+,?\s*+)?"
    r"([0-9]{1,2})[\s\-]*+([A-Za-z]{3})[A-Za-z]{0,6}\.?[\s\-,]*+([0-9]{2,4})"
    r"(?:[\s,]++([0-9]{1,2})\s*+[:.]\s*+([0-9]{1,2})(?:\s*+[:.]\s*+([0-9]{1,2}))?(?:[.,][0-9]+)?"
    r"\s*+([AaPp][Mm])?(?:\s*+(?:(?:UTC|GMT)?([+\-])([0-9]{2}):?([0-9]{2})|([A-Za-z]{1,5})))?)?"
)
# Interop: asctime() of C, "Mon Feb  7 21:52:25 1994".
_ASCTIME = re.compile(
    r"\s*+(?:[A-Za-z]{3,9},?\s++)?([A-Za-z]{3})[A-Za-z]{0,6}\s++([0-9]{1,2}),?\s++"
    r"([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2}))?\s++(?:[A-Z]{3,4}\s++)?([0-9]{4})"
)

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
        start=1,
    )
}

# RFC 5322 section 4.3. Military zones are to be read as -0000 there, and so is what is unknown.
_ZONE_HOURS = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2, "EET": 2, "EEST": 3, "BST": 1, "JST": 9, "MSK": 3,
}  # fmt: skip

_EPOCH = date(1970, 1, 1).toordinal()
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class SentDate:
    """A date-time: the moment, and the day on the sender's calendar."""

    at_microseconds: int
    """Since 1970, UTC."""
    on: date
    """What SENTON compares: no time and no zone (RFC 9051 section 6.4.4)."""


def parse(text: str) -> SentDate | None:
    """The date-time of an unfolded field; None if there is no valid day in it.

    RFC 5256 section 2.2: an invalid zone is UTC, an invalid time is 00:00:00.
    """
    text = text[:_LONGEST]
    if "(" in text:
        text = strip_comments(text)
    found = _DATE.match(text)
    if found is not None:
        day, month, year, hour, minute, second, half, sign, hours, minutes, zone = found.groups()
        return _sent(
            (_year(year), month, int(day)),
            (_hour(int(hour or 0), half), int(minute or 0), int(second or 0)),
            _offset(sign, hours, minutes, zone),
        )
    found = _ASCTIME.match(text)
    if found is not None:
        month, day, hour, minute, second, year = found.groups()
        return _sent((int(year), month, int(day)), (int(hour), int(minute), int(second or 0)), 0)
    return None


def _year(digits: str) -> int:
    """RFC 5322 section 4.3: two digits are 1950 to 2049, three count from 1900."""
    year = int(digits)
    if len(digits) == 2:
        return year + (2000 if year < 50 else 1900)
    return year + 1900 if len(digits) == 3 else year


def _hour(hour: int, half: str | None) -> int:
    if half is None or not 1 <= hour <= 12:
        return hour
    return hour % 12 + (12 if half in ("PM", "pm", "Pm", "pM") else 0)


def _offset(sign: str | None, hours: str, minutes: str, zone: str | None) -> int:
    """Seconds east of UTC."""
    if sign is not None:
        seconds = int(hours) * 3600 + int(minutes) * 60
        return -seconds if sign == "-" else seconds
    return 3600 * _ZONE_HOURS.get(zone.upper(), 0) if zone else 0


def _sent(day: tuple[int, str, int], time: tuple[int, int, int], offset: int) -> SentDate | None:
    month = _MONTHS.get(day[1].lower())
    if month is None:
        return None
    try:
        on = date(day[0], month, day[2])
    except ValueError:
        return None
    hour, minute, second = time
    if hour > 23 or minute > 59 or second > 60:
        hour = minute = second = 0
    days = on.toordinal() - _EPOCH
    return SentDate((days * 86400 + hour * 3600 + minute * 60 + second - offset) * 1_000_000, on)
