"""Certificates of zero gamma: every cover is proved again by mpmath's interval arithmetic."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore import _core, cpu
from gexcore.certificate import Certificate
from gexcore.cli import main
from gexcore.errors import InputError
from hypothesis import given, settings
from hypothesis import strategies as st
from intervals import Gaussians, exact_root
from mpmath import iv, mp, mpf

SEEDS = st.integers(0, 2**32 - 1)
OPPOSITE = {1: "long_to_short", -1: "short_to_long"}


def certified(
    held: Any, strike: Any, years: Any, vol: Any, spots: Any = None, **more: float
) -> gex.Levels:
    held = np.asarray(held, dtype=float)
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=np.asarray(strike, dtype=float), is_call=held > 0, implied_vol=vol,
        open_interest=np.abs(held), time_to_expiry=years, **more,
    )  # fmt: skip
    positions = gex.assign_positions(chain, "contracts", contracts=held)
    exposures = gex.compute_exposures(chain, gex.compute_greeks(chain), positions)
    profile = gex.sweep_profile(chain, positions, spots=spots)
    return gex.find_levels(exposures, profile, certify=True)


def of(levels: gex.Levels) -> Certificate:
    assert levels.certificate is not None
    return levels.certificate


def confirm(levels: gex.Levels, book: Gaussians) -> None:
    """The cover has no gap, is true, and holds the crossings that are reported."""
    certificate, crossings = of(levels), levels.zero_gamma.crossings
    cover, spots = certificate.cover, [c.spot for c in crossings]
    assert (cover[0].low, cover[-1].high) == certificate.searched == levels.zero_gamma.searched
    assert all(a.high == b.low for a, b in pairwise(cover))
    assert spots == sorted(spots)
    for part in cover:
        inside = [c for c in crossings if part.low <= c.spot <= part.high]
        if part.kind == "no_crossing":
            assert book.keeps_sign(part.low, part.high, part.sign or 0), part
        elif part.kind == "one_crossing":
            assert book.crosses_once(part.low, part.high), part
            assert [c.direction for c in inside] == [OPPOSITE[book.sign_at(part.low)]]
    assert len(crossings) >= sum(part.kind == "one_crossing" for part in cover)
    assert (certificate.status == "proved") == (certificate.undecided == ())


def random_book(seed: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """6 to 20 contracts of either sign, from minutes to two years, and spots that may be coarse."""
    rng = np.random.default_rng(seed)
    n, shortest = int(rng.integers(6, 21)), rng.choice([1e-5, 1e-3, 0.03])
    held = np.exp(rng.uniform(0, 7, n)).round() * rng.choice([-1.0, 1.0], n)
    years = np.exp(rng.uniform(np.log(shortest), np.log(rng.choice([0.05, 2.0])), n))
    spots = None
    if rng.random() < 0.5:
        steps = rng.uniform(-1, 1, rng.integers(2, 20)) * 10 ** rng.uniform(-5, -0.5)
        spots = rng.uniform(85, 115) * np.exp(np.sort(steps))
    columns = (held, rng.integers(80, 125, n).astype(float), years, rng.uniform(0.1, 0.5, n))
    return columns, {"spots": spots, "rate": 0.04, "dividend_yield": 0.01}


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_covers_are_true(seed: int) -> None:
    columns, more = random_book(seed)
    levels = certified(*columns, **more)
    confirm(levels, Gaussians.of(*columns, more["rate"], more["dividend_yield"]))


def test_random_books_are_proved_and_some_had_crossings_between_nodes() -> None:
    found = [certified(*columns, **more) for columns, more in map(random_book, range(300))]
    assert all(of(levels).status == "proved" for levels in found)
    assert sum(of(levels).missed for levels in found) > 5
    assert {0, 1, 2, 3, 4} <= {len(levels.zero_gamma.crossings) for levels in found}


@pytest.mark.parametrize("alone", [True, False])
def test_dozens_of_crossings(alone: bool) -> None:
    strikes = np.arange(80.0, 121.0)
    held = np.where(np.arange(41) % 2, -100.0, 110.0)
    years, vol = np.full(41, 2e-4), 0.4  # 0.57% wide, a percent apart
    if not alone:  # a background that takes some of them away
        held, strikes, years = (
            np.append(held, 4000.0),
            np.append(strikes, 110.0),
            np.append(years, 1),
        )
    levels = certified(held, strikes, years, vol)
    confirm(levels, Gaussians.of(held, strikes, years, vol))
    assert of(levels).status == "proved"
    count = len(levels.zero_gamma.crossings)
    assert count == 40 if alone else 12 < count < 30


def test_false_covers_are_refused() -> None:
    # an oracle that agrees with everything would pass every other test
    columns = ([1.0, -1.0], [90.0, 111.0], [0.1, 0.1], [0.2, 0.2])
    book, (crossing,) = Gaussians.of(*columns), certified(*columns).zero_gamma.crossings
    low, root, high = 80.0, crossing.spot, 120.0
    assert book.crosses_once(low, high)
    assert not book.keeps_sign(low, high, 1)
    assert book.keeps_sign(low, root * (1 - 1e-9), 1)
    assert not book.keeps_sign(low, root * (1 + 1e-9), 1)
    assert not book.keeps_sign(low, root * (1 - 1e-9), -1)
    assert not book.crosses_once(low, root * (1 - 1e-9))
    twice = Gaussians.of([1.0, -2.0, 1.0], [90.5, 100.0, 110.5], 0.04, 0.5)
    assert twice.sign_at(100.0) == -twice.sign_at(85.0) == -twice.sign_at(115.0)
    assert not twice.crosses_once(85.0, 115.0)
    assert not twice.keeps_sign(85.0, 115.0, 1)


def butterfly(depth: float) -> tuple[Any, ...]:
    """Wings one deviation away: gamma ~ exp(-u u / 2) (cosh(u) - 1 - depth), u = (x + .005)/.1."""
    strikes = 100.0 * np.exp(np.array([-0.1, 0.0, 0.1]))
    return [1e3, -2e3 * np.exp(-0.5) * (1 + depth), 1e3], strikes, 1.0, 0.1


@pytest.mark.parametrize("depth", [s * 10.0**-k for k in (4, 6, 8, 9, 10, 11) for s in (1, -1)])
def test_close_crossings_and_close_misses(depth: float) -> None:
    columns = butterfly(depth)
    levels = certified(*columns, spots=[80.0, 95.0, 107.0, 125.0])
    confirm(levels, Gaussians.of(*columns))
    assert of(levels).status == "proved"
    apart = np.arccosh(1 + depth) if depth > 0 else 0.0
    expected = 100 * np.exp(np.array([-1, 1]) * apart * 0.1 - 0.005) if depth > 0 else []
    spots = [c.spot for c in levels.zero_gamma.crossings]
    # gamma is known to 1e-15 of gross, so the root is to that over its slope
    np.testing.assert_allclose(spots, expected, rtol=max(1e-13, 1e-16 / (apart or 1.0)))
    assert of(levels).missed == len(spots)


@pytest.mark.parametrize("depth", [0.0, 1e-14, -1e-14, 1e-15])
@pytest.mark.parametrize("flip", [1.0, -1.0])
def test_a_touch_is_undecided_and_nothing_else_is(depth: float, flip: float) -> None:
    held, *rest = butterfly(depth)
    columns = (flip * np.array(held), *rest)
    levels = certified(*columns)
    confirm(levels, Gaussians.of(*columns))
    (gap,) = of(levels).undecided
    touch = 100 * np.exp(-0.005)
    assert gap.low < touch < gap.high < gap.low * (1 + 1e-6)
    assert levels.zero_gamma.crossings == ()
    assert levels.zero_gamma.status == ("always_long" if flip > 0 else "always_short")
    assert "nothing is proved from 99.50" in str(levels)


def test_a_flat_crossing_is_reported_though_undecided() -> None:
    # u^3 to leading order: the sixth derivative of a Gaussian's neighbours
    u = np.array([-0.3, -0.1, 0.1, 0.3])
    shape = np.exp(u * u / 2) * np.array([-1.0, 3.0, -3.0, 1.0])
    levels = certified(shape * 1e6, 100 * np.exp(u * 0.2), 1.0, 0.2)
    (crossing,) = levels.zero_gamma.crossings
    (gap,) = of(levels).undecided
    assert gap.low <= crossing.spot <= gap.high < gap.low * (1 + 1e-3)
    assert crossing.spot == pytest.approx(100 * np.exp(-0.02), rel=1e-4)


def mirrored(spots: Any) -> gex.Levels:
    """Long at 90 and short at the mirror image: zero at 100 exp(-s s T / 2) exactly."""
    return certified([1.0, -1.0], [90.0, 100.0 / 0.9], 0.25, 0.4, spots=spots)


ROOT = 100 * np.exp(-0.02)


@pytest.mark.parametrize("reach", [1e-9, 1e-6, 0.05, 0.3])
def test_a_root_on_the_border_of_two_cells(reach: float) -> None:
    # the range is halved at its middle first
    for nudge in (0.0, 1e-16, -1e-16, 1e-15, -1e-15, 1e-14):
        levels = mirrored(ROOT * np.exp([-reach + nudge, reach + nudge]))
        confirm(levels, Gaussians.of([1.0, -1.0], [90.0, 100.0 / 0.9], 0.25, 0.4))
        assert of(levels).status == "proved"
        assert [c.spot for c in levels.zero_gamma.crossings] == [pytest.approx(ROOT, rel=1e-13)]


@pytest.mark.parametrize("ends", [(0.0, 0.1), (-0.1, 0.0)])
def test_a_root_at_an_end_of_the_range(ends: tuple[float, float]) -> None:
    certificate = of(mirrored(ROOT * np.exp(ends)))
    (gap,) = certificate.undecided
    assert gap in (certificate.cover[0], certificate.cover[-1])
    assert gap.low <= ROOT <= gap.high < gap.low * (1 + 1e-12)
    clear = mirrored(ROOT * np.exp(np.array(ends) - np.sign(sum(ends)) * 1e-12))
    assert of(clear).status == "proved"
    assert len(clear.zero_gamma.crossings) == 1


@pytest.mark.parametrize("spot", [95.0, ROOT, 105.0])
def test_a_single_spot(spot: float) -> None:
    certificate = of(mirrored([spot]))
    if spot == ROOT:
        assert certificate.status in ("undecided", "no_exposure")
    else:
        (part,) = certificate.cover
        assert (part.low, part.high, part.kind) == (spot, spot, "no_crossing")
        assert part.sign == (1 if spot < ROOT else -1)


def test_headline_changes_when_a_nearer_crossing_was_missed() -> None:
    # a short spike at 99 on a long background; nodes on either side of it
    columns = ([100.0, -40.0], [110.0, 99.0], [0.5, 1e-4], [0.3, 0.2])
    spots = np.array([80.0, 98.0, 100.0, 120.0])
    levels = certified(*columns, spots=spots)
    confirm(levels, Gaussians.of(*columns))
    zero = levels.zero_gamma
    assert (zero.status, len(zero.crossings), of(levels).missed) == ("found", 2, 2)
    assert zero.value == zero.crossings[1].spot
    plain = gex.find_levels(levels.exposures, levels.profile)
    assert (plain.zero_gamma.status, plain.certificate) == ("always_long", None)
    # the slope of an added crossing, from the profile around it
    h = 1e-5
    for crossing in zero.crossings:
        at = crossing.spot + np.array([-h, h])
        gamma = gex.sweep_profile(levels.profile.chain, levels.profile.positions, at).gamma
        assert crossing.slope == pytest.approx((gamma[1] - gamma[0]) / (2 * h), rel=1e-6)


@pytest.mark.parametrize("years", [1e-2, 1e-4, 1e-6, 1e-9])
def test_a_crossing_where_gamma_underflows(years: float) -> None:
    # between two strikes that are up to 30,000 deviations away
    held, strikes, vols = [7.0, -1000.0], [90.0, 111.0], [0.2, 0.21]
    levels = certified(held, strikes, years, np.array(vols))

    def log_ratio(spot: Any) -> Any:
        """Log of long over short gamma."""
        logs = []
        for q, k, s in zip(held, strikes, vols, strict=True):
            width = mpf(s) * mp.sqrt(mpf(years))
            d = (mp.log(spot / mpf(k)) + width**2 / 2) / width
            logs.append(mp.log(abs(q) / width) - d * d / 2)
        return logs[0] - logs[1]

    expected = exact_root(log_ratio, 98.0, 101.0)
    assert [c.spot for c in levels.zero_gamma.crossings] == [pytest.approx(expected, rel=1e-13)]
    assert [part.kind[:2] for part in of(levels).cover] == ["no", "on", "no"]
    confirm(levels, Gaussians.of(held, strikes, years, np.array(vols)))


def test_nodes_that_all_underflow_hide_nothing() -> None:
    levels = certified([7.0, -9.0], [90.0, 111.0], 1e-3, 0.2, spots=[20.0, 400.0])
    confirm(levels, Gaussians.of([7.0, -9.0], [90.0, 111.0], 1e-3, 0.2))
    assert len(levels.zero_gamma.crossings) == of(levels).missed == 1
    plain = gex.find_levels(levels.exposures, levels.profile)
    assert plain.zero_gamma.status == "no_exposure"
    alone = certified([-9.0], [111.0], 1e-3, 0.2, spots=[20.0, 400.0])
    assert (alone.zero_gamma.status, of(alone).status) == ("always_short", "proved")


def test_the_last_minute_of_an_expiration() -> None:
    chain = gex.synthetic_chain(600).with_conventions(as_of="2026-03-18T15:59-04:00")
    levels = gex.analyze(chain.filter("0dte"), certify=True).levels
    used = levels.exposures.gamma.used
    chain, held = levels.profile.chain, levels.profile.positions.weight[used]
    columns = (chain.strike, chain.time_to_expiry, chain.implied_vol)
    book = Gaussians.of(held, *(x[used] for x in columns), chain.rate, chain.dividend_yield)
    assert of(levels).status == "proved"
    assert len(levels.zero_gamma.crossings) > 2
    confirm(levels, book)


def test_books_without_crossings() -> None:
    long = of(certified([5.0, 3.0], [95, 105], 0.1, 0.2))
    assert [(part.kind, part.sign) for part in long.cover] == [("no_crossing", 1)]
    short = of(certified([-5.0, -3.0], [95, 105], 1e-7, 0.2))  # 3,000 deviations to the ends
    assert [(part.kind, part.sign) for part in short.cover] == [("no_crossing", -1)]
    for empty in ([0.0, 0.0], [1.0, -1.0]):
        levels = certified(empty, [100, 100], 0.1, 0.2)
        assert of(levels) == Certificate("no_exposure", (), None, 0)
        assert levels.zero_gamma.status == "no_exposure"
        assert str(of(levels)) == "no exposure"
    assert of(certified([5.0], [95], 0.1, 0.2, spots=[])).status == "no_exposure"


def test_where_a_book_is_balanced_nothing_is_claimed() -> None:
    # two years cancel, a week at 100 is left: it decides as far as it reaches above rounding
    held, strikes = [500.0, -500.0, 1.0], [100.0, 100.0, 100.0]
    levels = certified(held, strikes, np.array([2.0, 2.0, 0.02]), 0.2)
    certificate = of(levels)
    assert certificate.status == "undecided"
    (clear,) = [part for part in certificate.cover if part.kind == "no_crossing"]
    assert clear.sign == 1
    assert clear.low < 85 < 115 < clear.high
    assert levels.zero_gamma.crossings == ()


def test_threads_and_processors_give_the_same_bits() -> None:
    chain = gex.synthetic_chain(9000).with_conventions(as_of="2026-03-18T15:58-04:00")
    before, found = cpu.active(), {}
    try:
        for isa in cpu.available():
            cpu.use(isa)
            profile = gex.sweep_profile(chain, gex.assign_positions(chain))
            ends, none = profile.spots[[0, -1]], np.array([])
            runs = [_core.certify(profile._prepared, *ends, none, threads) for threads in (1, 2, 5)]
            assert runs[0] == runs[1] == runs[2]
            assert runs[0][0][2] == "no_crossing"
            found[isa] = runs[0]
    finally:
        cpu.use(before)
    if "x86_v4" in found:
        assert found["x86_v4"] == found["x86_v3"]
    one, *others = ([part[2:5] for part in rows] for rows in found.values())
    assert all(other == one for other in others)


def test_the_order_of_contracts_does_not_matter_to_the_proof() -> None:
    chain = gex.synthetic_chain(3000)
    order = np.random.default_rng(5).permutation(len(chain))
    columns = {name: getattr(chain, name)[order] for name in
               ("strike", "is_call", "implied_vol", "open_interest", "time_to_expiry")}  # fmt: skip
    mixed = gex.Chain.from_arrays(spot=chain.spot, rate=0.04, dividend_yield=0.013, **columns)
    one, two = (gex.analyze(c, certify=True).levels for c in (chain, mixed))
    assert of(one).status == of(two).status == "proved"
    assert [p.kind for p in of(one).cover] == [p.kind for p in of(two).cover]


def test_open_chains_have_exactly_the_published_crossing(test_data: Path) -> None:
    chains = json.loads((test_data / "reference" / "levels_open_chains.json").read_text())["chains"]
    assert len(chains) == 8
    for name, moments in chains.items():
        for key in (key for key in moments if key.startswith("at_")):
            expected = moments[key]
            chain = gex.read_cboe(
                test_data / "data" / f"cboe_{name}.csv",
                rate=expected["rate"],
                dividend_yield=expected["dividend"],
                as_of="printed" if key == "at_printed_snapshot" else "session",
            )
            levels = gex.analyze(chain, certify=True).levels
            assert (of(levels).status, of(levels).missed) == ("proved", 0)
            assert [p.kind for p in of(levels).cover].count("one_crossing") == 1
            (crossing,) = levels.zero_gamma.crossings
            assert crossing.spot == pytest.approx(expected["flip"], rel=1e-12)


def test_certificate_as_text_data_and_frame(capsys: pytest.CaptureFixture[str]) -> None:
    levels = certified([1.0, -1.0], [90.0, 111.0], 0.1, 0.2, spots=[80.0, 85.0, 120.0])
    certificate = of(levels)
    head, *table = str(certificate).splitlines()
    assert head == "proved: exactly 1 crossing from 80 to 120"
    assert [line.split()[-1] for line in table] == ["gamma", "positive", "once", "negative"]
    assert repr(certificate) == "<Certificate proved: 3 intervals, 0 missed>"
    data = json.loads(json.dumps(levels.to_dict()))["certificate"]
    assert (data["status"], data["searched"], data["missed"]) == ("proved", [80.0, 120.0], 0)
    assert [part["sign"] for part in data["cover"]] == [1, None, -1]
    frame = certificate.to_frame()
    assert list(frame.columns) == ["low", "high", "kind", "sign"]
    assert frame["low"][0] == 80.0
    assert "certificate" not in str(gex.find_levels(levels.exposures, levels.profile))


def test_command_line(test_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(test_data / "data" / "cboe_spy_2023-09-14.csv")
    assert main(["levels", path, "--certify", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["certificate"]["status"] == "proved"
    assert main(["levels", path, "--certify"]) == 0
    assert "certificate            proved  " in capsys.readouterr().out
    assert main(["levels", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["certificate"] is None


def test_what_the_core_refuses_and_what_it_cannot_prove() -> None:
    column = np.array([100.0, 101.0])
    book = _core.GammaProfile(column, 0.1, 0.2, 0.0, 0.0, np.array([1.0, -1.0]))
    for low, high in ((0.0, 1.0), (2.0, 1.0), (-1.0, 1.0), (1.0, np.inf), (np.nan, 1.0)):
        with pytest.raises(InputError, match="low, high"):
            _core.certify(book, low, high, np.array([]))
    with pytest.raises(InputError, match="known: is a single number"):
        _core.certify(book, 90.0, 110.0, 100.0)  # type: ignore[arg-type]
    for vol, weight in (
        (np.nan, 1.0),
        (0.2, np.inf),
        (1e-9, 1.0),
    ):  # the last is narrower than 1e-8
        odd = _core.GammaProfile(
            column, 0.1, np.array([0.2, vol]), 0.0, 0.0, np.array([-1.0, weight])
        )
        (row,) = _core.certify(odd, 90.0, 110.0, np.array([]))
        assert row[2] == "undecided"
    iv.prec = 53
