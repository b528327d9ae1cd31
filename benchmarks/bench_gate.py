"""The ratio gate: no kernel may slow down against a frozen loop compiled with the same flags."""

from __future__ import annotations

import os
import re
from pathlib import Path

import books
import numpy as np
import pytest
from gate import ratio
from gate.works import WORKS
from gexcore import cpu

CPP = Path(__file__).parent.parent / "cpp"
WHY = "the reference loop is compiled with the options of GCC and Clang"
pytestmark = pytest.mark.skipif(os.name == "nt", reason=WHY)


@pytest.fixture(scope="module", params=cpu.available())
def watch(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> ratio.Stopwatch:
    return ratio.Stopwatch(tmp_path_factory.mktemp("gate"), request.param)


def test_reference_loop_is_right(watch: ratio.Stopwatch) -> None:
    watch.reference()
    found = dict(zip(books.NINE, watch.reference.out, strict=True))
    for name, expected in books.numpy_greeks(watch.reference.book).items():
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found[name], expected, atol=1e-6 * scale, err_msg=name)


def test_flags_are_those_of_the_package() -> None:
    folders = (CPP.parent, CPP)
    text = "".join((each / "CMakeLists.txt").read_text(encoding="utf-8") for each in folders)
    assert [flag for flag in ratio.FLAGS if flag not in text] == []
    for isa, flags in ratio.ISA_FLAGS.items():
        assert f"gexcore_add_kernels({' '.join((isa, *flags))})" in text


def test_every_kernel_is_timed() -> None:
    """A kernel that is new in the table needs a line in gate/works.py, and ceilings."""
    text = (CPP / "src" / "kernels.hpp").read_text(encoding="utf-8")
    table = text.partition("struct Kernels {")[2]
    kernels = re.findall(r"\(\*(\w+)\)\(", table)
    assert {"greeks", "implied_vol"} <= set(kernels)
    timed = [kernel for work in WORKS.values() for kernel in work.kernels]
    assert sorted(kernels) == sorted(timed)


def test_no_kernel_is_slower_than_its_ceiling(watch: ratio.Stopwatch) -> None:
    over = ratio.exceeded(watch)
    home = ratio.Ceilings(watch.isa).processor
    where = f"ceilings of {home}, measured on {ratio.processor()}"
    assert not over, f"{watch.isa}: {over}; {where}; if the change is meant: {ratio.WRITE}"


def test_the_gate_trips(watch: ratio.Stopwatch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the time must be noticed; where it is not, the ceiling is stale: lower it."""
    if not ratio.Ceilings(watch.isa).at_home:
        pytest.skip(
            f"the ceilings are those of another processor; to have them here: {ratio.WRITE}"
        )
    monkeypatch.setenv(ratio.SLOWDOWN, "2")
    over = ratio.exceeded(watch, attempts=1)
    assert set(over) == set(WORKS), f"ceilings are stale: {ratio.WRITE}"


def test_an_instruction_set_without_ceilings_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratio.platform, "machine", lambda: "riscv64")
    with pytest.raises(LookupError, match=r"under riscv64 baseline: python .*ratio\.py --write"):
        ratio.Ceilings("baseline")
