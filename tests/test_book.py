"""A live book against the batch computation on its snapshot, bit for bit, read by read."""

from __future__ import annotations

from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.readings import followed
from live_books import assert_batch


def test_many_blocks_and_windows() -> None:
    rng = np.random.default_rng(5)
    chain = gex.synthetic_chain(n=6000)
    book = gex.Book(chain)
    first = book.levels().anchors
    for step in range(40):
        book.update(int(rng.integers(6000)), implied_vol=float(rng.uniform(0.05, 0.4)))
        if step % 5 == 0:
            book.set_spot(float(rng.uniform(3500, 6500)))
        assert_batch(book)
    assert book.levels().anchors > first  # the grid was laid anew, and says so


def test_reads_agree_with_batch() -> None:
    chain = gex.synthetic_chain(n=3000)
    book = gex.Book(chain)
    book.update(7, implied_vol=0.3)
    book.set_spot(5033.0)
    now = book.snapshot()
    whole = gex.analyze(now.chain, now.positions)
    gamma = whole.exposures.gamma
    assert book.net() == (gamma.net, gamma.gross)
    by = gamma.by("strike")
    for ours, theirs in zip(
        (book.by_strike().keys, book.by_strike().values, book.by_strike().gross),
        (by.keys, by.values, by.gross),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)
    spots, profile = book.profile()
    np.testing.assert_array_equal(spots, whole.profile.spots)
    np.testing.assert_array_equal(profile, whole.profile.gamma)
    regime = book.regime(exact=True)
    assert (regime.kind, regime.net, regime.gross) == (whole.regime.kind, gamma.net, gamma.gross)
    assert regime.zero_gamma == whole.levels.zero_gamma.value
    ladder = gex.hedge_ladder(now.chain, now.positions)
    np.testing.assert_array_equal(book.hedge_ladder().shares, ladder.shares)


@pytest.mark.parametrize("walls", [{}, {"side": "gross", "gated": True}])
def test_a_snapshot_is_of_its_moment(walls: dict[str, Any]) -> None:
    book = gex.Book(gex.synthetic_chain(n=1000), **walls)
    book.update(7, implied_vol=0.3)
    now, then = book.snapshot(), book.levels(exact=True)
    assert now.version == then.version
    book.set_spot(5500.0)
    book.remove_rows(np.arange(500))
    book.compact()
    assert followed(now.levels) == then.to_dict()  # first read now, of that moment
    assert now.levels is now.levels
    assert now.levels.exposures.positions is now.positions
    assert now.rows.tolist() == list(range(1000))
    chain = now.chain
    columns = (
        chain.implied_vol,
        chain.open_interest,
        chain["bid"],
        chain.vols.vendor,
        now.positions.contracts,
        now.quoted,
        now.sized,
        chain.strike,
        chain.status,
    )
    for column in columns:  # fmt: skip
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1.0
    assert_batch(book, **walls)


def test_fast_regime_holds_its_bounds() -> None:
    chain = gex.synthetic_chain(n=3000)
    book = gex.Book(chain)
    for spot in np.linspace(4300, 5700, 57):
        book.set_spot(float(spot))
        fast, exact = book.regime(), book.regime(exact=True)
        slack = 1e-12 * exact.gross
        assert abs(fast.net - exact.net) <= fast.bound + slack
        assert abs(fast.gross - exact.gross) <= fast.bound + slack
        assert fast.kind == exact.kind or not fast.sure
        if exact.zero_gamma is not None:
            assert fast.zero_gamma is not None
            assert abs(fast.zero_gamma - exact.zero_gamma) <= fast.zero_gamma_error + 1e-9


def test_unpolished_crossings_hold_their_bounds() -> None:
    compared = moved = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        held = rng.normal(size=400) * rng.exponential(100, 400)
        chain = gex.synthetic_chain(n=400, seed=seed)
        book = gex.Book(chain, "contracts", contracts=held)
        rough, exact = (book.levels(exact=e).zero_gamma.crossings for e in (False, True))
        for a, b in zip(rough, exact, strict=True):
            assert a.error is not None and b.error is None
            assert abs(a.spot - b.spot) <= a.error + 1e-11 * b.spot
            assert a.error < 0.01 * b.spot
            compared += 1
            moved += a.spot != b.spot
    assert compared > 8 and moved > 4


def test_set_time_is_chain_at() -> None:
    chain = gex.synthetic_chain(n=2000)
    book = gex.Book(chain)
    for when in (0.2, "2026-03-19T11:00-04:00", 1.5):
        before = book.snapshot().chain
        book.set_time(when)
        later, now = gex.chain_at(before, when), book.snapshot().chain
        np.testing.assert_array_equal(now.time_to_expiry, later.time_to_expiry)
        np.testing.assert_array_equal(now.status, later.status)
        assert now.as_of == later.as_of
        assert_batch(book)
    with pytest.raises(gex.InputError, match="days ahead"):
        book.set_time("2026-03-18T11:00-04:00")
    assert_batch(book)


