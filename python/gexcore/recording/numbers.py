"""Numbers as they stand in a recorded stream: exact, and JSON whatever they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from gexcore.errors import InputError

Json = dict[str, Any]


def written(value: Any) -> Any:
    """A number, or a column of them, in JSON: NaN is null, infinities are text.

    Example:
        >>> written(np.array([0.1, np.nan, np.inf]))
        [0.1, None, 'inf']
    """
    if isinstance(value, np.ndarray):
        finite = value.dtype.kind != "f" or np.isfinite(value).all()
        plain = value.tolist()
        return plain if finite else [written(x) for x in plain] if value.ndim else written(plain)
    if isinstance(value, float) and not -np.inf < value < np.inf:
        return None if value != value else str(value)
    return value


def floats(value: Any, rows: int | None = None) -> Any:
    """What `written` wrote; a single number fills `rows` where that is given.

    Example:
        >>> floats([0.1, None, "inf"])
        array([0.1, nan, inf])
    """
    column = np.array(value, np.float64)  # None becomes NaN
    if column.ndim > 1:
        raise InputError("a column has more than one dimension")
    if rows is not None:
        return np.array(np.broadcast_to(column, rows))
    return column if column.ndim else float(column)
