"""The page of definitions: examples run, the table is what the code gives, no name is missing."""

from __future__ import annotations

import doctest
import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import gexcore as gex
import pytest
from cboe_samples import sheet
from gexcore import clock, conventions, positions, rates, scenario, units
from gexcore.cli import main
from gexcore.conventions import DEFINITIONS_VERSION
from gexcore.hedges import PARTS

PAGE = Path(__file__).parents[1] / "docs" / "definitions.md"
TEXT = PAGE.read_text("utf-8")
PAGES = sorted(page for page in PAGE.parent.glob("*.md") if ">>> " in page.read_text("utf-8"))
FILE = "cboe_spx_2024-01-07.csv"
PRINTED, SESSION = "at_printed_snapshot", "at_last_close"


def table_rows() -> list[list[str]]:
    """Cells of the last table: options, net gamma, zero gamma, walls, regime."""
    lines = TEXT[TEXT.index("| options |") :].splitlines()[2:]
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
    return [[cell.strip("`") for cell in row] for row in rows]


ROWS = table_rows()


def row_of(*parts: str) -> list[str]:
    """The one row whose options are these."""
    wanted = shlex.split(" ".join(parts))
    (row,) = [row for row in ROWS if shlex.split(row[0]) == wanted]
    return row


def levels_of(capsys: Any, path: Path | str, *options: str) -> dict[str, Any]:
    """What `gexcore levels --json` prints."""
    assert main(["levels", str(path), *options, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_run(page: Path) -> None:
    text = re.sub(r"(?m)^```.*$", "", page.read_text("utf-8"))
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.REPORT_ONLY_FIRST_FAILURE)
    runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)
    assert len(test.examples) > (40 if page == PAGE else 0)


def test_page_is_one_that_people_read() -> None:
    lines = TEXT.splitlines()
    assert len(lines) < 400
    assert max(map(len, lines)) <= 128
    assert f"version {DEFINITIONS_VERSION} of the definitions" in TEXT


