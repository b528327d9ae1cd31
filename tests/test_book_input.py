"""What a live book does with what cannot be: defined, counted, and levels can always be read."""

from __future__ import annotations

import math
import time
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.conventions import REASONS, USED
from gexcore.readings import followed
from live_books import assert_batch, small


def test_remove_everything() -> None:
    book = gex.Book(small())
    book.remove_rows(np.arange(len(book)))
    found = book.levels(exact=True)
    assert found.zero_gamma.status == "no_exposure"
    assert found.call_wall.status == "no_exposure"
    assert book.regime().kind == "no_exposure"
    assert_batch(book)
    book.compact()
    assert (len(book), book.net()) == (0, (0.0, 0.0))
    book.add_rows(small())
    assert book.levels(exact=True).to_dict() == followed(gex.analyze(small()).levels)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda b: b.update(200, implied_vol=0.2), "no row 200"),
        (lambda b: b.update(-1, implied_vol=0.2), "no row -1"),
        (lambda b: b.update(np.array([0.0]), implied_vol=0.2), "row numbers"),
        (lambda b: b.update(np.array([0, 1]), implied_vol=np.array([0.2])), "one value per row"),
        (lambda b: b.update(0, implied_vol=np.array([0.2, 0.3])), "one value per row"),
        (lambda b: b.set_spot(math.nan), "spot"),
        (lambda b: b.set_spot(-1.0), "spot"),
        (lambda b: b.remove_rows(500), "no row 500"),
        (lambda b: b.row("SPX", "1999-01-01", 1.0, "C"), "no contract"),
        (lambda b: b.set_time(-1.0), "days ahead"),
    ],
)
def test_refused_calls_change_nothing(call: Any, message: str) -> None:
    book = gex.Book(small())
    before = book.levels(exact=True).to_dict(), book.levels().version
    with pytest.raises(gex.InputError, match=message):
        call(book)
    assert (book.levels(exact=True).to_dict(), book.levels().version) == before


def test_balanced_book_has_no_crossing_of_rounding() -> None:
    strike = np.repeat(np.linspace(90, 110, 21), 2)
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=strike, is_call=np.arange(42) % 2 == 0, implied_vol=0.2,
        open_interest=17, time_to_expiry=0.1,
    )  # fmt: skip
    book = gex.Book(chain)
    assert book.levels().zero_gamma.status == "no_exposure"
    assert_batch(book)
    book.update(4, implied_vol=0.25)
    assert_batch(book)


def test_an_empty_book_can_be_read_and_filled() -> None:
    chain = small()
    none = chain.filter(np.zeros(len(chain), np.bool_))
    for positions in ("naive", "flow"):
        book = gex.Book(none, positions)
        assert book.levels().zero_gamma.status == book.levels(exact=True).zero_gamma.status
        assert (book.regime().kind, book.net()) == ("no_exposure", (0.0, 0.0))
        assert (len(book), len(book.snapshot().chain), len(book.by_strike())) == (0, 0, 0)
        assert book.compact().tolist() == []
        book.set_spot(5100.0)
        book.set_time(0.5)
        assert book.changes() == []
        assert_batch(book)
        rows = book.add_rows(chain)
        assert_batch(book)
        book.remove_rows(rows)
        book.compact()
        assert (len(book), book.regime().kind) == (0, "no_exposure")
        assert_batch(book)


def test_bad_quotes_are_kept_and_counted() -> None:
    chain = small().with_implied_vols("mid", only_missing=False)
    book = gex.Book(chain)
    row = int(np.flatnonzero((chain["bid"] > 1) & (chain.open_interest > 0))[0])
    for bid, ask, kind, reason in (
        (math.nan, 5.0, "missing_quote", "no_price"),
        (4.0, math.inf, "missing_quote", "no_price"),
        (-4.0, 5.0, "missing_quote", "no_price"),
        (5.0, 4.0, "crossed_quote", "no_price"),
        (1e-9, 1e-9, None, None),
        (0.0, 5.0, None, "no_price"),
        (1e9, 1e9, None, "above_maximum"),
    ):
        before = book.counts()
        book.update(row, bid=bid, ask=ask)
        changed = {name for name, count in book.counts().items() if count != before[name]}
        assert changed == ({kind} if kind else set())
        now = book.snapshot().chain
        assert (now["ask"][row] == ask) or math.isnan(ask)
        if reason:
            assert now.status[row] == REASONS.index(reason)
            assert reason in gex.analyze(now).levels.coverage.dropped
        assert_batch(book)
    for column, value, kind in (
        ("implied_vol", math.nan, "missing_vol"), ("implied_vol", 0.0, "missing_vol"),
        ("implied_vol", -0.1, "bad_vol"), ("implied_vol", math.inf, "bad_vol"),
        ("open_interest", -1.0, "bad_size"), ("open_interest", math.nan, "bad_size"),
    ):  # fmt: skip
        before = book.counts()[kind]
        book.update(row, **{column: value})
        assert book.counts()[kind] == before + 1
        assert_batch(book)
    quotes = {name: float(chain[name][row]) for name in ("bid", "ask")}
    book.update(row, implied_vol=0.2, open_interest=100.0, **quotes)
    assert book.snapshot().chain.status[row] == USED
    assert book.snapshot().chain.implied_vol[row] == chain.implied_vol[row]
    assert_batch(book)


