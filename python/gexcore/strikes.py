"""Levels that are strikes: sums of an exposure by strike, and the strike that stands out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import _core
from gexcore.exposures import Exposure
from gexcore.profile import ROUNDING
from gexcore.results import Result, money, number

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

WEAK_SHARE = 0.005  # of gross: a wall below this is named weak


@dataclass(frozen=True, slots=True, repr=False)
class StrikeLevel(Result):
    """A strike that stands out, with its exposure in $ and its share of the gross exposure.

    `runner_up` is the second-best strike and `margin` how far it stays behind, as a share of the
    value; `weak` marks a share below 0.5%. Where no strike qualifies all are None and `status`
    says why.
    """

    strike: float | None
    value: float | None
    share: float | None
    status: str = "found"
    runner_up: float | None = None
    margin: float | None = None

    @property
    def weak(self) -> bool | None:
        """Share of gross below 0.5%; None if the level does not exist."""
        return None if self.share is None else self.share < WEAK_SHARE

    def to_dict(self) -> dict[str, Any] | None:  # type: ignore[override]
        """As in `gexcore levels --json`: null where the level does not exist."""
        if self.strike is None:
            return None
        return {
            "strike": self.strike,
            "value": self.value,
            "share": self.share,
            "runner_up": self.runner_up,
            "margin": self.margin,
            "weak": self.weak,
        }

    def __repr__(self) -> str:
        return f"<StrikeLevel {self}>"

    def __str__(self) -> str:
        if self.strike is None:
            return f"none: {self.status.replace('_', ' ')}"
        return f"{number(self.strike)} ({money(self.value)}, {self.share:.1%} of gross)"


@dataclass(frozen=True, slots=True, eq=False)
class StrikeSums:
    """An exposure by strike, ascending, over all expirations; strikes of used contracts only."""

    strikes: Float64
    net: Float64
    gross: Float64
    calls: Float64  # signed sums of one side
    puts: Float64
    spot: float
    total_gross: float

    @classmethod
    def of(cls, exposure: Exposure, rows: Bool | None = None) -> StrikeSums:
        """Sum an exposure by strike, over `rows` if given."""
        chain = exposure.chain
        codes, strikes = chain.codes("strike")
        used = exposure.used if rows is None else exposure.used & rows
        held = np.bincount(codes[used], minlength=len(strikes)) > 0

        def total(values: Float64, mask: Bool) -> Float64:
            return _core.sum_by(np.where(mask, values, 0.0), codes, len(strikes))[held]

        values, calls = exposure.values, chain.is_call
        return cls(
            strikes[held],
            total(values, used),
            total(np.abs(values), used),
            total(values, used & calls),
            total(values, used & ~calls),
            chain.spot,
            exposure.gross,
        )

    def peak(
        self, height: Float64, why: str, value: Float64 | None = None, among: Bool | None = None
    ) -> StrikeLevel:
        """The strike where `height` is largest, if above rounding; ties go to the nearest spot.

        Args:
            height: what is compared, one per strike.
            why: status if no strike qualifies.
            value: what is reported there; `height` if not given.
            among: candidates; all if not given.
        """
        rows = np.arange(len(self.strikes)) if among is None else np.flatnonzero(among)
        rows = rows[height[rows] > ROUNDING * self.total_gross]
        if not len(rows):
            return StrikeLevel(None, None, None, why if self.total_gross else "no_exposure")
        order = rows[np.lexsort((np.abs(self.strikes[rows] - self.spot), -height[rows]))]
        best = order[0]
        reported = float((height if value is None else value)[best])
        second = order[1] if len(order) > 1 else None
        return StrikeLevel(
            float(self.strikes[best]),
            reported,
            abs(reported) / self.total_gross,
            runner_up=None if second is None else float(self.strikes[second]),
            margin=None if second is None else float(1 - height[second] / height[best]),
        )

    def lowest_cumulative(self) -> StrikeLevel:
        """High-volatility level: where net exposure, added up from the lowest strike, is lowest."""
        if not self.total_gross:
            return StrikeLevel(None, None, None, "no_exposure")
        cumulative = np.cumsum(self.net)
        row = int(np.argmin(cumulative))
        if row in (0, len(cumulative) - 1):
            return StrikeLevel(None, None, None, "at_end_strike")
        value = float(cumulative[row])
        return StrikeLevel(float(self.strikes[row]), value, abs(value) / self.total_gross)

    def cumulative_crossings(self) -> list[float]:
        """Strikes where net exposure, added up from the lowest strike, changes sign."""
        cumulative = np.cumsum(self.net)
        rows = np.flatnonzero(np.abs(cumulative) > ROUNDING * self.total_gross)
        turns = np.flatnonzero(np.diff(np.signbit(cumulative[rows]))) + 1
        return [float(strike) for strike in self.strikes[rows[turns]]]

    def largest(self, sign: int, count: int = 5) -> tuple[tuple[float, float], ...]:
        """The strikes with the largest net exposure of a sign, as (strike, value)."""
        order = np.argsort(-sign * self.net, kind="stable")[:count]
        return tuple(
            (float(self.strikes[i]), float(self.net[i])) for i in order if sign * self.net[i] > 0
        )
