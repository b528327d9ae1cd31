"""What a live book tells about its age, and which changes of its levels are told."""

from __future__ import annotations

import gexcore as gex
import numpy as np
import pytest
from gexcore.conventions import USED
from gexcore.watch import LevelWatch
from live_books import assert_batch


def test_staleness_follows_the_clock() -> None:
    chain = gex.synthetic_chain(n=200, seed=3)
    book = gex.Book(chain)
    used = (chain.status == USED) & (chain.open_interest > 0)
    size = chain.open_interest
    share = size[used].sum() / size[size > 0].sum()
    assert book.staleness().age_weighted_coverage == pytest.approx(share)
    book.set_time(2.0)
    now = book.snapshot().chain
    fresh = np.flatnonzero(now.status == USED)[::2]
    book.update(fresh, implied_vol=now.implied_vol[fresh])
    found = book.staleness(half_life=24.0)
    left = (now.status == USED) & (size > 0)
    factor = np.where(np.isin(np.arange(len(chain)), fresh), 1.0, 0.25)
    expected = (size * factor)[left].sum() / size[size > 0].sum()
    assert found.age_weighted_coverage == pytest.approx(expected)
    assert found.oldest_quote_age == pytest.approx(48.0)
    assert found.median_size_age == pytest.approx(48.0)
    old = size[left & (factor < 1)].sum() / size[left].sum()
    assert found.flag.value == pytest.approx(48 * old)  # mean age in hours
    assert found.flag.raised and 48 * old > 24
    assert f"{old:.0%} of it over 24" in found.flag.evidence
    regime = book.regime()
    assert regime.flags["stale"].value == pytest.approx(found.flag.value, rel=1e-12)
    assert regime.flags["stale"].to_dict() == found.flag.to_dict()
    assert regime.to_dict()["flags"]["stale"]["raised"] is found.flag.raised
    assert (regime.size_age, regime.old_share) == (pytest.approx(48.0), pytest.approx(old))
    with pytest.raises(gex.InputError, match="half_life"):
        book.staleness(0)


def test_watch_tells_each_change_once() -> None:
    book = gex.Book(gex.synthetic_chain())
    zero = book.levels().zero_gamma.value
    watch, seen = LevelWatch(book), []
    watch.on_change(seen.append)
    book.set_spot(zero * 1.01)
    assert watch.poll() == []  # the first reading is where it starts
    book.set_spot(zero * 0.99)
    crossed = [c for c in watch.poll() if c.kind == "zero_gamma_crossed"]
    assert [(c.before, c.after, c.spot) for c in crossed] == [("above", "below", zero * 0.99)]
    told = len(watch.changes())
    for step in range(40):  # flickers round the flip, within the band
        book.set_spot(zero * (1 + 1e-4 * (-1) ** step))
        assert not [c for c in watch.poll() if c.kind == "zero_gamma_crossed"]
    assert len(seen) == len(watch.changes()) >= told
    assert watch.changes(since=told) == seen[told:]
    book.set_spot(zero * 1.01)
    assert [c.after for c in watch.poll() if c.kind == "zero_gamma_crossed"] == ["above"]


def test_ages_follow_rows_that_come_and_go() -> None:
    """The ages that the core keeps by block are those of plain sums, after anything."""
    chain = gex.synthetic_chain(n=1500)
    mask = np.arange(1500) < 1100
    book, rng = gex.Book(chain.filter(mask)), np.random.default_rng(4)
    for step in range(30):
        book.set_time(float(rng.uniform(0, 0.3)))
        book.regime()  # what follows is not hidden by the clock
        rows = book.snapshot().rows[rng.integers(0, 900, 50)]
        if step == 10:
            book.remove_rows(book.snapshot().rows[900:1000])
        elif step == 15:
            book.compact()
        elif step == 20:
            book.add_rows(chain.filter(~mask))  # as old as they are
            assert book.snapshot().quoted[-1] == pytest.approx(0.0, abs=1e-9)
        elif step % 3 == 0:
            book.update(rows, open_interest=rng.uniform(0, 100, 50))
        else:
            book.update(rows, bid=np.full(50, 1.0))
        now = book.snapshot()
        used = (now.chain.status == USED) & (now.positions.contracts != 0)
        size, age = now.chain.open_interest[used], 24 * (now.days - now.quoted[used])
        found = book.regime()
        assert found.quote_age == pytest.approx((size * age).sum() / size.sum(), rel=1e-9)
        assert found.old_share == pytest.approx(size[age > 24].sum() / size.sum(), rel=1e-9)
        sized = 24 * (now.days - now.sized[used])
        assert found.size_age == pytest.approx((size * sized).sum() / size.sum(), rel=1e-9)


