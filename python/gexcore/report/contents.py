"""What a report shows: an analysis, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gexcore.across import Across, Interval, levels_across
from gexcore.analysis import Analysis
from gexcore.dynamics import Dynamics
from gexcore.errors import MismatchError
from gexcore.hedges import HedgeLadder
from gexcore.hedging import hedge_ladder
from gexcore.scenario import ScenarioCube, scenario_cube
from gexcore.sensitivities import Sensitivities, compute_sensitivities

MONTH = np.sqrt(30 / 365)
LEAST, MOST = 0.04, 0.7  # of the window around spot, in log distance
SPOTS = 61  # of the scenario


@dataclass(frozen=True)
class Contents:
    """The results that one page shows, all of one chain, positions and conventions."""

    result: Analysis
    across: Across | None
    sensitivities: Sensitivities
    ladder: HedgeLadder
    cube: ScenarioCube
    title: str | None

    @property
    def name(self) -> str:
        """What the page is about."""
        return self.title or self.result.chain.underlying or "Chain"

    @cached_property
    def window(self) -> tuple[float, float]:
        """Prices that pictures open with: two monthly deviations, and the levels not far out."""
        return window_of(self.result)


def window_of(result: Analysis) -> tuple[float, float]:
    """Two monthly deviations around spot, wider where zero gamma or a wall lies further out."""
    levels, spot = result.levels, result.chain.spot
    vol = levels.at_the_money_vol or 0.0
    marks = (levels.zero_gamma.value, levels.call_wall.strike, levels.put_wall.strike)
    away = [1.15 * abs(np.log(mark / spot)) for mark in marks if mark]
    reach = min(max([2 * vol * MONTH, LEAST, *away]), MOST)
    return float(spot * np.exp(-reach)), float(spot * np.exp(reach))


def gather(result: Analysis, across: Across | bool = True, title: str | None = None) -> Contents:
    """Compute what a report needs besides the analysis.

    Args:
        result: of `analyze`.
        across: of `levels_across`, for the same underlying; True computes it, False leaves it out.
        title: instead of the underlying's name.

    Raises:
        MismatchError: levels across conventions of another spot or time.
    """
    chain, held, levels = result.chain, result.positions, result.levels
    rule = result.profile.model.dynamics if result.profile.model else Dynamics("sticky_strike")
    if across is True:
        free = replace(rule, smiles=None)
        across = levels_across(chain, held, side=levels.side, gated=levels.gated, dynamics=free)
    if across and (across.chain.spot, across.chain.underlying) != (chain.spot, chain.underlying):
        raise MismatchError("across belongs to another chain", hint="across=True computes it")
    low, high = window_of(result)
    grid = np.geomspace(low, high, SPOTS)
    return Contents(
        result,
        across or None,
        compute_sensitivities(levels),
        hedge_ladder(chain, held, dynamics=rule),
        scenario_cube(chain, held, grid, dynamics=rule),
        title,
    )


def where_found(each: Interval) -> str:
    """Under how many conventions a level exists."""
    if not each.missing:
        return "across conventions"
    return f"in {each.found} of {each.found + sum(each.missing.values())} sets of conventions"
