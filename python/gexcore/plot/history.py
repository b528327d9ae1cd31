"""A picture of what was: levels of one underlying from file to file, or along a stream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from itertools import count, groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gexcore.analysis import Analysis
from gexcore.clock import NEW_YORK
from gexcore.errors import InputError, MismatchError
from gexcore.frames import frame_columns, frame_table, is_frame
from gexcore.plot.canvas import (
    CALLS,
    LEVELS,
    PUTS,
    YELLOW,
    add_legend,
    figure_of,
    label_axes,
    level_label,
    rules_of,
    words,
    write_prices,
)
from gexcore.quick import QuickLevels
from gexcore.timestamps import utc_times

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Float64 = npt.NDArray[np.float64]

WALLS = ("call_wall", "put_wall")
DRAWN = ("zero_gamma", *WALLS)
_BANDS = {"long_gamma": CALLS, "short_gamma": PUTS, "transition": YELLOW}
_FEW = 60  # readings that are marked one by one


@dataclass(frozen=True)
class _History:
    """Readings in the order of their times; NaN where a level does not exist."""

    title: str
    subtitle: str
    time: npt.NDArray[np.datetime64]
    prices: dict[str, Float64]
    regime: list[str]


def plot_history(history: Any, *, dark: bool = False) -> Figure:
    """Spot, zero gamma, walls and regime of one underlying over time.

    Lines of levels have gaps where a level does not exist. A wall and a regime are drawn halfway to
    the readings before and after.

    Args:
        history: at least two results of `analyze` or `quick_levels`, in any order; or a table (a
            data frame, or a mapping of columns) with `time` (with zone), `spot` and, as far as they
            are known, `zero_gamma`, `call_wall`, `put_wall` (NaN or None where there is none) and
            `regime`.
        dark: light on dark.

    Returns:
        matplotlib Figure.

    Raises:
        InputError: matplotlib is not installed; fewer than two readings, or one without a time or
            of the same time as another. MismatchError: results on several underlyings.

    Example:
        >>> import gexcore as gex
        >>> chain = gex.synthetic_chain(n=2000)
        >>> later = gex.chain_at(chain, "2026-03-19T16:00-04:00")
        >>> figure = plot_history([gex.quick_levels(chain), gex.quick_levels(later)])
        >>> figure.axes[0].lines[0].get_label(), len(figure.axes[0].lines)
        ('spot', 4)
    """
    tabular = isinstance(history, Mapping) or is_frame(history)
    found = _of_table(history) if tabular else _of_results(history)
    figure, axes, theme = figure_of(found.title, found.subtitle, dark)
    moments = found.time.astype("datetime64[us]").astype(object)
    _shade(axes, found)
    few = len(moments) <= _FEW
    axes.plot(
        moments, found.prices["spot"], "o-" if few else "-", color=theme["ink"], linewidth=1.5,
        markersize=4, label="spot",
    )  # fmt: skip
    for name in DRAWN:
        if name not in found.prices:
            continue
        values, (label, color, style) = found.prices[name], LEVELS[name]
        axes.plot(
            moments, values, linestyle=style, marker="s" if name in WALLS else "o", color=color,
            linewidth=2, markersize=5 if few else 1, label=level_label(label, values),
            drawstyle="steps-mid" if name in WALLS else "default",
        )  # fmt: skip
    _date(axes, theme["ink"])
    write_prices(axes.yaxis)
    label_axes(axes, theme, "time, New York", "price of the underlying")
    add_legend(axes, theme)
    return figure


def _shade(axes: Axes, found: _History) -> None:
    """The regime as background, each reading's halfway to its neighbours."""
    stamps = found.time.astype(np.int64)
    inner = stamps[:-1] + np.diff(stamps) // 2
    edges = np.concatenate([stamps[:1], inner, stamps[-1:]])
    borders = edges.astype(found.time.dtype).astype("datetime64[us]").astype(object)
    named: set[str] = set()
    for kind, run in groupby(range(len(stamps)), key=lambda i: found.regime[i]):
        if kind not in _BANDS:
            continue
        rows = list(run)
        label = words(kind) if kind not in named else None
        named.add(kind)
        axes.axvspan(
            borders[rows[0]], borders[rows[-1] + 1], color=_BANDS[kind], alpha=0.16, linewidth=0,
            label=label,
        )  # fmt: skip


