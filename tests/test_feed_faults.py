"""Files that are no recordings, and events that cannot be used: one line, or counted and told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from gexcore.cli import main


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


HEAD = {"time": "2026-03-18T14:30:00Z", "kind": "chain", "version": 1}
CHAIN = {
    "spot": 100.0, "strike": [95, 105], "is_call": [False, True], "implied_vol": 0.2,
    "open_interest": [5, 6], "time_to_expiry": 0.1,
}  # fmt: skip


def head(**changes: Any) -> bytes:
    return json.dumps({**HEAD, "chain": CHAIN, **changes}).encode() + b"\n"


def without(name: str) -> bytes:
    return head(chain={n: v for n, v in CHAIN.items() if n != name})


BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "the file is empty"),
    "blank": (b"\n\n", "the file is empty"),
    "zeros": (bytes(500), "line 1: is no recording"),
    "binary": (bytes(range(256)) * 9, "line 1: is no recording"),
    "gzip": (b"\x1f\x8b\x08\x00rest", "is a gzip file: unpack it first"),
    "zip": (b"PK\x03\x04rest", "is a zip archive"),
    "page": (b"<!doctype html><html>", "is a web page"),
    "parquet": (b"PAR1" + bytes(100), "this Parquet file cannot be read"),
    "parquet_short": (b"PAR1", "this Parquet file cannot be read"),
    "csv": (b"strike,option_type\n1,C\n", "line 1: is no recording"),
    "other_json": (b'{"options": []}\n', "does not begin with a chain"),
    "list": (b"[1, 2]\n", "does not begin with a chain"),
    "deep": (b"[" * 100_000 + b"\n", "line 1: is no recording"),
    "cut": (head()[:60], "cut short in its first line"),
    "version_later": (head(version=2), "version '2' of the stream, 1 can be read"),
    "version_none": (head(version=None), "version 'None' of the stream"),
    "no_chain": (json.dumps(HEAD).encode() + b"\n", "chain is missing"),
    "chain_text": (head(chain="x"), "line 1: the chain cannot be used"),
    "chain_list": (head(chain=[]), "line 1: the chain cannot be used"),
    "no_strike": (without("strike"), "strike: is missing"),
    "no_calls": (without("is_call"), "is_call is missing"),
    "no_spot": (without("spot"), "spot"),
    "no_time": (without("time_to_expiry"), "time_to_expiry: is missing"),
    "lengths": (head(chain={**CHAIN, "open_interest": [1, 2, 3]}), "open_interest: 3 rows"),
    "texts": (head(chain={**CHAIN, "strike": ["a", "b"]}), "the chain cannot be used"),
    "spot_zero": (head(chain={**CHAIN, "spot": 0}), "spot: 0 is not a price"),
    "rule": (head(positions={"rule": "mine"}), "there is no rule 'mine'"),
    "weights": (head(positions={"rule": "weights"}), "needs weights="),
    "positions": (head(positions=7), "the chain cannot be used"),
    "side": (head(side="left"), "side: there is no 'left'"),
    "exact": (head(chain={**CHAIN, "exact": {"status": {}}}), "rates is missing"),
    "reason": (
        head(chain={**CHAIN, "columns": {"x": {"type": "O", "values": [1, 2]}}}),
        "there is no type 'O'",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_recording_is_refused_in_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, message = BROKEN[name]
    path = tmp_path / "feed.jsonl"
    path.write_bytes(content)
    for words in (["replay", path], ["record", path, "-o", tmp_path / "out.jsonl"]):
        code, out, err = run(capsys, *words)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(f"gexcore: error: {path}") and message in err
        assert not (tmp_path / "out.jsonl").exists()


EVENTS: dict[str, tuple[str, str | None]] = {
    # a line, and the reason for which it is dropped
    '{"kind": "spot", "spot": 101}': ("bad_time", None),
    '{"time": 5, "kind": "spot", "spot": 101}': ("bad_time", None),
    '{"time": "noon", "kind": "spot", "spot": 101}': ("bad_time", "'noon'"),
    '{"time": "2026-03-18T14:30:01", "kind": "spot", "spot": 101}': ("bad_time", "no zone"),
    "7": ("unreadable", "a JSON int is no event"),
    "null": ("unreadable", None),
    "{": ("unreadable", "not JSON"),
    "\x00\x01": ("unreadable", None),
    '{"time": "T", "kind": "quotes", "rows": 1}': ("unknown_kind", "'quotes'"),
    '{"time": "T", "kind": ["a"]}': ("unknown_kind", None),
    '{"time": "T"}': ("unknown_kind", "'None'"),
    '{"time": "T", "kind": "chain", "version": 1}': ("unknown_kind", "'chain'"),
    '{"time": "T", "kind": "quote", "implied_vol": 0.2}': ("bad_value", "rows is missing"),
    '{"time": "T", "kind": "quote", "rows": 1}': ("bad_value", "none of implied_vol"),
    '{"time": "T", "kind": "quote", "rows": "a", "implied_vol": 1}': ("bad_value", None),
    '{"time": "T", "kind": "quote", "rows": [0.5], "implied_vol": [1]}': ("bad_value", None),
    '{"time": "T", "kind": "quote", "rows": true, "implied_vol": 1}': ("bad_value", None),
    '{"time": "T", "kind": "quote", "rows": [[1]], "implied_vol": [1]}': ("bad_value", None),
    '{"time": "T", "kind": "quote", "rows": 1, "implied_vol": "x"}': ("bad_value", "'x'"),
    '{"time": "T", "kind": "quote", "rows": 1, "implied_vol": true}': ("bad_value", "True"),
    '{"time": "T", "kind": "quote", "rows": 1, "implied_vol": {"a": 1}}': ("bad_value", None),
    '{"time": "T", "kind": "quote", "rows": [0, 1], "implied_vol": [1]}': ("refused", None),
    '{"time": "T", "kind": "quote", "rows": 1, "contracts": 5}': ("refused", "open interest"),
    '{"time": "T", "kind": "quote", "rows": 2, "implied_vol": 1}': ("unknown_contract", "no row 2"),
    '{"time": "T", "kind": "quote", "rows": -1, "implied_vol": 1}': ("unknown_contract", None),
    '{"time": "T", "kind": "quote", "rows": 99999999999999999999, "implied_vol": 1}':
        ("bad_value", None),
    '{"time": "T", "kind": "remove", "rows": 5}': ("unknown_contract", None),
    '{"time": "T", "kind": "spot"}': ("bad_value", "spot is missing"),
    '{"time": "T", "kind": "spot", "spot": -1}': ("refused", "spot"),
    '{"time": "T", "kind": "spot", "spot": null}': ("refused", "spot"),
    '{"time": "T", "kind": "spot", "spot": "inf"}': ("refused", "spot"),
    '{"time": "T", "kind": "spot", "spot": [1, 2]}': ("bad_value", None),
    '{"time": "T", "kind": "clock"}': ("bad_value", "days is missing"),
    '{"time": "T", "kind": "clock", "days": -1}': ("clock_went_back", "-1"),
    '{"time": "T", "kind": "clock", "as_of": "2026-03-18T14:30Z"}': ("clock_went_back", "as_of"),
    '{"time": "T", "kind": "clock", "days": "x"}': ("bad_value", None),
    '{"time": "T", "kind": "add"}': ("bad_value", "chain is missing"),
    '{"time": "T", "kind": "add", "chain": {"spot": 1}}': ("bad_value", None),
    '{"time": "T", "kind": "trade"}': ("bad_value", "trades is missing"),
    '{"time": "T", "kind": "trade", "trades": {"strike": [95]}}': ("bad_value", None),
    '{"time": "T", "kind": "trade", "trades": [], "rule": "x"}': ("bad_value", None),
}  # fmt: skip


@pytest.mark.parametrize("line", EVENTS)
def test_events_that_cannot_be_used_are_counted(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reason, message = EVENTS[line]
    good = '{"time": "T", "kind": "spot", "spot": 101}'
    text = "\n".join([good, line, good, ""]).replace('"T"', '"2026-03-18T14:30:01Z"')
    path = tmp_path / "feed.jsonl"
    path.write_bytes(head() + text.encode())
    code, out, err = run(capsys, "replay", path, "--json")
    assert (code, err) == (0, "")
    summary = json.loads(out.splitlines()[-1])
    assert summary["events"] == {"spot": 2}
    assert list(summary["dropped"]) == [reason]
    assert summary["first"][reason].startswith(f"{path}, line 3: ")
    assert message is None or message in summary["first"][reason]
    _, out, _ = run(capsys, "replay", path)
    assert f"{reason.replace('_', ' ')}, first" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["replay"], "required: FILE"),
        (["replay", "no-such.jsonl"], "no-such.jsonl: cannot be read (No such file"),
        (["replay", "."], "cannot be read (Is a directory)"),
        (["replay", "x", "--speed", "0"], "'0' is no speed, write 1, 60 or max"),
        (["replay", "x", "--speed", "fast"], "'fast' is no speed"),
        (["replay", "x", "--every", "-1"], "'-1' is no time"),
        (["replay", "x", "--json", "--lines"], "not allowed with"),
        (["record", "-o", "x.jsonl"], "one of the arguments"),
        (["record", "--synthetic"], "required: -o"),
        (["record", "a.jsonl", "--synthetic", "-o", "x"], "not allowed with"),
        (["record", "--synthetic", "-o", "x.jsonl", "--contracts", "1"], "n: 1 contracts"),
        (["record", "--synthetic", "-o", "x.jsonl", "--rate", "inf"], "'inf' is no time"),
        (["record", "--synthetic", "-o", "no/x.jsonl"], "no/x.jsonl: cannot be written"),
    ],
)
def test_commands_that_cannot_be(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert list(tmp_path.iterdir()) == []
