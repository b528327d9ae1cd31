"""What a live book says at one moment: its levels, its regime, a snapshot of its rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import _core
from gexcore.chain import Chain
from gexcore.conventions import USED
from gexcore.exposures import compute_exposures
from gexcore.flags import STALE_HOURS, Flag, flag_age
from gexcore.greeks import compute_greeks
from gexcore.levels import DIRECTIONS, Crossing, Levels, ZeroGamma, find_levels
from gexcore.positions import Positions
from gexcore.profile import sweep_profile
from gexcore.results import Result, align, money, number, plain
from gexcore.strikes import StrikeLevel

Float64 = npt.NDArray[np.float64]

STRIKES = ("call_wall", "put_wall", "absolute_gamma_strike", "hvl")


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _mark(row: tuple[str, float, float, float, float, float]) -> StrikeLevel:
    strike, value, share, runner_up, margin = map(_known, row[1:])
    return StrikeLevel(strike, value, share, row[0], runner_up, margin)


@dataclass(frozen=True, repr=False, eq=False)
class BookLevels(Result):
    """Levels of a live book: the part of `Levels` that follows every tick, under the same names.

    `exact` levels have polished crossings; otherwise each crossing has a bound of its `error`.
    `version` counts the changes seen, `anchors` how often the grid was laid anew.
    """

    reading: _core.LevelsReading
    side: str
    gated: bool

    @property
    def spot(self) -> float:
        """Price of the underlying."""
        return self.reading.spot

    @property
    def net(self) -> float:
        """Net gamma, $ per 1% move."""
        return self.reading.net

    @property
    def gross(self) -> float:
        """Gamma without netting, $ per 1% move."""
        return self.reading.gross

    @property
    def version(self) -> int:
        """Changes of the book that these levels have seen."""
        return self.reading.version

    @property
    def anchors(self) -> int:
        """How often the grid was laid anew, the first time included."""
        return self.reading.anchors

    @property
    def at_the_money_vol(self) -> float | None:
        """30 days ahead, decimal."""
        return _known(self.reading.at_the_money_vol)

    @cached_property
    def zero_gamma(self) -> ZeroGamma:
        """Where dealers flip, with all crossings."""
        found, exact = self.reading, self.reading.exact
        if found.zero_status == "no_exposure":
            return ZeroGamma(None, "no_exposure", (), None)
        crossings = tuple(
            Crossing(spot, DIRECTIONS[up], slope * spot**2 / 100, None if exact else error)
            for spot, slope, up, error in found.crossings
        )
        searched = (found.low, found.high)
        return ZeroGamma(_known(found.zero_gamma), found.zero_status, crossings, searched)

    def __getattr__(self, name: str) -> StrikeLevel:
        if name not in STRIKES:
            raise AttributeError(f"levels of a live book have no {name!r}")
        return _mark(getattr(self.reading, name))

    def to_dict(self) -> dict[str, Any]:
        """The keys of `Levels.to_dict` that a live book follows."""
        found = self.reading
        marks = {name: getattr(self, name) for name in STRIKES}
        peaks = {name: getattr(found, name) for name in ("profile_peak", "profile_trough")}
        return {
            "zero_gamma": self.zero_gamma.to_dict(),
            **{name: mark.to_dict() for name, mark in marks.items()},
            "missing": {n: mark.status for n, mark in marks.items() if mark.strike is None},
            "wall_side": self.side,
            "wall_gated": self.gated,
            "top_positive": [{"strike": k, "value": v} for k, v in found.top_positive],
            "top_negative": [{"strike": k, "value": v} for k, v in found.top_negative],
            "certificate": None,
            "cumulative_gamma_crossing": _known(found.cumulative_gamma_crossing),
            **{
                name: None if math.isnan(spot) else {"spot": spot, "value": value}
                for name, (spot, value) in peaks.items()
            },
            "at_the_money_vol": self.at_the_money_vol,
        }

    def __repr__(self) -> str:
        return (
            f"<BookLevels zero gamma {self.zero_gamma}, walls {self.put_wall} / {self.call_wall}>"
        )

    def __str__(self) -> str:
        rows = [["zero gamma", str(self.zero_gamma)]]
        rows += [[name.replace("_", " "), str(getattr(self, name))] for name in STRIKES]
        return align(rows)


def followed(levels: Levels) -> dict[str, Any]:
    """What `BookLevels.to_dict` has, from the levels of a whole computation.

    Example:
        >>> import gexcore as gex
        >>> chain = gex.synthetic_chain(n=2000)
        >>> book = gex.Book(chain)
        >>> book.levels(exact=True).to_dict() == followed(gex.analyze(chain).levels)
        True
    """
    found = levels.to_dict()
    untold = ("key_delta_strike", "skew", "drivers", "expiries")
    kept = {name: value for name, value in found.items() if name not in untold}
    missing = {k: why for k, why in found["missing"].items() if k != "key_delta_strike"}
    return {**kept, "missing": missing}


@dataclass(frozen=True, repr=False, eq=False)
class BookRegime(Result):
    """Kind of hedging at the book's spot; `kind` as in `Regime`.

    Net and gross ($ per 1% move) are right to `bound`: 0 where summed, else the error of reading
    them off the profile. `sure`: nothing within the bounds makes another kind. Ages in hours of
    the book's clock, weighted by open interest; `old_share` of it was quoted over a day ago.
    """

    kind: str
    net: float
    gross: float
    bound: float
    sure: bool
    spot: float
    zero_gamma: float | None
    zero_gamma_error: float
    at_the_money_vol: float | None
    quote_age: float | None
    size_age: float | None
    old_share: float | None
    version: int

    @classmethod
    def of(cls, reading: _core.RegimeReading) -> BookRegime:
        """From what the core read."""
        return cls(
            reading.kind, reading.net, reading.gross, reading.bound, reading.sure, reading.spot,
            _known(reading.zero_gamma), reading.zero_gamma_error, _known(reading.at_the_money_vol),
            _known(reading.quote_age), _known(reading.size_age), _known(reading.old_share),
            reading.version,
        )  # fmt: skip

    @cached_property
    def flags(self) -> dict[str, Flag]:
        """Warnings with evidence, by name: "stale"."""
        return {"stale": flag_age(self.quote_age, self.size_age, self.old_share)}

    def to_dict(self) -> dict[str, Any]:
        """All fields, and flags."""
        return {**self._arguments(), "flags": plain(self.flags)}

    def __repr__(self) -> str:
        return f"<BookRegime {self.kind}>"

    def __str__(self) -> str:
        surely = "" if self.sure else ", not sure"
        return (
            f"{self.kind.replace('_', ' ')}{surely}: net {money(self.net)} $ per 1%, "
            f"zero gamma {number(self.zero_gamma)}"
        )


@dataclass(frozen=True, repr=False, eq=False)
class BookSnapshot(Result):
    """Rows of a book at one moment as an immutable chain, with their positions and levels.

    A removed row is still there, without vol and open interest. `first_row` is the number that
    the book knows the first row by; `quoted` and `sized` are the days on the book's clock when
    quote and size of each row came in, `days` what it shows now.
    """

    chain: Chain
    positions: Positions
    version: int
    side: str
    gated: bool
    first_row: int
    days: float
    quoted: Float64
    sized: Float64

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """Row numbers, for `update`: `snapshot.rows[snapshot.chain.strike == 5000]`."""
        return np.arange(self.first_row, self.first_row + len(self.chain), dtype=np.int64)

    @cached_property
    def levels(self) -> Levels:
        """All levels of this moment, computed when first read; those of the book bit for bit."""
        exposures = compute_exposures(self.chain, compute_greeks(self.chain), self.positions)
        profile = sweep_profile(self.chain, self.positions)
        return find_levels(exposures, profile, self.side, self.gated)

    @property
    def quote_time(self) -> npt.NDArray[np.datetime64]:
        """When each row was quoted, UTC; NaT where the chain knows no time."""
        return self._times(self.quoted)

    @property
    def open_interest_date(self) -> npt.NDArray[np.datetime64]:
        """The New York day on which each row's size came in; NaT where no time is known."""
        if self.chain.as_of is None:
            return self._times(self.sized).astype("datetime64[D]")
        ago, row = np.unique(self.days - self.sized, return_inverse=True)
        now = self.chain.as_of.time.astimezone(UTC)
        zone = self.chain.as_of.time.tzinfo
        days = [(now - timedelta(days=each)).astimezone(zone).date() for each in ago.tolist()]
        return np.array(days, "datetime64[D]")[row]

    def _times(self, came: Float64) -> npt.NDArray[np.datetime64]:
        if self.chain.as_of is None:
            return np.full(len(came), np.datetime64("NaT", "us"))
        now = np.datetime64(self.chain.as_of.time.astimezone(UTC).replace(tzinfo=None), "us")
        past = np.rint((self.days - came) * 86_400_000_000).astype("timedelta64[us]")
        return np.asarray(now - past)

    def to_dict(self) -> dict[str, Any]:
        """Spot, number of slots and conventions."""
        return {**self.chain.to_dict(), **self.positions.manifest, "changes": self.version}

    def __repr__(self) -> str:
        return f"<BookSnapshot {self.chain!r} after {self.version} changes>"

    def __str__(self) -> str:
        return f"{self.chain} after {self.version} changes"


