"""Coverage: every row counted once, with its share of open interest."""

from __future__ import annotations

from pathlib import Path

import gexcore as gex
import numpy as np
import pytest
from gexcore.conventions import REASONS
from hypothesis import given, settings
from hypothesis import strategies as st

FILES = (
    "cboe_rut_2023-09-21.json.gz",
    "cboe_spx_2022-02-05.csv",
    "cboe_spx_2022-06-11.csv",
    "cboe_spx_2023-02-07.csv",
    "cboe_spx_2023-09-04.csv",
    "cboe_spx_2023-09-14.csv",
    "cboe_spx_2024-01-07.csv",
    "cboe_spy_2023-09-14.csv",
    "cboe_xsp_2023-09-14.csv",
)


def test_counts_by_hand() -> None:
    nan = float("nan")
    chain = gex.Chain.from_arrays(
        spot=100.0,
        #       used   bad   dupl.  adj.   expired no vol  no oi  no oi  used
        strike=[100.0, -1.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 105.0],
        is_call=True,
        implied_vol=[0.2, 0.2, 0.2, 0.2, 0.2, 0.0, 0.2, nan, 0.2],
        # that of the duplicate counts with the row it repeats: 100 in all
        open_interest=[10.0, 20.0, 7.0, 10.0, 40.0, 10.0, 0.0, nan, 10.0],
        time_to_expiry=[0.1, 0.1, 0.1, 0.1, 0.0, 0.1, 0.1, 0.1, 0.1],
        flags={
            "duplicate": [False, False, True] + [False] * 6,
            "adjusted_contract": [False] * 3 + [True] + [False] * 5,
        },
    )
    coverage = gex.analyze(chain).coverage
    assert (coverage.read, coverage.used) == (9, 2)
    assert coverage.used_open_interest_share == pytest.approx(0.2)
    assert coverage.dropped == {
        "bad_row": (1, pytest.approx(0.2)),
        "duplicate": (1, 0.0),
        "adjusted_contract": (1, pytest.approx(0.1)),
        "expired": (1, pytest.approx(0.4)),
        "no_implied_vol": (1, pytest.approx(0.1)),
        # nobody holds it, so it needs no vol either
        "no_open_interest": (2, 0.0),
    }
    data = coverage.to_dict()
    assert data["dropped"]["expired"] == {"rows": 1, "open_interest_share": pytest.approx(0.4)}
    assert "expired" in str(coverage)


def test_nothing_read_nothing_used() -> None:
    chain = gex.Chain.from_arrays(
        spot=1.0, strike=[], is_call=[], implied_vol=[], open_interest=[], time_to_expiry=[]
    )
    coverage = gex.analyze(chain).coverage
    assert (coverage.read, coverage.used, coverage.dropped) == (0, 0, {})
    assert coverage.used_open_interest_share == 0.0


def test_greeks_that_are_missing_are_counted() -> None:
    chain = gex.Chain.from_arrays(
        spot=100.0,
        strike=[95.0, 100.0, 105.0],
        is_call=True,
        implied_vol=0.2,
        open_interest=[1.0, 2.0, 1.0],
        time_to_expiry=0.1,
    )
    greeks = gex.ChainGreeks.from_columns(chain, gamma=[0.01, np.nan, 0.01])
    exposures = gex.compute_exposures(chain, greeks, gex.assign_positions(chain))
    assert exposures.coverage.dropped == {"no_greek": (1, 0.5)}


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["naive", "contracts"]))
def test_every_row_is_in_exactly_one_class(seed: int, rule: str) -> None:
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(1, 60))
    odd = np.array([np.nan, np.inf, -1.0, 0.0, 1.0, 100.0])
    chain = gex.Chain.from_arrays(
        spot=100.0,
        strike=rng.choice(np.append(odd, [95.0, 105.0] * 6), rows),
        is_call=rng.random(rows) < 0.5,
        implied_vol=rng.choice(np.append(odd[:4], [0.2] * 6), rows),
        open_interest=rng.choice(odd, rows),
        time_to_expiry=rng.choice(np.append(odd[:4], [0.1] * 6), rows),
        multiplier=rng.choice([100.0, 0.0, np.nan, 10.0], rows),
        flags={"duplicate": rng.random(rows) < 0.1},
    )
    contracts = rng.choice([0.0, 1.0, -1.0, np.nan], rows) if rule == "contracts" else None
    result = gex.analyze(chain, rule, contracts=contracts)
    coverage, gamma = result.coverage, result.exposures.gamma
    assert coverage.read == rows
    assert coverage.used == gamma.used.sum()
    assert coverage.used + sum(n for n, _ in coverage.dropped.values()) == rows
    assert all(n > 0 for n, _ in coverage.dropped.values())
    share = coverage.used_open_interest_share + sum(s for _, s in coverage.dropped.values())
    once = chain.status != REASONS.index("duplicate")  # the others count with the row they repeat
    counted = chain.open_interest[np.isfinite(chain.open_interest) & once]
    assert share == pytest.approx(1.0 if (counted > 0).any() else 0.0)
    assert np.isfinite(gamma.values).all()
    assert np.isfinite([gamma.net, gamma.gross]).all()


def test_every_file_is_tested(test_data: Path) -> None:
    assert sorted(path.name for path in (test_data / "data").glob("cboe_*")) == sorted(FILES)


@pytest.mark.parametrize("name", FILES)
def test_real_files_add_up(name: str, test_data: Path) -> None:
    chain = gex.read_cboe(test_data / "data" / name)
    coverage = gex.analyze(chain).coverage
    assert coverage.read == len(chain)
    assert coverage.used + sum(n for n, _ in coverage.dropped.values()) == len(chain)
    shares = [share for _, share in coverage.dropped.values()]
    assert coverage.used_open_interest_share + sum(shares) == pytest.approx(1.0, abs=1e-12)
    usable = (chain.time_to_expiry > 0) & (chain.implied_vol > 0) & (chain.open_interest > 0)
    assert set(coverage.dropped) <= {"expired", "no_implied_vol", "no_open_interest"}
    assert coverage.used == usable.sum() > 1000


def test_expired_rows_of_real_files(test_data: Path) -> None:
    rut = gex.read_cboe(test_data / "data" / "cboe_rut_2023-09-21.json.gz")
    coverage = gex.analyze(rut).coverage
    assert coverage.read == 6680
    assert coverage.dropped["expired"][0] == 338
    spx = gex.read_cboe(test_data / "data" / "cboe_spx_2024-01-07.csv")
    expired = spx.expiry <= np.datetime64("2024-01-05")  # both roots settled by Friday 16:00
    dropped = gex.analyze(spx).coverage.dropped["expired"]
    assert dropped[0] == expired.sum()
    interest = spx.open_interest
    assert dropped[1] == pytest.approx(interest[expired].sum() / interest.sum(), rel=1e-12)


def test_a_weight_of_nothing_is_no_position() -> None:
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=[95.0, 100.0, 105.0], is_call=[True, True, True], implied_vol=0.2,
        open_interest=[10.0, 0.0, 30.0], time_to_expiry=0.1,
    )  # fmt: skip
    result = gex.analyze(chain, "weights", weights=[np.nan, 1.0, 0.5])
    assert result.coverage.dropped == {
        "no_position": (1, 0.25),  # somebody holds it, the weights do not say who
        "no_open_interest": (1, 0.0),
    }
