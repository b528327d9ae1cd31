"""Exposures: worked examples, sums by key against pandas, and what sums must obey."""

from __future__ import annotations

import dataclasses
from typing import Any

import gexcore as gex
import numpy as np
import pandas as pd
import pytest
from gexcore.errors import ConventionError, InputError, MismatchError
from hypothesis import given, settings
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**32 - 1)


def random_chain(seed: int, rows: int = 700) -> gex.Chain:
    """More rows than one block of the core's sums, some of them unusable."""
    rng = np.random.default_rng(seed)
    return gex.Chain.from_arrays(
        spot=100.0,
        strike=rng.integers(80, 120, rows),
        is_call=rng.random(rows) < 0.5,
        implied_vol=rng.uniform(0.1, 0.5, rows) * (rng.random(rows) > 0.1),
        open_interest=rng.integers(0, 6, rows) * 100,
        expiry=np.datetime64("2024-03-11") + rng.integers(0, 60, rows),  # the first has passed
        root=rng.choice(["SPX", "SPXW", "XSP"], rows),
        multiplier=rng.choice([10.0, 100.0], rows),
        as_of="2024-03-12T12:00-04:00",
        rate=0.05,
        columns={
            "sector": rng.choice(["tech", "oil", "food"], rows),
            "lot": rng.integers(0, 9, rows),
        },
    )


def exposures_of(chain: gex.Chain, contracts: Any = None) -> gex.Exposures:
    if contracts is None:
        positions = gex.assign_positions(chain)
    else:
        positions = gex.assign_positions(chain, "contracts", contracts=contracts)
    return gex.compute_exposures(chain, gex.compute_greeks(chain), positions)


def put(spot: float = 3000.0, days: float = 30, vol: float = 0.2) -> gex.Exposures:
    """Dealers long one 2900 put, no rates."""
    chain = gex.Chain.from_arrays(
        spot=spot,
        strike=[2900.0],
        is_call=[False],
        implied_vol=[vol],
        open_interest=[1],
        time_to_expiry=[days / 365],
    )
    return exposures_of(chain, [1.0])


def test_one_put_in_every_unit() -> None:
    long = put()
    assert long.gamma.in_unit("usd_per_point").net == pytest.approx(574.136, abs=5e-4)
    assert long.gamma.net == pytest.approx(17224.08, abs=5e-3)
    assert long.greeks.vanna[0] == pytest.approx(-0.926016, abs=5e-7)
    # the position loses delta when vol rises, so its dealer buys
    assert long.vanna.net == pytest.approx(-2778.05, abs=5e-3)
    assert long.vanna.in_unit("squeezemetrics").net == pytest.approx(185.203, abs=5e-4)
    assert long.delta.in_unit("shares").net == pytest.approx(-26.7654, abs=5e-5)


def test_reprice_of_delta_dollars_is_not_gamma() -> None:
    change = put(spot=2999.0, days=29).delta.net - put().delta.net
    assert change == pytest.approx(392.815, abs=5e-4)


@pytest.mark.parametrize(
    ("spot", "days", "vol", "delta"),
    [
        (3000, 30, 0.20, -0.267654),
        (2950, 29, 0.20, -0.370165),
        (3000, 29, 0.25, -0.302814),
        (2800, 30, 0.20, -0.720167),
    ],
)
def test_delta_dollars_of_one_put(spot: float, days: float, vol: float, delta: float) -> None:
    assert put(spot, days, vol).delta.net == pytest.approx(100 * delta * spot, abs=1e-4 * spot)


def test_finite_differences_of_dollar_gamma() -> None:
    # what speed, zomma and color exposures claim, from re-priced dollar gamma
    base, step = put(), 1e-5
    up, down = put(spot=3000 * (1 + step)), put(spot=3000 * (1 - step))
    slope = (up.gamma.net - down.gamma.net) / (2 * step) / 100
    assert base.speed.net == pytest.approx(slope, rel=1e-6)
    up, down = put(vol=0.2 + step), put(vol=0.2 - step)
    slope = (up.gamma.net - down.gamma.net) / (2 * step) / 100
    assert base.zomma.net == pytest.approx(slope, rel=1e-6)
    up, down = put(days=30 - 1e-3), put(days=30 + 1e-3)
    assert base.color.net == pytest.approx((up.gamma.net - down.gamma.net) / 2e-3, rel=1e-6)
    assert base.charm.net == pytest.approx((up.delta.net - down.delta.net) / 2e-3, rel=1e-6)


