"""Time of the package's kernels in units of a frozen reference loop, and ceilings for it.

python benchmarks/gate/ratio.py            # the ratios under every instruction set it can run
python benchmarks/gate/ratio.py --write    # and new ceilings: measured + 25%
"""

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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

HERE = Path(__file__).parent
if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))

import books  # noqa: E402
from gate.works import ROWS, WORKS  # noqa: E402
from gexcore import cpu  # noqa: E402

CEILINGS = HERE / "ceilings.json"
WRITE = "python benchmarks/gate/ratio.py --write"
ROUNDS = 1500
ATTEMPTS = 3
HEADROOM = 1.25
ELSEWHERE = 2.0  # further headroom on a processor that the ceilings do not come from
SLOWDOWN = "GEXCORE_GATE_SLOWDOWN"

# As in CMakeLists.txt and cpp/CMakeLists.txt; a test compares them.
FLAGS = ("-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math")
ISA_FLAGS = {
    "baseline": (),
    "x86_v3": ("-march=x86-64-v3",),
    "x86_v4": ("-march=x86-64-v4", "-mprefer-vector-width=512"),
}


def compiler() -> str:
    """The C++ compiler of this system, CXX first."""
    names = (os.environ.get("CXX"), "c++", "g++", "clang++")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        raise LookupError("no C++ compiler for the gate's reference loop: install g++ or set CXX")
    return found


def processor() -> str:
    """The kind of processor, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return f"{platform.processor()} {platform.machine()}"
    lines = info.read_text(encoding="utf-8").partition("\n\n")[0].splitlines()
    facts = dict(map(str.strip, line.partition(":")[::2]) for line in lines)
    parts = ("model name", "cpu family", "model", "CPU implementer", "CPU part")
    return ", ".join(f"{name} {facts[name]}" for name in parts if name in facts)


def key_of(isa: str) -> str:
    """The name under which ceilings are stored: "baseline" means little off x86-64."""
    machine = platform.machine()
    return isa if machine in ("x86_64", "AMD64") else f"{machine} {isa}"


@contextmanager
def variant(isa: str) -> Iterator[None]:
    """The package runs on one instruction set."""
    before = cpu.active()
    cpu.use(isa)
    try:
        yield
    finally:
        cpu.use(before)


class Reference:
    """The frozen loop, compiled for one instruction set, on inputs of its own."""

    def __init__(self, folder: Path, isa: str) -> None:
        library = folder / f"reference_{isa}.so"
        command = [compiler(), "-std=c++17", "-shared", "-fPIC", *FLAGS, *ISA_FLAGS[isa]]
        command += [str(HERE / "reference.cpp"), "-o", str(library)]
        subprocess.run(command, check=True, timeout=120)
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


class Stopwatch:
    """Best time of the reference and of each work under one instruction set, over all rounds."""

    def __init__(self, folder: Path, isa: str) -> None:
        self.isa = isa
        self.reference = Reference(folder, isa)
        with variant(isa):
            self.works = {name: work.make() for name, work in WORKS.items()}
        self.best = {name: float("inf") for name in ("reference", *self.works)}

    def run(self, rounds: int = ROUNDS) -> dict[str, float]:
        """Ratios of the best times per item so far, after some more rounds in turns."""
        with variant(self.isa):
            for _ in range(rounds):
                for name, (call, items) in self.works.items():
                    self._time("reference", self.reference, ROWS)
                    self._time(name, call, items)
        return {name: self.best[name] / self.best["reference"] for name in self.works}

    def _time(self, name: str, call: Callable[[], Any], items: int) -> None:
        begin = perf_counter()
        call()
        self.best[name] = min(self.best[name], (perf_counter() - begin) / items)


class Ceilings:
    """Highest allowed ratio of each work under one instruction set, on this kind of processor.

    A work without a ceiling of this processor gets the highest of all others, with headroom.
    """

    def __init__(self, isa: str) -> None:
        stored = json.loads(CEILINGS.read_text(encoding="utf-8"))
        here, key = processor(), key_of(isa)
        tables = {where: table[key] for where, table in stored.items() if key in table}
        own = tables.get(here, {})
        missing = [n for n in WORKS if all(n not in table for table in tables.values())]
        if missing:
            raise LookupError(f"no ceilings for {', '.join(missing)} under {key}: {WRITE}")
        self.at_home = all(name in own for name in WORKS)
        self.processor = here if self.at_home else "; ".join(stored)
        highest = {n: max(t[n] for t in tables.values() if n in t) for n in WORKS}
        self.limits = {n: own.get(n, ELSEWHERE * highest[n]) for n in WORKS}


def exceeded(watch: Stopwatch, attempts: int = ATTEMPTS) -> dict[str, str]:
    """Works above their ceiling in every attempt; GEXCORE_GATE_SLOWDOWN multiplies the times."""
    slowdown = float(os.environ.get(SLOWDOWN, "1"))
    limits = Ceilings(watch.isa).limits
    over: dict[str, str] = {}
    # a best time only errs upwards, and further rounds only lower it
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


def write(measured: dict[str, dict[str, float]]) -> None:
    """Make the ratios the new ceilings of this processor; those of others stay."""
    stored = json.loads(CEILINGS.read_text(encoding="utf-8")) if CEILINGS.exists() else {}
    here = stored.setdefault(processor(), {})
    for isa, found in measured.items():
        here[key_of(isa)] = {name: round(ratio * HEADROOM, 4) for name, ratio in found.items()}
    CEILINGS.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Measure, print, and with --write store."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="new ceilings: measured + 25%%")
    asked = parser.parse_args()
    measured = {}
    print(processor())
    with tempfile.TemporaryDirectory() as folder:
        for isa in cpu.available():
            watch = Stopwatch(Path(folder), isa)
            measured[isa] = watch.run(2 * ATTEMPTS * ROUNDS)
            print(f"{isa}: reference {watch.best['reference'] * 1e9:.2f} ns per row")
            for name, ratio in measured[isa].items():
                nanoseconds = watch.best[name] * 1e9
                print(f"  {name:11} {nanoseconds:8.3f} ns per item, {ratio:.4f} of the reference")
    if asked.write:
        write(measured)


if __name__ == "__main__":
    main()
