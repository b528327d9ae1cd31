"""Charts of a report as plotly.js reads them: traces and layout, colours by the name of a role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.hedges import PARTS
from gexcore.report.contents import Contents
from gexcore.results import number
from gexcore.strikes import StrikeSums

Float64 = npt.NDArray[np.float64]
Spec = dict[str, Any]  # "data": traces, "layout"

# Okabe and Ito's colours, told apart by all kinds of sight
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, GREY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#8c8c8c",
)  # fmt: skip
LEVELS = {  # label, colour, dash
    "zero_gamma": ("zero gamma", PURPLE, "solid"),
    "call_wall": ("call wall", GREEN, "dash"),
    "put_wall": ("put wall", ORANGE, "dash"),
    "absolute_gamma_strike": ("pin", SKY, "dot"),
}
THEMES: Mapping[str, Mapping[str, str]] = {
    "light": {"ink": "#1a1a1a", "soft": "#555c66", "faint": "#d9dce1", "paper": "#ffffff"},
    "dark": {"ink": "#ececec", "soft": "#a9b1bc", "faint": "#363c45", "paper": "#14171c"},
}
_POINTS_OF_MAP = np.array([0.0, 0.05, 0.15, 0.3, 0.5, 0.75, 1.0])  # of the largest amount
_ROW = 17  # pixels between labels of levels


def color_map(theme: str) -> list[list[Any]]:
    """Red to blue through the paper's colour, by the root of the amount: little shows as well."""
    middle = THEMES[theme]["paper"]
    stops: list[list[Any]] = []
    for end, points in ((RED, -_POINTS_OF_MAP[::-1]), (BLUE, _POINTS_OF_MAP[1:])):
        stops += [[0.5 + x / 2, _mixed(middle, end, abs(x) ** 0.5)] for x in points.tolist()]
    return stops


