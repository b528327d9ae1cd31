"""The hedging regime: where spot stands among the levels. Never a price prediction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.coverage import Coverage
from gexcore.errors import InputError
from gexcore.flags import Flag, compute_flags
from gexcore.impact import Pin, compute_pin, feedback, squeeze_threshold
from gexcore.levels import Levels
from gexcore.results import Result, money, plain

TRANSITION_SHARE = 0.05  # |net| / gross below this is a balanced book
TRANSITION_DEVIATIONS = 0.5  # daily standard deviations from zero gamma

_TRADES = {
    "long_gamma": ("sell", "buy", "dampens"),
    "short_gamma": ("buy", "sell", "amplifies"),
}


@dataclass(frozen=True, repr=False, eq=False)
class Regime(Result):
    """Kind of hedging at the chain's spot, with what it rests on.

    kind: "long_gamma", "short_gamma", "transition" (|net|/gross < 0.05, or spot within half a
    daily standard deviation of zero gamma), "no_exposure". Distances are from zero gamma to spot,
    positive when spot is above. `feedback` multiplies realised vol; None without `kappa`, infinite
    where hedging runs away. `probability`: how often the kind is the same under errors of sign.
    """

    levels: Levels
    kind: str
    net_to_gross: float | None
    distance_pct: float | None
    distance_deviations: float | None
    pct_adv: float | None
    feedback: float | None
    adv: float | None = None
    kappa: float | None = None
    probability: float | None = None

    @property
    def coverage(self) -> Coverage:
        """Rows read, used and dropped by reason."""
        return self.levels.coverage

    @property
    def manifest(self) -> dict[str, Any]:
        """All conventions of these numbers."""
        return {**self.levels.manifest, "adv": self.adv, "kappa": self.kappa}

    @cached_property
    def flags(self) -> dict[str, Flag]:
        """Warnings with evidence, by name."""
        return compute_flags(self.levels, self.adv, self.kappa)

    @cached_property
    def pin(self) -> Pin:
        """The pull of the absolute gamma strike."""
        return compute_pin(self.levels, self.adv, self.kappa)

    @property
    def squeeze_threshold(self) -> float | None:
        """Net gamma at which hedging runs away, $ per 1% move; None without adv and kappa."""
        if self.adv is None or self.kappa is None:
            return None
        return squeeze_threshold(self.adv, self.kappa)

    def describe(self) -> str:
        """Who must buy or sell what when price moves, when and how sure; never a prediction."""
        return f"{self._who_trades()} {self._when_and_how_sure()}".strip()

    def _when_and_how_sure(self) -> str:
        if self.kind == "no_exposure":
            return ""
        chain, parts = self.levels.exposures.chain, []
        if chain.as_of is not None:
            parts.append(f"as of {chain.as_of.time:%Y-%m-%d %H:%M %Z}")
        if self.distance_deviations is not None:
            side = "above" if self.distance_deviations > 0 else "below"
            away = f"{abs(self.distance_deviations):.1f} daily deviations"
            parts.append(f"spot is {away} {side} zero gamma")
        roll = self.flags["expiry_roll"].value
        if roll is not None:
            parts.append(f"{roll:.0%} of gross gamma expires this week")
        parts.append(f"{self.coverage.used_open_interest_share:.0%} of open interest is covered")
        if self.probability is not None:
            parts.append(f"the regime holds in {self.probability:.0%} of books with wrong signs")
        text = ", ".join(parts)
        return f"{text[0].upper()}{text[1:]}."

    def _who_trades(self) -> str:
        if self.kind == "no_exposure":
            return (
                "No dealer gamma was found, so nothing forces dealers to trade when price moves. "
                "Check the coverage before reading anything into this."
            )
        net, _ = self.levels.net_gamma
        shares = abs(net) / self.levels.exposures.chain.spot
        size = f"about ${money(abs(net)).lstrip('+')} ({shares:,.0f} shares or index units)"
        if self.kind == "transition" and net != 0.0:
            leaning = "long_gamma" if net > 0 else "short_gamma"
            up, down, _ = _TRADES[leaning]
            return (
                f"Dealers are near balance, slightly {leaning.replace('_', ' ')}: they must {up} "
                f"{size} when price rises 1%, and {down} as much when it falls 1%. A small move or "
                "new trades can turn their hedging from dampening to amplifying or back."
            )
        if self.kind == "transition":
            return (
                "Dealers are balanced at this price: a small move makes them trade nothing. New "
                "trades, or a larger move, decide which way they must hedge."
            )
        up, down, effect = _TRADES[self.kind]
        return (
            f"Dealers are {self.kind.replace('_', ' ')}: they must {up} {size} of the underlying "
            f"when price rises 1%, and {down} as much when it falls 1%. This hedging {effect} "
            "moves in either direction."
        )

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore levels --json`."""
        return {
            "kind": self.kind,
            "net_to_gross": self.net_to_gross,
            "distance_pct": self.distance_pct,
            "distance_deviations": self.distance_deviations,
            "pct_adv": self.pct_adv,
            "feedback": plain(self.feedback),
            "squeeze_threshold": self.squeeze_threshold,
            "pin": self.pin.to_dict(),
            "probability": self.probability,
            "flags": plain(self.flags),
            "description": self.describe(),
        }

    def __repr__(self) -> str:
        return f"<Regime {self.kind}>"

    def __str__(self) -> str:
        return self.describe()


