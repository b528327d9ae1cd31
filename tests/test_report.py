"""Reports say everything: sections, words, tables, with the numbers of the analysis."""

from __future__ import annotations

import re
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.report import build_report
from report_pages import ReadPage, across, page, read, read_page, result


def test_sections_stand_in_order(page: str) -> None:
    heads = re.findall(r"<h2 id=\"[^\"]*\">([^<]*)</h2>", page)
    assert heads == [
        "Levels", "Regime", "How sure", "Strikes and expirations", "Hedging", "Coverage",
        "Conventions",
    ]  # fmt: skip
    assert len(re.findall("<h1>", page)) == 1


def test_the_title_says_regime_flip_and_walls(result: gex.Analysis, page: str) -> None:
    levels = result.levels
    title = re.search("<title>(.*?)</title>", page)
    assert title is not None
    assert title[1] == (
        f"SPX: short gamma, flip {levels.zero_gamma.value:,.2f}, "
        f"walls {levels.put_wall.strike:,.0f} / {levels.call_wall.strike:,.0f}"
    )


def test_the_head_says_how_sure(result: gex.Analysis, across: gex.Across, page: str) -> None:
    head = read(page[: page.index("</header>")].replace("<main>", "") + "</header></body></html>")
    agree = across.regimes["short_gamma"]
    assert f"{agree} of {len(across)}" in head.text
    share = result.coverage.used_open_interest_share
    assert f"{share:.0%} of open interest used" in head.text
    assert f"{len(result.warnings)} warnings" in head.text
    for warning in result.warnings:
        assert warning in head.text
    interval = across.intervals["zero_gamma"]
    assert f"{interval.low:,.2f} to {interval.high:,.2f} across conventions" in head.text


def test_conventions_that_disagree_are_counted(result: gex.Analysis) -> None:
    rules = ["naive", "short_all", "inverted", "moneyness"]
    across = gex.levels_across(result.chain, conventions={"positions": rules})
    agree = across.regimes["short_gamma"]
    assert agree < len(across) == 4
    text = read(build_report(result, across=across)).text
    assert f"{agree} of 4sets of conventions say short gamma" in text
    assert "The regime depends on the conventions: " in text
    for kind, count in across.regimes.items():
        assert f"{kind.replace('_', ' ')} in {count}" in text


