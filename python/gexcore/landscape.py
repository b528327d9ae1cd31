"""The gamma landscape: spread over strikes and expirations, concentration, empty stretches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.errors import InputError
from gexcore.exposures import Exposure
from gexcore.levels import Levels
from gexcore.profile import ROUNDING
from gexcore.results import Result, Table, align, number, plain
from gexcore.scope import calendar_days
from gexcore.strikes import StrikeLevel, StrikeSums

Float64 = npt.NDArray[np.float64]

# last calendar day of each, counted from the date of as_of
BUCKETS = {"0dte": 0, "week": 7, "month": 31, "quarter": 92, "later": None}
VOID_SHARE = 0.25


@dataclass(frozen=True, slots=True, repr=False)
class Concentration(Result):
    """Herfindahl index of gross gamma over a key, and 1 / index: as many keys of equal size."""

    herfindahl: float | None
    effective_number: float | None
    keys: int

    @classmethod
    def of(cls, gross: Float64) -> Concentration:
        """Of gross gamma by key; None without any."""
        held = gross[gross > 0]
        if not len(held):
            return cls(None, None, 0)
        share = held / held.sum()
        index = float((share * share).sum())
        return cls(index, 1 / index, len(held))

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {n: getattr(self, n) for n in ("herfindahl", "effective_number", "keys")}

    def __repr__(self) -> str:
        return f"<Concentration {self}>"

    def __str__(self) -> str:
        if self.herfindahl is None:
            return "none"
        return f"{self.herfindahl:.4f}, as {self.effective_number:.1f} of {self.keys} equal ones"


@dataclass(frozen=True, slots=True, repr=False)
class Void(Result):
    """The emptiest stretch between the walls: from `low` to `high`, strikes with more gamma.

    `strikes` weak ones lie between, with `share` of gross gamma. `status` is "found", or why all
    else is None.
    """

    low: float | None
    high: float | None
    strikes: int | None
    share: float | None
    holds_spot: bool | None
    status: str = "found"

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        names = ("low", "high", "strikes", "share", "holds_spot", "status")
        return {name: getattr(self, name) for name in names}

    def __repr__(self) -> str:
        return f"<Void {self}>"

    def __str__(self) -> str:
        if self.low is None:
            return f"none: {self.status.replace('_', ' ')}"
        where = ", spot in it" if self.holds_spot else ""
        ends = f"{number(self.low)} to {number(self.high)}"
        return f"{ends}, {self.strikes} strikes with {self.share:.1%} of gross{where}"


@dataclass(frozen=True, repr=False, eq=False)
class Landscape(Result):
    """How the gamma of a book is spread. Gross is the sum of absolute gamma over contracts.

    Tables: `top` (strikes with the largest net gamma of each sign, per expiration), `expiries`,
    `buckets` (by calendar days to expiration). `tilt` is (calls - puts) / (calls + puts) of gross
    gamma, None without exposure.
    """

    levels: Levels
    by_strike: Concentration
    by_expiry: Concentration
    tilt: float | None
    void: Void
    buckets: Table
    expiries: Table
    top: Table

    @property
    def manifest(self) -> dict[str, Any]:
        """All conventions of these numbers."""
        return self.levels.manifest

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "concentration": {
                "strike": self.by_strike.to_dict(),
                "expiry": self.by_expiry.to_dict(),
            },
            "tilt": self.tilt,
            "void": self.void.to_dict(),
            "buckets": self.buckets.to_dict(),
            "expiries": self.expiries.to_dict(),
            "top": self.top.to_dict(),
            "manifest": plain(self.manifest),
        }

    def to_frame(self) -> Any:
        """The table of top strikes as a pandas data frame."""
        return self.top.to_frame()

    def __repr__(self) -> str:
        return f"<Landscape {len(self.expiries)} expirations, void {self.void}>"

    def __str__(self) -> str:
        return "\n\n".join([self.summary(), str(self.expiries), str(self.top)])

    def summary(self) -> str:
        """All but the tables by expiration, as text."""
        tilt = "none" if self.tilt is None else f"{self.tilt:+.1%} (calls - puts, of gross)"
        rows = [
            ["concentration by strike", str(self.by_strike)],
            ["concentration by expiry", str(self.by_expiry)],
            ["tilt", tilt],
            ["gamma void", str(self.void)],
        ]
        return f"{align(rows)}\n\n{self.buckets}"


def compute_landscape(levels: Levels, count: int = 3, void_share: float = VOID_SHARE) -> Landscape:
    """Look at how the gamma of a book is spread over strikes and expirations.

    Args:
        levels: of the book; its walls bound the void.
        count: strikes per expiration and sign in the table of top strikes.
        void_share: of the largest net gamma by strike between the walls; strikes below it are weak.

    Returns:
        Landscape; numbers that do not exist are None or NaN, the void says why.

    Raises:
        InputError: count below 1, or void_share outside (0, 1].

    Source: docs/landscape.md; the void is a definition of our own.

    Example:
        >>> import gexcore as gex
        >>> landscape = compute_landscape(gex.analyze(gex.synthetic_chain()).levels)
        >>> round(landscape.buckets["share"].sum().item(), 12)
        1.0
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InputError(f"count: {count!r} is not a number of strikes", hint="at least 1")
    if not 0 < void_share <= 1:
        raise InputError(f"void_share: {void_share} is not a share", hint="above 0, at most 1")
    gamma = levels.exposures.gamma
    sums = StrikeSums.of(gamma)
    expiries, codes = _expiries(gamma)
    calls, puts = _gross(gamma, gamma.chain.is_call), _gross(gamma, ~gamma.chain.is_call)
    return Landscape(
        levels,
        Concentration.of(sums.gross),
        Concentration.of(expiries["gross"]),
        (calls - puts) / (calls + puts) if calls + puts else None,
        _void(sums, levels.call_wall, levels.put_wall, void_share),
        _buckets(expiries, gamma.gross),
        expiries,
        _top(gamma, codes, expiries, count),
    )


