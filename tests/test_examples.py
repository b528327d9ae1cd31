"""Every example runs as a user would run it, without a warning, and says what is right."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import gexcore as gex
import pytest

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))
PACKAGE = Path(gex.__file__).parents[1]


def run(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    paths = [str(PACKAGE), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-W", "error", str(FOLDER / name), *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def test_there_is_one_for_each_kind_of_user() -> None:
    assert {path.stem.split("_")[0] for path in EXAMPLES} == {
        "quant", "trader", "researcher", "caller", "guard",
    }  # fmt: skip
    for path in EXAMPLES:
        text = path.read_text("utf-8")
        assert f"python examples/{path.name}" in text.split('"""')[1]
        assert len(text.splitlines()) < 100


def test_quant() -> None:
    pytest.importorskip("pandas")
    done = run("quant_with_a_frame.py")
    assert (done.returncode, done.stderr) == (0, "")
    flat = gex.synthetic_chain(n=4000)
    zero = gex.analyze(flat).levels.zero_gamma.value
    assert f"naive {zero:,.2f}, own weights" in done.stdout
    assert "round strikes" in done.stdout


def test_trader(test_data: Path) -> None:
    file = test_data / "data" / "cboe_xsp_2023-09-14.csv"
    done = run("trader_with_a_file.py", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert str(gex.analyze(gex.read_cboe(file))) in done.stdout


def test_trader_without_a_file() -> None:
    done = run("trader_with_a_file.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Zero gamma is 5,047.90 to 5,088.01 across conventions" in done.stdout
    assert str(gex.hedge_ladder(gex.synthetic_chain())) in done.stdout


def test_researcher(tmp_path: Path) -> None:
    done = run("researcher_over_snapshots.py")
    assert done.returncode == 0
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    chain = gex.synthetic_chain(n=4000)
    for row, days in zip(rows, (0.0, 1.0, 2.0, 5.0), strict=True):
        levels = gex.analyze(gex.chain_at(chain, days)).levels
        assert float(row["net_gamma"]) == levels.net_gamma[0]
        zero = levels.zero_gamma.value
        assert row["zero_gamma"] == ("" if zero is None else str(zero))
    assert "expiry roll" in done.stderr
    bad = tmp_path / "broken.csv"
    bad.write_text("no chain\n")
    done = run("researcher_over_snapshots.py", str(bad))
    assert done.returncode == 0
    assert done.stderr.startswith(f"{bad}: ")
    assert len(done.stdout.splitlines()) == 1


def test_caller() -> None:
    done = run("caller_in_process.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert "is below zero gamma 5,057.44" in done.stdout


@pytest.mark.parametrize(("least", "code"), [("0", 0), ("1e9", 1)])
def test_guard(least: str, code: int) -> None:
    done = run("guard_in_ci.py", "--at-least", least)
    assert (done.returncode, done.stderr) == (code, "")
    assert "times NumPy" in done.stdout
