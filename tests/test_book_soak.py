"""Any operations leave a live book with the columns of a plain model and the levels of a batch."""

from __future__ import annotations

import math
import os
from typing import Any

import gexcore as gex
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from live_books import Mirror, assert_batch, small

# GEXCORE_SOAK=1e6 is the long soak: so many operations on 512 rows, more examples of the machine.
SOAK = int(float(os.environ.get("GEXCORE_SOAK", "3000")))
EXAMPLES = 100 if "GEXCORE_SOAK" in os.environ else 25

ROWS = st.integers(0, 199)
VOLS = st.one_of(st.floats(0.03, 2.0), st.sampled_from([0.0, math.nan, -0.1, math.inf, 1e-4, 5.0]))
SIZES = st.one_of(st.floats(0, 1e5), st.sampled_from([0.0, math.nan, -1.0, math.inf, 1.0, 1e9]))
PRICES = st.one_of(
    st.floats(0.05, 1500.0), st.sampled_from([0.0, math.nan, -1.0, math.inf, 1e-12, 1e6])
)
TRADES = st.lists(st.tuples(ROWS, st.sampled_from([-1, 0, 1]), st.integers(1, 500)), max_size=8)


def trades_of(chain: gex.Chain, rows: Any, side: Any, size: Any) -> gex.Trades:
    return gex.Trades.from_arrays(
        strike=chain.strike[rows], option_type=chain["option_type"][rows], root=chain.root[rows],
        expiry=chain.expiry[rows], price=1.0 + 0.1 * np.asarray(side), bid=0.9, ask=1.1,
        size=np.asarray(size, float),
    )  # fmt: skip


class LiveBook(RuleBasedStateMachine):
    """A book beside its model; rows are drawn by contract and found where the book has them."""

    @initialize(
        name=st.sampled_from(["naive", "short_all", "inverted", "moneyness", "contracts", "flow"]),
        side=st.sampled_from(["net", "gross"]),
        gated=st.booleans(),
        seed=st.integers(0, 3),
        implied=st.sampled_from([None, True, False]),
    )
    def begin(self, name: str, side: str, gated: bool, seed: int, implied: bool | None) -> None:
        chain = small(seed=seed)
        if implied is not None:
            chain = chain.with_implied_vols("mid", only_missing=implied)
        self.walls = {"side": side, "gated": gated}
        held = np.random.default_rng(seed).normal(size=len(chain)) if name == "contracts" else None
        self.book = gex.Book(chain, name, contracts=held, side=side, gated=gated)
        self.model = Mirror(chain, name, held)
        self.first = 0  # number of the first row

    def live(self, row: int) -> tuple[int, int] | None:
        """Number and contract of a row that is there, the next after `row`."""
        slots = self.model.slots
        for at in range(len(slots)):
            slot = (row + at) % len(slots)
            if slots[slot] is not None:
                return self.first + slot, slots[slot]
        return None

    def change(self, rows: list[int], **values: float) -> None:
        found = dict(filter(None, map(self.live, rows)))
        at = np.array(list(found), np.int64)
        columns = {name: np.full(len(at), value) for name, value in values.items()}
        self.book.update(at, **columns)
        self.model.update(list(found.values()), **values)

    @rule(row=ROWS, vol=VOLS)
    def vol(self, row: int, vol: float) -> None:
        self.change([row], implied_vol=vol)

    @rule(rows=st.lists(ROWS, max_size=30), vol=VOLS, size=SIZES)
    def many(self, rows: list[int], vol: float, size: float) -> None:
        self.change(rows, implied_vol=vol, open_interest=size)

    @rule(row=ROWS, size=SIZES)
    def interest(self, row: int, size: float) -> None:
        self.change([row], open_interest=size)

    @rule(rows=st.lists(ROWS, min_size=1, max_size=5), bid=PRICES, ask=PRICES)
    def prices(self, rows: list[int], bid: float, ask: float) -> None:
        self.change(rows, bid=bid, ask=ask)

    @rule(row=ROWS, bid=PRICES)
    def bid(self, row: int, bid: float) -> None:
        self.change([row], bid=bid)

    @rule(row=ROWS, ask=PRICES, vol=VOLS, size=SIZES)
    def everything(self, row: int, ask: float, vol: float, size: float) -> None:
        self.change([row], ask=ask, implied_vol=vol, open_interest=size)

    @rule(row=ROWS, held=st.one_of(st.floats(-1e4, 1e4), st.sampled_from([math.nan, math.inf])))
    def hold(self, row: int, held: float) -> None:
        if not self.model.derived:
            self.change([row], contracts=held)
        elif self.live(row):
            with pytest.raises(gex.InputError, match="follows its open interest"):
                self.change([row], contracts=held)

    @rule(trades=TRADES)
    def trade(self, trades: list[tuple[int, int, int]]) -> None:
        rows, side, size = (list(column) for column in zip(*trades, strict=True)) if trades else (
            [], [], [])  # fmt: skip
        counts = self.book.apply_trades(
            trades_of(self.model.begin, np.array(rows, np.int64), side, size), rule="quote"
        )
        inside = [not self.model.gone()[row] for row in rows]
        assert (counts["read"], counts["used"]) == (len(rows), sum(inside))
        for row, sign, contracts in trades:
            self.model.net[row] += sign * contracts

    @rule(move=st.one_of(st.floats(-0.01, 0.01), st.sampled_from([-0.5, 0.5, 0.1])))
    def move_spot(self, move: float) -> None:
        if 500 < self.model.spot * (1 + move) < 50000:
            self.model.spot *= 1 + move
        self.book.set_spot(self.model.spot)

    @rule(days=st.floats(0, 2))
    def wait(self, days: float) -> None:
        self.book.set_time(days)
        self.model.moved = gex.chain_at(self.model.moved, days)

    @rule(row=ROWS)
    def remove(self, row: int) -> None:
        found = self.live(row)
        if found is None:
            return
        self.book.remove_rows(found[0])
        self.model.remove(found[0] - self.first)
        with pytest.raises(gex.InputError, match="was removed"):
            self.book.update(found[0], implied_vol=0.2)

    @rule()
    def remove_all(self) -> None:
        rows = [s for s, row in enumerate(self.model.slots) if row is not None][:150]
        self.book.remove_rows(self.first + np.array(rows, np.int64))
        for slot in rows:
            self.model.remove(slot)

    @rule()
    def compact(self) -> None:
        moved, old = self.book.compact(), self.first
        kept = [slot for slot, row in enumerate(self.model.slots) if row is not None]
        assert np.flatnonzero(moved >= 0).tolist() == kept
        self.model.slots = [self.model.slots[slot] for slot in kept]
        self.first = self.book.snapshot().first_row
        assert moved[kept].tolist() == list(range(self.first, self.first + len(kept)))
        with pytest.raises(gex.InputError, match="before compact"):
            self.book.update(old, implied_vol=0.2)

    @rule()
    def add_back(self) -> None:
        gone, model = self.model.gone(), self.model
        new = model.moved.filter(gone)
        held = None if model.derived else model.first["held"][gone]
        rows = self.book.add_rows(new, contracts=held)
        start = self.first + len(model.slots)
        assert rows.tolist() == list(range(start, start + len(new)))
        model.slots += np.flatnonzero(gone).tolist()

    @invariant()
    def same_as_model_and_batch(self) -> None:
        if hasattr(self, "book"):
            self.model.check(self.book.snapshot())
            assert_batch(self.book, **self.walls)


