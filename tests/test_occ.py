"""OCC symbols: every part read where it stands, and nothing that is no symbol taken for one."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from gexcore.errors import InputError
from gexcore.io.occ import OccColumns, duplicate_rows, number_roots, parse_occ
from hypothesis import given
from hypothesis import strategies as st


def row(symbol: object) -> tuple[str, object, bool, float, bool]:
    columns = parse_occ([symbol])  # type: ignore[list-item]
    return (
        str(columns.root[0]),
        columns.expiry[0].item(),
        bool(columns.is_call[0]),
        float(columns.strike[0]),
        bool(columns.valid[0]),
    )


@pytest.mark.parametrize(
    ("symbol", "root", "expiry", "is_call", "strike"),
    [
        ("SPX240119C04700000", "SPX", date(2024, 1, 19), True, 4700.0),
        ("SPXW  240119P04712500", "SPXW", date(2024, 1, 19), False, 4712.5),
        ("F     240119C00012000", "F", date(2024, 1, 19), True, 12.0),
        ("SPX1240119C04700000", "SPX1", date(2024, 1, 19), True, 4700.0),
        ("2SPX240119P00204780", "2SPX", date(2024, 1, 19), False, 204.78),
        ("^SPX240119C04700000", "^SPX", date(2024, 1, 19), True, 4700.0),
        ("BRK.B240119C00357500", "BRK.B", date(2024, 1, 19), True, 357.5),
        ("ABCDEF240229C99999999", "ABCDEF", date(2024, 2, 29), True, 99999.999),
        ("C240119C00000001", "C", date(2024, 1, 19), True, 0.001),
        ("P000101P00000500", "P", date(2000, 1, 1), False, 0.5),
        ("X991231C00001000", "X", date(2099, 12, 31), True, 1.0),
    ],
)
def test_valid_symbols(symbol: str, root: str, expiry: date, is_call: bool, strike: float) -> None:
    assert row(symbol) == (root, expiry, is_call, strike, True)


@pytest.mark.parametrize(
    "symbol",
    [
        "", " ", "SPX", "240119C04700000", "      240119C04700000", "ABCDEFG240119C04700000",
        "SPX240119C0470000", "SPX240119C047000000x", "SPX 240119C04700000", "S PX  240119C04700000",
        "  SPX 240119C04700000", "SPX240119X04700000", "spx240119c04700000", "SPX240119C04700O00",
        "SPX24O119C04700000", "SPX230230C04700000", "SPX230229C04700000", "SPX231301C04700000",
        "SPX230001C04700000", "SPX230100C04700000", "SPX230132C04700000", "SPX240119C00000000",
        "SPX240119C-4700000", "SPX240119C+4700000", "SPX240119C0470.000", "SPÄ240119C04700000",
        "SPX24011٩C04700000", "SPX240119C0470000０", "\ud800PX240119C04700000",
        "S-X240119C04700000", "S\0X240119C04700000", "x" * 100_000,
        None, 7, 1.5, float("nan"), ("a",), object(), b"\xff" * 18,
    ],
    ids=lambda value: "object" if type(value) is object else ascii(value)[:30],
)  # fmt: skip
def test_invalid_symbols_spoil_only_their_row(symbol: object) -> None:
    cells = np.empty(3, dtype=object)
    cells[:] = ["SPX240119C04700000", symbol, "SPXW240119P04700000"]
    for column in (list(cells), cells):
        columns = parse_occ(column)
        assert columns.valid.tolist() == [True, False, True]
        assert columns.root.tolist() == ["SPX", "", "SPXW"]
        assert np.isnat(columns.expiry).tolist() == [False, True, False]
        assert np.isnan(columns.strike).tolist() == [False, True, False]
        assert columns.is_call.tolist() == [True, False, False]


def test_columns_have_plain_types_and_every_input_form_agrees() -> None:
    symbols = ["SPX240119C04700000", "SPXW240119P04700000", "bad"]
    columns = parse_occ(symbols)
    assert columns.root.dtype == np.dtype("U6")
    assert columns.expiry.dtype == np.dtype("datetime64[D]")
    assert (columns.is_call.dtype, columns.strike.dtype) == (np.dtype(bool), np.dtype(float))
    for other in (tuple(symbols), np.array(symbols), np.array(symbols, dtype=object)):
        again = parse_occ(other)
        assert again.root.tolist() == columns.root.tolist()
        assert again.strike.tolist()[:2] == [4700.0, 4700.0]
    strided = parse_occ(np.array(symbols * 2)[::3])
    assert strided.root.tolist() == ["SPX", "SPX"]


def test_empty_column() -> None:
    columns = parse_occ([])
    assert columns.valid.shape == columns.root.shape == columns.strike.shape == (0,)
    assert duplicate_rows(columns).shape == (0,)
    assert number_roots(columns)[0] == []


@pytest.mark.parametrize("symbols", ["SPX240119C04700000", [["SPX240119C04700000"]], None, 5])
def test_only_a_column_is_accepted(symbols: object) -> None:
    with pytest.raises(InputError, match="option symbols"):
        parse_occ(symbols)  # type: ignore[arg-type]


ROOTS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789^.", min_size=1, max_size=6)
CONTRACTS = st.tuples(
    ROOTS, st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.booleans(), st.integers(1, 99_999_999)
)


@given(st.lists(st.tuples(CONTRACTS, st.booleans()), min_size=1, max_size=20))
def test_round_trip(contracts: list[tuple[tuple[str, date, bool, int], bool]]) -> None:
    symbols = [
        f"{root.ljust(6) if padded else root}{day:%y%m%d}{'C' if call else 'P'}{mills:08d}"
        for (root, day, call, mills), padded in contracts
    ]
    columns = parse_occ(symbols)
    assert columns.valid.all()
    read = zip(
        columns.root.tolist(),
        columns.expiry.tolist(),
        columns.is_call.tolist(),
        columns.strike.tolist(),
        strict=True,
    )
    assert list(read) == [
        (root, day, call, mills / 1000) for (root, day, call, mills), _ in contracts
    ]


@given(st.lists(st.one_of(st.text(max_size=25), st.none(), st.integers(), st.binary(max_size=22))))
def test_arbitrary_cells_never_raise(cells: list[object]) -> None:
    columns = parse_occ(cells)  # type: ignore[arg-type]
    assert columns.valid.shape == (len(cells),)
    assert np.array_equal(columns.valid, columns.strike > 0)
    assert np.array_equal(columns.valid, ~np.isnat(columns.expiry))


def test_duplicates_are_later_equal_rows() -> None:
    symbols = [
        "SPX240119C04700000",
        "SPXW240119C04700000",  # another root
        "SPX240119P04700000",  # another type
        "SPX240119C04700001",  # a thousandth higher
        "SPX240120C04700000",  # a day later
        "SPX   240119C04700000",  # the first, padded
        "bad",
        "bad",
        "SPX240119C04700000",  # the first again
    ]
    marked = duplicate_rows(parse_occ(symbols))
    assert np.flatnonzero(marked).tolist() == [5, 8]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A", "A1", "ZZZZZZ", "^"]), st.sampled_from("CP"), st.integers(0, 3)
        ),
        max_size=60,
    )
)
def test_duplicates_agree_with_a_set(keys: list[tuple[str, str, int]]) -> None:
    columns = parse_occ([f"{root}240119{kind}{mills:08d}" for root, kind, mills in keys])
    seen: set[tuple[str, str, int]] = set()
    expected = []
    for key in keys:
        # strike 0 is an invalid row
        expected.append(key[2] > 0 and key in seen)
        seen.add(key)
    assert duplicate_rows(columns).tolist() == expected


def test_many_distinct_roots_do_not_collide() -> None:
    roots = [f"R{n:05d}" for n in range(3000)]
    columns = parse_occ([f"{root}240119C00001000" for root in roots + roots[:2]])
    assert np.flatnonzero(duplicate_rows(columns)).tolist() == [3000, 3001]
    names, number = number_roots(columns)
    assert names == roots
    assert number.tolist() == [*range(3000), 0, 1]


def test_number_roots_of_invalid_rows() -> None:
    columns = parse_occ(["SPXW240119C04700000", "bad", "SPX240119C04700000"])
    assert isinstance(columns, OccColumns)
    names, number = number_roots(columns)
    assert names == ["", "SPX", "SPXW"]
    assert number.tolist() == [2, 0, 1]
