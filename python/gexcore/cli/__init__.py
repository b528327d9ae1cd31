"""The command line: levels, exposures, profile, greeks, rates of chain files, and a demo."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from gexcore.cli import columns, levels, moves, replay, report
from gexcore.cli.options import build_parser
from gexcore.errors import GexError
from gexcore.progress import end_progress

OK, FAILED, USAGE = 0, 1, 2


COMMANDS = {
    "levels": levels.levels,
    "diff": levels.diff,
    "exposures": columns.exposures,
    "profile": columns.profile,
    "scenario": moves.scenario,
    "hedge": moves.hedge,
    "plot": moves.plot,
    "report": report.report,
    "replay": replay.replay,
    "record": replay.record,
    "greeks": columns.greeks,
    "rates": columns.rates,
    "demo": levels.demo,
    "formats": columns.formats,
}


def _run(arguments: Sequence[str] | None) -> int:
    options = build_parser(COMMANDS).parse_args(arguments)
    options.run(options)
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
        end_progress()
        print(f"gexcore: error: {error}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:  # the reader of our output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        end_progress()
        print("gexcore: interrupted", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"gexcore: failed: {error}. Hint: is there room to write?", file=sys.stderr)
        return FAILED
    except Exception as error:
        if os.environ.get("GEXCORE_DEBUG"):
            raise
        print(
            f"gexcore: failed: {type(error).__name__}: {error}. "
            "Hint: please report it; GEXCORE_DEBUG=1 shows where",
            file=sys.stderr,
        )
        return FAILED
