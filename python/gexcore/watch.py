"""Changes of a live book that matter: spot crosses the flip, a wall moves, the regime switches."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol

from gexcore.errors import InputError
from gexcore.readings import BookLevels
from gexcore.regime import kind_of
from gexcore.results import Result, number

KINDS = (
    "zero_gamma_crossed", "call_wall_moved", "put_wall_moved", "regime_changed", "zero_gamma_moved",
)  # fmt: skip
KEPT = 10_000  # changes that are remembered


@dataclass(frozen=True, slots=True, repr=False)
class LevelChange(Result):
    """One change: `kind` of `KINDS`, what was and what is (a side, a strike or a regime).

    `version` counts the book's changes when it was seen, `sequence` the level changes, from 1.
    """

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


class _Readable(Protocol):
    def levels(self, exact: bool = False) -> BookLevels: ...


class LevelWatch:
    """Reads a book whenever `poll` is called and tells the changes that outlast a flicker.

    Args:
        book: to be read.
        band: spot counts as on the other side of zero gamma once it is this share beyond it, and
            beyond the error of its crossing.
        margin: a wall moves once the new strike is this share ahead of the old one.
        edge: a regime switches once the borders between regimes are passed by this share of them.
        step: zero gamma has moved once it is this share away from where it was last told; None: its
            moves are not told.

    Any thread may poll. The last 10,000 changes are kept.

    Raises:
        InputError: a band, margin, edge or step outside [0, 1).

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

    def __init__(
        self,
        book: _Readable,
        band: float = 5e-4,
        margin: float = 0.02,
        edge: float = 0.1,
        step: float | None = None,
    ) -> None:
        shares = {"band": band, "margin": margin, "edge": edge, "step": step}
        for name, value in shares.items():
            if value is not None and not 0 <= value < 1:
                raise InputError(f"{name}: {value} is not a share", hint="from 0 to below 1")
        self._book, self._band, self._margin, self._edge = book, band, margin, edge
        self._step = step
        self._changes: deque[LevelChange] = deque(maxlen=KEPT)
        self._count = 0
        self._last: dict[str, str | float | None] = {}
        self._callbacks: list[Callable[[LevelChange], Any]] = []
        self._untold: deque[LevelChange] = deque()
        self._lock, self._telling = Lock(), Lock()

    def on_change(self, callback: Callable[[LevelChange], Any]) -> None:
        """Call a function with each change, on a thread that polls; see `poll` for what it raises.

        Changes come one by one and in order. A callback may read and change the book.
        """
        with self._lock:
            self._callbacks = [*self._callbacks, callback]

    def changes(self, since: int = 0) -> list[LevelChange]:
        """The changes seen so far with a sequence number above `since`."""
        with self._lock:
            return [change for change in self._changes if change.sequence > since]

    def poll(self) -> list[LevelChange]:
        """Read the book once; the changes since the last reading.

        Raises:
            Exception: what a callback raised, after every callback was called; ExceptionGroup if
                several did. The changes are kept all the same.
        """
        with self._lock:
            new = self._compare(self._book.levels())
            self._changes.extend(new)
            self._untold.extend(new)
        failed: list[Exception] = []
        while self._untold and self._telling.acquire(blocking=False):  # or another thread tells
            try:
                self._tell(failed)
            finally:
                self._telling.release()
        if len(failed) == 1:
            raise failed[0]
        if failed:
            raise ExceptionGroup("callbacks of on_change", failed)
        return new

    def _tell(self, failed: list[Exception]) -> None:
        while True:
            try:
                change = self._untold.popleft()
            except IndexError:
                return
            for callback in self._callbacks:
                try:
                    callback(change)
                except Exception as error:
                    error.add_note(f"raised by a callback of on_change for {change}; it is kept")
                    failed.append(error)

    def _compare(self, levels: BookLevels) -> list[LevelChange]:
        found: dict[str, str | float | None] = {
            "zero_gamma_crossed": self._side(levels),
            "call_wall_moved": self._wall("call_wall", levels),
            "put_wall_moved": self._wall("put_wall", levels),
            "regime_changed": self._regime(levels),
            "zero_gamma_moved": self._zero(levels),
        }
        before, self._last = self._last, found
        new = []
        for kind, value in found.items():
            if not before or value == before[kind]:
                continue
            self._count += 1
            new.append(
                LevelChange(self._count, levels.version, kind, before[kind], value, levels.spot)
            )
        return new

    def _side(self, levels: BookLevels) -> str | float | None:
        """Above or below zero gamma; where it was within the band, or where there is none."""
        last, zero = self._last.get("zero_gamma_crossed"), levels.zero_gamma
        if zero.value is None:
            return last
        error = next((c.error or 0.0 for c in zero.crossings if c.spot == zero.value), 0.0)
        away = math.log(levels.spot / zero.value)
        if last is not None and abs(away) <= self._band + error / zero.value:
            return last
        return "above" if away > 0 else "below"

    def _zero(self, levels: BookLevels) -> str | float | None:
        """Zero gamma as it was last told, while it is near that."""
        last, zero = self._last.get("zero_gamma_moved"), levels.zero_gamma.value
        if self._step is None:
            return None
        near = isinstance(last, float) and zero and abs(math.log(zero / last)) <= self._step
        return last if near else zero

    def _wall(self, name: str, levels: BookLevels) -> str | float | None:
        """The strike of a wall; the one it was at while that is nearly as high."""
        last, wall = self._last.get(f"{name}_moved"), getattr(levels, name)
        strike: float | None = wall.strike
        if not isinstance(last, float) or strike is None or strike == last:
            return strike
        above = name == "call_wall"
        if levels.gated and (last < levels.spot if above else last > levels.spot):
            return strike
        behind = wall.margin if wall.runner_up == last else None
        if behind is None and levels.side == "net":
            top = levels.reading.top_positive if above else levels.reading.top_negative
            height = dict(top).get(last)
            behind = None if height is None else 1 - height / wall.value
        return last if behind is not None and behind < self._margin else strike

    def _regime(self, levels: BookLevels) -> str | float | None:
        """The kind of regime; what it was on the borders of that."""
        last, flip = self._last.get("regime_changed"), levels.zero_gamma.value
        kinds = [
            str(kind_of(levels.net, levels.gross, levels.spot,
                        math.nan if flip is None else flip, levels.at_the_money_vol, slack))
            for slack in (0.0, -self._edge, self._edge)
        ]  # fmt: skip
        return last if last in kinds else kinds[0]
