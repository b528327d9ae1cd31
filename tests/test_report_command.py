"""The command `report`: what it writes and what it refuses; PDFs by browsers of all kinds."""

from __future__ import annotations

import io
import os
import stat
import time
from pathlib import Path
from typing import Any

import gexcore as gex
import pytest
from gexcore.cli import main
from gexcore.errors import GexError
from gexcore.report import build_report, pdf, write_report
from report_pages import read
from test_commands import sheet

PRINTS = """for word in "$@"; do
  case $word in
    --print-to-pdf=*) printf '%%PDF-1.4 made' > "${word#--print-to-pdf=}" ;;
    --user-data-dir=*) mkdir "${word#--user-data-dir=}" || exit 1 ;;
  esac
done
printf '%s\\n' "$@" > "$0.words"
"""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("chain") / "xyz.csv"
    path.write_text(sheet(gex.synthetic_chain(n=2000)))
    return path


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a browser of a shell script, and names it."""

    def make(script: str) -> Path:
        path = tmp_path / "browser.sh"
        path.write_text(f"#!/bin/sh\n{script}")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("GEXCORE_BROWSER", str(path))
        return path

    return make


def written(sample: Path, out: Path, *words: str) -> str:
    assert main(["report", str(sample), "-o", str(out), *words]) == 0
    return out.read_text("utf-8")


def test_the_page_is_that_of_the_library(sample: Path, tmp_path: Path, capsys: Any) -> None:
    found = written(sample, tmp_path / "a.html")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"{tmp_path / 'a.html'}: short gamma\n"
    assert found == build_report(gex.analyze(gex.read_cboe(sample)))


def test_options_are_those_of_levels(sample: Path, tmp_path: Path) -> None:
    words = ("--scope", "dte<=30", "--positions", "short_all", "--rate", "5%", "--adv", "4e11",
             "--kappa", "0.1", "--side", "gross", "--gated", "--title", "My <desk>")  # fmt: skip
    found = read(written(sample, tmp_path / "a.html", *words))
    chain = gex.read_cboe(sample, rate=0.05)
    expected = gex.analyze(chain.filter("dte<=30"), "short_all", side="gross", gated=True, adv=4e11,
                           kappa=0.1)  # fmt: skip
    wall = found.table("levels-table")["put wall"][0].value
    assert wall == expected.levels.put_wall.strike
    manifest = found.table("manifest-table")
    assert manifest["scope"][0].text == "dte<=30"
    assert manifest["positions"][0].text == "short_all"
    assert "My <desk>" in found.text
    flags = {name: cells[0].text for name, cells in found.table("flags-table").items()}
    assert flags["squeeze"] == "RAISED"
    across = gex.levels_across(chain, "short_all", scope="dte<=30", side="gross", gated=True)
    rows = found.tables["conventions-table"][1:]
    assert len(rows) == len(across)
    scopes = {row.convention.scope for row in across.rows}
    assert scopes > {"dte<=30", "all"}  # others are of the whole chain
    net = [cell.text for cell in found.tables["conventions-table"][0]].index("net gamma")
    assert [row[net].value for row in rows] == [row.net_gamma for row in across.rows]


def test_without_conventions(sample: Path, tmp_path: Path) -> None:
    found = read(written(sample, tmp_path / "a.html", "--no-across"))
    assert "intervals-table" not in found.tables


def test_standard_input(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(sample.read_bytes()), "utf-8")
    monkeypatch.setattr("sys.stdin", stream)
    found = written(Path("-"), tmp_path / "a.html", "--scope", "dte<=30")
    assert "dte&lt;=30" in found


REFUSED = [
    (["-o", "report.txt"], "a report is .html or .pdf"),
    (["-o", "nowhere/report.html"], "cannot be written"),
    (["-o", "report.html", "--details"], "unrecognized arguments: --details"),
    (["-o", "report.html", "--scope", "weekly"], "there is no scope 'weekly'"),
    ([], "required: -o/--output"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED, ids=str)
def test_refusals_are_one_line(
    words: list[str], message: str, sample: Path, tmp_path: Path, capsys: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(sample), *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_the_chain_itself_is_not_overwritten(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "chain.html"
    path.write_text(sheet(gex.synthetic_chain(n=400)))
    before = path.read_bytes()
    assert main(["report", str(path), "-o", str(path)]) == 2
    assert "is the chain file itself" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_an_old_page_stays_when_the_disk_is_full(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    out = tmp_path / "a.html"
    out.write_text("old")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert main(["report", str(sample), "-o", str(out), "--no-across"]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]
    assert out.read_text() == "old"


# --- PDF ---------------------------------------------------------------------------------------


def test_pdf_beside_and_instead(sample: Path, tmp_path: Path, program: Any, capsys: Any) -> None:
    named = program(PRINTS)
    written(sample, tmp_path / "a.html", "--pdf", "--no-across")
    assert (tmp_path / "a.pdf").read_bytes() == b"%PDF-1.4 made"
    assert capsys.readouterr().err.splitlines() == [
        f"{tmp_path / 'a.html'}: short gamma", f"{tmp_path / 'a.pdf'}: short gamma",
    ]  # fmt: skip
    assert main(["report", str(sample), "-o", str(tmp_path / "b.pdf"), "--no-across"]) == 0
    assert (tmp_path / "b.pdf").exists() and not (tmp_path / "b.html").exists()
    words = Path(f"{named}.words").read_text().splitlines()
    assert "--headless" in words
    assert ("--no-sandbox" in words) is (os.geteuid() == 0)
    profile = next(word for word in words if word.startswith("--user-data-dir="))
    assert not Path(profile.partition("=")[2]).exists()  # gone with the browser
    assert words[-1].startswith("file://")


@pytest.mark.parametrize(
    ("script", "message"),
    [("echo 'cannot open display' >&2; exit 1", r"no PDF came out \(cannot open display\)"),
     ("exit 0", "no PDF came out")],
)  # fmt: skip
def test_a_browser_that_fails(script: str, message: str, program: Any) -> None:
    with pytest.raises(GexError, match=message):
        pdf.print_pdf(b"<p>a</p>", str(program(script)))


def test_a_browser_that_hangs_is_ended_with_its_children(tmp_path: Path, program: Any) -> None:
    named = program(f"sleep 600 &\necho $! > {tmp_path / 'child'}\nwait\n")
    begin = time.monotonic()
    with pytest.raises(GexError, match="not done after 1 s, ended"):
        pdf.print_pdf(b"<p>a</p>", str(named), timeout=1.0)
    assert time.monotonic() - begin < 20
    child = int((tmp_path / "child").read_text())
    for _ in range(100):  # whoever inherits it may take a moment to bury it
        if not alive(child):
            break
        time.sleep(0.05)
    assert not alive(child)


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_without_a_browser_the_error_says_what_to_install(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.delenv("GEXCORE_BROWSER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pdf, "_PLACES", {})
    assert main(["report", str(sample), "-o", str(tmp_path / "a.html"), "--pdf"]) == 2
    assert "install Chromium, Chrome or Edge" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []  # said before anything is written
    monkeypatch.setenv("GEXCORE_BROWSER", "no-such-browser")
    with pytest.raises(GexError, match="GEXCORE_BROWSER: there is no program 'no-such-browser'"):
        write_report(gex.analyze(gex.synthetic_chain(n=400)), tmp_path / "a.pdf")