def classify_regime(levels: Levels, adv: float | None = None, kappa: float | None = None) -> Regime:
    """Say which way dealers must hedge at the chain's spot.

    Args:
        levels: of the book.
        adv: average daily volume of the underlying in dollars, for `pct_adv`: net gamma per 1%
            move as % of it.
        kappa: price impact of trading one day's volume, as a fraction of price; with `adv` it
            gives `feedback` = 1 / (1 + 100 kappa net / adv), the factor by which hedging scales
            realised vol if impact is linear and immediate.

    Returns:
        Regime.

    Raises:
        InputError: adv or kappa is not positive, or kappa was given without adv.

    Source: docs/definitions.md, section 7.

    Example:
        >>> import gexcore as gex
        >>> classify_regime(gex.analyze(gex.synthetic_chain()).levels).kind in (
        ...     "long_gamma", "short_gamma", "transition")
        True
    """
    if adv is not None and not 0 < adv < math.inf:
        raise InputError(f"adv: {adv} is not a volume", hint="average daily volume in dollars")
    if kappa is not None and (adv is None or not 0 < kappa < math.inf):
        raise InputError(
            f"kappa: {kappa} cannot be used", hint="a positive number, together with adv="
        )
    net, gross = levels.net_gamma
    flip, vol = levels.zero_gamma.value, levels.at_the_money_vol
    spot = levels.exposures.chain.spot
    if not gross > 0:
        return Regime(levels, "no_exposure", None, None, None, None, None, adv, kappa)
    share = net / gross
    distance = math.log(spot / flip) if flip else None
    deviations = distance / (vol / math.sqrt(252)) if distance is not None and vol else None
    return Regime(
        levels,
        str(kind_of(net, gross, spot, math.nan if flip is None else flip, vol)),
        share,
        None if flip is None else (spot / flip - 1) * 100,
        deviations,
        None if adv is None else 100 * net / adv,
        None if kappa is None or adv is None else feedback(net, adv, kappa),
        adv,
        kappa,
    )


def kind_of(
    net: Any, gross: float, spot: float, flip: Any, vol: float | None, slack: float = 0.0
) -> npt.NDArray[np.str_]:
    """The kind of regime of books with these nets and flips (NaN = none); numbers or arrays.

    `slack` moves the borders of "transition" outwards by that share of them.
    """
    net, flip = np.asarray(net, np.float64), np.asarray(flip, np.float64)
    if not gross > 0:
        return np.full(net.shape, "no_exposure")
    near = np.zeros(net.shape, np.bool_)
    if vol:
        deviations = np.log(spot / flip) / (vol / math.sqrt(252))
        near = np.abs(deviations) < TRANSITION_DEVIATIONS * (1 + slack)
    balanced = (np.abs(net / gross) < TRANSITION_SHARE * (1 + slack)) | near
    return np.where(balanced, "transition", np.where(net > 0, "long_gamma", "short_gamma"))
