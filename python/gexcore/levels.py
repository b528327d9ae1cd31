"""Levels: zero gamma, call wall, put wall, absolute gamma strike. Never a fabricated number."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gexcore.certificate import Certificate
from gexcore.certificate import certify as certify_crossings
from gexcore.coverage import Coverage
from gexcore.errors import ConventionError, MismatchError
from gexcore.expiries import Expiries, compute_expiries
from gexcore.exposures import Exposures
from gexcore.positions import out_of_the_money
from gexcore.profile import Profile
from gexcore.results import Result, align, money, number, plain
from gexcore.strikes import StrikeLevel, StrikeSums

SIDES = ("net", "gross")
DIRECTIONS = ("long_to_short", "short_to_long")  # of a crossing, by upward


@dataclass(frozen=True, slots=True)
class Crossing:
    """A spot where re-priced net gamma changes sign; slope in $ per 1% move per point.

    `error` bounds the distance from the true crossing where it was not polished, else None.
    """

    spot: float
    direction: str  # "short_to_long" when crossing upward, "long_to_short"
    slope: float
    error: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore levels --json`; `error` only where it is known."""
        found = {"spot": self.spot, "direction": self.direction, "slope": self.slope}
        return found if self.error is None else {**found, "error": self.error}


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


@dataclass(frozen=True, slots=True)
class Driver:
    """A contract that drives net gamma: its value in $ per 1% move and share of gross."""

    root: str
    expiry: str
    strike: float
    option_type: str
    value: float
    share: float

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore levels --json`."""
        return asdict(self)


@dataclass(frozen=True, repr=False, eq=False)
class Levels(Result):
    """Landmarks on the gamma exposure of `exposures` and on its `profile` over spot.

    Strike levels are `StrikeLevel`s; `side` and `gated` say how the walls were chosen.
    """

    exposures: Exposures
    profile: Profile
    side: str
    gated: bool
    zero_gamma: ZeroGamma
    call_wall: StrikeLevel
    put_wall: StrikeLevel
    absolute_gamma_strike: StrikeLevel
    hvl: StrikeLevel
    key_delta_strike: StrikeLevel
    top_positive: tuple[tuple[float, float], ...]
    top_negative: tuple[tuple[float, float], ...]
    cumulative_gamma_crossing: float | None
    certificate: Certificate | None = None

    STRIKES = ("call_wall", "put_wall", "absolute_gamma_strike", "hvl", "key_delta_strike")

    @property
    def coverage(self) -> Coverage:
        """Rows read, used and dropped by reason."""
        return self.exposures.coverage

    @property
    def manifest(self) -> dict[str, Any]:
        """All conventions of these numbers."""
        walls = {"wall_side": self.side, "wall_gated": self.gated}
        return {**self.exposures.manifest, **walls, "dynamics": self.profile.dynamics}

    @cached_property
    def net_gamma(self) -> tuple[float, float]:
        """Net and gross at the chain's spot, $ per 1% move; effective where vols move."""
        gamma = self.exposures.gamma
        return self.profile.net_at_spot() if self.profile.vols_move else (gamma.net, gamma.gross)

    @property
    def at_the_money_vol(self) -> float | None:
        """30 days ahead, decimal."""
        return self.profile.at_the_money_vol

    @cached_property
    def expiries(self) -> Expiries:
        """Forward, vol, expected move, skew and max pain of each expiration."""
        return compute_expiries(self.exposures.chain)

    @property
    def skew(self) -> float | None:
        """25-delta put vol - call vol, 30 days ahead."""
        return self.expiries.at(self.expiries.skew)

    @property
    def profile_peak(self) -> tuple[float, float] | None:
        """(spot, $ per 1% move) where dealers would be longest on the searched grid."""
        return self._profile_at(np.argmax)

    @property
    def profile_trough(self) -> tuple[float, float] | None:
        """(spot, $ per 1% move) where dealers would be shortest on the searched grid."""
        return self._profile_at(np.argmin)

    def _profile_at(self, pick: Any) -> tuple[float, float] | None:
        gamma = self.profile.gamma
        if not gamma.any():
            return None
        row = int(pick(gamma))
        return float(self.profile.spots[row]), float(gamma[row])

    @cached_property
    def drivers(self) -> tuple[Driver, ...]:
        """The ten contracts that drive net gamma most."""
        gamma = self.exposures.gamma
        chain, values = gamma.chain, gamma.values
        size = np.abs(values)
        least = np.partition(size, -10)[-10] if len(size) > 10 else 0.0
        rows = np.flatnonzero(size >= least)  # few: sorting all of them would cost a millisecond
        rows = rows[np.argsort(-size[rows], kind="stable")][:10]
        return tuple(
            Driver(
                "" if chain.root is None else str(chain.root[i]),
                "" if chain.expiry is None else str(chain.expiry[i]),
                float(chain.strike[i]),
                "C" if chain.is_call[i] else "P",
                float(values[i]),
                float(abs(values[i]) / gamma.gross),
            )
            for i in rows
            if values[i] != 0.0
        )

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore levels --json`; `missing` says why a strike level is null."""
        found = {name: getattr(self, name) for name in self.STRIKES}
        return {
            "zero_gamma": self.zero_gamma.to_dict(),
            "certificate": plain(self.certificate),
            **{name: level.to_dict() for name, level in found.items()},
            "missing": {n: level.status for n, level in found.items() if level.strike is None},
            "wall_side": self.side,
            "wall_gated": self.gated,
            "top_positive": [{"strike": k, "value": v} for k, v in self.top_positive],
            "top_negative": [{"strike": k, "value": v} for k, v in self.top_negative],
            "cumulative_gamma_crossing": self.cumulative_gamma_crossing,
            "profile_peak": _spot_value(self.profile_peak),
            "profile_trough": _spot_value(self.profile_trough),
            "at_the_money_vol": self.at_the_money_vol,
            "skew": self.skew,
            "drivers": plain(self.drivers),
            "expiries": self.expiries.to_dict(),
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
        if self.certificate is not None:
            table.append(["certificate", *self.certificate.summary()])
        for name in self.STRIKES:
            table.append(_strike_row(name, getattr(self, name)))
        return table


def _strike_row(name: str, level: StrikeLevel) -> list[str]:
    label = "high-volatility level" if name == "hvl" else name.replace("_", " ")
    if level.strike is None:
        return [label, str(level), ""]
    value, share = money(level.value), f"{level.share:.1%} of gross"
    if name == "hvl":
        return [label, number(level.strike), f"{value} $ per 1% up to here"]
    unit = "$ of delta" if name == "key_delta_strike" else "$ per 1%"
    return [label, number(level.strike), f"{value} {unit}, {share}" + ", weak" * bool(level.weak)]


def _spot_value(point: tuple[float, float] | None) -> dict[str, float] | None:
    return None if point is None else {"spot": point[0], "value": point[1]}


def find_levels(
    exposures: Exposures,
    profile: Profile,
    side: str = "net",
    gated: bool = False,
    certify: bool = False,
    polish: bool = True,
) -> Levels:
    """Find the levels of a book.

    Args:
        exposures, profile: of the same chain and positions; gamma in both.
        side: walls by "net" gamma of a strike, or by "gross": call gamma alone for the call wall,
            put gamma alone for the put wall.
        gated: only strikes at or above spot can be the call wall, at or below spot the put wall.
        certify: prove that `zero_gamma.crossings` are all there are from the first to the last
            spot of the profile: `certificate` has the cover by intervals, and crossings between
            two spots of the profile are found too. Costs about 1 ms for 20,000 contracts. Not
            for profiles whose vols move with spot.
        polish: False leaves crossings where the cubic between two spots of the profile has them,
            each with a bound of its `error`; cheaper, and what a live book follows. What is
            certified is polished.

    Returns:
        Levels: `zero_gamma` has all crossings on the profile's range, polished to a relative
        1e-10; the walls are the strikes with the largest positive and the most negative gamma over
        all expirations; the absolute gamma strike has the largest gamma without netting. Ties go
        to the strike nearest spot. See docs/definitions.md for the others.

    Raises:
        MismatchError: exposures and profile belong to different chains or positions.
        ConventionError: no such side; certify with vols that move.

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
    if side not in SIDES:
        raise ConventionError(f"side: there is no {side!r}", hint=f"sides: {', '.join(SIDES)}")
    sums = StrikeSums.of(exposures.gamma)
    up, down = (sums.net, -sums.net) if side == "net" else (np.abs(sums.calls), np.abs(sums.puts))
    call, put = (sums.net, sums.net) if side == "net" else (sums.calls, sums.puts)
    above, below = (sums.strikes >= sums.spot, sums.strikes <= sums.spot) if gated else (None, None)
    crossings = sums.cumulative_crossings()
    zero_gamma, certificate = _zero_gamma(profile, sums.spot, certify, polish or certify)
    return Levels(
        exposures,
        profile,
        side,
        gated,
        zero_gamma=zero_gamma,
        call_wall=sums.peak(up, "no_positive_strike", call, above),
        put_wall=sums.peak(down, "no_negative_strike", put, below),
        absolute_gamma_strike=sums.peak(sums.gross, "no_exposure"),
        hvl=sums.lowest_cumulative(),
        key_delta_strike=_key_delta_strike(exposures),
        top_positive=sums.largest(1),
        top_negative=sums.largest(-1),
        cumulative_gamma_crossing=min(crossings, key=lambda k: abs(k - sums.spot), default=None),
        certificate=certificate,
    )


