"""Time: when the quotes were true, which days are sessions, and how long until settlement."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from gexcore.errors import ConventionError, InputError
from gexcore.frames import Coded, code_texts
from gexcore.sessions import days_of_times, is_half_day, is_session, value_by_day

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    import numpy.typing as npt

    NEW_YORK: ZoneInfo
    _Hour = tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]] | int

AM_ROOTS = frozenset({"SPX", "NDX", "RUT"})
COIN_ROOT = "_"  # in the root of an option on a coin's index, such as ETH_USD; in no OCC root

_TIME_HINT = "write an ISO time with its zone, such as 2024-01-05T16:00-05:00"
_DATE_HINT = "give days as YYYY-MM-DD text, datetime.date objects or a datetime64 column"
_EMPTY_CELLS = frozenset({"", "None", "nan", "NaN", "NaT", "<NA>"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_PER_YEAR = 365 * 86400
_NOT_A_DAY = int(np.iinfo(np.int64).min)


@dataclass(frozen=True, slots=True)
class AsOf:
    """When the quotes were true, and how that was decided.

    Args:
        time: the moment, aware, New York zone.
        rule: "given", "printed" or "last session 16:00".
        printed: the time printed in the source, New York zone; None if there was none.

    Example:
        >>> resolve_as_of(None, "2024-01-05T21:00Z").rule
        'given'
    """

    time: datetime
    rule: str
    printed: datetime | None


@functools.cache
def _new_york() -> ZoneInfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo("America/New_York")
    except ZoneInfoNotFoundError:
        raise InputError(
            "the time zone America/New_York is not on this system", hint="pip install tzdata"
        ) from None


# hidden from type checkers, for which any attribute would otherwise exist
if not TYPE_CHECKING:

    def __getattr__(name: str) -> ZoneInfo:
        if name == "NEW_YORK":
            return _new_york()
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def parse_time(value: str | datetime) -> datetime:
    """Read one moment in time; a time without a zone is refused.

    Args:
        value: ISO 8601 text with an offset or Z, or an aware datetime.

    Returns:
        The aware datetime, in the zone it was given in.

    Raises:
        InputError: text that is not an ISO time, a missing zone, or another type.

    Example:
        >>> parse_time("2024-01-05T16:00-05:00").isoformat()
        '2024-01-05T16:00:00-05:00'
    """
    moment = _read_moment(value)
    # NaT of pandas is a datetime whose utcoffset() raises
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise InputError(f"the time {str(value)!r} has no zone", hint=_TIME_HINT)
    # one year of room on each side, so that no later change of zone can overflow
    if not date.min.year < moment.year < date.max.year:
        raise InputError(f"the year of the time {str(value)!r} is out of range", hint=_TIME_HINT)
    return moment


def _read_moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        kind = type(value).__name__
        raise InputError(f"a time must be text or an aware datetime, not {kind}", hint=_TIME_HINT)
    text = value.strip()
    if text[-1:] in ("Z", "z"):
        text = text[:-1] + "+00:00"
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{value[:60]!r} is not an ISO time", hint=_TIME_HINT) from None


def resolve_as_of(printed: datetime | None, policy: str | datetime | AsOf = "auto") -> AsOf:
    """Decide when the quotes were true (definitions: as_of).

    Args:
        printed: the aware time printed in the source, None if it has none.
        policy: "auto" (the printed time; at a weekend, until Sunday 20:15 New York, the last
            session's 16:00), "printed", "session" (the last 16:00 of a session day at or before
            the printed time), an ISO time with zone, an aware datetime, or an AsOf.

    Returns:
        The moment in New York time and the rule that chose it.

    Raises:
        InputError: a time without zone, or a policy that needs a printed time and has none.

    Example:
        >>> resolve_as_of(parse_time("2024-01-07T10:52-05:00")).time.isoformat()
        '2024-01-05T16:00:00-05:00'
    """
    if isinstance(policy, AsOf):
        parse_time(policy.time)
        return policy
    zone = _new_york()
    seen = None if printed is None else parse_time(printed).astimezone(zone)
    if not (isinstance(policy, str) and policy in ("auto", "printed", "session")):
        return AsOf(parse_time(policy).astimezone(zone), "given", seen)
    if seen is None:
        raise InputError(
            f"as_of={policy!r} needs a printed time and the source has none",
            hint="pass as_of= with an ISO time and zone, such as 2024-01-05T16:00-05:00",
        )
    if policy == "session" or (policy == "auto" and _market_is_away(seen)):
        return AsOf(_last_close(seen), "last session 16:00", seen)
    return AsOf(seen, "printed", seen)


def _market_is_away(moment: datetime) -> bool:
    # index options trade again from 20:15 on Sunday
    if moment.weekday() == 6:
        return (moment.hour, moment.minute) < (20, 15)
    return moment.weekday() == 5


def _last_close(moment: datetime) -> datetime:
    day = moment.date()
    if moment.hour < 16:
        day -= timedelta(days=1)
    while not is_session(day):
        day -= timedelta(days=1)
    return datetime(day.year, day.month, day.day, 16, tzinfo=_new_york())


def as_expiry_dates(values: object) -> npt.NDArray[np.datetime64]:
    """Turn a column of expiration dates into datetime64[D]; empty cells become NaT.

    Args:
        values: (n,) datetime64 of day or finer unit, YYYY-MM-DD text, date or naive datetime
            objects; lists, arrays, and anything np.asarray understands (pandas, polars, pyarrow).

    Returns:
        (n,) datetime64[D] array.

    Raises:
        InputError: numbers, booleans, masked arrays, times with a zone, or text that is no date.

    Example:
        >>> as_expiry_dates(["2024-03-15", None])
        array(['2024-03-15',        'NaT'], dtype='datetime64[D]')
    """
    if isinstance(values, np.ma.MaskedArray):
        raise InputError("expiry is a masked array", hint="fill the gaps with NaT first")
    try:
        column = np.asarray(values)
    except ValueError:
        raise InputError("expiry is not one column of dates", hint=_DATE_HINT) from None
    if column.ndim != 1:
        raise InputError(f"expiry has {column.ndim} dimensions instead of 1", hint=_DATE_HINT)
    if column.dtype.kind == "M":
        unit = np.datetime_data(column.dtype)[0]
        if unit in ("Y", "M", "W"):
            raise InputError(f"expiry has the unit {column.dtype}, not days", hint=_DATE_HINT)
        return days_of_times(column)
    if column.dtype.kind not in "UTO" and column.size:
        raise InputError(f"expiry has type {column.dtype}, not dates", hint=_DATE_HINT)
    days = [_day_number(cell, row) for row, cell in enumerate(column.tolist())]
    return np.array(days, dtype=np.int64).view("datetime64[D]")


def _day_number(cell: object, row: int) -> int:
    text = str(cell).strip()
    if text in _EMPTY_CELLS:
        return _NOT_A_DAY
    if isinstance(cell, str):
        return _day_of_text(text, row)
    if isinstance(cell, np.datetime64):
        return int(as_expiry_dates(np.array([cell])).astype(np.int64)[0])
    if isinstance(cell, datetime) and cell.utcoffset() is not None:
        raise InputError(
            f"expiry row {row}: {text!r} is a time with a zone, not a date",
            hint="convert to New York and keep the date: .tz_convert('America/New_York').date",
        )
    if not isinstance(cell, date):
        kind = type(cell).__name__
        raise InputError(f"expiry row {row} is a {kind}, not a date", hint=_DATE_HINT)
    return cell.toordinal() - _EPOCH.toordinal()


def _day_of_text(text: str, row: int) -> int:
    # midnight is how other libraries print a bare date
    stem = text[:10] if text[10:] in (" 00:00:00", "T00:00:00") else text
    try:
        # fromisoformat alone would also take 20240315 and 2024-W11-5
        if len(stem) != 10 or stem[4] != "-" or stem[7] != "-":
            raise ValueError
        return date.fromisoformat(stem).toordinal() - _EPOCH.toordinal()
    except ValueError:
        message = f"expiry row {row}: {text[:40]!r} is not a date"
        raise InputError(message, hint=_DATE_HINT) from None


def settlement_times(
    expiry: npt.NDArray[np.datetime64], root: npt.NDArray[np.str_] | str | None = None
) -> npt.NDArray[np.datetime64]:
    """Find the moment each contract settles, in UTC.

    Roots SPX, NDX and RUT settle at 09:30 New York on the expiration date of the symbol, roots
    with an underscore (a coin's index: ETH_USD) at 08:00 UTC, every other root at 16:00 New York,
    on half days (by rule, see `gexcore.sessions`) at 13:00.

    Args:
        expiry: (n,) expiration dates, NaT where unknown.
        root: (n,) OCC roots, or one root for all rows; None or "" settles at 16:00.

    Returns:
        (n,) datetime64[s] in UTC, NaT where expiry is NaT.

    Raises:
        InputError: expiry that is no date column, a date outside years 2 to 9998, or roots of
            another type or length.

    Example:
        >>> settlement_times(as_expiry_dates(["2024-07-19"]), "SPX")
        array(['2024-07-19T13:30:00'], dtype='datetime64[s]')
    """
    dates = as_expiry_dates(expiry)
    hour = _hour_of_root(root, dates.size)
    return _of_rows(dates, hour, lambda seconds: seconds).view("datetime64[s]")


def _of_rows(
    dates: npt.NDArray[np.datetime64],
    hour: _Hour,
    value: Callable[[npt.NDArray[np.int64]], Any],
) -> npt.NDArray[Any]:
    """A value of the moment at which each row settles, computed once per day and hour."""

    def by_hour(days: list[date | int | None]) -> npt.NDArray[Any]:
        seconds = np.array([_utc_seconds(day) for day in days], dtype=np.int64)
        found: npt.NDArray[Any] = value(seconds.reshape(-1, 3))
        return found

    return value_by_day(dates, by_hour, hour)


def _hour_of_root(root: object, size: int) -> _Hour:
    """Which of the moments of `_utc_seconds` rows settle at: one for all, or by code of a row."""
    if root is None or isinstance(root, str):
        name = root or ""
        return 1 if name in AM_ROOTS else 2 * (COIN_ROOT in name)
    if not isinstance(root, Coded):
        roots = np.asarray(root)
        if roots.dtype.kind not in "UTO" and roots.size:
            raise InputError(f"root has type {roots.dtype}, not text", hint="give OCC roots as str")
        if roots.shape != (size,):
            raise InputError(f"root has shape {roots.shape} and expiry has ({size},)")
        root = code_texts(roots)
    hours = [_hour_of_root(text, 1) for text in root.texts.tolist()]
    return root.codes, np.array(hours, dtype=np.int64)


@functools.lru_cache(maxsize=4096)
def _utc_seconds(day: date | int | None) -> tuple[int, int, int]:
    """Close, opening and 08:00 UTC."""
    if day is None:
        return _NOT_A_DAY, _NOT_A_DAY, _NOT_A_DAY
    # NumPy hands out bare numbers for days beyond the calendar of datetime
    if not isinstance(day, date) or not date.min.year < day.year < date.max.year:
        raise InputError("expiry holds a date outside years 2 to 9998", hint=_DATE_HINT)
    midnight = datetime(day.year, day.month, day.day, tzinfo=_new_york())
    close = midnight.replace(hour=13 if is_half_day(day) else 16)
    opening = midnight.replace(hour=9, minute=30)
    morning = datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
    return int(close.timestamp()), int(opening.timestamp()), int(morning.timestamp())


def years_to_settlement(
    expiry: npt.NDArray[np.datetime64],
    root: npt.NDArray[np.str_] | str | None,
    as_of: datetime,
) -> npt.NDArray[np.float64]:
    """Years from as_of to settlement: elapsed UTC seconds over 365 x 86400.

    Args:
        expiry: (n,) expiration dates, NaT where unknown.
        root: (n,) OCC roots, one root for all rows, or None; it decides the hour.
        as_of: aware moment the quotes were true.

    Returns:
        (n,) float64 years, negative once settled, NaN where expiry is NaT.

    Raises:
        InputError: as for `settlement_times`, or an as_of without zone.

    Example:
        >>> as_of = parse_time("2024-01-05T16:00-05:00")
        >>> years_to_settlement(as_expiry_dates(["2024-01-12"]), "SPXW", as_of) * 365
        array([7.])
    """
    since, part = divmod(parse_time(as_of) - _EPOCH, timedelta(seconds=1))

    def years(seconds: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        elapsed = (seconds - since) - part.microseconds / 1e6
        elapsed[seconds == _NOT_A_DAY] = np.nan
        return elapsed / _SECONDS_PER_YEAR

    dates = as_expiry_dates(expiry)
    return _of_rows(dates, _hour_of_root(root, dates.size), years)


CLOCKS = ("settlement", "calendar/365", "business/252", "business/262")


def check_clock(clock: str) -> None:
    """Raise ConventionError unless there is a clock of this name."""
    if clock not in CLOCKS:
        raise ConventionError(f"clock: there is no {clock!r}", hint=f"clocks: {', '.join(CLOCKS)}")


def years_to_expiry(
    expiry: npt.NDArray[np.datetime64],
    root: npt.NDArray[np.str_] | str | None,
    as_of: datetime,
    clock: str = "settlement",
) -> npt.NDArray[np.float64]:
    """Years to expiry under a named clock; the coarse ones reproduce published numbers.

    "settlement": `years_to_settlement`. "calendar/365": whole days from the New York date of as_of
    to the expiration date. "business/252", "business/262": weekdays between these dates, at least
    one. Under every clock a contract that has settled has a time <= 0.

    Args:
        expiry: (n,) expiration dates, NaT where unknown.
        root: (n,) OCC roots, one root for all rows, or None.
        as_of: aware moment the quotes were true.
        clock: one of `CLOCKS`.

    Returns:
        (n,) float64 years.

    Raises:
        ConventionError: no such clock. InputError: as for `settlement_times`.

    Example:
        >>> as_of, day = parse_time("2024-01-05T10:00-05:00"), as_expiry_dates(["2024-01-12"])
        >>> years_to_expiry(day, "SPXW", as_of, "business/252") * 252
        array([5.])
    """
    check_clock(clock)
    exact = years_to_settlement(expiry, root, as_of)
    if clock == "settlement":
        return exact
    today = np.datetime64(parse_time(as_of).astimezone(_new_york()).date(), "D")
    dates = as_expiry_dates(expiry)
    known = ~np.isnat(dates)
    unit, days_a_year = clock.split("/")
    days = np.full(dates.size, np.nan)
    if unit == "calendar":
        days[known] = (dates[known] - today).astype(np.float64)
    else:
        days[known] = np.maximum(np.busday_count(today, dates[known]), 1)
    return np.where(exact <= 0, np.minimum(exact, 0.0), days / float(days_a_year))
