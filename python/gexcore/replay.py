"""Replay: a book fed with recorded events at a chosen speed, and the changes of its levels."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np

from gexcore.book import Book
from gexcore.errors import ConventionError, GexError, InputError
from gexcore.feed import Event, feed_event
from gexcore.readings import BookLevels
from gexcore.results import Result, align, plain
from gexcore.watch import LevelChange, LevelWatch

STEP = 1e-3  # share by which zero gamma moves before it is told again
_NEVER = datetime.max.replace(tzinfo=UTC)
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


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ReplaySummary(Result):
    """What a replay has done.

    `events` and `changes` are counted by kind; `dropped` by reason, with the place of the first in
    `first`. `noted` was fed, but should be known: events whose time went back (the order is that
    of the stream), rows quoted without a vol, which takes them out of use. `seconds` is what it
    took, `late` how far it was behind `speed` at worst.
    """

    events: dict[str, int]
    changes: dict[str, int]
    dropped: dict[str, int]
    first: dict[str, str]
    noted: dict[str, int]
    begin: datetime | None
    end: datetime | None
    seconds: float
    late: float
    speed: float | None
    levels: BookLevels

    def to_dict(self) -> dict[str, Any]:
        """All fields, and events per second as `rate`."""
        found = {name: plain(getattr(self, name)) for name in self.__slots__}
        return {**found, "rate": self.rate}

    @property
    def rate(self) -> float | None:
        """Events per second."""
        return sum(self.events.values()) / self.seconds if self.seconds > 0 else None

    def __repr__(self) -> str:
        return f"<ReplaySummary {sum(self.events.values())} events>"

    def __str__(self) -> str:
        rows = [["events", _counted(self.events)], ["changes", _counted(self.changes)]]
        for reason, count in self.dropped.items():
            rows.append(["dropped", f"{count:,} {_words(reason)}, first {self.first[reason]}"])
        if not self.dropped:
            rows.append(["dropped", "none"])
        if self.noted:
            rows.append(["noted", _counted(self.noted)])
        if self.begin is not None and self.end is not None:
            span = (self.end - self.begin).total_seconds()
            rate = f", {self.rate:,.0f} events a second" if self.rate else ""
            rows.append(["time", f"{span:,.1f} s of the stream in {self.seconds:,.2f} s{rate}"])
        if self.late > 1:
            rows.append(["late", f"by {self.late:,.1f} s at worst: too slow for this speed"])
        return align([line for name, text in rows for line in _wrapped(name, text)])


def _wrapped(name: str, text: str) -> list[list[str]]:
    """A row of the summary, in lines that fit a terminal."""
    lines = wrap(text, 70, break_long_words=False, break_on_hyphens=False)
    return [[name if i == 0 else "", line] for i, line in enumerate(lines)]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _counted(counts: dict[str, int]) -> str:
    parts = [f"{_words(name)} {n:,}" for name, n in sorted(counts.items(), key=lambda x: -x[1])]
    return f"{sum(counts.values()):,}: {', '.join(parts)}" if parts else "none"


class Reading(NamedTuple):
    """A look at the book: time of the last event, and what changed since the look before.

    The first one is taken before any event, at the time of the first.
    """

    time: datetime
    changes: list[LevelChange]


class Replay:
    """Feeds a book with events, in their order, and looks at its levels at even times of theirs.

    Args:
        book: to be fed.
        events: a Recording, `synthetic_feed`, or any events.
        speed: 1 real time, N times faster; None: as fast as possible.
        every: seconds of the stream between two looks; 0: after each event, inf: none between the
            first and the last. What is seen does not depend on `speed`.
        feed: where events go; default `feed_event` to the book. `Recorder.write` records again.
        clock, sleep: of the machine, in seconds.

    Iterating gives a `Reading` for each look; `run` takes them all. `summary()` counts what was fed
    by kind, what was left out by reason, the changes, and what was fed but should be known.

    Raises:
        InputError: speed or every is negative or not a number.

    Example:
        >>> import gexcore as gex
        >>> chain = gex.synthetic_chain(n=2000)
        >>> replay = Replay(gex.Book(chain), gex.synthetic_feed(chain, 2.0, 100.0))
        >>> times = [reading.time for reading in replay]
        >>> times == sorted(times), sum(replay.events.values())
        (True, 200)
    """

    def __init__(
        self,
        book: Book,
        events: Iterable[Event],
        *,
        speed: float | None = None,
        every: float = 1.0,
        feed: Callable[[Event], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if speed is not None and not 0 < speed < math.inf:
            raise InputError(f"speed: {speed} is no speed", hint="above 0; None: no waiting")
        if not every >= 0:
            raise InputError(f"every: {every} is no time", hint="seconds, 0 for after each event")
        self.book, self._source = book, events
        self._speed, self._every, self._clock, self._sleep = speed, every, clock, sleep
        self._to_book = feed or partial(feed_event, book)
        self._watch = LevelWatch(book, step=STEP)
        self.events: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.drops: Drops = getattr(events, "drops", None) or Drops()
        self.changes: Counter[str] = Counter()
        self.late = 0.0  # seconds behind the speed asked for, at worst
        self.begin: datetime | None = None
        self.end: datetime | None = None
        self.elapsed, self._number = 0.0, 0

    def __iter__(self) -> Iterator[Reading]:
        started = self._clock()
        try:
            for event in self._source:
                self._number += 1
                if self.end is None:
                    self.begin = self.end = event.time
                    due = self._after(event.time)
                    yield self._look()
                elif event.time < self.end:
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

    def run(self) -> ReplaySummary:
        """Take all readings; the summary."""
        for _ in self:
            pass
        return self.summary()

    def summary(self) -> ReplaySummary:
        """What has been done so far."""
        return ReplaySummary(
            dict(self.events), dict(self.changes), dict(self.drops.counts), dict(self.drops.first),
            dict(self.notes), self.begin, self.end, self.elapsed, self.late, self._speed,
            self.book.levels(),
        )  # fmt: skip

    def _after(self, time: datetime) -> datetime:
        """When the next look is due, on a raster that begins with the stream."""
        if not self._every:
            return time
        if self._every == math.inf:
            return _NEVER
        assert self.begin is not None
        steps = (time - self.begin).total_seconds() // self._every + 1
        return self.begin + timedelta(seconds=steps * self._every)

    def _look(self) -> Reading:
        changes = self._watch.poll()
        self.changes.update(change.kind for change in changes)
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
            self._to_book(event)
        except (InputError, ConventionError) as error:
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
        place = getattr(self._source, "place", f"event {self._number}")
        why = str(error).partition(". Hint:")[0]
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
    removed = book._slots._removed
    return inside & [row not in removed for row in at.tolist()]
