"""Tables of named columns, whoever made them: pandas, polars, pyarrow, DuckDB, Arrow streams."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import _core
from gexcore.errors import InputError

EXTRA = 'pip install "gexcore[frames]"'
FEW = 8  # texts in a column, for which comparing beats sorting
_CONVERTED = ("object", "category", "Object")  # cell by cell; comparing is faster
_GAPS = frozenset({"None", "nan", "NaN", "NaT", "<NA>"})


def is_frame(value: Any) -> bool:
    """Whether something is a table of named columns."""
    return (
        hasattr(value, "fetchnumpy")
        or hasattr(value, "__arrow_c_stream__")
        or hasattr(value, "collect_schema")
        or (hasattr(value, "columns") and hasattr(value, "__getitem__"))
    )


def frame_columns(df: Any) -> list[tuple[Any, Any]]:
    """Labels and columns of a table, in its order; a column is as its library gives it.

    Named levels of an index come first, as columns.

    Raises:
        InputError: a lazy frame, or an Arrow stream without a library that reads it.

    Example:
        >>> [(name, column.tolist()) for name, column in frame_columns({"strike": np.ones(2)})]
        [('strike', [1.0, 1.0])]
    """
    if isinstance(df, Mapping):
        return list(df.items())
    if hasattr(df, "collect"):
        raise InputError("this frame is lazy, it holds no data yet", hint="hand over df.collect()")
    if hasattr(df, "column_names"):  # a table of pyarrow
        return [(name, df.column(at)) for at, name in enumerate(df.column_names)]
    if hasattr(df, "columns") and hasattr(df, "__getitem__") and not hasattr(df, "fetchnumpy"):
        levels = getattr(getattr(df, "index", None), "names", ())
        named = [name for name in levels if name is not None and name not in df.columns]
        index = [(name, df.index.get_level_values(name)) for name in named]
        return index + [(label, df[label]) for label in df.columns]
    return _of_stream(df)


def _of_stream(df: Any) -> list[tuple[Any, Any]]:
    """Columns of an Arrow stream, by the first library that is there; DuckDB needs none."""
    readers = {"polars": "DataFrame", "pyarrow": "table", "nanoarrow": "Array"}
    for name, read in readers.items():
        try:
            found = getattr(import_module(name), read)(df)
        except ImportError:
            continue
        return _nanoarrow_columns(found) if name == "nanoarrow" else frame_columns(found)
    if hasattr(df, "fetchnumpy"):
        return list(df.fetchnumpy().items())
    raise InputError("reading an Arrow stream needs polars, pyarrow or nanoarrow", hint=EXTRA)


def _nanoarrow_columns(array: Any) -> list[tuple[Any, Any]]:
    sentinels = import_module("nanoarrow").nulls_as_sentinel()
    columns = []
    for at, field in enumerate(array.schema.fields):
        child = array.child(at)
        if any(kind in field.type.name for kind in ("INT", "FLOAT", "DOUBLE")):
            values = np.asarray(child.to_pysequence(handle_nulls=sentinels))
        else:  # text, dates, dictionaries: as Python has them
            values = np.array(list(child.iter_py()), dtype=object)
        columns.append((field.name, values))
    return columns


def frame_table(df: Any) -> dict[str, npt.NDArray[Any]]:
    """All columns of a frame by name, as NumPy arrays."""
    return {str(label): np.asarray(frame_column(column)) for label, column in frame_columns(df)}


def frame_column(column: Any) -> Any:
    """A frame's column as a NumPy array; numbers with gaps become float with NaN."""
    if isinstance(column, np.ma.MaskedArray):
        return _filled(column)
    nullable = getattr(getattr(column, "dtype", None), "numpy_dtype", None)
    if nullable is not None and nullable.kind in "iufb" and column.isna().any():
        if nullable.kind == "b":
            return column.to_numpy(dtype=object, na_value=None)
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    if str(getattr(column, "dtype", "")) == "Date" and hasattr(column, "to_physical"):
        days = column.to_physical().to_numpy()  # of polars, which takes longer to make 64 bits
        if days.dtype == np.int32:
            return Fresh(days.astype(np.int64).view("datetime64[D]"))
    if str(getattr(column, "type", "")).startswith("dictionary"):
        column = column.cast(column.type.value_type)  # pyarrow would give a gap the last text
    values = column.to_numpy() if hasattr(column, "to_numpy") else np.asarray(column)
    return _without_decimals(values) if values.dtype.kind == "O" else values


