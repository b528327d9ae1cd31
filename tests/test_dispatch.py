"""Same bits for any threads, chunks and instruction sets with FMA; the baseline within bounds."""

from __future__ import annotations

import itertools
import math
import os
import subprocess
import sys

import gexcore as gex
import numpy as np
import pytest
from gexcore import _core, bsm, cpu
from gexcore.errors import InputError

VARIANTS = ("x86_v4", "x86_v3", "baseline")
EPS = np.finfo(float).eps
posix_only = pytest.mark.skipif(os.name != "posix", reason="signals and fork are of POSIX")


def on(name, work):
    """What `work` gives on one variant; a processor without it skips the test."""
    if name not in cpu.available():
        pytest.skip(f"this processor has no {name}")
    before = cpu.active()
    try:
        cpu.use(name)
        return work()
    finally:
        cpu.use(before)


def same(a, b):
    """Equal bit for bit; the sign and payload of a NaN are chance and no result."""
    arrays = [np.asarray(values, dtype=float) for values in (a, b)]
    return np.array_equal(*(np.where(np.isnan(x), np.nan, x).view(np.uint64) for x in arrays))


def wild(n, seed=1):
    """Rows of every size: scale, time, vol, wings to |d| of 45, and one in 50 spoiled."""
    rng = np.random.default_rng(seed)
    size = np.exp(rng.uniform(-20, 20, n))
    time = np.exp(rng.uniform(math.log(1e-6), math.log(30), n))
    vol = np.exp(rng.uniform(math.log(1e-3), math.log(5), n))
    wing = rng.uniform(-1, 1, n) * np.exp(rng.uniform(math.log(1e-6), math.log(45), n))
    strike = size * np.exp(np.clip(wing * vol * np.sqrt(time), -200, 200))
    rate, carry = rng.uniform(-0.1, 0.3, (2, n))
    columns = [size, strike, time, vol, rate, carry]
    bad = [math.nan, math.inf, -1.0, 0.0]
    for i in rng.choice(n, n // 50, replace=False):
        columns[rng.integers(6)][i] = bad[rng.integers(4)]
    return (*columns, rng.random(n) < 0.5)


def all_greeks(columns, **options):
    """The (12, n) numbers of a call."""
    return bsm.greeks(*columns, which=bsm.GREEKS, **options)._buffer


def book(n, seed=2):
    """Columns and signed weights of a dealer's book around a spot of 100."""
    rng = np.random.default_rng(seed)
    time = np.exp(rng.uniform(math.log(1e-3), math.log(3), n))
    vol = rng.uniform(0.05, 0.9, n)
    strike = 100 * np.exp(rng.normal(0, 2, n) * vol * np.sqrt(time))
    weight = rng.normal(0, 1, n) * np.exp(rng.uniform(0, 9, n))
    weight[rng.random(n) < 0.05] = 0.0
    return strike, time, vol, rng.uniform(0, 0.06, n), rng.uniform(-0.02, 0.03, n), weight


def script(code, **environment):
    """Run Python code in a process of its own."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment}
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)


def output(code, **environment):
    done = script(code, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_available_variants_can_be_used(capsys):
    names = cpu.available()
    assert names == tuple(name for name in VARIANTS if name in names)
    assert names[-1] == "baseline"
    for name in names:
        on(name, cpu.show)
        assert capsys.readouterr().out == f"{name} active; available: {', '.join(names)}\n"


def test_the_suite_runs_on_the_forced_variant_or_the_best():
    code = "from gexcore import cpu; print(cpu.active())"
    assert output(code) == [cpu.active()] == [os.environ.get("GEXCORE_ISA") or cpu.available()[0]]
    assert output(code, GEXCORE_ISA="") == [cpu.available()[0]]
    for name in cpu.available():
        assert output(code, GEXCORE_ISA=name) == [name]


@pytest.mark.parametrize("name", ["x86_v5", "", "BASELINE", "baseline "])
def test_unknown_variant_is_refused_with_the_names(name):
    before = cpu.active()
    with pytest.raises(InputError, match=rf"^cpu\.use: .*{', '.join(cpu.available())}"):
        cpu.use(name)
    assert cpu.active() == before


def test_unknown_variant_fails_the_import():
    done = script("import gexcore", GEXCORE_ISA="nonsense")
    assert done.returncode == 1
    assert "ImportError: GEXCORE_ISA: instruction set 'nonsense' is unknown" in done.stderr
    assert done.stderr.endswith(f"Hint: use one of {', '.join(cpu.available())}\n")


def test_greeks_of_fma_variants_are_equal():
    columns = wild(20_011)
    left, right = (on(name, lambda: all_greeks(columns)) for name in ("x86_v3", "x86_v4"))
    assert same(left, right)
    assert np.count_nonzero(left[~np.isnan(left)]) > left.size / 2  # not nothing with nothing


@pytest.mark.parametrize("which", [bsm.GREEKS, ("gamma",), ("gamma", "vanna")])
def test_greeks_of_short_columns_are_those_of_long_ones(which):
    columns = wild(1300, seed=3)

    def work():
        full = bsm.greeks(*columns, which=which)._buffer
        for n, start in itertools.product([*range(1, 41), 63, 65, 97, 511, 513], (0, 7)):
            part = bsm.greeks(*(c[start : start + n] for c in columns), which=which)._buffer
            assert same(part, full[:, start : start + n]), (cpu.active(), n)

    for name in cpu.available():
        on(name, work)


def test_sums_of_all_variants_are_equal():
    values = book(70_001)[-1]
    keys = np.random.default_rng(4).integers(0, 97, values.size, dtype=np.int32)

    def work():
        short = [_core.sum(values[k : k + n]) for n in range(1, 41) for k in (0, 1, 3)]
        totals = [_core.sum(values), _core.sum_abs(values), *short]
        return np.concatenate([totals, _core.sum_by(values, keys, 97)])

    want = work()
    for name in cpu.available():
        assert same(on(name, work), want), name


def profile_numbers():
    """Everything a profile computes, for a book that crosses zero several times."""
    profile = _core.GammaProfile(*book(3001))
    grid = profile.search_grid(100.0, 0.5)
    gamma = profile.evaluate(grid)
    short = [_core.GammaProfile(*(c[:n] for c in book(40))).evaluate(grid[:n]) for n in range(41)]
    roots = np.array(profile.crossings(grid, gamma), dtype=float)
    return roots, grid, gamma, np.concatenate(short)


def test_profiles_of_fma_variants_are_equal():
    left, right = (on(name, profile_numbers) for name in ("x86_v3", "x86_v4"))
    assert len(left[0]) >= 3
    assert all(same(a, b) for a, b in zip(left, right, strict=True))


def reach(columns):
    """x = s sqrt T, D = sum of the absolute terms of d1, d = max(|d1|, |d2|)."""
    s, k, t, v, r, y, _ = columns
    x, log, carry = v * np.sqrt(t), np.log(s / k), (r - y) * t
    return x, (np.abs(log) + np.abs(carry) + x * x / 2) / x, np.abs(log + carry) / x + x / 2


def terms(name, g, columns):
    """Absolute terms whose sum the greek is; for delta, gamma, vega, rho itself."""
    s, k, t, v, r, y, is_call = columns
    x, D, _ = reach(columns)
    inside = is_call == (np.log(s / k) + (r - y) * t > 0)  # priced as parity plus the other type
    parity = np.abs(s - k) + s * np.abs(np.expm1(-y * t)) + k * np.abs(np.expm1(-r * t))
    density, drift = g["gamma"] * s * x, np.abs(r - y) / x + D / (2 * t)
    decay = s * density * v / (2 * np.sqrt(t))
    return {
        "price": g["price"] + np.where(inside, parity, 0),
        "theta": decay + np.abs(r * g["rho"]) / t + np.abs(y * s * g["delta"]),
        "vanna": density * D / v,
        "charm": np.abs(y * g["delta"]) + density * drift,
        "vomma": g["vega"] * D * D / v,
        "speed": g["gamma"] / s * (D / x + 1),
        "zomma": g["gamma"] * (D * D + 1) / v,
        "color": g["gamma"] * (np.abs(y) + D * drift + 1 / (2 * t)),
    }.get(name, np.abs(g[name]))


@pytest.mark.parametrize("greek", bsm.GREEKS)
def test_baseline_greeks_are_within_a_few_roundings(greek):
    columns = wild(20_011)
    sound = ~np.isnan(all_greeks(columns)[0]) & (columns[2] > 0) & (columns[3] > 0)
    columns = [column[sound] for column in columns]
    base, best = (
        on(name, lambda: bsm.greeks(*columns, which=bsm.GREEKS)) for name in ("baseline", "x86_v3")
    )
    # a rounding in d1 moves a density or a tail by D (1 + d) eps, one in a discount by |r| T eps
    _, D, d = reach(columns)
    condition = 1 + D * (1 + d) + (np.abs(columns[4]) + np.abs(columns[5])) * columns[2]
    allowed = 8 * EPS * condition * terms(greek, best, columns)
    difference = np.abs(base[greek] - best[greek])
    normal = np.abs(best[greek]) > 1e-280  # below, the flush to zero is decided by a rounding
    assert np.count_nonzero(normal) > 10_000
    assert np.all(difference[normal] <= allowed[normal])
    assert np.all(np.abs(base[greek][~normal]) < 1e-279)


def test_baseline_profile_is_within_a_few_roundings():
    (*columns, weight), spots = book(3001), np.linspace(55.0, 180.0, 97)
    work = lambda: _core.GammaProfile(*columns, weight).evaluate(spots)  # noqa: E731
    base, best = on("baseline", work), on("x86_v3", work)
    contracts = (*columns, np.zeros(weight.size, bool))
    for j, spot in enumerate(spots):
        row = (np.full(weight.size, spot), *contracts)
        _, D, d = reach(row)
        each = np.abs(weight) * bsm.greeks(*row, which="gamma").gamma
        # as for gamma above, and up to 66 + 3 additions of a sum by lanes and tree
        assert abs(base[j] - best[j]) <= EPS * np.sum(each * (70 + 8 * D * (1 + d)))


def test_results_do_not_depend_on_threads():
    columns = wild(210_011)
    *contracts, weight = book(210_011)
    keys = np.random.default_rng(6).integers(0, 1000, weight.size, dtype=np.int32)
    spots = np.linspace(55.0, 180.0, 9)

    def work(threads):
        profile = _core.GammaProfile(*contracts, weight, threads=threads)
        gamma = profile.evaluate(spots, threads=threads)
        roots = profile.crossings(spots, gamma - gamma[4] / 2, threads=threads)
        totals = _core.sum(weight, threads=threads), _core.sum_abs(weight, threads=threads)
        keyed = _core.sum_by(weight, keys, 1000, threads=threads)
        one_greek = bsm.greeks(*columns, which="gamma", threads=threads).gamma
        greeks = all_greeks(columns, threads=threads)
        return gamma, np.array(roots, dtype=float), totals, keyed, one_greek, greeks

    one = work(1)
    assert all(np.size(part) and np.any(np.isfinite(part)) for part in one)
    for threads in (2, 3):
        assert all(same(a, b) for a, b in zip(work(threads), one, strict=True))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads in /proc")
def test_threads_by_default_are_those_of_the_environment():
    code = """
import os, threading
import numpy as np
from gexcore import bsm
spot, most, done = np.full(400_000, 100.0), 0, False
idle = len(os.listdir("/proc/self/task")) + 1  # the watcher
def watch():
    global most
    while not done:
        most = max(most, len(os.listdir("/proc/self/task")))
threading.Thread(target=watch).start()
for call in range(3000):  # until the watcher has met all helpers
    g = bsm.greeks(spot, 105.0, 0.25, 0.2, which=bsm.GREEKS)
    if call > 40 and most - idle + 1 >= int(os.environ["GEXCORE_NUM_THREADS"] or 1):
        break
done = True
print(most - idle, g.price[0].hex())
"""
    answers = [output(code, GEXCORE_NUM_THREADS=number) for number in ("", "1", "3")]
    assert [int(helpers) for helpers, _ in answers] == [0, 0, 2]
    assert len({price for _, price in answers}) == 1


@pytest.mark.parametrize("number", ["0", "-2", "many", "2.5", "1025", "99999999999999999999"])
def test_senseless_number_of_threads_is_refused(number):
    done = script("from gexcore import bsm; bsm.greeks(1, 1, 1, 1)", GEXCORE_NUM_THREADS=number)
    assert f"InputError: GEXCORE_NUM_THREADS: is '{number}'. Hint: " in done.stderr


def test_shuffled_rows_change_sums_by_roundings():
    chain = gex.synthetic_chain(n=20_000)
    names = ("strike", "is_call", "time_to_expiry", "implied_vol", "open_interest")
    exposures = []
    for order in (np.arange(len(chain)), np.random.default_rng(7).permutation(len(chain))):
        columns = {name: getattr(chain, name)[order] for name in names}
        other = gex.Chain.from_arrays(spot=chain.spot, rate=0.04, dividend_yield=0.013, **columns)
        parts = other, gex.compute_greeks(other), gex.assign_positions(other)
        exposures.append(gex.compute_exposures(*parts))
    for name in exposures[0].names:
        a, b = (getattr(e, name) for e in exposures)
        assert a.gross > 0
        assert abs(a.net - b.net) <= 1e-13 * a.gross
        assert abs(a.gross - b.gross) <= 1e-13 * a.gross
        left, right = a.by("strike"), b.by("strike")
        assert np.array_equal(left.keys, right.keys)
        assert np.all(np.abs(left.values - right.values) <= 1e-13 * left.gross)


@pytest.mark.parametrize("rows", [*range(41), 511, 512, 513, 40_000, 210_011])
def test_sums_are_exact_within_their_roundings_and_padding_is_nothing(rows):
    rng = np.random.default_rng(rows)
    values = rng.normal(0, 1, rows) * np.exp(rng.uniform(-20, 20, rows))
    gross = math.fsum(np.abs(values))
    # 64 numbers per lane, 8 lanes in 3 steps, blocks in a tree
    depth = 64 + 3 + math.ceil(math.log2(max(rows / 512, 1)))
    assert abs(_core.sum(values) - math.fsum(values)) <= depth * EPS / 2 * gross
    assert abs(_core.sum_abs(values) - gross) <= depth * EPS / 2 * gross
    padded = np.concatenate([values, np.zeros(-rows % 512)])
    assert all(same(total(values), total(padded)) for total in (_core.sum, _core.sum_abs))
    keys = rng.integers(0, 5, rows, dtype=np.int32)
    for key, keyed in enumerate(_core.sum_by(values, keys, 6)):
        mine = values[keys == key]
        # one after the other within a segment of 64 blocks, segments in a tree
        depth = min(mine.size, 64 * 512) + 3
        assert abs(keyed - math.fsum(mine)) <= depth * EPS / 2 * math.fsum(np.abs(mine))


def test_any_subset_of_greeks_gives_the_bits_of_all():
    columns = wild(2_003, seed=9)
    rng = np.random.default_rng(9)
    subsets = [*zip(bsm.GREEKS, strict=True)]
    subsets += [tuple(rng.permutation(bsm.GREEKS)[: rng.integers(2, 12)]) for _ in range(60)]

    def work():
        full = bsm.greeks(*columns, which=bsm.GREEKS)
        for which in subsets:
            some = bsm.greeks(*columns, which=which)
            assert all(same(some[name], full[name]) for name in which), (cpu.active(), which)
            some._buffer[:] = -1.0
            assert bsm.greeks(*columns, which=which, out=some) is some
            assert all(same(some[name], full[name]) for name in which), (cpu.active(), which)

    for name in cpu.available():
        on(name, work)


PRELUDE = """
import os, signal, sys, threading, time
import numpy as np
from gexcore import _core, bsm
def small():
    spot = np.linspace(80.0, 120.0, 100_003)
    return bsm.greeks(spot, 105.0, 0.25, 0.2, which=bsm.GREEKS, threads=3)._buffer.tobytes()
before = small()
"""


@posix_only
def test_a_forked_child_computes_the_same_bits():
    code = """
child = os.fork()
if child == 0:
    os._exit(42 if small() == before else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), small() == before)
