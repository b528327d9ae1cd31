"""Workers that wait between calls: bits, forks, callers at once, signals, exit, default number."""

from __future__ import annotations

import sys
import threading

import gexcore as gex
import numpy as np
import pytest
from gexcore import _core, bsm, cpu
from gexcore.errors import InputError
from test_dispatch import PRELUDE, output, posix_only, script

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture
def default():
    """The default number of threads is put back."""
    before = gex.get_num_threads()
    yield before
    gex.set_num_threads(before)


def test_many_callers_at_once_get_the_bits_of_one_thread():
    rng = np.random.default_rng(3)
    spots = np.linspace(80.0, 120.0, 37)
    books = [rng.uniform(60, 140, rows) for rows in (5_000, 40_000, 100_003, 210_011)]

    def work(strike, threads):
        greeks = bsm.greeks(100.0, strike, 0.3, 0.25, which=bsm.GREEKS, threads=threads)
        profile = _core.GammaProfile(strike, 0.3, 0.25, 0.0, 0.0, strike - 100, threads=threads)
        sums = _core.sum(greeks.gamma, threads=threads), _core.sum_abs(strike, threads=threads)
        return greeks._buffer.tobytes(), profile.evaluate(spots, threads).tobytes(), sums

    expected = [work(book, 1) for book in books]
    wrong = []

    def caller(number):
        for repeat in range(12):
            at = (number + repeat) % len(books)
            if work(books[at], 2 + repeat % 3) != expected[at]:
                wrong.append((number, repeat))

    callers = [threading.Thread(target=caller, args=(number,)) for number in range(8)]
    for thread in callers:
        thread.start()
    for thread in callers:
        thread.join()
    assert wrong == []


@posix_only
def test_children_forked_while_others_compute():
    code = """
done = False
def others():
    while not done:
        small()
callers = [threading.Thread(target=others) for _ in range(3)]
for thread in callers:
    thread.start()
codes = []
for _ in range(30):
    child = os.fork()
    if child == 0:
        grandchild = os.fork()
        if grandchild == 0:
            os._exit(7 if small() == before else 1)
        mine = small() == before
        theirs = os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1])
        os._exit(42 if mine and theirs == 7 else 1)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
done = True
for thread in callers:
    thread.join()
print(set(codes), small() == before)
"""
    # Python 3.12 and later warn of every fork beside threads
    prelude = "import warnings; warnings.simplefilter('ignore')\n" + PRELUDE
    assert output(prelude + code) == ["{42}", "True"]


@posix_only
def test_a_fork_in_the_middle_of_a_call_is_an_error_of_the_child_alone():
    code = """
children = []
def fork(*_):
    children.append(os.fork())
signal.signal(signal.SIGALRM, fork)
strike = np.linspace(50.0, 150.0, 200_000)
profile = _core.GammaProfile(strike, 0.25, 0.2, 0.0, 0.0, np.ones(strike.size))
spots = np.geomspace(50.0, 150.0, 997) + 1e-9
expected = profile.evaluate(spots, 1)
while not children or children[0] == 0:
    signal.setitimer(signal.ITIMER_REAL, 0.03)
    try:
        found = profile.evaluate(spots, 2)
    except ValueError as error:
        os._exit(42 if children == [0] and "forked in the middle" in str(error) else 1)
    if children == [0]:
        os._exit(2)  # the handler ran after the call: try again
    signal.setitimer(signal.ITIMER_REAL, 0)
    if children:
        code = os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1])
        if code == 2:
            children.clear()
print(np.array_equal(found, expected), code, small() == before)
"""
    prelude = "import warnings; warnings.simplefilter('ignore')\n" + PRELUDE
    assert output(prelude + code) == ["True", "42", "True"]


@posix_only
@pytest.mark.parametrize("end", ["pass", "sys.exit(0)", "os._exit(0)", "raise KeyboardInterrupt"])
def test_exit_with_waiting_workers(end):
    done = script(PRELUDE + f"print('computed', flush=True)\n{end}")
    assert done.stdout.split() == ["computed"]
    interrupted = end.startswith("raise")
    assert (done.returncode == 0) != interrupted
    assert ("KeyboardInterrupt" in done.stderr) == interrupted
    assert interrupted or done.stderr == ""


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("rows", [3_000, 3_000_000])
def test_exit_while_daemons_compute(rows, threads):
    code = f"""
spot = np.linspace(80.0, 120.0, {rows})
def others():
    while True:
        bsm.greeks(spot, 105.0, 0.25, 0.2, threads={threads})
for _ in range(3):
    threading.Thread(target=others, daemon=True).start()
time.sleep(0.05)
print("ended", flush=True)
"""
    done = script(PRELUDE + code)
    assert (done.stdout.split(), done.returncode, done.stderr) == (["ended"], 0, "")


