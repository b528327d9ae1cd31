"""The C++ package: programs outside the tree find it, link it, and print Python's numbers.

It is the one of the installed gexcore, or a plain CMake install named by GEXCORE_CMAKE_DIR.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import gexcore as gex
import numpy as np
import pytest
from gexcore import _core

ROOT = Path(__file__).resolve().parents[1]
CONSUMER = ROOT / "tests" / "cpp" / "consumer"
PAGE = ROOT / "docs" / "cpp.md"


def run(*command: object, text: str | None = None) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    return subprocess.run(words, input=text, capture_output=True, text=True, timeout=300)


def configure(source: Path, build: Path, package: Path, *options: str) -> str:
    """What CMake says when it cannot use the package; empty if it can."""
    done = run("cmake", "-S", source, "-B", build, f"-Dgexcore_DIR={package}", *options)
    return "" if done.returncode == 0 else " ".join(done.stderr.split())


def built(source: Path, build: Path, package: Path) -> None:
    assert configure(source, build, package) == ""
    done = run("cmake", "--build", build)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def package() -> Path:
    """Its CMake folder."""
    missing = [name for name in ("cmake", "c++") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} are needed to build a C++ program")
    try:
        return Path(os.environ.get("GEXCORE_CMAKE_DIR") or gex.get_cmake_dir())
    except gex.InputError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def consumer(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("consumer")
    built(CONSUMER, build, package)
    return build / "consumer"


def words(chain: gex.Chain, positions: gex.Positions) -> str:
    """A chain as the consumer reads it: every number with all its digits."""
    codes, years = chain.codes("time_to_expiry")
    columns = (chain.strike, chain.implied_vol, chain.open_interest, positions.contracts,
               chain.multiplier, chain.rate, chain.dividend_yield, codes,
               chain.is_call.astype(int), chain.status)  # fmt: skip
    rows = zip(*(np.broadcast_to(c, len(chain)).tolist() for c in columns), strict=True)
    lines = [f"{chain.spot!r} {len(years)}", *map(repr, years.tolist()), str(len(chain))]
    return "\n".join([*lines, *(" ".join(map(repr, row)) for row in rows)])


def shown(name: str, *values: float | None) -> str:
    return " ".join([name, *("nan" if v is None else f"{v:.17g}" for v in values)])


def batch(chain: gex.Chain, rule: str) -> list[str]:
    """The levels of Python's batch computation, as the consumer prints them."""
    result = gex.analyze(chain, rule)
    levels = result.levels
    zero = levels.zero_gamma
    found = [f"crossing {c.spot:.17g}" for c in zero.crossings]
    top = [shown("net", levels.net_gamma[0]), shown("gross", result.exposures.gamma.gross)]
    marks = [
        shown(name, mark.strike, mark.value, mark.share, mark.runner_up, mark.margin)
        for name in ("call_wall", "put_wall", "absolute_gamma_strike", "hvl")
        for mark in [getattr(levels, name)]
    ]
    none = (None, None)
    rest = [
        shown("cumulative", levels.cumulative_gamma_crossing),
        shown("peak", *(levels.profile_peak or none)),
        shown("trough", *(levels.profile_trough or none)),
        shown("vol", levels.at_the_money_vol),
    ]
    regime = f"regime {result.regime.kind}"
    book = [*top, shown("zero", zero.value), shown("searched", *(zero.searched or none))]
    walls = [shown(name, getattr(levels, name).strike) for name in ("call_wall", "put_wall")]
    return [
        "book", *book, *found, *marks, *rest, regime, "quick", *top, *found, *walls, regime,
    ]  # fmt: skip


def assert_same(consumer: Path, chain: gex.Chain, rule: str = "naive") -> list[str]:
    done = run(consumer, text=words(chain, gex.assign_positions(chain, rule)))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == batch(chain, rule)
    return done.stdout.splitlines()


@pytest.mark.parametrize("rule", ["naive", "short_all", "moneyness"])
def test_levels_of_the_synthetic_chain_digit_for_digit(consumer: Path, rule: str) -> None:
    lines = assert_same(consumer, gex.synthetic_chain(), rule)
    assert any(line.startswith("crossing ") for line in lines) == (rule == "naive")


@pytest.mark.parametrize("name", ["spx_2023-09-14", "spx_2024-01-07", "xsp_2023-09-14"])
def test_levels_of_real_chains_digit_for_digit(consumer: Path, test_data: Path, name: str) -> None:
    text = (test_data / "reference" / "levels_open_chains.json").read_text("utf-8")
    chains = json.loads(text)["chains"]
    file = test_data / "data" / f"cboe_{name}.csv"
    published = chains[name]["at_printed_snapshot"]
    chain = gex.read_cboe(
        file, as_of="printed", rate=published["rate"], dividend_yield=published["dividend"]
    )
    lines = dict(
        line.split(" ", 1) for line in reversed(assert_same(consumer, chain)) if " " in line
    )
    # and the numbers of an independent implementation
    assert float(lines["zero"]) == pytest.approx(published["flip"], rel=1e-9)
    assert float(lines["net"]) == pytest.approx(published["net_gamma_usd_per_1pct"], rel=1e-9)
    for wall in ("call_wall", "put_wall"):
        assert float(lines[wall].split()[0]) == published[wall]["net"]["strike"]


