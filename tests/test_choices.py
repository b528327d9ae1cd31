"""Conventions as choices: every row is plain `analyze`, and what a chain does not allow."""

from __future__ import annotations

import json
import re
from types import MappingProxyType
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from across_samples import PRINTED, assert_plain, given_times, quoted, small
from gexcore import clock
from gexcore.across import LEVELS
from gexcore.errors import ConventionError, InputError, MismatchError

# --- every row is plain analyze -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "rows"),
    [
        (lambda: quoted(), 27),
        (lambda: quoted("printed", clock="business/252"), 27),
        (lambda: quoted(rates="parity"), 19),  # no given rates
        (lambda: quoted(rates="parity", rate=0.03, clock="calendar/365"), 27),
        (lambda: quoted(rates="flat", rate=0.0, dividend_yield=0.0), 19),
        (lambda: gex.synthetic_chain(n=3000), 15),  # no printed time
        (lambda: gex.Chain.concat([quoted(), quoted()]), 27),
        (lambda: quoted().filter("dte<=30"), 27),
        (lambda: small("printed"), 19),
    ],
)  # fmt: skip
def test_default_rows_are_those_of_analyze(make: Any, rows: int) -> None:
    across = gex.levels_across(make())
    assert len(across) == rows
    assert len({row.convention for row in across.rows}) == rows
    assert_plain(across)


def test_other_dimensions_are_those_of_analyze() -> None:
    asked = {
        "positions": ["naive", "short_all", "inverted", "moneyness"],
        "size": ["open_interest", "volume"],
        "scope": ["next", "root=SPX", "expiry=2030-01-01"],
        "side": ["net", "gross"],
        "gated": [True, False],
    }
    across = gex.levels_across(quoted(), conventions=asked)
    assert len(across) == 1 + 4 * 2 * 3 * 2 * 2  # the base is in scope all
    assert_plain(across)
    kinds = {row.regime for row in across.where(scope="expiry=2030-01-01")}
    assert kinds == {"no_exposure"}
    assert across.intervals["zero_gamma"].missing["no_exposure"] == 4 * 2 * 2 * 2
    assert across.intervals["zero_gamma"].missing["always_short"] > 0
    assert across.intervals["call_wall"].missing["no_positive_strike"] > 0
    total = [each.found + sum(each.missing.values()) for each in across.intervals.values()]
    assert total == [len(across)] * len(LEVELS)


def test_dynamics_as_a_dimension() -> None:
    rules = ["sticky_strike", "sticky_moneyness", "relative=-10", "ssr=1.23456789"]
    across = gex.levels_across(gex.synthetic_chain(n=3000), conventions={"dynamics": rules})
    assert_plain(across)
    assert across.intervals["zero_gamma"].driver == "dynamics"
    assert across.intervals["net_gamma"].driver is None  # a partial derivative at the same vols
    assert across.intervals["effective_net_gamma"].driver == "dynamics"
    assert "effective net gamma" in str(across)
    assert "effective net gamma" not in str(gex.levels_across(small()))


def test_a_base_of_its_own() -> None:
    options = {"scope": "dte<=90", "side": "gross", "gated": True, "dynamics": "relative=-10"}
    across = gex.levels_across(quoted(), "inverted", size="volume", **options)
    own = across.base.convention.to_dict()
    assert {name: own[name] for name in options} == options
    assert (own["positions"], own["size"]) == ("inverted", "volume")
    assert len(across) == 24 + 2 + 1
    assert_plain(across)
    found = {row.convention.scope for row in across.rows}
    assert found == {"dte<=90", "all", "ex-next"}
    assert across.manifest["dynamics"] == "relative=-10"
    assert across.manifest["wall_gated"] is True


@pytest.mark.parametrize("rule", ["contracts", "weights"])
def test_given_positions_follow_their_rows(rule: str) -> None:
    chain = quoted()
    rng = np.random.default_rng(5)
    chain = chain._replace(columns=MappingProxyType({**chain.columns, "row": np.arange(3000)}))
    given = {"contracts": rng.normal(0, 100, 3000).round(), "weights": rng.uniform(-1, 1, 3000)}
    held = gex.assign_positions(chain, rule, **{rule: given[rule]})
    across = gex.levels_across(chain, held)
    assert len(across) == 27
    assert_plain(across, held)
    size = "contracts" if rule == "contracts" else "open_interest"
    assert across.base.convention.to_dict()["size"] == size
    both = gex.levels_across(chain, held, {"positions": [rule, "naive"]})
    assert both.intervals["net_gamma"].driver == "positions"
    assert_plain(both, held)
    if rule == "contracts":  # they have no size to vary
        asked = {"positions": [rule, "naive"], "size": ["open_interest", "volume"]}
        assert len(gex.levels_across(chain, held, asked)) == 3


