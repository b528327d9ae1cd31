"""Minute bars in the layout of LEAN: a zip of trade bars and one of quote bars, as Trades.

Members are named `20151224_goog_minute_trade_american_call_7500000_20160115.csv`: day, underlying,
kind, exercise, type, strike x 10,000, expiration date. Lines have no header: milliseconds since
midnight in New York, the start of the minute; then open, high, low, close x 10,000 and the number
of contracts; in quote bars bid and then ask, each open, high, low, close, size. A side of a quote
bar is empty where it did not change in that minute.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.errors import ChainFileError, ConventionError, InputError
from gexcore.io.source import FileSource, file_error, shown
from gexcore.progress import progress
from gexcore.trades import Trades, previous_quotes

_MEMBER = re.compile(
    r"(\d{8})_(.+)_minute_(\w+)_(?:american|european)_(call|put)_(\d+)_(\d{8})\.csv", re.ASCII
)
_FIELDS = {"trade": (6, (0, 4, 5)), "quote": (11, (0, 4, 9))}  # columns, and those that are read
_PRICE_SCALE = 10_000.0
_MINUTE = 60_000  # milliseconds
_MAX_BYTES = 1 << 30
_QUOTES = ("previous", "same")
_HINT = "the layout of the minute bars is described in gexcore.io.minute_bars"


def read_minute_bars(
    trades: FileSource,
    quotes: FileSource | None = None,
    *,
    join: str = "previous",
    carry_sides: bool = True,
    max_age: float | None = None,
) -> Trades:
    """Read minute bars of one day: each trade bar with the quote that stood before it.

    A bar counts as one trade at its close, of all its contracts, at the end of its minute. Bars
    are stamped at their start: the quote of the bar's own minute is later than its trades.

    Args:
        trades: zip of trade bars: path, bytes, or an open binary file.
        quotes: zip of quote bars; None: no bid and ask.
        join: "previous": closing quote of an earlier minute; "same": of the same minute or an
            earlier one, which looks ahead.
        carry_sides: an empty side of a quote bar is that of the bar before it; False: is missing.
        max_age: minutes after which a quote does not count.

    Returns:
        Trades, times in UTC, sorted by contract and time as in the zip; `source` has the counts of
        the join.

    Raises:
        ChainFileError: a file that cannot be opened or is not a zip of such bars; names the
            member and line. ConventionError: no such join.

    Example:
        >>> import io, zipfile
        >>> packed = io.BytesIO()
        >>> with zipfile.ZipFile(packed, "w") as file:
        ...     name = "20151224_goog_minute_trade_american_call_7500000_20160115.csv"
        ...     file.writestr(name, "34200000,15000,18000,15000,18000,2")
        >>> bars = read_minute_bars(packed.getvalue())
        >>> bars.price.tolist(), bars.time[0]
        ([1.8], np.datetime64('2015-12-24T14:31:00.000000000'))
    """
    if join not in _QUOTES:
        raise ConventionError(f"join: there is no {join!r}", hint=f"joins: {', '.join(_QUOTES)}")
    names, bars, contract = _read(trades, "trade")
    stamp, price, size = bars
    source: dict[str, Any] = {"vendor": "LEAN minute bars", "file": _name(trades)}
    columns: dict[str, Any] = {}
    if quotes is not None:
        others, (quote_stamp, bid, ask), quoted = _read(quotes, "quote")
        number = {name: i for i, name in enumerate(dict.fromkeys([*names, *others]))}
        found = previous_quotes(
            _moments(names, contract, stamp),
            _moments(others, quoted, quote_stamp),
            bid / _PRICE_SCALE,
            ask / _PRICE_SCALE,
            trade_contract=np.array([number[name] for name in names], np.int64)[contract],
            quote_contract=np.array([number[name] for name in others], np.int64)[quoted],
            max_age=None if max_age is None else np.timedelta64(round(max_age * _MINUTE), "ms"),
            strict=join == "previous",
            carry_sides=carry_sides,
        )
        columns = {"bid": found.bid, "ask": found.ask}
        source |= {"quotes": _name(quotes), "join": join, **found.counts}
    keys = np.array(names, dtype=np.str_).reshape(-1, 5)[contract]
    return Trades.from_arrays(
        root=np.char.upper(keys[:, 1]),
        option_type=keys[:, 2],
        strike=keys[:, 3].astype(np.float64) / _PRICE_SCALE,
        expiry=_days(keys[:, 4]),
        time=_moments(names, contract, stamp) + np.timedelta64(_MINUTE, "ms"),
        zone="America/New_York",
        price=price / _PRICE_SCALE,
        size=size,
        source=source,
        **columns,
    )


def _name(source: FileSource) -> str:
    if isinstance(source, bytes):
        return "<bytes>"
    return PurePath(str(getattr(source, "name", source))).name


def _days(text: Any) -> npt.NDArray[np.datetime64]:
    """20151224 as dates; NaT where there is no such day."""
    number = np.asarray(text).astype(np.int64)
    year, month, day = number // 10000, number // 100 % 100, number % 100
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    dates = months.astype("datetime64[D]") + (day - 1)
    real = (month >= 1) & (month <= 12) & (dates.astype("datetime64[M]") == months)
    return np.where(real & (day >= 1), dates, np.datetime64("NaT"))


def _moments(names: list[tuple[str, ...]], contract: Any, milliseconds: Any) -> Any:
    """Local times of bars; NaT where the stamp is not within its day."""
    days = _days([name[0] for name in names])[contract].astype("datetime64[ms]")
    inside = (milliseconds >= 0) & (milliseconds < 24 * 60 * _MINUTE)
    since = np.where(inside, milliseconds, 0.0).astype("timedelta64[ms]")
    return np.where(inside, days + since, np.datetime64("NaT"))


def _read(
    source: FileSource, kind: str
) -> tuple[list[tuple[str, ...]], npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Contracts of a zip, the columns of all its bars, and the number of each bar's contract."""
    names: list[tuple[str, ...]] = []
    lines: list[list[float]] = []
    counts = []
    for name, text in progress(_members(source), f"{kind} bars"):
        found = _MEMBER.fullmatch(PurePath(name).name)
        place = f"{_name(source)}, {shown(name, 90)}"
        if found is None or found[3] != kind:
            what = (
                "is not named as a minute bar file" if found is None else f"holds {found[3]} bars"
            )
            raise file_error(place, what, hint=f"give a zip of {kind} bars; {_HINT}")
        read = [_numbers(line, kind, place, i) for i, line in enumerate(text.splitlines(), 1)]
        names.append((found[1], found[2], found[4], found[5], found[6]))
        counts.append(len(read))
        lines += read
    if not names:
        raise file_error(_name(source), "the zip is empty", hint=_HINT)
    columns: npt.NDArray[np.float64] = np.array(lines, dtype=np.float64).reshape(-1, 3).T
    return names, columns, np.repeat(np.arange(len(names)), counts)


