"""Columns of moments in UTC, from times that carry a zone or are told one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.errors import InputError

Times = npt.NDArray[np.datetime64]

_HINT = "zone='UTC' or zone='America/New_York', or times that carry their zone"
_MISSING = frozenset({"", "NaT", "None", "nan", "NaN", "<NA>"})
_NO_TIME = int(np.iinfo(np.int64).min)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SLOT = 15 * 60  # seconds; zones change their offset at quarters of an hour


def utc_times(name: str, values: Any, rows: int, zone: str | None = None) -> Times:
    """A column of moments in UTC; missing ones, and those outside 1700 to 2250, are NaT.

    Args:
        name: of the argument, for messages.
        values: (n,) datetime64, ISO text or datetimes, or one for all rows.
        rows: n.
        zone: what values without a zone are in; None refuses them.

    Returns:
        (n,) datetime64[ns], of its own memory.

    Raises:
        InputError: no zone, no such zone, another type or length.

    Example:
        >>> utc_times("time", np.array(["2024-07-01T09:30"], "M8[m]"), 1, "America/New_York")
        array(['2024-07-01T13:30:00.000000000'], dtype='datetime64[ns]')
    """
    local = None if zone is None else _zone(zone)
    if getattr(getattr(values, "dtype", None), "tz", None) is not None:  # a frame's aware column
        values, local = values.to_numpy(dtype="datetime64[ns]"), UTC
    elif _arrow_zone(values) is not None:
        values, local = values.to_numpy(), UTC
    column = np.asarray(values)
    column = np.broadcast_to(column, rows) if column.ndim == 0 else column
    if column.shape != (rows,):
        raise InputError(f"{name}: has shape {column.shape}, not ({rows},)", hint="one time a row")
    if column.dtype.kind in "UO" or not rows:
        moments = [_microsecond(name, i, x, local) for i, x in enumerate(column.tolist())]
        column, local = np.array(moments, dtype=np.int64).view("datetime64[us]"), UTC
    if column.dtype.kind != "M":
        raise InputError(f"{name}: is {column.dtype}, not times", hint=_HINT)
    if local is None:
        raise InputError(f"{name}: has no zone", hint=_HINT)
    years = column.astype("datetime64[Y]").astype(np.int64) + 1970
    known = np.where((years > 1700) & (years < 2250), column, np.datetime64("NaT"))
    times: Times = known.astype("datetime64[ns]")
    return times if local is UTC else np.asarray(times - _offsets(times, local))


def _arrow_zone(column: Any) -> Any:
    """The zone of an aware column of polars or pyarrow."""
    kind = getattr(column, "dtype", getattr(column, "type", None))
    return getattr(kind, "time_zone", getattr(kind, "tz", None))


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo

    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError):
        raise InputError(f"zone: there is no {name!r}", hint="such as America/New_York") from None


def _offsets(times: Times, zone: tzinfo) -> npt.NDArray[np.timedelta64]:
    """What local times are ahead of UTC; of an hour that comes twice, the first."""
    known = ~np.isnat(times)
    seconds = np.where(known, times, np.datetime64(0, "ns")).astype("datetime64[s]")
    slots, inverse = np.unique(seconds.astype(np.int64) // _SLOT, return_inverse=True)
    naive = (datetime(1970, 1, 1) + timedelta(seconds=_SLOT * slot) for slot in slots.tolist())
    ahead = [moment.replace(tzinfo=zone).utcoffset() for moment in naive]
    return np.array(ahead, dtype="timedelta64[ns]")[inverse]


def _microsecond(name: str, row: int, cell: Any, local: tzinfo | None) -> int:
    text = str(cell).strip()
    if text in _MISSING:
        return _NO_TIME
    try:
        moment = cell if isinstance(cell, datetime) else datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{name}: row {row}, {text[:40]!r}, is no time", hint=_HINT) from None
    if moment.tzinfo is None:
        if local is None:
            raise InputError(f"{name}: row {row}, {text!r}, has no zone", hint=_HINT)
        moment = moment.replace(tzinfo=local)
    return (moment - _EPOCH) // timedelta(microseconds=1)
