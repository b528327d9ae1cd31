"""Where levels go as time passes: to the close and over the next sessions, spot unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.analysis import analyze
from gexcore.chain import Chain
from gexcore.conventions import REASONS
from gexcore.dynamics import Dynamics
from gexcore.errors import InputError
from gexcore.horizon import chain_at, days_ahead, times_ahead
from gexcore.positions import Positions, assign_positions
from gexcore.progress import progress
from gexcore.results import Result, align, frame, money, number, plain

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class LevelPath(Result):
    """Levels at later times, one row each; NaN and a status where a level does not exist.

    `rolled_off` counts the contracts that settled since the first row. Everything but time is as
    it was: spot, vols, rates, positions.
    """

    chain: Chain
    positions: Positions
    time: npt.NDArray[Any]  # ISO text, New York; days ahead where the chain knows no as_of
    days: Float64  # calendar days ahead
    zero_gamma: Float64
    zero_gamma_status: npt.NDArray[np.str_]
    call_wall: Float64
    put_wall: Float64
    absolute_gamma_strike: Float64
    net_gamma: Float64  # $ per 1% move at the chain's spot
    gross_gamma: Float64
    regime: npt.NDArray[np.str_]
    rolled_off: npt.NDArray[np.int64]
    manifest: dict[str, Any]

    def columns(self) -> dict[str, Any]:
        """Columns by name, one value per time."""
        names = [f.name for f in fields(self) if f.name not in ("chain", "positions", "manifest")]
        return {name: getattr(self, name) for name in names}

    def to_dict(self) -> dict[str, Any]:
        """Columns by name and the conventions."""
        return {**plain(self.columns()), "manifest": plain(self.manifest)}

    def to_frame(self, backend: str = "pandas") -> Any:
        """A data frame with one row per time."""
        return frame(self.columns(), backend)

    def __len__(self) -> int:
        return len(self.time)

    def __repr__(self) -> str:
        return f"<LevelPath {len(self)} times>"

    def __str__(self) -> str:
        head = ["time", "days", "zero gamma", "call wall", "put wall", "pin", "net, $ per 1%",
                "regime", "rolled off"]  # fmt: skip
        rows = [
            [
                str(self.time[i]),
                f"{self.days[i]:.2f}",
                number(self.zero_gamma[i])
                if np.isfinite(self.zero_gamma[i])
                else str(self.zero_gamma_status[i]).replace("_", " "),
                *(
                    number(c[i]) if np.isfinite(c[i]) else "none"
                    for c in (self.call_wall, self.put_wall, self.absolute_gamma_strike)
                ),
                money(self.net_gamma[i]),
                str(self.regime[i]).replace("_", " "),
                f"{self.rolled_off[i]:,}",
            ]
            for i in range(len(self))
        ]
        return align([head, *rows], right=(1, 2, 3, 4, 5, 6, 8))


def level_path(
    chain: Chain,
    positions: Positions | str = "naive",
    times: Sequence[Any] | None = None,
    *,
    sessions: int = 5,
    side: str = "net",
    gated: bool = False,
    dynamics: Dynamics | str = "sticky_strike",
) -> LevelPath:
    """Project levels to later times: every contract keeps its vol, what settles rolls off.

    Args:
        chain, positions: the book now; a rule by name is applied now and then held.
        times: calendar days ahead, or times with zone, ascending; default: now, hour by hour to
            the close, then the closes of the next `sessions` sessions.
        sessions: how many sessions ahead, for the default.
        side, gated, dynamics: as in `analyze`.

    Returns:
        LevelPath: what `analyze` gives for the same book at each time.

    Raises:
        InputError: a time before the chain's, not ascending, or no time at all.

    Example:
        >>> import gexcore as gex
        >>> path = level_path(gex.synthetic_chain(n=2000), times=[0.0, 1.0, 30.0])
        >>> path.rolled_off.tolist()[0], bool(path.rolled_off[-1] > 0)
        (0, True)
    """
    held = assign_positions(chain, positions) if isinstance(positions, str) else positions
    if times is None:
        if isinstance(sessions, bool) or not isinstance(sessions, int) or sessions < 0:
            raise InputError(f"sessions: {sessions!r} is not a number of sessions", hint="5")
        times = times_ahead(chain, sessions)
    days = np.array([days_ahead(chain, when) for when in times])
    if not len(days) or (np.diff(days) <= 0).any():
        raise InputError("times: must ascend, one at least", hint="times=[0.0, 1.0, 2.0]")
    rule = Dynamics.parse(dynamics).fitted(chain)  # the smiles of now: quotes do not move in time
    ahead = progress(times, "times")
    rows = [_row(chain_at(chain, when), held, side, gated, rule) for when in ahead]
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    rolled = columns.pop("expired")
    manifest = {**chain.manifest, **held.manifest, "wall_side": side, "wall_gated": gated,
                "dynamics": str(rule)}  # fmt: skip
    return LevelPath(
        chain, held, days=days, rolled_off=rolled - rolled[0], manifest=manifest, **columns
    )


def _row(
    later: Chain, held: Positions, side: str, gated: bool, dynamics: Dynamics
) -> dict[str, Any]:
    result = analyze(later, replace(held, chain=later), side=side, gated=gated, dynamics=dynamics)
    levels, as_of = result.levels, later.as_of
    net, gross = levels.net_gamma
    strikes = ("call_wall", "put_wall", "absolute_gamma_strike")
    return {
        "time": as_of.time.isoformat(timespec="minutes") if as_of else "",
        "zero_gamma": _or_nan(levels.zero_gamma.value),
        "zero_gamma_status": levels.zero_gamma.status,
        **{name: _or_nan(getattr(levels, name).strike) for name in strikes},
        "net_gamma": net,
        "gross_gamma": gross,
        "regime": result.regime.kind,
        "expired": int((later.status == REASONS.index("expired")).sum()),
    }


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value
