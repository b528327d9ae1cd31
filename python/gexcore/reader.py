"""What can be read of a live book: each answer is of one moment."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import _core
from gexcore.errors import InputError
from gexcore.exposures import ByKey
from gexcore.hedges import HedgeLadder
from gexcore.hedging import hedge_ladder
from gexcore.holdings import Holdings
from gexcore.readings import BookLevels, BookRegime, BookSnapshot, Staleness
from gexcore.series import Series
from gexcore.slots import Slots

Float64 = npt.NDArray[np.float64]


class BookReader:
    """The reads of a `Book`, which holds what is read here."""

    _core: _core.Book
    _lock: AbstractContextManager[Any]
    _slots: Slots
    _series: Series
    _holdings: Holdings
    _refused: Counter[str]
    _side: str
    _gated: bool

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
        return Staleness.of(self.snapshot(), half_life)

    def snapshot(self) -> BookSnapshot:
        """The rows of one moment as an immutable chain, with their positions and levels."""
        with self._lock:
            state, series = self._core.state(), self._series
            chain = self._slots.chain(state, series.as_of)
            positions = self._holdings.positions(chain, state["contracts"])
        ages = {name: state[name] for name in ("quoted", "sized")}
        for column in ages.values():
            column.flags.writeable = False
        return BookSnapshot(
            chain, positions, state["version"], self._side, self._gated, state["first_row"],
            state["days"], **ages,
        )  # fmt: skip

    def counts(self) -> dict[str, int]:
        """What came in that was unusual or was refused, by kind, since the book was made."""
        with self._lock:
            inventory = self._holdings.inventory
            found = Counter(self._core.counts())
            found.update(self._refused)
            return {**found, "late_trades": 0 if inventory is None else inventory.late}

    def hedge_ladder(self, *arguments: Any, **options: Any) -> HedgeLadder:
        """`hedge_ladder` of the snapshot."""
        now = self.snapshot()
        return hedge_ladder(now.chain, now.positions, *arguments, **options)

    def __repr__(self) -> str:
        return f"<Book {len(self._core)} slots, {self._holdings.rule}>"
