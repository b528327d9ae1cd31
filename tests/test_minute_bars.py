"""Minute bars: a made-up zip, zips that are broken, and one real day against a plain reader."""

from __future__ import annotations

import csv
import io
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from end_of_day import end_of_day
from gexcore.errors import ChainFileError, ConventionError, InputError
from gexcore.io import read_minute_bars
from gexcore.sides import DECISIONS

NAN = float("nan")
TRADE = "20151224_goog_minute_trade_american_{}_{}_{}.csv"
QUOTE = TRADE.replace("trade", "quote")
CALL, PUT = ("call", 7500000, "20160115"), ("put", 7450000, "20151231")


def packed(members: dict[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return file.getvalue()


BARS = packed({
    TRADE.format(*CALL): "34200000,15000,18000,15000,18000,2\n34320000,16000,16000,14000,14000,4\n",
    TRADE.format(*PUT): "34260000,20000,20000,20000,20500,7\n",
})  # fmt: skip
QUOTES = packed({
    QUOTE.format(*PUT): "34200000,20000,20000,20000,20000,1,21000,21000,21000,21000,3\n",
    QUOTE.format(*CALL): "34200000,15000,15000,14000,14000,5,18000,18000,18000,18000,1\n"
    "34260000,,,,,0,17000,17000,16000,16000,2\n",
})  # fmt: skip


def test_bars_become_trades_with_the_quote_before_them() -> None:
    trades = read_minute_bars(BARS, QUOTES)
    assert trades.strike.tolist() == [750.0, 750.0, 745.0]
    assert trades.is_call.tolist() == [True, True, False]
    assert trades.price.tolist() == [1.8, 1.4, 2.05]
    assert trades.size.tolist() == [2.0, 4.0, 7.0]
    assert trades.root is not None and set(trades.root.tolist()) == {"GOOG"}
    assert trades.expiry is not None
    assert trades.expiry.astype(str).tolist() == ["2016-01-15", "2016-01-15", "2015-12-31"]
    # the end of the minute: 09:31, 09:33 and 09:32 in New York
    assert trades.time is not None
    clock = trades.time.astype("M8[m]").astype(str).tolist()
    assert clock == [f"2015-12-24T14:{minute}" for minute in (31, 33, 32)]
    # the first bar has none before it; the second keeps the bid, which did not change
    np.testing.assert_array_equal(trades.bid, [NAN, 1.4, 2.0])
    np.testing.assert_array_equal(trades.ask, [NAN, 1.6, 2.1])
    assert trades.source["two_sided"] == 2
    assert trades.source["vendor"] == "LEAN minute bars"


def test_joins_by_name() -> None:
    same = read_minute_bars(BARS, QUOTES, join="same", carry_sides=False)
    np.testing.assert_array_equal(same.bid, [1.4, NAN, 2.0])
    np.testing.assert_array_equal(same.ask, [1.8, 1.6, 2.1])
    young = read_minute_bars(BARS, QUOTES, max_age=1)
    np.testing.assert_array_equal(young.bid, [NAN, NAN, 2.0])
    np.testing.assert_array_equal(young.ask, [NAN, 1.6, 2.1])
    bare = read_minute_bars(io.BytesIO(BARS))
    assert bare.bid is None
    assert bare.source["file"] != "<bytes>"
    with pytest.raises(ConventionError, match=r"no 'next'.*previous, same"):
        read_minute_bars(BARS, QUOTES, join="next")


def test_bars_that_cannot_be_are_counted() -> None:
    name = TRADE.format(*CALL)
    lines = ["86400000,1,1,1,1,5", "34200000,1,1,1,0,5", "34200000,1,1,1,,5", "34200000,1,1,1,9,0"]
    trades = read_minute_bars(packed({name: "\n".join(lines)}))
    assert trades.counts == {"read": 4, "bad_time": 1, "bad_size": 1, "bad_price": 2, "used": 0}
    odd = packed({TRADE.format("call", 0, "20160230"): "34200000,1,1,1,1,5"})
    assert read_minute_bars(odd).counts == {"read": 1, "bad_contract": 1, "used": 0}


NAME = TRADE.format(*CALL)
FAULTS = [
    (b"", "is not a sound zip"),
    (b"Date,Calls\n", "is not a sound zip"),
    (BARS[:-30], "is not a sound zip"),
    (packed({}), "the zip is empty"),
    (QUOTES, "holds quote bars.*give a zip of trade bars"),
    (packed({"readme.txt": "hello"}), "'readme.txt'.* is not named as a minute bar file"),
    (packed({NAME: "34200000,1,1,1\n"}), "line 1: is not a trade bar of 6 columns"),
    (packed({NAME: "34200000,1,1,1,1,5\n\n"}), "line 2: is not a trade bar"),
    (packed({NAME: "34200000,1,1,1,one,5\n"}), "line 1: is not a trade bar.*one"),
    (packed({NAME: b"\xff\xfe"}), "is not a sound zip of text files"),
]


@pytest.mark.parametrize(("data", "message"), FAULTS)
def test_files_that_are_no_bars(data: bytes, message: str) -> None:
    with pytest.raises(ChainFileError, match=message) as caught:
        read_minute_bars(data)
    assert "\n" not in str(caught.value)
    assert "Hint: " in str(caught.value)


def test_sources_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ChainFileError, match=r"none\.zip: cannot be read .No such file"):
        read_minute_bars(tmp_path / "none.zip")
    with pytest.raises(InputError, match="not int"):
        read_minute_bars(5)  # type: ignore[arg-type]
    path = tmp_path / "bars.zip"
    path.write_bytes(BARS)
    assert read_minute_bars(path).source["file"] == "bars.zip"


@pytest.mark.parametrize("position", range(0, len(BARS), 7))
def test_flipped_bytes_never_crash(position: int) -> None:
    broken = bytearray(BARS)
    broken[position] ^= 0x5A
    try:
        read_minute_bars(bytes(broken))
    except ChainFileError as error:
        assert "\n" not in str(error)


# One real day, read again in whole ten-thousandths and signed one trade at a time.

Key = tuple[str, int, str]


def plainly(path: Path) -> dict[Key, list[list[int | None]]]:
    with zipfile.ZipFile(path) as archive:
        found = {}
        for name in archive.namelist():
            *_, option_type, strike, expiry = name[:-4].split("_")
            lines = csv.reader(archive.read(name).decode().splitlines())
            found[option_type, int(strike), expiry] = [
                [int(cell) if cell else None for cell in line] for line in lines
            ]
    return found


@pytest.fixture(scope="module")
def signed(test_data: Path) -> list[tuple[Key, int, int, str]]:
    """Lee-Ready on the carried sides of earlier bars: contract, size, side, what it came from."""
    paths = [test_data / "data" / f"minute_goog_2015-12-24_{k}.zip" for k in ("trades", "quotes")]
    bars, quotes = map(plainly, paths)
    found = []
    for key, lines in bars.items():
        last, direction = None, 0
        for stamp, _, _, _, price, size in lines:
            assert stamp is not None and price is not None and size is not None
            earlier = [line for line in quotes.get(key, []) if (line[0] or 0) < stamp]
            bids = [line[4] for line in earlier if line[4] is not None]
            asks = [line[9] for line in earlier if line[9] is not None]
            side, how = 0, "quote"
            if bids and asks and bids[-1] <= asks[-1]:
                mid = Fraction(bids[-1] + asks[-1], 2)
                side = (price > mid) - (price < mid)
            if last is not None and price != last:
                direction = 1 if price > last else -1
            if side == 0:
                how = "tick" if last is not None and price != last else "zero_tick"
                side = direction
            last = price
            found.append((key, size, side, how if side else "undecided"))
    return found


@pytest.fixture(scope="module")
def bars(test_data: Path) -> gex.Trades:
    trades, quotes = (
        test_data / "data" / f"minute_goog_2015-12-24_{kind}.zip" for kind in ("trades", "quotes")
    )
    return read_minute_bars(trades, quotes)


def test_a_real_day_is_signed_as_by_hand(bars: gex.Trades, signed: Any) -> None:
    assert bars.counts == {"read": 958, "used": 958}
    found = bars.classify()
    assert found.side.tolist() == [side for _, _, side, _ in signed]
    assert [DECISIONS[code] for code in found.decision] == [how for *_, how in signed]
    assert found.counts["quote"]["crossed"] == 0
    assert sum(found.counts["quote"].values()) == 958


LOOKING_AHEAD = {"join": "same", "carry_sides": False}


@pytest.mark.parametrize(
    ("options", "expected"),
    [(LOOKING_AHEAD, [71, 64, 113, 551, 159]), ({}, [150, 182, 94, 489, 43])],
)
def test_where_trades_stand_in_the_quote(
    test_data: Path, options: Any, expected: list[int]
) -> None:
    """At or above the ask, at or below the bid, at the mid, inside, not quoted on both sides."""
    trades, quotes = (
        test_data / "data" / f"minute_goog_2015-12-24_{kind}.zip" for kind in ("trades", "quotes")
    )
    found = read_minute_bars(trades, quotes, **options)
    price, bid, ask = found.price, np.asarray(found.bid), np.asarray(found.ask)
    quoted = np.isfinite(bid) & np.isfinite(ask)
    above = quoted & (price >= ask)
    below = quoted & ~above & (price <= bid)
    mid = quoted & ~above & ~below & (np.abs(price - (bid + ask) / 2) < 1e-9)
    inside = quoted & ~above & ~below & ~mid
    assert [int(mask.sum()) for mask in (above, below, mid, inside, ~quoted)] == expected


@pytest.mark.parametrize("accuracy", [None, "published"])
def test_positions_of_a_real_day(
    bars: gex.Trades, signed: Any, test_data: Path, accuracy: Any
) -> None:
    path = test_data / "data" / "lean_goog_2015-12-24.csv"
    chain = end_of_day(path, "2015-12-24T13:00-05:00", rate=0.01)
    assert chain.spot == 748.40
    positions = gex.positions.from_trades(chain, bars, accuracy=accuracy)
    net: dict[Key, float] = {}
    square: dict[Key, float] = {}
    for key, size, side, _ in signed:
        net[key] = net.get(key, 0.0) + side * size
        square[key] = square.get(key, 0.0) + size**2 * (0.64 if side else 1.0)
    assert chain.expiry is not None
    days = np.char.replace(chain.expiry.astype(str), "-", "").tolist()
    keys = [
        ("call" if call else "put", round(strike * 10_000), day)
        for call, strike, day in zip(chain.is_call, chain.strike.tolist(), days, strict=True)
    ]
    listed = set(keys)
    lean = 1.0 if accuracy is None else 0.6
    expected = [-lean * net.get(key, 0.0) for key in keys]
    assert positions.contracts.tolist() == pytest.approx(expected, abs=1e-9)
    if accuracy:
        assert positions.deviation is not None
        spread = [square.get(key, 0.0) ** 0.5 for key in keys]
        assert positions.deviation.tolist() == pytest.approx(spread, rel=1e-12)
    assert positions.flow is not None
    unknown = [size for key, size, *_ in signed if key not in listed]
    assert positions.flow.dropped == {"unknown_contract": (len(unknown), sum(unknown))}
    assert {key[2] for key, *_ in signed if key not in listed} == {"20151224"}  # settled
    result = gex.analyze(chain, positions)
    assert result.exposures.gamma.gross > 0
    assert result.manifest["flow"]["used"] == 958 - len(unknown)
