"""The recorder: what a kill at any time leaves, full and forbidden disks, threads, forks."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.recording import journal as journals
from gexcore.recording.journal import Journal

needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX signals")

# Numbers each event, says so with the time at which it was fed, and is killed from outside.
FEEDER = """
import sys, time
import gexcore as gex

path, closing, pause = sys.argv[1], sys.argv[2] == "close", float(sys.argv[3])
recorder = gex.Recorder(gex.synthetic_chain(n=300), path)
for i in range(1, 100_000):
    recorder.set_spot(5000.0 + i / 1000)
    print(i, time.monotonic(), flush=True)
    time.sleep(pause)
    if closing and i == 4000:
        recorder.sync()
        print("closing", time.monotonic(), flush=True)
        recorder.close()
        time.sleep(60)
"""


def killed(path: Path, mode: str, pause: float, when: Callable[[list[list[str]]], bool]) -> Any:
    """What a feeder had said when it was killed with SIGKILL, and the moment of that."""
    process = subprocess.Popen(
        [sys.executable, "-c", FEEDER, str(path), mode, str(pause)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    said: list[list[str]] = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line.split())
        if when(said):
            break
    moment = time.monotonic()
    process.kill()
    rest = process.stdout.read()
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    said += [line.split() for line in rest.splitlines() if len(line.split()) == 2]
    return said, moment


def spots_in(path: Path) -> list[float]:
    """Spots of a recording, which must be played without a loss but for a torn line."""
    recording = gex.read_recording(path)
    book = recording.book()
    summary = gex.Replay(book, recording, every=1e9).run()
    assert set(summary.dropped) <= {"torn"}
    assert summary.events.keys() <= {"spot"}
    recording = gex.read_recording(path)
    found = [event.values["spot"] for event in recording]
    expected = gex.Book(gex.synthetic_chain(n=300))
    if found:
        expected.set_spot(found[-1])
    assert book.levels(exact=True).to_dict() == expected.levels(exact=True).to_dict()
    return found


@needs_kill
@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
@pytest.mark.parametrize("seconds", [0.0, 0.3, 1.7])
def test_a_kill_loses_at_most_the_last_second(ending: str, seconds: float, tmp_path: Path) -> None:
    path = tmp_path / f"feed.{ending}"
    began: list[float] = []

    def due(said: list[list[str]]) -> bool:
        began.append(float(said[-1][1]))
        return began[-1] - began[0] >= seconds

    said, moment = killed(path, "feed", 0.001, due)
    found = spots_in(path)
    assert found == [5000.0 + i / 1000 for i in range(1, len(found) + 1)]  # in order, none twice
    safe = [int(i) for i, fed in said if float(fed) < moment - 1.0]
    assert len(found) >= (safe[-1] if safe else 0)
    assert len(found) <= len(said) + 1


@needs_kill
@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_what_is_quiet_is_on_the_disk(ending: str, tmp_path: Path) -> None:
    """No later event is needed to bring the last ones to the disk."""
    path = tmp_path / f"feed.{ending}"
    process = subprocess.Popen(
        [sys.executable, "-c", FEEDER, str(path), "feed", "30"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().split()[0] == "1"
    time.sleep(1.0)
    process.kill()
    process.wait()
    process.stdout.close()
    assert spots_in(path) == [5000.001]


@needs_kill
@pytest.mark.parametrize("delay", [0.0, 0.01, 0.03, 0.1, 0.5])
def test_a_kill_while_parquet_is_made_loses_nothing(delay: float, tmp_path: Path) -> None:
    path = tmp_path / "feed.parquet"

    def closing(said: list[list[str]]) -> bool:
        if said[-1][0] != "closing":
            return False
        time.sleep(delay)
        return True

    killed(path, "close", 0.0, closing)
    assert spots_in(path) == [5000.0 + i / 1000 for i in range(1, 4001)]


def small_recording(path: Path) -> list[Any]:
    with gex.Recorder(gex.synthetic_chain(n=4), path) as recorder:
        recorder.set_spot(5001.0)
        recorder.update(0, implied_vol=0.25)
        recorder.update(np.array([1, 2]), open_interest=np.array([5.0, 6.0]))
    return [(e.time, e.kind) for e in gex.read_recording(path)]


def test_a_file_cut_anywhere_reads_back(tmp_path: Path) -> None:
    """Each prefix has the events whose lines are whole, and at most one torn line."""
    whole = small_recording(tmp_path / "feed.jsonl")
    data = (tmp_path / "feed.jsonl").read_bytes()
    head = data.index(b"\n")
    cut = tmp_path / "cut.jsonl"
    for end in range(len(data) + 1):
        cut.write_bytes(data[:end])
        if end < head:
            with pytest.raises(gex.ChainFileError, match=r"empty|cut short in its first line"):
                gex.read_recording(cut)
            continue
        recording = gex.read_recording(cut)
        found = [(e.time, e.kind) for e in recording]
        lines = data[:end].count(b"\n")
        ended = data[:end].endswith(b"}")  # whole but for its line break
        assert found == whole[: max(lines - 1, 0) + (ended and end > head)]
        torn = not ended and not data[:end].endswith(b"\n")
        assert recording.drops.counts == ({"torn": 1} if torn else {})


def test_a_parquet_file_cut_anywhere_is_refused_or_whole(tmp_path: Path) -> None:
    whole = small_recording(tmp_path / "feed.parquet")
    data = (tmp_path / "feed.parquet").read_bytes()
    cut = tmp_path / "cut.parquet"
    for end in [*range(0, len(data), 97), len(data) - 1]:
        cut.write_bytes(data[:end])
        with pytest.raises(gex.ChainFileError, match=r"cut\.parquet"):
            list(gex.read_recording(cut))
    assert len(whole) == 3


def test_a_journal_is_read_in_place_of_its_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "feed.parquet"
    recorder = gex.Recorder(gex.synthetic_chain(n=300), path)
    recorder.set_spot(5001.0)
    recorder.sync()
    assert not path.exists()
    assert [e.kind for e in gex.read_recording(path)] == ["spot"]  # while it grows
    recorder.close()
    assert [e.kind for e in gex.read_recording(path)] == ["spot"]
    assert [p.name for p in tmp_path.iterdir()] == ["feed.parquet"]
    recorder.close()  # again does nothing
    with pytest.raises(gex.GexError, match="is closed"):
        recorder.set_spot(5002.0)


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_a_file_that_is_there_is_kept(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"feed.{ending}"
    path.write_bytes(b"mine")
    with pytest.raises(gex.GexError, match=rf"feed\.{ending}: is there already"):
        gex.Recorder(gex.synthetic_chain(n=4), path)
    assert path.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_a_place_that_cannot_be_written_is_named(ending: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in ("missing", "file"):
        path = tmp_path / folder / f"feed.{ending}"
        with pytest.raises(gex.GexError, match=r"feed\..*cannot be written.*Hint") as caught:
            gex.Recorder(gex.synthetic_chain(n=4), path)
        assert str(path) in str(caught.value)


FULL = """
import resource, sys
import gexcore as gex