"""
    assert output(PRELUDE + code) == ["42", "True"]


@posix_only
def test_interrupted_greeks_stop_early_and_the_library_goes_on():
    # rows that were not written are work that was left
    code = """
signal.signal(signal.SIGALRM, signal.default_int_handler)
spot = np.full(4_000_000, 100.0)
out = bsm.greeks(spot, 105.0, 0.25, 0.2, which=bsm.GREEKS)
for attempt in range(50):
    out.gamma[:] = -1.0
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.005)
        bsm.greeks(spot, 105.0, 0.25, 0.2, which=bsm.GREEKS, out=out, threads=1)
        time.sleep(1.0)
    except KeyboardInterrupt:
        written = int(np.count_nonzero(out.gamma > 0))
        if 0 < written < spot.size:
            print("stopped", small() == before)
            break
"""
    assert output(PRELUDE + code) == ["stopped", "True"]


@posix_only
@pytest.mark.parametrize("threads", [1, 3])
def test_ctrl_c_in_a_long_profile(threads):
    # 1e10 exponentials: several seconds on any processor
    code = f"""
strike = np.linspace(50.0, 150.0, 1_000_000)
profile = _core.GammaProfile(strike, 0.25, 0.2, 0.0, 0.0, np.ones(strike.size))
sent = []
def interrupt():
    time.sleep(0.3)
    sent.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    profile.evaluate(np.linspace(50.0, 150.0, 10_000), threads={threads})
    print("finished")
except KeyboardInterrupt:
    print("stopped", time.monotonic() - sent[0] < 2.0, small() == before)
"""
    assert output(PRELUDE + code) == ["stopped", "True", "True"]