def test_quotes_and_sizes_have_times() -> None:
    book = gex.Book(gex.synthetic_chain(n=200))
    book.set_time("2026-03-19T09:45-04:00")
    book.update(3, bid=1.0, ask=1.1)
    book.update(4, open_interest=10.0)
    book.set_time("2026-03-19T15:00-04:00")
    now = book.snapshot()
    assert now.quote_time[[0, 3, 4]].astype("datetime64[m]").astype(str).tolist() == [
        "2026-03-18T14:30", "2026-03-19T13:45", "2026-03-18T14:30",
    ]  # fmt: skip
    assert now.open_interest_date[[0, 3, 4]].astype(str).tolist() == [
        "2026-03-18", "2026-03-18", "2026-03-19",
    ]  # fmt: skip
    timeless = gex.Chain.from_arrays(spot=100.0, strike=[95.0], is_call=[True], implied_vol=0.2,
                                     open_interest=1, time_to_expiry=0.1)  # fmt: skip
    now = gex.Book(timeless).snapshot()
    assert np.isnat(now.quote_time).all() and np.isnat(now.open_interest_date).all()


def test_an_empty_book_has_no_age() -> None:
    book = gex.Book(gex.synthetic_chain(n=200))
    book.remove_rows(np.arange(200))
    flag = book.regime().flags["stale"]
    assert (flag.raised, flag.value) == (None, None)
    assert book.staleness().flag.to_dict() == flag.to_dict()


def test_watch_sees_walls_and_regimes() -> None:
    chain = gex.synthetic_chain(n=2000)
    book = gex.Book(chain)
    assert book.changes() == []
    wall = book.levels().call_wall.strike
    calls = np.flatnonzero((chain.strike == 5050) & chain.is_call & (chain.status == USED))
    assert wall != 5050
    book.update(calls, open_interest=np.full(len(calls), 1e6))
    moved = [c for c in book.changes() if c.kind == "call_wall_moved"]
    assert [(c.before, c.after) for c in moved] == [(wall, 5050.0)]
    last = book.changes()[-1].sequence
    puts = np.flatnonzero(~chain.is_call)
    before = book.regime().kind
    book.update(puts, open_interest=np.full(len(puts), 1e6))
    assert book.regime().kind != before
    told = [c for c in book.changes(since=last) if c.kind == "regime_changed"]
    assert [(c.before, c.after) for c in told] == [(before, book.regime().kind)]


def two_calls(first: float, second: float) -> gex.Book:
    """Calls at 100 and 105 of one life; open interest decides which is the wall."""
    chain = gex.Chain.from_arrays(
        spot=102.5, strike=[100.0, 105.0], is_call=[True, True], implied_vol=0.2,
        open_interest=[first, second], time_to_expiry=0.1,
    )  # fmt: skip
    return gex.Book(chain)


def test_a_wall_that_flickers_is_not_told() -> None:
    book = two_calls(1000, 500)
    book.changes()
    gammas = book.by_strike().values / (1000, 500)
    even = 1000 * gammas[0] / gammas[1]  # open interest at 105 that makes both as high
    for step in range(50):
        book.update(1, open_interest=even * (1.01 if step % 2 else 0.99))
        assert book.changes() == []
    book.update(1, open_interest=even * 1.03)
    assert [(c.kind, c.before, c.after) for c in book.changes()] == [
        ("call_wall_moved", 100.0, 105.0)
    ]
    book.update(1, open_interest=even * 0.99)
    assert len(book.changes()) == 1
    book.update(1, open_interest=0.0)
    assert [c.after for c in book.changes()] == [105.0, 100.0]


def test_walls_that_take_turns_are_not_told() -> None:
    """Of three strikes nearly as high, the last wall need not be the runner-up."""
    chain = gex.Chain.from_arrays(
        spot=105.0, strike=[100.0, 105.0, 110.0], is_call=[True] * 3, implied_vol=0.2,
        open_interest=1000, time_to_expiry=0.1,
    )  # fmt: skip
    book = gex.Book(chain)
    sizes = 1000 * book.by_strike().values.max() / book.by_strike().values
    rows = np.arange(3)
    book.update(rows, open_interest=sizes)
    book.changes()
    for step in range(30):
        heights = 1 + 0.004 * ((rows + step) % 3)
        book.update(rows, open_interest=sizes * heights)
        assert book.changes() == []


