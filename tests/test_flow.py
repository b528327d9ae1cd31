"""Dealer positions from trades: sums by hand, bands by simulation, trades left out and why."""

from __future__ import annotations

from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.errors import ConventionError, InputError
from gexcore.positions import Positions, from_trades
from gexcore.sides import RULES
from gexcore.trades import Trades
from hypothesis import given, settings
from hypothesis import strategies as st

NAN = float("nan")
STRIKES = np.array([90.0, 95.0, 100.0, 105.0, 110.0])


def chain(as_of: bool = True, **changes: Any) -> gex.Chain:
    """Five strikes, calls and then puts."""
    when = {"expiry": "2024-01-12", "as_of": "2024-01-05T16:00-05:00"}
    fields: dict[str, Any] = {
        "spot": 100.0, "strike": np.tile(STRIKES, 2), "is_call": np.repeat([True, False], 5),
        "implied_vol": 0.2, "open_interest": 1000, **(when if as_of else {"time_to_expiry": 0.1}),
    }  # fmt: skip
    return gex.Chain.from_arrays(**{**fields, **changes})


def tape(rows: list[tuple[Any, ...]], **columns: Any) -> Trades:
    """Trades of (strike, type, side, size) at the ask, the bid, or the mid of 1.00 by 1.10."""
    strike, option_type, side, size = (list(column) for column in zip(*rows, strict=True))
    price = 1.05 + 0.05 * np.array(side, float)
    fields = {"expiry": "2024-01-12", "bid": 1.0, "ask": 1.1, **columns}
    return Trades.from_arrays(
        strike=strike, option_type=option_type, price=price, size=size, **fields
    )


FOUR = [(100.0, "C", 1, 30), (100.0, "C", -1, 10), (95.0, "P", -1, 5), (95.0, "P", 0, 4)]


def held(positions: Positions) -> dict[tuple[float, str], float]:
    """Contracts of those that are not 0."""
    chain, q = positions.chain, positions.contracts
    return {
        (float(chain.strike[i]), str(chain["option_type"][i])): float(q[i])
        for i in np.flatnonzero(q)
    }


def test_dealers_take_the_other_side() -> None:
    positions = from_trades(chain(), tape(FOUR), "quote")
    assert held(positions) == {(100.0, "C"): -20.0, (95.0, "P"): 5.0}
    assert (positions.rule, positions.size, positions.deviation) == ("flow", "contracts", None)
    flow = positions.flow
    assert flow is not None
    assert (flow.bought[2], flow.sold[2], flow.unknown[2]) == (30.0, 10.0, 0.0)
    assert (flow.bought[6], flow.sold[6], flow.unknown[6]) == (0.0, 5.0, 4.0)
    assert flow.sides["side"] == {"buy": 1, "sell": 2, "unknown": 1}
    assert positions.manifest["flow"]["estimate"] == "observed"
    assert not np.signbit(positions.contracts[positions.contracts == 0]).any()


def test_the_band_is_that_of_the_definitions() -> None:
    # per trade: mean (2p-1) v, variance 4p(1-p) v^2; a trade of unknown side is size^2
    mean = from_trades(chain(), tape(FOUR), "quote", 0.9)
    assert mean.deviation is not None
    assert mean.contracts[[2, 6]] == pytest.approx([-0.8 * 20, 0.8 * 5], rel=1e-14)
    variance = [0.36 * (30**2 + 10**2), 0.36 * 5**2 + 4**2]
    assert mean.deviation[[2, 6]] == pytest.approx(np.sqrt(variance), rel=1e-14)
    assert not mean.deviation[[0, 1, 3, 4, 5, 7, 8, 9]].any()
    total = from_trades(chain(), tape(FOUR), "quote", 0.9, estimate="unbiased")
    assert total.deviation is not None
    assert total.contracts[[2, 6]] == pytest.approx([-20 / 0.8, 5 / 0.8], rel=1e-14)
    variance = [0.5625 * (30**2 + 10**2), 0.5625 * 5**2 + 4**2]
    assert total.deviation[[2, 6]] == pytest.approx(np.sqrt(variance), rel=1e-14)
    block = from_trades(chain(), tape(FOUR), "quote", 0.9, errors="contract")
    assert block.deviation is not None
    np.testing.assert_array_equal(block.contracts, mean.contracts)
    assert block.deviation[[2, 6]] == pytest.approx([0.6 * 20, (0.36 * 25 + 16) ** 0.5], rel=1e-14)


def test_certain_sides_have_no_band_and_coins_no_mean() -> None:
    sure = from_trades(chain(), tape(FOUR[:3]), "quote", 1.0)
    assert sure.deviation is not None
    assert held(sure) == held(from_trades(chain(), tape(FOUR), "quote"))
    assert not sure.deviation.any()
    coin = from_trades(chain(), tape(FOUR), "quote", 0.5)
    assert coin.deviation is not None
    assert not coin.contracts.any()
    assert coin.deviation[2] == pytest.approx(np.hypot(30, 10))


