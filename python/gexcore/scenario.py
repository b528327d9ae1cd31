"""The dealers' book over spot x time x vol: every contract re-priced at every node, none kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.chain import Chain
from gexcore.conventions import USED
from gexcore.coverage import Coverage, cover
from gexcore.dynamics import Dynamics
from gexcore.errors import ConventionError, InputError, MismatchError
from gexcore.horizon import chain_at, days_ahead, times_ahead
from gexcore.output import write_file
from gexcore.positions import Positions, assign_positions
from gexcore.profile import given_grid
from gexcore.progress import progress
from gexcore.repricing import Repricer, delivered_shares, shifted
from gexcore.results import Result, align, frame, money, number, plain
from gexcore.units import Market, unit_of

Float64 = npt.NDArray[np.float64]

EXPOSURES = ("gamma", "delta", "vanna", "charm", "hedge_flow")
_DEFAULT_REACH, _DEFAULT_SPOTS = 0.1, 81  # in log spot


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ScenarioCube(Result):
    """An exposure at every spot, time and vol shift: `values[i, j, k]` at `spots[i]`, `days[j]`,
    `vol_shifts[k]`, in `unit`; `net(...)` is one node by its numbers."""

    chain: Chain
    positions: Positions
    exposure: str
    unit: str
    spots: Float64
    times: tuple[str, ...]  # ISO text, New York; days ahead where the chain knows no as_of
    days: Float64  # calendar days ahead
    vol_shifts: Float64  # decimal: 0.01 is one vol point
    values: Float64
    settled: npt.NDArray[np.int64]  # contracts that settled up to each time
    coverage: Coverage
    dynamics: str

    @property
    def manifest(self) -> dict[str, Any]:
        """All conventions of these numbers."""
        return {**self.chain.manifest, **self.positions.manifest, "dynamics": self.dynamics,
                "unit": self.unit}  # fmt: skip

    def columns(self) -> dict[str, Any]:
        """One value per node: spot, days, vol_shift and the exposure."""
        axes = np.meshgrid(self.spots, self.days, self.vol_shifts, indexing="ij")
        names = ("spot", "days", "vol_shift")
        flat = {name: axis.ravel() for name, axis in zip(names, axes, strict=True)}
        return {**flat, self.exposure: self.values.ravel()}

    def to_dict(self) -> dict[str, Any]:
        """Axes, values nested as values[spot][time][vol shift], conventions."""
        names = ("exposure", "unit", "spots", "times", "days", "vol_shifts", "values", "settled")
        return {
            **{name: plain(getattr(self, name)) for name in names},
            "coverage": self.coverage.to_dict(),
            "manifest": plain(self.manifest),
        }

    def to_frame(self, backend: str = "pandas") -> Any:
        """A data frame with one row per node."""
        return frame(self.columns(), backend)

    def save(self, path: Any) -> None:
        """Write axes and values as a NumPy .npz file; `numpy.load` reads it."""
        columns: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("spots", "days", "vol_shifts", "values", "settled", "exposure", "unit")
        }
        write_file(path, lambda file: np.savez(file, times=np.array(self.times), **columns))

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.values.shape))
        return f"<ScenarioCube {self.exposure}: {shape} (spot x time x vol)>"

    def __str__(self) -> str:
        rows = _thinned(len(self.spots), 21)
        columns = _thinned(len(self.days), 7)
        parts = []
        for k, shift in enumerate(self.vol_shifts):
            head = ["spot", *(f"{self.days[j]:.2f} d" for j in columns)]
            body = [
                [number(self.spots[i]), *(money(self.values[i, j, k]) for j in columns)]
                for i in rows
            ]
            title = f"{self.exposure}, {self.unit}, vols {shift * 100:+g} points"
            parts.append(f"{title}\n{align([head, *body], right=range(len(head)))}")
        return "\n\n".join(parts)


def _thinned(count: int, most: int) -> list[int]:
    picks = np.linspace(0, count - 1, min(count, most)).round().astype(int)
    return [int(i) for i in dict.fromkeys(picks.tolist())]


def scenario_cube(
    chain: Chain,
    positions: Positions | str = "naive",
    spots: Any = None,
    times: Sequence[Any] | None = None,
    vol_shifts: Any = (0.0,),
    exposure: str = "gamma",
    *,
    dynamics: Dynamics | str = "sticky_strike",
    threads: int | None = None,
) -> ScenarioCube:
    """Re-price the dealers' book over spot x time x vol.

    Args:
        chain, positions: the book; a rule by name is applied now and then held.
        spots: (m,) ascending prices; default: 81 over +-10%, evenly in log spot (such grids are
            evaluated fastest).
        times: calendar days ahead, or times with zone, ascending; default: now, hour by hour to
            the close, the closes of the next five sessions. Contracts that settle on the way are
            gone: their hedges are unwound, or delivered where the root settles physically.
        vol_shifts: added to every vol, decimal (0.01 is one vol point), ascending; no vol falls
            below a fifth of itself.
        exposure: "gamma" (effective gamma where vols move with spot), "delta", "vanna", "charm" in
            their default units, or "hedge_flow": shares that dealers must have bought since now.
        dynamics: how vols move with spot, see `sweep_profile`.
        threads: as in `bsm.greeks`.

    Returns:
        ScenarioCube; memory holds the result and a few columns, never rows x nodes.

    Raises:
        ConventionError: an unknown exposure or dynamics. InputError: axes that do not ascend, a
            time before now. MismatchError: positions of another chain.

    Example:
        >>> import gexcore as gex
        >>> chain = gex.synthetic_chain(n=2000)
        >>> spots, days, shifts = [4900.0, 5000.0, 5100.0], [0.0, 1.0], [-0.01, 0.01]
        >>> cube = scenario_cube(chain, "naive", spots, days, shifts)
        >>> cube.values.shape
        (3, 2, 2)
    """
    if exposure not in EXPOSURES:
        raise ConventionError(
            f"exposure: there is no {exposure!r}", hint=f"known: {', '.join(EXPOSURES)}"
        )
    held = assign_positions(chain, positions) if isinstance(positions, str) else positions
    if held.chain is not chain:
        raise MismatchError("positions belong to another chain", hint="assign them to this chain")
    reach = np.linspace(-_DEFAULT_REACH, _DEFAULT_REACH, _DEFAULT_SPOTS)
    grid = chain.spot * np.exp(reach) if spots is None else given_grid(spots)
    times = times_ahead(chain, 5) if times is None else times
    days = np.array([days_ahead(chain, when) for when in times])
    shifts = _ascending("vol_shifts", vol_shifts)
    if not len(days) or (np.diff(days) <= 0).any():
        raise InputError("times: must ascend, one at least", hint="times=[0.0, 1.0, 2.0]")
    book = _Book(chain, held, exposure, Dynamics.parse(dynamics).fitted(chain), threads)
    values = np.empty((len(grid), len(days), len(shifts)))
    laters, settled = [], []
    for j, when in enumerate(progress(times, "times")):
        later = chain_at(chain, when)
        for k, shift in enumerate(shifts):
            values[:, j, k] = book.evaluate(later, grid, float(shift))
        gone = (chain.status == USED) & (later.status != USED)
        laters.append(later.as_of.time.isoformat(timespec="minutes") if later.as_of else "")
        settled.append(int(gone.sum()))
    for array in (grid, days, shifts, values):
        array.flags.writeable = False
    return ScenarioCube(
        chain, held, exposure, book.unit, grid, tuple(laters), days, shifts, values,
        np.array(settled), book.coverage, str(book.dynamics),
    )  # fmt: skip


def _ascending(name: str, given: Any) -> Float64:
    try:
        array = np.atleast_1d(np.array(given, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputError(f"{name}: are not numbers", hint="[-0.01, 0.0, 0.01]") from None
    if array.ndim != 1 or not len(array) or not (np.diff(array) > 0).all():
        raise InputError(f"{name}: must ascend, one at least", hint="[-0.01, 0.0, 0.01]")
    if not (np.abs(array) < 1).all():
        raise InputError(f"{name}: 1 is 100 vol points", hint="0.01 is one vol point")
    return array


class _Book:
    """Sums over the book at any spots, at a later time and with shifted vols."""

    def __init__(
        self, chain: Chain, positions: Positions, exposure: str, dynamics: Dynamics,
        threads: int | None,
    ) -> None:  # fmt: skip
        self.coverage, used = cover(chain, positions)
        self.weight = np.where(used, positions.weight, 0.0)
        self.dynamics = dynamics
        self._flow = exposure == "hedge_flow"
        greek = unit_of("delta", "shares") if self._flow else unit_of(exposure)
        self._greek, self.unit = greek, "shares bought since now" if self._flow else greek.label
        needs = ("effective_gamma",) if exposure == "gamma" else greek.needs
        self._repricer = Repricer(dynamics, needs, threads)
        self._now = float(self._sums(chain, np.array([chain.spot]))[0]) if self._flow else 0.0

    def evaluate(self, later: Chain, spots: Float64, shift: float) -> Float64:
        """The exposure at `spots`, in its unit."""
        sums = self._sums(shifted(later, shift), spots)
        return self._now - sums if self._flow else sums

    def _sums(self, later: Chain, spots: Float64) -> Float64:
        found = self._repricer.sums(later, self.weight, spots)
        by_name = {**found, "gamma": found.get("effective_gamma")}
        value = np.asarray(self._greek.value(by_name, Market(spots, None)))
        return value + delivered_shares(later, self.weight, spots) if self._flow else value
