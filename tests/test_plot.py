"""Pictures by their structure: axes, lines, labels; and that files are written."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore import plot
from gexcore.cli import main
from gexcore.cli.options import PICTURES
from gexcore.errors import GexError, InputError

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def result() -> gex.Analysis:
    return gex.analyze(gex.synthetic_chain(n=4000))


def labels(axes: Any) -> list[str]:
    return list(axes.get_legend_handles_labels()[1])


def test_strikes_show_calls_puts_net_and_levels(result: gex.Analysis) -> None:
    (axes,) = plot.plot_strikes(result).axes
    assert axes.get_xlabel() == "strike"
    assert r"bn \$ per 1% move" in axes.get_ylabel()
    found = labels(axes)
    assert {"calls", "puts", "net"} <= set(found)
    assert any(text.startswith("zero gamma 5,0") for text in found)
    calls, puts = axes.containers
    near = np.abs(np.log(np.array([b.get_center()[0] for b in calls]) / 5000)) <= 0.08
    assert near.all()
    assert min(bar.get_height() for bar in calls) >= 0 >= max(b.get_height() for b in puts)
    gamma = result.exposures.gamma
    shown = np.abs(np.log(result.chain.strike / 5000)) <= 0.08
    total = sum(bar.get_height() for bar in calls) + sum(bar.get_height() for bar in puts)
    assert total == pytest.approx(gamma.values[shown].sum() / 1e9, rel=1e-9)


def test_strikes_reach_as_far_as_walls_and_pin() -> None:
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=[60.0, 100.0, 101.0, 130.0], is_call=[False, True, True, True],
        implied_vol=0.8, open_interest=[900, 1, 1, 900], time_to_expiry=0.3,
    )  # fmt: skip
    (axes,) = plot.plot_strikes(gex.analyze(chain)).axes
    low, high = axes.get_xlim()
    assert low < 60.0 and high > 130.0
    assert not any("(outside)" in text for text in labels(axes))
    (narrow,) = plot.plot_strikes(gex.analyze(chain), reach=0.05).axes
    assert narrow.get_xlim() == pytest.approx((100 * np.exp(-0.05), 100 * np.exp(0.05)))
    assert "put wall 60 (outside)" in labels(narrow)


def test_profile_is_drawn_finely_and_goes_through_its_zeros(result: gex.Analysis) -> None:
    (axes,) = plot.plot_profile(result).axes
    line = next(line for line in axes.lines if line.get_label() == "net gamma")
    x, y = line.get_xdata(), line.get_ydata()
    crossings = [crossing.spot for crossing in result.levels.zero_gamma.crossings]
    assert {*result.profile.spots, *crossings} < {*x}
    near = np.abs(np.log(x / 5000)) <= 0.08
    assert np.diff(np.log(x[near])).max() < 0.0003
    assert all(y[x == root] == 0.0 for root in crossings)
    exact = gex.sweep_profile(result.chain, result.positions, x[near])
    assert np.allclose(y[near] * 1e9, exact.gamma, rtol=1e-9, atol=1.0)
    roots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [float(r.get_xdata()[0]) for r in roots] == crossings


def test_profile_with_the_band_of_conventions(result: gex.Analysis) -> None:
    across = gex.levels_across(result.chain, conventions={"clock": ["settlement", "calendar/365"]})
    (axes,) = plot.plot_profile(result, across=across).axes
    assert any(text.startswith("zero gamma across conventions") for text in labels(axes))


def test_missing_levels_say_why(result: gex.Analysis) -> None:
    (axes,) = plot.plot_strikes(gex.analyze(result.chain, "short_all")).axes
    assert "zero gamma: none (always short)" in labels(axes)


def test_heat_map_has_a_cell_per_expiry_and_strike(result: gex.Analysis) -> None:
    axes, bar = plot.plot_heat_map(result, expiries=5).axes
    values = axes.images[0].get_array()
    assert values.shape[0] == 5
    assert axes.get_ylabel() == "expiry"
    assert "per 1% move" in bar.get_ylabel()
    assert axes.images[0].norm.vmin == -axes.images[0].norm.vmax
    strikes = [float(t.get_text().replace(",", "")) for t in axes.get_xticklabels()]
    assert 4 <= len(strikes) <= 12
    assert all(strike % 50 == 0 for strike in strikes)
    days = np.unique(result.chain.expiry)[:5]
    assert [t.get_text() for t in axes.get_yticklabels()] == [str(day) for day in days]


def test_scenario_shows_one_vol_shift(result: gex.Analysis) -> None:
    cube = gex.scenario_cube(result.chain, times=[0.0, 1.0, 3.0], vol_shifts=[-0.01, 0.0, 0.05])
    axes, _ = plot.plot_scenario(cube).axes
    assert np.allclose(axes.images[0].get_array() * 1e9, cube.values[:, :, 1])
    assert "+0 points" in axes.get_title(loc="left")
    assert "naive positions, scope all, clock settlement" in axes.get_title(loc="left")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time, New York", "spot")
    assert labels(axes) == ["zero", "spot 5,000"]
    spots = [float(t.get_text().replace(",", "")) for t in axes.get_yticklabels()]
    assert np.allclose(np.interp(spots, cube.spots, range(len(cube.spots))), axes.get_yticks())
    other, _ = plot.plot_scenario(cube, vol=2).axes
    assert "+5 points" in other.get_title(loc="left")
    with pytest.raises(InputError, match="no shift 3"):
        plot.plot_scenario(cube, vol=3)


def test_ladder_stacks_its_parts(result: gex.Analysis) -> None:
    ladder = gex.hedge_ladder(result.chain, days=1.0, vol_points=-1.0)
    (axes,) = plot.plot_ladder(ladder).axes
    found = labels(axes)
    assert {"gamma", "charm", "vanna", "speed", "all together"} <= set(found)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("move of spot", "mm shares bought")
    assert [t.get_text() for t in axes.get_xticklabels()] == [f"{m:+.2%}" for m in ladder.returns]
    line = next(line for line in axes.lines if line.get_label() == "all together")
    assert np.allclose(line.get_ydata() * 1e6, ladder.shares)
    tops = np.zeros(len(ladder))
    for bars in axes.containers:
        tops += [bar.get_height() for bar in bars]
    assert np.allclose(tops * 1e6, ladder.shares)


def test_path_draws_every_level(result: gex.Analysis) -> None:
    path = gex.level_path(result.chain, times=[0.0, 1.0, 2.0])
    (axes,) = plot.plot_path(path).axes
    named = [text.partition(" (none at ")[0] for text in labels(axes)]
    assert named == ["spot 5,000", "zero gamma", "call wall", "put wall", "pin"]
    gone = int(np.isnan(path.zero_gamma).sum())
    assert f"zero gamma (none at {gone} of 3 times)" in labels(axes)
    assert axes.get_xlabel() == "calendar days ahead"
    for line, name in zip(axes.lines[1:], plot.canvas.LEVELS, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), path.days)
        np.testing.assert_array_equal(line.get_ydata(), getattr(path, name))


def pictures(chain: gex.Chain, dark: bool = False) -> dict[str, Any]:
    """A figure of each kind."""
    result = gex.analyze(chain)
    drawn = {kind: draw(result, dark=dark) for kind, draw in plot.OF_ANALYSIS.items()}
    times = [0.0, 1.0, 2.0]
    later = gex.chain_at(chain, 1.0)
    return drawn | {
        "scenario": plot.plot_scenario(gex.scenario_cube(chain, times=times), dark=dark),
        "ladder": plot.plot_ladder(gex.hedge_ladder(chain, days=0.5), dark=dark),
        "path": plot.plot_path(gex.level_path(chain, times=times), dark=dark),
        "history": plot.plot_history([result, gex.analyze(later)], dark=dark),
    }


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_that_is_written_overlaps(dark: bool) -> None:
    for kind, figure in pictures(gex.synthetic_chain(n=4000), dark).items():
        figure.draw_without_rendering()
        axes = figure.axes[0]
        for axis in (axes.xaxis, axes.yaxis):
            texts = [t.label1 for t in axis.get_major_ticks() if t.label1.get_text()]
            boxes = [text.get_window_extent() for text in texts if text.get_visible()]
            assert 2 <= len(boxes) <= 25, kind
            if not texts[0].get_rotation():
                pairs = pairwise(boxes)
                assert not any(one.overlaps(other) for one, other in pairs), kind
        (legend,) = figure.legends
        box, paper = legend.get_window_extent(), figure.bbox
        assert not box.overlaps(axes.get_window_extent()), kind
        assert not box.overlaps(axes.xaxis.label.get_window_extent()), kind
        assert paper.x0 <= box.x0 and box.x1 <= paper.x1, kind
        title = axes.title.get_window_extent(), axes._left_title.get_window_extent()
        assert all(each.x1 <= paper.x1 for each in title), kind
        assert axes.get_xlabel() and axes.get_ylabel(), kind


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("kind", plot.OF_ANALYSIS)
def test_size_and_theme(result: gex.Analysis, kind: str, dark: bool) -> None:
    figure = plot.OF_ANALYSIS[kind](result, dark=dark)
    assert (figure.get_size_inches() * figure.dpi).tolist() == [1200, 700]
    assert (sum(figure.get_facecolor()[:3]) < 1) is dark


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_files(result: gex.Analysis, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    plot.save_figure(plot.plot_profile(result), path)
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending]
    assert path.read_bytes().startswith(start)
    with pytest.raises(GexError, match=r"\.png, \.svg or \.pdf"):
        plot.save_figure(plot.plot_profile(result), tmp_path / "a.bmp")


def test_hostile_names_are_text(tmp_path: Path) -> None:
    chain = gex.synthetic_chain(n=400)._replace(underlying="$\\frac{<script>")
    path = tmp_path / "a.svg"
    plot.save_figure(plot.plot_profile(gex.analyze(chain)), path)
    assert "<script>" not in path.read_text()


def test_without_dates_there_is_no_heat_map() -> None:
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=[95.0], is_call=[True], implied_vol=0.2, open_interest=1,
        time_to_expiry=0.1,
    )  # fmt: skip
    with pytest.raises(InputError, match="expiration dates"):
        plot.plot_heat_map(gex.analyze(chain))


def test_without_matplotlib_the_extra_is_named(
    result: gex.Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(InputError, match=r"gexcore\[plot\]"):
        plot.plot_strikes(result)


@pytest.mark.parametrize("kind", [k for k in PICTURES if k != "history"])
def test_command(kind: str, tmp_path: Path, sample: Path, capsys: Any) -> None:
    out = tmp_path / "out.png"
    assert main(["plot", str(sample), "-o", str(out), "--kind", kind]) == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    assert kind in capsys.readouterr().err


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    from cboe_samples import sheet

    path = tmp_path / "chain.csv"
    path.write_bytes(sheet())
    return path


def test_command_with_an_ending_that_is_no_picture(sample: Path, capsys: Any) -> None:
    assert main(["plot", str(sample), "-o", "levels.txt"]) == 2
    assert ".png, .svg or .pdf" in capsys.readouterr().err
