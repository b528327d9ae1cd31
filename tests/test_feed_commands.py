"""`gexcore record` and `gexcore replay`: what they print, on what, and how they refuse."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import gexcore as gex
import pytest
from gexcore.cli import main
from gexcore.cli.feed_views import change_text
from gexcore.watch import LevelChange

SYNTHETIC = ["--synthetic", "--contracts", "2000", "--seconds", "900", "--rate", "2", "--seed", "5"]


def invented() -> gex.Chain:
    return gex.synthetic_chain(n=2000, seed=5)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording in which every kind of change occurs."""
    path = tmp_path_factory.mktemp("feed") / "feed.jsonl"
    chain = invented()
    begin = chain.as_of.time
    zero = gex.Book(chain).levels().zero_gamma.value
    with gex.Recorder(chain, path, now=lambda: begin) as recorder:
        for i, event in enumerate(gex.synthetic_feed(chain, seconds=300.0, rate=2.0)):
            recorder.write(event)
            if i % 100 == 50:
                spot = zero * (1.02 if i % 200 == 50 else 0.97)
                recorder.write(event._replace(kind="spot", rows=None, values={"spot": spot}))
    return path


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


def expected_changes(file: Path, every: float = 1.0) -> list[tuple[datetime, LevelChange]]:
    recording = gex.read_recording(file)
    replay = gex.Replay(recording.book(), recording, every=every)
    return [(reading.time, change) for reading in replay for change in reading.changes]


def test_lines(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "replay", file)
    assert (code, err) == (0, "")
    title, empty, head, *lines = out.splitlines()
    assert title == (
        f"{file}, SPX: 2,000 contracts, spot 5,000, as of 2026-03-18 10:30 EDT; naive positions; "
        "as fast as possible"
    )
    assert (empty, head.split("  ")[0]) == ("", "time")
    body, summary = lines[: lines.index("")], lines[lines.index("") + 1 :]
    changes = expected_changes(file)
    assert re.split(" {2,}", body[0]) == [
        "10:30:00.3", "5,000", "5,059.33", "4,900", "5,100", "begin, short gamma",
    ]  # fmt: skip
    assert [re.split(" {2,}", line)[-1] for line in body[1:]] == [
        change_text(c) for _, c in changes
    ]
    texts = " ".join(body)
    for text in ("spot above zero gamma", "transition -> short gamma", "wall 5,000 -> 4,900"):
        assert text in texts
    assert all(len(line) <= 80 for line in lines)
    columns = [
        head.index(" change") + 1,
        *(line.index(re.split(" {2,}", line)[-1]) for line in body),
    ]
    assert len(set(columns)) == 1  # the table is one
    assert [line.split()[0] for line in summary if line[0] != " "] == [
        "events",
        "changes",
        "dropped",
        "time",
    ]
    assert summary[0].startswith("events   606: quote 5")
    assert "dropped  none" in summary


def test_json_lines(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "replay", file, "--json", "--every", "0.5")
    assert (code, err) == (0, "")

    def never(constant: str) -> float:
        raise AssertionError(f"{constant} is not JSON")

    first, *told, last = [json.loads(line, parse_constant=never) for line in out.splitlines()]
    assert first["kind"] == "begin"
    levels = gex.Book(invented()).levels()
    assert first["levels"] == {
        "spot": 5000.0, "zero_gamma": levels.zero_gamma.value, "net_gamma": levels.net,
        "call_wall": 5100.0, "put_wall": 4900.0, "absolute_gamma_strike": 5000.0,
        "regime": "short_gamma",
    }  # fmt: skip
    changes = expected_changes(file, every=0.5)
    assert [(c["time"], c["sequence"], c["kind"], c["before"], c["after"]) for c in told] == [
        (t.isoformat(), c.sequence, c.kind, c.before, c.after) for t, c in changes
    ]
    crossed = [c for c in told if c["kind"] == "zero_gamma_crossed"]
    assert crossed
    for change in crossed:
        above = change["levels"]["spot"] > change["levels"]["zero_gamma"]
        assert change["after"] == ("above" if above else "below")
    assert last["kind"] == "summary"
    assert sum(last["changes"].values()) == len(told)
    assert last["dropped"] == {} and last["events"]["spot"] > 6


