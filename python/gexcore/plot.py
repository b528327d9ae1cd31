"""Pictures of results: matplotlib figures, 1200 x 700, safe for the colour-blind, dark or light."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gexcore.analysis import Analysis
from gexcore.errors import ConventionError, InputError
from gexcore.hedges import PARTS, HedgeLadder
from gexcore.level_path import LevelPath
from gexcore.output import write_file
from gexcore.results import number
from gexcore.scenario import ScenarioCube
from gexcore.strikes import StrikeSums

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Float64 = npt.NDArray[np.float64]

REACH = 0.08  # strikes shown, in log distance from spot
_INCHES, _DPI = (12.0, 7.0), 100

# Okabe and Ito's colours, told apart by all kinds of sight
_BLUE, _ORANGE, _GREEN, _RED, _PURPLE, _SKY, _YELLOW = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442",
)  # fmt: skip
_CALLS, _PUTS = _BLUE, _RED
_LEVELS = {
    "zero_gamma": ("zero gamma", _PURPLE, "-"),
    "call_wall": ("call wall", _GREEN, "--"),
    "put_wall": ("put wall", _ORANGE, "--"),
    "absolute_gamma_strike": ("pin", _SKY, ":"),
}
_LIGHT = {"paper": "#ffffff", "ink": "#1a1a1a", "faint": "#d0d0d0", "map": "PuOr"}
_DARK = {"paper": "#14171c", "ink": "#e8e8e8", "faint": "#3a3f47", "map": "PuOr"}


def _figure(title: str, subtitle: str, dark: bool) -> tuple[Figure, Axes, dict[str, str]]:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError("plots need matplotlib", hint='pip install "gexcore[plot]"') from None
    theme = _DARK if dark else _LIGHT
    figure = Figure(figsize=_INCHES, dpi=_DPI, layout="constrained", facecolor=theme["paper"])
    axes = figure.add_subplot()
    axes.set_facecolor(theme["paper"])
    axes.tick_params(colors=theme["ink"], labelsize=11)
    axes.grid(True, color=theme["faint"], linewidth=0.6)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_color(theme["faint"])
    figure.suptitle(_plain(title), x=0.01, ha="left", fontsize=16, color=theme["ink"])
    axes.set_title(_plain(subtitle), loc="left", fontsize=11, color=theme["ink"])
    return figure, axes, theme


def _plain(text: str) -> str:
    """Text from data: no mathematics mode, no line breaks."""
    return " ".join(text.replace("$", r"\$").split())


def _label(axes: Axes, theme: Mapping[str, str], x: str, y: str) -> None:
    axes.set_xlabel(_plain(x), color=theme["ink"], fontsize=12)
    axes.set_ylabel(_plain(y), color=theme["ink"], fontsize=12)


def _legend(axes: Axes, theme: Mapping[str, str]) -> None:
    axes.legend(
        loc="upper left", fontsize=10, facecolor=theme["paper"], edgecolor=theme["faint"],
        labelcolor=theme["ink"], framealpha=0.9,
    )  # fmt: skip


def _scale(values: Float64) -> tuple[float, str]:
    """Divisor and its name for amounts of this size."""
    size = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    for unit, name in ((1e9, "bn "), (1e6, "mm "), (1e3, "k ")):
        if size >= unit:
            return unit, name
    return 1.0, ""


def _title(result: Analysis) -> tuple[str, str]:
    chain = result.chain
    when = f", {chain.as_of.time:%Y-%m-%d %H:%M %Z}" if chain.as_of else ""
    coverage = f"{result.coverage.used_open_interest_share:.0%} of open interest"
    manifest = result.manifest
    conventions = f"{manifest['positions']}, {manifest['scope']}, clock {manifest['clock']}"
    regime = result.regime.kind.replace("_", " ")
    return (
        f"{chain.underlying or 'Chain'}{when}: {regime}",
        f"{conventions}, vols {manifest['dynamics'].replace('_', ' ')}, {coverage}",
    )


def _mark_levels(axes: Axes, result: Analysis, low: float, high: float, ink: str) -> None:
    axes.axvline(
        result.chain.spot, color=ink, linewidth=1.2, label=f"spot {number(result.chain.spot)}"
    )
    for name, (label, color, style) in _LEVELS.items():
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


def plot_strikes(result: Analysis, *, reach: float = REACH, dark: bool = False) -> Figure:
    """Gamma by strike: calls, puts and net, with the levels.

    Args:
        result: of `analyze`.
        reach: strikes shown, in log distance from spot.
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
    figure, axes, theme = _figure(*_title(result), dark)
    sums = StrikeSums.of(result.exposures.gamma)
    low, high = sums.spot * np.exp(-reach), sums.spot * np.exp(reach)
    near = (sums.strikes >= low) & (sums.strikes <= high)
    strikes = sums.strikes[near]
    unit, name = _scale(np.concatenate([sums.calls[near], sums.puts[near]]))
    width = float(np.median(np.diff(strikes))) if len(strikes) > 1 else 0.01 * sums.spot
    axes.bar(strikes, sums.calls[near] / unit, 0.9 * width, color=_CALLS, label="calls")
    axes.bar(strikes, sums.puts[near] / unit, 0.9 * width, color=_PUTS, label="puts")
    axes.plot(strikes, sums.net[near] / unit, color=theme["ink"], linewidth=1.0, label="net")
    axes.axhline(0, color=theme["ink"], linewidth=0.8)
    _mark_levels(axes, result, float(low), float(high), theme["ink"])
    _label(axes, theme, "strike", f"gamma exposure, {name}{result.exposures.gamma.unit}")
    _legend(axes, theme)
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
    figure, axes, theme = _figure(*_title(result), dark)
    profile = result.profile
    values = profile.hedged_gamma
    unit, name = _scale(values)
    shown = values / unit
    axes.plot(profile.spots, shown, color=theme["ink"], linewidth=2, label="net gamma")
    axes.fill_between(profile.spots, shown, 0, where=shown > 0, color=_CALLS, alpha=0.25)
    axes.fill_between(profile.spots, shown, 0, where=shown < 0, color=_PUTS, alpha=0.25)
    axes.axhline(0, color=theme["ink"], linewidth=0.8)
    band = None if across is None else across.to_dict()["interval"].get("zero_gamma")
    if band and band["low"] is not None:
        text = f"zero gamma across conventions {number(band['low'])} to {number(band['high'])}"
        axes.axvspan(band["low"], band["high"], color=_PURPLE, alpha=0.2, label=text)
    low, high = (float(profile.spots[i]) for i in (0, -1)) if len(profile.spots) else (0.0, 1.0)
    _mark_levels(axes, result, low, high, theme["ink"])
    for crossing in result.levels.zero_gamma.crossings:
        axes.plot(crossing.spot, 0, "o", color=_PURPLE, markersize=8)
    _label(axes, theme, "spot", f"net gamma, {name}{result.exposures.gamma.unit}")
    _legend(axes, theme)
    return figure


