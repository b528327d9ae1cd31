"""The command line: what it prints, where, and with which exit code; never a traceback."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gexcore as gex
import pytest
from gexcore.cli import main

SIDE = "Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest"
HEADER = f"Expiration Date,Calls,{SIDE},Strike,Puts,{SIDE}"
STRIKES = range(80, 125, 5)
DAYS = {"240315": "Fri Mar 15 2024", "240419": "Fri Apr 19 2024"}


def sheet(root: str = "XYZ") -> str:
    """A small CBOE quotedata CSV with invented numbers: calls held above spot, puts below."""
    lines = [
        "",
        "XYZ WIDGET INDEX,Last: 98.00,Change:  0.5",
        '"Date: March 12, 2024 at 10:52 AM EDT",Bid: 97.5,Ask: 98.5,Size: 1*1,Volume: 0',
        HEADER,
    ]
    for code, day in DAYS.items():
        for strike in STRIKES:
            call, put = (100 + 30 * (strike - 80), 100 + 20 * (120 - strike))
            side = "1.5,0,1.4,1.6,7,0.2500,0.5,0.03"
            cells = [f"{root}{code}{kind}{strike * 1000:08d}" for kind in "CP"]
            row = f"{day},{cells[0]},{side},{call},{strike:.2f},{cells[1]},{side},{put}"
            lines.append(row)
    return "\n".join([*lines, ""])


def document() -> str:
    """The same kind of chain as a CBOE delayed quotes JSON."""
    options = [
        {
            "option": f"XYZ240315{kind}{strike * 1000:08d}",
            "bid": 1.4,
            "ask": 1.6,
            "iv": 0.25,
            "open_interest": float(strike),
            "volume": 1.0,
            "delta": 0.5,
            "gamma": 0.03,
            "last_trade_price": 1.5,
        }
        for strike in STRIKES
        for kind in "CP"
    ]
    data = {"current_price": 98.0, "close": 97.0, "options": options}
    return json.dumps({"timestamp": "2024-03-12 14:52:00", "symbol": "XYZ", "data": data})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "xyz.csv"
    path.write_text(sheet())
    return path


def command(*arguments: str, env: dict[str, str] | None = None, **more: Any) -> Any:
    """Run as a user does; output as bytes, environment without preferences for colour."""
    clean = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "GEXCORE_DEBUG")}
    words = [sys.executable, "-m", "gexcore", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    return subprocess.run(words, env={**clean, **(env or {})}, timeout=60, check=False, **pipes)


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""

    def never(constant: str) -> float:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(out, parse_constant=never)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on stderr of a command that cannot be used."""
    assert main(list(arguments)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("gexcore: error: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    return err


# --- what it prints ----------------------------------------------------------------------------


def test_levels_of_a_file_as_a_table(file: Path) -> None:
    done = command("levels", str(file))
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode()
    assert "XYZ: 36 contracts, spot 98, as of 2024-03-12 10:52 EDT" in text
    for label in ("net gamma", "zero gamma", "call wall", "put wall", "absolute gamma strike"):
        assert f"\n{label}" in text
    assert "36 of 36 contracts, 100.0% of open interest" in text
    assert "NOTE: rate and dividend_yield were not given: 0 is used" in text
    assert "naive" in text
    assert "\x1b" not in text


def test_json_is_the_analysis(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = as_json(capsys, "levels", str(file), "--rate", "5%", "--dividend-yield", "1.5%")
    expected = gex.analyze(gex.read_cboe(file, rate=0.05, dividend_yield=0.015)).to_dict()
    assert data == json.loads(json.dumps(expected))
    assert data["spot"] == 98.0
    assert data["as_of"] == "2024-03-12T10:52:00-04:00"
    assert (data["coverage"]["read"], data["coverage"]["used"]) == (36, 36)
    assert data["zero_gamma"]["status"] == "found"
    assert data["manifest"]["rates"]["rate"] == 0.05


@pytest.mark.parametrize(("key", "as_of"), [("at_printed_snapshot", "printed"),
                                            ("at_last_close", "session")])  # fmt: skip
def test_levels_of_a_real_file(
    key: str, as_of: str, test_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = test_data / "data" / "cboe_spx_2024-01-07.csv"
    data = as_json(
        capsys, "levels", str(path), "--rate", "0.05", "--dividend-yield", "1.5%", "--as-of", as_of
    )
    text = (test_data / "reference" / "levels_open_chains.json").read_text()
    expected = json.loads(text)["chains"]["spx_2024-01-07"][key]
    assert data["net_gamma"] == pytest.approx(expected["net_gamma_usd_per_1pct"], rel=1e-6)
    assert data["zero_gamma"]["value"] == pytest.approx(expected["flip"], rel=1e-6)
    assert data["call_wall"]["strike"] == expected["call_wall"]["net"]["strike"]
    assert data["put_wall"]["strike"] == expected["put_wall"]["net"]["strike"]
    assert data["coverage"]["used"] == expected["rows_used"]
    # a Sunday: what is not asked for is the last session
    if as_of == "session":
        automatic = as_json(
            capsys, "levels", str(path), "--rate", "5%", "--dividend-yield", "0.015"
        )
        assert automatic == data


def test_same_chain_by_every_door(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = as_json(capsys, "levels", str(file))
    packed = file.with_name("xyz.csv.gz")
    packed.write_bytes(gzip.compress(file.read_bytes()))
    windows = file.with_name("windows.csv")
    windows.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    results = [as_json(capsys, "levels", str(path)) for path in (packed, windows)]
    stdin = io.BytesIO(packed.read_bytes())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stdin))
    results.append(as_json(capsys, "levels", "-"))
    for result in results:
        result["manifest"]["source"] = plain["manifest"]["source"]  # only the name may differ
        assert result == plain


def test_standard_input_of_a_process(file: Path) -> None:
    done = command("levels", "-", "--json", input=document().encode())
    assert (done.returncode, done.stderr) == (0, b"")
    data = json.loads(done.stdout)
    assert (data["spot"], data["coverage"]["read"]) == (98.0, 18)
    assert data["as_of"] == "2024-03-12T10:52:00-04:00"  # 14:52 UTC


def test_rates_and_times_are_understood(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = str(file)
    percent = as_json(capsys, "levels", name, "--rate", "5%", "--dividend-yield=-1%")
    decimal = as_json(capsys, "levels", name, "--rate", "0.05", "--dividend-yield=-0.01")
    assert percent == decimal
    assert percent["manifest"]["rates"]["dividend_yield"] == -0.01
    auto = as_json(capsys, "levels", name)
    assert as_json(capsys, "levels", name, "--as-of", "printed") == auto
    session = as_json(capsys, "levels", name, "--as-of", "session")
    assert session["as_of"] == "2024-03-11T16:00:00-04:00"
    given = as_json(capsys, "levels", name, "--as-of", "2024-03-11T20:00Z")
    assert given["as_of"] == session["as_of"]
    assert given["net_gamma"] == session["net_gamma"] != auto["net_gamma"]
    late = as_json(capsys, "levels", name, "--as-of", "2025-01-01T00:00Z")
    assert late["regime"]["kind"] == "no_exposure"
    assert late["coverage"]["dropped"]["expired"]["rows"] == 36


def test_demo_is_marked_as_invented(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("SYNTHETIC DATA")
    assert "zero gamma" in out
    assert err == ""
    data = as_json(capsys, "demo")
    assert data["manifest"]["source"]["vendor"] == "synthetic"


def test_version_and_help() -> None:
    done = command("--version")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().split() == ["gexcore", gex.__version__]
    done = command("levels", "--help")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"--as-of" in done.stdout


# --- what it refuses ---------------------------------------------------------------------------

COMMANDS = [
    ([], "COMMAND"),
    (["levels"], "FILE"),
    (["frobnicate"], "invalid choice: 'frobnicate'"),
    (["levels", "FILE", "--frob"], "unrecognized arguments: --frob"),
    (["levels", "FILE", "--js"], "unrecognized arguments: --js"),  # no guessing
    (["levels", "FILE", "more.csv"], "unrecognized arguments: more.csv"),
    (["levels", "FILE", "--rate", "five"], "'five' is not a rate, write 0.05 or 5%"),
    (["levels", "FILE", "--rate", "5"], "rate: 5 is above 1. Hint: decimal, not percent"),
    (["levels", "FILE", "--rate", "500%"], "rate: 5 is above 1"),
    (["levels", "FILE", "--rate", "nan"], "rate: is not finite"),
    (["levels", "FILE", "--rate"], "--rate: expected one argument"),
    (["levels", "FILE", "--as-of", "yesterday"], "'yesterday' is not an ISO time"),
    (["levels", "FILE", "--as-of", "2024-03-12T10:00"], "has no zone"),
    (["levels", "FILE", "--positions", "gut"], "invalid choice: 'gut'"),
    (["demo", "--rate", "5%"], "unrecognized arguments"),
]


@pytest.mark.parametrize(("words", "message"), COMMANDS)
def test_bad_commands(
    words: list[str], message: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refused(capsys, *[str(file) if word == "FILE" else word for word in words])
    assert message in error
    assert "Hint: " in error or "write 0.05" in error


FILES = [
    (b"", "the file is empty"),
    (b" \r\n\n", "the file is empty"),
    (b"<!DOCTYPE html><html><body>403</body></html>", "web page"),
    (bytes(range(256)) * 20, "cannot|not text|binary"),
    (b"PK\x03\x04" + bytes(100), "zip archive"),
    (gzip.compress(sheet().encode())[:-40], "damaged or cut short"),
    (sheet()[:120].encode(), "no known format of a chain"),
    (sheet().split(HEADER)[0].encode() + HEADER.encode(), "no option rows"),
    (document()[:300].encode(), "cut short"),
    (b'{"optionChain": {"result": []}}', "looks like a Yahoo file"),
    (b"contractSymbol,strike,lastPrice\nA,1,2\n", "looks like a yfinance file"),
    (sheet().replace("Last: 98.00", "Last: --").encode(), "line 2: the spot price"),
    (sheet().replace(",Strike,", ",Price,").encode(), "missing column: Strike"),
    (sheet().replace("March 12", "Ventose 12").encode(), "line 3: the time"),
    (sheet(root="xyz").encode(), "none of the 36 option rows is usable"),
]


@pytest.mark.parametrize(("content", "message"), FILES)
def test_bad_files(
    content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "chain.csv"
    path.write_bytes(content)
    error = refused(capsys, "levels", str(path))
    assert any(part in error for part in message.split("|"))
    assert str(path) in error


def test_files_that_cannot_be_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "missing.csv"
    assert f"{missing}: cannot be read" in refused(capsys, "levels", str(missing))
    assert "cannot be read" in refused(capsys, "levels", str(tmp_path))
    assert "cannot be read" in refused(capsys, "levels", "a\nb.csv")


def test_a_row_cut_short_is_dropped_and_counted(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(sheet()[:-60])
    coverage = as_json(capsys, "levels", str(file))["coverage"]
    assert coverage["read"] == 36
    assert coverage["dropped"]["bad_row"]["rows"] == 2
    assert coverage["used"] == 34


def test_errors_of_a_process(tmp_path: Path) -> None:
    for words in (["levels", str(tmp_path / "no.csv")], ["levels", "x", "--rate", "5x"], []):
        done = command(*words)
        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr.startswith(b"gexcore: error: ")
        assert done.stderr.count(b"\n") == 1


def test_faults_inside_are_one_line(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("gexcore.cli.levels.analyze", fault)
    monkeypatch.delenv("GEXCORE_DEBUG", raising=False)
    assert main(["levels", str(file)]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("gexcore: failed: ZeroDivisionError: oops")
    monkeypatch.setenv("GEXCORE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["levels", str(file)])


# --- terminals and pipes -----------------------------------------------------------------------


def on_terminal(file: Path, **env: str) -> bytes:
    """Output of a process whose standard output is a terminal."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        done = command("levels", str(file), env={"TERM": "xterm", **env}, stdout=theirs)
        os.close(theirs)
        assert (done.returncode, done.stderr) == (0, b"")
        text = b""
        try:
            while part := screen.read(65536):
                text += part
        except OSError:  # Linux ends a terminal with an error
            pass
    return text


def test_colour_only_where_it_is_wanted(file: Path) -> None:
    text = on_terminal(file)
    assert text.count(b"\x1b[") == 2  # on and off, around the regime
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        plain = on_terminal(file, **env)
        assert b"\x1b" not in plain
        assert b"regime" in plain


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end differently")
@pytest.mark.parametrize("words", [["levels", "FILE"], ["demo"], ["demo", "--json"], ["--help"]])
def test_a_reader_that_has_enough(words: list[str], file: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)  # before a single byte is written
    try:
        done = command(*[str(file) if w == "FILE" else w for w in words], stdout=theirs)
    finally:
        os.close(theirs)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="no >&- there")
def test_closed_streams(file: Path) -> None:
    def shell(words: str) -> Any:
        line = f'"{sys.executable}" -m gexcore levels {words}'
        return subprocess.run(["sh", "-c", line], capture_output=True, timeout=60, check=False)

    done = shell(f'"{file}" >&-')
    assert (done.returncode, done.stderr) == (0, b"")
    done = shell("- <&-")
    assert done.returncode == 2
    assert done.stderr.startswith(b"gexcore: error: standard input is closed")
