"""Recorded streams of 20,000 contracts: events a second made, fed, recorded, read and replayed.

`python benchmarks/bench_feed.py` prints them; GEXCORE_BENCH_EVENTS sets how many (default 50000).
"""

from __future__ import annotations

import math
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import gexcore as gex
import pytest

EVENTS = int(os.environ.get("GEXCORE_BENCH_EVENTS", "50000"))


def stages(path: Path, count: int) -> dict[str, float]:
    """Seconds of each stage; the levels at the end are those of the book that was recorded."""
    chain, taken, now = gex.synthetic_chain(), {}, time.perf_counter()

    def lap(name: str) -> None:
        nonlocal now
        taken[name], now = time.perf_counter() - now, time.perf_counter()

    events = list(gex.synthetic_feed(chain, seconds=count / 1000, rate=1000.0))
    lap("made")
    book = gex.Book(chain)
    for event in events:
        gex.feed_event(book, event)
    lap("fed")
    recorder = gex.Recorder(chain, path)
    lap("open")
    for event in events:
        recorder.write(event)
    lap("fed and recorded")
    recorder.close()
    lap("closed")
    read = sum(1 for _ in gex.read_recording(path))
    lap("read")
    recording = gex.read_recording(path)
    replay = gex.Replay(recording.book(), recording, every=math.inf)
    replay.run()
    lap("replayed")
    assert read == len(events) == count
    levels = [each.levels(exact=True).to_dict() for each in (book, recorder.book, replay.book)]
    assert levels[0] == levels[1] == levels[2]
    return taken


@pytest.mark.benchmark(group="recorded streams")
@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_recorded_streams(benchmark: Any, ending: str, tmp_path: Path) -> None:
    names = iter(range(10**6))
    benchmark(lambda: stages(tmp_path / f"{next(names)}.{ending}", 2000))


def main() -> None:
    for ending in ("jsonl", "parquet"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"feed.{ending}"
            taken = stages(path, EVENTS)
            size = path.stat().st_size
        print(f"{ending}: {EVENTS:,} events, {size / 1e6:.1f} MB")
        for name, seconds in taken.items():
            rate = "" if name in ("open", "closed") else f" {EVENTS / seconds:12,.0f} a second"
            print(f"  {name:<17} {seconds:7.2f} s{rate}")


if __name__ == "__main__":
    main()
