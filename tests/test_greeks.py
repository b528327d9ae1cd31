"""Greeks of a chain: columns as long as it, nothing where nothing is known."""

from __future__ import annotations

import gexcore as gex
import numpy as np
import pytest
from gexcore import bsm


@pytest.fixture
def chain() -> gex.Chain:
    # used, no vol by 0, no vol by NaN, expired, unreadable strike
    return gex.Chain.from_arrays(
        spot=100.0,
        strike=[105.0, 95.0, 95.0, 90.0, -1.0],
        is_call=[True, True, False, True, True],
        implied_vol=[0.25, 0.0, np.nan, 0.2, 0.2],
        open_interest=10.0,
        time_to_expiry=[30 / 365, 0.1, 0.1, 0.0, 0.1],
        rate=0.04,
        dividend_yield=0.01,
    )


def test_a_missing_vol_is_not_a_vol_of_zero(chain: gex.Chain) -> None:
    greeks = gex.compute_greeks(chain)
    # the published worked example
    assert greeks.delta[0] == pytest.approx(0.2705443, abs=5e-8)
    assert greeks.gamma[0] == pytest.approx(0.0461601, abs=5e-8)
    for name in bsm.GREEKS:
        assert np.isnan(greeks[name][1:]).all()


def test_columns_cannot_be_written(chain: gex.Chain) -> None:
    for greeks in (gex.compute_greeks(chain), gex.ChainGreeks.from_columns(chain, gamma=[0.1] * 5)):
        with pytest.raises(ValueError, match="read-only"):
            greeks.gamma[0] = 1.0


def test_exposures_are_immutable(chain: gex.Chain) -> None:
    result = gex.analyze(chain)
    with pytest.raises(AttributeError, match="immutable"):
        result.exposures.positions = None
    with pytest.raises(TypeError):
        result.profile.values["gamma"] = np.zeros(3)
