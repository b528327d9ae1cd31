"""The border of bsm.greeks under fire: bits, arguments, any object, and no leaks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from gexcore import _core, bsm
from gexcore.errors import GexError, InputError
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from test_bsm import COLUMNS, ONE, BadArray, greeks, rows


@pytest.mark.parametrize("mask", [0, 1 << 12, 1 << 31, 1 << 32, (1 << 40) + 1])
def test_core_refuses_bits_that_are_no_greek(mask):
    with pytest.raises(InputError, match=r"^which: "):
        _core.greeks(*ONE.values(), mask, None, None)


@pytest.mark.parametrize("mask", ["1", None, 1.0, -1, 1 << 70])
def test_core_takes_bits_as_a_whole_number(mask):
    with pytest.raises((TypeError, OverflowError)):
        _core.greeks(*ONE.values(), mask, None, None)


@pytest.mark.parametrize("count", [0, 1, 9, 11])
def test_core_counts_its_arguments(count):
    with pytest.raises(TypeError, match=f"10 positional arguments are needed, not {count}"):
        _core.greeks(*[1.0] * count)
    with pytest.raises(TypeError, match="9 positional arguments are needed, not 10"):
        _core.implied_vol(*[1.0] * 10)


# --------------------------------------------------------- anything, always

leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(), st.text(),
    st.binary(), st.dates(), st.datetimes(), st.timedeltas(), st.decimals(), st.fractions(),
    st.sampled_from([int, object(), BadArray(), len, Ellipsis, np.ma.masked, range(3), pd.NA]),
    hnp.arrays(hnp.scalar_dtypes() | hnp.array_dtypes(), hnp.array_shapes(min_dims=0, min_side=0)),
    hnp.arrays(st.sampled_from([np.float64, np.int64, ">f8", bool]), st.integers(0, 4)),
)  # fmt: skip
anything = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@settings(deadline=None, max_examples=1500)
@given(st.sampled_from([*COLUMNS, "which", "out", "threads"]), anything)
def test_any_object_gives_a_result_or_an_error_of_ours(argument, value):
    try:
        g = bsm.greeks(**(ONE | {argument: value}))
    except (GexError, TypeError) as error:
        assert str(error)
        return
    size = np.shape(value) if argument in COLUMNS else ()
    assert all(np.shape(number) == size for number in g.to_dict().values())


def resident_bytes():
    return 4096 * int(Path("/proc/self/statm").read_text().split()[1])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/statm")
@pytest.mark.skipif("asan" in os.getenv("LD_PRELOAD", ""), reason="ASan keeps freed memory")
def test_small_calls_leak_nothing():
    columns, out = rows(), greeks(rows())
    converted = columns | {"strike": columns["strike"].astype(np.float32), "rate": [0.01] * 6}
    wrong = columns | {"strike": "x"}

    def calls(count):
        for _ in range(count):
            greeks(columns)
            greeks(columns, out=out)
            greeks(converted, which="gamma")
            greeks(ONE)
            with pytest.raises(InputError):
                greeks(wrong)

    calls(2000)
    before = resident_bytes()
    calls(20000)
    # 1e5 calls; one lost reference to a six-row array in each kind of call would be 3 MB or more
    assert resident_bytes() - before < 2 << 20
