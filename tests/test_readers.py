"""Every real chain goes in without a mapping; readers against another reading of the file."""

from __future__ import annotations

import csv
import gzip
import json
import math
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.cli import main
from gexcore.conventions import REASONS
from gexcore.errors import ChainFileError
from gexcore.io.formats import recognise
from gexcore.io.source import Loaded
from vendor_samples import samples

# file, format, rows of contracts, spot and underlying: from the catalogue of the shared folder
CHAINS = [
    ("cboe_rut_2023-09-21.json.gz", "cboe", 6680, 1806.12, "RUT"),
    ("cboe_spx_2022-02-05.csv", "cboe", 20514, 4500.53, "SPX"),
    ("cboe_spx_2022-06-11.csv", "cboe", 19670, 3900.86, "SPX"),
    ("cboe_spx_2023-02-07.csv", "cboe", 18962, 4164.00, "SPX"),
    ("cboe_spx_2023-09-04.csv", "cboe", 19158, 4515.77, "SPX"),
    ("cboe_spx_2023-09-14.csv", "cboe", 19920, 4505.10, "SPX"),
    ("cboe_spx_2024-01-07.csv", "cboe", 21038, 4697.24, "SPX"),
    ("cboe_spy_2023-09-14.csv", "cboe", 7292, 450.81, "SPY"),
    ("cboe_xsp_2023-09-14.csv", "cboe", 10882, 450.51, "XSP"),
    ("deribit_eth_2021-02-11.csv", "deribit", 498, 1792.84, "ETH_USD"),
    ("desk_iwm_2026-07-15.json.gz", "yahoo_cboe", 3510, 294.46, "IWM"),
    ("desk_qqq_2026-07-15.json.gz", "yahoo_cboe", 8495, 720.15, "QQQ"),
    ("desk_spx_2026-07-12.json.gz", "yahoo_cboe", 4160, 7575.39, "SPX"),
    ("desk_spy_2026-07-12.json.gz", "yahoo_cboe", 9720, 754.95, "SPY"),
    ("lean_aapl_2014-06-05.csv", "lean", 2352, 649.56, "AAPL"),
    ("lean_aapl_2014-06-09.csv", "lean", 4360, 92.72, "AAPL"),
    ("lean_goog_2015-12-24.csv", "lean", 2016, 748.40, "GOOG"),
    ("lean_spx_2015-12-23.csv", "lean", 272, None, "SPX"),
    ("yfinance_spy_2026-02-11.csv.gz", "yfinance", 8778, 692.30, "SPY"),
]


