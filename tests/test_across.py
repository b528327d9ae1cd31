"""Levels across conventions: against plain Python and published numbers; intervals by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import gexcore as gex
import pytest
from across_samples import SPOT, Oracle, assert_plain, quoted, small
from gexcore import choices, clock
from gexcore.across import LEVELS, AcrossRow, _interval
from gexcore.choices import DIMENSIONS, Convention
from gexcore.cli import main
from gexcore.dynamics import Dynamics
from gexcore.errors import ConventionError

SPX = "cboe_spx_2024-01-07.csv"


def test_default_set_of_a_small_book_against_plain_python() -> None:
    across = gex.levels_across(small())
    # rates and clocks and as_of in full, two scopes and one side of walls; no quotes, no parity
    assert len(across) == 2 * 4 * 2 + 2 + 1
    assert across.notes == ("rates: parity left out, the chain has no quotes",)
    kinds = set()
    for row in across.rows:
        oracle = Oracle(row.convention)
        assert row.net_gamma == pytest.approx(oracle.net(), rel=1e-11)
        gross = math.fsum(map(abs, oracle.values(SPOT)))
        assert row.gross_gamma == pytest.approx(gross, rel=1e-11)
        assert row.effective_net_gamma == row.net_gamma
        assert row.zero_gamma == pytest.approx(oracle.zero(), rel=1e-9)
        assert (row.call_wall, row.put_wall) == oracle.walls(row.convention.side)
        assert row.regime == oracle.regime()
        kinds.add(row.regime)
    assert across.unanimous_regime == (len(kinds) == 1)
    zeros = [Oracle(row.convention).zero() for row in across.rows]
    interval = across.intervals["zero_gamma"]
    assert (interval.low, interval.high) == pytest.approx((min(zeros), max(zeros)), rel=1e-9)
    # effects again, over all pairs of rows that differ in one choice
    effects = {}
    for i, name in enumerate(DIMENSIONS):
        groups: dict[Any, list[float]] = {}
        for row, zero in zip(across.rows, zeros, strict=True):
            rest = (*row.convention[:i], *row.convention[i + 1 :])
            groups.setdefault(rest, []).append(zero)
        ranges = [max(g) - min(g) for g in groups.values() if len(g) > 1]
        if ranges:
            effects[name] = sum(ranges) / len(ranges)
    assert set(effects) == {"as_of", "clock", "rates", "scope", "side"}
    assert interval.effects == pytest.approx(effects, abs=1e-7)
    assert interval.effects["side"] == 0.0
    assert interval.driver == max(effects, key=lambda name: effects[name])


# --- intervals by hand ----------------------------------------------------------------------------

BASE = Convention(
    "session", "settlement", "given", "all", "naive", "open_interest", Dynamics("sticky_strike"),
    "net", False,
)  # fmt: skip


def row_of(zero: float | None, status: str = "found", **changes: Any) -> AcrossRow:
    found = {"zero_gamma": status, "call_wall": "found", "put_wall": "found"}
    return AcrossRow(BASE._replace(**changes), zero, 1.0, 2.0, 1.0, 5.0, 4.0, "transition", found)


def test_interval_by_hand() -> None:
    rows = [
        row_of(100.0),
        row_of(110.0, rates="zero"),
        row_of(103.0, clock="calendar/365"),
        row_of(None, "always_long", clock="calendar/365", rates="zero"),
        row_of(104.0, scope="ex-next"),
        row_of(90.0, as_of="printed"),
        row_of(106.0, as_of="printed", rates="zero"),
    ]
    interval = _interval(rows, "zero_gamma")
    assert (interval.low, interval.high, interval.found) == (90.0, 110.0, 6)
    assert interval.missing == {"always_long": 1}
    # rates: 10 and 16 (a level alone is no range); as_of: 10 and 4; clock 3; scope 4
    assert interval.effects == {"rates": 13.0, "as_of": 7.0, "clock": 3.0, "scope": 4.0}
    assert interval.driver == "rates"
    call = _interval(rows, "call_wall")
    assert (call.low, call.high, call.driver) == (5.0, 5.0, None)
    assert set(call.effects.values()) == {0.0}


def test_no_choice_alone_moves_what_differs_in_two() -> None:
    rows = [row_of(100.0), row_of(110.0, rates="zero", clock="business/252")]
    interval = _interval(rows, "zero_gamma")
    assert (interval.low, interval.high, interval.driver) == (100.0, 110.0, None)
    assert interval.effects == {}


def test_rounding_moves_nothing_and_no_level_has_no_ends() -> None:
    rows = [row_of(100.0), row_of(100.0 + 1e-8, scope="dte<=90")]
    assert _interval(rows, "zero_gamma").driver is None
    none = [row_of(None, "always_short"), row_of(None, "no_exposure", scope="0dte")]
    interval = _interval(none, "zero_gamma")
    assert (interval.low, interval.high, interval.driver, interval.found) == (None, None, None, 0)
    assert interval.missing == {"always_short": 1, "no_exposure": 1}
    assert str(interval) == "none"


# --- the SPX chain of 2024-01-07 ------------------------------------------------------------------


@pytest.fixture(scope="module")
def spx(test_data: Path) -> gex.Across:
    chain = gex.read_cboe(test_data / "data" / SPX, rate=0.053, dividend_yield=0.015)
    return gex.levels_across(chain)


def only(across: gex.Across, **wanted: Any) -> AcrossRow:
    (row,) = across.where(**{"scope": "all", "side": "net", **wanted})
    return row


def test_published_flips_stand_in_one_table(spx: gex.Across, test_data: Path) -> None:
    text = (test_data / "reference" / "published_levels.json").read_text("utf-8")
    (theirs,) = json.loads(text)
    measured = theirs["sensitivity_measured_here"]
    published = only(spx, rates="zero", clock="business/262", as_of="printed")
    assert published.zero_gamma == pytest.approx(4734.722, abs=5e-4)
    assert f"{published.zero_gamma:,.0f}" in ("4,735", theirs["published"]["gamma_flip"])
    assert published.net_gamma / 1e9 == pytest.approx(-20.850, abs=5e-4)
    given = only(spx, rates="given", clock="calendar/365", as_of="printed")
    assert given.zero_gamma == pytest.approx(4720.93, abs=5e-3)
    friday = only(spx, rates="given", clock="calendar/365", as_of="session")
    known = measured["calendar/365 with r=5.3%, q=1.5%"]
    assert friday.zero_gamma == pytest.approx(known["gamma_flip"], abs=5e-3)
    assert friday.net_gamma / 1e9 == pytest.approx(known["profile_at_spot_bn"], abs=5e-4)
    without = only(spx, rates="zero", clock="calendar/365", as_of="session")
    flip = measured["calendar days/365 from 2024-01-05"]
    assert without.zero_gamma == pytest.approx(flip, abs=5e-3)
    interval = spx.intervals["zero_gamma"]
    assert interval.low < 4720.93 < 4735.39 < interval.high
    assert interval.driver == "rates"
    assert len(spx) == 27
    assert not spx.unanimous_regime  # without the next expiration it is in balance


def test_rows_are_those_of_analyze(spx: gex.Across) -> None:
    assert_plain(spx)


def test_rows_agree_with_an_independent_implementation(test_data: Path) -> None:
    chains = json.loads((test_data / "reference" / "levels_open_chains.json").read_text("utf-8"))
    expected = chains["chains"]["spx_2024-01-07"]
    chain = gex.read_cboe(test_data / "data" / SPX, rate=0.05, dividend_yield=0.015)
    asked = {"as_of": ["printed", "session"], "side": ["net", "gross"], "gated": [False, True]}
    across = gex.levels_across(chain, conventions=asked)
    assert len(across) == 8
    seen = 0
    for as_of, key in (("printed", "at_printed_snapshot"), ("session", "at_last_close")):
        for name, walls in (
            ("net", {"side": "net", "gated": False}),
            ("gross", {"side": "gross", "gated": False}),
            ("gross_gated", {"side": "gross", "gated": True}),
        ):
            (row,) = across.where(as_of=as_of, **walls)
            theirs = expected[key]
            assert row.zero_gamma == pytest.approx(theirs["flip"], rel=1e-6)
            assert row.net_gamma == pytest.approx(theirs["net_gamma_usd_per_1pct"], rel=1e-6)
            assert row.call_wall == theirs["call_wall"][name]["strike"]
            assert row.put_wall == theirs["put_wall"][name]["strike"]
            seen += 1
    assert seen == 6


def test_scope_turns_the_sign(test_data: Path) -> None:
    path = test_data / "data" / "cboe_xsp_2023-09-14.csv"
    chain = gex.read_cboe(path, rate=0.05, dividend_yield=0.015)
    across = gex.levels_across(chain, conventions={"scope": ["all", "dte<=7"]})
    nets = [row.net_gamma / 1e9 for row in across.rows]
    assert [round(nets[0], 3), round(nets[1], 2)] == [-0.297, 0.05]
    assert not across.unanimous_regime
    assert across.intervals["net_gamma"].driver == "scope"
    assert_plain(across)


# --- what it prints -------------------------------------------------------------------------------


def test_data_and_text() -> None:
    across = gex.levels_across(quoted())
    data = json.loads(json.dumps(across.to_dict()))
    row = data["across"][3]
    assert {"convention", "zero_gamma", "net_gamma", "call_wall", "put_wall", "regime"} <= set(row)
    assert set(row["convention"]) == set(DIMENSIONS)
    assert set(data["interval"]) == set(LEVELS)
    for name, interval in data["interval"].items():
        values = [each[name] for each in data["across"]]
        assert (interval["low"], interval["high"]) == (min(values), max(values))
        assert interval["driver"] in interval["effects"]
    assert data["unanimous_regime"] is (len({each["regime"] for each in data["across"]}) == 1)
    assert sum(data["regimes"].values()) == len(across) == len(data["across"])
    assert data["manifest"]["clock"] == "settlement"
    frame = across.to_frame()
    assert len(frame) == 27
    assert list(frame["zero_gamma"]) == [each["zero_gamma"] for each in data["across"]]
    assert set(frame["gated"]) == {False}
    text = str(across)
    assert text.count("base") == 1
    assert "rates given: rate 4.00%, dividend yield 1.30%" in text
    assert "everywhere: positions naive, size open_interest" in text
    assert repr(across).startswith("<Across 27 conventions: zero gamma 5,0")
    assert "clock" in str(across.rows[3])
    with pytest.raises(ConventionError, match="there is no 'clocks'"):
        across.where(clocks="settlement")


def test_every_key_and_choice_is_on_the_page() -> None:
    page = (Path(__file__).parents[1] / "docs" / "across.md").read_text("utf-8")
    data = gex.levels_across(quoted(), conventions={"side": ["net", "gross"]}).to_dict()
    names = {*data, *data["across"][0], *data["interval"], *data["interval"]["call_wall"]}
    names |= {*DIMENSIONS, *choices.RATES, *choices.AS_OF, *choices.SCOPES, *clock.CLOCKS, "own"}
    assert {name for name in names if f"`{name}`" not in page} == set()


def test_table_on_the_page_is_what_is_printed(spx: gex.Across) -> None:
    page = (Path(__file__).parents[1] / "docs" / "across.md").read_text("utf-8")
    shown = page.split("```text\n")[1].split("```")[0]
    printed = {" ".join(line.split()) for line in str(spx).splitlines()}
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert len(lines) == 11
    assert [line for line in lines if line not in printed] == []


@pytest.fixture
def file(test_data: Path) -> str:
    return str(test_data / "data" / SPX)


def test_command(file: str, spx: gex.Across, capsys: pytest.CaptureFixture[str]) -> None:
    flat = ["levels", file, "--across", "--rate", "0.053", "--dividend-yield", "0.015"]
    assert main([*flat, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(spx.to_dict()))
    assert main([*flat, "--csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 28
    assert lines[0].startswith("as_of,clock,rates,scope")
    assert main(flat) == 0
    assert capsys.readouterr().out == f"{spx}\n"


def test_command_has_its_base_from_the_options(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "--scope",
        "dte<=30",
        "--side",
        "gross",
        "--as-of",
        "printed",
        "--clock",
        "business/252",
    ]
    assert main(["levels", file, "--across", "--json", *words]) == 0
    data = json.loads(capsys.readouterr().out)
    assert main(["levels", file, "--json", *words]) == 0
    one = json.loads(capsys.readouterr().out)
    base = data["across"][0]
    assert base["convention"]["scope"] == "dte<=30"
    assert base["zero_gamma"] == one["zero_gamma"]["value"]
    assert base["net_gamma"] == one["net_gamma"]
    assert base["call_wall"] == one["call_wall"]["strike"]
    # fits precede the scope, under every clock
    (row,) = [
        each for each in data["across"]
        if each["convention"] == {**base["convention"], "clock": "calendar/365"}
    ]  # fmt: skip
    assert main(["levels", file, "--json", *words[:-1], "calendar/365"]) == 0
    other = json.loads(capsys.readouterr().out)
    assert row["zero_gamma"] == other["zero_gamma"]["value"]


@pytest.mark.parametrize(
    "more", [["--details"], ["--adv", "1e9"], ["--adv", "0"], ["--kappa", "1"]]
)
def test_command_refuses_what_it_would_not_use(
    more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["levels", "x.csv", "--across", *more]) == 2
    assert f"--across does not take {more[0]}" in capsys.readouterr().err
