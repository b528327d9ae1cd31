"""A table of cells by column name, whatever it came in: CSV text, JSON records or a data frame."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from gexcore.clock import settlement_times
from gexcore.errors import ChainFileError
from gexcore.io.source import file_error, name_vendor, shown

if TYPE_CHECKING:
    import numpy.typing as npt

    Float64 = npt.NDArray[np.float64]

NO_TIME = "give the time yourself: as_of= (--as-of) with an ISO time such as 2024-01-05T16:00-05:00"

_GROUPED = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d*)?", re.ASCII)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_DAY = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ].*)?", re.ASCII)
_US_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
# since 1970: above this a number counts nanoseconds, microseconds, milliseconds, else seconds
_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (0.0, 1.0))
_EARLIEST, _LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cells:
    """Columns of one length by name; names are in lower case, nested ones joined by a dot.

    Args:
        name: the file, for messages.
        columns: n cells each, as found: text, numbers, None, or NumPy arrays.
        rows: n.
        broken: (n,) bool, rows that were cut short or are not records.
        head: what a JSON says beside its records.
        line: line of the header in a CSV.
    """

    name: str
    columns: dict[str, Any]
    rows: int
    broken: npt.NDArray[np.bool_]
    head: dict[str, Any] = field(default_factory=dict)
    line: int | None = None

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def need(self, format_name: str, *wanted: str) -> None:
        """Refuse a table without some columns ("a|b": one of them), naming whose file it is."""
        missing = [names for names in wanted if not set(names.split("|")) & self.columns.keys()]
        if not missing and self.rows:
            return
        vendor = name_vendor((*self.columns, *self.head))
        if not missing:
            raise file_error(self.name, "no option rows", hint="fetch the chain again")
        if vendor and vendor.lower() != format_name.lower():
            message = f"this looks like a {vendor} file, not {format_name}"
            hint = "read_chain tells formats apart; `gexcore formats` lists them"
            raise file_error(self.name, message, line=self.line, hint=hint)
        titles = ", ".join(names.replace("|", " or ") for names in missing)
        found = shown(", ".join([*(self.columns or self.head)][:12]), 160)
        message = f"missing column{'s' if len(missing) > 1 else ''}: {titles} (found: {found})"
        if not self.columns:
            message = f"no records of options (found: {found})"
        article = "an" if format_name[0] in "AEIO" else "a"
        hint = f"is this {article} {format_name} chain? `gexcore formats` lists what can be read"
        raise file_error(self.name, message, line=self.line, hint=hint)

    def take(self, rows: npt.NDArray[np.intp]) -> Cells:
        """Some of the rows, in the order given."""
        columns = {
            name: column[rows]
            if isinstance(column, np.ndarray)
            else [column[row] for row in rows.tolist()]
            for name, column in self.columns.items()
        }
        return replace(self, columns=columns, rows=len(rows), broken=self.broken[rows])

    def cells(self, *names: str) -> Any:
        """The first of some columns that there is, or None."""
        return next((self.columns[name] for name in names if name in self.columns), None)

    def numbers(self, *names: str) -> Float64:
        """A column of numbers, NaN where a cell holds none."""
        found = self.cells(*names)
        return np.full(self.rows, np.nan) if found is None else as_numbers(found)

    def texts(self, *names: str) -> list[str]:
        """A column of text, "" where a cell is empty."""
        found = self.cells(*names)
        return [""] * self.rows if found is None else [as_text(cell) for cell in as_list(found)]

    def dates(self, *names: str) -> npt.NDArray[np.datetime64]:
        """A column of days, NaT where a cell is no date."""
        found = self.cells(*names)
        if found is None:
            return np.full(self.rows, np.datetime64("NaT", "D"))
        if isinstance(found, np.ndarray) and found.dtype.kind == "M":
            return found.astype("datetime64[D]")
        return np.array(each(as_list(found), as_day), dtype="datetime64[D]")

    def latest(self, *names: str) -> datetime | None:
        """The latest moment in any of some columns; a time without a zone counts as UTC."""
        found = [self.moments(name) for name in names if name in self]
        known = [column[~np.isnan(column)] for column in found]
        seconds = max((float(column.max()) for column in known if column.size), default=None)
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    def moments(self, name: str) -> Float64:
        """A column of moments in seconds since 1970, NaN where a cell is none."""
        found = self.cells(name)
        if isinstance(found, np.ndarray) and found.dtype.kind == "M":
            seconds = (found - np.datetime64(0, "s")) / np.timedelta64(1, "s")
        else:
            seconds = np.array(each(as_list(found), as_seconds), dtype=np.float64)
        inside = (seconds > _EARLIEST.timestamp()) & (seconds < _LATEST.timestamp())
        return np.where(inside, seconds, np.nan)


def each(cells: Sequence[Any], read: Callable[[Any], Any]) -> list[Any]:
    """Read a column of cells, equal ones once."""
    known: dict[Any, Any] = {}
    out = []
    for cell in cells:
        # a record may hold a list, which no dictionary takes
        key = cell if isinstance(cell, str | int | float) else str(cell)
        if key not in known:
            known[key] = read(cell)
        out.append(known[key])
    return out


def as_list(cells: Any) -> list[Any]:
    """The cells of a column as Python objects."""
    return cells.tolist() if isinstance(cells, np.ndarray) else list(cells)


def as_text(cell: Any) -> str:
    """A cell as text; None and NaN are empty."""
    if isinstance(cell, str):
        return cell.strip()
    return "" if cell is None or cell != cell else str(cell).strip()


def as_numbers(cells: Any) -> Float64:
    """Cells as float64; NaN for text that is no number, for infinities and for booleans."""
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "fiu":
        values = cells.astype(np.float64)
    else:
        column = as_list(cells)
        try:
            # float() also reads 1_000 and foreign digits, which `as_number` does not
            plain = all(type(cell) is float or (type(cell) is str and cell.isascii() and
                        "_" not in cell) for cell in column)  # fmt: skip
            read: Iterable[float] = (
                [float(cell) if cell != "" else np.nan for cell in column]
                if plain
                else map(as_number, column)
            )
            values = np.array(list(read), dtype=np.float64)
        except ValueError:
            values = np.array(list(map(as_number, column)), dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def as_number(cell: Any) -> float:
    """One cell as a number, NaN if it is none; a percent sign is dropped.

    Example:
        >>> as_number(" 1,234.5"), as_number("18.3%"), as_number("1_0"), as_number(True)
        (1234.5, 18.3, nan, nan)
    """
    if isinstance(cell, str):
        text = cell.strip().removesuffix("%").rstrip()
        if _GROUPED.fullmatch(text):
            text = text.replace(",", "")
        return float(text) if _NUMBER.fullmatch(text) else float("nan")
    # bool is an int to Python and not a number here
    if isinstance(cell, bool | np.bool_) or not hasattr(cell, "__float__"):
        return float("nan")
    try:
        return float(cell)
    except (OverflowError, ValueError, TypeError):
        return float("nan")


def as_day(cell: Any) -> np.datetime64:
    """A day from 2024-01-19, 20240119, 1/19/2024, a date, a time or nanoseconds; else NaT.

    Example:
        >>> as_day("2024-01-19 16:00"), as_day(20240119), str(as_day("soon"))
        (np.datetime64('2024-01-19'), np.datetime64('2024-01-19'), 'NaT')
    """
    nothing = np.datetime64("NaT", "D")
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = as_text(cell)
    if text.isdigit() and len(text) != 8:
        seconds = as_seconds(int(text)) if len(text) < 20 else np.nan
        return np.datetime64(int(seconds) // 86400, "D") if seconds == seconds else nothing
    found, us = _DAY.fullmatch(text), _US_DAY.fullmatch(text)
    try:
        if found:
            return np.datetime64(date(int(found[1]), int(found[2]), int(found[3])), "D")
        return np.datetime64(date(int(us[3]), int(us[1]), int(us[2])), "D") if us else nothing
    except ValueError:
        return nothing


def as_seconds(cell: Any) -> float:
    """A moment in seconds since 1970 from ISO text, a datetime or a count; else NaN.

    Example:
        >>> as_seconds("2024-01-05T16:00-05:00"), as_seconds(1704488400000)
        (1704488400.0, 1704488400.0)
    """
    number = as_number(cell)
    if number == number:
        return next((number / per for above, per in _UNITS if number > above), float("nan"))
    try:
        moment = cell if isinstance(cell, datetime) else _iso(as_text(cell))
        aware = moment if moment.utcoffset() is not None else moment.replace(tzinfo=UTC)
        return aware.timestamp()
    except (ValueError, OverflowError):
        return float("nan")


def _iso(text: str) -> datetime:
    # nine digits of a second are three too many for a datetime
    short = re.sub(r"(\.\d{6})\d+", r"\1", text)
    return datetime.fromisoformat(short[:-1] + "+00:00" if short[-1:] == "Z" else short)


def printed_time(cells: Cells, moment: datetime | None) -> datetime | ChainFileError:
    """The printed time, or the error of a file without one."""
    return moment or file_error(cells.name, "no time of the quotes in the file", hint=NO_TIME)


def time_text(moment: datetime | None, what: str) -> str:
    """A moment and where it was found, for the manifest."""
    return f"{moment.isoformat()}, {what}" if moment else ""


def first_price(values: Float64) -> float:
    """The first positive number, NaN if there is none."""
    positive = values[values > 0]
    return float(positive[0]) if positive.size else float("nan")


def session_close(cells: Cells, day: Any) -> datetime | ChainFileError:
    """The close of a day as the printed time, or the error of a source without a date."""
    date = as_day(day)
    if np.isnat(date):
        return printed_time(cells, None)
    close: datetime = settlement_times(np.array([date]))[0].item()
    return close.replace(tzinfo=UTC)


def pick_underlying(cells: Cells, wanted: Any, *names: str) -> tuple[Cells, str, dict[str, str]]:
    """The rows of one underlying, its symbol, and a note about others.

    Args:
        cells: the table.
        wanted: symbol asked for, or None; picks one of several.
        *names: columns that may have the symbol.

    Raises:
        ChainFileError: two underlyings, and none of them is asked for.
    """
    texts = [text.strip("^_$").removeprefix("I:") for text in cells.texts(*names)]
    symbols = sorted(set(texts) - {""})
    if len(symbols) < 2:
        return cells, symbols[0] if symbols else "", {}
    asked = str(wanted or "").upper().strip("^_$")
    found = next((symbol for symbol in symbols if symbol.upper() == asked), None)
    if found is None:
        message = f"two underlyings in one file: {shown(symbols[0])} and {shown(symbols[1])}"
        hint = "underlying= (--underlying) picks one, else make one chain per underlying"
        raise file_error(cells.name, message, hint=hint)
    rows = np.flatnonzero([text == found for text in texts])
    left = f"{cells.rows - len(rows):,} rows of {len(symbols) - 1:,} others, left out"
    return cells.take(rows), found, {"other_underlyings": left}
