"""Files that are no chain, and fuzz: a result or a one-line error, and nothing else."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from cboe_samples import DATE, HEADER, document, line, option, parse, refusal, sheet
from gexcore.errors import ChainFileError, GexError
from hypothesis import example, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.usefixtures("decoder")

NESTED = b'{"data": {"options": ' + b"[" * 200_000 + b"]" * 200_000 + b"}}"
REFUSED = [
    (b"", "empty"),
    (b" \r\n\t ", "empty"),
    (b"\xef\xbb\xbf", "empty"),
    (gzip.compress(b""), "empty"),
    (b"\x00\x01\x02binary", "binary"),
    (b"abc\xff\xfedef", "not text"),
    (b"\xff\xfe\x00", "not text"),
    (b"<!DOCTYPE html><html></html>", "web page"),
    (b"\n  <html>", "web page"),
    (b"PK\x03\x04" + b"x" * 50, "zip archive"),
    (b"PAR1" + b"x" * 50, "Parquet"),
    (gzip.compress(sheet())[:-20], "gzip"),
    (gzip.compress(sheet())[:40] + b"junk" * 20, "gzip"),
    (gzip.compress(gzip.compress(sheet())), "gzip file inside"),
    (document(option())[:-30], "cut short"),
    (document(option())[:60], "cut short"),
    (b'{"timestamp": "2024-03-1', "cut short"),
    (b"{not json}", "not JSON"),
    (b'{\n"a": 1,\n"b": oops}', "line 3"),
    (b"[1" + b"0" * 5000 + b"]", "not a CBOE chain"),
    (NESTED, "nested"),
    (b"[]", "not a CBOE chain"),
    (b"{}", "keys found: none"),
    (b'{"a": 1, "b": 2}', "keys found: 'a, b'"),
    (b'{"data": 5}', "not a CBOE chain"),
    (b'{"data": {"options": {}}}', "not a list"),
    (document(), "no option rows"),
    (document(5, None), "none of the 2 option rows"),
    (document(option("junk")), "first symbol: 'junk'"),
    (b'{"optionChain": {}}', "Yahoo"),
    (b'[{"contractSymbol": "XYZ240315C00100000"}]', "yfinance"),
    (b'{"options": {"option": []}}', "Tradier"),
    (b'{"results": [], "status": "OK"}', "Polygon"),
    (b'{"jsonrpc": "2.0", "result": []}', "Deribit"),
    (b'{"data": [{"ticker": "XYZ", "expirDate": "2024-03-15"}]}', "ORATS"),
    (b'{"callExpDateMap": {}}', "Schwab"),
    (b"contractSymbol,lastTradeDate,strike,bid,ask,volume,IV\n", "yfinance"),
    (b"ticker,expirDate,strike,bid,ask,volume\n", "ORATS"),
    (b"ts,raw_symbol,strike_price\n", "Databento"),
    (b"just some words\nand more\n", "no CBOE header line"),
    (sheet(header="", date=DATE).replace(b"Fri", b""), "no CBOE header line"),
    (sheet().split(b"Expiration")[0], "no CBOE header line"),
    (sheet().replace(b",", b";"), "not separated by commas"),
    (sheet(""), "no option rows"),
    (sheet("", " ", ",,,"), "line 4"),
    (sheet("a,b,c"), "none of the 2 option rows"),
    (sheet(line(95), '"' + line(100)), "line 6: a quotation mark"),
    (b",".join([b"column"] * 100_000), "100,000 columns"),
    (sheet(header=HEADER + ",x" * 100_000), "line 4: 100,022 columns"),
    (sheet(line(95), '"' + "x" * 200_000 + '"'), "line 6: not a CSV line"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "words"), REFUSED, ids=[f"{n}-{w}" for n, (_, w) in enumerate(REFUSED)]
)
def test_files_that_are_no_chain(data: bytes, words: str) -> None:
    message = refusal(data)
    assert words in message
    assert message.startswith("<bytes>")


def test_a_row_of_1e5_cells_is_one_bad_row() -> None:
    found = parse(sheet(line(95), line(100) + ",x" * 100_000))
    assert found["flags"]["bad_row"].tolist() == [False, True, False, True]


# ---- fuzz


def assert_chain_or_refusal(data: bytes) -> None:
    try:
        found = parse(data)
    except ChainFileError as error:
        message = str(error)
        assert "\n" not in message
        assert isinstance(error, GexError)
    else:
        rows = found["strike"].size
        assert rows > 0
        assert found["spot"] > 0
        assert all(mask.shape == (rows,) for mask in found["flags"].values())
        assert np.isnan(found["strike"][found["flags"]["bad_row"]]).all()
        assert (found["strike"][~found["flags"]["bad_row"]] > 0).all()


@given(st.binary(max_size=300))
def test_fuzz_random_bytes(data: bytes) -> None:
    assert_chain_or_refusal(data)


@given(st.text(max_size=300))
def test_fuzz_random_text_below_a_good_preamble(text: str) -> None:
    assert_chain_or_refusal(sheet(line(95)) + text.encode("utf-8", "surrogatepass"))


EDITS = st.lists(
    st.tuples(
        st.floats(0, 1), st.integers(0, 30), st.one_of(st.binary(max_size=12), st.just(b'"'))
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=300)
@given(st.sampled_from([sheet(), document(option(), option(None))]), EDITS)
@example(sheet(), [(0.0, 0, b"\xff\xfe")])
def test_fuzz_mutated_files(data: bytes, edits: list[tuple[float, int, bytes]]) -> None:
    for place, cut, insert in edits:
        at = int(place * len(data))
        data = data[:at] + insert + data[at + cut :]
    assert_chain_or_refusal(data)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.sampled_from(["timestamp", "symbol", "data"]), st.sampled_from(list(option())), JSON_VALUES
)
def test_fuzz_json_values(top: str, key: str, value: object) -> None:
    assert_chain_or_refusal(document(option(**{key: value}), value, current_price=value))
    assert_chain_or_refusal(document(option("XYZ240315P00100000"), {**option(), key: value}))
    content = json.loads(document(option()))
    content[top] = value
    assert_chain_or_refusal(json.dumps(content).encode())
