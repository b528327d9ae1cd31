"""Warnings with evidence: what makes these levels less sure, or soon out of date."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from typing import Any

import numpy as np

from gexcore.impact import (
    PIN,
    SQUEEZE,
    compute_pin,
    feedback,
    squeeze_threshold,
    worst_within_a_day,
)
from gexcore.levels import Levels
from gexcore.results import Result, money, number, plain

SHORT_DATED = 60 / 365  # years; longer straddles feel rates and skew
STRADDLE_RATIO = (0.77, 0.83)  # straddle / (F s sqrt T); theory says sqrt(2/pi) = 0.798
VOL_GAP = 0.05
STALE_HOURS = 24.0
ROLL_SHARE = 0.25
SPOT_BASIS = 3e-4


@dataclass(frozen=True, slots=True, repr=False)
class Flag(Result):
    """One warning: raised or not (None = cannot be told), the number behind it, and in words."""

    name: str
    raised: bool | None
    value: float | None
    evidence: str

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore levels --json`."""
        return {"raised": self.raised, "value": plain(self.value), "evidence": self.evidence}

    def __repr__(self) -> str:
        return f"<Flag {self.name}: {self.raised}>"

    def __str__(self) -> str:
        return f"{self.name.replace('_', ' ')}: {self.evidence}"


def _expiry_roll(levels: Levels) -> Flag:
    gamma = levels.exposures.gamma
    chain = gamma.chain
    if chain.expiry is None or chain.as_of is None or not gamma.gross:
        return Flag("expiry_roll", None, None, "expiration dates are not known")
    today = chain.as_of.time.date()
    sunday = today + timedelta(days=6 - today.weekday())
    gross, day = np.abs(gamma.values), chain.expiry
    shares = [
        float(gross[day <= np.datetime64(last, "D")].sum() / gamma.gross)
        for last in (today, sunday)
    ]
    text = f"{shares[0]:.0%} of gross gamma expires today, {shares[1]:.0%} by the end of the week"
    return Flag("expiry_roll", shares[1] > ROLL_SHARE, shares[1], text)


def _stale(levels: Levels) -> Flag:
    as_of = levels.exposures.chain.as_of
    if as_of is None or as_of.printed is None:
        return Flag("stale", None, None, "the file's printed time is not known")
    hours = (as_of.printed - as_of.time) / timedelta(hours=1)
    when = "when the file was printed" if hours >= 0 else "at the time asked for"
    text = f"quotes were {abs(hours):.0f} hours old {when}; "
    text += "open interest is that of the session before"
    return Flag("stale", abs(hours) > STALE_HOURS, abs(hours), text)


def flag_age(quote_age: float | None, size_age: float | None, old_share: float | None) -> Flag:
    """The flag "stale" of a live book, whose rows were quoted at different times.

    Args:
        quote_age, size_age: mean hours since quotes and open interest came in, weighted by open
            interest; None where no contract is used.
        old_share: share of the open interest that was quoted more than a day ago.
    """
    if quote_age is None or size_age is None or old_share is None:
        return Flag("stale", None, None, "no contract with open interest is used")
    text = f"quotes are {quote_age:.1f} hours old on average by open interest, {old_share:.0%} of "
    text += f"it over {STALE_HOURS:.0f}; open interest came in {size_age:.0f} hours ago"
    return Flag("stale", quote_age > STALE_HOURS, quote_age, text)


def _clock_mismatch(levels: Levels) -> Flag:
    table = levels.expiries
    ratio = table.straddle / table.one_sd
    ratio = ratio[(table.time_to_expiry <= SHORT_DATED) & np.isfinite(ratio)]
    if not len(ratio):
        return Flag("clock_mismatch", None, None, "no quoted straddle within 60 days")
    middle = float(np.median(ratio))
    low, high = STRADDLE_RATIO
    text = f"straddles are {middle:.3f} of F s sqrt T, {low} to {high} fits"
    return Flag("clock_mismatch", not low <= middle <= high, middle, text)


def _vol_mismatch(levels: Levels) -> Flag:
    table = levels.expiries
    gap = np.abs(table.vol_gap[np.isfinite(table.vol_gap)])
    if not len(gap):
        return Flag("vol_mismatch", None, None, "no strike has a call vol and a put vol")
    middle = float(np.median(gap))
    text = f"call and put vols at the money differ by {100 * middle:.1f} points"
    return Flag("vol_mismatch", middle > VOL_GAP, middle, text)


def _squeeze(levels: Levels, adv: float | None, kappa: float | None) -> Flag:
    if adv is None or kappa is None:
        return Flag("squeeze", None, None, "needs adv and kappa")
    spot, net = worst_within_a_day(levels)
    factor = feedback(net, adv, kappa)
    threshold = squeeze_threshold(adv, kappa)
    effect = f"multiplies realised vol by up to {factor:.2f}" if factor < inf else "runs away"
    text = f"within a daily deviation hedging {effect}, at {number(spot)}; "
    text += f"it runs away at {money(threshold)} $ per 1%, {money(net)} is there"
    return Flag("squeeze", factor >= SQUEEZE, factor, text)


def _pin(levels: Levels, adv: float | None, kappa: float | None) -> Flag:
    pin = compute_pin(levels, adv, kappa)
    if pin.score is None or pin.deviations is None:
        return Flag("pin", None, None, "needs adv and kappa" if pin.strike else str(pin))
    return Flag("pin", pin.score >= PIN and abs(pin.deviations) <= 1, pin.score, str(pin))


FLAGS: tuple[Callable[[Levels], Flag], ...] = (_expiry_roll, _stale, _clock_mismatch, _vol_mismatch)
IMPACT_FLAGS = (_squeeze, _pin)


def compute_flags(
    levels: Levels, adv: float | None = None, kappa: float | None = None
) -> dict[str, Flag]:
    """All flags of a book, by name.

    Args:
        levels: of the book.
        adv, kappa: as in `classify_regime`.

    Returns:
        "expiry_roll" (share of gross gamma that expires this week), "stale" (age of the quotes),
        "clock_mismatch" (straddles contradict vols and times), "vol_mismatch" (call and put vols
        at the money differ), "squeeze" (feedback of 2 or more within a daily deviation), "pin" (a
        pull of a quarter of a deviation to the absolute gamma strike, spot within one).

    Source: docs/definitions.md, section 7.

    Example:
        >>> import gexcore as gex
        >>> flags = compute_flags(gex.analyze(gex.synthetic_chain()).levels)
        >>> flags["clock_mismatch"].raised
        False
    """
    found = [make(levels) for make in FLAGS]
    found += [judge(levels, adv, kappa) for judge in IMPACT_FLAGS]
    return {flag.name: flag for flag in found}