def _gross(gamma: Exposure, rows: npt.NDArray[np.bool_]) -> float:
    return float(np.abs(gamma.values[rows]).sum())


def _expiries(gamma: Exposure) -> tuple[Table, npt.NDArray[np.int64]]:
    """Gamma by expiration date, or by time where dates are not known; and its row per contract."""
    chain, used = gamma.chain, gamma.used
    dated = chain.expiry is not None and not np.isnat(chain.expiry[used]).any()
    numbered, values = chain.codes("expiry" if dated else "time_to_expiry")
    held = np.bincount(numbered[used], minlength=len(values)) > 0
    codes = (np.cumsum(held) - 1)[numbered]
    rows = int(held.sum())
    first = np.full(len(values), np.inf)
    np.minimum.at(first, numbered[used], chain.time_to_expiry[used])
    years = first[held]
    days = np.floor(years * 365)
    if dated and chain.as_of is not None:
        each = np.zeros(len(values))
        each[numbered] = calendar_days(chain)
        days = np.maximum(each[held], 0)

    def total(each: Float64) -> Float64:
        return np.bincount(codes[used], each[used], minlength=rows).astype(np.float64)

    size = np.abs(gamma.values)
    net, gross = total(gamma.values), total(size)
    calls = total(np.where(chain.is_call, size, 0.0))
    with np.errstate(invalid="ignore"):
        share, tilt = gross / gamma.gross, (2 * calls - gross) / gross
    edges = [edge for edge in BUCKETS.values() if edge is not None]
    columns = {
        "expiry": values[held].astype(str) if dated else np.full(rows, ""),
        "time_to_expiry": years,
        "days": days.astype(np.int64),
        "bucket": np.array(list(BUCKETS))[np.searchsorted(edges, days)],
        "contracts": np.bincount(codes[used], minlength=rows),
        "net": net,
        "gross": gross,
        "share": share,
        "tilt": tilt,
    }
    return Table(columns, money=("net", "gross"), percent=("share", "tilt")), codes


