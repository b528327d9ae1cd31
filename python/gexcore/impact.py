"""What hedging does to price if trades move it linearly: run-away, and the pull of a strike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gexcore import _core, bsm
from gexcore.levels import Levels
from gexcore.results import Result, number

SQUEEZE = 2.0  # feedback multiplier from which a squeeze is flagged
PIN = 0.25  # share of a standard deviation that the pull closes, from which a pin is flagged


def feedback(net: float, adv: float, kappa: float) -> float:
    """Multiplier of realised vol, 1 / (1 + 100 I GEX) with I = kappa / adv; infinite at run-away.

    Example:
        >>> feedback(0.0, 1e9, 0.1), feedback(-2e8, 1e9, 0.1)
        (1.0, inf)
    """
    impact = kappa * net / adv
    return 1 / (1 + 100 * impact) if impact > -0.01 else math.inf


def squeeze_threshold(adv: float, kappa: float) -> float:
    """Net gamma, $ per 1% move, at which hedging runs away: -adv / (100 kappa)."""
    return -adv / (100 * kappa)


def worst_within_a_day(levels: Levels) -> tuple[float, float]:
    """Spot and net gamma where dealers are shortest within one daily deviation of spot."""
    chain, net = levels.exposures.chain, levels.net_gamma[0]
    day = (levels.at_the_money_vol or 0.0) / math.sqrt(252)
    spots, gamma = levels.profile.spots, levels.profile.hedged_gamma
    near = np.abs(np.log(spots / chain.spot)) <= day
    if not near.any() or gamma[near].min() >= net:
        return chain.spot, net
    row = int(np.flatnonzero(near)[np.argmin(gamma[near])])
    return float(spots[row]), float(gamma[row])


def pinning_drift(levels: Levels, impact: float, spot: float | None = None) -> float:
    """Drift of price per year that hedging the passage of time causes: -I S sum q M charm.

    Args:
        levels: of the book; all its contracts hedge.
        impact: I, fractional move of price per dollar traded.
        spot: where; default the chain's spot.

    Example:
        >>> import gexcore as gex
        >>> pinning_drift(gex.analyze(gex.synthetic_chain(n=2000)).levels, 0.0)
        0.0
    """
    at = levels.exposures.chain.spot if spot is None else spot
    return 0.0 - impact * at * _charm(levels, levels.profile.weight, at)


def _charm(levels: Levels, weight: Any, spot: float) -> float:
    chain = levels.exposures.chain
    each = bsm.greeks(
        spot, chain.strike, chain.time_to_expiry, chain.implied_vol, chain.rate,
        chain.dividend_yield, chain.is_call, which="charm",
    ).charm  # fmt: skip
    return _core.sum(np.where(weight != 0.0, weight * each, 0.0))


@dataclass(frozen=True, slots=True, repr=False)
class Pin(Result):
    """How strongly hedging pulls price to the absolute gamma strike until the next settlement.

    `score`: from one standard deviation away on either side, the share of that deviation which
    today's drift would close by then, mean of both sides; negative = pushes away (dealers short).
    `deviations`: where spot is, from the strike; `drift`: per year, at spot, of these contracts.
    None where impact (adv and kappa) is not given.
    """

    strike: float | None
    status: str
    settles: str = ""
    contracts: int = 0
    deviations: float | None = None
    drift: float | None = None
    score: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore levels --json`."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __repr__(self) -> str:
        return f"<Pin {self}>"

    def __str__(self) -> str:
        if self.strike is None:
            return f"none: {self.status.replace('_', ' ')}"
        where = f"{number(self.strike)}, {self.settles or 'next settlement'}"
        pull = "" if self.score is None else f", pull {self.score:+.0%} of a deviation"
        return f"{where}: spot {self.deviations:+.1f} deviations away{pull}"


def compute_pin(levels: Levels, adv: float | None = None, kappa: float | None = None) -> Pin:
    """Measure the pull of the absolute gamma strike.

    Args:
        levels: of the book.
        adv, kappa: as in `classify_regime`; impact I = kappa / adv.

    Returns:
        Pin: the drift of Avellaneda and Lipkin under linear impact, of the contracts at that
        strike that settle next.

    Source: M. Avellaneda, M. Lipkin, A market-induced mechanism for stock pinning, 2003;
    docs/definitions.md, section 7.

    Example:
        >>> import gexcore as gex
        >>> compute_pin(gex.analyze(gex.synthetic_chain()).levels).score is None
        True
    """
    level, chain = levels.absolute_gamma_strike, levels.exposures.chain
    if level.strike is None:
        return Pin(None, level.status)
    held = (levels.profile.weight != 0.0) & (chain.strike == level.strike)
    years = np.where(held, chain.time_to_expiry, np.inf)
    first = held & (years == years.min())
    size = np.abs(levels.profile.weight[first])
    vol = float(np.average(chain.implied_vol[first], weights=size))
    time = float(years.min())
    deviation = vol * math.sqrt(time)
    row = int(np.flatnonzero(first)[0])
    parts = [column[row] for column in (chain.root, chain.expiry) if column is not None]
    away = math.log(chain.spot / level.strike) / deviation
    drift = score = None
    if adv is not None and kappa is not None:
        weight = np.where(first, levels.profile.weight, 0.0)

        def pull(spot: float) -> float:
            return -(kappa / adv) * spot * _charm(levels, weight, spot)

        ends = [level.strike * math.exp(side * deviation) for side in (-1, 1)]
        score = (pull(ends[0]) - pull(ends[1])) / 2 * time / deviation
        drift = pull(chain.spot)
    settles = " ".join(str(part) for part in parts)
    return Pin(level.strike, "found", settles, int(first.sum()), away, drift, score)
