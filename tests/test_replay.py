"""Replay: its speed on a clock that does not run, when it looks, what it tells, what it drops."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.feed import KINDS, Event, feed_event, slots_of

BEGIN = datetime(2026, 3, 18, 14, 30, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def spots(*pairs: tuple[float, float]) -> list[Event]:
    return [Event(at(seconds), "spot", None, {"spot": spot}) for seconds, spot in pairs]


def book(n: int = 300) -> gex.Book:
    return gex.Book(gex.synthetic_chain(n=n, seed=3))


class Clock:
    """Moves when it is slept on, and by `work` for each event that is fed."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.now += seconds


def played(events: list[Event], work: float = 0.0, **options: Any) -> tuple[Any, Clock, list[Any]]:
    """The replay, its clock, and the time on it at each event."""
    clock, fed, live = Clock(), [], book()

    def feed(event: Event) -> None:
        fed.append(round(clock.now - 100.0, 9))
        clock.now += work
        feed_event(live, event)

    replay = gex.Replay(live, events, feed=feed, clock=clock, sleep=clock.sleep, **options)
    replay.run()
    return replay, clock, fed


@pytest.mark.parametrize(("speed", "factor"), [(1.0, 1.0), (4.0, 0.25), (0.5, 2.0)])
def test_events_come_when_they_are_due(speed: float, factor: float) -> None:
    seconds = [0.0, 0.5, 0.5, 3.25, 10.0]
    events = spots(*((s, 5000.0 + s) for s in seconds))
    replay, _, fed = played(events, speed=speed)
    assert fed == pytest.approx([s * factor for s in seconds])
    assert replay.summary().seconds == pytest.approx(10.0 * factor)
    assert replay.summary().late == 0.0


def test_as_fast_as_possible_never_sleeps() -> None:
    replay, clock, fed = played(spots((0, 5000), (1000, 5001), (5000, 5002)))
    assert clock.slept == [] and fed == [0.0, 0.0, 0.0]
    assert replay.summary().speed is None


def test_late_events_are_not_waited_for_and_told() -> None:
    """Events a second apart that take three each: no sleep, seven seconds behind after four."""
    replay, clock, fed = played(spots(*((s, 5000.0) for s in range(4))), work=3.0, speed=1.0)
    assert clock.slept == [] and fed == [0.0, 3.0, 6.0, 9.0]
    assert replay.summary().late == pytest.approx(6.0)
    assert "by 6.0 s at worst" in str(replay.summary())


def test_short_waits_add_up() -> None:
    replay, clock, _ = played(spots(*((i * 2e-4, 5000.0) for i in range(101))), speed=1.0)
    assert 5 <= len(clock.slept) <= 20  # of 100 waits of 0.2 ms
    assert replay.summary().seconds == pytest.approx(0.02, abs=1.1e-3)


def test_looks_are_on_a_raster_of_the_stream() -> None:
    live = book()
    seconds = [0.2, 0.4, 0.9, 1.1, 1.3, 5.0, 5.1]
    replay = gex.Replay(live, spots(*((s, 5000.0 + s) for s in seconds)), every=0.5)
    seen = [((r.time - BEGIN).total_seconds(), live.levels().spot) for r in replay]
    # before the first event, then whenever 0.2 + k 0.5 has passed, and at the end
    assert seen == [
        (0.2, 5000.0), (0.4, 5000.4), (1.1, 5001.1), (1.3, 5001.3), (5.1, 5005.1),
    ]  # fmt: skip


def test_a_look_is_as_late_as_the_raster_not_as_the_next_event() -> None:
    clock, live = Clock(), book()
    replay = gex.Replay(
        live, spots((0, 5000), (0.1, 5001), (60, 5002)), speed=1.0, every=1.0, clock=clock,
        sleep=clock.sleep,
    )  # fmt: skip
    assert [round(clock.now - 100, 6) for _ in replay] == [0.0, 1.0, 60.0]


def test_each_event_is_looked_at_and_none_between() -> None:
    events = spots((0, 5000), (0, 5001), (1, 5002))
    assert len(list(gex.Replay(book(), events, every=0))) == 4
    assert len(list(gex.Replay(book(), events, every=math.inf))) == 2


