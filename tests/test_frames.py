"""Frames of any library in and out: the same chain, gaps and dictionaries included."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import duckdb
import gexcore as gex
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from gexcore.errors import InputError
from gexcore.frames import calls_of, code_texts, frame_columns, frame_table, make_frame

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
    days = [day.item() for day in COLUMNS["expiry"]]
    frame = pl.DataFrame({**COLUMNS, "expiry": days})
    if width != "plain":
        kind = pl.Categorical if width == "Categorical" else pl.Enum(["unused", "P", "C", "call"])
        frame = frame.with_columns(pl.col("option_type").cast(kind))
    check(frame)


@pytest.mark.parametrize("width", ["plain", "int8", "int16", "int32"])
def test_pyarrow_and_duckdb(width: str) -> None:
    table = pa.table({**COLUMNS, "expiry": [day.item() for day in COLUMNS["expiry"]]})
    if width != "plain":
        kind = pa.dictionary(getattr(pa, width)(), pa.string())
        at = table.column_names.index("option_type")
        table = table.set_column(at, "option_type", table.column("option_type").cast(kind))
    check(table)
    check(pa.concat_tables([table.slice(0, 1), table.slice(1)]))  # chunked
    check(duckdb.from_arrow(table))


class Stream:
    """Something that gives an Arrow stream, and nothing else."""

    def __init__(self, table: Any) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)


def days() -> list[Any]:
    return [day.item() for day in COLUMNS["expiry"]]


def relation() -> Any:
    """The same table in DuckDB, strikes as exact decimals."""
    rows = [
        f"({strike}, {kind!r}, {vol}, {size}, date '{day}', 'XYZ', {desk!r})".replace(
            "None", "null"
        )
        for strike, kind, vol, size, day, _, desk in zip(*COLUMNS.values(), strict=True)
    ]
    return duckdb.sql(f"select * from (values {', '.join(rows)}) as t({', '.join(COLUMNS)})")


def without(monkeypatch: pytest.MonkeyPatch, *libraries: str) -> None:
    for name in libraries:
        monkeypatch.setitem(sys.modules, name, None)


READERS = ("polars", "pyarrow", "nanoarrow")


@pytest.mark.parametrize("width", [None, "int8", "int16", "int32", "uint8", "uint32"])
@pytest.mark.parametrize("reader", READERS)
def test_an_arrow_stream_by_each_library(
    reader: str, width: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pa.table({**COLUMNS, "expiry": days()})
    if width:
        kind = pa.dictionary(getattr(pa, width)(), pa.string())
        at = table.column_names.index("option_type")
        table = table.set_column(at, "option_type", table.column("option_type").cast(kind))
    table = pa.concat_tables([table.slice(0, 1), table.slice(1)])  # chunked
    without(monkeypatch, *(name for name in READERS if name != reader))
    check(Stream(table))
    if width is None:
        check(relation())


def test_without_any_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({**COLUMNS, "expiry": days()})
    without(monkeypatch, *READERS, "narwhals")
    with pytest.raises(InputError, match=r"polars, pyarrow or nanoarrow.*gexcore\[frames\]"):
        gex.Chain.from_frame(Stream(table), spot=100.0)
    check(relation())  # DuckDB hands out NumPy arrays itself


def test_enums_of_duckdb() -> None:
    sides = "(select case when i % 2 = 0 then 'C' else 'P' end::ENUM('P', 'C') as option_type"
    relation = duckdb.sql(
        f"select 95.0 + i as strike, option_type, 0.2 as implied_vol, 7 as open_interest, "
        f"0.1 as time_to_expiry from {sides}, i from range(4) t(i))"
    )
    assert gex.Chain.from_frame(relation, spot=100.0).is_call.tolist() == [True, False] * 2


def test_masked_columns_have_gaps() -> None:
    class Relation:
        def fetchnumpy(self) -> Any:
            gaps = [False, True]
            return {
                "number": np.ma.MaskedArray([1, 2], gaps),
                "day": np.ma.MaskedArray(np.array(["2024-01-19"] * 2, "datetime64[D]"), gaps),
                "text": np.ma.MaskedArray(np.array(["a", "b"], object), gaps),
                "flag": np.ma.MaskedArray([True, False], gaps),
            }

    with pytest.MonkeyPatch.context() as patch:
        without(patch, *READERS)
        table = frame_table(Relation())
    assert np.isnan(table["number"]).tolist() == [False, True]
    assert np.isnat(table["day"]).tolist() == [False, True]
    assert table["text"].tolist() == ["a", None]
    assert table["flag"].tolist() == [True, None]


FEW = ["P", "C", None, "call", "P"]
MANY = [*FEW, *(f"desk {i}" for i in range(12)), "desk 3"]


def columns_of(texts: list[Any]) -> dict[str, Any]:
    """The same texts as each library has them."""
    return {
        "numpy": np.array(texts, dtype=object),
        "pandas": pd.Series(texts),
        "pandas object": pd.Series(texts, dtype=object),
        "pandas category": pd.Series(texts, dtype="category"),
        "polars": pl.Series(texts),
        "polars Categorical": pl.Series(texts, dtype=pl.Categorical),
        "polars Enum": pl.Series(texts, dtype=pl.Enum([t for t in dict.fromkeys(texts) if t])),
        "pyarrow": pa.chunked_array([texts[:2], texts[2:]], pa.string()),
        "pyarrow dictionary": pa.chunked_array([pa.array(texts).dictionary_encode()]),
        "narwhals": nw.from_native(pl.Series(texts), series_only=True),
    }


@pytest.mark.parametrize("library", ["narwhals is there", "NumPy alone"])
@pytest.mark.parametrize("texts", [FEW, MANY], ids=["few", "many"])
@pytest.mark.parametrize("kind", columns_of(FEW))
def test_texts_are_numbered(
    kind: str, texts: list[Any], library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    column = columns_of(texts)[kind]
    if library == "NumPy alone":
        without(monkeypatch, "narwhals")
    coded = code_texts(column)
    assert coded.texts.tolist() == sorted({text or "" for text in texts})
    assert np.asarray(coded).tolist() == [text or "" for text in texts]
    calls, unknown = calls_of(column)
    assert calls.tolist() == [text in ("C", "call") for text in texts]
    assert unknown.tolist() == [text not in ("C", "call", "P") for text in texts]


def test_roots_by_number_settle_as_by_name() -> None:
    roots = ["SPX", "SPXW", None, "ETH_USD"]
    table = {**COLUMNS, "root": roots, "option_type": ["P", "C", "C", "P"]}
    when = "2024-01-05T16:00-05:00"
    chain = gex.Chain.from_frame(pl.DataFrame({**table, "expiry": days()}), spot=100.0, as_of=when)
    plain = gex.Chain.from_arrays(
        spot=100.0, as_of=when, strike=COLUMNS["strike"], is_call=True, implied_vol=0.2,
        open_interest=1, expiry=COLUMNS["expiry"], root=[root or "" for root in roots],
    )  # fmt: skip
    assert chain.time_to_expiry.tolist() == plain.time_to_expiry.tolist()
    assert len(set((chain.time_to_expiry * 365 % 1).round(6).tolist())) == 3  # hours of the day
    assert chain.root is not None
    assert chain.root.tolist() == ["SPX", "SPXW", "", "ETH_USD"]
    for codes, other in zip(chain.codes("root"), plain.codes("root"), strict=True):
        assert codes.tolist() == other.tolist()
        assert codes.dtype == other.dtype


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_calls_that_are_not_known_are_counted(library: str) -> None:
    calls = [True, None, False]
    frame = {
        "pandas": lambda: pd.DataFrame({"is_call": pd.array(calls, dtype="boolean")}),
        "polars": lambda: pl.DataFrame({"is_call": calls}),
        "pyarrow": lambda: pa.table({"is_call": calls}),
    }[library]()
    chain = gex.Chain.from_frame(
        frame, spot=100.0, strike=[95.0, 100.0, 105.0], implied_vol=0.2, open_interest=1,
        time_to_expiry=0.1,
    )  # fmt: skip
    assert chain.is_call.tolist() == [True, False, False]
    assert gex.analyze(chain).coverage.dropped["bad_row"][0] == 1
    with pytest.raises(InputError, match=r"is_call: .*not boolean"):
        gex.Chain.from_frame({"is_call": np.array([1, 0], object)}, spot=100.0, time_to_expiry=0.1,
                             strike=[1.0, 2.0], implied_vol=0.2, open_interest=1)  # fmt: skip


def test_an_index_is_columns_too() -> None:
    check(pandas_frame().set_index(["expiry", "strike"]))
    assert [name for name, _ in frame_columns(pandas_frame())] == list(COLUMNS)


def test_a_lazy_frame_is_refused_in_one_line() -> None:
    with pytest.raises(InputError, match=r"lazy.*df\.collect\(\)"):
        gex.Chain.from_frame(pl.LazyFrame({"strike": [1.0]}), spot=1.0)
    with pytest.raises(InputError, match="lazy"):
        gex.read_chain(pl.LazyFrame({"strike": [1.0]}))


def test_what_is_changed_afterwards_does_not_change_a_chain() -> None:
    strikes = np.array([95.0, 105.0])
    rest = {"is_call": [False, True], "implied_vol": 0.2, "open_interest": 1, "time_to_expiry": 0.1}
    for frame in (pl.DataFrame({"strike": pl.Series(strikes)}), pa.table({"strike": strikes}),
                  pd.DataFrame({"strike": strikes}, copy=False), {"strike": strikes}):  # fmt: skip
        chain = gex.Chain.from_frame(frame, spot=100.0, **rest)
        strikes[0] = 1.0
        assert chain.strike.tolist() == [95.0, 105.0]
        strikes[0] = 95.0


# ---- out


@pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow"])
def test_out_and_in_again(backend: str) -> None:
    chain = gex.synthetic_chain(n=2000)
    frame = chain.to_frame(backend=backend)
    assert type(frame).__module__.startswith(backend)
    again = gex.Chain.from_frame(frame, spot=chain.spot, as_of=chain.as_of)
    assert (again.strike == chain.strike).all()
    assert (again.is_call == chain.is_call).all()
    assert (again.root == chain.root).all()
    assert np.allclose(again.time_to_expiry, chain.time_to_expiry)
    levels = gex.analyze(chain).levels.exposures.gamma.by("strike")
    assert len(levels.to_frame(backend=backend)) == len(levels)


@pytest.mark.parametrize("backend", ["excel", "duckdb", 7, None])
def test_backends_are_named(backend: Any) -> None:
    with pytest.raises(InputError, match=rf"there is no {backend!r}.*pandas, polars, pyarrow"):
        make_frame({}, backend)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"needs modin.*pip install modin"):
        make_frame({"a": np.ones(2)}, "modin")
    without(monkeypatch, "narwhals")
    with pytest.raises(InputError, match=r"needs narwhals.*gexcore\[frames\]"):
        gex.synthetic_chain(n=200).to_frame()


# ---- df.gex


@pytest.mark.parametrize("library", [pd, pl])
def test_frames_are_extended(library: Any) -> None:
    import gexcore.io.frames  # noqa: F401

    chain = gex.synthetic_chain(n=2000)
    frame = chain.to_frame(backend=library.__name__)
    options = {"spot": chain.spot, "as_of": chain.as_of}
    own = gex.Chain.from_frame(frame, **options)
    assert frame.gex.chain(**options).time_to_expiry.tolist() == own.time_to_expiry.tolist()
    result = frame.gex.analyze("short_all", side="gross", adv=4e11, **options)
    wanted = gex.analyze(own, "short_all", side="gross", adv=4e11)
    assert result.to_dict() == wanted.to_dict()
    other = library.DataFrame({"K": [95.0], "type": ["P"], "iv": [22.0], "oi": [10], "t": [0.1]})
    assert other.gex.read(spot=100.0).implied_vol.tolist() == [0.22]
    with pytest.raises(InputError, match="missing from the frame"):
        other.gex.chain(spot=100.0)


def test_extending_needs_no_library() -> None:
    code = (
        "import sys; sys.modules.update(pandas=None, polars=None)\n"
        "import gexcore.io.frames; print('done')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "done\n"