def test_unused_rows_add_nothing() -> None:
    chain = random_chain(1)
    gamma = exposures_of(chain).gamma
    usable = (chain.time_to_expiry > 0) & (chain.implied_vol > 0) & (chain.open_interest > 0)
    assert 0 < usable.sum() < len(chain)
    assert (gamma.used == usable).all()
    assert (gamma.values[~usable] == 0).all()
    assert (gamma.values[usable] != 0).all()
    assert gamma.net == pytest.approx(gamma.values.sum(), rel=1e-13)
    assert gamma.gross == pytest.approx(np.abs(gamma.values).sum(), rel=1e-13)
    # naive: the sign of a row is that of its type
    assert (np.sign(gamma.values[usable]) == np.where(chain.is_call, 1, -1)[usable]).all()


KEYS = [
    ("strike",),
    ("expiry",),
    ("option_type",),
    ("root",),
    ("sector",),
    ("lot",),
    ("multiplier",),
    ("expiry", "strike"),
    ("root", "option_type"),
    ("sector", "expiry", "option_type"),
    ("strike", "lot", "sector", "root"),  # more combinations than rows
]


@pytest.mark.parametrize("names", KEYS)
@pytest.mark.parametrize("greek", ["gamma", "delta"])
def test_sums_by_key_are_those_of_pandas(names: tuple[str, ...], greek: str) -> None:
    chain = random_chain(2)
    exposure = getattr(exposures_of(chain), greek)
    by = exposure.by(*names)
    table = pd.DataFrame({name: chain[name] for name in names})
    table = table.assign(value=exposure.values, gross=np.abs(exposure.values))
    expected = table[exposure.used].groupby(list(names), sort=True).sum().reset_index()
    found = by.to_frame()
    assert list(found.columns) == [*names, "value", "gross"]
    assert len(by) == len(expected)
    for name in names:
        assert found[name].tolist() == expected[name].tolist()
    for column in ("value", "gross"):
        limit = 1e-13 * exposure.gross
        np.testing.assert_allclose(found[column], expected[column], rtol=1e-12, atol=limit)


def test_keys_of_one_and_of_several() -> None:
    gamma = exposures_of(random_chain(3)).gamma
    one, two = gamma.by("option_type"), gamma.by("root", "option_type")
    assert one.keys.tolist() == ["C", "P"]
    assert one.names == ("option_type",)
    assert [part.tolist() for part in two.keys] == [
        ["SPX", "SPX", "SPXW", "SPXW", "XSP", "XSP"],
        ["C", "P"] * 3,
    ]
    data = two.to_dict()
    assert list(data) == ["unit", "root", "option_type", "value", "gross"]
    assert data["unit"] == "$ per 1% move"
    assert gamma.by("expiry").to_dict()["expiry"][0] == "2024-03-12"  # dates as ISO text


def test_unknown_keys_are_refused() -> None:
    gamma = exposures_of(random_chain(3)).gamma
    with pytest.raises(InputError, match=r"no column 'sectro'.*sector"):
        gamma.by("sectro")
    with pytest.raises(ConventionError, match="no key was named"):
        gamma.by()
    bare = gex.Chain.from_arrays(
        spot=1.0, strike=[1.0], is_call=True, implied_vol=0.2, open_interest=1.0, time_to_expiry=1.0
    )
    with pytest.raises(InputError, match="no column 'root'"):
        exposures_of(bare).gamma.by("root")


def test_parts_of_another_chain_are_refused() -> None:
    one, two = random_chain(4), random_chain(4)
    greeks, positions = gex.compute_greeks(one), gex.assign_positions(one)
    with pytest.raises(MismatchError, match="greeks belong to another chain"):
        gex.compute_exposures(two, greeks, gex.assign_positions(two))
    with pytest.raises(MismatchError, match="positions belong to another chain"):
        gex.compute_exposures(two, gex.compute_greeks(two), positions)
    with pytest.raises(MismatchError, match="positions belong to another chain"):
        gex.analyze(two, positions)


