"""The command line: `gexcore levels FILE`, `gexcore demo`."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Sequence
from typing import Any, NoReturn

from gexcore import __version__
from gexcore.analysis import Analysis, analyze
from gexcore.chain import Chain
from gexcore.errors import GexError

OK, FAILED, USAGE = 0, 1, 2

_COLORS = {"long gamma": "32", "short gamma": "31", "transition": "33", "no exposure": "33"}

_EPILOG = """examples:
  gexcore demo
  gexcore levels spx_quotedata.csv --rate 5% --dividend-yield 1.5%
  gexcore levels _SPX.json --json | jq .zero_gamma.value
  curl ... | gexcore levels - --as-of session

exit codes: 0 done, 1 failed inside, 2 the input or the command cannot be used
"""


class _Parser(argparse.ArgumentParser):
    """One line on stderr instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        raise GexError(message, hint=f"{self.prog} --help")


def _share(text: str) -> float:
    """A decimal rate: 0.05 or 5%."""
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate, write 0.05 or 5%") from None


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="gexcore",
        description="Dealer gamma exposure, zero gamma, walls and regime from option chains.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"gexcore {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    levels = commands.add_parser(
        "levels",
        help="levels and regime of an option-chain file",
        description="Levels and regime of a CBOE chain file: delayed-quotes JSON "
        "(plain or .gz) or quotedata CSV.",
        allow_abbrev=False,
    )
    levels.add_argument("file", metavar="FILE", help="chain file, or - for standard input")
    levels.add_argument(
        "--positions",
        choices=["naive"],
        default="naive",
        help="who holds what; naive: dealers long every call, short every put (default)",
    )
    levels.add_argument(
        "--rate", type=_share, metavar="R", help="continuous rate, 0.05 or 5%% (default 0, noted)"
    )
    levels.add_argument(
        "--dividend-yield",
        type=_share,
        metavar="Y",
        help="continuous yield, 0.015 or 1.5%% (default 0, noted)",
    )
    levels.add_argument(
        "--as-of",
        default="auto",
        metavar="WHEN",
        help="when the quotes were true: printed (the file's time), session (last 16:00 "
        "New York), or an ISO time "
        "with zone; default: printed, on a weekend session",
    )
    levels.set_defaults(chain=_file_chain)

    demo = commands.add_parser(
        "demo", help="the whole path on a synthetic chain", allow_abbrev=False
    )
    demo.set_defaults(chain=_demo_chain, positions="naive")
    for command in (levels, demo):
        command.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def _file_chain(options: argparse.Namespace) -> Chain:
    from gexcore.io import read_cboe

    if options.file == "-" and sys.stdin is None:
        raise GexError("standard input is closed", hint="name a file, or pipe one in")
    source: Any = sys.stdin.buffer if options.file == "-" else options.file
    return read_cboe(
        source, rate=options.rate, dividend_yield=options.dividend_yield, as_of=options.as_of
    )


def _demo_chain(options: argparse.Namespace) -> Chain:
    from gexcore.synthetic import synthetic_chain

    if not options.json:
        print("SYNTHETIC DATA: every number below is invented, no market is shown.\n")
    return synthetic_chain()


def _colored(text: str) -> str:
    """Mark the regime, on terminals that want it."""
    if (
        sys.stdout is None
        or not sys.stdout.isatty()
        or os.environ.get("NO_COLOR")
        or os.environ.get("TERM") == "dumb"
    ):
        return text

    def paint(match: re.Match[str]) -> str:
        return f"{match[1]}\033[1;{_COLORS[match[2]]}m{match[2]}\033[0m"

    return re.sub(rf"(?m)^(regime\s+)({'|'.join(_COLORS)})", paint, text, count=1)


def _print(result: Analysis, as_json: bool) -> None:
    print(json.dumps(result.to_dict(), indent=2) if as_json else _colored(str(result)))


def _run(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    chain = options.chain(options)
    start = time.perf_counter()
    result = analyze(chain, options.positions)
    elapsed = time.perf_counter() - start
    _print(result, options.json)
    if options.command == "demo" and not options.json:
        pairs = len(chain) * len(result.profile.spots)
        print(f"\n{pairs:,} contract re-pricings, all greeks and levels in {elapsed * 1e3:.1f} ms.")
        print("Next: gexcore levels FILE with a CBOE chain file, or gexcore --help.")
    if sys.stdout is not None:  # None where the caller closed it
        sys.stdout.flush()
    return OK


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code.

    Args:
        arguments: words after `gexcore`; default `sys.argv[1:]`.

    Returns:
        0 done, 1 failed inside, 2 the input or the command cannot be used.

    Example:
        >>> main(["levels", "no-such-file.csv"])
        2
    """
    try:
        return _run(arguments)
    except GexError as error:
        print(f"gexcore: error: {error}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:  # the reader of our output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        print("gexcore: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if os.environ.get("GEXCORE_DEBUG"):
            raise
        print(
            f"gexcore: failed: {type(error).__name__}: {error}. "
            "Hint: please report it; GEXCORE_DEBUG=1 shows where",
            file=sys.stderr,
        )
        return FAILED
