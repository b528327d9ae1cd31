"""What vendors' clients hand out and their answers say: the shapes of the public documentation."""

from __future__ import annotations

import io
import zipfile
from collections import namedtuple
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pandas as pd
import pytest
from gexcore.cli import main
from gexcore.conventions import USED
from gexcore.errors import ChainFileError
from vendor_samples import (
    AS_OF,
    CALL,
    PUT,
    STAMP,
    csv_of,
    deribit,
    orats,
    polygon,
    samples,
    tradier,
    yfinance,
)

# ---- an answer that is no chain

REFUSALS = {
    "polygon": {"status": "NOT_AUTHORIZED", "request_id": "x", "message": "You are not entitled"},
    "tradier": {"fault": {"faultstring": "Invalid Access Token", "detail": {"errorcode": "x"}}},
    "deribit": {"jsonrpc": "2.0", "error": {"message": "Invalid params", "code": -32602}},
    "orats": {"message": "Not Found."},
}
WORDS = ("You are not entitled", "Invalid Access Token", "Invalid params", "Not Found.")


@pytest.mark.parametrize(("kind", "words"), [*zip(REFUSALS, WORDS, strict=True)])
@pytest.mark.parametrize("named", [True, False])
def test_a_refusal_is_told_in_its_own_words(kind: str, words: str, named: bool) -> None:
    import json

    document = REFUSALS[kind]
    for source in (document, json.dumps(document).encode()):
        with pytest.raises(ChainFileError) as caught:
            gex.read_chain(source, kind if named else None)
        assert f"the source answered: '{words}'" in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "document"),
    [("polygon", {"status": "OK", "results": []}), ("tradier", {"options": None}),
     ("deribit", {"jsonrpc": "2.0", "result": []}), ("orats", {"data": []})],
)  # fmt: skip
def test_an_answer_about_nothing(kind: str, document: Any) -> None:
    with pytest.raises(ChainFileError, match=r"no option rows|no records of options"):
        gex.read_chain(document, kind)


# ---- yfinance: what option_chain returns, as it is

Options = namedtuple("Options", ["calls", "puts", "underlying"])


def option_chain(price: float | None = 100.5, stamp: int = STAMP + 60) -> Options:
    rows = yfinance()
    quote = {"symbol": "^XYZ", "regularMarketPrice": price, "regularMarketTime": stamp}
    return Options(pd.DataFrame(rows[:1]), pd.DataFrame(rows[1:]), quote if price else {})


@pytest.mark.parametrize("read", [gex.read_yfinance, gex.read_chain])
@pytest.mark.parametrize("several", [False, True])
def test_option_chains_bring_their_underlying(read: Any, several: bool) -> None:
    later = option_chain(101.0, STAMP + 120)
    chain = read([later, option_chain()] if several else option_chain())
    assert chain.spot == (101.0 if several else 100.5)
    assert chain.underlying == "XYZ"
    assert chain.as_of.time.timestamp() == STAMP + (120 if several else 60)
    assert chain.manifest["source"]["spot"] == "regularMarketPrice"
    assert len(chain) == (4 if several else 2)
    assert read(option_chain(), spot=99.0).spot == 99.0


def test_an_option_chain_without_a_quote() -> None:
    chain = gex.read_chain(option_chain(None))
    assert np.isclose(chain.spot, 100.5)
    assert "put-call parity" in chain.manifest["source"]["spot"]


# ---- Polygon: the records of its own client


@dataclass
class Details:
    ticker: str
    contract_type: str = "call"
    strike_price: float = 100.0
    shares_per_contract: int = 100


@dataclass
class Snapshot:
    details: Details
    open_interest: float = 7.0
    implied_volatility: float | None = 0.2
    last_quote: Any = None
    underlying_asset: Any = field(default_factory=dict)


def test_records_of_a_client_are_read() -> None:
    quote = make_dataclass("LastQuote", ["bid", "ask", "last_updated"])(2.0, 2.2, STAMP * 10**9)
    asset = {"ticker": "XYZ", "price": 100.5}
    records = [Snapshot(Details(f"O:{name}"), last_quote=quote, underlying_asset=asset)
               for name in (CALL, PUT)]  # fmt: skip
    for chain in (gex.read_polygon(records), gex.read_chain(records)):
        assert (len(chain), chain.spot) == (2, 100.5)
        assert chain["bid"].tolist() == [2.0, 2.0]
        assert chain.as_of is not None
        assert chain.as_of.time.timestamp() == STAMP


def test_an_index_has_a_value_and_a_prefix() -> None:
    asset = {"ticker": "I:SPX", "value": 5005.0, "last_updated": STAMP * 10**9}
    names = ("SPXW240119C05000000", "SPX240119P05000000")
    records = [polygon(name, underlying_asset=asset, last_quote=None) for name in names]
    for record in records:
        record["details"]["strike_price"] = 5000
    chain = gex.read_polygon({"results": records})
    assert (chain.underlying, chain.spot) == ("SPX", 5005.0)
    assert chain.as_of is not None
    assert chain.as_of.time.timestamp() == STAMP


