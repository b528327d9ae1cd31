"""Tables of named columns, whoever made them: pandas, polars, pyarrow, DuckDB, Arrow streams."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.errors import InputError


def is_frame(value: Any) -> bool:
    """Whether something is a table of named columns."""
    return (
        hasattr(value, "fetchnumpy")
        or hasattr(value, "__arrow_c_stream__")
        or (hasattr(value, "columns") and hasattr(value, "__getitem__"))
    )


def frame_columns(df: Any) -> list[tuple[Any, Any]]:
    """Labels and columns of a table, in its order; a column is as its library gives it.

    Raises:
        InputError: an Arrow stream of an object that gives no columns, without pyarrow.

    Example:
        >>> [(name, column.tolist()) for name, column in frame_columns({"strike": np.ones(2)})]
        [('strike', [1.0, 1.0])]
    """
    if isinstance(df, Mapping):
        return list(df.items())
    if hasattr(df, "fetchnumpy"):  # a relation of DuckDB
        return list(df.fetchnumpy().items())
    if hasattr(df, "column_names"):  # a table of pyarrow
        return [(name, df.column(at)) for at, name in enumerate(df.column_names)]
    if hasattr(df, "columns") and hasattr(df, "__getitem__"):
        return [(label, df[label]) for label in df.columns]
    try:
        return frame_columns(import_module("pyarrow").table(df))
    except ImportError:
        hint = 'pip install "gexcore[frames]", or hand over a pandas or polars frame'
        raise InputError("reading an Arrow stream needs pyarrow", hint=hint) from None


def frame_table(df: Any) -> dict[str, npt.NDArray[Any]]:
    """All columns of a frame by name, as NumPy arrays."""
    return {str(label): np.asarray(frame_column(column)) for label, column in frame_columns(df)}


def frame_column(column: Any) -> Any:
    """A frame's column as a NumPy array; numbers with gaps become float with NaN."""
    if isinstance(column, np.ma.MaskedArray):
        return _filled(column)
    nullable = getattr(getattr(column, "dtype", None), "numpy_dtype", None)
    if nullable is not None and nullable.kind in "iuf" and column.isna().any():
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return column.to_numpy() if hasattr(column, "to_numpy") else np.asarray(column)


def _filled(column: Any) -> Any:
    if column.dtype.kind in "iufb":
        return column.astype(np.float64).filled(np.nan)
    if column.dtype.kind == "M":
        return column.filled(np.datetime64("NaT"))
    values = np.array(column.data, dtype=object)
    values[np.ma.getmaskarray(column)] = None
    return values


def text_codes(column: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.str_]]:
    """A column of text as a number per row and the texts they stand for; a gap is "None".

    Example:
        >>> codes, texts = text_codes(np.array(["C", "P", "C"]))
        >>> texts[codes].tolist()
        ['C', 'P', 'C']
    """
    codes, texts = _numbered(column)
    # a gap has the code -1, which is the last text
    return codes, np.append(np.asarray(texts, dtype=np.str_), "None")


def _numbered(column: Any) -> tuple[npt.NDArray[Any], Any]:
    dictionary: Any = getattr(column, "cat", None)
    if hasattr(dictionary, "codes"):  # pandas
        return dictionary.codes.to_numpy().astype(np.int64), [*map(str, dictionary.categories)]
    if hasattr(column, "to_physical"):  # polars
        dtype = import_module("polars").Categorical
        coded = column if str(column.dtype).startswith(("Cat", "Enum")) else column.cast(dtype)
        distinct = coded.drop_nulls().unique()
        physical = distinct.to_physical().to_numpy().astype(np.int64)
        texts = np.full(physical.max(initial=-1) + 1, "", dtype=object)
        texts[physical] = [str(text) for text in distinct.to_list()]
        codes = coded.to_physical()
        if codes.null_count():
            codes = codes.cast(import_module("polars").Int64).fill_null(-1)
        return codes.to_numpy(), texts.tolist()
    if hasattr(column, "combine_chunks"):  # pyarrow
        whole = column.combine_chunks()
        whole = whole if hasattr(whole, "dictionary") else whole.dictionary_encode()
        return whole.indices.fill_null(-1).to_numpy().astype(np.int64), whole.dictionary.to_pylist()
    if hasattr(column, "factorize"):
        codes, found = column.factorize()
        return codes, [*map(str, found)]
    array = np.asarray(frame_column(column))
    if array.dtype.kind not in "UT":
        array = array.astype(np.str_)
    texts, inverse = np.unique(array, return_inverse=True)
    return inverse, texts


def make_frame(columns: Mapping[str, Any], backend: str = "pandas") -> Any:
    """A data frame of equally long columns.

    Args:
        columns: by name.
        backend: "pandas", "polars" or "pyarrow".

    Raises:
        InputError: no such backend, or it is not installed.

    Example:
        >>> make_frame({"strike": np.ones(2)})["strike"].tolist()
        [1.0, 1.0]
    """
    if backend not in ("pandas", "polars", "pyarrow"):
        raise InputError(f"backend: there is no {backend!r}", hint="one of pandas, polars, pyarrow")
    try:
        library = import_module(backend)
    except ImportError:
        raise InputError(f"to_frame needs {backend}", hint=f"pip install {backend}") from None
    if backend == "pyarrow":
        return library.table({name: library.array(column) for name, column in columns.items()})
    return library.DataFrame(dict(columns))
