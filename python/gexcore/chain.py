"""An option chain: columns, one row per contract, and the market they were quoted in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import clock as clocks
from gexcore import scope as scopes
from gexcore.columns import (
    calls_of,
    check_flags,
    contract_type,
    frame_column,
    number_column,
    object_column,
)
from gexcore.errors import InputError
from gexcore.rates import Rates, flat_rates
from gexcore.results import Result, frame, number, plain

# Why a row cannot be used, first match counts; a row without any of these has status USED.
REASONS = (
    "bad_row",  # a number that cannot be: strike or multiplier <= 0, vol < 0, infinite, unreadable
    "duplicate",
    "adjusted_contract",  # deliverable unknown
    "expired",  # settled at or before as_of
    "no_implied_vol",
)
USED = len(REASONS)

# Our names for the columns of a data frame; anything else is kept as a user column.
FRAME_COLUMNS = (
    "strike", "is_call", "option_type", "implied_vol", "open_interest", "expiry", "time_to_expiry",
    "root", "multiplier", "rate", "dividend_yield", "volume", "bid", "ask",
)  # fmt: skip


class Chain(Result):
    """Contracts as columns, with spot, time and rates; immutable.

    Made by `from_arrays`, `from_frame` or a reader of `gexcore.io`. Every row read is kept; rows
    that cannot be used carry a reason in `status` and are counted in every result's coverage.
    Columns are attributes (`chain.strike`); further ones are items (`chain["bid"]`).
    """

    __slots__ = (
        "_codes", "as_of", "clock", "columns", "expiry", "implied_vol", "is_call",
        "multiplier", "open_interest", "rates", "root", "scope", "source", "spot", "status",
        "strike", "time_to_expiry", "underlying",
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
    as_of: clocks.AsOf | None
    clock: str  # "settlement", or "given" with the times to expiry
    underlying: str
    scope: str
    source: Mapping[str, Any]
    _codes: dict[str, tuple[npt.NDArray[np.int32], npt.NDArray[Any]]]

    def __init__(self, **fields: Any) -> None:
        for name, value in fields.items():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
            object.__setattr__(self, name, value)
        for column in (*self.columns.values(), self.rates.rate, self.rates.dividend_yield):
            if isinstance(column, np.ndarray):
                column.flags.writeable = False
        object.__setattr__(self, "_codes", {})

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a chain is immutable: {name} cannot be set")

    @classmethod
    def from_arrays(
        cls,
        *,
        spot: float,
        strike: Any,
        is_call: Any,
        implied_vol: Any,
        open_interest: Any,
        time_to_expiry: Any = None,
        expiry: Any = None,
        as_of: Any = None,
        root: Any = None,
        rate: Any = None,
        dividend_yield: Any = None,
        multiplier: Any = 100.0,
        underlying: str = "",
        columns: Mapping[str, Any] | None = None,
        flags: Mapping[str, Any] | None = None,
        source: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Chain:
        """Build a chain from arrays of one length, or numbers that hold for every contract.

        Args:
            spot: price of the underlying, > 0.
            strike: (n,) prices.
            is_call: (n,) booleans.
            implied_vol: (n,) decimal; 0 or NaN = missing.
            open_interest: (n,) contracts; NaN = missing.
            time_to_expiry: (n,) years; or give `expiry` and `as_of` instead.
            expiry: (n,) dates; settlement time follows from `root` (SPX, NDX, RUT 09:30, others
                16:00 New York).
            as_of: when the quotes were true: ISO text or datetime with zone, or a clock.AsOf.
            root: (n,) or one OCC root.
            rate, dividend_yield: continuous, decimal; a number or (n,). Not given = 0, noted.
            multiplier: shares (index units) per contract, a number or (n,).
            underlying: name, for reports.
            columns, **more: further columns by name, such as bid, ask, volume, sector.
            flags: reason -> (n,) booleans, rows a reader found unusable.
            source: where the chain comes from, for the manifest.

        Returns:
            Chain; a row with a number that cannot be is kept and counted, never an error.

        Raises:
            InputError: lengths differ, a column has the wrong type, spot is not positive, or time
                is missing.

        Example:
            >>> chain = Chain.from_arrays(spot=100.0, strike=[95.0, 105.0], is_call=[False, True],
            ...     implied_vol=[0.22, 0.18], open_interest=[10, 20], time_to_expiry=0.1)
            >>> len(chain), chain.multiplier[0]
            (2, np.float64(100.0))
        """
        rows = _row_count(strike)
        spot = _checked_spot(spot)
        numbers = {
            name: number_column(name, value, rows)
            for name, value in (
                ("strike", strike), ("implied_vol", implied_vol), ("open_interest", open_interest),
                ("multiplier", multiplier),
            )
        }  # fmt: skip
        roots = None if root is None else object_column("root", root, rows).astype(np.str_)
        when = None if as_of is None else clocks.resolve_as_of(None, as_of)
        dates, years = _times(time_to_expiry, expiry, when, roots, rows)
        extra = {n: object_column(n, v, rows) for n, v in {**(columns or {}), **more}.items()}
        status = _status(check_flags(flags or {}, REASONS, rows), numbers, years)
        return cls(
            spot=spot,
            is_call=contract_type(is_call, rows),
            time_to_expiry=years,
            expiry=dates,
            root=roots,
            rates=flat_rates(rate, dividend_yield, rows),
            as_of=when,
            clock="settlement" if time_to_expiry is None else "given",
            underlying=underlying,
            scope="all",
            source=MappingProxyType({"multiplier": "given", **(source or {})}),
            columns=MappingProxyType(extra),
            status=status,
            **numbers,
        )

    @classmethod
    def from_frame(
        cls, df: Any, *, spot: float, columns: Mapping[str, str] | None = None, **options: Any
    ) -> Chain:
        """Build a chain from a pandas data frame, or anything with `columns` and `df[name]`.

        Args:
            df: one row per contract; columns by our names (`strike`, `is_call` or `option_type`
                with C/P, `implied_vol`, `open_interest`, `expiry` or `time_to_expiry`, ...).
                Others are kept as user columns.
            spot: price of the underlying.
            columns: their name -> ours.
            **options: whatever `from_arrays` takes and the frame does not hold (`as_of`, `rate`).

        Returns:
            Chain.

        Raises:
            InputError: a needed column is missing, has the wrong type, or is given twice.

        Example:
            >>> import pandas as pd
            >>> df = pd.DataFrame({"K": [95.0, 105.0], "option_type": ["P", "C"],
            ...     "implied_vol": [0.22, 0.18], "open_interest": [10, 20]})
            >>> names = {"K": "strike"}
            >>> chain = Chain.from_frame(df, spot=100.0, columns=names, time_to_expiry=0.1)
            >>> chain.is_call.tolist()
            [False, True]
        """
        renamed = {str(theirs): ours for theirs, ours in (columns or {}).items()}
        labels = list(df.columns)
        theirs = [str(label) for label in labels]  # a label may be a number
        for name in renamed:
            if name not in theirs:
                raise InputError(
                    f"columns: the frame has no {name!r}", hint=f"it has {', '.join(theirs)}"
                )
        found: dict[str, Any] = {}
        for name, label in zip(theirs, labels, strict=True):
            ours = renamed.get(name, name)
            if ours in found or ours in options:
                raise InputError(f"{ours}: is given twice", hint="map one of them to another name")
            found[ours] = df[label]
        return cls._from_columns(found, spot=spot, **options)

    @classmethod
    def _from_columns(cls, found: dict[str, Any], **options: Any) -> Chain:
        if "is_call" not in found and "is_call" not in options and "option_type" in found:
            found["is_call"], unknown = calls_of(found["option_type"])
            flags = dict(options.get("flags") or {})
            options["flags"] = {**flags, "bad_row": unknown | flags.get("bad_row", False)}
        needed = ("strike", "is_call", "implied_vol", "open_interest")
        missing = [name for name in needed if name not in found and name not in options]
        if missing:
            raise InputError(
                f"{', '.join(missing)}: missing from the frame",
                hint="map the frame's names with columns={'theirs': 'ours'}",
            )
        ours = {name: frame_column(found.pop(name)) for name in FRAME_COLUMNS if name in found}
        extra = {name: frame_column(value) for name, value in found.items()}
        source = {"vendor": "data frame", **(options.pop("source", None) or {})}
        return cls.from_arrays(**ours, columns=extra, source=source, **options)

    def filter(self, scope: Any) -> Chain:
        """Keep the contracts of a scope.

        Args:
            scope: "all", "next" (first expiry not yet settled), "0dte", "ex-next", "dte<=N",
                "root=SPXW", "expiry=2024-03-15", or an (n,) boolean mask.

        Returns:
            Chain of the rows in scope; the scope is named in every manifest.

        Raises:
            ConventionError: no such scope. InputError: a mask of the wrong length or type.

        Example:
            >>> from gexcore import synthetic_chain
            >>> chain = synthetic_chain(n=2000)
            >>> len(chain.filter("dte<=30")) < len(chain)
            True
        """
        mask, name = scopes.resolve(scope, self)
        take = {name: getattr(self, name) for name in self.__slots__ if name != "_codes"}
        for key, value in take.items():
            if isinstance(value, np.ndarray):
                take[key] = value[mask]
        rates = [r if isinstance(r, float) else r[mask] for r in (self.rate, self.dividend_yield)]
        take["rates"] = Rates(rates[0], rates[1], self.rates.source, self.rates.note)
        take["columns"] = MappingProxyType({k: v[mask] for k, v in self.columns.items()})
        take["scope"] = name if self.scope == "all" else f"{self.scope} and {name}"
        return Chain(**take)

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
        """Number the distinct values of a column: code per row, values in ascending order."""
        if name not in self._codes:
            column = self[name]
            try:
                values, inverse = np.unique(column, return_inverse=True)
            except TypeError:  # None or NA among text
                values, inverse = np.unique(column.astype(np.str_), return_inverse=True)
            self._codes[name] = (inverse.astype(np.int32), values)
        return self._codes[name]

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
            "scope": self.scope,
            "underlying": self.underlying or None,
            "source": dict(self.source),
        }

    def to_dict(self) -> dict[str, Any]:
        """Spot, number of contracts and conventions; the columns are arrays of the chain."""
        return {"spot": self.spot, "contracts": len(self), **plain(self.manifest)}

    def to_frame(self) -> Any:
        """All columns as a pandas data frame."""
        names = [
            n for n in FRAME_COLUMNS if n not in self.columns and n not in ("volume", "bid", "ask")
        ]
        columns = {n: self[n] for n in names if n == "option_type" or getattr(self, n) is not None}
        return frame({**columns, **self.columns})

    def __repr__(self) -> str:
        return f"<Chain {self.underlying or '?'}: {len(self)} contracts, spot {number(self.spot)}>"

    def __str__(self) -> str:
        when = f", as of {self.as_of.time:%Y-%m-%d %H:%M %Z}" if self.as_of else ""
        return (
            f"{self.underlying or 'chain'}: {len(self):,} contracts, spot {number(self.spot)}{when}"
        )


def _row_count(strike: Any) -> int:
    if np.ndim(strike) != 1:
        raise InputError("strike: one-dimensional array needed", hint="one strike per contract")
    return len(strike)


def _checked_spot(spot: Any) -> float:
    if isinstance(spot, bool) or not isinstance(spot, int | float | np.integer | np.floating):
        raise InputError(f"spot: a number is needed, not {type(spot).__name__}")
    if not 0 < spot < np.inf:
        raise InputError(f"spot: {spot} is not a price", hint="pass the underlying's price, > 0")
    return float(spot)


def _times(
    time_to_expiry: Any, expiry: Any, when: clocks.AsOf | None, root: Any, rows: int
) -> tuple[npt.NDArray[np.datetime64] | None, npt.NDArray[np.float64]]:
    dates = (
        None
        if expiry is None
        else np.array(clocks.as_expiry_dates(object_column("expiry", expiry, rows)))
    )
    if time_to_expiry is not None:
        return dates, number_column("time_to_expiry", time_to_expiry, rows)
    if dates is None or when is None:
        raise InputError(
            "time_to_expiry: is missing", hint="give it in years, or expiry= dates with as_of="
        )
    return dates, clocks.years_to_settlement(dates, root, when.time)


def _status(
    flags: Mapping[str, npt.NDArray[np.bool_]],
    numbers: Mapping[str, npt.NDArray[np.float64]],
    years: npt.NDArray[np.float64],
) -> npt.NDArray[np.uint8]:
    vol, size = numbers["implied_vol"], numbers["open_interest"]
    bad = flags.get("bad_row", np.zeros(len(years), bool)) | ~np.isfinite(years)
    for positive in (numbers["strike"], numbers["multiplier"]):
        bad |= ~((positive > 0) & (positive < np.inf))
    bad |= (vol < 0) | np.isinf(vol) | (size < 0) | np.isinf(size)
    found = {**flags, "bad_row": bad, "expired": years <= 0, "no_implied_vol": ~(vol > 0)}
    status = np.full(len(years), USED, np.uint8)
    for code in reversed(range(len(REASONS))):
        if REASONS[code] in found:
            status[found[REASONS[code]]] = code
    return status
