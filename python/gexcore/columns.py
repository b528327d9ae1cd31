"""Checked conversion of what callers hand in to the columns of a chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.errors import ConventionError, InputError


def _one_dimensional(name: str, array: npt.NDArray[Any], rows: int) -> None:
    if array.ndim > 1:
        raise InputError(
            f"{name}: has {array.ndim} dimensions", hint="pass a one-dimensional array or a number"
        )
    if array.ndim == 1 and len(array) != rows:
        raise InputError(
            f"{name}: {len(array)} rows, but strike has {rows}", hint="one value per contract"
        )


def _as_array(name: str, value: Any) -> npt.NDArray[Any]:
    # np.asarray would drop the mask and keep what lies under it
    if isinstance(value, np.ma.MaskedArray):
        raise InputError(f"{name}: is a masked array", hint="fill it first: x.filled(float('nan'))")
    try:
        return np.asarray(value)
    except Exception as error:  # ragged lists, objects with a failing __array__
        raise InputError(
            f"{name}: cannot be read as an array ({type(error).__name__}: {error})",
            hint="pass a one-dimensional array or a number",
        ) from error


def number_column(name: str, value: Any, rows: int) -> npt.NDArray[np.float64]:
    """A float64 column of its own memory from real numbers; anything else is refused by name."""
    array = _as_array(name, value)
    if array.dtype.kind not in "fiu" and array.size:
        raise InputError(
            f"{name}: is {array.dtype}, not numbers",
            hint="convert it first, with missing values as nan: np.asarray(x, dtype=float)",
        )
    _one_dimensional(name, array, rows)
    return np.array(np.broadcast_to(array, rows), dtype=np.float64)


def contract_type(value: Any, rows: int) -> npt.NDArray[np.bool_]:
    """A boolean column, True for calls."""
    array = _as_array("is_call", value)
    if array.dtype.kind != "b" and array.size:
        raise InputError(
            f"is_call: is {array.dtype}, not boolean",
            hint="pass True for calls, for example option_type == 'C'",
        )
    _one_dimensional("is_call", array, rows)
    return np.array(np.broadcast_to(array, rows), dtype=np.bool_)


def object_column(name: str, value: Any, rows: int) -> npt.NDArray[Any]:
    """A column of any type, one value per contract or one for all."""
    array = _as_array(name, value)
    _one_dimensional(name, array, rows)
    return np.array(np.broadcast_to(array, rows))


def check_flags(
    flags: Mapping[str, Any], reasons: Sequence[str], rows: int
) -> dict[str, npt.NDArray[np.bool_]]:
    """Masks of unusable rows by reason, as a reader found them."""
    for name in flags:
        if name not in reasons:
            raise ConventionError(
                f"flags: there is no reason {name!r}", hint=f"reasons: {', '.join(reasons)}"
            )
    return {name: object_column(name, mask, rows).astype(np.bool_) for name, mask in flags.items()}


def frame_column(column: Any) -> Any:
    """A frame's column as a NumPy array; nullable numbers become float with NaN."""
    nullable = getattr(getattr(column, "dtype", None), "numpy_dtype", None)
    if nullable is not None and nullable.kind in "iuf" and column.isna().any():
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return column.to_numpy() if hasattr(column, "to_numpy") else np.asarray(column)


def calls_of(option_type: Any) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Calls, and rows that are neither call nor put, from the first letter of a text column."""
    text = np.asarray(frame_column(option_type)).astype(np.str_)
    letter = np.char.upper(np.char.strip(text)).astype("U1")
    return letter == "C", (letter != "C") & (letter != "P")
