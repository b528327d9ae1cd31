"""Regime: kinds, both rules of transition and distances by hand, and the two sentences."""

from __future__ import annotations

import json
import math
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.errors import InputError


def regime(held: Any, strike: Any, spot: float = 100.0, vol: float = 0.2, adv: Any = None):
    """Of a book of three-month contracts without rates: the flip does not depend on spot."""
    held = np.asarray(held, dtype=float)
    chain = gex.Chain.from_arrays(
        spot=spot,
        strike=np.asarray(strike, dtype=float),
        is_call=held > 0,
        implied_vol=vol,
        open_interest=np.abs(held),
        time_to_expiry=0.25,
    )
    return gex.analyze(chain, "contracts", contracts=held, adv=adv).regime


# Puts at 90 against calls at 110, same size, vol and time: the densities are equal where
# d1(90) = -d1(110), so the flip is at sqrt(90 * 110) * exp(-vol^2 T / 2).
BOOK: dict[str, Any] = {"held": [-1000.0, 1000.0], "strike": [90.0, 110.0]}
FLIP = math.sqrt(90 * 110) * math.exp(-(0.2**2) * 0.25 / 2)


def net_to_gross(spot: float) -> float:
    width = 0.2 * math.sqrt(0.25)
    d1 = [math.log(spot / strike) / width + width / 2 for strike in (90.0, 110.0)]
    put, call = (math.exp(-d * d / 2) for d in d1)
    return (call - put) / (call + put)


@pytest.mark.parametrize(
    ("spot", "kind"),
    [(80.0, "short_gamma"), (97.0, "short_gamma"), (102.0, "long_gamma"), (120.0, "long_gamma")],
)
def test_kinds_and_distances(spot: float, kind: str) -> None:
    found = regime(**BOOK, spot=spot)
    daily = 0.2 / math.sqrt(252)
    assert found.kind == kind
    assert found.levels.zero_gamma.value == pytest.approx(FLIP, rel=1e-10)
    assert found.net_to_gross == pytest.approx(net_to_gross(spot), rel=1e-10)
    assert found.distance_pct == pytest.approx(100 * (spot / FLIP - 1), rel=1e-8)
    assert found.distance_deviations == pytest.approx(math.log(spot / FLIP) / daily, rel=1e-8)
    # positive above the flip
    assert (found.distance_pct > 0) == (found.distance_deviations > 0) == (spot > FLIP)


def test_deviations_use_the_vol_of_30_days() -> None:
    # total variance half way between 10 and 50 days: (10 * 0.04 + 50 * 0.09) / 2 per 30 days
    chain = gex.Chain.from_arrays(
        spot=100.0,
        strike=[90.0, 100.0, 100.0, 110.0],
        is_call=[False, True, False, True],
        implied_vol=[0.5, 0.2, 0.3, 0.5],
        open_interest=[50.0, 1.0, 1.0, 50.0],
        time_to_expiry=np.array([10, 10, 50, 50]) / 365,
    )
    found = gex.analyze(chain).regime
    daily = math.sqrt((10 * 0.04 + 50 * 0.09) / 2 / 30 / 252)
    flip = found.levels.zero_gamma.value
    assert found.distance_deviations == pytest.approx(math.log(100.0 / flip) / daily, rel=1e-12)


@pytest.mark.parametrize(("deviations", "near"), [(0.49, True), (0.51, False)])
@pytest.mark.parametrize("side", [-1, 1])
def test_transition_within_half_a_daily_deviation(deviations: float, near: bool, side: int) -> None:
    spot = FLIP * math.exp(side * deviations * 0.2 / math.sqrt(252))
    # |net| / gross alone would not make it one
    assert abs(net_to_gross(spot)) > 0.05
    expected = "transition" if near else "long_gamma" if side > 0 else "short_gamma"
    assert regime(**BOOK, spot=spot).kind == expected


