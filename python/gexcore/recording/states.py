"""A chain, and a book, as JSON objects from which they are built again bit for bit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import _core
from gexcore.book import Book
from gexcore.chain import Chain
from gexcore.clock import AsOf, parse_time
from gexcore.conventions import REASONS, USED
from gexcore.errors import InputError
from gexcore.implied_vols import Vols
from gexcore.positions import RULES, Positions
from gexcore.rates import ParityTable, Rates
from gexcore.recording.customers import inventory_from_dict, inventory_to_dict
from gexcore.recording.numbers import Json, floats, written
from gexcore.results import plain
from gexcore.series import Series
from gexcore.slots import core_columns

Float64 = npt.NDArray[np.float64]

_NUMBERS = (
    "strike", "implied_vol", "open_interest", "multiplier", "time_to_expiry", "rate",
    "dividend_yield", "bid", "ask", "volume",
)  # fmt: skip
_PLAIN = ("spot", "underlying", "as_of", "source")
_QUOTES = ("bid", "ask", "volume")


def _brief(column: Any) -> Any:
    """One number in place of a column that has the same bits everywhere."""
    bits = np.ascontiguousarray(column, np.float64).view(np.int64)
    same = len(bits) > 0 and bool((bits == bits[0]).all())
    return written(float(column[0]) if same else np.asarray(column))


def chain_to_dict(chain: Chain) -> Json:
    """The arguments of `Chain.from_arrays`, and as "exact" what these alone do not give."""
    numbers = {name: getattr(chain, name) for name in _NUMBERS if name not in _QUOTES}
    numbers |= {name: chain.columns[name] for name in _QUOTES if name in chain.columns}
    found: Json = {"spot": chain.spot, "underlying": chain.underlying, "clock": chain.clock}
    if chain.as_of is not None:
        found["as_of"] = chain.as_of.time.isoformat()
    for name in ("root", "expiry"):
        column = getattr(chain, name)
        if column is not None:
            found[name] = column.astype(np.str_).tolist()
    found["is_call"] = chain.is_call.tolist()
    found |= {name: written(value) for name, value in numbers.items()}
    further = {n: c for n, c in chain.columns.items() if n not in _QUOTES}
    found["columns"] = {name: _column(column) for name, column in further.items()}
    found["source"] = plain(chain.source)
    return {**found, "exact": _exact(chain)}


def _column(column: npt.NDArray[Any]) -> Json:
    """A user's column with its type; what is neither number, time nor text becomes text."""
    if column.dtype.kind in "biuf":
        return {"type": column.dtype.str, "values": written(column)}
    kind = column.dtype.str if column.dtype.kind == "M" else "text"
    return {"type": kind, "values": column.astype(np.str_).tolist()}


def _column_of(given: Json) -> npt.NDArray[Any]:
    if given["type"] == "text":
        return np.array(given["values"], np.str_)
    kind = np.dtype(given["type"])
    if kind.kind not in "biufM":
        raise InputError(f"columns: there is no type {given['type']!r}")
    values = floats(given["values"]) if kind.kind == "f" else np.array(given["values"])
    return np.asarray(values.astype(kind))


def _exact(chain: Chain) -> Json:
    rates, vols, as_of = chain.rates, chain.vols, chain.as_of
    status = {
        reason: np.flatnonzero(chain.status == code).tolist()
        for code, reason in enumerate(REASONS)
        if (chain.status == code).any()
    }
    table = None
    if rates.table is not None:
        table = {name: written(column) for name, column in rates.table.columns().items()}
    same = np.array_equal(vols.vendor, chain.implied_vol, equal_nan=True)
    return {
        "scope": chain.scope,
        "as_of_rule": as_of.rule if as_of else None,
        "printed": as_of.printed.isoformat() if as_of and as_of.printed else None,
        "status": status,
        "vendor_vol": None if same else written(vols.vendor),
        "vol_rule": _brief(vols.rule),
        "rates": {
            "source": rates.source, "note": rates.note, "spot_basis": rates.spot_basis,
            "flags": list(rates.flags), "basis": written(rates.basis), "table": table,
            "given": [written(value) for value in rates.given],
            # None of a fit is not NaN
            "fitted": [value is None for value in rates.given],
        },
    }  # fmt: skip


def chain_from_dict(given: Json) -> Chain:
    """The chain that `chain_to_dict` wrote, or one of the arguments of `Chain.from_arrays`.

    Raises:
        InputError: a column is missing, or cannot be. KeyError, TypeError, ValueError: the object
            is of another shape.
    """
    numbers = {name: floats(given[name]) for name in _NUMBERS if name in given}
    fields: Json = {name: given[name] for name in _PLAIN if name in given}
    fields |= {name: given[name] for name in ("root", "expiry") if name in given}
    fields["columns"] = {n: _column_of(c) for n, c in given.get("columns", {}).items()}
    fields["is_call"] = np.array(given["is_call"])
    missing = [n for n in ("strike", "implied_vol", "open_interest") if n not in numbers]
    if missing:
        raise InputError(f"{missing[0]}: is missing", hint="arguments of Chain.from_arrays")
    clock, exact = given.get("clock", "settlement"), given.get("exact")
    rates: Json = {
        name: numbers.pop(name) for name in ("rate", "dividend_yield") if name in numbers
    }
    if clock != "given":
        fields["clock"] = clock
    quiet: Json = {"rate": 0.0, "dividend_yield": 0.0} if exact else rates
    chain = Chain.from_arrays(**fields, **numbers, **quiet)
    if "time_to_expiry" in numbers and clock != "given":
        chain = chain._replace(clock=clock)  # the times are given, and move by their clock
    return chain._replace(**_from_exact(chain, rates, exact)) if exact else chain


