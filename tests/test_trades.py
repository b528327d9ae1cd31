"""Trades as columns: what makes a row unusable, time order, and the contract each belongs to."""

from __future__ import annotations

from typing import Any

import gexcore as gex
import numpy as np
import pandas as pd
import pytest
from gexcore.errors import ConventionError, InputError
from gexcore.quotes import previous_quotes
from gexcore.sides import DECISIONS
from gexcore.trades import REASONS, Trades

NAN = float("nan")


def made(**changes: Any) -> Trades:
    fields: dict[str, Any] = {
        "root": "XYZ", "expiry": ["2024-01-05", "2024-01-05", "2024-01-12"],
        "strike": [95.0, 105.0, 95.0], "option_type": ["P", "C", "C"],
        "price": [1.1, 1.0, 7.5], "size": [5, 2, 1],
    }  # fmt: skip
    return Trades.from_arrays(**{**fields, **changes})


def chain(**changes: Any) -> gex.Chain:
    fields: dict[str, Any] = {
        "spot": 100.0, "strike": [95.0, 95.0, 105.0, 105.0, 95.0],
        "is_call": [True, False, True, True, True], "root": ["XYZ", "XYZ", "XYZ", "ABC", "XYZ"],
        "expiry": ["2024-01-12", "2024-01-05", "2024-01-05", "2024-01-05", "2024-01-12"],
        "as_of": "2024-01-04T16:00-05:00", "implied_vol": 0.2, "open_interest": 1,
    }  # fmt: skip
    return gex.Chain.from_arrays(**{**fields, **changes})


UNUSABLE = [
    ({"strike": [NAN, 105.0, 0.0]}, ["bad_contract", "used", "bad_contract"]),
    ({"strike": [-5.0, np.inf, 3e9]}, ["bad_contract"] * 3),
    ({"option_type": ["X", "put", ""]}, ["bad_contract", "used", "bad_contract"]),
    ({"expiry": ["2024-01-05", None, "2024-01-12"]}, ["used", "bad_contract", "used"]),
    ({"root": ["XYZ", " ", None]}, ["used", "bad_contract", "bad_contract"]),
    ({"size": [0, -1, NAN]}, ["bad_size"] * 3),
    ({"size": [np.inf, 1, 1]}, ["bad_size", "used", "used"]),
    ({"price": [0.0, -1.0, NAN]}, ["bad_price"] * 3),
    ({"price": [0.0, 1.0, 1.0], "size": [NAN, 1, 1]}, ["bad_size", "used", "used"]),
    ({"time": ["2024-01-04T15:00Z", None, ""]}, ["used", "bad_time", "bad_time"]),
    ({"bid": [NAN, -1.0, 9.0], "ask": 1.2}, ["used"] * 3),  # says classify
]


@pytest.mark.parametrize(("changes", "expected"), UNUSABLE)
def test_rows_that_cannot_be_used_are_kept_and_counted(changes: Any, expected: list[str]) -> None:
    trades = made(**changes)
    assert trades.columns()["status"].tolist() == expected
    assert trades.usable.tolist() == [word == "used" for word in expected]
    counts = dict.fromkeys([word for word in expected if word != "used"], 0)
    assert trades.counts == {
        "read": 3, **{name: expected.count(name) for name in counts}, "used": expected.count("used")
    }  # fmt: skip


