"""Moments in UTC from whatever has, or is told, a zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from gexcore.errors import InputError
from gexcore.timestamps import utc_times
from hypothesis import given
from hypothesis import strategies as st

NEW_YORK = "America/New_York"
NOON = np.datetime64("2024-07-01T16:00", "ns")  # 12:00 in New York
EST = timezone(timedelta(hours=-5))
AWARE = pd.Series(pd.to_datetime(["2024-07-01 12:00"])).dt.tz_localize(NEW_YORK)
SAME = [
    (["2024-07-01T12:00-04:00"], None),
    (["2024-07-01T16:00Z"], NEW_YORK),
    ("2024-07-01T16:00Z", None),
    (["2024-07-01 12:00"], NEW_YORK),
    ([datetime(2024, 7, 1, 11, tzinfo=EST)], None),
    ([datetime(2024, 7, 1, 12)], NEW_YORK),
    (np.array(["2024-07-01T16:00"], "M8[m]"), "UTC"),
    (np.array(["2024-07-01T12:00"], "M8[s]"), NEW_YORK),
    (AWARE, None),
    (AWARE, "Asia/Tokyo"),
    (AWARE.astype(object), None),
    (pd.Series(pd.to_datetime(["2024-07-01 12:00"])), NEW_YORK),
]


@pytest.mark.parametrize(("values", "zone"), SAME)
def test_one_moment_in_many_dresses(values: Any, zone: Any) -> None:
    found = utc_times("time", values, 1, zone)
    assert found.dtype == np.dtype("datetime64[ns]")
    assert found[0] == NOON


@given(
    st.lists(
        st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)), min_size=1, max_size=20
    )
)  # fmt: skip
def test_local_times_are_what_the_zone_says(moments: list[datetime]) -> None:
    column = np.array(moments, dtype="datetime64[us]")
    # a column does not know which of two equal clock times is meant: the first
    expected = [m.replace(tzinfo=ZoneInfo(NEW_YORK), fold=0).astimezone(UTC) for m in moments]
    found = utc_times("time", column, len(moments), NEW_YORK)
    naive = [m.replace(tzinfo=None) for m in expected]
    assert found.tolist() == np.array(naive, dtype="datetime64[ns]").tolist()


def test_what_is_missing_or_out_of_range_is_no_time() -> None:
    texts = ["", None, float("nan"), pd.NaT, pd.NA, "1500-01-01T00:00Z", "2024-07-01T16:00Z"]
    found = utc_times("time", np.array(texts, dtype=object), len(texts))
    assert np.isnat(found).tolist() == [True] * 6 + [False]
    far = np.array(["9999-01-01", "NaT", "1600-01-01"], "M8[us]")  # would wrap round in ns
    assert np.isnat(utc_times("time", far, 3, NEW_YORK)).all()
    assert len(utc_times("time", [], 0)) == 0


def test_the_column_is_its_own() -> None:
    column = np.array(["2024-07-01T16:00"], "M8[ns]")
    found = utc_times("time", column, 1, "UTC")
    column[0] = np.datetime64("NaT")
    assert found[0] == NOON


BAD = [
    (np.array(["2024-07-01"], "M8[D]"), None, "time: has no zone.*Hint: zone='UTC'"),
    (["2024-07-01 12:00"], None, "time: row 0, '2024-07-01 12:00', has no zone"),
    (["noon"], "UTC", "time: row 0, 'noon', is no time"),
    ([3], "UTC", "time: is int64, not times"),
    (["2024-07-01T16:00Z"] * 2, None, r"time: has shape \(2,\)"),
    (["2024-07-01T16:00Z"], "Mars/Olympus", "there is no 'Mars/Olympus'"),
    (["2024-07-01T16:00Z"], "../etc", "zone: there is no"),
    (["2024-07-01T16:00Z"], 5, "zone: there is no 5"),
]


@pytest.mark.parametrize(("values", "zone", "message"), BAD)
def test_bad_times_are_refused(values: Any, zone: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        utc_times("time", values, 1, zone)