def _numbers(line: str, kind: str, place: str, number: int) -> list[float]:
    width, wanted = _FIELDS[kind]
    cells = line.split(",")
    try:
        if len(cells) != width:
            raise ValueError
        return [float(cells[i] or "nan") for i in wanted]
    except ValueError:
        message = f"is not a {kind} bar of {width} columns: {shown(line)}"
        raise file_error(place, message, line=number, hint=_HINT) from None


def _members(source: FileSource) -> Iterator[tuple[str, str]]:
    """Names and texts of the files in a zip."""
    import zipfile
    import zlib

    if not (isinstance(source, str | bytes | os.PathLike) or hasattr(source, "read")):
        kind = type(source).__name__
        raise InputError(f"minute bars must be a path, bytes or a binary file, not {kind}")
    name = _name(source)
    packed: Any = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with zipfile.ZipFile(packed) as file:
            members = [member for member in file.infolist() if not member.is_dir()]
            if sum(member.file_size for member in members) > _MAX_BYTES:
                raise file_error(name, "unpacks to more than 1 GiB")
            for member in members:
                yield member.filename, file.read(member).decode("ascii")
    except ChainFileError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise file_error(name, f"cannot be read ({reason})", hint="check the path") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        message = f"is not a sound zip of text files ({shown(error)})"
        raise file_error(name, message, hint="download it again") from None