# ---- Tradier


def test_vols_may_be_older_than_quotes() -> None:
    record = tradier()
    record["greeks"]["updated_at"] = "2024-01-05 19:59:08"
    chain = gex.read_tradier({"options": {"option": [record, tradier(PUT)]}}, spot=100.5)
    assert chain.manifest["source"]["vols_updated"].startswith("2024-01-05T19:59:08+00:00")


# ---- ORATS


def daily(**changes: Any) -> dict[str, Any]:
    """One line of a daily file."""
    row = {"ticker": "SPX", "cOpra": "SPXW  240119C05000000", "pOpra": "SPXW  240119P05000000",
           "stkPx": 5001.0, "expirDate": "1/19/2024", "yte": 0.03836, "strike": 5000.0, "cVolu": 3,
           "cOi": 7, "pVolu": 3, "pOi": 8, "cBidPx": 2.0, "cValue": 2.1, "cAskPx": 2.2,
           "pBidPx": 1.5, "pValue": 1.6, "pAskPx": 1.7, "cBidIv": 0.0, "cMidIv": 0.2, "cAskIv": 0.3,
           "smoothSmvVol": 0.19, "pBidIv": 0.1, "pMidIv": 0.0, "pAskIv": 0.3, "iRate": 5.0,
           "divRate": 0, "residualRateData": -0.01, "spot_px": 4900.0,
           "trade_date": "1/5/2024"}  # fmt: skip
    return {**row, **changes}


MORNING = {"cOpra": "SPX   240119C05000000", "pOpra": "SPX   240119P05000000", "cOi": 1, "pOi": 2}
LATER = {"cOpra": "SPXW  240216C05000000", "pOpra": "SPXW  240216P05000000",
         "expirDate": "2/16/2024", "stkPx": 4990.0}  # fmt: skip


def test_daily_files_of_all_tickers(tmp_path: Path) -> None:
    brk = {"ticker": "BRK_B", "cOpra": "BRKB  240119C00350000", "pOpra": "BRKB  240119P00350000",
           "strike": 350.0, "stkPx": 360.0}  # fmt: skip
    text = csv_of([daily(**LATER), daily(), daily(**MORNING), daily(**brk)])
    path = tmp_path / "ORATS_SMV_Strikes_20240105.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ORATS_SMV_Strikes_20240105.csv", text)
    with pytest.raises(ChainFileError, match=r"'BRK_B' and 'SPX'.*--underlying"):
        gex.read_chain(path)
    chain = gex.read_chain(path, underlying="spx")
    assert (chain.underlying, chain.spot) == ("SPX", 5001.0)  # of the nearest expiration
    assert chain.root is not None
    assert chain.root.tolist() == ["SPXW", "SPXW", "SPX"] * 2
    assert chain["option_type"].tolist() == ["C"] * 3 + ["P"] * 3
    assert chain.open_interest.tolist() == [7, 7, 1, 8, 8, 2]
    assert chain.implied_vol.tolist() == [0.2] * 3 + [0.19] * 3
    assert str(chain.as_of.time) == "2024-01-05 16:00:00-05:00"  # type: ignore[union-attr]
    assert chain.manifest["source"]["other_underlyings"] == "1 rows of 1 others, left out"
    hours = (chain.time_to_expiry[1] - chain.time_to_expiry[2]) * 365 * 24
    assert np.isclose(hours, 6.5)
    share = gex.read_chain(path, underlying="BRK_B")
    assert share.root is not None
    assert (share.underlying, share.root.tolist()) == ("BRK_B", ["BRKB", "BRKB"])
    assert np.isclose(share.time_to_expiry[0] * 365, 14)  # no coin: the close, not 08:00 UTC


def test_two_tickers_are_never_one_chain() -> None:
    rows = csv_of([orats(), orats(ticker="ABC", strike=50)])
    with pytest.raises(ChainFileError, match="two underlyings"):
        gex.read_orats(rows, underlying="SPY")  # is neither
    chain = gex.read_orats(rows, underlying="XYZ")
    assert chain.strike.tolist() == [100.0, 100.0]


def test_two_days_are_never_one_chain() -> None:
    rows = [orats(), orats(tradeDate="2024-01-04")]
    with pytest.raises(
        ChainFileError, match=r"two moments.*tradedate '2024-01-04' and '2024-01-05'"
    ):
        gex.read_orats(csv_of(rows))
    rows = [orats(snapShotDate=f"2024-01-05T20:{minute}:01Z") for minute in (30, 31)]
    with pytest.raises(ChainFileError, match=r"two moments.*snapshotdate"):
        gex.read_orats(csv_of(rows))


def test_an_index_without_a_time_of_day_is_told_by_the_date() -> None:
    friday, monday = orats(ticker="SPX"), orats(ticker="SPX", expirDate="2024-01-22")
    for row in (friday, monday):
        del row["expiryTod"]
    chain = gex.read_orats(csv_of([friday, monday]))
    assert chain.root is not None
    assert chain.root.tolist() == ["SPX", "SPXW"] * 2
    assert "third Fridays" in chain.manifest["source"]["settlement"]


