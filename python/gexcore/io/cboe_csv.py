"""CBOE quotedata CSV: a preamble with spot and date, then one line per strike with both sides."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gexcore.errors import ChainFileError
from gexcore.io.printed_time import looks_like_time, parse_printed_time
from gexcore.io.source import RawQuotes, file_error, name_vendor, shown

if TYPE_CHECKING:
    from datetime import datetime

    import numpy.typing as npt

# header cell in lower case -> our column, and whether a file without it is refused
_FIELDS = {
    "bid": ("bid", True),
    "ask": ("ask", True),
    "iv": ("implied_vol", True),
    "open interest": ("open_interest", True),
    "volume": ("volume", False),
    "last sale": ("last", False),
    "delta": ("vendor_delta", False),
    "gamma": ("vendor_gamma", False),
}
_KNOWN = {*_FIELDS, "calls", "puts", "strike", "net", "expiration date"}
_HEADER_HINT = "CBOE's line is 'Expiration Date,Calls,...,Puts...'"

# the header is line 3 or 4 in every file seen
_PREAMBLE = 12
_MAX_COLUMNS = 200

_LAST = re.compile(r"(?:last|último|ultimo)\s*:\s*([^A-Za-z]*)", re.IGNORECASE)
_LABEL = re.compile(r"\s*[^\W\d_]+(?: [^\W\d_]+)*\s*:")
_GROUPED = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d*)?", re.ASCII)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)

Cells = Sequence[str]


@dataclass(frozen=True, slots=True)
class _Header:
    line: int
    width: int
    symbol: tuple[int, int]
    strike: int
    fields: dict[str, tuple[int | None, int | None]]


def parse_csv(text: str, name: str) -> RawQuotes:
    """Parse the text of a CBOE quotedata CSV; rows are all calls, then all puts.

    Args:
        text: decoded text with any line ends.
        name: the file, for messages.

    Returns:
        Quotes with the columns of `RawQuotes` and "printed_strike", the Strike column.

    Raises:
        ChainFileError: no header, missing columns, no option rows, or no usable spot.

    Example:
        >>> try:
        ...     parse_csv("Ticker,Price", "a.csv")
        ... except ChainFileError as error:
        ...     print(error)
        a.csv, line 1: no CBOE header line. Hint: CBOE's line is 'Expiration Date,Calls,...,Puts...'
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    header, preamble = _find_header(lines, name)
    spot, spot_line = _find_spot(preamble, name)
    printed, printed_text = _find_time(preamble, name)
    rows, broken = _read_rows(lines, header, name)
    columns = list(zip(*rows, strict=True))
    fast = all(map(str.isascii, lines[header.line :])) and "_" not in text
    values = {
        field: np.concatenate([_numbers(columns, at, len(rows), fast) for at in places])
        for field, places in header.fields.items()
    }
    values["printed_strike"] = np.tile(_numbers(columns, header.strike, len(rows), fast), 2)
    return RawQuotes(
        name=name,
        vendor="CBOE quotedata CSV",
        spot=spot,
        spot_from=f"Last on line {spot_line}",
        printed=printed,
        printed_text=printed_text,
        underlying="",
        symbols=[cell.strip() for at in header.symbol for cell in columns[at]],
        columns=values,
        broken=np.tile(broken, 2),
    )


def _split_line(line: str, name: str, number: int) -> list[str]:
    count = line.count(",") + 1
    if count > _MAX_COLUMNS:
        raise file_error(name, f"{count:,} columns where CBOE has 22", line=number)
    try:
        return next(csv.reader([line], skipinitialspace=True), [])
    except csv.Error as error:
        raise file_error(name, f"not a CSV line ({error})", line=number) from None


def _find_header(lines: list[str], name: str) -> tuple[_Header, list[list[str]]]:
    preamble: list[list[str]] = []
    for line, text in enumerate(lines[:_PREAMBLE], 1):
        cells = _split_line(text, name, line)
        names = [cell.strip().lower() for cell in cells]
        if len(_KNOWN.intersection(names)) >= 4 and not name_vendor(names):
            return _place_columns(names, line, name), preamble
        preamble.append(cells)
    raise _no_header(preamble, name)


def _no_header(preamble: list[list[str]], name: str) -> ChainFileError:
    line, cells = next(((at, row) for at, row in enumerate(preamble, 1) if any(row)), (1, []))
    vendor = name_vendor(cells)
    if vendor:
        hint = "build the chain from a data frame instead (Chain.from_frame)"
        return file_error(name, f"this looks like a {vendor} file, not CBOE", line=line, hint=hint)
    hint = _HEADER_HINT
    if any("Calls;" in cell or "Calls\t" in cell for row in preamble for cell in row):
        hint = "the columns are not separated by commas; save the file with commas"
    return file_error(name, "no CBOE header line", line=line, hint=hint)


