"""The quote that stood when a trade was made: the last one before it, never a later one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.columns import number_column
from gexcore.errors import InputError
from gexcore.results import Result, frame
from gexcore.sides import number_series

Float64 = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PreviousQuotes(Result):
    """Bid and ask before each trade, NaN where there is none.

    `bid_row` and `ask_row` are the rows of the quotes that they come from, -1 where there is none.
    """

    bid: Float64
    ask: Float64
    bid_row: Integers
    ask_row: Integers
    no_earlier: int
    too_old: int

    def __len__(self) -> int:
        return len(self.bid)

    @property
    def counts(self) -> dict[str, int]:
        """Trades with both sides, one, or none; `none` splits into `no_earlier` and `too_old`."""
        sides = np.isfinite(self.bid).astype(np.int64) + np.isfinite(self.ask)
        both, one, none = (int((sides == n).sum()) for n in (2, 1, 0))
        return {"two_sided": both, "one_sided": one, "none": none, "no_earlier": self.no_earlier,
                "too_old": self.too_old}  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Number of trades and counts."""
        return {"trades": len(self), **self.counts}

    def to_frame(self) -> Any:
        """A pandas data frame with one row per trade."""
        names = ("bid", "ask", "bid_row", "ask_row")
        return frame({name: getattr(self, name) for name in names})

    def __repr__(self) -> str:
        return f"<PreviousQuotes {self.counts['two_sided']} of {len(self)} trades quoted>"

    def __str__(self) -> str:
        parts = [f"{count:,} {name.replace('_', ' ')}" for name, count in self.counts.items()]
        return f"{len(self):,} trades: {', '.join(parts)}"


def previous_quotes(
    trade_time: Any,
    quote_time: Any,
    bid: Any,
    ask: Any,
    *,
    trade_contract: Any = None,
    quote_contract: Any = None,
    max_age: Any = None,
    strict: bool = True,
    carry_sides: bool = False,
) -> PreviousQuotes:
    """Find the last quote before each trade, contract by contract.

    A bar is stamped at its start and its quote is that of its end, so the quote of the trade bar's
    own stamp lies in the future of its trades: with `strict` only earlier stamps count.

    Args:
        trade_time: (n,) datetime64 or numbers, in any order.
        quote_time: (m,) of the same kind, in any order; of equal stamps the last row counts.
        bid, ask: (m,) quotes, NaN = missing.
        trade_contract, quote_contract: (n,) and (m,) codes or texts; None: all are of one contract.
        max_age: oldest quote that counts, trade time less quote time: timedelta64 or timedelta for
            datetime64, a number for numbers.
        strict: the stamp of the quote lies before that of the trade; False: at or before it, for
            quotes stamped when they were made.
        carry_sides: a missing side is the last known one, for feeds that write only the side that
            changed; each side has its own age. False: a missing side is missing.

    Returns:
        PreviousQuotes; a time that is NaT or NaN has, or is, no quote.

    Raises:
        InputError: wrong lengths or types, one contract column without the other, max_age <= 0.

    Example:
        >>> found = previous_quotes([60, 120], [0, 60, 120], [1.0, np.nan, 3.0], [1.1, 1.2, 3.1])
        >>> found.bid.tolist(), found.ask.tolist(), found.counts["one_sided"]
        ([1.0, nan], [1.1, 1.2], 1)
        >>> previous_quotes([120], [0, 60], [1.0, np.nan], [1.1, 1.2], carry_sides=True).bid
        array([1.])
    """
    when, stamp = _times("trade_time", trade_time), _times("quote_time", quote_time)
    if not (when.size and stamp.size):
        when = when.astype(stamp.dtype) if stamp.size else when
        stamp = stamp.astype(when.dtype)
    if (when.dtype.kind == "M") != (stamp.dtype.kind == "M"):
        raise InputError(f"quote_time: is {stamp.dtype}, but trade_time is {when.dtype}")
    limit = None if max_age is None else _limit(max_age, when.dtype.kind == "M")
    prices = [
        number_column(name, x, len(stamp), "quote_time") for name, x in (("bid", bid), ("ask", ask))
    ]
    codes = _codes(trade_contract, quote_contract, len(when), len(stamp))
    order, at = _search(when, stamp, *codes, "left" if strict else "right")
    # one more quote, of no contract, for the trades whose place is -1
    stamp = np.append(
        stamp[order], np.full(1, "NaT" if stamp.dtype.kind == "M" else 0, stamp.dtype)
    )
    contract = np.append(codes[1][order], -1)

    def last(known: npt.NDArray[np.bool_]) -> Integers:
        """Places of the last quotes that are known, of the same contract; else -1."""
        places = np.maximum.accumulate(np.where(known, np.arange(len(order)), -1))
        found = np.append(places, -1)[at]
        return np.where(contract[found] == codes[0], found, -1)

    anything = np.ones(len(order), np.bool_)
    earlier, aged = last(anything) >= 0, np.zeros(len(when), np.bool_)
    columns = []
    for price in prices:
        place = last(np.isfinite(price[order]) if carry_sides else anything)
        if limit is not None:
            old = (place >= 0) & (when - stamp[place] > limit)
            aged |= old
            place[old] = -1
        value = np.append(price[order], np.nan)[place]
        columns += [value, np.where(np.isnan(value), -1, np.append(order, -1)[place])]
    bids, bid_row, asks, ask_row = columns
    for column in columns:
        column.flags.writeable = False
    too_old = aged & (bid_row < 0) & (ask_row < 0)
    return PreviousQuotes(bids, asks, bid_row, ask_row, int((~earlier).sum()), int(too_old.sum()))


