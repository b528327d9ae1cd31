"""The short way from a chain to its levels, for those who need nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gexcore import _core
from gexcore.chain import Chain
from gexcore.conventions import USED
from gexcore.coverage import Coverage, cover
from gexcore.errors import ConventionError, MismatchError
from gexcore.greeks import compute_greeks
from gexcore.levels import SIDES, Crossing, ZeroGamma
from gexcore.positions import Positions, assign_positions
from gexcore.results import Result, align, money, plain
from gexcore.strikes import StrikeLevel
from gexcore.units import unit_of
from gexcore.vols import at_the_money_vol


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class QuickLevels(Result):
    """Net and gross gamma in $ per 1% move, zero gamma, walls and regime: those of `analyze`.

    `coverage` and `manifest` are put together when read.
    """

    chain: Chain
    positions: Positions
    side: str
    gated: bool
    net_gamma: float
    gross_gamma: float
    zero_gamma: ZeroGamma
    call_wall: StrikeLevel
    put_wall: StrikeLevel
    regime: str  # as `Regime.kind`

    @property
    def coverage(self) -> Coverage:
        """Rows read, used and dropped by reason."""
        gamma = compute_greeks(self.chain, which=("gamma",))
        return cover(self.chain, self.positions, gamma)[0]

    @property
    def manifest(self) -> dict[str, Any]:
        """All conventions of these numbers."""
        return {
            **self.chain.manifest,
            **self.positions.manifest,
            "unit": unit_of("gamma").label,
            "greeks": "computed",
            "wall_side": self.side,
            "wall_gated": self.gated,
            "dynamics": "sticky_strike",
        }

    def to_dict(self) -> dict[str, Any]:
        """Every level, the coverage and the conventions."""
        return {
            "spot": self.chain.spot,
            "net_gamma": self.net_gamma,
            "gross_gamma": self.gross_gamma,
            "zero_gamma": self.zero_gamma.to_dict(),
            "call_wall": self.call_wall.to_dict(),
            "put_wall": self.put_wall.to_dict(),
            "regime": self.regime,
            "coverage": self.coverage.to_dict(),
            "manifest": plain(self.manifest),
        }

    def __repr__(self) -> str:
        return f"<QuickLevels {self.chain!r}: {self.regime}, zero gamma {self.zero_gamma}>"

    def __str__(self) -> str:
        return align(
            [
                ["net gamma", f"{money(self.net_gamma)} $ per 1%"],
                ["zero gamma", str(self.zero_gamma)],
                ["call wall", str(self.call_wall)],
                ["put wall", str(self.put_wall)],
                ["regime", self.regime.replace("_", " ")],
            ]
        )


def quick_levels(
    chain: Chain,
    positions: Positions | str = "naive",
    *,
    contracts: Any = None,
    weights: Any = None,
    size: str = "open_interest",
    side: str = "net",
    gated: bool = False,
    threads: int | None = None,
) -> QuickLevels:
    """Net gamma, zero gamma, walls and regime alone: `analyze` under sticky strike, but faster.

    Args:
        chain: the contracts.
        positions: a rule of `assign_positions` (with its `contracts`, `weights` or `size`), or
            Positions of this chain.
        side, gated: how walls are chosen, see `find_levels`.
        threads: as in `bsm.greeks`.

    Returns:
        QuickLevels, bit for bit what `analyze` finds. The chain keeps the numbers of its strikes
        and times, so a second call with other positions is faster still.

    Raises:
        ConventionError: unknown rule or side. MismatchError: positions of another chain.

    Source: docs/definitions.md, sections 4 to 7.

    Example:
        >>> import gexcore as gex
        >>> chain = gex.synthetic_chain()
        >>> quick = quick_levels(chain)
        >>> quick.zero_gamma.value == gex.analyze(chain).levels.zero_gamma.value
        True
    """
    if isinstance(positions, str):
        positions = assign_positions(
            chain, positions, contracts=contracts, weights=weights, size=size
        )
    elif positions.chain is not chain:
        raise MismatchError("positions belong to another chain", hint="assign them to this chain")
    if side not in SIDES:
        raise ConventionError(f"side: there is no {side!r}", hint=f"sides: {', '.join(SIDES)}")
    codes, strikes = chain.codes("strike")
    net, gross, status, low, high, crossings, nearest, call, put, regime = _core.quick_levels(
        chain.spot,
        chain.strike,
        chain.time_to_expiry,
        chain.implied_vol,
        chain.rate,
        chain.dividend_yield,
        chain.is_call,
        np.where(chain.status == USED, positions.weight, 0.0),
        chain.spot**2 / 100,
        codes,
        strikes,
        at_the_money_vol(chain),
        side == "gross",
        gated,
        threads,
    )
    found = tuple(_crossing(*crossing) for crossing in crossings)
    return QuickLevels(
        chain,
        positions,
        side,
        gated,
        net,
        gross,
        ZeroGamma(
            found[nearest].spot if found else None,
            status,
            found,
            None if status == "no_exposure" else (low, high),
        ),
        _wall(call, strikes, gross, "no_positive_strike"),
        _wall(put, strikes, gross, "no_negative_strike"),
        regime,
    )


def _crossing(spot: float, speed: float, upward: bool) -> Crossing:
    direction = "short_to_long" if upward else "long_to_short"
    return Crossing(spot, direction, speed * spot**2 / 100)


def _wall(
    found: tuple[int, float, int, float], strikes: Any, gross: float, why: str
) -> StrikeLevel:
    best, value, second, margin = found
    if best < 0:
        return StrikeLevel(None, None, None, why if gross else "no_exposure")
    strike, share = float(strikes[best]), abs(value) / gross
    if second < 0:
        return StrikeLevel(strike, value, share)
    return StrikeLevel(strike, value, share, "found", float(strikes[second]), margin)
