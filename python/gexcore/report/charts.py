"""The charts of a report, as plotly.js reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from gexcore.hedges import PARTS
from gexcore.report.canvas import (
    BLUE,
    GREEN,
    GREY,
    LEVELS,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    YELLOW,
    Float64,
    Spec,
    axis,
    chart,
    exact,
    faded,
    heat,
    listed,
    marks,
    price_of,
    prices,
    scale_of,
)
from gexcore.report.contents import Contents, where_found
from gexcore.results import money, number
from gexcore.scenario import ScenarioCube
from gexcore.strikes import StrikeSums

EXPIRIES = 30  # rows of the map, the nearest first
NEAR = 0.02  # largest move in the chart of the ladder


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with its title and a sentence that says what it shows."""

    title: str
    sentence: str
    spec: Spec


def all_charts(contents: Contents) -> dict[str, Chart]:
    """Every chart by name; what a chain does not allow is left out."""
    if not contents.result.exposures.gamma.gross > 0:
        return {}
    made = {
        "map": price_map(contents),
        "profile": profile(contents),
        "strikes": strikes(contents),
        "expiries": expiries(contents),
        "ladder": ladder(contents),
        "scenario": scenario(contents),
    }
    return {name: each for name, each in made.items() if each is not None}


def _diamond(label: str, at: float, color: str, symbol: str = "diamond") -> Spec:
    marker = {"color": color, "size": 13, "symbol": symbol, "line": {"color": "@ink", "width": 1}}
    return {
        "type": "scatter", "mode": "markers+text", "x": [at], "y": [label], "marker": marker,
        "text": [number(at)], "textposition": "top center", "cliponaxis": False,
        "textfont": {"color": "@ink", "size": 13},
        "hovertemplate": f"{label} {number(at)}<extra></extra>",
    }  # fmt: skip


def price_map(contents: Contents) -> Chart:
    """Levels on one axis of prices: the interval across conventions, and the base."""
    across, spot = contents.across, contents.result.chain.spot
    traces, ends = [], [spot]
    for name, (label, color, _) in LEVELS.items():
        at, spread = price_of(contents, name), across.intervals.get(name) if across else None
        if spread is not None and spread.low is not None and spread.high is not None:
            low, high = spread.low, spread.high
            ends += [low, high]
            traces.append({
                "type": "scatter", "mode": "lines", "x": [low, high], "y": [label, label],
                "line": {"color": color, "width": 12}, "opacity": 0.45,
                "hovertemplate": f"{label} {number(low)} to {number(high)}"
                "<extra>across conventions</extra>",
            })  # fmt: skip
        if at is not None:
            ends.append(at)
            traces.append(_diamond(label, at, color))
    here = _diamond("spot", spot, "@ink", "line-ns-open")
    traces.append({**here, "textposition": "middle right"})
    line = {"type": "line", "xref": "x", "yref": "paper", "x0": spot, "x1": spot, "y0": 0, "y1": 1,
            "line": {"color": "@ink", "width": 1.5, "dash": "dot"}, "layer": "below"}  # fmt: skip
    rows = ["pin", "put wall", "call wall", "zero gamma", "spot"]
    # what conventions throw far out may leave the picture
    low, high = np.clip([min(ends), max(ends)], *contents.window).tolist()
    room = 0.14 * (high - low) or 0.01 * spot
    x = prices("", low - room, high + room)
    y = {"type": "category", "categoryorder": "array", "categoryarray": rows,
         "range": [-0.5, len(rows) - 0.2], "fixedrange": True}  # fmt: skip
    bars = f"; bars: across {len(across)} sets of conventions" if across else ""
    return Chart("Where the levels are", f"Dotted: spot{bars}.",
                 chart(traces, x, y, shapes=[line], showlegend=False))  # fmt: skip


