"""What splits and special dividends leave in a listing: odd strikes, and contracts listed twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gexcore.io.occ import OccColumns

if TYPE_CHECKING:
    import numpy.typing as npt

    Bool = npt.NDArray[np.bool_]
    Float64 = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]

_ODD_SHARE = 0.05  # of strikes off the grid: beyond it the whole listing was split
_TWINS_SHARE, _FEWEST = 0.45, 5  # old contracts: about half of a listing, and some
_NEAR, _FITTING = 0.2, 0.7  # open interest that fits the ratio: how nearly, in which share of pairs


def odd_strikes(contracts: OccColumns, good: Bool) -> tuple[Bool, dict[str, str]]:
    """Strikes that are no multiple of 5 cents or an eighth, and a note about them.

    Args:
        contracts: (n,) contracts.
        good: (n,) bool, rows to look at.

    Returns:
        (n,) bool, contracts that were adjusted; none where so many are odd that the whole listing
        was split.
    """
    odd = _off_grid(contracts.strike) & good
    count, rows = int(odd.sum()), int(good.sum())
    if not count:
        return odd, {}
    if count > _ODD_SHARE * rows:
        text = f"{count} of {rows} strikes are no multiple of 0.05: the listing was split; all used"
        return np.zeros_like(odd), {"odd_strikes": text}
    return odd, {"odd_strikes": f"{count} rows have a strike that is no multiple of 0.05"}


def _off_grid(strike: Float64) -> Bool:
    with np.errstate(invalid="ignore"):
        eighths = np.abs(np.rint(strike * 8) - strike * 8) < 1e-6
        return np.asarray((np.abs(np.rint(strike * 20) - strike * 20) > 1e-6) & ~eighths)


def listed_before_a_split(
    contracts: OccColumns, good: Bool, open_interest: Float64
) -> tuple[Bool, dict[str, str]]:
    """Contracts from before a split that stand in the listing beside what has become of them.

    On the day of a split of r for 1 a file may list each contract twice: at the old strike K, and
    at K / r, to the cent, with r times the open interest. The old one is the same contract again.

    Args:
        contracts: (n,) contracts.
        good: (n,) bool, rows to look at.
        open_interest: (n,) contracts, NaN where missing.

    Returns:
        (n,) bool, the old contracts, and a note about them.
    """
    old, rows = np.zeros(len(good), np.bool_), np.flatnonzero(good)
    cents = np.rint(contracts.strike[rows] * 100).astype(np.int64)
    series = contracts.expiry[rows].astype("datetime64[D]").astype(np.int64) * 2
    series += contracts.is_call[rows]
    held = open_interest[rows]
    ratio = _likely_ratio(series, cents)
    pairs = _pairs(series, cents, held, ratio) if ratio > 1 else None
    if pairs is None:
        return old, {}
    old[rows[pairs]] = True
    text = f"{len(pairs)} rows are contracts from before a split of {ratio} for 1, "
    return old, {"split": text + "listed again at their new strikes: not used"}


def _likely_ratio(series: Integers, cents: Integers) -> int:
    """How many times higher the upper half of the strikes is than the lower, in one series."""
    if not len(series):
        return 1
    strikes = np.sort(cents[series == series[len(series) // 2]])
    half = len(strikes) // 2
    if not half or strikes[0] <= 0:
        return 1
    return round(float(np.median(strikes[-half:] / strikes[:half])))


def _pairs(series: Integers, cents: Integers, held: Float64, ratio: int) -> Integers | None:
    """Places of the old contracts of a split, None if there was none of this ratio."""
    twin = _twins(series, cents, ratio)
    old = np.flatnonzero(twin >= 0)
    if len(old) < max(_TWINS_SHARE * len(series), _FEWEST) or np.isin(old, twin[old]).any():
        return None
    before, after = held[old], held[twin[old]]
    both = (before > 0) & (after > 0)
    fits = np.abs(after[both] / before[both] / ratio - 1) < _NEAR
    return old if both.any() and fits.mean() > _FITTING else None


def _twins(series: Integers, cents: Integers, ratio: int) -> Integers:
    """Place of the contract at strike / ratio, rounded down or up to a cent, or -1."""
    key = series * 10**9 + cents
    order = np.argsort(key, kind="stable")
    found = np.full(len(key), -1)
    for new in (cents // ratio, -(-cents // ratio)):
        place = np.minimum(np.searchsorted(key[order], series * 10**9 + new), len(key) - 1)
        same = key[order][place] == series * 10**9 + new
        found = np.where(same, order[place], found)
    return found
