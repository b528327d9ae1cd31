"""A live book: rows change one by one, levels follow within microseconds."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from threading import RLock
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import _core
from gexcore.chain import Chain
from gexcore.errors import ConventionError, InputError
from gexcore.flow import FlowSettings
from gexcore.holdings import Holdings, begin_positions, per_open_interest
from gexcore.levels import SIDES
from gexcore.positions import Positions
from gexcore.reader import BookReader
from gexcore.series import Series
from gexcore.slots import Slots, core_columns, handle_of
from gexcore.trades import Trades
from gexcore.watch import LevelChange, LevelWatch

Int64 = npt.NDArray[np.int64]


class Book(BookReader):
    """Contracts whose quotes, sizes, spot and time move, with levels bit for bit those of a batch.

    Args:
        chain: the contracts to begin with; vols stay with their strikes as spot moves.
        positions: a rule of `assign_positions` (with its `contracts`, `weights`, `size`),
            Positions of this chain, or "flow" for those that `apply_trades` makes. Contracts
            follow open interest where a rule says so; the moneyness of "moneyness" is that of
            the spot of the chain that a row came with.
        side, gated: how walls are chosen, see `find_levels`.

    Every method may be called from any thread; each read is of one moment. Rows have numbers:
    `row()` finds one, a removed row keeps its slot until `compact()`, after which all rows have
    new numbers and the old ones are refused.

    Raises:
        ConventionError: unknown rule or side, or positions of another chain.

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
        begin = begin_positions(chain, positions, contracts=contracts, weights=weights, size=size)
        self._lock = RLock()  # of what Python holds beside the core, which has a lock of its own
        self._side, self._gated = side, bool(gated)
        self._slots, self._holdings = Slots(chain), Holdings(begin)
        self._series, series, settlements = Series.of(chain)
        self._refused = Counter(unknown_contract=0, bad_rows=0)
        self._watch: LevelWatch | None = None
        self._interval, self._next_look = math.inf, math.inf
        share = per_open_interest(chain, begin.rule, begin.size, weights)
        columns = core_columns(chain, begin.contracts, share, series, settlements)
        traded = self._holdings.follow(begin, self._slots)
        if traded is not None:
            columns.update(contracts=np.zeros(len(chain)), traded=traded)
        self._core = _core.Book(chain.spot, self._series.years, side == "gross", self._gated)
        self._core.add_rows({**columns, "days": 0.0}, self._series.years)

    def row(self, root: str, expiry: Any, strike: float, option_type: str) -> int:
        """The number of a contract's row.

        Args:
            root: OCC root; "" where the chain has none.
            expiry: date or ISO text; "" where the chain has no dates.
            strike: price.
            option_type: "C" or "P".

        Raises:
            InputError: the book has no such contract.
        """
        handle = handle_of(root, expiry, strike, option_type)
        with self._lock:
            found = self._slots.find(handle)
            if found is None:
                self._refused["unknown_contract"] += 1
                raise InputError(
                    f"there is no contract {handle}", hint="add_rows takes new contracts"
                )
            return self._core.first_row + found

    def rows(self, handles: Iterable[Sequence[Any]]) -> Int64:
        """The rows of some contracts, each (root, expiry, strike, option type)."""
        with self._lock:
            return np.array([self.row(*handle) for handle in handles], np.int64)

    def __len__(self) -> int:
        return len(self._core)

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
            rows: one row number, or an array or list of them.
            implied_vol: decimal, one per row; NaN or 0 takes a row out of use. Where the chain
                implies all vols from prices, it is kept aside.
            open_interest: contracts; positions follow where their rule says so.
            contracts: signed, dealer long > 0; for positions given as contracts.
            bid, ask: where the chain implied vols from bid, ask or mid, they are solved anew at
                the book's spot and time; out-of-the-money mids set those of a call and a put.

        Raises:
            InputError: no such row, or a wrong length; nothing has changed then.
        """
        self._core.update(rows, implied_vol, open_interest, contracts, bid, ask)
        self._look()

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

        Contracts are those of `from_trades` over all trades so far, bit for bit. Trades of a
        contract that the book has not are kept until it is added.

        Args:
            trades: the next of the tape; all count, whatever the book's time is.
            rule, accuracy, estimate, errors, min_size, max_size, skip_complex: as in
                `gexcore.positions.from_trades`; the same in every call.

        Returns:
            Trades read, left out by reason (those that occur) and used, as `Trades.counts`.

        Raises:
            ConventionError: as `from_trades`, or not the arguments of earlier calls.
            InputError: the trades lack a column; nothing has changed then.
        """
        settings = FlowSettings(rule, accuracy, estimate, errors, min_size, max_size, skip_complex)
        with self._lock:
            counts, slots, taken = self._holdings.trade(trades, settings, self._slots)
            self._core.set_traded(self._core.first_row + slots, taken)
        self._look()
        return counts

    def set_spot(self, spot: float) -> None:
        """Move the underlying; vols stay with their strikes."""
        self._core.set_spot(spot)
        self._look()

    def set_time(self, when: Any) -> None:
        """Let time pass, as `chain_at` does: days ahead, or a time with zone.

        Raises:
            InputError: a time before the book's, or without zone.
        """
        with self._lock:
            try:
                later = self._series.ahead(when)
            except InputError:
                self._refused["bad_time"] += 1
                raise
            self._core.set_years(later.years, later.days)
            self._series = later
        self._look()

    def add_rows(self, chain: Chain, contracts: Any = None) -> Int64:
        """Add the contracts of a chain; returns their row numbers.

        Args:
            chain: of the book's time or before it, by the same clock; roots and dates where the
                book has them. Time passes for it as for the book, vols stay.
            contracts: signed, one per row, where positions are given as contracts.

        Raises:
            InputError: a contract is in the book already, or times do not fit.
        """
        with self._lock:
            try:
                chain, quoted = self._series.meet(chain)
                names = self._slots.admit(chain)
            except InputError:
                self._refused["bad_rows"] += 1
                raise
            joined, series, settlements = self._series.joined_by(chain)
            held, share = self._holdings.of(chain, contracts)
            columns = core_columns(chain, held, share, series, settlements)
            columns.update(traded=self._holdings.taken(names), days=quoted)
            first = self._core.add_rows(columns, joined.years)
            self._holdings.admit(names, len(self._slots))
            self._slots.append(chain, names)
            self._series = joined
        self._look()
        return np.arange(first, first + len(chain), dtype=np.int64)

    def remove_rows(self, rows: Any) -> None:
        """Empty some slots: no vol, no open interest, no contracts, until `compact()`."""
        with self._lock:
            self._core.remove_rows(rows)
            slots = np.atleast_1d(rows) - self._core.first_row
            self._slots.remove(slots)
            self._holdings.remove(slots)
        self._look()

    def compact(self) -> Int64:
        """Close the slots of removed rows.

        Returns:
            New row number of each slot there was, -1 where it was removed. Old numbers are
            refused from now on, so that none of them means another contract.
        """
        with self._lock:
            moved = self._core.compact()
            self._slots.compact(moved >= 0)
            self._holdings.compact(moved >= 0)
        self._look()
        return moved

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
            interval: seconds between two looks at least, for feeds faster than that; a change
                that is not looked at is told with the next write, or by `changes`.

        What a callback raises comes out of the write, which has been done all the same.
        """
        self._watching().on_change(callback)
        self._interval, self._next_look = min(self._interval, interval), -math.inf

    def _watching(self) -> LevelWatch:
        with self._lock:
            if self._watch is None:
                watch = LevelWatch(self)
                watch.poll()
                self._watch = watch
            return self._watch

    def _look(self) -> None:
        if self._next_look == math.inf:  # nobody wants to be told
            return
        now = time.monotonic()
        if now >= self._next_look and self._watch is not None:
            self._next_look = now + self._interval
            self._watch.poll()
