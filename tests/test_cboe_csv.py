"""CBOE quotedata CSV: its wrappings, columns, cells and rows."""

from __future__ import annotations

import gzip
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from cboe_samples import HEADER, document, line, option, parse, refusal, sheet


def test_csv_rows_are_calls_then_puts() -> None:
    found = parse(sheet())
    assert found["spot"] == 100.25
    assert found["strike"].tolist() == [95.0, 100.0, 102.5] * 2
    assert found["is_call"].tolist() == [True] * 3 + [False] * 3
    assert found["root"].tolist() == ["XYZ", "XYZ", "XYZW"] * 2
    assert found["expiry"].tolist() == [datetime(2024, 3, 15).date()] * 6
    for name, call, put in [
        ("implied_vol", 0.21, 0.23), ("open_interest", 40, 60), ("bid", 1.4, 2.4),
        ("ask", 1.6, 2.6), ("volume", 7, 9),
    ]:  # fmt: skip
        assert found[name].tolist() == [call] * 3 + [put] * 3
    for name, call, put in [
        ("vendor_delta", 0.55, -0.45), ("vendor_gamma", 0.031, 0.029), ("last", 1.5, 2.5),
    ]:  # fmt: skip
        assert found["columns"][name].tolist() == [call] * 3 + [put] * 3
    assert (found["underlying"], found["multiplier"]) == ("XYZ", 100.0)
    assert not any(mask.any() for mask in found["flags"].values())
    assert found["source"]["vendor"] == "CBOE quotedata CSV"
    assert found["source"]["multiplier"] == "100, CBOE standard contract"
    assert found["source"]["printed_time"] == "Date: March 12, 2024 at 10:52 AM EDT"


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.lstrip(b"\n"),
        lambda data: b"Quote Table,,\n\n" + data,
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.replace(b"\n", b"\r"),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.decode().encode("utf-16"),
        lambda data: b"\xfe\xff" + data.decode().encode("utf-16-be"),
        gzip.compress,
        lambda data: data.rstrip(),
        lambda data: data + b"\n\n , ,\n",
        lambda data: data.replace(b",60\n", b",60,,\n"),
        lambda data: data.replace(b",0.21,", b', "0.21" ,'),
    ],
    ids=[
        "no-top",
        "junk",
        "crlf",
        "cr",
        "bom",
        "utf16",
        "utf16be",
        "gzip",
        "cut",
        "blank",
        "tail",
        "quoted",
    ],
)
def test_csv_wrappings_change_nothing(change: Any) -> None:
    plain, wrapped = parse(sheet()), parse(change(sheet()))
    for name in ("strike", "implied_vol", "open_interest", "is_call"):
        assert wrapped[name].tolist() == plain[name].tolist()
    assert (wrapped["spot"], wrapped["as_of"]) == (plain["spot"], plain["as_of"])
    assert not any(mask.any() for mask in wrapped["flags"].values())


@pytest.mark.parametrize(
    ("text", "spot"),
    [
        ("XYZ,Last: 4500.53,Change: 1", 4500.53),
        ('XYZ,"Last: 4,500.53","Change: 1,000.5"', 4500.53),
        ("XYZ,Last: 4,500.53,Change: 1", 4500.53),
        ("XYZ,Last: 1,234,567,Change: 1", 1234567.0),
        ("XYZ, Last : $100 ", 100.0),
        ("XYZ,Último: 100.5,Cambio: 1", 100.5),
    ],
)
def test_csv_spot(text: str, spot: float) -> None:
    assert parse(sheet(name=text))["spot"] == spot


@pytest.mark.parametrize("spot", ["0", "-4", "n/a", "", "4.500,53", "1,50", "nan", "inf", "1_0"])
def test_csv_bad_spot(spot: str) -> None:
    message = refusal(sheet(name=f"XYZ,Last: {spot},Change: 1"))
    assert "line 2" in message
    assert "spot price" in message


def test_csv_without_spot_line() -> None:
    assert "no spot price" in refusal(sheet(name="XYZ WIDGET INDEX"))


def test_both_symbols_of_a_line_stand_alone() -> None:
    # the put of another root and expiry than the call beside it
    found = parse(sheet(line(100, put="XYZW240419P00100000")))
    assert found["root"].tolist() == ["XYZ", "XYZW"]
    assert [str(day) for day in found["expiry"]] == ["2024-03-15", "2024-04-19"]
    assert not found["flags"]["bad_row"].any()


