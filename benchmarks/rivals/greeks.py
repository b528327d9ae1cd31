"""W1 and W5: nine greeks. Results are dicts, or rows in the order of books.NINE."""

from __future__ import annotations

from math import erfc, exp, log, sqrt
from typing import Any

import books
import numpy as np

from rivals import Run, rival


def full(b: books.Book) -> list[Any]:
    """All seven columns written out."""
    rows = max(np.size(x) for x in b)
    return [np.ascontiguousarray(np.broadcast_to(x, rows)) for x in b]


def letters(b: books.Book) -> Any:
    """Flags as the vollib family wants them."""
    return np.where(full(b)[6], "c", "p")


@rival("W1", "gexcore")
def with_gexcore(b: books.Book) -> Run:
    from gexcore import bsm

    arguments = tuple(b)  # a named tuple takes 80 ns to unpack
    result = bsm.greeks(*arguments, which=books.NINE)
    return lambda: bsm.greeks(*arguments, which=books.NINE, out=result)


@rival("W1", "NumPy + SciPy")
def with_numpy(b: books.Book) -> Run:
    books.fast_cdf(0.0)
    return lambda: books.numpy_greeks(b, books.fast_cdf)


def numba_loop(numba: Any) -> Any:
    """One row after the other, every common factor once."""

    @numba.njit(fastmath=True, error_model="numpy")
    def loop(spot, strike, time, vol, rate, carry_yield, is_call, out):  # type: ignore[no-untyped-def]
        for i in range(spot.size):
            t, s, r, y = time[i], vol[i], rate[i], carry_yield[i]
            root = sqrt(t)
            width = s * root
            d1 = (log(spot[i] / strike[i]) + (r - y + 0.5 * s * s) * t) / width
            d2 = d1 - width
            sign = 1.0 if is_call[i] else -1.0
            discount = exp(-y * t)
            spot_part = sign * discount * 0.5 * erfc(-sign * d1 * 0.7071067811865476)
            value = sign * strike[i] * exp(-r * t) * 0.5 * erfc(-sign * d2 * 0.7071067811865476)
            core = discount * exp(-0.5 * d1 * d1) * 0.3989422804014327
            vega = spot[i] * core * root
            out[0, i] = spot[i] * spot_part - value
            out[1, i] = spot_part
            out[2, i] = core / (spot[i] * width)
            out[3, i] = vega
            out[4, i] = y * spot[i] * spot_part - r * value - 0.5 * spot[i] * core * s / root
            out[5, i] = t * value
            out[6, i] = -core * d2 / s
            out[7, i] = y * spot_part - core * ((r - y) / width - 0.5 * d2 / t)
            out[8, i] = vega * d1 * d2 / s
        return out

    return loop


@rival("W1", "numba fastmath")
def with_numba(b: books.Book) -> Run:
    import numba

    loop = numba_loop(numba)
    columns = full(b)
    out = np.empty((9, columns[0].size))
    return lambda: loop(*columns, out)


def nine(math: Any, cdf: Any, b: Any) -> tuple[Any, ...]:
    """The nine greeks over any array library."""
    spot, strike, t, s, r, y, sign = b
    root = math.sqrt(t)
    width = s * root
    d1 = (math.log(spot / strike) + (r - y + 0.5 * s * s) * t) / width
    d2 = d1 - width
    discount = math.exp(-y * t)
    spot_part = sign * discount * cdf(sign * d1)
    value = sign * strike * math.exp(-r * t) * cdf(sign * d2)
    core = discount * math.exp(-0.5 * d1 * d1) * 0.3989422804014327
    vega = spot * core * root
    return (
        spot * spot_part - value,
        spot_part,
        core / (spot * width),
        vega,
        y * spot * spot_part - r * value - 0.5 * spot * core * s / root,
        t * value,
        -core * d2 / s,
        y * spot_part - core * ((r - y) / width - 0.5 * d2 / t),
        vega * d1 * d2 / s,
    )


def signed(b: books.Book) -> list[Any]:
    """Numbers stay numbers; calls +1, puts -1."""
    return [*b[:6], np.where(b.is_call, 1.0, -1.0)]


