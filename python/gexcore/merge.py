"""Several chains on one underlying as one, in points of the first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import numpy as np

from gexcore.errors import InputError
from gexcore.rates import Rates
from gexcore.results import align, number

SAME_MINUTE = timedelta(minutes=5)
SCALE_TOLERANCE = 0.03  # a SPY share is a tenth of the index less a fund's cash and fees


def merge_fields(chains: Sequence[Any], scale: Sequence[float] | None) -> dict[str, Any]:
    """The fields of the joint chain; see Chain.concat."""
    if not chains:
        raise InputError("concat: no chains", hint="Chain.concat([spx, xsp, spy])")
    first = chains[0]
    for number_, chain in enumerate(chains):
        if (chain.as_of is None) != (first.as_of is None):
            raise InputError(f"concat: chain {number_} and chain 0 do not both know their as_of")
        if chain.as_of and abs(chain.as_of.time - first.as_of.time) > SAME_MINUTE:
            raise InputError(
                f"concat: chain {number_} is of {chain.as_of.time}, chain 0 of {first.as_of.time}",
                hint="join snapshots of the same minute",
            )
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
        "root": _common(chains, "root"),
        "columns": MappingProxyType(_columns(chains)),
        "rates": _rates(chains),
        "as_of": first.as_of,
        "clock": " and ".join(dict.fromkeys(c.clock for c in chains)),
        "scope": " and ".join(dict.fromkeys(c.scope for c in chains)),
        "underlying": "+".join(c.underlying or "?" for c in chains),
        "source": MappingProxyType({"vendor": "joined", "multiplier": "per part", "parts": parts}),
    }


def _scales(chains: Sequence[Any], scale: Sequence[float] | None) -> list[float]:
    ratios = [chains[0].spot / chain.spot for chain in chains]
    if scale is None:
        return ratios
    if len(scale) != len(chains):
        raise InputError(f"scale: {len(scale)} factors for {len(chains)} chains")
    for i, (given, ratio) in enumerate(zip(scale, ratios, strict=True)):
        if not 0 < given < np.inf or abs(given / ratio - 1) > SCALE_TOLERANCE:
            raise InputError(
                f"scale: {given} for chain {i}, but the spots say {ratio:.4f}",
                hint="points of the first chain per point of each, or leave scale out",
            )
    return [float(given) for given in scale]


def _common(chains: Sequence[Any], name: str) -> Any:
    columns = [getattr(chain, name) for chain in chains]
    return None if any(column is None for column in columns) else np.concatenate(columns)


def _columns(chains: Sequence[Any]) -> dict[str, Any]:
    shared = [name for name in chains[0].columns if all(name in c.columns for c in chains)]
    found = {name: np.concatenate([chain.columns[name] for chain in chains]) for name in shared}
    found["part"] = np.repeat(np.arange(len(chains)), [len(chain) for chain in chains])
    return found


def _rates(chains: Sequence[Any]) -> Rates:
    rows = [(c.rate, c.dividend_yield, len(c)) for c in chains]
    rate, dividend_yield = (
        np.concatenate([np.broadcast_to(row[i], row[2]) for row in rows]) for i in (0, 1)
    )
    notes = [c.rates.note for c in chains if c.rates.note]
    source = " and ".join(dict.fromkeys(c.rates.source for c in chains))
    return Rates(rate, dividend_yield, source, "; ".join(dict.fromkeys(notes)) or None)


def _part(chain: Any, factor: float) -> dict[str, Any]:
    return {
        "underlying": chain.underlying,
        "contracts": len(chain),
        "spot": chain.spot,
        "scale": factor,
        "multiplier": [
            float(np.min(chain.multiplier, initial=np.inf)),
            float(np.max(chain.multiplier, initial=0)),
        ],
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