def test_flat_pairs_and_times() -> None:
    chain = quoted()
    when = "2026-03-18T12:00:00-04:00"
    asked = {"rates": [(0.03, 0.01), "given"], "as_of": [when, "printed"]}
    across = gex.levels_across(chain, conventions=asked)
    assert len(across) == 5
    (row,) = across.where(rates=(0.03, 0.01), as_of=when)
    moved = chain.with_conventions(as_of=when, rates="flat", rate=0.03, dividend_yield=0.01)
    result = gex.analyze(moved)
    assert row.zero_gamma == result.levels.zero_gamma.value
    assert row.net_gamma == result.exposures.gamma.net
    assert row.convention.to_dict()["rates"] == [0.03, 0.01]
    assert "3.00%, 1.00%" in str(across)


def test_lists_are_conventions_over_the_base() -> None:
    asked = [
        {"clock": "business/252", "rates": "zero"},
        {},
        {"clock": "business/252", "rates": "zero"},
        {"rates": "zero"},
    ]
    across = gex.levels_across(quoted(), conventions=asked)
    found = [(row.convention.clock, row.convention.rates) for row in across.rows]
    base = ("settlement", "given")
    assert found == [base, ("business/252", "zero"), ("settlement", "zero")]
    assert len(gex.levels_across(quoted(), conventions=[])) == 1
    assert len(gex.levels_across(quoted(), conventions={"clock": "business/252"})) == 2
    assert len(gex.levels_across(quoted(), conventions={"rates": (0.02, 0.0)})) == 2


# --- what a chain does not allow ------------------------------------------------------------------


def test_given_times_have_no_clocks() -> None:
    chain = given_times(rate=0.04)
    across = gex.levels_across(chain)
    assert [row.convention.rates for row in across.where(scope="all", side="net")] == [
        "given",
        "zero",
    ]
    clocks = ", ".join(clock.CLOCKS)
    assert across.notes == (
        "rates: parity left out, the chain has no quotes",
        f"clock: {clocks} left out, the chain has no expiration dates",
        "as_of: printed, session left out, the chain has no expiration dates",
    )
    assert_plain(across)
    assert across.base.convention.as_of is None
    assert "everywhere: as of not known, clock given" in str(across)
    for name, value in (("clock", "business/252"), ("as_of", "printed")):
        with pytest.raises(ConventionError, match="cannot be chosen, the chain has no expiration"):
            gex.levels_across(chain, conventions={name: [value]})
    assert json.loads(json.dumps(across.to_dict()))["as_of"] is None


def test_times_given_beside_dates() -> None:
    dates = {"expiry": ["2024-02-09"] * 18, "as_of": clock.resolve_as_of(PRINTED, "session")}
    chain = given_times(**dates)
    across = gex.levels_across(chain)
    # zero rates; the given times once, four clocks at two times; two scopes, one side
    assert len(across) == 1 + 4 * 2 + 2 + 1
    assert "left out where as_of does not move times to expiry that are given" in across.notes
    with pytest.raises(ConventionError, match="as_of does not move"):
        gex.levels_across(chain, conventions={"as_of": ["printed"]})
    row = gex.levels_across(chain, conventions=[{"as_of": "printed", "clock": "calendar/365"}])
    assert row.rows[1].convention.as_of == "printed"
    assert_plain(across)


