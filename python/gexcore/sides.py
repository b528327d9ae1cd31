"""Who started a trade: customer buys (+1), sells (-1), unknown (0), by five published rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import _core
from gexcore.columns import number_column
from gexcore.errors import ConventionError, InputError
from gexcore.results import Result, align, frame

RULES = _core.SIDE_RULES
DECISIONS = (*_core.DECISIONS, "given")
QUOTE_STATES = _core.QUOTE_STATES

# Share of option trades with known sides that a rule signs rightly (Savickas and Wilson 2003).
PUBLISHED_ACCURACY: Mapping[str, float] = MappingProxyType(
    {"quote": 0.83, "lee_ready": 0.80, "emo": 0.77, "tick": 0.59}
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sides(Result):
    """The side of every trade, and what it was found from.

    `side` is +1 (customer buys), -1 (sells) or 0 (unknown). `decision` and `quote` are codes into
    `DECISIONS` and `QUOTE_STATES`, explained at `classify`.
    """

    rule: str
    side: npt.NDArray[np.int8]
    decision: npt.NDArray[np.uint8]
    quote: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.side)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Trades by `side`, by `decision` and by state of the `quote`; each adds up to all."""
        sides = {"buy": self.side > 0, "sell": self.side < 0, "unknown": self.side == 0}
        return {
            "side": {name: int(mask.sum()) for name, mask in sides.items()},
            "decision": _tally(self.decision, DECISIONS),
            "quote": _tally(self.quote, QUOTE_STATES),
        }

    def accuracy_against(self, true_side: Any) -> float | None:
        """Share of the classified trades that agree with known sides; None if there are none.

        Args:
            true_side: (n,) +1, -1, or 0 where not known.

        Raises:
            InputError: a wrong length or type.
        """
        known = check_sides("true_side", true_side, len(self))
        both = (known != 0) & (self.side != 0)
        return float((known == self.side)[both].mean()) if both.any() else None

    def columns(self) -> dict[str, Any]:
        """Side, decision and quote of each trade, in words."""
        return {
            "side": self.side,
            "decision": np.array(DECISIONS)[self.decision],
            "quote": np.array(QUOTE_STATES)[self.quote],
        }

    def to_dict(self) -> dict[str, Any]:
        """Rule, number of trades and counts."""
        return {"rule": self.rule, "trades": len(self), **self.counts}

    def to_frame(self) -> Any:
        """A pandas data frame with one row per trade."""
        return frame(self.columns())

    def __repr__(self) -> str:
        found = self.counts["side"]
        return f"<Sides {self.rule}: {found['buy']} buys, {found['sell']} sells of {len(self)}>"

    def __str__(self) -> str:
        rows = [
            [title if first else "", name.replace("_", " "), f"{count:,}"]
            for title, found in self.counts.items()
            for first, (name, count) in zip([True, *[False] * 9], found.items(), strict=False)
        ]
        return f"{self.rule}: {len(self):,} trades\n{align(rows, right=(2,))}"


def _tally(codes: npt.NDArray[np.uint8], names: tuple[str, ...]) -> dict[str, int]:
    found = np.bincount(codes, minlength=len(names))
    return {name: int(count) for name, count in zip(names, found, strict=True)}


def check_rule(rule: str, names: tuple[str, ...] = RULES) -> None:
    """Raise ConventionError unless there is a rule of this name."""
    if rule not in names:
        raise ConventionError(f"rule: there is no {rule!r}", hint=f"rules: {', '.join(names)}")