def compiled(torch: Any, cdf: Any, b: books.Book) -> Run:
    """One fused loop that writes into reused tensors."""
    columns = [torch.from_numpy(x) if isinstance(x, np.ndarray) else x for x in signed(b)]
    out = [torch.empty(columns[1].shape[0], dtype=torch.float64) for _ in books.NINE]

    @torch.compile(dynamic=False)
    def run(columns: Any, out: Any) -> None:
        for target, value in zip(out, nine(torch, cdf, columns), strict=True):
            target.copy_(value)

    def call() -> Any:
        with torch.no_grad():
            run(columns, out)
        return [x.numpy() for x in out]

    return call


@rival("W1", "torch.compile erfc", remark="reused output")
def with_torch(b: books.Book) -> Run:
    import torch

    return compiled(torch, lambda x: 0.5 * torch.erfc(-0.7071067811865476 * x), b)


@rival("W1", "torch.compile erf", remark="reused output; far from the money no digit is right")
def with_torch_erf(b: books.Book) -> Run:
    import torch

    return compiled(torch, lambda x: 0.5 + 0.5 * torch.erf(0.7071067811865476 * x), b)


@rival("W1", "jax.jit", remark="erfc")
def with_jax(b: books.Book) -> Run:
    import jax
    import jax.numpy as jnp

    def cdf(x: Any) -> Any:
        return 0.5 * jax.scipy.special.erfc(-0.7071067811865476 * x)

    columns = [jnp.asarray(x) if isinstance(x, np.ndarray) else x for x in signed(b)]
    run = jax.jit(lambda *c: nine(jnp, cdf, c))
    return lambda: jax.block_until_ready(run(*columns))


@rival("W1", "fast-vollib", remark="5 greeks, numba backend")
def with_fast_vollib(b: books.Book) -> Run:
    import fast_vollib

    flag, (spot, strike, t, s, r, y, _) = letters(b), b
    options = {"model": "black_scholes_merton", "return_as": "dict", "backend": "numba"}
    return lambda: fast_vollib.get_all_greeks(flag, spot, strike, t, r, s, y, **options)


@rival("W1", "pyvolr", remark="price and 5 greeks")
def with_pyvolr(b: books.Book) -> Run:
    from pyvolr import bs

    spot, strike, t, s, r, y, is_call = b
    flag = np.where(is_call, 1, -1).astype(np.int8)
    if flag.ndim == 0:
        flag = "c" if is_call else "p"

    def call() -> Any:
        price = bs.price(flag, spot, strike, t, r, s, y)
        return {"price": price, **bs.greeks(flag, spot, strike, t, r, s, y)}

    return call


@rival("W1", "py_vollib_vectorized", rows=50_000, remark="5 greeks")
def with_py_vollib(b: books.Book) -> Run:
    import py_vollib_vectorized

    flag, (spot, strike, t, s, r, y, _) = letters(b), full(b)
    options = {"model": "black_scholes_merton", "return_as": "dict"}
    return lambda: py_vollib_vectorized.get_all_greeks(flag, spot, strike, t, r, s, y, **options)


@rival("W1", "QuantLib", rows=2_000, remark="price and 5 greeks, BlackCalculator")
def with_quantlib(b: books.Book) -> Run:
    import QuantLib as ql

    rows = list(zip(*(x.tolist() for x in full(b)), strict=True))
    names = ("price", "delta", "gamma", "vega", "theta", "rho")

    def one(spot, strike, t, s, r, y, is_call):  # type: ignore[no-untyped-def]
        payoff = ql.PlainVanillaPayoff(ql.Option.Call if is_call else ql.Option.Put, strike)
        forward, discount = spot * exp((r - y) * t), exp(-r * t)
        c = ql.BlackCalculator(payoff, forward, s * sqrt(t), discount)
        return c.value(), c.delta(spot), c.gamma(spot), c.vega(t), c.theta(spot, t), c.rho(t)

    return lambda: dict(zip(names, np.array([one(*row) for row in rows]).T, strict=True))
