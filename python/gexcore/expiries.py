"""What each expiration says by itself: forward, vol, expected move, skew, max pain."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import bsm
from gexcore.chain import Chain
from gexcore.conventions import REASONS, USED
from gexcore.results import Result, align, frame, number, plain

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Expiries(Result):
    """One row per settlement (root and expiration date), ascending in time; NaN = does not exist.

    `straddle` does not exist where a bid at the strike nearest the forward is 0 or missing.
    """

    root: npt.NDArray[Any]
    expiry: npt.NDArray[Any]
    time_to_expiry: Float64  # years
    forward: Float64
    at_the_money_vol: Float64  # mean of call and put at the strike nearest the forward
    vol_gap: Float64  # call vol - put vol there
    straddle: Float64  # call + put mid there
    one_sd: Float64  # forward x vol x sqrt(time)
    skew: Float64  # vol of the 25-delta put - vol of the 25-delta call
    max_pain: Float64

    def to_dict(self) -> dict[str, Any]:
        """Columns by name."""
        return {field.name: plain(getattr(self, field.name)) for field in fields(self)}

    def to_frame(self, backend: str = "pandas") -> Any:
        """A data frame with one row per settlement."""
        return frame({field.name: getattr(self, field.name) for field in fields(self)}, backend)

    def __len__(self) -> int:
        return len(self.expiry)

    def at(self, column: Float64, days: float = 30.0) -> float | None:
        """A column at a horizon, linear in time, held flat outside the known expirations."""
        known = np.isfinite(column)
        if not known.any():
            return None
        return float(np.interp(days / 365, self.time_to_expiry[known], column[known]))

    def __repr__(self) -> str:
        return f"<Expiries {len(self)}>"

    def __str__(self) -> str:
        head = [
            "root",
            "expiry",
            "days",
            "forward",
            "vol",
            "straddle",
            "one sd",
            "skew",
            "max pain",
        ]
        rows = [head]
        for i in range(len(self)):
            rows.append(
                [
                    str(self.root[i]),
                    str(self.expiry[i]),
                    f"{self.time_to_expiry[i] * 365:.2f}",
                    *(_cell(c[i]) for c in (self.forward,)),
                    *(_cell(c[i], "percent") for c in (self.at_the_money_vol,)),
                    *(_cell(c[i]) for c in (self.straddle, self.one_sd)),
                    *(_cell(c[i], "percent") for c in (self.skew,)),
                    _cell(self.max_pain[i]),
                ]
            )
        return align(rows, right=range(2, 9))


def _cell(value: float, kind: str = "price") -> str:
    if not np.isfinite(value):
        return "-"
    return number(value) if kind == "price" else f"{value:.2%}"


def compute_expiries(chain: Chain) -> Expiries:
    """Look at each settlement that is still ahead.

    Args:
        chain: the contracts; bid and ask columns are needed for straddles.

    Returns:
        Expiries. Forwards follow from the chain's rates. Max pain is the strike with the least
        total intrinsic value over all rows with open interest (the lowest of ties), vol or not.

    Source: docs/definitions.md, section 6.

    Example:
        >>> from gexcore import synthetic_chain
        >>> table = compute_expiries(synthetic_chain())
        >>> bool(table.skew[-1] > 0)  # puts cost more than calls
        True
    """
    codes, roots, days = chain.settlements()
    alive = (
        (chain.time_to_expiry > 0) & (chain.strike > 0) & (chain.status != REASONS.index("bad_row"))
    )
    count = len(days)
    years = np.full(count, np.nan)
    years[codes[alive]] = chain.time_to_expiry[alive]
    carry = np.zeros(count)
    net = np.broadcast_to(np.asarray(chain.rate - chain.dividend_yield), len(chain))
    carry[codes[alive]] = net[alive]
    forward = chain.spot * np.exp(carry * years)
    call, put = _nearest_pair(chain, codes, alive, forward)
    vol = {side: _of(chain.implied_vol, rows) for side, rows in (("call", call), ("put", put))}
    for values in vol.values():
        values[~(values > 0)] = np.nan
    both = np.nanmean(
        np.where(np.isnan(list(vol.values())).all(axis=0), 0.0, list(vol.values())), axis=0
    )
    at_the_money = np.where(both > 0, both, np.nan)
    mids = [_mid(chain, rows) for rows in (call, put)]
    apart = _of(chain.strike, call) != _of(chain.strike, put)  # or one of them does not exist
    mids[0][apart] = vol["call"][apart] = np.nan  # vols of two strikes make no gap
    columns = (
        roots,
        days,
        years,
        forward,
        at_the_money,
        vol["call"] - vol["put"],
        mids[0] + mids[1],
        forward * at_the_money * np.sqrt(years),
        _skew(chain, codes, count),
        _max_pain(chain, codes, alive, count),
    )
    order = np.argsort(years, kind="stable")
    order = order[np.isfinite(years[order])]
    return Expiries(*(column[order] for column in columns))


def _nearest_pair(
    chain: Chain, codes: npt.NDArray[np.int64], alive: Bool, forward: Float64
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of the call and the put at the strike nearest the forward; -1 where there is none.

    Strikes where both sides carry a vol come first, so that one missing vol moves to a neighbour.
    """
    strike_codes, strikes = chain.codes("strike")
    pair = codes * len(strikes) + strike_codes
    good = alive & (chain.status == USED)
    rows = np.flatnonzero(good)
    distance = np.abs(np.log(chain.strike[rows] / forward[codes[rows]]))
    _, inverse, sides = np.unique(pair[rows], return_inverse=True, return_counts=True)
    rank = distance + np.where(sides[inverse] > 1, 0.0, 10.0)
    found = []
    for is_call in (True, False):
        chosen = np.full(len(forward), -1, np.int64)
        side = chain.is_call[rows] == is_call
        best = np.full(len(forward), np.inf)
        np.minimum.at(best, codes[rows[side]], rank[side])
        hit = side & (rank <= best[codes[rows]])
        chosen[codes[rows[hit]][::-1]] = rows[hit][::-1]
        found.append(chosen)
    return found[0], found[1]


