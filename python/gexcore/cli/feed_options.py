"""Options of the commands about recorded streams."""

from __future__ import annotations

import argparse
import math


def _speed(text: str) -> float | None:
    """1 is real time, 60 a minute in a second, max no waiting."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not 0 < speed < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no speed, write 1, 60 or max")
    return speed


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no time, write seconds")
    return seconds


def replay_options() -> argparse.ArgumentParser:
    """What `replay` takes."""
    what = argparse.ArgumentParser(add_help=False)
    what.add_argument("file", metavar="FILE", help="a recorded stream, or - for standard input")
    what.add_argument(
        "--speed", type=_speed, default=None, metavar="X",
        help="1: real time, 60: sixty times faster, max: as fast as possible (default)",
    )  # fmt: skip
    what.add_argument(
        "--every", type=_seconds, default=1.0, metavar="SECONDS",
        help="how often levels are looked at, in time of the stream; 0: after each event; "
        "default 1. What is printed does not depend on the speed",
    )  # fmt: skip
    shape = what.add_mutually_exclusive_group()
    shape.add_argument(
        "--json", action="store_true", help="print JSON lines, for machines: one per change"
    )
    shape.add_argument(
        "--lines", action="store_true",
        help="print lines on a terminal too, where a live table is the default (extra: live)",
    )  # fmt: skip
    return what


def record_options() -> argparse.ArgumentParser:
    """What `record` takes."""
    what = argparse.ArgumentParser(add_help=False)
    source = what.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "file", metavar="FILE", nargs="?",
        help="a recorded stream to copy, without what is broken: into the other format, or from "
        "what a killed recorder left; - for standard input",
    )  # fmt: skip
    source.add_argument("--synthetic", action="store_true", help="invented events, to try with")
    what.add_argument(
        "-o", "--output", required=True, metavar="OUT",
        help="a new file: .jsonl is JSON lines, .parquet is Parquet (extra: live)",
    )  # fmt: skip
    group = what.add_argument_group("synthetic events")
    group.add_argument(
        "--seconds",
        type=_seconds,
        default=19800.0,
        help="from 10:30 New York; default 19800, to the close",
    )
    group.add_argument("--rate", type=_seconds, default=5.0, help="a second, default 5")
    group.add_argument("--seed", type=int, default=7, help="same seed, same events; default 7")
    group.add_argument("--contracts", type=int, default=20000, help="default 20000")
    return what
