"""What a level hangs on: its derivatives in time, vol, rate and open interest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import _core, bsm
from gexcore.chain import Chain
from gexcore.dynamics import VolModel
from gexcore.levels import Levels
from gexcore.positions import Positions
from gexcore.profile import Profile
from gexcore.rates import Rates
from gexcore.results import Result, align, frame, money, number, plain
from gexcore.strikes import StrikeLevel

Float64 = npt.NDArray[np.float64]

DAY, VOL_POINT, RATE_POINT = 1 / 365, 0.01, 0.01
CONTRACTS = 1000.0  # of open interest, in which a contract's pull is measured
_STEP = (
    1e-4  # share of time, vol and rate alike: where vols move with spot derivatives are differences
)


@dataclass(frozen=True, slots=True, repr=False)
class Pull(Result):
    """How far a level moves for 1,000 more contracts of open interest in one contract.

    `of_open_interest` is the move per +100% of what is open there now; it ranks the contracts.
    """

    root: str
    expiry: str
    strike: float
    option_type: str
    per_1000_contracts: float
    of_open_interest: float

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore levels --sensitivities --json`."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __repr__(self) -> str:
        return f"<Pull {self}>"

    def __str__(self) -> str:
        name = f"{self.root} {self.expiry} {number(self.strike)} {self.option_type}".strip()
        return f"{name}: {self.per_1000_contracts:+.3f} per 1,000 contracts"


@dataclass(frozen=True, slots=True, repr=False)
class LevelSensitivity(Result):
    """Derivatives of one level, in points of price, or None with the level's status.

    per_day: as one calendar day passes; per_vol_point: all vols + 0.01; per_rate_point: all rates
    + 0.01, dividend yields kept; `contracts`: the five with the strongest pull. A wall stays where
    it is until another strike overtakes it: its `lead` over the runner-up is in $ per 1% move, and
    the derivatives of a wall are those of its lead.
    """

    name: str
    value: float | None
    status: str
    per_day: float | None = None
    per_vol_point: float | None = None
    per_rate_point: float | None = None
    lead: float | None = None
    contracts: tuple[Pull, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore levels --sensitivities --json`."""
        return {name: plain(getattr(self, name)) for name in self.__slots__ if name != "name"}

    def __repr__(self) -> str:
        return f"<LevelSensitivity {self.name}: {number(self.value)}>"

    def __str__(self) -> str:
        return align([_HEAD, self.row()], right=range(1, 6))

    def row(self) -> list[str]:
        """Cells of a table."""
        cells = (self.per_day, self.per_vol_point, self.per_rate_point)
        if self.value is None:
            return [self.name.replace("_", " "), f"none: {self.status}", *[""] * 4]
        show = _points if self.lead is None else money
        lead = "" if self.lead is None else money(self.lead)
        return [self.name.replace("_", " "), number(self.value), *map(show, cells), lead]


_HEAD = ["level", "value", "per day", "per vol point", "per rate point", "lead, $ per 1%"]