def test_what_is_seen_does_not_depend_on_the_speed() -> None:
    chain = gex.synthetic_chain(n=1000)
    events = list(gex.synthetic_feed(chain, seconds=300.0, rate=5.0))

    def seen(**options: Any) -> Iterator[Any]:
        clock = Clock()
        replay = gex.Replay(gex.Book(chain), events, clock=clock, sleep=clock.sleep, **options)
        return [(r.time, [c.to_dict() for c in r.changes]) for r in replay]

    assert seen() == seen(speed=1.0) == seen(speed=1000.0)


def test_changes_are_those_of_a_watch() -> None:
    live = gex.Book(gex.synthetic_chain())
    zero = live.levels().zero_gamma.value
    events = spots((0, zero * 0.99), (1, zero * 1.01), (2, zero * 1.011), (3, zero * 0.99))
    replay = gex.Replay(live, events, every=1.0)
    sides = [
        (r.time, c.before, c.after)
        for r in replay
        for c in r.changes
        if c.kind == "zero_gamma_crossed"
    ]
    # what was fed at a time is seen at the next look
    assert sides == [(at(1), "below", "above"), (at(3), "above", "below")]
    assert replay.summary().changes["zero_gamma_crossed"] == 2


def test_zero_gamma_that_moved_is_told_once_per_step() -> None:
    live = gex.Book(gex.synthetic_chain())
    watch = gex.LevelWatch(live, step=1e-3)
    quiet = gex.LevelWatch(live)
    for each in (watch, quiet):
        each.poll()
    last = live.levels().zero_gamma.value
    told = []
    interest = live.snapshot().chain.open_interest
    for factor in np.linspace(1.0, 1.3, 31):
        rows = live.snapshot().rows[live.snapshot().chain.is_call]
        size = interest[live.snapshot().chain.is_call]
        live.update(rows, open_interest=size * factor)
        zero = live.levels().zero_gamma.value
        moved = abs(math.log(zero / last)) > 1e-3
        found = [c for c in watch.poll() if c.kind == "zero_gamma_moved"]
        assert [(c.before, c.after) for c in found] == ([(last, zero)] if moved else [])
        told += found
        last = zero if moved else last
        assert not [c for c in quiet.poll() if c.kind == "zero_gamma_moved"]
    assert 3 < len(told) < 31
    with pytest.raises(gex.InputError, match="step"):
        gex.LevelWatch(live, step=1.5)


def test_what_cannot_be_fed_is_counted_and_the_rest_fed() -> None:
    live = book()
    live.remove_rows(5)
    events = [
        Event(at(0), "quote", 300, {"implied_vol": 0.2}),
        Event(at(1), "quote", np.array([1, 5, 2, -7, 999]), {"implied_vol": np.full(5, 0.3)}),
        Event(at(2), "quote", 5, {"implied_vol": 0.2}),
        Event(at(3), "spot", None, {"spot": math.nan}),
        Event(at(4), "clock", None, {"when": "2026-03-17T10:00-04:00"}),
        Event(at(5), "quote", 3, {"contracts": 7.0}),
        Event(at(6), "banana"),
        Event(at(5.5), "quote", 3, {"implied_vol": math.nan}),
        Event(at(7), "quote", np.array([3, 4]), {"implied_vol": np.array([0.0, 0.2])}),
    ]
    summary = gex.Replay(live, events).run()
    # 300; 5, -7, 999; 5
    assert summary.dropped == {"unknown_contract": 5, "refused": 3, "clock_went_back": 1}
    assert summary.first["unknown_contract"] == "event 1: rows: there is no row 300"
    assert "event 5" in summary.first["clock_went_back"]
    assert summary.events == {"quote": 3}
    assert summary.noted == {"time_went_back": 1, "quote_without_vol": 2}
    vols = live.snapshot().chain.implied_vol
    assert (vols[1], vols[2], vols[4]) == (0.3, 0.3, 0.2) and math.isnan(vols[3]) is False
    assert vols[3] == 0.0
    for text in ("5 unknown contract, first event 1", "1 clock went back", "noted"):
        assert text in str(summary)


