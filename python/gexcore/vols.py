"""At-the-money implied vols of a chain, per expiry and at a horizon."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gexcore.chain import Chain
from gexcore.conventions import USED


def at_the_money_vols(chain: Chain) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean implied vol of the contracts at the strike nearest the forward, per settlement time.

    Returns:
        Times to expiry (years, ascending) and vols (decimal), usable contracts only.
    """
    good = chain.status == USED
    codes, times = chain.codes("time_to_expiry")
    codes = codes[good]
    carry = np.broadcast_to(np.asarray(chain.rate) - chain.dividend_yield, len(chain))[good]
    forward = chain.spot * np.exp(carry * chain.time_to_expiry[good])
    distance = np.abs(np.log(chain.strike[good] / forward))
    nearest = np.full(len(times), np.inf)
    np.minimum.at(nearest, codes, distance)
    chosen = distance <= nearest[codes] * (1 + 1e-12)
    count = np.bincount(codes[chosen], minlength=len(times))
    total = np.bincount(codes[chosen], chain.implied_vol[good][chosen], minlength=len(times))
    present = count > 0
    return times[present], total[present] / count[present]


def at_the_money_vol(chain: Chain, days: float = 30.0) -> float | None:
    """At-the-money vol at a horizon: total variance interpolated linearly in time.

    Args:
        chain: the contracts.
        days: calendar days ahead; beyond the chain's expirations the nearest vol is held.

    Returns:
        Vol, decimal; None if no contract is usable.

    Example:
        >>> from gexcore import synthetic_chain
        >>> 0.08 < at_the_money_vol(synthetic_chain(n=2000)) < 0.30
        True
    """
    times, vols = at_the_money_vols(chain)
    if not len(times):
        return None
    horizon = float(np.clip(days / 365, times[0], times[-1]))
    variance = float(np.interp(horizon, times, vols**2 * times))
    return float(np.sqrt(variance / horizon))
