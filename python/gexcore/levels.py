"""Levels: zero gamma, call wall, put wall, absolute gamma strike. Never a fabricated number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.errors import MismatchError
from gexcore.exposures import ByKey, Exposures
from gexcore.profile import ROUNDING, Profile
from gexcore.results import Result, align, money, number, plain

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Crossing:
    """A spot where re-priced net gamma changes sign; slope in $ per 1% move per point."""

    spot: float
    direction: str  # "short_to_long" when crossing upward, "long_to_short"
    slope: float

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore levels --json`."""
        return {"spot": self.spot, "direction": self.direction, "slope": self.slope}


@dataclass(frozen=True, slots=True, repr=False)
class ZeroGamma(Result):
    """Where dealers flip: the crossing nearest spot, or None and why.

    status: "found", "always_long", "always_short" (on `searched`), or "no_exposure".
    """

    value: float | None
    status: str
    crossings: tuple[Crossing, ...]
    searched: tuple[float, float] | None

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore levels --json`."""
        return {
            "value": self.value,
            "status": self.status,
            "crossings": plain(self.crossings),
            "searched": plain(self.searched),
        }

    def __repr__(self) -> str:
        return f"<ZeroGamma {number(self.value)}, {self.status}, {len(self.crossings)} crossings>"

    def __str__(self) -> str:
        if self.value is not None:
            return number(self.value)
        where = (
            f" from {number(self.searched[0])} to {number(self.searched[1])}"
            if self.searched
            else ""
        )
        return f"none: {self.status.replace('_', ' ')}{where}"


@dataclass(frozen=True, slots=True, repr=False)
class StrikeLevel(Result):
    """A strike that stands out, its gamma in $ per 1% move and its share of gross gamma.

    Where no strike qualifies, `strike`, `value` and `share` are None and `status` says why.
    """

    strike: float | None
    value: float | None
    share: float | None
    status: str = "found"

    def to_dict(self) -> dict[str, Any] | None:  # type: ignore[override]
        """As in `gexcore levels --json`: null where the level does not exist."""
        if self.strike is None:
            return None
        return {"strike": self.strike, "value": self.value, "share": self.share}

    def __repr__(self) -> str:
        return f"<StrikeLevel {self}>"

    def __str__(self) -> str:
        if self.strike is None:
            return f"none: {self.status.replace('_', ' ')}"
        return f"{number(self.strike)} ({money(self.value)}, {self.share:.1%} of gross)"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Levels(Result):
    """Landmarks on the gamma exposure of `exposures` and on its `profile` over spot."""

    exposures: Exposures
    profile: Profile
    zero_gamma: ZeroGamma
    call_wall: StrikeLevel
    put_wall: StrikeLevel
    absolute_gamma_strike: StrikeLevel
    at_the_money_vol: float | None  # 30 days, decimal

    STRIKES = ("call_wall", "put_wall", "absolute_gamma_strike")

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore levels --json`; `missing` says why a strike level is null."""
        found = {name: getattr(self, name) for name in self.STRIKES}
        return {
            "zero_gamma": self.zero_gamma.to_dict(),
            **{name: level.to_dict() for name, level in found.items()},
            "missing": {
                name: level.status for name, level in found.items() if level.strike is None
            },
            "at_the_money_vol": self.at_the_money_vol,
        }

    def __repr__(self) -> str:
        return f"<Levels zero gamma {self.zero_gamma}, walls {self.put_wall} / {self.call_wall}>"

    def __str__(self) -> str:
        return align(self.rows())

    def rows(self) -> list[list[str]]:
        """Label, level and remark of each level, for tables."""
        zero, table = self.zero_gamma, []
        others = [c for c in zero.crossings if c.spot != zero.value]
        head = next((c for c in zero.crossings if c.spot == zero.value), None)
        remark = head.direction.replace("_", " ") if head else ""
        if others:
            remark += f"; also {', '.join(number(c.spot) for c in others[:4])}"
            remark += f" and {len(others) - 4} more" if len(others) > 4 else ""
        table.append(["zero gamma", str(zero), remark])
        for name in self.STRIKES:
            level = getattr(self, name)
            label = name.replace("_", " ")
            if level.strike is None:
                table.append([label, str(level), ""])
            else:
                remark = f"{money(level.value)} per 1%, {level.share:.1%} of gross"
                table.append([label, number(level.strike), remark])
        return table


def find_levels(exposures: Exposures, profile: Profile) -> Levels:
    """Find the levels of a book.

    Args:
        exposures, profile: of the same chain and positions; gamma in both.

    Returns:
        Levels: `zero_gamma` has all crossings on the profile's range, polished to a relative
        1e-10; the walls are the strikes with the largest positive and the most negative net
        gamma over all expirations; the absolute gamma strike has the largest gamma without
        netting. Ties go to the strike nearest spot.

    Raises:
        MismatchError: exposures and profile belong to different chains or positions.

    Source: docs/definitions.md, section 6.

    Example:
        >>> import gexcore as gex
        >>> levels = gex.analyze(gex.synthetic_chain()).levels
        >>> levels.put_wall.strike < levels.call_wall.strike
        True
    """
    if profile.chain is not exposures.chain or profile.positions is not exposures.positions:
        raise MismatchError(
            "exposures and profile belong to different chains or positions",
            hint="compute both from the same chain and positions",
        )
    spot = exposures.chain.spot
    by_strike = exposures.gamma.by("strike")
    gross = exposures.gamma.gross
    return Levels(
        exposures,
        profile,
        _zero_gamma(profile, spot),
        _peak(by_strike, by_strike.values, spot, gross, "no_positive_strike"),
        _peak(by_strike, -by_strike.values, spot, gross, "no_negative_strike"),
        _peak(by_strike, by_strike.gross, spot, gross, "no_exposure", by_strike.gross),
        profile.at_the_money_vol,
    )


def _zero_gamma(profile: Profile, spot: float) -> ZeroGamma:
    gamma = profile.gamma_above_rounding()
    if not gamma.any():
        return ZeroGamma(None, "no_exposure", (), None)
    searched = (float(profile.spots[0]), float(profile.spots[-1]))
    crossings = tuple(
        Crossing(root, "short_to_long" if upward else "long_to_short", slope)
        for root, slope, upward in profile.crossings()
    )
    if crossings:
        nearest = min(crossings, key=lambda c: abs(c.spot - spot))
        return ZeroGamma(nearest.spot, "found", crossings, searched)
    status = "always_long" if gamma[np.flatnonzero(gamma)[0]] > 0 else "always_short"
    return ZeroGamma(None, status, (), searched)


def _peak(
    by_strike: ByKey,
    height: Float64,
    spot: float,
    gross: float,
    why: str,
    values: Float64 | None = None,
) -> StrikeLevel:
    """The strike where `height` is largest, if positive; `values` is what to report there."""
    if not len(by_strike) or not height.max() > ROUNDING * gross:
        return StrikeLevel(None, None, None, why if gross else "no_exposure")
    ties = np.flatnonzero(height == height.max())
    row = ties[np.argmin(np.abs(by_strike.keys[ties] - spot))]
    value = float((by_strike.values if values is None else values)[row])
    return StrikeLevel(float(by_strike.keys[row]), value, abs(value) / gross)
