"""The border of bsm.greeks: what is taken, what is refused by name, and what out= may be."""

from __future__ import annotations

import array
import math

import numpy as np
import pandas as pd
import pytest
from gexcore import bsm
from gexcore.errors import ConventionError, InputError, NotComputedError

NUMBERS = ("spot", "strike", "time_to_expiry", "implied_vol", "rate", "dividend_yield")
COLUMNS = (*NUMBERS, "is_call")
ONE = dict(zip(COLUMNS, (100.0, 105.0, 0.25, 0.2, 0.04, 0.01, True), strict=True))


def rows(n=6):
    """Ordinary contracts, one array per column."""
    i = np.arange(n, dtype=float)
    values = (90 + 4 * i, 110 - 3 * i, 0.1 + 0.2 * i, 0.15 + 0.05 * i, 0.01 * i, 0.02 - 0.005 * i)
    return dict(zip(COLUMNS, (*values, i % 2 == 0), strict=True))


def greeks(columns, **options):
    return bsm.greeks(**columns, **({"which": bsm.GREEKS} | options))


def bits(result):
    """Every number of a result as integers: NaN and -0.0 are compared as well."""
    return np.array([result[name] for name in result]).view(np.uint64).tolist()


# ------------------------------------------------------------------- shapes


def test_numbers_give_floats_of_the_textbook():
    g = greeks(ONE)
    assert all(type(value) is float for value in g.to_dict().values())
    s, k, t, v, r, y, _ = ONE.values()
    d1 = (math.log(s / k) + (r - y + v * v / 2) * t) / (v * math.sqrt(t))
    n1, n2 = (0.5 * math.erfc(-d / math.sqrt(2)) for d in (d1, d1 - v * math.sqrt(t)))
    density = math.exp(-y * t - d1 * d1 / 2) / math.sqrt(2 * math.pi)
    assert g.delta == pytest.approx(math.exp(-y * t) * n1, rel=1e-14)
    assert g.gamma == pytest.approx(density / (s * v * math.sqrt(t)), rel=1e-14)
    # the textbook difference cancels to a 25th of its terms
    price = s * math.exp(-y * t) * n1 - k * math.exp(-r * t) * n2
    assert g.price == pytest.approx(price, rel=1e-13)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16, np.int32, int, np.array])
def test_any_real_number_is_a_number(kind):
    row = {"spot": 100.0, "strike": 96.0, "time_to_expiry": 2.0, "implied_vol": 1.0}
    g = greeks({name: kind(value) for name, value in row.items()})
    assert all(type(value) is float for value in g.to_dict().values())
    assert g.to_dict() == greeks(row).to_dict()


def test_arrays_give_arrays_row_by_row():
    columns = rows()
    g = greeks(columns)
    for name, value in g.to_dict().items():
        assert (value.dtype, value.shape) == (np.dtype(float), (6,))
        assert np.array_equal(g[name], getattr(g, name))
    for i in range(6):
        one = greeks({name: values[i].item() for name, values in columns.items()})
        assert [g[name][i] for name in g] == [one[name] for name in g]


@pytest.mark.parametrize("column", COLUMNS)
def test_a_number_holds_for_every_row(column):
    columns = rows()
    first = columns[column][0]
    spread = columns | {column: np.full(6, first)}
    assert bits(greeks(columns | {column: first.item()})) == bits(greeks(spread))


@pytest.mark.parametrize("column", COLUMNS)
def test_one_array_is_enough(column):
    values = np.array([ONE[column]] * 3)
    g = greeks(ONE | {column: values})
    assert bits(g) == bits(greeks({name: np.array([value] * 3) for name, value in ONE.items()}))


@pytest.mark.parametrize("empty", [list, lambda: np.array([]), lambda: np.zeros((0,), np.int64)])
def test_zero_rows(empty):
    g = greeks(ONE | dict.fromkeys(NUMBERS, empty()) | {"is_call": np.array([], bool)})
    assert [value.shape for value in g.to_dict().values()] == [(0,)] * len(bsm.GREEKS)


def test_zero_rows_of_lists_alone_and_one_row():
    assert greeks(dict.fromkeys(COLUMNS, ())).gamma.shape == (0,)
    g, one = greeks({name: [value] for name, value in ONE.items()}), greeks(ONE)
    assert {name: g[name].tolist() for name in g} == {name: [one[name]] for name in one}


# -------------------------------------------------------------- conversions


def unaligned(values):
    raw = np.zeros(8 * len(values) + 1, np.uint8)
    view = raw[1:].view(np.float64)
    view[:] = values
    return view


def read_only(values):
    copy = np.array(values)
    copy.flags.writeable = False
    return copy


class Sub(np.ndarray):
    """A subclass that must not change what the numbers mean."""


