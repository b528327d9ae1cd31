"""Two snapshots of one underlying as one set of contracts, every number before and after."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.chain import Chain
from gexcore.clock import CLOCKS, years_to_expiry
from gexcore.conventions import REASONS, USED
from gexcore.errors import InputError, MismatchError
from gexcore.implied_vols import vendor_vols
from gexcore.positions import RULES, Positions
from gexcore.rates import Rates

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]

# A contract used in one snapshot only comes or goes with one of these.
GATES = ("expiry_roll", "listing", "coverage")
FACTORS = ("spot", "time", "rates", "implied_vol", "size", "sign_rule", *GATES)
_ABSENT = REASONS.index("bad_row")


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Contracts used in either snapshot; columns are (2, n): before, after.

    `gate` is 0 where a contract is used in both snapshots, else 1 + its place in `GATES`; `after`
    says which snapshot uses it. `weight` is `size` x `sign`: size in shares or index units, sign
    the share of it that dealers hold. What only one snapshot knows of a contract is held, and all
    that was known of a contract before it settled.
    """

    spot: tuple[float, float]
    strike: Float64
    is_call: Bool
    time_to_expiry: Float64
    implied_vol: Float64
    rate: Float64
    dividend_yield: Float64
    size: Float64
    sign: Float64
    gate: npt.NDArray[np.int8]
    after: Bool
    _codes: dict[str, Any]

    def changed(self) -> dict[str, bool]:
        """Which of `FACTORS` differ between the snapshots."""

        def differs(*columns: Float64) -> bool:
            return any(bool((column[0] != column[1]).any()) for column in columns)

        return {
            "spot": self.spot[0] != self.spot[1],
            "time": differs(self.time_to_expiry),
            "rates": differs(self.rate, self.dividend_yield),
            "implied_vol": differs(self.implied_vol),
            "size": differs(self.size),
            "sign_rule": differs(self.sign),
            **{name: bool((self.gate == code).any()) for code, name in enumerate(GATES, 1)},
        }

    def counts(self) -> dict[str, int]:
        """Contracts in both snapshots, and in one of them by reason."""
        only = {
            f"{name}_{side}": int(((self.gate == code) & (self.after == late)).sum())
            for code, name in enumerate(GATES, 1)
            for side, late in (("before", False), ("after", True))
        }
        return {"both": int((self.gate == 0).sum()), **only}

    def book(self, taken: Collection[str]) -> tuple[Chain, Positions]:
        """The book with what is `taken` as it is after, and the rest as it was before."""
        late = {name: int(name in taken) for name in FACTORS}
        present = self.gate == 0
        for code, name in enumerate(GATES, 1):
            present |= (self.gate == code) & (self.after == bool(late[name]))
        years = self.time_to_expiry[late["time"]]
        rate, carry = (c[late["rates"]] for c in (self.rate, self.dividend_yield))
        ones = np.ones(len(self.strike))
        vol = self.implied_vol[late["implied_vol"]]
        chain = Chain(
            spot=self.spot[late["spot"]], strike=self.strike, is_call=self.is_call,
            time_to_expiry=years, implied_vol=vol, vols=vendor_vols(vol),
            open_interest=ones, multiplier=ones, expiry=None, root=None,
            status=np.where(present, USED, _ABSENT).astype(np.uint8),
            columns=MappingProxyType({}), rates=Rates(rate, carry, "mixed"), as_of=None,
            clock="given", underlying="", scope="all", source=MappingProxyType({}),
        )  # fmt: skip
        # numbering is dear, and the same for every book of equal times
        key = f"time_to_expiry_{late['time']}"
        if key not in self._codes:
            self._codes[key] = chain.codes("time_to_expiry")
        if "strike" not in self._codes:
            self._codes["strike"] = chain.codes("strike")
        chain._codes.update(time_to_expiry=self._codes[key], strike=self._codes["strike"])
        weight = np.where(present, self.size[late["size"]] * self.sign[late["sign_rule"]], 0.0)
        return chain, Positions(chain, weight, "mixed", "contracts", "shares held by dealers")


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """One snapshot, looked at from the contracts of both; `rows` are its own, -1 not listed."""

    book: Positions
    rows: Rows

    @property
    def chain(self) -> Chain:
        return self.book.chain

    @property
    def listed(self) -> Bool:
        return self.rows >= 0

    def of(self, values: Any, missing: Any = np.nan) -> npt.NDArray[Any]:
        """A column of the snapshot, one for all or one per row; `missing` where not listed."""
        if np.ndim(values) == 0:
            return np.full(len(self.rows), missing if values is None else values)
        found: npt.NDArray[Any] = np.append(values, np.array([missing], values.dtype))[self.rows]
        return found

    def years(self, expiry: npt.NDArray[Any], root: npt.NDArray[Any]) -> Float64:
        """Times to expiry; for contracts that are not listed by the chain's clock."""
        chain, years = self.chain, self.of(self.chain.time_to_expiry)
        absent = ~self.listed
        if chain.as_of is None or not absent.any():
            return years
        clock = chain.clock if chain.clock in CLOCKS else CLOCKS[0]
        found = years_to_expiry(expiry[absent], root[absent], chain.as_of.time, clock)
        if chain.clock not in CLOCKS:  # settled or not is known, how long it has is not
            found = np.where(found <= 0, found, np.nan)
        years[absent] = found
        return years

    def size(self) -> Float64:
        """What the rule is applied to, in contracts."""
        book = self.book
        if book.size == "contracts":
            return self.of(np.abs(book.contracts))
        return self.of(np.nan_to_num(np.maximum(book.chain[book.size], 0.0)))

    def sign(self, strike: Float64, is_call: Bool) -> Float64:
        """Share of the size that dealers hold, by the book or by its rule; NaN where unknown."""
        rule, size = RULES.get(self.book.rule), self.size()
        sign = np.full(len(self.rows), np.nan)
        if rule is not None and rule.needs is None:
            every: Any = _Seen(self.chain.spot, strike, is_call)
            sign = np.array(rule.contracts(every, np.ones(len(sign)), None))
        known = size > 0
        sign[known] = self.of(self.book.contracts)[known] / size[known]
        return sign

    def shares(self) -> Float64:
        """Size in shares or index units."""
        multiplier = self.of(self.chain.multiplier)
        return np.where(multiplier > 0, self.size() * multiplier, np.nan)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a positioning rule looks at."""

    spot: float
    strike: Float64
    is_call: Bool


def pair_books(before: Positions, after: Positions) -> Pair:
    """Match the contracts of two books by root, expiration date, strike and type.

    Args:
        before, after: positions of two snapshots of one underlying.

    Returns:
        Pair.

    Raises:
        MismatchError: another underlying. InputError: an expiration date is not known.
    """
    chains = (before.chain, after.chain)
    _check(chains)
    rows = _union(chains)
    first, second = sides = (_Side(before, rows[0]), _Side(after, rows[1]))

    def either(name: str, missing: Any) -> npt.NDArray[Any]:
        one, other = (side.of(getattr(side.chain, name), missing) for side in sides)
        return np.where(first.listed, one, other)

    strike, is_call = either("strike", np.nan), either("is_call", False)
    expiry, root = either("expiry", "NaT"), either("root", "")
    used = [side.of(side.chain.status == USED, False) for side in sides]
    years = [side.years(expiry, root) for side in sides]
    settled = np.where(used[0], years[1], years[0]) <= 0
    alone = np.where(settled, 1, np.where(first.listed & second.listed, 3, 2))

    gate = np.where(used[0] & used[1], 0, alone).astype(np.int8)

    def held(values: Callable[[_Side], Float64]) -> Float64:
        # what is quoted of a contract after it settled means nothing
        told = zip(used, map(values, sides), strict=True)
        return _held(*(np.where(use | (gate != 1), each, np.nan) for use, each in told))

    return Pair(
        (before.chain.spot, after.chain.spot), strike, is_call,
        _held(*map(_positive, years)),
        held(lambda side: _positive(side.of(side.chain.implied_vol))),
        held(lambda side: side.of(side.chain.rate)),
        held(lambda side: side.of(side.chain.dividend_yield)),
        held(lambda side: side.shares()),
        np.nan_to_num(_held(*(side.sign(strike, is_call) for side in sides))),
        gate, used[1], {},
    )  # fmt: skip


def _check(chains: tuple[Chain, Chain]) -> None:
    names = [chain.underlying for chain in chains]
    if all(names) and names[0] != names[1]:
        raise MismatchError(
            f"before is {names[0]} and after is {names[1]}", hint="two snapshots of one underlying"
        )
    if (chains[0].root is None) != (chains[1].root is None):
        which = "before" if chains[0].root is None else "after"
        raise MismatchError(f"{which} does not know its roots", hint="give root= to both chains")
    for which, chain in zip(("before", "after"), chains, strict=True):
        hint = "contracts are matched by date: give expiry= and as_of="
        if chain.expiry is None:
            raise InputError(f"{which}: the chain has no expiration dates", hint=hint)
        unknown = np.isnat(chain.expiry) & (chain.status == USED)
        if unknown.any():
            row = int(np.argmax(unknown))
            raise InputError(f"{which}: the expiration date of row {row} is missing", hint=hint)
    roots = [set() if c.root is None else set(c.codes("root")[1].tolist()) for c in chains]
    if not all(names) and all(roots) and not roots[0] & roots[1]:
        shown = [", ".join(sorted(found)[:3]) for found in roots]
        raise MismatchError(
            f"before has roots {shown[0]} and after {shown[1]}",
            hint="two snapshots of one underlying",
        )


def _union(chains: tuple[Chain, Chain]) -> tuple[Rows, Rows]:
    """Rows before and after of each contract used in either; -1 where it is not listed."""
    used = [chain.status == USED for chain in chains]
    one, other = _keys(chains)
    _, first, second = np.intersect1d(one, other, assume_unique=True, return_indices=True)
    partner = np.full(len(one), -1)
    partner[first] = second
    wanted = used[0].copy()
    wanted[first] |= used[1][second]
    alone = used[1].copy()
    alone[second] = False
    here, later = np.flatnonzero(wanted), np.flatnonzero(alone)
    nowhere = np.full(len(later), -1)
    return np.concatenate([here, nowhere]), np.concatenate([partner[here], later])


def _keys(chains: tuple[Chain, Chain]) -> list[Rows]:
    """A number per row that is equal for the same contract; the k-th of equal rows is its own."""
    keys = [chain.is_call.astype(np.int64) for chain in chains]
    for name in ("root", "expiry", "strike"):
        if any(getattr(chain, name) is None for chain in chains):
            continue
        coded = [chain.codes(name) for chain in chains]
        values = np.union1d(coded[0][1], coded[1][1])
        for i, (codes, own) in enumerate(coded):
            keys[i] = keys[i] * (len(values) + 1) + np.searchsorted(values, own)[codes]
    counted = [_occurrence(key) for key in keys]
    most = max((int(count.max(initial=0)) for count in counted), default=0) + 1
    return [key * most + count for key, count in zip(keys, counted, strict=True)]


def _occurrence(keys: Rows) -> Rows:
    """How many equal keys stand before each."""
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    place = np.arange(len(keys))
    starts = np.where(np.diff(ranked, prepend=ranked[:1] - 1) != 0, place, 0)
    count = np.empty(len(keys), np.int64)
    count[order] = place - np.maximum.accumulate(starts)
    return count


def _positive(values: Float64) -> Float64:
    return np.where(values > 0, values, np.nan)


def _held(before: Float64, after: Float64) -> Float64:
    """(2, n): what one snapshot does not know is as in the other."""
    known = np.isfinite(before), np.isfinite(after)
    return np.array([np.where(known[0], before, after), np.where(known[1], after, before)])
