"""Commands that print columns: exposures, profile, greeks, rates."""

from __future__ import annotations

import argparse

import numpy as np

from gexcore.cli.inputs import chain_of, positions_of
from gexcore.cli.tables import print_table
from gexcore.errors import GexError
from gexcore.exposures import compute_exposures
from gexcore.greeks import compute_greeks
from gexcore.profile import label_of, sweep_profile
from gexcore.units import unit_of


def exposures(options: argparse.Namespace) -> None:
    """An exposure summed by a key."""
    chain = chain_of(options)
    needs = unit_of(options.greek, options.unit).needs
    positions = positions_of(chain, options)
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
    print_table(columns, about, {**manifest, "adv": options.adv}, options, f"{exposure}")


def profile(options: argparse.Namespace) -> None:
    """Exposures as functions of spot."""
    chain = chain_of(options)
    low = 0.9 * chain.spot if options.low is None else options.low
    high = 1.1 * chain.spot if options.high is None else options.high
    if not 1 <= options.steps <= 1_000_000 or (options.steps > 1 and not low < high):
        raise GexError(
            f"profile: {options.steps} steps from {low:g} to {high:g}", hint="--from below --to"
        )
    if not options.which:
        raise GexError("--which names no exposure", hint="--which gamma,delta")
    spots = np.linspace(low, high, options.steps)
    positions = positions_of(chain, options)
    profile = sweep_profile(
        chain, positions, spots=spots, which=options.which, dynamics=options.dynamics
    )
    columns = {"spot": profile.spots}
    columns |= {name: getattr(profile, name) for name in options.which}
    units = {name: label_of(name) for name in options.which}
    about = {"units": units, "coverage": profile.coverage.to_dict()}
    title = ", ".join(f"{name}: {label}" for name, label in units.items())
    print_table(columns, about, profile.manifest, options, title)


def greeks(options: argparse.Namespace) -> None:
    """Greeks of every contract."""
    chain = chain_of(options)
    greeks = compute_greeks(chain, options.which)
    keys = [name for name in ("root", "expiry") if getattr(chain, name) is not None]
    columns = {name: chain[name] for name in (*keys, "strike", "option_type", "implied_vol")}
    columns.update({name: greeks[name] for name in options.which})
    title = f"{chain}; vega and rho per 1.00, theta, charm and color per year"
    print_table(columns, {}, chain.manifest, options, title)


def rates(options: argparse.Namespace) -> None:
    """Forward, rate and yield per expiry."""
    chain = chain_of(options)
    rates = chain.rates
    if rates.table is None:
        flat = f"rates are flat, nothing was fitted: {rates.note or 'as given'}"
        raise GexError(flat, hint="--rates parity without --rate; American roots stay flat")
    basis = "unknown" if rates.spot_basis is None else f"{rates.spot_basis * 1e4:+.1f} bp"
    title = f"{chain}; spot basis {basis}{f'; {rates.note}' if rates.note else ''}"
    print_table(rates.table.columns(), rates.to_dict(), chain.manifest, options, title)


def formats(options: argparse.Namespace) -> None:
    """The formats of chain files."""
    from gexcore.io import list_formats

    table = list_formats()
    title = "Formats of chain files; `gexcore levels FILE` recognises them, --format names one."
    print_table(dict(table.columns), {}, {}, options, title)
