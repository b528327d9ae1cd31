"""The rooms of the house: who may import whom, how big a file may be, what an import costs."""

from __future__ import annotations

import ast
import importlib.metadata
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import gexcore
import pytest
from gexcore import _core

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "python" / "gexcore"
CPP = ROOT / "cpp"

# Each module imports only modules to its left.
ROOMS = (
    "errors",
    "frames",
    "results",
    "output",
    "progress",
    "cpu",
    "cpp",
    "units",
    "sessions",
    "clock",
    "bsm",
    "columns",
    "rates",
    "parity",
    "conventions",
    "implied_vols",
    "scope",
    "merge",
    "contracts",
    "chain",
    "vols",
    "expiries",
    "greeks",
    "timestamps",
    "sides",
    "quotes",
    "trades",
    "flow",
    "positions",
    "coverage",
    "exposures",
    "smiles",
    "dynamics",
    "roots",
    "profile",
    "strikes",
    "certificate",
    "levels",
    "landscape",
    "impact",
    "flags",
    "regime",
    "quick",
    "sign_band",
    "analysis",
    "horizon",
    "pairing",
    "change",
    "choices",
    "across",
    "sensitivities",
    "level_path",
    "repricing",
    "scenario",
    "hedges",
    "hedging",
    "series",
    "slots",
    "inventory",
    "holdings",
    "readings",
    "watch",
    "reader",
    "book",
    "feed",
    "replay",
)
DOORS = ("io", "plot", "recording", "report", "synthetic", "cli", "__main__")
READERS_MAY = {
    "errors", "results", "output", "progress", "clock", "rates", "frames", "columns", "chain",
    "trades",
}  # fmt: skip
OPENS_DOORS = ("cli", "__main__", "")  # "" is the package itself

VENDORS = re.compile("cboe|yfinance|polygon|tradier|orats|databento|deribit", re.IGNORECASE)
NAMES_VENDORS = {
    "inputs.py",
    "options.py",
    "levels.py",
    "__init__.py",
}  # the readers' names in the public list and the help
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)
SOURCES = sorted(
    path
    for folder in ("python", "cpp", "tests", "benchmarks", "examples")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".cpp", ".hpp")
)


def shown(path):
    return path.relative_to(ROOT).as_posix()


def dotted(path):
    """Name of a module inside the package: "io.occ", "bsm", "" for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {dotted(path): path for path in MODULES}


def module_of(name):
    """The module that an import of gexcore.`name` reaches; "_core" is compiled."""
    while name and name not in NAMES and name != "_core":
        name = name.rpartition(".")[0]
    return name


def imported(path):
    """(module, at import time?) for each import of the package's own modules in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    later = set()
    for node in ast.walk(tree):
        typing_only = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        if typing_only or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            body = node.body if typing_only else [node]
            later.update(id(inner) for part in body for inner in ast.walk(part))
    package = dotted(path) if path.name == "__init__.py" else dotted(path).rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parts = ["gexcore", *package.split(".")] if package else ["gexcore"]
            start = parts[: len(parts) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            targets = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for target in targets:
            if target.split(".")[0] == "gexcore":
                yield module_of(target.partition(".")[2]), id(node) not in later


def room(name):
    return name.split(".")[0]


def test_every_module_has_a_room():
    listed = [*ROOMS, *DOORS, ""]
    assert len(set(listed)) == len(listed)
    assert {room(name) for name in NAMES} == set(listed)


@pytest.mark.parametrize("name", ROOMS)
def test_rooms_look_only_to_the_left(name):
    left = {*ROOMS[: ROOMS.index(name)], "_core"}
    assert {room(target) for target, _ in imported(NAMES[name])} <= left


@pytest.mark.parametrize("name", sorted(n for n in NAMES if room(n) in DOORS))
def test_doors_open_inwards(name):
    targets = {room(target) for target, _ in imported(NAMES[name])}
    if name == "io.frames":  # what frames are extended by goes all the way to levels
        assert targets <= {*ROOMS, "io"}
    elif room(name) == "io":
        assert targets <= READERS_MAY | {"io"}
    elif room(name) in OPENS_DOORS:
        assert targets <= {*ROOMS, *DOORS, "", "_core"}
    else:
        assert targets <= {*ROOMS, room(name), "_core"}


def test_the_package_opens_doors_only_when_asked():
    at_once = {room(target) for target, now in imported(NAMES[""]) if now}
    assert at_once <= {*ROOMS, "_core"}
    assert {room(target) for target, _ in imported(NAMES[""])} & set(DOORS)


def test_imports_are_read_as_python_reads_them():
    # a reader that sees nothing would pass every other test
    seen = {name: {target for target, _ in imported(path)} for name, path in NAMES.items()}
    assert {"errors", "_core"} <= seen["bsm"]
    assert "clock" in seen["chain"]
    assert "io.source" in seen["io.cboe"]
    assert "chain" in seen["io.cboe"]
    assert {"synthetic", "analysis"} <= seen["cli.levels"]


INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
STANDARD = re.compile(r"[a-z_]+|(pthread|std\w+)\.h|cpuid\.h")
INTRINSICS = re.compile(r"\w*intrin\.h|arm_\w+\.h")


def includes(folder):
    files = [path for path in (CPP / folder).rglob("*") if path.suffix in (".hpp", ".cpp", ".in")]
    return [
        pytest.param(path, header, id=f"{shown(path)}-{header}")
        for path in sorted(files)
        for header in INCLUDE.findall(path.read_text(encoding="utf-8"))
    ]


def own(path, header):
    return "/" not in header and (path.parent / header).is_file()


@pytest.mark.parametrize(("path", "header"), includes("include"))
def test_public_headers_need_the_standard_library_alone(path, header):
    assert header.startswith("gexcore/") or re.fullmatch("[a-z_]+", header)


@pytest.mark.parametrize(("path", "header"), includes("src"))
def test_sources_include_no_kernels(path, header):
    assert header.startswith("gexcore/") or own(path, header) or STANDARD.fullmatch(header)


@pytest.mark.parametrize(("path", "header"), includes("kernels"))
def test_kernels_include_nothing_compiled_elsewhere(path, header):
    assert header in ("../src/kernels.hpp", "stddef.h", "stdint.h") or own(path, header)
    assert not INTRINSICS.fullmatch(header)


@pytest.mark.parametrize(("path", "header"), includes("bindings"))
def test_bindings_see_the_public_headers(path, header):
    known = header.startswith(("gexcore/", "pybind11/")) or own(path, header)
    assert known or re.fullmatch("[a-z_]+", header)


def test_includes_are_found():
    headers = {folder: {p.values[1] for p in includes(folder)} for folder in ("src", "kernels")}
    assert "kernels.hpp" in headers["src"]
    assert "math.hpp" in headers["kernels"]


def test_pybind11_is_named_in_the_bindings_alone():
    for path in CPP.rglob("*"):
        if path.suffix in (".hpp", ".cpp", ".in") and (CPP / "bindings") not in path.parents:
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"#\s*include.*pybind11|Python\.h", text), shown(path)


