"""A live book shared by threads: readers see whole states, no write is lost or hits another row."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from live_books import assert_batch, small


@pytest.fixture(autouse=True)
def frequent_switches() -> Any:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def together(writer: Callable[[], None], reader: Callable[[], None], readers: int = 6) -> None:
    """Run a writer once beside readers that go on until it is done; the first error is raised."""
    done, errors = threading.Event(), []

    def run(work: Callable[[], None], again: bool) -> None:
        try:
            work()
            while again and not done.is_set():
                work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(reader, True)) for _ in range(readers)]
    for thread in threads:
        thread.start()
    run(writer, False)
    done.set()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_readers_never_see_half_a_change() -> None:
    """Two rows always move together; the levels belong to one of the two states."""
    book = gex.Book(gex.synthetic_chain(n=1500))
    pair = np.flatnonzero(book.snapshot().chain.open_interest > 100)[:2]
    states = []
    for vol in (0.1, 0.3):
        book.update(pair, implied_vol=np.full(2, vol))
        states.append((book.net(), book.levels(exact=True).to_dict()))
    seen = set()

    def read() -> None:
        found = book.levels(exact=True)
        state = states.index(((found.net, found.gross), found.to_dict()))
        seen.add(state)
        now = book.snapshot()
        vols = now.chain.implied_vol[pair]
        assert vols[0] == vols[1]
        assert book.by_strike().values.size > 0

    def write() -> None:
        step, end = 0, time.monotonic() + 20
        while (step < 400 or len(seen) < 2) and time.monotonic() < end:
            book.update(pair, implied_vol=np.full(2, (0.1, 0.3)[step % 2]))
            step += 1

    together(write, read)
    assert seen == {0, 1}


def test_snapshots_are_of_one_moment() -> None:
    """Spot, time, sizes and flow move under one rule that only whole states fulfil."""
    chain = small()
    book = gex.Book(chain, "flow")
    rows = np.arange(len(chain), dtype=np.int64)
    kinds = chain["option_type"]
    one = gex.Trades.from_arrays(
        strike=chain.strike, option_type=kinds, root=chain.root, expiry=chain.expiry,
        price=np.ones(len(chain)), size=np.ones(len(chain)), true_side=np.ones(len(chain)),
    )  # fmt: skip
    last = []

    def read() -> None:
        now = book.snapshot()
        sizes = now.chain.open_interest
        assert (sizes == sizes[0]).all() or now.version < 3
        held = now.positions.contracts
        assert (held == held[0]).all()
        assert now.positions.flow is None or now.positions.flow.net[0] == -held[0]
        assert now.chain.as_of is not None
        assert not now.chain.implied_vol.flags.writeable
        assert now.levels.zero_gamma.to_dict()  # of this snapshot, whatever the book does now
        last.append(now.version)

    def write() -> None:
        for step in range(150):
            book.update(rows, open_interest=np.full(len(rows), 10.0 + step))
            book.apply_trades(one, rule="given")
            book.set_spot(5000.0 + step)
            book.set_time(0.001)

    together(write, read, readers=3)
    assert_batch(book)
    assert len(set(last)) > 3


def test_no_update_beside_add_rows_is_lost() -> None:
    chain = gex.synthetic_chain(n=3000)
    keep = np.zeros(3000, np.bool_)
    keep[:200] = True
    book = gex.Book(chain.filter(keep))
    rest = np.flatnonzero(~keep)
    sizes = {}

    def write(thread: int) -> None:
        for step in range(300):
            row = thread * 40 + step % 40
            sizes[row] = float(1 + thread * 1000 + step)
            book.update(row, open_interest=sizes[row])

    def add() -> None:
        for part in np.array_split(rest, 60):
            mask = np.zeros(3000, np.bool_)
            mask[part] = True
            book.add_rows(chain.filter(mask))

    with ThreadPoolExecutor(5) as pool:
        jobs = [pool.submit(write, thread) for thread in range(4)] + [pool.submit(add)]
        for job in jobs:
            job.result()
    now = book.snapshot().chain
    assert len(now) == 3000
    assert {row: now.open_interest[row] for row in sizes} == sizes
    assert_batch(book)


def test_rows_of_before_compact_are_refused_and_hit_nobody() -> None:
    """Each contract gets sizes that name it, by threads that look numbers up again when refused."""
    chain = small()
    book = gex.Book(chain)
    names = list(
        zip(chain.root, chain.expiry.astype(str), chain.strike.tolist(), chain["option_type"],
            strict=True)
    )  # fmt: skip
    doomed, refused = list(range(0, 200, 4)), []
    written, shrunk = threading.Event(), threading.Event()

    def write(thread: int) -> None:
        mine = [i for i in range(200) if i % 4 == 1 + thread % 3]
        rows: dict[int, int] = {}
        rounds_after = 0  # of the last compact(): the second writes what the first was refused
        while rounds_after < 2:
            rounds_after += shrunk.is_set()
            for i in mine:
                try:
                    if i not in rows:
                        rows[i] = book.row(*names[i])
                    book.update(rows[i], open_interest=float(1000 + i))
                except gex.InputError as error:
                    assert "before compact" in str(error)
                    refused.append(i)
                    rows = {}
            written.set()

    def shrink() -> None:
        assert written.wait(60)  # rows are known then, so that the first compact() refuses them
        for i in doomed:
            book.remove_rows(book.row(*names[i]))
            book.compact()
        shrunk.set()

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(write, thread) for thread in range(3)] + [pool.submit(shrink)]
        for job in jobs:
            job.result()
    now = book.snapshot().chain
    left = [i for i in range(200) if i not in doomed]
    assert len(now) == len(left)
    assert now.open_interest.tolist() == [float(1000 + i) for i in left]
    assert book.counts()["old_row"] == len(refused) > 0
    assert_batch(book)


def test_long_reads_let_others_run() -> None:
    """Another thread counts while levels of a large book are read, though nobody makes way."""
    book = gex.Book(gex.synthetic_chain(n=60000))
    book.levels()
    count, stop = 0, threading.Event()

    def tick() -> None:
        nonlocal count
        while not stop.is_set():
            count += 1
            time.sleep(0)

    counter = threading.Thread(target=tick)
    sys.setswitchinterval(1000.0)
    counter.start()
    moved = 0
    for step in range(50):
        book.set_spot(5000.0 + step)
        before = count
        book.levels()
        moved += count > before
    stop.set()
    counter.join()
    assert moved > 0


def test_watch_and_callbacks_from_many_threads() -> None:
    book = gex.Book(gex.synthetic_chain(n=1000))
    zero = book.levels().zero_gamma.value or 5000.0
    told: list[int] = []
    book.on_change(lambda change: told.append(change.sequence))

    def write() -> None:
        for step in range(200):
            book.set_spot(zero * (1.02 if step % 2 else 0.98))

    together(write, book.changes, readers=4)
    changes = book.changes()
    assert told == list(range(1, len(changes) + 1))  # each once, in order
    assert [change.sequence for change in changes] == told
    versions = [change.version for change in changes]
    assert versions == sorted(versions)


def test_a_chain_is_read_while_its_book_is() -> None:
    """Who numbers columns of the chain that a book was made of does not disturb its snapshots."""
    columns = {f"c{i}": np.arange(2) for i in range(400)}
    for _ in range(5):
        chain = gex.Chain.from_arrays(
            spot=100.0, strike=[95.0, 105.0], is_call=[True, False], implied_vol=0.2,
            open_interest=10, time_to_expiry=0.1, columns=columns,
        )  # fmt: skip
        book = gex.Book(chain)

        def write(chain: gex.Chain = chain) -> None:
            for name in columns:
                chain.codes(name)
                time.sleep(0)

        together(write, book.snapshot, readers=2)
        assert book.levels().gross > 0
