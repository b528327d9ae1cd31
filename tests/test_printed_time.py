"""Printed times of CBOE files: every dialect seen, and what happens with the others."""

from __future__ import annotations

from datetime import datetime

import pytest
from cboe_samples import parse, refusal, sheet
from gexcore.errors import InputError
from gexcore.io.printed_time import parse_printed_time
from hypothesis import given
from hypothesis import strategies as st

DIALECTS = [
    ("Date: January 9, 2024 at 10:52 AM EST", "2024-01-09T15:52"),
    ("Date: February 8 2022, 8:09 PM EST", "2022-02-09T01:09"),
    ("Date: June 14, 2022, 8:47 PM EDT", "2022-06-15T00:47"),
    ("Date: 23 de marzo de 2022, 10:11 GMT-4", "2022-03-23T14:11"),
    ("Fecha: 23 de marzo de 2022, 10:11 GMT-4", "2022-03-23T14:11"),
    ("January 9, 2024 at 10:52 AM EST", "2024-01-09T15:52"),
    ("23 de marzo de 2022, 10:11 GMT-4", "2022-03-23T14:11"),
    ("FECHA: 23 mar. 2022, 10:11 p. m. GMT-4", "2022-03-24T02:11"),
    ("Date: 5 de setiembre de 2023, 2:56 p.\u00a0m. EDT", "2023-09-05T18:56"),
    ("Date: Sept. 5, 2023 at 2:56\u202fp.m. EDT", "2023-09-05T18:56"),
    ("Date: Jan 9 2024, 12:05 a.m. ET", "2024-01-09T05:05"),
    ("Date: July 9, 2024 at 12:05 PM ET", "2024-07-09T16:05"),
    ("Date: dic 10, 2024 16:00:30 CST", "2024-12-10T22:00:30"),
    ("Date: July 9, 2024 at 9:30 AM CDT", "2024-07-09T14:30"),
    ("Date: July 9, 2024 at 9:30 AM MDT", "2024-07-09T15:30"),
    ("Date: January 9, 2024 at 9:30 AM MST", "2024-01-09T16:30"),
    ("Date: January 9, 2024 at 9:30 AM PST", "2024-01-09T17:30"),
    ("Date: July 9, 2024 at 9:30 AM PDT", "2024-07-09T16:30"),
    ("Date: 9 de julio de 2024 a las 16:30 UTC", "2024-07-09T16:30"),
    ("Date: 9 July 2024, 16:30 GMT", "2024-07-09T16:30"),
    ("Date: 9 July 2024, 16:30 UTC+1", "2024-07-09T15:30"),
    ("Date: 9 July 2024, 16:30 GMT+05:30", "2024-07-09T11:00"),
    ("Date: 2024-07-09 16:30 EDT", "2024-07-09T20:30"),
]


@pytest.mark.parametrize(("text", "utc"), DIALECTS)
def test_printed_times(text: str, utc: str) -> None:
    moment = parse_printed_time(text)
    offset = moment.utcoffset()
    assert offset is not None
    expected = datetime.fromisoformat(utc)
    assert (moment - offset).replace(tzinfo=None) == expected
    for cells in (f'"{text}",Bid: 1,Ask: 2', f"{text},Bid: 1,Ask: 2", text):
        as_of = parse(sheet(date=cells))["as_of"]
        assert as_of.rule == "printed"
        assert as_of.time.timestamp() == moment.timestamp()
        assert str(as_of.time.tzinfo) == "America/New_York"


@pytest.mark.parametrize("number", range(1, 13))
def test_every_month_in_both_languages(number: int) -> None:
    english = (
        "January February March April May June July August September October November December"
    )
    spanish = (
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
    )
    for word in (english.split()[number - 1], spanish.split()[number - 1]):
        for name in (word, word.upper(), word[:3]):
            assert parse_printed_time(f"{name} 9, 2024 at 1:00 PM UTC").month == number
            assert parse_printed_time(f"9 de {name} de 2024, 13:00 UTC").month == number


UNREADABLE = [
    "Date: January 9, 2024 at 10:52 AM XYZ",
    "Date: January 9, 2024 at 10:52 AM",
    "Date: 9 janvier 2024, 10:52 EST",
    "Date: February 30, 2022, 8:09 PM EST",
    "Date: January 9, 2024 at 25:52 EST",
    "Date: January 9, 2024 at 13:52 PM EST",
    "Date: January 9, 2024 at 10:72 AM EST",
    "Date: 01/09/2024 10:52 AM EST",
    "Date: January 9, 2024",
    "Date: January 9, 1024 at 10:52 AM EST",
    "Date: January 9, 2024 at 10:52 AM UTC+99",
    "Date: ",
]


@pytest.mark.parametrize("text", UNREADABLE)
def test_unreadable_times_name_the_line_and_the_way_out(text: str) -> None:
    data = sheet(date=f'"{text}",Bid: 1')
    message = refusal(data)
    assert "<bytes>, line 3: the time" in message
    assert "as_of=" in message
    assert "--as-of" in message
    for policy in ("printed", "session"):
        assert refusal(data, policy) == message
    given = parse(data, "2024-03-12T10:52-04:00")["as_of"]
    assert (given.rule, given.printed) == ("given", None)
    assert given.time.isoformat() == "2024-03-12T10:52:00-04:00"


def test_missing_time_line_and_bad_policy() -> None:
    data = sheet(date="Bid: 1,Ask: 2")
    assert "no printed time" in refusal(data)
    assert parse(data, "2024-03-12T14:52Z")["as_of"].rule == "given"
    for source in (data, sheet()):
        with pytest.raises(InputError, match="not an ISO time"):
            parse(source, "yesterday")


def test_as_of_policies_reach_the_clock() -> None:
    sunday = sheet(date='"Date: March 10, 2024 at 10:52 AM EDT"')
    assert parse(sunday)["as_of"].time.isoformat() == "2024-03-08T16:00:00-05:00"
    assert parse(sunday, "printed")["as_of"].time.isoformat() == "2024-03-10T10:52:00-04:00"
    assert parse(sheet(), "session")["as_of"].time.isoformat() == "2024-03-11T16:00:00-04:00"


@given(st.sampled_from(DIALECTS), st.text(max_size=4), st.floats(0, 1), st.integers(0, 4))
def test_fuzz_printed_times(dialect: tuple[str, str], insert: str, place: float, cut: int) -> None:
    text = dialect[0]
    at = int(place * len(text))
    changed = text[:at] + insert + text[at + cut :]
    try:
        moment = parse_printed_time(changed)
    except ValueError as error:
        assert str(error)
    else:
        assert moment.utcoffset() is not None
        assert 1970 <= moment.year <= 2099
