"""The README's Python blocks run, and print what the block after them shows."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

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