def _key_delta_strike(exposures: Exposures) -> StrikeLevel:
    """Out-of-the-money rows only: the strike with the largest net delta of either sign."""
    if "delta" not in exposures.greeks:
        return StrikeLevel(None, None, None, "delta_not_computed")
    sums = StrikeSums.of(exposures.delta, out_of_the_money(exposures.chain))
    return sums.peak(np.abs(sums.net), "no_exposure", sums.net)


def _zero_gamma(
    profile: Profile, spot: float, certified: bool, polish: bool
) -> tuple[ZeroGamma, Certificate | None]:
    gamma = profile.gamma_above_rounding()
    signs = np.sign(gamma[gamma != 0.0][:1]).tolist()
    found, certificate = profile.crossings(polish) if signs else [], None
    if certified and len(gamma):
        certificate, proved = certify_crossings(profile, [each[:3] for each in found])
        found = [(*each, 0.0) for each in proved]
        signs = signs or certificate.signs
    if not signs:
        nothing = Certificate("no_exposure", (), None, 0) if certified else None
        return ZeroGamma(None, "no_exposure", (), None), nothing
    searched = (float(profile.spots[0]), float(profile.spots[-1]))
    crossings = tuple(
        Crossing(root, DIRECTIONS[upward], slope, None if polish else error)
        for root, slope, upward, error in found
    )
    if crossings:
        nearest = min(crossings, key=lambda c: abs(c.spot - spot))
        return ZeroGamma(nearest.spot, "found", crossings, searched), certificate
    status = "always_long" if signs[0] > 0 else "always_short"
    return ZeroGamma(None, status, (), searched), certificate
