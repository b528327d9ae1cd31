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
_SIGNING = ("rule", "accuracy", "estimate", "errors", "min_size", "max_size", "skip_complex")
_AS_THEY_ARE = frozenset(_SIGNING)  # arguments of Book.apply_trades

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
    return parse_time(time).astimezone(UTC).isoformat()


def line_of(record: Mapping[str, Any]) -> str:
    """A JSON object as one line."""
    return _encode(record) + "\n"


def event_to_dict(event: Event) -> Json:
    """An event as a JSON object.

    Raises:
        InputError: the time has no zone, or there is no such kind.

    Example:
        >>> time = datetime(2026, 3, 18, 14, 30, tzinfo=UTC)
        >>> event_to_dict(Event(time, "quote", 7, {"implied_vol": 0.15}))["implied_vol"]
        0.15
    """
    kind, rows, values = event.kind, event.rows, event.values
    if kind not in KINDS:
        raise InputError(f"event: there is no kind {kind!r}", hint=f"kinds: {', '.join(KINDS)}")
    record: Json = {"time": time_text(event.time), "kind": kind}
    if rows is not None:
        record["rows"] = rows if type(rows) is int else np.asarray(rows).tolist()
    for name, value in values.items():
        if name == "chain":
            record[name] = chain_to_dict(value)
        elif name == "trades":
            record[name] = trades_to_dict(value)
        elif name == "when":
            record |= _when(value)
        elif name in _AS_THEY_ARE:
            record[name] = written(value)
        elif value is not None:
            record[name] = written(value if type(value) is float else _floats(name, value))
    return record


def _floats(name: str, value: Any) -> Any:
    try:
        return np.asarray(value, np.float64)
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
    try:
        time = datetime.fromisoformat(record["time"])
    except (KeyError, TypeError, ValueError):
        raise Unusable("bad_time", f"no time: {str(record.get('time'))[:40]!r}") from None
    if time.tzinfo is None:
        raise Unusable("bad_time", f"the time {record['time']!r} has no zone")
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
