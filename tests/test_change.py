"""Attribution of changes against Shapley values by enumeration on a book in plain Python."""

from __future__ import annotations

import math
from itertools import permutations
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.change import LEVELS, shapley
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_books import (
    AFTER,
    BEFORE,
    EXPOSURES,
    FACTORS,
    altered,
    expected_table,
    explain,
    partly,
    subsets,
)


def by_orders(values: dict[frozenset[str], Any], factors: tuple[str, ...]) -> dict[str, Any]:
    """Mean effect of each factor over every order."""
    total = {factor: 0.0 * values[frozenset()] for factor in factors}
    orders = list(permutations(factors))
    for order in orders:
        seen: frozenset[str] = frozenset()
        for factor in order:
            total[factor] = total[factor] + values[seen | {factor}] - values[seen]
            seen |= {factor}
    return {factor: value / len(orders) for factor, value in total.items()}


def check(change: gex.Change, parts: dict[str, Any], table: Any) -> None:
    for column, name in enumerate((*EXPOSURES, *LEVELS)):
        each, scale = change[name], np.abs(table[:, column]).max()
        assert each.status == "split"
        assert each.before == pytest.approx(table[0, column], rel=1e-9)
        assert each.after == pytest.approx(table[-1, column], rel=1e-9)
        for factor in FACTORS:
            value = each.parts[factor]
            assert value == pytest.approx(parts.get(factor, [0.0] * 8)[column], abs=1e-9 * scale)
        assert math.fsum(each.parts.values()) == pytest.approx(each.change, abs=1e-12 * scale)


@pytest.mark.parametrize(
    "active",
    [
        ("spot", "time", "implied_vol", "open_interest", "expiry_roll"),
        ("spot", "time", "rates", "expiry_roll", "listing", "coverage"),
        ("spot", "implied_vol", "sign_rule", "listing", "coverage"),
    ],
    ids="-".join,
)
def test_parts_are_means_over_all_orders(active: tuple[str, ...]) -> None:
    after = partly(active)
    table = expected_table((BEFORE, after), active)
    values = {frozenset(s): table[code] for code, s in enumerate(subsets(active))}
    change = explain(BEFORE, after, which=EXPOSURES)
    assert {f for f, status in change.factors.items() if status == "changed"} == set(active)
    assert change.books == 2 ** len(active)
    check(change, by_orders(values, active), table)


def test_every_cause_at_once() -> None:
    table = expected_table((BEFORE, AFTER), FACTORS)
    size = np.array([code.bit_count() for code in range(512)])
    weight = [math.factorial(n) * math.factorial(8 - n) / math.factorial(9) for n in range(9)]
    parts = {}
    for i, factor in enumerate(FACTORS):
        without = np.flatnonzero(np.arange(512) >> i & 1 == 0)
        step = table[without | 1 << i] - table[without]
        parts[factor] = (np.array(weight)[size[without]][:, None] * step).sum(axis=0)
    change = explain(BEFORE, AFTER, which=EXPOSURES)
    assert change.books == 512
    assert dict(change.contracts) == {
        "both": 6, "expiry_roll_before": 2, "expiry_roll_after": 0, "listing_before": 1,
        "listing_after": 2, "coverage_before": 1, "coverage_after": 0,
    }  # fmt: skip
    check(change, parts, table)


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 5), seed=st.integers(0, 10**6))
def test_shapley_values_by_orders(count: int, seed: int) -> None:
    table = np.random.default_rng(seed).normal(size=(2**count, 3))
    factors = tuple("abcde"[:count])
    values = {frozenset(s): table[code] for code, s in enumerate(subsets(factors))}
    parts = by_orders(values, factors)
    assert shapley(table) == pytest.approx(np.array(list(parts.values())), abs=1e-13)


def test_shapley_values_of_known_games() -> None:
    # a glove game: factor 0 has the left one, 1 and 2 a right one each
    glove = [[float(s & 1 and s > 1)] for s in range(8)]
    assert shapley(np.array(glove)).ravel() == pytest.approx([2 / 3, 1 / 6, 1 / 6], abs=1e-15)
    additive = [[3.0 * (s & 1) + 5.0 * (s >> 1 & 1)] for s in range(4)]
    assert shapley(np.array(additive)).ravel().tolist() == [3.0, 5.0]
    assert shapley(np.ones((1, 2))).shape == (0, 2)


# --- one cause ---------------------------------------------------------------------------------


