"""The hedging regime: where spot stands among the levels. Never a price prediction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from gexcore.errors import InputError
from gexcore.levels import Levels
from gexcore.results import Result

TRANSITION_SHARE = 0.05  # |net| / gross below this is a balanced book
TRANSITION_DEVIATIONS = 0.5  # daily standard deviations from zero gamma

_MEANINGS = {
    "long_gamma": "Dealers are long gamma: they must sell when price rises, buy when it falls.",
    "short_gamma": "Dealers are short gamma: they must buy when price rises, sell when it falls.",
    "transition": "Dealers are near balance: a small move or new trades can turn their hedging.",
    "no_exposure": "No dealer gamma was found: nothing forces dealers to trade when price moves.",
}
_EFFECTS = {
    "long_gamma": "This hedging dampens moves in either direction.",
    "short_gamma": "This hedging amplifies moves in either direction.",
    "transition": "Their hedging neither dampens nor amplifies moves much at this price.",
    "no_exposure": "Check the coverage before reading anything into this.",
}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Regime(Result):
    """Kind of hedging at the chain's spot, with what it rests on.

    kind: "long_gamma", "short_gamma", "transition" (|net|/gross < 0.05, or spot within half a
    daily standard deviation of zero gamma), "no_exposure". Distances are from zero gamma to spot,
    positive when spot is above.
    """

    levels: Levels
    kind: str
    net_to_gross: float | None
    distance_pct: float | None
    distance_deviations: float | None
    pct_adv: float | None

    def describe(self) -> str:
        """Who must trade which way, in two sentences."""
        return f"{_MEANINGS[self.kind]} {_EFFECTS[self.kind]}"

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore levels --json`."""
        return {
            "kind": self.kind,
            "net_to_gross": self.net_to_gross,
            "distance_pct": self.distance_pct,
            "distance_deviations": self.distance_deviations,
            "pct_adv": self.pct_adv,
        }

    def __repr__(self) -> str:
        return f"<Regime {self.kind}>"

    def __str__(self) -> str:
        return self.describe()


def classify_regime(levels: Levels, adv: float | None = None) -> Regime:
    """Say which way dealers must hedge at the chain's spot.

    Args:
        levels: of the book.
        adv: average daily volume of the underlying in dollars, for `pct_adv`: net gamma per 1%
            move as % of it.

    Returns:
        Regime.

    Raises:
        InputError: adv is not positive.

    Source: docs/definitions.md, section 7.

    Example:
        >>> import gexcore as gex
        >>> classify_regime(gex.analyze(gex.synthetic_chain()).levels).kind in (
        ...     "long_gamma", "short_gamma", "transition")
        True
    """
    if adv is not None and not 0 < adv < math.inf:
        raise InputError(f"adv: {adv} is not a volume", hint="average daily volume in dollars")
    gamma = levels.exposures.gamma
    flip, vol = levels.zero_gamma.value, levels.at_the_money_vol
    spot = levels.exposures.chain.spot
    if not gamma.gross > 0:
        return Regime(levels, "no_exposure", None, None, None, None)
    share = gamma.net / gamma.gross
    distance = math.log(spot / flip) if flip else None
    deviations = distance / (vol / math.sqrt(252)) if distance is not None and vol else None
    near = deviations is not None and abs(deviations) < TRANSITION_DEVIATIONS
    kind = "long_gamma" if gamma.net > 0 else "short_gamma"
    return Regime(
        levels,
        "transition" if abs(share) < TRANSITION_SHARE or near else kind,
        share,
        None if flip is None else (spot / flip - 1) * 100,
        deviations,
        None if adv is None else 100 * gamma.net / adv,
    )
