"""Changes of real and synthetic chains: ends, sums, levels that do not exist, refusals, text."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import gexcore as gex
import numpy as np
import pytest
from cboe_samples import DATE, line, sheet
from gexcore.change import LEVELS
from gexcore.cli import main
from gexcore.errors import ConventionError, InputError, MismatchError, NotComputedError
from plain_books import (
    AFTER,
    BEFORE,
    EXPOSURES,
    FACTORS,
    altered,
    chain_of,
    explain,
    partly,
    snapshot,
)


@pytest.fixture(scope="module")
def chain() -> gex.Chain:
    return gex.synthetic_chain(n=4000)


def test_two_spx_days(test_data: Path) -> None:
    chains = [gex.read_cboe(test_data / "data" / f"cboe_spx_2023-09-{d}.csv") for d in ("04", "14")]
    results = [gex.analyze(chain) for chain in chains]
    change = gex.explain_change(*chains, which=EXPOSURES)
    assert change.books == 256
    assert change.factors["sign_rule"] == "unchanged"
    for end, result in zip(("before", "after"), results, strict=True):
        for name in EXPOSURES:
            exposure = getattr(result.exposures, name)
            assert getattr(change[name], end) == pytest.approx(
                exposure.net, abs=1e-12 * exposure.gross
            )
        zero = result.levels.zero_gamma.value
        assert getattr(change["zero_gamma"], end) == pytest.approx(zero, rel=1e-10)
        for name in LEVELS[1:]:
            assert getattr(change[name], end) == getattr(result.levels, name).strike
    gamma = change["gamma"]  # as docs/change.md tells
    told = [gamma.before, gamma.after, gamma.parts["coverage"]]
    assert [round(value / 1e9, 1) for value in told] == [15.9, 25.9, 5.8]
    back = gex.explain_change(results[1], results[0], which=EXPOSURES)
    for name in (*EXPOSURES, *LEVELS):
        each, other = change[name], back[name]
        largest = max(abs(v) for v in each.parts.values())
        assert math.fsum(each.parts.values()) == pytest.approx(each.change, abs=1e-12 * largest)
        for factor, value in each.parts.items():
            assert other.parts[factor] == pytest.approx(-value, abs=1e-9 * largest)
    assert back.notes == ("after is earlier than before",)
    # by hand: what was listed on both days, and what had settled by the second
    keys = [
        set(zip(c.root[u], c.expiry[u], c.strike[u], c.is_call[u], strict=True))
        for c in chains
        for u in [c.status == gex.conventions.USED]
    ]
    settled = sum(key[1] < np.datetime64("2023-09-15") for key in keys[0])
    assert change.contracts["both"] == len(keys[0] & keys[1])
    assert change.contracts["expiry_roll_before"] == settled > 1000
    later = sum(change.contracts[f"{name}_after"] for name in ("listing", "coverage"))
    assert later == len(keys[1] - keys[0])


def test_order_of_rows_and_twins_do_not_matter(chain: gex.Chain) -> None:
    names = ("strike", "is_call", "implied_vol", "open_interest", "expiry", "root", "multiplier")
    rows = np.random.default_rng(5).permutation(len(chain))
    after = altered(chain, spot=4980.0, implied_vol=chain.implied_vol * 0.97)
    mixed = altered(after, **{name: getattr(after, name)[rows] for name in names})
    one, other = (gex.explain_change(altered(chain), end)["gamma"] for end in (after, mixed))
    scale = max(map(abs, one.parts.values()))
    for factor, value in one.parts.items():
        assert other.parts[factor] == pytest.approx(value, abs=1e-9 * scale)
    # every contract twice: the k-th is matched with the k-th
    twice = [altered(c, **{n: np.tile(getattr(c, n), 2) for n in names}) for c in (chain, after)]
    doubled = gex.explain_change(*twice)
    assert doubled.contracts["both"] == (chain.status == gex.conventions.USED).sum() * 2
    for factor, value in one.parts.items():
        assert doubled["gamma"].parts[factor] == pytest.approx(2 * value, abs=1e-9 * scale)


def test_positions_that_are_given() -> None:
    start, end = chain_of(BEFORE), chain_of(partly(("open_interest",)))
    before = gex.assign_positions(start, "contracts", contracts=np.arange(10.0) - 4)
    after = gex.assign_positions(end, "contracts", contracts=4 - np.arange(10.0))
    change = gex.explain_change(start, end, before, after)
    # sizes are equal and every sign turns; the fifth has none
    assert change.factors["contracts"] == "unchanged"
    assert change["gamma"].parts["sign_rule"] == change["gamma"].change
    more = gex.assign_positions(end, "contracts", contracts=3.0 * (np.arange(10.0) - 4))
    change = gex.explain_change(start, end, before, more)
    assert change.factors["sign_rule"] == "unchanged"
    assert change["gamma"].parts["contracts"] == change["gamma"].change
    mixed = gex.explain_change(start, end, "naive", more)
    assert {"size", "sign_rule"} <= set(mixed.factors)
    total = math.fsum(mixed["gamma"].parts.values())
    assert total == pytest.approx(mixed["gamma"].change, rel=1e-12)


def test_size_column_and_walls_follow_the_analyses(chain: gex.Chain) -> None:
    later = chain.with_conventions(as_of="2026-03-18T14:00-04:00")
    ends = [gex.analyze(c, size="volume", side="gross", gated=True) for c in (chain, later)]
    change = gex.explain_change(*ends)
    assert "volume" in change.factors
    assert change["call_wall"].before == ends[0].levels.call_wall.strike
    assert (change.manifest["wall_side"], change.manifest["wall_gated"]) == ("gross", True)
    assert change.manifest["after"]["size"] == "volume"
    half = gex.explain_change(ends[0], later, side="net", gated=False)
    assert half["gamma"].to_dict() == change["gamma"].to_dict()
    assert half["call_wall"].before == gex.analyze(chain, size="volume").levels.call_wall.strike


# --- levels that do not exist ------------------------------------------------------------------


def test_a_level_that_a_mixture_lacks_is_not_split() -> None:
    call, put = "2024-01-19 105 C 0.15 900", "2024-01-19 95 P 0.20 {}"
    twin = "2024-01-19 94 P {} 800"
    before = snapshot("2024-01-04T15:00-05:00", 100.0, (0.0, 0.0), "naive",
                      "\n".join([call, put.format(700), twin.format(0)]))  # fmt: skip
    after = snapshot("2024-01-04T15:00-05:00", 100.0, (0.0, 0.0), "naive",
                     "\n".join([call, twin.format(0.2)]))  # fmt: skip
    change = explain(before, after)
    each = change["zero_gamma"]  # without either put dealers are long everywhere
    assert each.status == "not split: of 4 mixed books always_long in 1"
    assert each.before is not None
    assert each.change == each.after - each.before
    assert set(each.parts.values()) == {None}
    assert change["put_wall"].status == "not split: of 4 mixed books no_negative_strike in 1"
    assert change["call_wall"].status == "split"
    assert change["gamma"].status == "split"
    assert each.status in str(change)
    column = change.to_frame()["zero_gamma"]
    assert column.isna().tolist() == [False] + [True] * 9 + [False]
    json.dumps(change.to_dict(), allow_nan=False)


def test_levels_of_neither_end(chain: gex.Chain) -> None:
    later = chain.with_conventions(as_of="2026-03-18T14:00-04:00")
    change = gex.explain_change(chain, later, "short_all")
    zero = change["zero_gamma"]
    assert (zero.before, zero.after, zero.change) == (None, None, None)
    assert zero.status == "not split: of 2 mixed books always_short in 2"
    assert change["put_wall"].parts["time"] == change["put_wall"].change
    nobody = chain.filter(np.zeros(len(chain), bool))
    arrived = gex.explain_change(nobody, chain)
    assert arrived["gamma"].before == 0.0
    assert arrived["gamma"].parts["listing"] == arrived["gamma"].change
    assert arrived["zero_gamma"].status == "not split: of 2 mixed books no_exposure in 1"
    assert gex.explain_change(nobody, nobody)["gamma"].change == 0.0


# --- refusals and text -------------------------------------------------------------------------


def test_refusals(chain: gex.Chain) -> None:
    result = gex.analyze(chain)
    with pytest.raises(MismatchError, match="before is SPX and after is XYZ"):
        gex.explain_change(chain, chain_of(AFTER))
    nameless = altered(chain, underlying="")
    with pytest.raises(MismatchError, match="roots SPX, SPXW and after XYZ"):
        gex.explain_change(nameless, chain_of(AFTER))
    with pytest.raises(MismatchError, match="after does not know its roots"):
        gex.explain_change(chain, altered(chain, root=None))
    dateless = altered(chain, expiry=None, time_to_expiry=chain.time_to_expiry)
    with pytest.raises(InputError, match="after: the chain has no expiration dates"):
        gex.explain_change(chain, dateless)
    days = np.where(np.arange(len(chain)) == 7, np.datetime64("NaT"), chain.expiry)
    gap = altered(chain, expiry=days, time_to_expiry=0.1)
    with pytest.raises(InputError, match="before: the expiration date of row 7 is missing"):
        gex.explain_change(gap, chain)
    with pytest.raises(MismatchError, match="positions_after: belong to another chain"):
        gex.explain_change(chain, altered(chain), "naive", result.positions)
    with pytest.raises(ConventionError, match="positions: the analysis has its own"):
        gex.explain_change(result, result, "naive")
    with pytest.raises(ConventionError, match="relative=-10 cannot be split"):
        gex.explain_change(chain, gex.analyze(chain, dynamics="relative=-10"))
    with pytest.raises(ConventionError, match="one way for both"):
        gex.explain_change(result, gex.analyze(chain, side="gross"))
    given = gex.assign_positions(chain, "weights", weights=np.ones(len(chain)))
    with pytest.raises(ConventionError, match="positions_after: rule 'weights' cannot be applied"):
        gex.explain_change(chain, chain, given)
    with pytest.raises(ConventionError, match="no 'gama'"):
        gex.explain_change(chain, chain, which="gama")
    with pytest.raises(ConventionError, match="no 'left'"):
        gex.explain_change(chain, chain, side="left")
    with pytest.raises(NotComputedError, match="'vega' was not split"):
        gex.explain_change(chain, chain)["vega"]


def test_notes_name_what_is_not_of_the_market(chain: gex.Chain) -> None:
    after = chain.with_conventions(clock="calendar/365", rates="parity").filter("dte<=60")
    notes = gex.explain_change(chain.filter("dte<=60"), after).notes
    assert notes == (
        "clock settlement before, calendar/365 after: part of time",
        "rates given before, parity after: part of rates",
        "scope dte<=60: what it lets in or out counts as listing",
    )


def test_times_given_by_hand_are_held() -> None:
    # without a clock nobody knows how long a contract of the other list would have
    start = {**BEFORE, "contracts": dict(list(BEFORE["contracts"].items())[2:])}
    left = {**start, "contracts": dict(list(start["contracts"].items())[:-1])}
    full = chain_of(start, time_to_expiry=np.arange(8) / 52 + 0.1)
    some = chain_of(left, time_to_expiry=np.arange(7) / 52 + 0.05)
    parts = gex.explain_change(some, full)["gamma"].parts
    alone = gex.analyze(full.filter(np.arange(8) == 7)).exposures.gamma.net
    assert parts["listing"] == pytest.approx(alone, rel=1e-12)


def test_text_reads_down_to_the_end(chain: gex.Chain) -> None:
    later = altered(chain, spot=5040.0, as_of="2026-03-18T14:00-04:00")
    change = gex.explain_change(altered(chain), later, which=("delta",))
    text = str(change)
    rows = [
        line for line in text.splitlines() if line.startswith(("before ", "spot", "time", "af"))
    ]
    assert [row.split()[0] for row in rows] == [
        "before",
        "after",
        "before",
        "spot",
        "time",
        "after",
    ]
    assert "used in both" in text
    frame = change.to_frame()
    assert frame["part"].tolist() == ["before", *FACTORS, "after"]
    for name in ("gamma", "delta", *LEVELS):
        column = frame[name].to_numpy()
        assert column[:-1].sum() == pytest.approx(column[-1], rel=1e-12)
    assert str(change["call_wall"]).startswith("call_wall (price), split\nbefore")
    json.dumps(change.to_dict(), allow_nan=False)


# --- the command -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("files")
    rows = [line(strike) for strike in (95, 100, 102.5, 105)]
    more = line(105).replace(",40,", ",140,")
    later = sheet(line(95), line(97.5), line(100), more, name="XYZ,Last: 101.5,Change:  0.5",
                  date=DATE.replace("March 12", "March 13"))  # fmt: skip
    (folder / "before.csv").write_bytes(sheet(*rows))
    (folder / "after.csv").write_bytes(later)
    return str(folder / "before.csv"), str(folder / "after.csv")


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["diff", *words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_diff_agrees_with_python(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--rate", "5%", "--positions-after", "inverted", "--which", "gamma,vanna")
    chains = [gex.read_cboe(file, rate=0.05) for file in files]
    expected = gex.explain_change(*chains, "naive", "inverted", which=("gamma", "vanna"))
    assert json.loads(printed(capsys, *files, *options, "--json")) == expected.to_dict()
    assert printed(capsys, *files, *options) == f"{expected}\n"
    head, *rows = csv.reader(io.StringIO(printed(capsys, *files, *options, "--csv")))
    columns = expected.columns()
    assert head == list(columns)
    assert [row[0] for row in rows] == columns["part"]
    for place, name in enumerate(head[1:], 1):
        found = [float(row[place]) if row[place] else math.nan for row in rows]
        assert found == pytest.approx(columns[name], abs=0.0, nan_ok=True)
    assert expected.factors["listing"] == "changed"
    assert expected.factors["sign_rule"] == "changed"


def test_diff_walls_and_size(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--side", "gross", "--gated", "--size", "volume", "--positions", "short_all")
    found = json.loads(printed(capsys, *files, *words, "--json"))
    chains = [gex.read_cboe(file) for file in files]
    expected = gex.explain_change(*chains, "short_all", size="volume", side="gross", gated=True)
    assert found == expected.to_dict()
    assert found["manifest"]["after"]["size"] == "volume"


def test_diff_refuses(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", files[0]]) == 2
    assert main(["diff", "-", "-"]) == 2
    assert main(["diff", *files, "--positions-after", "weights"]) == 2
    assert main(["diff", *files, "--which", "gama"]) == 2
    err = capsys.readouterr().err
    assert "both files are standard input" in err
    assert "Traceback" not in err
