"""W4: implied vols. Results are arrays of vols."""

from __future__ import annotations

from math import erfc, exp, log, sqrt
from typing import Any

import books
import numpy as np

from rivals import Run, rival
from rivals.greeks import full, letters


@rival("W4", "gexcore")
def with_gexcore(p: books.Priced) -> Run:
    from gexcore import bsm

    return lambda: bsm.implied_vol(*p.arguments())


@rival("W4", "numba Halley", remark="on ln(price) out of the money, bracketed")
def with_numba(p: books.Priced) -> Run:
    import numba

    @numba.njit(error_model="numpy")
    def solve(price, spot, strike, time, rate, carry_yield, is_call, out):  # type: ignore[no-untyped-def]
        for i in range(price.size):
            near = spot[i] * exp(-carry_yield[i] * time[i])
            far = strike[i] * exp(-rate[i] * time[i])
            out_price = price[i] - max((near - far) if is_call[i] else (far - near), 0.0)
            low, high = min(near, far), max(near, far)
            k, goal = log(high / low), log(out_price / low)
            a, b = 0.0, 40.0
            width = max(sqrt(2 * k), 1e-3)
            for _ in range(100):
                x1, x2 = k / width - 0.5 * width, k / width + 0.5 * width
                value = 0.5 * erfc(x1 / 1.4142135623730951) - exp(k) * 0.5 * erfc(
                    x2 / 1.4142135623730951
                )
                if value <= 0.0:
                    a = width
                    width = 0.5 * (a + b) if b < 40.0 else 2 * width
                    continue
                error = log(value) - goal
                if error > 0.0:
                    b = width
                else:
                    a = width
                slope = 0.3989422804014327 * exp(-0.5 * x1 * x1) / value
                step = error / slope
                step /= max(1.0 - 0.5 * step * (x1 * x2 / width - slope), 0.2)
                following = width - step
                if not (a < following < b):
                    following = 0.5 * (a + b) if b < 40.0 else 2 * width
                    step = width
                width = following
                if abs(step) <= 1e-6 * width:  # cubic: the next one is below rounding
                    break
            out[i] = width / sqrt(time[i])
        return out

    columns = full(p.book)
    del columns[3]
    out = np.empty(len(p.price))
    return lambda: solve(p.price, *columns, out)


@rival("W4", "fast-vollib Jaeckel")
def with_jaeckel(p: books.Priced) -> Run:
    from fast_vollib.jackel import numpy_backend

    flag, (spot, strike, t, _, r, y, _) = letters(p.book), full(p.book)
    arguments = ("black_scholes_merton", p.price, spot, strike, t, r, flag, y)
    return lambda: numpy_backend.implied_volatility(*arguments, on_error="ignore")


@rival("W4", "fast-vollib default", rows=200_000, remark="numba backend")
def with_fast_vollib(p: books.Priced) -> Run:
    import fast_vollib

    flag, (spot, strike, t, _, r, y, _) = letters(p.book), full(p.book)
    options: dict[str, Any] = {"model": "black_scholes_merton", "return_as": "numpy"}
    options |= {"on_error": "ignore", "backend": "numba"}
    return lambda: fast_vollib.fast_implied_volatility(
        p.price, spot, strike, t, r, flag, y, **options
    )


@rival("W4", "pyvolr")
def with_pyvolr(p: books.Priced) -> Run:
    from pyvolr import bs

    spot, strike, t, _, r, y, is_call = p.book
    flag = np.where(is_call, 1, -1).astype(np.int8)
    return lambda: bs.implied_vol(p.price, flag, spot, strike, t, r, y, on_error="ignore")


@rival("W4", "py_vollib_vectorized", rows=100_000)
def with_py_vollib(p: books.Priced) -> Run:
    import py_vollib_vectorized

    flag, (spot, strike, t, _, r, y, _) = letters(p.book), full(p.book)
    options = {"model": "black_scholes_merton", "return_as": "numpy", "on_error": "ignore"}
    return lambda: py_vollib_vectorized.vectorized_implied_volatility(
        p.price, spot, strike, t, r, flag, y, **options
    )


@rival("W4", "QuantLib", rows=5_000, remark="blackFormulaImpliedStdDev")
def with_quantlib(p: books.Priced) -> Run:
    import QuantLib as ql

    columns = [p.price, *full(p.book)]
    rows = list(zip(*(x.tolist() for x in columns), strict=True))

    def one(price, spot, strike, t, _, r, y, is_call):  # type: ignore[no-untyped-def]
        kind = ql.Option.Call if is_call else ql.Option.Put
        forward, discount = spot * exp((r - y) * t), exp(-r * t)
        try:
            width = ql.blackFormulaImpliedStdDev(kind, strike, forward, price, discount)
        except RuntimeError:
            return float("nan")
        return width / sqrt(t)

    return lambda: np.array([one(*row) for row in rows])
