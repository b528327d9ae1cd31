"""W10: frames of 1e6 contracts to a chain, columns checked and dates made into years."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import books
import gexcore as gex
import numpy as np
import pytest

ROWS = 1_000_000
AS_OF = "2024-01-05T16:00-05:00"
OPTIONS = {"spot": 5000.0, "as_of": AS_OF, "rate": 0.05, "dividend_yield": 0.01}
KINDS = ("text", "category", "boolean", "text and root")
pytestmark = pytest.mark.benchmark(group="W10 frame to chain")


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    rng = np.random.default_rng(10)
    days = np.datetime64("2024-01-06") + rng.choice(900, 60, replace=False)
    return {
        "strike": rng.integers(400, 1600, ROWS) * 5.0,
        "option_type": rng.choice(["C", "P"], ROWS),
        "implied_vol": rng.uniform(0.1, 0.6, ROWS),
        "open_interest": rng.integers(0, 5000, ROWS),
        "expiry": rng.choice(days, ROWS),
        "root": rng.choice(["SPX", "SPXW"], ROWS),
    }


def frame_of(library: str, kind: str, table: dict[str, Any]) -> Any:
    """The table as a library has it."""
    pytest.importorskip(library)
    columns = dict(table) if "root" in kind else {k: v for k, v in table.items() if k != "root"}
    if kind == "boolean":
        columns["is_call"] = columns.pop("option_type") == "C"
    if library == "pandas":
        import pandas as pd

        frame = pd.DataFrame(columns)
        return frame.astype({"option_type": "category"}) if kind == "category" else frame
    import polars as pl

    data = pl.DataFrame(columns)
    return data.cast({"option_type": pl.Categorical}) if kind == "category" else data


def years(day: Any, root: str) -> float:
    """From the calendar: SPX settles at 09:30 New York, others at 16:00, on half days at 13:00."""
    half = day.astype(str) in {"2024-07-03", "2024-11-29", "2024-12-24", "2025-07-03", "2025-11-28",
                               "2025-12-24"}  # fmt: skip
    close = timedelta(hours=13) if half else timedelta(hours=16)
    hours = timedelta(hours=9.5) if root == "SPX" else close
    midnight = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=ZoneInfo("America/New_York"))
    passed = (midnight + hours).astimezone(UTC) - datetime.fromisoformat(AS_OF)
    return passed.total_seconds() / (365 * 86400)


@pytest.mark.parametrize("library", ["polars", "pandas"])
@pytest.mark.parametrize("kind", KINDS)
def test_frame_to_chain(
    benchmark: Callable[..., Any], table: dict[str, Any], library: str, kind: str
) -> None:
    frame = frame_of(library, kind, table)
    kept = [gex.Chain.from_frame(frame, **OPTIONS)]
    chain = kept[0]
    assert (chain.strike == table["strike"]).all()
    assert (chain.is_call == (table["option_type"] == "C")).all()
    assert (chain.implied_vol == table["implied_vol"]).all()
    assert (chain.open_interest == table["open_interest"]).all()
    assert (chain.expiry == table["expiry"]).all()
    roots = table["root"] if "root" in kind else np.full(ROWS, "")
    known = {(d, r): years(d, r) for d in np.unique(table["expiry"]) for r in np.unique(roots)}
    for (day, root), expected in known.items():
        rows = (table["expiry"] == day) & (roots == root)
        np.testing.assert_allclose(chain.time_to_expiry[rows], expected, rtol=1e-12)

    def build() -> None:
        # as a user who keeps the last chain: memory is there, the system clears no new pages
        kept[0] = gex.Chain.from_frame(frame, **OPTIONS)

    benchmark.pedantic(build, rounds=12, warmup_rounds=3)
    books.note(benchmark, "ms", 1, 1e3)