def _place_columns(names: list[str], line: int, name: str) -> _Header:
    missing = [title for title in ("Calls", "Strike", "Puts") if title.lower() not in names]
    if missing:
        raise _missing_columns(missing, line, name)
    anchors = (names.index("calls"), names.index("puts"))
    first, second = sorted(anchors)
    blocks = {first: range(first, second), second: range(second, len(names))}
    fields: dict[str, tuple[int | None, int | None]] = {}
    for title, (field, required) in _FIELDS.items():
        call, put = (_position(names, title, blocks[anchor]) for anchor in anchors)
        fields[field] = (call, put)
        if required:
            missing += [
                f"{title} ({side})" for side, at in (("calls", call), ("puts", put)) if at is None
            ]
    if missing:
        raise _missing_columns(missing, line, name)
    return _Header(line, len(names), anchors, names.index("strike"), fields)


def _position(names: list[str], title: str, block: range) -> int | None:
    return next((at for at in block if names[at] == title), None)


def _missing_columns(missing: list[str], line: int, name: str) -> ChainFileError:
    plural = "s" if len(missing) > 1 else ""
    titles = ", ".join(missing)
    return file_error(name, f"missing column{plural}: {titles}", line=line, hint=_HEADER_HINT)


def _find_spot(preamble: list[list[str]], name: str) -> tuple[float, int]:
    for line, cells in enumerate(preamble, 1):
        found = _LAST.search(",".join(cells))
        if found is None:
            continue
        text = found[1].strip(" ,$")
        spot = _number(text)
        if not spot > 0:
            message = f"the spot price {shown(text)} is not a positive number"
            raise file_error(name, message, line=line, hint="correct 'Last:' in the file")
        return spot, line
    message = "no spot price: no line with 'Last:' above the header"
    raise file_error(name, message, hint="download the file again with its first lines")


def _find_time(preamble: list[list[str]], name: str) -> tuple[datetime | ChainFileError, str]:
    hint = (
        "give the time yourself: as_of= (--as-of) with an ISO time such as 2024-01-05T16:00-05:00"
    )
    for line, cells in enumerate(preamble, 1):
        text = _time_text(cells)
        if _LAST.search(text) or not looks_like_time(text):
            continue
        try:
            return parse_printed_time(text), text
        except ValueError as error:
            message = f"the time {shown(text)} cannot be read ({error})"
            return file_error(name, message, line=line, hint=hint), text
    return file_error(name, "no printed time above the header", hint=hint), ""


def _time_text(cells: list[str]) -> str:
    # an unquoted date holds commas itself: it ends where the next label (Bid: ...) begins
    kept = cells[:1]
    for cell in cells[1:]:
        if _LABEL.match(cell):
            break
        kept.append(cell)
    # no time is longer, and a pattern must not crawl through a megabyte
    return ", ".join(kept).strip(" ,")[:200]


def _read_rows(
    lines: list[str], header: _Header, name: str
) -> tuple[list[list[str]], npt.NDArray[np.bool_]]:
    reader = csv.reader(lines[header.line :], skipinitialspace=True)
    try:
        records = list(reader)
    except csv.Error as error:
        line = header.line + reader.line_num
        raise file_error(name, f"not a CSV line ({error})", line=line) from None
    if reader.line_num != len(records):
        raise _open_quote(lines, header.line, name)
    rows = [row for row in records if row and any(map(str.strip, row))]
    if not rows:
        hint = "download the chain again"
        raise file_error(name, "no option rows below the header", line=header.line, hint=hint)
    width = header.width
    broken = np.array([len(row) for row in rows]) != width
    for at in np.flatnonzero(broken).tolist():
        row = rows[at]
        # commas after the last column add nothing, any other extra cell shifts the columns
        broken[at] = len(row) < width or any(map(str.strip, row[width:]))
        # the last cell of a short row may itself be cut
        kept = row[:-1] if len(row) < width else row[:width]
        rows[at] = kept + [""] * (width - len(kept))
    return rows, broken


def _open_quote(lines: list[str], start: int, name: str) -> ChainFileError:
    for line, text in enumerate(lines[start:], start + 1):
        if text.count('"') % 2:
            return file_error(name, "a quotation mark is not closed", line=line)
    return file_error(name, "a quotation mark is not closed")


def _numbers(
    columns: list[tuple[str, ...]], at: int | None, size: int, fast: bool
) -> npt.NDArray[np.float64]:
    if at is None:
        return np.full(size, np.nan)
    cells = columns[at]
    try:
        # float() also reads 1_000 and foreign digits, which `fast` has ruled out
        values = np.array(list(map(float if fast else _number, cells)))
    except ValueError:
        values = np.array([_number(cell) for cell in cells])
    return np.where(np.isfinite(values), values, np.nan)


def _number(cell: str) -> float:
    text = cell.strip()
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    return float(text) if _NUMBER.fullmatch(text) else float("nan")
