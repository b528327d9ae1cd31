"""Hand-made CBOE files with invented numbers, and the two ways tests look at a reading."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gexcore.errors import ChainFileError
from gexcore.io.cboe import _parse

SIDE = "Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest"
HEADER = f"Expiration Date,Calls,{SIDE},Strike,Puts,{SIDE}"
DATE = '"Date: March 12, 2024 at 10:52 AM EDT",Bid: 99.5,Ask: 101.5,Size: 1*1,Volume: 0'
NAME = "XYZ WIDGET INDEX,Last: 100.25,Change:  0.5"


def line(strike: float, root: str = "XYZ", call: str = "", put: str = "") -> str:
    """One CSV line, both sides of a strike; `call` and `put` replace the symbols."""
    mills = f"{round(strike * 1000):08d}"
    call = call or f"{root}240315C{mills}"
    put = put or f"{root}240315P{mills}"
    side = "1.5,0.1,1.4,1.6,7,0.21,0.55,0.031,40"
    other = "2.5,0.2,2.4,2.6,9,0.23,-0.45,0.029,60"
    return f"Fri Mar 15 2024,{call},{side},{strike:.2f},{put},{other}"


ROWS = [line(95), line(100), line(102.5, root="XYZW")]


def sheet(*rows: str, name: str = NAME, date: str = DATE, header: str = HEADER) -> bytes:
    """A CSV file: spot on line 2, time on line 3, header on line 4."""
    return "\n".join(["", name, date, header, *(rows or ROWS), ""]).encode()


def option(symbol: object = "XYZ240315C00100000", **changes: object) -> dict[str, object]:
    """One record of a JSON file."""
    record: dict[str, object] = {
        "option": symbol, "bid": 1.4, "ask": 1.6, "iv": 0.21, "open_interest": 40.0, "volume": 7.0,
        "delta": 0.55, "gamma": 0.031, "last_trade_price": 1.5,
    }  # fmt: skip
    return {**record, **changes}


def document(*options: object, **data: object) -> bytes:
    """A JSON file of option records; `data` replaces keys beside them."""
    body = {"options": list(options), "current_price": 100.25, "close": 99.0, **data}
    text = {"timestamp": "2024-03-12 14:52:00", "symbol": "_XYZ", "data": body}
    return json.dumps(text).encode()


def parse(source: Any, as_of: Any = "auto") -> dict[str, Any]:
    """The arguments a reading hands to the chain."""
    return _parse(source, as_of)


def refusal(source: Any, as_of: Any = "auto") -> str:
    """The one-line message with which a file is refused."""
    with pytest.raises(ChainFileError) as caught:
        parse(source, as_of)
    message = str(caught.value)
    assert "\n" not in message
    assert message.isascii()
    return message
