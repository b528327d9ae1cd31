"""The rows of a live book by slot: what they are called, and what of them does not move."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.chain import Chain
from gexcore.errors import InputError
from gexcore.implied_vols import Vols
from gexcore.rates import Rates

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Handle = tuple[str, str, float, str]  # root, expiry, strike, option type

_FIXED = ("strike", "is_call", "multiplier", "root", "expiry")
_SPREAD = ("rate", "dividend_yield", "basis")
_MOVING = ("spot", "implied_vol", "open_interest", "time_to_expiry", "status")
_USER = "column "  # before the names of a user's columns
_FILL: dict[str, Any] = {"U": "", "M": np.datetime64("NaT"), "O": None}  # else NaN


def spread(value: Any, chain: Chain) -> Float64:
    """A number or a column as a column."""
    return np.array(np.broadcast_to(value, len(chain)), np.float64)


def core_columns(
    chain: Chain, contracts: Float64, share: Float64, series: Any, settlement: Any
) -> dict[str, Any]:
    """The columns of rows as the core takes them, nothing traded yet."""
    rule, none = chain.vols.rule, np.full(len(chain), np.nan)
    columns = {
        "strike": chain.strike, "multiplier": chain.multiplier, "rate": spread(chain.rate, chain),
        "dividend_yield": spread(chain.dividend_yield, chain), "per_open_interest": share,
        "quote_spot": np.exp(spread(chain.rates.basis, chain)), "implied_vol": chain.implied_vol,
        "vendor_vol": chain.vols.vendor, "open_interest": chain.open_interest,
        "contracts": contracts, "traded": np.zeros(len(chain)),
        **{name: np.array(chain.columns.get(name, none), np.float64) for name in ("bid", "ask")},
        # codes of rules are 2 source - 1 where only missing vols are implied, else 2 source
        "vol_source": (rule + 1) // 2, "only_missing": rule % 2 == 1, "status": chain.status,
        "series": series, "settlement": settlement, "is_call": chain.is_call,
    }  # fmt: skip
    return {name: np.ascontiguousarray(column) for name, column in columns.items()}


def strike_names(strike: Any) -> Float64:
    """Strikes as they are told apart: those in thousandths without the dust of a division."""
    strike = np.asarray(strike, np.float64)
    mills = np.rint(strike * 1000) / 1000
    return np.asarray(np.where(np.abs(mills - strike) <= 1e-9 * np.abs(strike), mills, strike))


def handles_of(strike: Any, is_call: Any, root: Any, expiry: Any) -> list[Handle]:
    """What contracts are called; by root and expiry where those are given."""
    empty = [""] * len(strike)
    roots = empty if root is None else np.char.strip(root.astype(str)).tolist()
    days = empty if expiry is None else expiry.astype("datetime64[D]").astype(str).tolist()
    kinds = np.where(is_call, "C", "P").tolist()
    return list(zip(roots, days, strike_names(strike).tolist(), kinds, strict=True))


def handle_of(root: Any, expiry: Any, strike: Any, option_type: Any) -> Handle:
    """What one contract is called."""
    return str(root).strip(), str(expiry), float(strike_names(strike)), str(option_type)


def names_in(chain: Chain) -> list[Handle]:
    """What each row of a chain is called."""
    return handles_of(chain.strike, chain.is_call, chain.root, chain.expiry)


class Column:
    """Values that are added to in place; a view stays as it was when it was taken."""

    def __init__(self, values: npt.NDArray[Any]) -> None:
        self._buffer, self._rows = np.array(values), len(values)

    def append(self, values: Any, count: int) -> None:
        """Add values; None fills up with what means nothing."""
        rows = self._rows + count
        if values is None:  # the new rows have no such column
            values = np.full(count, _FILL.get(self._buffer.dtype.kind, np.nan))
        kind = np.result_type(self._buffer, values)
        if rows > len(self._buffer) or kind != self._buffer.dtype:
            grown = np.empty(max(rows, 2 * self._rows), kind)
            grown[: self._rows] = self._buffer[: self._rows]
            self._buffer = grown
        self._buffer[self._rows : rows] = values
        self._rows = rows

    def keep(self, mask: npt.NDArray[np.bool_]) -> None:
        """Drop the others; the rest moves up."""
        self._buffer = self._buffer[: self._rows][mask]
        self._rows = len(self._buffer)

    @property
    def view(self) -> npt.NDArray[Any]:
        """The values so far, read-only."""
        view = self._buffer[: self._rows]
        view.flags.writeable = False
        return view


class Slots:
    """What the rows of a book are, by slot: columns that do not move, and what rows are called."""

    def __init__(self, chain: Chain) -> None:
        self._base = chain
        self._template: Chain | None = chain
        self._columns = {name: Column(column) for name, column in _columns_of(chain).items()}
        self._flat = {name: _flat(chain, name) for name in _SPREAD}
        self._removed: set[int] = set()
        self._index: dict[Handle, int] | None = None
        self._length = len(chain)

    def __len__(self) -> int:
        return self._length

    def find(self, handle: Handle) -> int | None:
        """The slot of a contract that is there; of equal ones the first."""
        if self._index is None:
            named = list(enumerate(self.names()))
            self._index = {h: i for i, h in reversed(named) if i not in self._removed}
        return self._index.get(handle)

    def names(self, slots: Any = slice(None)) -> list[Handle]:
        """What some slots are called."""
        columns = (self._columns.get(name) for name in ("strike", "is_call", "root", "expiry"))
        return handles_of(*(None if c is None else c.view[slots] for c in columns))

    def admit(self, chain: Chain) -> list[Handle]:
        """The names of new rows.

        Raises:
            InputError: they lack what the book has, or are there already.
        """
        for name in ("root", "expiry"):
            if (getattr(self._base, name) is None) != (getattr(chain, name) is None):
                raise InputError(
                    f"rows: the book and the new rows must both have {name}, or neither"
                )
        names = names_in(chain)
        known = next((name for name in names if self.find(name) is not None), None)
        if known is not None:
            raise InputError(f"rows: {known} is in the book already", hint="update it")
        return names

    def append(self, chain: Chain, names: list[Handle]) -> None:
        """Put admitted rows after the last slot."""
        found = _columns_of(chain)
        for name, column in self._columns.items():
            column.append(found.get(name), len(chain))
        for name, value in self._flat.items():
            if value != _flat(chain, name):
                self._flat[name] = None
        for slot, handle in enumerate(names, self._length):
            if self._index is not None:
                self._index.setdefault(handle, slot)
        self._length += len(chain)
        self._template = None

    def remove(self, slots: Int64) -> None:
        """Forget what some slots are called."""
        gone = [slot for slot in slots.tolist() if slot not in self._removed]
        self._removed.update(gone)
        if self._index is None:
            return
        if len(self._index) != self._length - len(self._removed) + len(gone):
            self._index = None  # equal contracts: another one of them may take the name
            return
        for name in self.names(gone):
            del self._index[name]

    def compact(self, kept: npt.NDArray[np.bool_]) -> None:
        """Close the slots of removed rows."""
        for column in self._columns.values():
            column.keep(kept)
        self._length = int(kept.sum())
        self._removed, self._index, self._template = set(), None, None

    def chain(self, state: dict[str, Any], as_of: Any) -> Chain:
        """The rows of a moment, whose moving columns `state` has."""
        moving = {name: state[name] for name in _MOVING}
        if self._template is None:
            fixed = {name: self._columns[name].view for name in _FIXED if name in self._columns}
            given = {name: column.view for name, column in self._columns.items()}
            user = {name: given[_USER + name] for name in self._base.columns}
            self._template = self._base._replace(
                **fixed, **moving, columns=user, rates=self._rates(), vols=self._vols(state)
            )
        base, columns = self._template, dict(self._template.columns)
        columns.update({name: state[name] for name in ("bid", "ask") if name in columns})
        return base._replace(**moving, as_of=as_of, columns=columns, vols=self._vols(state))

    def _vols(self, state: dict[str, Any]) -> Vols:
        return Vols(state["vendor_vol"], self._columns["rule"].view.astype(np.uint8))

    def _rates(self) -> Rates:
        found: dict[str, Any] = {
            name: self._columns[name].view if flat is None else flat
            for name, flat in self._flat.items()
        }
        old = self._base.rates.given
        given = (
            None if old[0] is None else found["rate"],
            None if old[1] is None else found["dividend_yield"],
        )
        return replace(self._base.rates, given=given, **found)


def _flat(chain: Chain, name: str) -> float | None:
    value = getattr(chain.rates, name)
    return float(value) if np.ndim(value) == 0 else None


def _columns_of(chain: Chain) -> dict[str, npt.NDArray[Any]]:
    """The columns that stay."""
    found = {n: getattr(chain, n) for n in _FIXED if getattr(chain, n) is not None}
    found.update({name: spread(getattr(chain.rates, name), chain) for name in _SPREAD})
    found["rule"] = chain.vols.rule
    found.update({_USER + name: column for name, column in chain.columns.items()})
    return found