def test_days_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chain = invented()
    zero = gex.Book(chain).levels().zero_gamma.value
    lines = [(1, 0.97), (2, 1.02), (80_000, 0.97)]  # seconds and spots
    with gex.Recorder(chain, tmp_path / "feed.jsonl") as recorder:
        for seconds, factor in lines:
            at = chain.as_of.time + timedelta(seconds=seconds)
            recorder.write(gex.Event(at, "spot", None, {"spot": zero * factor}))
    _, out, _ = run(capsys, "replay", tmp_path / "feed.jsonl")
    assert "\n2026-03-19\n08:43:20.0 " in out


def test_changes_in_words() -> None:
    def text(kind: str, before: Any, after: Any) -> str:
        return change_text(LevelChange(1, 1, kind, before, after, 5000.0))

    assert text("zero_gamma_crossed", "below", "above") == "spot above zero gamma"
    assert text("put_wall_moved", 4900.0, None) == "put wall 4,900 -> none"
    assert text("regime_changed", "short_gamma", "transition") == "short gamma -> transition"
    assert text("zero_gamma_moved", 5065.116, 5070.0) == "zero gamma moved +4.88"
    assert text("zero_gamma_moved", 5065.116, None) == "zero gamma 5,065.12 -> none"


def test_speed_is_handed_on(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    class Spy(gex.Replay):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            seen.append((options["speed"], options["every"]))
            super().__init__(*arguments, **{**options, "speed": None})

    monkeypatch.setattr("gexcore.cli.replay.Replay", Spy)
    for words in ([], ["--speed", "max"], ["--speed", "1"], ["--speed", "2.5", "--every", "60"]):
        assert run(capsys, "replay", file, *words)[0] == 0
    assert seen == [(None, 1.0), (None, 1.0), (1.0, 1.0), (2.5, 60.0)]


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_record_and_replay(ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the README says to a newcomer, and the file is the feed of Python."""
    path = tmp_path / f"feed.{ending}"
    code, out, err = run(capsys, "record", *SYNTHETIC, "-o", path)
    assert (code, out) == (0, "")
    assert err == f"{path}: 1,800 events, every number invented\n"
    code, out, err = run(capsys, "replay", path)
    assert (code, err) == (0, "")
    chain = invented()
    book = gex.Book(chain)
    for event in gex.synthetic_feed(chain, 900.0, 2.0, seed=5):
        gex.feed_event(book, event)
    played = gex.read_recording(path).replay().book
    assert played.levels(exact=True).to_dict() == book.levels(exact=True).to_dict()


def test_copies_go_into_the_other_format_and_leave_out_what_is_broken(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    broken.write_bytes(b"".join([*lines[:5], b"noise\n", *lines[5:400], lines[400][:30]]))
    whole, again = tmp_path / "whole.parquet", tmp_path / "again.jsonl"
    code, out, err = run(capsys, "record", broken, "-o", whole)
    assert (code, out) == (0, ""), err
    err = " ".join(err.split())
    assert "1 unreadable, first" in err and "broken.jsonl, line 6" in err
    assert "1 torn" in err and "events 399" in err
    code, _, err = run(capsys, "record", whole, "-o", again)
    assert code == 0 and "dropped  none" in err
    books = [gex.read_recording(path).replay().book for path in (broken, whole, again)]
    one, *others = [book.levels(exact=True).to_dict() for book in books]
    assert others == [one, one]
    events = [json.loads(line) for line in again.read_text().splitlines()]
    assert events[1:] == [json.loads(line) for line in lines[1:400]]  # digit by digit


def test_standard_input(file: Path) -> None:
    words = [sys.executable, "-m", "gexcore", "replay", "-", "--json"]
    with file.open("rb") as stream:
        done = subprocess.run(words, stdin=stream, capture_output=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout.splitlines()[-1])["kind"] == "summary"
    done = subprocess.run(words, input=b"", capture_output=True, timeout=120)
    assert done.returncode == 2 and b"<stdin>: the file is empty" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_an_interrupted_replay_sums_up(file: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "gexcore", "replay", str(file), "--speed", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    while "begin" not in process.stdout.readline():
        pass
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "gexcore: interrupted\n")
    assert "dropped  none" in out and "of the stream in" in out


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end differently")
def test_a_reader_that_has_enough(file: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    words = [sys.executable, "-m", "gexcore", "replay", str(file)]
    done = subprocess.run(words, stdout=theirs, stderr=subprocess.PIPE, timeout=120)
    os.close(theirs)
    assert (done.returncode, done.stderr) == (0, b"")


# --- terminals ---------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(
    monkeypatch: pytest.MonkeyPatch, file: Path, *words: str, columns: int = 80
) -> tuple[str, str]:
    """All that was written, and the text after the last drawing began."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    for name, value in (("COLUMNS", str(columns)), ("LINES", "40"), ("TERM", "xterm")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("gexcore.cli.live_table._PERIOD", 0.0)
    assert main(["replay", str(file), *words]) == 0
    text = screen.getvalue()
    last = re.sub(r"\x1b\[\??[\d;]*[A-Za-z]", "", re.split(r"\x1b\[1A\x1b\[2K|\r", text)[-1])
    return text, last


@pytest.mark.parametrize("columns", [80, 140])
def test_the_live_table(columns: int, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, last = on_terminal(monkeypatch, file, "--every", "2", columns=columns)
    assert text.count("\x1b[2K") > 100  # drawn again in place
    played = gex.read_recording(file).replay(every=2.0)
    levels, regime = played.book.levels(), played.book.regime()
    rows = dict(re.split(" {2,}", line, maxsplit=1) for line in last.splitlines() if "  " in line)
    rows = {name: re.split(" {2,}", cells) for name, cells in rows.items()}
    first = gex.Book(invented()).levels()
    zero = levels.zero_gamma.value
    assert zero is not None and first.zero_gamma.value is not None
    assert rows["zero gamma"][:3] == [
        f"{zero:,.2f}", f"{zero / levels.spot - 1:+.2%}", f"{first.zero_gamma.value:,.2f}",
    ]  # fmt: skip
    assert rows["spot"][0] == f"{levels.spot:,.2f}"
    assert rows["call wall"][0] == f"{levels.call_wall.strike:,.2f}"
    assert rows["regime"][0].strip() == regime.kind.replace("_", " ")
    assert change_text(expected_changes(file, 2.0)[-1][1]) in last
    assert all(len(line) <= columns for line in last.splitlines())
    beside = next(line for line in last.splitlines() if line.startswith("level "))
    assert ("last changes" in beside) == (columns == 140)
    assert "dropped  none" in last  # the summary stands below


def test_lines_on_a_terminal(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, _ = on_terminal(monkeypatch, file, "--lines")
    assert "\x1b" not in plain and "begin, short gamma" in plain
    told, _ = on_terminal(monkeypatch, file, "--json")
    assert "\x1b" not in told
    monkeypatch.setitem(sys.modules, "rich.live", None)  # the extra is not there
    assert strip_time(on_terminal(monkeypatch, file)[0]) == strip_time(plain)


def test_dumb_terminals_get_lines(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "dumb")
    assert main(["replay", str(file)]) == 0
    assert "\x1b" not in sys.stdout.getvalue()


def strip_time(text: str) -> str:
    return text.partition("\ntime     ")[0]


def test_a_bar_is_drawn_on_standard_error_alone(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gexcore.progress.PATIENCE", -1.0)
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    assert main(["replay", str(file), "--json"]) == 0
    assert "replay, %" in screen.getvalue() and "100/100" not in capsys.readouterr().out
    screen.truncate(0)
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert main(["replay", str(file), "--lines"]) == 0  # lines and a bar do not mix
    assert screen.getvalue() == ""