def test_table_was_found() -> None:
    assert len(ROWS) == 16
    assert "sixteen conventions" in TEXT
    assert {len(row) for row in ROWS} == {6}
    assert len({row[0] for row in ROWS}) == 16


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_table_row(row: list[str], test_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options, net, zero, call, put, kind = row
    asked = [] if options == "none" else shlex.split(options)
    found = levels_of(capsys, test_data / "data" / FILE, *asked)
    assert found["net_gamma"] / 1e9 == pytest.approx(float(net), abs=0.00051)
    if zero.startswith("none, "):
        assert found["zero_gamma"]["value"] is None
        assert found["zero_gamma"]["status"] == zero.removeprefix("none, ").strip("`")
    else:
        assert found["zero_gamma"]["value"] == pytest.approx(float(zero), abs=0.00051)
    for name, strike in (("call_wall", call), ("put_wall", put)):
        level = found[name]
        assert (f"{level['strike']:g}" if level else "none") == strike
    assert found["regime"]["kind"] == kind


FLAT = "--rate 5% --dividend-yield 1.5%"


@pytest.mark.parametrize(
    ("options", "when", "side"),
    [
        (f"--as-of printed {FLAT}", PRINTED, "net"),
        (f"--as-of session {FLAT}", SESSION, "net"),
        (f"--as-of printed {FLAT} --side gross", PRINTED, "gross"),
        (f"--as-of printed {FLAT} --side gross --gated", PRINTED, "gross_gated"),
    ],
)
def test_table_agrees_with_an_independent_implementation(
    options: str, when: str, side: str, test_data: Path
) -> None:
    chains = json.loads((test_data / "reference" / "levels_open_chains.json").read_text("utf-8"))
    expected = chains["chains"]["spx_2024-01-07"][when]
    _, net, zero, call, put, _ = row_of(options)
    assert (expected["rate"], expected["dividend"]) == (0.05, 0.015)
    assert float(net) == pytest.approx(expected["net_gamma_usd_per_1pct"] / 1e9, abs=0.00051)
    assert float(zero) == pytest.approx(expected["flip"], abs=0.00051)
    assert float(call) == expected["call_wall"][side]["strike"]
    assert float(put) == expected["put_wall"][side]["strike"]


def published(test_data: Path) -> dict[str, Any]:
    text = (test_data / "reference" / "published_levels.json").read_text("utf-8")
    (only,) = json.loads(text)
    assert only["chain"].endswith(FILE)
    found: dict[str, Any] = only
    return found


def test_published_flip_and_profile(test_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs = published(test_data)["reproduced_here"]
    assert "the exact value is -20.850 and the exact root 4734.722" in theirs["note"]
    options = ["--as-of", "printed", "--rate", "0", "--dividend-yield", "0"]
    options += ["--clock", "business/262"]
    path = test_data / "data" / FILE
    found = levels_of(capsys, path, *options)
    assert found["zero_gamma"]["value"] == pytest.approx(4734.722, abs=0.01)
    assert found["zero_gamma"]["value"] == pytest.approx(theirs["gamma_flip"], abs=0.5)
    spot = str(found["spot"])
    ends = ["--from", spot, "--to", spot, "--steps", "1", "--json"]
    assert main(["profile", str(path), *options, *ends]) == 0
    (point,) = json.loads(capsys.readouterr().out)["rows"]
    assert point["gamma"] / 1e9 == pytest.approx(-20.850, abs=0.0005)
    # they interpolate between two of 60 points
    assert point["gamma"] / 1e9 == pytest.approx(theirs["profile_at_spot_bn"], rel=0.01)
    assert float(row_of(*options)[2]) == pytest.approx(4734.722, abs=1e-9)


def test_published_flip_of_calendar_days(
    test_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = published(test_data)["sensitivity_measured_here"]["calendar/365 with r=5.3%, q=1.5%"]
    flat = ["--rate", "5.3%", "--dividend-yield", "1.5%", "--clock", "calendar/365"]
    path = test_data / "data" / FILE
    friday = levels_of(capsys, path, "--as-of", "session", *flat)
    assert friday["zero_gamma"]["value"] == pytest.approx(theirs["gamma_flip"], abs=0.005)
    assert friday["net_gamma"] / 1e9 == pytest.approx(theirs["profile_at_spot_bn"], abs=0.0005)
    sunday = levels_of(capsys, path, "--as-of", "printed", *flat)
    assert sunday["zero_gamma"]["value"] == pytest.approx(4720.93, abs=0.005)


def test_published_total_of_vendor_gamma(test_data: Path) -> None:
    theirs = published(test_data)["reproduced_here"]
    chain = gex.read_cboe(test_data / "data" / FILE, rate=0.0, dividend_yield=0.0)
    greeks = gex.ChainGreeks.from_columns(chain, "CBOE", gamma=chain["vendor_gamma"])
    book = gex.assign_positions(chain)
    exposures = gex.compute_exposures(chain, greeks, book)
    profile = gex.sweep_profile(chain, book, spots=[chain.spot])
    net = gex.find_levels(exposures, profile)
    gross = gex.find_levels(exposures, profile, side="gross")
    assert exposures.gamma.net / 1e9 == pytest.approx(theirs["total_gamma_bn_per_1pct"], abs=5e-5)
    assert net.call_wall.strike == theirs["net_gex_max_strike"] == 4900
    assert net.put_wall.strike == theirs["net_gex_min_strike"] == 4600
    assert gross.call_wall.strike == theirs["call_gamma_max_strike"] == 4800
    assert gross.put_wall.strike == theirs["put_gamma_max_strike"] == 4600


def test_sizes_of_traps_over_the_spx_files(test_data: Path) -> None:
    above, hvl, wing, basis = [], [], [], []
    for path in sorted((test_data / "data").glob("cboe_spx_*.csv")):
        result = gex.analyze(gex.read_cboe(path))
        zero, crossing = result.levels.zero_gamma.value, result.levels.cumulative_gamma_crossing
        hvl.append(abs(result.levels.hvl.strike - zero))
        basis.append(1e4 * result.rates.spot_basis)
        if crossing < 2000:
            wing.append(crossing)
        else:
            above.append(crossing - zero)
    assert [round(min(above)), round(max(above)), len(above)] == [113, 178, 3]
    assert [min(wing), max(wing), len(wing)] == [1200, 1400, 3]
    assert [round(min(hvl), 1), round(max(hvl))] == [0.4, 117]
    assert [round(min(basis), 1), round(max(basis), 1)] == [-22.6, 20.1]


def test_scope_changes_the_sign(test_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = test_data / "data" / "cboe_xsp_2023-09-14.csv"
    nets = [
        levels_of(capsys, path, *shlex.split(FLAT), "--scope", scope)["net_gamma"] / 1e9
        for scope in ("all", "dte<=7")
    ]
    assert [round(nets[0], 3), round(nets[1], 2)] == [-0.297, 0.05]


@cache
def names_on_the_page() -> frozenset[str]:
    """Whole code spans of every page with examples, and the words in them and in blocks."""
    found: set[str] = set()
    for text in (page.read_text("utf-8") for page in PAGES):
        blocks = re.findall(r"(?ms)^```.*?\n(.*?)^```$", text)
        spans = re.findall(r"`([^`]+)`", re.sub(r"(?ms)^```.*?^```$", "", text))
        found |= {" ".join(span.split()) for span in spans}
        found |= {word for code in (*blocks, *spans) for word in re.findall(r"\w+", code)}
    return frozenset(found)


def missing(names: Any) -> set[str]:
    return set(names) - names_on_the_page()


def keys_of(value: Any) -> Iterator[str]:
    """Every key in nested dictionaries and lists."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from keys_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from keys_of(item)


@pytest.mark.parametrize(
    "names",
    [
        {unit.name for unit in units.UNITS},
        set(units.EXPOSURES),
        set(units.FUTURES),
        set(gex.bsm.GREEKS),
        set(positions.RULES),
        set(positions.SIZES),
        set(clock.CLOCKS),
        set(conventions.REASONS) | {"no_open_interest", "no_volume", "no_position", "no_greek"},
        set(conventions.RATE_SOURCES),
        set(gex.analyze(gex.synthetic_chain(n=2000)).regime.flags),
    ],
    ids=lambda names: min(names),
)
def test_every_name_is_on_the_page(names: set[str]) -> None:
    assert missing(names) == set()


def test_every_unit_stands_in_the_row_of_its_greek() -> None:
    greek, found = "", set()
    table = TEXT[TEXT.index("| exposure |") :].split("\n\n")[0]
    for line in table.splitlines()[2:]:
        first, names = line.split("|")[1:3]
        greek = (re.findall(r"`(\w+)`", first) or [greek])[0]
        found |= {(greek, name) for name in re.findall(r"`(\w+)`", names)}
    assert found == {(unit.greek, unit.name) for unit in units.UNITS}


def test_every_key_of_levels_json_is_on_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "chain.csv"
    path.write_bytes(sheet())
    found = set(keys_of(levels_of(capsys, path)))
    found |= set(keys_of(levels_of(capsys, path, "--scope", "expiry=2030-01-01")))
    chain = gex.synthetic_chain(n=4000)
    parity = chain.with_conventions(rates="parity")
    joint = gex.Chain.concat([chain, chain])
    for each in (chain, parity, joint):
        found |= set(keys_of(gex.analyze(each).to_dict()))
    assert {"zero_gamma", "call_wall", "max_pain", "spot_basis", "parts", "manifest"} <= found
    assert missing(found) == set()


MOVES = (
    ("levels", "--sensitivities"),
    ("levels", "--path"),
    ("hedge",),
    ("hedge", "--futures", "ES"),
    ("hedge", "--ladder"),
    ("hedge", "--spot-return", "1%", "--days", "0.25", "--vol-points", "-1"),
    ("hedge", "--charm-to-close"),
    ("hedge", "--unwind"),
    ("scenario", "--times", "0,1", "--exposure", "hedge_flow"),
)


@pytest.mark.parametrize("words", MOVES, ids=" ".join)
def test_every_key_about_moves_is_on_a_page(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "chain.csv"
    path.write_bytes(sheet())
    command, *options = words
    assert main([command, str(path), *options, "--json"]) == 0
    found = set(keys_of(json.loads(capsys.readouterr().out)))
    assert "manifest" in found
    assert missing(found) == set()


def test_every_key_of_a_wall_that_moves_is_on_a_page() -> None:
    chain = gex.synthetic_chain(n=4000)
    found = set(keys_of(gex.compute_sensitivities(gex.analyze(chain).levels).to_dict()))
    assert {"per_day", "lead", "of_open_interest", "crossings"} <= found
    assert missing(found) == set()
    assert missing(PARTS) == missing(scenario.EXPOSURES) == set()


def test_every_status_is_on_the_page() -> None:
    strikes = {"no_positive_strike", "no_negative_strike", "no_exposure", "at_end_strike"}
    zero = {"found", "always_long", "always_short", "short_to_long", "long_to_short"}
    kinds = {"long_gamma", "short_gamma", "transition"}
    fits = {"fitted", "interpolated", "flat", "american: flat", "not used", "flat fallback"}
    moments = {"printed", "last session 16:00", "given", "time to expiry given"}
    assert (
        missing(strikes | zero | kinds | fits | moments | {"delta_not_computed", "no_runner_up"})
        == set()
    )
    assert missing(field for field in rates.ParityTable.__dataclass_fields__) == set()