def _from_exact(chain: Chain, rates: Json, exact: Json) -> Json:
    rows, kept = len(chain), exact["rates"]
    status = np.full(rows, USED, np.uint8)
    for reason, at in exact["status"].items():
        status[np.array(at, np.int64)] = REASONS.index(reason)
    table = None
    if kept["table"] is not None:
        texts = ("root", "expiry", "status")
        columns: Json = {n: np.array(c, np.str_) if n in texts else floats(c)
                   for n, c in kept["table"].items()}  # fmt: skip
        table = ParityTable(**{**columns, "strikes": columns["strikes"].astype(np.int64)})
    one, other = (
        None if fitted else floats(value)
        for value, fitted in zip(kept["given"], kept["fitted"], strict=True)
    )
    vendor = chain.implied_vol if exact["vendor_vol"] is None else floats(exact["vendor_vol"])
    found: Json = {
        "status": status,
        "scope": exact["scope"],
        "vols": Vols(vendor, floats(exact["vol_rule"], rows).astype(np.uint8)),
        "rates": Rates(
            rates["rate"], rates["dividend_yield"], kept["source"], kept["note"], table,
            kept["spot_basis"], tuple(kept["flags"]), (one, other), floats(kept["basis"]),
        ),
    }  # fmt: skip
    if chain.as_of is not None:
        printed = exact["printed"]
        zone = chain.as_of.time.tzinfo
        seen = None if printed is None else parse_time(printed).astimezone(zone)
        found["as_of"] = AsOf(chain.as_of.time, exact["as_of_rule"], seen)
    return found


def book_to_dict(book: Book) -> Json:
    """A book at this moment: its chain, its positions, how walls are chosen, and its slots."""
    with book._lock:
        state, holdings = book._core.state(), book._holdings
        chain = book._slots.chain(state, book._series.as_of)
        deviation, inventory = holdings._deviation, holdings.inventory
        traded = None if inventory is None else inventory_to_dict(inventory)
    exact = {
        "held": written(state["held"]),
        "per_open_interest": _brief(state["per_open_interest"]),
        "deviation": None if deviation is None else written(deviation.view),
        "traded": _brief(state["traded"]),
        "inventory": traded,
    }
    slots = {name: _brief(state[name]) for name in ("quoted", "sized")}
    removed = np.flatnonzero(state["removed"]).tolist()
    return {
        "chain": chain_to_dict(chain),
        "positions": {"rule": holdings.rule, "size": holdings._size, "exact": exact},
        "side": book._side,
        "gated": book._gated,
        "slots": {**slots, "days": state["days"], "removed": removed},
    }


def book_from_dict(given: Json) -> Book:
    """The book that `book_to_dict` wrote, with the same levels bit for bit, now and later on.

    Without "exact" and "slots" it is a book of the chain and the rule of positions ("naive" where
    none is named), with `contracts` or `weights` where the rule needs them.

    Raises:
        InputError, ConventionError: as `Book` and `Chain.from_arrays`. KeyError, TypeError,
            ValueError: the object is of another shape.
    """
    chain = chain_from_dict(given["chain"])
    held: Json = given.get("positions", {})
    walls: Json = {"side": given.get("side", "net"), "gated": given.get("gated", False)}
    rule, exact = held.get("rule", "naive"), held.get("exact")
    if exact is None:
        needed = {n: floats(held[n], len(chain)) for n in ("contracts", "weights") if n in held}
        return Book(chain, rule, size=held.get("size", "open_interest"), **needed, **walls)
    deviation = None if exact["deviation"] is None else floats(exact["deviation"], len(chain))
    contracts, meaning = floats(exact["held"], len(chain)), RULES[rule].meaning
    begin = Positions(chain, contracts, rule, held["size"], meaning, deviation)
    book = Book(chain, begin, **walls)
    _restore(book, chain, exact, given["slots"])
    return book


def _restore(book: Book, chain: Chain, exact: Json, slots: Json) -> None:
    """Give a new book the state of slots that a chain and positions do not tell."""
    rows = len(chain)
    _, series, settlements = Series.of(chain)
    share = floats(exact["per_open_interest"], rows)
    columns = core_columns(chain, floats(exact["held"], rows), share, series, settlements)
    columns["traded"] = floats(exact["traded"], rows)
    columns |= {name: floats(slots[name], rows) for name in ("quoted", "sized")}
    years = book._series.years
    core = _core.Book(chain.spot, years, book._side == "gross", book._gated)
    core.add_rows({**columns, "days": 0.0}, years)
    core.set_years(years, slots["days"])
    book._core, book._series = core, replace(book._series, days=slots["days"])
    if exact["inventory"] is not None:
        book._holdings.inventory = inventory_from_dict(exact["inventory"])
    removed = np.array(slots["removed"], np.int64)
    if len(removed):
        book.remove_rows(removed)