def profile(contents: Contents) -> Chart | None:
    """Net gamma re-priced over spot, all crossings, and the band of zero gamma."""
    result = contents.result
    if not len(result.profile.spots):
        return None
    zero = result.levels.zero_gamma
    roots = [crossing.spot for crossing in zero.crossings]
    spots, values = result.profile.curve(*contents.window, roots)
    size, name = scale_of(values)
    x = exact(spots)
    traces: list[Spec] = [
        {"type": "scatter", "mode": "lines", "name": text, "x": x, "y": listed(part / size),
         "fill": "tozeroy", "line": {"color": color, "width": 0}, "fillcolor": faded(color),
         "hoverinfo": "skip"}
        for text, color, part in (
            ("long: moves dampened", BLUE, np.maximum(values, 0.0)),
            ("short: moves amplified", RED, np.minimum(values, 0.0)),
        )
    ]  # fmt: skip
    traces.append({
        "type": "scatter", "mode": "lines", "name": "net gamma", "x": x, "y": listed(values / size),
        "line": {"color": "@ink", "width": 2},
        "hovertemplate": f"at %{{x:,.2f}}<br>%{{y:+,.3f}} {name}$ per 1% move<extra></extra>",
    })  # fmt: skip
    if roots:
        traces.append({
            "type": "scatter", "mode": "markers", "name": "zero gamma, all crossings",
            "x": exact(roots), "y": [0.0] * len(roots),
            "marker": {"color": PURPLE, "size": 10, "line": {"color": "@ink", "width": 1}},
            "hovertemplate": "zero gamma %{x:,.2f}<extra></extra>",
        })  # fmt: skip
    shapes, shaded = _band(contents)
    net = f"{money(result.levels.net_gamma[0])} $ per 1% at {number(result.chain.spot)}"
    spec = chart(
        traces, prices("spot", *contents.window), _height(spots, values / size, contents.window),
        shapes=shapes, hovermode="x",
    )  # fmt: skip
    effective = "Effective net" if result.profile.vols_move else "Net"
    return Chart(f"{effective} gamma over spot, {name}$ per 1% move",
                 f"Every contract re-priced: {net}; zero gamma: {zero}.{shaded}",
                 {**spec, "marks": marks(contents)})  # fmt: skip


def _band(contents: Contents) -> tuple[list[Spec], str]:
    """Where zero gamma lies across conventions, as a shape and in words."""
    band = contents.across.intervals["zero_gamma"] if contents.across else None
    if band is None or band.low is None or band.high is None:
        return [], ""
    shape = {"type": "rect", "xref": "x", "yref": "paper", "x0": band.low, "x1": band.high,
             "y0": 0, "y1": 1, "fillcolor": PURPLE, "opacity": 0.22, "line": {"width": 0},
             "layer": "below"}  # fmt: skip
    ends = f"{band.low:,.2f} to {band.high:,.2f}" if band.low < band.high else f"{band.low:,.2f}"
    return [shape], f" Shaded: zero gamma {where_found(band)}, {ends}."


def _height(x: Float64, y: Float64, window: tuple[float, float]) -> Spec:
    """An axis that fits what the window shows."""
    near = (x >= window[0]) & (x <= window[1])
    ends = y[near] if near.any() else y
    low, high = min(float(ends.min()), 0.0), max(float(ends.max()), 0.0)
    room = 0.06 * (high - low) or 1.0
    return {"range": [low - room, high + room], "tickformat": ",~g"}


def strikes(contents: Contents) -> Chart:
    """Gamma by strike: calls, puts and net, with the levels."""
    sums = StrikeSums.of(contents.result.exposures.gamma)
    low, high = contents.window
    near = (sums.strikes >= low * 0.8) & (sums.strikes <= high * 1.25)
    if not near.any():
        near[:] = True
    size, name = scale_of(sums.calls[near], sums.puts[near])
    shown = sums.strikes[near]
    inside = shown[(shown >= low) & (shown <= high)]
    width = float(np.median(np.diff(inside))) if len(inside) > 1 else 0.01 * sums.spot
    hover = f"%{{y:+,.3f}} {name}$ per 1% move"
    traces: list[Spec] = [
        {"type": "bar", "name": text, "x": exact(shown), "y": listed(part[near] / size),
         "width": 0.9 * width, "marker": {"color": color, "line": {"width": 0}},
         "hovertemplate": f"{hover}<extra>{text}</extra>"}
        for text, color, part in (("calls", BLUE, sums.calls), ("puts", RED, sums.puts))
    ]  # fmt: skip
    traces.append({
        "type": "scatter", "mode": "markers", "name": "net", "x": exact(shown),
        "y": listed(sums.net[near] / size),
        "marker": {"color": "@ink", "size": 5, "symbol": "diamond"},
        "hovertemplate": f"{hover}<extra>net</extra>",
    })  # fmt: skip
    spec = chart(traces, prices("strike", low, high), {"tickformat": ",~g"},
                 barmode="relative", hovermode="x")  # fmt: skip
    return Chart(f"Gamma by strike, {name}$ per 1% move",
                 "All expirations together: calls, puts, and net of both.",
                 {**spec, "marks": marks(contents)})  # fmt: skip


