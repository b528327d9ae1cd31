"""A live book: rows change one by one, levels follow within microseconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from threading import RLock
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import _core
from gexcore.chain import Chain
from gexcore.columns import number_column
from gexcore.errors import ConventionError, InputError
from gexcore.exposures import ByKey
from gexcore.hedges import HedgeLadder
from gexcore.hedging import hedge_ladder
from gexcore.horizon import chain_at
from gexcore.implied_vols import Vols, vendor_vols
from gexcore.levels import SIDES
from gexcore.positions import Positions, assign_positions, out_of_the_money
from gexcore.rates import Rates
from gexcore.readings import BookLevels, BookRegime, BookSnapshot

Float64 = npt.NDArray[np.float64]
Handle = tuple[str, str, float, str]
_DERIVED = ("naive", "short_all", "inverted", "moneyness", "weights")


class Book:
    """Contracts whose quotes, sizes, spot and time move, with levels bit for bit those of a batch.

    Args:
        chain: the contracts to begin with; vols stay with their strikes as spot moves.
        positions: a rule of `assign_positions` (with its `contracts`, `weights`, `size`), or
            Positions of this chain. Contracts follow open interest where a rule says so; the
            moneyness of "moneyness" is that of the first spot.
        side, gated: how walls are chosen, see `find_levels`.

    Every method may be called from any thread; each read is of one moment. Rows are numbered by
    slots: `row()` finds one, a removed row keeps its slot until `compact()`.

    Raises:
        ConventionError: unknown rule or side. InputError: two live rows are the same contract.

    Example:
        >>> import gexcore as gex
        >>> book = Book(gex.synthetic_chain(n=2000))
        >>> book.update(book.row("SPXW", "2026-03-20", 5000, "C"), implied_vol=0.15)
        >>> book.set_spot(5010.0)
        >>> book.levels().zero_gamma.status
        'found'
    """

    def __init__(
        self,
        chain: Chain,
        positions: Positions | str = "naive",
        *,
        contracts: Any = None,
        weights: Any = None,
        size: str = "open_interest",
        side: str = "net",
        gated: bool = False,
    ) -> None:
        if side not in SIDES:
            raise ConventionError(f"side: there is no {side!r}", hint=f"sides: {', '.join(SIDES)}")
        if isinstance(positions, str):
            positions = assign_positions(
                chain, positions, contracts=contracts, weights=weights, size=size
            )
        elif positions.chain is not chain:
            raise ConventionError("positions belong to another chain")
        self._lock = RLock()
        self._side, self._gated = side, bool(gated)
        self._spot = chain.spot
        self._load(chain, positions, _per_open_interest(chain, positions, weights))

    def _load(self, chain: Chain, positions: Positions, share: Float64) -> None:
        """Start from a chain whose rows become the slots."""
        self._chain, self._positions, self._share = chain, positions, share
        self._handles: dict[Handle, int] | None = None
        self._removed: set[int] = set()
        self._series, first = _series_of(chain)
        pick = np.zeros(len(chain), np.bool_)
        pick[first] = True
        # one row of each series, in the order of their numbers
        moving = chain._take(pick, chain.scope)
        order = np.argsort(np.argsort(first))
        self._moving, self._order = moving, order
        core = _core.Book(chain.spot, self._years(), self._side == "gross", self._gated)
        core.add_rows(
            chain.strike, chain.multiplier, _spread(chain.rate, chain),
            _spread(chain.dividend_yield, chain), share, self._series, chain.is_call, chain.status,
            chain.implied_vol, chain.open_interest, positions.contracts, _quotes(chain, "bid"),
            _quotes(chain, "ask"), self._years(),
        )  # fmt: skip
        self._core = core

    def _years(self) -> Float64:
        return np.asarray(self._moving.time_to_expiry[self._order])

    def row(self, root: str, expiry: Any, strike: float, option_type: str) -> int:
        """The slot of a contract.

        Args:
            root: OCC root; "" where the chain has none.
            expiry: date or ISO text; "" where the chain has no dates.
            strike: price.
            option_type: "C" or "P".

        Raises:
            InputError: the book has no such contract.
        """
        handle = (str(root), str(expiry), float(strike), option_type)
        with self._lock:
            found = self._index().get(handle)
        if found is None:
            raise InputError(f"there is no contract {handle}", hint="add_rows takes new contracts")
        return found

    def rows(self, handles: Iterable[Sequence[Any]]) -> npt.NDArray[np.int64]:
        """The slots of some contracts, each (root, expiry, strike, option type)."""
        return np.array([self.row(*handle) for handle in handles], np.int64)

    def _index(self) -> dict[Handle, int]:
        if self._handles is None:
            chain, found = self._chain, {}
            for i, handle in enumerate(_handles(chain)):
                if i not in self._removed and found.setdefault(handle, i) != i:
                    continue  # the first of duplicates is the one that is quoted
            self._handles = found
        return self._handles

    def __len__(self) -> int:
        return len(self._chain)

    def update(
        self,
        rows: Any,
        implied_vol: Any = None,
        open_interest: Any = None,
        contracts: Any = None,
        bid: Any = None,
        ask: Any = None,
    ) -> None:
        """Change some rows; what is not named stays.

        Args:
            rows: one slot, or an int64 array of slots.
            implied_vol: decimal, one per row; NaN or 0 takes a row out of use.
            open_interest: contracts; positions follow where their rule says so.
            contracts: signed, dealer long > 0; for positions given as contracts.
            bid, ask: kept for snapshots; vols change by `implied_vol` alone.

        Raises:
            InputError: no such row, or a wrong length; nothing has changed then.
        """
        self._core.update(rows, implied_vol, open_interest, contracts, bid, ask)

    def set_spot(self, spot: float) -> None:
        """Move the underlying; vols stay with their strikes."""
        self._core.set_spot(spot)

    def set_time(self, when: Any) -> None:
        """Let time pass, as `chain_at` does: days ahead, or a time with zone.

        Raises:
            InputError: a time before the book's, or without zone.
        """
        with self._lock:
            moved = chain_at(self._moving, when)
            years = np.asarray(moved.time_to_expiry[self._order])
            self._core.set_years(years)
            self._moving = moved

    def add_rows(self, chain: Chain, contracts: Any = None) -> npt.NDArray[np.int64]:
        """Add the contracts of a chain; returns their slots.

        Args:
            chain: with the time of this book; roots and dates where the book has them.
            contracts: signed, one per row, where positions are given as contracts.

        Raises:
            InputError: a contract is in the book already, or times do not fit.
        """
        with self._lock:
            now, before = self.snapshot(), len(self)
            known = self._index()
            twice = [handle for handle in _handles(chain) if handle in known]
            if twice:
                raise InputError(f"rows: {twice[0]} is in the book already", hint="update it")
            joined = _join(now.chain, chain)
            held = number_column("contracts", 0.0 if contracts is None else contracts, len(chain))
            added = Positions(
                chain, held, self._positions.rule, self._positions.size, self._positions.meaning
            )
            share = _per_open_interest(chain, added, None)
            if contracts is None and self._positions.rule != "contracts":
                size = np.where(chain.open_interest > 0, chain.open_interest, 0.0)
                held = np.where(np.isfinite(share * size), share * size, 0.0)
            removed, positions = self._removed, self._positions
            self._load(
                joined,
                Positions(
                    joined, np.concatenate([now.positions.contracts, held]), positions.rule,
                    positions.size, positions.meaning,
                ),
                np.concatenate([self._share, share]),
            )  # fmt: skip
            self._removed = removed
            return np.arange(before, len(self), dtype=np.int64)

    def remove_rows(self, rows: Any) -> None:
        """Empty some slots: no vol, no open interest, no contracts, until `compact()`."""
        with self._lock:
            self._core.remove_rows(rows)
            self._removed.update(np.atleast_1d(rows).tolist())
            self._handles = None

    def compact(self) -> None:
        """Close the slots of removed rows; slots of others change."""
        with self._lock:
            now = self.snapshot()
            keep = np.ones(len(self), np.bool_)
            keep[list(self._removed)] = False
            chain = now.chain._take(keep, now.chain.scope)
            held = now.positions
            kept = Positions(chain, held.contracts[keep], held.rule, held.size, held.meaning)
            self._load(chain, kept, self._share[keep])

    def levels(self, exact: bool = False) -> BookLevels:
        """Levels now.

        Args:
            exact: polish the crossings: what `find_levels` gives on the snapshot, bit for bit;
                else what it gives with polish=False.
        """
        return BookLevels(self._core.levels(exact), self._side, self._gated)

    def regime(self, exact: bool = False) -> BookRegime:
        """Regime now; net and gross summed if `exact`, else read off the profile with a bound."""
        return BookRegime.of(self._core.regime(exact))

    def net(self) -> tuple[float, float]:
        """Net and gross gamma at spot, $ per 1% move."""
        return self._core.net()

    def by_strike(self) -> ByKey:
        """Gamma by strike at spot, $ per 1% move."""
        strikes, net, gross = self._core.by_strike()
        return ByKey(("strike",), strikes, net, gross, "$ per 1% move")

    def profile(self) -> tuple[Float64, Float64]:
        """Spots of the search grid, and net gamma there in $ per 1% move."""
        return self._core.profile()

    def snapshot(self) -> BookSnapshot:
        """The rows of one moment as an immutable chain, with their positions."""
        with self._lock:
            state, template = self._core.state(), self._chain
            as_of = self._moving.as_of
            held = self._positions
        vol = state["implied_vol"]
        columns = dict(template.columns)
        columns.update({name: state[name] for name in ("bid", "ask") if name in columns})
        chain = template._replace(
            spot=state["spot"],
            implied_vol=vol,
            open_interest=state["open_interest"],
            time_to_expiry=state["time_to_expiry"],
            status=state["status"],
            as_of=as_of,
            columns=columns,
            vols=template.vols if template.vols.rule.any() else vendor_vols(vol),
        )
        contracts = state["contracts"]
        contracts.flags.writeable = False
        positions = Positions(chain, contracts, held.rule, held.size, held.meaning)
        return BookSnapshot(chain, positions, state["version"])

    def hedge_ladder(self, *arguments: Any, **options: Any) -> HedgeLadder:
        """`hedge_ladder` of the snapshot."""
        now = self.snapshot()
        return hedge_ladder(now.chain, now.positions, *arguments, **options)

    def __repr__(self) -> str:
        return f"<Book {len(self)} slots, {self._positions.rule}>"


def _per_open_interest(chain: Chain, positions: Positions, weights: Any) -> Float64:
    """Contracts that dealers hold per open contract; NaN where contracts are given."""
    rule, call = positions.rule, chain.is_call
    if rule not in _DERIVED or positions.size != "open_interest":
        return np.full(len(chain), np.nan)
    if rule == "weights":
        given = np.nan if weights is None else weights
        return number_column("weights", given, len(chain))
    if rule == "short_all":
        return np.full(len(chain), -1.0)
    long = {"naive": call, "inverted": ~call}.get(rule, ~out_of_the_money(chain))
    return np.where(long, 1.0, -1.0)


def _series_of(chain: Chain) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Number what settles together at one time; and the first row of each."""
    codes, _, _ = chain.settlements()
    times, years = chain.codes("time_to_expiry")
    _, first, series = np.unique(
        codes * np.int64(len(years)) + times, return_index=True, return_inverse=True
    )
    return series.astype(np.int32), first


