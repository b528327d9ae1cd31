"""CSV text, JSON records and data frames made into `Cells`."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np

from gexcore.errors import ChainFileError, InputError
from gexcore.frames import frame_table, is_frame
from gexcore.io.cells import Cells
from gexcore.io.source import FileSource, Loaded, file_error, read_text, refusal_of, shown
from gexcore.progress import progress

_MAX_COLUMNS = 400
_PREAMBLE = 12

Find = Callable[[Any], tuple[list[Any], dict[str, Any]]]


def read_cells(source: Any, find: Find | None = None) -> Cells:
    """Make a table of cells of a file, a frame, or JSON that has been decoded already.

    Args:
        source: path, bytes, binary file, data frame, or records.
        find: where a JSON document has its records and what it says beside them; default: a list,
            or the first list in an object.

    Returns:
        The cells.

    Raises:
        ChainFileError: a file that cannot be read. InputError: a source of another type.

    Example:
        >>> cells = read_cells(b"strike,bid\\n100,1.5\\n")
        >>> cells.numbers("bid")
        array([1.5])
    """
    find = find or _records
    if is_frame(source):
        columns = {name.lower(): column for name, column in frame_table(source).items()}
        rows = len(next(iter(columns.values()), ()))
        return Cells("<data frame>", columns, rows, np.zeros(rows, np.bool_))
    if isinstance(source, list | Mapping):
        return _from_records(source, find, "<records>")
    text, name = read_text(source)
    if text.lstrip()[0] in "{[":
        return _from_records(load_json(text, name), find, name)
    return _from_csv(text, name)


def load_json(text: str, name: str) -> Any:
    """Decode JSON; a file that is cut short or none at all is refused in one line."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        what = "the JSON is cut short" if cut else f"not JSON ({error.msg})"
        message = f"{what} at column {error.colno}"
        raise file_error(name, message, line=error.lineno, hint="fetch the chain again") from None
    except RecursionError:
        raise file_error(name, "the JSON is nested too deeply for a chain") from None
    except ValueError as error:
        raise file_error(name, f"not JSON ({shown(error)})") from None


def _records(document: Any) -> tuple[list[Any], dict[str, Any]]:
    if isinstance(document, list):
        return document, {}
    for key, value in document.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return value, {k: v for k, v in document.items() if k != key}
    return [], document


def _from_records(document: Any, find: Find, name: str) -> Cells:
    if not isinstance(document, list | Mapping):
        raise file_error(name, f"the JSON holds a {type(document).__name__}, not a chain")
    records, head = find(document)
    if not isinstance(records, list):
        raise file_error(name, f"the records are not a list but {type(records).__name__}")
    if not any(records) and refusal_of(document):
        raise no_rows(document, name)
    records = plain_records(records)
    flat = [_flat(record) if isinstance(record, dict) else {} for record in records]
    names = list(dict.fromkeys(key for record in flat for key in record))
    if len(names) > _MAX_COLUMNS:
        raise file_error(name, f"{len(names):,} keys in the records, which no chain has")
    columns = {key: [record.get(key) for record in flat] for key in names}
    broken = np.array([not isinstance(record, dict) for record in records], dtype=np.bool_)
    return Cells(name, columns, len(records), broken, {k.lower(): v for k, v in head.items()})


def no_rows(document: Any, name: str) -> ChainFileError:
    """The error of an answer without contracts, in the words of who sent it."""
    said = refusal_of(document)
    if said:
        hint = "ask again with a key and a plan that allow it"
        return file_error(name, f"no chain, the source answered: {shown(said, 160)}", hint=hint)
    return file_error(name, "no option rows", hint="fetch the chain again")


def plain_records(records: list[Any]) -> list[Any]:
    """Records as dictionaries, those too that a vendor's own client made objects of."""
    return [asdict(record) if _is_object(record) else record for record in records]


def _is_object(record: Any) -> bool:
    """Whether a record is what a vendor's own client makes of one."""
    return is_dataclass(record) and not isinstance(record, type | Loaded)


def _flat(record: dict[str, Any], prefix: str = "", depth: int = 3) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in record.items():
        path = prefix + str(key).lower()
        if isinstance(value, dict) and depth:
            out.update(_flat(value, path + ".", depth - 1))
        else:
            out[path] = value
    return out


def _from_csv(text: str, name: str) -> Cells:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    at = next(i for i, line in enumerate(lines) if line.strip())
    if lines[at].count(",") >= _MAX_COLUMNS:
        raise file_error(name, "more columns than any chain has", line=at + 1)
    reader = csv.reader(lines[at:], skipinitialspace=True)
    try:
        rows = [row for row in reader if row and any(map(str.strip, row))]
    except csv.Error as error:
        raise file_error(name, f"not CSV ({error})", line=at + reader.line_num) from None
    names = [cell.strip().lower() for cell in rows[0]]
    if len(names) < 2:
        hint = "separate the columns by commas" if ";" in lines[at] or "\t" in lines[at] else None
        message = f"no header line of a chain: {shown(lines[at])}"
        raise file_error(name, message, line=at + 1, hint=hint or "`gexcore formats` lists them")
    twice = {cell for cell in names if cell and names.count(cell) > 1}
    if twice:
        message = f"two columns are called {shown(sorted(twice)[0])}"
        raise file_error(name, message, line=at + 1)
    width, body = len(names), rows[1:]
    broken = np.array([len(row) != width for row in body], dtype=np.bool_)
    for index in np.flatnonzero(broken).tolist():
        body[index] = (body[index] + [""] * width)[:width]
    found: Sequence[Sequence[str]] = list(zip(*body, strict=True)) or [()] * width
    columns: dict[str, Any] = dict(zip(names, found, strict=True))
    return Cells(name, columns, len(body), broken, line=at + 1)


def read_parts(source: Any, find: Find | None = None) -> Cells:
    """One source or several, such as pages, as one table: see `read_cells`."""
    parts = progress(sources_of(source), "files")
    return join_cells([read_cells(part, find) for part in parts])


def join_cells(parts: Sequence[Cells]) -> Cells:
    """Stack tables of one kind, such as the pages of an answer; missing columns are empty there."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        raise InputError("no pages were given", hint="pass a list of files, documents or frames")
    names = dict.fromkeys(name for part in parts for name in part.columns)

    def stack(name: str) -> Any:
        columns = [part.columns.get(name, [None] * part.rows) for part in parts]
        if all(isinstance(column, np.ndarray) for column in columns):
            return np.concatenate(columns)
        return [cell for column in columns for cell in list(column)]

    head: dict[str, Any] = {}
    for part in reversed(parts):
        head.update(part.head)
    return Cells(
        parts[0].name,
        {name: stack(name) for name in names},
        sum(part.rows for part in parts),
        np.concatenate([part.broken for part in parts]),
        head,
        parts[0].line,
    )


def sources_of(source: Any) -> list[Any]:
    """One source or several: a list or tuple of paths, documents or frames is several."""
    if hasattr(source, "calls") and hasattr(source, "puts"):  # may be a tuple
        return [source]
    if isinstance(source, tuple):
        return list(source)
    if isinstance(source, list) and source:
        records = isinstance(source[0], Mapping) or _is_object(source[0])
        return [source] if records else source
    return [source]


__all__ = [
    "FileSource",
    "join_cells",
    "load_json",
    "no_rows",
    "plain_records",
    "read_cells",
    "read_parts",
    "sources_of",
]
