"""The short way to levels gives the bits of the long way, whatever the book."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore import _core
from gexcore.errors import ConventionError, InputError, MismatchError
from hypothesis import given, settings
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**32 - 1)
RULES = ("naive", "short_all", "inverted", "moneyness")
WALLS = [(side, gated) for side in ("net", "gross") for gated in (False, True)]
REAL = (
    "rut_2023-09-21.json.gz", "spx_2022-02-05.csv", "spx_2022-06-11.csv", "spx_2023-02-07.csv",
    "spx_2023-09-04.csv", "spx_2023-09-14.csv", "spx_2024-01-07.csv", "spy_2023-09-14.csv",
    "xsp_2023-09-14.csv",
)  # fmt: skip


def checked(chain: gex.Chain, positions: Any = "naive", **options: Any) -> gex.QuickLevels:
    """Both ways, equal to the last bit."""
    quick = gex.quick_levels(chain, positions, **options)
    full = gex.analyze(chain, positions, **options)
    gamma, levels = full.exposures.gamma, full.levels
    assert (quick.net_gamma, quick.gross_gamma) == (gamma.net, gamma.gross)
    assert quick.zero_gamma == levels.zero_gamma
    assert (quick.call_wall, quick.put_wall) == (levels.call_wall, levels.put_wall)
    assert quick.regime == full.regime.kind
    return quick


def book(held: Any, strike: Any, years: Any, vol: Any, **more: Any) -> tuple[gex.Chain, Any]:
    """Signed contracts at spot 100."""
    held = np.asarray(held, dtype=float)
    chain = gex.Chain.from_arrays(
        spot=100.0,
        strike=np.asarray(strike, dtype=float),
        is_call=held > 0,
        implied_vol=vol,
        open_interest=np.abs(held),
        time_to_expiry=years,
        **more,
    )
    return chain, gex.assign_positions(chain, "contracts", contracts=held)


def test_every_real_chain_is_listed(test_data: Path) -> None:
    found = {path.name for path in (test_data / "data").glob("cboe_*")}
    assert found == {f"cboe_{name}" for name in REAL}


@pytest.mark.parametrize("name", REAL)
def test_real_chains(name: str, test_data: Path) -> None:
    chain = gex.read_cboe(test_data / "data" / f"cboe_{name}")
    found = {checked(chain, rule).regime for rule in RULES}
    assert len(found) > 1  # otherwise the rules were too tame
    for side, gated in WALLS:
        checked(chain, side=side, gated=gated)
    next_expiry = chain.filter("next")
    if len(next_expiry):
        checked(next_expiry)


@pytest.mark.parametrize("rows", [200, 2000, 19_000])
def test_synthetic_chains(rows: int) -> None:
    chain = gex.synthetic_chain(rows)
    for rule in RULES:
        checked(chain, rule)
    checked(chain, size="volume")
    checked(chain, "weights", weights=np.linspace(-1, 1, len(chain)))


def random_book(seed: int) -> tuple[gex.Chain, Any]:
    """A few strikes and expiries, so that sums tie, cancel and cross."""
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(1, 40))
    held = rng.integers(-3, 4, rows) * rng.choice([1.0, 100.0])
    years = rng.choice([0.0, 1e-5, 0.01, 0.1, 1.0], rows)
    vol = rng.choice([0.0, 0.1, 0.2, 0.5, np.nan], rows, p=[0.05, 0.3, 0.3, 0.3, 0.05])
    rate = rng.uniform(-0.1, 0.1, rows) if rng.random() < 0.5 else 0.03
    return book(held, rng.choice([80, 95, 100, 105, 120], rows), years, vol, rate=rate)


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, walls=st.sampled_from(WALLS))
def test_random_small_books(seed: int, walls: tuple[str, bool]) -> None:
    chain, positions = random_book(seed)
    checked(chain, positions, side=walls[0], gated=walls[1])


def test_random_small_books_have_every_outcome() -> None:
    found = [gex.quick_levels(*random_book(seed)) for seed in range(400)]
    statuses = {quick.zero_gamma.status for quick in found}
    assert statuses == {"found", "always_long", "always_short", "no_exposure"}
    kinds = {quick.regime for quick in found}
    assert kinds == {"long_gamma", "short_gamma", "transition", "no_exposure"}
    walls = {wall.status for quick in found for wall in (quick.call_wall, quick.put_wall)}
    assert walls == {"found", "no_positive_strike", "no_negative_strike", "no_exposure"}
    assert max(len(quick.zero_gamma.crossings) for quick in found) > 2


@pytest.mark.parametrize("side", ["net", "gross"])
def test_no_exposure_and_one_sided_books(side: str) -> None:
    for held in ([0.0, 0.0], [5.0, 3.0], [-5.0, -3.0]):
        checked(*book(held, [95, 105], 0.1, 0.2), side=side)
    empty = checked(*book([], [], 0.1, 0.2), side=side)
    assert (empty.regime, empty.call_wall.status) == ("no_exposure", "no_exposure")


def test_a_balanced_book_has_no_level() -> None:
    nets = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        strike, years = rng.integers(80, 120, 400), rng.uniform(0.01, 1, 400)
        held, order = rng.integers(1, 1000, 400), rng.permutation(800)
        rows = np.append(held, -held)[order], np.tile(strike, 2)[order], np.tile(years, 2)[order]
        quick = checked(*book(*rows, 0.25))
        nets.append(quick.net_gamma)
        assert (quick.zero_gamma.status, quick.zero_gamma.crossings) == ("no_exposure", ())
        assert (quick.call_wall.strike, quick.put_wall.strike) == (None, None)
    assert any(nets)  # rounding is left now and then, and has a sign
    # the touch of a butterfly is no crossing, nor is the rounding around it
    body = 2 * np.exp(-0.5)
    touch = checked(*book([1e3, -1e3 * body, 1e3], 100 * np.exp([-0.1, 0.0, 0.1]), 1.0, 0.1))
    assert touch.zero_gamma.status == "always_long"


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, gated=st.booleans())
def test_ties_go_to_the_strike_nearest_spot(seed: int, gated: bool) -> None:
    # contracts of one gamma under strikes of any name: sums tie exactly
    rng = np.random.default_rng(seed)
    strikes = np.sort(rng.choice(np.arange(90.0, 111.0), 6, replace=False))
    weight = rng.integers(-2, 3, 6) * 100.0
    found = _core.quick_levels(
        100.0, np.full(6, 100.0), 0.1, 0.2, 0.0, 0.0, True, weight, 1.0,
        np.arange(6, dtype=np.int32), strikes, None, False, gated, None,
    )  # fmt: skip
    for sign, (best, value, second, margin) in zip((1, -1), found[7:9], strict=True):
        sides = [k for k in range(6) if not gated or sign * (strikes[k] - 100) >= 0]
        rows = [k for k in sides if sign * weight[k] > 0]
        rows.sort(key=lambda k: (-sign * weight[k], abs(strikes[k] - 100)))
        assert (best, second) == (*rows[:2], -1, -1)[:2]
        if len(rows) > 1:
            assert margin == 1 - weight[second] / weight[best]
        if rows:
            assert np.sign(value) == sign


def test_rows_whose_gamma_does_not_exist_are_left_out() -> None:
    held, strike, years = [5.0, -3.0, 4.0], [95.0, 105.0, 100.0], [0.1, 0.1, 1000.0]
    # r T beyond 700 has no greeks; the row counts as no_greek
    chain, positions = book(held, strike, years, 0.2, rate=[0.01, 0.01, 0.9])
    assert gex.analyze(chain, positions).coverage.dropped == {"no_greek": (1, 1 / 3)}
    for side, gated in WALLS:
        quick = gex.quick_levels(chain, positions, side=side, gated=gated)
        full = gex.analyze(chain, positions, side=side, gated=gated)
        assert quick.net_gamma == full.exposures.gamma.net
        assert quick.call_wall == full.levels.call_wall
    assert quick.coverage.to_dict() == full.coverage.to_dict()


def test_conventions_and_coverage_are_those_of_analyze() -> None:
    chain = gex.synthetic_chain(2000)
    for side, gated in WALLS:
        quick = gex.quick_levels(chain, "inverted", side=side, gated=gated)
        full = gex.analyze(chain, "inverted", side=side, gated=gated)
        assert quick.manifest | {"adv": None, "kappa": None} == full.manifest
        assert quick.coverage.to_dict() == full.coverage.to_dict()
    shown = quick.to_dict()
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown
    levels = full.levels.to_dict()
    assert all(shown[name] == levels[name] for name in ("zero_gamma", "call_wall", "put_wall"))
    assert "call wall" in str(quick)
    assert repr(quick).startswith("<QuickLevels")


def test_threads_change_no_bit() -> None:
    chain = gex.synthetic_chain(19_000)
    for side in ("net", "gross"):
        one, two = (gex.quick_levels(chain, side=side, threads=n).to_dict() for n in (1, 2))
        assert one == two


def test_errors_are_those_of_analyze() -> None:
    chain, other = gex.synthetic_chain(200), gex.synthetic_chain(200)
    for call in (gex.quick_levels, gex.analyze):
        with pytest.raises(MismatchError, match="belong to another chain"):
            call(chain, gex.assign_positions(other))
        with pytest.raises(ConventionError, match="there is no rule 'naiv'"):
            call(chain, "naiv")
        with pytest.raises(ConventionError, match="side: there is no 'both'"):
            call(chain, side="both")
        with pytest.raises(ConventionError, match="needs contracts="):
            call(chain, "contracts")
        with pytest.raises(InputError, match="threads"):
            call(chain, threads=0)


@pytest.mark.parametrize("gross", [False, True])
def test_the_core_refuses_senseless_codes(gross: bool) -> None:
    columns = ([95.0, 105.0], 0.1, 0.2, 0.0, 0.0, True, [1.0, 1.0], 1.0)
    strikes = np.array([95.0, 105.0])

    def call(codes: Any, spot: Any = 100.0) -> Any:
        return _core.quick_levels(
            spot, *columns, np.asarray(codes, np.int32), strikes, None, gross, False, None
        )

    assert call([0, 1])[1] > 0
    for codes in ([0, 2], [-1, 0]):
        with pytest.raises(InputError, match=f"key: row {int(codes[0] == 0)} has"):
            call(codes)
    with pytest.raises(InputError, match="strikes: one int32 code per contract"):
        call([0])
    with pytest.raises(InputError, match="spot: is an array"):
        call([0, 1], np.array([100.0, 101.0]))
