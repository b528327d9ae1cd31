"""Short ways of a call: an earlier result taken as it is, compiled functions without dispatch."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from gexcore import _core, bsm
from gexcore.errors import InputError

ONE = (100.0, 105.0, 0.25, 0.2, 0.04, 0.01, True)
WHICH = ("price", "gamma")


def columns(rows):
    """One contract at as many spots."""
    return (np.linspace(90.0, 120.0, rows), *ONE[1:])


def bits(result):
    return result._buffer.tobytes()


@pytest.mark.parametrize("again", [WHICH, list(WHICH), (*WHICH[:1], WHICH[1])])
def test_an_earlier_result_is_taken_however_it_is_named(again):
    out = bsm.greeks(*columns(6)[:1], 90.0, *ONE[2:], which=WHICH)
    fresh = bsm.greeks(*columns(6), which=WHICH)
    assert bits(out) != bits(fresh)
    assert bsm.greeks(*columns(6), which=again, out=out) is out
    assert bits(out) == bits(fresh)
    copy = pickle.loads(pickle.dumps(out))
    assert bits(bsm.greeks(*columns(6)[:1], 90.0, *ONE[2:], which=copy.names, out=copy)) != bits(
        out
    )


@pytest.mark.parametrize("again", [ONE, columns(5), columns(7)])
def test_out_of_another_size_is_refused(again):
    out = bsm.greeks(*columns(6), which=WHICH)
    before = bits(out)
    with pytest.raises(InputError, match=r"^out: has another shape.*shape \(2"):
        bsm.greeks(*again, which=WHICH, out=out)
    assert bits(out) == before


@pytest.mark.parametrize("mask", [0, 1 << 12, 1 << 31, 1 << 32, (1 << 40) + 1])
def test_core_refuses_bits_that_are_no_greek(mask):
    with pytest.raises(InputError, match=r"^which: "):
        _core.greeks(*ONE, mask, None, None)


@pytest.mark.parametrize("mask", ["1", None, 1.0, -1, 1 << 70])
def test_core_takes_bits_as_a_whole_number(mask):
    with pytest.raises((TypeError, OverflowError)):
        _core.greeks(*ONE, mask, None, None)


@pytest.mark.parametrize("count", [0, 1, 9, 11])
def test_core_counts_its_arguments(count):
    with pytest.raises(TypeError, match=f"10 positional arguments are needed, not {count}"):
        _core.greeks(*[1.0] * count)
    with pytest.raises(TypeError, match="9 positional arguments are needed, not 10"):
        _core.implied_vol(*[1.0] * 10)


def test_core_takes_no_keywords():
    with pytest.raises(TypeError, match="no keyword arguments"):
        _core.greeks(*ONE, 1, None, threads=None)
    assert _core.greeks.__text_signature__.endswith("which, out, threads, /)")