def test_import_brings_numpy_and_nothing_heavier():
    code = """
import sys
import numpy
before = set(sys.modules)
import gexcore
print(*sorted(set(sys.modules) - before))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    new = done.stdout.split()
    assert "gexcore.analysis" in new
    assert {room(name) for name in new} <= {*sys.stdlib_module_names, "numpy", "gexcore"}
    heavy = {"zoneinfo", "json", "csv", "argparse", "asyncio", "logging", "multiprocessing"}
    heavy |= {"sqlite3", "urllib", "http", "email", "unittest", "doctest", "gzip"}
    assert not heavy & {room(name) for name in new}
    assert not [name for name in new if name.startswith("gexcore.") and room(name[8:]) in DOORS]


@pytest.mark.parametrize("path", SOURCES, ids=shown)
def test_files_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def code_lines(function):
    """Lines of a function without its docstring."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    return lines - (function.body[0].end_lineno - function.body[0].lineno + 1)


@pytest.mark.parametrize("path", [p for p in SOURCES if p.suffix == ".py"], ids=shown)
def test_functions_are_short(path):
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert {f.name: code_lines(f) for f in functions if code_lines(f) > 60} == {}


@pytest.mark.parametrize(
    "path",
    [p for p in MODULES if room(dotted(p)) != "io" and p.name not in NAMES_VENDORS],
    ids=shown,
)
def test_vendors_are_named_by_the_readers_alone(path):
    assert VENDORS.findall(path.read_text(encoding="utf-8")) == []


def public(tree):
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return [n for n in tree.body if isinstance(n, kinds) and not n.name.startswith("_")]


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_public_names_of_modules_are_documented(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert path.name == "__main__.py" or ast.get_docstring(tree)
    assert [node.name for node in public(tree) if not ast.get_docstring(node)] == []


@pytest.mark.parametrize("name", gexcore.__all__)
def test_public_names_of_the_package_are_documented(name):
    value = getattr(gexcore, name)
    if name == "__version__":
        assert re.fullmatch(r"\d+\.\d+\.\d+\S*", value)
        return
    text = inspect.getdoc(value) or ""
    assert text.strip()
    if inspect.isfunction(value):
        for part in ("Args:", "Returns:", "Raises:", "Example:"):
            assert part in text, f"{name} has no {part}"
        assert ">>> " in text.partition("Example:")[2]


def test_one_version():
    with (ROOT / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    assert _core.__version__ == gexcore.__version__ == version
    try:
        installed = importlib.metadata.version("gexcore")
    except importlib.metadata.PackageNotFoundError:
        return  # run from the source tree
    assert installed == version
