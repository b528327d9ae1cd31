"""A replay as a table that is drawn again in place, by rich."""

from __future__ import annotations

import time
from collections import deque
from datetime import datetime
from importlib import import_module
from typing import Any

from gexcore.cli.feed_views import change_text, clock_text, words
from gexcore.replay import Reading, Replay
from gexcore.results import money

_PERIOD = 0.1  # seconds between two drawings
_LEVELS = ("zero_gamma", "call_wall", "put_wall", "absolute_gamma_strike")
_COLORS = {"long_gamma": "green", "short_gamma": "red"}
_WIDE = 110  # columns from which changes stand beside the levels


def has_rich() -> bool:
    """Whether the table can be drawn."""
    try:
        import_module("rich.live")
    except ImportError:
        return False
    return True


def _price(value: float | None) -> str:
    return "none" if value is None else f"{value:,.2f}"


class LiveTable:
    """Levels now and where they began, and the last changes; see `Lines`."""

    def __init__(self, replay: Replay, title: str, source: Any) -> None:
        self._replay, self._title, self._source = replay, title, source
        self._first: dict[str, float | None] = {}
        self._told: deque[tuple[datetime, str]] = deque(maxlen=8)
        self._started = self._drawn = time.monotonic()
        self._last: Reading | None = None
        console = import_module("rich.console").Console()
        self._live = import_module("rich.live").Live(console=console, auto_refresh=False)

    def __enter__(self) -> LiveTable:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._last is not None:
            self._draw(self._last)
        self._live.stop()

    def show(self, reading: Reading) -> None:
        """Draw, if the last drawing is not too recent."""
        if self._last is None:
            self._first = self._values()
        self._told.extend((reading.time, change_text(change)) for change in reading.changes)
        self._last = reading
        now = time.monotonic()
        if now - self._drawn > _PERIOD:
            self._drawn = now
            self._draw(reading)

    def end(self, replay: Replay) -> None:
        """The summary below the last table."""
        print(f"\n{replay.summary()}")

    def _values(self) -> dict[str, float | None]:
        levels = self._replay.book.levels()
        found = {"spot": levels.spot, "zero_gamma": levels.zero_gamma.value}
        return found | {name: getattr(levels, name).strike for name in _LEVELS[1:]}

    def _draw(self, reading: Reading) -> None:
        table, group = import_module("rich.table"), import_module("rich.console").Group
        parts = [self._heading(reading), self._levels(table), self._changes(table)]
        if self._live.console.width >= _WIDE:
            beside = table.Table.grid(padding=(0, 4))
            beside.add_row(*parts[1:])
            parts = [parts[0], beside]
        else:
            parts.insert(2, "")
        self._live.update(group(*parts), refresh=True)

    def _heading(self, reading: Reading) -> Any:
        count = sum(self._replay.events.values())
        elapsed = max(time.monotonic() - self._started, 1e-9)
        share = "" if self._source.share is None else f"{self._source.share:.0%}, "
        dropped = sum(self._replay.drops.counts.values())
        lost = f", {dropped:,} dropped" if dropped else ""
        text = (
            f"{self._title}\n{clock_text(reading.time)} New York, {share}{count:,} events, "
            f"{count / elapsed:,.0f} a second{lost}\n"
        )
        return import_module("rich.text").Text(text, overflow="fold")

    def _levels(self, table: Any) -> Any:
        book = self._replay.book
        levels, regime = book.levels(), book.regime()
        text = import_module("rich.text").Text
        grid = table.Table(box=None, pad_edge=False, header_style="bold")
        for name in ("level", "now", "from spot", "at begin", "moved"):
            grid.add_column(name, justify="left" if name == "level" else "right")
        for name, value in self._values().items():
            first = self._first.get(name)
            known = value is not None and first is not None
            moved = value - first if value is not None and first is not None else 0.0
            away = value / levels.spot - 1 if value is not None and name != "spot" else None
            grid.add_row(
                words(name), _price(value), "" if away is None else f"{away:+.2%}", _price(first),
                f"{moved:+,.2f}" if known and moved else "",
                style="bold" if name == "spot" else "",
            )  # fmt: skip
        share = levels.net / levels.gross if levels.gross else 0.0
        grid.add_row("net gamma, $ per 1%", money(levels.net), f"{share:+.1%} of gross")
        grid.add_row("regime", text(words(regime.kind), style=_COLORS.get(regime.kind, "yellow")))
        return grid

    def _changes(self, table: Any) -> Any:
        grid = table.Table(box=None, pad_edge=False, header_style="bold")
        grid.add_column("time")
        grid.add_column("last changes")
        for when, what in self._told:
            grid.add_row(clock_text(when), what)
        for _ in range(8 - len(self._told)):  # the table keeps its height
            grid.add_row("", "")
        return grid
