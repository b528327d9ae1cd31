"""Pictures of an analysis: strikes, profile, expiry x strike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gexcore.analysis import Analysis
from gexcore.errors import InputError
from gexcore.plot.canvas import (
    CALLS,
    LEVELS,
    PURPLE,
    PUTS,
    add_legend,
    draw_map,
    figure_of,
    label_axes,
    price_ticks,
    rules_of,
    scale_of,
    ticks_of,
    words,
    write_prices,
    written,
)
from gexcore.results import number
from gexcore.strikes import StrikeSums

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REACH, FURTHEST = 0.08, 0.7  # strikes shown, in log distance from spot


def _title(result: Analysis) -> tuple[str, str]:
    chain = result.chain
    when = written(chain.as_of)
    coverage = f"{result.coverage.used_open_interest_share:.0%} of open interest"
    manifest = result.manifest
    regime = words(result.regime.kind)
    return (
        f"{chain.underlying or 'Chain'}{when and f', {when}'}: {regime}",
        f"{rules_of(manifest)}, vols {words(manifest['dynamics'])}, {coverage}",
    )


def _mark_levels(axes: Axes, result: Analysis, low: float, high: float, ink: str) -> None:
    axes.axvline(
        result.chain.spot, color=ink, linewidth=1.2, label=f"spot {number(result.chain.spot)}"
    )
    for name, (label, color, style) in LEVELS.items():
        level = getattr(result.levels, name)
        at = level.value if name == "zero_gamma" else level.strike
        if at is None:
            axes.plot([], [], " ", label=f"{label}: none ({level.status.replace('_', ' ')})")
        else:
            where = "" if low <= at <= high else " (outside)"
            axes.axvline(
                at, color=color, linestyle=style, linewidth=2, label=f"{label} {number(at)}{where}"
            )
    axes.set_xlim(low, high)
    write_prices(axes.xaxis)


def _reach(result: Analysis, asked: float | None) -> float:
    """As asked; else as far as walls and pin are, and a little more."""
    if asked is not None:
        return asked
    marks = [getattr(result.levels, name) for name in LEVELS if name != "zero_gamma"]
    away = [abs(np.log(mark.strike / result.chain.spot)) for mark in marks if mark.strike]
    return min(max(REACH, 1.15 * max(away, default=0.0)), FURTHEST)


def plot_strikes(result: Analysis, *, reach: float | None = None, dark: bool = False) -> Figure:
    """Gamma by strike: calls, puts and net, with the levels.

    Args:
        result: of `analyze`.
        reach: strikes shown, in log distance from spot; default 0.08, or as far as walls and pin.
        dark: light on dark.

    Returns:
        matplotlib Figure.

    Raises:
        InputError: matplotlib is not installed.

    Example:
        >>> import gexcore as gex
        >>> len(plot_strikes(gex.analyze(gex.synthetic_chain(n=2000))).axes)
        1
    """
    figure, axes, theme = figure_of(*_title(result), dark)
    sums = StrikeSums.of(result.exposures.gamma)
    away = _reach(result, reach)
    low, high = sums.spot * np.exp(-away), sums.spot * np.exp(away)
    near = (sums.strikes >= low) & (sums.strikes <= high)
    strikes = sums.strikes[near]
    unit, name = scale_of(np.concatenate([sums.calls[near], sums.puts[near]]))
    width = float(np.median(np.diff(strikes))) if len(strikes) > 1 else 0.01 * sums.spot
    axes.bar(strikes, sums.calls[near] / unit, 0.9 * width, color=CALLS, label="calls")
    axes.bar(strikes, sums.puts[near] / unit, 0.9 * width, color=PUTS, label="puts")
    axes.plot(
        strikes, sums.net[near] / unit, color=theme["ink"], linewidth=1.0, label="net",
        drawstyle="steps-mid",
    )  # fmt: skip
    axes.axhline(0, color=theme["ink"], linewidth=0.8)
    _mark_levels(axes, result, float(low), float(high), theme["ink"])
    label_axes(axes, theme, "strike", f"gamma exposure, {name}{result.exposures.gamma.unit}")
    add_legend(axes, theme)
    return figure


def plot_profile(result: Analysis, *, across: Any = None, dark: bool = False) -> Figure:
    """Net gamma re-priced over spot, all its zeros, and the interval that conventions span.

    Args:
        result: of `analyze`.
        across: of `levels_across`, for the band of zero gamma.
        dark: light on dark.

    Returns:
        matplotlib Figure.

    Raises:
        InputError: matplotlib is not installed.

    Example:
        >>> import gexcore as gex
        >>> len(plot_profile(gex.analyze(gex.synthetic_chain(n=2000))).axes)
        1
    """
    figure, axes, theme = figure_of(*_title(result), dark)
    profile = result.profile
    roots = [crossing.spot for crossing in result.levels.zero_gamma.crossings]
    reach = np.exp(_reach(result, None))
    spots, values = profile.spots, profile.hedged_gamma
    if len(spots):
        spots, values = profile.curve(result.chain.spot / reach, result.chain.spot * reach, roots)
    unit, name = scale_of(values)
    shown = values / unit
    axes.plot(spots, shown, color=theme["ink"], linewidth=2, label="net gamma")
    axes.fill_between(spots, shown, 0, where=shown > 0, interpolate=True, color=CALLS, alpha=0.25)
    axes.fill_between(spots, shown, 0, where=shown < 0, interpolate=True, color=PUTS, alpha=0.25)
    axes.axhline(0, color=theme["ink"], linewidth=0.8)
    band = None if across is None else across.to_dict()["interval"].get("zero_gamma")
    if band and band["low"] is not None:
        text = f"zero gamma across conventions {number(band['low'])} to {number(band['high'])}"
        axes.axvspan(band["low"], band["high"], color=PURPLE, alpha=0.2, label=text)
    low, high = (float(profile.spots[i]) for i in (0, -1)) if len(profile.spots) else (0.0, 1.0)
    _mark_levels(axes, result, low, high, theme["ink"])
    for root in roots:
        axes.plot(root, 0, "o", color=PURPLE, markersize=8)
    label_axes(axes, theme, "spot", f"net gamma, {name}{result.exposures.gamma.unit}")
    add_legend(axes, theme)
    return figure


def plot_heat_map(
    result: Analysis, *, reach: float | None = None, expiries: int = 24, dark: bool = False
) -> Figure:
    """Net gamma by expiry (rows) and strike (columns).

    Args:
        result: of `analyze`.
        reach: strikes shown, in log distance from spot; default 0.08, or as far as walls and pin.
        expiries: how many, the nearest first.
        dark: light on dark.

    Returns:
        matplotlib Figure.

    Raises:
        InputError: matplotlib is not installed, or the chain has no expiration dates.

    Example:
        >>> import gexcore as gex
        >>> len(plot_heat_map(gex.analyze(gex.synthetic_chain(n=2000))).axes)
        2
    """
    if result.chain.expiry is None:
        raise InputError("the chain has no expiration dates", hint="build it with expiry=")
    table = result.exposures.gamma.by("expiry", "strike")
    days, strikes = table.keys
    spot = result.chain.spot
    shown = np.abs(np.log(strikes / spot)) <= _reach(result, reach)
    rows, row = np.unique(days[shown], return_inverse=True)
    columns, column = np.unique(strikes[shown], return_inverse=True)
    values = np.zeros((len(rows), len(columns)))
    values[row, column] = table.values[shown]
    values = values[:expiries]
    figure, axes, theme = figure_of(*_title(result), dark)
    draw_map(axes, figure, theme, values, table.unit)
    axes.set_yticks(*ticks_of([str(day) for day in rows[:expiries]], 24))
    axes.set_xticks(*price_ticks(columns, 10))
    if len(columns) > 1:
        place = float(np.interp(spot, columns, np.arange(len(columns))))
        axes.axvline(place, color=theme["ink"], linewidth=1.2, label=f"spot {number(spot)}")
        add_legend(axes, theme)
    label_axes(axes, theme, "strike", "expiry")
    return figure
