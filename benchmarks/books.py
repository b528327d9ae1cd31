"""Inputs, independent formulas and calls of the package that several benchmarks share."""

from __future__ import annotations

import contextlib
import importlib.util
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from math import erfc, pi, sqrt
from typing import Any, NamedTuple

import gexcore as gex
import numpy as np
from gexcore import _core, bsm

NINE = ("price", "delta", "gamma", "vega", "theta", "rho", "vanna", "charm", "vomma")
SPOT, RATE, YIELD = 5000.0, 0.04, 0.013
HAVE_SCIPY = importlib.util.find_spec("scipy") is not None
NO_SCIPY = "the NumPy yardstick needs scipy: pip install '.[bench]'"
SQRT_2PI = sqrt(2 * pi)


class Book(NamedTuple):
    """The first seven arguments of bsm.greeks; every field a number or a column."""

    spot: Any
    strike: Any
    time_to_expiry: Any
    implied_vol: Any
    rate: Any
    dividend_yield: Any
    is_call: Any

    def head(self, rows: int) -> Book:
        """The first rows."""
        return Book(*(x[:rows] if isinstance(x, np.ndarray) else x for x in self))


def book(rows: int, seed: int = 1) -> Book:
    """Contracts of one underlying in no order: days to two years, vols 10% to 60%."""
    rng = np.random.default_rng(seed)
    strike = np.round(SPOT * np.exp(rng.normal(0, 0.1, rows)) / 5) * 5
    years, vol = rng.uniform(0.005, 2, rows), rng.uniform(0.1, 0.6, rows)
    return Book(SPOT, strike, years, vol, RATE, YIELD, rng.random(rows) < 0.5)


def fast_cdf(x: Any) -> Any:
    """N(x) by SciPy."""
    from scipy.special import ndtr

    return ndtr(x)


def slow_cdf(x: Any) -> Any:
    """N(x) by the standard library's erfc, element by element."""
    return np.vectorize(lambda v: 0.5 * erfc(-v / sqrt(2)), otypes=[float])(x)


def numpy_greeks(b: Book, cdf: Any = slow_cdf) -> dict[str, Any]:
    """The nine greeks as textbooks write them, each common factor computed once."""
    root = np.sqrt(b.time_to_expiry)
    width = b.implied_vol * root
    carry = b.rate - b.dividend_yield
    d1 = (np.log(b.spot / b.strike) + (carry + 0.5 * b.implied_vol**2) * b.time_to_expiry) / width
    d2 = d1 - width
    sign = np.where(b.is_call, 1.0, -1.0)
    discount = np.exp(-b.dividend_yield * b.time_to_expiry)
    spot_part = sign * discount * cdf(sign * d1)
    strike_part = sign * b.strike * np.exp(-b.rate * b.time_to_expiry) * cdf(sign * d2)
    core = discount * np.exp(-0.5 * d1 * d1) / SQRT_2PI
    vega = b.spot * core * root
    drift = carry / width - 0.5 * d2 / b.time_to_expiry
    return {
        "price": b.spot * spot_part - strike_part,
        "delta": spot_part,
        "gamma": core / (b.spot * width),
        "vega": vega,
        "theta": b.dividend_yield * b.spot * spot_part
        - b.rate * strike_part
        - 0.5 * b.spot * core * b.implied_vol / root,
        "rho": b.time_to_expiry * strike_part,
        "vanna": -core * d2 / b.implied_vol,
        "charm": b.dividend_yield * spot_part - core * drift,
        "vomma": vega * d1 * d2 / b.implied_vol,
    }


def numpy_gamma(b: Book) -> Any:
    """Gamma alone."""
    width = b.implied_vol * np.sqrt(b.time_to_expiry)
    carry = b.rate - b.dividend_yield + 0.5 * b.implied_vol**2
    d1 = (np.log(b.spot / b.strike) + carry * b.time_to_expiry) / width
    scale = 1.0 / (SQRT_2PI * b.spot)
    return np.exp(-b.dividend_yield * b.time_to_expiry - 0.5 * d1 * d1) * scale / width


