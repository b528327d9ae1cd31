"""A chain, and a book, as JSON objects from which they are built again bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.book import Book
from gexcore.chain import Chain
from gexcore.clock import AsOf, parse_time
from gexcore.conventions import REASONS, USED
from gexcore.errors import InputError
from gexcore.implied_vols import Vols
from gexcore.positions import RULES, Positions, assign_positions
from gexcore.rates import ParityTable, Rates
from gexcore.results import plain

Float64 = npt.NDArray[np.float64]
Json = dict[str, Any]

_NUMBERS = (
    "strike", "implied_vol", "open_interest", "multiplier", "time_to_expiry", "rate",
    "dividend_yield", "bid", "ask", "volume",
)  # fmt: skip
_PLAIN = ("spot", "underlying", "as_of", "source")
_QUOTES = ("bid", "ask", "volume")


def written(value: Any) -> Any:
    """A number, or a column of them, in JSON: NaN is null, infinities are text."""
    if isinstance(value, np.ndarray):
        finite = value.dtype.kind != "f" or np.isfinite(value).all()
        return value.tolist() if finite else [written(x) for x in value.tolist()]
    if isinstance(value, float) and not -np.inf < value < np.inf:
        return None if value != value else str(value)
    return value


def _brief(column: Any) -> Any:
    """One number in place of a column that has the same bits everywhere."""
    bits = np.ascontiguousarray(column, np.float64).view(np.int64)
    same = len(bits) > 0 and bool((bits == bits[0]).all())
    return written(float(column[0]) if same else np.asarray(column))


def floats(value: Any, rows: int | None = None) -> Any:
    """What `written` wrote; a single number fills `rows` where that is given."""
    column = np.array(value, np.float64)  # None becomes NaN
    if column.ndim > 1:
        raise InputError("a column has more than one dimension")
    if rows is not None:
        return np.array(np.broadcast_to(column, rows))
    return column if column.ndim else float(column)


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
    rates = {name: numbers.pop(name) for name in ("rate", "dividend_yield") if name in numbers}
    if clock != "given":
        fields["clock"] = clock
    quiet = {"rate": 0.0, "dividend_yield": 0.0} if exact else rates
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
        columns = {n: np.array(c, np.str_) if n in texts else floats(c)
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
        now, state = book._snapshot()
        share, removed = book._share, book._removed
    held = now.positions
    return {
        "chain": chain_to_dict(now.chain),
        "positions": {
            "rule": held.rule,
            "size": held.size,
            "exact": {
                "contracts": written(held.contracts),
                "per_open_interest": _brief(share),
            },
        },
        "side": book._side,
        "gated": book._gated,
        "slots": {
            **{name: state[name] for name in ("version", "anchors", "days")},
            **{name: _brief(state[name]) for name in ("quoted", "sized")},
            "removed": np.flatnonzero(removed).tolist(),
        },
    }


def book_from_dict(given: Json) -> Book:
    """The book that `book_to_dict` wrote, with the same levels bit for bit.

    Without "exact" and "slots" it is a book of the chain and the rule of positions ("naive" where
    none is named), with `contracts` or `weights` where the rule needs them.

    Raises:
        InputError, ConventionError: as `Book` and `Chain.from_arrays`. KeyError, TypeError,
            ValueError: the object is of another shape.
    """
    chain = chain_from_dict(given["chain"])
    held: Mapping[str, Any] = given.get("positions", {})
    rule, exact, slots = held.get("rule", "naive"), held.get("exact"), given.get("slots")
    needed = {n: floats(held[n], len(chain)) for n in ("contracts", "weights") if n in held}
    if exact is None:
        positions = assign_positions(
            chain, rule, size=held.get("size", "open_interest"), **needed
        )
    else:
        contracts = floats(exact["contracts"], len(chain))
        contracts.flags.writeable = False
        positions = Positions(chain, contracts, rule, held["size"], RULES[rule].meaning)
    book = Book(
        chain, positions, weights=needed.get("weights"),
        side=given.get("side", "net"), gated=given.get("gated", False),
    )  # fmt: skip
    if exact is not None and slots is not None:
        removed = np.zeros(len(chain), np.bool_)
        removed[np.array(slots["removed"], np.int64)] = True
        state = {name: slots[name] for name in ("version", "anchors", "days")}
        state |= {name: floats(slots[name], len(chain)) for name in ("quoted", "sized")}
        share = floats(exact["per_open_interest"], len(chain))
        book._load(chain, positions, share, removed, state)
    return book
