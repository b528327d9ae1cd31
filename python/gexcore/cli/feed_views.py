"""How a replay is shown: lines for people, JSON lines for programs."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any, Protocol

from gexcore import clock
from gexcore.book import Book
from gexcore.readings import BookLevels
from gexcore.replay import Reading, Replay
from gexcore.results import number
from gexcore.watch import LevelChange

_HEAD = f"{'time':<10}  {'spot':>8}  {'zero gamma':>10}  {'put wall':>8}  {'call wall':>9}  change"


def clock_text(time: datetime) -> str:
    """Time of day in New York, to a tenth of a second."""
    local = time.astimezone(clock.NEW_YORK)
    return f"{local:%H:%M:%S}.{local.microsecond // 100_000}"


def words(value: Any) -> str:
    """A side, a regime or a strike as people read it."""
    return value.replace("_", " ") if isinstance(value, str) else number(value)


def change_text(change: LevelChange) -> str:
    """A change in a few words.

    Example:
        >>> change_text(LevelChange(1, 9, "call_wall_moved", 5100.0, 5150.0, 5010.0))
        'call wall 5,100 -> 5,150'
    """
    old, new = change.before, change.after
    before, after = words(old), words(new)
    if change.kind == "zero_gamma_crossed":
        return f"spot {after} zero gamma"
    if change.kind == "zero_gamma_moved" and isinstance(old, float) and isinstance(new, float):
        return f"zero gamma moved {new - old:+,.2f}"
    what = change.kind.rpartition("_")[0].replace("_", " ")
    return f"{before} -> {after}" if what == "regime" else f"{what} {before} -> {after}"


class View(Protocol):
    """What a replay is shown on."""

    def __enter__(self) -> View: ...
    def __exit__(self, *error: object) -> None: ...
    def show(self, reading: Reading) -> None:
        """A look at the book; the first one is before any event."""

    def end(self, replay: Replay) -> None:
        """The summary."""


class Lines:
    """One line per change, with the levels of its moment."""

    def __init__(self, replay: Replay, title: str) -> None:
        self._book, self._title, self._begun = replay.book, title, False
        self._day: date | None = None

    def __enter__(self) -> Lines:
        print(f"{self._title}\n\n{_HEAD}", flush=True)
        return self

    def __exit__(self, *error: object) -> None: ...

    def show(self, reading: Reading) -> None:
        """A line per change; the first look is one too."""
        texts = [change_text(change) for change in reading.changes]
        if not self._begun:
            texts.append(f"begin, {words(self._book.regime().kind)}")
            self._begun = True
        if not texts:
            return
        day = reading.time.astimezone(clock.NEW_YORK).date()
        if self._day not in (None, day):
            print(day)
        self._day = day
        levels = self._book.levels()
        for text in texts:
            print(f"{clock_text(reading.time):<10}  {_cells(levels)}  {text}", flush=True)

    def end(self, replay: Replay) -> None:
        """The summary, after an empty line."""
        print(f"\n{replay.summary()}")


def _cells(levels: BookLevels) -> str:
    return "  ".join((
        f"{number(levels.spot):>8}", f"{number(levels.zero_gamma.value):>10}",
        f"{number(levels.put_wall.strike):>8}", f"{number(levels.call_wall.strike):>9}",
    ))  # fmt: skip


class JsonLines:
    """One JSON object per line: "begin", each change, "summary"."""

    def __init__(self, replay: Replay) -> None:
        self._book, self._begun = replay.book, False

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(self, *error: object) -> None: ...

    def show(self, reading: Reading) -> None:
        """An object per change; the first look is one too."""
        told = [change.to_dict() for change in reading.changes]
        if not self._begun:
            told.insert(0, {"kind": "begin"})
            self._begun = True
        for each in told:
            now = {"time": reading.time.isoformat(), **each, "levels": _levels(self._book)}
            print(json.dumps(now), flush=True)

    def end(self, replay: Replay) -> None:
        """The summary as the last object."""
        print(json.dumps({"kind": "summary", **replay.summary().to_dict()}))


def _levels(book: Book) -> dict[str, Any]:
    levels = book.levels()
    strikes = ("call_wall", "put_wall", "absolute_gamma_strike")
    return {
        "spot": levels.spot,
        "zero_gamma": levels.zero_gamma.value,
        **{name: getattr(levels, name).strike for name in strikes},
        "net_gamma": levels.net,
        "regime": book.regime().kind,
    }