BAD = [
    ({"price": 1.0}, "price: one-dimensional array needed"),
    ({"price": ["1"] * 3}, "price: is <U1"),
    ({"size": [1, 2]}, "size: 2 rows, but price has 3"),
    ({"option_type": ["C"]}, "option_type: 1 rows, but price has 3"),
    ({"time": np.array(["2024-01-04"] * 3, "M8[s]")}, "time: has no zone"),
    ({"is_complex": [1, 0, 1]}, "is_complex: is int64, not boolean"),
    ({"true_side": [1, 3, 0]}, "true_side: row 1 has 3"),
    ({"expiry": [20240105] * 3}, "expiry has type int64"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_bad_arguments_are_refused(changes: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        made(**changes)


def test_frames_bring_columns_by_name() -> None:
    df = pd.DataFrame({
        "K": [95.0, 105.0], "right": ["put", "call"], "qty": pd.array([5, None], dtype="Int64"),
        "price": [1.0, 2.0], "venue": ["A", "B"],
        "when": pd.to_datetime(["2024-01-04 10:00", "2024-01-04 11:00"]),
    })  # fmt: skip
    names = {"K": "strike", "right": "option_type", "qty": "size", "when": "time"}
    trades = Trades.from_frame(df, columns=names, zone="America/New_York", root="XYZ")
    assert trades.is_call.tolist() == [False, True]
    assert trades.counts == {"read": 2, "bad_size": 1, "used": 1}
    assert trades.time is not None
    assert trades.time[0] == np.datetime64("2024-01-04T15:00", "ns")
    assert trades.to_frame()["root"].tolist() == ["XYZ", "XYZ"]
    aware = df.assign(when=df["when"].dt.tz_localize("UTC"))
    found = Trades.from_frame(aware, columns=names).time
    assert found is not None
    assert found[0] == np.datetime64("2024-01-04T10:00", "ns")
    assert trades.source["vendor"] == "data frame"


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        ({"k": "strike"}, {}, "no 'k'.*there are K"),
        ({"K": "strikes"}, {}, "no 'strikes'.*there are root, expiry"),
        ({}, {}, "strike, option_type: missing"),
        ({"K": "strike"}, {"option_type": "C", "price": 1.0}, "price: is given twice"),
        ({"K": "price"}, {"option_type": "C"}, "price: is given twice"),
    ],
)
def test_frames_say_what_is_missing(names: Any, options: Any, message: str) -> None:
    df = pd.DataFrame({"K": [95.0], "price": [1.0], "size": [1]})
    with pytest.raises(InputError, match=message):
        Trades.from_frame(df, columns=names, **options)


def test_contracts_are_found_in_the_chain() -> None:
    assert made().rows_in(chain()).tolist() == [1, 2, 0]  # of a contract listed twice, the first
    assert made(root="ABC").rows_in(chain()).tolist() == [-1, 3, -1]
    assert made(strike=[95.0004, 105.0006, 95.0]).rows_in(chain()).tolist() == [1, -1, 0]
    assert made(option_type=["C", "X", "C"]).rows_in(chain()).tolist() == [-1, -1, 0]
    rootless = chain(root=None)
    assert made(root="whatever").rows_in(rootless).tolist() == [1, 2, 0]
    undated = chain(root=None, expiry=None, as_of=None, time_to_expiry=0.1)
    assert made(root=None, expiry=None).rows_in(undated).tolist() == [1, 2, 0]
    nothing = chain().filter(np.zeros(5, bool))
    assert made().rows_in(nothing).tolist() == [-1, -1, -1]
    for lacking in ({"root": None}, {"expiry": None}):
        with pytest.raises(InputError, match=f"trades: no {next(iter(lacking))}"):
            made(**lacking).rows_in(chain())


def test_contracts_have_keys_of_their_own() -> None:
    keys = [made(root=root).keys() for root in ("XYZ", ["XYZ", "ABC", "XYZ"], "A" * 12)]
    assert all(len(set(key.tolist())) == 3 for key in keys)
    trades = made(strike=[95.0, 95.0, NAN], option_type="C", expiry="2024-01-05")
    assert trades.keys()[0] == trades.keys()[1] >= 0
    assert trades.keys()[2] == -1
    many = [f"R{i}" for i in range(20_000)]
    with pytest.raises(InputError, match="20000 different roots"):
        Trades.from_arrays(
            root=many, strike=1.0, option_type="C", price=[1.0] * 20_000, size=1
        ).keys()


def test_trades_are_signed_in_time_order_contract_by_contract() -> None:
    trades = Trades.from_arrays(
        strike=[95.0, 95.0, 100.0, 95.0, 95.0], option_type="C", size=[1, 1, 1, 1, NAN],
        price=[1.2, 1.0, 9.0, 1.1, 5.0], zone="UTC",
        time=np.array(["2024-01-04T10:03", "2024-01-04T10:01", "2024-01-04T10:01",
                       "2024-01-04T10:02", "2024-01-04T10:02"], "M8[m]"),
    )  # fmt: skip
    found = trades.classify("tick")
    assert found.side.tolist() == [1, 0, 0, 1, 0]  # 1.0, 1.1, 1.2 in time
    assert DECISIONS[found.decision[4]] == "no_price"  # an unusable row
    with pytest.raises(ConventionError, match="needs bid and ask"):
        trades.classify()
    with pytest.raises(ConventionError, match=r"no 'tock'.*given"):
        trades.classify("tock")


def test_given_sides_are_taken() -> None:
    trades = made(true_side=[-1, NAN, 1], price=[1.0, 1.0, 0.0])
    found = trades.classify("given")
    assert found.side.tolist() == [-1, 0, 0]
    assert [DECISIONS[code] for code in found.decision] == ["given", "undecided", "no_price"]
    with pytest.raises(InputError, match="no true_side"):
        made().classify("given")


def test_quotes_are_joined() -> None:
    quotes = previous_quotes([1, 2, 3], [0, 2], [1.0, 1.1], [1.2, 1.3])
    trades = made().with_quotes(quotes)
    assert trades.bid is not None
    assert trades.bid.tolist() == [1.0, 1.0, 1.1]
    with pytest.raises(InputError, match="2 rows for 3 trades"):
        made().with_quotes(previous_quotes([1, 2], [0], [1.0], [1.1]))


def test_trades_read_well_and_cannot_be_changed() -> None:
    given = np.array([1.1, 1.0, 7.5])
    trades = made(price=given, size=[5, 2, -1], source={"vendor": "mine"})
    given[0] = 9.0
    assert trades.price[0] == 1.1
    assert repr(trades) == "<Trades: 3 trades, 2 used>"
    assert str(trades).startswith("3 trades, 7 contracts in those used; unusable: 0 bad contract")
    assert trades.to_dict() == {
        "read": 3, "bad_size": 1, "used": 2, "source": {"vendor": "mine"}
    }  # fmt: skip
    names = ["root", "expiry", "strike", "option_type", "price", "size", "status"]
    assert list(trades.to_frame()) == names
    for name in ("strike", "price", "status", "root", "expiry"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(trades, name)[0] = 0
    with pytest.raises(TypeError):
        trades.source["vendor"] = "yours"  # type: ignore[index]
    assert len(made(price=[], size=[], strike=1.0, option_type="C", expiry=[])) == 0
    assert set(REASONS) >= {"bad_contract", "bad_time", "bad_size", "bad_price"}
