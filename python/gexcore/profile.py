"""Profiles: exposure as a function of spot, every contract re-priced at every spot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import _core, bsm
from gexcore.bsm import greek_rows
from gexcore.chain import Chain
from gexcore.coverage import Coverage, cover
from gexcore.dynamics import Dynamics, VolModel
from gexcore.errors import ConventionError, InputError, MismatchError, NotComputedError
from gexcore.positions import Positions
from gexcore.results import Result, align, frame, money, number, plain
from gexcore.roots import find_root, slope_at
from gexcore.smiles import Smiles
from gexcore.units import EXPOSURES, Market, unit_of
from gexcore.vols import at_the_money_vol

Float64 = npt.NDArray[np.float64]
FINE = 801  # spots of a drawn window
ROUNDING = 1e-13  # of gross: a smaller sum owes its sign to the order of its rows


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Profile(Result):
    """Exposures over ascending `spots`, in the default unit of each greek.

    Where vols move with spot `effective_gamma` is the whole derivative of delta, gamma + vanna x
    d vol / d spot; with `sticky_strike` it is gamma itself. Zero gamma is where it changes sign.
    """

    chain: Chain
    positions: Positions
    spots: Float64
    values: Mapping[str, Float64]
    coverage: Coverage
    dynamics: str
    at_the_money_vol: float | None  # 30 days
    _weight: Float64
    _rule: Dynamics
    # made of the rest if missing
    _prepared: _core.GammaProfile = None  # type: ignore[assignment]
    _model: VolModel | None = None  # stays None where every contract keeps its vol

    def __post_init__(self) -> None:
        for array in (self.spots, *self.values.values()):
            array.flags.writeable = False
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))
        if self._prepared is None:
            object.__setattr__(self, "_prepared", _prepare(self.chain, self._weight))
        if self._model is None and self._rule.moves:
            object.__setattr__(self, "_model", VolModel(self.chain, self._rule))

    def _arguments(self) -> dict[str, Any]:
        return {**Result._arguments(self), "_prepared": None, "_model": None}

    @property
    def manifest(self) -> dict[str, Any]:
        """All conventions of these numbers."""
        return {**self.chain.manifest, **self.positions.manifest, "dynamics": self.dynamics}

    @property
    def smiles(self) -> Smiles | None:
        """The fitted smiles, where vols follow them."""
        return None if self._model is None else self._model.dynamics.smiles

    @property
    def weight(self) -> Float64:
        """Contracts x multiplier of each row, 0 where it is not used."""
        return self._weight

    @property
    def model(self) -> VolModel | None:
        """Vols at other spots; None where every contract keeps its own."""
        return self._model

    @property
    def vols_move(self) -> bool:
        """Whether any vol changes with spot."""
        return self._model is not None

    @property
    def hedged_gamma(self) -> Float64:
        """What dealers hedge as spot moves: effective gamma."""
        return self.gamma if self._model is None else self.effective_gamma

    def curve(
        self, low: float, high: float, roots: Sequence[float] = ()
    ) -> tuple[Float64, Float64]:
        """Spots and effective gamma to be drawn: the grid, a finer one between two prices, zeros.

        The finer one has 800 steps, so that what expires within minutes shows.

        Example:
            >>> import gexcore as gex
            >>> result = gex.analyze(gex.synthetic_chain(n=2000))
            >>> spots, gamma = result.profile.curve(4900.0, 5100.0)
            >>> len(spots) - len(result.profile.spots), len(gamma) == len(spots)
            (801, True)
        """
        spots = np.union1d(self.spots, np.union1d(np.geomspace(low, high, FINE), roots))
        if self._model is not None:
            values = self._effective(spots)
        else:
            values = self._prepared.evaluate(spots) * (spots**2 / 100)
        return spots, np.where(np.isin(spots, roots), 0.0, values)

    def net_at_spot(self) -> tuple[float, float]:
        """Net and gross effective gamma at the chain's spot, $ per 1% move."""
        chain = self.chain
        slope: Any = 0.0
        if self._model is not None:
            _, slope = self._model.vols_at(chain.spot)
        each = bsm.greeks(
            chain.spot, chain.strike, chain.time_to_expiry, chain.implied_vol, chain.rate,
            chain.dividend_yield, chain.is_call, which=("gamma", "vanna"),
        )  # fmt: skip
        total = (each.gamma + each.vanna * slope) * (chain.spot**2 / 100)
        values = np.where(self._weight != 0.0, self._weight * total, 0.0)
        return _core.sum(values), _core.sum_abs(values)

    def __getattr__(self, name: str) -> Float64:
        if name == "effective_gamma" and name not in self.values and "gamma" in self.values:
            return self.values["gamma"]
        if name not in (*EXPOSURES, "effective_gamma"):
            raise AttributeError(f"a profile has no {name!r}")
        if name not in self.values:
            which = ", ".join(map(repr, (*self.values, name)))
            raise NotComputedError(
                f"the {name} profile was not computed", hint=f"sweep_profile(which=({which}))"
            )
        return self.values[name]

    def crossings(self, polish: bool = True) -> list[tuple[float, float, bool, float]]:
        """Where effective gamma changes sign: (spot, slope in $ per 1% per point, upward, error).

        Without `polish` roots are those of the cubic between two nodes, and `error` bounds their
        distance from the true ones; where vols move with spot they are polished in any case.
        """
        if self._model is not None:
            return self._moving_crossings()
        found = self._prepared.crossings(self.spots, self.gamma_above_rounding(), polish)
        return [(spot, speed * spot**2 / 100, up, error) for spot, speed, up, error in found]

    def _moving_crossings(self) -> list[tuple[float, float, bool, float]]:
        values, found = self.gamma_above_rounding(), []
        signed = np.flatnonzero(values)
        for low, high in pairwise(signed):
            if (values[low] < 0) != (values[high] < 0):
                ends = float(self.spots[low]), float(self.spots[high])
                root = find_root(self._effective, *ends)
                slope, upward = slope_at(self._effective, root), bool(values[high] > 0)
                found.append((root, slope, upward, 1e-12 * root))
        return found

    def _effective(self, spots: Float64) -> Float64:
        """Effective gamma at any spots, $ per 1% move."""
        assert self._model is not None
        sums = self._model.sweep(self._weight, spots, greek_rows(("gamma",))[0], True)
        return np.asarray(sums[1] * (spots**2 / 100))

    def speed_at(self, spot: float) -> float:
        """d (sum of weight x effective gamma) / d spot, shares per point per point."""
        if self._model is not None:
            return slope_at(lambda s: self._effective(s) / (s**2 / 100), spot)
        chain = self.chain
        each = bsm.greeks(
            spot, chain.strike, chain.time_to_expiry, chain.implied_vol, chain.rate,
            chain.dividend_yield, chain.is_call, which="speed",
        )  # fmt: skip
        return _core.sum(np.where(self._weight != 0.0, self._weight * each.speed, 0.0))

    def gamma_above_rounding(self) -> Float64:
        """Effective gamma, with 0 wherever a balanced book leaves nothing but rounding."""
        gamma = self.hedged_gamma
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
        return np.asarray(np.abs(self.hedged_gamma[nodes]) <= limit)

    def to_dict(self) -> dict[str, Any]:
        """Columns and units."""
        units = {name: label_of(name) for name in self.values}
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
            [["spot", *(f"{n}, {label_of(n)}" for n in self.values)], *rows], right=range(9)
        )


