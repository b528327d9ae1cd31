"""Recordings as Parquet: one row per contract that an event changes, made of lines and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

from gexcore.errors import ChainFileError, InputError
from gexcore.output import write_file
from gexcore.recording.numbers import Json

_NUMBERS = ("implied_vol", "open_interest", "contracts", "bid", "ask", "spot", "days")
_BATCH = 1 << 14  # rows that are in memory at once


def need_pyarrow(name: str) -> tuple[Any, Any]:
    """pyarrow and its Parquet part.

    Raises:
        InputError: it is not installed; names the extra.
    """
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        hint = 'pip install "gexcore[live]", or record JSON lines: feed.jsonl'
        raise InputError(f"{name}: Parquet needs pyarrow", hint=hint) from None


def _schema(arrow: Any) -> Any:
    text, number, whole = arrow.string(), arrow.float64(), arrow.int64()
    fields = {"event": whole, "time": arrow.timestamp("us", "UTC"), "kind": text, "row": whole}
    fields |= dict.fromkeys(_NUMBERS, number) | {"as_of": text, "more": text}
    return arrow.schema(list(fields.items()))


def write_parquet(path: Path, journal: Path) -> None:
    """Make the Parquet file of a journal of lines; a torn last line is left out.

    Raises:
        GexError: the file cannot be written; names the path.
    """
    arrow, parquet = need_pyarrow(str(path))
    schema = _schema(arrow)

    def write(file: Any) -> None:
        with parquet.ParquetWriter(file, schema) as writer, journal.open("rb") as lines:
            for rows in _batches(_rows(_records(lines))):
                writer.write_table(arrow.Table.from_pylist(rows, schema))

    write_file(path, write)


def _records(lines: Iterable[bytes]) -> Iterator[Json]:
    for line in lines:
        if line.endswith(b"\n"):
            yield json.loads(str(line, "utf-8"))


def _batches(rows: Iterable[Json]) -> Iterator[list[Json]]:
    batch: list[Json] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    yield batch


def _rows(records: Iterable[Json]) -> Iterator[Json]:
    """The rows of each event, which share its number."""
    for number, record in enumerate(records):
        time = datetime.fromisoformat(record.pop("time"))
        row: Json = {"event": number, "time": time, "kind": record.pop("kind")}
        rows, numbers = record.pop("rows", None), {}
        for name in _NUMBERS:
            if name in record and row["kind"] != "add":
                numbers[name] = record.pop(name)
        if "as_of" in record:
            row["as_of"] = record.pop("as_of")
        if rows == []:  # no row could say so
            record |= {"rows": rows, **numbers}
        if record:
            row["more"] = json.dumps(record)
        if not rows or not isinstance(rows, list):
            one = {} if rows == [] else {name: _float(x, 0) for name, x in numbers.items()}
            yield {**row, "row": None if rows == [] else rows, **one}
        for i, at in enumerate(rows if isinstance(rows, list) else ()):
            yield {**row, "row": at, **{n: _float(value, i) for n, value in numbers.items()}}


def _float(value: Any, at: int) -> float:
    """A number, or one of a list, as `written` wrote it."""
    one = value[at] if isinstance(value, list) else value
    return float("nan" if one is None else one)


def read_parquet(name: str, file: Any) -> Iterator[tuple[Json, float]]:
    """The JSON object of each event, and the share of the file that is read.

    Raises:
        ChainFileError: no Parquet, or not that of a recording. InputError: pyarrow is missing.
    """
    _, parquet = need_pyarrow(name)
    try:
        whole = parquet.ParquetFile(file)
        names, total = set(whole.schema_arrow.names), whole.metadata.num_rows
        if not {"event", "time", "kind", "row"} <= names:
            raise ChainFileError(
                f"{name}: this Parquet file is no recording", hint="docs/feed.md has the columns"
            )
        rows = (row for batch in whole.iter_batches(_BATCH) for row in batch.to_pylist())
        done = 0
        for _, group in groupby(rows, key=lambda row: row["event"]):
            event = list(group)
            done += len(event)
            yield _record(event), done / total
    except (ChainFileError, InputError, GeneratorExit):
        raise
    except Exception as error:  # whatever the library calls a damaged file
        message = f"{name}: this Parquet file cannot be read ({str(error)[:120]!r})"
        raise ChainFileError(message, hint="is it whole? record it again") from None


def _record(rows: list[Json]) -> Json:
    first = rows[0]
    time = first["time"]
    record: Json = {"kind": first["kind"]}
    record["time"] = time.replace(tzinfo=UTC) if isinstance(time, datetime) else time
    named = [name for name in _NUMBERS if first.get(name) is not None]
    if len(rows) == 1:
        if first["row"] is not None:
            record["rows"] = first["row"]
        record |= {name: first[name] for name in named}
    else:
        record["rows"] = [row["row"] for row in rows]
        record |= {name: [row.get(name) for row in rows] for name in named}
    if first.get("as_of") is not None:
        record["as_of"] = first["as_of"]
    if first.get("more"):
        record |= json.loads(first["more"])
    return record
