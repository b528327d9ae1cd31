"""Reports: every section there, numbers those of the analysis, data harmless, nothing loaded."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.errors import ConventionError, GexError, InputError, MismatchError
from gexcore.report import build_report, write_report
from gexcore.report.markup import Markup, escape, script_json, shown, table, tag
from report_pages import ReadPage, hashed, read, without_plotly

plotly = pytest.importorskip("plotly")

HOSTILE = "</script><script>boom()</script>'\"><img src=x onerror=boom()>\u2028\u202e{{7*7}}`${1}`"


@pytest.fixture(scope="module")
def result() -> gex.Analysis:
    return gex.analyze(gex.synthetic_chain(n=4000), adv=4e11, kappa=0.1)


@pytest.fixture(scope="module")
def across(result: gex.Analysis) -> gex.Across:
    return gex.levels_across(result.chain)


@pytest.fixture(scope="module")
def page(result: gex.Analysis, across: gex.Across) -> str:
    return build_report(result, across=across)


@pytest.fixture(scope="module")
def read_page(page: str) -> ReadPage:
    return read(page)


# --- what is there -----------------------------------------------------------------------------


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
    names = {"call wall": "call_wall", "put wall": "put_wall", "key delta strike": "key_delta_strike",
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
        return {k: v for key, inner in value.items()
                for k, v in leaves(f"{prefix}.{key}" if prefix else key, inner).items()}  # fmt: skip

    expected = leaves("", result.to_dict()["manifest"])
    assert list(rows) == list(expected)
    for name, value in expected.items():
        assert rows[name][0].text == ("none" if value is None else str(value))


def test_levels_across_conventions(across: gex.Across, read_page: ReadPage) -> None:
    rows = read_page.table("intervals-table")
    labels = {"zero_gamma": "zero gamma (flip)", "call_wall": "call wall", "put_wall": "put wall",
              "net_gamma": "net gamma, $ per 1%", "gross_gamma": "gross gamma, $ per 1%"}  # fmt: skip
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


# --- charts ------------------------------------------------------------------------------------


def traces(read_page: ReadPage, chart: str) -> dict[str, Any]:
    return {
        trace.get("name", trace["type"]): trace for trace in read_page.data["charts"][chart]["data"]
    }


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


def test_profile_is_the_profile(result: gex.Analysis, read_page: ReadPage) -> None:
    found = traces(read_page, "profile")
    line = found["net gamma"]
    roots = [crossing.spot for crossing in result.levels.zero_gamma.crossings]
    assert line["x"] == sorted([*result.profile.spots.tolist(), *roots])
    unit = unit_of(read_page, "Net gamma over spot")
    at = dict(zip(line["x"], line["y"], strict=True))
    for spot, gamma in zip(result.profile.spots, result.profile.gamma, strict=True):
        assert at[spot] * unit == pytest.approx(gamma, rel=1e-6, abs=1.0)
    assert found["zero gamma, all crossings"]["x"] == roots
    assert [at[root] for root in roots] == [0.0] * len(roots)


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


# --- harmless ----------------------------------------------------------------------------------


def hostile_chain(word: str, spot: float = 5000.0) -> gex.Chain:
    chain = gex.synthetic_chain(n=400)
    columns = {name: chain[name] for name in ("strike", "is_call", "expiry", "implied_vol",
                                              "open_interest", "bid", "ask")}  # fmt: skip
    return gex.Chain.from_arrays(
        spot=spot, as_of=chain.as_of, rate=0.04, dividend_yield=0.013, underlying=word,
        root=np.full(len(chain), word), source={"file": word, word: word}, **columns,
    )  # fmt: skip


def test_hostile_names_change_no_element() -> None:
    calm, wild = (
        build_report(gex.analyze(hostile_chain(word)), title=word) for word in ("XYZ", HOSTILE)
    )
    page = read(wild)
    assert page.elements == read(calm).elements
    assert page.data == read(calm).data
    assert len(page.scripts) == 3
    for raw in ("<script>boom", "<img", "onerror=boom()>", "\u2028", "\u202e"):
        assert raw not in without_plotly(wild)
    assert "</script><script>boom()</script>" in page.text  # shown as what it is
    drivers = page.tables["drivers-table"][1:]
    assert all(row[0].text.startswith("</script>") for row in drivers)


@pytest.mark.parametrize(
    "word", ["\udcff\udc80", "a\x00b\x1b[31m", "\u202eevil\u2066", "", "x" * 5000]
)
def test_odd_names_are_written(word: str, tmp_path: Path) -> None:
    (path,) = write_report(gex.analyze(hostile_chain("XYZ")), tmp_path / "a.html", title=word)
    text = path.read_bytes().decode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", without_plotly(text)[:4000]
                         .replace("\n", ""))  # fmt: skip


def test_markup() -> None:
    assert escape("<&>\"'") == "&lt;&amp;&gt;&quot;&#x27;"
    assert escape(Markup("<b>")) == "<b>"
    assert shown("a\u2028b\udc80c") == "a\ufffdb\ufffdc"
    made = tag("p", "<", None, tag("b", 1), class_='"', hidden=True, id=None, tabindex=0)
    assert made == '<p class="&quot;" hidden tabindex="0">&lt;<b>1</b></p>'
    assert "&lt;script&gt;" in table("t", "<script>", ["<script>"], [["<script>"]])
    text = script_json({"</script>": "<!--\u2028&"})
    assert not re.search("[<>&\u2028]", text)
    assert json.loads(text) == {"</script>": "<!--\u2028&"}
    with pytest.raises(ValueError, match="JSON"):
        script_json(float("nan"))


# --- the policy --------------------------------------------------------------------------------


def test_the_policy_lets_in_the_scripts_of_the_page_alone(page: str, read_page: ReadPage) -> None:
    policy = read_page.policy
    assert policy["default-src"] == ["'none'"]
    assert policy["base-uri"] == policy["form-action"] == ["'none'"]
    assert policy["script-src"] == [hashed(text) for text in read_page.scripts[1:]]
    assert policy["style-src"] == [hashed(text) for text in read_page.styles]
    assert policy["img-src"] == ["data:", "blob:"]
    assert set(policy) == {
        "default-src",
        "script-src",
        "style-src",
        "img-src",
        "base-uri",
        "form-action",
    }
    assert "unsafe" not in json.dumps(policy)
    assert page.index("Content-Security-Policy") < page.index("<style") < page.index("<script")


def test_nothing_is_loaded(page: str, read_page: ReadPage) -> None:
    names = {name for _, name, _ in read_page.attributes}
    assert not names & {"src", "href", "srcset", "action", "data", "poster", "style", "ping"}
    assert not [name for name in names if name.startswith("on")]
    assert "link" not in {element for element, _ in read_page.elements}
    style = read_page.styles[0]
    assert "url(" not in style and "@import" not in style
    own = without_plotly(page)
    assert "http:" not in own and "https:" not in own and "//" not in own.replace("// ", "")
    assert page.count("plotly.js v") == 1


def test_size(page: str) -> None:
    assert len(page.encode()) < 6_000_000  # nearly all of it plotly.js
    assert len(without_plotly(page).encode()) < 400_000


def test_the_same_page_again(result: gex.Analysis, across: gex.Across, page: str) -> None:
    assert build_report(result, across=across) == page


# --- chains of all kinds -----------------------------------------------------------------------


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
    chain = hostile_chain("XYZ")
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
    for name in ("cboe_spx_2024-01-07.csv", "deribit_eth_2021-02-11.csv", "lean_aapl_2014-06-05.csv",
                 "yfinance_spy_2026-02-11.csv.gz"):  # fmt: skip
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
    with pytest.raises(InputError, match=r'pip install "gexcore\[report\]"'):
        build_report(result)
    with pytest.raises(InputError, match=r"gexcore\[report\]"):
        write_report(result, tmp_path / "a.html")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written(result: gex.Analysis, tmp_path: Path) -> None:
    with pytest.raises(ConventionError, match=r"a report is \.html or \.pdf"):
        write_report(result, tmp_path / "a.txt")
    with pytest.raises(GexError, match=r"nowhere.*cannot be written"):
        write_report(result, tmp_path / "nowhere" / "a.html", across=False)


def test_across_of_another_chain_is_refused(result: gex.Analysis) -> None:
    other = gex.levels_across(hostile_chain("SPX", 4800.0))
    with pytest.raises(MismatchError, match="another chain"):
        build_report(result, across=other)
