"""The rows of a live book: what they are called, what settles together, how rows are joined."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.chain import Chain
from gexcore.columns import number_column
from gexcore.errors import InputError
from gexcore.implied_vols import Vols
from gexcore.positions import Positions, out_of_the_money

Float64 = npt.NDArray[np.float64]
Handle = tuple[str, str, float, str]  # root, expiry, strike, option type

_DERIVED = ("naive", "short_all", "inverted", "moneyness", "weights")


def per_open_interest(chain: Chain, positions: Positions, weights: Any) -> Float64:
    """Contracts that dealers hold per open contract; NaN where contracts are given."""
    rule, call = positions.rule, chain.is_call
    if rule not in _DERIVED or positions.size != "open_interest":
        return np.full(len(chain), np.nan)
    if rule == "weights":
        return number_column("weights", np.nan if weights is None else weights, len(chain))
    if rule == "short_all":
        return np.full(len(chain), -1.0)
    long = {"naive": call, "inverted": ~call}.get(rule, ~out_of_the_money(chain))
    return np.where(long, 1.0, -1.0)


def series_of(chain: Chain) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Number what settles together; and the first row of each."""
    codes, _, _ = chain.settlements()
    times, years = chain.codes("time_to_expiry")
    _, first, series = np.unique(
        codes * np.int64(len(years)) + times, return_index=True, return_inverse=True
    )
    return series.astype(np.int32), first


def spread(value: Any, chain: Chain) -> Float64:
    """A number or a column as a column."""
    return np.array(np.broadcast_to(value, len(chain)), np.float64)


def quotes(chain: Chain, name: str) -> Float64:
    """Bids or asks; NaN where the chain has none."""
    return np.array(chain.columns.get(name, np.full(len(chain), np.nan)), np.float64)


def handles_of(chain: Chain) -> list[Handle]:
    """What each row is called."""
    empty = [""] * len(chain)
    roots = empty if chain.root is None else chain.root.astype(str).tolist()
    days = empty
    if chain.expiry is not None:
        days = chain.expiry.astype("datetime64[D]").astype(str).tolist()
    kinds = np.where(chain.is_call, "C", "P").tolist()
    return list(zip(roots, days, chain.strike.tolist(), kinds, strict=True))


def join(one: Chain, other: Chain) -> Chain:
    """Rows of `other` after those of `one`, in the market of `one`."""
    for name in ("root", "expiry"):
        if (getattr(one, name) is None) != (getattr(other, name) is None):
            raise InputError(f"rows: the book and the new rows must both have {name}, or neither")
    times = [None if chain.as_of is None else chain.as_of.time for chain in (one, other)]
    if times[0] != times[1]:
        raise InputError(
            f"rows: are as of {times[1]}, the book is as of {times[0]}", hint="with_conventions"
        )
    names = ("strike", "is_call", "time_to_expiry", "implied_vol", "open_interest", "multiplier",
             "status", "root", "expiry")  # fmt: skip
    both = {
        name: np.concatenate([getattr(one, name), getattr(other, name)])
        for name in names
        if getattr(one, name) is not None
    }
    columns = {
        name: np.concatenate([values, other.columns.get(name, np.full(len(other), np.nan))])
        for name, values in one.columns.items()
    }
    joined: dict[str, Any] = {
        name: np.concatenate([spread(getattr(chain.rates, name), chain) for chain in (one, other)])
        for name in ("rate", "dividend_yield", "basis")
    }
    rates = replace(one.rates, **joined)
    return one._replace(
        **both, columns=columns, rates=rates, vols=Vols.concat([one.vols, other.vols])
    )
