"""A C++ program outside the tree, linked with the installed library, against Python."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import gexcore as gex
import numpy as np
import pytest
from gexcore.conventions import USED

CONSUMER = Path(__file__).resolve().parent / "cpp" / "consumer"


def cmake_dir() -> str:
    """Of the installed package, or of a plain install named by GEXCORE_CMAKE_DIR."""
    try:
        return os.environ.get("GEXCORE_CMAKE_DIR") or gex.get_cmake_dir()
    except gex.InputError as error:
        pytest.skip(str(error))


def test_the_same_levels_digit_for_digit(tmp_path: Path) -> None:
    folder = cmake_dir()
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not installed")
    configure = ["cmake", "-S", CONSUMER, "-B", tmp_path, f"-Dgexcore_DIR={folder}"]
    for command in (configure, ["cmake", "--build", tmp_path]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
    chain = gex.synthetic_chain()
    chain = chain.filter((chain.status == USED) & (chain.open_interest > 0))
    series, years = chain.codes("time_to_expiry")
    lines = [f"{chain.spot!r} {len(years)}", " ".join(map(repr, years.tolist())), str(len(chain))]
    columns = (chain.strike, series, chain.is_call.astype(int), chain.implied_vol,
               chain.open_interest)  # fmt: skip
    lines += [" ".join(map(repr, row)) for row in zip(*(c.tolist() for c in columns), strict=True)]
    done = subprocess.run(
        [tmp_path / "consumer"], input="\n".join(lines), capture_output=True, text=True, check=True,
        timeout=60,
    )  # fmt: skip
    found = gex.Book(chain).levels(exact=True)
    assert np.all(chain.rate == 0.04) and np.all(chain.dividend_yield == 0.013)
    expected = (found.net, found.gross, found.zero_gamma.value, found.call_wall.strike,
                found.put_wall.strike)  # fmt: skip
    assert tuple(map(float, done.stdout.split())) == expected