def only(change: gex.Change, factor: str) -> None:
    """The whole change is one part, bit for bit."""
    assert [f for f, status in change.factors.items() if status == "changed"] == [factor]
    for name in ("gamma", *LEVELS):
        each = change[name]
        assert each.status == "split"
        assert each.parts[factor] == each.change
        assert [v for f, v in each.parts.items() if f != factor] == [0.0] * 8
    assert change["gamma"].change != 0.0


@pytest.fixture(scope="module")
def chain() -> gex.Chain:
    return gex.synthetic_chain(n=4000)


def test_one_cause_takes_it_all(chain: gex.Chain) -> None:
    rng = np.random.default_rng(1)
    some = rng.random(len(chain)) < 0.5
    alike = altered(chain)
    later = chain.with_conventions(as_of="2026-03-18T14:00-04:00")
    only(gex.explain_change(alike, altered(chain, spot=5040.0)), "spot")
    only(gex.explain_change(chain, later), "time")
    only(gex.explain_change(chain, chain.with_conventions(rate=0.05)), "rates")
    only(gex.explain_change(chain, chain.with_conventions(dividend_yield=0.02)), "rates")
    vol = np.where(some, chain.implied_vol * 1.1, chain.implied_vol)
    only(gex.explain_change(alike, altered(chain, implied_vol=vol)), "implied_vol")
    size = np.where(some, 2 * chain.open_interest, 0.0)
    only(gex.explain_change(alike, altered(chain, open_interest=size)), "open_interest")
    mini = altered(chain, multiplier=np.where(some, 10.0, 100.0))
    only(gex.explain_change(alike, mini), "open_interest")
    only(gex.explain_change(chain, chain, "naive", "inverted"), "sign_rule")
    only(gex.explain_change(chain, chain.filter(some)), "listing")
    only(gex.explain_change(chain.filter(some), chain), "listing")
    lost = altered(chain, implied_vol=np.where(some, np.nan, chain.implied_vol))
    only(gex.explain_change(alike, lost), "coverage")


def test_nothing_changed(chain: gex.Chain) -> None:
    change = gex.explain_change(chain, chain, which=EXPOSURES)
    assert change.books == 1
    assert set(change.factors.values()) == {"unchanged"}
    for name in (*EXPOSURES, *LEVELS):
        assert (change[name].change, set(change[name].parts.values())) == (0.0, {0.0})
    assert "nothing changed" in repr(change)


def test_settlement_alone_is_expiry_roll() -> None:
    # at 9:30 the morning contracts settle; whole days do not move until midnight
    early = gex.synthetic_chain(n=4000).with_conventions(
        as_of="2026-03-20T09:00-04:00", clock="business/252"
    )
    late = early.with_conventions(as_of="2026-03-20T10:00-04:00")
    gone = (early.root == "SPX") & (early.expiry == np.datetime64("2026-03-20"))
    assert gone.any()
    change = gex.explain_change(early, late)
    assert change["gamma"].parts["expiry_roll"] == change["gamma"].change
    settled = gex.analyze(early.filter(gone)).exposures.gamma.net
    assert change["gamma"].change == pytest.approx(-settled, rel=1e-12)
    for ends in ((early, late), (late, early), (early, late.filter(~gone))):
        factors = gex.explain_change(*ends).factors
        assert [f for f, status in factors.items() if status == "changed"] == ["expiry_roll"]


def test_what_settles_keeps_its_time(chain: gex.Chain) -> None:
    # the end of a contract is no passage of time: the two parts stand side by side
    later = chain.with_conventions(as_of="2026-03-18T17:00-04:00")
    change = gex.explain_change(chain, later)
    gone = chain.expiry == np.datetime64("2026-03-18")
    each = gex.analyze(chain).exposures.gamma
    stayed = gex.analyze(later.filter(~gone)).exposures.gamma.net
    parts = change["gamma"].parts
    assert parts["expiry_roll"] == pytest.approx(-each.values[gone].sum(), rel=1e-9)
    assert parts["time"] == pytest.approx(stayed - each.values[~gone].sum(), rel=1e-9)


def test_moneyness_is_frozen_at_each_spot(chain: gex.Chain) -> None:
    before, after = altered(chain), altered(chain, spot=5040.0)
    change = gex.explain_change(before, after, "moneyness")
    moved = [name for name, status in change.factors.items() if status == "changed"]
    assert moved == ["spot", "sign_rule"]
    ends = [gex.analyze(c, "moneyness").exposures.gamma.net for c in (before, after)]
    assert [change["gamma"].before, change["gamma"].after] == pytest.approx(ends, rel=1e-12)