def test_published_accuracies_by_rule() -> None:
    for rule, p in (("quote", 0.83), ("lee_ready", 0.80), ("emo", 0.77), ("tick", 0.59)):
        found = from_trades(chain(), tape(FOUR), rule, "published")
        same = from_trades(chain(), tape(FOUR), rule, p)
        np.testing.assert_array_equal(found.contracts, same.contracts)
        np.testing.assert_array_equal(found.deviation, same.deviation)
        assert found.manifest["flow"]["accuracy"] == p
    for rule in ("clnv", "given"):
        with pytest.raises(ConventionError, match=f"none is published for rule '{rule}'"):
            from_trades(chain(), tape(FOUR, true_side=1), rule, "published")


def test_each_trade_may_have_its_own_accuracy() -> None:
    found = from_trades(chain(), tape(FOUR), "quote", [1.0, 0.5, 0.75, 0.9])
    assert found.deviation is not None
    assert found.contracts[[2, 6]] == pytest.approx([-30.0, 2.5])
    assert found.deviation[[2, 6]] == pytest.approx([10.0, np.sqrt(0.75 * 25 + 16)])
    assert found.manifest["flow"]["accuracy"] == "per trade"


BOOKS, TRADED = 200, 3000


def book(rng: np.random.Generator, buyers: float, right: float, together: bool = False) -> Any:
    """Trades with known sides, printed at the ask or bid that a rule gets right this often."""
    at = rng.integers(0, 10, TRADED)
    truth = np.where(rng.random(TRADED) < buyers, 1, -1)
    luck = rng.random(10)[at] if together else rng.random(TRADED)
    seen = np.where(luck < right, truth, -truth)
    size = np.ceil(rng.lognormal(1.0, 1.2, TRADED))
    trades = Trades.from_arrays(
        strike=np.tile(STRIKES, 2)[at], option_type=np.where(at < 5, "C", "P"),
        expiry="2024-01-12", price=1.05 + 0.05 * seen, size=size, bid=1.0, ask=1.1, true_side=truth,
    )  # fmt: skip
    return trades, -np.bincount(at, truth * size, minlength=10)


def scores(buyers: float, right: float, together: bool = False, **how: Any) -> Any:
    """(true - recovered) / deviation of every contract of every book."""
    rng = np.random.default_rng(20240105)
    found = []
    for _ in range(BOOKS):
        trades, q = book(rng, buyers, right, together)
        positions = from_trades(chain(), trades, "quote", right, **how)
        found.append((q - positions.contracts) / positions.deviation)
    return np.concatenate(found)


@pytest.mark.parametrize("right", [0.6, 0.8, 0.95])
@pytest.mark.parametrize("estimate", ["mean", "unbiased"])
def test_the_band_holds_what_it_should(right: float, estimate: str) -> None:
    z = scores(0.5, right, estimate=estimate)
    # 2,000 contracts of some 300 trades: normal, to the accuracy of 2,000 draws
    assert (np.abs(z) <= 2).mean() == pytest.approx(0.9545, abs=0.016)
    assert z.mean() == pytest.approx(0.0, abs=0.08)
    assert z.std() == pytest.approx(1.0, abs=0.06)


def test_only_the_unbiased_total_forgives_a_wrong_prior() -> None:
    # customers buy 7 times in 10: half is not what they were taken for
    z = scores(0.7, 0.8, estimate="unbiased")
    assert (np.abs(z) <= 2).mean() == pytest.approx(0.9545, abs=0.016)
    assert scores(0.7, 0.8, estimate="mean").mean() < -1


def test_errors_that_come_together() -> None:
    z = scores(0.5, 0.8, together=True, errors="contract")
    assert (z**2).mean() == pytest.approx(1.0, abs=0.06)
    # customers who buy 7 times in 10: independent errors would cancel, these do not
    sure, unsure = (scores(0.7, 0.8, together=True, errors=how) for how in ("trade", "contract"))
    assert (np.abs(sure) <= 2).mean() < 0.6
    assert (unsure**2).mean() == pytest.approx(1.0, abs=0.1)