def test_every_figure_has_words_and_every_table_heads(read_page: ReadPage) -> None:
    labelled = {v for _, name, v in read_page.attributes if name == "aria-labelledby"}
    ids = [value for _, name, value in read_page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert labelled <= set(ids)
    charts = [value for _, name, value in read_page.attributes if value.startswith("chart-")]
    assert [name.removeprefix("chart-") for name in charts] == [
        "map", "profile", "strikes", "expiries", "ladder", "scenario",
    ]  # fmt: skip
    assert set(read_page.data["charts"]) == {name.removeprefix("chart-") for name in charts}
    for name, rows in read_page.tables.items():
        assert len(rows) > 1, name
        assert {len(row) for row in rows} == {len(rows[0])}, name
        assert all(cell.text for cell in rows[0]), name
    tags = [name for name, _ in read_page.elements]
    assert tags.count("caption") == tags.count("table") == len(read_page.tables)


# --- numbers -----------------------------------------------------------------------------------


def test_levels_are_those_of_the_analysis(result: gex.Analysis, read_page: ReadPage) -> None:
    rows = read_page.table("levels-table")
    levels = result.levels
    assert rows["zero gamma (flip)"][0].value == levels.zero_gamma.value
    names = {"call wall": "call_wall", "put wall": "put_wall",
             "key delta strike": "key_delta_strike",
             "high-volatility level": "hvl",
             "absolute gamma strike (pin)": "absolute_gamma_strike"}  # fmt: skip
    for label, name in names.items():
        price, away, _, value, share, _ = rows[label]
        level = getattr(levels, name)
        assert (price.value, value.value, share.value) == (level.strike, level.value, level.share)
        assert away.value == pytest.approx(level.strike / 5000 - 1, abs=1e-15)
    prices = [cells[0].value for cells in rows.values()]
    assert prices == sorted(prices, key=lambda price: -(price or 0.0))  # as on a ladder
    deviations = rows["zero gamma (flip)"][2].value
    assert deviations == pytest.approx(-result.regime.distance_deviations, rel=1e-12)


def test_signs_are_words_too(result: gex.Analysis, read_page: ReadPage) -> None:
    rows = read_page.table("levels-table")
    assert rows["call wall"][3].text.startswith("+")
    assert rows["call wall"][3].text.endswith("(long)")
    assert rows["put wall"][3].text.startswith("-")
    assert rows["put wall"][3].text.endswith("$ per 1% (short)")
    pin = rows["absolute gamma strike (pin)"][3].text  # not netted: neither long nor short
    assert pin.endswith("gross") and pin[0] not in "+-"
    for move, dealers, shares in ((r[0], r[2], r[3]) for r in read_page.tables["ladder-table"][1:]):
        word = {1: "buy", -1: "sell", 0: "nothing"}[int(np.sign(shares.value or 0.0))]
        assert dealers.text == word, move.text


def test_regime_and_its_evidence(result: gex.Analysis, read_page: ReadPage) -> None:
    regime = result.regime
    assert regime.describe() in read_page.text
    rows = read_page.table("strength-table")
    assert rows["net gamma"][0].value == result.exposures.gamma.net
    assert rows["gross gamma"][0].value == result.exposures.gamma.gross
    assert rows["net / gross"][0].value == regime.net_to_gross
    assert rows["spot from zero gamma"][0].value == regime.distance_pct
    assert rows["in daily deviations"][0].value == regime.distance_deviations
    assert rows["net gamma, % of daily volume"][0].value == regime.pct_adv
    assert rows["feedback, times realised vol"][0].value == regime.feedback
    said = {True: "RAISED", False: "no", None: "cannot be told"}
    flags = read_page.table("flags-table")
    assert {name: (cells[0].text, cells[1].text) for name, cells in flags.items()} == {
        name.replace("_", " "): (said[flag.raised], flag.evidence)
        for name, flag in regime.flags.items()
    }
    assert {flag.raised for flag in regime.flags.values()} >= {True, False}


def test_coverage_adds_up(result: gex.Analysis, read_page: ReadPage) -> None:
    rows = read_page.table("coverage-table")
    coverage = result.coverage
    assert rows["used"][0].value == coverage.used
    assert rows["used"][1].value == coverage.used_open_interest_share
    for name, (count, share) in coverage.dropped.items():
        cells = rows[f"dropped: {name.replace('_', ' ')}"]
        assert (cells[0].value, cells[1].value) == (count, share)
    dropped = sum(cells[0].value for name, cells in rows.items() if name.startswith("dropped"))
    assert rows["read"][0].value == coverage.read == coverage.used + dropped


def test_manifest_is_whole(result: gex.Analysis, read_page: ReadPage) -> None:
    rows = read_page.table("manifest-table")

    def leaves(prefix: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            return {prefix: value}
        found: dict[str, Any] = {}
        for key, inner in value.items():
            found |= leaves(f"{prefix}.{key}" if prefix else key, inner)
        return found

    expected = leaves("", result.to_dict()["manifest"])
    assert list(rows) == list(expected)
    for name, value in expected.items():
        assert rows[name][0].text == ("none" if value is None else str(value))


def test_levels_across_conventions(across: gex.Across, read_page: ReadPage) -> None:
    rows = read_page.table("intervals-table")
    labels = {"zero_gamma": "zero gamma (flip)", "call_wall": "call wall", "put_wall": "put wall"}
    labels |= {name: f"{name.replace('_', ' ')}, $ per 1%" for name in ("net_gamma", "gross_gamma")}
    for name, label in labels.items():
        base, low, high, driver, moved, _ = rows[label]
        interval = across.intervals[name]
        assert base.value == getattr(across.base, name)
        assert (low.value, high.value) == (interval.low, interval.high)
        assert driver.text == (interval.driver or "nothing").replace("_", " ")
        assert all(
            choice.replace("_", " ") in moved.text for choice, v in interval.effects.items() if v
        )
    sets = read_page.tables["conventions-table"]
    columns = [cell.text for cell in sets[0]]
    assert len(sets) == 1 + len(across)
    for name in ("zero gamma", "net gamma", "call wall", "put wall"):
        values = [row[columns.index(name)].value for row in sets[1:]]
        assert values == [getattr(row, name.replace(" ", "_")) for row in across.rows]


def test_sensitivities_and_ladder(result: gex.Analysis, read_page: ReadPage) -> None:
    found = gex.compute_sensitivities(result.levels)
    rows = read_page.table("sensitivities-table")
    zero = rows["zero gamma (flip)"]
    own = found.zero_gamma
    assert [c.value for c in zero[2:5]] == [own.per_day, own.per_vol_point, own.per_rate_point]
    wall = rows["call wall"]
    assert [wall[2].value, wall[5].value] == [found.call_wall.per_day, found.call_wall.lead]
    pulls = read_page.tables["pulls-table"][1:]
    assert [row[2].value for row in pulls] == [p.per_1000_contracts for p in own.contracts]
    ladder = gex.hedge_ladder(result.chain)
    rows_of_ladder = read_page.tables["ladder-table"][1:]
    assert [row[0].value for row in rows_of_ladder] == ladder.returns.tolist()
    assert [row[3].value for row in rows_of_ladder] == ladder.shares.tolist()
    assert [row[4].value for row in rows_of_ladder] == ladder.dollars.tolist()


def test_tables_of_strikes_and_expirations(result: gex.Analysis, read_page: ReadPage) -> None:
    levels = result.levels
    rows = [(row[0].value, row[1].value) for row in read_page.tables["strikes-table"][1:]]
    assert rows == [*levels.top_positive, *levels.top_negative]
    drivers = read_page.tables["drivers-table"][1:]
    assert [row[2].value for row in drivers] == [driver.value for driver in levels.drivers]
    buckets = read_page.tables["buckets-table"][1:]
    assert sum(row[3].value for row in buckets) == pytest.approx(result.exposures.gamma.net)