def _date(axes: Axes, ink: str) -> None:
    """Few and short dates, in New York."""
    dates: Any = import_module("matplotlib.dates")
    ticks = dates.AutoDateLocator(tz=NEW_YORK, minticks=4, maxticks=9)
    axes.xaxis.set_major_locator(ticks)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(ticks, tz=NEW_YORK))
    axes.xaxis.get_offset_text().set_color(ink)


@dataclass(frozen=True)
class _Reading:
    """What is kept of a result."""

    time: datetime
    label: str
    underlying: str
    rules: str
    row: dict[str, Any]


def _of_results(results: Iterable[Any]) -> _History:
    found = sorted(map(_reading, count(), results), key=lambda each: each.time.astimezone(UTC))
    names = {each.underlying: each.label for each in found if each.underlying}
    if len(names) > 1:
        texts = ", ".join(f"{label} is of {name}" for name, label in names.items())
        raise MismatchError(f"history: {texts}", hint="one underlying for each picture")
    same = {each.rules for each in found}
    rules = same.pop() if len(same) == 1 else "several conventions"
    columns = {name: [each.row[name] for each in found] for name in ("spot", *DRAWN, "regime")}
    title = f"{next(iter(names), 'Chain')}: levels over time"
    return _history(title, rules, [r.time for r in found], columns, [r.label for r in found])


def _reading(number: int, result: Any) -> _Reading:
    if not isinstance(result, Analysis | QuickLevels):
        kind, hint = type(result).__name__, "results of analyze or quick_levels, or a table"
        raise InputError(f"history: reading {number} is of type {kind}", hint=hint)
    chain = result.chain
    label = chain.source.get("file") or f"reading {number}"
    if chain.as_of is None:
        raise InputError(f"history: {label} has no time", hint="give its chain an as_of")
    rules, row = rules_of(result.manifest), _row(result)
    return _Reading(chain.as_of.time, label, chain.underlying, rules, row)


def _row(result: Analysis | QuickLevels) -> dict[str, Any]:
    levels = result if isinstance(result, QuickLevels) else result.levels
    return {
        "spot": result.chain.spot,
        "zero_gamma": levels.zero_gamma.value,
        **{name: getattr(levels, name).strike for name in WALLS},
        "regime": result.regime if isinstance(result, QuickLevels) else result.regime.kind,
    }


def _of_table(table: Any) -> _History:
    columns: dict[str, Any] = dict(frame_table(table))
    for name in ("time", "spot"):
        if name not in columns:
            hint = f"columns: time, spot, {', '.join(DRAWN)}, regime"
            raise InputError(f"history: the table has no column {name!r}", hint=hint)
    rows = len(columns["spot"])
    times = utc_times("time", dict(frame_columns(table))["time"], rows)
    order = np.argsort(times, kind="stable")
    known = {}
    for name in ("spot", *DRAWN, "regime"):
        if name in columns:
            values = np.asarray(columns[name])
            if values.shape != (rows,):
                raise InputError(f"{name}: has {values.size} values, not {rows}, as spot has")
            known[name] = values[order].tolist()
    labels = [f"row {i}" for i in order]
    return _history("Levels over time", "as given", times[order], known, labels)


def _history(
    title: str, rules: str, times: Any, columns: dict[str, list[Any]], labels: list[str]
) -> _History:
    """Readings in order, checked."""
    if len(labels) < 2:
        given = f"{labels[0]} alone" if labels else "none"
        raise InputError(f"history: needs two times at least, not {given}", hint="a file of each")
    time = utc_times("time", times, len(labels), "UTC")
    for i in np.flatnonzero(np.isnat(time)):
        raise InputError(f"history: {labels[i]} has no time")
    for i in np.flatnonzero(np.diff(time) == np.timedelta64(0)):
        when = time[i].astype("datetime64[s]")
        raise InputError(
            f"history: {labels[i]} and {labels[i + 1]} are of the same time, {when}Z",
            hint="leave one out; files of one weekend have the time of its last session "
            "(--as-of printed: as it is printed)",
        )
    regime = [str(kind) for kind in columns.pop("regime", [""] * len(labels))]
    prices = {name: _numbers(name, column) for name, column in columns.items()}
    subtitle = f"{rules}, {len(labels):,} times; walls and regime reach halfway to their neighbours"
    return _History(title, subtitle, time, prices, regime)


def _numbers(name: str, values: list[Any]) -> Float64:
    try:
        return np.array(values, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name}: is not numbers", hint="NaN or None for none") from None
