"""The recipes: their code runs, with the vendor's client replaced by one that answers by schema."""

from __future__ import annotations

import re
import shlex
import sys
from collections import namedtuple
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from cboe_samples import document, option
from gexcore import bsm
from gexcore.cli import main
from vendor_samples import AS_OF, STAMP

pd = pytest.importorskip("pandas")

FOLDER = Path(__file__).parents[1] / "docs" / "recipes"
PAGES = sorted(FOLDER.glob("*.md"))
SPOT, VOL = 100.5, 0.2
DAYS = ("2024-01-19", "2024-03-15")
ROWS = [  # expiry, strike, C or P, open interest
    (day, strike, kind, size)
    for day in DAYS
    for strike, calls, puts in ((90.0, 20, 900), (95.0, 60, 1500), (100.0, 800, 700),
                                (105.0, 2500, 90), (110.0, 1200, 30))
    for kind, size in (("C", calls), ("P", puts))
]  # fmt: skip

INDEX = [(day, 47.0 * strike, kind, size) for day, strike, kind, size in ROWS]
INDEX_SPOT = 4697.24  # of the recipes that name one


def code_of(page: Path, language: str = "python") -> list[str]:
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", page.read_text("utf-8"))


def symbol(day: str, strike: float, kind: str, root: str = "XYZ") -> str:
    return f"{root}{date.fromisoformat(day):%y%m%d}{kind}{round(strike * 1000):08d}"


def price(day: str, strike: float, kind: str, spot: float = SPOT) -> float:
    years = (date.fromisoformat(day) - date(2024, 1, 5)).days / 365
    return bsm.greeks(spot, strike, years, VOL, 0.0, 0.0, kind == "C", which=("price",)).price


def quote(row: tuple[str, float, str, int], spot: float = SPOT) -> tuple[float, float]:
    middle = max(price(*row[:3], spot), 0.02)
    return round(middle - 0.005, 3), round(middle + 0.005, 3)