def _buckets(expiries: Table, gross: float) -> Table:
    names = np.array(list(BUCKETS))
    member = expiries["bucket"] == names[:, None]
    last = list(BUCKETS.values())

    def total(name: str) -> Float64:
        return np.asarray(member @ expiries[name].astype(np.float64))

    sizes, called = total("gross"), member @ (np.nan_to_num(expiries["tilt"]) * expiries["gross"])
    with np.errstate(invalid="ignore"):
        tilt = called / sizes
    columns = {
        "bucket": names,
        "first_day": np.array([0] + [edge + 1 for edge in last if edge is not None]),
        "last_day": np.array([np.nan if edge is None else edge for edge in last]),
        "expiries": member.sum(axis=1),
        "contracts": total("contracts").astype(np.int64),
        "net": total("net"),
        "gross": sizes,
        "share": sizes / gross if gross else np.full(len(names), np.nan),
        "tilt": tilt,
    }
    return Table(columns, money=("net", "gross"), percent=("share", "tilt"))


def _top(gamma: Exposure, codes: npt.NDArray[np.int64], expiries: Table, count: int) -> Table:
    """The strikes with the largest net gamma of each sign, per expiration, largest first."""
    strike_codes, strikes = gamma.chain.codes("strike")
    pair = codes[gamma.used] * len(strikes) + strike_codes[gamma.used]
    present, slot = np.unique(pair, return_inverse=True)
    net = np.bincount(slot, gamma.values[gamma.used], minlength=len(present))
    expiry, strike = np.divmod(present, max(len(strikes), 1))
    parts = []
    for sign in (1, -1):
        rows = np.flatnonzero(sign * net > ROUNDING * gamma.gross)
        rows = rows[np.lexsort((strike[rows], -sign * net[rows], expiry[rows]))]
        place = np.arange(len(rows))
        starts = np.where(np.diff(expiry[rows], prepend=-1) > 0, place, 0)
        rank = place - np.maximum.accumulate(starts) + 1
        parts.append((rows[rank <= count], rank[rank <= count]))
    rows, rank = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    order = np.lexsort((rank, net[rows] < 0, expiry[rows]))
    rows, rank = rows[order], rank[order]
    columns = {
        "expiry": expiries["expiry"][expiry[rows]],
        "days": expiries["days"][expiry[rows]],
        "sign": np.where(net[rows] > 0, "positive", "negative"),
        "rank": rank,
        "strike": strikes[strike[rows]],
        "net": net[rows],
        "share": np.abs(net[rows]) / expiries["gross"][expiry[rows]],
    }
    return Table(columns, money=("net",), percent=("share",))


def _void(sums: StrikeSums, call: StrikeLevel, put: StrikeLevel, share: float) -> Void:
    """The widest gap between neighbouring strong strikes, walls included, with weak ones inside."""
    if call.strike is None or put.strike is None:
        missing = "call_wall" if call.strike is None else "put_wall"
        return Void(None, None, None, None, None, f"no_{missing}")
    low, high = sorted((call.strike, put.strike))
    between = (sums.strikes >= low) & (sums.strikes <= high)
    strikes, size = sums.strikes[between], np.abs(sums.net[between])
    strong = size >= share * size.max()
    strong[[0, -1]] = True
    edges = np.flatnonzero(strong)
    inside = np.diff(edges) - 1
    width = np.where(inside > 0, np.diff(strikes[edges]), 0.0)
    if not width.any():
        return Void(None, None, None, None, None, "no_weak_strike")
    middle = (strikes[edges][1:] + strikes[edges][:-1]) / 2
    best = int(np.lexsort((np.abs(middle - sums.spot), -width))[0])  # ties: nearest spot
    start, end = edges[best], edges[best + 1]
    held = float(sums.gross[between][start + 1 : end].sum() / sums.total_gross)
    ends = float(strikes[start]), float(strikes[end])
    return Void(*ends, int(inside[best]), held, ends[0] < sums.spot < ends[1])
