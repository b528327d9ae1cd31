"""Results of hedging: one trade, a move with its parts, a ladder of moves, a settlement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.coverage import Coverage
from gexcore.results import Result, align, frame, money, number, plain

Float64 = npt.NDArray[np.float64]

PARTS = ("gamma", "charm", "vanna", "speed", "cross", "settlement", "residual")


@dataclass(frozen=True, slots=True, repr=False)
class DeltaHedge(Result):
    """What neutralises the dealers' delta at the chain's spot; shares are of the underlying.

    `trade` = -position_delta - hedge_held, positive = dealers buy. `futures` = whole contracts of
    `contract`, rounded toward zero, and `left_over` the shares they leave unhedged; None without
    a contract.
    """

    position_delta: float
    hedge_held: float
    trade: float
    dollars: float
    contract: str | None
    futures: int | None
    left_over: float | None
    coverage: Coverage
    manifest: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore hedge --json`."""
        return {field.name: plain(getattr(self, field.name)) for field in fields(self)}

    def columns(self) -> dict[str, Any]:
        """One row of a table."""
        names = ("position_delta", "hedge_held", "trade", "dollars", "futures", "left_over")
        return {name: [getattr(self, name)] for name in names}

    def __repr__(self) -> str:
        return f"<DeltaHedge trade {self.trade:+,.0f} shares>"

    def __str__(self) -> str:
        rows = [
            ["position delta", f"{self.position_delta:+,.0f} shares"],
            ["hedge held", f"{self.hedge_held:+,.0f} shares"],
            ["trade", f"{self.trade:+,.0f} shares, {money(self.dollars)} $"],
        ]
        if self.contract is not None:
            over = f"{self.left_over:+,.0f} shares left over"
            rows.append([f"{self.contract} futures", f"{self.futures:+,d}, {over}"])
        return align(rows)


@dataclass(frozen=True, slots=True, repr=False)
class HedgeFlow(Result):
    """Shares that dealers buy (> 0) or sell to stay hedged through a move, by exact re-pricing.

    `parts` sum to `shares`: gamma and speed = first and second order of the spot move; charm =
    the exact effect of time alone, vanna that of vol alone (with the vol that comes with spot
    under `dynamics`); cross = what two or more do together; settlement = contracts that settle on
    the way; residual = what is left of spot alone. `dollars` at the new spot.
    """

    spot: float
    spot_after: float
    days: float
    vol_points: float
    shares: float
    dollars: float
    parts: Mapping[str, float]
    settled: int
    coverage: Coverage
    manifest: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore hedge --json`."""
        return {field.name: plain(getattr(self, field.name)) for field in fields(self)}

    def columns(self) -> dict[str, Any]:
        """One row of a table."""
        names = ("spot", "spot_after", "days", "vol_points", "shares", "dollars")
        parts = {name: [part] for name, part in self.parts.items()}
        return {**{name: [getattr(self, name)] for name in names}, **parts}

    def __repr__(self) -> str:
        return f"<HedgeFlow {self.shares:+,.0f} shares to {number(self.spot_after)}>"

    def __str__(self) -> str:
        verb = "buy" if self.shares > 0 else "sell"
        head = (
            f"From {number(self.spot)} to {number(self.spot_after)} in {self.days:g} days, vols "
            f"{self.vol_points:+g} points: dealers {verb} {abs(self.shares):,.0f} shares "
            f"({money(self.dollars)} $)."
        )
        rows = [[name, f"{self.parts[name]:+,.0f}"] for name in PARTS]
        return f"{head}\n{align([['part', 'shares'], *rows], right=(1,))}"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class HedgeLadder(Result):
    """Hedge flows over a ladder of spot returns: shares, dollars at the new spot, and parts."""

    spot: float
    days: float
    vol_points: float
    returns: Float64
    spots: Float64
    shares: Float64
    dollars: Float64
    parts: Mapping[str, Float64]
    settled: int
    coverage: Coverage
    manifest: dict[str, Any]

    def columns(self) -> dict[str, Any]:
        """Columns by name, one value per move."""
        names = ("returns", "spots", "shares", "dollars")
        return {**{name: getattr(self, name) for name in names}, **self.parts}

    def at(self, row: int) -> HedgeFlow:
        """One move of the ladder."""
        return HedgeFlow(
            self.spot, float(self.spots[row]), self.days, self.vol_points,
            float(self.shares[row]), float(self.dollars[row]),
            MappingProxyType({name: float(part[row]) for name, part in self.parts.items()}),
            self.settled, self.coverage, self.manifest,
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Columns by name, and what holds for all moves."""
        names = ("spot", "days", "vol_points", "settled", "coverage", "manifest")
        return {**plain(self.columns()), **{name: plain(getattr(self, name)) for name in names}}

    def to_frame(self, backend: str = "pandas") -> Any:
        """A data frame with one row per move."""
        return frame(self.columns(), backend)

    def __len__(self) -> int:
        return len(self.returns)

    def __repr__(self) -> str:
        return f"<HedgeLadder {len(self)} moves from {number(self.spot)}>"

    def __str__(self) -> str:
        head = ["move", "spot", "shares", "$", *PARTS]
        rows = [
            [
                f"{self.returns[i]:+.2%}",
                number(self.spots[i]),
                f"{self.shares[i]:+,.0f}",
                money(self.dollars[i]),
                *(f"{self.parts[name][i]:+,.0f}" for name in PARTS),
            ]
            for i in range(len(self))
        ]
        return align([head, *rows], right=range(len(head)))


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class UnwindLadder(Result):
    """What dealers trade as the next settlement takes its contracts away, by where spot settles.

    `shares` > 0 = buys. Cash-settled contracts leave their hedges to be unwound; physically
    settled ones deliver theirs, and only what was hedged wrongly is left.
    """

    time: str
    contracts: int
    spots: Float64
    shares: Float64
    dollars: Float64
    coverage: Coverage
    manifest: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Columns by name, and which settlement."""
        return {field.name: plain(getattr(self, field.name)) for field in fields(self)}

    def columns(self) -> dict[str, Any]:
        """Columns by name, one value per spot."""
        return {"spot": self.spots, "shares": self.shares, "dollars": self.dollars}

    def to_frame(self, backend: str = "pandas") -> Any:
        """A data frame with one row per spot."""
        return frame(self.columns(), backend)

    def __len__(self) -> int:
        return len(self.spots)

    def __repr__(self) -> str:
        return f"<UnwindLadder {self.contracts} contracts at {self.time}>"

    def __str__(self) -> str:
        rows = [
            [number(s), f"{n:+,.0f}", money(d)]
            for s, n, d in zip(self.spots, self.shares, self.dollars, strict=True)
        ]
        head = f"{self.contracts:,} contracts settle at {self.time or 'the next expiry'}"
        return f"{head}\n{align([['spot', 'shares', '$'], *rows], right=range(3))}"
