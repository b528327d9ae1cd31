"""Books for levels across conventions, what a user would compute, and an oracle in plain Python."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import gexcore as gex
import numpy as np
from gexcore import clock
from gexcore.across import AcrossRow
from gexcore.choices import Choices, Convention

NEW_YORK = ZoneInfo("America/New_York")
PRINTED = datetime(2024, 1, 7, 10, 52, tzinfo=NEW_YORK)  # a Sunday
SESSION = datetime(2024, 1, 5, 16, tzinfo=NEW_YORK)


def plainly(chain: gex.Chain, held: gex.Positions | None, row: AcrossRow) -> AcrossRow:
    """The row as a user would compute it, one convention at a time."""
    c, base, own = (
        row.convention,
        Choices(chain, gex.assign_positions(chain), "open_interest").base,
        chain.rates,
    )
    changes: dict[str, Any] = {}
    for name in ("clock", "as_of"):
        if getattr(c, name) != getattr(base, name):
            changes[name] = getattr(c, name)
    if isinstance(c.rates, tuple):
        changes |= {"rates": "flat", "rate": c.rates[0], "dividend_yield": c.rates[1]}
    elif c.rates == "zero":
        changes |= {"rates": "flat", "rate": 0.0, "dividend_yield": 0.0}
    elif c.rates == "parity":
        changes |= {"rates": "parity"}
    elif c.rates == "given":
        assert any(value is not None for value in own.given)
        changes |= {"rates": "flat"}
    moved = (chain.with_conventions(**changes) if changes else chain).filter(c.scope)
    book: Any = c.positions
    if book in ("contracts", "weights"):
        assert held is not None
        rows = np.isin(chain["row"], moved["row"])
        book = gex.assign_positions(moved, "contracts", contracts=held.contracts[rows])
    walls = {"side": c.side, "gated": c.gated}
    result = gex.analyze(moved, book, size=c.size, dynamics=c.dynamics, **walls)
    levels = result.levels
    status = {n: getattr(levels, n).status for n in ("zero_gamma", "call_wall", "put_wall")}
    return AcrossRow(
        c, levels.zero_gamma.value, result.exposures.gamma.net, result.exposures.gamma.gross,
        levels.net_gamma[0], levels.call_wall.strike, levels.put_wall.strike, result.regime.kind,
        status,
    )  # fmt: skip


def assert_plain(across: gex.Across, held: gex.Positions | None = None) -> None:
    """Every row bit by bit what `analyze` gives."""
    for row in across.rows:
        assert row == plainly(across.chain, held, row), row.convention


class Contract(NamedTuple):
    day: date
    root: str
    strike: float
    is_call: bool
    interest: int


VOL, SPOT, RATE, YIELD = 0.2, 100.0, 0.05, 0.01
CONTRACTS = [
    Contract(date(2024, 1, day), root, strike, is_call, 20 + int(7 * strike + 13 * day) % 61)
    for day, root in ((5, "XYZ"), (8, "XYZ"), (19, "SPX"), (19, "XYZ"), (26, "XYZ"))
    for strike in (90.0, 95.0, 100.0, 105.0, 110.0)
    for is_call in (True, False)
    if is_call == (strike > 98) or day == 19
] + [Contract(date(2024, 6, 21), "SPX", 104.0, True, 150)]


def small(as_of: Any = "session", **more: Any) -> gex.Chain:
    rates = {"rate": RATE, "dividend_yield": YIELD}
    return gex.Chain.from_arrays(
        spot=SPOT, implied_vol=VOL, as_of=clock.resolve_as_of(PRINTED, as_of),
        strike=[c.strike for c in CONTRACTS], is_call=[c.is_call for c in CONTRACTS],
        open_interest=[c.interest for c in CONTRACTS], root=[c.root for c in CONTRACTS],
        expiry=[c.day for c in CONTRACTS], **{**rates, **more},
    )  # fmt: skip


def years(c: Contract, when: datetime, name: str) -> float:
    """Time to expiry; 0 for what has settled."""
    hour, minute = (9, 30) if c.root == "SPX" else (16, 0)
    settles = datetime(c.day.year, c.day.month, c.day.day, hour, minute, tzinfo=NEW_YORK)
    left = settles.astimezone(UTC) - when.astimezone(UTC)
    if left <= timedelta(0):
        return 0.0
    if name == "settlement":
        return left.total_seconds() / (365 * 86400)
    today, unit, days = when.date(), *name.split("/")
    if unit == "calendar":
        return (c.day - today).days / float(days)
    between = [today + timedelta(i) for i in range((c.day - today).days)]
    return max(sum(day.weekday() < 5 for day in between), 1) / float(days)


class Oracle:
    """The levels of the small book, sums and bisection in plain Python."""

    def __init__(self, convention: Convention) -> None:
        when = SESSION if convention.as_of == "session" else PRINTED
        self.rate, self.carry = {"given": (RATE, YIELD), "zero": (0.0, 0.0)}[convention.rates]
        self.book = [(c, years(c, when, convention.clock)) for c in CONTRACTS]
        self.book = [(c, t) for c, t in self.book if t > 0]
        if convention.scope == "ex-next":
            first = min(self.book, key=lambda pair: pair[1])[0].day
            self.book = [(c, t) for c, t in self.book if c.day != first]
        elif convention.scope == "dte<=90":
            self.book = [(c, t) for c, t in self.book if (c.day - when.date()).days <= 90]
        by_strike: dict[float, list[float]] = {}
        for c, value in zip([c for c, _ in self.book], self.values(SPOT), strict=True):
            sides = by_strike.setdefault(c.strike, [0.0, 0.0])
            sides[not c.is_call] += value
        self.by_strike = by_strike

    def values(self, spot: float) -> list[float]:
        found = []
        for c, t in self.book:
            width = VOL * math.sqrt(t)
            d1 = (math.log(spot / c.strike) + (self.rate - self.carry + VOL**2 / 2) * t) / width
            density = math.exp(-self.carry * t - d1 * d1 / 2) / math.sqrt(2 * math.pi)
            sign = 100 if c.is_call else -100
            found.append(sign * c.interest * density / (spot * width) * spot**2 / 100)
        return found

    def net(self, spot: float = SPOT) -> float:
        return math.fsum(self.values(spot))

    def zero(self) -> float:
        reach = 4 * VOL * math.sqrt(30 / 365)
        grid = [SPOT * math.exp(reach * (i / 100 - 1)) for i in range(201)]
        roots = []
        for low, high in pairwise(grid):
            if (self.net(low) > 0) != (self.net(high) > 0):
                for _ in range(60):
                    middle = (low + high) / 2
                    same = (self.net(low) > 0) == (self.net(middle) > 0)
                    low, high = (middle, high) if same else (low, middle)
                roots.append(low)
        return min(roots, key=lambda root: abs(root - SPOT))

    def walls(self, side: str) -> tuple[float, float]:
        book = self.by_strike
        if side == "gross":
            return max(book, key=lambda k: book[k][0]), min(book, key=lambda k: book[k][1])
        return max(book, key=lambda k: sum(book[k])), min(book, key=lambda k: sum(book[k]))

    def regime(self) -> str:
        net, gross = self.net(), math.fsum(map(abs, self.values(SPOT)))
        away = math.log(SPOT / self.zero()) / (VOL / math.sqrt(252))
        if abs(net) < 0.05 * gross or abs(away) < 0.5:
            return "transition"
        return "long_gamma" if net > 0 else "short_gamma"


def quoted(as_of: str = "session", **conventions: Any) -> gex.Chain:
    chain = gex.synthetic_chain(n=3000)
    when = clock.AsOf(chain.as_of.time, "printed", chain.as_of.time)
    chain = chain.with_conventions(as_of=when)
    return chain.with_conventions(as_of=as_of, **conventions)


def given_times(**more: Any) -> gex.Chain:
    strike = np.repeat(np.arange(80.0, 125.0, 5.0), 2)
    return gex.Chain.from_arrays(
        spot=100.0, strike=strike, is_call=np.arange(18) % 2 == 0, implied_vol=0.2,
        open_interest=np.where(strike > 100, 30, 20) + np.arange(18) % 5,
        time_to_expiry=0.1, **more,
    )  # fmt: skip
