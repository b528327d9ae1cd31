"""Twelve greeks against the high-precision tables of tests/reference."""

from __future__ import annotations

import csv
import functools
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from gexcore import bsm

REFERENCE = Path(__file__).parent / "reference"
INPUTS = ("spot", "strike", "time_to_expiry", "implied_vol", "rate", "dividend_yield", "is_call")
GREEKS = (
    "price",
    "delta",
    "gamma",
    "vega",
    "theta",
    "rho",
    "vanna",
    "charm",
    "vomma",
    "speed",
    "zomma",
    "color",
)
EPS = np.finfo(float).eps

# Largest error on A (ordinary chain) and B (|d1| to 38, T from a minute) under `measure`.
LIMITS = {
    "price": (3e-13, 1.4e-10),
    "delta": (3e-13, 2e-12),
    "gamma": (3e-13, 2e-12),
    "vega": (3e-13, 2e-12),
    "theta": (1e-12, 5e-12),
    "rho": (3e-13, 2e-12),
    "vanna": (1e-12, 5e-12),
    "charm": (1e-12, 5e-12),
    "vomma": (1e-12, 5e-12),
    "speed": (1e-12, 5e-12),
    "zomma": (1e-12, 5e-12),
    "color": (1e-12, 5e-12),
}


@functools.cache
def table(name):
    """Columns of one table by header name, each value rounded once to float64."""
    with (REFERENCE / f"greeks_{name}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}
    columns["is_call"] = columns["is_call"] == 1
    return columns


@functools.cache
def computed(name):
    """All greeks of one table by the package, in one call."""
    columns = table(name)
    return bsm.greeks(*(columns[key] for key in INPUTS), which=GREEKS)


def reach(t):
    """x = s sqrt T, D = sum of the absolute terms of d1, d = max(|d1|, |d2|) <= D."""
    x = t["implied_vol"] * np.sqrt(t["time_to_expiry"])
    carry = (t["rate"] - t["dividend_yield"]) * t["time_to_expiry"]
    log = np.log(t["spot"] / t["strike"])
    D = (np.abs(log) + np.abs(carry) + x * x / 2) / x
    return x, D, np.abs(log + carry) / x + x / 2


def scale(greek, t):
    """Sum of the absolute terms whose difference the greek is; its own size where none cancel."""
    x, D, _ = reach(t)
    S, T, s, y = t["spot"], t["time_to_expiry"], t["implied_vol"], t["dividend_yield"]
    carry, density = np.abs(t["rate"] - y), t["gamma"] * S * x
    d1_by_time = (2 * carry * T + D * x) / (2 * T * x)
    delta, rho = np.abs(t["delta"]), np.abs(t["rho"])
    if greek == "theta":  # decay of the density + r K N(w d2) + y S N(w d1)
        return (
            S * density * s / (2 * np.sqrt(T)) + np.abs(t["rate"]) * rho / T + np.abs(y) * S * delta
        )
    if greek == "vanna":  # density d2 / s, where the terms of d2 cancel
        return density * D / s
    if greek == "charm":  # y N(w d1) against the drift of d1, whose terms cancel as well
        return np.abs(y) * delta + density * d1_by_time
    if greek == "vomma":  # vega d1 d2 / s
        return t["vega"] * D * D / s
    if greek == "speed":  # gamma / S (d1 / x + 1)
        return t["gamma"] / S * (D / x + 1)
    if greek == "zomma":  # gamma (d1 d2 - 1) / s
        return t["gamma"] * (D * D + 1) / s
    if greek == "color":  # gamma (y + d1 d(d1)/dT + 1/2T)
        return t["gamma"] * (np.abs(y) + D * d1_by_time + 1 / (2 * T))
    return np.abs(t[greek])  # price, delta, gamma, vega, rho: plain relative error


def measure(greek, name):
    """What an error is divided by."""
    t = table(name)
    size = np.abs(t[greek])
    if (
        name == "edge"
    ):  # error against the terms: the rows sit on roots and cancellations on purpose
        return np.maximum(size, scale(greek, t))
    if name == "A" and greek in ("vanna", "charm"):  # the published target: floor 1e-3 gamma
        return np.maximum(size, 1e-3 * t["gamma"])
    return np.maximum(size, 1e-3 * scale(greek, t))  # elsewhere a thousandth of the terms


def limits(greek, name):
    """Allowed error per row."""
    t = table(name)
    if name != "edge":
        return np.full(t[greek].shape, LIMITS[greek][name == "B"])
    # 16 roundings: one in a term of d1 moves a density or tail by D (1 + d) eps, one in a discount
    # factor by |r| T eps. A price has no allowance for the difference of its two tails.
    _, D, d = reach(t)
    rates = np.abs(t["rate"]) + np.abs(t["dividend_yield"])
    condition = 1 + D * (1 + d) + rates * t["time_to_expiry"]
    return np.minimum(16 * EPS * condition, 1e-9)


@pytest.mark.parametrize("name", ["A", "B", "edge"])
@pytest.mark.parametrize("greek", GREEKS)
def test_error_is_below_the_limit(greek, name):
    t, got = table(name), np.asarray(computed(name)[greek])
    want, size, allowed = t[greek], measure(greek, name), limits(greek, name)
    tiny = np.abs(want) < 1e-280  # near underflow only the smallness is promised
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        error = np.where(tiny, np.abs(got) / 1e-279 * allowed, np.abs(got - want) / size)
    share = np.where(np.isnan(error), np.inf, error) / allowed
    worst = int(np.argmax(share))
    inputs = {key: t[key][worst].item() for key in INPUTS}
    assert share[worst] < 1, (
        f"{greek} on {name}: error {error[worst]:.3g}, allowed {allowed[worst]:.3g}, "
        f"{np.count_nonzero(share >= 1)} rows fail; worst row {worst}: {inputs}, "
        f"got {got[worst]!r}, want {want[worst]!r}"
    )


@pytest.mark.parametrize("name", ["A", "B", "edge"])
def test_table_is_what_the_script_writes(name):
    path = REFERENCE / "make_greeks.py"
    spec = importlib.util.spec_from_file_location("make_greeks", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    made = script.tables()[name]
    with (REFERENCE / f"greeks_{name}.csv").open(newline="") as file:
        header, *written = csv.reader(file)
    assert tuple(header) == INPUTS + GREEKS
    assert len(written) == len(made)
    assert [row[6] for row in written].count("1") > len(made) / 3
    assert [row[6] for row in written].count("0") > len(made) / 3
    for i in range(0, len(made), 23):
        assert written[i] == script.line(made[i]), f"row {i}"
