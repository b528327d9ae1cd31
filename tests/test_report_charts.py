"""The charts of reports: what plotly.js gets is what the library computed."""

from __future__ import annotations

import json
import re

import gexcore as gex
import numpy as np
import pytest
from gexcore import bsm
from gexcore.report import build_report
from report_pages import ReadPage, across, read, read_page, result, traces


def unit_of(read_page: ReadPage, chart: str) -> float:
    words = re.search(rf"{chart}[^$]*?, (bn|mm|k)? ?(\$|shares)", read_page.text)
    assert words is not None
    return {"bn": 1e9, "mm": 1e6, "k": 1e3, None: 1.0}[words[1]]


def test_charts_are_what_plotly_knows(read_page: ReadPage) -> None:
    import plotly.graph_objects as go

    roles = {"ink": "#000", "soft": "#111", "faint": "#222", "paper": "#fff"}
    scale = json.dumps(read_page.data["themes"]["light"]["map"])
    for name, chart in read_page.data["charts"].items():
        text = json.dumps({"data": chart["data"], "layout": chart["layout"]})
        text = text.replace('"@map"', scale)
        for role, color in roles.items():
            text = text.replace(f'"@{role}"', f'"{color}"')
        assert "@" not in text, name
        go.Figure(json.loads(text))  # raises for a property that plotly does not have


def gamma_at(chain: gex.Chain, weight: np.ndarray, spots: np.ndarray) -> np.ndarray:
    """Net gamma in $ per 1% move, one spot after the other."""
    found = []
    for spot in spots:
        each = bsm.greeks(
            spot, chain.strike, chain.time_to_expiry, chain.implied_vol, chain.rate,
            chain.dividend_yield, chain.is_call, which=("gamma",),
        ).gamma  # fmt: skip
        found.append(np.where(weight != 0, weight * each, 0).sum() * spot**2 / 100)
    return np.array(found)


def test_profile_is_repriced_finely_and_goes_through_its_zeros(
    result: gex.Analysis, read_page: ReadPage
) -> None:
    found = traces(read_page, "profile")
    line = found["net gamma"]
    roots = [crossing.spot for crossing in result.levels.zero_gamma.crossings]
    assert {*result.profile.spots.tolist(), *roots} < {*line["x"]}
    x, y = np.array(line["x"]), np.array(line["y"]) * unit_of(read_page, "Net gamma over spot")
    low, high = read_page.data["charts"]["profile"]["layout"]["xaxis"]["range"]
    inside = (x >= low) & (x <= high)
    assert np.diff(np.log(x[inside])).max() <= np.log(high / low) / 800 * (1 + 1e-9)
    weight = result.profile.weight
    # between any two points that are drawn, a straight line is the curve
    middle = 0.5 * (x[inside][1:] + x[inside][:-1])
    exact = gamma_at(result.chain, weight, middle)
    assert np.abs(np.interp(middle, x, y) - exact).max() < 2e-3 * np.abs(exact).max()
    assert np.allclose(y[::25], gamma_at(result.chain, weight, x[::25]), rtol=1e-6, atol=1e4)
    assert found["zero gamma, all crossings"]["x"] == roots
    for root in roots:
        at = int(np.flatnonzero(x == root)[0])
        assert y[at] == 0.0
        assert y[at - 1] * y[at + 1] < 0


def test_what_expires_in_minutes_shows() -> None:
    chain = gex.chain_at(gex.synthetic_chain(n=4000), "2026-03-18T15:50-04:00").filter("0dte")
    result = gex.analyze(chain)
    page = read(build_report(result, across=False))
    line = traces(page, "profile")["net gamma"]
    x, y = np.array(line["x"]), np.array(line["y"]) * unit_of(page, "Net gamma over spot")
    spots = np.linspace(4900.0, 5100.0, 801)
    exact = gamma_at(chain, result.profile.weight, spots)
    assert np.abs(np.interp(spots, x, y) - exact).max() < 0.02 * np.abs(exact).max()


def test_the_band_is_that_of_the_conventions(across: gex.Across, read_page: ReadPage) -> None:
    band = read_page.data["charts"]["profile"]["layout"]["shapes"][0]
    interval = across.intervals["zero_gamma"]
    assert (band["x0"], band["x1"]) == (interval.low, interval.high)


def test_marks_are_the_levels(result: gex.Analysis, read_page: ReadPage) -> None:
    levels = result.levels
    expected = {result.chain.spot, levels.zero_gamma.value, levels.call_wall.strike,
                levels.put_wall.strike, levels.absolute_gamma_strike.strike}  # fmt: skip
    for chart in ("profile", "strikes", "expiries"):
        marks = read_page.data["charts"][chart]["marks"]
        assert {mark["x"] for mark in marks} == expected
        low, high = read_page.data["charts"][chart]["layout"]["xaxis"]["range"]
        assert all(low < mark["x"] < high for mark in marks)


def test_strikes_sum_calls_and_puts(result: gex.Analysis, read_page: ReadPage) -> None:
    found, gamma = traces(read_page, "strikes"), result.exposures.gamma
    unit = unit_of(read_page, "Gamma by strike")
    calls = result.chain.is_call
    for name, rows in (("calls", calls), ("puts", ~calls), ("net", np.ones_like(calls))):
        for strike, value in zip(found[name]["x"], found[name]["y"], strict=True):
            own = gamma.values[rows & gamma.used & (result.chain.strike == strike)].sum()
            assert value * unit == pytest.approx(own, rel=1e-6, abs=1.0), (name, strike)


def test_map_of_expirations(result: gex.Analysis, read_page: ReadPage) -> None:
    trace = traces(read_page, "expiries")["heatmap"]
    unit = unit_of(read_page, "Net gamma by expiration and strike")
    days, strikes = result.exposures.gamma.by("expiry", "strike").keys
    values = result.exposures.gamma.by("expiry", "strike").values
    known = {(str(d), float(k)): v for d, k, v in zip(days, strikes, values, strict=True)}
    seen = 0
    for day, row in zip(trace["y"], trace["z"], strict=True):
        for strike, value in zip(trace["x"], row, strict=True):
            if value is None:
                assert (day, strike) not in known
            else:
                seen += 1
                assert value * unit == pytest.approx(known[day, strike], rel=1e-6, abs=1.0)
    assert seen > 100
    assert trace["zmin"] == -trace["zmax"]


def test_scenario_is_the_cube(result: gex.Analysis, read_page: ReadPage) -> None:
    trace = traces(read_page, "scenario")["heatmap"]
    cube = gex.scenario_cube(result.chain, spots=trace["y"])
    unit = unit_of(read_page, "Net gamma by time and price")
    np.testing.assert_allclose(np.array(trace["z"]) * unit, cube.values[:, :, 0], rtol=1e-6, atol=1)
    assert len(trace["x"]) == len(set(trace["x"])) == len(cube.days)
    assert trace["x"][0] == "10:30"
