"""The one table of exposures: (greek, unit) -> what a contract contributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gexcore.errors import ConventionError

FUTURES: Mapping[str, float] = {"ES": 50.0, "MES": 5.0, "NQ": 20.0, "MNQ": 2.0}


@dataclass(frozen=True, slots=True)
class Market:
    """What a unit may depend on besides the greeks: spot, the contracts' vols, a parameter."""

    spot: Any  # a number, or one per point of a profile
    implied_vol: Any
    parameter: float = 1.0


@dataclass(frozen=True, slots=True)
class Unit:
    """One row of the table: contribution of q M contracts = q M * value(greeks, market)."""

    greek: str
    name: str
    label: str
    value: Callable[[Any, Market], Any]
    needs: tuple[str, ...]
    parameter: str | None = None  # "futures" or "adv" where the unit needs one


def _row(
    greek: str,
    name: str,
    label: str,
    value: Callable[[Any, Market], Any],
    needs: tuple[str, ...] = (),
    parameter: str | None = None,
) -> Unit:
    return Unit(greek, name, label, value, needs or (greek,), parameter)


# The first unit of a greek is its default.
UNITS: tuple[Unit, ...] = (
    _row("gamma", "usd_per_1pct", "$ per 1% move", lambda g, m: g["gamma"] * (m.spot**2 / 100)),
    _row("gamma", "usd_per_point", "$ per point", lambda g, m: g["gamma"] * m.spot),
    _row("gamma", "shares_per_point", "shares per point", lambda g, m: g["gamma"]),
    _row(
        "gamma",
        "futures_per_point",
        "futures contracts per point",
        lambda g, m: g["gamma"] / m.parameter,
        parameter="futures",
    ),
    _row(
        "gamma",
        "pct_adv",
        "% of dollar ADV per 1% move",
        lambda g, m: g["gamma"] * (m.spot**2 / m.parameter),
        parameter="adv",
    ),
    _row("delta", "usd", "$", lambda g, m: g["delta"] * m.spot),
    _row("delta", "shares", "shares", lambda g, m: g["delta"]),
    _row(
        "vanna", "usd_per_vol_point", "$ per vol point", lambda g, m: g["vanna"] * (0.01 * m.spot)
    ),
    _row(
        "vanna",
        "squeezemetrics",
        "$ per point, 0.1% spot = 1% relative vol",
        lambda g, m: g["vanna"] * (-10.0 * m.implied_vol),
    ),
    _row(
        "vanna",
        "relative_vol",
        "$ per 1% relative vol",
        lambda g, m: g["vanna"] * (m.implied_vol * (0.01 * m.spot)),
    ),
    _row("charm", "usd_per_day", "$ per calendar day", lambda g, m: g["charm"] * (m.spot / 365)),
    _row("vega", "usd_per_vol_point", "$ per vol point", lambda g, m: g["vega"] * 0.01),
    _row(
        "speed",
        "usd_per_1pct_per_1pct",
        "change of gamma $ per further +1%",
        lambda g, m: (g["speed"] * m.spot + 2 * g["gamma"]) * (1e-4 * m.spot**2),
        needs=("speed", "gamma"),
    ),
    _row(
        "zomma",
        "usd_per_1pct_per_vol_point",
        "change of gamma $ per vol point",
        lambda g, m: g["zomma"] * (1e-4 * m.spot**2),
    ),
    _row(
        "color",
        "usd_per_1pct_per_day",
        "change of gamma $ per day",
        lambda g, m: g["color"] * (m.spot**2 / 36500),
    ),
)

EXPOSURES: tuple[str, ...] = tuple(dict.fromkeys(unit.greek for unit in UNITS))


def unit_of(greek: str, name: str | None = None) -> Unit:
    """Look up a unit; the default of the greek if no name is given.

    Raises:
        ConventionError: no such exposure or unit.

    Example:
        >>> unit_of("gamma").label, unit_of("gamma", "usd_per_point").label
        ('$ per 1% move', '$ per point')
    """
    rows = [unit for unit in UNITS if unit.greek == greek]
    if not rows:
        raise ConventionError(
            f"there is no {greek!r} exposure", hint=f"exposures: {', '.join(EXPOSURES)}"
        )
    for unit in rows:
        if name in (None, unit.name):
            return unit
    names = ", ".join(unit.name for unit in rows)
    raise ConventionError(f"unit: {greek} has no unit {name!r}", hint=f"units of {greek}: {names}")