def test_a_regime_on_the_border_is_not_told() -> None:
    """Net over gross runs up and down round 5%, the border of transition."""
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=[100.0, 100.0], is_call=[True, False], implied_vol=0.2,
        open_interest=1000, time_to_expiry=0.1,
    )  # fmt: skip
    book = gex.Book(chain)

    def share(value: float) -> str:
        """Make net / gross this share."""
        book.update(0, open_interest=1000 * (1 + value) / (1 - value))
        return book.regime(exact=True).kind

    assert share(0.08) == "long_gamma"
    book.changes()
    for step in range(20):
        assert share(0.0515 if step % 2 else 0.0485) == ("long_gamma" if step % 2 else "transition")
        assert book.changes() == []
    share(0.03)
    assert [(c.before, c.after) for c in book.changes()] == [("long_gamma", "transition")]
    share(0.0515)
    assert len(book.changes()) == 1
    share(0.08)
    assert [c.after for c in book.changes()] == ["transition", "long_gamma"]
    book.update(0, open_interest=0.0)
    assert book.changes()[-1].after == "short_gamma"


def test_callbacks_follow_the_write_that_made_the_change() -> None:
    book = gex.Book(gex.synthetic_chain())
    zero = book.levels().zero_gamma.value
    book.set_spot(zero * 1.01)
    told: list[gex.LevelChange] = []
    book.on_change(told.append)
    book.set_spot(zero * 0.99)
    crossed = [c for c in told if c.kind == "zero_gamma_crossed"]
    assert [(c.before, c.after) for c in crossed] == [("above", "below")]
    assert crossed[0].version == book.levels().version
    assert book.changes() == told

    count = len(told)
    puts = np.flatnonzero(~book.snapshot().chain.is_call)
    book.update(puts, open_interest=np.full(len(puts), 1e6))
    assert len(told) > count
    book.remove_rows(np.arange(len(book)))
    assert told[-1].after == "no_exposure"


def test_a_callback_that_raises_leaves_the_book_whole() -> None:
    book = gex.Book(gex.synthetic_chain())
    zero = book.levels().zero_gamma.value
    book.set_spot(zero * 1.01)
    told: list[gex.LevelChange] = []

    def fail(change: gex.LevelChange) -> None:
        raise KeyError(change.kind)

    book.on_change(fail)
    book.on_change(told.append)
    with pytest.raises((KeyError, ExceptionGroup)) as caught:
        book.set_spot(zero * 0.99)
    first = caught.value
    while isinstance(first, ExceptionGroup):
        first = first.exceptions[0]
    assert isinstance(first, KeyError) and "on_change" in first.__notes__[0]
    assert told and book.changes() == told  # others were called, nothing is told twice
    assert book.levels().spot == zero * 0.99
    assert_batch(book)


def test_a_callback_may_change_the_book() -> None:
    book = gex.Book(gex.synthetic_chain())
    zero = book.levels().zero_gamma.value
    book.set_spot(zero * 1.01)
    seen: list[tuple[str, int]] = []

    def answer(change: gex.LevelChange) -> None:
        seen.append((change.kind, change.sequence))
        if change.kind == "zero_gamma_crossed" and change.after == "below":
            book.set_spot(zero * 1.01)

    book.on_change(answer)
    book.set_spot(zero * 0.99)
    sides = [c.after for c in book.changes() if c.kind == "zero_gamma_crossed"]
    assert sides == ["below", "above"]
    assert [number for _, number in seen] == list(range(1, len(book.changes()) + 1))


def test_looks_of_callbacks_keep_an_interval() -> None:
    book = gex.Book(gex.synthetic_chain(n=2000))
    told: list[gex.LevelChange] = []
    book.on_change(told.append, interval=3600.0)
    for step in range(20):
        book.set_spot(5000.0 + 500 * (step % 2))
    assert len({c.version for c in told}) <= 1  # the first write was looked at
    book.changes()
    assert told == book.changes()


@pytest.mark.parametrize("name", ["band", "margin", "edge"])
def test_watch_refuses_what_is_no_share(name: str) -> None:
    book = two_calls(1, 1)
    for value in (-0.1, 1.0, float("nan")):
        with pytest.raises(gex.InputError, match=name):
            LevelWatch(book, **{name: value})
