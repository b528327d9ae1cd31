"""From what a caller gives to what a chain holds: times, rates, and the status of each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import _core
from gexcore import clock as clocks
from gexcore.columns import checked_column
from gexcore.errors import ConventionError, InputError
from gexcore.frames import Fresh
from gexcore.parity import fit_parity
from gexcore.rates import EUROPEAN_ROOTS, Rates, flat_rates

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

DEFINITIONS_VERSION = "1"  # raised whenever a level or exposure changes its meaning
VERSIONS = {"definitions": DEFINITIONS_VERSION, "version": _core.__version__}

# Why a row cannot be used, first match counts; a row without any of these has status USED.
REASONS = (
    "bad_row",  # a number that cannot be: strike or multiplier <= 0, vol < 0, infinite, unreadable
    "duplicate",
    "adjusted_contract",  # deliverable unknown
    "expired",  # settled at or before as_of
    "no_price",  # a vol was to be implied, and there is nothing to imply it from
    "below_intrinsic",  # no vol gives a price as low as this one
    "above_maximum",  # nor as high as this one
    "no_implied_vol",
)
USED = len(REASONS)
READ = REASONS[:3]  # known when a row is read, whatever the conventions
WITHOUT_VOL = REASONS[4:]  # nothing but a vol is missing

RATE_SOURCES = ("auto", "flat", "parity")


def codes_of(*reasons: str) -> list[int]:
    """Codes of some reasons in a status column."""
    return [REASONS.index(reason) for reason in reasons]


def check_spot(spot: Any) -> float:
    """A positive finite price, or an error."""
    if isinstance(spot, bool) or not isinstance(spot, int | float | np.integer | np.floating):
        raise InputError(f"spot: a number is needed, not {type(spot).__name__}")
    if not 0 < spot < np.inf:
        raise InputError(f"spot: {spot} is not a price", hint="pass the underlying's price, > 0")
    return float(spot)


def expiry_dates(expiry: Any, rows: int) -> npt.NDArray[np.datetime64] | None:
    """A column of expiration dates of its own memory, or None."""
    if expiry is None:
        return None
    column = np.broadcast_to(checked_column("expiry", expiry, rows), rows)
    dates = clocks.as_expiry_dates(column)
    ours = isinstance(expiry, Fresh) and len(expiry) == rows
    return dates.copy() if np.may_share_memory(dates, column) and not ours else dates


def years_of(
    expiry: npt.NDArray[np.datetime64] | None, root: Any, when: clocks.AsOf | None, clock: str
) -> Float64:
    """Times to expiry under a clock; expiration dates and as_of are needed."""
    if expiry is None or when is None:
        raise InputError(
            "time_to_expiry: is missing", hint="give it in years, or expiry= dates with as_of="
        )
    return clocks.years_to_expiry(expiry, root, when.time, clock)


def status_of(
    flags: Mapping[str, Bool], numbers: Mapping[str, Float64], years: Float64, multiplier: Any = ()
) -> Any:
    """The reason why each row cannot be used, as a code into REASONS, or USED.

    A multiplier that was given as a number is looked at once, instead of its column.
    """
    if np.ndim(multiplier) == 0:
        numbers = {**numbers, "multiplier": multiplier}
    bad, expired, no_vol = codes_of("bad_row", "expired", "no_implied_vol")
    status = _core.row_status(
        **numbers, time_to_expiry=years, bad=bad, expired=expired, no_vol=no_vol, used=USED
    )
    for reason, mask in flags.items():
        code = np.uint8(REASONS.index(reason))
        np.minimum(status, code, out=status, where=mask)
    return status


def number_settlements(
    when: tuple[npt.NDArray[np.int32], npt.NDArray[Any]],
    who: tuple[npt.NDArray[np.int32], npt.NDArray[Any]] | None,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any], npt.NDArray[Any]]:
    """Combine numbered dates and numbered roots: code per row, root and date of each code."""
    codes, days = when
    if who is None:
        return codes.astype(np.int64), np.full(len(days), ""), days
    pairs = codes.astype(np.int64) * len(who[1]) + who[0]
    present, joint = np.unique(pairs, return_inverse=True)
    return joint, who[1][present % len(who[1])], days[present // len(who[1])]


def decide_rates(chain: Any, source: str, rate: Any, dividend_yield: Any) -> Rates:
    """Rates of a chain whose other columns are known.

    Args:
        chain: the contracts; its own rates are not looked at.
        source: "flat": rate and dividend_yield as given, 0 where not. "parity": forwards from the
            quotes, with rate or dividend_yield if given. "auto": parity if neither is given and
            there are two-sided quotes of European contracts, else flat.
        rate, dividend_yield: decimal, continuous, or None.

    Raises:
        ConventionError: no such source.
        InputError: parity without bid and ask columns.
    """
    if source not in RATE_SOURCES:
        raise ConventionError(
            f"rates: there is no {source!r}", hint=f"sources: {', '.join(RATE_SOURCES)}"
        )
    quoted = "bid" in chain.columns and "ask" in chain.columns
    european = None if chain.root is None else np.isin(chain.codes("root")[1], list(EUROPEAN_ROOTS))
    if source == "auto":
        asked = rate is not None or dividend_yield is not None
        possible = quoted and european is not None and european.any()
        source = "parity" if possible and not asked else "flat"
    if source == "flat":
        return flat_rates(rate, dividend_yield, len(chain))
    if not quoted:
        raise InputError("rates='parity' needs bid and ask columns", hint="give rate= instead")
    codes, roots, days = chain.settlements()
    return fit_parity(
        spot=chain.spot,
        strike=chain.strike,
        is_call=chain.is_call,
        bid=chain["bid"],
        ask=chain["ask"],
        time_to_expiry=chain.time_to_expiry,
        series=codes,
        names=list(zip(roots.astype(str), days.astype(str), strict=True)),
        usable=chain.status > REASONS.index("expired"),
        rate=rate,
        dividend_yield=dividend_yield,
        european=None if european is None else european[chain.codes("root")[0]],
    )


def exchange_rates(
    chain: Any, source: str | None, rate: Any, dividend_yield: Any, times_moved: bool
) -> Rates:
    """Rates of a chain under other conventions; what is not named stays as it was given.

    Args:
        chain: with its new times and its old rates.
        source, rate, dividend_yield: as in `decide_rates`, None where not named.
        times_moved: whether rates fitted to quotes must be fitted again.

    Raises:
        ConventionError, InputError: as `decide_rates`.
    """
    old = chain.rates
    fitted = old.table is not None
    if source is None and rate is None and dividend_yield is None:
        if not (fitted and times_moved):
            return old  # type: ignore[no-any-return]
        source = "parity"
    if source in (None, "flat") or (source == "parity" and fitted):
        rate = old.given[0] if rate is None else rate
        dividend_yield = old.given[1] if dividend_yield is None else dividend_yield
    return decide_rates(chain, source or "auto", rate, dividend_yield)
