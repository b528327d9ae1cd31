"""The same contracts at another time: what is left of their lives, and what has settled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import clock as clocks
from gexcore.chain import Chain
from gexcore.conventions import REASONS, years_of
from gexcore.errors import InputError
from gexcore.rates import EUROPEAN_ROOTS
from gexcore.sessions import is_half_day, is_session

_EXPIRED = REASONS.index("expired")
_HINT = "a number of days ahead, or an ISO time with its zone, not before the chain's as_of"


def chain_at(chain: Chain, when: Any) -> Chain:
    """Let time pass: vols and rates of every contract stay, what settles on the way is expired.

    Args:
        chain: the contracts.
        when: calendar days ahead, or a time with zone; a chain without as_of takes days only.

    Returns:
        Chain with as_of rule "projected"; times follow its clock, so those that count whole days
        move in whole days.

    Raises:
        InputError: a time before the chain's, without zone, or not finite.

    Example:
        >>> from gexcore import synthetic_chain
        >>> later = chain_at(synthetic_chain(n=2000), 1.0)
        >>> later.as_of.time.isoformat()
        '2026-03-19T10:30:00-04:00'
    """
    days = days_ahead(chain, when)
    if chain.as_of is None:
        years, moved = chain.time_to_expiry - days / 365, None
    else:
        at = chain.as_of.time.astimezone(UTC) + timedelta(days=days)
        if not isinstance(when, int | float | np.integer | np.floating):
            at = clocks.parse_time(when)
        moved = clocks.AsOf(at.astimezone(clocks.NEW_YORK), "projected", chain.as_of.printed)
        if chain.clock == "given" or chain.expiry is None:
            years = chain.time_to_expiry - days / 365
        else:
            years = years_of(chain.expiry, chain.root, moved, chain.clock)
    settled = ~(years > 0) & (chain.status > _EXPIRED)
    status = np.where(settled, _EXPIRED, chain.status).astype(chain.status.dtype)
    return chain._replace(time_to_expiry=years, as_of=moved, status=status)


def days_ahead(chain: Chain, when: Any) -> float:
    """Calendar days from the chain's as_of to a time."""
    if isinstance(when, bool):
        raise InputError(f"time: {when} is not a time", hint=_HINT)
    if isinstance(when, int | float | np.integer | np.floating):
        days = float(when)
    elif chain.as_of is None:
        raise InputError("time: this chain does not know its as_of", hint="give days ahead")
    else:
        elapsed = clocks.parse_time(when) - chain.as_of.time.astimezone(UTC)
        days = elapsed.total_seconds() / 86400
    if not 0 <= days <= 36500:
        raise InputError(f"time: {when} is {days:g} days ahead", hint=_HINT)
    return days


def closes_ahead(as_of: datetime, sessions: int) -> list[datetime]:
    """The closes of this session, if it is one and still open, and of the next `sessions`.

    Example:
        >>> at = clocks.parse_time("2024-07-02T12:00-04:00")
        >>> [f"{close:%a %H:%M}" for close in closes_ahead(at, 2)]
        ['Tue 16:00', 'Wed 13:00', 'Fri 16:00']
    """
    local = as_of.astimezone(clocks.NEW_YORK)
    today = local.date()
    found: list[datetime] = []
    for day in (today + timedelta(n) for n in count()):
        if not is_session(day):
            continue
        if day != today and sum(close.date() != today for close in found) == sessions:
            break
        close = datetime.combine(day, time(13 if is_half_day(day) else 16), clocks.NEW_YORK)
        if close > local:
            found.append(close)
    return found


def times_ahead(chain: Chain, sessions: int, hours: float = 1.0) -> Sequence[Any]:
    """From now hour by hour to the close, then the closes of the next sessions."""
    if chain.as_of is None:
        return [float(day) for day in range(sessions + 1)]
    start = chain.as_of.time
    closes = closes_ahead(start, sessions)
    today = [c for c in closes if c.date() == start.astimezone(clocks.NEW_YORK).date()]
    inside, step = [start], timedelta(hours=hours)
    while today and inside[-1] + step < today[0]:
        inside.append(inside[-1] + step)
    return inside + closes


def settles_in_cash(chain: Chain) -> npt.NDArray[np.bool_]:
    """Which contracts settle in cash: European index roots, and those without a root."""
    if chain.root is None:
        return np.ones(len(chain), np.bool_)
    codes, roots = chain.codes("root")
    return np.isin(roots.astype(str), [*EUROPEAN_ROOTS, ""])[codes]
