"""Checked conversion of what callers hand in to the columns of a chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.errors import ConventionError, InputError
from gexcore.frames import Coded, calls_of, code_texts, frame_column, frame_columns

# Our names for the columns of a data frame; anything else is kept as a user column.
FRAME_COLUMNS = (
    "strike", "is_call", "option_type", "implied_vol", "open_interest", "expiry", "time_to_expiry",
    "root", "multiplier", "rate", "dividend_yield", "volume", "bid", "ask",
)  # fmt: skip


def _one_dimensional(name: str, array: npt.NDArray[Any], rows: int, than: str = "strike") -> None:
    if array.ndim > 1:
        raise InputError(
            f"{name}: has {array.ndim} dimensions", hint="pass a one-dimensional array or a number"
        )
    if array.ndim == 1 and len(array) != rows:
        raise InputError(
            f"{name}: {len(array)} rows, but {than} has {rows}", hint="one value per row"
        )


def row_count(strike: Any) -> int:
    """Number of contracts; strikes must be a one-dimensional column."""
    array = _as_array("strike", strike)
    if array.ndim != 1:
        raise InputError("strike: one-dimensional array needed", hint="one strike per contract")
    return len(array)


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


def number_column(
    name: str, value: Any, rows: int, than: str = "strike"
) -> npt.NDArray[np.float64]:
    """A float64 column of its own memory from real numbers; anything else is refused by name."""
    array = _as_array(name, value)
    if array.dtype.kind not in "fiu" and array.size:
        raise InputError(
            f"{name}: is {array.dtype}, not numbers",
            hint="convert it first, with missing values as nan: np.asarray(x, dtype=float)",
        )
    _one_dimensional(name, array, rows, than)
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


def object_column(name: str, value: Any, rows: int, than: str = "strike") -> npt.NDArray[Any]:
    """A column of any type and its own memory, one value per contract or one for all."""
    return np.array(np.broadcast_to(checked_column(name, value, rows, than), rows))


def checked_column(name: str, value: Any, rows: int, than: str = "strike") -> npt.NDArray[Any]:
    """A caller's array, one value per contract or one for all."""
    array = _as_array(name, value)
    _one_dimensional(name, array, rows, than)
    return array


def text_column(name: str, value: Any, rows: int) -> npt.NDArray[np.str_]:
    """A column of text and its own memory."""
    array = checked_column(name, value, rows)
    if isinstance(value, Coded) and array.ndim == 1:
        return array  # made just now
    return np.array(np.broadcast_to(array, rows), dtype=np.str_)


def user_columns(columns: Mapping[str, Any], rows: int, **quotes: Any) -> dict[str, Any]:
    """Quotes as numbers, and a caller's own columns; names with a meaning are refused there."""
    for name in columns:
        if name in FRAME_COLUMNS:
            raise InputError(f"columns: {name} is a column of the chain", hint=f"pass {name}=")
    given = {name: value for name, value in quotes.items() if value is not None}
    numbers = {name: number_column(name, value, rows) for name, value in given.items()}
    return {**numbers, **{name: object_column(name, v, rows) for name, v in columns.items()}}


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


def frame_arguments(
    df: Any, columns: Mapping[str, str], options: Mapping[str, Any]
) -> dict[str, Any]:
    """What a data frame and the caller's options give to `Chain.from_arrays`."""
    renamed = {str(theirs): ours for theirs, ours in columns.items()}
    given_columns = frame_columns(df)
    theirs = [str(label) for label, _ in given_columns]  # a label may be a number
    for name in renamed:
        if name not in theirs:
            raise InputError(
                f"columns: the frame has no {name!r}", hint=f"it has {', '.join(theirs)}"
            )
    found: dict[str, Any] = {}
    for name, (_, column) in zip(theirs, given_columns, strict=True):
        ours = renamed.get(name, name)
        if ours in found or ours in options:
            raise InputError(f"{ours}: is given twice", hint="map one of them to another name")
        found[ours] = column
    given = dict(options)
    if "is_call" not in given:
        unknown: Any = False
        if "is_call" in found:
            found["is_call"], unknown = _known_calls(found["is_call"])
        elif "option_type" in found:
            found["is_call"], unknown = calls_of(found["option_type"])
        if np.any(unknown):
            flags = dict(given.get("flags") or {})
            given["flags"] = {**flags, "bad_row": unknown | flags.get("bad_row", False)}
    needed = ("strike", "is_call", "implied_vol", "open_interest")
    missing = [name for name in needed if name not in found and name not in given]
    if missing:
        raise InputError(
            f"{', '.join(missing)}: missing from the frame",
            hint="map the frame's names with columns={'theirs': 'ours'}",
        )
    found.pop("option_type", None)
    if "root" in found:
        given["root"] = code_texts(found.pop("root"))
    known = [name for name in FRAME_COLUMNS if name in found]
    arguments = {name: frame_column(found.pop(name)) for name in known}
    extra = {name: frame_column(value) for name, value in found.items()}
    source = {"vendor": "data frame", **(given.pop("source", None) or {})}
    return {**given, **arguments, "columns": extra, "source": source}


def _known_calls(is_call: Any) -> tuple[npt.NDArray[Any], Any]:
    """A column of booleans, and its gaps if it has any."""
    values = np.asarray(frame_column(is_call))
    if values.dtype.kind != "O":
        return values, False
    gaps = np.array([cell is None for cell in values.tolist()], dtype=np.bool_)
    return np.array(np.where(gaps, False, values).tolist()), gaps
