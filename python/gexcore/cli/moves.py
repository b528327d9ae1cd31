"""Commands about what happens next: scenario, hedge; and plot, which draws any of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from gexcore.analysis import analyze
from gexcore.chain import Chain
from gexcore.cli.inputs import chain_of, positions_of
from gexcore.cli.tables import print_result
from gexcore.dynamics import Dynamics
from gexcore.errors import GexError
from gexcore.hedging import charm_flow, delta_hedge, hedge_flow, hedge_ladder, unwind_ladder
from gexcore.level_path import level_path
from gexcore.progress import progress
from gexcore.quick import quick_levels
from gexcore.scenario import ScenarioCube, scenario_cube


def grid_of(text: str | None, spot: float) -> Any:
    """Spots from "4500,4600", "4500:4900:9" (low, high, how many) or "-5%:5%:21" of spot."""
    if text is None:
        return None
    hint = "4500,4600 or 4500:4900:9 or -5%:5%:21"

    def price(part: str) -> float:
        try:
            if part.strip().endswith("%"):
                return spot * (1 + float(part.strip()[:-1]) / 100)
            return float(part)
        except ValueError:
            raise GexError(f"--spots: {part!r} is not a price", hint=hint) from None

    if ":" not in text:
        return [price(part) for part in text.split(",")]
    parts = text.split(":")
    if len(parts) != 3 or not parts[2].isdigit() or int(parts[2]) < 1:
        raise GexError(f"--spots: {text!r} cannot be read", hint=hint)
    low, high = price(parts[0]), price(parts[1])
    if not 0 < low < high:
        raise GexError(f"--spots: {text!r} does not ascend from above 0", hint=hint)
    return np.geomspace(low, high, int(parts[2]))


def times_of(text: str | None) -> Any:
    """Times from "0,0.25,1" (days ahead) or ISO times with zone."""
    if text is None:
        return None

    def time(part: str) -> Any:
        try:
            return float(part)
        except ValueError:
            return part.strip()

    return [time(part) for part in text.split(",")]


def _cube(chain: Chain, options: argparse.Namespace) -> ScenarioCube:
    return scenario_cube(
        chain, positions_of(chain, options), grid_of(options.spots, chain.spot),
        times_of(options.times), options.vol_shifts, options.exposure, dynamics=options.dynamics,
    )  # fmt: skip


def scenario(options: argparse.Namespace) -> None:
    """An exposure over spot x time x vol."""
    cube = _cube(chain_of(options), options)
    if options.npz:
        cube.save(options.npz)
        print(f"{options.npz}: {cube!r}", file=sys.stderr)
    else:
        print_result(cube, options)


def hedge(options: argparse.Namespace) -> None:
    """What dealers trade: now, through a move, down a ladder, as time passes, at a settlement."""
    chain = chain_of(options)
    held = positions_of(chain, options)
    rule = Dynamics.parse(options.dynamics)
    move = {"days": options.days, "vol_points": options.vol_points, "dynamics": rule}
    if options.ladder:
        result: Any = hedge_ladder(chain, held, **move)
    elif options.unwind:
        result = unwind_ladder(chain, held)
    elif options.charm_to_close:
        result = charm_flow(chain, held)
    elif options.spot_return or options.days or options.vol_points:
        result = hedge_flow(chain, held, spot_return=options.spot_return, **move)
    else:
        result = delta_hedge(chain, held, hedge_held=options.hedge_held, futures=options.futures)
    print_result(result, options)


def plot(options: argparse.Namespace) -> None:
    """A picture of a chain file, or of several: the history."""
    from gexcore import plot as pictures

    if options.kind == "history":
        figure = pictures.plot_history(_results(options), dark=options.dark)
    elif len(options.files) > 1:
        raise GexError(
            f"--kind {options.kind} is of one chain, not of {len(options.files)} files",
            hint="--kind history draws the levels of several; --also joins the parts of one chain",
        )
    else:
        figure = _picture(options)
    pictures.save_figure(figure, options.output)
    print(f"{options.output}: {options.kind}", file=sys.stderr)


def _results(options: argparse.Namespace) -> Iterator[Any]:
    """The levels of each file."""
    if options.also:
        raise GexError("--also joins parts of one chain, a history has one file for each time")
    for file in progress(options.files, "files"):
        chain = chain_of(options, file)
        held = positions_of(chain, options)
        if Dynamics.parse(options.dynamics).moves:
            yield analyze(chain, held, dynamics=options.dynamics)
        else:
            yield quick_levels(chain, held)


def _picture(options: argparse.Namespace) -> Any:
    from gexcore import plot as pictures

    chain = chain_of(options, options.files[0])
    held, rule, dark = positions_of(chain, options), options.dynamics, options.dark
    if options.kind == "scenario":
        return pictures.plot_scenario(_cube(chain, options), dark=dark)
    if options.kind == "ladder":
        return pictures.plot_ladder(hedge_ladder(chain, held, dynamics=rule), dark=dark)
    if options.kind == "path":
        return pictures.plot_path(level_path(chain, held, dynamics=rule), dark=dark)
    return pictures.OF_ANALYSIS[options.kind](analyze(chain, held, dynamics=rule), dark=dark)
