"""Who holds what in a live book: the rule of its positions, and customers' trades on top."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.chain import Chain
from gexcore.columns import number_column
from gexcore.errors import ConventionError
from gexcore.flow import FlowSettings
from gexcore.inventory import Inventory
from gexcore.positions import RULES, Positions, assign_positions, out_of_the_money
from gexcore.slots import Column, Handle, Slots
from gexcore.trades import Trades

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

_DERIVED = ("naive", "short_all", "inverted", "moneyness", "weights")


def begin_positions(chain: Chain, positions: Positions | str, **arguments: Any) -> Positions:
    """Positions as `assign_positions` has them, or given; "flow" begins with nothing.

    Raises:
        ConventionError: as `assign_positions`, or positions of another chain.
    """
    if isinstance(positions, Positions):
        if positions.chain is not chain:
            raise ConventionError("positions belong to another chain")
        return positions
    if positions == "flow" and arguments["contracts"] is None and arguments["weights"] is None:
        return Positions(chain, np.zeros(len(chain)), "flow", "contracts", RULES["flow"].meaning)
    return assign_positions(chain, positions, **arguments)


def per_open_interest(chain: Chain, rule: str, size: str, weights: Any = None) -> Float64:
    """Contracts that dealers hold per open contract; NaN where contracts are given."""
    if rule not in _DERIVED or size != "open_interest":
        return np.full(len(chain), np.nan)
    if rule == "weights":
        return number_column("weights", np.nan if weights is None else weights, len(chain))
    if rule == "short_all":
        return np.full(len(chain), -1.0)
    short = out_of_the_money(chain) if rule == "moneyness" else chain.is_call != (rule == "naive")
    return np.where(short, -1.0, 1.0)


class Holdings:
    """The rule, deviations by slot, and the inventory once there are trades."""

    def __init__(self, positions: Positions) -> None:
        self.rule, self._size = positions.rule, positions.size
        self._meaning, chain = positions.meaning, positions.chain
        self._keys = tuple(n for n in ("root", "expiry") if getattr(chain, n) is not None)
        self._deviation = None if positions.deviation is None else Column(positions.deviation)
        self.inventory: Inventory | None = None

    def follow(self, positions: Positions, slots: Slots) -> Float64 | None:
        """Go on from the flow that positions were made of, if it can be; what dealers took."""
        flow = positions.flow
        if flow is None or not Inventory.can_follow(flow):
            return None
        self._deviation = None
        self.inventory = Inventory(replace(flow.settings, until=None), self._keys)
        return self.inventory.follow(flow, slots.names())

    def of(self, chain: Chain, contracts: Any) -> tuple[Float64, Float64]:
        """Contracts held of new rows, and per open contract."""
        held = number_column("contracts", 0.0 if contracts is None else contracts, len(chain))
        return held, per_open_interest(chain, self.rule, self._size)

    def taken(self, names: list[Handle]) -> Float64:
        """What dealers took of new rows before they came into the book."""
        return np.zeros(len(names)) if self.inventory is None else self.inventory.taken(names)

    def admit(self, names: list[Handle], slot: int) -> None:
        """New rows are in the book."""
        if self._deviation is not None:
            self._deviation.append(np.zeros(len(names)), len(names))
        if self.inventory is not None:
            self.inventory.admit(names, slot)

    def remove(self, slots: Int64) -> None:
        """Rows left the book."""
        if self.inventory is not None:
            self.inventory.remove(slots)

    def compact(self, kept: npt.NDArray[np.bool_]) -> None:
        """Removed rows lost their slots."""
        if self._deviation is not None:
            self._deviation.keep(kept)
        if self.inventory is not None:
            self.inventory.compact(np.where(kept, np.cumsum(kept) - 1, -1))

    def trade(
        self, trades: Trades, settings: FlowSettings, slots: Slots
    ) -> tuple[dict[str, int], Int64, Float64]:
        """Add trades; counts, slots whose positions moved, and what dealers took there so far."""
        inventory = self.inventory or Inventory(settings, self._keys)
        inventory.check(settings)
        found = inventory.apply(trades, settings, slots.find)
        self.inventory = inventory
        return found

    def positions(self, chain: Chain, contracts: Float64) -> Positions:
        """The positions of a moment."""
        contracts.flags.writeable = False
        deviation = None if self._deviation is None else self._deviation.view
        meaning, flow = self._meaning, None
        if self.inventory is not None:
            flow = self.inventory.flow(len(chain))
            if self.rule != "flow":
                meaning += ", and took the other side of customers' trades since"
            if flow.deviation is not None:
                both = flow.deviation if deviation is None else np.hypot(deviation, flow.deviation)
                both.flags.writeable = False
                deviation = both
        return Positions(chain, contracts, self.rule, self._size, meaning, deviation, flow)