def _mixed(start: str, end: str, share: float) -> str:
    pairs = [(int(start[i : i + 2], 16), int(end[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def all_charts(contents: Contents) -> dict[str, Spec]:
    """Every chart by name; what a chain does not allow is left out."""
    if not contents.result.exposures.gamma.gross > 0:
        return {}
    made = {
        "map": price_map(contents),
        "profile": profile(contents),
        "strikes": strikes(contents),
        "ladder": ladder(contents),
        "expiries": expiries(contents),
        "scenario": scenario(contents),
    }
    return {name: chart for name, chart in made.items() if chart is not None}


def scale_of(*values: Float64) -> tuple[float, str]:
    """Divisor and its name for amounts of this size."""
    size = max(float(np.abs(v[np.isfinite(v)]).max(initial=0.0)) for v in values)
    for unit, name in ((1e9, "bn "), (1e6, "mm "), (1e3, "k ")):
        if size >= unit:
            return unit, name
    return 1.0, ""


def _listed(values: Float64) -> list[float | None]:
    """Seven digits are more than any screen shows; NaN is a gap."""
    return [float(f"{v:.7g}") if np.isfinite(v) else None for v in values.tolist()]


def _exact(values: Any) -> list[float]:
    return [float(v) for v in values]


def _layout(x: Mapping[str, Any], y: Mapping[str, Any], **more: Any) -> Spec:
    axis = {"gridcolor": "@faint", "linecolor": "@faint", "zerolinecolor": "@soft"}
    axis |= {"automargin": True, "title": {"text": ""}}
    return {
        "xaxis": {**axis, **x},
        "yaxis": {**axis, **y},
        "font": {"color": "@ink", "size": 13},
        "paper_bgcolor": "@paper",
        "plot_bgcolor": "@paper",
        "hoverlabel": {"bgcolor": "@paper", "bordercolor": "@soft", "font": {"color": "@ink"}},
        "legend": {"orientation": "h", "x": 0, "y": -0.22, "yanchor": "top"},
        "margin": {"l": 12, "r": 12, "t": 12, "b": 12},
        "uirevision": "kept",  # a zoom survives a change of theme
        **more,
    }


def _axis(title: str, **more: Any) -> Spec:
    return {"title": {"text": title, "standoff": 8}, **more}


def _marks(contents: Contents) -> list[tuple[str, float, str, str]]:
    """Label, price, colour and dash of spot and of the levels within the window."""
    result, (low, high) = contents.result, contents.window
    found = [("spot", result.chain.spot, "@ink", "solid")]
    for name, (label, color, dash) in LEVELS.items():
        level = getattr(result.levels, name)
        at = level.value if name == "zero_gamma" else level.strike
        if at is not None and low <= at <= high:
            found.append((label, at, color, dash))
    return found


def _level_lines(contents: Contents) -> Spec:
    """Lines of the levels, each with a label in a row of its own above: none covers another."""
    low, high = contents.window
    marks = sorted(_marks(contents), key=lambda mark: mark[1])
    shapes, notes = [], []
    for row, (label, at, color, dash) in enumerate(marks):
        top = (len(marks) - row - 1) * _ROW
        shapes.append({
            "type": "line", "xref": "x", "yref": "paper", "x0": at, "x1": at, "y0": 0, "y1": 1,
            "line": {"color": color, "width": 2, "dash": dash}, "layer": "above",
        })  # fmt: skip
        left = at < (low * high) ** 0.5 * 1.0001
        notes.append({
            "xref": "x", "yref": "paper", "x": at, "y": 1, "yshift": top + 2, "yanchor": "bottom",
            "xanchor": "left" if left else "right", "text": f"{label} {number(at)}",
            "showarrow": False, "font": {"size": 12, "color": "@ink"}, "bgcolor": "@paper",
            "borderpad": 0,
        })  # fmt: skip
    return {"shapes": shapes, "annotations": notes,
            "margin": {"l": 12, "r": 12, "t": 10 + len(marks) * _ROW, "b": 12}}  # fmt: skip


def price_map(contents: Contents) -> Spec:
    """Levels on one axis of prices: the interval across conventions, and the base."""
    result = contents.result
    names = [n for n in reversed(LEVELS) if contents.across or n]
    traces: list[Spec] = []
    ends = [result.chain.spot]
    intervals = contents.across.intervals if contents.across else {}
    for name in names:
        label, color, _ = LEVELS[name]
        level = getattr(result.levels, name)
        at = level.value if name == "zero_gamma" else level.strike
        spread = intervals.get(name)
        if spread is not None and spread.low is not None and spread.high is not None:
            ends += [spread.low, spread.high]
            traces.append({
                "type": "scatter", "mode": "lines", "x": [spread.low, spread.high],
                "y": [label, label], "line": {"color": color, "width": 12}, "opacity": 0.45,
                "hovertemplate": f"{label} {number(spread.low)} to {number(spread.high)}"
                "<extra>across conventions</extra>",
            })  # fmt: skip
        if at is None:
            continue
        ends.append(at)
        traces.append({
            "type": "scatter", "mode": "markers+text", "x": [at], "y": [label],
            "marker": {"color": color, "size": 13, "symbol": "diamond",
                       "line": {"color": "@ink", "width": 1}},
            "text": [number(at)], "textposition": "top center", "cliponaxis": False,
            "textfont": {"color": "@ink", "size": 13},
            "hovertemplate": f"{label} {number(at)}<extra></extra>",
        })  # fmt: skip
    spot, wide = result.chain.spot, 0.12 * (max(ends) - min(ends)) or 0.01 * result.chain.spot
    traces.append({
        "type": "scatter", "mode": "markers+text", "x": [spot], "y": ["spot"],
        "marker": {"color": "@ink", "size": 13, "symbol": "line-ns-open"},
        "text": [number(spot)], "textposition": "top center", "cliponaxis": False,
        "textfont": {"color": "@ink", "size": 13}, "hovertemplate": "spot %{x:,.2f}<extra></extra>",
    })  # fmt: skip
    line = {"type": "line", "xref": "x", "yref": "paper", "x0": spot, "x1": spot, "y0": 0, "y1": 1,
            "line": {"color": "@ink", "width": 1.5, "dash": "dot"}, "layer": "below"}  # fmt: skip
    rows = [LEVELS[name][0] for name in names] + ["spot"]
    return {
        "data": traces,
        "layout": _layout(
            _axis("price", range=[min(ends) - wide, max(ends) + wide], tickformat=",.6~g"),
            {"type": "category", "categoryorder": "array", "categoryarray": rows,
             "range": [-0.5, len(rows) - 0.2], "fixedrange": True},
            shapes=[line], showlegend=False,
        ),
    }  # fmt: skip


def profile(contents: Contents) -> Spec | None:
    """Net gamma re-priced over spot, all crossings, and the band of zero gamma."""
    result = contents.result
    crossings = [c.spot for c in result.levels.zero_gamma.crossings]
    spots = np.concatenate([result.profile.spots, crossings])
    if not len(result.profile.spots):
        return None
    order = np.argsort(spots, kind="stable")
    values = np.concatenate([result.profile.hedged_gamma, np.zeros(len(crossings))])[order]
    spots = spots[order]
    unit, name = scale_of(values)
    label = f"net gamma, {name}{result.exposures.gamma.unit}"
    x = _exact(spots)
    traces: list[Spec] = [
        {"type": "scatter", "mode": "lines", "name": text, "x": x,
         "y": _listed(part / unit), "fill": "tozeroy", "line": {"color": color, "width": 0},
         "fillcolor": f"{color}55", "hoverinfo": "skip"}
        for text, color, part in (
            ("long: moves dampened", BLUE, np.maximum(values, 0.0)),
            ("short: moves amplified", RED, np.minimum(values, 0.0)),
        )
    ]  # fmt: skip
    traces.append({
        "type": "scatter", "mode": "lines", "name": "net gamma", "x": x,
        "y": _listed(values / unit), "line": {"color": "@ink", "width": 2},
        "hovertemplate": f"at %{{x:,.2f}}<br>%{{y:+,.3f}} {name}{result.exposures.gamma.unit}"
        "<extra></extra>",
    })  # fmt: skip
    if crossings:
        traces.append({
            "type": "scatter", "mode": "markers", "name": "zero gamma, all crossings",
            "x": _exact(crossings), "y": [0.0] * len(crossings),
            "marker": {"color": PURPLE, "size": 10, "line": {"color": "@ink", "width": 1}},
            "hovertemplate": "zero gamma %{x:,.2f}<extra></extra>",
        })  # fmt: skip
    lines = _level_lines(contents)
    band = contents.across.intervals["zero_gamma"] if contents.across else None
    if band is not None and band.low is not None:
        lines["shapes"].insert(0, {
            "type": "rect", "xref": "x", "yref": "paper", "x0": band.low, "x1": band.high, "y0": 0,
            "y1": 1, "fillcolor": PURPLE, "opacity": 0.22, "line": {"width": 0}, "layer": "below",
        })  # fmt: skip
    near = (spots >= contents.window[0]) & (spots <= contents.window[1])
    ends = values[near] / unit if near.any() else values / unit
    low, high = min(float(ends.min()), 0.0), max(float(ends.max()), 0.0)
    room = 0.06 * (high - low)
    return {
        "data": traces,
        "layout": _layout(
            _axis("spot", range=list(contents.window), tickformat=",.6~g"),
            _axis(label, range=[low - room, high + room], tickformat="+,~g"), **lines,
        ),
    }  # fmt: skip


def strikes(contents: Contents) -> Spec:
    """Gamma by strike: calls, puts and net, with the levels."""
    result = contents.result
    sums, (low, high) = StrikeSums.of(result.exposures.gamma), contents.window
    near = (sums.strikes >= low * 0.8) & (sums.strikes <= high * 1.25)
    unit, name = scale_of(sums.calls[near], sums.puts[near])
    shown = sums.strikes[near]
    inside = shown[(shown >= low) & (shown <= high)]
    width = float(np.median(np.diff(inside))) if len(inside) > 1 else 0.01 * sums.spot
    hover = f"strike %{{x:,.6~g}}<br>%{{y:+,.3f}} {name}{result.exposures.gamma.unit}"
    traces: list[Spec] = [
        {"type": "bar", "name": text, "x": _exact(shown), "y": _listed(part[near] / unit),
         "width": 0.9 * width, "marker": {"color": color, "line": {"width": 0}},
         "hovertemplate": f"{hover}<extra>{text}</extra>"}
        for text, color, part in (("calls", BLUE, sums.calls), ("puts", RED, sums.puts))
    ]  # fmt: skip
    traces.append({
        "type": "scatter", "mode": "lines", "name": "net", "x": _exact(shown),
        "y": _listed(sums.net[near] / unit), "line": {"color": "@ink", "width": 1.5},
        "hovertemplate": f"{hover}<extra>net</extra>",
    })  # fmt: skip
    return {
        "data": traces,
        "layout": _layout(
            _axis("strike", range=[low, high], tickformat=",.6~g"),
            _axis(f"gamma, {name}{result.exposures.gamma.unit}", tickformat="+,~g"),
            barmode="relative", **_level_lines(contents),
        ),
    }  # fmt: skip


def ladder(contents: Contents) -> Spec:
    """What dealers trade by move of spot, stacked by part."""
    found = contents.ladder
    unit, name = scale_of(found.shares, *found.parts.values())
    moves = [f"{move:+.2%}" for move in found.returns]
    colors = dict(zip(PARTS, (BLUE, YELLOW, GREEN, SKY, PURPLE, ORANGE, GREY), strict=True))
    hover = f"%{{x}}: %{{y:+,.3f}} {name}shares"
    traces: list[Spec] = [
        {"type": "bar", "name": part, "x": moves, "y": _listed(found.parts[part] / unit),
         "marker": {"color": colors[part]}, "hovertemplate": f"{hover}<extra>{part}</extra>"}
        for part in PARTS
        if np.abs(found.parts[part]).max(initial=0.0) > 0
    ]  # fmt: skip
    traces.append({
        "type": "scatter", "mode": "lines+markers", "name": "all together", "x": moves,
        "y": _listed(found.shares / unit), "line": {"color": "@ink", "width": 1.5},
        "marker": {"color": "@ink", "size": 8, "symbol": "diamond"},
        "hovertemplate": f"{hover}<extra>all together</extra>",
    })  # fmt: skip
    return {
        "data": traces,
        "layout": _layout(
            _axis("move of spot", type="category"),
            _axis(f"{name}shares bought (+) or sold (-)", tickformat="+,~g"),
            barmode="relative",
        ),
    }  # fmt: skip


def _heat(x: Sequence[Any], y: Sequence[Any], values: Float64, unit: str, hover: str) -> Spec:
    """Colours symmetric around 0, with a bar below."""
    size, name = scale_of(values)
    most = float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) / size or 1.0
    return {
        "type": "heatmap", "x": list(x), "y": list(y),
        "z": [_listed(row / size) for row in values], "zmin": -most, "zmax": most,
        "colorscale": "@map", "hoverongaps": False,
        "hovertemplate": f"{hover}<br>%{{z:+,.4~g}} {name}{unit}<extra></extra>",
        "colorbar": {
            "orientation": "h", "thickness": 12, "len": 1, "y": -0.22, "yanchor": "top",
            "outlinewidth": 0, "tickformat": "+,~g",
            "title": {"text": f"{name}{unit}: short (-), long (+)", "side": "bottom"},
        },
    }  # fmt: skip


def expiries(contents: Contents, most: int = 30) -> Spec | None:
    """Net gamma by expiry (rows, the nearest above) and strike (columns)."""
    result = contents.result
    if result.chain.expiry is None:
        return None
    table = result.exposures.gamma.by("expiry", "strike")
    days, strike = table.keys
    low, high = contents.window
    near = (strike >= low) & (strike <= high) & ~np.isnat(days)
    if not near.any():
        return None
    rows, row = np.unique(days[near], return_inverse=True)
    columns, column = np.unique(strike[near], return_inverse=True)
    values = np.full((len(rows), len(columns)), np.nan)
    values[row, column] = table.values[near]
    labels, kept = [str(day) for day in rows[:most]], values[:most]
    # heat[y][x]: unequal steps between strikes are kept
    heat = _heat(_exact(columns), labels, kept, table.unit, "%{y}, strike %{x:,.6~g}")
    return {
        "data": [heat],
        "layout": _layout(
            _axis("strike", range=[low, high], tickformat=",.6~g", showgrid=False),
            {"type": "category", "autorange": "reversed", "showgrid": False},
            **_level_lines(contents),
        ),
    }  # fmt: skip


def scenario(contents: Contents) -> Spec:
    """Net gamma over time (columns) and price (rows), and where it is zero."""
    cube = contents.cube
    k = int(np.argmin(np.abs(cube.vol_shifts)))
    values = cube.values[:, :, k]
    x = [
        time[5:16].replace("T", " ") if time else f"+{days:g} d"
        for time, days in zip(cube.times, cube.days, strict=True)
    ]
    y = _exact(cube.spots)
    traces: list[Spec] = [_heat(x, y, values, cube.unit, "%{x}, price %{y:,.2f}")]
    if values.min() < 0 < values.max() and min(values.shape) > 1:
        traces.append({
            "type": "contour", "x": x, "y": y, "z": traces[0]["z"], "showscale": False,
            "contours": {"coloring": "none", "start": 0, "end": 0, "size": 1},
            "line": {"color": "@ink", "width": 2}, "hoverinfo": "skip", "name": "zero gamma",
        })  # fmt: skip
    spot = contents.result.chain.spot
    line = {"type": "line", "xref": "paper", "yref": "y", "x0": 0, "x1": 1, "y0": spot, "y1": spot,
            "line": {"color": "@ink", "width": 1.5, "dash": "dot"}}  # fmt: skip
    return {
        "data": traces,
        "layout": _layout(
            _axis("time", type="category", showgrid=False),
            _axis("price", range=[y[0], y[-1]], tickformat=",.6~g", showgrid=False),
            shapes=[line],
        ),
    }  # fmt: skip
