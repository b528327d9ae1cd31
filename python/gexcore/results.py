"""What every result has in common: plain data, readable text, safe HTML."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np

from gexcore.frames import make_frame


def plain(value: Any) -> Any:
    """Turn a result's value into JSON types: NaN becomes None, times become ISO text."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        if value.dtype == "datetime64[ns]":  # tolist would give bare integers
            value = value.astype("datetime64[us]")
        if value.dtype.kind in "biuU" or (value.dtype.kind == "f" and np.isfinite(value).all()):
            return value.tolist()
        return [plain(item) for item in value.tolist()]
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.isoformat() if hasattr(value, "isoformat") else value


def money(value: float | None) -> str:
    """Dollars with a sign and three digits after the point: `-10.999 bn`.

    Example:
        >>> money(-10_998_700_000.0), money(0.0)
        ('-10.999 bn', '0')
    """
    if value is None:
        return "none"
    for size, suffix in ((1e9, " bn"), (1e6, " mm"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:+,.3f}{suffix}"
    return f"{value:+,.2f}" if value else "0"


def number(value: float | None) -> str:
    """A price or strike without trailing zeros: `4,721.91`."""
    return "none" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".")


def printable(text: str) -> str:
    """Text from data that can be shown: escapes for what would move a cursor or break a line.

    Example:
        >>> printable("XYZ\\x1b[2J")
        'XYZ\\\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def align(rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> str:
    """Columns of text, padded to one width each; columns in `right` are flushed right."""
    if not rows:
        return ""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
    flush = set(right)
    lines = [
        "  ".join(
            cell.rjust(width) if c in flush else cell.ljust(width)
            for c, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


class Result:
    """Base of results: subclasses give `to_dict`, `__str__` and a one-line `__repr__`.

    A result is pickled, and copied, as the arguments it was made of: see `_arguments`.
    """

    __slots__ = ()

    def _arguments(self) -> dict[str, Any]:
        """Arguments of the constructor that make this result again."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    def __reduce__(self) -> tuple[Callable[..., Result], tuple[Any, ...]]:
        arguments = {
            name: dict(value) if isinstance(value, MappingProxyType) else value
            for name, value in self._arguments().items()
        }
        fixed = [name for name, value in arguments.items() if _is_fixed(value)]
        closed = [n for n, v in self._arguments().items() if isinstance(v, MappingProxyType)]
        return _make_again, (type(self), arguments, fixed, closed)

    def to_dict(self) -> dict[str, Any]:
        """This result as JSON types."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def _is_fixed(value: Any) -> bool:
    return isinstance(value, np.ndarray) and not value.flags.writeable


def _make_again(
    kind: type[Result], arguments: dict[str, Any], fixed: Iterable[str], closed: Iterable[str]
) -> Result:
    """A result from what `__reduce__` kept; what was read-only becomes so again."""
    for name in fixed:
        arguments[name].flags.writeable = False
    proxies = {name: MappingProxyType(arguments[name]) for name in closed}
    return kind(**{**arguments, **proxies})


def frame(columns: Mapping[str, Any], backend: str = "pandas") -> Any:
    """A data frame of equally long columns: see `gexcore.frames.make_frame`."""
    return make_frame(columns, backend)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Table(Result):
    """Columns of one length by name: `table["strike"]`; text shows `money` columns as dollars."""

    columns: Mapping[str, Any]
    money: tuple[str, ...] = ()
    percent: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Any:
        """A column by name."""
        return self.columns[name]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def to_dict(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """One dictionary per row."""
        columns = [plain(np.asarray(column)) for column in self.columns.values()]
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*columns, strict=True)]

    def to_frame(self, backend: str = "pandas") -> Any:
        """A data frame of pandas, polars or pyarrow."""
        return frame(self.columns, backend)

    def __repr__(self) -> str:
        return f"<Table {', '.join(self.columns)}: {len(self)} rows>"

    def __str__(self) -> str:
        text = [[name.replace("_", " "), *map(self._cell, [name] * len(self), column)]
                for name, column in self.columns.items()]  # fmt: skip
        numeric = [
            i for i, c in enumerate(self.columns.values()) if np.asarray(c).dtype.kind in "fiu"
        ]
        return align(list(zip(*text, strict=True)), right=numeric)

    def _cell(self, name: str, value: Any) -> str:
        if not isinstance(value, float | int | np.number):
            return str(value)
        if not math.isfinite(value):
            return "-"
        if name in self.percent:
            return f"{value:.1%}"
        return money(float(value)) if name in self.money else number(float(value))
