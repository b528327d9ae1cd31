"""Sums of greeks over a book at any spots, times and vols; scenarios and hedges use them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gexcore import _core
from gexcore.bsm import greek_rows
from gexcore.chain import Chain
from gexcore.conventions import USED
from gexcore.dynamics import Dynamics, VolModel
from gexcore.horizon import settles_in_cash

Float64 = npt.NDArray[np.float64]

LEAST_SHARE = 0.2  # a shifted vol never falls below this share of itself


def shifted(chain: Chain, shift: float) -> Chain:
    """The chain with `shift` added to every vol, decimal."""
    if not shift:
        return chain
    own = chain.implied_vol
    return chain._replace(implied_vol=np.maximum(own + shift, LEAST_SHARE * own))


class Repricer:
    """Sums of weight x greek at spots, under a rule of how vols move with spot.

    `names` are greeks, or "effective_gamma".
    """

    __slots__ = ("_effective", "_names", "dynamics", "threads")

    def __init__(self, dynamics: Dynamics, names: tuple[str, ...], threads: int | None) -> None:
        self.dynamics, self.threads = dynamics, threads
        self._effective = "effective_gamma" in names
        self._names = tuple(sorted({"gamma" if n == "effective_gamma" else n for n in names}))

    def sums(self, chain: Chain, weight: Float64, spots: Float64) -> dict[str, Float64]:
        """By name, one value per spot; contracts that cannot be used count for nothing."""
        weight = np.where(chain.status == USED, weight, 0.0)
        which, rows = greek_rows(self._names)
        if self.dynamics.moves:
            model = VolModel(chain, self.dynamics)
            sums = model.sweep(weight, spots, which, self._effective, self.threads)
        else:
            columns = (
                chain.strike, chain.time_to_expiry, chain.implied_vol, chain.rate,
                chain.dividend_yield,
            )  # fmt: skip
            if self._names == ("gamma",):
                sums = _core.GammaProfile(*columns, weight, self.threads).evaluate(
                    spots, self.threads
                )[None]
            else:
                book = _core.GreekProfile(*columns, chain.is_call, weight, which, self.threads)
                sums = book.evaluate(spots, self.threads)
        found = {name: sums[row] for name, row in rows.items()}
        if self._effective:
            found["effective_gamma"] = sums[-1] if self.dynamics.moves else found["gamma"]
        return found

    def moved(self, chain: Chain, spot: float) -> Chain:
        """The chain with the vols that it would have, were spot there."""
        vol, _ = VolModel(chain, self.dynamics).vols_at(spot, self.threads)
        return chain._replace(implied_vol=vol)


def step_delta(chain: Chain, weight: Float64, spots: Float64) -> Float64:
    """Sum of weight x delta in the last moment before expiry: 1 in the money, else 0."""
    total = np.zeros(len(spots))
    for is_call in (True, False):
        rows = np.flatnonzero((weight != 0.0) & (chain.is_call == is_call))
        strikes, order = np.unique(chain.strike[rows], return_inverse=True)
        below = np.concatenate([[0.0], np.cumsum(np.bincount(order, weight[rows], len(strikes)))])
        at = below[np.searchsorted(strikes, spots)]  # contracts with strikes under spot
        total += at if is_call else at - below[-1]
    return total


def delivered_shares(later: Chain, weight: Float64, spots: Float64) -> Float64:
    """Shares that physically settled contracts have turned into, had spot been there."""
    gone = (weight != 0.0) & (later.status != USED) & ~settles_in_cash(later)
    return step_delta(later, np.where(gone, weight, 0.0), spots)
