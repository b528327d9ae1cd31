"""Bars for long work: on terminals alone, after two seconds, gone at the end, never in the way."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from types import SimpleNamespace

import gexcore as gex
import pytest
from gexcore import progress as module
from gexcore.cli import main
from gexcore.progress import PATIENCE, end_progress, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def __enter__(self) -> Terminal:
        self.before, sys.stderr = sys.stderr, self
        return self

    def __exit__(self, *_: object) -> None:
        sys.stderr = self.before


@pytest.fixture(params=["tqdm", "rich"])
def terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal for standard error; each item takes a second, and one library draws."""
    if request.param == "rich":
        monkeypatch.setitem(sys.modules, "tqdm", None)
    clock = iter(range(10**6))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def visible(screen: Terminal) -> str:
    """What stands on the last line: after a carriage return, without codes that erase and move."""
    return re.sub(r"\x1b\[\??\d*[A-Za-z]", "", screen.getvalue().rsplit("\r", 1)[-1])


def test_a_bar_comes_after_two_seconds_and_goes(terminal: Terminal) -> None:
    assert PATIENCE == 2.0
    seen = []
    with terminal:
        for item in progress(range(8), "books"):
            seen.append(bool(terminal.getvalue()))
            assert item == len(seen) - 1
    assert seen == [False] * 2 + [True] * 6  # the third item begins after 3 s
    assert "books" in terminal.getvalue()
    assert visible(terminal).strip() == ""


def test_short_work_shows_nothing(terminal: Terminal) -> None:
    with terminal:
        assert list(progress(iter("ab"), "letters")) == ["a", "b"]
    assert terminal.getvalue() == ""


def test_of_nested_loops_one_bar_is_shown(terminal: Terminal) -> None:
    with terminal:
        for _ in progress(range(6), "outer"):
            for _ in progress(range(6), "inner"):
                assert len(module._shown) <= 1
    assert module._shown == []
    text = terminal.getvalue()
    assert "inner" in text  # the first inner loop was long before the outer one was
    assert "outer" in text


def test_a_bar_gives_way_to_a_message(terminal: Terminal) -> None:
    with terminal:
        items = progress(range(9), "books")
        for _ in range(5):
            next(items)
        assert len(module._shown) == 1
        end_progress()
        assert module._shown == []
        assert visible(terminal).strip() == ""
        assert list(items) == [5, 6, 7, 8]


def test_left_in_the_middle(terminal: Terminal) -> None:
    def stop() -> None:
        for item in progress(range(9), "books"):
            if item == 5:
                raise KeyError

    with terminal, pytest.raises(KeyError):
        stop()
    assert "books" in terminal.getvalue()
    assert module._shown == []


def test_without_a_library_there_is_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tqdm", "rich.console", "rich.progress"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(module, "PATIENCE", -1.0)
    with Terminal() as screen:
        assert list(progress(range(3), "books")) == [0, 1, 2]
    assert screen.getvalue() == ""


def test_no_terminal_no_bar_and_no_library_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", -1.0)
    for screen in (io.StringIO(), None):
        monkeypatch.setattr(sys, "stderr", screen)
        assert list(progress(range(3), "books")) == [0, 1, 2]
        assert screen is None or screen.getvalue() == ""
    code = (
        "import sys, gexcore as gex, gexcore.progress as p; p.PATIENCE = -1.0\n"
        "gex.levels_across(gex.synthetic_chain(n=400))\n"
        "print({'tqdm', 'rich'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert (done.stdout.strip(), done.stderr) == ("set()", "")


def test_long_calls_have_one(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", -1.0)
    chain = gex.synthetic_chain(n=400)
    later = chain.with_conventions(as_of="2026-03-18T15:30-04:00", rate=0.05)
    calls = {
        "conventions": lambda: gex.levels_across(chain),
        "times": lambda: gex.scenario_cube(chain),
        "spots": lambda: gex.levels_band(gex.analyze(chain).levels, 0.8, draws=5),
        "books": lambda: gex.explain_change(chain, later),
    }
    for what, call in calls.items():
        terminal.seek(0)
        terminal.truncate()
        with terminal:
            call()
        assert what in terminal.getvalue()
        assert visible(terminal).strip() == ""


def test_an_error_takes_the_bar_away(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    from gexcore.cli import COMMANDS

    def fail(_: object) -> None:
        for item in progress(range(9), "books"):
            if item == 5:
                raise gex.GexError("no such book")

    monkeypatch.setitem(COMMANDS, "formats", fail)
    with terminal:
        assert main(["formats"]) == 2
    assert visible(terminal) == "gexcore: error: no such book\n"
