"""Books with a certificate, and its confirmation by interval arithmetic."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import gexcore as gex
import numpy as np
from gexcore.certificate import Certificate
from intervals import Gaussians

OPPOSITE = {1: "long_to_short", -1: "short_to_long"}


def certified(
    held: Any, strike: Any, years: Any, vol: Any, spots: Any = None, **more: float
) -> gex.Levels:
    """Levels of signed contracts on one unit each, with their certificate."""
    held = np.asarray(held, dtype=float)
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=np.asarray(strike, dtype=float), is_call=held > 0, implied_vol=vol,
        open_interest=np.abs(held), time_to_expiry=years, multiplier=1.0, **more,
    )  # fmt: skip
    positions = gex.assign_positions(chain, "contracts", contracts=held)
    exposures = gex.compute_exposures(chain, gex.compute_greeks(chain), positions)
    profile = gex.sweep_profile(chain, positions, spots=spots)
    return gex.find_levels(exposures, profile, certify=True)


def of(levels: gex.Levels) -> Certificate:
    """The certificate, which must be there."""
    assert levels.certificate is not None
    return levels.certificate


def confirm(levels: gex.Levels, book: Gaussians, rtol: float = 1e-9) -> None:
    """The cover has no gap, is true, and holds the crossings that are reported."""
    certificate, crossings = of(levels), levels.zero_gamma.crossings
    cover, spots = certificate.cover, [c.spot for c in crossings]
    assert (cover[0].low, cover[-1].high) == certificate.searched == levels.zero_gamma.searched
    assert all(a.high == b.low for a, b in pairwise(cover))
    assert spots == sorted(spots)
    for part in cover:
        inside = [c for c in crossings if part.low <= c.spot <= part.high]
        if part.kind == "no_crossing":
            assert book.keeps_sign(part.low, part.high, part.sign or 0), part
        elif part.kind == "one_crossing":
            assert book.crosses_once(part.low, part.high), part
            assert [c.direction for c in inside] == [OPPOSITE[book.sign_at(part.low)]]
            around = inside[0].spot * np.array([1 - rtol, 1 + rtol])
            before, after = (book.sign_at(spot) for spot in np.clip(around, part.low, part.high))
            assert before == -after != 0, part
    assert len(crossings) >= sum(part.kind == "one_crossing" for part in cover)
    assert (certificate.status == "proved") == (certificate.undecided == ())
