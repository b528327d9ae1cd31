"""Positions: the sign of every rule, and arguments that are missing, unwanted or impossible."""

from __future__ import annotations

from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.errors import ConventionError, InputError
from gexcore.positions import RULES


def chain(interest: Any = (10.0, 20.0, 0.0, float("nan"))) -> gex.Chain:
    return gex.Chain.from_arrays(
        spot=100.0,
        strike=[95.0, 100.0, 105.0, 110.0],
        is_call=[False, True, False, True],
        implied_vol=0.2,
        open_interest=interest,
        time_to_expiry=0.1,
        multiplier=[100.0, 100.0, 10.0, 10.0],
    )


def test_naive_is_long_calls_and_short_puts() -> None:
    positions = gex.assign_positions(chain())
    assert positions.contracts.tolist() == [-10.0, 20.0, 0.0, 0.0]
    assert positions.weight.tolist() == [-1000.0, 2000.0, 0.0, 0.0]
    assert (positions.rule, positions.size) == ("naive", "open_interest")
    assert positions.to_dict()["long"] == 20.0
    assert positions.to_dict()["short"] == -10.0


def test_naive_delta_is_never_negative() -> None:
    # long calls and short puts are both long delta: the known trap of the rule
    delta = gex.analyze(gex.synthetic_chain(n=500)).exposures.delta
    assert (delta.values >= 0).all()
    assert delta.net == delta.gross > 0


def test_contracts_are_taken_as_given() -> None:
    given = [-1.5, 2.0, float("nan"), 7.0]
    positions = gex.assign_positions(chain(), "contracts", contracts=given)
    assert positions.contracts.tolist() == [-1.5, 2.0, 0.0, 7.0]
    assert positions.weight.tolist() == [-150.0, 200.0, 0.0, 70.0]
    assert positions.size == "contracts"
    result = gex.analyze(chain(), "contracts", contracts=given)
    # open interest plays no part: the last row is used although its interest is unknown
    assert result.exposures.gamma.used.tolist() == [True, True, False, True]
    assert list(result.coverage.dropped) == ["no_position"]


def test_weights_are_shares_of_open_interest() -> None:
    positions = gex.assign_positions(chain(), "weights", weights=[-1.0, 0.25, 1.0, 1.0])
    assert positions.contracts.tolist() == [-10.0, 5.0, 0.0, 0.0]
    assert gex.assign_positions(chain(), "weights", weights=-1).contracts[1] == -20.0


def test_the_rule_is_part_of_every_result() -> None:
    result = gex.analyze(chain(), "weights", weights=0.5)
    assert result.manifest["positions"] == "weights"
    assert result.manifest["size"] == "open_interest"
    assert result.manifest["positions_meaning"] == RULES["weights"].meaning


BAD = [
    ({"rule": "gut"}, ConventionError, "no rule 'gut'.*naive, "),
    ({"rule": "contracts"}, ConventionError, "'contracts' needs contracts="),
    ({"rule": "weights"}, ConventionError, "'weights' needs weights="),
    ({"weights": [1] * 4}, ConventionError, "'naive' does not take weights="),
    ({"contracts": [1] * 4}, ConventionError, "'naive' does not take contracts="),
    (
        {"rule": "weights", "weights": [0] * 4, "contracts": [1] * 4},
        ConventionError,
        "does not take contracts=",
    ),
    ({"rule": "weights", "weights": [0, 0, -1.5, 0]}, InputError, "row 2 has -1.5"),
    ({"rule": "weights", "weights": [0, 0]}, InputError, "weights: 2 rows, but strike has 4"),
    ({"rule": "contracts", "contracts": ["1"] * 4}, InputError, "contracts: is <U1"),
    ({"rule": "contracts", "contracts": [[1.0]]}, InputError, "contracts: has 2 dimensions"),
]


@pytest.mark.parametrize(("arguments", "kind", "message"), BAD)
def test_bad_arguments_are_refused(arguments: Any, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        gex.assign_positions(chain(), **arguments)


def test_every_rule_says_what_it_means() -> None:
    assert all(rule.meaning for rule in RULES.values())
    assert {"naive", "contracts", "weights"} <= set(RULES)


def test_positions_cannot_be_changed() -> None:
    given = np.ones(4)
    positions = gex.assign_positions(chain(), "contracts", contracts=given)
    with pytest.raises(ValueError, match="read-only"):
        positions.contracts[0] = 5.0
    given[0] = 9.0  # still the caller's own
    assert positions.contracts[0] == 1.0