def label_of(name: str) -> str:
    """The unit of a profile."""
    return unit_of("gamma" if name == "effective_gamma" else name).label


def sweep_profile(
    chain: Chain,
    positions: Positions,
    spots: Any = None,
    which: Iterable[str] = ("gamma",),
    dynamics: Dynamics | str = "sticky_strike",
    threads: int | None = None,
) -> Profile:
    """Re-price the dealers' book at many spots.

    Args:
        chain, positions: the book.
        spots: (m,) ascending prices; default: geometric grid over the search range of zero gamma,
            +- clamp(4 s30 sqrt(30/365), 0.15, 1.5) in log spot with s30 the 30-day at-the-money
            vol, with a step no wider than the narrowest contracts that matter.
        which: exposures to compute: "gamma", "delta", "vanna", "charm", "vega", "speed",
            "zomma", "color". gamma is always among them, effective_gamma where vols move.
        dynamics: how vols move with spot: "sticky_strike" (every contract keeps its vol),
            "ssr=R" (skew-stickiness ratio: 1 sticky strike, 0 sticky moneyness, about 2 short-dated
            local vol), "sticky_moneyness", "dvol_dlogspot=b", "relative=a".
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
    names = tuple(name for name in names if name != "effective_gamma")
    _check_names(names)
    rule = Dynamics.parse(dynamics)
    if positions.chain is not chain:
        raise MismatchError("positions belong to another chain", hint="assign them to this chain")
    coverage, used = cover(chain, positions)
    weight = np.where(used, positions.weight, 0.0)
    prepared = _prepare(chain, weight, threads)
    vol = at_the_money_vol(chain)
    grid = _search_grid(prepared, chain, vol) if spots is None else given_grid(spots)
    model = VolModel(chain, rule) if rule.moves else None
    if model is not None:
        values = _moving_profiles(model, weight, grid, names, threads)
    else:
        values = {"gamma": prepared.evaluate(grid, threads) * (grid**2 / 100)}
        others = [name for name in names if name != "gamma"]
        values.update(_other_profiles(chain, weight, grid, others, threads))
    return Profile(
        chain, positions, grid, values, coverage, str(rule), vol, weight,
        rule if model is None else model.dynamics, prepared, model,
    )  # fmt: skip


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


def _check_names(names: tuple[str, ...]) -> None:
    for name in names:
        if name not in EXPOSURES:
            known = ", ".join((*EXPOSURES, "effective_gamma"))
            raise ConventionError(f"which: there is no {name!r}", hint=f"known: {known}")


def _search_grid(prepared: _core.GammaProfile, chain: Chain, vol: float | None) -> Float64:
    """The default spots: wide enough for the market's vol, fine enough for what expires next."""
    reach = float(np.clip(4 * (vol or 0.0) * np.sqrt(30 / 365), 0.15, 1.5))
    return prepared.search_grid(chain.spot, reach)