recorder = gex.Recorder(gex.synthetic_chain(n=300), sys.argv[1])
recorder.sync()
size = recorder._journal.path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 300, resource.RLIM_INFINITY))
for i in range(1, 11):
    try:
        recorder.set_spot(5000.0 + i)
        recorder.sync()
    except gex.GexError as error:
        print(i, error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(recorder.book.levels().spot)
recorder.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_a_full_disk_is_told_and_nothing_is_lost_once_there_is_room(
    ending: str, tmp_path: Path
) -> None:
    """A limit of the system stops the file in the middle of a line, for real."""
    path = tmp_path / f"feed.{ending}"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    *told, last = done.stdout.splitlines()
    assert 5 <= len(told) < 10 and all(str(path) in line for line in told)
    assert all("cannot be written (File too large). Hint" in line for line in told)
    assert last == "5010.0"  # the book was fed
    assert [e.values["spot"] for e in gex.read_recording(path)] == [
        5000.0 + i for i in range(1, 11)
    ]


def test_a_full_disk_when_parquet_is_made_keeps_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "feed.parquet"
    recorder = gex.Recorder(gex.synthetic_chain(n=300), path)
    recorder.set_spot(5001.0)
    with monkeypatch.context() as patch:

        def full(*_: Any, **__: Any) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        patch.setattr(Path, "replace", full)
        with pytest.raises(gex.GexError, match=r"feed\.parquet: cannot be written \(No space"):
            recorder.close()
    assert [p.name for p in tmp_path.iterdir()] == ["feed.parquet.jsonl"]
    assert [e.kind for e in gex.read_recording(path)] == ["spot"]
    recorder.close()  # there is room again
    assert [p.name for p in tmp_path.iterdir()] == ["feed.parquet"]


def test_a_disk_that_does_not_keep_is_told(tmp_path: Path) -> None:
    failing = threading.Event()

    def sync(_: int) -> None:
        if failing.is_set():
            failed.set()
            raise OSError(errno.EIO, "Input/output error")

    failed = threading.Event()
    journal = Journal(tmp_path / "lines", period=0.001, sync=sync)
    failing.set()
    journal.write("one\n")
    assert failed.wait(10)
    deadline = time.monotonic() + 10
    with pytest.raises(gex.GexError, match=r"lines: cannot be written \(Input/output error\)"):
        while time.monotonic() < deadline:
            journal.write("more\n")
    failing.clear()
    journal.close()
    assert (tmp_path / "lines").read_text().startswith("one\nmore\n")


def test_every_second_is_synced_by_itself(tmp_path: Path) -> None:
    """The disk is asked to keep what was written, without being told to, and only then."""
    synced = threading.Event()
    journal = Journal(tmp_path / "lines", period=0.001, sync=lambda _: synced.set())
    assert not synced.wait(0.05)  # nothing to keep
    journal.write("one\n")
    assert synced.wait(10)
    assert (tmp_path / "lines").read_text() == "one\n"
    assert journals.PERIOD <= 0.5
    journal.close()


def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_recording(tmp_path / "there.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(gex.InputError, match=r"pip install .gexcore\[live\]"):
        gex.Recorder(gex.synthetic_chain(n=4), tmp_path / "feed.parquet")
    with pytest.raises(gex.InputError, match=r"pip install .gexcore\[live\]"):
        gex.read_recording(tmp_path / "there.parquet")
    assert [p.name for p in tmp_path.iterdir()] == ["there.parquet"]


def test_what_the_book_refuses_is_not_recorded(tmp_path: Path) -> None:
    with gex.Recorder(gex.synthetic_chain(n=300), tmp_path / "feed.jsonl") as recorder:
        before = recorder.book.levels().to_dict()
        for call in (
            lambda: recorder.update(300, implied_vol=0.2),
            lambda: recorder.update(1, contracts=5.0),
            lambda: recorder.update(1, implied_vol="x"),
            lambda: recorder.set_spot(-1.0),
            lambda: recorder.set_time("2020-01-01T10:00Z"),
            lambda: recorder.write(gex.Event(datetime(2026, 3, 18), "compact")),
            lambda: recorder.write(gex.Event(datetime.now(UTC), "banana")),
            lambda: recorder.add_rows(gex.synthetic_chain(n=300)),
        ):
            with pytest.raises(gex.GexError):
                call()
        recorder.update(3)  # nothing
        assert recorder.book.levels().to_dict() == before
    assert list(gex.read_recording(tmp_path / "feed.jsonl")) == []


def test_threads_record_in_the_order_in_which_they_feed(tmp_path: Path) -> None:
    chain = gex.synthetic_chain(n=300)
    recorder = gex.Recorder(chain, tmp_path / "feed.jsonl")

    def feed(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(300):
            recorder.update(int(rng.integers(8)), implied_vol=float(rng.uniform(0.1, 0.4)))
            recorder.set_spot(float(rng.uniform(4990, 5010)))

    threads = [threading.Thread(target=feed, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()
    replay = gex.read_recording(tmp_path / "feed.jsonl").replay(every=1e9)
    assert sum(replay.events.values()) == 4 * 600
    assert replay.book.levels(exact=True).to_dict() == recorder.book.levels(exact=True).to_dict()


FORK = """
import os, sys
import gexcore as gex

recorder = gex.Recorder(gex.synthetic_chain(n=300), sys.argv[1])
recorder.set_spot(5001.0)
child = os.fork()
if not child:
    try:
        recorder.set_spot(4000.0)
    except gex.GexError as error:
        print(error, flush=True)
    raise SystemExit(0)
os.waitpid(child, 0)
recorder.set_spot(5002.0)
"""  # nobody closes it: the end of the program does


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX")
def test_a_forked_child_writes_nothing_and_the_end_of_a_program_closes(tmp_path: Path) -> None:
    path = tmp_path / "feed.jsonl"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK, str(path)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "belongs to the parent process" in done.stdout
    lines = path.read_text().splitlines()
    assert [json.loads(line).get("spot") for line in lines[1:]] == [5001.0, 5002.0]


def test_a_recorder_that_is_dropped_closes_its_file(tmp_path: Path) -> None:
    recorder = gex.Recorder(gex.synthetic_chain(n=4), tmp_path / "feed.jsonl")
    recorder.set_spot(5001.0)
    thread = recorder._journal._thread
    del recorder
    assert not thread.is_alive()
    assert [e.kind for e in gex.read_recording(tmp_path / "feed.jsonl")] == ["spot"]