def _points(value: float | None) -> str:
    return "-" if value is None else f"{value:+.3f}"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Sensitivities(Result):
    """Of zero gamma, of every other crossing, and of the leads of walls and pin."""

    levels: Levels
    zero_gamma: LevelSensitivity
    crossings: tuple[LevelSensitivity, ...]
    call_wall: LevelSensitivity
    put_wall: LevelSensitivity
    absolute_gamma_strike: LevelSensitivity

    @property
    def manifest(self) -> dict[str, Any]:
        """All conventions of these numbers."""
        return self.levels.manifest

    def _rows(self) -> tuple[LevelSensitivity, ...]:
        return (self.zero_gamma, self.call_wall, self.put_wall, self.absolute_gamma_strike)

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore levels --sensitivities --json`."""
        found = {each.name: each.to_dict() for each in self._rows()}
        return {**found, "crossings": plain(self.crossings)}

    def to_frame(self, backend: str = "pandas") -> Any:
        """A data frame with one row per level."""
        rows = [{"level": each.name, **each.to_dict()} for each in self._rows()]
        names = [name for name in rows[0] if name != "contracts"]
        return frame({name: [row[name] for row in rows] for name in names}, backend)

    def __repr__(self) -> str:
        return f"<Sensitivities of {self.levels!r}>"

    def __str__(self) -> str:
        table = align([_HEAD, *(each.row() for each in self._rows())], right=range(1, 6))
        pulls = [f"  {pull}" for pull in self.zero_gamma.contracts]
        return "\n".join([table, *(["zero gamma moves most with"] if pulls else []), *pulls])


@dataclass(frozen=True, slots=True)
class _Partials:
    """Sums and single rows of d gamma / d something at one spot, shares per point."""

    gamma: Float64  # one per contract, unweighted
    day: Float64
    vol: Float64
    rate: Float64


def _partials(profile: Profile, spot: float) -> _Partials:
    """Row by row from the greeks: d gamma / d r = T (S speed + gamma)."""
    chain = profile.chain
    g = bsm.greeks(
        spot, chain.strike, chain.time_to_expiry, chain.implied_vol, chain.rate,
        chain.dividend_yield, chain.is_call, which=("gamma", "speed", "zomma", "color"),
    )  # fmt: skip
    by_rate = chain.time_to_expiry * (spot * g.speed + g.gamma)
    return _Partials(g.gamma, g.color * DAY, g.zomma * VOL_POINT, by_rate * RATE_POINT)


def _moving_partials(profile: Profile, model: VolModel, spot: float) -> _Partials:
    """The same of effective gamma, by central differences: the chain a little later, and so on."""
    chain = profile.chain

    def effective(moved: Chain) -> Float64:
        vol, slope = VolModel(moved, model.dynamics).vols_at(spot)
        g = bsm.greeks(
            spot, moved.strike, moved.time_to_expiry, vol, moved.rate, moved.dividend_yield,
            moved.is_call, which=("gamma", "vanna"),
        )  # fmt: skip
        return np.asarray(g.gamma + g.vanna * slope)

    def slope_in(shift: Callable[[float], Chain]) -> Float64:
        near, far = (effective(shift(h)) - effective(shift(-h)) for h in (_STEP, 2 * _STEP))
        return np.asarray((8 * near - far) / (12 * _STEP))

    def at_rate(h: float) -> Chain:
        rates = Rates(chain.rate + h, chain.dividend_yield, chain.rates.source)
        return chain._replace(rates=rates)

    # what is not used may have no time or no vol
    time, vol = np.where(profile.weight != 0, chain.time_to_expiry, 1.0), chain.implied_vol
    return _Partials(
        effective(chain),
        -slope_in(lambda h: chain._replace(time_to_expiry=time * (1 + h))) / time * DAY,
        slope_in(lambda h: chain._replace(implied_vol=vol + h)) * VOL_POINT,
        slope_in(at_rate) * RATE_POINT,
    )


def compute_sensitivities(levels: Levels) -> Sensitivities:
    """Differentiate levels by the implicit function theorem.

    Args:
        levels: of a book; where vols move with spot the same is done for effective gamma, by
            central differences.

    Returns:
        Sensitivities: where net gamma G(S, p) is zero, d S / d p = -(d G / d p) / (d G / d S),
        with the sums of color, zomma and speed over the book at the crossing.

    Raises:
        AttributeError: not Levels.

    Source: docs/levels.md.

    Example:
        >>> import gexcore as gex
        >>> found = compute_sensitivities(gex.analyze(gex.synthetic_chain()).levels)
        >>> len(found.zero_gamma.contracts)
        5
    """
    crossings = tuple(
        _crossing_sensitivity(levels.profile, crossing.spot)
        for crossing in levels.zero_gamma.crossings
    )
    zero = levels.zero_gamma
    head = next((each for each in crossings if each.value == zero.value), None)
    at_spot = _partials_of(levels.profile, levels.exposures.chain.spot)
    walls = {
        name: _lead_sensitivity(levels, name, at_spot)
        for name in ("call_wall", "put_wall", "absolute_gamma_strike")
    }
    none = LevelSensitivity("zero_gamma", None, zero.status)
    return Sensitivities(levels, head or none, crossings, **walls)


def _partials_of(profile: Profile, spot: float) -> _Partials:
    model = profile.model
    return _partials(profile, spot) if model is None else _moving_partials(profile, model, spot)


def _crossing_sensitivity(profile: Profile, spot: float) -> LevelSensitivity:
    rows, weight = _partials_of(profile, spot), profile.weight
    slope = profile.speed_at(spot)

    def moves(each: Float64) -> float:
        return -_core.sum(np.where(weight != 0.0, weight * each, 0.0)) / slope

    return LevelSensitivity(
        "zero_gamma", spot, "found", moves(rows.day), moves(rows.vol), moves(rows.rate),
        contracts=_pulls(profile, rows.gamma, slope),
    )  # fmt: skip


def _pulls(profile: Profile, gamma: Float64, slope: float) -> tuple[Pull, ...]:
    chain, positions, weight = profile.chain, profile.positions, profile.weight
    each = np.where(weight != 0.0, -weight * gamma / slope, 0.0)  # per +100%
    order = np.argsort(-np.abs(each), kind="stable")[:5]
    size = _sizes(positions)
    return tuple(
        Pull(
            "" if chain.root is None else str(chain.root[i]),
            "" if chain.expiry is None else str(chain.expiry[i]),
            float(chain.strike[i]),
            "C" if chain.is_call[i] else "P",
            float(each[i] / size[i] * CONTRACTS),
            float(each[i]),
        )
        for i in order
        if each[i] != 0.0
    )


def _sizes(positions: Positions) -> Float64:
    """Open interest (or volume) that positions were sized by; their own size where given."""
    if positions.size == "contracts":
        return np.abs(positions.contracts)
    return np.asarray(positions.chain[positions.size])


def _lead_sensitivity(levels: Levels, name: str, rows: _Partials) -> LevelSensitivity:
    """Derivatives of |value| of a wall less that of its runner-up, $ per 1% move."""
    level: StrikeLevel = getattr(levels, name)
    if level.strike is None:
        return LevelSensitivity(name, None, level.status)
    if level.runner_up is None:
        return LevelSensitivity(name, level.strike, "no_runner_up")
    chain, weight = levels.exposures.chain, levels.profile.weight
    unit = chain.spot**2 / 100
    mask, sign = _counted(levels, name), -1.0 if name == "put_wall" else 1.0
    absolute = name == "absolute_gamma_strike"

    def lead(each: Float64) -> float:
        value = np.where(mask & (weight != 0.0), weight * each, 0.0) * unit
        value = value * np.sign(weight) if absolute else sign * value
        at = [float(value[chain.strike == k].sum()) for k in (level.strike, level.runner_up)]
        return at[0] - at[1]

    return LevelSensitivity(
        name, level.strike, "found", lead(rows.day), lead(rows.vol), lead(rows.rate),
        lead=lead(rows.gamma),
    )  # fmt: skip


def _counted(levels: Levels, name: str) -> npt.NDArray[np.bool_]:
    """The rows whose gamma makes up a wall: all of a strike, or one side of it."""
    calls = levels.exposures.chain.is_call
    if levels.side == "net" or name == "absolute_gamma_strike":
        return np.ones(len(calls), np.bool_)
    return calls if name == "call_wall" else ~calls