def ladder(contents: Contents) -> Chart:
    """What dealers trade by move of spot, stacked by part."""
    found = contents.ladder
    near = np.abs(found.returns) <= NEAR  # what lies further would hide these
    parts = {part: found.parts[part][near] for part in PARTS}
    shares = found.shares[near]
    size, name = scale_of(shares, *parts.values())
    moves = [f"{move:+.2%}".replace(".00%", "%") for move in found.returns[near]]
    colors = dict(zip(PARTS, (BLUE, YELLOW, GREEN, SKY, PURPLE, ORANGE, GREY), strict=True))
    hover = f"%{{y:+,.3f}} {name}shares"
    traces: list[Spec] = [
        {"type": "bar", "name": part, "x": moves, "y": listed(parts[part] / size),
         "marker": {"color": colors[part]}, "hovertemplate": f"{hover}<extra>{part}</extra>"}
        for part in PARTS
        if np.abs(parts[part]).max(initial=0.0) > 0
    ]  # fmt: skip
    traces.append({
        "type": "scatter", "mode": "lines+markers", "name": "all together", "x": moves,
        "y": listed(shares / size), "line": {"color": "@ink", "width": 1.5},
        "marker": {"color": "@ink", "size": 8, "symbol": "diamond"},
        "hovertemplate": f"{hover}<extra>all together</extra>",
    })  # fmt: skip
    spec = chart(traces, axis("move of spot", type="category"), {"tickformat": ",~g"},
                 barmode="relative", hovermode="x")  # fmt: skip
    return Chart(f"Hedge ladder, {name}shares bought (+) or sold (-)",
                 "What dealers trade to stay hedged when spot moves at once; larger moves are in "
                 "the table.", spec)  # fmt: skip


def expiries(contents: Contents) -> Chart | None:
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
    labels, values = [str(day) for day in rows[:EXPIRIES]], values[:EXPIRIES]
    scale = scale_of(values)
    trace = heat(exact(columns), labels, values, scale, "%{y}, strike %{x:,.6~g}")
    y = {"type": "category", "autorange": "reversed", "showgrid": False}
    spec = chart([trace], prices("strike", low, high, showgrid=False), y)
    left = f"; {len(rows) - len(labels)} later ones are not shown" if len(rows) > EXPIRIES else ""
    return Chart(f"Net gamma by expiration and strike, {scale[1]}$ per 1% move",
                 f"Blue: dealers long, red: short, by the root of the amount{left}.",
                 {**spec, "marks": marks(contents)})  # fmt: skip


def scenario(contents: Contents) -> Chart:
    """Net gamma over time (columns) and price (rows), and where it is zero."""
    cube, spot = contents.cube, contents.result.chain.spot
    values = cube.values[:, :, 0]
    x, y = time_labels(cube), exact(cube.spots)
    scale = scale_of(values)
    traces: list[Spec] = [heat(x, y, values, scale, "%{x}, price %{y:,.2f}")]
    if values.min() < 0 < values.max() and min(values.shape) > 1:
        traces.append({
            "type": "contour", "x": x, "y": y, "z": traces[0]["z"], "showscale": False,
            "contours": {"coloring": "none", "start": 0, "end": 0, "size": 1},
            "line": {"color": "@ink", "width": 2}, "hoverinfo": "skip", "name": "zero gamma",
        })  # fmt: skip
    line = {"type": "line", "xref": "paper", "yref": "y", "x0": 0, "x1": 1, "y0": spot, "y1": spot,
            "line": {"color": "@ink", "width": 1.5, "dash": "dot"}}  # fmt: skip
    spec = chart(traces, {"type": "category", "showgrid": False},
                 prices("", y[0], y[-1], showgrid=False), shapes=[line])  # fmt: skip
    return Chart(f"Net gamma by time and price, {scale[1]}$ per 1% move",
                 "If vols stay. The solid line is zero gamma, the dotted one spot now; "
                 "blue: dealers long, red: short, by the root of the amount.", spec)  # fmt: skip


def time_labels(cube: ScenarioCube) -> list[str]:
    """Hours of the first day, then days with their hour; days ahead where no time is known."""
    first: Any = None
    labels = []
    for time, days in zip(cube.times, cube.days, strict=True):
        if not time:
            labels.append(f"+{days:g} d")
            continue
        at = datetime.fromisoformat(time)
        first = first or at.date()
        labels.append(f"{at:%H:%M}" if at.date() == first else f"{at:%a %d %b}")
    return labels if len(set(labels)) == len(labels) else [t[:16] for t in cube.times]