def _without_decimals(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Exact decimals, which databases hand out, as float64."""
    from decimal import Decimal  # slow to import

    cells = values.tolist()
    if not isinstance(next((cell for cell in cells if cell is not None), None), Decimal):
        return values
    return np.array([np.nan if cell is None else float(cell) for cell in cells])


def _filled(column: Any) -> Any:
    if column.dtype.kind in "iuf":
        return column.astype(np.float64).filled(np.nan)
    if column.dtype.kind == "M":
        return column.filled(np.datetime64("NaT"))
    values = np.array(column.data, dtype=object)
    values[np.ma.getmaskarray(column)] = None
    return values


class Fresh:
    """An array that was made just now, so that a chain may hold it without a copy."""

    __slots__ = ("values",)

    def __init__(self, values: npt.NDArray[Any]) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.values, dtype=dtype) if copy else np.asarray(self.values, dtype=dtype)


class Coded:
    """A column of text as a number per row into ascending `texts`; NumPy reads it as text."""

    __slots__ = ("codes", "texts")

    def __init__(self, codes: npt.NDArray[np.int32], texts: npt.NDArray[np.str_]) -> None:
        self.codes, self.texts = codes, texts

    def __len__(self) -> int:
        return len(self.codes)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return self.texts.take(self.codes).astype(dtype or np.str_, copy=False)


def code_texts(column: Any) -> Coded:
    """Number the texts of a column; a gap is "".

    Example:
        >>> coded = code_texts(np.array(["P", "C", "P"]))
        >>> coded.codes.tolist(), coded.texts.tolist()
        ([1, 0, 1], ['C', 'P'])
    """
    masks: dict[Any, npt.NDArray[np.bool_]] = {}
    for text, mask in _masks(column):
        masks[text] = mask | masks.get(text, False)
    if None not in masks:
        texts = np.array(sorted(masks), dtype=np.str_)
        small = np.zeros(len(column), np.int8)  # FEW and a gap
        for code, text in enumerate(texts.tolist()):
            small += np.int8(code) * masks[text].view(np.int8)
        return Coded(small.astype(np.int32), texts)
    texts, codes = np.unique(_as_texts(column), return_inverse=True)
    return Coded(codes.astype(np.int32), texts)


def calls_of(option_type: Any) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Calls, and rows that are neither call nor put, from the first letter of a text column.

    Example:
        >>> calls, unknown = calls_of(np.array(["Call", "p", "?"]))
        >>> calls.tolist(), unknown.tolist()
        ([True, False, False], [False, False, True])
    """
    sides = {side: np.zeros(len(option_type), np.bool_) for side in "CP"}
    for text, mask in _masks(option_type):
        if text is None:  # too many texts
            coded = code_texts(_as_texts(option_type))
            letter = np.char.upper(np.char.strip(coded.texts)).astype("U1")
            sides = {side: (letter == side)[coded.codes] for side in "CP"}
        elif text.strip()[:1].upper() in ("C", "P"):
            sides[text.strip()[0].upper()] |= mask
    return sides["C"], ~(sides["C"] | sides["P"])


def _series(column: Any) -> Any:
    """A column whose rows compare with a text: a series of narwhals, else text of NumPy."""
    if isinstance(column, np.ndarray):
        return _as_texts(column)
    try:
        narwhals = import_module("narwhals")
        column = narwhals.from_native(column, series_only=True, pass_through=True)
    except ImportError:
        return _as_texts(column)
    if not isinstance(column, narwhals.Series) or column.dtype == narwhals.Object:
        return _as_texts(column)
    return column


def _as_texts(column: Any) -> npt.NDArray[np.str_]:
    array = np.asarray(frame_column(column))
    if array.dtype.kind == "O":
        texts = map(str, array.tolist())
        array = np.array(["" if text in _GAPS else text for text in texts], dtype=np.str_)
    return array.astype(np.str_, copy=False)


def _masks(column: Any) -> Iterator[tuple[str | None, npt.NDArray[np.bool_]]]:
    """Each text of a column and the rows that have it, "" for gaps; None if there are too many."""
    numbered = _of_arrow(column)
    if numbered is None:
        yield from _compared(_series(column))
        return
    codes, texts = numbered
    for code, text in enumerate(texts):
        yield text or "", codes == code


def _of_arrow(column: Any) -> tuple[npt.NDArray[np.uint8], list[str | None]] | None:
    """The core's numbers for the texts of a column that Arrow hands over as it is, if few."""
    if not hasattr(column, "__arrow_c_stream__") or str(getattr(column, "dtype", "")) in _CONVERTED:
        return None
    try:
        return _core.number_texts(column.__arrow_c_stream__(), len(column), FEW)
    except (ImportError, NotImplementedError, TypeError, ValueError):  # not as Arrow, or not here
        return None


def _compared(series: Any) -> Iterator[tuple[str | None, npt.NDArray[np.bool_]]]:
    """As `_masks`, by comparing with each text that is met."""
    left = np.ones(len(series), np.bool_)
    gaps = not isinstance(series, np.ndarray) and series.null_count() > 0
    if gaps:
        mask = series.is_null().to_numpy()
        yield "", mask
        left ^= mask
    for _ in range(FEW):
        if not left.any():
            return
        text = series[int(left.argmax())]
        mask = series == text
        if not isinstance(mask, np.ndarray):
            mask = (mask.fill_null(False) if gaps else mask).to_numpy()
        yield str(text), mask
        left ^= mask
    if left.any():
        yield None, left


def make_frame(columns: Mapping[str, Any], backend: str = "pandas") -> Any:
    """A data frame of equally long columns, made by narwhals.

    Args:
        columns: by name.
        backend: "pandas", "polars", "pyarrow", or another eager backend of narwhals.

    Raises:
        InputError: no such backend, or it or narwhals is not installed.

    Example:
        >>> make_frame({"strike": np.ones(2)})["strike"].tolist()
        [1.0, 1.0]
    """
    try:
        narwhals = import_module("narwhals")
    except ImportError:
        raise InputError("to_frame needs narwhals", hint=EXTRA) from None
    try:
        return narwhals.from_dict(dict(columns), backend=backend).to_native()
    except ImportError:
        raise InputError(f"to_frame needs {backend}", hint=f"pip install {backend}") from None
    except (ValueError, TypeError):
        hint = "such as pandas, polars, pyarrow"
        raise InputError(f"backend: there is no {backend!r}", hint=hint) from None