CONVERTED = {
    "float16": lambda v: v.astype(np.float16),
    "float32": lambda v: v.astype(np.float32),
    "longdouble": lambda v: v.astype(np.longdouble),
    "int64": lambda v: v.astype(np.int64) + 1,
    "uint8": lambda v: v.astype(np.uint8) + 1,
    "strided": lambda v: np.repeat(v, 3)[::3],
    "reversed": lambda v: v[::-1].copy()[::-1],
    "read-only": read_only,
    "big-endian": lambda v: v.astype(">f8"),
    "unaligned": unaligned,
    "broadcast": lambda v: np.broadcast_to(v[0], v.shape),
    "list": lambda v: v.tolist(),
    "tuple": lambda v: tuple(v.tolist()),
    "series": lambda v: pd.Series(v, index=np.arange(len(v))[::-1]),
    "subclass": lambda v: v.view(Sub),
    "buffer": lambda v: memoryview(array.array("d", v.tolist())),
}


@pytest.mark.parametrize("kind", CONVERTED)
@pytest.mark.parametrize("column", NUMBERS)
def test_converted_columns_are_the_float64_result(column, kind):
    columns = rows()
    given_column = CONVERTED[kind](columns[column])
    before = list(given_column)
    plain = np.array([float(value) for value in given_column])
    assert plain.dtype == np.float64
    assert bits(greeks(columns | {column: given_column})) == bits(greeks(columns | {column: plain}))
    assert list(given_column) == before


@pytest.mark.parametrize("kind", ["strided", "reversed", "read-only", "list", "tuple", "series"])
def test_converted_types(kind):
    columns = rows()
    converted = columns | {"is_call": CONVERTED[kind](columns["is_call"])}
    assert bits(greeks(converted)) == bits(greeks(columns))
    one = {name: value[0].item() for name, value in columns.items()}
    assert bits(greeks(one | {"is_call": np.bool_(True)})) == bits(greeks(one))


# ----------------------------------------------------------------- refusals


class BadArray:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no data")


