"""W2: gamma x weight summed by strike. Results are arrays of sums in the order of the codes."""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Any

import books
import numpy as np

from rivals import Run, rival
from rivals.greeks import full, letters


@rival("W2", "gexcore")
def with_gexcore(k: books.Keyed) -> Run:
    return lambda: books.gamma_by_strike(k).net


@rival("W2", "NumPy bincount")
def with_numpy(k: books.Keyed) -> Run:
    return lambda: books.numpy_gamma_by_strike(k)


@rival("W2", "numba fastmath")
def with_numba(k: books.Keyed) -> Run:
    import numba

    @numba.njit(fastmath=True, error_model="numpy")
    def loop(spot, strike, time, vol, rate, carry_yield, weight, codes, out):  # type: ignore[no-untyped-def]
        for i in range(spot.size):
            t, s, r, y = time[i], vol[i], rate[i], carry_yield[i]
            width = s * sqrt(t)
            d1 = (log(spot[i] / strike[i]) + (r - y + 0.5 * s * s) * t) / width
            gamma = exp(-y * t - 0.5 * d1 * d1) * 0.3989422804014327 / (spot[i] * width)
            out[codes[i]] += weight[i] * gamma
        return out

    columns = full(k.book)[:6]
    return lambda: loop(*columns, k.weight, k.codes, np.zeros(k.count))


def gamma_times(math: Any, columns: Any, weight: Any) -> Any:
    """Gamma x weight over any array library."""
    spot, strike, t, s, r, y = columns
    width = s * math.sqrt(t)
    d1 = (math.log(spot / strike) + (r - y + 0.5 * s * s) * t) / width
    return weight * math.exp(-y * t - 0.5 * d1 * d1) * (0.3989422804014327 / spot) / width


@rival("W2", "torch.compile")
def with_torch(k: books.Keyed) -> Run:
    import torch

    columns = [torch.from_numpy(x) if isinstance(x, np.ndarray) else x for x in k.book[:6]]
    weight, codes = torch.from_numpy(k.weight), torch.from_numpy(k.codes)

    @torch.compile(dynamic=False)
    def run(columns: Any, weight: Any) -> Any:
        return gamma_times(torch, columns, weight)

    def call() -> Any:
        with torch.no_grad():
            values = run(columns, weight)
            out = torch.zeros(k.count, dtype=torch.float64)
            return out.index_add_(0, codes, values).numpy()

    return call


@rival("W2", "jax.jit")
def with_jax(k: books.Keyed) -> Run:
    import jax
    import jax.numpy as jnp

    columns = [jnp.asarray(x) if isinstance(x, np.ndarray) else x for x in k.book[:6]]
    weight, codes = jnp.asarray(k.weight), jnp.asarray(k.codes)
    run = jax.jit(
        lambda c, w, key: jax.ops.segment_sum(gamma_times(jnp, c, w), key, num_segments=k.count)
    )
    return lambda: np.asarray(run(columns, weight, codes))


@rival("W2", "polars group_by")
def with_polars(k: books.Keyed) -> Run:
    import polars as pl

    names = ("spot", "strike", "t", "s", "r", "y")
    columns = dict(zip(names, full(k.book)[:6], strict=True))
    frame = pl.DataFrame({**columns, "weight": k.weight, "code": k.codes})
    spot, strike, t, s, r, y = (pl.col(name) for name in names)
    if not isinstance(k.book.rate, np.ndarray):
        spot, r, y = (pl.lit(x) for x in (k.book.spot, k.book.rate, k.book.dividend_yield))
    width = s * t.sqrt()
    d1 = ((spot / strike).log() + (r - y + 0.5 * s * s) * t) / width
    gamma = (-y * t - 0.5 * d1 * d1).exp() * 0.3989422804014327 / (spot * width)
    lazy = frame.lazy().select("code", value=gamma * pl.col("weight")).group_by("code")
    query = lazy.agg(pl.col("value").sum()).sort("code").select("value")
    return lambda: query.collect().to_numpy()[:, 0]


@rival("W2", "pandas groupby")
def with_pandas(k: books.Keyed) -> Run:
    import pandas as pd

    code = pd.Series(k.codes)
    return lambda: (
        pd.Series(k.weight * books.numpy_gamma(k.book)).groupby(code, sort=True).sum().to_numpy()
    )


@rival("W2", "pyvolr + bincount")
def with_pyvolr(k: books.Keyed) -> Run:
    from pyvolr import bs

    spot, strike, t, s, r, y, _ = k.book
    return lambda: np.bincount(k.codes, k.weight * bs.gamma(spot, strike, t, r, s, y), k.count)


@rival("W2", "fast-vollib + bincount", remark="numba backend")
def with_fast_vollib(k: books.Keyed) -> Run:
    import fast_vollib

    flag, (spot, strike, t, s, r, y, _) = letters(k.book), k.book
    options = {"model": "black_scholes_merton", "return_as": "numpy", "backend": "numba"}

    def call() -> Any:
        gamma = fast_vollib.vectorized_gamma(flag, spot, strike, t, r, s, y, **options)
        return np.bincount(k.codes, k.weight * np.ravel(gamma), k.count)

    return call