def text_of(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")


def test_the_list_has_every_chain(test_data: Path) -> None:
    files = {path.name for path in (test_data / "data").iterdir()}
    known = {name for name, *_ in CHAINS}
    assert {name for name in files - known if not name.startswith("minute_")} == {"CATALOGUE.md"}


@pytest.mark.parametrize(("file", "kind", "rows", "spot", "underlying"), CHAINS)
def test_every_real_chain_goes_in(
    test_data: Path, file: str, kind: str, rows: int, spot: float | None, underlying: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = test_data / "data" / file
    assert recognise(Loaded(text_of(path), file)) == kind
    chain = gex.read_chain(path)
    assert (len(chain), chain.underlying) == (rows, underlying)
    assert spot is None or round(chain.spot, 2) == spot
    coverage = gex.analyze(chain).coverage
    assert coverage.read == rows
    assert coverage.used > 0
    assert main(["levels", str(path)]) == 0
    out = capsys.readouterr().out
    assert f"of {rows:,} contracts" in out


@pytest.mark.parametrize("kind", ["trades", "quotes", "open_interest", "underlying"])
def test_minute_bars_are_no_chain(test_data: Path, kind: str) -> None:
    with pytest.raises(ChainFileError, match="minute bars of trades and quotes, not a chain"):
        gex.read_chain(test_data / "data" / f"minute_goog_2015-12-24_{kind}.zip")


# ---- Deribit

BOOK = "deribit_eth_2021-02-11.csv"


def later_rows(path: Path) -> dict[str, dict[str, str]]:
    rows: dict[str, dict[str, str]] = {}
    for row in csv.DictReader(text_of(path).splitlines()):
        old = rows.get(row["instrument_name"])
        if old is None or int(row["timestamp"]) > int(old["timestamp"]):
            rows[row["instrument_name"]] = row
    return rows


def test_a_coin_book_reproduces_its_own_greeks(test_data: Path) -> None:
    """Vendor greeks hold the forward fixed: ours, at the spot, by the chain rule F = S exp(cT)."""
    chain = gex.read_chain(test_data / "data" / BOOK)
    greeks = gex.compute_greeks(chain, ("delta", "gamma", "vega", "theta"))
    ratio = chain["forward"] / chain.spot
    carry = np.log(ratio) / chain.time_to_expiry
    delta = greeks.delta / ratio
    daily = (greeks.theta + carry * chain["forward"] * delta) / 365
    # the vendor prints what a day takes: no more than the time left, and than the price
    left = np.minimum(365 * chain.time_to_expiry, 1.0)
    found = {
        "delta": delta,
        "gamma": greeks.gamma / ratio**2,
        "vega": greeks.vega / 100,
        "theta": np.maximum(daily * left, -chain["mark"]),
    }
    assert len(chain) == 498
    for name, values in found.items():
        theirs = chain[f"vendor_{name}"]
        # 5 decimals are printed
        bound = np.full(len(chain), 5e-6 + 1e-4 * np.abs(theirs).max())
        if name == "theta":
            # greeks are up to half a minute older or younger than the row
            bound += np.abs(theirs) * 30 / (chain.time_to_expiry * 365 * 86400)
        assert (np.abs(values - theirs) <= bound).all(), name


def test_a_coin_book_row_by_row(test_data: Path) -> None:
    path = test_data / "data" / BOOK
    chain = gex.read_chain(path)
    rows = later_rows(path)
    found = {
        (str(day), strike, call): at
        for at, (day, strike, call) in enumerate(
            zip(chain.expiry.astype(str), chain.strike, chain.is_call, strict=True)
        )
    }
    months = {"FEB": 2, "MAR": 3, "JUN": 6, "SEP": 9, "DEC": 12}
    for name, row in rows.items():
        _, day, strike, kind = name.split("-")
        date = f"20{day[-2:]}-{months[day[-5:-2]]:02d}-{int(day[:-5]):02d}"
        at = found[date, float(strike), kind == "C"]
        settled = np.datetime64(f"{date}T08:00:00", "ms").astype(int)
        years = (settled - int(row["timestamp"])) / 1000 / (365 * 86400)
        forward = float(row["underlying_price"])
        assert math.isclose(chain.time_to_expiry[at], years, rel_tol=1e-10)
        assert math.isclose(chain.implied_vol[at], float(row["mark_iv"]) / 100, rel_tol=1e-12)
        assert chain.open_interest[at] == float(row["open_interest"])
        assert math.isclose(chain["bid"][at], float(row["best_bid_price"]) * forward, abs_tol=1e-9)
        implied = chain.spot * math.exp(-chain.dividend_yield[at] * years)
        assert math.isclose(implied, forward, rel_tol=1e-10)
    assert (chain.multiplier == 1).all()
    source = chain.manifest["source"]
    assert source["superseded"] == "498 rows of an earlier snapshot, left out"
    assert source["vol_unit"] == "percent, divided by 100 (median 80)"


def test_settlement_of_coins_survives_a_change_of_clock(test_data: Path) -> None:
    chain = gex.read_chain(test_data / "data" / BOOK)
    moved = chain.with_conventions(as_of="2021-02-12T07:00Z", clock="settlement")
    first = moved.expiry == np.datetime64("2021-02-12")
    assert np.allclose(moved.time_to_expiry[first] * 365 * 24, 1.0)


# ---- Yahoo


def test_placeholders_of_vols_are_missing_and_counted(test_data: Path) -> None:
    path = test_data / "data" / "yfinance_spy_2026-02-11.csv.gz"
    chain = gex.read_chain(path)
    rows = list(csv.DictReader(text_of(path).splitlines()))
    vols = np.array([float(row["impliedVolatility"]) for row in rows])
    assert int((vols < 2e-5).sum()) == 133  # 1.5% of the rows, as the catalogue has it
    assert np.isnan(chain.implied_vol[vols < 2e-5]).all()
    kept = np.isfinite(chain.implied_vol)
    assert (chain.implied_vol[kept] == vols[kept]).all()
    assert (~kept).sum() == int(chain.manifest["source"]["placeholder_vols"].split()[0]) < 200
    oi = np.array([float(row["openInterest"]) for row in rows])
    assert (chain.open_interest == oi).all()
    assert chain.as_of is not None
    assert chain.as_of.time.isoformat() == "2026-02-11T11:19:32-05:00"


def test_null_open_interest_and_adjusted_strikes(test_data: Path) -> None:
    path = test_data / "data" / "desk_qqq_2026-07-15.json.gz"
    chain = gex.read_chain(path)
    quotes: list[dict[str, Any]] = json.loads(text_of(path))["quotes"]
    missing = [quote["openInterest"] is None for quote in quotes]
    assert np.isnan(chain.open_interest).tolist() == missing
    odd = [round(quote["strike"] * 100) % 5 != 0 for quote in quotes]
    assert 204.78 in {quote["strike"] for quote, off in zip(quotes, odd, strict=True) if off}
    adjusted = gex.analyze(chain).coverage.dropped["adjusted_contract"]
    assert adjusted[0] == sum(odd) == 164


# ---- LEAN


def test_end_of_day_rows(test_data: Path) -> None:
    path = test_data / "data" / "lean_goog_2015-12-24.csv"
    chain = gex.read_chain(path)
    rows = list(csv.reader(text_of(path).splitlines()))[2:]
    assert chain.strike.tolist() == [float(row[1]) for row in rows]
    assert chain["option_type"].tolist() == [row[2] for row in rows]
    wanted = [f"{row[0][:4]}-{row[0][4:6]}-{row[0][6:]}" for row in rows]
    assert chain.expiry.astype(str).tolist() == wanted
    # the catalogue: gamma within 1.1% median of calendar/365 and a rate of 1%
    plain = gex.read_chain(path, clock="calendar/365", rate=0.01)
    gamma = gex.compute_greeks(plain, ("gamma",)).gamma
    good = (plain["vendor_gamma"] > 1e-4) & np.isfinite(gamma)
    ratio = gamma[good] / plain["vendor_gamma"][good]
    assert np.median(np.abs(ratio - 1)) < 0.05


def test_contracts_from_before_a_split_count_once(test_data: Path) -> None:
    path = test_data / "data" / "lean_aapl_2014-06-09.csv"
    chain = gex.read_chain(path)
    assert chain.manifest["source"]["split"].startswith("2180 rows are contracts from before a "
                                                        "split of 7 for 1")  # fmt: skip
    dropped = gex.analyze(chain).coverage.dropped
    assert dropped["duplicate"] == (2180, 0.0)
    assert "adjusted_contract" not in dropped
    # told again by strikes alone: none of the new contracts is above 150, none of the old below
    old = chain.status == REASONS.index("duplicate")
    assert (chain.strike[old].min(), chain.strike[~old].max()) == (195.0, 150.0)
    assert np.nansum(chain["volume"][old]) == 0.0
    solved = gex.analyze(chain.with_implied_vols("last"))
    assert solved.coverage.used_open_interest_share == pytest.approx(0.9871, abs=1e-4)
    assert solved.coverage.dropped["below_intrinsic"][1] == pytest.approx(0.0128, abs=1e-4)


def test_a_spot_that_no_line_says(test_data: Path) -> None:
    """The forward of the nearest expiration, 23 days out: the index closed at 2,064.29."""
    path = test_data / "data" / "lean_spx_2015-12-23.csv"
    chain = gex.read_chain(path)
    assert abs(chain.spot / 2064.29 - 1) < 2e-3
    assert "put-call parity at 2016-01-15" in chain.manifest["source"]["spot"]
    assert gex.read_chain(path, spot=2064.29).spot == 2064.29


def test_a_format_that_is_named_but_wrong_is_told(tmp_path: Path) -> None:
    source, _ = samples()["orats"]
    path = tmp_path / "strikes.csv"
    path.write_bytes(source)
    with pytest.raises(ChainFileError) as told:
        gex.read_chain(path, "polygon")
    text = str(told.value)
    assert "strikes.csv: this is a file of format orats, not polygon (line " in text
    assert text.endswith("Hint: leave format= (--format) out")
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ChainFileError, match="is this a Polygon chain"):
        gex.read_chain(path, "polygon")


def test_a_recorded_stream_is_told(tmp_path: Path) -> None:
    path = tmp_path / "feed.jsonl"
    with gex.Recorder(gex.synthetic_chain(n=20), path) as recorder:
        recorder.set_spot(5001.0)
    with pytest.raises(ChainFileError, match=r"a recorded stream, not a chain.*gexcore replay"):
        gex.read_chain(path)