class Keyed(NamedTuple):
    """A book with signed weights and a code per row that numbers its strike."""

    book: Book
    weight: Any
    codes: Any
    count: int


def keyed(rows: int) -> Keyed:
    """A book to be summed by strike."""
    b = book(rows)
    weight = np.where(b.is_call, 1.0, -1.0) * np.random.default_rng(2).integers(0, 5000, rows)
    strikes, codes = np.unique(b.strike, return_inverse=True)
    return Keyed(b, weight, codes.astype(np.int32), len(strikes))


def numpy_gamma_by_strike(k: Keyed) -> Any:
    """Gamma x weight summed by code with NumPy and bincount."""
    return np.bincount(k.codes, k.weight * numpy_gamma(k.book), k.count)


def gamma_by_strike(k: Keyed) -> bsm.GammaSums:
    """Gamma x weight summed by code with the package, net and gross."""
    return bsm.gamma_sums(*k.book[:6], k.weight, k.codes, k.count)


def book_of(chain: gex.Chain) -> Book:
    """The columns of a chain."""
    columns = (chain.strike, chain.time_to_expiry, chain.implied_vol)
    return Book(chain.spot, *columns, chain.rate, chain.dividend_yield, chain.is_call)


def assert_levels(
    b: Book, size: Any, net_gamma: float, zero: float | None, walls: Any, searched: Any = None
) -> None:
    """Net gamma, its zero, call wall and put wall of naive positions, from gammas computed here."""
    on = (b.implied_vol > 0) & (b.time_to_expiry > 0) & (size > 0)
    b = Book(b.spot, *(np.broadcast_to(x, len(size))[on] for x in b[1:]))
    weight = np.where(b.is_call, 100.0, -100.0) * size[on]

    def each(spot: float) -> Any:
        return weight * numpy_gamma(b._replace(spot=spot)) * spot**2 / 100

    gamma = each(b.spot)
    assert abs(gamma.sum() / net_gamma - 1) < 1e-9
    if zero is None:
        assert len({each(s).sum() > 0 for s in np.geomspace(*searched, 50)}) == 1
    else:
        assert each(zero * (1 - 1e-6)).sum() * each(zero * (1 + 1e-6)).sum() < 0
    strikes, codes = np.unique(b.strike, return_inverse=True)
    by_strike = np.bincount(codes, gamma)
    assert tuple(walls) == (strikes[by_strike.argmax()], strikes[by_strike.argmin()])


def assert_analysis(result: gex.Analysis, b: Book, size: Any) -> None:
    """The same of an analysis."""
    levels, net = result.levels, result.exposures.gamma.net
    walls = (levels.call_wall.strike, levels.put_wall.strike)
    assert_levels(b, size, net, levels.zero_gamma.value, walls, levels.zero_gamma.searched)


class Sweep(NamedTuple):
    """What a gamma profile needs: columns, signed weights, ascending geometric spots."""

    book: Book
    weight: Any
    spots: Any


def sweep_of(b: Book, weight: Any, spots: int = 100) -> Sweep:
    """Spots from -15% to +15% in equal log steps; the middle one is exactly SPOT."""
    steps = np.arange(spots) - spots // 2
    return Sweep(b, weight, SPOT * np.exp(steps * (0.3 / spots)))


def sweep(rows: int = 20_000, spots: int = 100) -> Sweep:
    """The dealers' book of the synthetic chain, contracts without vol or time left out."""
    chain = gex.synthetic_chain(rows)
    weight = gex.assign_positions(chain).weight
    on = (chain.implied_vol > 0) & (chain.time_to_expiry > 0)
    columns = (chain.strike, chain.time_to_expiry, chain.implied_vol)
    strike, years, vol = (np.ascontiguousarray(c[on]) for c in columns)
    b = Book(SPOT, strike, years, vol, RATE, YIELD, chain.is_call[on])
    return sweep_of(b, np.ascontiguousarray(weight[on]), spots)


