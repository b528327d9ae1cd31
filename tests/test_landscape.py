"""The landscape against sums in plain Python, and its invariants on real chains."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.errors import InputError
from gexcore.landscape import VOID_SHARE
from hypothesis import given, settings
from hypothesis import strategies as st

BUCKETS = ("0dte", "week", "month", "quarter", "later")


def bucket_of(days: int) -> str:
    return next(
        (name for name, last in zip(BUCKETS, (0, 7, 31, 92), strict=False) if days <= last), "later"
    )


def random_chain(seed: int, dated: bool = True) -> gex.Chain:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    days = rng.choice([0, 1, 7, 8, 31, 32, 92, 93, 400], n)
    when = {"expiry": np.datetime64("2024-01-04") + days, "as_of": "2024-01-04T11:00-05:00"}
    return gex.Chain.from_arrays(
        spot=100.0, strike=rng.choice(np.arange(80.0, 121.0, 2.5), n), is_call=rng.random(n) < 0.5,
        implied_vol=rng.choice([0.0, 0.15, 0.3], n, p=[0.1, 0.6, 0.3]),
        open_interest=rng.integers(0, 50, n), root=rng.choice(["XYZ", "XYZW"], n),
        **(when if dated else {"time_to_expiry": (days + 0.5) / 365}),
    )  # fmt: skip


Row = tuple[Any, int, float, bool, float]  # key of the expiration, days, strike, call, gamma


def rows_of(result: gex.Analysis, dated: bool) -> list[Row]:
    gamma = result.exposures.gamma
    chain, found = gamma.chain, []
    for i in range(len(chain)):
        if not gamma.used[i]:
            continue
        if dated:
            assert chain.expiry is not None
            key = chain.expiry[i].item()
            days = (key - date(2024, 1, 4)).days
        else:
            key = float(chain.time_to_expiry[i])
            days = math.floor(365 * key)
        value = float(gamma.values[i])
        found.append((key, days, float(chain.strike[i]), bool(chain.is_call[i]), value))
    return found


def tilt_of(rows: list[Row]) -> float:
    calls = math.fsum(abs(v) for *_, call, v in rows if call)
    gross = math.fsum(abs(v) for *_, v in rows)
    return (calls - (gross - calls)) / gross if gross else math.nan


def herfindahl(rows: list[Row], place: int) -> float:
    total: dict[Any, float] = defaultdict(float)
    for row in rows:
        total[row[place]] += abs(row[-1])
    gross = sum(total.values())
    return sum((v / gross) ** 2 for v in total.values())


def same(found: Any, expected: Any) -> None:
    assert np.asarray(found, float) == pytest.approx(
        np.asarray(expected, float), rel=1e-9, abs=1e-9, nan_ok=True
    )


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), dated=st.booleans(), count=st.integers(1, 4))
def test_tables_are_sums_in_plain_python(seed: int, dated: bool, count: int) -> None:
    result = gex.analyze(random_chain(seed, dated), "moneyness" if seed % 2 else "naive")
    landscape = gex.compute_landscape(result.levels, count)
    rows = rows_of(result, dated)
    gross = math.fsum(abs(row[-1]) for row in rows)
    keys = sorted({row[0] for row in rows})
    parts = [[row for row in rows if row[0] == key] for key in keys]
    table = landscape.expiries
    assert table["expiry"].tolist() == ([str(key) for key in keys] if dated else [""] * len(keys))
    assert table["days"].tolist() == [part[0][1] for part in parts]
    assert table["bucket"].tolist() == [bucket_of(part[0][1]) for part in parts]
    assert table["contracts"].tolist() == [len(part) for part in parts]
    same(table["net"], [math.fsum(row[-1] for row in part) for part in parts])
    same(table["gross"], [math.fsum(abs(row[-1]) for row in part) for part in parts])
    shares = [math.fsum(abs(r[-1]) for r in p) / gross if gross else math.nan for p in parts]
    same(table["share"], shares)
    same(table["tilt"], [tilt_of(part) for part in parts])
    buckets, parts = landscape.buckets, []
    assert buckets["bucket"].tolist() == list(BUCKETS)
    for name in BUCKETS:
        parts.append([row for row in rows if bucket_of(row[1]) == name])
    assert buckets["contracts"].tolist() == [len(part) for part in parts]
    assert buckets["expiries"].tolist() == [len({row[0] for row in part}) for part in parts]
    same(buckets["net"], [math.fsum(row[-1] for row in part) for part in parts])
    same(buckets["tilt"], [tilt_of(part) for part in parts])
    if not gross:
        assert landscape.tilt is None
        assert landscape.by_strike.herfindahl is None
        assert np.isnan(buckets["share"]).all()
        assert len(landscape.top) == 0
        return
    same(buckets["share"], [math.fsum(abs(r[-1]) for r in p) / gross for p in parts])
    assert landscape.tilt == pytest.approx(tilt_of(rows), rel=1e-9, abs=1e-12)
    for found, place in ((landscape.by_strike, 2), (landscape.by_expiry, 0)):
        assert found.herfindahl == pytest.approx(herfindahl(rows, place), rel=1e-12)
        assert found.effective_number == pytest.approx(1 / herfindahl(rows, place), rel=1e-12)
        assert found.keys == len({row[place] for row in rows if row[-1] != 0.0})
    _check_top(landscape.top, rows, count, gross)


def _check_top(top: Any, rows: list[Row], count: int, gross: float) -> None:
    expected = []
    for key in sorted({row[0] for row in rows}):
        part = [row for row in rows if row[0] == key]
        size = math.fsum(abs(row[-1]) for row in part)
        net: dict[float, float] = defaultdict(float)
        for row in part:
            net[row[2]] += row[-1]
        for sign, word in ((1, "positive"), (-1, "negative")):
            strikes = sorted(
                (k for k in net if sign * net[k] > 1e-13 * gross),
                key=lambda k, s=sign, n=net: (-s * n[k], k),
            )
            for rank, strike in enumerate(strikes[:count], 1):
                expected.append((word, rank, strike, net[strike], abs(net[strike]) / size))
    assert top["sign"].tolist() == [row[0] for row in expected]
    assert top["rank"].tolist() == [row[1] for row in expected]
    assert top["strike"].tolist() == [row[2] for row in expected]
    same(top["net"], [row[3] for row in expected])
    same(top["share"], [row[4] for row in expected])


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    share=st.sampled_from([0.05, VOID_SHARE, 0.6, 1.0]),
    side=st.sampled_from(["net", "gross"]),
)
def test_void_is_the_widest_weak_stretch(seed: int, share: float, side: str) -> None:
    result = gex.analyze(random_chain(seed), side=side)
    void = gex.compute_landscape(result.levels, void_share=share).void
    walls = [result.levels.call_wall.strike, result.levels.put_wall.strike]
    if None in walls:
        assert void.status == ("no_call_wall" if walls[0] is None else "no_put_wall")
        assert (void.low, void.high, void.strikes, void.share, void.holds_spot) == (None,) * 5
        return
    rows = rows_of(result, True)
    net: dict[float, float] = defaultdict(float)
    size: dict[float, float] = defaultdict(float)
    for row in rows:
        net[row[2]] += row[-1]
        size[row[2]] += abs(row[-1])
    between = sorted(k for k in net if min(walls) <= k <= max(walls))
    peak = max(abs(net[k]) for k in between)
    best: tuple[float, float, float] | None = None
    for i, low in enumerate(between):
        for high in between[i + 2 :]:
            ends = all(k in walls or abs(net[k]) >= share * peak for k in (low, high))
            weak = all(abs(net[k]) < share * peak for k in between if low < k < high)
            rank = (high - low, -abs((low + high) / 2 - 100.0))
            if ends and weak and (best is None or rank > (best[1] - best[0], best[2])):
                best = (low, high, rank[1])
    if best is None:
        assert (void.status, void.low) == ("no_weak_strike", None)
        return
    assert (void.low, void.high, void.status) == (*best[:2], "found")
    inside = [k for k in between if best[0] < k < best[1]]
    assert void.strikes == len(inside)
    held = sum(size[k] for k in inside) / sum(size.values())
    assert void.share == pytest.approx(held, rel=1e-9, abs=1e-15)
    assert void.holds_spot == (best[0] < 100.0 < best[1])


def test_known_book() -> None:
    strikes = [90.0, 95.0, 97.5, 100.0, 105.0, 110.0]
    chain = gex.Chain.from_arrays(
        spot=99.0, strike=strikes, is_call=[False, False, True, True, True, True],
        implied_vol=0.2, open_interest=1, expiry="2024-01-12", as_of="2024-01-04T11:00-05:00",
    )  # fmt: skip
    held = gex.assign_positions(chain, "contracts", contracts=[-4, -0.9, 0.5, 3, 0.4, 4])
    tenth = gex.ChainGreeks.from_columns(chain, "by hand", gamma=[0.1] * 6)
    exposures = gex.compute_exposures(chain, tenth, held)
    levels = gex.find_levels(exposures, gex.sweep_profile(chain, held))
    found = gex.compute_landscape(levels, 1)
    # walls 90 and 110, a strong strike at 100: both halves are as wide, the middle of one is nearer
    assert (found.void.low, found.void.high, found.void.strikes) == (90.0, 100.0, 2)
    assert found.void.holds_spot
    assert found.void.share == pytest.approx(1.4 / 12.8)
    weights = np.array([4, 0.9, 0.5, 3, 0.4, 4]) / 12.8
    assert found.by_strike.effective_number == pytest.approx(1 / (weights**2).sum())
    assert found.by_expiry.effective_number == 1.0
    assert found.tilt == pytest.approx((7.9 - 4.9) / 12.8)
    assert found.top["strike"].tolist() == [110.0, 90.0]
    assert found.expiries["bucket"].tolist() == ["month"]  # the eighth day


def test_dates_missing_in_part_fall_back_to_times() -> None:
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=[95.0, 105.0], is_call=[False, True], implied_vol=0.2, open_interest=5,
        expiry=["2024-01-12", None], time_to_expiry=[0.02, 0.5], as_of="2024-01-04T11:00-05:00",
    )  # fmt: skip
    found = gex.analyze(chain).landscape
    assert found.expiries["expiry"].tolist() == ["", ""]
    assert found.expiries["days"].tolist() == [7, 182]
    assert found.expiries["bucket"].tolist() == ["week", "later"]


@pytest.mark.parametrize("name", ["spx_2023-09-14", "spx_2024-01-07", "xsp_2023-09-14"])
def test_invariants_on_real_chains(name: str, test_data: Path) -> None:
    chain = gex.read_cboe(test_data / "data" / f"cboe_{name}.csv")
    result = gex.analyze(chain)
    found, gamma = result.landscape, result.exposures.gamma
    for table in (found.buckets, found.expiries):
        assert table["share"].sum() == pytest.approx(1.0, abs=1e-12)
        assert table["net"].sum() == pytest.approx(gamma.net, abs=1e-12 * gamma.gross)
        assert table["contracts"].sum() == result.coverage.used
    dates, net = found.expiries["expiry"], gamma.by("expiry")
    assert dates.tolist() == net.keys.astype(str).tolist()
    assert found.expiries["net"] == pytest.approx(net.values, abs=1e-12 * gamma.gross)
    for each in (found.by_strike, found.by_expiry):
        assert each.herfindahl is not None
        assert 1 / each.keys <= each.herfindahl <= 1
    assert found.tilt is not None
    assert -1 <= found.tilt <= 1
    void, walls = found.void, (result.levels.put_wall.strike, result.levels.call_wall.strike)
    if void.status == "found":
        assert min(walls) <= void.low < void.high <= max(walls)
        strikes = gamma.by("strike")
        inside = (strikes.keys > void.low) & (strikes.keys < void.high)
        peak = max(abs(result.levels.call_wall.value), abs(result.levels.put_wall.value))
        assert (np.abs(strikes.values[inside]) < VOID_SHARE * peak).all()
    json.dumps(found.to_dict(), allow_nan=False)


def test_text_frames_and_refusals() -> None:
    result = gex.analyze(gex.synthetic_chain(n=3000))
    found = result.landscape
    assert found.summary() in result.details()
    assert found.summary() in str(found)
    frame = found.to_frame()
    assert list(frame) == ["expiry", "days", "sign", "rank", "strike", "net", "share"]
    assert frame["strike"].tolist() == found.top["strike"].tolist()
    assert [row["share"] for row in found.buckets.to_dict()] == found.buckets["share"].tolist()
    assert "<Landscape" in repr(found)
    nobody = gex.analyze(gex.synthetic_chain(n=3000).filter("expiry=2031-01-01")).landscape
    assert nobody.void.status == "no_call_wall"
    assert "none: no call wall" in str(nobody)
    json.dumps(nobody.to_dict(), allow_nan=False)
    for count in (0, -1, 1.5, True):
        with pytest.raises(InputError, match="count"):
            gex.compute_landscape(result.levels, count)  # type: ignore[arg-type]
    for share in (0.0, -0.1, 1.01, math.nan):
        with pytest.raises(InputError, match="void_share"):
            gex.compute_landscape(result.levels, void_share=share)
