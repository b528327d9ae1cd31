"""Pictures of what happens next: scenarios, hedge ladders, paths of levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gexcore.errors import InputError
from gexcore.hedges import PARTS, HedgeLadder
from gexcore.level_path import LevelPath
from gexcore.plot.canvas import (
    BLUE,
    GREEN,
    GREY,
    LEVELS,
    ORANGE,
    PURPLE,
    SKY,
    YELLOW,
    add_legend,
    draw_map,
    figure_of,
    label_axes,
    level_label,
    price_ticks,
    rules_of,
    scale_of,
    ticks_of,
    words,
    write_prices,
    written,
)
from gexcore.results import number
from gexcore.scenario import ScenarioCube

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_scenario(cube: ScenarioCube, *, vol: int | None = None, dark: bool = False) -> Figure:
    """A scenario cube over time (columns) and spot (rows), at one vol shift.

    Args:
        cube: of `scenario_cube`.
        vol: which vol shift; default the one nearest 0.
        dark: light on dark.

    Returns:
        matplotlib Figure.

    Raises:
        InputError: matplotlib is not installed, or there is no such vol shift.

    Example:
        >>> import gexcore as gex
        >>> cube = gex.scenario_cube(gex.synthetic_chain(n=2000), times=[0.0, 1.0, 2.0])
        >>> len(plot_scenario(cube).axes)
        2
    """
    k = int(np.argmin(np.abs(cube.vol_shifts))) if vol is None else vol
    if not 0 <= k < len(cube.vol_shifts):
        raise InputError(f"vol: there is no shift {vol}", hint=f"0 to {len(cube.vol_shifts) - 1}")
    when = written(cube.chain.as_of)
    name = f"{cube.chain.underlying or 'Chain'}{when and f', {when}'}"
    shift = f"vols {cube.vol_shifts[k] * 100:+g} points, {cube.dynamics.replace('_', ' ')}"
    exposure = words(cube.exposure)
    subtitle = f"{rules_of(cube.manifest)}, {shift}"
    figure, axes, theme = figure_of(f"{name}: {exposure} over spot and time", subtitle, dark)
    values = cube.values[:, :, k]
    draw_map(axes, figure, theme, values, cube.unit)
    if min(values.shape) > 1 and values.min() < 0 < values.max():
        axes.contour(values, levels=[0.0], colors=theme["ink"], linewidths=1.5)
        axes.plot([], [], color=theme["ink"], linewidth=1.5, label="zero")
    spot = cube.chain.spot
    if len(cube.spots) > 1 and cube.spots[0] <= spot <= cube.spots[-1]:
        place = float(np.interp(spot, cube.spots, np.arange(len(cube.spots))))
        axes.axhline(
            place, color=theme["ink"], linewidth=1.2, linestyle=":", label=f"spot {number(spot)}"
        )
    labels = [
        time[5:16].replace("T", " ") if time else f"{days:g} d"
        for time, days in zip(cube.times, cube.days, strict=True)
    ]
    axes.set_xticks(*ticks_of(labels, 10))
    axes.tick_params(axis="x", labelrotation=30)
    axes.set_yticks(*price_ticks(cube.spots, 12))
    known = cube.chain.as_of is not None
    label_axes(axes, theme, "time, New York" if known else "calendar days ahead", "spot")
    add_legend(axes, theme)
    return figure


def plot_ladder(ladder: HedgeLadder, *, dark: bool = False) -> Figure:
    """What dealers trade by move of spot, stacked by part.

    Args:
        ladder: of `hedge_ladder`.
        dark: light on dark.

    Returns:
        matplotlib Figure.

    Raises:
        InputError: matplotlib is not installed.

    Example:
        >>> import gexcore as gex
        >>> len(plot_ladder(gex.hedge_ladder(gex.synthetic_chain(n=2000))).axes)
        1
    """
    manifest = ladder.manifest
    name = manifest["underlying"] or "Chain"
    title = f"{name}: hedge flow from {number(ladder.spot)}; dealers buy above, sell below the line"
    move = f"in {ladder.days:g} days, vols {ladder.vol_points:+g} points"
    subtitle = f"{rules_of(manifest)}, {move}, {words(manifest['dynamics'])}"
    figure, axes, theme = figure_of(title, subtitle, dark)
    place = np.arange(len(ladder))
    unit, name = scale_of(np.concatenate([ladder.shares, *ladder.parts.values()]))
    up, down = np.zeros(len(ladder)), np.zeros(len(ladder))
    colors = dict(zip(PARTS, (BLUE, YELLOW, GREEN, SKY, PURPLE, ORANGE, GREY), strict=True))
    for part in PARTS:
        values = ladder.parts[part] / unit
        if not np.abs(values).max() > 0:
            continue
        base = np.where(values > 0, up, down)
        axes.bar(place, values, 0.7, bottom=base, color=colors[part], label=part)
        up, down = up + np.maximum(values, 0), down + np.minimum(values, 0)
    axes.plot(
        place, ladder.shares / unit, "D-", color=theme["ink"], markersize=7, label="all together"
    )
    axes.axhline(0, color=theme["ink"], linewidth=0.8)
    axes.set_xticks(place, [f"{move:+.2%}" for move in ladder.returns])
    label_axes(axes, theme, "move of spot", f"{name}shares bought")
    add_legend(axes, theme)
    return figure


def plot_path(path: LevelPath, *, dark: bool = False) -> Figure:
    """Levels as time passes, spot unchanged.

    Args:
        path: of `level_path`.
        dark: light on dark.

    Returns:
        matplotlib Figure.

    Raises:
        InputError: matplotlib is not installed.

    Example:
        >>> import gexcore as gex
        >>> path = gex.level_path(gex.synthetic_chain(n=2000), times=[0.0, 1.0, 2.0])
        >>> len(plot_path(path).axes)
        1
    """
    name, when = path.chain.underlying or "Chain", written(path.chain.as_of)
    subtitle = f"{rules_of(path.manifest)}; spot, vols, rates and positions unchanged"
    figure, axes, theme = figure_of(
        f"{name}: levels as time passes{when and f' from {when}'}", subtitle, dark
    )
    spot = path.chain.spot
    axes.axhline(spot, color=theme["ink"], linewidth=1.2, label=f"spot {number(spot)}")
    for column, (label, color, _) in LEVELS.items():
        values = getattr(path, column)
        zero, pin = column == "zero_gamma", column == "absolute_gamma_strike"
        axes.plot(
            path.days, values, "o-" if zero else "D:" if pin else "s--", color=color,
            label=level_label(label, values), drawstyle="default" if zero else "steps-post",
            markersize=10 if pin else 6, zorder=2 if pin else 3,  # walls are often at the pin
        )  # fmt: skip
    write_prices(axes.yaxis)
    label_axes(axes, theme, "calendar days ahead", "price of the underlying")
    add_legend(axes, theme)
    return figure
