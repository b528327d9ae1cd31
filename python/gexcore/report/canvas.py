"""What charts share: colours by role, layout, scales, and the marks of levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.report.contents import Contents
from gexcore.results import number

Float64 = npt.NDArray[np.float64]
Spec = dict[str, Any]  # "data": traces, "layout", "marks": of levels

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


def color_map(theme: str) -> list[list[Any]]:
    """Red to blue through the paper's colour, by the root of the amount: little shows as well."""
    middle = THEMES[theme]["paper"]
    stops: list[list[Any]] = []
    for end, points in ((RED, -_POINTS_OF_MAP[::-1]), (BLUE, _POINTS_OF_MAP[1:])):
        stops += [[0.5 + x / 2, _mixed(middle, end, abs(x) ** 0.5)] for x in points.tolist()]
    return stops


def _mixed(start: str, end: str, share: float) -> str:
    pairs = zip(_parts(start), _parts(end), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _parts(color: str) -> list[int]:
    return [int(color[i : i + 2], 16) for i in (1, 3, 5)]


def faded(color: str) -> str:
    """A colour that lets what is behind it through."""
    return f"rgba({', '.join(map(str, _parts(color)))}, 0.33)"


def scale_of(*values: Float64) -> tuple[float, str]:
    """Divisor and its name for amounts of this size."""
    size = max(float(np.abs(v[np.isfinite(v)]).max(initial=0.0)) for v in values)
    for unit, name in ((1e9, "bn "), (1e6, "mm "), (1e3, "k ")):
        if size >= unit:
            return unit, name
    return 1.0, ""


def listed(values: Float64) -> list[float | None]:
    """Amounts of a trace: seven digits are more than any screen shows; NaN is a gap."""
    return [float(f"{v:.7g}") if np.isfinite(v) else None for v in values.tolist()]


def exact(values: Any) -> list[float]:
    """Prices of a trace, with all their digits."""
    return [float(v) for v in values]


def chart(traces: Sequence[Spec], x: Mapping[str, Any], y: Mapping[str, Any], **more: Any) -> Spec:
    """Traces on a pair of axes; colours that begin with @ are roles of the theme."""
    axis = {"gridcolor": "@faint", "linecolor": "@faint", "zerolinecolor": "@soft"}
    layout = {
        "xaxis": {**axis, "automargin": True, **x},
        "yaxis": {**axis, "automargin": True, **y},
        "font": {"color": "@ink", "size": 13},
        "paper_bgcolor": "@paper",
        "plot_bgcolor": "@paper",
        "hoverlabel": {"bgcolor": "@paper", "bordercolor": "@soft", "font": {"color": "@ink"}},
        "legend": {"orientation": "h", "x": 0, "yref": "container", "y": 0, "yanchor": "bottom"},
        "margin": {"l": 12, "r": 12, "t": 12, "b": 12},
        "uirevision": "kept",  # a zoom survives a change of theme
        **more,
    }
    return {"data": list(traces), "layout": layout}


def axis(title: str, **more: Any) -> Spec:
    """An axis with its name."""
    return {**({"title": {"text": title, "standoff": 8}} if title else {}), **more}


def prices(title: str, low: float, high: float, **more: Any) -> Spec:
    """An axis of prices."""
    return axis(title, range=[low, high], tickformat=",.6~g", nticks=9, **more)


def marks(contents: Contents) -> list[Spec]:
    """Spot and the levels within the window, as the page's script draws and labels them."""
    result, (low, high) = contents.result, contents.window
    found = [("spot", result.chain.spot, "@ink", "solid")]
    for name, (label, color, dash) in LEVELS.items():
        at = price_of(contents, name)
        if at is not None and low <= at <= high:
            found.append((label, at, color, dash))
    return [
        {"text": f"{label} {number(at)}", "x": at, "color": color, "dash": dash}
        for label, at, color, dash in sorted(found, key=lambda each: each[1])
    ]


def price_of(contents: Contents, name: str) -> float | None:
    """Where a level is, if it is."""
    level = getattr(contents.result.levels, name)
    found = level.value if name == "zero_gamma" else level.strike
    return None if found is None else float(found)


def heat(
    x: Sequence[Any], y: Sequence[Any], values: Float64, scale: tuple[float, str], hover: str
) -> Spec:
    """A map with colours symmetric around 0 and a bar below; `hover` ends with the unit."""
    size, name = scale
    most = float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) / size or 1.0
    return {
        "type": "heatmap", "x": list(x), "y": list(y),
        "z": [listed(row / size) for row in values], "zmin": -most, "zmax": most,
        "colorscale": "@map", "hoverongaps": False,
        "hovertemplate": f"{hover}<br>%{{z:+,.4~g}} {name}$ per 1% move<extra></extra>",
        "colorbar": {
            "orientation": "h", "thickness": 12, "len": 1, "yref": "container", "y": 0,
            "yanchor": "bottom", "outlinewidth": 0, "tickformat": ",~g", "nticks": 7,
        },
    }  # fmt: skip