def test_remove_and_compact_equal_never_added() -> None:
    chain = gex.synthetic_chain(n=3000)
    keep = np.random.default_rng(1).random(3000) < 0.7
    book = gex.Book(chain)
    book.remove_rows(np.flatnonzero(~keep))
    slots = book.levels(exact=True)
    book.compact()
    assert len(book) == keep.sum()
    assert_batch(book)
    never = gex.analyze(chain.filter(keep)).levels
    assert book.levels(exact=True).to_dict() == followed(never)
    assert abs(slots.net - book.levels().net) <= 1e-13 * slots.gross
    assert slots.zero_gamma.value == pytest.approx(never.zero_gamma.value, rel=1e-10)


def test_add_rows() -> None:
    chain = gex.synthetic_chain(n=1200)
    later = np.zeros(1200, bool)
    later[::7] = True
    book = gex.Book(chain.filter(~later))
    book.update(3, implied_vol=0.21)
    rows = book.add_rows(chain.filter(later))
    assert rows.tolist() == list(range(1200 - later.sum(), 1200))
    assert_batch(book)
    contract = chain.filter(later)
    found = book.row(
        contract.root[5],
        contract.expiry[5],
        contract.strike[5],
        "C" if contract.is_call[5] else "P",
    )
    assert found == rows[5]
    assert book.snapshot().chain.implied_vol[3] == 0.21
    with pytest.raises(gex.InputError, match="in the book already"):
        book.add_rows(chain.filter(later))
    book.update(found, open_interest=12345.0)
    assert abs(book.snapshot().positions.contracts[found]) == 12345.0
    assert_batch(book)


def test_added_rows_come_to_the_time_of_the_book() -> None:
    chain = gex.synthetic_chain(n=1000)
    mask = np.arange(1000) % 5 > 0
    book = gex.Book(chain.filter(mask))
    book.set_time("2026-03-19T11:00-04:00")
    later = gex.chain_at(chain, "2026-03-19T11:00-04:00")
    book.add_rows(chain.filter(~mask))
    now = book.snapshot().chain
    order = np.concatenate([np.flatnonzero(mask), np.flatnonzero(~mask)])
    assert now.time_to_expiry.tobytes() == later.time_to_expiry[order].tobytes()
    assert now.status.tolist() == later.status[order].tolist()
    assert_batch(book)
    for other, message in (
        (gex.chain_at(chain, 10.0), "as of"),
        (chain.with_conventions(clock="calendar/365"), "clock"),
        (chain._replace(root=None), "root"),
        (chain._replace(as_of=None), "as of"),
    ):
        book.remove_rows(book.snapshot().rows[-1:])
        with pytest.raises(gex.InputError, match=message):
            book.add_rows(other.filter(np.arange(1000) == 995))
    assert book.counts()["bad_rows"] == 4
    assert_batch(book)


def test_gamma_that_comes_and_goes_with_spot() -> None:
    """Without width there is no gamma at the strike, and gamma 0 anywhere else."""
    n = 1200
    vol = np.where(np.arange(n) % 7 == 0, 1e-140, 0.2)
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=np.repeat([90.0, 100.0, 110.0], n // 3), time_to_expiry=0.25,
        implied_vol=vol, open_interest=100.0, is_call=np.arange(n) % 2 == 0, rate=0.0,
        dividend_yield=0.0, multiplier=100.0,
    )  # fmt: skip
    book = gex.Book(chain)
    nets = []
    for spot in (100.0, 101.0, 100.0, 110.0, 99.0):
        book.set_spot(spot)
        nets.append(book.net())
        assert_batch(book)
        book.update(400, implied_vol=0.3)  # has a gamma among those that have none
        assert_batch(book)
        book.update(400, implied_vol=1e150)  # beyond what is computed
        assert_batch(book)
    assert np.isfinite(nets).all() and nets[0][1] > 0


def test_contracts_that_weigh_nothing_are_counted() -> None:
    chain = gex.synthetic_chain(n=600)
    light = chain._replace(multiplier=np.where(np.arange(600) % 3 == 0, 1e-300, 100.0))
    book = gex.Book(light)
    book.update(np.arange(0, 300, 3), open_interest=np.full(100, 1e-30))
    now = book.snapshot()
    assert (now.positions.weight[:300:3] == 0.0).all()
    assert_batch(book)
    by = gex.analyze(now.chain, now.positions).exposures.gamma.by("strike")
    np.testing.assert_array_equal(book.by_strike().keys, by.keys)
    book.set_spot(5001.0)
    assert_batch(book)


@pytest.mark.parametrize(
    ("column", "value"), [("implied_vol", 1e120), ("strike", 1e295), ("time_to_expiry", 1e295)]
)
def test_contracts_out_of_range_are_no_more_used_than_in_a_batch(column: str, value: float) -> None:
    columns: dict[str, Any] = {
        "strike": np.array([90.0, 95.0, 100.0, 105.0]), "implied_vol": np.full(4, 0.2),
        "time_to_expiry": np.full(4, 0.2), "open_interest": np.full(4, 10.0),
        "is_call": np.array([True, False, True, False]),
    }  # fmt: skip
    columns[column][2] = value
    book = gex.Book(gex.Chain.from_arrays(spot=100.0, rate=0.0, dividend_yield=0.0, **columns))
    for spot in (100.0, 101.0, 97.0):
        book.set_spot(spot)
        assert_batch(book)
