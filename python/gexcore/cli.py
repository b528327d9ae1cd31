"""The command line: levels, exposures, profile, greeks, rates of a chain file, and a demo."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from gexcore.analysis import Analysis, analyze
from gexcore.chain import Chain
from gexcore.cli_options import build_parser
from gexcore.errors import GexError
from gexcore.exposures import compute_exposures
from gexcore.greeks import compute_greeks
from gexcore.positions import RULES, Positions, assign_positions
from gexcore.profile import sweep_profile
from gexcore.results import align, number, plain
from gexcore.units import unit_of

OK, FAILED, USAGE = 0, 1, 2

_COLORS = {"long gamma": "32", "short gamma": "31", "transition": "33", "no exposure": "33"}


def _chain_of(options: argparse.Namespace) -> Chain:
    from gexcore.io import read_cboe

    if options.file == "-" and sys.stdin is None:
        raise GexError("standard input is closed", hint="name a file, or pipe one in")
    source: Any = sys.stdin.buffer if options.file == "-" else options.file
    chain = read_cboe(
        source,
        rate=options.rate,
        dividend_yield=options.dividend_yield,
        as_of=options.as_of,
        clock=options.clock,
        rates=options.rates,
    )
    if options.imply:
        chain = chain.with_implied_vols(*options.imply)
    return chain if options.scope == "all" else chain.filter(options.scope)


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


def _print_levels(result: Analysis, options: argparse.Namespace) -> None:
    data = result.to_dict()
    if options.json:
        print(json.dumps(data, indent=2))
    elif options.csv:
        names = ("zero_gamma", *result.levels.STRIKES)
        found = [data[name] or {} for name in names]
        values = [level.get("value" if "status" in level else "strike") for level in found]
        _print_csv(["level", "price"], [names, values])
    else:
        print(_colored(str(result)))
        if getattr(options, "details", False):
            print(f"\n{result.details()}")


def _positions_of(chain: Chain, options: argparse.Namespace) -> Positions:
    """Positions by the rule asked for; those that are given come from a file."""
    from gexcore.io import read_positions

    needs = RULES[options.positions].needs
    if (needs is None) != (options.position_file is None):
        wanted = "needs" if needs else "does not take"
        raise GexError(
            f"--positions {options.positions} {wanted} --position-file",
            hint="gexcore levels --help",
        )
    given = {needs: read_positions(options.position_file, chain, needs)} if needs else {}
    return assign_positions(chain, options.positions, size=options.size, **given)


def _levels(options: argparse.Namespace) -> None:
    chain = _chain_of(options)
    result = analyze(
        chain,
        _positions_of(chain, options),
        side=options.side,
        gated=options.gated,
        adv=options.adv,
        kappa=options.kappa,
    )
    _print_levels(result, options)


def _demo(options: argparse.Namespace) -> None:
    from gexcore.synthetic import synthetic_chain

    as_text = not (options.json or options.csv)
    if as_text:
        print("SYNTHETIC DATA: every number below is invented, no market is shown.\n")
    chain = synthetic_chain()
    start = time.perf_counter()
    result = analyze(chain)
    elapsed = time.perf_counter() - start
    _print_levels(result, options)
    if as_text:
        pairs = len(chain) * len(result.profile.spots)
        print(f"\n{pairs:,} contract re-pricings, all greeks and levels in {elapsed * 1e3:.1f} ms.")
        print("Next: gexcore levels FILE with a CBOE chain file, or gexcore --help.")


def _exposures(options: argparse.Namespace) -> None:
    chain = _chain_of(options)
    needs = unit_of(options.greek, options.unit).needs
    positions = _positions_of(chain, options)
    exposures = compute_exposures(chain, compute_greeks(chain, needs), positions)
    if options.unit:
        exposure = exposures.in_unit(
            options.greek, options.unit, futures=options.futures, adv=options.adv
        )
    elif options.futures or options.adv:
        raise GexError(
            "--futures and --adv belong to a unit", hint="--unit futures_per_point, pct_adv"
        )
    else:
        exposure = getattr(exposures, options.greek)
    table = exposure.by(*options.by)
    columns = {**table.columns(), "share": table.gross / (exposure.gross or 1.0)}
    about = {**exposure.to_dict(), "coverage": exposures.coverage.to_dict()}
    manifest = {**exposures.manifest, "unit": exposure.unit, "futures": options.futures}
    _print_table(columns, about, {**manifest, "adv": options.adv}, options, f"{exposure}")


def _profile(options: argparse.Namespace) -> None:
    chain = _chain_of(options)
    low = 0.9 * chain.spot if options.low is None else options.low
    high = 1.1 * chain.spot if options.high is None else options.high
    if not 1 <= options.steps <= 1_000_000 or (options.steps > 1 and not low < high):
        raise GexError(
            f"profile: {options.steps} steps from {low:g} to {high:g}", hint="--from below --to"
        )
    if not options.which:
        raise GexError("--which names no exposure", hint="--which gamma,delta")
    spots = np.linspace(low, high, options.steps)
    positions = _positions_of(chain, options)
    profile = sweep_profile(chain, positions, spots=spots, which=options.which)
    columns = {"spot": profile.spots, **{name: profile.values[name] for name in options.which}}
    units = {name: unit_of(name).label for name in options.which}
    about = {"units": units, "coverage": profile.coverage.to_dict()}
    title = ", ".join(f"{name}: {label}" for name, label in units.items())
    _print_table(columns, about, profile.manifest, options, title)


def _greeks(options: argparse.Namespace) -> None:
    chain = _chain_of(options)
    greeks = compute_greeks(chain, options.which)
    keys = [name for name in ("root", "expiry") if getattr(chain, name) is not None]
    columns = {name: chain[name] for name in (*keys, "strike", "option_type", "implied_vol")}
    columns.update({name: greeks[name] for name in options.which})
    title = f"{chain}; vega and rho per 1.00, theta, charm and color per year"
    _print_table(columns, {}, chain.manifest, options, title)


def _rates(options: argparse.Namespace) -> None:
    chain = _chain_of(options)
    rates = chain.rates
    if rates.table is None:
        flat = f"rates are flat, nothing was fitted: {rates.note or 'as given'}"
        raise GexError(flat, hint="--rates parity without --rate; American roots stay flat")
    basis = "unknown" if rates.spot_basis is None else f"{rates.spot_basis * 1e4:+.1f} bp"
    title = f"{chain}; spot basis {basis}{f'; {rates.note}' if rates.note else ''}"
    _print_table(rates.table.columns(), rates.to_dict(), chain.manifest, options, title)


def _print_csv(names: Sequence[str], columns: Sequence[Any]) -> None:
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(zip(*(plain(list(column)) for column in columns), strict=True))


def _print_table(
    columns: dict[str, Any], about: dict[str, Any], manifest: Any, options: Any, title: str
) -> None:
    if options.csv:
        return _print_csv(list(columns), list(columns.values()))
    values = {name: plain(np.asarray(column)) for name, column in columns.items()}
    if options.json:
        rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
        return print(json.dumps({**about, "rows": rows, "manifest": plain(manifest)}, indent=2))
    text = [[_cell(name, value) for value in column] for name, column in values.items()]
    numeric = [
        i for i, column in enumerate(columns.values()) if np.asarray(column).dtype.kind in "fiu"
    ]
    body = align([list(values), *map(list, zip(*text, strict=True))], right=numeric)
    return print(f"{title}\n\n{body}")


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if not isinstance(value, float):
        return str(value)
    if name in ("strike", "spot", "forward"):
        return number(value)
    return f"{value:,.0f}" if abs(value) >= 1e5 else f"{value + 0.0:.6g}"  # no -0


COMMANDS = {
    "levels": _levels,
    "exposures": _exposures,
    "profile": _profile,
    "greeks": _greeks,
    "rates": _rates,
    "demo": _demo,
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
        print(f"gexcore: error: {error}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:  # the reader of our output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
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