def gamma_profile(s: Sweep, threads: int | None = None) -> Any:
    """Sum of weight x gamma at each spot with the package, preparation included."""
    _, strike, years, vol, rate, dividend_yield, _ = s.book
    prepared = _core.GammaProfile(strike, years, vol, rate, dividend_yield, s.weight, threads)
    return prepared.evaluate(s.spots, threads)


EIGHT = ("delta", "gamma", "vega", "vanna", "charm", "speed", "zomma", "color")


def greek_profiles(s: Sweep, which: tuple[str, ...]) -> dict[str, Any]:
    """Sums of weight x greek at each spot with the package, preparation included."""
    columns, names = s.book[1:], [name for name in bsm.GREEKS if name in which]
    bits = sum(1 << bsm.GREEKS.index(name) for name in names)
    prepared = _core.GreekProfile(*columns, s.weight, bits)
    return dict(zip(names, prepared.evaluate(s.spots), strict=True))


def numpy_profiles(s: Sweep, spots: Any) -> dict[str, Any]:
    """The same sums as textbooks write them."""
    sums: dict[str, list[float]] = {name: [] for name in EIGHT}
    for spot in spots:
        b = s.book._replace(spot=spot)
        g = numpy_greeks(b)
        width = b.implied_vol * np.sqrt(b.time_to_expiry)
        carry = b.rate - b.dividend_yield
        d1 = (np.log(spot / b.strike) + carry * b.time_to_expiry) / width + 0.5 * width
        drift = carry / width - 0.5 * (d1 - width) / b.time_to_expiry
        g["speed"] = -g["gamma"] / spot * (d1 / width + 1)
        g["zomma"] = g["gamma"] * (d1 * (d1 - width) - 1) / b.implied_vol
        g["color"] = g["gamma"] * (b.dividend_yield + 0.5 / b.time_to_expiry + d1 * drift)
        for name in EIGHT:
            sums[name].append(s.weight @ g[name])
    return {name: np.array(values) for name, values in sums.items()}


def gaussians(s: Sweep) -> tuple[Any, Any, Any]:
    """Center and 1/width in ln S and amplitude of each contract: all that can be hoisted."""
    b = s.book
    inverse = 1.0 / (b.implied_vol * np.sqrt(b.time_to_expiry))
    carry = b.rate - b.dividend_yield + 0.5 * b.implied_vol**2
    center = np.log(b.strike) - carry * b.time_to_expiry
    return center, inverse, s.weight * np.exp(-b.dividend_yield * b.time_to_expiry) * inverse


def numpy_profile(s: Sweep) -> Any:
    """The profile with everything hoisted that does not depend on spot, one spot at a time."""
    center, inverse, amplitude = gaussians(s)
    total = np.empty(len(s.spots))
    d, work = np.empty(len(center)), np.empty(len(center))
    for j, x in enumerate(np.log(s.spots)):
        np.subtract(x, center, out=d)
        np.multiply(d, inverse, out=d)
        np.multiply(d, -0.5, out=work)
        np.multiply(work, d, out=work)
        np.exp(work, out=work)
        total[j] = amplitude @ work
    return total / (SQRT_2PI * s.spots)


class Priced(NamedTuple):
    """Prices with the vols they came from; `condition` = d ln vol / d ln price."""

    price: Any
    book: Book
    condition: Any

    def arguments(self) -> tuple[Any, ...]:
        """Arguments of bsm.implied_vol."""
        b = self.book
        return (self.price, b.spot, b.strike, b.time_to_expiry, b.rate, b.dividend_yield, b.is_call)


