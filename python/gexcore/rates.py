"""Discount rate and dividend yield of a chain, and how they were obtained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gexcore.columns import number_column
from gexcore.errors import InputError


@dataclass(frozen=True, slots=True)
class Rates:
    """Continuous rate and dividend yield: numbers, or one of each per contract.

    `source` says in words where they come from; it is part of every result's manifest.
    """

    rate: Any
    dividend_yield: Any
    source: str
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As reported in the manifest; per-contract columns as their range."""
        return {
            "rate": _report(self.rate),
            "dividend_yield": _report(self.dividend_yield),
            "source": self.source,
            "note": self.note,
        }


def _report(value: Any) -> Any:
    return (
        value
        if isinstance(value, float)
        else {"low": float(value.min()), "high": float(value.max())}
    )


def _column(name: str, value: Any, rows: int) -> Any:
    column = number_column(name, value, rows)
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
    )
