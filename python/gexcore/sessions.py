"""Days: New York exchange sessions, holidays and half days by rule, and the days of a column."""

from __future__ import annotations

import functools
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

_WIDEST = 100_000  # days between the first and the last that a table is made for


def is_session(day: date) -> bool:
    """Tell whether the New York Stock Exchange holds a session on a day, by rule.

    Weekends and the ten yearly holidays of today's rule book (Juneteenth from 2022) are known.
    One-off closures (storms, days of mourning) are not, and half days count as sessions.

    Args:
        day: calendar date in New York; of a datetime only its own date is used.

    Returns:
        True for a session day.

    Example:
        >>> is_session(date(2024, 3, 28)), is_session(date(2024, 3, 29))  # Good Friday
        (True, False)
    """
    plain = date(day.year, day.month, day.day)
    return plain.weekday() < 5 and plain not in _holidays(plain.year)


@functools.lru_cache(maxsize=256)
def _holidays(year: int) -> frozenset[date]:
    days = [
        _nth_weekday(year, 1, 0, 3),
        _nth_weekday(year, 2, 0, 3),
        _easter(year) - timedelta(days=2),
        _nth_weekday(year, 6, 0, 1) - timedelta(days=7),  # the last Monday of May
        _nth_weekday(year, 9, 0, 1),
        _nth_weekday(year, 11, 3, 4),
        _observed(date(year, 7, 4)),
        _observed(date(year, 12, 25)),
    ]
    if year >= 2022:
        days.append(_observed(date(year, 6, 19)))
    # a Saturday New Year's Day would move into the old year, and the exchange drops it instead
    if date(year, 1, 1).weekday() != 5:
        days.append(_observed(date(year, 1, 1)))
    return frozenset(days)


def _nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _observed(day: date) -> date:
    return day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))


def _easter(year: int) -> date:
    # the anonymous Gregorian computus (Nature, 1876; Meeus, Astronomical Algorithms, chapter 8)
    golden, century, rest = year % 19, year // 100, year % 100
    moon = century - (century + 8) // 25 + 1
    epact = (19 * golden + century - century // 4 - moon // 3 + 15) % 30
    shift = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    late = (golden + 11 * epact + 22 * shift) // 451
    month, day = divmod(epact + shift - 7 * late + 114, 31)
    return date(year, month, day + 1)


def is_half_day(day: date) -> bool:
    """Tell whether a session closes at 13:00 New York instead of 16:00, by rule.

    Half days are the Friday after Thanksgiving, and July 3 and December 24 where they are
    sessions followed by the holiday itself.

    Args:
        day: calendar date in New York.

    Returns:
        True for a half day.

    Example:
        >>> is_half_day(date(2024, 11, 29)), is_half_day(date(2026, 7, 3))  # a holiday
        (True, False)
    """
    if not is_session(day):
        return False
    if (day.month, day.day) in ((7, 3), (12, 24)):
        return day.weekday() < 4  # on a Friday the holiday itself is observed
    return day == _nth_weekday(day.year, 11, 3, 4) + timedelta(days=1)


def number_days(
    dates: npt.NDArray[np.datetime64],
) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.intp]]:
    """Distinct days of a column, and the number of each row's.

    Example:
        >>> days, codes = number_days(np.array(["2024-01-08", "2024-01-05"], dtype="datetime64[D]"))
        >>> codes.tolist()
        [1, 0]
    """
    days = dates.astype("datetime64[D]", copy=False).view(np.int64)
    first, last = (int(days.min()), int(days.max())) if days.size else (0, _WIDEST + 1)
    # a gap is the least of all numbers, and far from any day
    if last - first > _WIDEST:
        return np.unique(dates, return_inverse=True)
    since: npt.NDArray[np.intp] = days - first
    seen = np.flatnonzero(np.bincount(since))
    number = np.zeros(last - first + 1, np.intp)
    number[seen] = np.arange(seen.size)
    # in place: "clip" writes without a buffer, and every day is inside
    return (seen + first).astype("datetime64[D]"), number.take(since, out=since, mode="clip")