# ---- Databento: to_df() puts the time of the record into the index


def test_the_index_of_a_frame_has_the_time() -> None:
    definition = pd.DataFrame({"rtype": 19, "instrument_id": [1, 2],
        "raw_symbol": ["XYZ   240119C00100000", "XYZ   240119P00100000"],
        "instrument_class": ["C", "P"]})  # fmt: skip
    counts = pd.DataFrame(
        {"rtype": 24, "instrument_id": [1, 2], "stat_type": 9, "quantity": [7, 8]}
    )
    stamps = pd.to_datetime([STAMP * 10**9] * 2, utc=True)
    quotes = pd.DataFrame(
        {"ts_event": pd.to_datetime([(STAMP - 9000) * 10**9, None], utc=True), "rtype": 193,
         "instrument_id": [1, 2], "bid_px_00": [2.0, 1.5], "ask_px_00": [2.2, 1.7]},
        index=pd.Index(stamps, name="ts_recv"),
    )  # fmt: skip
    chain = gex.read_chain([definition, counts, quotes], spot=100.5)
    assert chain.as_of is not None
    assert chain.as_of.time.timestamp() == STAMP  # not that of the last trade


# ---- Deribit


def test_futures_and_spreads_are_no_options() -> None:
    names = ("PERPETUAL", "19JAN24", "CS-19JAN24-90_110", "FS-19JAN24_PERP")
    others = [deribit(instrument_name=f"XYZ-{name}", open_interest=1e9) for name in names]
    chain = gex.read_deribit([*others, deribit(), deribit("P")])
    assert len(chain) == 2
    assert chain.manifest["source"]["no_options"] == "4 rows of futures and spreads, left out"


def test_one_coin_of_several() -> None:
    rows = [deribit(), deribit("P"), deribit(instrument_name="ABC_USDC-19JAN24-100-P")]
    with pytest.raises(ChainFileError, match=r"'ABC_USDC' and 'XYZ_USD'"):
        gex.read_deribit(rows)
    assert len(gex.read_deribit(rows, underlying="XYZ_USD")) == 2


# ---- any file


def test_a_zip_of_one_file_is_that_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, options = samples()["polygon"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("pages/one.json", source)
    assert len(gex.read_chain(packed.getvalue(), **options)) == 2
    assert len(gex.read_polygon(packed.getvalue())) == 2
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("pages/two.json", source)
    with pytest.raises(ChainFileError, match="a zip archive of 2 files"):
        gex.read_chain(packed.getvalue())


def test_vols_with_a_percent_sign(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "screen.csv"
    path.write_text('strike,type,time_to_expiry,iv,oi\n100,C,0.1,18.3%,"1,203"\n100,P,0.1,21 %,3\n')
    chain = gex.read_table(path, spot=100.0)
    assert np.allclose(chain.implied_vol, [0.183, 0.21])
    assert chain.open_interest.tolist() == [1203.0, 3.0]
    assert main(["levels", str(path), "--spot", "100"]) == 0
    assert "vol unit: percent, divided by 100" in capsys.readouterr().out


def test_vols_in_two_units_are_refused() -> None:
    rows = "".join(f"{90 + i},C,0.1,{0.2 if i % 2 else 21.0},3\n" for i in range(20))
    text = b"strike,type,time_to_expiry,iv,oi\n" + rows.encode()
    with pytest.raises(ChainFileError, match="vols in two units: 10 below 1 and 10 from 5"):
        gex.read_table(text, spot=100.0)
    assert gex.read_table(text, spot=100.0, vol_unit="decimal").implied_vol.max() == 21.0


@pytest.mark.parametrize("ratio", [4, 7, 20])
@pytest.mark.parametrize("case", ["listed twice", "new alone", "interest does not fit"])
def test_contracts_of_before_a_split(ratio: int, case: str) -> None:
    old = [(strike, 10 + i) for i, strike in enumerate(range(505, 705, 5))]
    new = [(round(strike / ratio, 2), ratio * size) for strike, size in old]
    if case == "interest does not fit":
        new = [(strike, 10) for strike, _ in new]
    rows = [*new] if case == "new alone" else [*old, *new]
    lines = [f"{strike},C,2024-01-19,0.2,{size}\n" for strike, size in rows]
    text = b"strike,type,expiry,iv,oi\n" + "".join(lines).encode()
    chain = gex.read_table(text, spot=600.0 / ratio, as_of=AS_OF)
    dropped = gex.analyze(chain).coverage.dropped
    source = chain.manifest["source"]
    if case == "listed twice":
        assert dropped["duplicate"] == (len(old), 0.0)
        assert source["split"].startswith(f"{len(old)} rows are contracts from before a split of")
        assert f"{ratio} for 1" in source["split"]
        assert (chain.strike[chain.status == USED] < 505 / ratio + 200 / ratio).all()
    else:
        assert "duplicate" not in dropped
        assert "split" not in source
        assert ("the listing was split; all used" in source.get("odd_strikes", "")) is (ratio == 7)
