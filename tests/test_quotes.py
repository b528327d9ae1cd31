"""The quote before a trade: against a search one by one, and never from the future."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from gexcore.errors import InputError
from gexcore.quotes import previous_quotes
from hypothesis import given, settings
from hypothesis import strategies as st

NAN = float("nan")
PRICE = st.one_of(st.integers(1, 9).map(float), st.just(NAN))
CONTRACT = st.integers(0, 2)
QUOTES = st.lists(st.tuples(st.integers(0, 12), PRICE, PRICE, CONTRACT), max_size=25)
TRADES = st.lists(st.tuples(st.integers(0, 12), CONTRACT), max_size=12)


def one_by_one(
    trade: tuple[int, int], quotes: list[Any], side: int, strict: bool, carry: bool, limit: Any
) -> tuple[float, int]:
    """Price and row of one side of the quote before a trade; rows of one stamp in their order."""
    when, contract = trade
    earlier = [
        (quote[0], row)
        for row, quote in enumerate(quotes)
        if quote[3] == contract and (quote[0] < when if strict else quote[0] <= when)
        if not carry or quote[side] == quote[side]
    ]
    if not earlier:
        return NAN, -1
    stamp, row = max(earlier)
    price = quotes[row][side]
    if price != price or (limit is not None and when - stamp > limit):
        return NAN, -1
    return price, row


@settings(max_examples=300, deadline=None)
@given(
    quotes=QUOTES, trades=TRADES, strict=st.booleans(), carry=st.booleans(),
    limit=st.one_of(st.none(), st.integers(1, 6)),
)  # fmt: skip
def test_every_trade_has_the_quote_that_a_search_finds(
    quotes: list[Any], trades: list[Any], strict: bool, carry: bool, limit: Any
) -> None:
    stamp, bid, ask, series = ([quote[i] for quote in quotes] for i in range(4))
    when, contract = ([trade[i] for trade in trades] for i in range(2))
    found = previous_quotes(
        np.array(when, np.int64), np.array(stamp, np.int64), bid, ask,
        trade_contract=np.array(contract, np.int64), quote_contract=np.array(series, np.int64),
        max_age=limit, strict=strict, carry_sides=carry,
    )  # fmt: skip
    for side, price, row in ((1, found.bid, found.bid_row), (2, found.ask, found.ask_row)):
        expected = [one_by_one(trade, quotes, side, strict, carry, limit) for trade in trades]
        np.testing.assert_array_equal(price, [p for p, _ in expected])
        assert row.tolist() == [r for _, r in expected]
    counts = found.counts
    assert counts["two_sided"] + counts["one_sided"] + counts["none"] == len(trades)
    first = {c: min((q[0] for q in quotes if q[3] == c), default=99) for c in range(3)}
    early = [t <= first[c] if strict else t < first[c] for t, c in trades]
    assert counts["no_earlier"] == sum(early)


def test_bars_do_not_look_ahead() -> None:
    minutes = np.array(["2015-12-24T09:30", "2015-12-24T09:31", "2015-12-24T09:32"], "M8[m]")
    found = previous_quotes(minutes, minutes, [1.0, 2.0, 3.0], [1.1, 2.1, 3.1])
    np.testing.assert_array_equal(found.bid, [NAN, 1.0, 2.0])
    same = previous_quotes(minutes, minutes, [1.0, 2.0, 3.0], [1.1, 2.1, 3.1], strict=False)
    np.testing.assert_array_equal(same.bid, [1.0, 2.0, 3.0])
    assert found.counts["no_earlier"] == 1


def test_old_quotes_do_not_count() -> None:
    stamp = np.array(["2015-12-24T09:30"], "M8[ms]")
    when = np.array(["2015-12-24T09:31", "2015-12-24T09:40", "NaT"], "M8[s]")
    for limit in (np.timedelta64(5, "m"), timedelta(minutes=5)):
        found = previous_quotes(when, stamp, [1.0], [1.1], max_age=limit)
        np.testing.assert_array_equal(found.ask, [1.1, NAN, NAN])
        assert found.counts == {
            "two_sided": 1, "one_sided": 0, "none": 2, "no_earlier": 1, "too_old": 1
        }  # fmt: skip


def test_carried_sides_grow_old_one_by_one() -> None:
    arguments = ([10], [0, 8], [1.0, NAN], [1.1, 1.2])
    found = previous_quotes(*arguments, carry_sides=True, max_age=5)
    assert (found.ask_row.tolist(), found.bid_row.tolist()) == ([1], [-1])
    assert found.counts["one_sided"] == 1
    assert previous_quotes(*arguments, carry_sides=True).bid.tolist() == [1.0]


def test_contracts_may_be_named() -> None:
    found = previous_quotes(
        [5, 5], [1, 2], [1.0, 2.0], [1.1, 2.1],
        trade_contract=["XYZ C100", "XYZ P100"], quote_contract=["XYZ P100", "XYZ C100"],
    )  # fmt: skip
    assert found.bid.tolist() == [2.0, 1.0]


def test_nanoseconds_are_kept_apart() -> None:
    # float64 holds times since 1970 to 256 ns
    stamp = np.array([1_700_000_000_000_000_001], np.int64)
    when = stamp + np.array([0, 1])
    assert previous_quotes(when, stamp, [1.0], [1.1]).bid_row.tolist() == [-1, 0]


DAY = np.array(["2015-12-24"], "M8[D]")
BAD = [
    (([1], DAY, [1.0], [1.0]), {}, "quote_time: is datetime64.*but trade_time"),
    ((["noon"], [1], [1.0], [1.0]), {}, "trade_time: is <U4"),
    (([[1]], [1], [1.0], [1.0]), {}, "trade_time: .* 2 dimensions"),
    (([1], [1], [1.0, 2.0], [1.0]), {}, "bid: 2 rows, but quote_time has 1"),
    (([1], [1], [1.0], ["1"]), {}, "ask: is <U1"),
    (([1], [1], [1.0], [1.0]), {"max_age": 0}, "max_age: is 0"),
    (([1], [1], [1.0], [1.0]), {"max_age": NAN}, "max_age: is nan"),
    (([1], [1], [1.0], [1.0]), {"max_age": "1"}, "max_age: is '1'"),
    ((DAY, DAY, [1.0], [1.0]), {"max_age": 60}, "max_age: is 60.*timedelta"),
    ((DAY, DAY, [1.0], [1.0]), {"max_age": np.timedelta64("NaT")}, "max_age"),
    ((DAY, DAY, [1.0], [1.0]), {"max_age": timedelta(0)}, "max_age"),
    (([1], [1], [1.0], [1.0]), {"trade_contract": [1]}, "go together"),
    (([1], [1], [1.0], [1.0]), {"trade_contract": [1, 2], "quote_contract": [1]}, "2 rows"),
]


@pytest.mark.parametrize(("arguments", "options", "message"), BAD)
def test_bad_arguments_are_refused(arguments: Any, options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        previous_quotes(*arguments, **options)


def test_results_read_well_and_cannot_be_changed() -> None:
    found = previous_quotes([1, 2], [1], [1.0], [1.1])
    assert repr(found) == "<PreviousQuotes 1 of 2 trades quoted>"
    assert str(found) == "2 trades: 1 two sided, 0 one sided, 1 none, 1 no earlier, 0 too old"
    assert found.to_frame()["ask_row"].tolist() == [-1, 0]
    assert found.to_dict()["trades"] == 2
    with pytest.raises(ValueError, match="read-only"):
        found.bid[0] = 0.0
