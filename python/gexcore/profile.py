"""Profiles: exposure as a function of spot, every contract re-priced at every spot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import _core
from gexcore.bsm import greek_rows
from gexcore.chain import Chain
from gexcore.coverage import Coverage, cover
from gexcore.errors import ConventionError, InputError, MismatchError, NotComputedError
from gexcore.positions import Positions
from gexcore.results import Result, align, frame, money, number, plain
from gexcore.units import EXPOSURES, Market, unit_of
from gexcore.vols import at_the_money_vol

Float64 = npt.NDArray[np.float64]
DYNAMICS = ("sticky_strike",)
ROUNDING = 1e-13  # of gross: a smaller sum owes its sign to the order of its rows


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Profile(Result):
    """Exposures over ascending `spots`, in the default unit of each greek."""

    chain: Chain
    positions: Positions
    spots: Float64
    values: Mapping[str, Float64]
    coverage: Coverage
    dynamics: str
    at_the_money_vol: float | None  # 30 days
    _weight: Float64
    _prepared: _core.GammaProfile = None  # type: ignore[assignment]  # made of the rest if missing

    def __post_init__(self) -> None:
        for array in (self.spots, *self.values.values()):
            array.flags.writeable = False
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))
        if self._prepared is None:
            object.__setattr__(self, "_prepared", _prepare(self.chain, self._weight))

    def _arguments(self) -> dict[str, Any]:
        return {**Result._arguments(self), "_prepared": None}

    @property
    def manifest(self) -> dict[str, Any]:
        """All conventions of these numbers."""
        return {**self.chain.manifest, **self.positions.manifest, "dynamics": self.dynamics}

    def __getattr__(self, name: str) -> Float64:
        if name not in EXPOSURES:
            raise AttributeError(f"a profile has no {name!r}")
        if name not in self.values:
            which = ", ".join(map(repr, (*self.values, name)))
            raise NotComputedError(
                f"the {name} profile was not computed", hint=f"sweep_profile(which=({which}))"
            )
        return self.values[name]

    def crossings(self) -> list[tuple[float, float, bool]]:
        """Where gamma changes sign: (spot, slope in $ per 1% move per point, upward)."""
        found = self._prepared.crossings(self.spots, self.gamma_above_rounding())
        return [(spot, speed * spot**2 / 100, upward) for spot, speed, upward in found]

    def gamma_above_rounding(self) -> Float64:
        """The gamma profile, with 0 wherever a balanced book leaves nothing but rounding."""
        gamma = self.gamma
        if not gamma.any():
            return gamma
        turns = np.flatnonzero(np.diff(np.signbit(gamma)))
        # rounding shows as turns of sign, or it is everywhere
        deciding = np.unique(np.concatenate([turns, turns + 1, [np.argmax(np.abs(gamma))]]))
        if not self._is_rounding(deciding).any():
            return gamma
        return np.where(self._is_rounding(np.arange(len(gamma))), 0.0, gamma)

    def _is_rounding(self, nodes: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        chain, spots = self.chain, self.spots[nodes]
        gross = _prepare(chain, np.abs(self._weight))
        limit = ROUNDING * gross.evaluate(spots) * (spots**2 / 100)
        return np.asarray(np.abs(self.gamma[nodes]) <= limit)

    def to_dict(self) -> dict[str, Any]:
        """Columns and units."""
        units = {name: unit_of(name).label for name in self.values}
        columns = {name: plain(values) for name, values in self.values.items()}
        return {"spots": plain(self.spots), **columns, "units": units, "dynamics": self.dynamics}

    def to_frame(self) -> Any:
        """A pandas data frame with one row per spot."""
        return frame({"spot": self.spots, **self.values})

    def __repr__(self) -> str:
        ends = f"{number(self.spots[0])} to {number(self.spots[-1])}" if len(self.spots) else "none"
        return f"<Profile {', '.join(self.values)}: {len(self.spots)} spots, {ends}>"

    def __str__(self) -> str:
        last = len(self.spots) - 1
        picks = sorted({round(i * last / 20) for i in range(21)}) if last >= 0 else []
        rows = [
            [number(self.spots[i]), *(money(v[i]) for v in self.values.values())] for i in picks
        ]
        return align(
            [["spot", *(f"{n}, {unit_of(n).label}" for n in self.values)], *rows], right=range(9)
        )


def sweep_profile(
    chain: Chain,
    positions: Positions,
    spots: Any = None,
    which: Iterable[str] = ("gamma",),
    dynamics: str = "sticky_strike",
    threads: int | None = None,
) -> Profile:
    """Re-price the dealers' book at many spots.

    Args:
        chain, positions: the book.
        spots: (m,) ascending prices; default: geometric grid over the search range of zero gamma,
            +- clamp(4 s30 sqrt(30/365), 0.15, 1.5) in log spot with s30 the 30-day at-the-money
            vol, with a step no wider than the narrowest contracts that matter.
        which: exposures to compute: "gamma", "delta", "vanna", "charm", "vega", "speed",
            "zomma", "color". gamma is always among them.
        dynamics: how vols move with spot: "sticky_strike" (every contract keeps its vol).
        threads: as in `bsm.greeks`.

    Returns:
        Profile; forwards move with spot.

    Raises:
        MismatchError: positions of another chain. ConventionError: unknown profile or dynamics.
        InputError: spots that are not positive and ascending.

    Source: docs/definitions.md, section 5.

    Example:
        >>> import gexcore as gex
        >>> chain = gex.synthetic_chain(n=2000)
        >>> profile = sweep_profile(chain, gex.assign_positions(chain), spots=[4900.0, 5100.0])
        >>> profile.gamma.shape
        (2,)
    """
    names = (which,) if isinstance(which, str) else tuple(which)
    _check_names(names, dynamics)
    if positions.chain is not chain:
        raise MismatchError("positions belong to another chain", hint="assign them to this chain")
    coverage, used = cover(chain, positions)
    weight = np.where(used, positions.weight, 0.0)
    prepared = _prepare(chain, weight, threads)
    vol = at_the_money_vol(chain)
    grid = _search_grid(prepared, chain, vol) if spots is None else _given_grid(spots)
    values = {"gamma": prepared.evaluate(grid, threads) * (grid**2 / 100)}
    values.update(_other_profiles(chain, weight, grid, [n for n in names if n != "gamma"], threads))
    return Profile(chain, positions, grid, values, coverage, dynamics, vol, weight, prepared)


def _prepare(chain: Chain, weight: Float64, threads: int | None = None) -> _core.GammaProfile:
    return _core.GammaProfile(
        chain.strike,
        chain.time_to_expiry,
        chain.implied_vol,
        chain.rate,
        chain.dividend_yield,
        weight,
        threads,
    )


def _check_names(names: tuple[str, ...], dynamics: str) -> None:
    for name, known, asked in (("which", EXPOSURES, names), ("dynamics", DYNAMICS, (dynamics,))):
        for item in asked:
            if item not in known:
                raise ConventionError(
                    f"{name}: there is no {item!r}", hint=f"known: {', '.join(known)}"
                )


def _search_grid(prepared: _core.GammaProfile, chain: Chain, vol: float | None) -> Float64:
    """The default spots: wide enough for the market's vol, fine enough for what expires next."""
    reach = float(np.clip(4 * (vol or 0.0) * np.sqrt(30 / 365), 0.15, 1.5))
    return prepared.search_grid(chain.spot, reach)


def _given_grid(spots: Any) -> Float64:
    given, hint = np.asarray(spots), "np.linspace(low, high, n)"
    if given.dtype.kind not in "fiu" and given.size:
        raise InputError(f"spots: {given.dtype} are not prices", hint=hint)
    grid = np.array(given, dtype=np.float64)
    if grid.ndim != 1 or not (np.diff(grid) > 0).all():
        raise InputError("spots: must ascend strictly, in one dimension", hint=hint)
    return grid


def _other_profiles(
    chain: Chain, weight: Float64, spots: Float64, names: list[str], threads: int | None
) -> dict[str, Float64]:
    """Profiles that need the greeks themselves at every spot, in their default units."""
    units = [unit_of(name) for name in names]
    if not units:
        return {}
    which, rows = greek_rows(tuple(sorted({need for unit in units for need in unit.needs})))
    sums = _core.sweep_greeks(
        chain.strike,
        chain.time_to_expiry,
        chain.implied_vol,
        chain.rate,
        chain.dividend_yield,
        chain.is_call,
        weight,
        spots,
        which,
        threads,
    )
    by_name = {name: sums[row] for name, row in rows.items()}
    market = Market(spots, None)
    return {unit.greek: np.asarray(unit.value(by_name, market)) for unit in units}
