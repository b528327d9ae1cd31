"""Columns on their way into a chain: the core's passes against plain NumPy and plain Python."""

from __future__ import annotations

from typing import Any

import gexcore as gex
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from gexcore import _core, clock
from gexcore.conventions import REASONS, USED, status_of
from gexcore.errors import InputError
from gexcore.frames import FEW, calls_of, code_texts
from gexcore.sessions import days_of_times, value_by_day
from hypothesis import given
from hypothesis import strategies as st

ODD = [0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 5e-324, -5e-324, 1.7e308]
NUMBERS = ("strike", "multiplier", "implied_vol", "open_interest")
ROWS = st.sampled_from([0, 1, 2, 511, 512, 513, 1024, 1300])


def plain_status(flags: dict[str, Any], numbers: dict[str, Any], years: Any) -> list[int]:
    """Row by row, in the words of `REASONS`."""
    found = []
    for row, time in enumerate(years.tolist()):
        strike, multiplier, vol, size = (numbers[name].tolist()[row] for name in NUMBERS)
        prices = all(0 < x < np.inf for x in (strike, multiplier))
        sizes = all(not x < 0 and not np.isinf(x) for x in (vol, size))
        held = {name: bool(mask[row]) for name, mask in flags.items()}
        held["bad_row"] = held.get("bad_row", False) or not (prices and sizes and np.isfinite(time))
        held |= {"expired": time <= 0, "no_implied_vol": not vol > 0}
        found.append(next((c for c, name in enumerate(REASONS) if held.get(name)), USED))
    return found


@given(st.data(), ROWS, st.integers(0, 2**32), st.floats(0, 1))
def test_status_is_that_of_each_row_alone(data: Any, rows: int, seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)

    def column() -> Any:
        return np.where(rng.random(rows) < share, rng.choice(ODD, rows), rng.uniform(0.1, 9, rows))

    numbers, years = {name: column() for name in NUMBERS}, column()
    names = data.draw(st.sets(st.sampled_from(REASONS[:3])))
    flags = {name: rng.random(rows) < 0.3 for name in names}
    before = {name: mask.copy() for name, mask in flags.items()}
    status = status_of(flags, numbers, years)
    assert status.dtype == np.uint8
    assert status.tolist() == plain_status(flags, numbers, years)
    assert all((flags[name] == before[name]).all() for name in flags)


@pytest.mark.parametrize("multiplier", [*ODD, 100, np.float32(50), np.array(7)])
def test_one_multiplier_is_judged_as_a_column_of_it(multiplier: Any) -> None:
    def chain(value: Any) -> gex.Chain:
        return gex.Chain.from_arrays(
            spot=100.0, strike=[95.0, 105.0, -1.0], is_call=True, implied_vol=[0.2, 0.0, 0.1],
            open_interest=1, time_to_expiry=0.1, multiplier=value,
        )  # fmt: skip

    one, many = chain(multiplier), chain(np.full(3, multiplier))
    assert one.status.tolist() == many.status.tolist()
    np.testing.assert_array_equal(one.multiplier, many.multiplier)


DAYS = st.one_of(
    st.integers(19000, 19100), st.integers(0, 90000), st.just(None), st.integers(-(2**40), 2**40)
)


@given(st.lists(DAYS, max_size=40), st.sampled_from([1, 8191, 8193]), st.booleans())
def test_values_by_day_are_made_once_for_each(days: Any, times: int, hourly: bool) -> None:
    numbers = [np.iinfo(np.int64).min if day is None else day for day in days]
    # a run of one day in front: what is new comes in a later piece
    column = np.array(numbers[:1] * times + numbers, np.int64)
    asked: list[Any] = []

    def values(found: list[Any]) -> Any:
        asked.extend(found)
        plain = np.array(found, "datetime64[D]").view(np.int64)
        return np.stack([plain, plain ^ 5], axis=1)

    codes = (np.arange(len(column)) % 3).astype(np.int32)
    hours = np.array([1, 0, 1])
    hour: Any = (codes, hours) if hourly else 1
    found = value_by_day(column.view("datetime64[D]"), values, hour)
    flip = hours[codes] if hourly else np.ones(len(column), np.int64)
    assert found.tolist() == np.where(flip, column ^ 5, column).tolist()
    assert len(asked) == len(set(numbers))


def test_days_in_any_order_over_pieces() -> None:
    rng = np.random.default_rng(3)
    for days in (np.arange(20000), np.arange(20000)[::-1] - 5000, rng.integers(0, 90000, 30000)):
        first, seen = _core.days_seen(np.ascontiguousarray(days), 100_000)  # type: ignore[misc]
        places = np.flatnonzero(seen)
        assert (places + first - 1).tolist() == np.unique(days).tolist()
        assert seen[0] == 0
    assert _core.days_seen(np.array([0, 100_000]), 100_000) is None
    assert _core.days_seen(np.array([-(2**63) + 1, 2**63 - 1]), 100_000) is None


def test_the_core_refuses_what_it_cannot_look_up() -> None:
    days, table = np.zeros(2, np.int64), np.zeros((1, 2), np.int64)
    codes, hours = np.array([0, 1], np.int32), np.array([0, 2])
    with pytest.raises(InputError, match="outside of the table"):
        _core.take_by_day(days, 0, table, codes, hours)
    with pytest.raises(InputError, match="row 1 has 1"):
        _core.take_by_day(days, 0, table, codes, hours[:1])
    with pytest.raises(InputError, match="one per day"):
        _core.take_by_day(days, 0, table, codes[:1], hours)
    with pytest.raises(InputError, match="no codes"):
        _core.take_by_day(days, 0, table, None, None)
    with pytest.raises(InputError, match="another type"):
        _core.days_seen(days.astype(np.int32), 9)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="per_second"):
        _core.days_of_times(days, 60)