def test_results_cannot_be_changed() -> None:
    gamma = exposures_of(random_chain(5)).gamma
    with pytest.raises(ValueError, match="read-only"):
        gamma.values[0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        gamma.net = 0.0


def test_vendor_greeks_need_no_vol_and_no_time() -> None:
    chain = gex.Chain.from_arrays(
        spot=100.0,
        strike=[95.0, 100.0, 105.0],
        is_call=True,
        implied_vol=[0.0, 0.2, 0.2],
        open_interest=10.0,
        time_to_expiry=[0.1, -0.1, 0.1],
    )
    greeks = gex.ChainGreeks.from_columns(chain, "vendor", gamma=[0.01, 0.02, np.nan])
    exposures = gex.compute_exposures(chain, greeks, gex.assign_positions(chain))
    # 10 contracts x 100 x gamma x 100 $ per 1%
    assert exposures.gamma.values.tolist() == pytest.approx([1000.0, 2000.0, 0.0])
    assert exposures.coverage.dropped == {"no_greek": (1, pytest.approx(1 / 3))}
    assert exposures.manifest["greeks"] == "vendor"


def test_manifest_names_every_convention() -> None:
    manifest = exposures_of(random_chain(6)).manifest
    assert manifest["as_of"] == "2024-03-12T12:00:00-04:00"
    assert manifest["rates"]["rate"] == 0.05
    assert manifest["rates"]["note"] == "dividend_yield was not given: 0 is used"
    known = ("as_of_rule", "clock", "positions", "size", "scope", "dynamics", "version")
    assert [manifest[name] for name in known] == [
        "given", "settlement", "naive", "open_interest", "all", "sticky_strike", gex.__version__,
    ]  # fmt: skip
    assert manifest["definitions"]


# --- invariants --------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.floats(0.0, 1.0))
def test_additive_over_a_partition(seed: int, part: float) -> None:
    chain = random_chain(seed)
    mask = np.random.default_rng(seed + 1).random(len(chain)) < part
    whole = exposures_of(chain)
    halves = [exposures_of(chain.filter(keep)) for keep in (mask, ~mask)]
    for greek in whole.names:
        full, parts = getattr(whole, greek), [getattr(half, greek) for half in halves]
        assert sum(p.net for p in parts) == pytest.approx(full.net, abs=1e-13 * full.gross)
        assert sum(p.gross for p in parts) == pytest.approx(full.gross, rel=1e-13)


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_order_of_rows_does_not_matter(seed: int) -> None:
    chain = random_chain(seed)
    order = np.random.default_rng(seed).permutation(len(chain))
    shuffled = gex.Chain.from_frame(chain.to_frame().iloc[order], spot=100.0)
    one, two = exposures_of(chain), exposures_of(shuffled)
    for greek in one.names:
        left, right = getattr(one, greek), getattr(two, greek)
        assert right.net == pytest.approx(left.net, abs=1e-13 * left.gross)
        a, b = left.by("strike"), right.by("strike")
        np.testing.assert_array_equal(a.keys, b.keys)
        np.testing.assert_allclose(a.values, b.values, rtol=0, atol=1e-13 * left.gross)


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_linear_in_contracts(seed: int, scale: float, other: float) -> None:
    chain = random_chain(seed)
    rng = np.random.default_rng(seed + 2)
    x, y = rng.normal(0, 100, (2, len(chain)))
    left, right = exposures_of(chain, x).gamma, exposures_of(chain, y).gamma
    both = exposures_of(chain, scale * x + other * y).gamma
    limit = 1e-13 * (scale * left.gross + abs(other) * right.gross)
    assert both.net == pytest.approx(scale * left.net + other * right.net, abs=limit)
    assert exposures_of(chain, -x).gamma.net == -left.net


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_rows_without_open_interest_add_nothing(seed: int) -> None:
    chain = random_chain(seed)
    frame = chain.to_frame()
    more = frame.assign(open_interest=0.0, strike=frame["strike"] + 0.5)
    grown = gex.Chain.from_frame(pd.concat([frame, more]), spot=100.0)
    one, two = exposures_of(chain).gamma, exposures_of(grown).gamma
    assert two.net == pytest.approx(one.net, abs=1e-13 * one.gross)
    assert two.by("strike").keys.tolist() == one.by("strike").keys.tolist()


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.sampled_from(KEYS))
def test_sums_by_key_add_up_to_the_total(seed: int, names: tuple[str, ...]) -> None:
    exposure = exposures_of(random_chain(seed)).vanna
    by = exposure.by(*names)
    assert by.values.sum() == pytest.approx(exposure.net, abs=1e-13 * exposure.gross)
    assert by.gross.sum() == pytest.approx(exposure.gross, rel=1e-13)
    assert (np.abs(by.values) <= by.gross * (1 + 1e-12)).all()