def _times(name: str, value: Any) -> npt.NDArray[Any]:
    column = np.asarray(value)
    if column.ndim != 1 or (column.size and column.dtype.kind not in "iufM"):
        raise InputError(
            f"{name}: is {column.dtype} of {column.ndim} dimensions",
            hint="datetime64 or numbers, one-dimensional; gexcore.timestamps.utc_times reads text",
        )
    return column.astype("datetime64[ns]") if column.dtype.kind == "M" else column


def _limit(max_age: Any, of_dates: bool) -> Any:
    limit: Any = np.nan
    if of_dates and isinstance(max_age, np.timedelta64 | timedelta):
        limit = np.timedelta64(max_age).astype("timedelta64[ns]")
    elif not of_dates and isinstance(max_age, int | float | np.integer | np.floating):
        limit = np.nan if isinstance(max_age, bool | np.timedelta64) else float(max_age)
    if not limit > limit * 0:
        kind = "a timedelta64 or timedelta" if of_dates else "a number"
        raise InputError(f"max_age: is {max_age!r}", hint=f"{kind} > 0, as the times are")
    return limit


def _codes(trade: Any, quote: Any, trades: int, quotes: int) -> tuple[Integers, Integers]:
    if (trade is None) != (quote is None):
        raise InputError("trade_contract and quote_contract go together", hint="give both")
    if trade is None:
        return np.zeros(trades, np.int64), np.zeros(quotes, np.int64)
    codes, _ = number_series("trade_contract and quote_contract", trade, quote)
    for name, column, rows in zip(("trade", "quote"), codes, (trades, quotes), strict=True):
        if len(column) != rows:
            raise InputError(f"{name}_contract: {len(column)} rows, but {name}_time has {rows}")
    return codes[0].astype(np.int64), codes[1].astype(np.int64)


def _search(
    when: npt.NDArray[Any], stamp: npt.NDArray[Any], trade: Integers, quote: Integers, side: Any
) -> tuple[Integers, Integers]:
    """Quotes by contract and time, without those of no time; where each trade stands in them."""
    usable = np.flatnonzero(~_missing(stamp))
    moments, rank = np.unique(np.concatenate([when, stamp[usable]]), return_inverse=True)
    key = np.concatenate([trade, quote[usable]]) * (len(moments) + 1) + rank
    order = np.argsort(key[len(when) :], kind="stable")
    at = np.searchsorted(key[len(when) :][order], key[: len(when)], side) - 1
    at[_missing(when)] = -1
    return usable[order], at


def _missing(times: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    return np.isnat(times) if times.dtype.kind == "M" else np.isnan(times.astype(np.float64))
