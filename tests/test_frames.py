"""Frames of any library in and out: the same chain, gaps and dictionaries included."""

from __future__ import annotations

from typing import Any

import gexcore as gex
import numpy as np
import pandas as pd
import pytest
from gexcore.errors import InputError
from gexcore.frames import frame_table, make_frame, text_codes

COLUMNS: dict[str, list[Any]] = {
    "strike": [95.0, 100.0, 105.0, 110.0],
    "option_type": ["P", "C", "call", None],
    "implied_vol": [0.22, None, 0.18, 0.2],
    "open_interest": [10, None, 20, 5],
    "expiry": [np.datetime64(f"2024-{day}") for day in ("01-19", "02-16", "01-19", "01-26")],
    "root": ["XYZ", "XYZ", "XYZ", "XYZ"],
    "desk": ["a", "b", "a", "b"],
}  # fmt: skip


def pandas_frame(**kinds: str) -> Any:
    return pd.DataFrame(COLUMNS).astype({"implied_vol": float, **kinds})


def check(frame: Any) -> None:
    chain = gex.Chain.from_frame(frame, spot=100.0, as_of="2024-01-05T16:00-05:00", rate=0.0,
                                 dividend_yield=0.0)  # fmt: skip
    assert chain.strike.tolist() == COLUMNS["strike"]
    assert chain.is_call[:3].tolist() == [False, True, True]
    assert np.isnan(chain.implied_vol).tolist() == [False, True, False, False]
    assert np.isnan(chain.open_interest).tolist() == [False, True, False, False]
    assert chain.expiry is not None
    assert chain.expiry.tolist() == [day.item() for day in COLUMNS["expiry"]]
    days = [14, 42, 14, 21]
    assert np.allclose(chain.time_to_expiry * 365, days)
    assert chain["desk"].astype(str).tolist() == COLUMNS["desk"]
    coverage = gex.analyze(chain).coverage
    assert coverage.dropped["bad_row"][0] == 1  # neither call nor put
    assert coverage.used == 2


@pytest.mark.parametrize(
    "kinds",
    [{}, {"open_interest": "Int64"}, {"option_type": "category", "desk": "category"},
     {"implied_vol": "Float64"}],
    ids=str,
)  # fmt: skip
def test_pandas(kinds: dict[str, str]) -> None:
    check(pandas_frame(**kinds))


@pytest.mark.parametrize("width", ["plain", "Categorical", "Enum"])
def test_polars(width: str) -> None:
    pl = pytest.importorskip("polars")
    days = [day.item() for day in COLUMNS["expiry"]]
    frame = pl.DataFrame({**COLUMNS, "expiry": days})
    if width != "plain":
        kind = pl.Categorical if width == "Categorical" else pl.Enum(["unused", "P", "C", "call"])
        frame = frame.with_columns(pl.col("option_type").cast(kind))
    check(frame)


@pytest.mark.parametrize("width", ["plain", "int8", "int16", "int32"])
def test_pyarrow_and_duckdb(width: str) -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.table({**COLUMNS, "expiry": [day.item() for day in COLUMNS["expiry"]]})
    if width != "plain":
        kind = pa.dictionary(getattr(pa, width)(), pa.string())
        at = table.column_names.index("option_type")
        table = table.set_column(at, "option_type", table.column("option_type").cast(kind))
    check(table)
    check(pa.concat_tables([table.slice(0, 1), table.slice(1)]))  # chunked
    duckdb = pytest.importorskip("duckdb")
    check(duckdb.from_arrow(table))


def test_an_arrow_stream() -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.table({**COLUMNS, "expiry": [day.item() for day in COLUMNS["expiry"]]})

    class Stream:
        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            return table.__arrow_c_stream__(requested_schema)

    check(Stream())


def test_masked_columns_have_gaps() -> None:
    class Relation:
        def fetchnumpy(self) -> Any:
            gaps = [False, True]
            return {
                "number": np.ma.MaskedArray([1, 2], gaps),
                "day": np.ma.MaskedArray(np.array(["2024-01-19"] * 2, "datetime64[D]"), gaps),
                "text": np.ma.MaskedArray(np.array(["a", "b"], object), gaps),
            }

    table = frame_table(Relation())
    assert np.isnan(table["number"]).tolist() == [False, True]
    assert np.isnat(table["day"]).tolist() == [False, True]
    assert table["text"].tolist() == ["a", None]


@pytest.mark.parametrize("kind", ["array", "str", "object", "category"])
def test_codes_of_text(kind: str) -> None:
    plain = ["C", "P", "C"]
    codes, texts = text_codes(np.array(plain) if kind == "array" else pd.Series(plain, dtype=kind))
    assert texts[codes].tolist() == ["C", "P", "C"]


@pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow"])
def test_out_and_in_again(backend: str) -> None:
    pytest.importorskip(backend)
    chain = gex.synthetic_chain(n=2000)
    frame = chain.to_frame(backend=backend)
    assert type(frame).__module__.startswith(backend)
    again = gex.Chain.from_frame(frame, spot=chain.spot, as_of=chain.as_of)
    assert (again.strike == chain.strike).all()
    assert (again.is_call == chain.is_call).all()
    assert np.allclose(again.time_to_expiry, chain.time_to_expiry)
    levels = gex.analyze(chain).levels.exposures.gamma.by("strike")
    assert len(levels.to_frame(backend=backend)) == len(levels)


def test_backends_are_named() -> None:
    with pytest.raises(InputError, match="there is no 'excel'"):
        make_frame({}, "excel")
