"""What the gate times. A test compares it with cpp/src/kernels.hpp: no kernel is left out."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import books
import gexcore as gex
import numpy as np
from gexcore import _core, bsm
from gexcore.series import Series

ROWS = 4_000  # columns stay in the second-level cache
SPOTS = 100

Call = tuple[Callable[[], Any], int]  # a call as users make it, and the items it handles


class Work(NamedTuple):
    """`make()` prepares the call; most of its time goes to `kernels`."""

    kernels: tuple[str, ...]
    make: Callable[[], Call]


def nine_greeks() -> Call:
    """W1, output reused."""
    b = books.book(ROWS, seed=12)
    out = bsm.greeks(*b, which=books.NINE)
    return lambda: bsm.greeks(*b, which=books.NINE, out=out), ROWS


def gamma_by_strike() -> Call:
    """W2."""
    keyed = books.keyed(ROWS)
    return lambda: books.gamma_by_strike(keyed), ROWS


def profile() -> Call:
    """W3, preparation included."""
    s = books.sweep(ROWS // 2, SPOTS)
    return lambda: books.gamma_profile(s), len(s.weight) * SPOTS


def uneven_profile() -> Call:
    """The same at spots in no geometric order: an exponential for each pair."""
    s = books.sweep(ROWS // 8, SPOTS)
    uneven = s._replace(spots=np.linspace(s.spots[0], s.spots[-1], SPOTS))
    return lambda: books.gamma_profile(uneven), len(s.weight) * SPOTS


def greek_profiles() -> Call:
    """Profiles of eight greeks at geometric spots."""
    s = books.sweep(ROWS // 8, SPOTS)
    return lambda: books.greek_profiles(s, books.EIGHT), len(s.weight) * SPOTS


def implied_vols() -> Call:
    """W4."""
    arguments = books.priced(ROWS).arguments()
    return lambda: bsm.implied_vol(*arguments), ROWS


def moved_vols() -> Call:
    """Vols after a move of spot, sticky by a slope."""
    vol = np.random.default_rng(14).uniform(0.1, 0.6, ROWS)
    return lambda: _core.move_vols(vol, None, 0.0, -1.0, 0.0, 100.0, 99.0), ROWS


def certificate() -> Call:
    """A proof of all crossings within 15% of spot."""
    s = books.sweep(ROWS // 2)
    _, strike, years, vol, rate, dividend_yield, _ = s.book
    prepared = _core.GammaProfile(strike, years, vol, rate, dividend_yield, s.weight)
    ends, none = s.spots[[0, -1]].tolist(), np.empty(0)
    return lambda: _core.certify(prepared, *ends, none), len(s.weight)


def crossings() -> Call:
    """Zeros of a profile by cubics between its nodes, with bounds of their errors."""
    s = books.sweep(ROWS // 2)
    _, strike, years, vol, rate, dividend_yield, _ = s.book
    prepared = _core.GammaProfile(strike, years, vol, rate, dividend_yield, s.weight)
    gamma = prepared.evaluate(s.spots)
    return lambda: prepared.crossings(s.spots, gamma, False), len(s.weight)


def spot_gamma() -> Call:
    """Net gamma of a live book whose clock and spot move."""
    chain = gex.synthetic_chain(ROWS)
    core, years = gex.Book(chain)._core, Series.of(chain)[0].years
    spots = itertools.cycle((5000.0, 5001.0))

    def call() -> None:
        core.set_years(years, 0.0)
        core.set_spot(next(spots))
        core.net()

    return call, ROWS


def sums() -> Call:
    """Net and gross of a column."""
    values = np.random.default_rng(13).normal(size=10 * ROWS)
    return lambda: (_core.sum(values), _core.sum_abs(values)), 10 * ROWS


def keyed_sums() -> Call:
    """A column summed by strike."""
    k = books.keyed(10 * ROWS)
    return lambda: _core.sum_by(k.weight, k.codes, k.count), 10 * ROWS


WORKS = {
    "W1": Work(("greeks",), nine_greeks),
    "W2": Work(("gamma_sums", "largest_key"), gamma_by_strike),
    "W3": Work(("sweep_prepare", "split_log", "sweep_uniform"), profile),
    "W3 uneven": Work(("sweep",), uneven_profile),
    "profiles": Work(("moment_columns", "moment_prepare", "sweep_moments"), greek_profiles),
    "W4": Work(("implied_vol",), implied_vols),
    "move vols": Work(("move_vols",), moved_vols),
    "certificate": Work(("expand",), certificate),
    "crossings": Work(("sweep_fourth",), crossings),
    "spot gamma": Work(("gamma_prepare", "spot_gamma"), spot_gamma),
    "sums": Work(("sum", "sum_abs"), sums),
    "keyed sums": Work(("sum_by",), keyed_sums),
}
