"""Hand-made files of each vendor with invented numbers: two contracts on XYZ, spot 100.5."""

from __future__ import annotations

import json
from typing import Any

CALL, PUT = "XYZ240119C00100000", "XYZ240119P00100000"
AS_OF = "2024-01-05T15:30-05:00"
STAMP = 1704486600  # the same moment


def csv_of(rows: list[dict[str, Any]]) -> bytes:
    """Records as a CSV."""
    lines = [",".join(rows[0]), *(",".join(str(v) for v in row.values()) for row in rows)]
    return "\n".join(lines).encode()


def yfinance(**changes: Any) -> list[dict[str, Any]]:
    """Rows of yfinance, call and put; `changes` go to the call."""
    both = {
        "lastTradeDate": "2024-01-05 20:30:00+00:00",
        "strike": 100.0,
        "contractSize": "REGULAR",
    }
    call = {"contractSymbol": CALL, **both, "bid": 2.0, "ask": 2.2, "lastPrice": 2.1,
            "volume": 3, "openInterest": 7, "impliedVolatility": 0.2}  # fmt: skip
    put = {**call, "contractSymbol": PUT, "bid": 1.5, "ask": 1.7, "lastPrice": 1.6,
           "openInterest": 8, "impliedVolatility": 0.21}  # fmt: skip
    return [{**call, **changes}, put]


def yahoo_cboe(**changes: Any) -> dict[str, Any]:
    """A JSON of Yahoo quotes with CBOE greeks."""
    call = {"symbol": CALL, "strike": 100.0, "bid": 2.0, "ask": 2.2, "last": 2.1, "volume": 3,
            "openInterest": 7, "iv": 0.2, "delta": 0.5, "gamma": 0.03,
            "greeksSource": "cboe"}  # fmt: skip
    put = {**call, "symbol": PUT, "bid": 1.5, "ask": 1.7, "last": 1.6, "openInterest": 8,
           "iv": 0.21}  # fmt: skip
    quotes = [{**call, **changes}, put]
    return {"symbol": "XYZ", "updated": AS_OF, "underlyingPrice": 100.5, "quotes": quotes}


def polygon(symbol: str = CALL, **changes: Any) -> dict[str, Any]:
    """One record of a snapshot."""
    size, bid, vol = (7, 2.0, 0.2) if symbol == CALL else (8, 1.5, 0.21)
    record = {
        "details": {"contract_type": "call", "exercise_style": "american", "strike_price": 100,
                    "expiration_date": "2024-01-19", "shares_per_contract": 100,
                    "ticker": f"O:{symbol}"},
        "greeks": {"delta": 0.5, "gamma": 0.03}, "implied_volatility": vol, "open_interest": size,
        "last_quote": {"bid": bid, "ask": bid + 0.2, "last_updated": STAMP * 10**9},
        "last_trade": {"price": bid + 0.1}, "day": {"volume": 3},
        "underlying_asset": {"price": 100.5, "ticker": "XYZ"},
    }  # fmt: skip
    return {**record, **changes}


def tradier(symbol: str = CALL, **changes: Any) -> dict[str, Any]:
    """One contract of a chain."""
    size, bid, vol = (7, 2.0, 0.2) if symbol == CALL else (8, 1.5, 0.21)
    record = {"symbol": symbol, "underlying": "XYZ", "root_symbol": "XYZ", "strike": 100.0,
              "option_type": "call", "expiration_date": "2024-01-19", "contract_size": 100,
              "open_interest": size, "bid": bid, "ask": bid + 0.2, "last": bid + 0.1, "volume": 3,
              "bid_date": STAMP * 1000, "trade_date": 0,
              "greeks": {"mid_iv": vol, "smv_vol": 0.3, "delta": 0.5, "gamma": 0.03}}  # fmt: skip
    return {**record, **changes}


def orats(**changes: Any) -> dict[str, Any]:
    """One line: a strike."""
    row = {"ticker": "XYZ", "tradeDate": "2024-01-05", "expirDate": "2024-01-19", "dte": 14,
           "strike": 100.0, "stockPrice": 100.5, "callOpenInterest": 7, "putOpenInterest": 8,
           "callVolume": 3, "putVolume": 3, "callBidPrice": 2.0, "callAskPrice": 2.2,
           "putBidPrice": 1.5, "putAskPrice": 1.7, "callMidIv": 0.2, "putMidIv": 0.21,
           "smvVol": 0.3, "residualRate": 0.05, "quoteDate": "2024-01-05T20:30:00Z",
           "expiryTod": "pm"}  # fmt: skip
    return {**row, **changes}


def deribit(kind: str = "C", **changes: Any) -> dict[str, Any]:
    """One record of a book summary."""
    size, bid, vol = (7, 0.02, 20.0) if kind == "C" else (8, 0.015, 21.0)
    record = {"instrument_name": f"XYZ-19JAN24-100-{kind}", "mark_iv": vol, "open_interest": size,
              "underlying_price": 101.0, "estimated_delivery_price": 100.5, "bid_price": bid,
              "ask_price": bid + 0.002, "volume": 3,
              "creation_timestamp": STAMP * 1000}  # fmt: skip
    return {**record, **changes}


LEAN = b"""#expiry,strike,right,open,high,low,close,volume,open_interest,implied_volatility,gamma
,,,100,101,99,100.5,900,,,
20240119,100,C,2,2.2,2,2.1,3,7,0.2,0.03
20240119,100,P,1.5,1.7,1.5,1.6,3,8,0.21,0.03
"""

TABLE = b"""K,type,expiry,iv,oi,bid,ask,volume,spot,timestamp,root,sector
100,C,2024-01-19,0.2,7,2.0,2.2,3,100.5,2024-01-05T20:30:00Z,XYZ,tech
100,P,2024-01-19,0.21,8,1.5,1.7,3,100.5,2024-01-05T20:30:00Z,XYZ,tech
"""


def samples() -> dict[str, tuple[Any, dict[str, Any]]]:
    """Source and options of each format."""
    name = {"underlying": "XYZ", "as_of": AS_OF}
    return {
        "yfinance": (csv_of(yfinance()), {"spot": 100.5}),
        "yahoo_cboe": (json.dumps(yahoo_cboe()).encode(), {}),
        "polygon": (json.dumps({"results": [polygon(), polygon(PUT)]}).encode(), {}),
        "tradier": (
            json.dumps({"options": {"option": [tradier(), tradier(PUT)]}}).encode(),
            {"spot": 100.5},
        ),
        "orats": (csv_of([orats()]), {}),
        "deribit": (json.dumps({"result": [deribit(), deribit("P")]}).encode(), {}),
        "lean": (LEAN, name),
        "table": (TABLE, {}),
    }