def test_what_the_book_refuses_ends_the_program_with_its_message(consumer: Path) -> None:
    chain = gex.synthetic_chain(n=200)
    text = words(chain, gex.assign_positions(chain)).replace(repr(chain.spot), "-1.0", 1)
    done = run(consumer, text=text)
    assert (done.returncode, done.stdout) == (1, "book\n")
    assert done.stderr.startswith("spot: is -1.02")
    assert "Hint: " in done.stderr
    assert run(consumer, text="no chain").returncode == 2


def test_versions(package: Path, consumer: Path, tmp_path: Path) -> None:
    version = gex.__version__
    assert run(consumer, "--version").stdout.strip() == version
    minor = ".".join(version.split(".")[:2])
    for wanted in (minor, version):
        assert configure(CONSUMER, tmp_path / wanted, package, f"-DWANTED={wanted}") == ""
    for wanted in ("0.0.9", "9.9"):
        said = configure(CONSUMER, tmp_path / wanted, package, f"-DWANTED={wanted}")
        assert f'compatible with requested version "{wanted}"' in said
        assert f"version: {version}" in said


def parts(package: Path) -> SimpleNamespace:
    """The folders of an install: <prefix>/lib/cmake/gexcore and <prefix>/include."""
    prefix = package.parents[2]
    return SimpleNamespace(prefix=prefix, library=package.parents[1], headers=prefix / "include")


def test_what_is_installed(package: Path) -> None:
    here = parts(package)
    headers = {path.name for path in (ROOT / "cpp" / "include" / "gexcore").glob("*.hpp")}
    headers |= {"version.hpp"}
    assert {path.name for path in (here.headers / "gexcore").iterdir()} == headers
    (library,) = here.library.glob("*gexcore.*")
    assert library.name in ("libgexcore.a", "gexcore.lib")
    assert library.stat().st_size < 3e6
    assert {path.name for path in package.iterdir()} == {
        "gexcore-config.cmake", "gexcore-config-version.cmake", "gexcore-targets.cmake",
        "gexcore-targets-release.cmake",
    }  # fmt: skip


def test_nothing_points_to_where_it_was_built(package: Path) -> None:
    texts = {path: path.read_text("utf-8") for path in package.iterdir()}
    for path, text in texts.items():
        code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
        assert not re.findall(r"(?<![\w}/.])/(?:\w[\w.-]*/)+", code), path
        assert str(package.parent) not in text
    targets = texts[package / "gexcore-targets.cmake"]
    assert "cxx_std_17" in targets
    assert re.search(
        r'INTERFACE_INCLUDE_DIRECTORIES "\$\{_IMPORT_PREFIX\}/(gexcore/)?include"', targets
    )


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)


def test_the_page_and_a_package_that_was_moved(package: Path, tmp_path: Path) -> None:
    """The program of the page, built with the page's CMakeLists.txt, prints what the page shows."""
    here, moved = parts(package), tmp_path / "moved" / "gexcore"
    shutil.copytree(here.headers / "gexcore", moved / "include" / "gexcore")
    shutil.copytree(package, moved / "lib" / "cmake" / "gexcore")
    for library in here.library.glob("*gexcore.*"):
        shutil.copy(library, moved / "lib")
    (program,), (lists,), (text,) = (blocks(name) for name in ("cpp", "cmake", "text"))
    assert len(program.splitlines()) <= 30
    source = tmp_path / "source"
    source.mkdir()
    (source / "CMakeLists.txt").write_text(lists)
    (source / "levels.cpp").write_text(program)
    built(source, tmp_path / "build", moved / "lib" / "cmake" / "gexcore")
    done = run(tmp_path / "build" / "levels")
    assert (done.returncode, done.stdout, done.stderr) == (0, text, "")
    assert text == told()


def told() -> str:
    """The line of the page's program, by Python's batch computation."""
    strikes = np.tile(np.arange(90.0, 111.0), 2)
    vols = 0.20 - 0.002 * (strikes - 100.0)
    vols[25] = 0.25
    result = gex.analyze(
        gex.Chain.from_arrays(
            spot=101.0, strike=strikes, is_call=strikes > 100.0, implied_vol=vols,
            open_interest=np.full(42, 1000.0), time_to_expiry=np.repeat([0.02, 0.08], 21),
            rate=0.04, dividend_yield=0.01,
        )
    )  # fmt: skip
    levels = result.levels
    return (
        f"net {levels.net_gamma[0]:.0f} $ per 1%, zero gamma {levels.zero_gamma.value:.6f}, "
        f"walls {levels.put_wall.strike:.0f} and {levels.call_wall.strike:.0f}\n"
    )


def test_the_page_names_every_header() -> None:
    named = set(re.findall(r"`(\w+\.hpp)`", PAGE.read_text("utf-8")))
    everything = (ROOT / "cpp" / "include" / "gexcore" / "gexcore.hpp").read_text("utf-8")
    assert named == {*re.findall(r'"gexcore/(\w+\.hpp)"', everything), "gexcore.hpp"}


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An extension without a library beside it."""
    monkeypatch.setattr(_core, "__file__", str(tmp_path / "_core.so"))
    yield tmp_path


def test_a_package_without_the_library_says_so(elsewhere: Path) -> None:
    for ask in (gex.get_include, gex.get_cmake_dir):
        with pytest.raises(gex.InputError, match="C\\+\\+ package is not installed") as caught:
            ask()
        assert str(elsewhere) in str(caught.value)
        assert "Hint: install gexcore by pip" in str(caught.value)
