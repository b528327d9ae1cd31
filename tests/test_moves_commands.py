"""The commands scenario and hedge against the library."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from cboe_samples import sheet
from gexcore.cli import main
from gexcore.cli.moves import grid_of
from gexcore.errors import GexError

FLAT = ("--rate", "0.05", "--dividend-yield", "0.015")


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "chain.csv"
    path.write_bytes(sheet())
    return path


def run(capsys: Any, *words: Any) -> str:
    assert main([str(word) for word in words]) == 0
    return str(capsys.readouterr().out)


def test_hedge_now(sample: Path, capsys: Any) -> None:
    chain = gex.read_cboe(sample, rate=0.05, dividend_yield=0.015)
    expected = gex.delta_hedge(chain, futures="ES").to_dict()
    found = json.loads(run(capsys, "hedge", sample, *FLAT, "--futures", "ES", "--json"))
    assert found == json.loads(json.dumps(expected))
    assert "trade" in run(capsys, "hedge", sample)


def test_hedge_through_a_move(sample: Path, capsys: Any) -> None:
    chain = gex.read_cboe(sample, rate=0.05, dividend_yield=0.015)
    expected = gex.hedge_flow(chain, spot_return=0.01, days=0.25, vol_points=-1.0)
    words = ("--spot-return", "1%", "--days", "0.25", "--vol-points", "-1", "--json")
    found = json.loads(run(capsys, "hedge", sample, *FLAT, *words))
    assert found["shares"] == expected.shares
    assert found["parts"] == dict(expected.parts)


def test_hedge_ladder_charm_and_unwind(sample: Path, capsys: Any) -> None:
    chain = gex.read_cboe(sample, rate=0.05, dividend_yield=0.015)
    rows = list(
        csv.DictReader(io.StringIO(run(capsys, "hedge", sample, *FLAT, "--ladder", "--csv")))
    )
    assert [float(row["shares"]) for row in rows] == gex.hedge_ladder(chain).shares.tolist()
    charm = json.loads(run(capsys, "hedge", sample, *FLAT, "--charm-to-close", "--json"))
    assert charm["shares"] == gex.charm_flow(chain).shares
    unwind = json.loads(run(capsys, "hedge", sample, *FLAT, "--unwind", "--json"))
    assert unwind["shares"] == gex.unwind_ladder(chain).shares.tolist()


def test_scenario_json_csv_and_npz(sample: Path, capsys: Any, tmp_path: Path) -> None:
    chain = gex.read_cboe(sample, rate=0.05, dividend_yield=0.015)
    spots = np.geomspace(0.95 * chain.spot, 1.05 * chain.spot, 5)
    cube = gex.scenario_cube(chain, "naive", spots, [0.0, 0.5], [-0.01, 0.01])
    words = ("scenario", sample, *FLAT, "--spots=-5%:5%:5", "--times", "0,0.5",
             "--vol-shifts=-1%,0.01")  # fmt: skip
    found = json.loads(run(capsys, *words, "--json"))
    assert np.allclose(found["values"], cube.values, rtol=1e-9)
    rows = list(csv.DictReader(io.StringIO(run(capsys, *words, "--csv"))))
    assert len(rows) == cube.values.size
    out = tmp_path / "cube.npz"
    assert run(capsys, *words, "--npz", out) == ""
    with np.load(out) as saved:
        assert np.allclose(saved["values"], cube.values, rtol=1e-9)


def test_grids() -> None:
    assert grid_of("90,110", 100.0) == [90.0, 110.0]
    assert grid_of("90:110:3", 100.0) == pytest.approx([90.0, np.sqrt(90 * 110), 110.0])
    assert grid_of("-10%:10%:2", 100.0) == pytest.approx([90.0, 110.0])
    assert grid_of(None, 100.0) is None


@pytest.mark.parametrize("text", ["a", "1:2", "1:2:x", "2:1:3", "0:1:3", "1:2:0"])
def test_grids_that_cannot_be(text: str) -> None:
    with pytest.raises(GexError, match="--spots"):
        grid_of(text, 100.0)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("hedge", "--spot-return=-100%"), "no price is left"),
        (("hedge", "--days=-1"), "days ahead"),
        (("scenario", "--times", "1,0"), "times"),
        (("scenario", "--times", "soon"), "time"),
        (("scenario", "--vol-shifts", "2"), "vol point"),
        (("scenario", "--npz", "/nowhere/at/all.npz"), "/nowhere/at/all.npz"),
        (("hedge", "--dynamics", "ssr"), "needs a value"),
    ],
)
def test_mistakes_in_one_line(sample: Path, capsys: Any, words: Any, why: str) -> None:
    assert main([words[0], str(sample), *words[1:]]) == 2
    text = capsys.readouterr().err
    assert why in text
    assert text.count("\n") == 1


def test_on_every_real_file(test_data: Path, capsys: Any) -> None:
    files = sorted((test_data / "data").glob("cboe_*"))
    assert files
    for file in files:
        found = json.loads(run(capsys, "hedge", file, "--ladder", "--json"))
        assert len(found["shares"]) == 11