def test_given_sides_recover_the_truth() -> None:
    trades, q = book(np.random.default_rng(3), 0.6, 0.7)
    np.testing.assert_array_equal(from_trades(chain(), trades, "given").contracts, q)
    wrong = from_trades(chain(), trades, "quote").contracts
    assert (wrong != q).any()
    assert trades.classify("quote").accuracy_against(trades.true_side) == pytest.approx(
        0.7, abs=0.03
    )


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([*STRIKES, 97.5]), st.sampled_from("CPX"),
            st.sampled_from([-1, 0, 1]), st.integers(-1, 50),
        ), min_size=1, max_size=30,
    ),
    rule=st.sampled_from(RULES),
)  # fmt: skip
def test_every_contract_traded_is_counted_once(rows: list[Any], rule: str) -> None:
    trades = tape(rows)
    positions = from_trades(chain(), trades, rule)
    flow = positions.flow
    assert flow is not None
    assert flow.read == len(rows) == flow.used + sum(n for n, _ in flow.dropped.values())
    traded = flow.bought + flow.sold + flow.unknown
    assert traded.sum() + sum(c for _, c in flow.dropped.values()) == sum(
        max(row[3], 0) for row in rows
    )
    np.testing.assert_array_equal(positions.contracts, flow.sold - flow.bought)
    # the same trades the other way round
    mirrored = from_trades(chain(), tape([(k, t, -s, n) for k, t, s, n in rows]), rule)
    if rule == "quote":
        np.testing.assert_array_equal(mirrored.contracts, -positions.contracts)


def test_trades_left_out_are_counted_by_the_first_reason() -> None:
    rows = [(100.0, "C", 1, 10)] * 7 + [(97.5, "C", 1, 8), (100.0, "C", 1, NAN)]
    minute = np.array([0, 0, 0, 0, 0, 0, 99, 0, 0], "timedelta64[m]")
    positions = from_trades(
        chain(),
        tape(
            rows, time=np.datetime64("2024-01-05T20:30", "m") + minute, zone="UTC",
            is_complex=[True] + [False] * 8,
        ),
        "quote", min_size=2, max_size=10, skip_complex=True,
    )  # fmt: skip
    flow = positions.flow
    assert flow is not None
    assert flow.dropped == {
        "bad_size": (1, 0.0), "unknown_contract": (1, 8.0), "after_as_of": (1, 10.0),
        "complex": (1, 10.0),
    }  # fmt: skip
    assert (flow.read, flow.used, positions.contracts[2]) == (9, 5, -50.0)
    sizes = [(100.0, "C", 1, size) for size in (1, 5, 50, 500)]
    for limits, kept in (({"min_size": 5}, 555), ({"max_size": 50}, 56), ({}, 556)):
        assert from_trades(chain(), tape(sizes), "quote", **limits).contracts[2] == -kept
    assert "too_small" in str(from_trades(chain(), tape(sizes), min_size=5).manifest)


def test_a_trade_left_out_still_moves_the_tick() -> None:
    trades = Trades.from_arrays(
        strike=100.0, option_type="C", expiry="2024-01-12", price=[1.0, 2.0, 1.5], size=[1, 900, 1]
    )
    assert from_trades(chain(), trades, "tick", max_size=10).contracts[2] == 1.0


def test_decay_halves_what_is_old() -> None:
    days = np.array([0, 1, 2, 4], "timedelta64[D]")
    when = np.datetime64("2024-01-05T21:00", "s") - days
    trades = tape([(100.0, "C", 1, 16)] * 4, time=when, zone="UTC")
    q = from_trades(chain(), trades, "quote", half_life=1).contracts[2]
    assert q == pytest.approx(-(16 + 8 + 4 + 1))
    band = from_trades(chain(), trades, "quote", 0.9, half_life=2.0).deviation
    assert band is not None
    assert band[2] == pytest.approx(0.6 * 16 * np.sqrt(1 + 1 / 2 + 1 / 4 + 1 / 16))
    earlier = from_trades(chain(), trades, "quote", half_life=1, until="2024-01-04T16:00-05:00")
    assert earlier.contracts[2] == pytest.approx(-(16 + 8 + 2))
    assert earlier.flow is not None
    assert earlier.flow.dropped == {"after_as_of": (1, 16.0)}
    # without as_of ages count from the last trade
    timeless = chain(as_of=False)
    late = tape([(100.0, "C", 1, 16)] * 2, time=when[1:3], zone="UTC")
    assert from_trades(timeless, late, "quote", half_life=1).contracts[2] == pytest.approx(-24)


def test_inventory_is_cut_to_the_change_in_open_interest() -> None:
    rows = [(90.0, "C", 1, 30), (95.0, "C", -1, 30), (100.0, "C", 1, 30), (105.0, "C", 1, 30)]
    change = np.array([-20.0, 20.0, NAN, 100.0] + [0.0] * 6)
    found = from_trades(chain(), tape(rows), "quote", 0.9, open_interest_change=change)
    assert found.contracts[:4] == pytest.approx([-20.0, 20.0, -24.0, -24.0])
    assert found.deviation is not None
    assert found.deviation[:4] == pytest.approx([18.0, 18.0, 18.0, 18.0])
    assert found.flow is not None
    assert (found.flow.capped, found.flow.unreconciled) == (2, 1)
    none = from_trades(chain(), tape(rows), "quote", 0.9, open_interest_change=0.0)
    assert none.deviation is not None
    assert not none.contracts.any()
    assert not none.deviation.any()


