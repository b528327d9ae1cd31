"""Several chains on one underlying as one, in points of the first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from gexcore.errors import InputError
from gexcore.implied_vols import Vols
from gexcore.rates import Rates
from gexcore.results import align, number

SAME_MINUTE = timedelta(minutes=5)
PRICES = ("bid", "ask", "last")  # columns in points, as strikes are
PER_POINT = ("vendor_gamma",)
ROUNDED_SPOTS = 1e-5
SCALE_TOLERANCE = 0.03  # a SPY share is a tenth of the index less a fund's cash and fees


def merge_fields(chains: Sequence[Any], scale: Sequence[float] | None) -> dict[str, Any]:
    """The fields of the joint chain; see Chain.concat."""
    if not chains:
        raise InputError("concat: no chains", hint="Chain.concat([spx, xsp, spy])")
    first = chains[0]
    _same_minute(chains)
    factors = _scales(chains, scale)
    joined = {
        name: np.concatenate([getattr(chain, name) for chain in chains])
        for name in ("is_call", "time_to_expiry", "implied_vol", "open_interest", "status")
    }
    joined["strike"] = np.concatenate([c.strike * f for c, f in zip(chains, factors, strict=True)])
    joined["multiplier"] = np.concatenate(
        [c.multiplier / f for c, f in zip(chains, factors, strict=True)]
    )
    parts = [_part(chain, factor) for chain, factor in zip(chains, factors, strict=True)]
    return {
        **joined,
        "spot": first.spot,
        "expiry": _common(chains, "expiry"),
        "root": _roots(chains),
        "columns": _columns(chains, factors),
        "rates": _rates(chains),
        "vols": Vols.concat([chain.vols for chain in chains]),
        "as_of": first.as_of,
        "clock": " and ".join(dict.fromkeys(c.clock for c in chains)),
        "scope": " and ".join(dict.fromkeys(c.scope for c in chains)),
        "underlying": "+".join(c.underlying or "?" for c in chains),
        "source": {"vendor": "joined", "multiplier": "per part", "parts": parts},
    }


def _same_minute(chains: Sequence[Any]) -> None:
    for i, chain in enumerate(chains):
        for j, other in enumerate(chains[:i]):
            if (chain.as_of is None) != (other.as_of is None):
                raise InputError(f"concat: chain {i} and chain {j} do not both know their as_of")
            if chain.as_of and abs(chain.as_of.time - other.as_of.time) > SAME_MINUTE:
                raise InputError(
                    f"concat: chain {i} is of {chain.as_of.time}, chain {j} of {other.as_of.time}",
                    hint="join snapshots of the same minute",
                )


def _scales(chains: Sequence[Any], scale: Sequence[float] | None) -> list[float]:
    ratios = [chains[0].spot / chain.spot for chain in chains]
    if scale is None:
        return [_snapped(ratio) for ratio in ratios]
    try:
        factors = [float(given) for given in scale]
    except (TypeError, ValueError):
        raise InputError("scale: is not a list of numbers", hint="one factor per chain") from None
    if len(factors) != len(chains):
        raise InputError(f"scale: {len(factors)} factors for {len(chains)} chains")
    for i, (given, ratio) in enumerate(zip(factors, ratios, strict=True)):
        if not 0 < given < np.inf or abs(given / ratio - 1) > SCALE_TOLERANCE:
            raise InputError(
                f"scale: {given} for chain {i}, but the spots say {ratio:.4f}",
                hint="points of the first chain per point of each, or leave scale out",
            )
    return factors


def _snapped(ratio: float) -> float:
    """10 for 10.0000002: spots are rounded, and strikes of the same index should meet."""
    whole = max(round(max(ratio, 1 / ratio)), 1)
    exact = float(whole) if ratio >= 1 else 1 / whole
    return exact if abs(ratio / exact - 1) < ROUNDED_SPOTS else ratio


def _common(chains: Sequence[Any], name: str) -> Any:
    columns = [getattr(chain, name) for chain in chains]
    return None if any(column is None for column in columns) else np.concatenate(columns)


def _roots(chains: Sequence[Any]) -> Any:
    """Roots of all parts; "" for those without, or settlements of the others would be lost."""
    if all(chain.root is None for chain in chains):
        return None
    return np.concatenate([np.full(len(c), "") if c.root is None else c.root for c in chains])


def _columns(chains: Sequence[Any], factors: Sequence[float]) -> dict[str, Any]:
    shared = [name for name in chains[0].columns if all(name in c.columns for c in chains)]
    found: dict[str, Any] = {}
    for name in shared:
        parts = [chain.columns[name] for chain in chains]
        if name in PRICES:
            parts = [part * factor for part, factor in zip(parts, factors, strict=True)]
        elif name in PER_POINT:
            parts = [part / factor for part, factor in zip(parts, factors, strict=True)]
        try:
            found[name] = np.concatenate(parts)
        except TypeError:
            kinds = ", ".join(str(part.dtype) for part in parts)
            raise InputError(f"concat: {name} is of types that do not mix: {kinds}") from None
    if "part" in found and any("parts" not in chain.source for chain in chains):
        raise InputError(
            "concat: a column is named part", hint="rename it: part numbers the chains"
        )
    found["part"] = np.repeat(np.arange(len(chains)), [len(chain) for chain in chains])
    return found


def _rates(chains: Sequence[Any]) -> Rates:
    rate, dividend_yield, basis = (
        np.concatenate([np.broadcast_to(getattr(c.rates, name), len(c)) for c in chains])
        for name in ("rate", "dividend_yield", "basis")
    )
    notes = [c.rates.note for c in chains if c.rates.note]
    source = " and ".join(dict.fromkeys(c.rates.source for c in chains))
    note = "; ".join(dict.fromkeys(notes)) or None
    return Rates(rate, dividend_yield, source, note, basis=basis)


def _part(chain: Any, factor: float) -> dict[str, Any]:
    known = chain.multiplier[chain.multiplier > 0]
    return {
        "underlying": chain.underlying,
        "contracts": len(chain),
        "spot": chain.spot,
        "scale": factor,
        "multiplier": [float(known.min()), float(known.max())] if len(known) else [0.0, 0.0],
        "rates": chain.rates.source,
        "source": dict(chain.source),
    }


def explain(chain: Any) -> str:
    """The mapping of a joint chain as a table."""
    parts = chain.source.get("parts")
    if not parts:
        return f"{chain.underlying or 'chain'}: one part, nothing was mapped"
    head = [
        "part",
        "underlying",
        "contracts",
        "spot",
        "points per point",
        "multiplier",
        "in points of the first",
    ]
    rows = [head]
    for i, part in enumerate(parts):
        low, high = part["multiplier"]
        was = number(low) if low == high else f"{number(low)}-{number(high)}"
        now = f"{low / part['scale']:,.4f}" if low == high else "per row"
        rows.append(
            [
                str(i),
                part["underlying"],
                f"{part['contracts']:,}",
                number(part["spot"]),
                f"{part['scale']:.6f}",
                was,
                now,
            ]
        )
    return align(rows, right=(0, 2, 3, 4, 5, 6))
