"""Commands about recorded streams: replay, record."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from gexcore.cli.feed_views import JsonLines, Lines, View
from gexcore.cli.live_table import LiveTable, has_rich
from gexcore.errors import GexError
from gexcore.progress import progress
from gexcore.replay import Reading, Replay

if TYPE_CHECKING:
    from gexcore.recording import Recording


def _opened(file: str) -> Recording:
    from gexcore.recording import read_recording

    if file != "-":
        return read_recording(file)
    if sys.stdin is None:
        raise GexError("standard input is closed", hint="name a file, or pipe one in")
    return read_recording(sys.stdin.buffer)


def replay(options: argparse.Namespace) -> None:
    """Feed a book from a recorded stream; its levels as they change."""
    recording = _opened(options.file)
    run = Replay(recording.book(), recording, speed=options.speed, every=options.every)
    view = _view(options, recording, run)
    try:
        with view:
            steps = _percents(run, recording, view.show)
            quiet = sys.stdout is None or sys.stdout.isatty()  # lines and a bar do not mix
            for _ in steps if quiet else progress(steps, "replay, %", 100):
                pass
    finally:
        view.end(run)


def _view(options: argparse.Namespace, recording: Recording, run: Replay) -> View:
    if options.json:
        return JsonLines(run)
    now = run.book.snapshot()
    speed = "as fast as possible" if options.speed is None else f"{options.speed:g} x real time"
    title = f"{recording.name}, {now.chain}; {now.positions.rule} positions; {speed}"
    terminal = sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    if terminal and not options.lines and has_rich():
        return LiveTable(run, title, recording)
    return Lines(run, title)


def _percents(
    run: Replay, recording: Recording, show: Callable[[Reading], object]
) -> Iterator[None]:
    """Show the whole replay; one item for each hundredth of the file."""
    done = 0
    for reading in run:
        show(reading)
        while recording.share is not None and done < int(100 * recording.share):
            done += 1
            yield


def record(options: argparse.Namespace) -> None:
    """Make a recorded stream: of invented events, or of another one."""
    from gexcore.recording import Recorder

    if options.synthetic:
        from gexcore.synthetic import synthetic_chain, synthetic_feed

        chain = synthetic_chain(options.contracts, options.seed)
        events = synthetic_feed(chain, options.seconds, options.rate, options.seed)
        total = round(options.seconds * options.rate)
        with Recorder(chain, options.output) as recorder:
            for event in progress(events, "events", total):
                recorder.write(event)
        print(f"{options.output}: {total:,} events, every number invented", file=sys.stderr)
        return
    recording = _opened(options.file)
    with Recorder(recording.book(), options.output) as recorder:
        run = Replay(recorder.book, recording, feed=recorder.write, every=60.0)
        steps = _percents(run, recording, lambda _: None)
        for _ in progress(steps, "copy, %", 100):
            pass
    print(f"{options.output}\n{run.summary()}", file=sys.stderr)
