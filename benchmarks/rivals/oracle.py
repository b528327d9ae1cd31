"""Errors against the 20-digit tables of tests/reference; values below 1e-280 are exempt."""

from __future__ import annotations

import csv
from collections.abc import Callable
from math import fsum
from pathlib import Path
from typing import Any

import books
import numpy as np

from rivals import Run

TABLES = Path(__file__).resolve().parent.parent.parent / "tests" / "reference"
GREEKS = ("price", "delta", "gamma")
KEYS = 20
WRONG = 1e-6
Make = Callable[[Any], Run]


def table(name: str) -> tuple[books.Book, dict[str, Any]]:
    """Inputs and exact values of region A or B."""
    with (TABLES / f"greeks_{name}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}
    b = books.Book(*(columns.pop(field) for field in books.Book._fields))
    return b._replace(is_call=b.is_call == 1), columns


def worst(found: Any, exact: Any) -> float:
    """Largest relative error; NaN counts as 1."""
    on = np.abs(exact) > 1e-280
    return float(np.nan_to_num(np.abs(np.asarray(found)[on] / exact[on] - 1), nan=1.0).max())


def greek_errors(make: Make) -> str:
    """Price, delta, gamma in region A, then in B."""
    cells = []
    for name in "AB":
        b, exact = table(name)
        found = make(b)()
        if hasattr(found, "names"):
            found = found.to_dict()
        if not isinstance(found, dict):
            found = dict(zip(books.NINE, found, strict=True))
        cells.append(
            "/".join(f"{worst(found[g], exact[g]):.0e}" if g in found else "-" for g in GREEKS)
        )
    return "; ".join(cells)


def signs(rows: int) -> Any:
    """Weights of a book that nearly cancels."""
    return np.where(np.arange(rows) % 3 == 0, -2.0, 1.0)


def sum_errors(make: Make) -> str:
    """Sums of 600 gammas over 20 keys against exact sums, relative to gross."""
    b, exact = table("A")
    weight, codes = signs(len(b.strike)), np.arange(len(b.strike), dtype=np.int32) % KEYS
    found = make(books.Keyed(b, weight, codes, KEYS))()
    parts = [(weight * exact["gamma"])[codes == key] for key in range(KEYS)]
    errors = [abs(f - fsum(p)) / fsum(abs(p)) for f, p in zip(found, parts, strict=True)]
    return f"{max(errors):.0e}"


def profile_errors(make: Make) -> str:
    """The profile at the spot of the table, relative to gross."""
    b, exact = table("A")
    weight = signs(len(b.strike))
    s = books.sweep_of(b._replace(spot=books.SPOT), weight)
    here = int(np.flatnonzero(s.spots == books.SPOT)[0])
    part = weight * exact["gamma"]
    return f"{abs(make(s)()[here] - fsum(part)) / fsum(abs(part)):.0e}"


def vol_errors(make: Make) -> str:
    """Largest relative error over max(1, condition) of solved rows, and the share of the others."""
    b, exact = table("A")
    forward = b.spot * np.exp(-b.dividend_yield * b.time_to_expiry)
    forward = forward - b.strike * np.exp(-b.rate * b.time_to_expiry)
    value = exact["price"] - np.maximum(np.where(b.is_call, 1, -1) * forward, 0)
    on = value >= 1e-10 * b.spot
    b = books.Book(*(np.ascontiguousarray(x[on]) for x in b))
    price, vega = exact["price"][on], exact["vega"][on]
    p = books.Priced(price, b, price / (vega * b.implied_vol))
    errors = books.vol_errors(np.ravel(np.asarray(make(p)(), dtype=float)), p)
    wrong = ~(errors <= WRONG)
    text = f"{errors[~wrong].max():.0e}" if not wrong.all() else "-"
    return f"{text}; {wrong.mean():.1%} wrong" if wrong.any() else text


MEASURES: dict[str, Callable[[Make], str]] = {
    "W1": greek_errors,
    "W2": sum_errors,
    "W3": profile_errors,
    "W4": vol_errors,
}
