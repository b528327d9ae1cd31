"""Printed times of chain files: month names, clocks and zones in the dialects seen in the wild."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo

_MONTHS = (
    ("january", "enero"),
    ("february", "febrero"),
    ("march", "marzo"),
    ("april", "abril"),
    ("may", "mayo"),
    ("june", "junio"),
    ("july", "julio"),
    ("august", "agosto"),
    ("september", "septiembre", "setiembre", "sept"),
    ("october", "octubre"),
    ("november", "noviembre"),
    ("december", "diciembre"),
)
_MONTH_NUMBER = {
    spelling: number
    for number, names in enumerate(_MONTHS, start=1)
    for name in names
    for spelling in (name, name[:3])
}

# hours east of UTC; ET is left out because it depends on the date
_ZONE_HOURS = {
    "UTC": 0,
    "GMT": 0,
    "Z": 0,
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
    "CET": 1,
    "CEST": 2,
}

_LABEL = re.compile(r"^(date|fecha)\s*:?\s*", re.IGNORECASE)
_MONTH_FIRST = re.compile(r"^(?P<month>[a-z]+)\.? (?P<day>\d{1,2}),? (?P<year>\d{4})\b", re.ASCII)
_DAY_FIRST = re.compile(
    r"^(?P<day>\d{1,2})(?: de)? (?P<month>[a-z]+)\.?(?: de|,)? (?P<year>\d{4})\b", re.ASCII
)
_YEAR_FIRST = re.compile(r"^(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?=[t ,])", re.ASCII)
_CLOCK = re.compile(
    r"^(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?"
    r"(?: ?(?P<half>[ap])\.? ?m\b\.?)?\s*(?P<zone>.*)$",
    re.ASCII,
)
_OFFSET = re.compile(r"^(?:UTC|GMT)? ?([+-])(\d{1,2})(?::?(\d\d))?$", re.ASCII)


def looks_like_time(text: str) -> bool:
    """Tell whether a line of a preamble is the one with the printed time.

    Args:
        text: one line.

    Returns:
        True for a line that begins with "Date" or "Fecha" or holds a year and a clock time.

    Example:
        >>> looks_like_time("January 7, 2024 at 10:52 AM EST"), looks_like_time("Last: 4500")
        (True, False)
    """
    if re.match(r"\s*(date|fecha)\s*:", text, re.IGNORECASE):
        return True
    return bool(re.search(r"\b(19|20)\d\d\b.*\b\d{1,2}:\d\d", text))


def parse_printed_time(text: str) -> datetime:
    """Read the printed time of a chain file, in English or Spanish.

    Args:
        text: such as "Date: January 7, 2024 at 10:52 AM EST".

    Returns:
        Aware datetime in the printed zone (New York for "ET").

    Raises:
        ValueError: date, clock or zone that is not known; the message says which.

    Example:
        >>> parse_printed_time("23 de marzo de 2022, 10:11 GMT-4").isoformat()
        '2022-03-23T10:11:00-04:00'
    """
    plain = _LABEL.sub("", " ".join(text.split())).lower()
    for pattern in (_MONTH_FIRST, _DAY_FIRST, _YEAR_FIRST):
        date = pattern.match(plain)
        if date:
            break
    else:
        raise ValueError("the date is not in a known form")
    clock = _CLOCK.match(re.sub(r"^(?:,| at| a las|t|\s)+", "", plain[date.end() :]))
    if clock is None:
        raise ValueError("no clock time follows the date")
    day = datetime(int(date["year"]), _month(date["month"]), int(date["day"]))
    if not 1970 <= day.year <= 2099:
        raise ValueError(f"the year {day.year} is out of range")
    naive = day.replace(
        hour=_hour(int(clock["hour"]), clock["half"]),
        minute=int(clock["minute"]),
        second=int(clock["second"] or 0),
    )
    return naive.replace(tzinfo=_zone(clock["zone"].strip(" .,()").upper()))


def _month(text: str) -> int:
    number = int(text) if text.isdigit() else _MONTH_NUMBER.get(text)
    if number is None:
        raise ValueError(f"{text[:20]!r} is not a month in English or Spanish")
    return number


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(f"{hour} {half}m is not an hour")
    return hour % 12 + (12 if half == "p" else 0)


def _zone(text: str) -> tzinfo:
    if text == "ET":
        from gexcore.clock import NEW_YORK

        return NEW_YORK
    if text in _ZONE_HOURS:
        return timezone(timedelta(hours=_ZONE_HOURS[text]))
    offset = _OFFSET.match(text)
    if not offset:
        raise ValueError("it has no zone" if not text else f"the zone {text[:20]!r} is not known")
    size = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
    if size >= timedelta(hours=15):
        raise ValueError(f"the zone {text[:20]!r} is not known")
    return timezone(size if offset[1] == "+" else -size)
