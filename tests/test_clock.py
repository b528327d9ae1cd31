"""Time: sessions against the published NYSE calendars, settlement against hand-made UTC seconds."""

from __future__ import annotations

import zoneinfo
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from gexcore import clock, sessions
from gexcore.errors import ConventionError, InputError
from hypothesis import given
from hypothesis import strategies as st

# holidays as the exchange published them, year by year
NYSE_HOLIDAYS = {
    2021: "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24",
    2022: "01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26",
    2023: "01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25",
    2024: "01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25",
    2025: "01-01 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25",
    2026: "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25",
}


@pytest.mark.parametrize("year", NYSE_HOLIDAYS)
def test_sessions_are_the_published_ones(year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    closed = [f"{day:%m-%d}" for day in days if day.weekday() < 5 and not clock.is_session(day)]
    assert closed == NYSE_HOLIDAYS[year].split()
    assert not any(clock.is_session(day) for day in days if day.weekday() >= 5)


def test_a_datetime_is_judged_by_its_date() -> None:
    assert not clock.is_session(datetime(2024, 7, 4, 12))
    assert clock.is_session(datetime(2024, 7, 5, 12))


def test_saturday_new_year_is_dropped() -> None:
    # 1 January 2022 was a Saturday and the exchange traded on Friday, 31 December
    assert clock.is_session(date(2021, 12, 31))


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-01-05T16:00-05:00", "2024-01-05T21:00:00"),
        ("2024-01-05T21:00Z", "2024-01-05T21:00:00"),
        ("2024-01-05T21:00:30z", "2024-01-05T21:00:30"),
        (" 2024-01-05 21:00:00+00:00 ", "2024-01-05T21:00:00"),
        ("2024-07-05T16:00:00-04:00", "2024-07-05T20:00:00"),
    ],
)
def test_parse_time_reads_iso_text(text: str, utc: str) -> None:
    moment = clock.parse_time(text)
    assert moment.utcoffset() is not None
    assert (moment - moment.utcoffset()).replace(tzinfo=None).isoformat() == utc


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("2024-01-05T16:00", "no zone"),
        ("2024-01-05", "no zone"),
        (datetime(2024, 1, 5, 16), "no zone"),
        (pd.NaT, "no zone"),
        ("last friday", "not an ISO time"),
        ("", "not an ISO time"),
        ("2024-13-05T16:00Z", "not an ISO time"),
        (np.datetime64("2024-01-05T16:00"), "datetime64"),
        (1704488400, "int"),
        (None, "NoneType"),
        ("0001-01-01T00:00+14:00", "out of range"),
        ("9999-12-31T23:00-12:00", "out of range"),
    ],
)
def test_parse_time_refuses(value: object, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        clock.parse_time(value)  # type: ignore[arg-type]
    assert "2024-01-05T16:00-05:00" in str(caught.value)


def test_a_pandas_timestamp_with_zone_is_a_time() -> None:
    moment = clock.parse_time(pd.Timestamp("2024-01-05 21:00", tz="UTC"))
    assert moment.isoformat() == "2024-01-05T21:00:00+00:00"


@pytest.mark.parametrize(
    ("printed", "policy", "expected", "rule"),
    [
        # plain days: the printed time, in New York
        ("2023-09-14T20:31Z", "auto", "2023-09-14T16:31:00-04:00", "printed"),
        ("2023-09-21T03:17:42Z", "auto", "2023-09-20T23:17:42-04:00", "printed"),
        # Saturday and Sunday belong to Friday's close, until the options trade again
        ("2022-02-05T20:09-05:00", "auto", "2022-02-04T16:00:00-05:00", "last session 16:00"),
        ("2024-01-07T10:52-05:00", "auto", "2024-01-05T16:00:00-05:00", "last session 16:00"),
        ("2024-01-07T20:14:59-05:00", "auto", "2024-01-05T16:00:00-05:00", "last session 16:00"),
        ("2024-01-07T20:15-05:00", "auto", "2024-01-07T20:15:00-05:00", "printed"),
        ("2024-01-08T03:00Z", "auto", "2024-01-07T22:00:00-05:00", "printed"),
        # Saturday 23:30 New York is already Sunday in UTC, and Sunday 23:00 is Monday
        ("2024-01-07T04:30Z", "auto", "2024-01-05T16:00:00-05:00", "last session 16:00"),
        # Labor Day: the printed time, because index options trade
        ("2023-09-04T14:56-04:00", "auto", "2023-09-04T14:56:00-04:00", "printed"),
        ("2023-09-03T14:56-04:00", "auto", "2023-09-01T16:00:00-04:00", "last session 16:00"),
        # Good Friday 2024: the last session is Thursday
        ("2024-03-30T12:00-04:00", "auto", "2024-03-28T16:00:00-04:00", "last session 16:00"),
        ("2024-03-29T12:00-04:00", "auto", "2024-03-29T12:00:00-04:00", "printed"),
        ("2024-03-29T12:00-04:00", "session", "2024-03-28T16:00:00-04:00", "last session 16:00"),
        ("2024-01-07T10:52-05:00", "printed", "2024-01-07T10:52:00-05:00", "printed"),
        ("2023-09-04T14:56-04:00", "session", "2023-09-01T16:00:00-04:00", "last session 16:00"),
        ("2024-01-10T15:59-05:00", "session", "2024-01-09T16:00:00-05:00", "last session 16:00"),
        ("2024-01-10T16:00-05:00", "session", "2024-01-10T16:00:00-05:00", "last session 16:00"),
        # across the change of clocks the close stays at 16:00 New York
        ("2024-03-10T12:00-04:00", "auto", "2024-03-08T16:00:00-05:00", "last session 16:00"),
        ("2024-01-07T10:52-05:00", "2024-01-05T21:00Z", "2024-01-05T16:00:00-05:00", "given"),
        (None, "2024-07-05T20:00Z", "2024-07-05T16:00:00-04:00", "given"),
    ],
)
def test_resolve_as_of(printed: str | None, policy: str, expected: str, rule: str) -> None:
    seen = None if printed is None else clock.parse_time(printed)
    result = clock.resolve_as_of(seen, policy)
    assert (result.time.isoformat(), result.rule) == (expected, rule)
    assert result.printed == seen
    assert result.time.tzinfo is clock.NEW_YORK


def test_resolve_as_of_takes_a_datetime_or_an_earlier_result() -> None:
    moment = clock.parse_time("2024-01-05T21:00Z")
    given = clock.resolve_as_of(None, moment)
    assert (given.time.isoformat(), given.rule) == ("2024-01-05T16:00:00-05:00", "given")
    assert clock.resolve_as_of(None, given) is given


@pytest.mark.parametrize("policy", ["auto", "printed", "session"])
def test_a_policy_that_needs_a_printed_time_says_so(policy: str) -> None:
    with pytest.raises(InputError, match=rf"as_of='{policy}'.*Hint: pass as_of="):
        clock.resolve_as_of(None, policy)


def test_an_unknown_policy_or_a_naive_time_is_refused() -> None:
    printed = clock.parse_time("2024-01-05T21:00Z")
    for policy in ("yesterday", "2024-01-05", datetime(2024, 1, 5)):
        with pytest.raises(InputError):
            clock.resolve_as_of(printed, policy)
    with pytest.raises(InputError, match="no zone"):
        clock.resolve_as_of(datetime(2024, 1, 5))
    naive = clock.AsOf(datetime(2024, 1, 5), "given", None)
    with pytest.raises(InputError, match="no zone"):
        clock.resolve_as_of(None, naive)


def test_missing_zone_database_has_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(key: str) -> None:
        raise zoneinfo.ZoneInfoNotFoundError(key)

    clock._new_york.cache_clear()
    clock._utc_seconds.cache_clear()
    monkeypatch.setattr(zoneinfo, "ZoneInfo", missing)
    with pytest.raises(InputError, match="pip install tzdata"):
        clock.settlement_times(clock.as_expiry_dates(["2024-01-19"]))
    monkeypatch.undo()
    assert str(clock.NEW_YORK) == "America/New_York"


def test_no_other_attribute_exists() -> None:
    with pytest.raises(AttributeError, match="LONDON"):
        clock.LONDON  # noqa: B018


def test_settlement_hour_belongs_to_the_root() -> None:
    # 2024-01-19 00:00 UTC is 1705622400; 09:30 New York is 14:30 UTC, 16:00 is 21:00 UTC
    roots = np.array(["SPX", "SPXW", "NDX", "NDXP", "RUT", "RUTW", "XSP", "SPY", "SPX1", ""])
    expiry = clock.as_expiry_dates(["2024-01-19"] * roots.size)
    morning, close = 1705674600, 1705698000
    expected = [morning, close, morning, close, morning, close, close, close, close, close]
    assert clock.settlement_times(expiry, roots).astype(np.int64).tolist() == expected
    assert clock.settlement_times(expiry, roots.astype(object)).astype(int).tolist() == expected


@pytest.mark.parametrize(
    ("expiry", "root", "utc"),
    [
        ("2024-03-08", "SPXW", "2024-03-08T21:00:00"),  # last session in winter time
        ("2024-03-11", "SPXW", "2024-03-11T20:00:00"),  # first in summer time
        ("2024-03-15", "SPX", "2024-03-15T13:30:00"),
        ("2024-11-01", "SPY", "2024-11-01T20:00:00"),
        ("2024-11-04", None, "2024-11-04T21:00:00"),
        ("2024-11-15", "RUT", "2024-11-15T14:30:00"),
        ("2014-01-18", "SPX", "2014-01-18T14:30:00"),  # Saturday dates of old symbols stay
    ],
)
def test_settlement_across_the_change_of_clocks(expiry: str, root: str | None, utc: str) -> None:
    dates = clock.as_expiry_dates([expiry])
    assert clock.settlement_times(dates, root).tolist() == [datetime.fromisoformat(utc)]


def test_settlement_keeps_order_length_and_gaps() -> None:
    dates = clock.as_expiry_dates(["2024-11-04", None, "2024-11-01", "2024-11-04"])
    times = clock.settlement_times(dates, "SPXW")
    assert times.dtype == np.dtype("datetime64[s]")
    assert np.isnat(times).tolist() == [False, True, False, False]
    assert times[0] == times[3] == np.datetime64("2024-11-04T21:00:00")
    assert times[2] == np.datetime64("2024-11-01T20:00:00")
    assert clock.settlement_times(clock.as_expiry_dates([]), "SPX").shape == (0,)
    assert clock.settlement_times(clock.as_expiry_dates([]), np.array([], "U6")).shape == (0,)


def test_settlement_refuses_bad_columns() -> None:
    dates = clock.as_expiry_dates(["2024-01-19", "2024-02-16"])
    with pytest.raises(InputError, match="root has shape"):
        clock.settlement_times(dates, np.array(["SPX"]))
    with pytest.raises(InputError, match="root has type int64"):
        clock.settlement_times(dates, np.array([1, 2]))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="years 2 to 9998"):
        clock.settlement_times(np.array(["12024-01-19"], "datetime64[D]"))
    with pytest.raises(InputError, match="years 2 to 9998"):
        clock.settlement_times(np.array(["0001-01-19"], "datetime64[D]"))
    with pytest.raises(InputError, match="expiry has type float64"):
        clock.settlement_times(np.array([1.0]))  # type: ignore[arg-type]


