"""Changes of a live book that matter: spot crosses the flip, a wall moves, the regime switches."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gexcore.book import Book
from gexcore.errors import InputError
from gexcore.results import Result, number
from gexcore.strikes import StrikeLevel

KINDS = ("zero_gamma_crossed", "call_wall_moved", "put_wall_moved", "regime_changed")


@dataclass(frozen=True, slots=True, repr=False)
class LevelChange(Result):
    """One change: `kind` of `KINDS`, what was and what is (a side, a strike or a regime)."""

    sequence: int
    version: int
    kind: str
    before: str | float | None
    after: str | float | None
    spot: float

    def to_dict(self) -> dict[str, Any]:
        """All fields."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __repr__(self) -> str:
        return f"<LevelChange {self}>"

    def __str__(self) -> str:
        before, after = (
            each if isinstance(each, str) else number(each) for each in (self.before, self.after)
        )
        what = self.kind.replace("_", " ")
        return f"{what}: {before} -> {after} at spot {number(self.spot)}".replace(
            "_gamma", " gamma"
        )


class LevelWatch:
    """Reads a book whenever `poll` is called and keeps the changes that outlast a flicker.

    Args:
        book: to be read.
        band: spot counts as on the other side of zero gamma once it is this share beyond it.
        margin: a wall moves once the new strike is this share ahead of its runner-up.
        hold: a regime counts once it was read this many times in a row.

    Raises:
        InputError: a band or margin outside [0, 1), a hold below 1.

    Example:
        >>> import gexcore as gex
        >>> book = gex.Book(gex.synthetic_chain())
        >>> watch = LevelWatch(book)
        >>> watch.poll()
        []
        >>> book.set_spot(5500.0)
        >>> {change.kind for change in watch.poll()} >= {"zero_gamma_crossed"}
        True
    """

    def __init__(self, book: Book, band: float = 5e-4, margin: float = 0.02, hold: int = 3) -> None:
        for name, value in (("band", band), ("margin", margin)):
            if not 0 <= value < 1:
                raise InputError(f"{name}: {value} is not a share", hint="from 0 to below 1")
        if hold < 1:
            raise InputError(f"hold: {hold} readings are too few", hint="1 or more")
        self._book, self._band, self._margin, self._hold = book, band, margin, hold
        self._changes: list[LevelChange] = []
        self._callbacks: list[Callable[[LevelChange], Any]] = []
        self._last: dict[str, str | float | None] = {}
        self._candidate: tuple[str, int] = ("", 0)

    def on_change(self, callback: Callable[[LevelChange], Any]) -> None:
        """Call a function with each change, on the thread that polls."""
        self._callbacks.append(callback)

    def changes(self, since: int = 0) -> list[LevelChange]:
        """All changes with a sequence number above `since`."""
        return [change for change in self._changes if change.sequence > since]

    def poll(self) -> list[LevelChange]:
        """Read the book once; the changes since the last reading."""
        levels, regime = self._book.levels(), self._book.regime()
        zero = levels.zero_gamma.value
        found: dict[str, str | float | None] = {
            "zero_gamma_crossed": self._side(levels.spot, zero),
            "call_wall_moved": self._wall("call_wall_moved", levels.call_wall),
            "put_wall_moved": self._wall("put_wall_moved", levels.put_wall),
            "regime_changed": self._regime(regime.kind),
        }
        first, new = not self._last, []
        for kind, value in found.items():
            before = self._last.get(kind)
            self._last[kind] = value
            if first or value == before:
                continue
            number_ = len(self._changes) + 1
            change = LevelChange(number_, levels.version, kind, before, value, levels.spot)
            self._changes.append(change)
            new.append(change)
        for change in new:
            for callback in self._callbacks:
                callback(change)
        return new

    def _side(self, spot: float, zero: float | None) -> str | float | None:
        """Above or below zero gamma; within the band, where it was."""
        last = self._last.get("zero_gamma_crossed")
        if zero is None:
            return last
        away = math.log(spot / zero)
        if last is not None and abs(away) <= self._band:
            return last
        return "above" if away > 0 else "below"

    def _wall(self, kind: str, wall: StrikeLevel) -> str | float | None:
        last = self._last.get(kind)
        close = wall.margin is not None and wall.margin < self._margin
        return last if close and last is not None and wall.runner_up == last else wall.strike

    def _regime(self, kind: str) -> str | float | None:
        name, seen = self._candidate
        self._candidate = (kind, seen + 1 if kind == name else 1)
        last = self._last.get("regime_changed")
        return kind if last is None or self._candidate[1] >= self._hold else last