REFUSED = {
    "complex": np.ones(6, complex),
    "datetime": np.array(["2024-01-05"] * 6, "datetime64[D]"),
    "timedelta": np.ones(6, "timedelta64[D]"),
    "text": ["1.0"] * 6,
    "one text": "1.0",
    "bytes": b"123456",
    "object": np.ones(6, object),
    "missing": [1.0, None, 1.0, 1.0, 1.0, 1.0],
    "None": None,
    "masked": np.ma.masked_array(np.ones(6), mask=[1, 0, 0, 0, 0, 0]),
    "one masked": np.ma.masked,
    "2-D": np.ones((6, 1)),
    "2-D list": [[1.0] * 6],
    "ragged": [[1.0], [1.0, 2.0]],
    "structured": np.zeros(6, [("a", float)]),
    "huge integer": 2**70,
    "generator": (1.0 for _ in range(6)),
    "set": {1.0},
    "failing __array__": BadArray(),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("column", COLUMNS)
def test_other_things_are_refused_by_name(column, kind):
    with pytest.raises(InputError, match=rf"^{column}: .*\. Hint: "):
        greeks(rows() | {column: REFUSED[kind]})


@pytest.mark.parametrize("column", NUMBERS)
@pytest.mark.parametrize("value", [True, np.True_, np.ones(6, bool), [True] * 6])
def test_booleans_are_not_numbers(column, value):
    with pytest.raises(InputError, match=f"^{column}: is bool, not numbers"):
        greeks(rows() | {column: value})


@pytest.mark.parametrize("value", [1, 1.0, np.ones(6), np.ones(6, np.uint8), ["C"] * 6, np.int8(1)])
def test_types_are_booleans(value):
    with pytest.raises(InputError, match=r"^is_call: is .*, not boolean"):
        greeks(rows() | {"is_call": value})


@pytest.mark.parametrize("short", range(len(COLUMNS)))
def test_lengths_that_differ_name_both_columns(short):
    columns = rows()
    name, other = COLUMNS[short], COLUMNS[short - 1]
    pair = ONE | {name: columns[name][:5], other: columns[other]}
    with pytest.raises(InputError, match=r"\b(5|6) rows, but \w+ has (5|6)\b") as caught:
        greeks(pair)
    assert name in str(caught.value)
    assert other in str(caught.value)
    with pytest.raises(InputError, match="rows, but"):  # one row is a length, not a number
        greeks(columns | {name: columns[name][:1]})


@pytest.mark.parametrize("threads", [0, -1, True, 2**40, 2**70, 1025, 1.0, "2", [1]])
def test_threads_is_a_whole_number(threads):
    with pytest.raises(InputError, match=r"^threads: must be a whole number from 1 to 1024"):
        greeks(rows(), threads=threads)
    assert bits(greeks(rows(), threads=np.int64(2))) == bits(greeks(rows()))


# -------------------------------------------------------------------- which


def test_which_in_any_form():
    columns = rows()
    full = greeks(columns)
    for which in ("gamma", ["gamma"], {"gamma"}, (name for name in ["gamma"]), ("gamma", "gamma")):
        assert np.array_equal(greeks(columns, which=which).gamma, full.gamma)
    some = greeks(columns, which=("vega", "price"))
    assert list(some) == ["vega", "price"]
    assert "price" in some
    assert "gamma" not in some
    assert np.array_equal(some.vega, full.vega)
    assert np.array_equal(some.price, full.price)


@pytest.mark.parametrize("which", ["gama", ("price", "Delta"), (None,), (), "", ("volga",)])
def test_unknown_greeks_are_listed(which):
    with pytest.raises(ConventionError) as caught:
        greeks(ONE, which=which)
    assert all(name in str(caught.value) for name in bsm.GREEKS)


@pytest.mark.parametrize("read", [lambda g: g.vega, lambda g: g["vega"]])
def test_reading_what_was_not_computed(read):
    g = greeks(ONE, which=("gamma", "delta"))
    with pytest.raises(NotComputedError, match=r"which=\('gamma', 'delta', 'vega'\)"):
        read(g)
    assert not hasattr(g, "vega")
    with pytest.raises(NotComputedError, match="the greeks are price, delta"):
        g["volga"]


# ---------------------------------------------------------------------- out


@pytest.mark.parametrize("which", [bsm.GREEKS, ("gamma",), ("delta", "gamma", "charm")])
def test_out_is_overwritten_and_returned(which):
    columns = rows()
    out = greeks(columns | {"spot": np.full(6, 100.0)}, which=which)
    values = out[which[-1]]
    assert greeks(columns, which=which, out=out) is out
    assert bits(out) == bits(greeks(columns, which=which))
    assert values is not out[which[-1]]
    assert np.shares_memory(values, out[which[-1]])  # views stay views of the same memory
    one = greeks(ONE | {"spot": 1.0}, which=which)
    assert bits(greeks(ONE, which=which, out=one)) == bits(greeks(ONE, which=which))


def wrong_outputs():
    frozen = np.full((2, 6), 7.0)
    frozen.flags.writeable = False
    return {
        "float32": np.full((2, 6), 7.0, np.float32),
        "int64": np.full((2, 6), 7),
        "big-endian": np.full((2, 6), 7.0, ">f8"),
        "short": np.full((2, 5), 7.0),
        "flat": np.full(12, 7.0),
        "one greek more": np.full((3, 6), 7.0),
        "strided": np.full((2, 12), 7.0)[:, ::2],
        "Fortran": np.full((6, 2), 7.0).T,
        "read-only": frozen,
        "unaligned": np.frombuffer(bytearray(97), np.uint8)[1:].view(float).reshape(2, 6),
        "list": [[7.0] * 6] * 2,
    }


@pytest.mark.parametrize("kind", wrong_outputs())
def test_wrong_out_is_refused_and_untouched(kind):
    buffer = wrong_outputs()[kind]
    before = np.array(buffer).tolist()
    which = ("price", "gamma")
    out = bsm.Greeks(which, {"price": 0, "gamma": 1}, buffer)
    with pytest.raises(InputError, match=r"^out: .*Hint: .*float64 array of shape"):
        greeks(rows(), which=which, out=out)
    assert np.array(buffer).tolist() == before


@pytest.mark.parametrize("out", [object(), np.zeros((2, 6)), {}, 0, greeks(rows(), which="gamma")])
def test_out_holds_the_same_greeks(out):
    before = out.gamma.tolist() if isinstance(out, bsm.Greeks) else None
    with pytest.raises(InputError, match=r"^out: holds other greeks"):
        greeks(rows() | {"spot": 50.0}, which=("price", "gamma"), out=out)
    assert before is None or out.gamma.tolist() == before


@pytest.mark.parametrize("again", [ONE, rows(5), rows(7)])
def test_out_of_another_size_is_refused(again):
    which = ("price", "gamma")
    out = greeks(rows(), which=which)
    before = bits(out)
    with pytest.raises(InputError, match=r"^out: has another shape.*shape \(2"):
        greeks(again, which=which, out=out)
    assert bits(out) == before


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("start", [0, 3, 66])
def test_out_may_not_share_memory_with_a_column(column, start):
    out = greeks(rows())
    memory = out._buffer.reshape(-1)
    kind = bool if column == "is_call" else float
    shared = memory[start : start + 6].view(kind)[:6]
    before = bits(out)
    with pytest.raises(InputError, match=f"^out: shares memory with {column}"):
        greeks(rows() | {column: shared}, out=out)
    assert bits(out) == before


def test_neighbouring_memory_is_not_shared():
    memory = np.zeros(18)
    memory[:6], memory[12:] = rows()["spot"], rows()["strike"]
    out = bsm.Greeks(("gamma",), {"gamma": 0}, memory[6:12].reshape(1, 6))
    columns = rows() | {"spot": memory[:6], "strike": memory[12:]}
    assert bits(greeks(columns, which="gamma", out=out)) == bits(greeks(rows(), which="gamma"))
