"""Gamma summed by key in one pass: the bits of the long way, and exact sums of exact gammas."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore import _core, bsm, cpu
from gexcore.errors import InputError
from mpmath import mp

KEYS = 37


@contextmanager
def variant(name: str) -> Iterator[None]:
    before = cpu.active()
    cpu.use(name)
    try:
        yield
    finally:
        cpu.use(before)


def columns(rows: int, seed: int = 0) -> tuple[list[Any], Any, Any]:
    """Six columns of contracts, good and bad, a weight per row, sometimes 0, and a key."""
    rng = np.random.default_rng(seed)
    strike = 100 * np.exp(rng.normal(0, 0.4, rows))
    years = np.exp(rng.uniform(-12, 1, rows))
    vol = np.exp(rng.uniform(-4, 1, rows))
    spot, rate, carry = (
        rng.uniform(90, 110, rows),
        rng.normal(0, 0.1, rows),
        rng.normal(0, 0.1, rows),
    )
    found = [spot, strike, years, vol, rate, carry]
    bad = np.array([np.nan, np.inf, -1.0, 0.0, 1e300, 1e-300])
    for column in found:
        column[rng.random(rows) < 0.02] = rng.choice(bad)
    weight = rng.integers(-3, 4, rows) * 100.0
    return found, weight, rng.integers(0, KEYS, rows, dtype=np.int32)


def long_way(contracts: Any, weight: Any, keys: Any, scale: float = 1.0) -> Any:
    """A column of gammas, a product per row, sums of the column."""
    gamma = bsm.greeks(*contracts, which=("gamma", "price")).gamma
    values = np.where(weight == 0, 0.0, weight * (gamma * scale))
    by_key = [_core.sum_by(v, keys, KEYS) for v in (values, np.abs(values))]
    return [*by_key, _core.sum(values), _core.sum_abs(values)]


def one_pass(contracts: Any, weight: Any, keys: Any, scale: float = 1.0, **options: Any) -> Any:
    sums = bsm.gamma_sums(*contracts, weight, keys, KEYS, scale=scale, **options)
    return [sums.net, sums.gross, sums.total_net, sums.total_gross]


def same(left: Any, right: Any) -> bool:
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize("isa", cpu.available())
@pytest.mark.parametrize("rows", [*range(1, 50), 504, 511, 512, 513, 1033, 40_000])
def test_bits_of_the_long_way(rows: int, isa: str) -> None:
    contracts, weight, keys = columns(rows, seed=rows)
    good = np.isfinite(bsm.greeks(*contracts, which="gamma").gamma)
    kept = np.where(good, weight, 0.0)
    with variant(isa):
        for w in (weight, kept):
            assert same(one_pass(contracts, w, keys, 0.7), long_way(contracts, w, keys, 0.7))
        numbers = [100.0, contracts[1], contracts[2], 0.3, 0.04, 0.01]
        assert same(one_pass(numbers, kept, keys), long_way(numbers, kept, keys))


def test_bits_do_not_depend_on_variant_or_threads() -> None:
    contracts, weight, keys = columns(100_003, seed=1)
    weight[~np.isfinite(bsm.greeks(*contracts, which="gamma").gamma)] = 0.0
    want = one_pass(contracts, weight, keys)
    assert all(np.isfinite(part).all() for part in want)
    for name in {"x86_v3", "x86_v4"} & {*cpu.available()} if cpu.active() != "baseline" else ():
        with variant(name):
            assert same(one_pass(contracts, weight, keys), want)
    for threads in (2, 3):
        assert same(one_pass(contracts, weight, keys, threads=threads), want)


def test_exposures_of_real_chains_have_these_bits(test_data: Path) -> None:
    paths = sorted((test_data / "data").glob("cboe_*"))
    assert len(paths) > 5
    for path in paths:
        chain = gex.read_cboe(path)
        gamma = gex.analyze(chain).exposures.gamma
        weight = np.where(gamma.used, gex.assign_positions(chain).weight, 0.0)
        contracts = (
            chain.spot, chain.strike, chain.time_to_expiry, chain.implied_vol, chain.rate,
            chain.dividend_yield, weight,
        )  # fmt: skip
        for key in ("strike", "expiry"):
            codes, values = chain.codes(key)
            for unit, scale in (("usd_per_1pct", chain.spot**2 / 100), ("shares_per_point", 1.0)):
                sums = bsm.gamma_sums(*contracts, codes, len(values), scale=scale)
                exposure = gamma.in_unit(unit)
                by = exposure.by(key)
                held = np.isin(values, by.keys)
                assert np.array_equal(sums.net[held], by.values)
                assert np.array_equal(sums.gross[held], by.gross)
                assert not sums.gross[~held].any()
                assert (sums.total_net, sums.total_gross) == (exposure.net, exposure.gross)


def exact_gamma(spot: float, strike: float, years: float, vol: float, rate: float, carry: float):
    s, k, t, v, r, y = (mp.mpf(x) for x in (spot, strike, years, vol, rate, carry))
    width = v * mp.sqrt(t)
    d1 = (mp.log(s / k) + (r - y) * t) / width + width / 2
    return mp.exp(-y * t - d1 * d1 / 2) / mp.sqrt(2 * mp.pi) / (s * width)


def test_against_exact_sums() -> None:
    rng = np.random.default_rng(5)
    rows = 300
    strike, years = rng.uniform(60, 160, rows), rng.uniform(0.01, 2, rows)
    vol, rate = rng.uniform(0.1, 0.6, rows), rng.uniform(0, 0.06, rows)
    weight, keys = rng.normal(0, 100, rows), rng.integers(0, KEYS, rows, dtype=np.int32)
    sums = bsm.gamma_sums(100.0, strike, years, vol, rate, 0.01, weight, keys, KEYS)
    with mp.workdps(40):
        exact = [
            mp.mpf(w) * exact_gamma(100.0, *row, 0.01)
            for w, *row in zip(weight, strike, years, vol, rate, strict=True)
        ]
        for key in range(KEYS):
            mine = [v for v, k in zip(exact, keys, strict=True) if k == key]
            net, gross = mp.fsum(mine), mp.fsum(abs(v) for v in mine)
            assert abs(sums.net[key] - net) <= 3e-13 * gross
            assert abs(sums.gross[key] - gross) <= 3e-13 * gross
        assert abs(sums.total_net - mp.fsum(exact)) <= 3e-13 * sums.total_gross


@pytest.mark.parametrize("isa", cpu.available())
def test_gamma_where_the_logarithm_changes_its_exponent(isa: str) -> None:
    # spot / strike around 1.5 * 2^k and 0.75 * 2^k, where mantissas differ by one half
    power = np.ldexp(1.0, np.arange(-3, 4))
    seams = np.concatenate([100.0 / (power * 1.5), 100.0 / (power * 0.75), 100.0 / power])
    strike = np.concatenate([seams * (1 + n * 2e-16) for n in range(-3, 4)])
    with variant(isa):
        gamma = bsm.greeks(100.0, strike, 0.5, 0.7, 0.03, 0.01, which="gamma").gamma
    with mp.workdps(40):
        exact = [exact_gamma(100.0, k, 0.5, 0.7, 0.03, 0.01) for k in strike]
        worst = max(abs(g / e - 1) for g, e in zip(gamma, exact, strict=True))
    assert worst < 2e-14


def test_what_counts_for_nothing_and_what_does_not() -> None:
    nothing = np.array([0.0, 0.0, -0.0, 5.0])
    strike = np.array([np.nan, -1.0, 95.0, 105.0])
    keys = np.array([0, 1, 2, 3], dtype=np.int32)
    sums = bsm.gamma_sums(100.0, strike, 0.1, 0.2, 0.0, 0.0, nothing, keys, 5)
    assert sums.net[[0, 1, 2, 4]].tolist() == sums.gross[[0, 1, 2, 4]].tolist() == [0.0] * 4
    assert sums.net[3] == sums.total_net == sums.total_gross > 0
    weighted = bsm.gamma_sums(100.0, strike, 0.1, 0.2, 0.0, 0.0, np.ones(4), keys, 5)
    assert np.isnan(weighted.net).tolist() == [True, True, False, False, False]
    assert math.isnan(weighted.total_net)
    assert math.isnan(weighted.total_gross)
    empty = bsm.gamma_sums(100.0, [], 0.1, 0.2, 0.0, 0.0, [], np.array([], np.int32), 2)
    assert empty.to_dict() == {
        "net": [0.0, 0.0], "gross": [0.0, 0.0], "total_net": 0.0, "total_gross": 0.0,
    }  # fmt: skip
    assert str(empty) == "2 keys, net 0, gross 0"


def test_refusals() -> None:
    keys = np.array([0, 1], dtype=np.int32)
    good: dict[str, Any] = {
        "spot": 100.0, "strike": [95.0, 105.0], "time_to_expiry": 0.1, "implied_vol": 0.2,
        "rate": 0.0, "dividend_yield": 0.0, "weight": [1.0, 2.0], "codes": keys, "count": 2,
    }  # fmt: skip
    assert bsm.gamma_sums(**good).total_net > 0
    for change, message in (
        ({"codes": keys.astype(np.int64)}, "codes: are int64, not an int32 array"),
        ({"codes": [0, 1]}, "codes: are list, not an int32 array"),
        ({"codes": keys[:1]}, "codes: one int32 code per value"),
        ({"codes": np.array([[0, 1]], np.int32)}, "codes: one int32 code per value"),
        ({"codes": np.array([0, 2], np.int32)}, "key: row 1 has 2, outside 0..2"),
        ({"codes": np.array([-1, 0], np.int32)}, "key: row 0 has -1, outside 0..2"),
        ({"count": 0}, "key: row 0 has 0, outside 0..0"),
        ({"count": -1}, "count: must not be negative"),
        ({"weight": 1.0}, "weight: is a single number"),
        ({"weight": [1.0]}, "strike: 2 rows, but weight has 1"),
        ({"strike": ["a", "b"]}, "strike: is <U1, not numbers"),
        ({"threads": 0}, "threads"),
    ):
        with pytest.raises(InputError, match=message.replace(".", r"\.")):
            bsm.gamma_sums(**good | change)


def test_a_bad_key_far_down_is_named() -> None:
    contracts, weight, keys = columns(70_000)
    keys[69_001] = KEYS
    with pytest.raises(InputError, match=f"key: row 69001 has {KEYS}, outside"):
        bsm.gamma_sums(*contracts, weight, keys, KEYS)
    with pytest.raises(InputError, match=f"key: row 69001 has {KEYS}, outside"):
        _core.sum_by(weight, keys, KEYS)
