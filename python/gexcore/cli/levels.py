"""Commands about levels: levels, diff, demo."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from typing import Any

from gexcore.across import levels_across
from gexcore.analysis import Analysis, analyze
from gexcore.change import explain_change
from gexcore.cli.inputs import chain_of, positions_of
from gexcore.cli.tables import colored, print_csv, print_result
from gexcore.errors import GexError
from gexcore.level_path import level_path
from gexcore.results import Result
from gexcore.sensitivities import compute_sensitivities


def print_levels(
    result: Analysis, options: argparse.Namespace, further: Mapping[str, Result] | None = None
) -> None:
    """The levels, and what was asked for besides."""
    further = further or {}
    data = result.to_dict() | {name: each.to_dict() for name, each in further.items()}
    if options.json:
        print(json.dumps(data, indent=2))
    elif options.csv:
        names = ("zero_gamma", *result.levels.STRIKES)
        found = [data[name] or {} for name in names]
        values = [level.get("value" if "status" in level else "strike") for level in found]
        print_csv(["level", "price"], [names, values])
    else:
        print(colored(str(result)))
        if getattr(options, "details", False):
            print(f"\n{result.details()}")
        for name, each in further.items():
            print(f"\n{name}\n{each}")


def across(options: argparse.Namespace) -> None:
    """Levels across conventions; those of the command line are the base."""
    for name in ("details", "certify", "sensitivities", "path", "adv", "kappa"):
        given = getattr(options, name)
        if given is None or given is False:
            continue
        raise GexError(f"--across does not take --{name}", hint="leave out one of them")
    chain = chain_of(argparse.Namespace(**{**vars(options), "scope": "all"}))
    held = {name: getattr(options, name) for name in ("scope", "side", "gated", "dynamics")}
    found = levels_across(chain, positions_of(chain, options), **held)
    print_result(found, options)


def levels(options: argparse.Namespace) -> None:
    """Zero gamma, walls and regime of a chain file."""
    if options.across:
        across(options)
        return
    chain = chain_of(options)
    result = analyze(
        chain,
        positions_of(chain, options),
        side=options.side,
        gated=options.gated,
        dynamics=options.dynamics,
        adv=options.adv,
        kappa=options.kappa,
        certify=options.certify,
    )
    further: dict[str, Result] = {}
    if options.sensitivities:
        further["sensitivities"] = compute_sensitivities(result.levels)
    if options.path:
        further["path"] = level_path(
            chain, result.positions, side=options.side, gated=options.gated,
            dynamics=options.dynamics,
        )  # fmt: skip
    print_levels(result, options, further)


def diff(options: argparse.Namespace) -> None:
    """Why exposures and levels changed between two files."""
    if options.before == options.after == "-":
        raise GexError("both files are standard input", hint="name one of them")
    before, after = (chain_of(options, file) for file in (options.before, options.after))
    held = positions_of(before, options)
    later: Any = options.positions_after or positions_of(after, options)
    change = explain_change(
        before,
        after,
        held,
        later,
        size=options.size,
        which=options.which,
        side=options.side,
        gated=options.gated,
    )
    print_result(change, options)


def demo(options: argparse.Namespace) -> None:
    """The whole path on a synthetic chain."""
    from gexcore.synthetic import synthetic_chain

    as_text = not (options.json or options.csv)
    if as_text:
        print("SYNTHETIC DATA: every number below is invented, no market is shown.\n")
    chain = synthetic_chain()
    start = time.perf_counter()
    result = analyze(chain)
    elapsed = time.perf_counter() - start
    print_levels(result, options)
    if as_text:
        pairs = len(chain) * len(result.profile.spots)
        print(f"\n{pairs:,} contract re-pricings, all greeks and levels in {elapsed * 1e3:.1f} ms.")
        print("Next: gexcore levels FILE with a chain file (gexcore formats), or gexcore --help;")
        print(
            "a live book: gexcore record --synthetic -o feed.jsonl, then gexcore replay feed.jsonl."
        )
