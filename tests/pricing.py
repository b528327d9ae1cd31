"""Prices of contracts in 40 digits, and status codes in words: what tests compare with."""

from __future__ import annotations

from typing import Any

import gexcore as gex
import mpmath
import numpy as np
from gexcore.conventions import REASONS

NAMES = np.array([*REASONS, "used"])


def price_of(
    spot: float, strike: float, years: float, vol: float, rate: float, held: float, is_call: bool
) -> mpmath.mpf:
    """Black-Scholes-Merton in 40 digits, written down once more."""
    with mpmath.workdps(40):
        spot, strike, years, vol = map(mpmath.mpf, (spot, strike, years, vol))
        width = vol * mpmath.sqrt(years)
        d1 = (mpmath.log(spot / strike) + (rate - held) * years) / width + width / 2
        sign = 1 if is_call else -1
        worth = spot * mpmath.exp(-held * years) * mpmath.ncdf(sign * d1)
        paid = strike * mpmath.exp(-rate * years) * mpmath.ncdf(sign * (d1 - width))
        return sign * (worth - paid)


def prices_of(chain: gex.Chain, vol: Any) -> np.ndarray:
    """What each contract of a chain costs at some vols."""
    columns = (chain.strike, chain.time_to_expiry, vol, chain["rate"], chain["dividend_yield"])
    rows = zip(*columns, chain.is_call, strict=True)
    return np.array([float(price_of(chain.spot, *map(float, row))) for row in rows])


def reasons(chain: gex.Chain) -> list[str]:
    return NAMES[chain.status].tolist()
