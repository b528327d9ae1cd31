"""What customers did so far, trade by trade: the flow that a live book adds to its positions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.errors import ConventionError, InputError
from gexcore.flow import (
    LEFT_OUT,
    Flow,
    FlowSettings,
    deviation_of,
    reasons_of,
    sizes_of,
    worth,
)
from gexcore.sides import Sides, classify
from gexcore.slots import Handle, handles_of
from gexcore.trades import Trades

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

_SUMS = ("bought", "sold", "unknown", "net", "first", "second")
_KINDS = (*LEFT_OUT[-3:], "used")  # what becomes of the trades of a contract that is known
_NEVER = np.iinfo(np.int64).min
# One row per contract that was ever traded.
_ROW = np.dtype(
    [(name, np.float64) for name in (*_SUMS, "price")]
    + [("direction", np.int8), ("time", np.int64), ("slot", np.int64)]
    + [("trades", np.int64, len(_KINDS)), ("contracts", np.float64, len(_KINDS))]
)


class Inventory:
    """Sums over trades by contract, whether the book has it or not, with the bits of a batch.

    Args:
        settings: how trades become flow, the same for all.
        keys: which of root and expiry tell contracts apart.
    """

    def __init__(self, settings: FlowSettings, keys: tuple[str, ...]) -> None:
        self.settings, self._keys = settings, keys
        self._index: dict[Handle, int] = {}
        self._buffer = self._rows = np.zeros(0, _ROW)
        self._dropped: Counter[str] = Counter()  # of trades that name no contract or no size
        self._dropped_size: defaultdict[str, float] = defaultdict(float)
        self._sides: dict[str, Counter[str]] = {}
        self._read = self._used = self.late = 0

    def check(self, settings: FlowSettings) -> None:
        """Raise ConventionError unless trades are signed as they were before."""
        for field in fields(FlowSettings):
            before, now = (getattr(each, field.name) for each in (self.settings, settings))
            per_trade = field.name == "accuracy" and np.ndim(before) and np.ndim(now)
            if not per_trade and (np.ndim(before) != np.ndim(now) or before != now):
                raise ConventionError(
                    f"{field.name}: was {before!r} for the trades before these, now {now!r}",
                    hint="give the same arguments in every call",
                )

    def apply(
        self, trades: Trades, settings: FlowSettings, find: Callable[[Handle], int | None]
    ) -> tuple[dict[str, int], Int64, Float64]:
        """Add trades.

        Args:
            trades: the next ones.
            settings: with the accuracy of these trades.
            find: the slot of a contract, None if the book has it not.

        Returns:
            Counts as of `Trades.counts`; slots whose positions moved, and what dealers took there.

        Raises:
            InputError: the trades lack a column. ConventionError: they lack quotes.
        """
        lacking = [name for name in self._keys if getattr(trades, name) is None]
        if lacking:
            raise InputError(
                f"trades: no {' and '.join(lacking)}, which the book's contracts have",
                hint="Trades.from_arrays(root='SPXW', expiry=..., ...)",
            )
        right = settings.probabilities(len(trades))
        reason = reasons_of(trades, np.zeros(len(trades), np.int64), None, settings)
        at = self._contracts(trades, reason, find)
        sides = self._signed(trades, at)
        self._count(trades, at, reason, sides)
        used = np.flatnonzero(reason == len(LEFT_OUT))
        rows, size = at[used], sizes_of(trades)[used]
        side = sides.side[used].astype(np.float64)
        value, first, second = side * size, np.zeros(len(used)), np.zeros(len(used))
        if right is not None:
            value, first, second = worth(side, size, right[used], settings)
        parts = (size * (side > 0), size * (side < 0), size * (side == 0), value, first, second)
        for name, part in zip(_SUMS, parts, strict=True):
            np.add.at(self._rows[name], rows, part)  # one after the other, as a batch adds them
        slot = np.where(at < 0, -1, self._rows["slot"][at])
        counts = {"read": len(trades)}
        unknown = (reason >= LEFT_OUT.index("unknown_contract")) & (slot < 0)
        told = np.where(unknown, LEFT_OUT.index("unknown_contract"), reason)
        for code, name in enumerate((*LEFT_OUT, "used")):
            found = int((told == code).sum())
            if found or name == "used":
                counts[name] = found
        moved = np.unique(rows)
        moved = moved[self._rows["slot"][moved] >= 0]
        return counts, self._rows["slot"][moved], self._taken(moved)

    @staticmethod
    def can_follow(flow: Flow) -> bool:
        """Whether the sums of a flow can go on: no decay, no cut, errors that add up."""
        settings = flow.settings
        plain = settings.half_life is None and flow.capped is None
        return plain and (settings.accuracy is None or settings.errors == "trade")

    def follow(self, flow: Flow, names: list[Handle]) -> Float64:
        """Begin with the sums of a flow over the contracts named; what dealers took of each."""
        first = None if flow.deviation is None else flow.deviation**2
        columns = (flow.bought, flow.sold, flow.unknown, flow.net, first)
        for name in names:
            self._index.setdefault(name, len(self._index))
        slots = {name: slot for slot, name in reversed(list(enumerate(names)))}
        self._grow([slots[name] for name in self._index])
        at = self._rows["slot"]
        for sums, column in zip(_SUMS, columns, strict=False):
            self._rows[sums] = 0.0 if column is None else column[at]
        self._read, self._used = flow.read, flow.used
        for reason, (trades, size) in flow.dropped.items():
            self._dropped[reason], self._dropped_size[reason] = trades, size
        self._sides = {kind: Counter(tally) for kind, tally in flow.sides.items()}
        return self.taken(names)

    def taken(self, names: list[Handle]) -> Float64:
        """What dealers took of some contracts so far."""
        rows = [self._index.get(name, -1) for name in names]
        return np.array([0.0 if row < 0 else self._taken(row) for row in rows])

    def admit(self, names: list[Handle], slot: int) -> None:
        """Contracts came into the book, from a slot on."""
        for at, name in enumerate(names, slot):
            row = self._index.get(name)
            if row is not None:
                self._rows["slot"][row] = at

    def remove(self, slots: Int64) -> None:
        """Contracts that left the book; their flow is kept for their return."""
        self._rows["slot"][np.isin(self._rows["slot"], slots)] = -1

    def compact(self, slots: Int64) -> None:
        """New slots by old slot, -1 where removed."""
        old = self._rows["slot"]
        self._rows["slot"] = np.where(old >= 0, slots[old] if len(slots) else -1, -1)

    def flow(self, rows: int) -> Flow:
        """What was bought and sold so far, by slot."""
        inside = self._rows["slot"] >= 0
        known, slot = self._rows[inside], self._rows["slot"][inside]
        sums = {}
        for name in _SUMS:
            sums[name] = np.zeros(rows)
            sums[name][slot] = known[name]
            sums[name].flags.writeable = False
        deviation = None
        if self.settings.accuracy is not None:
            deviation = deviation_of(sums["first"], sums["second"], self.settings)
            deviation.flags.writeable = False
        return Flow(
            self.settings, sums["bought"], sums["sold"], sums["unknown"], sums["net"], deviation,
            {name: dict(tally) for name, tally in self._sides.items()}, self._read,
            self._used + int(known["trades"][:, -1].sum()), self._left_out(inside),
        )  # fmt: skip

    def _left_out(self, inside: npt.NDArray[np.bool_]) -> dict[str, tuple[int, float]]:
        trades, size = self._dropped.copy(), self._dropped_size.copy()
        outside = self._rows[~inside]
        trades["unknown_contract"] += int(outside["trades"].sum())
        size["unknown_contract"] += float(outside["contracts"].sum())
        for code, name in enumerate(_KINDS[:-1]):
            trades[name] += int(self._rows["trades"][inside, code].sum())
            size[name] += float(self._rows["contracts"][inside, code].sum())
        return {name: (trades[name], float(size[name])) for name in LEFT_OUT if trades[name]}

    def _taken(self, rows: Any) -> Any:
        return -self._rows["net"][rows] + 0.0  # no -0

    def _contracts(
        self, trades: Trades, reason: Int64, find: Callable[[Handle], int | None]
    ) -> Int64:
        """The row of each trade's contract, -1 where it names none."""
        at = np.full(len(trades), -1, np.int64)
        good = np.flatnonzero(reason != LEFT_OUT.index("bad_contract"))
        root, expiry = (getattr(trades, n) if n in self._keys else None for n in ("root", "expiry"))
        names = handles_of(*(
            None if c is None else c[good] for c in (trades.strike, trades.is_call, root, expiry)
        ))  # fmt: skip
        slots = []
        for i, name in zip(good.tolist(), names, strict=True):
            row = self._index.get(name)
            if row is None:
                row = self._index[name] = len(self._index)
                slot = find(name)
                slots.append(-1 if slot is None else slot)
            at[i] = row
        self._grow(slots)
        return at

    def _grow(self, slots: list[int]) -> None:
        before, rows = len(self._rows), len(self._index)
        if rows > len(self._buffer):
            grown = np.zeros(max(rows, 2 * before), _ROW)
            grown[:before] = self._rows
            self._buffer = grown
        self._rows = self._buffer[:rows]
        self._rows["slot"][before:], self._rows["time"][before:] = slots, _NEVER

    def _count(self, trades: Trades, at: Int64, reason: Int64, sides: Sides) -> None:
        size, self._read = sizes_of(trades), self._read + len(trades)
        for name, tally in sides.counts.items():
            self._sides.setdefault(name, Counter()).update(tally)
        for code, name in enumerate(LEFT_OUT[: -len(_KINDS)]):
            bad = reason == code
            self._dropped[name] += int(bad.sum())
            self._dropped_size[name] += float(size[bad].sum())
        kind = reason - (len(LEFT_OUT) + 1 - len(_KINDS))
        known = np.flatnonzero((kind >= 0) & (at >= 0))
        np.add.at(self._rows["trades"], (at[known], kind[known]), 1)
        np.add.at(self._rows["contracts"], (at[known], kind[known]), size[known])
        if trades.time is not None:
            seen = np.flatnonzero(trades.usable & (at >= 0))
            when = trades.time[seen].astype(np.int64)
            self.late += int((when < self._rows["time"][at[seen]]).sum())
            np.maximum.at(self._rows["time"], at[seen], when)

    def _signed(self, trades: Trades, at: Int64) -> Sides:
        """Sides; rules that tick go on from the last price of each contract."""
        rule = self.settings.rule
        if rule in ("quote", "given") or not len(self._rows):
            return trades.classify(rule)
        order = np.arange(len(at))
        if trades.time is not None:
            order = np.argsort(trades.time, kind="stable")
        rows, codes = np.unique(at[order], return_inverse=True)
        last = self._rows[rows]
        price = np.where(trades.usable, trades.price, np.nan)[order]
        told = np.flatnonzero((rows >= 0) & (last["price"] > 0))
        moved = told[last["direction"][told] != 0]
        # two prices before the first one bring a contract to where the trades before these left it
        step = np.where(last["direction"][moved] > 0, 0.5, 2.0) * last["price"][moved]
        before = np.concatenate([step, last["price"][told]])
        start, codes = len(before), np.concatenate([moved, told, codes]).astype(np.int32)
        nothing = np.full(start, np.nan)
        prices = np.concatenate([before, price])
        bid, ask = (
            None if quote is None else np.concatenate([nothing, quote[order]])
            for quote in (trades.bid, trades.ask)
        )
        found = classify(prices, bid, ask, rule=rule, contract=codes)
        ticks = classify(prices, rule="tick", contract=codes).side
        paid = start + np.flatnonzero((price > 0) & (at[order] >= 0))
        after = self._rows["price"], self._rows["direction"]
        for column, values in zip(after, (prices, ticks), strict=True):
            column[rows[codes[paid]]] = values[paid]  # of several trades the last one stays
        back = start + np.argsort(order)
        return Sides(rule, found.side[back], found.decision[back], found.quote[back])
