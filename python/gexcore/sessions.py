"""Days: New York exchange sessions, holidays and half days by rule, and the days of a column."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import _core

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
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


def days_of_times(times: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    """The days on which moments fall, as datetime64[D]; days stay in their memory.

    Example:
        >>> days_of_times(np.array(["1969-12-31T23:59:59"], dtype="datetime64[s]"))
        array(['1969-12-31'], dtype='datetime64[D]')
    """
    unit, step = np.datetime_data(times.dtype)
    plain = step == 1 and times.dtype.isnative and times.flags.c_contiguous
    if unit not in _PER_SECOND or not plain:
        return times.astype("datetime64[D]", copy=False)
    return _core.days_of_times(times.view(np.int64), _PER_SECOND[unit]).view("datetime64[D]")


def value_by_day(
    dates: npt.NDArray[np.datetime64],
    values: Callable[[list[date | int | None]], npt.NDArray[Any]],
    hour: tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]] | int,
) -> npt.NDArray[Any]:
    """A value of each row's day, computed once for each day that is there.

    Args:
        dates: (n,) datetime64[D], NaT where unknown.
        values: from days (None for NaT) to (days, hours) items of eight bytes.
        hour: which column of `values` holds for all rows, or a code per row and the column of each.

    Example:
        >>> dates = np.array(["2024-01-08", "NaT"], dtype="datetime64[D]")
        >>> value_by_day(dates, lambda days: np.array([[float(d is None)] for d in days]), 0)
        array([0., 1.])
    """
    days = np.ascontiguousarray(dates.astype("datetime64[D]", copy=False)).view(np.int64)
    found = _core.days_seen(days, _WIDEST)
    if found is None:  # too far apart for a table: their numbers take their place
        distinct, numbers = np.unique(dates, return_inverse=True)
        first, places, table = 0, len(distinct) + 1, np.arange(len(distinct)) + 1
        days = numbers.astype(np.int64, copy=False)
    else:
        first, seen = found
        places, table = len(seen), np.flatnonzero(seen)
        distinct = (table + (first - 1)).astype("datetime64[D]")
        distinct[table == 0] = np.datetime64("NaT")
    rows = values(distinct.tolist())
    by_place = np.zeros((places, rows.shape[1]), rows.dtype)
    by_place[table] = rows
    code, column = hour if isinstance(hour, tuple) else (None, None)
    if isinstance(hour, int):
        by_place = by_place[:, hour : hour + 1].copy()
    taken = _core.take_by_day(days, first, by_place.view(np.int64), code, column)
    return taken.view(rows.dtype)
