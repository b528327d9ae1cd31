"""The ratio gate: no kernel may slow down against a frozen loop compiled with the same flags."""

from __future__ import annotations

from pathlib import Path

import books
import numpy as np
import pytest
from gate import ratio

WHY = ratio.reason_to_skip()
pytestmark = pytest.mark.skipif(bool(WHY), reason=WHY)
RENEW = "if the change is meant: GEXCORE_ISA=... python benchmarks/gate/ratio.py --write"


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> ratio.Stopwatch:
    return ratio.Stopwatch(ratio.Reference(tmp_path_factory.mktemp("gate")))


def test_reference_loop_is_right(watch: ratio.Stopwatch) -> None:
    watch.reference()
    found = dict(zip(books.NINE, watch.reference.out, strict=True))
    for name, expected in books.numpy_greeks(watch.reference.book).items():
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found[name], expected, atol=1e-6 * scale, err_msg=name)


def test_flags_are_those_of_the_package() -> None:
    build = Path(__file__).parent.parent / "cpp" / "CMakeLists.txt"
    text = build.read_text(encoding="utf-8")
    assert [flag for flag in ratio.FLAGS if flag not in text] == []
    for isa, flags in ratio.ISA_FLAGS.items():
        assert f"gexcore_add_kernels({' '.join((isa, *flags))})" in text


def test_no_kernel_is_slower_than_its_ceiling(watch: ratio.Stopwatch) -> None:
    over = ratio.exceeded(watch)
    assert not over, f"{over}; {RENEW}"


def test_the_gate_trips(watch: ratio.Stopwatch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half as slow again must be noticed; where it is not, the ceiling is stale: lower it."""
    monkeypatch.setenv(ratio.SLOWDOWN, "1.5")
    assert set(ratio.exceeded(watch, attempts=1)) == set(watch.works), RENEW