def _spread(value: Any, chain: Chain) -> Float64:
    return np.array(np.broadcast_to(value, len(chain)), np.float64)


def _quotes(chain: Chain, name: str) -> Float64:
    return np.asarray(chain.columns.get(name, np.full(len(chain), np.nan)), np.float64)


def _handles(chain: Chain) -> list[Handle]:
    empty = [""] * len(chain)
    roots = empty if chain.root is None else chain.root.astype(str).tolist()
    days = empty if chain.expiry is None else chain.expiry.astype("datetime64[D]").astype(str)
    kinds = np.where(chain.is_call, "C", "P").tolist()
    return list(zip(roots, list(map(str, days)), chain.strike.tolist(), kinds, strict=True))


def _join(one: Chain, other: Chain) -> Chain:
    """Rows of `other` after those of `one`, in the market of `one`."""
    for name in ("root", "expiry"):
        if (getattr(one, name) is None) != (getattr(other, name) is None):
            raise InputError(f"rows: the book and the new rows must both have {name}, or neither")
    if one.as_of != other.as_of and (one.as_of and one.as_of.time) != (
        other.as_of and other.as_of.time
    ):
        raise InputError("rows: their as_of is not that of the book", hint="with_conventions")
    names = ("strike", "is_call", "time_to_expiry", "implied_vol", "open_interest", "multiplier",
             "status", "root", "expiry")  # fmt: skip
    fields = {
        name: np.concatenate([getattr(one, name), getattr(other, name)])
        for name in names
        if getattr(one, name) is not None
    }
    columns = {
        name: np.concatenate([values, other.columns.get(name, np.full(len(other), np.nan))])
        for name, values in one.columns.items()
    }
    old = one.rates
    rates = Rates(
        *(
            np.concatenate([_spread(getattr(c, n), c) for c in (one, other)])
            for n in ("rate", "dividend_yield")
        ),
        source=old.source,
        note=old.note,
    )
    vols = Vols.concat([one.vols, other.vols])
    return one._replace(**fields, columns=columns, rates=rates, vols=vols)