PER_DAY = {"s": 86400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000, "h": 24}


@given(st.lists(st.integers(-(2**63) + 1, 2**63 - 1)), st.sampled_from(sorted(PER_DAY)))
def test_days_of_moments_are_whole_days_down(ticks: list[int], unit: str) -> None:
    near = [0, -1, 1, PER_DAY[unit] - 1, PER_DAY[unit], -PER_DAY[unit], -PER_DAY[unit] - 1]
    if unit == "h":
        ticks = []  # NumPy's own, whose arithmetic wraps at the far ends
    expected = [tick // PER_DAY[unit] for tick in ticks + near] + [-(2**63)]
    times = np.array([*ticks, *near, -(2**63)], np.int64).view(f"datetime64[{unit}]")
    assert days_of_times(times).view(np.int64).tolist() == expected
    some = times[len(ticks) :]
    for column in (some, some[::-1][::2], some.astype(some.dtype.newbyteorder())):
        plain = column.astype("datetime64[D]").view(np.int64)
        assert days_of_times(column).view(np.int64).tolist() == plain.tolist()


WORDS = st.sampled_from(["C", "P", "", "call", "Put", "SPXW", "twelve bytes", "é", " p", None])
LONG = st.sampled_from(["C", "P", "a text of more than twelve bytes", "x" * 13, None])
MANY = st.integers(0, 30).map(lambda i: f"desk {i}")


@given(st.one_of(*(st.lists(kind, max_size=30) for kind in (WORDS, LONG, MANY))), st.integers(0, 3),
       st.sampled_from([1, 60]))  # fmt: skip
def test_texts_are_numbered_as_python_reads_them(texts: list[Any], cut: int, times: int) -> None:
    texts = texts * times  # beyond a block of rows
    plain = [text or "" for text in texts[cut:]]
    letters = [text.strip()[:1].upper() for text in plain]
    kinds = [pa.string(), pa.large_string()]
    chunks = [pa.chunked_array([texts[:7], texts[7:]], kind).slice(cut) for kind in kinds]
    columns = [
        *chunks,
        pl.Series(texts, dtype=pl.String)[cut:],
        pd.Series(texts, dtype="str")[cut:],
    ]
    for column in columns:
        coded = code_texts(column)
        assert coded.texts.tolist() == sorted(set(plain))
        assert np.asarray(coded).tolist() == plain
        calls, unknown = calls_of(column)
        assert calls.tolist() == [letter == "C" for letter in letters]
        assert unknown.tolist() == [letter not in ("C", "P") for letter in letters]


def test_the_core_numbers_few_short_texts_and_leaves_the_rest() -> None:
    def number(values: Any, rows: int | None = None) -> Any:
        return _core.number_texts(
            values.__arrow_c_stream__(), len(values) if rows is None else rows, FEW
        )

    few = pl.Series(["P", None, "C", "P"])
    codes, texts = number(few)
    assert (codes.tolist(), texts) == ([0, 1, 2, 0], ["P", None, "C"])
    assert number(pl.Series([f"{i}" for i in range(FEW)]))[1] == [f"{i}" for i in range(FEW)]
    assert number(pl.Series([f"{i}" for i in range(FEW + 1)])) is None
    assert number(pl.Series(["thirteen byte"])) is None
    assert number(pl.Series([1, 2])) is None
    assert number(few.cast(pl.Categorical)) is None
    assert number(few, 3) is None
    assert number(few, 5) is None
    stream = few.__arrow_c_stream__()
    assert _core.number_texts(stream, 4, FEW) is not None
    assert _core.number_texts(stream, 4, FEW) is None  # read to its end before
    views = pa.chunked_array([["P", None], ["C", "P"]], pa.string_view())
    assert number(views)[1] == ["P", None, "C"]


@pytest.mark.parametrize("gap", [[], [None]])
def test_dates_of_polars_become_a_chains_own(gap: list[Any]) -> None:
    days = [day.item() for day in np.array(["1969-12-31", "2024-01-19"], "datetime64[D]")] + gap
    column = pl.Series(days, dtype=pl.Date)
    rest = {"spot": 1.0, "is_call": True, "implied_vol": 0.2, "open_interest": 1}
    frame = pl.DataFrame({"expiry": column, "strike": [1.0] * len(days)})
    chain = gex.Chain.from_frame(frame, as_of="2024-01-05T16:00-05:00", **rest)
    assert chain.expiry is not None
    assert chain.expiry.tolist() == days
    assert chain.expiry.dtype == np.dtype("datetime64[D]")
    assert not np.may_share_memory(chain.expiry, column.to_physical().to_numpy())
    ours = np.array(days, "datetime64[D]")
    plain = gex.Chain.from_arrays(strike=[1.0] * len(days), expiry=ours,
                                  as_of="2024-01-05T16:00-05:00", **rest)  # fmt: skip
    assert plain.expiry is not None
    assert not np.may_share_memory(plain.expiry, ours)
    np.testing.assert_array_equal(chain.time_to_expiry, plain.time_to_expiry)


def test_dates_with_gaps_settle_as_each_alone() -> None:
    days = clock.as_expiry_dates(["2024-11-04", None, "2024-11-29", "2024-11-01", None])
    together = clock.settlement_times(days)
    alone = [clock.settlement_times(days[i : i + 1])[0] for i in range(len(days))]
    np.testing.assert_array_equal(together, np.array(alone))
