"""At-the-money implied vol of a chain at a horizon."""

from __future__ import annotations

from gexcore import _core
from gexcore.chain import Chain
from gexcore.conventions import USED


def at_the_money_vol(chain: Chain, days: float = 30.0) -> float | None:
    """At-the-money vol at a horizon: total variance interpolated linearly in time.

    Args:
        chain: the contracts; each time to expiry has the mean vol of the usable contracts at the
            strike nearest the forward.
        days: calendar days ahead; beyond the chain's expirations the nearest vol is held.

    Returns:
        Vol, decimal; None if no contract is usable.

    Example:
        >>> from gexcore import synthetic_chain
        >>> 0.08 < at_the_money_vol(synthetic_chain(n=2000)) < 0.30
        True
    """
    codes, times = chain.codes("time_to_expiry")
    return _core.at_the_money_vol(
        chain.spot,
        chain.strike,
        chain.time_to_expiry,
        chain.implied_vol,
        chain.rate,
        chain.dividend_yield,
        chain.status == USED,
        codes,
        times,
        days / 365,
    )