def test_a_summary_of_nothing() -> None:
    summary = gex.Replay(book(), []).run()
    assert (summary.events, summary.begin, summary.end, summary.changes) == ({}, None, None, {})
    assert str(summary).splitlines() == ["events   none", "changes  none", "dropped  none"]
    assert summary.to_dict()["levels"]["zero_gamma"]["status"] == "found"


def test_summary_counts_and_rates() -> None:
    clock, live = Clock(), book()
    events = [*spots((0, 5000), (2, 5001)), Event(at(4), "quote", 3, {"implied_vol": 0.2})]
    replay = gex.Replay(live, events, speed=1.0, clock=clock, sleep=clock.sleep)
    found = replay.run().to_dict()
    assert (found["events"], found["seconds"], found["rate"]) == (
        {"spot": 2, "quote": 1},
        4.0,
        0.75,
    )
    assert (found["begin"], found["end"]) == (at(0).isoformat(), at(4).isoformat())
    assert "4.0 s of the stream in 4.00 s, 1 events a second" in str(replay.summary())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"speed": 0.0}, "speed: 0.0"),
        ({"speed": -1.0}, "speed: -1.0"),
        ({"speed": math.nan}, "speed: nan"),
        ({"speed": math.inf}, "speed: inf"),
        ({"every": -1.0}, "every: -1.0"),
        ({"every": math.nan}, "every: nan"),
    ],
)
def test_speeds_that_cannot_be(options: dict[str, float], message: str) -> None:
    with pytest.raises(gex.InputError, match=message):
        gex.Replay(book(), [], **options)


def test_every_kind_calls_its_method() -> None:
    """Each kind changes a book as the method that docs/feed.md names."""
    chain = gex.synthetic_chain(n=300, seed=3)
    part = np.arange(300) < 290
    held = np.ones(290)
    one, other = (gex.Book(chain.filter(part), "contracts", contracts=held) for _ in range(2))
    trades = gex.Trades.from_arrays(
        strike=chain.strike[:2], option_type=["C", "P"], root=chain.root[:2],
        expiry=chain.expiry[:2], price=[1.0, 2.0], size=[3, 4], true_side=[1, -1],
    )  # fmt: skip
    new = chain.filter(~part)
    rows = np.array([0, 1])
    fed = {
        "quote": (3, {"implied_vol": 0.2}),
        "open_interest": (rows, {"open_interest": np.array([3.0, 4.0])}),
        "contracts": (4, {"contracts": -7.0}),
        "spot": (None, {"spot": 5010.0}),
        "add": (None, {"chain": new, "contracts": np.full(10, 2.0)}),
        "remove": (rows, {}),
        "compact": (None, {}),
        "trade": (None, {"trades": trades, "rule": "given"}),
        "clock": (None, {"when": 0.01}),
    }
    assert set(fed) == set(KINDS)
    for kind, (slots, values) in fed.items():
        feed_event(one, Event(BEGIN, kind, slots, values))
    other.update(3, implied_vol=0.2)
    other.update(rows, open_interest=np.array([3.0, 4.0]))
    other.update(4, contracts=-7.0)
    other.set_spot(5010.0)
    other.add_rows(new, contracts=np.full(10, 2.0))
    other.remove_rows(rows)
    other.compact()
    other.apply_trades(trades, "given")
    other.set_time(0.01)
    assert one.levels(exact=True).to_dict() == other.levels(exact=True).to_dict()
    assert (
        one.snapshot().positions.contracts.tolist() == other.snapshot().positions.contracts.tolist()
    )
    with pytest.raises(gex.ConventionError, match="no kind 'quotes'"):
        feed_event(one, Event(BEGIN, "quotes", 1))


def test_slots_stay_small_when_rows_are_renumbered() -> None:
    live = book()
    assert slots_of(live, 7) == 7 and slots_of(live, None) is None
    live.remove_rows(0)
    moved = live.compact()
    assert slots_of(live, int(moved[7])) == 6
    assert slots_of(live, moved[1:]).tolist() == list(range(299))
    feed_event(live, Event(BEGIN, "quote", 6, {"implied_vol": 0.321}))
    assert live.snapshot().chain.implied_vol[6] == 0.321