@pytest.mark.parametrize(("excess", "kind"), [(1.10, "transition"), (1.11, "long_gamma")])
def test_transition_of_a_balanced_book(excess: float, kind: str) -> None:
    # one strike: net / gross = (x - 1) / (x + 1) at every spot, 0.0476 and 0.0521, and no flip
    found = regime([1000.0 * excess, -1000.0], [100.0, 100.0])
    assert found.kind == kind
    assert found.net_to_gross == pytest.approx((excess - 1) / (excess + 1), rel=1e-10)
    assert found.distance_pct is None
    assert found.distance_deviations is None
    mirrored = regime([-1000.0 * excess, 1000.0], [100.0, 100.0])
    assert mirrored.kind == ("short_gamma" if kind == "long_gamma" else kind)


def test_one_sided_books_have_a_regime_without_a_flip() -> None:
    assert regime([5.0], [100.0]).kind == "long_gamma"
    short = regime([-5.0], [100.0])
    assert (short.kind, short.net_to_gross, short.distance_pct) == ("short_gamma", -1.0, None)


@pytest.mark.parametrize(("held", "strike"), [([], []), ([0.0, 0.0], [95, 105])])
def test_no_exposure(held: Any, strike: Any) -> None:
    found = regime(held, strike, adv=1e9)
    assert found.kind == "no_exposure"
    assert found.pin.to_dict()["status"] == "no_exposure"
    words = ("kind", "flags", "description", "pin")
    rest = {value for key, value in found.to_dict().items() if key not in words}
    assert rest == {None}
    assert found.flags["expiry_roll"].raised is None
    assert "No dealer gamma" in found.describe()


def test_share_of_volume() -> None:
    found = regime(**BOOK, spot=110.0, adv=2.5e8)
    net = found.levels.exposures.gamma.net
    assert net > 0
    assert found.pct_adv == pytest.approx(100 * net / 2.5e8, rel=1e-12)
    assert regime(**BOOK, spot=110.0).pct_adv is None
    for adv in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="adv"):
            regime(**BOOK, adv=adv)


@pytest.mark.parametrize(
    ("spot", "words"),
    [
        (
            125.0,
            ("long gamma", "must sell", "when price rises", "buy as much when it falls", "dampens"),
        ),
        (
            80.0,
            (
                "short gamma",
                "must buy",
                "when price rises",
                "sell as much when it falls",
                "amplifies",
            ),
        ),
        (FLIP, ("near balance", "they must", "when price rises 1%")),
    ],
)
def test_describe_says_who_must_trade_which_way(spot: float, words: tuple[str, ...]) -> None:
    found = regime(**BOOK, spot=spot)
    text = found.describe()
    assert all(word in text for word in words)
    assert "\n" not in text
    assert text.count(". ") == 2  # who must trade, what it does, when and how sure
    assert "of open interest is covered" in text
    assert str(found) == text


def test_describe_sizes_the_trade_by_hand() -> None:
    found = regime(**BOOK, spot=80.0)
    shares = abs(found.levels.exposures.gamma.net) / 80.0  # $ per 1% over the price of a share
    assert f"({shares:,.0f} shares or index units)" in found.describe()


def test_feedback_by_hand() -> None:
    long, short = regime(**BOOK, spot=125.0), regime(**BOOK, spot=80.0)
    for found in (long, short):
        net = found.levels.exposures.gamma.net
        again = gex.classify_regime(found.levels, adv=abs(net) / 0.02, kappa=0.1)
        sign = 1 if net > 0 else -1
        # 100 x kappa x 2% of volume = 0.2
        assert again.feedback == pytest.approx(1 / (1 + sign * 0.2), rel=1e-12)
        assert found.feedback is None
    runaway = gex.classify_regime(
        short.levels, adv=abs(short.levels.exposures.gamma.net), kappa=0.02
    )
    assert runaway.feedback == float("inf")
    assert runaway.to_dict()["feedback"] is None
    for arguments in ({"kappa": 0.1}, {"kappa": -1.0, "adv": 1e9}, {"kappa": 0.0, "adv": 1e9}):
        with pytest.raises(InputError, match="kappa"):
            gex.classify_regime(long.levels, **arguments)


def test_regime_as_json() -> None:
    data = json.loads(json.dumps(regime(**BOOK, spot=105.0).to_dict(), allow_nan=False))
    assert {"kind", "net_to_gross", "distance_pct"} <= set(data)
    assert data["kind"] == "long_gamma"