def test_years_are_elapsed_seconds() -> None:
    spring = clock.parse_time("2024-03-08T16:00-05:00")
    autumn = clock.parse_time("2024-11-01T16:00-04:00")
    monday = clock.as_expiry_dates(["2024-03-11", "2024-03-08", None])
    # three days less one hour, zero, and a gap
    years = clock.years_to_settlement(monday, "SPXW", spring)
    assert years[:2].tolist() == [71 * 3600 / 31536000, 0.0]
    assert np.isnan(years[2])
    # three days and one hour
    later = clock.as_expiry_dates(["2024-11-04"])
    assert clock.years_to_settlement(later, None, autumn)[0] == 73 * 3600 / 31536000


def test_years_of_a_morning_root_and_of_fractions() -> None:
    dates = clock.as_expiry_dates(["2024-01-19"])
    before = clock.parse_time("2024-01-19T09:29:59.500-05:00")
    after = clock.parse_time("2024-01-19T09:30:01-05:00")
    assert clock.years_to_settlement(dates, "SPX", before)[0] == 0.5 / 31536000
    assert clock.years_to_settlement(dates, "SPX", after)[0] == -1 / 31536000
    with pytest.raises(InputError, match="no zone"):
        clock.years_to_settlement(dates, "SPX", datetime(2024, 1, 19))