def _of(column: Any, rows: npt.NDArray[np.int64]) -> Float64:
    return np.where(rows >= 0, column[rows], np.nan)


def _mid(chain: Chain, rows: npt.NDArray[np.int64]) -> Float64:
    if "bid" not in chain.columns or "ask" not in chain.columns:
        return np.full(len(rows), np.nan)
    bid, ask = _of(chain["bid"], rows), _of(chain["ask"], rows)
    return np.where((bid > 0) & (ask >= bid), (bid + ask) / 2, np.nan)


def _skew(chain: Chain, codes: npt.NDArray[np.int64], count: int) -> Float64:
    """25-delta put vol - call vol per settlement, from out-of-the-money rows."""
    delta = bsm.greeks(
        chain.spot,
        chain.strike,
        chain.time_to_expiry,
        chain.implied_vol,
        chain.rate,
        chain.dividend_yield,
        chain.is_call,
        which="delta",
    ).delta
    size = np.abs(delta)
    good = (chain.status == USED) & (size > 0.02) & (size < 0.6)
    sides = []
    for is_call in (True, False):
        rows = np.flatnonzero(good & (chain.is_call == is_call))
        rows = rows[np.lexsort((size[rows], codes[rows]))]
        edges = np.searchsorted(codes[rows], np.arange(count + 1))
        vols = np.full(count, np.nan)
        for code in range(count):
            part = rows[edges[code] : edges[code + 1]]
            if len(part) > 1 and size[part[0]] <= 0.25 <= size[part[-1]]:
                vols[code] = np.interp(0.25, size[part], chain.implied_vol[part])
        sides.append(vols)
    return np.asarray(sides[1] - sides[0])


def _max_pain(chain: Chain, codes: npt.NDArray[np.int64], alive: Bool, count: int) -> Float64:
    held = alive & (chain.open_interest > 0)
    held &= ~np.isin(chain.status, [REASONS.index(r) for r in ("duplicate", "adjusted_contract")])
    strike_codes, strikes = chain.codes("strike")
    pain = np.full(count, np.nan)
    if not held.any():
        return pain
    present, slot = np.unique(codes[held] * len(strikes) + strike_codes[held], return_inverse=True)
    series, strike = present // len(strikes), strikes[present % len(strikes)]
    size = chain.open_interest[held] * chain.multiplier[held]
    calls = np.bincount(slot, np.where(chain.is_call[held], size, 0.0))
    puts = np.bincount(slot, np.where(chain.is_call[held], 0.0, size))
    edges = np.searchsorted(series, np.arange(count + 1))
    for code in np.flatnonzero(np.diff(edges)):
        part = slice(edges[code], edges[code + 1])
        k, c, p = strike[part], calls[part], puts[part]
        paid_calls = k * np.cumsum(c) - np.cumsum(c * k)
        above, above_k = np.cumsum(p[::-1])[::-1], np.cumsum((p * k)[::-1])[::-1]
        total = paid_calls + above_k - k * above
        rounding = 1e-12 * ((c + p) * k).sum()  # or a tie would not go to the lowest strike
        pain[code] = k[np.argmax(total <= total.min() + rounding)]
    return pain