def test_spot_may_jump() -> None:
    book = gex.Book(gex.synthetic_chain(n=2000))
    for factor, jumps in ((1.5, 1), (0.5, 2), (1.01, 2), (0.5, 3), (2.0, 4), (1e-3, 5), (1e3, 6)):
        book.set_spot(book.levels().spot * factor)
        assert_batch(book)
        assert book.counts()["spot_jump"] == jumps
    for spot in (math.nan, math.inf, 0.0, -5.0, 1e-101, 1e101):
        before = book.levels(exact=True).to_dict()
        with pytest.raises(gex.InputError, match="spot"):
            book.set_spot(spot)
        assert book.levels(exact=True).to_dict() == before
    assert book.counts()["bad_spot"] == 6
    for spot in (1e-100, 1e100, 1e-3, 1e6, 5000.0):  # prices that fit nothing in the book
        book.set_spot(spot)
        assert_batch(book)


def test_time_never_goes_back() -> None:
    book = gex.Book(small())
    book.set_time(1.0)
    before = book.levels(exact=True).to_dict()
    for when in (-1e-6, "2026-03-18T10:30-04:00", "2026-03-20T10:30", math.nan, math.inf, True):
        with pytest.raises(gex.GexError):
            book.set_time(when)
    assert book.levels(exact=True).to_dict() == before
    assert book.counts()["bad_time"] == 6
    book.set_time(0.0)  # standing still is not going back
    book.set_time(4000.0)  # everything has settled
    assert book.regime().kind == "no_exposure"
    assert_batch(book)


def test_refusals_are_counted() -> None:
    book = gex.Book(small())
    for call, name in (
        (lambda: book.row("SPX", "1999-01-01", 1.0, "C"), "unknown_contract"),
        (lambda: book.update(200, implied_vol=0.2), "unknown_row"),
        (lambda: book.update(np.array([0, -1]), implied_vol=np.array([0.2, 0.2])), "unknown_row"),
        (lambda: book.remove_rows(1 << 40), "unknown_row"),
        (lambda: book.add_rows(small()), "bad_rows"),
    ):
        before = book.counts()[name]
        with pytest.raises(gex.InputError):
            call()
        assert book.counts()[name] == before + 1
    book.remove_rows(np.array([3, 4, 3]))
    for _ in range(2):
        with pytest.raises(gex.InputError, match="row 3 was removed"):
            book.update(np.array([2, 3]), implied_vol=np.array([0.2, 0.2]))
    assert book.counts()["removed_row"] == 2
    book.remove_rows(3)  # twice is once
    book.compact()
    with pytest.raises(gex.InputError, match="row 7 is of before compact"):
        book.update(7, implied_vol=0.2)
    assert book.counts()["old_row"] == 1
    assert_batch(book)


def test_rows_of_any_integer_type() -> None:
    book = gex.Book(small())
    for row in (3, np.int64(3), np.int32(3), np.arange(5)[3], [3], (3,), np.array([3], np.uint8)):
        book.update(row, implied_vol=0.2)
    before = book.snapshot().chain.implied_vol
    book.update([], implied_vol=[])
    assert (book.snapshot().chain.implied_vol == before).all()
    for rows in ([4, 5], np.array([4, 5], np.int32)):
        book.update(rows, implied_vol=[0.3, 0.4])
        assert book.snapshot().chain.implied_vol[3:6].tolist() == [0.2, 0.3, 0.4]
        book.update(rows, implied_vol=[0.1, 0.1])
    for row in (True, 3.0, "3", None, [3.0], [None], [[3], [4]], np.array([3.0]),
                np.array([True]), np.array([3], np.uint64), [[3], [4, 5]]):  # fmt: skip
        with pytest.raises((gex.InputError, TypeError), match="row"):
            book.update(row, implied_vol=0.2)


def test_slots_grow_in_time_and_memory_as_rows_do() -> None:
    """Rows one by one: the second half of them costs what the first half costs."""
    chain = gex.synthetic_chain(n=4000)
    parts = [chain.filter(np.arange(4000) == row) for row in range(4000)]
    book, times = gex.Book(parts[0]), []
    for half in (parts[1:2000], parts[2000:]):
        start = time.process_time()
        for part in half:
            book.add_rows(part)
        times.append(time.process_time() - start)
    assert times[1] < 2 * times[0]
    now = book.snapshot()
    assert now.chain.strike.tobytes() == chain.strike.tobytes()
    assert book.levels(exact=True).to_dict() == followed(gex.analyze(chain).levels)
