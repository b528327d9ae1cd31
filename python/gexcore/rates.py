"""Discount rate and dividend yield of a chain, and how they were obtained."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.columns import number_column
from gexcore.errors import InputError
from gexcore.results import Result, align, frame, number, plain

Float64 = npt.NDArray[np.float64]

# Settled in cash and exercised at expiry only: parity holds. Every other root counts as American.
EUROPEAN_ROOTS = frozenset(
    {
        "SPX", "SPXW", "XSP", "NANOS", "SPESG", "XEO", "DJX",
        "NDX", "NDXP", "XND", "NQX",
        "RUT", "RUTW", "MRUT",
        "VIX", "VIXW",
        "MXEA", "MXEF", "CBTX", "MBTX",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ParityTable(Result):
    """What put-call parity found per series (root and expiry); rates continuous, decimal.

    `forward` is that of the quotes, spot basis included; `strikes` is how many it rests on and
    `mad_bp` their median absolute deviation from it in basis points. `status` is "fitted",
    "interpolated" (no forward accepted: carry between those that were), "flat" (none at all),
    "american: flat" or "not used" (expired). NaN where a number does not exist.
    """

    root: npt.NDArray[np.str_]
    expiry: npt.NDArray[np.str_]
    time_to_expiry: Float64
    forward: Float64
    discount: Float64
    rate: Float64
    dividend_yield: Float64
    strikes: npt.NDArray[np.int64]
    mad_bp: Float64
    status: npt.NDArray[np.str_]

    def columns(self) -> dict[str, Any]:
        """Columns by name, one value per series."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def counts(self) -> dict[str, int]:
        """Number of series by status."""
        return dict(sorted(Counter(self.status.tolist()).items()))

    def to_dict(self) -> dict[str, Any]:
        """Columns by name, one value per series."""
        return dict(plain(self.columns()))

    def to_frame(self, backend: str = "pandas") -> Any:
        """A data frame with one row per series."""
        return frame(self.columns(), backend)

    def __len__(self) -> int:
        return len(self.status)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self.counts.items())
        return f"<ParityTable {len(self)} series: {counts or 'none'}>"

    def __str__(self) -> str:
        head = ["root", "expiry", "days", "forward", "discount", "rate %", "yield %", "strikes",
                "mad bp", "status"]  # fmt: skip
        rows = [
            [
                str(self.root[i]),
                str(self.expiry[i]),
                _shown(365 * self.time_to_expiry[i], 2),
                number(self.forward[i]) if np.isfinite(self.forward[i]) else "none",
                _shown(self.discount[i], 5),
                _shown(100 * self.rate[i], 3),
                _shown(100 * self.dividend_yield[i], 3),
                str(self.strikes[i]),
                _shown(self.mad_bp[i], 2),
                str(self.status[i]),
            ]
            for i in range(len(self))
        ]
        return align([head, *rows], right=range(2, 9))


def _shown(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else "none"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Rates(Result):
    """Continuous rate and dividend yield: numbers, or one of each per contract.

    `source` says in words where they come from; it is part of every result's manifest. From
    put-call parity there is also `table`, and `spot_basis`: the part of ln(F/S) that does not
    vanish with T because quotes and spot are not of the same moment (already removed from the
    dividend yield; None where it could not be told), and `basis` the same per contract: 0 where
    nothing was fitted. `flags` names what the reader should know.
    """

    rate: Any
    dividend_yield: Any
    source: str
    note: str | None = None
    table: ParityTable | None = None
    spot_basis: float | None = None
    flags: tuple[str, ...] = ()
    given: tuple[Any, Any] = (None, None)  # rate and dividend yield of the caller, None if fitted
    basis: Any = 0.0

    def __repr__(self) -> str:
        return f"<Rates {self.source}>"

    def __str__(self) -> str:
        return "\n".join(
            [
                self.source,
                *([self.note] if self.note else []),
                *([str(self.table)] if self.table else []),
            ]
        )

    def rows(self, mask: npt.NDArray[Any]) -> Rates:
        """The rates of some of the contracts."""

        def some(value: Any) -> Any:
            return value if value is None or isinstance(value, float) else value[mask]

        given = (some(self.given[0]), some(self.given[1]))
        columns = {n: some(getattr(self, n)) for n in ("rate", "dividend_yield", "basis")}
        return replace(self, given=given, **columns)

    def to_dict(self) -> dict[str, Any]:
        """As reported in the manifest; per-contract columns as their range."""
        flat = {
            "rate": _report(self.rate),
            "dividend_yield": _report(self.dividend_yield),
            "source": self.source,
            "note": self.note,
        }
        if self.table is None:
            return flat
        fit = {"spot_basis": self.spot_basis, "flags": list(self.flags)}
        return {**flat, **fit, "series": self.table.counts}


def _report(value: Any) -> Any:
    if isinstance(value, float):
        return value
    if not len(value):  # no contract in scope
        return {"low": None, "high": None}
    return {"low": float(value.min()), "high": float(value.max())}


def _column(name: str, value: Any, rows: int) -> Any:
    column = number_column(name, value, rows if np.ndim(value) else 1)
    if not np.isfinite(column).all():
        raise InputError(f"{name}: is not finite", hint="decimal and continuous, for example 0.05")
    if np.abs(column).max(initial=0.0) > 1:
        largest = float(column[np.argmax(np.abs(column))])
        raise InputError(
            f"{name}: {largest:g} is above 1", hint="decimal, not percent: 0.05 for 5%"
        )
    return column if np.ndim(value) else float(value)


def flat_rates(rate: Any, dividend_yield: Any, rows: int) -> Rates:
    """Rates as given by the caller, with a note about what was not given.

    Args:
        rate, dividend_yield: decimal, continuous; a number, (rows,) or None.
        rows: number of contracts.

    Raises:
        InputError: not a finite real number, or above 1 (a percentage).

    Example:
        >>> flat_rates(0.05, None, 3).note
        'dividend_yield was not given: 0 is used'
    """
    names = {"rate": rate, "dividend_yield": dividend_yield}
    missing = [name for name, value in names.items() if value is None]
    note = f"{' and '.join(missing)} {'was' if len(missing) == 1 else 'were'} not given: 0 is used"
    columns = [
        _column(name, 0.0 if value is None else value, rows) for name, value in names.items()
    ]
    return Rates(
        columns[0],
        columns[1],
        "not given" if len(missing) == 2 else "given",
        note if missing else None,
        given=(
            None if rate is None else columns[0],
            None if dividend_yield is None else columns[1],
        ),
    )