@dataclass(frozen=True, slots=True, repr=False)
class Staleness(Result):
    """Age of a book's quotes and sizes in hours of its clock, over its usable contracts.

    `age_weighted_coverage`: share of all open interest that is usable, each contract counted
    2^(-age / half life). `flag` is that of the book's regime.
    """

    median_quote_age: float | None
    oldest_quote_age: float | None
    median_size_age: float | None
    used_open_interest_share: float
    age_weighted_coverage: float
    half_life: float
    flag: Flag

    @classmethod
    def of(cls, now: BookSnapshot, half_life: float) -> Staleness:
        """Of a snapshot."""
        chain = now.chain
        used = (chain.status == USED) & (now.positions.contracts != 0.0)
        size = np.where(chain.open_interest > 0, chain.open_interest, 0.0)
        held, total = size[used], float(size.sum())
        quoted, sized = (24 * (now.days - came[used]) for came in (now.quoted, now.sized))
        fresh = float((held * 2.0 ** (-quoted / half_life)).sum())
        old = float(held[quoted > STALE_HOURS].sum() / (held.sum() or 1.0))
        known, flag = bool(used.any()), flag_age(None, None, None)
        if held.sum():
            ages = [float((held * age).sum() / held.sum()) for age in (quoted, sized)]
            flag = flag_age(ages[0], ages[1], old)
        return cls(
            float(np.median(quoted)) if known else None,
            float(quoted.max()) if known else None,
            float(np.median(sized)) if known else None,
            float(held.sum()) / total if total else 0.0,
            fresh / total if total else 0.0,
            half_life,
            flag,
        )

    def to_dict(self) -> dict[str, Any]:
        """All fields."""
        return {name: plain(getattr(self, name)) for name in self.__slots__}

    def __repr__(self) -> str:
        return f"<Staleness {self}>"

    def __str__(self) -> str:
        return f"{self.age_weighted_coverage:.1%} of open interest, weighted by age; {self.flag}"
