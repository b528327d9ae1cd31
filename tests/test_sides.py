"""Sides of trades: every rule against a plain one in whole cents, and every kind of tie by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from gexcore import _core
from gexcore.errors import ConventionError, InputError
from gexcore.sides import DECISIONS, PUBLISHED_ACCURACY, QUOTE_STATES, RULES, Sides, classify
from hypothesis import example, given, settings
from hypothesis import strategies as st

NAN = float("nan")


def words(found: Sides) -> list[tuple[int, str, str]]:
    return [
        (int(s), DECISIONS[d], QUOTE_STATES[q])
        for s, d, q in zip(found.side, found.decision, found.quote, strict=True)
    ]


# The rules as the papers say them, in exact arithmetic, one trade at a time.


def state(bid: Any, ask: Any) -> str:
    if ask in (None, 0):
        return "no_quote" if bid in (None, 0) else "one_sided"
    if bid is None:
        return "one_sided"
    if bid < 0 or ask < 0:
        return "negative"
    return "crossed" if bid > ask else "locked" if bid == ask else "two_sided"


def from_quote(rule: str, price: int, bid: int, ask: int) -> int:
    if rule in ("quote", "lee_ready"):
        mid = Fraction(bid + ask, 2)
        return 1 if price > mid else -1 if price < mid else 0
    if bid == ask and rule in ("emo", "clnv"):
        return 0
    if rule == "emo":
        return 1 if price == ask else -1 if price == bid else 0
    reach = Fraction(3, 10) * (ask - bid)
    if ask - reach <= price <= ask:
        return 1
    return -1 if bid <= price <= bid + reach else 0


def plain_rule(rule: str, trades: list[tuple[Any, Any, Any, int]]) -> list[tuple[int, str, str]]:
    history: dict[int, list[int]] = {}
    found = []
    for price, bid, ask, contract in trades:
        quote = state(bid, ask)
        if price is None or price <= 0:
            found.append((0, "no_price", quote))
            continue
        side = 0
        if rule != "tick" and quote in ("two_sided", "locked"):
            side = from_quote(rule, price, bid, ask)
        decision = "quote" if side else "undecided"
        before = history.setdefault(contract, [])
        different = [old for old in before if old != price]
        if side == 0 and rule != "quote" and different:
            # the last price that differs from this one, whatever lies between is equal to it
            run = len(before)
            while run and before[run - 1] == price:
                run -= 1
            side = 1 if price > before[run - 1] else -1
            decision = "tick" if run == len(before) else "zero_tick"
        before.append(price)
        found.append((side, decision, quote))
    return found


CENTS = st.one_of(st.integers(-3, 30), st.none())
TAPES = st.lists(st.tuples(CENTS, CENTS, CENTS, st.integers(0, 3)), max_size=40)


def columns(tape: list[tuple[Any, Any, Any, int]]) -> list[Any]:
    """Prices of a tape, in cents, as floats; what is None becomes NaN."""
    cents = list(zip(*tape, strict=True)) if tape else [(), (), (), ()]
    prices = [np.array([NAN if x is None else x / 100 for x in column]) for column in cents[:3]]
    return [*prices, np.array(cents[3], dtype=np.int64)]


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=150, deadline=None)
@given(tape=TAPES)
@example(tape=[(8, 7, 9, 0)])  # (.07 + .09) / 2 is not .08 in floats
@example(tape=[(10, 0, 100, 0), (70, 0, 100, 0), (30, 0, 100, 0), (71, 0, 100, 0)])
def test_rules_agree_with_exact_ones(rule: str, tape: list[tuple[Any, Any, Any, int]]) -> None:
    price, bid, ask, contract = columns(tape)
    assert words(classify(price, bid, ask, rule=rule, contract=contract)) == plain_rule(rule, tape)


@pytest.mark.parametrize("rule", RULES)
def test_a_long_tape_agrees_too(rule: str) -> None:
    # longer than the pieces between which the core looks at Ctrl-C
    rng = np.random.default_rng(5)
    cents = rng.integers(100, 140, (150_000, 3))
    cents[:, 2] = cents[:, 1] + rng.integers(-1, 12, len(cents))
    contract = rng.integers(0, 50, len(cents))
    tape = list(zip(*cents.T.tolist(), contract.tolist(), strict=True))
    short = tape[:3000] + tape[64_000:68_000]
    price, bid, ask, codes = columns(short)
    assert words(classify(price, bid, ask, rule=rule, contract=codes)) == plain_rule(rule, short)
    # the whole tape, contract by contract: interleaving changes nothing
    price, bid, ask, codes = columns(tape)
    whole = classify(price, bid, ask, rule=rule, contract=codes)
    for each in (0, 17, 49):
        rows = np.flatnonzero(codes == each)
        alone = classify(price[rows], bid[rows], ask[rows], rule=rule)
        assert words(alone) == [words_at(whole, row) for row in rows]


def words_at(found: Sides, row: int) -> tuple[int, str, str]:
    return (
        int(found.side[row]), DECISIONS[found.decision[row]], QUOTE_STATES[found.quote[row]]
    )  # fmt: skip


# price, bid, ask -> what quote, tick, lee_ready, emo and clnv say: bought, sold or unknown, by
# quote, tick, zero tick, undecided or no price. Trades at 1.00 and 1.05 go before.
SIGNS = {"+": 1, "-": -1, "?": 0}
WORDS = {name[0]: name for name in DECISIONS[:5]}
TIES = [
    ("at the ask", (1.10, 1.00, 1.10), "+q +t +q +q +q"),
    ("at the bid", (1.00, 1.00, 1.10), "-q -t -q -q -q"),
    ("at the mid", (1.06, 1.02, 1.10), "?u +t +t +t +t"),
    ("at the mid, no change", (1.05, 1.00, 1.10), "?u +z +z +z +z"),
    ("30% below the ask", (1.07, 1.00, 1.10), "+q +t +q +t +q"),
    ("30% above the bid", (1.03, 1.00, 1.10), "-q -t -q -t -q"),
    ("31% below the ask", (1.69, 1.00, 2.00), "+q +t +q +t +t"),
    ("above the ask", (1.20, 1.12, 1.18), "+q +t +q +t +t"),
    ("below the bid, yet up", (1.06, 1.12, 1.18), "-q +t -q +t +t"),
    ("locked, at it", (1.10, 1.10, 1.10), "?u +t +t +t +t"),
    ("locked, below it", (1.06, 1.10, 1.10), "-q +t -q +t +t"),
    ("crossed", (1.10, 1.20, 1.10), "?u +t +t +t +t"),
    ("negative bid", (1.10, -0.10, 1.10), "?u +t +t +t +t"),
    ("no bid", (1.10, NAN, 1.10), "?u +t +t +t +t"),
    ("no ask", (1.00, 1.00, NAN), "?u -t -t -t -t"),
    ("infinite ask", (1.00, 1.00, np.inf), "?u -t -t -t -t"),
    ("nobody bids", (0.05, 0.00, 0.05), "+q -t +q +q +q"),
    ("no quote yet", (1.06, NAN, NAN), "?u +t +t +t +t"),
    ("zeros for no quote", (1.06, 0.0, 0.0), "?u +t +t +t +t"),
    ("no price", (NAN, 1.00, 1.10), "?n ?n ?n ?n ?n"),
    ("price zero", (0.0, 1.00, 1.10), "?n ?n ?n ?n ?n"),
    ("price negative", (-1.0, 1.00, 1.10), "?n ?n ?n ?n ?n"),
    ("price infinite", (np.inf, 1.00, 1.10), "?n ?n ?n ?n ?n"),
]  # fmt: skip
STATES = {
    "locked, at it": "locked", "locked, below it": "locked", "crossed": "crossed",
    "negative bid": "negative", "no bid": "one_sided", "no ask": "one_sided",
    "infinite ask": "one_sided", "no quote yet": "no_quote", "zeros for no quote": "no_quote",
}  # fmt: skip


@pytest.mark.parametrize("name, trade, expected", TIES, ids=[tie[0] for tie in TIES])
def test_ties(name: str, trade: tuple[float, ...], expected: str) -> None:
    price, bid, ask = np.array([(1.00, NAN, NAN), (1.05, NAN, NAN), trade]).T
    for rule, (sign, letter) in zip(RULES, expected.split(), strict=True):
        last = words(classify(price, bid, ask, rule=rule))[-1]
        assert last == (SIGNS[sign], WORDS[letter], STATES.get(name, "two_sided")), rule


def test_a_row_without_price_is_no_last_price() -> None:
    price = [1.00, 1.10, NAN, 0.0, -2.0, 1.10, 1.05]
    found = words(classify(price, rule="tick"))
    assert [side for side, *_ in found] == [0, 1, 0, 0, 0, 1, -1]
    assert [decision for _, decision, _ in found][5:] == ["zero_tick", "tick"]
    # a trade signed by its quote counts as a last price all the same
    both = classify([1.00, 1.10, 1.08], [NAN, 1.00, NAN], [NAN, 1.10, NAN])
    assert words(both)[2] == (-1, "tick", "no_quote")


def test_before_the_first_change_nothing_is_known() -> None:
    found = classify([1.0, 1.0, 1.0, 1.1], rule="tick", contract=[0, 0, 1, 0])
    assert found.side.tolist() == [0, 0, 0, 1]
    assert found.counts["decision"] == {
        "quote": 0, "tick": 1, "zero_tick": 0, "undecided": 3, "no_price": 0, "given": 0
    }  # fmt: skip


def test_prices_a_rounding_apart_are_equal() -> None:
    price = [0.1 + 0.2, 0.3, 0.3 + 1e-8]
    assert classify(price, rule="tick").side.tolist() == [0, 0, 1]
    assert classify([0.3], [0.1 + 0.2], [0.6], rule="emo").side.tolist() == [-1]


@pytest.mark.parametrize(
    "contract",
    [
        ["b", "a", "b", "a"],
        np.array(["b", "a", "b", "a"], dtype=object),
        np.array([9_000_000_000, -4, 9_000_000_000, -4]),
        np.array(["2024-01-05", "2024-01-12"] * 2, dtype="datetime64[D]"),
        np.array([True, False, True, False]),
        np.array([3, 1, 3, 1], dtype=np.uint8),
    ],
)
def test_contracts_are_named_in_any_way(contract: Any) -> None:
    found = classify([1.0, 5.0, 1.1, 4.9], rule="tick", contract=contract)
    assert found.side.tolist() == [0, 0, 1, -1]


def test_no_trades() -> None:
    found = classify([], [], [], contract=[])
    assert len(found) == 0
    assert found.counts["side"] == {"buy": 0, "sell": 0, "unknown": 0}
    assert found.accuracy_against([]) is None


BAD = [
    ({"price": [1.0], "rule": "guess"}, ConventionError, "no 'guess'.*Hint: rules: quote, tick"),
    ({"price": [1.0]}, ConventionError, "'lee_ready' needs bid and ask"),
    ({"price": [1.0], "bid": 1.0, "rule": "emo"}, ConventionError, "'emo' needs ask"),
    ({"price": 1.0, "rule": "tick"}, InputError, "price: is a single number"),
    ({"price": [1.0], "bid": [1.0, 2.0], "ask": 1}, InputError, "bid: 2 rows, but price has 1"),
    ({"price": ["1"], "rule": "tick"}, InputError, "price: is <U1, not numbers"),
    ({"price": np.ma.array([1.0], mask=[True]), "rule": "tick"}, InputError, "masked"),
    ({"price": [1.0], "contract": [0, 1], "rule": "tick"}, InputError, "contract: 2 rows"),
    ({"price": [1.0], "contract": [0.5], "rule": "tick"}, InputError, "contract: is float64"),
    ({"price": [1.0], "contract": 3, "rule": "tick"}, InputError, "contract: .* 0 dimensions"),
]


@pytest.mark.parametrize(("arguments", "kind", "message"), BAD)
def test_bad_arguments_are_refused(arguments: Any, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        classify(**arguments)


def test_the_core_checks_its_codes() -> None:
    def run(codes: Any, count: int = 2, rule: int = 1) -> Any:
        return _core.classify_trades(np.ones(2), NAN, NAN, codes, count, rule)

    run(np.array([0, 1], np.int32))
    for codes in ([0, 2], [-1, 0]):
        with pytest.raises(InputError, match=r"contract: row . has"):
            run(np.array(codes, np.int32))
    for wrong in (np.array([0, 1]), np.array([0], np.int32), [0, 1]):
        with pytest.raises(InputError, match="contract: "):
            run(wrong)
    with pytest.raises(InputError, match="number of series"):
        run(np.array([0, 1], np.int32), -1)
    with pytest.raises(InputError, match="rule"):
        run(None, 1, 5)


def test_results_read_well_and_cannot_be_changed() -> None:
    found = classify([1.10, 1.00, 1.05, 0.0], bid=1.00, ask=1.10)
    assert repr(found) == "<Sides lee_ready: 2 buys, 1 sells of 4>"
    assert found.to_dict()["side"] == {"buy": 2, "sell": 1, "unknown": 1}
    assert found.to_frame()["decision"].tolist() == ["quote", "quote", "tick", "no_price"]
    assert "two sided" in str(found)
    with pytest.raises(ValueError, match="read-only"):
        found.side[0] = 0


def test_accuracy_is_of_the_classified_alone() -> None:
    found = classify([1.10, 1.00, 1.05, 1.10], bid=1.00, ask=1.10, rule="quote")
    assert found.side.tolist() == [1, -1, 0, 1]
    assert found.accuracy_against([1, 1, 1, 0]) == 0.5
    assert found.accuracy_against([1, -1, -1, NAN]) == 1.0
    assert found.accuracy_against([0, 0, 1, 0]) is None
    with pytest.raises(InputError, match="row 1 has 2"):
        found.accuracy_against([1, 2, 1, 0])


def test_published_accuracies_are_of_rules() -> None:
    assert set(PUBLISHED_ACCURACY) == set(RULES) - {"clnv"}
