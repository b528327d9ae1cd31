"""W9: sides of ten million trades in 20,000 interleaved contracts, by every rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import books
import numpy as np
import numpy.typing as npt
import pytest
from gexcore.sides import RULES, classify

ROWS, CONTRACTS, CHECKED = 10_000_000, 20_000, 1_000_000
Integers = npt.NDArray[np.int64]


class Tape(NamedTuple):
    """Trades in whole cents, and the contract of each."""

    price: Integers
    bid: Integers
    ask: Integers
    contract: npt.NDArray[np.int32]


@pytest.fixture(scope="module")
def tape() -> Tape:
    rng = np.random.default_rng(9)
    bid = rng.integers(1, 400, ROWS)
    ask = bid + rng.integers(0, 20, ROWS)
    price = np.maximum(bid + rng.integers(-2, 22, ROWS), 1)
    return Tape(price, bid, ask, rng.integers(0, CONTRACTS, ROWS).astype(np.int32))


def numpy_ticks(price: Integers, contract: npt.NDArray[np.int32]) -> Integers:
    """The last change of price of each contract, in whole numbers, by sorting."""
    order = np.argsort(contract, kind="stable")
    p, c = price[order], contract[order]
    same = np.concatenate([[False], c[1:] == c[:-1]])
    change = np.where(same, np.sign(np.diff(p, prepend=p[:1])), 0)
    last = np.maximum.accumulate(np.where(change != 0, np.arange(len(p)), -1))
    found = np.where((last >= 0) & (c[last] == c), change[last], 0)
    ticks = np.empty_like(found)
    ticks[order] = found
    return ticks


def numpy_sides(tape: Tape, rule: str) -> Integers:
    """The yardstick: each rule on whole cents."""
    price, bid, ask, contract = tape
    if rule in ("quote", "lee_ready"):
        side = np.sign(2 * price - bid - ask)
    elif rule == "emo":
        side = (price == ask).astype(np.int64) - (price == bid)
    elif rule == "clnv":
        inside = (price >= bid) & (price <= ask)
        high = inside & (10 * (ask - price) <= 3 * (ask - bid))
        low = inside & (10 * (price - bid) <= 3 * (ask - bid))
        side = high.astype(np.int64) - low
    else:
        side = np.zeros(len(price), np.int64)
    return side if rule == "quote" else np.where(side == 0, numpy_ticks(price, contract), side)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.benchmark(group="W9 sides of trades")
def test_sides(benchmark: Callable[..., Any], tape: Tape, rule: str) -> None:
    price, bid, ask = (column / 100 for column in tape[:3])
    options = {"rule": rule, "contract": tape.contract}
    found = classify(price, bid, ask, **options).side
    first = Tape(*(column[:CHECKED] for column in tape))
    np.testing.assert_array_equal(found[:CHECKED], numpy_sides(first, rule))
    assert len(found) == ROWS
    benchmark.pedantic(classify, (price, bid, ask), options, rounds=5, warmup_rounds=1)
    books.note(benchmark, "ns_per_trade", ROWS)


@pytest.mark.benchmark(group="W9 sides of trades")
def test_sides_in_numpy(benchmark: Callable[..., Any], tape: Tape) -> None:
    """The yardstick: Lee-Ready by sorting, on a tenth of the trades."""
    first = Tape(*(column[:CHECKED] for column in tape))
    assert set(np.unique(numpy_sides(first, "lee_ready"))) == {-1, 0, 1}
    benchmark.pedantic(numpy_sides, (first, "lee_ready"), rounds=3, warmup_rounds=1)
    books.note(benchmark, "ns_per_trade", CHECKED)
