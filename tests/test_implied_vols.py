"""Vols implied from prices: prices come back, and every other row says why."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.conventions import USED
from gexcore.errors import ConventionError, InputError
from pricing import price_of, prices_of, reasons

NAN, INF = float("nan"), float("inf")
SOURCES = ("mid", "bid", "ask", "last")


def random_chain(rows: int = 120, seed: int = 5, missing: float = 0.6) -> gex.Chain:
    """European contracts, rates per row, four different prices; many rows have no vol."""
    rng = np.random.default_rng(seed)
    bare = gex.Chain.from_arrays(
        spot=100.0,
        strike=100 * np.exp(rng.normal(0, 0.15, rows)),
        is_call=rng.random(rows) < 0.5,
        implied_vol=np.where(rng.random(rows) < missing, 0.0, 0.9),
        open_interest=rng.integers(0, 50, rows).astype(float),
        time_to_expiry=rng.uniform(0.02, 2.0, rows),
        rate=rng.uniform(-0.01, 0.08, rows),
        dividend_yield=rng.uniform(0.0, 0.04, rows),
    )
    mid = prices_of(bare, rng.uniform(0.1, 0.6, rows))
    half = mid * rng.uniform(0.0, 0.02, rows)
    columns = {n: getattr(bare, n) for n in ("strike", "is_call", "implied_vol", "open_interest")}
    return gex.Chain.from_arrays(
        spot=100.0, time_to_expiry=bare.time_to_expiry, rate=bare.rate, bid=mid - half,
        dividend_yield=bare.dividend_yield, ask=mid + half,
        columns={"last": mid * rng.uniform(0.97, 1.03, rows), "row": np.arange(rows)}, **columns,
    )  # fmt: skip


@pytest.mark.parametrize("only_missing", [True, False])
@pytest.mark.parametrize("source", SOURCES)
def test_solved_vols_give_the_prices_back(source: str, only_missing: bool) -> None:
    chain = random_chain()
    solved = chain.with_implied_vols(source, only_missing)
    price = (chain["bid"] + chain["ask"]) / 2 if source == "mid" else chain[source]
    touched = chain.implied_vol == 0 if only_missing else np.ones(len(chain), bool)
    used = solved.status == USED
    assert (used & touched).sum() > 40
    assert set(reasons(solved)) <= {"used", "below_intrinsic"}
    again = prices_of(solved, np.where(used, solved.implied_vol, 0.2))
    back = used & touched
    np.testing.assert_allclose(again[back], price[back], rtol=1e-12, atol=1e-12)
    assert used[~touched].all()
    assert (solved.implied_vol[~touched] == 0.9).all()
    assert np.isnan(solved.implied_vol[~used]).all()
    least = prices_of(chain, np.full(len(chain), 1e-9))  # no vol: what the forward is worth
    assert (price[~used] <= least[~used] + 1e-12).all()
    np.testing.assert_array_equal(solved.vols.implied(solved.status), back)
    assert (chain.implied_vol == random_chain().implied_vol).all()  # the old one is untouched


# strike 90, a call, no rates: intrinsic value 10, never above 100
PRICES: list[tuple[str, dict[str, float], str]] = [
    ("mid", {"bid": 10.9, "ask": 11.1}, "used"),
    ("mid", {"bid": 11.0, "ask": 11.0}, "used"),
    ("mid", {"bid": 0.0, "ask": 11.0}, "no_price"),
    ("mid", {"bid": -1.0, "ask": 25.0}, "no_price"),
    ("mid", {"bid": NAN, "ask": 11.0}, "no_price"),
    ("mid", {"bid": 11.0, "ask": NAN}, "no_price"),
    ("mid", {"bid": 11.0, "ask": INF}, "no_price"),
    ("mid", {"bid": 11.2, "ask": 11.1}, "no_price"),  # crossed
    ("mid", {"bid": 9.0, "ask": 11.0}, "below_intrinsic"),  # exactly at it
    ("mid", {"bid": 9.0, "ask": 9.5}, "below_intrinsic"),
    ("mid", {"bid": 99.0, "ask": 101.0}, "above_maximum"),
    ("mid", {"bid": 150.0, "ask": 151.0}, "above_maximum"),
    ("bid", {"bid": 11.0, "ask": NAN}, "used"),
    ("bid", {"bid": 0.0, "ask": 11.0}, "no_price"),
    ("bid", {"bid": 9.9, "ask": 11.0}, "below_intrinsic"),
    ("ask", {"bid": 0.0, "ask": 11.0}, "used"),
    ("ask", {"bid": 1.0, "ask": INF}, "no_price"),
    ("last", {"last": 11.0}, "used"),
    ("last", {"last": 0.0}, "no_price"),
    ("last", {"last": NAN}, "no_price"),
    ("last", {"last": 10.0}, "below_intrinsic"),
    ("last", {"last": 100.0}, "above_maximum"),
]


@pytest.mark.parametrize("vendor", [0.0, NAN, 0.7])
@pytest.mark.parametrize(("source", "price", "reason"), PRICES, ids=str)
def test_reasons_by_hand(source: str, price: dict[str, float], reason: str, vendor: float) -> None:
    quotes = {name: value for name, value in price.items() if name != "last"}
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=[90.0], is_call=True, implied_vol=vendor, open_interest=1.0,
        time_to_expiry=0.5, columns={k: v for k, v in price.items() if k == "last"}, **quotes,
    )  # fmt: skip
    for only_missing in (True, False):
        solved = chain.with_implied_vols(source, only_missing)
        if only_missing and vendor > 0:
            assert (reasons(solved), solved.implied_vol[0]) == (["used"], vendor)
            continue
        assert reasons(solved) == [reason]
        if reason == "used":
            assert prices_of(solved, solved.implied_vol)[0] == pytest.approx(11.0, rel=1e-13)
        else:
            assert np.isnan(solved.implied_vol[0])  # no vendor's vol stays behind


def test_puts_and_rates_have_their_own_bounds() -> None:
    # a put is worth at most its strike today, at least what is left of it after the forward
    least = 120 * math.exp(-0.05) - 100 * math.exp(-0.02)
    most = 120 * math.exp(-0.05)
    price = [least - 1e-6, least + 1e-6, most - 1e-6, most + 1e-6]
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=[120.0] * 4, is_call=False, implied_vol=0.0, open_interest=1.0,
        time_to_expiry=1.0, rate=0.05, dividend_yield=0.02, columns={"last": price},
    )  # fmt: skip
    found = reasons(chain.with_implied_vols("last"))
    assert found == ["below_intrinsic", "used", "used", "above_maximum"]
    assert least < 120 - 100  # paid for early exercise: more than the European contract


def test_rows_lost_for_another_reason_stay_lost() -> None:
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=[100.0, -1.0, 100.0, 100.0, 100.0], is_call=True, open_interest=1.0,
        implied_vol=[0.0, 0.0, 0.0, 0.0, -0.2], time_to_expiry=[0.1, 0.1, 0.1, 0.0, 0.1],
        bid=2.0, ask=2.1, flags={"duplicate": [False, False, True, False, False]},
    )  # fmt: skip
    for only_missing in (True, False):
        for source in ("mid", "otm"):
            solved = chain.with_implied_vols(source, only_missing)
            assert reasons(solved) == ["used", "bad_row", "duplicate", "expired", "bad_row"]
            assert solved.vols.implied(solved.status).tolist() == [True] + [False] * 4


def test_a_second_call_starts_afresh() -> None:
    chain = random_chain()
    twice = chain.with_implied_vols("bid", only_missing=False).with_implied_vols("last")
    once = chain.with_implied_vols("last")
    np.testing.assert_array_equal(twice.implied_vol, once.implied_vol)
    np.testing.assert_array_equal(twice.status, once.status)
    assert twice.manifest["vols"] == "implied from last where missing"


def test_what_cannot_be_implied_is_refused() -> None:
    bare = gex.synthetic_chain(n=50)
    quotes = {n: getattr(bare, n) for n in ("strike", "is_call", "implied_vol", "open_interest")}
    chain = gex.Chain.from_arrays(spot=bare.spot, time_to_expiry=0.1, ask=1.0, **quotes)
    for source, column, given in (
        ("mid", "bid", "bid=..."), ("otm", "bid", "bid=..."), ("bid", "bid", "bid=..."),
        ("last", "last", "columns={'last': ...}"),
    ):  # fmt: skip
        with pytest.raises(InputError) as caught:
            chain.with_implied_vols(source)
        assert f"source='{source}': the chain has no {column} column" in str(caught.value)
        assert caught.value.hint == f"take ask, which it has; or build it with {given}"
    bare = gex.Chain.from_arrays(spot=bare.spot, time_to_expiry=0.1, **quotes)
    with pytest.raises(InputError, match=r"no bid column.*Hint: build it with bid="):
        bare.with_implied_vols("mid")
    assert chain.with_implied_vols("ask").manifest["vols"] == "implied from ask where missing"
    for source in ("close", ["mid"], None):
        with pytest.raises(ConventionError, match="sources: mid, bid, ask, last, otm"):
            chain.with_implied_vols(source)
    words = gex.Chain.from_arrays(
        spot=100.0, strike=[100.0], is_call=True, implied_vol=0.0, open_interest=1.0,
        time_to_expiry=0.1, columns={"last": ["1"]},
    )  # fmt: skip
    with pytest.raises(InputError, match="last: is <U1, not numbers"):
        words.with_implied_vols("last")


def test_nothing_to_imply() -> None:
    empty = gex.Chain.from_arrays(spot=1.0, strike=[], is_call=[], implied_vol=[], bid=[], ask=[],
                                  open_interest=[], time_to_expiry=[])  # fmt: skip
    for source in ("mid", "otm"):
        chain = empty.with_implied_vols(source, only_missing=False)
        assert (len(chain), chain.manifest["vols"]) == (0, "vendor")
        assert gex.analyze(chain).coverage.implied_from_price == (0, 0.0)


# --- out-of-the-money mids ---------------------------------------------------------------------


def otm_by_hand(chain: gex.Chain, only_missing: bool) -> tuple[list[float], list[str]]:
    """Vols of every row, looked up contract by contract."""
    roots = [""] * len(chain) if chain.root is None else chain.root
    keys = list(zip(roots, chain.time_to_expiry, chain.strike, strict=True))
    mids: dict[Any, int] = {}
    for i, key in enumerate(keys):
        growth = math.exp((chain["rate"][i] - chain["dividend_yield"][i]) * key[1])
        sign = 1 if chain.is_call[i] else -1
        quoted = chain["bid"][i] > 0 and chain["ask"][i] >= chain["bid"][i]
        if quoted and sign * (key[2] - chain.spot * growth) >= 0 and i not in mids.values():
            mids.setdefault(key, i)
    by_itself = chain.with_implied_vols("mid", only_missing=False)
    vols, why = [], []
    for i, key in enumerate(keys):
        if only_missing and chain.implied_vol[i] > 0:
            vols.append(float(chain.implied_vol[i]))
            why.append("used")
            continue
        found = mids.get(key)
        vols.append(NAN if found is None else float(by_itself.implied_vol[found]))
        why.append("no_price" if found is None else reasons(by_itself)[found])
    return vols, why


@pytest.mark.parametrize("only_missing", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_one_vol_for_both_sides(seed: int, only_missing: bool) -> None:
    rng = np.random.default_rng(seed)
    rows = 150
    mid = rng.uniform(0.5, 9.0, rows)
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=rng.choice(np.arange(92.0, 109.0), rows), is_call=rng.random(rows) < 0.5,
        time_to_expiry=rng.choice([0.1, 0.5], rows), root=rng.choice(["SPX", "SPXW"], rows),
        implied_vol=np.where(rng.random(rows) < 0.5, 0.0, 0.3), open_interest=1.0, rate=0.05,
        bid=np.where(rng.random(rows) < 0.3, 0.0, mid * 0.95), ask=mid,
    ).with_conventions(rates="flat")  # fmt: skip
    vols, why = otm_by_hand(chain, only_missing)
    solved = chain.with_implied_vols("otm", only_missing)
    assert reasons(solved) == why
    np.testing.assert_array_equal(solved.implied_vol, vols)
    assert {"used", "no_price"} <= set(why)


def test_the_side_is_told_at_the_forward() -> None:
    # forward 105.1: at 103 the put is out of the money although spot is 100
    prices = {True: 9.0, False: 4.0}
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=[103.0, 103.0], is_call=[True, False], implied_vol=[0.0, 0.3],
        open_interest=1.0, time_to_expiry=0.5, rate=0.1, bid=list(prices.values()),
        ask=list(prices.values()),
    )  # fmt: skip
    solved = chain.with_implied_vols("otm", only_missing=False)
    vol = solved.implied_vol[0]
    assert solved.implied_vol.tolist() == [vol, vol]
    again = float(price_of(100.0, 103.0, 0.5, vol, 0.1, 0.0, False))
    assert again == pytest.approx(4.0, rel=1e-13)
    missing = chain.with_implied_vols("otm")
    assert missing.implied_vol.tolist() == [vol, 0.3]
    assert missing.manifest["vols"] == "implied from out-of-the-money mid where missing"
    lone = chain.filter(chain.is_call).with_implied_vols("otm")  # nothing out of the money left
    assert reasons(lone) == ["no_price"]


# --- rates from put-call parity ----------------------------------------------------------------


def test_quotes_are_solved_at_the_spot_they_were_made_at(test_data: Path) -> None:
    together, apart = [], []
    for day in ("2022-06-11", "2023-02-07", "2023-09-04", "2023-09-14"):
        chain = gex.read_cboe(test_data / "data" / f"cboe_spx_{day}.csv")
        assert abs(chain.rates.spot_basis) > 5e-4
        solved = chain.with_implied_vols("mid", only_missing=False)
        given = {"rate": chain["rate"], "dividend_yield": chain["dividend_yield"]}
        astray = chain.with_conventions(rates="flat", **given)
        astray = astray.with_implied_vols("mid", only_missing=False)
        carry = (chain.rate - chain.dividend_yield) * chain.time_to_expiry
        near = np.abs(np.log(chain.strike / chain.spot) - carry) < 0.03
        near &= (chain.time_to_expiry < 45 / 365) & (chain.implied_vol > 0)
        near &= (solved.status == USED) & (astray.status == USED)
        assert near.sum() > 1000
        error = np.abs(solved.implied_vol - chain.implied_vol)[near]
        assert np.median(error) < 0.0015  # from the vendor's own vols
        together.append(100 * np.median(gaps(solved, near)))
        apart.append(100 * np.median(gaps(astray, near)))
    # as docs/definitions.md says; parity wants 0
    assert [round(min(together), 2), round(max(together), 2)] == [0.02, 0.07]
    assert [round(min(apart), 1), round(max(apart), 1)] == [1.2, 2.8]


def test_trades_are_solved_at_the_spot_of_the_chain() -> None:
    # quotes were made at 5000, the chain says 4990: 20 bp between them
    made = gex.synthetic_chain(n=1500)
    names = ("strike", "is_call", "open_interest", "expiry", "root", "bid", "ask")
    mid = (made["bid"] + made["ask"]) / 2
    chain = gex.Chain.from_arrays(
        spot=4990.0, implied_vol=0.0, as_of=made.as_of, rates="parity", columns={"last": mid},
        **{name: made[name] for name in names},
    )  # fmt: skip
    assert chain.rates.spot_basis == pytest.approx(math.log(5000 / 4990), rel=0.05)
    near = (np.abs(chain.strike / 5000 - 1) < 0.01) & (chain["bid"] > 0)
    for source, spot in (("mid", 4990 * math.exp(chain.rates.spot_basis)), ("last", 4990.0)):
        solved = chain.with_implied_vols(source)
        rows = np.flatnonzero(near & (solved.status == USED))[::10]
        assert len(rows) > 10
        columns = (solved.strike, solved.time_to_expiry, solved.implied_vol, solved["rate"])
        for i in rows:
            each = [float(column[i]) for column in (*columns, solved["dividend_yield"])]
            assert float(price_of(spot, *each, solved.is_call[i])) == pytest.approx(
                mid[i], rel=1e-11
            )


def test_a_contract_that_is_not_looked_at_lends_no_vol() -> None:
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=[105.0] * 3, is_call=[True, True, False], implied_vol=0.0,
        open_interest=1.0, time_to_expiry=0.5, bid=[9.0, 3.0, 8.0], ask=[9.0, 3.0, 8.0],
        flags={"duplicate": [True, False, False]},
    )  # fmt: skip
    solved = chain.with_implied_vols("otm")
    assert reasons(solved) == ["duplicate", "used", "used"]
    assert solved.implied_vol[1] == solved.implied_vol[2]
    again = float(price_of(100.0, 105.0, 0.5, solved.implied_vol[2], 0.0, 0.0, True))
    assert again == pytest.approx(3.0, rel=1e-13)


def gaps(chain: gex.Chain, rows: Any) -> list[float]:
    """|call vol - put vol| of every strike that has both among some rows."""
    sides: tuple[dict[Any, float], dict[Any, float]] = ({}, {})
    for i in np.flatnonzero(rows):
        key = (chain.root[i], chain.expiry[i], chain.strike[i])
        sides[int(chain.is_call[i])][key] = float(chain.implied_vol[i])
    return [abs(vol - sides[1][key]) for key, vol in sides[0].items() if key in sides[1]]
