"""The table of rivals on the page of levels, measured on real chains."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.conventions import REASONS

TEXT = (Path(__file__).parents[1] / "docs" / "levels.md").read_text("utf-8")


@cache
def results(folder: Path) -> tuple[gex.Analysis, ...]:
    found = sorted((folder / "data").glob("cboe_spx_*.csv"))
    assert len(found) == 6
    return tuple(gex.analyze(gex.read_cboe(path)) for path in found)


def cells(name: str) -> str:
    """Text of the last cell of the row with this rival."""
    (line,) = [line for line in TEXT.splitlines() if line.startswith("|") and name in line]
    return line.strip("| ").split(" | ")[-1]


def distances(found: Any, strikes: Any) -> list[float]:
    """How far two lists of strikes are apart, where they differ."""
    return sorted(abs(a - b) for a, b in zip(found, strikes, strict=True) if a != b)


def live_sizes(chain: gex.Chain) -> Any:
    settled = chain.status == REASONS.index("expired")
    return np.where(settled, 0.0, np.nan_to_num(chain.open_interest))


def most_held(chain: gex.Chain, rows: Any) -> float:
    strikes, at = np.unique(chain.strike, return_inverse=True)
    return float(strikes[np.bincount(at, live_sizes(chain) * rows).argmax()])


def pooled_max_pain(chain: gex.Chain) -> float:
    size, strikes = live_sizes(chain), np.unique(chain.strike)
    side = np.where(chain.is_call, 1.0, -1.0)
    paid = [(size * np.maximum(side * (k - chain.strike), 0)).sum() for k in strikes]
    return float(strikes[int(np.argmin(paid))])


def test_flips_read_off_strikes(test_data: Path) -> None:
    first, nearest, counts, below = [], [], [], []
    for result in results(test_data):
        zero = result.levels.zero_gamma.value
        table = result.exposures.gamma.by("strike")
        strikes, net = np.asarray(table.keys), np.asarray(table.values)
        turns = strikes[:-1][net[1:] * net[:-1] < 0]
        counts.append(len(turns))
        nearest.append(abs(turns[np.argmin(abs(turns - result.chain.spot))] - zero))
        if turns[0] <= 1000:
            first.append(turns[0])
        else:
            below.append(zero - turns[0])
    assert [min(first), max(first), len(first)] == [100, 1000, 4]
    assert [round(each) for each in sorted(below)] == [12, 87]
    assert cells("first strike where") == "at 100 to 1000 on four, 12 and 87 points below it on two"
    assert [round(min(nearest), 1), round(max(nearest))] == [0.4, 318]
    assert [min(counts), max(counts)] == [3, 89]
    assert cells("nearest spot") == "0.4 to 318 points; it has 3 to 89 to choose from"


def test_walls_and_sizes(test_data: Path) -> None:
    found = results(test_data)
    gross = [gex.find_levels(r.exposures, r.profile, side="gross") for r in found]
    calls = [r.levels.call_wall.strike for r in found]
    puts = [r.levels.put_wall.strike for r in found]
    apart = distances(calls, [each.call_wall.strike for each in gross])
    assert [len(apart), apart[0], apart[-1]] == [3, 100, 700]
    apart = distances(puts, [each.put_wall.strike for each in gross])
    assert [len(apart), apart[0], apart[-1]] == [6, 5, 300]
    apart = distances(calls, [most_held(r.chain, r.chain.is_call) for r in found])
    assert [len(apart), apart[0], apart[-1]] == [5, 200, 700]
    held = [most_held(r.chain, ~r.chain.is_call) for r in found]
    apart = distances(puts, held)
    assert set(held) == {4000.0}
    assert [len(apart), apart[0], apart[-1]] == [6, 100, 500]
    assert cells('(`side="gross"`) | another strike on three') == (
        "another strike on three of six, by 100 to 700"
    )


def test_max_pain_and_key_delta(test_data: Path) -> None:
    found = results(test_data)
    first = [float(r.levels.expiries.max_pain[0]) for r in found]
    apart = distances(first, [pooled_max_pain(r.chain) for r in found])
    assert [len(apart), apart[0], apart[-1]] == [6, 30, 125]
    assert "30 to 125" in cells("| max pain |")
    tables = [r.exposures.delta.by("strike") for r in found]
    strikes = [float(t.keys[np.argmax(np.abs(t.values))]) for t in tables]
    assert strikes.count(4000.0) == 5
    assert cells("| key delta |").startswith("4000 on five of six")


def test_a_straddle_and_a_deviation() -> None:
    assert np.sqrt(2 / np.pi) == pytest.approx(0.798, abs=5e-4)
    rows = gex.analyze(gex.synthetic_chain()).levels.expiries
    ratio = rows.straddle / rows.one_sd
    assert np.nanmedian(ratio[:20]) == pytest.approx(0.798, abs=0.01)


def test_the_table_of_sensitivities_is_what_the_code_prints() -> None:
    block = TEXT.split("```text\n")[1].split("```")[0]
    levels = gex.analyze(gex.synthetic_chain()).levels
    printed = str(gex.compute_sensitivities(levels)).splitlines()
    assert [line for line in block.splitlines() if line not in printed] == []
    assert len(block.splitlines()) == 7
