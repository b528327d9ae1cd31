"""The contracts of a chain: columns of one length, and the market they were quoted in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from gexcore.clock import AsOf
from gexcore.columns import FRAME_COLUMNS
from gexcore.conventions import VERSIONS, number_settlements
from gexcore.errors import InputError
from gexcore.implied_vols import Vols
from gexcore.rates import Rates
from gexcore.results import Result, frame, number, plain


class Contracts(Result):
    """What a `Chain` holds, and how it is looked up; immutable."""

    __slots__ = (
        "_codes", "as_of", "clock", "columns", "expiry", "implied_vol", "is_call",
        "multiplier", "open_interest", "rates", "root", "scope", "source", "spot", "status",
        "strike", "time_to_expiry", "underlying", "vols",
    )  # fmt: skip

    spot: float
    strike: npt.NDArray[np.float64]
    is_call: npt.NDArray[np.bool_]
    time_to_expiry: npt.NDArray[np.float64]
    implied_vol: npt.NDArray[np.float64]
    open_interest: npt.NDArray[np.float64]
    multiplier: npt.NDArray[np.float64]
    expiry: npt.NDArray[np.datetime64] | None
    root: npt.NDArray[np.str_] | None
    status: npt.NDArray[np.uint8]
    columns: Mapping[str, npt.NDArray[Any]]
    rates: Rates
    vols: Vols
    as_of: AsOf | None
    clock: str  # "settlement", or "given" with the times to expiry
    underlying: str
    scope: str
    source: Mapping[str, Any]
    _codes: dict[str, tuple[npt.NDArray[np.int32], npt.NDArray[Any]]]

    def __init__(self, **fields: Any) -> None:
        for name in ("columns", "source"):
            fields[name] = MappingProxyType(dict(fields[name]))
        rates, vols = fields["rates"], fields["vols"]
        held = (rates.rate, rates.dividend_yield, rates.basis, vols.vendor, vols.rule)
        for column in (*fields.values(), *fields["columns"].values(), *held):
            if isinstance(column, np.ndarray):
                column.flags.writeable = False
        for name, value in {**fields, "_codes": {}}.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a chain is immutable: {name} cannot be set")

    def _arguments(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in Contracts.__slots__ if name != "_codes"}

    def _replace(self, **changes: Any) -> Self:
        changed = type(self)(**{**self._arguments(), **changes})
        if len(changed) == len(self):  # numbers of values stay, but for what may have changed
            moving = ("time_to_expiry", "rate", "dividend_yield", "implied_vol")
            found = self._codes.copy()  # others may be numbering columns
            changed._codes.update({k: v for k, v in found.items() if k not in moving})
        return changed

    def _take(self, mask: npt.NDArray[Any], scope: str) -> Self:
        """Some of the contracts, by mask or by row."""
        fields = self._arguments()
        fields.update({n: v[mask] for n, v in fields.items() if isinstance(v, np.ndarray)})
        fields["rates"], fields["vols"] = self.rates.rows(mask), self.vols.rows(mask)
        fields["columns"] = {name: column[mask] for name, column in self.columns.items()}
        return type(self)(**{**fields, "scope": scope})

    def __len__(self) -> int:
        return len(self.strike)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """A column by name: ours, a user's, or `option_type` ("C" or "P")."""
        if name == "option_type":
            return np.where(self.is_call, "C", "P")
        value = self._column(name)
        if value is None:
            known = dict.fromkeys([*FRAME_COLUMNS, *self.columns])
            names = ", ".join(n for n in known if n == "option_type" or self._column(n) is not None)
            raise InputError(f"the chain has no column {name!r}", hint=f"it has {names}")
        return np.broadcast_to(value, len(self)) if np.ndim(value) == 0 else value

    def _column(self, name: str) -> Any:
        ours = getattr(self, name, None) if name in FRAME_COLUMNS else None
        return self.columns.get(name) if ours is None else ours

    def codes(self, name: str) -> tuple[npt.NDArray[np.int32], npt.NDArray[Any]]:
        """Number the distinct values of a column: code per row, values ascending."""
        if name not in self._codes:
            column = self[name]
            try:
                values, inverse = np.unique(column, return_inverse=True)
            except TypeError:  # None or NA among text
                values, inverse = np.unique(column.astype(np.str_), return_inverse=True)
            self._codes[name] = (inverse.astype(np.int32), values)
        return self._codes[name]

    def settlements(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any], npt.NDArray[Any]]:
        """Number the settlements: code per row, and root and expiry (or years) of each code."""
        when = self.codes("time_to_expiry" if self.expiry is None else "expiry")
        return number_settlements(when, None if self.root is None else self.codes("root"))

    @property
    def rate(self) -> Any:
        """Continuous rate, decimal: a number, or one per contract."""
        return self.rates.rate

    @property
    def dividend_yield(self) -> Any:
        """Continuous dividend yield, decimal: a number, or one per contract."""
        return self.rates.dividend_yield

    @property
    def manifest(self) -> dict[str, Any]:
        """The conventions this chain brings into every result."""
        as_of = self.as_of
        return {
            "as_of": as_of.time.isoformat() if as_of else None,
            "as_of_rule": as_of.rule if as_of else "time to expiry given",
            "clock": self.clock,
            "rates": self.rates.to_dict(),
            "vols": self.vols.label,
            "scope": self.scope,
            "underlying": self.underlying or None,
            "source": dict(self.source),
            **VERSIONS,
        }

    def to_dict(self) -> dict[str, Any]:
        """Spot, number of contracts and conventions; the columns are arrays of the chain."""
        return {"spot": self.spot, "contracts": len(self), **plain(self.manifest)}

    def to_frame(self, backend: str = "pandas") -> Any:
        """All columns as a data frame of pandas, polars or pyarrow."""
        names = [n for n in FRAME_COLUMNS if n == "option_type" or self._column(n) is not None]
        return frame({**{name: self[name] for name in names}, **self.columns}, backend)

    def __repr__(self) -> str:
        return f"<Chain {self.underlying or '?'}: {len(self)} contracts, spot {number(self.spot)}>"

    def __str__(self) -> str:
        when = f", as of {self.as_of.time:%Y-%m-%d %H:%M %Z}" if self.as_of else ""
        name = self.underlying or "chain"
        return f"{name}: {len(self):,} contracts, spot {number(self.spot)}{when}"
