"""Time of the package's kernels in units of a frozen reference loop, and ceilings for it."""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

HERE = Path(__file__).parent
if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))

import books  # noqa: E402
from gexcore import bsm, cpu  # noqa: E402

CEILINGS = HERE / "ceilings.json"
ROWS = 4_000  # columns stay in the second-level cache
SPOTS = 100
ROUNDS = 1000
ATTEMPTS = 3
HEADROOM = 1.25
SLOWDOWN = "GEXCORE_GATE_SLOWDOWN"

# As in cpp/CMakeLists.txt; a test compares them.
FLAGS = ("-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math")
ISA_FLAGS = {
    "baseline": (),
    "x86_v3": ("-march=x86-64-v3",),
    "x86_v4": ("-march=x86-64-v4", "-mprefer-vector-width=512"),
}


def compiler() -> str | None:
    """The C++ compiler of this system, CXX first."""
    names = (os.environ.get("CXX"), "c++", "g++", "clang++")
    return next((found for name in names if name and (found := shutil.which(name))), None)


def reason_to_skip() -> str:
    """Why the gate cannot run here, or nothing."""
    if platform.machine() not in ("x86_64", "AMD64") or os.name == "nt":
        return f"no gate ceilings for {platform.system()} on {platform.machine()}"
    if compiler() is None:
        return "no C++ compiler for the gate's reference loop: install g++ or set CXX"
    return ""


class Reference:
    """The frozen loop, compiled for the active instruction set, on inputs of its own."""

    def __init__(self, folder: Path) -> None:
        isa = cpu.active()
        library = folder / f"reference_{isa}.so"
        source = str(HERE / "reference.cpp")
        command = [compiler() or "c++", "-std=c++17", "-shared", "-fPIC", *FLAGS, *ISA_FLAGS[isa]]
        subprocess.run([*command, source, "-o", str(library)], check=True, timeout=120)
        self._loop = ctypes.CDLL(str(library)).reference
        pointer = ctypes.c_void_p
        self._loop.argtypes = [ctypes.c_size_t, *[pointer] * 4, ctypes.c_double, pointer]
        self._loop.restype = None
        b = books.book(ROWS, seed=11)
        spot = np.full(ROWS, books.SPOT)
        self.book = b._replace(spot=spot, dividend_yield=0.0, is_call=np.ones(ROWS, bool))
        self.out = np.zeros((9, ROWS))
        columns = (spot, b.strike, b.time_to_expiry, b.implied_vol)
        self._kept = columns
        pointers = [c.ctypes.data for c in columns]
        self._arguments = (ROWS, *pointers, books.RATE, self.out.ctypes.data)

    def __call__(self) -> None:
        self._loop(*self._arguments)


def works() -> dict[str, tuple[Callable[[], Any], int]]:
    """The gated kernels, as users call them, and the items each call handles."""
    b = books.book(ROWS, seed=12)
    nine = bsm.greeks(*b, which=books.NINE)
    p = books.priced(ROWS).arguments()
    s = books.sweep(ROWS // 2, SPOTS)
    by_strike = books.GammaByStrike(books.keyed(ROWS))
    return {
        "W1": (lambda: bsm.greeks(*b, which=books.NINE, out=nine), ROWS),
        "W2": (by_strike, ROWS),
        "W3": (lambda: books.gamma_profile(s), len(s.weight) * SPOTS),
        "W4": (lambda: bsm.implied_vol(*p), ROWS),
    }


class Stopwatch:
    """Best time of the reference and of each work over all rounds, interleaved."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self.works = works()
        self.best = {name: float("inf") for name in ("reference", *self.works)}

    def run(self, rounds: int = ROUNDS) -> dict[str, float]:
        """Ratios of the best times per item so far, after some more rounds."""
        for _ in range(rounds):
            for name, (work, items) in self.works.items():
                self._time("reference", self.reference, ROWS)
                self._time(name, work, items)
        return {name: self.best[name] / self.best["reference"] for name in self.works}

    def _time(self, name: str, work: Callable[[], Any], items: int) -> None:
        begin = perf_counter()
        work()
        self.best[name] = min(self.best[name], (perf_counter() - begin) / items)


def ceilings() -> dict[str, float]:
    """Highest allowed ratio of each work under the active instruction set."""
    limits: dict[str, float] = json.loads(CEILINGS.read_text(encoding="utf-8"))[cpu.active()]
    return limits


def exceeded(watch: Stopwatch, attempts: int = ATTEMPTS) -> dict[str, str]:
    """Works above their ceiling in every attempt; GEXCORE_GATE_SLOWDOWN multiplies the times."""
    slowdown = float(os.environ.get(SLOWDOWN, "1"))
    limits = ceilings()
    over: dict[str, str] = {}
    for _ in range(attempts):
        found = {name: ratio * slowdown for name, ratio in watch.run().items()}
        over = {
            name: f"{ratio:.4f} of the reference loop, ceiling {limits[name]:.4f}"
            for name, ratio in found.items()
            if ratio > limits[name]
        }
        if not over:
            break
    return over


def main() -> None:
    """Print the ratios under the active instruction set; --write makes them the new ceilings."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--write", action="store_true", help="ceilings = measured + 25%%")
    asked = parser.parse_args()
    if reason_to_skip():
        sys.exit(reason_to_skip())
    with tempfile.TemporaryDirectory() as folder:
        watch = Stopwatch(Reference(Path(folder)))
        found = watch.run(ATTEMPTS * ROUNDS)
    print(f"{cpu.active()}: reference {watch.best['reference'] * 1e9:.2f} ns per row")
    for name, ratio in found.items():
        print(f"{name}: {watch.best[name] * 1e9:8.3f} ns per item, {ratio:.4f} of the reference")
    if asked.write:
        all_limits = json.loads(CEILINGS.read_text(encoding="utf-8")) if CEILINGS.exists() else {}
        all_limits[cpu.active()] = {name: round(r * HEADROOM, 4) for name, r in found.items()}
        CEILINGS.write_text(json.dumps(all_limits, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
