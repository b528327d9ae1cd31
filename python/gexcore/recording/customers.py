"""Customers' trades as JSON objects: those of an event, and the sums over all before it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import fields
from typing import Any

import numpy as np

from gexcore.flow import FlowSettings
from gexcore.inventory import _ROW, Inventory
from gexcore.recording.numbers import Json, floats, written
from gexcore.trades import REASONS, Trades

_NUMBERS = ("strike", "price", "size", "bid", "ask")
_BAD = REASONS.index("bad_contract")


def trades_to_dict(trades: Trades) -> Json:
    """The arguments of `Trades.from_arrays`, a list each; times are UTC."""
    kinds = np.where(trades.is_call, "C", "P")
    found: Json = {"option_type": np.where(trades.status == _BAD, "", kinds).tolist()}
    for name in _NUMBERS:
        column = getattr(trades, name)
        if column is not None:
            found[name] = written(column)
    for name in ("root", "expiry"):
        column = getattr(trades, name)
        if column is not None:
            found[name] = column.astype(np.str_).tolist()
    if trades.time is not None:
        found["time"] = [f"{text}Z" for text in trades.time.astype(np.str_).tolist()]
    for name in ("is_complex", "true_side"):
        column = getattr(trades, name)
        if column is not None:
            found[name] = column.tolist()
    return found


def trades_from_dict(given: Json) -> Trades:
    """The trades that `trades_to_dict` wrote.

    Raises:
        InputError, TypeError, ValueError: as `Trades.from_arrays`.
    """
    columns: Json = {n: np.array(c) for n, c in given.items() if n not in (*_NUMBERS, "time")}
    columns |= {name: floats(given[name]) for name in _NUMBERS if name in given}
    if "time" in given:
        times = given["time"]
        ours = all(text.endswith("Z") for text in times)  # to the nanosecond
        stripped = [text.removesuffix("Z") for text in times]
        columns["time"] = np.array(stripped, "datetime64[ns]") if ours else times
    return Trades.from_arrays(**columns, zone="UTC")


def inventory_to_dict(inventory: Inventory) -> Json:
    """All that a book remembers of trades."""
    rows, settings = inventory._rows, inventory.settings
    accuracy = settings.accuracy
    told = {field.name: getattr(settings, field.name) for field in fields(FlowSettings)}
    return {
        "settings": {**told, "accuracy": written(accuracy)},
        "keys": list(inventory._keys),
        "contracts": [list(handle) for handle in inventory._index],
        "sums": {name: written(rows[name]) for name in _ROW.names or ()},
        "dropped": dict(inventory._dropped),
        "dropped_size": dict(inventory._dropped_size),
        "sides": {name: dict(tally) for name, tally in inventory._sides.items()},
        "read": inventory._read,
        "used": inventory._used,
        "late": inventory.late,
    }


def inventory_from_dict(given: Json) -> Inventory:
    """The inventory that `inventory_to_dict` wrote."""
    settings: dict[str, Any] = dict(given["settings"])
    if isinstance(settings["accuracy"], list):
        settings["accuracy"] = floats(settings["accuracy"])
    found = Inventory(FlowSettings(**settings), tuple(given["keys"]))
    names = [(root, expiry, float(strike), kind) for root, expiry, strike, kind in
             given["contracts"]]  # fmt: skip
    rows = np.zeros(len(names), _ROW)
    for name in _ROW.names or ():
        rows[name] = np.array(given["sums"][name], _ROW[name].base).reshape(rows[name].shape)
    found._index = {name: at for at, name in enumerate(names)}
    found._buffer = found._rows = rows
    found._dropped = Counter(given["dropped"])
    found._dropped_size = defaultdict(float, given["dropped_size"])
    found._sides = {name: Counter(tally) for name, tally in given["sides"].items()}
    found._read, found._used, found.late = given["read"], given["used"], given["late"]
    return found
