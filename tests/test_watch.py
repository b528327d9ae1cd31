"""What a live book tells about its age, and which changes of its levels are told."""

from __future__ import annotations

import gexcore as gex
import numpy as np
import pytest
from gexcore.conventions import USED
from gexcore.watch import LevelWatch


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
    assert found.flag.value == pytest.approx(old)
    assert found.flag.raised == (old > 0.5)
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


def test_watch_sees_walls_and_regimes() -> None:
    chain = gex.synthetic_chain(n=2000)
    book = gex.Book(chain)
    watch = LevelWatch(book, hold=2)
    watch.poll()
    wall = book.levels().call_wall.strike
    calls = np.flatnonzero((chain.strike == 5050) & chain.is_call & (chain.status == USED))
    assert wall != 5050
    book.update(calls, open_interest=np.full(len(calls), 1e6))
    assert [(c.before, c.after) for c in watch.poll() if c.kind == "call_wall_moved"] == [
        (wall, 5050.0)
    ]
    watch.poll()
    puts = np.flatnonzero(~chain.is_call)
    before = book.regime().kind
    book.update(puts, open_interest=np.full(len(puts), 1e6))
    assert book.regime().kind != before
    assert not [c for c in watch.poll() if c.kind == "regime_changed"]  # held back once
    assert [c.after for c in watch.poll() if c.kind == "regime_changed"] == [book.regime().kind]
