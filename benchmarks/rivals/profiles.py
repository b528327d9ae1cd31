"""W3: gamma profile, preparation included. Results are sums of weight x gamma at each spot."""

from __future__ import annotations

from math import exp
from typing import Any

import books
import numpy as np

from rivals import Run, rival


@rival("W3", "gexcore")
def with_gexcore(s: books.Sweep) -> Run:
    return lambda: books.gamma_profile(s)


@rival("W3", "NumPy hoisted")
def with_numpy(s: books.Sweep) -> Run:
    return lambda: books.numpy_profile(s)


@rival("W3", "NumPy naive", remark="the whole formula at each spot")
def with_naive_numpy(s: books.Sweep) -> Run:
    return lambda: np.array(
        [s.weight @ books.numpy_gamma(s.book._replace(spot=x)) for x in s.spots]
    )


@rival("W3", "numba fastmath", remark="hoisted")
def with_numba(s: books.Sweep) -> Run:
    import numba

    @numba.njit(fastmath=True, error_model="numpy")
    def loop(logs, center, inverse, amplitude):  # type: ignore[no-untyped-def]
        out = np.empty(logs.size)
        for j in range(logs.size):
            total = 0.0
            for i in range(center.size):
                d = (logs[j] - center[i]) * inverse[i]
                total += amplitude[i] * exp(-0.5 * d * d)
            out[j] = total
        return out

    logs, scale = np.log(s.spots), books.SQRT_2PI * s.spots
    return lambda: loop(logs, *books.gaussians(s)) / scale


@rival("W3", "torch.compile", remark="hoisted")
def with_torch(s: books.Sweep) -> Run:
    import torch

    columns = [torch.from_numpy(x) if isinstance(x, np.ndarray) else x for x in s.book[1:6]]
    others = [torch.from_numpy(x) for x in (s.weight, np.log(s.spots), s.spots)]
    prepare = torch.compile(prepared, dynamic=False)
    run = torch.compile(swept, dynamic=False)

    def call() -> Any:
        with torch.no_grad():
            weight, logs, spots = others
            return run(*prepare(torch, columns, weight), torch, logs, spots).numpy()

    return call


def prepared(math: Any, columns: Any, weight: Any) -> Any:
    """What does not depend on spot, kept out of the loop over pairs."""
    strike, t, s, r, y = columns
    inverse = 1.0 / (s * math.sqrt(t))
    center = math.log(strike) - (r - y + 0.5 * s * s) * t
    return center, inverse, weight * math.exp(-y * t) * inverse


def swept(center: Any, inverse: Any, amplitude: Any, math: Any, logs: Any, spots: Any) -> Any:
    """The loop over pairs."""
    d = (logs[:, None] - center) * inverse
    return (amplitude * math.exp(-0.5 * d * d)).sum(1) * 0.3989422804014327 / spots


@rival("W3", "jax.jit", remark="hoisted")
def with_jax(s: books.Sweep) -> Run:
    import jax
    import jax.numpy as jnp

    columns = [jnp.asarray(x) if isinstance(x, np.ndarray) else x for x in s.book[1:6]]
    others = [jnp.asarray(x) for x in (s.weight, np.log(s.spots), s.spots)]
    prepare = jax.jit(lambda c, w: prepared(jnp, c, w))

    @jax.jit
    def run(center: Any, inverse: Any, amplitude: Any, logs: Any, spots: Any) -> Any:
        def at(log: Any) -> Any:
            d = (log - center) * inverse
            return jnp.dot(amplitude, jnp.exp(-0.5 * d * d))

        return jax.lax.map(at, logs) * 0.3989422804014327 / spots

    return lambda: np.asarray(run(*prepare(columns, others[0]), *others[1:]))


@rival("W3", "pyvolr", remark="bs.gamma at each spot")
def with_pyvolr(s: books.Sweep) -> Run:
    from pyvolr import bs

    _, strike, t, vol, r, y, _ = s.book
    return lambda: np.array([s.weight @ bs.gamma(x, strike, t, r, vol, y) for x in s.spots])
