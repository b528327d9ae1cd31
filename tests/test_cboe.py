"""CBOE files: real ones against their catalogue, the JSON, paths and streams."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cboe_samples import document, option, parse, refusal, sheet
from gexcore.errors import InputError
from gexcore.io import read_cboe

pytestmark = pytest.mark.usefixtures("decoder")

# ---- real files: counts, spots and moments from the catalogue of the shared folder

CATALOGUE = [
    ("cboe_spx_2024-01-07.csv", 4697.24, 21038, 55, "SPX", "2024-01-05T16:00:00-05:00"),
    ("cboe_spx_2023-09-14.csv", 4505.10, 19920, 53, "SPX", "2023-09-14T16:31:00-04:00"),
    ("cboe_spy_2023-09-14.csv", 450.81, 7292, 31, "SPY", "2023-09-14T16:31:00-04:00"),
    ("cboe_xsp_2023-09-14.csv", 450.51, 10882, 51, "XSP", "2023-09-14T16:30:00-04:00"),
    ("cboe_spx_2023-09-04.csv", 4515.77, 19158, 52, "SPX", "2023-09-04T14:56:00-04:00"),
    ("cboe_spx_2023-02-07.csv", 4164.00, 18962, 50, "SPX", "2023-02-07T17:34:00-05:00"),
    ("cboe_spx_2022-06-11.csv", 3900.86, 19670, 44, "SPX", "2022-06-10T16:00:00-04:00"),
    ("cboe_spx_2022-02-05.csv", 4500.53, 20514, 40, "SPX", "2022-02-04T16:00:00-05:00"),
    ("cboe_rut_2023-09-21.json.gz", 1806.12, 6680, 26, "RUT", "2023-09-20T23:17:42-04:00"),
]


@pytest.mark.parametrize(("file", "spot", "rows", "expirations", "underlying", "when"), CATALOGUE)
def test_real_files(
    test_data: Path, file: str, spot: float, rows: int, expirations: int, underlying: str, when: str
) -> None:
    found = parse(test_data / "data" / file)
    assert round(found["spot"], 2) == spot
    assert found["strike"].shape == (rows,)
    assert np.unique(found["expiry"]).size == expirations
    assert found["underlying"] == underlying
    assert found["as_of"].time.isoformat() == when
    assert int(found["is_call"].sum()) * 2 == rows
    assert set(found["root"]) <= {underlying, underlying + "W"}
    assert not any(mask.any() for mask in found["flags"].values())


def test_real_file_in_numbers_counted_otherwise(test_data: Path) -> None:
    """Open interest, vol and strikes of one file, against a reading of the text by column."""
    path = test_data / "data" / "cboe_spx_2024-01-07.csv"
    found = parse(str(path))
    records = [text.split(",") for text in path.read_text().splitlines()[4:]]
    both = [float(r[10]) for r in records] + [float(r[21]) for r in records]
    assert found["open_interest"].tolist() == both
    assert found["strike"].tolist() == [float(r[11]) for r in records] * 2
    vols = [float(r[7]) for r in records] + [float(r[18]) for r in records]
    assert found["implied_vol"].tolist() == vols
    assert found["columns"]["vendor_gamma"].tolist()[-1] == float(records[-1][20])
    expired = found["expiry"] == np.datetime64("2024-01-05")
    # the catalogue: expired rows hold 71% of the open interest on rows without vol
    no_vol = found["implied_vol"] == 0
    share = found["open_interest"][expired & no_vol].sum() / found["open_interest"][no_vol].sum()
    assert round(share, 2) == 0.71


def test_real_keys_under_two_roots(test_data: Path) -> None:
    found = parse(test_data / "data" / "cboe_spx_2023-09-14.csv")
    keys: dict[tuple[object, ...], set[str]] = {}
    columns = (found[name].tolist() for name in ("expiry", "strike", "is_call", "root"))
    for expiry, strike, is_call, root in zip(*columns, strict=True):
        keys.setdefault((expiry, strike, is_call), set()).add(root)
    assert sum(len(roots) == 2 for roots in keys.values()) == 3454


def test_real_json_expired_rows(test_data: Path) -> None:
    found = parse(test_data / "data" / "cboe_rut_2023-09-21.json.gz")
    assert int((found["expiry"] <= np.datetime64("2023-09-20")).sum()) == 338


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("yfinance_spy_2026-02-11.csv.gz", "yfinance"),
        ("deribit_eth_2021-02-11.csv", "Deribit"),
        ("lean_goog_2015-12-24.csv", "LEAN"),
        ("desk_spx_2026-07-12.json.gz", "keys found: 'symbol, updated"),
        ("minute_goog_2015-12-24_trades.zip", "zip archive"),
    ],
)
def test_real_files_of_others(test_data: Path, file: str, words: str) -> None:
    message = refusal(test_data / "data" / file)
    assert words in message
    assert file in message


# ---- JSON


def test_json_columns_in_file_order() -> None:
    found = parse(document(option(), option("XYZW240315P00097500", iv=0.3, gamma=0.02)))
    assert found["spot"] == 100.25
    assert found["strike"].tolist() == [100.0, 97.5]
    assert found["is_call"].tolist() == [True, False]
    assert found["implied_vol"].tolist() == [0.21, 0.3]
    assert found["columns"]["vendor_gamma"].tolist() == [0.031, 0.02]
    assert found["columns"]["last"].tolist() == [1.5, 1.5]
    # the stamp is UTC, and New York was four hours behind
    assert found["as_of"].time.isoformat() == "2024-03-12T10:52:00-04:00"
    assert found["source"]["vendor"] == "CBOE delayed quotes JSON"
    assert found["underlying"] == "XYZ"


@pytest.mark.parametrize("symbol", ["_RUT", "^RUT", "$RUT", "RUT"])
def test_json_underlying(symbol: str) -> None:
    data = document(option("RUTW240315C00100000")).replace(b"_XYZ", symbol.encode())
    assert parse(data)["underlying"] == "RUT"
    inside = document(option(), symbol=symbol).replace(b'"symbol": "_XYZ", ', b"")
    assert parse(inside)["underlying"] == "RUT"
    assert parse(document(option()).replace(b'"_XYZ"', b"7"))["underlying"] == "XYZ"


def test_json_gaps_are_nan() -> None:
    records = [
        option(),
        option("XYZ240315P00100000", iv=None, bid=float("nan"), ask="1.6", volume=True),
        {"option": "XYZ240315C00105000"},
        option("XYZ240315C00110000", open_interest=10**400, iv=float("inf"), bid=[1], ask={}),
    ]
    found = parse(document(*records))
    for name in ("implied_vol", "bid", "ask"):
        assert np.isnan(found[name]).tolist() == [False, True, True, True]
    assert np.isnan(found["volume"]).tolist() == [False, True, True, False]
    assert np.isnan(found["open_interest"]).tolist() == [False, False, True, True]
    assert not found["flags"]["bad_row"].any()


def test_json_bad_records_are_kept_and_counted() -> None:
    records = [
        option(),
        None,
        7,
        [],
        "XYZ240315C00100000",
        {},
        option(None),
        option("junk"),
        option(),
    ]
    found = parse(document(*records))
    assert found["flags"]["bad_row"].tolist() == [False] + [True] * 7 + [False]
    assert np.isnan(found["strike"]).tolist() == [False] + [True] * 7 + [False]
    assert found["flags"]["duplicate"].tolist() == [False] * 8 + [True]


def test_json_spot() -> None:
    assert parse(document(option(), current_price=None))["spot"] == 99.0
    assert parse(document(option(), current_price=float("nan")))["spot"] == 99.0
    for bad in (0, -1.5, "100", True, [], float("inf")):
        message = refusal(document(option(), current_price=bad))
        assert "data.current_price" in message
    assert "no spot price" in refusal(document(option(), current_price=None, close=None))


@pytest.mark.parametrize(
    ("stamp", "when"),
    [
        ('"2024-03-12T14:52:00Z"', "2024-03-12T10:52:00-04:00"),
        ('"2024-03-12T10:52:00-04:00"', "2024-03-12T10:52:00-04:00"),
        ('"2024-03-12 03:17:42"', "2024-03-11T23:17:42-04:00"),
    ],
)
def test_json_timestamp(stamp: str, when: str) -> None:
    data = document(option()).replace(b'"2024-03-12 14:52:00"', stamp.encode())
    assert parse(data)["as_of"].time.isoformat() == when


@pytest.mark.parametrize("stamp", ["null", "5", '"noon"', '""', '"0001-01-01 00:00:00"', "[]"])
def test_json_bad_timestamp(stamp: str) -> None:
    data = document(option()).replace(b'"2024-03-12 14:52:00"', stamp.encode())
    message = refusal(data)
    assert "time" in message
    assert "as_of=" in message
    assert parse(data, "2024-03-12T14:52Z")["as_of"].rule == "given"


@pytest.mark.parametrize(
    "wrap", [gzip.compress, lambda d: b"\xef\xbb\xbf \r\n" + d], ids=["gzip", "bom"]
)
def test_json_wrappings(wrap: Any) -> None:
    assert parse(wrap(document(option())))["strike"].tolist() == [100.0]


# ---- paths and streams


def test_paths_and_streams(tmp_path: Path) -> None:
    path = tmp_path / "chain.csv"
    path.write_bytes(sheet())
    expected = parse(sheet())["open_interest"].tolist()
    with path.open("rb") as stream:
        for source in (path, str(path), stream, io.BytesIO(sheet()), memoryview(sheet())):
            assert parse(source)["open_interest"].tolist() == expected
    assert parse(path)["source"]["file"] == "chain.csv"
    path.write_bytes(sheet(header="nothing"))
    assert refusal(path).startswith(f"{path}, line 2: ")


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    gone = tmp_path / "gone.json"
    assert refusal(gone).startswith(f"{gone}: cannot be read (No such file")
    assert "directory" in refusal(tmp_path)
    assert "cannot be read" in refusal("x" * 5000)
    assert "cannot be read" in refusal("a\0b")
    assert "cannot be read" in refusal("{}\n{}")


def test_a_path_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    path = tmp_path / "secret.csv"
    assert refusal(path).startswith(f"{path}: cannot be read (Permission denied)")


def test_sources_of_the_wrong_type(tmp_path: Path) -> None:
    path = tmp_path / "chain.csv"
    path.write_bytes(b"\xff\xff" + sheet())
    with path.open(encoding="utf-8") as text_stream:
        for source in (5, None, ["chain.csv"], io.StringIO("x"), text_stream):
            with pytest.raises(InputError):
                parse(source)


def test_read_cboe_builds_a_chain() -> None:
    chain = read_cboe(sheet(), rate=0.05, dividend_yield=0.01)
    assert chain.spot == 100.25
    assert chain.strike.tolist() == [95.0, 100.0, 102.5] * 2
    assert chain.open_interest.tolist() == [40.0] * 3 + [60.0] * 3
    # Tuesday 10:52 to Friday 16:00 is three days, five hours and eight minutes
    years = (3 * 86400 + 5 * 3600 + 8 * 60) / (365 * 86400)
    assert np.allclose(chain.time_to_expiry, years, rtol=1e-14)