class Web:
    """A stand-in for requests: answers by address, never of the network."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, []

    def get(self, url: str, params: Any = None, headers: Any = None) -> Any:
        self.asked.append(url)
        found = self.answer(url, params or {}, headers or {})
        return SimpleNamespace(json=lambda: found)


def deribit(url: str, params: Any, headers: Any) -> Any:
    assert url.endswith("/public/get_book_summary_by_currency")
    assert params == {"currency": "BTC", "kind": "option"}
    records = [
        {"instrument_name": f"BTC-{date.fromisoformat(row[0]):%d%b%y}-{row[1]:g}-{row[2]}".upper(),
         "mark_iv": 100 * VOL, "open_interest": float(row[3]), "underlying_price": SPOT,
         "underlying_index": "SYN.BTC", "estimated_delivery_price": SPOT, "interest_rate": 0.0,
         "bid_price": None, "ask_price": 0.02, "mid_price": None, "mark_price": 0.018,
         "last": None, "high": None, "low": None, "volume": 0.0, "volume_usd": 0.0,
         "price_change": None, "base_currency": "BTC", "quote_currency": "BTC",
         "creation_timestamp": STAMP * 1000}
        for row in ROWS
    ]  # fmt: skip
    return {"jsonrpc": "2.0", "result": records, "usIn": 1, "usOut": 2, "usDiff": 1,
            "testnet": False}  # fmt: skip


def orats(url: str, params: Any, headers: Any) -> Any:
    assert url.endswith("/datav2/strikes") and params == {"token": "secret", "ticker": "SPX"}
    sizes = {row[:3]: row[3] for row in ROWS}
    return {"data": [
        {"ticker": "SPX", "tradeDate": "2024-01-05", "expirDate": day, "dte": 14, "strike": strike,
         "stockPrice": SPOT, "callVolume": 0, "callOpenInterest": sizes[day, strike, "C"],
         "putVolume": 0, "putOpenInterest": sizes[day, strike, "P"], "callBidPrice": 1.0,
         "callAskPrice": 1.1, "putBidPrice": 1.0, "putAskPrice": 1.1, "callMidIv": VOL,
         "putMidIv": VOL, "smvVol": VOL, "residualRate": 0.0, "delta": 0.5, "gamma": 0.03,
         "spotPrice": SPOT, "quoteDate": "2024-01-05T20:30:00Z", "expiryTod": "pm",
         "updatedAt": "2024-01-05T20:30:00Z"}
        for day, strike in dict.fromkeys(row[:2] for row in ROWS)
    ]}  # fmt: skip


def polygon(url: str, params: Any, headers: Any) -> Any:
    assert headers == {"Authorization": "Bearer secret"}
    second = "cursor=" in url
    half = ROWS[len(ROWS) // 2 :] if second else ROWS[: len(ROWS) // 2]
    records = [
        {"break_even_price": 1.0, "day": {"volume": 3},
         "details": {"contract_type": "call" if row[2] == "C" else "put",
                     "exercise_style": "american", "expiration_date": row[0],
                     "shares_per_contract": 100, "strike_price": row[1],
                     "ticker": f"O:{symbol(*row[:3])}"},
         "greeks": {} if row[3] < 50 else {"delta": 0.5, "gamma": 0.03, "theta": 0.0, "vega": 0.1},
         "implied_volatility": VOL, "open_interest": row[3],
         "last_quote": {"bid": quote(row)[0], "ask": quote(row)[1],
                        "last_updated": STAMP * 10**9},
         "underlying_asset": {"price": SPOT, "ticker": "XYZ", "last_updated": STAMP * 10**9}}
        for row in half
    ]  # fmt: skip
    page = {"request_id": "a", "status": "OK", "results": records}
    return page if second else {**page, "next_url": f"{url}&cursor=abc"}


def tradier(url: str, params: Any, headers: Any) -> Any:
    assert headers["Authorization"] == "Bearer secret"
    if url.endswith("/options/expirations"):
        return {"expirations": {"date": list(DAYS)}}
    if url.endswith("/quotes"):
        return {"quotes": {"quote": {"symbol": "SPY", "last": SPOT}}}
    assert url.endswith("/options/chains") and params["greeks"] == "true"
    return {"options": {"option": [
        {"symbol": symbol(*row[:3], "SPY"), "description": "", "underlying": "SPY",
         "root_symbol": "SPY", "strike": row[1],
         "option_type": "call" if row[2] == "C" else "put", "expiration_date": row[0],
         "expiration_type": "standard", "contract_size": 100, "open_interest": row[3],
         "bid": quote(row)[0], "ask": quote(row)[1], "last": None, "volume": 0,
         "bid_date": STAMP * 1000, "ask_date": STAMP * 1000, "trade_date": 0,
         "greeks": {"delta": 0.5, "gamma": 0.03, "bid_iv": 0.19, "mid_iv": VOL, "ask_iv": 0.21,
                    "smv_vol": VOL, "updated_at": "2024-01-05 20:30:00"}}
        for row in ROWS if row[0] == params["expiration"]
    ]}}  # fmt: skip


class Ticker:
    """Of yfinance."""

    options = DAYS

    def __init__(self, name: str) -> None:
        self.name = name

    def option_chain(self, day: str) -> Any:
        def frame(side: str) -> Any:
            rows = [row for row in ROWS if row[0] == day and row[2] == side]
            time = pd.Timestamp(STAMP, unit="s", tz="UTC")
            return pd.DataFrame({
                "contractSymbol": [symbol(*row[:3], self.name) for row in rows],
                "lastTradeDate": [time] * len(rows), "strike": [row[1] for row in rows],
                "lastPrice": [price(*row[:3]) for row in rows],
                "bid": [quote(row)[0] for row in rows], "ask": [quote(row)[1] for row in rows],
                "change": 0.0, "percentChange": 0.0, "volume": np.nan,
                "openInterest": [row[3] for row in rows], "impliedVolatility": VOL,
                "inTheMoney": [(row[1] < SPOT) == (side == "C") for row in rows],
                "contractSize": "REGULAR", "currency": "USD",
            })  # fmt: skip

        underlying = {"symbol": self.name, "regularMarketPrice": SPOT}
        return namedtuple("Options", "calls puts underlying")(frame("C"), frame("P"), underlying)


class Historical:
    """Of databento."""

    def __init__(self, key: str) -> None:
        assert key == "secret"
        self.timeseries = self

    def get_range(self, *, dataset: str, symbols: Any, stype_in: str, schema: str, start: str,
                  end: str) -> Any:  # fmt: skip
        assert (dataset, stype_in) == ("OPRA.PILLAR", "parent") and start < end
        many = len(INDEX)
        numbers = list(range(101, 101 + many))
        names = [f"SPXW  {symbol(*row[:3])[3:]}" for row in INDEX]
        given: dict[str, Any] = {"publisher_id": 30, "instrument_id": numbers, "symbol": names}
        if schema == "definition":
            given |= {"rtype": 19, "raw_symbol": names, "instrument_class": [r[2] for r in INDEX],
                      "strike_price": [r[1] for r in INDEX],
                      "expiration": [pd.Timestamp(r[0], tz="UTC") for r in INDEX],
                      "asset": "SPXW", "underlying": "SPXW"}  # fmt: skip
        elif schema == "statistics":
            given |= {"rtype": 24, "stat_type": 9, "quantity": [r[3] for r in INDEX],
                      "price": np.nan, "update_action": 1, "stat_flags": 0}  # fmt: skip
        else:
            assert schema == "cbbo-1m"
            given |= {"rtype": 193, "side": "N", "price": np.nan, "size": 0, "flags": 0,
                      "bid_px_00": [quote(r, INDEX_SPOT)[0] for r in INDEX],
                      "ask_px_00": [quote(r, INDEX_SPOT)[1] for r in INDEX],
                      "bid_sz_00": 1, "ask_sz_00": 1}  # fmt: skip
        index = pd.DatetimeIndex([pd.Timestamp(STAMP, unit="s", tz="UTC")] * many, name="ts_recv")
        return SimpleNamespace(to_df=lambda: pd.DataFrame(given, index=index))


def write_table(folder: Path) -> None:
    columns = list(zip(*INDEX, strict=True))
    names = ("exp", "K", "cp", "n")
    frame = pd.DataFrame({**dict(zip(names, map(list, columns), strict=True)), "sigma": VOL})
    pytest.importorskip("pyarrow")
    frame.to_parquet(folder / "book.parquet")


CLIENTS: dict[str, dict[str, Any]] = {
    "databento": {"databento": SimpleNamespace(Historical=Historical)},
    "deribit": {"requests": Web(deribit)},
    "orats": {"requests": Web(orats)},
    "polygon": {"requests": Web(polygon)},
    "tables": {},
    "tradier": {"requests": Web(tradier)},
    "yfinance": {"yfinance": SimpleNamespace(Ticker=Ticker)},
}


def test_every_page_with_code_has_a_stand_in() -> None:
    assert {page.stem for page in PAGES if code_of(page)} == set(CLIENTS)
    for page in PAGES:
        for code in code_of(page):
            compile(code, page.name, "exec")


@pytest.mark.parametrize("name", CLIENTS)
def test_the_code_hands_over_a_chain(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path)
    for module, client in CLIENTS[name].items():
        monkeypatch.setitem(sys.modules, module, client)
    given: dict[str, Any] = {"KEY": "secret", "TOKEN": "secret"}
    for code in code_of(FOLDER / f"{name}.md"):
        exec(compile(code, f"{name}.md", "exec"), given)
    chain = given["chain"]
    when = "2024-01-05T16:00-05:00" if name == "tables" else AS_OF
    assert (
        chain.as_of.time
        == gex.Chain.from_arrays(
            spot=1.0, strike=[], is_call=[], implied_vol=[], open_interest=[], expiry=[], as_of=when
        ).as_of.time
    )
    found = sorted(
        (str(day), strike, "C" if call else "P", size)
        for day, strike, call, size in zip(
            chain.expiry, chain.strike, chain.is_call, chain.open_interest, strict=True
        )
    )
    index = name in ("databento", "tables")
    assert found == sorted(INDEX if index else ROWS)
    assert chain.spot == (INDEX_SPOT if index else SPOT)
    result = gex.analyze(chain)
    assert result.coverage.used == len(ROWS)
    near = np.abs(np.log(chain.strike / chain.spot)) < 0.08  # of others a tick is many vols
    assert np.allclose(chain.implied_vol[near], VOL, atol=0.005 if name == "databento" else 0)
    scale = 47.0 if index else 1.0
    levels = result.levels
    assert levels.zero_gamma.status == "found"
    assert 90.0 * scale < levels.zero_gamma.value < 110.0 * scale
    assert (levels.call_wall.strike, levels.put_wall.strike) == (105.0 * scale, 95.0 * scale)


def test_the_commands_read_what_was_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("_SPX.json").write_bytes(document(option(), option("XYZ240315P00100000")))
    (lines,) = code_of(FOLDER / "cboe.md", "sh")
    fetch, read = lines.splitlines()
    assert shlex.split(fetch)[:3] == ["curl", "-o", "_SPX.json"]
    assert main(shlex.split(read)[1:]) == 0
    assert "zero gamma" in capsys.readouterr().out
