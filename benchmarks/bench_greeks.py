"""Greeks of many contracts, beside the same formulas in NumPy in the same run."""

from __future__ import annotations

from collections.abc import Callable
from math import erf, sqrt
from typing import Any

import numpy as np
import pytest
from gexcore import bsm

ROWS = 200_000
NINE = ("price", "delta", "gamma", "vega", "theta", "rho", "vanna", "charm", "vomma")


@pytest.fixture(scope="module")
def columns() -> tuple[Any, ...]:
    rng = np.random.default_rng(1)
    strike = 5000 * np.exp(rng.normal(0, 0.1, ROWS))
    years, vol = rng.uniform(0.005, 2, ROWS), rng.uniform(0.1, 0.6, ROWS)
    return 5000.0, strike, years, vol, 0.04, 0.013, rng.random(ROWS) < 0.5


def textbook(columns: tuple[Any, ...]) -> dict[str, Any]:
    """Delta and gamma as a script writes them; N by the library's erf, element by element."""
    spot, strike, t, s, r, y, is_call = columns
    width = s * np.sqrt(t)
    d1 = (np.log(spot / strike) + (r - y + s * s / 2) * t) / width
    normal = np.frompyfunc(lambda x: 0.5 * (1 + erf(x / sqrt(2))), 1, 1)(d1).astype(float)
    density = np.exp(-0.5 * d1 * d1) / sqrt(2 * np.pi)
    discount = np.exp(-y * t)
    return {
        "delta": discount * (normal - np.where(is_call, 0, 1)),
        "gamma": discount * density / (spot * width),
    }


def test_nine_greeks(benchmark: Callable[..., Any], columns: tuple[Any, ...]) -> None:
    result = bsm.greeks(*columns, which=NINE)
    for name, expected in textbook(columns).items():
        np.testing.assert_allclose(result[name], expected, rtol=1e-9, atol=1e-14)
    benchmark(bsm.greeks, *columns, which=NINE, out=result)
    if benchmark.stats:
        benchmark.extra_info["ns_per_contract"] = benchmark.stats["min"] / ROWS * 1e9


def test_gamma_alone(benchmark: Callable[..., Any], columns: tuple[Any, ...]) -> None:
    result = bsm.greeks(*columns, which=("gamma",))
    np.testing.assert_allclose(result.gamma, textbook(columns)["gamma"], rtol=1e-9, atol=1e-14)
    benchmark(bsm.greeks, *columns, which=("gamma",), out=result)


def test_gamma_in_numpy(benchmark: Callable[..., Any], columns: tuple[Any, ...]) -> None:
    """The yardstick for the ratio: gamma alone in vectorised NumPy."""
    spot, strike, t, s, r, y, _ = columns

    def gamma() -> Any:
        width = s * np.sqrt(t)
        d1 = (np.log(spot / strike) + (r - y + s * s / 2) * t) / width
        return np.exp(-y * t - 0.5 * d1 * d1) / (sqrt(2 * np.pi) * spot * width)

    np.testing.assert_allclose(gamma(), bsm.greeks(*columns, which="gamma").gamma, rtol=1e-9)
    benchmark(gamma)