def check_sides(name: str, value: Any, rows: int) -> npt.NDArray[np.int8]:
    """A column of +1, -1 and 0; NaN becomes 0, anything else is refused."""
    column = np.nan_to_num(number_column(name, value, rows, "price"), nan=0.0)
    wrong = ~np.isin(column, (-1.0, 0.0, 1.0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{name}: row {row} has {column[row]:g}", hint="1 bought, -1 sold, 0 or NaN unknown"
        )
    return column.astype(np.int8)


def number_series(name: str, *columns: Any) -> tuple[tuple[npt.NDArray[np.int32], ...], int]:
    """Number the values of one or more columns alike, from 0.

    Args:
        name: of the argument, for messages.
        *columns: codes, texts or dates; codes that are small are taken as they are.

    Returns:
        int32 codes of each column, and a number above all codes.

    Raises:
        InputError: not one-dimensional, or numbers that are not whole.
    """
    arrays = [np.asarray(column) for column in columns]
    for array in arrays:
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iubUSOMT"):
            raise InputError(
                f"{name}: is {array.dtype} of {array.ndim} dimensions",
                hint="one whole number or text per row",
            )
    full = [array for array in arrays if array.size]
    if all(array.dtype.kind in "iub" for array in full):
        low = min((int(array.min()) for array in full), default=0)
        high = max((int(array.max()) for array in full), default=0)
        if low >= 0 and high < max(4 * sum(map(len, full)), 1 << 16):
            return tuple(a.astype(np.int32, copy=False) for a in arrays), high + 1
    joined = np.concatenate(full)
    if joined.dtype.kind == "O":
        joined = joined.astype(np.str_)
    values, codes = np.unique(joined, return_inverse=True)
    cuts = np.cumsum([len(array) for array in arrays])[:-1]
    return tuple(np.split(codes.astype(np.int32), cuts)), len(values)


def classify(
    price: Any,
    bid: Any = None,
    ask: Any = None,
    *,
    rule: str = "lee_ready",
    contract: Any = None,
) -> Sides:
    """Sign trades by the quote before them, the price before them, or both.

    Args:
        price: (n,) prices, in time order within each contract.
        bid, ask: (n,) the quote that stood when the trade was made (see `previous_quotes`), or
            None for the tick rule.
        rule: "quote": above the mid buys, below sells, at the mid unknown.
            "tick": above the contract's last price buys, below sells; at it, the side of the last
            change (zero tick).
            "lee_ready": quote, at the mid tick.
            "emo": at the ask buys, at the bid sells, else tick.
            "clnv": within 30% of the spread from the ask buys, from the bid sells (both bounds
            included); in between and outside the quote, tick.
        contract: (n,) code, text or OCC symbol of the contract of each trade; contracts may be
            interleaved. None: all trades are of one. Codes from 0 are fastest.

    Prices that agree to 1e-9 are equal. `decision` is "quote", "tick" or "zero_tick"; "undecided"
    where the rule says nothing (at the mid without ticks; no usable quote; before the contract's
    first change of price); "no_price" where the price is NaN, infinite, zero or negative: such a
    row has no side and does not count as a last price. Every other trade does, however it was
    signed. `quote` is "two_sided" (a bid of 0 is a bid), "locked" (bid = ask, usable: the mid is
    both; emo and clnv go to the tick at it), or not usable: "crossed", "negative", "one_sided",
    "no_quote" (both NaN, or an ask of 0 without a bid). A rule that ticks then ticks.

    Returns:
        Sides.

    Raises:
        ConventionError: no such rule, or quotes that it needs are missing.
        InputError: a wrong length or type.

    Source: Lee and Ready (1991); Ellis, Michaely and O'Hara (2000); Chakrabarty, Li, Nguyen and
        Van Ness (2007); accuracies on options: Savickas and Wilson (2003).

    Example:
        >>> found = classify([1.10, 1.05, 1.06, 1.06], bid=1.00, ask=[1.10, 1.10, 1.12, 1.12])
        >>> found.side.tolist(), [DECISIONS[code] for code in found.decision]
        ([1, -1, 1, 1], ['quote', 'tick', 'tick', 'zero_tick'])
    """
    check_rule(rule)
    missing = [name for name, value in (("bid", bid), ("ask", ask)) if value is None]
    if missing and rule != "tick":
        raise ConventionError(
            f"rule: {rule!r} needs {' and '.join(missing)}", hint="rule='tick' takes prices alone"
        )
    series, count = None, 1
    if contract is not None:
        (series,), count = number_series("contract", contract)
        series = np.ascontiguousarray(series)
    low, high = (np.nan if value is None else value for value in (bid, ask))
    found = _core.classify_trades(price, low, high, series, count, RULES.index(rule))
    for column in found:
        column.flags.writeable = False
    return Sides(rule, *found)