@posix_only
@pytest.mark.parametrize("threads", [1, 2])
def test_a_signal_handler_may_compute_in_the_middle_of_a_call(threads):
    code = f"""
met = []
def compute(*_):  # asks for the next signal at its end: slow handlers would pile up
    met.append(small() == before)
    signal.setitimer(signal.ITIMER_REAL, 0.03)
signal.signal(signal.SIGALRM, compute)
strike = np.linspace(50.0, 150.0, 200_000)
profile = _core.GammaProfile(strike, 0.25, 0.2, 0.0, 0.0, np.ones(strike.size))
spots = np.geomspace(50.0, 150.0, 997) + 1e-9
expected = profile.evaluate(spots, 1)
signal.setitimer(signal.ITIMER_REAL, 0.01)
found = profile.evaluate(spots, {threads})
inside = len(met)
signal.signal(signal.SIGALRM, signal.SIG_IGN)
print(np.array_equal(found, expected), inside > 1, all(met))
"""
    assert output(PRELUDE + code) == ["True", "True", "True"]


@linux_only
def test_workers_are_kept_are_few_and_leave_signals_alone():
    code = """
def tasks():
    return sorted(int(task) for task in os.listdir("/proc/self/task"))
started = tasks()
again = [small() == before and tasks() == started for _ in range(20)]
callers = [threading.Thread(target=small) for _ in range(30)]
for thread in callers:
    thread.start()
for thread in callers:
    thread.join()
most = 1 + max(2, os.cpu_count() - 1)
until = time.monotonic() + 20
while len(tasks()) > most and time.monotonic() < until:  # joined threads may linger a moment
    time.sleep(0.01)
workers = [task for task in tasks() if task != os.getpid()]
masks = [open(f"/proc/self/task/{task}/status").read().split("SigBlk:")[1].split()[0]
         for task in workers]
blocked = [bool(int(mask, 16) >> (signal.SIGINT - 1) & 1) for mask in masks]
print(len(started), all(again), len(workers) < most, all(blocked))
"""
    # the NumPy of this process must not start threads of its own
    found = output(PRELUDE + code, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    assert found == ["3", "True", "True", "True"]


def test_the_default_can_be_set(default):
    rows = np.linspace(80.0, 120.0, 50_001)
    expected = bsm.greeks(100.0, rows, 0.3, 0.25, which=bsm.GREEKS, threads=1)._buffer.tobytes()
    for number in (3, np.int64(2), 1024, 1):
        assert gex.set_num_threads(number) is None
        assert gex.get_num_threads() == cpu.get_num_threads() == number
        found = bsm.greeks(100.0, rows, 0.3, 0.25, which=bsm.GREEKS)
        assert found._buffer.tobytes() == expected


@pytest.mark.parametrize("number", [0, -1, True, 1.0, 2.5, "2", None, 1025, 2**70, [1]])
def test_senseless_defaults_are_refused(default, number):
    with pytest.raises(InputError, match=r"^threads: must be a whole number from 1 to 1024"):
        gex.set_num_threads(number)
    assert gex.get_num_threads() == default


@linux_only
def test_the_default_overrides_the_environment():
    code = """
import os, sys
import numpy as np
import gexcore as gex
spot, idle = np.full(100_000, 100.0), len(os.listdir("/proc/self/task"))
if {number}:
    gex.set_num_threads({number})
gex.bsm.greeks(spot, 105.0, 0.25, 0.2)
print(gex.get_num_threads(), len(os.listdir("/proc/self/task")) - idle)
"""
    cases = [(0, "", "1"), (0, "3", "3"), (2, "3", "2"), (1, "3", "1"), (2, "many", "2")]
    for number, environment, threads in cases:
        found = output(code.format(number=number), GEXCORE_NUM_THREADS=environment)
        assert found == [threads, str(int(threads) - 1)]
