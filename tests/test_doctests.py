"""Every example in the docstrings runs and shows what it says."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import gexcore
import pytest

# __main__ would run the command line; the compiled core has no docstrings of its own
MODULES = sorted(
    {"gexcore"}
    | {
        module.name
        for module in pkgutil.walk_packages(gexcore.__path__, "gexcore.")
        if module.name not in ("gexcore.__main__", "gexcore._core")
    }
)
FINDER = doctest.DocTestFinder(exclude_empty=True)


def examples(name):
    """Doctests of one module that hold at least one example."""
    return [test for test in FINDER.find(importlib.import_module(name)) if test.examples]


def public_path():
    """Modules that define a function of the public list."""
    values = (getattr(gexcore, name) for name in gexcore.__all__)
    return {value.__module__ for value in values if inspect.isfunction(value)}


@pytest.mark.parametrize("name", MODULES)
def test_examples_show_what_they_say(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an example may write a file
    runner = doctest.DocTestRunner(optionflags=doctest.REPORT_ONLY_FIRST_FAILURE)
    report = []
    for test in examples(name):
        runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)


def test_the_public_path_has_examples():
    assert public_path() <= set(MODULES)
    without = {name for name in public_path() if not examples(name)}
    assert without == set()
    assert {"gexcore.bsm", "gexcore.cpu", "gexcore.chain", "gexcore.analysis"} <= {
        name for name in MODULES if examples(name)
    }
    assert sum(len(test.examples) for name in MODULES for test in examples(name)) > 15
