"""A synthetic SPX-like chain, and its feed: invented numbers in realistic proportions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import bsm, clock
from gexcore.chain import Chain
from gexcore.conventions import USED
from gexcore.errors import InputError
from gexcore.feed import Event
from gexcore.sessions import is_session
from gexcore.trades import Trades

Float64 = npt.NDArray[np.float64]

SPOT = 5000.0
RATE = 0.04
DIVIDEND_YIELD = 0.013
MOST = 150_000  # contracts; the largest expirations run out of strikes at 200,000
AS_OF = "2026-03-18T10:30-04:00"  # a Wednesday: an expiration today, a quarterly one on Friday


def synthetic_chain(n: int = 20000, seed: int = 7) -> Chain:
    """Make a chain like that of the S&P 500 index, from nothing but a seed.

    Daily, weekly, monthly and quarterly expirations from today (0DTE) to three years, roots SPX
    (morning-settled) and SPXW, strikes denser near the forward, a skewed smile, open interest
    that favours round strikes and big expirations, bid and ask on the exchange's ticks. As in
    real files some contracts carry no vol (no time value above a tick) or no open interest.

    Args:
        n: number of contracts, 2 to 150,000.
        seed: same seed, same chain.

    Returns:
        Chain with bid, ask and volume columns; spot 5000, rate 4%, dividend yield 1.3%.

    Raises:
        InputError: n is not of 2 to 150,000.

    Example:
        >>> chain = synthetic_chain(n=1000, seed=1)
        >>> len(chain), sorted(set(chain.root.tolist()))
        (1000, ['SPX', 'SPXW'])
    """
    if not 2 <= n <= MOST:
        hint = "gexcore.bsm and Chain.from_arrays take any number" if n > MOST else None
        raise InputError(f"n: {n:,} contracts, not 2 to {MOST:,}", hint=hint)
    rng = np.random.default_rng(seed)
    as_of = clock.parse_time(AS_OF)
    listed = _expirations(as_of.date())
    picked = np.unique(
        np.linspace(0, len(listed) - 1, min(len(listed), max(1, n // 20))).round().astype(int)
    )
    listed = [listed[i] for i in picked]
    days = np.array([day for day, _, _ in listed], "datetime64[D]")
    roots = np.array([root for _, root, _ in listed])
    sizes = np.array([size for _, _, size in listed])
    years = clock.years_to_settlement(days, roots, as_of)

    pairs = _split((n + 1) // 2, 0.4 + sizes)
    series = np.repeat(np.arange(len(listed)), pairs)
    strike = np.concatenate([_strikes(int(m), float(t)) for m, t in zip(pairs, years, strict=True)])
    series, strike = np.repeat(series, 2)[:n], np.repeat(strike, 2)[:n]
    is_call = np.arange(n) % 2 == 0
    t = years[series]
    vol = _smile(strike, t)
    g = bsm.greeks(SPOT, strike, t, vol, RATE, DIVIDEND_YIELD, is_call, which=("price", "delta"))
    bid, ask = _quotes(g.price, rng)
    interest = _open_interest(strike, t, is_call, sizes[series], rng)
    time_value = g.price - np.maximum(np.where(is_call, 1, -1) * (SPOT - strike), 0)
    return Chain.from_arrays(
        spot=SPOT,
        strike=strike,
        is_call=is_call,
        expiry=days[series],
        root=roots[series],
        as_of=as_of,
        implied_vol=np.where((np.abs(g.delta) > 0.5) & (time_value < 0.05), 0.0, vol.round(4)),
        open_interest=interest,
        rate=RATE,
        dividend_yield=DIVIDEND_YIELD,
        multiplier=100.0,
        underlying="SPX",
        bid=bid,
        ask=ask,
        volume=np.floor(interest * rng.exponential(0.15, n)),
        source={"vendor": "synthetic", "seed": seed, "multiplier": "100, invented"},
    )


def _expirations(today: date) -> list[tuple[date, str, float]]:
    """(day, root, relative size): dailies, weeklies, monthlies in both roots, quarter ends."""
    sessions = [d for d in (today + timedelta(i) for i in range(3 * 366)) if is_session(d)]
    found: dict[tuple[date, str], float] = {(day, "SPXW"): 0.8 for day in sessions[:12]}
    for here, following in pairwise(sessions):
        ahead = (here - today).days
        if here.weekday() == 4 and ahead < 70:
            found[here, "SPXW"] = 1.0
        if here.month != following.month and ahead < 400:
            found[here, "SPXW"] = 2.0 if here.month % 3 == 0 else 1.2
    for month in range(36):
        first = date(
            today.year + (today.month - 1 + month) // 12, (today.month - 1 + month) % 12 + 1, 1
        )
        friday = first + timedelta((4 - first.weekday()) % 7 + 14)
        third = friday if is_session(friday) else friday - timedelta(1)
        if third > today and (month < 12 or third.month in (6, 12)):
            found[third, "SPX"] = 3.0 if third.month % 3 == 0 else 2.0
            if month < 12:
                found[third, "SPXW"] = 1.5
    return [(day, root, size) for (day, root), size in sorted(found.items())]


def _split(total: int, weights: Float64) -> npt.NDArray[np.int64]:
    """Whole numbers in proportion to `weights` that add up to `total`."""
    edges = np.round(np.cumsum(weights) / weights.sum() * total).astype(np.int64)
    return np.asarray(np.diff(edges, prepend=0))


def _strikes(count: int, years: float) -> Float64:
    """Multiples of 5 around spot; far from it only multiples of 25, then of 100."""
    ladder = np.arange(200.0, 15005.0, 5.0)
    reach = np.abs(np.log(ladder / SPOT)) / (0.02 + 0.2 * np.sqrt(years))
    rank = np.where(ladder % 100 == 0, reach / 4, np.where(ladder % 25 == 0, reach / 2, reach))
    return np.sort(ladder[np.argsort(rank, kind="stable")[:count]])


def _smile(strike: Float64, years: Float64) -> Float64:
    """Implied vol, steeper for puts; x counts standard deviations from the forward."""
    level = 0.13 + 0.05 * (1 - np.exp(-2 * years))
    forward = SPOT * np.exp((RATE - DIVIDEND_YIELD) * years)
    x = np.log(strike / forward) / (level * np.sqrt(years))
    return np.asarray(
        level * (1 + 0.10 * (np.sqrt(1 + x * x) - 1) - 0.12 * x / np.sqrt(1 + 0.05 * x * x))
    )


def _open_interest(
    strike: Float64,
    years: Float64,
    is_call: npt.NDArray[np.bool_],
    size: Float64,
    rng: np.random.Generator,
) -> Float64:
    """Calls sit above spot, puts below; round strikes and big expirations hold most."""
    x = np.log(strike / SPOT) / (0.02 + 0.18 * np.sqrt(years))
    center = np.where(is_call, 0.5, -0.7)
    shape = np.exp(-0.5 * ((x - center) / np.where(is_call, 0.6, 0.9)) ** 2)
    round_number = np.where(
        strike % 100 == 0,
        5.0,
        np.where(strike % 50 == 0, 2.5, np.where(strike % 25 == 0, 1.6, 1.0)),
    )
    mean = 300.0 * size**1.5 * shape * round_number * np.where(is_call, 1.0, 1.3)
    return np.floor(mean * rng.lognormal(-0.5, 1.0, len(strike)))


def _quotes(price: Float64, rng: np.random.Generator) -> tuple[Float64, Float64]:
    """Bid and ask around the price on ticks of 0.05, above 3 of 0.10."""
    half = 0.5 * np.maximum(0.05, price * rng.uniform(0.004, 0.02, len(price)))
    tick = np.where(price < 3, 0.05, 0.10)
    bid = np.maximum(np.floor((price - half) / tick) * tick, 0.0)
    ask = np.ceil((price + half) / tick) * tick
    return bid.round(2), np.maximum(ask, bid + tick).round(2)


def synthetic_feed(
    chain: Chain, seconds: float = 60.0, rate: float = 1000.0, seed: int = 7
) -> Iterator[Event]:
    """Make events like those of a trading day for a chain, from nothing but a seed.

    Spot is a diffusion; vols have a common factor that rises when spot falls, more so on near
    expirations, and a noise of their own. Quotes come where contracts trade: near the money, near
    in time, a few strikes of one expiration at once now and then. Customers trade at the bid or
    the ask. The clock moves every ten seconds, open interest rarely.

    Args:
        chain: the contracts; rows that have no vol stay without.
        seconds: of the stream, from the chain's as_of (or 2026-03-18 10:30 New York).
        rate: events a second.
        seed: same chain and seed, same events.

    Returns:
        Iterator of round(seconds x rate) events, in order of time.

    Raises:
        InputError: seconds or rate is negative or not a number, or the chain has no usable row.

    Example:
        >>> events = list(synthetic_feed(synthetic_chain(n=1000), seconds=2.0, rate=100.0))
        >>> len(events), events[0].kind
        (200, 'quote')
    """
    for name, value in (("seconds", seconds), ("rate", rate)):
        if not 0 <= value < np.inf:
            raise InputError(f"{name}: {value} cannot be", hint="a number, 0 or more")
    rows = np.flatnonzero(chain.status == USED)
    if not len(rows):
        raise InputError("chain: has no usable contract, nothing can be quoted")
    return _events(chain, rows, round(seconds * rate), seconds, np.random.default_rng(seed))


# Shares of the kinds; the clock comes besides.
_SHARES = {"quote": 0.935, "spot": 0.0495, "trade": 0.015, "open_interest": 0.0005}
_CHUNK = 1 << 14  # events that are drawn at once
_CLOCK_PERIOD = 10.0  # seconds
_TRADING_YEAR = 252 * 6.5 * 3600  # seconds
_SPOT_VOL, _VOL_OF_VOL, _LEVERAGE = 0.16, 0.9, -0.8  # a year, a year at 30 days, correlation


def _events(
    chain: Chain, rows: npt.NDArray[np.int64], total: int, seconds: float, rng: np.random.Generator
) -> Iterator[Event]:
    """The events, drawn by chunks; spot and vols go on from one chunk to the next."""
    begin = (chain.as_of.time if chain.as_of else clock.parse_time(AS_OF)).astimezone(UTC)
    step = seconds / max(total, 1)
    tick = max(_CLOCK_PERIOD, 10 * step)
    moves, passed = np.zeros((2, 1)), 0
    for start in range(0, total, _CHUNK):
        count = min(_CHUNK, total - start)
        at = (start + np.arange(count) + rng.random(count)) * step
        drawn = rng.standard_normal((2, count)) * np.sqrt(step / _TRADING_YEAR)
        drawn[1] = _LEVERAGE * drawn[0] + np.sqrt(1 - _LEVERAGE**2) * drawn[1]
        path = moves + np.cumsum(drawn * [[_SPOT_VOL], [_VOL_OF_VOL]], axis=1)
        moves = path[:, -1:]
        kinds = rng.choice(list(_SHARES), count, p=list(_SHARES.values())).astype("U13")
        ticks = (at // tick).astype(np.int64)
        kinds[np.diff(ticks, prepend=passed) > 0] = "clock"
        passed = int(ticks[-1])
        changes = _changes(chain, rows, path, kinds, rng)
        for i, (kind, (picked, values)) in enumerate(zip(kinds.tolist(), changes, strict=True)):
            time = begin + timedelta(seconds=float(at[i]))
            if kind == "clock":
                when = (begin + timedelta(seconds=float(ticks[i] * tick))).isoformat()
                values = {"when": when if chain.as_of else tick / 86400}
            yield Event(time, kind, picked, values)


def _changes(
    chain: Chain, rows: npt.NDArray[np.int64], path: Float64, kinds: Any, rng: np.random.Generator
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Rows and values of each event but the clock's."""
    count, spot = len(kinds), chain.spot * np.exp(path[0])
    years, vol = chain.time_to_expiry, chain.implied_vol
    away = np.log(chain.strike[rows] / chain.spot) / (vol[rows] * np.sqrt(years[rows]))
    weight = np.exp(-0.5 * away**2) / np.sqrt(0.01 + years[rows])
    order = np.lexsort((chain.strike[rows], years[rows]))  # neighbours are quoted together
    neighbours, total = rows[order], np.cumsum(weight[order])
    middle = np.minimum(np.searchsorted(total, rng.random(count) * total[-1]), len(rows) - 1)
    many = np.where(rng.random(count) < 0.03, rng.integers(2, 16, count), 1)
    beta = np.minimum((12 * years[neighbours]) ** -0.5, 3.0)  # near expirations move most
    seed = rng.standard_normal(count + 16)

    def quote(at: Any, factor: Any, noise: Any) -> Any:
        moved = vol[neighbours[at]] * np.exp(beta[at] * factor + 0.002 * noise)
        return np.maximum(moved, 0.01).round(4)

    single = quote(middle, path[1], seed[:count]).tolist()
    first = neighbours[middle].tolist()
    for i, kind in enumerate(kinds.tolist()):
        if kind == "quote" and many[i] == 1:
            yield first[i], {"implied_vol": single[i]}
        elif kind == "quote":
            at = slice(middle[i], min(middle[i] + many[i], len(rows)))
            noise = seed[i : i + at.stop - at.start]
            yield neighbours[at], {"implied_vol": quote(at, path[1, i], noise)}
        elif kind == "trade":
            yield None, {"trades": _trade(chain, first[i], float(spot[i]), rng)}
        elif kind == "open_interest":
            before = float(chain.open_interest[first[i]])
            yield first[i], {"open_interest": before // float(rng.uniform(0.8, 1.3))}
        else:
            yield None, ({"spot": round(float(spot[i]), 2)} if kind == "spot" else {})


def _trade(chain: Chain, row: int, spot: float, rng: np.random.Generator) -> Trades:
    """A customer's trade at the bid or the ask."""
    rate, dividend = (
        np.broadcast_to(each, len(chain))[row] for each in (chain.rate, chain.dividend_yield)
    )
    price = bsm.greeks(
        spot, chain.strike[row], chain.time_to_expiry[row], chain.implied_vol[row], rate, dividend,
        chain.is_call[row], which=("price",),
    ).price  # fmt: skip
    bid, ask = (float(quote[0]) for quote in _quotes(np.array([price]), rng))
    named = {name: getattr(chain, name) for name in ("root", "expiry")}
    return Trades.from_arrays(
        strike=[chain.strike[row]], option_type=["C" if chain.is_call[row] else "P"],
        price=[ask if rng.random() < 0.55 else max(bid, 0.05)],
        size=[float(rng.geometric(0.15))], bid=bid, ask=ask,
        **{name: column[row : row + 1] for name, column in named.items() if column is not None},
    )  # fmt: skip
