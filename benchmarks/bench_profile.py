"""W3: profiles of 20,000 contracts, preparation included: gamma at 100 spots, all greeks at 164."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import books
import gexcore as gex
import numpy as np
import pytest

pytestmark = pytest.mark.benchmark(group="W3 gamma profile")


@pytest.fixture(scope="module")
def sweep() -> books.Sweep:
    return books.sweep()


def pairs(sweep: books.Sweep) -> int:
    return len(sweep.weight) * len(sweep.spots)


def assert_close(found: Any, expected: Any) -> None:
    """Against the largest value of the profile."""
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11 * np.abs(expected).max())


def test_profile(benchmark: Callable[..., Any], sweep: books.Sweep) -> None:
    assert_close(books.gamma_profile(sweep), books.numpy_profile(sweep))
    benchmark(books.gamma_profile, sweep)
    books.note(benchmark, "ns_per_pair", pairs(sweep))


SETS = (("gamma",), ("vanna",), ("delta",), ("gamma", "delta", "vanna", "charm"), books.EIGHT)


@pytest.mark.parametrize("spacing", ["geometric", "linear"])
@pytest.mark.parametrize("which", SETS, ids="+".join)
def test_greek_profiles(
    benchmark: Callable[..., Any], which: tuple[str, ...], spacing: str
) -> None:
    s = books.sweep(spots=164)
    if spacing == "linear":
        s = s._replace(spots=np.linspace(s.spots[0], s.spots[-1], len(s.spots)))
    found, expected = books.greek_profiles(s, which), books.numpy_profiles(s, s.spots[::20])
    for name in which:
        assert_close(found[name][::20], expected[name])
    benchmark(books.greek_profiles, s, which)
    books.note(benchmark, "ns_per_pair", pairs(s))


def test_profile_of_a_chain(benchmark: Callable[..., Any], sweep: books.Sweep) -> None:
    """As users call it: coverage, at-the-money vol and the unit included."""
    chain = gex.synthetic_chain(20_000)
    positions = gex.assign_positions(chain)
    profile = gex.sweep_profile(chain, positions, spots=sweep.spots)
    assert_close(profile.gamma, books.numpy_profile(sweep) * sweep.spots**2 / 100)
    benchmark(gex.sweep_profile, chain, positions, spots=sweep.spots)
    books.note(benchmark, "ns_per_pair", pairs(sweep))


def test_profile_in_numpy(benchmark: Callable[..., Any], sweep: books.Sweep) -> None:
    """The yardstick: NumPy with all constants hoisted, one exp per pair."""
    b = sweep.book
    here = [sweep.weight @ books.numpy_gamma(b._replace(spot=s)) for s in sweep.spots[::10]]
    assert_close(books.numpy_profile(sweep)[::10], here)
    benchmark.pedantic(books.numpy_profile, (sweep,), rounds=20, warmup_rounds=1)
    books.note(benchmark, "ns_per_pair", pairs(sweep))


def test_long_profile(benchmark: Callable[..., Any]) -> None:
    """Twenty times the contracts at the same spots: cost is linear in the pairs."""
    once = books.sweep()
    columns = (np.tile(c, 20) for c in once.book[1:4])
    b = books.Book(once.book.spot, *columns, *once.book[4:6], np.tile(once.book.is_call, 20))
    many = once._replace(book=b, weight=np.tile(once.weight, 20))
    assert_close(books.gamma_profile(many), 20 * books.gamma_profile(once))
    benchmark.pedantic(books.gamma_profile, (many,), rounds=5)
    books.note(benchmark, "ns_per_pair", pairs(many))
