"""The command that writes a report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gexcore.across import Across, levels_across
from gexcore.analysis import analyze
from gexcore.cli.inputs import chain_of, positions_of
from gexcore.errors import GexError


def report_options() -> argparse.ArgumentParser:
    """What only this command takes."""
    what = argparse.ArgumentParser(add_help=False)
    group = what.add_argument_group("report")
    group.add_argument(
        "-o", "--output", required=True, metavar="OUT",
        help="a .html file, or a .pdf file instead (printed by Chromium, Chrome or Edge)",
    )  # fmt: skip
    group.add_argument("--pdf", action="store_true", help="also a PDF beside the page")
    group.add_argument("--title", metavar="TEXT", help="instead of the underlying's name")
    group.add_argument(
        "--across", action=argparse.BooleanOptionalAction, default=True,
        help="the levels under up to 27 conventions: how sure they are",
    )  # fmt: skip
    return what


def report(options: argparse.Namespace) -> None:
    """One page of a chain file: levels, regime, how sure, hedging, coverage, conventions."""
    from gexcore.report import check_output, write_report

    target = Path(options.output)
    files = [options.file, *options.also]
    if any(name != "-" and _same(target, Path(name)) for name in files):
        raise GexError(f"{target}: is the chain file itself", hint="another name for -o")
    check_output(target, options.pdf)
    whole = chain_of(argparse.Namespace(**{**vars(options), "scope": "all"}))
    chain = whole if options.scope == "all" else whole.filter(options.scope)
    held = {name: getattr(options, name) for name in ("side", "gated", "dynamics")}
    positions = positions_of(chain, options)
    result = analyze(chain, positions, adv=options.adv, kappa=options.kappa, **held)
    across: Across | bool = False
    if options.across:  # other scopes are of the whole chain
        every = positions if chain is whole else positions_of(whole, options)
        across = levels_across(whole, every, scope=options.scope, **held)
    if options.pdf or target.suffix.lower() == ".pdf":  # takes seconds
        _say("printing with a browser")
    written = write_report(result, target, across=across, title=options.title, pdf=options.pdf)
    _say("")
    for path in written:
        print(f"{path}: {result.regime.kind.replace('_', ' ')}", file=sys.stderr)


def _say(text: str) -> None:
    """A line on a terminal, in the place of the one before."""
    if sys.stderr is not None and sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
