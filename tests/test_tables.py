"""Greeks against published tables: Haug's book, py_vollib, worked examples."""

from __future__ import annotations

import csv
from statistics import NormalDist

import numpy as np
import pytest
from gexcore import bsm


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def column(rows, name):
    return np.array([float(row[name]) for row in rows])


def haug_inputs(rows):
    """Arguments of bsm.greeks in its order, from QuantLib's column names."""
    names = ("spot", "strike", "t_years", "vol", "r", "q")
    is_call = np.array([row["type"] == "call" for row in rows])
    return [column(rows, name) for name in names] + [is_call]


def assert_printed(got, want, tolerance, rows):
    """Every row within its tolerance; the message shows the worst one."""
    excess = np.abs(got - want) / tolerance
    worst = int(np.argmax(np.where(np.isnan(excess), np.inf, excess)))
    assert excess[worst] <= 1, f"got {got[worst]}, printed {want[worst]}, row {rows[worst]}"


def test_haug_prices(test_data):
    rows = read(test_data / "reference" / "ql_european_haug_values.csv")
    assert len(rows) == 43
    got = bsm.greeks(*haug_inputs(rows), which=("price",))["price"]
    assert_printed(got, column(rows, "value"), column(rows, "tol"), rows)


# Haug's name of a greek -> the same number from ours
HAUG = {
    "delta": lambda g, S, T: g["delta"],
    "elasticity": lambda g, S, T: g["delta"] * S / g["price"],
    "gamma": lambda g, S, T: g["gamma"],
    "vega": lambda g, S, T: g["vega"],
    "theta": lambda g, S, T: g["theta"],
    "theta_per_day_365": lambda g, S, T: g["theta"] / 365,
    "rho": lambda g, S, T: g["rho"],
    "dividend_rho": lambda g, S, T: -T * S * g["delta"],
}


def test_haug_greeks(test_data):
    rows = read(test_data / "reference" / "ql_european_haug_greeks.csv")
    assert len(rows) == 11
    assert {row["greek"] for row in rows} == set(HAUG)
    inputs = haug_inputs(rows)
    which = ("price", "delta", "gamma", "vega", "theta", "rho")
    g = bsm.greeks(*inputs, which=which)
    own = [HAUG[row["greek"]](g, inputs[0], inputs[2])[i] for i, row in enumerate(rows)]
    assert_printed(np.array(own), column(rows, "value"), 1e-4, rows)


VOLLIB = {"delta": "D", "gamma": "G", "theta": "T", "vega": "V", "rho": "R"}


def vollib(test_data, is_call):
    """The rows (strike 1000, rate 5%, no yield) and our greeks for one option type."""
    rows = read(test_data / "reference" / "py_vollib_bs_greeks.csv")
    assert len(rows) == 101
    S, K, r, T, s = (column(rows, name) for name in ("S", "K", "R", "t", "v"))
    which = ("price", *VOLLIB)
    return rows, bsm.greeks(S, K, T, s, r, 0.0, is_call, which=which)


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("greek", VOLLIB)
def test_py_vollib_greeks(test_data, greek, is_call):
    rows, g = vollib(test_data, is_call)
    assert_printed(g[greek], column(rows, ("C" if is_call else "P") + VOLLIB[greek]), 5e-7, rows)


@pytest.mark.parametrize("is_call", [True, False])
def test_py_vollib_prices(test_data, is_call):
    rows, g = vollib(test_data, is_call)
    assert_printed(g["price"], column(rows, "bs_call" if is_call else "bs_put"), 5e-7, rows)


def test_py_vollib_call_prices_with_ten_decimals(test_data):
    """The last column repeats the call price with one digit more."""
    rows, g = vollib(test_data, True)
    assert_printed(g["price"], column(rows, "call_vals"), 5.1e-11, rows)


BOTH = {"gamma": 0.0461601, "vanna": 0.9027612, "speed": 0.00347024, "zomma": -0.1077450}
BOTH["color"] = 0.1525282
CALL_105 = {"delta": 0.2705443, "charm": -1.5087242, **BOTH}
PUT_105 = {"delta": -0.7286341, "charm": -1.5187160, **BOTH}
MONTH, DAYS_29, WEEK = 30 / 365, 29 / 365, 7 / 365
# inputs, greek -> value; recomputed to 40 digits, printed to the digits shown
WORKED = {
    "call 105": ((100, 105, MONTH, 0.25, 0.04, 0.01, True), CALL_105),
    "put 105": ((100, 105, MONTH, 0.25, 0.04, 0.01, False), PUT_105),
    "call at 97.65": ((97.65, 100, MONTH, 0.12, 0, 0, True), {"delta": 0.250144823}),
    "put 2900": ((3000, 2900, MONTH, 0.2, 0, 0, False), {"delta": -0.267654}),
    "put 2900, spot 2950": ((2950, 2900, DAYS_29, 0.2, 0, 0, False), {"delta": -0.370165}),
    "put 2900, vol 25%": ((3000, 2900, DAYS_29, 0.25, 0, 0, False), {"delta": -0.302814}),
    "put 2900, spot 2800": ((2800, 2900, MONTH, 0.2, 0, 0, False), {"delta": -0.720167}),
    "at the money, a week": ((590, 590, WEEK, 0.18, 0.05, 0, True), {"gamma": 0.0270907}),
}
DECIMALS = {"call at 97.65": 9, "speed": 8}


@pytest.mark.parametrize("case", WORKED)
def test_worked_examples(case):
    inputs, expected = WORKED[case]
    (*numbers, is_call) = inputs
    g = bsm.greeks(*map(float, numbers), is_call, which=tuple(expected))
    for greek, value in expected.items():
        digits = (
            DECIMALS.get(case) or DECIMALS.get(greek) or (6 if case.startswith("put 2900") else 7)
        )
        assert abs(g[greek] - value) <= 0.5001 * 10**-digits, (case, greek, g[greek], value)


def test_worked_example_of_d1():
    """Without a yield the call delta is N(d1)."""
    delta = bsm.greeks(590.0, 590.0, WEEK, 0.18, 0.05, 0.0, True, which=("delta",))["delta"]
    assert abs(NormalDist().inv_cdf(delta) - 0.0509317) <= 0.5001e-7
