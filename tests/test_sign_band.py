"""Bands under sign errors against whole books computed again with the signs turned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.errors import GexError, InputError, NotComputedError
from gexcore.sign_band import _blocks, _flips, _signs, nearest_roots


@pytest.fixture(scope="module")
def result() -> gex.Analysis:
    return gex.analyze(gex.synthetic_chain(n=4000))


@pytest.mark.parametrize("blocks", [("expiry", "option_type"), ("strike", "option_type"), ()])
def test_every_draw_is_a_book(result: gex.Analysis, blocks: tuple[str, ...]) -> None:
    draws, chain = 12, result.chain
    band = gex.levels_band(result.levels, 0.7, blocks=blocks, draws=draws, seed=3)
    codes, count = _blocks(result.levels, blocks)
    assert band.block_count == count
    signs = _signs(count, 0.7, draws, 3)
    flips = _flips(result.profile, codes, signs)
    kinds, nets, walls = [], [], []
    for draw in range(draws):
        turned = result.positions.contracts * signs[draw][codes]
        again = gex.analyze(chain, "contracts", contracts=turned)
        zero = again.levels.zero_gamma.value
        assert [flips[draw]] == pytest.approx(
            [np.nan if zero is None else zero], rel=1e-5, nan_ok=True
        )
        kinds.append(again.regime.kind)
        nets.append(again.exposures.gamma.net)
        walls.append(again.levels.call_wall.strike)
    assert band.regime == {k: kinds.count(k) / draws for k in band.regime}
    assert band.net_quantiles[0.5] == pytest.approx(np.median(nets), rel=1e-9)
    assert dict(band.call_wall) == {w: walls.count(w) / draws for w in set(walls)}
    found = flips[np.isfinite(flips)]
    assert band.no_zero_gamma == pytest.approx(1 - len(found) / draws)
    if len(found):
        assert band.zero_gamma is not None
        assert band.zero_gamma[0.95] == pytest.approx(np.quantile(found, 0.95))


def test_mean_and_deviation_are_those_of_many_draws(result: gex.Analysis) -> None:
    p = 0.75
    band = gex.levels_band(result.levels, p, draws=1, seed=1)
    codes, count = _blocks(result.levels, ("expiry", "option_type"))
    sums = np.zeros(count)
    np.add.at(sums, codes, result.exposures.gamma.values)
    nets = np.where(np.random.default_rng(5).random((200_000, count)) < p, 1, -1) @ sums
    assert band.net_mean == pytest.approx(nets.mean(), abs=4 * nets.std() / np.sqrt(len(nets)))
    assert band.net_sd == pytest.approx(nets.std(), rel=0.01)


def test_certain_signs_have_no_band(result: gex.Analysis) -> None:
    band = gex.levels_band(result.levels, 1.0, draws=5)
    net, flip = result.exposures.gamma.net, result.levels.zero_gamma.value
    assert band.net_sd == 0
    assert band.net_mean == net
    assert band.zero_gamma is not None
    assert list(band.zero_gamma.values()) == pytest.approx([flip] * 5, rel=1e-6)
    assert band.regime[result.regime.kind] == 1
    assert band.call_wall == ((result.levels.call_wall.strike, 1.0),)


def test_same_seed_same_band(result: gex.Analysis) -> None:
    one, same, other = (
        gex.levels_band(result.levels, 0.8, draws=50, seed=seed).to_dict() for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


def test_correlated_errors_are_wider(test_data: Path) -> None:
    chain = gex.read_cboe(
        test_data / "data" / "cboe_spx_2024-01-07.csv", as_of="printed", rate=0.05,
        dividend_yield=0.015,
    )  # fmt: skip
    levels = gex.analyze(chain).levels
    found = [
        gex.levels_band(levels, 0.8, blocks=blocks, draws=1).net_sd / 1e9
        for blocks in ((), ("strike", "option_type"), ("expiry", "option_type"))
    ]
    assert found == pytest.approx([8.8, 23, 44], rel=0.02)


def test_in_analyze_and_in_words(result: gex.Analysis) -> None:
    with_band = gex.analyze(result.chain, sign_accuracy=0.8)
    assert with_band.band is not None
    assert "signs right with probability 0.8" in str(with_band)
    data = with_band.to_dict()["band"]
    assert data["accuracy"] == 0.8
    assert sum(wall["share"] for wall in data["put_wall"]) == pytest.approx(1)
    assert with_band.band.manifest["sign_blocks"] == ["expiry", "option_type"]


def test_a_book_without_positions() -> None:
    chain = gex.synthetic_chain(n=400)
    levels = gex.analyze(chain, "contracts", contracts=np.zeros(len(chain))).levels
    band = gex.levels_band(levels, 0.8, draws=10)
    assert band.regime["no_exposure"] == 1
    assert band.zero_gamma is None
    assert band.call_wall == ((None, 1.0),)
    assert "no draw has one" in str(band)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"accuracy": 0.4}, "0.5 is a coin"),
        ({"accuracy": 1.1}, "accuracy"),
        ({"accuracy": float("nan")}, "accuracy"),
        ({"accuracy": "high"}, "not a number"),
        ({"accuracy": 0.8, "draws": 0}, "draws"),
        ({"accuracy": 0.8, "draws": 2.5}, "draws"),
        ({"accuracy": 0.8, "blocks": ("colour",)}, "colour"),
    ],
)
def test_what_cannot_be_drawn(result: gex.Analysis, options: Any, why: str) -> None:
    with pytest.raises(GexError, match=why):
        gex.levels_band(result.levels, **options)


def test_moving_vols_are_refused(result: gex.Analysis) -> None:
    moving = gex.analyze(result.chain, dynamics="relative=-10")
    with pytest.raises(NotComputedError, match="stay at their strikes"):
        gex.levels_band(moving.levels, 0.8)
    with pytest.raises(InputError):
        gex.analyze(result.chain, sign_accuracy=2.0)


def test_roots_between_nodes() -> None:
    spots = np.linspace(0.5, 5.0, 40)
    rows = [spots**2 - 4.0, spots - 3.0, spots + 1.0, (spots - 2) * (spots - 3.5)]
    slopes = [2 * spots, np.ones(40), np.ones(40), 2 * spots - 5.5]
    found = nearest_roots(spots, np.array(rows), np.array(slopes), 3.4)
    assert found == pytest.approx([2.0, 3.0, np.nan, 3.5], rel=1e-9, nan_ok=True)