def priced(rows: int) -> Priced:
    """Calls and puts, in and out of the money, with time values from 1e-10 of spot upwards."""
    rng = np.random.default_rng(4)
    made = int(rows * 1.5)
    years = np.exp(rng.uniform(np.log(1 / 8760), np.log(3.0), made))
    vol = np.exp(rng.uniform(np.log(0.05), np.log(1.5), made))
    width = vol * np.sqrt(years)
    strike = SPOT * np.exp(np.clip(rng.uniform(-6, 6, made) * width, -3.0, 3.0))
    above = strike > SPOT * np.exp((RATE - YIELD) * years)
    out = Book(SPOT, strike, years, vol, RATE, YIELD, above)
    kept = np.flatnonzero(bsm.greeks(*out, which="price").price >= 1e-10 * SPOT)[:rows]
    picked = [np.ascontiguousarray(c[kept]) for c in (strike, years, vol)]
    b = Book(SPOT, *picked, RATE, YIELD, rng.random(len(kept)) < 0.5)
    g = bsm.greeks(*b, which=("price", "vega"))
    return Priced(g.price.copy(), b, g.price / (g.vega * b.implied_vol))


def vol_errors(found: Any, p: Priced) -> Any:
    """Relative error of each vol over max(1, condition); NaN where there is none."""
    return np.abs(found / p.book.implied_vol - 1) / np.maximum(1, p.condition)


def cboe_text(chain: gex.Chain) -> str:
    """A chain in the schema of CBOE's delayed quotes, all keys of a record included."""
    assert chain.as_of is not None
    days = [str(day)[2:].replace("-", "") for day in chain.expiry.astype("datetime64[D]")]
    g = bsm.greeks(
        chain.spot, chain.strike, chain.time_to_expiry, chain.implied_vol, RATE, YIELD,
        chain.is_call, which=("price", "delta", "gamma", "vega", "theta", "rho"),
    )  # fmt: skip
    columns = {name: np.nan_to_num(g[name]).round(4).tolist() for name in g}
    records = [
        {
            "option": f"{root}{day}{'C' if call else 'P'}{round(strike * 1000):08d}",
            "bid": bid, "bid_size": 25.0, "ask": ask, "ask_size": 31.0, "iv": vol,
            "open_interest": interest, "volume": volume,
            "delta": delta, "gamma": gamma, "vega": vega, "theta": theta, "rho": rho,
            "theo": price, "change": 0.0, "open": 0.0, "high": 0.0, "low": 0.0, "tick": "no_change",
            "last_trade_price": bid, "last_trade_time": "2026-03-17T15:59:59",
            "percent_change": 0.0, "prev_day_close": ask,
        }
        for root, day, call, strike, vol, interest, bid, ask, volume,
            price, delta, gamma, vega, theta, rho in zip(
            chain.root.tolist(), days, chain.is_call.tolist(), chain.strike.tolist(),
            chain.implied_vol.tolist(), chain.open_interest.tolist(), chain["bid"].tolist(),
            chain["ask"].tolist(), chain["volume"].tolist(), *columns.values(), strict=True,
        )
    ]  # fmt: skip
    stamp = datetime.fromisoformat(chain.as_of.time.isoformat()).astimezone(UTC)
    data = {"options": records, "symbol": "^SPX", "current_price": chain.spot, "close": chain.spot}
    document = {"timestamp": f"{stamp:%Y-%m-%d %H:%M:%S}", "symbol": "_SPX", "data": data}
    return json.dumps(document)


@contextlib.contextmanager
def without_fast() -> Iterator[None]:
    """Read as if the extra `fast` were not installed."""
    from gexcore.io import cboe_fast

    kept, cboe_fast._decoder = cboe_fast._decoder, lambda: None
    try:
        yield
    finally:
        cboe_fast._decoder = kept


def note(benchmark: Any, unit: str, items: int, scale: float = 1e9) -> None:
    """Store the best time per item beside the statistics of a run."""
    if benchmark.stats:
        benchmark.extra_info[unit] = benchmark.stats["min"] / items * scale
