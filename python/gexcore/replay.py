"""Replay: a book fed with recorded events at a chosen speed, and the changes of its levels."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from gexcore.book import Book
from gexcore.errors import GexError, InputError
from gexcore.feed import Event, feed_event
from gexcore.watch import LevelChange, LevelWatch

_SHORTEST_WAIT = 1e-3  # seconds; shorter ones add up until they are worth a sleep


@dataclass(slots=True)
class Drops:
    """What was left out, by reason: how many, and the place and cause of the first."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, reason: str, place: str, why: str, count: int = 1) -> None:
        """Count what was left out for a reason."""
        self.counts[reason] += count
        self.first.setdefault(reason, f"{place}: {why}")


class Reading(NamedTuple):
    """A look at the book: time of the last event, and what changed since the look before."""

    time: datetime
    changes: list[LevelChange]


class Replay:
    """Feeds a book with events, in their order, and looks at its levels at even times of theirs.

    Args:
        book: to be fed.
        events: a Recording, `synthetic_feed`, or any events.
        speed: 1 real time, N times faster; None: as fast as possible.
        every: seconds of the stream between two looks; 0: after each event. What is seen does not
            depend on `speed`.
        clock, sleep: of the machine, in seconds.

    Iterating gives a `Reading` for each look; `run` takes them all. `events` counts what was fed by
    kind, `drops` what was left out, `notes` what was fed but should be known: times that went
    back (order is that of the stream), quotes that take a contract out of use.

    Raises:
        InputError: speed or every is negative or not a number.

    Example:
        >>> import gexcore as gex
        >>> chain = gex.synthetic_chain(n=2000)
        >>> replay = Replay(gex.Book(chain), gex.synthetic_feed(chain, 2.0, 100.0))
        >>> sum(len(reading.changes) for reading in replay) == replay.changes
        True
        >>> sum(replay.events.values())
        200
    """

    def __init__(
        self,
        book: Book,
        events: Iterable[Event],
        *,
        speed: float | None = None,
        every: float = 0.1,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if speed is not None and not 0 < speed < math.inf:
            raise InputError(f"speed: {speed} is no speed", hint="above 0; None: no waiting")
        if not 0 <= every < math.inf:
            raise InputError(f"every: {every} is no time", hint="seconds, 0 for after each event")
        self.book, self._source = book, events
        self._speed, self._every, self._clock, self._sleep = speed, every, clock, sleep
        self._watch = LevelWatch(book)
        self.events: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.drops: Drops = getattr(events, "drops", None) or Drops()
        self.changes, self.late = 0, 0.0
        self.begin: datetime | None = None
        self.end: datetime | None = None
        self.elapsed = 0.0

    def __iter__(self) -> Iterator[Reading]:
        started = self._clock()
        self._watch.poll()
        due = None
        try:
            for event in self._source:
                if self.begin is None:
                    self.begin = self.end = event.time
                    due = self._after(event.time)
                if event.time < self.end:
                    self.notes["time_went_back"] += 1
                elif event.time >= due:
                    self._wait(started, due)
                    yield self._look()
                    due = self._after(event.time)
                self._wait(started, event.time)
                self.end = max(self.end, event.time)
                self._feed(event)
            if self.end is not None:
                yield self._look()
        finally:
            self.elapsed = self._clock() - started

    def run(self) -> None:
        """Take all readings."""
        for _ in self:
            pass

    def _after(self, time: datetime) -> datetime:
        """When the next look is due, on a raster that begins with the stream."""
        if not self._every:
            return time
        assert self.begin is not None
        steps = (time - self.begin).total_seconds() // self._every + 1
        return self.begin + timedelta(seconds=steps * self._every)

    def _look(self) -> Reading:
        changes = self._watch.poll()
        self.changes += len(changes)
        assert self.end is not None
        return Reading(self.end, changes)

    def _wait(self, started: float, time: datetime) -> None:
        if self._speed is None:
            return
        assert self.begin is not None
        due = started + (time - self.begin).total_seconds() / self._speed
        left = due - self._clock()
        if left > _SHORTEST_WAIT:
            self._sleep(left)
        self.late = max(self.late, -left)

    def _feed(self, event: Event) -> None:
        try:
            feed_event(self.book, event)
        except GexError as error:
            self._refused(event, error)
        else:
            self.events[event.kind] += 1
            vol = event.values.get("implied_vol")
            if vol is not None:
                self._note_missing(vol)

    def _note_missing(self, vol: Any) -> None:
        if type(vol) is float and vol > 0:
            return
        without = int(np.count_nonzero(~(np.asarray(vol) > 0)))
        if without:
            self.notes["quote_without_vol"] += without

    def _refused(self, event: Event, error: GexError) -> None:
        """Count what the book did not take; of several rows, those that it knows are fed."""
        place, why = getattr(self._source, "place", "event"), str(error)
        known = _known(self.book, event.rows)
        if known is None or known.all():
            reason = "clock_went_back" if event.kind == "clock" else "refused"
            self.drops.add(reason, place, why, np.size(event.rows))
            return
        self.drops.add("unknown_contract", place, why, int((~known).sum()))
        if known.any():
            values = {name: np.asarray(value)[known] for name, value in event.values.items()}
            self._feed(event._replace(rows=event.rows[known], values=values))


def _known(book: Book, rows: Any) -> Any:
    """Which of some rows are contracts of the book; None where there are no rows."""
    if rows is None:
        return None
    at = np.atleast_1d(rows)
    inside = (at >= 0) & (at < len(book))
    inside[inside] = ~book._removed[at[inside]]
    return inside
