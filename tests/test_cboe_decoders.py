"""The extra msgspec changes no number, no count and no message of a CBOE JSON."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import gexcore as gex
import numpy as np
import pytest
from cboe_samples import document, option, parse
from gexcore.errors import GexError
from gexcore.io import cboe_fast
from gexcore.io.source import read_text
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_cboe_faults import EDITS, JSON_VALUES, NESTED

pytest.importorskip("msgspec", reason="needs the extra: pip install '.[fast]'")


def flat(value: object) -> object:
    """Something to compare bit for bit."""
    if isinstance(value, dict):
        return {key: flat(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    return value.hex() if isinstance(value, float) else value


def outcome(data: bytes) -> object:
    """Everything the reader hands on, or the error it raises."""
    try:
        return flat(parse(data))
    except GexError as error:
        return type(error), str(error)


def assert_same(data: bytes) -> None:
    """The outcome with msgspec is that without."""
    with_extra = outcome(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cboe_fast, "_decoder", lambda: None)
        assert outcome(data) == with_extra


def is_decoded(data: bytes) -> bool:
    """Whether msgspec decodes a file, and does not leave it to json."""
    return cboe_fast.decode_regular(read_text(data)[0]) is not None


GOOD = document(option(), option("XYZ240315P00097500", iv=0.3), {"option": "XYZ240315C00105000"})


def put(key: str, text: str) -> bytes:
    """The good file with other text for a value of its first record, or a further key of it."""
    old, new = b'"iv": 0.21', f'"{key}": {text}'.encode()
    return GOOD.replace(old, new if key == "iv" else b'"iv": 0.21, ' + new, 1)


# values as they stand in a file, and whether msgspec reads them in "iv"
READ = [
    ("0", True), ("-0", True), ("-0.0", True), ("7", True), ("null", True), ("1e-400", True),
    ("9007199254740993", True), ("18446744073709551617", True), ("1" + "0" * 308, True),
    ("1" + "0" * 400, False), ("1" + "0" * 5000, False), ("1e400", False), ("NaN", False),
    ("-Infinity", False), ("true", False), ('"0.2"', False), ('""', False), ("[0.2]", False),
    ("{}", False), ("0.2, \"iv\": 0.4", True), ("0.2, \"i\\u0076\": 0.5", True),
    ("0.2, \"iv\": \"x\"", False), ("01", False), ("1.", False), ("+1", False), ("", False),
]  # fmt: skip


@pytest.mark.parametrize(("text", "read"), READ, ids=[text[:20] for text, _ in READ])
def test_values_that_are_read(text: str, read: bool) -> None:
    data = put("iv", text)
    assert is_decoded(data) == read
    assert_same(data)


SKIPPED = [
    *(text for text, _ in READ), '"\\ud800"', '"\\q"', '"\x01"', '"\\u12"', '"é"', "[1,]",
    '{"a": 1,}', "tru", "[" * 500 + "]" * 500, "[" * 5000 + "]" * 5000, "'a'", "1 // no",
]  # fmt: skip


@pytest.mark.parametrize("text", SKIPPED, ids=lambda text: text[:20])
def test_values_that_are_skipped(text: str) -> None:
    assert_same(put("theo", text))
    assert_same(put('theo": {"deep', text + "}"))


FILES = {
    "empty": b"",
    "cut": GOOD[:-30],
    "cut in a symbol": GOOD[:60],
    "more behind": GOOD + b" {}",
    "mark": b"\xef\xbb\xbf \r\n" + GOOD,
    "two marks": b"\xef\xbb\xbf" * 2 + GOOD,
    "utf-16": GOOD.decode().encode("utf-16"),
    "nested": NESTED,
    "list": b"[" + GOOD + b"]",
    "no data": b'{"timestamp": "2024-03-12 14:52:00"}',
    "second data": GOOD[:-1] + b', "data": {"options": []}}',
    "second good data": b'{"data": 5, ' + GOOD[1:],
    "no options": document(),
    "numbers for records": document(option(), 7, None),
    "symbol that is none": document(option(), option(None), option(5)),
    "symbol with a null": document(option("XYZ240315C0010\0")),
    "no spot": document(option(), current_price=None),
    "spot of 0": document(option(), current_price=0),
    "negative spot": document(option(), current_price=-3),
    "whole spot": document(option(), current_price=100),
    "spot as text": document(option(), current_price="100"),
    "no time": GOOD.replace(b'"timestamp"', b'"when"'),
    "time as a number": GOOD.replace(b'"2024-03-12 14:52:00"', b"5"),
    "name as a number": GOOD.replace(b'"_XYZ"', b"7"),
    "name inside": document(option(), symbol="^XYZ").replace(b'"symbol": "_XYZ", ', b""),
}


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_whole_files(data: bytes) -> None:
    assert_same(data)


def test_real_file(test_data: Path) -> None:
    data = (test_data / "data" / "cboe_rut_2023-09-21.json.gz").read_bytes()
    assert is_decoded(data)
    assert_same(data)


NUMBER = st.from_regex(
    r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,60})?([eE][-+]?[0-9]{1,3})?", fullmatch=True
)


@settings(max_examples=500)
@given(NUMBER | st.floats(0, 1e9).map(repr) | st.integers(0, 2**70).map(str))
@example("0.1000000000000000055511151231257827021181583404541015625000001")
@example("9007199254740992.999999999999999999999")
@example("2.2250738585072011e-308")
@example("19465086500356971576")
@example("5e-324")
@example("2.4703282292062327e-324")
def test_numbers_have_the_same_bits(text: str) -> None:
    assert_same(put("iv", text))


@settings(max_examples=300)
@given(EDITS)
def test_mutated_files(edits: list[tuple[float, int, bytes]]) -> None:
    data = GOOD
    for place, cut, insert in edits:
        at = int(place * len(data))
        data = data[:at] + insert + data[at + cut :]
    assert_same(data)


@given(st.sampled_from(list(option())), JSON_VALUES)
def test_values_of_any_type(key: str, value: object) -> None:
    assert_same(document(option(**{key: value}), value, current_price=value))
    assert_same(document(option(), option(**{key: value})))


def test_a_msgspec_that_misreads_numbers_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("msgspec.__version__", "0.18.6")
    monkeypatch.setattr(cboe_fast, "_decoder", cboe_fast._decoder.__wrapped__)
    assert not is_decoded(GOOD)
    monkeypatch.setattr("msgspec.__version__", "0.19.0")
    assert is_decoded(GOOD)


def test_without_msgspec(tmp_path: Path) -> None:
    path = tmp_path / "chain.json"
    path.write_bytes(GOOD)
    code = f"""
import sys
sys.modules["msgspec"] = None  # as if it were not installed
import gexcore as gex
chain = gex.read_cboe({str(path)!r})
print(chain.implied_vol.tolist()[:2], chain.spot)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == ["[0.21,", "0.3]", "100.25"]
    chain = gex.read_cboe(path)
    assert (chain.implied_vol.tolist()[:2], chain.spot) == ([0.21, 0.3], 100.25)
