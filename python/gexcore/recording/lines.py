"""Events as JSON objects, one per line, and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from gexcore.clock import parse_time
from gexcore.errors import GexError, InputError
from gexcore.feed import KINDS, UPDATES, Event
from gexcore.recording.customers import trades_from_dict, trades_to_dict
from gexcore.recording.numbers import Json, floats, written
from gexcore.recording.states import chain_from_dict, chain_to_dict

VERSION = 1  # of the stream; raised when an older reader would misread it
HEAD = "chain"  # kind of the first line
MOVES = ("implied_vol", "open_interest", "contracts", "bid", "ask")  # arguments of Book.update

_MOST = 1 << 62  # no row has such a number
# arguments of Book.apply_trades
_SIGNING = ("rule", "accuracy", "estimate", "errors", "min_size", "max_size", "skip_complex")
_INFINITY = float("inf")

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class Unusable(Exception):
    """An event that cannot be used: why in one word, and in a sentence."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def time_text(time: datetime) -> str:
    """A moment in UTC, to the microsecond.

    Raises:
        InputError: the time has no zone.
    """
    if type(time) is datetime and time.tzinfo is UTC:
        return time.isoformat()
    return parse_time(time).astimezone(UTC).isoformat()


def line_of(record: Mapping[str, Any]) -> str:
    """A JSON object as one line."""
    return _encode(record) + "\n"


def event_line(event: Event) -> str:
    """An event as one line: a JSON object.

    Raises:
        InputError: the time has no zone, there is no such kind, or a value is no number.

    Example:
        >>> time = datetime(2026, 3, 18, 14, 30, tzinfo=UTC)
        >>> event_line(Event(time, "spot", None, {"spot": 5.0}))
        '{"time":"2026-03-18T14:30:00+00:00","kind":"spot","spot":5.0}\\n'
    """
    time, kind, rows, values = event
    if kind not in _READERS:
        raise InputError(f"event: there is no kind {kind!r}", hint=f"kinds: {', '.join(KINDS)}")
    parts = [f'{{"time":"{time_text(time)}","kind":"{kind}"']
    if rows is not None:
        parts.append(f',"rows":{rows if type(rows) is int else np.asarray(rows).tolist()}')
    for name, value in values.items():
        if type(value) is float and name != "when" and -_INFINITY < value < _INFINITY:
            parts.append(f',"{name}":{value!r}')  # an encoder takes several times as long
        elif value is not None:
            parts.append(f",{_encode(_json_of(name, value))[1:-1]}")
    return "".join((*parts, "}\n"))


def _json_of(name: str, value: Any) -> Json:
    """A value of an event under its name."""
    if name == "when":
        return _when(value)
    if name == "chain":
        return {name: chain_to_dict(value)}
    if name == "trades":
        return {name: trades_to_dict(value)}
    if name in _SIGNING:
        return {name: written(value)}
    try:
        return {name: written(np.asarray(value, np.float64))}
    except (TypeError, ValueError):
        raise InputError(f"{name}: {str(value)[:40]!r} is no number") from None


def _when(value: Any) -> Json:
    """A clock moves by days, or to a time."""
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        return {"days": written(float(value))}
    return {"as_of": parse_time(value).isoformat()}


def event_of(record: Any) -> Event:
    """The event of a JSON object.

    Raises:
        Unusable: no object, no such kind, no time, or values that cannot be.
    """
    if type(record) is not dict:
        raise Unusable("unreadable", f"a JSON {type(record).__name__} is no event")
    kind = record.get("kind")
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read is None or not isinstance(kind, str):
        raise Unusable("unknown_kind", f"there is no kind of event {str(kind)[:40]!r}")
    time: Any = record.get("time")
    try:
        time = time if isinstance(time, datetime) else datetime.fromisoformat(time)
    except (TypeError, ValueError):
        raise Unusable("bad_time", f"no time: {str(time)[:40]!r}") from None
    if time.tzinfo is None:
        raise Unusable("bad_time", f"the time {record['time']} has no zone")
    try:
        return Event(time, kind, *read(record))
    except KeyError as error:
        raise Unusable("bad_value", f"{kind}: {error.args[0]} is missing") from None
    except (GexError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise Unusable("bad_value", f"{kind}: {str(error).partition('. Hint:')[0][:200]}") from None


def _rows(record: Json) -> Any:
    rows = record["rows"]
    if type(rows) is int and abs(rows) < _MOST:
        return rows
    found = np.array(rows)
    if found.ndim != 1 or (found.dtype.kind != "i" and found.size):
        raise ValueError("rows: a number or a list of numbers is needed")
    return found.astype(np.int64)


def _number(value: Any) -> Any:
    if type(value) is float:
        return value
    if isinstance(value, bool):
        raise ValueError(f"{value} is no number")
    return floats(value)


def _moves(record: Json) -> tuple[Any, Json]:
    values = {name: _number(record[name]) for name in MOVES if name in record}
    if not values:
        raise ValueError(f"none of {', '.join(MOVES)} is there")
    return _rows(record), values


def _one(value: Any) -> float:
    number = _number(value)
    if not isinstance(number, float):
        raise ValueError(f"{str(value)[:40]} is not one number")
    return number


def _spot(record: Json) -> tuple[Any, Json]:
    return None, {"spot": _one(record["spot"])}


def _clock(record: Json) -> tuple[Any, Json]:
    return None, {"when": record["as_of"] if "as_of" in record else _one(record["days"])}


def _add(record: Json) -> tuple[Any, Json]:
    given = {"contracts": floats(record["contracts"])} if "contracts" in record else {}
    return None, {"chain": chain_from_dict(record["chain"]), **given}


def _trade(record: Json) -> tuple[Any, Json]:
    signing = {name: record[name] for name in _SIGNING if record.get(name) is not None}
    if isinstance(signing.get("accuracy"), list):
        signing["accuracy"] = floats(signing["accuracy"])
    return None, {"trades": trades_from_dict(record["trades"]), **signing}


_READERS: Mapping[str, Callable[[Json], tuple[Any, Json]]] = {
    **dict.fromkeys(UPDATES, _moves),
    "spot": _spot,
    "clock": _clock,
    "trade": _trade,
    "add": _add,
    "remove": lambda record: (_rows(record), {}),
    "compact": lambda record: (None, {}),
}
