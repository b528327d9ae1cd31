"""What a command works on: the chain of a file, and positions."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from gexcore.chain import Chain
from gexcore.errors import GexError
from gexcore.positions import RULES, Positions, assign_positions


def chain_of(options: argparse.Namespace, file: str | None = None) -> Chain:
    """The chain of a file, under the conventions asked for."""
    from gexcore.io import read_chain

    file = options.file if file is None else file
    further = getattr(options, "also", [])
    if (file, *further).count("-") and sys.stdin is None:
        raise GexError("standard input is closed", hint="name a file, or pipe one in")
    sources: list[Any] = [sys.stdin.buffer if name == "-" else name for name in (file, *further)]
    named = {name: getattr(options, name, None) for name in ("spot", "underlying")}
    chain = read_chain(
        sources if further else sources[0],
        options.format,
        rate=options.rate,
        dividend_yield=options.dividend_yield,
        as_of=options.as_of,
        clock=options.clock,
        rates=options.rates,
        vol_unit=options.vol_unit,
        **{name: value for name, value in named.items() if value is not None},
    )
    if options.imply:
        chain = chain.with_implied_vols(*options.imply)
    return chain if options.scope == "all" else chain.filter(options.scope)


def positions_of(chain: Chain, options: argparse.Namespace) -> Positions:
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
