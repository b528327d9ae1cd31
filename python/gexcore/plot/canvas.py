"""What all pictures share: paper, ink, colours, scales."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gexcore.clock import AsOf
from gexcore.errors import ConventionError, InputError
from gexcore.output import write_file
from gexcore.results import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

Float64 = npt.NDArray[np.float64]

_INCHES, _DPI = (12.0, 7.0), 100

# Okabe and Ito's colours, told apart by all kinds of sight
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, GREY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#8c8c8c",
)  # fmt: skip
CALLS, PUTS = BLUE, RED
LEVELS = {
    "zero_gamma": ("zero gamma", PURPLE, "-"),
    "call_wall": ("call wall", GREEN, "--"),
    "put_wall": ("put wall", ORANGE, "--"),
    "absolute_gamma_strike": ("pin", SKY, ":"),
}
_LIGHT = {"paper": "#ffffff", "ink": "#1a1a1a", "faint": "#d0d0d0"}
_DARK = {"paper": "#14171c", "ink": "#e8e8e8", "faint": "#3a3f47"}


def figure_of(title: str, subtitle: str, dark: bool) -> tuple[Figure, Axes, dict[str, str]]:
    """A figure with one set of axes on paper of a theme."""
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


def words(name: str) -> str:
    """A name as words."""
    return name.replace("_", " ")


def level_label(label: str, values: Float64) -> str:
    """With the number of times at which there is no such level, if there are any."""
    missing = int(np.isnan(values).sum())
    return f"{label} (none at {missing} of {len(values)} times)" if missing else label


def label_axes(axes: Axes, theme: Mapping[str, str], x: str, y: str) -> None:
    """Names of both axes."""
    axes.set_xlabel(_plain(x), color=theme["ink"], fontsize=12)
    axes.set_ylabel(_plain(y), color=theme["ink"], fontsize=12)


def add_legend(axes: Axes, theme: Mapping[str, str]) -> None:
    """A legend below the axes, where it hides nothing."""
    axes.get_figure().legend(  # type: ignore[union-attr]
        loc="outside lower center", ncols=5, fontsize=10, facecolor=theme["paper"],
        edgecolor=theme["paper"], labelcolor=theme["ink"],
    )  # fmt: skip


def write_prices(axis: Axis) -> None:
    """Prices along an axis, as in the legend."""
    axis.set_major_formatter(lambda price, _: number(price))


def written(as_of: AsOf | None) -> str:
    """A time as in titles; "" if it is not known."""
    return f"{as_of.time:%Y-%m-%d %H:%M %Z}" if as_of else ""


def rules_of(manifest: Mapping[str, Any]) -> str:
    """Whose positions, which contracts, which clock."""
    rule, scope, clock = (words(str(manifest[name])) for name in ("positions", "scope", "clock"))
    return f"{rule} positions, scope {scope}, clock {clock}"


def scale_of(values: Float64) -> tuple[float, str]:
    """Divisor and its name for amounts of this size."""
    size = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    for unit, name in ((1e9, "bn "), (1e6, "mm "), (1e3, "k ")):
        if size >= unit:
            return unit, name
    return 1.0, ""


def draw_map(
    axes: Axes, figure: Figure, theme: Mapping[str, str], values: Float64, unit: str
) -> None:
    """Colours symmetric around 0, with a scale; rows of `values` from below."""
    size, name = scale_of(values)
    most = float(np.nanmax(np.abs(values), initial=0.0)) / size or 1.0
    image = axes.imshow(
        values / size, aspect="auto", origin="lower", cmap=_color_map(theme["paper"]), vmin=-most,
        vmax=most, interpolation="nearest",
    )  # fmt: skip
    bar = figure.colorbar(image, ax=axes)
    bar.set_label(_plain(f"{name}{unit}"), color=theme["ink"], fontsize=12)
    bar.ax.tick_params(colors=theme["ink"])
    axes.grid(False)


def _color_map(paper: str) -> Colormap:
    """Red to blue through the paper's colour, by the root of the amount: little shows as well."""
    from matplotlib.colors import ListedColormap, to_rgb

    amount = np.linspace(-1.0, 1.0, 257)[:, None]
    ends = np.where(amount < 0, to_rgb(PUTS), to_rgb(CALLS))
    share = np.sqrt(np.abs(amount))
    return ListedColormap((1 - share) * np.array(to_rgb(paper)) + share * ends)


def ticks_of(labels: list[str], most: int) -> tuple[list[int], list[str]]:
    """Places and labels, at most so many."""
    places = np.unique(np.linspace(0, len(labels) - 1, min(len(labels), most)).round().astype(int))
    return [int(i) for i in places], [labels[i] for i in places]


def price_ticks(prices: Float64, most: int) -> tuple[list[float], list[str]]:
    """Places of round prices among ascending ones that are drawn at 0, 1, 2, ..., and labels."""
    from matplotlib.ticker import MaxNLocator

    if len(prices) <= most + 4:
        return ticks_of([number(float(price)) for price in prices], len(prices))  # type: ignore[return-value]
    low, high = float(prices[0]), float(prices[-1])
    nice = np.asarray(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
    nice = nice[(nice >= low) & (nice <= high)]
    places: list[float] = []
    labels: list[str] = []
    apart = len(prices) / (2 * most)
    for price in nice.tolist():
        place = float(np.interp(price, prices, np.arange(len(prices))))
        if not places or place - places[-1] >= apart:
            places.append(place)
            labels.append(number(price))
    return places, labels


def save_figure(figure: Figure, path: Any) -> None:
    """Write a figure as .png, .svg or .pdf, whole or not at all.

    Args:
        figure: of any function here.
        path: the ending says the format.

    Raises:
        ConventionError: another ending. GexError: the file cannot be written.

    Example:
        >>> import gexcore as gex
        >>> from gexcore.plot import plot_profile
        >>> save_figure(plot_profile(gex.analyze(gex.synthetic_chain(n=2000))), "profile.png")
    """
    kind = str(path).rpartition(".")[2].lower()
    if kind not in ("png", "svg", "pdf"):
        raise ConventionError(f"{path}: a picture is .png, .svg or .pdf")
    write_file(path, lambda file: figure.savefig(file, format=kind, dpi=_DPI))