def test_columns_are_found_by_name() -> None:
    side = "Open Interest,IV,Ask,Bid"
    header = f"Puts,{side},Strike,Calls,{side}"
    row = "XYZ240315P00100000,60,0.23,2.6,2.4,100.00,XYZ240315C00100000,40,0.21,1.6,1.4"
    found = parse(sheet(row, header=header))
    assert found["is_call"].tolist() == [True, False]
    assert found["open_interest"].tolist() == [40, 60]
    assert found["bid"].tolist() == [1.4, 2.4]
    assert np.isnan(found["volume"]).all()
    assert all(np.isnan(values).all() for values in found["columns"].values())


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        (HEADER.replace(",Strike", ""), "missing column: Strike"),
        (HEADER.replace("Puts", "Put"), "missing column: Puts"),
        (HEADER.replace("IV", "Vol"), "missing columns: IV (calls), IV (puts)".lower()),
        (HEADER[: HEADER.rindex(",")], "missing column: open interest (puts)"),
        (HEADER.replace("Calls", "").replace("Strike", ""), "missing columns: Calls, Strike"),
    ],
)
def test_missing_columns_are_named(header: str, missing: str) -> None:
    message = refusal(sheet(header=header))
    assert missing.lower() in message.lower()
    assert "line 4" in message


def test_short_rows_are_kept_and_counted() -> None:
    full = line(100)
    for cut in range(len("Fri Mar 15 2024,X"), len(full) - 2):
        text = full[:cut]
        if text.count(",") == full.count(","):
            continue
        found = parse(sheet(line(95), text))
        assert found["flags"]["bad_row"].tolist() == [False, True, False, True]
        assert np.isnan(found["strike"]).tolist() == [False, True, False, True]


def test_a_row_with_extra_cells_is_shifted_and_bad() -> None:
    found = parse(sheet(line(95), line(100).replace(",7,0.21", ",7,000,0.21")))
    assert found["flags"]["bad_row"].tolist() == [False, True, False, True]


def test_junk_cells_become_nan_and_thousands_are_read() -> None:
    row = line(100).replace(",7,0.21,", ',"71,039",n/a,').replace(",2.4,2.6,9,", ",,NaN,1_0,")
    found = parse(sheet(line(95), row))
    assert found["volume"].tolist()[:2] == [7.0, 71039.0]
    for name, at in (("implied_vol", 1), ("bid", 3), ("ask", 3), ("volume", 3)):
        assert np.flatnonzero(np.isnan(found[name])).tolist() == [at]
    assert not found["flags"]["bad_row"].any()
    assert found["strike"].tolist() == [95.0, 100.0, 95.0, 100.0]


@pytest.mark.parametrize("token", ["inf", "1e999", "-Infinity", "0x10", "١٢", "1,2", "--1", "True"])
def test_no_token_but_a_number_is_a_number(token: str) -> None:
    found = parse(sheet(line(95), line(100).replace(",0.21,", f',"{token}",')))
    assert np.isnan(found["implied_vol"]).tolist() == [False, True, False, False]


@pytest.mark.parametrize("symbol", ["XYZ240230C00100000", "hello", " ", "XYZ240315C001000000"])
def test_unreadable_symbols_are_bad_rows(symbol: str) -> None:
    found = parse(sheet(line(95), line(100, call=symbol)))
    assert found["flags"]["bad_row"].tolist() == [False, True, False, False]
    assert np.isnan(found["strike"]).tolist() == [False, True, False, False]
    assert found["open_interest"].tolist() == [40, 40, 60, 60]


def test_strike_that_disagrees_with_its_symbol_is_bad() -> None:
    wrong = line(100, put="XYZ240315P00101000")
    fine = line(12.625, root="XYZW").replace(",12.62,", ",12.63,")
    found = parse(sheet(line(95), wrong, fine))
    assert found["flags"]["bad_row"].tolist() == [False, False, False, False, True, False]
    assert np.isnan(found["strike"]).tolist() == [False, False, False, False, True, False]


def test_duplicates_are_flagged_once_and_never_by_a_bad_row() -> None:
    wrong = line(100, put="XYZ240315P00101000")
    found = parse(sheet(wrong, line(101), line(101)))
    assert found["flags"]["duplicate"].tolist() == [False, False, True, False, False, True]


def test_adjusted_contracts() -> None:
    found = parse(sheet(line(100), line(95), line(95, root="XYZ1"), line(95, root="ABC7")))
    assert found["flags"]["adjusted_contract"].tolist() == [False, False, True, False] * 2
    # in a JSON the underlying counts as a root, even without rows of its own
    only = parse(document(option("XYZ2240315C00100000"), option("2XYZ240315C00100000")))
    assert only["flags"]["adjusted_contract"].tolist() == [True, False]


@pytest.mark.parametrize(
    ("roots", "underlying"),
    [
        (["SPX", "SPXW", "SPXW"], "SPX"),
        (["SPXW"], "SPXW"),
        (["XYZ1", "XYZ", "XYZW"], "XYZ"),
    ],
)
def test_underlying_of_a_csv(roots: list[str], underlying: str) -> None:
    rows = [line(90 + n, root=root) for n, root in enumerate(roots)]
    assert parse(sheet(*rows))["underlying"] == underlying


@pytest.mark.parametrize(
    ("roots", "named"), [(["AB", "XYZ", "XYZW"], "'XYZ' and 'AB'"), (["B", "A"], "'A' and 'B'")]
)
def test_two_underlyings_are_refused(roots: list[str], named: str) -> None:
    rows = [line(90 + n, root=root) for n, root in enumerate(roots)]
    assert f"two underlyings in one file: {named}" in refusal(sheet(*rows))
