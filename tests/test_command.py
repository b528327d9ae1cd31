"""The installed script: whatever goes wrong, one line."""

from __future__ import annotations

import os
import subprocess
import sys


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from gexcore_command import main; sys.exit(main())"
    command = [sys.executable, "-c", code, *arguments]
    settings = {**os.environ, **environment}
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=False)


def test_an_instruction_set_that_cannot_be_had_is_one_line() -> None:
    done = run("--version", GEXCORE_ISA="nonsense")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("gexcore: error: GEXCORE_ISA: instruction set 'nonsense'")
    assert "Hint: use one of" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_script_runs_the_command_line() -> None:
    done = run("levels", "no-such-file.csv")
    assert done.returncode == 2
    assert "no-such-file.csv" in done.stderr
    assert run("--version").stdout.startswith("gexcore ")
