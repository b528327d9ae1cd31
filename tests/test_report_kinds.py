"""Reports of chains of all kinds, and what cannot be written."""

from __future__ import annotations

import sys
from pathlib import Path

import gexcore as gex
import numpy as np
import pytest
from gexcore.errors import ConventionError, GexError, InputError, MismatchError
from gexcore.report import build_report, write_report
from report_pages import named_chain, read, result, traces, without_plotly


def test_a_level_that_does_not_exist_says_why(result: gex.Analysis) -> None:
    short = gex.analyze(result.chain, "short_all")
    page = read(build_report(short, across=False))
    rows = page.table("levels-table")
    assert rows["zero gamma (flip)"][0].text == "none"
    assert rows["zero gamma (flip)"][5].text.startswith("always short from")
    assert rows["call wall"][5].text == "no positive strike"
    assert "zero gamma, all crossings" not in traces(page, "profile")
    assert "intervals-table" not in page.tables
    assert "conventions not varied" in page.text
    assert "flip none, walls" in page.text


def test_a_chain_without_vols_has_no_charts() -> None:
    chain = named_chain("XYZ")
    bare = gex.Chain.from_arrays(
        spot=5000.0, strike=chain.strike, is_call=chain.is_call, expiry=chain.expiry,
        implied_vol=np.nan, open_interest=chain.open_interest, as_of=chain.as_of,
    )  # fmt: skip
    page = read(build_report(gex.analyze(bare)))
    assert "no exposure" in page.text
    assert page.data["charts"] == {}
    assert {"levels-table", "flags-table", "coverage-table"} <= set(page.tables)


@pytest.mark.parametrize("rows", [0, 1, 6])
def test_small_chains_without_dates(rows: int) -> None:
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=np.array([90.0, 95, 100, 100, 105, 110])[:rows],
        is_call=np.array([False, False, False, True, True, True])[:rows],
        time_to_expiry=np.full(rows, 0.08), implied_vol=np.full(rows, 0.2),
        open_interest=np.array([900.0, 1500, 700, 800, 2500, 1200])[:rows],
    )  # fmt: skip
    page = read(build_report(gex.analyze(chain)))
    assert "Chain" in page.text and "at a time not known" in page.text
    assert "expiries" not in page.data["charts"]
    if rows:
        assert "the chain has no expiration dates" in page.text
        assert traces(page, "scenario")["heatmap"]["x"][:2] == ["+0 d", "+1 d"]


def test_vols_that_move_and_errors_of_sign(result: gex.Analysis) -> None:
    moved = gex.analyze(result.chain, dynamics="ssr=1.5")
    page = read(build_report(moved))
    assert "effective net gamma" in page.text
    assert page.table("strength-table")["effective net gamma"][0].value == moved.levels.net_gamma[0]
    assert page.table("manifest-table")["dynamics"][0].text == "ssr=1.5"
    unsure = gex.analyze(result.chain, sign_accuracy=0.8)
    assert "Errors of sign" in (text := read(build_report(unsure, across=False)).text)
    assert str(unsure.band) in text


def test_every_real_chain(test_data: Path) -> None:
    names = ("cboe_spx_2024-01-07.csv", "deribit_eth_2021-02-11.csv", "lean_aapl_2014-06-05.csv")
    for name in (*names, "yfinance_spy_2026-02-11.csv.gz"):
        found = gex.analyze(gex.read_chain(test_data / "data" / name))
        page = read(text := build_report(found))
        assert page.table("levels-table")["call wall"][0].value == found.levels.call_wall.strike
        assert len(page.data["charts"]) == 6, name
        assert len(without_plotly(text)) < 800_000, name


# --- files -------------------------------------------------------------------------------------


def test_without_plotly_the_extra_is_named(
    result: gex.Analysis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(InputError, match=r'pip install --upgrade "gexcore\[report\]"'):
        build_report(result)
    with pytest.raises(InputError, match=r"gexcore\[report\]"):
        write_report(result, tmp_path / "a.html")
    assert not list(tmp_path.iterdir())


def test_the_package_opens_the_door() -> None:
    assert gex.__getattr__("report").write_report is write_report
    assert {"io", "plot", "report"} <= set(dir(gex))


def test_an_old_plotly_is_refused(result: gex.Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plotly.__version__", "5.24.1")
    with pytest.raises(InputError, match=r"plotly 6 or newer, not 5\.24\.1"):
        build_report(result)


def test_what_cannot_be_written(result: gex.Analysis, tmp_path: Path) -> None:
    with pytest.raises(ConventionError, match=r"a report is \.html or \.pdf"):
        write_report(result, tmp_path / "a.txt")
    with pytest.raises(GexError, match=r"nowhere.*cannot be written"):
        write_report(result, tmp_path / "nowhere" / "a.html", across=False)


def test_across_of_another_chain_is_refused(result: gex.Analysis) -> None:
    other = gex.levels_across(named_chain("SPX", 4800.0))
    with pytest.raises(MismatchError, match="another chain"):
        build_report(result, across=other)