def test_american_contracts_have_no_parity_unless_asked_for() -> None:
    chain = quoted()
    american = gex.Chain.from_arrays(
        spot=chain.spot, strike=chain.strike, is_call=chain.is_call, expiry=chain.expiry,
        implied_vol=chain.implied_vol, open_interest=chain.open_interest, root="SPY",
        bid=chain["bid"], ask=chain["ask"], as_of=chain.as_of, rate=0.04,
    )  # fmt: skip
    across = gex.levels_across(american)
    assert "rates: parity left out, no contract is known to be European" in across.notes
    assert not across.where(rates="parity")
    asked = gex.levels_across(american, conventions={"rates": ["parity"]})
    assert len(asked) == 2
    assert any("NO FORWARDS FROM PUT-CALL PARITY" in note for note in asked.notes)
    assert_plain(asked)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"clocks": ["settlement"]}, "conventions: there is no 'clocks'. Hint: known: as_of, clo"),
        ([{"wall": "net"}], "conventions: there is no 'wall'"),
        ({"clock": ["lunar"]}, "clock: there is no 'lunar'. Hint: clocks: settlement, "),
        ({"clock": [7]}, "clock: there is no 7"),
        ({"clock": None}, "clock: there is no None"),
        ({"rates": ["libor"]}, "rates: there is no 'libor'. Hint: known: given, parity, zero"),
        ({"rates": [0.05]}, "rates: there is no 0.05"),
        ({"rates": ["own"]}, "rates: there is no 'own'"),
        ({"as_of": ["monday"]}, "as_of: there is no 'monday'. Hint: printed, session, or an ISO"),
        ({"as_of": [5]}, "as_of: there is no 5"),
        ({"scope": ["weekly"]}, "there is no scope 'weekly'"),
        ({"scope": [np.ones(3000, bool)]}, "scope: array"),
        ({"positions": ["weights"]}, "positions: 'weights' must be the given ones"),
        ({"positions": ["random"]}, "positions: there is no 'random'"),
        ({"size": ["notional"]}, "size: there is no 'notional'"),
        ({"side": ["both"]}, "side: there is no 'both'. Hint: known: net, gross"),
        ({"gated": ["no"]}, "gated: 'no' is not True or False"),
        ({"dynamics": ["ssr"]}, "dynamics: ssr needs a value"),
        ({"clock": []}, "conventions: clock has no values"),
        ("clock", "conventions: str is no set of them"),
        (["clock"], "conventions: 'clock' is no mapping"),
        (5, "conventions: int is no set of them"),
    ],
)  # fmt: skip
def test_what_cannot_be_chosen(asked: Any, text: str) -> None:
    with pytest.raises(ConventionError, match=re.escape(text)):
        gex.levels_across(quoted(), conventions=asked)


def test_further_refusals() -> None:
    chain = quoted()
    with pytest.raises(MismatchError, match="another chain"):
        gex.levels_across(chain, gex.assign_positions(quoted()))
    with pytest.raises(ConventionError, match="rates: 'given' cannot be chosen, no rates were"):
        gex.levels_across(given_times(), conventions={"rates": ["given"]})
    with pytest.raises(ConventionError, match="no time is printed"):
        gex.levels_across(gex.synthetic_chain(n=500), conventions={"as_of": ["session"]})
    weights = gex.assign_positions(chain, "weights", weights=np.ones(3000))
    with pytest.raises(ConventionError, match="given with them"):
        gex.levels_across(chain, weights, {"size": ["volume"]})
    with pytest.raises(InputError, match="decimal, not percent"):
        gex.levels_across(chain, conventions={"rates": [(5.0, 0.0)]})
    with pytest.raises(InputError, match="no column 'volume'"):
        gex.levels_across(small(), conventions={"size": ["volume"]})


def test_rates_given_as_columns() -> None:
    chain = quoted(rates="flat", rate=np.full(3000, 0.04), dividend_yield=np.zeros(3000))
    across = gex.levels_across(chain)
    assert len(across) == 27
    assert "rates given: rate by row" in str(across)
    same = gex.levels_across(quoted(rates="flat", rate=0.04, dividend_yield=0.0))
    for one, other in zip(across.rows, same.rows, strict=True):
        assert one.zero_gamma == pytest.approx(other.zero_gamma, rel=1e-12)


def test_chains_without_contracts() -> None:
    empty = quoted().filter(np.zeros(3000, bool))
    across = gex.levels_across(empty)
    assert {row.regime for row in across.rows} == {"no_exposure"}
    assert across.unanimous_regime
    assert {each.driver for each in across.intervals.values()} == {None}
    assert across.intervals["call_wall"].missing == {"no_exposure": len(across)}
    assert "no exposure" in str(across)
