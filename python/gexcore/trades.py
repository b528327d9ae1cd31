"""Trades of option contracts: columns, one row per trade, and what makes a row unusable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.chain import Chain
from gexcore.clock import as_expiry_dates
from gexcore.columns import number_column, object_column
from gexcore.errors import InputError
from gexcore.frames import calls_of, frame_column, frame_columns
from gexcore.quotes import PreviousQuotes, previous_quotes
from gexcore.results import Result, frame, plain
from gexcore.sides import DECISIONS, RULES, Sides, check_rule, check_sides, classify
from gexcore.timestamps import utc_times

__all__ = ["RULES", "PreviousQuotes", "Sides", "Trades", "classify", "previous_quotes"]

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

# Why a row cannot be used, first match counts; a row without any of these has status USED.
REASONS = (
    "bad_contract",  # strike or type that cannot be, no expiration date, no root
    "bad_time",
    "bad_size",  # NaN, infinite, zero or negative
    "bad_price",  # the same
)
USED = len(REASONS)

_KEYS = ("root", "expiry", "strike", "option_type")
_COLUMNS = (*_KEYS, "time", "price", "size", "bid", "ask", "is_complex", "true_side")
_ROOT_BITS, _DAY_BITS, _STRIKE_BITS = 14, 17, 31  # and one of type; strikes in thousandths


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Trades(Result):
    """Trades as columns of one length, in the order they were given; immutable.

    Made by `from_arrays`, `from_frame` or a reader of `gexcore.io`. Every row is kept; those that
    cannot be used carry a reason in `status` and are counted. Columns not given are None.
    """

    strike: Float64
    is_call: Bool
    price: Float64
    size: Float64
    status: npt.NDArray[np.uint8]
    root: npt.NDArray[np.str_] | None = None
    expiry: npt.NDArray[np.datetime64] | None = None
    time: npt.NDArray[np.datetime64] | None = None  # UTC
    bid: Float64 | None = None
    ask: Float64 | None = None
    is_complex: Bool | None = None
    true_side: npt.NDArray[np.int8] | None = None
    source: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.__slots__:
            column = getattr(self, name)
            if isinstance(column, np.ndarray):
                column.flags.writeable = False
        object.__setattr__(self, "source", MappingProxyType(dict(self.source)))

    @classmethod
    def from_arrays(
        cls,
        *,
        strike: Any,
        option_type: Any,
        price: Any,
        size: Any,
        time: Any = None,
        zone: str | None = None,
        expiry: Any = None,
        root: Any = None,
        bid: Any = None,
        ask: Any = None,
        is_complex: Any = None,
        true_side: Any = None,
        source: Mapping[str, Any] | None = None,
    ) -> Trades:
        """Build trades from arrays of one length, or single values that hold for every trade.

        Args:
            strike, option_type, expiry, root: the contract: price, text that begins with C or P,
                date, OCC root. `expiry` and `root` are needed if the chain has them.
            price, size: (n,) what was paid per unit, and how many contracts.
            time: (n,) when, datetime64, ISO text or datetimes; None: rows are in time order.
            zone: what times without a zone are in ("UTC", "America/New_York"); None refuses them.
            bid, ask: (n,) the quote that stood when the trade was made, see `previous_quotes`.
            is_complex: (n,) booleans, legs of multi-leg orders.
            true_side: (n,) +1 customer bought, -1 sold, 0 or NaN unknown, where somebody knows.
            source: where the trades come from, for the manifest.

        Returns:
            Trades; a row with a value that cannot be is kept and counted, never an error.

        Raises:
            InputError: lengths differ, a column has the wrong type, or times have no zone.

        Example:
            >>> trades = Trades.from_arrays(strike=[95.0, 105.0], option_type=["P", "C"],
            ...     price=[1.10, 0.0], size=[5, 2], bid=1.00, ask=1.10)
            >>> trades.counts, trades.classify().side.tolist()
            ({'read': 2, 'bad_price': 1, 'used': 1}, [1, 0])
        """
        rows = len(number_column("price", price, np.size(price)))
        if np.ndim(price) != 1:
            raise InputError("price: one-dimensional array needed", hint="one price per trade")
        is_call, untyped = calls_of(object_column("option_type", option_type, rows, "price"))
        numbers: dict[str, Any] = {
            name: None if value is None else number_column(name, value, rows, "price")
            for name, value in (
                ("strike", strike), ("price", price), ("size", size), ("bid", bid), ("ask", ask),
            )
        }  # fmt: skip
        roots = None if root is None else _stripped(object_column("root", root, rows, "price"))
        days = (
            None
            if expiry is None
            else as_expiry_dates(object_column("expiry", expiry, rows, "price"))
        )
        when = None if time is None else utc_times("time", time, rows, zone)
        complex_ = None if is_complex is None else _flags("is_complex", is_complex, rows)
        side = None if true_side is None else check_sides("true_side", true_side, rows)
        key = _pack(numbers["strike"], is_call, days, None)
        wrong = untyped | (key < 0) | (False if roots is None else roots == "")
        found = [wrong, np.zeros(rows, bool) if when is None else np.isnat(when)]
        found += [~((x > 0) & (x < np.inf)) for x in (numbers["size"], numbers["price"])]
        status = np.argmax([*found, np.ones(rows, bool)], axis=0).astype(np.uint8)
        return cls(
            is_call=is_call, status=status, root=roots, expiry=days, time=when,
            is_complex=complex_, true_side=side, source=source or {}, **numbers,
        )  # fmt: skip

    @classmethod
    def from_frame(
        cls, df: Any, *, columns: Mapping[str, str] | None = None, **options: Any
    ) -> Trades:
        """Build trades from a pandas data frame, or anything with `columns` and `df[name]`.

        Args:
            df: one row per trade; columns by the names of `from_arrays`, others are left aside.
            columns: their name -> ours.
            **options: whatever `from_arrays` takes and the frame does not hold (`root`, `zone`).

        Returns:
            Trades.

        Raises:
            InputError: a needed column is missing, has the wrong type, or is given twice.

        Example:
            >>> import pandas as pd
            >>> df = pd.DataFrame({"K": [95.0], "option_type": ["P"], "price": [1.1], "qty": [5]})
            >>> Trades.from_frame(df, columns={"K": "strike", "qty": "size"})
            <Trades: 1 trades, 1 used>
        """
        theirs = {str(label): column for label, column in frame_columns(df)}
        ours = {name: name for name in theirs}
        for name, wanted in (columns or {}).items():
            if name not in theirs or wanted not in _COLUMNS:
                what, hint = (name, theirs) if name not in theirs else (wanted, _COLUMNS)
                raise InputError(
                    f"columns: there is no {what!r}", hint=f"there are {', '.join(hint)}"
                )
            ours[name] = wanted
        found: dict[str, Any] = {}
        for name, wanted in ours.items():
            if wanted not in _COLUMNS:
                continue
            if wanted in found or wanted in options:
                raise InputError(f"{wanted}: is given twice", hint="rename one of them")
            column = theirs[name]
            found[wanted] = column if wanted == "time" else frame_column(column)
        needed = ("strike", "option_type", "price", "size")
        missing = [name for name in needed if name not in found and name not in options]
        if missing:
            raise InputError(
                f"{', '.join(missing)}: missing from the frame",
                hint="map the frame's names with columns={'theirs': 'ours'}",
            )
        return cls.from_arrays(**{"source": {"vendor": "data frame"}, **found, **options})

    def __len__(self) -> int:
        return len(self.price)

    @property
    def usable(self) -> Bool:
        """Rows without a reason against them."""
        return np.asarray(self.status == USED)

    @property
    def counts(self) -> dict[str, int]:
        """Rows read, unusable by reason (those that occur), and used."""
        rows = np.bincount(self.status, minlength=USED + 1).tolist()
        bad = {name: n for name, n in zip(REASONS, rows, strict=False) if n}
        return {"read": len(self), **bad, "used": rows[USED]}

    def with_quotes(self, quotes: PreviousQuotes) -> Trades:
        """The same trades with the bid and ask of a join."""
        if len(quotes) != len(self):
            raise InputError(f"quotes: {len(quotes)} rows for {len(self)} trades")
        return replace(self, bid=quotes.bid, ask=quotes.ask)

    def keys(self) -> npt.NDArray[np.int64]:
        """One number per contract, -1 where the row names none; equal for equal contracts."""
        roots = None if self.root is None else _root_codes(self.root)
        key = _pack(self.strike, self.is_call, self.expiry, roots)
        key[self.status == REASONS.index("bad_contract")] = -1
        return key

    def rows_in(self, chain: Chain) -> npt.NDArray[np.int64]:
        """The chain's row of each trade's contract, -1 where it has none.

        Contracts are matched by strike, type, and whichever of expiry and root the chain has; of
        equal contracts the chain's first.

        Raises:
            InputError: the chain has a key that the trades lack.
        """
        named = [n for n in ("root", "expiry") if getattr(chain, n) is not None]
        lacking = [name for name in named if getattr(self, name) is None]
        if lacking:
            raise InputError(
                f"trades: no {' and '.join(lacking)}, which the chain's contracts have",
                hint="Trades.from_arrays(root='SPXW', expiry=..., ...)",
            )
        codes: list[Any] = [None, None]
        if chain.root is not None and self.root is not None:
            both = np.concatenate([_stripped(chain.root), self.root])
            joint = _root_codes(both)
            codes = [joint[: len(chain)], joint[len(chain) :]]
        dated = "expiry" in named
        theirs = _pack(chain.strike, chain.is_call, chain.expiry, codes[0])
        ours = _pack(self.strike, self.is_call, self.expiry if dated else None, codes[1])
        ours[self.status == REASONS.index("bad_contract")] = -1
        distinct, first = np.unique(theirs, return_index=True)
        place = np.minimum(np.searchsorted(distinct, ours), max(len(distinct) - 1, 0))
        if not len(chain):
            return np.full(len(self), -1)
        return np.where((distinct[place] == ours) & (ours >= 0), first[place], -1)

    def classify(self, rule: str = "lee_ready") -> Sides:
        """Sign these trades, each contract in time order; see `gexcore.trades.classify`.

        Args:
            rule: one of `RULES`, or "given" for `true_side`.

        Returns:
            Sides, row by row; an unusable row has no price.

        Raises:
            ConventionError: no such rule, or it needs quotes. InputError: no true_side is given.
        """
        check_rule(rule, (*RULES, "given"))
        if rule == "given" and self.true_side is None:
            raise InputError("rule 'given': the trades have no true_side", hint="true_side=")
        rows = np.arange(len(self)) if self.time is None else np.argsort(self.time, kind="stable")
        price = np.where(self.usable, self.price, np.nan)
        columns = [None if x is None else x[rows] for x in (price, self.bid, self.ask)]
        asked = "tick" if rule == "given" else rule
        found = classify(*columns, rule=asked, contract=self.keys()[rows])
        side = np.empty_like(found.side)
        decision, quote = np.empty_like(found.decision), np.empty_like(found.quote)
        side[rows], decision[rows], quote[rows] = found.side, found.decision, found.quote
        if self.true_side is not None and rule == "given":
            side = np.where(self.usable, self.true_side, np.int8(0))
            known = np.where(side == 0, DECISIONS.index("undecided"), DECISIONS.index("given"))
            decision = np.where(self.usable, known, decision).astype(np.uint8)
        for column in (side, decision, quote):
            column.flags.writeable = False
        return Sides(rule, side, decision, quote)

    def columns(self) -> dict[str, Any]:
        """The columns that are given, `option_type` and `status` in words."""
        parts = {name: getattr(self, name, None) for name in _COLUMNS}
        parts["option_type"] = np.where(self.is_call, "C", "P")
        parts["status"] = np.array([*REASONS, "used"])[self.status]
        return {name: column for name, column in parts.items() if column is not None}

    def to_dict(self) -> dict[str, Any]:
        """Counts and source; the columns are arrays of the trades."""
        return {**self.counts, "source": plain(self.source)}

    def to_frame(self) -> Any:
        """A pandas data frame with one row per trade."""
        return frame(self.columns())

    def __repr__(self) -> str:
        return f"<Trades: {len(self)} trades, {self.counts['used']} used>"

    def __str__(self) -> str:
        volume = float(self.size[self.usable].sum())
        bad = ", ".join(f"{self.counts.get(r, 0):,} {r.replace('_', ' ')}" for r in REASONS)
        return f"{len(self):,} trades, {volume:,.0f} contracts in those used; unusable: {bad}"


def _stripped(column: npt.NDArray[Any]) -> npt.NDArray[np.str_]:
    text = np.char.strip(column.astype(np.str_))
    return np.where(np.isin(text, ("None", "nan", "NaN", "<NA>")), "", text)


def _flags(name: str, value: Any, rows: int) -> Bool:
    column = object_column(name, value, rows, "price")
    if column.dtype.kind != "b" and rows:
        raise InputError(f"{name}: is {column.dtype}, not boolean", hint="True for legs")
    return column.astype(np.bool_)


def _root_codes(root: npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
    """Distinct roots numbered; those of up to nine ASCII letters as numbers, which sort faster."""
    column: npt.NDArray[Any] = np.ascontiguousarray(root)
    if len(column):
        letters = column.view(np.uint32).reshape(len(column), -1)
        if letters.shape[1] <= 9 and (letters < 128).all():
            column = letters.astype(np.int64) @ 128 ** np.arange(letters.shape[1])
    distinct, codes = np.unique(column, return_inverse=True)
    if len(distinct) > 1 << _ROOT_BITS:
        raise InputError(f"root: {len(distinct)} different roots", hint="at most 16,384")
    return codes.astype(np.int64)


def _pack(strike: Float64, is_call: Bool, expiry: Any, root: Any) -> npt.NDArray[np.int64]:
    """Contracts as numbers, -1 for strikes and dates that cannot be."""
    mills = np.rint(strike * 1000.0)
    good = (mills > 0) & (mills < 1 << _STRIKE_BITS)
    days = np.zeros(len(strike), np.int64)
    if expiry is not None:
        days = expiry.astype("datetime64[D]").astype(np.int64)
        good &= (days >= 0) & (days < 1 << _DAY_BITS)
    front = days if root is None else days | (root << _DAY_BITS)
    number = (front << _STRIKE_BITS) | np.where(good, mills, 0.0).astype(np.int64)
    return np.where(good, number << 1 | is_call, -1)