def _map(axes: Axes, figure: Figure, theme: Mapping[str, str], values: Float64, unit: str) -> None:
    """Colours symmetric around 0, with a scale; rows of `values` from below."""
    size, name = _scale(values)
    most = float(np.nanmax(np.abs(values), initial=0.0)) / size or 1.0
    image = axes.imshow(
        values / size, aspect="auto", origin="lower", cmap=theme["map"], vmin=-most, vmax=most,
        interpolation="nearest",
    )  # fmt: skip
    bar = figure.colorbar(image, ax=axes)
    bar.set_label(_plain(f"{name}{unit}"), color=theme["ink"], fontsize=12)
    bar.ax.tick_params(colors=theme["ink"])
    axes.grid(False)


def _ticks(labels: list[str], most: int) -> tuple[list[int], list[str]]:
    places = np.unique(np.linspace(0, len(labels) - 1, min(len(labels), most)).round().astype(int))
    return [int(i) for i in places], [labels[i] for i in places]


def plot_heat_map(
    result: Analysis, *, reach: float = REACH, expiries: int = 24, dark: bool = False
) -> Figure:
    """Net gamma by expiry (rows) and strike (columns).

    Args:
        result: of `analyze`.
        reach: strikes shown, in log distance from spot.
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
    shown = np.abs(np.log(strikes / spot)) <= reach
    rows, row = np.unique(days[shown], return_inverse=True)
    columns, column = np.unique(strikes[shown], return_inverse=True)
    values = np.zeros((len(rows), len(columns)))
    values[row, column] = table.values[shown]
    values = values[:expiries]
    figure, axes, theme = _figure(*_title(result), dark)
    _map(axes, figure, theme, values, table.unit)
    axes.set_yticks(*_ticks([str(day) for day in rows[:expiries]], 24))
    axes.set_xticks(*_ticks([number(float(k)) for k in columns], 12))
    if len(columns) > 1:
        place = float(np.interp(spot, columns, np.arange(len(columns))))
        axes.axvline(place, color=theme["ink"], linewidth=1.2, label=f"spot {number(spot)}")
        _legend(axes, theme)
    _label(axes, theme, "strike", "expiry")
    return figure


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
    name = cube.chain.underlying or "Chain"
    shift = f"vols {cube.vol_shifts[k] * 100:+g} points, {cube.dynamics.replace('_', ' ')}"
    exposure = cube.exposure.replace("_", " ")
    figure, axes, theme = _figure(f"{name}: {exposure} over spot and time", shift, dark)
    values = cube.values[:, :, k]
    _map(axes, figure, theme, values, cube.unit)
    if min(values.shape) > 1 and values.min() < 0 < values.max():
        axes.contour(values, levels=[0.0], colors=theme["ink"], linewidths=1.5)
    labels = [
        time[5:16].replace("T", " ") if time else f"{days:g} d"
        for time, days in zip(cube.times, cube.days, strict=True)
    ]
    axes.set_xticks(*_ticks(labels, 10))
    axes.tick_params(axis="x", labelrotation=30)
    axes.set_yticks(*_ticks([number(float(s)) for s in cube.spots], 15))
    _label(axes, theme, "time (line: zero)", "spot")
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
    title = f"Hedge flow from {number(ladder.spot)}: dealers buy above, sell below the line"
    subtitle = f"in {ladder.days:g} days, vols {ladder.vol_points:+g} points"
    figure, axes, theme = _figure(title, f"{subtitle}, {ladder.manifest['dynamics']}", dark)
    place = np.arange(len(ladder))
    unit, name = _scale(np.concatenate([ladder.shares, *ladder.parts.values()]))
    up, down = np.zeros(len(ladder)), np.zeros(len(ladder))
    colors = dict(
        zip(PARTS, (_BLUE, _YELLOW, _GREEN, _SKY, _PURPLE, _ORANGE, theme["faint"]), strict=True)
    )
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
    _label(axes, theme, "move of spot", f"{name}shares bought")
    _legend(axes, theme)
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
    name = path.chain.underlying or "Chain"
    subtitle = "spot, vols, rates and positions unchanged; what settles rolls off"
    figure, axes, theme = _figure(f"{name}: levels as time passes", subtitle, dark)
    spot = path.chain.spot
    axes.axhline(spot, color=theme["ink"], linewidth=1.2, label=f"spot {number(spot)}")
    for column, (label, color, _) in _LEVELS.items():
        values = getattr(path, column)
        style = "o-" if column == "zero_gamma" else "s--"
        drawstyle = "default" if column == "zero_gamma" else "steps-post"
        axes.plot(path.days, values, style, color=color, label=label, drawstyle=drawstyle)
    _label(axes, theme, "calendar days ahead", "price")
    _legend(axes, theme)
    return figure


def save_figure(figure: Figure, path: Any) -> None:
    """Write a figure as .png, .svg or .pdf, whole or not at all.

    Args:
        figure: of any function here.
        path: the ending says the format.

    Raises:
        ConventionError: another ending. GexError: the file cannot be written.

    Example:
        >>> import gexcore as gex
        >>> save_figure(plot_profile(gex.analyze(gex.synthetic_chain(n=2000))), "profile.png")
    """
    kind = str(path).rpartition(".")[2].lower()
    if kind not in ("png", "svg", "pdf"):
        raise ConventionError(f"{path}: a picture is .png, .svg or .pdf")
    write_file(path, lambda file: figure.savefig(file, format=kind, dpi=_DPI))