@pytest.mark.parametrize(
    "values",
    [
        ["2024-03-15", None],
        ["2024-03-15T00:00:00", ""],
        [" 2024-03-15 00:00:00", "NaT"],
        [date(2024, 3, 15), None],
        [datetime(2024, 3, 15, 16), float("nan")],
        [np.datetime64("2024-03-15T09:30", "s"), pd.NaT],
        [pd.Timestamp("2024-03-15"), pd.NA],
        np.array(["2024-03-15", "NaT"], "datetime64[ns]"),
        np.array(["2024-03-15", "NaT"], "datetime64[h]"),
        np.array(["2024-03-15", ""]),
        pd.Series(["2024-03-15", None]),
        pd.Series(pd.to_datetime(["2024-03-15", None])),
        pd.DatetimeIndex(["2024-03-15", "NaT"]),
        pd.Series(pd.to_datetime(["2024-03-15", None])).astype("category"),
    ],
    ids=repr,
)
def test_expiry_dates_from_many_types(values: object) -> None:
    dates = clock.as_expiry_dates(values)
    assert dates.dtype == np.dtype("datetime64[D]")
    assert dates[0] == np.datetime64("2024-03-15")
    assert np.isnat(dates).tolist() == [False, True]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([45366], "int64"),
        ([45366.0], "float64"),
        ([True], "bool"),
        ([1j], "complex"),
        (["2024-03-15", 45366, None, b"x"][1:3], "row 0 is a int"),
        ([None, True], "row 1 is a bool"),
        ([b"2024-03-15"], "not dates"),
        (["today"], "row 0: 'today'"),
        (["2024-03-15", "2024-02-30"], "row 1: '2024-02-30'"),
        (["2024"], "'2024'"),
        (["20240315"], "'20240315'"),
        (["2024-W11-5"], "'2024-W11-5'"),
        (["03/15/2024"], "'03/15/2024'"),
        (["2024-03-15T20:00:00Z"], "not a date"),
        (pd.DatetimeIndex(["2024-03-15"], tz="UTC"), "time with a zone"),
        (np.array(["2024-03"], "datetime64[M]"), "datetime64.M"),
        (np.array([3], "timedelta64[D]"), "timedelta64"),
        (np.ma.array(["2024-03-15"], mask=[True]), "masked"),
        ([["2024-03-15"]], "2 dimensions"),
        ("2024-03-15", "0 dimensions"),
        ([["a"], ["b", "c"]], "not one column"),
        ([None, [1]], "not one column|is a list"),
    ],
)
def test_expiry_dates_refuse_by_name(values: object, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        clock.as_expiry_dates(values)
    assert "expiry" in str(caught.value)


def may_be_half(day: date) -> bool:
    return (day.month, day.day) in ((7, 3), (12, 24)) or (day.month == 11 and day.day >= 23)


@given(
    st.lists(
        st.dates(date(1971, 1, 1), date(2199, 12, 31)).filter(lambda d: not may_be_half(d)),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from(["SPX", "SPXW", None]),
)
def test_settlement_agrees_with_zoneinfo_row_by_row(days: list[date], root: str | None) -> None:
    zone = zoneinfo.ZoneInfo("America/New_York")

    def settlement(d: date) -> float:
        hour, minute = (9, 30) if root == "SPX" else (16, 0)
        return datetime(d.year, d.month, d.day, hour, minute, tzinfo=zone).timestamp()

    times = clock.settlement_times(clock.as_expiry_dates(days), root)
    assert times.astype(np.int64).tolist() == [settlement(d) for d in days]


# As announced by the exchange for these years; 2020-07-03, 2021-12-24 and 2022-12-23 were not.
ANNOUNCED = """
2018-07-03 2018-11-23 2018-12-24 2019-07-03 2019-11-29 2019-12-24 2020-11-27 2020-12-24 2021-11-26
2022-11-25 2023-07-03 2023-11-24 2024-07-03 2024-11-29 2024-12-24 2025-07-03 2025-11-28 2025-12-24
2026-11-27 2026-12-24
"""
HALF_DAYS = {date.fromisoformat(text) for text in ANNOUNCED.split()}


def test_half_days_by_rule_are_those_announced() -> None:
    first, last = date(2018, 1, 1), date(2026, 12, 31)
    days = [first + timedelta(i) for i in range((last - first).days + 1)]
    assert {day for day in days if sessions.is_half_day(day)} == HALF_DAYS


def test_a_half_day_settles_at_one() -> None:
    days = clock.as_expiry_dates(["2024-11-29", "2024-12-24"])
    afternoon = clock.settlement_times(days, "SPXW")
    assert afternoon.astype(str).tolist() == ["2024-11-29T18:00:00", "2024-12-24T18:00:00"]
    morning = clock.settlement_times(days, "SPX")  # the hour of the open does not change
    assert morning.astype(str).tolist() == ["2024-11-29T14:30:00", "2024-12-24T14:30:00"]


@pytest.mark.parametrize(
    "name, days",
    [("calendar/365", 17), ("business/252", 13), ("business/262", 13)],
)
def test_coarse_clocks_count_days(name: str, days: int) -> None:
    as_of = clock.parse_time("2024-01-02T23:30-05:00")  # already the 3rd in UTC
    dates = clock.as_expiry_dates(["2024-01-19", "2024-01-03", "2024-01-02", "NaT"])
    years = clock.years_to_expiry(dates, "SPXW", as_of, name)
    per_year = float(name.split("/")[1])
    # Martin Luther King Day counts: these clocks know weekdays, not holidays
    assert years[0] * per_year == pytest.approx(days)
    assert years[1] * per_year == pytest.approx(1)
    assert years[2] <= 0  # settled at 16:00, whatever the clock counts
    assert np.isnan(years[3])


def test_zero_days_count_as_one_business_day_and_as_no_calendar_day() -> None:
    as_of, today = clock.parse_time("2024-01-03T10:00-05:00"), clock.as_expiry_dates(["2024-01-03"])
    assert clock.years_to_expiry(today, "SPXW", as_of, "business/262") * 262 == pytest.approx(1)
    assert clock.years_to_expiry(today, "SPXW", as_of, "calendar/365") == 0
    with pytest.raises(ConventionError, match="calendar/365"):
        clock.years_to_expiry(today, "SPXW", as_of, "trading")
