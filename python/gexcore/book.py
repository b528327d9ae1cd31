"""A live book: rows change one by one, levels follow within microseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
from gexcore.horizon import chain_at, days_ahead
from gexcore.implied_vols import vendor_vols
from gexcore.levels import SIDES
from gexcore.positions import Positions, assign_positions
from gexcore.readings import BookLevels, BookRegime, BookSnapshot, Staleness
from gexcore.slots import Handle, handles_of, join, per_open_interest, quotes, series_of, spread
from gexcore.trades import Trades
from gexcore.watch import LevelChange, LevelWatch

Float64 = npt.NDArray[np.float64]


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
        >>> book = Book(gex.synthetic_chain())
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
        self._watch: LevelWatch | None = None
        self._side, self._gated = side, bool(gated)
        none = np.zeros(len(chain))
        clock: dict[str, Any] = {"version": 0, "anchors": 0, "days": 0.0}
        clock |= {"quoted": none, "sized": none}
        share = per_open_interest(chain, positions, weights)
        self._load(chain, positions, share, none.astype(np.bool_), clock)

    def _load(
        self,
        chain: Chain,
        positions: Positions,
        share: Float64,
        removed: npt.NDArray[np.bool_],
        state: dict[str, Any],
    ) -> None:
        """Start from a chain whose rows become the slots; counters and clock go on."""
        series, first = series_of(chain)
        mask = np.zeros(len(chain), np.bool_)
        mask[first] = True
        moving = chain._take(mask, chain.scope)  # one row of each series ...
        order = np.argsort(np.argsort(first))  # ... in the order of their numbers
        years = np.asarray(moving.time_to_expiry[order])
        core = _core.Book(
            chain.spot, years, self._side == "gross", self._gated, state["version"],
            state["anchors"], state["days"],
        )  # fmt: skip
        core.add_rows(
            chain.strike, chain.multiplier, spread(chain.rate, chain),
            spread(chain.dividend_yield, chain), share, series, chain.is_call, chain.status,
            chain.implied_vol, chain.open_interest, positions.contracts, quotes(chain, "bid"),
            quotes(chain, "ask"), state["quoted"], state["sized"], removed, years,
        )  # fmt: skip
        self._chain, self._positions, self._share, self._removed = chain, positions, share, removed
        self._moving, self._order, self._days = moving, order, state["days"]
        self._handles: dict[Handle, int] | None = None
        self._core = core

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
            named = list(enumerate(handles_of(self._chain)))
            # the first of duplicates is the one that is used
            self._handles = {h: i for i, h in reversed(named) if not self._removed[i]}
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

    def apply_trades(
        self,
        trades: Trades,
        rule: str = "lee_ready",
        accuracy: Any = None,
        *,
        estimate: str = "mean",
        errors: str = "trade",
        min_size: float | None = None,
        max_size: float | None = None,
        skip_complex: bool = False,
    ) -> dict[str, int]:
        """Let customers trade: what they buy net, dealers sell, on top of what dealers held.

        Args:
            trades: the next of the tape, in any order within this call.
            rule, accuracy, estimate, errors, min_size, max_size, skip_complex: as in
                `gexcore.positions.from_trades`; the same in every call.

        Returns:
            Trades read, left out by reason (those that occur) and used, as `Trades.counts`.
        """
        raise NotImplementedError

    def set_spot(self, spot: float) -> None:
        """Move the underlying; vols stay with their strikes."""
        self._core.set_spot(spot)

    def set_time(self, when: Any) -> None:
        """Let time pass, as `chain_at` does: days ahead, or a time with zone.

        Raises:
            InputError: a time before the book's, or without zone.
        """
        with self._lock:
            days = self._days + days_ahead(self._moving, when)
            moved = chain_at(self._moving, when)
            self._core.set_years(np.asarray(moved.time_to_expiry[self._order]), days)
            self._moving, self._days = moved, days

    def add_rows(self, chain: Chain, contracts: Any = None) -> npt.NDArray[np.int64]:
        """Add the contracts of a chain; returns their slots.

        Args:
            chain: with the time of this book; roots and dates where the book has them.
            contracts: signed, one per row, where positions are given as contracts.

        Raises:
            InputError: a contract is in the book already, or times do not fit.
        """
        with self._lock:
            now, state = self._snapshot()
            known = self._index()
            twice = [handle for handle in handles_of(chain) if handle in known]
            if twice:
                raise InputError(f"rows: {twice[0]} is in the book already", hint="update it")
            joined, old = join(now.chain, chain), self._positions
            held = number_column("contracts", 0.0 if contracts is None else contracts, len(chain))
            share = per_open_interest(chain, Positions(chain, held, *_kind(old)), None)
            held = np.concatenate([now.positions.contracts, held])
            for name in ("quoted", "sized"):
                state[name] = np.concatenate([state[name], np.full(len(chain), state["days"])])
            self._load(
                joined,
                Positions(joined, held, *_kind(old)),
                np.concatenate([self._share, share]),
                np.concatenate([self._removed, np.zeros(len(chain), np.bool_)]),
                {**state, "version": state["version"] + 1},
            )
            return np.arange(len(now.chain), len(joined), dtype=np.int64)

    def remove_rows(self, rows: Any) -> None:
        """Empty some slots: no vol, no open interest, no contracts, until `compact()`."""
        with self._lock:
            self._core.remove_rows(rows)
            removed = self._removed.copy()
            removed[rows] = True
            self._removed, self._handles = removed, None

    def compact(self) -> None:
        """Close the slots of removed rows; other rows get new slots."""
        with self._lock:
            now, state = self._snapshot()
            keep = ~self._removed
            chain = now.chain._take(keep, now.chain.scope)
            held = Positions(chain, now.positions.contracts[keep], *_kind(now.positions))
            state.update({name: state[name][keep] for name in ("quoted", "sized")})
            self._load(chain, held, self._share[keep], self._removed[keep], state)

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

    def staleness(self, half_life: float = 24.0) -> Staleness:
        """How old quotes and sizes are on the book's clock.

        Args:
            half_life: hours after which a quote counts half in the age-weighted coverage.

        Raises:
            InputError: half_life is not positive.
        """
        if not half_life > 0:
            raise InputError(f"half_life: {half_life} is not a time", hint="hours, above 0")
        now, state = self._snapshot()
        return Staleness.of(now, state, half_life)

    def changes(self, since: int = 0) -> list[LevelChange]:
        """Look at the book; the changes of its levels with a sequence number above `since`.

        Spot on the other side of zero gamma, a wall elsewhere, another regime: what outlasts a
        flicker, see `LevelWatch`. Looking starts with the first call of this or `on_change`.
        """
        watch = self._watching()
        watch.poll()
        return watch.changes(since)

    def on_change(self, callback: Callable[[LevelChange], Any], interval: float = 0.0) -> None:
        """Call a function with each change of the levels, right after the write that made it.

        Args:
            callback: takes a `LevelChange`; may read and change the book.
            interval: seconds between two looks at least; `changes` looks at once.

        What a callback raises comes out of the write, which has been done all the same.
        """
        self._watching().on_change(callback)

    def _watching(self) -> LevelWatch:
        with self._lock:
            if self._watch is None:
                self._watch = LevelWatch(self)
                self._watch.poll()
            return self._watch

    def snapshot(self) -> BookSnapshot:
        """The rows of one moment as an immutable chain, with their positions."""
        return self._snapshot()[0]

    def _snapshot(self) -> tuple[BookSnapshot, dict[str, Any]]:
        with self._lock:
            state, template, held = self._core.state(), self._chain, self._positions
            as_of = self._moving.as_of
        columns = dict(template.columns)
        columns.update({name: state[name] for name in ("bid", "ask") if name in columns})
        moved = ("spot", "implied_vol", "open_interest", "time_to_expiry", "status")
        vols = template.vols if template.vols.rule.any() else vendor_vols(state["implied_vol"])
        chain = template._replace(
            **{name: state[name] for name in moved}, as_of=as_of, columns=columns, vols=vols
        )
        contracts = state["contracts"]
        contracts.flags.writeable = False
        positions = Positions(chain, contracts, *_kind(held))
        return BookSnapshot(chain, positions, state["version"]), state

    def hedge_ladder(self, *arguments: Any, **options: Any) -> HedgeLadder:
        """`hedge_ladder` of the snapshot."""
        now = self.snapshot()
        return hedge_ladder(now.chain, now.positions, *arguments, **options)

    def __repr__(self) -> str:
        return f"<Book {len(self)} slots, {self._positions.rule}>"


def _kind(positions: Positions) -> tuple[str, str, str]:
    return positions.rule, positions.size, positions.meaning
