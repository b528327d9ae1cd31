"""Dealer positions from a CSV: matched by keys, every doubt an error with its line."""

from __future__ import annotations

import json
from pathlib import Path

import gexcore as gex
import numpy as np
import pytest
from cboe_samples import sheet
from gexcore.cli import main
from gexcore.errors import ChainFileError
from gexcore.io import read_positions

HEAD = "root,expiry,strike,option_type,contracts"


@pytest.fixture
def chain() -> gex.Chain:
    return gex.Chain.from_arrays(
        spot=100.0,
        strike=[95.0, 102.5, 102.5],
        is_call=[False, True, False],
        implied_vol=0.2,
        open_interest=10.0,
        expiry=np.array(["2024-03-15"] * 3, "datetime64[D]"),
        root=["ABC"] * 3,
        as_of="2024-03-01T16:00-05:00",
    )


def chain_file(folder: Path) -> Path:
    path = folder / "chain.csv"
    path.write_bytes(sheet())
    return path


def write(folder: Path, *lines: str) -> Path:
    path = folder / "positions.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_lines_find_their_rows_in_any_order(tmp_path: Path, chain: gex.Chain) -> None:
    path = write(tmp_path, HEAD, "ABC,2024-03-15,102.50,P,-7", "ABC,2024-03-15,95,P,3.5")
    held = read_positions(path, chain, "contracts")
    assert held[[0, 2]].tolist() == [3.5, -7.0]
    assert np.isnan(held[1])
    positions = gex.assign_positions(chain, "contracts", contracts=held)
    assert positions.contracts.tolist() == [3.5, 0.0, -7.0]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["root,expiry,strike,contracts", "ABC,2024-03-15,95,1"], "line 1: no column option_type"),
        ([HEAD], "line 1: no column"),
        ([HEAD, "ABC,2024-03-15,96,P,1"], "line 2: the chain has no contract ABC 2024-03-15 96 P"),
        ([HEAD, "ABC,2024-03-15,95,P,1", "ABC,2024-03-15,95.0,P,2"], "line 3: .* twice"),
        ([HEAD, "ABC,2024-03-15,95,P,many"], "line 2: is not a contract and a number"),
        ([HEAD, "ABC,2024-03-15,95,P"], "line 2: is not a contract and a number"),
        ([HEAD, "ABC,2024-03-15,x,P,1"], "line 2: is not a contract and a number"),
    ],
)
def test_doubts_are_errors(tmp_path: Path, chain: gex.Chain, lines: list[str], words: str) -> None:
    with pytest.raises(ChainFileError, match=words):
        read_positions(write(tmp_path, *lines), chain, "contracts")


def test_a_file_that_is_not_there(tmp_path: Path, chain: gex.Chain) -> None:
    with pytest.raises(ChainFileError, match="cannot be read"):
        read_positions(tmp_path / "none.csv", chain, "contracts")


def test_the_command_line_takes_both_rules(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = chain_file(tmp_path)
    assert main(["greeks", str(file), "--csv", "--which", "gamma"]) == 0
    rows = [line.split(",")[:4] for line in capsys.readouterr().out.splitlines()]
    for name, value in (("contracts", "-2"), ("weights", "-1")):
        lines = [",".join([*rows[0], name]), *(",".join([*row, value]) for row in rows[1:])]
        given = write(tmp_path, *lines)
        command = [
            "levels",
            str(file),
            "--json",
            "--positions",
            name,
            "--position-file",
            str(given),
        ]
        assert main(command) == 0
        data = json.loads(capsys.readouterr().out)
        assert data["manifest"]["positions"] == name
        assert data["net_gamma"] == -data["gross_gamma"] < 0  # everything is short
    assert main(["levels", str(file), "--positions", "weights"]) == 2
    assert "needs --position-file" in capsys.readouterr().err
    assert main(["levels", str(file), "--position-file", str(given)]) == 2
    assert "does not take --position-file" in capsys.readouterr().err


def test_details_show_every_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["levels", str(chain_file(tmp_path)), "--details"]) == 0
    text = capsys.readouterr().out
    for part in ("profile peak", "25-delta skew", "contracts that drive net gamma", "max pain",
                 "expiry roll", "clock mismatch"):  # fmt: skip
        assert part in text