TestLiveBook = LiveBook.TestCase
TestLiveBook.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


class Soak:
    """A seeded stream of operations on a book and its model."""

    def __init__(self, rows: int, operations: int) -> None:
        chain = small(rows).with_implied_vols("mid")
        self.book, self.model = gex.Book(chain), Mirror(chain, "naive")
        self.rng, self.first, self.days = np.random.default_rng(11), 0, 3000.0 / operations
        self.live = list(range(rows))  # slots
        self.kinds = (self.vol, self.interest, self.prices, self.spot, self.trade, self.remove)
        self.kinds += (self.wait, self.crossed)
        self.shares = np.cumsum([0.33, 0.17, 0.15, 0.15, 0.12, 0.04, 0.01, 0.03])

    def step(self) -> None:
        kind = int(np.searchsorted(self.shares, self.rng.random()))
        slot = self.live[int(self.rng.integers(len(self.live)))]
        self.kinds[min(kind, len(self.kinds) - 1)](slot)
        if len(self.live) < 400:  # the lost contracts come back
            self.refill()

    def change(self, slot: int, **values: float) -> None:
        self.book.update(self.first + slot, **values)
        self.model.update([self.model.slots[slot]], **values)

    def vol(self, slot: int) -> None:
        vol = float(self.rng.uniform(0.05, 0.6))
        self.change(slot, implied_vol=vol if self.rng.random() < 0.9 else math.nan)

    def interest(self, slot: int) -> None:
        self.change(slot, open_interest=float(self.rng.integers(0, 5000)))

    def prices(self, slot: int) -> None:
        bid = float(self.model.begin["bid"][self.model.slots[slot]] * self.rng.uniform(0.7, 1.4))
        self.change(slot, bid=bid, ask=1.05 * bid + 0.05)

    def crossed(self, slot: int) -> None:
        bid, ask = self.rng.choice([5.0, math.nan, 0.0]), float(self.rng.integers(5))
        self.change(slot, bid=bid, ask=ask)

    def spot(self, slot: int) -> None:
        model = self.model
        model.spot = min(max(model.spot * math.exp(0.001 * self.rng.normal()), 4000.0), 6000.0)
        self.book.set_spot(model.spot)

    def trade(self, slot: int) -> None:
        rows = self.rng.integers(len(self.model.begin), size=3)
        side, size = self.rng.integers(-1, 2, 3), self.rng.integers(1, 300, 3)
        self.book.apply_trades(trades_of(self.model.begin, rows, side, size), rule="quote")
        for row, sign, contracts in zip(rows, side, size, strict=True):
            self.model.net[row] += sign * contracts

    def remove(self, slot: int) -> None:
        self.book.remove_rows(self.first + slot)
        self.model.remove(slot)
        self.live.remove(slot)

    def wait(self, slot: int) -> None:
        self.book.set_time(self.days)
        self.model.moved = gex.chain_at(self.model.moved, self.days)

    def refill(self) -> None:
        gone, model = self.model.gone(), self.model
        self.book.compact()
        self.book.add_rows(model.moved.filter(gone))
        model.slots = [row for row in model.slots if row is not None]
        model.slots += np.flatnonzero(gone).tolist()
        self.first, self.live = self.book.snapshot().first_row, list(range(len(model.slots)))


def test_soak() -> None:
    soak = Soak(512, SOAK)
    for operation in range(1, SOAK + 1):
        soak.step()
        if operation % 100 == 0:
            soak.model.check(soak.book.snapshot())
            assert_batch(soak.book)
    counts = soak.book.counts()
    assert counts["missing_quote"] and counts["crossed_quote"] and counts["missing_vol"]
    assert soak.first > 0  # slots were closed on the way
