"""W8: a CBOE file of 20,000 contracts to levels in a warm process, beside json.load of the file."""

from __future__ import annotations

import contextlib
import importlib.util
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import books
import gexcore as gex
import numpy as np
import pytest

ROWS = 20_000
NO_FAST = "needs the extra: pip install '.[fast]'"
needs_fast = pytest.mark.skipif(importlib.util.find_spec("msgspec") is None, reason=NO_FAST)
pytestmark = pytest.mark.benchmark(group="W8 file to levels")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("cboe") / "spx.json"
    file.write_text(books.cboe_text(gex.synthetic_chain(ROWS)), encoding="utf-8")
    assert 6e6 < file.stat().st_size < 10e6
    return file


def load(path: Path) -> Any:
    with path.open(encoding="utf-8") as file:
        return json.load(file)


def whole_path(path: Path) -> gex.Analysis:
    return gex.analyze(gex.read_cboe(path))


def years(symbol: str, now: datetime) -> float:
    """From the digits of an OCC symbol; SPX settles in the morning, SPXW in the afternoon."""
    hour, minute = (16, 0) if symbol.startswith("SPXW") else (9, 30)
    day = datetime.strptime(symbol[-15:-9], "%y%m%d")
    settled = day.replace(hour=hour, minute=minute, tzinfo=ZoneInfo("America/New_York"))
    return (settled.astimezone(UTC) - now).total_seconds() / (365 * 86400)


@pytest.mark.parametrize("decoder", ["json", pytest.param("msgspec", marks=needs_fast)])
def test_file_to_levels(benchmark: Callable[..., Any], path: Path, decoder: str) -> None:
    with books.without_fast() if decoder == "json" else contextlib.nullcontext():
        assert_right(whole_path(path), path)
        benchmark.pedantic(whole_path, (path,), rounds=10, warmup_rounds=2)
    books.note(benchmark, "ms", 1, 1e3)


def assert_right(result: gex.Analysis, path: Path) -> None:
    """Against the file as json reads it and gammas computed here."""
    document = load(path)
    options = document["data"]["options"]
    now = datetime.fromisoformat(document["timestamp"]).replace(tzinfo=UTC)
    symbols = [o["option"] for o in options]
    b = books.Book(
        document["data"]["current_price"],
        np.array([int(s[-8:]) / 1000 for s in symbols]),
        np.array([years(s, now) for s in symbols]),
        np.array([o["iv"] for o in options]),
        result.chain.rate,
        result.chain.dividend_yield,
        np.array([s[-9] == "C" for s in symbols]),
    )
    assert np.abs(np.asarray(b.rate) - books.RATE).max() < 0.02
    books.assert_analysis(result, b, np.array([o["open_interest"] for o in options]))


def test_json_alone(benchmark: Callable[..., Any], path: Path) -> None:
    """The yardstick: the standard library reads the same file and does nothing with it."""
    assert len(load(path)["data"]["options"]) == ROWS
    benchmark.pedantic(load, (path,), rounds=10, warmup_rounds=2)
    books.note(benchmark, "ms", 1, 1e3)