def given_grid(spots: Any) -> Float64:
    """Spots of a caller as a column of its own."""
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
    """Profiles besides gamma, in their default units."""
    units = [unit_of(name) for name in names]
    if not units:
        return {}
    which, rows = greek_rows(tuple(sorted({need for unit in units for need in unit.needs})))
    prepared = _core.GreekProfile(
        chain.strike,
        chain.time_to_expiry,
        chain.implied_vol,
        chain.rate,
        chain.dividend_yield,
        chain.is_call,
        weight,
        which,
        threads,
    )
    sums = prepared.evaluate(spots, threads)
    by_name = {name: sums[row] for name, row in rows.items()}
    market = Market(spots, None)
    return {unit.greek: np.asarray(unit.value(by_name, market)) for unit in units}


def _moving_profiles(
    model: VolModel, weight: Float64, spots: Float64, names: tuple[str, ...], threads: int | None
) -> dict[str, Float64]:
    """Profiles with vols moved to each spot; effective gamma comes second."""
    units = [unit_of(name) for name in dict.fromkeys(("gamma", *names))]
    which, rows = greek_rows(tuple(sorted({need for unit in units for need in unit.needs})))
    sums = model.sweep(weight, spots, which, effective_gamma=True, threads=threads)
    by_name = {name: sums[row] for name, row in rows.items()}
    market = Market(spots, None)
    found = {unit.greek: np.asarray(unit.value(by_name, market)) for unit in units}
    return {"gamma": found.pop("gamma"), "effective_gamma": sums[-1] * (spots**2 / 100), **found}