def test_levels_of_positions_from_trades() -> None:
    made = gex.synthetic_chain(n=800)
    assert made.expiry is not None
    rng = np.random.default_rng(4)
    rows = rng.integers(0, len(made), 5000)
    side = rng.choice([-1, 1], len(rows))
    trades = Trades.from_arrays(
        strike=made.strike[rows], option_type=made["option_type"][rows], expiry=made.expiry[rows],
        root=made.root[rows] if made.root is not None else None, price=2.0 + side, size=1.0,
        bid=1.0, ask=3.0,
    )  # fmt: skip
    result = gex.analyze(made, from_trades(made, trades, "emo"))
    given = -np.bincount(rows, side, minlength=len(made)).astype(float)
    same = gex.analyze(made, "contracts", contracts=given)
    assert result.levels.net_gamma == same.levels.net_gamma
    assert result.manifest["flow"]["used"] == 5000
    assert "flow: dealers took the other side" in str(result)
    assert "flow" in result.to_dict()["manifest"]


BAD = [
    ({"rule": "gut"}, ConventionError, "no 'gut'.*Hint: rules: quote, .*given"),
    ({"rule": "given"}, InputError, "no true_side"),
    ({"accuracy": "guess"}, ConventionError, "accuracy: there is no 'guess'"),
    ({"accuracy": 0.4}, InputError, "accuracy: 0.4 .row 0. with estimate 'mean'"),
    ({"accuracy": [1.0, NAN, 1.0, 1.0]}, InputError, "accuracy: nan .row 1."),
    ({"accuracy": [1.0]}, InputError, "accuracy: 1 rows, but price has 4"),
    ({"accuracy": 0.5, "estimate": "unbiased"}, InputError, "accuracy: 0.5"),
    ({"estimate": "unbiased"}, ConventionError, "'unbiased' needs accuracy="),
    ({"estimate": "best"}, ConventionError, "estimate: there is no 'best'.*mean, unbiased"),
    ({"errors": "none"}, ConventionError, "errors: there is no 'none'.*trade, contract"),
    ({"min_size": 0}, InputError, "min_size: is 0"),
    ({"max_size": NAN}, InputError, "max_size: is nan"),
    ({"half_life": 0}, InputError, "half_life: is 0"),
    ({"half_life": 1}, InputError, "the trades have no time"),
    ({"until": "2024-01-05T16:00-05:00"}, InputError, "the trades have no time"),
    ({"until": "2024-01-05T16:00"}, InputError, "has no zone"),
    ({"skip_complex": True}, InputError, "no is_complex"),
    ({"open_interest_change": [1.0]}, InputError, "open_interest_change: 1 rows"),
]


@pytest.mark.parametrize(("arguments", "kind", "message"), BAD)
def test_bad_arguments_are_refused(arguments: Any, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        from_trades(chain(), tape(FOUR), **arguments)


def test_conventions_that_exclude_each_other() -> None:
    timed = tape(FOUR, time=["2024-01-05T10:00Z"] * 4)
    with pytest.raises(ConventionError, match="whole trades, half_life= shrinks them"):
        from_trades(chain(), timed, half_life=1, open_interest_change=5.0)
    with pytest.raises(ConventionError, match=r"rule 'flow' needs trades.*from_trades"):
        gex.analyze(chain(), "flow")
    with pytest.raises(InputError, match="trades: no expiry"):
        from_trades(chain(), tape(FOUR, expiry=None))


def test_flow_reads_well_and_cannot_be_changed() -> None:
    positions = from_trades(chain(), tape([*FOUR, (97.5, "C", 1, 9)]), "quote", "published")
    flow = positions.flow
    assert flow is not None
    assert positions.deviation is not None
    text = str(flow)
    assert "4 of 5" in text
    assert "1 unknown contract (9 contracts)" in text
    assert "30 bought, 15 sold, 4 unknown" in text
    assert repr(flow) == "<Flow quote: 4 of 5 trades>"
    assert flow.to_dict()["bought"] == 30.0
    assert list(flow.to_frame()) == ["bought", "sold", "unknown", "net", "deviation"]
    assert list(positions.to_frame()) == ["strike", "contracts", "deviation"]
    assert positions.to_dict()["flow"]["dropped"] == {
        "unknown_contract": {"trades": 1, "contracts": 9.0}
    }
    for column in (positions.contracts, positions.deviation, flow.bought, flow.net):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1.0
