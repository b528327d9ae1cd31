"""The README's Python blocks run, and print what the block after them shows."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

import gexcore as gex
import pytest
from gexcore.cli import main
from test_commands import sheet as file_of

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    return [(language, text) for language, text in BLOCK.findall(README.read_text("utf-8"))]


def python_blocks() -> list[tuple[str, str | None]]:
    found = blocks()
    return [
        (text, found[i + 1][1] if i + 1 < len(found) and found[i + 1][0] == "text" else None)
        for i, (language, text) in enumerate(found)
        if language == "python"
    ]


@pytest.mark.parametrize("code, shown", python_blocks())
def test_block_runs_and_prints_what_is_shown(code: str, shown: str | None) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, str(README), "exec"), {})
    assert printed.getvalue().strip()
    if shown is not None:
        assert printed.getvalue().startswith(shown.rstrip("\n"))


def test_first_screen_has_promise_code_and_output() -> None:
    head = "\n".join(README.read_text("utf-8").splitlines()[:30])
    assert "Dealer gamma exposure" in head
    assert "pip install . && gexcore demo" in head
    assert "gex.analyze(" in head
    assert "zero gamma  " in head


def test_the_two_commands_stand_alone_in_their_blocks() -> None:
    shell = [text.strip() for language, text in blocks() if language == "sh"]
    assert "pip install . && gexcore demo" in shell
    assert "pip install '.[test]' && pytest" in shell


def test_blocks_were_found() -> None:
    assert len(python_blocks()) >= 4
    assert sum(shown is not None for _, shown in python_blocks()) >= 3


def commands() -> list[str]:
    """Commands on files, without their comments."""
    (block,) = [text for language, text in blocks() if "gexcore hedge" in text]
    return [line.split("  # ")[0].split(" # ")[0].strip() for line in block.splitlines()]


@pytest.mark.parametrize("command", commands())
def test_command_runs(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for word, needs in (("plot", "matplotlib"), ("report", "plotly")):
        if word in command.split():
            pytest.importorskip(needs)
    monkeypatch.chdir(tmp_path)
    text = file_of(gex.synthetic_chain(n=2000))
    for name in ("spx", "monday"):
        Path(f"{name}.csv").write_text(text)
    Path("tuesday.csv").write_text(text.replace("March 18", "March 19"))
    if "feed.jsonl" in command:
        few = ["--contracts", "200", "--seconds", "30"]
        assert main(["record", "--synthetic", "-o", "feed.jsonl", *few]) == 0
    words = shlex.split(command.removesuffix("< spx.csv"))
    if command.endswith("< spx.csv"):
        stream = io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8")
        monkeypatch.setattr("sys.stdin", stream)
    assert words[0] == "gexcore"
    assert main(words[1:]) == 0
    out = words[words.index("-o") + 1] if "-o" in words else None
    assert Path(out).exists() if out else capsys.readouterr().out


def test_speeds_are_those_of_the_benchmarks() -> None:
    page = (README.parent / "benchmarks" / "README.md").read_text("utf-8")
    table = README.read_text("utf-8").split("## Fast and right at once")[1].split("\n## ")[0]
    cells = [line for line in table.splitlines() if line.startswith("| ")][1:]
    figures = re.findall(r"([\d.,]+) (?:ns|us|ms)|(\de-\d\d)", "\n".join(cells))
    assert len(figures) > 30
    for time, error in figures:
        assert re.search(rf"(?<![\d.]){re.escape(time or error)}(?![\d.])", page), time or error


def test_demo_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    shown = next(text for language, text in blocks() if language == "text")
    assert shown.strip() in capsys.readouterr().out
