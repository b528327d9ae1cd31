"""Pickled and copied results: equal, as immutable as before, and as useful."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore import _core, bsm
from gexcore.results import Result

COPIES: dict[str, Callable[[Any], Any]] = {
    **{f"protocol {n}": lambda x, n=n: pickle.loads(pickle.dumps(x, n)) for n in range(2, 6)},
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}
SLOTS = ("_cache", "_codes", "_groupings", "_model", "_prepared")  # made again when needed


def live(analysis: gex.Analysis) -> tuple[Any, ...]:
    """What a live book and a watch on it give."""
    book = gex.Book(analysis.chain)
    watch = gex.LevelWatch(book)
    watch.poll()
    book.set_spot(2 * analysis.chain.spot)
    watch.poll()
    parts = book.levels(), book.levels(exact=True), book.regime(), book.staleness()
    return (*parts, book.snapshot(), *watch.changes())


def chain() -> gex.Chain:
    made = gex.synthetic_chain(n=800).with_conventions(rates="parity")
    return made.with_implied_vols("otm").filter("dte<=90")


def fields_of(value: Any) -> Iterator[tuple[str, Any]]:
    """Every attribute that a result stores."""
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
    else:
        names = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    return ((name, getattr(value, name)) for name in names if name not in SLOTS)


def equal(left: Any, right: Any, seen: set[int]) -> None:
    """Bit for bit the same, all the way down, and read-only where it was."""
    assert type(left) is type(right)
    if id(left) in seen:
        return
    seen.add(id(left))
    if isinstance(left, np.ndarray):
        assert left.dtype == right.dtype
        assert left.tobytes() == right.tobytes() or left.tolist() == right.tolist()
        assert left.flags.writeable is right.flags.writeable
    elif isinstance(left, dict | MappingProxyType):
        assert list(left) == list(right)
        for name in left:
            equal(left[name], right[name], seen)
    elif isinstance(left, tuple | list):
        assert len(left) == len(right)
        for one, other in zip(left, right, strict=True):
            equal(one, other, seen)
    elif isinstance(left, Result) or dataclasses.is_dataclass(left):
        for (_, one), (_, other) in zip(fields_of(left), fields_of(right), strict=True):
            equal(one, other, seen)
    else:
        assert left == right or left != left


@pytest.mark.parametrize("way", COPIES)
def test_chains_come_back_column_by_column(way: str) -> None:
    before = chain()
    again = COPIES[way](before)
    assert type(again) is gex.Chain
    names = [*before.to_frame().columns]
    assert {"strike", "implied_vol", "root", "expiry", "bid", "rate"} <= set(names)
    for name in names:
        np.testing.assert_array_equal(again[name], before[name])
    equal(before, again, set())
    assert again.manifest == before.manifest
    with pytest.raises(AttributeError, match="immutable"):
        again.spot = 1.0
    with pytest.raises(TypeError):
        again.columns["bid"] = None
    for name in ("strike", "implied_vol", "status", "bid"):
        column = getattr(again, name, None) if name != "bid" else again["bid"]
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0


@pytest.mark.parametrize("way", COPIES)
def test_a_whole_analysis_comes_back(way: str) -> None:
    before = gex.analyze(chain(), adv=3e11, kappa=0.1)
    text, data = str(before), before.to_dict()  # every cache is warm
    again = COPIES[way](before)
    equal(before, again, set())
    assert str(again) == text
    assert json.dumps(again.to_dict()) == json.dumps(data)
    # its parts still belong together, and can go on
    if way != "copy":
        assert again.chain is not before.chain
    assert again.exposures.chain is again.profile.chain is again.positions.chain is again.chain
    assert gex.find_levels(again.exposures, again.profile).to_dict() == again.levels.to_dict()
    by_strike = again.exposures.gamma.by("strike").values
    np.testing.assert_array_equal(by_strike, before.exposures.gamma.by("strike").values)
    assert again.profile.crossings() == before.profile.crossings()
    with pytest.raises(AttributeError):
        again.profile.spots = None
    with pytest.raises(TypeError):
        again.profile.values["gamma"] = None


def _pull() -> Any:
    levels = gex.analyze(gex.synthetic_chain(n=4000)).levels
    return gex.compute_sensitivities(levels).zero_gamma.contracts[0]


def every_row(chain: gex.Chain) -> tuple[Any, int]:
    return np.zeros(len(chain), np.int32), 1


def _trades(chain: gex.Chain) -> gex.Trades:
    return gex.Trades.from_arrays(
        root=chain.root[:3], expiry=chain.expiry[:3], strike=chain.strike[:3], option_type="C",
        price=[1.1, 1.0, float("nan")], size=[5, 2, 1], bid=1.0, ask=1.1, source={"vendor": "mine"},
        time=["2024-01-05T15:00Z"] * 3, is_complex=False, true_side=[1, -1, 0],
    )  # fmt: skip


PARTS: dict[str, Callable[[gex.Analysis], Any]] = {
    "rates": lambda a: a.rates,
    "parity table": lambda a: a.rates.table,
    "vols": lambda a: a.chain.vols,
    "greeks": lambda a: a.greeks,
    "positions": lambda a: a.positions,
    "coverage": lambda a: a.coverage,
    "exposures": lambda a: a.exposures,
    "exposure": lambda a: a.exposures.gamma.in_unit("pct_adv", adv=1e11),
    "by key": lambda a: a.exposures.vanna.by("expiry", "strike"),
    "profile": lambda a: a.profile,
    "levels": lambda a: a.levels,
    "regime": lambda a: a.regime,
    "flag": lambda a: a.regime.flags["stale"],
    "expiries": lambda a: a.levels.expiries,
    "zero gamma": lambda a: a.levels.zero_gamma,
    "wall": lambda a: a.levels.call_wall,
    "certificate": lambda a: gex.analyze(a.chain, certify=True).levels.certificate,
    "driver": lambda a: a.levels.drivers[0],
    "as_of": lambda a: a.chain.as_of,
    "joined": lambda a: gex.Chain.concat([a.chain, a.chain]),
    "moving profile": lambda a: gex.sweep_profile(a.chain, a.positions, dynamics="ssr=1.5"),
    "smiles": lambda a: a.smiles,
    "sensitivities": lambda a: gex.compute_sensitivities(a.levels),
    "level sensitivity": lambda a: gex.compute_sensitivities(a.levels).zero_gamma,
    "pull": lambda _: _pull(),
    "path": lambda a: gex.level_path(a.chain, a.positions, times=[0.0, 1.0]),
    "cube": lambda a: gex.scenario_cube(a.chain, a.positions, [5000.0], [0.0, 1.0]),
    "band": lambda a: gex.levels_band(a.levels, 0.8, draws=5),
    "pin": lambda a: a.regime.pin,
    "hedge": lambda a: gex.delta_hedge(a.chain, a.positions),
    "ladder": lambda a: gex.hedge_ladder(a.chain, a.positions),
    "flow": lambda a: gex.hedge_flow(a.chain, a.positions, spot_return=0.01),
    "unwind": lambda a: gex.unwind_ladder(a.chain, a.positions),
    "landscape": lambda a: a.landscape,
    "change": lambda a: gex.explain_change(a.chain, gex.chain_at(a.chain, 1.0)),
    "across": lambda a: gex.levels_across(a.chain, conventions={"side": ["net", "gross"]}),
    "trades": lambda a: _trades(a.chain),
    "sides": lambda a: _trades(a.chain).classify(),
    "previous quotes": lambda _: gex.trades.previous_quotes([2.0], [1.0], [1.0], [1.1]),
    "positions from trades": lambda a: gex.positions.from_trades(
        a.chain, _trades(a.chain), accuracy="published", until="2030-01-01T00:00Z"
    ),
    "book": lambda a: live(a),
    "replay": lambda a: gex.Replay(gex.Book(a.chain, a.positions), []).run(),
    "quick": lambda a: gex.quick_levels(a.chain),
    "sums": lambda a: bsm.gamma_sums(
        100.0, a.chain.strike, 0.1, 0.2, 0.0, 0.0, a.positions.weight, *every_row(a.chain)
    ),
    "vendor's": lambda a: gex.ChainGreeks.from_columns(a.chain, "v", gamma=a.greeks.gamma),
}


@pytest.mark.parametrize("way", ["protocol 2", "protocol 5", "deepcopy"])
@pytest.mark.parametrize("part", PARTS)
def test_every_part_comes_back_by_itself(part: str, way: str) -> None:
    before = PARTS[part](gex.analyze(chain()))
    again = COPIES[way](before)
    equal(before, again, set())
    assert (str(again), repr(again)) == (str(before), repr(before))
    if isinstance(before, Result):
        assert str(again.to_dict()) == str(before.to_dict())


def results() -> Iterator[type]:
    waiting = [Result]
    while waiting:
        found = waiting.pop().__subclasses__()
        waiting += found
        yield from (kind for kind in found if kind.__module__.startswith("gexcore"))


def test_every_kind_of_result_was_tried() -> None:
    result = gex.analyze(chain())
    tried: set[int] = set()
    kinds = set()

    def walk(value: Any) -> None:
        if id(value) in tried:
            return
        tried.add(id(value))
        if isinstance(value, Result):
            kinds.add(type(value).__name__)
            for _, inner in fields_of(value):
                walk(inner)
        elif isinstance(value, MappingProxyType | tuple):
            for inner in value.values() if isinstance(value, MappingProxyType) else value:
                walk(inner)

    kept = [PARTS[part](result) for part in PARTS]
    for value in [result, *kept]:
        walk(value)
    bases = {"Contracts", "Greeks"}
    assert {kind.__name__ for kind in results()} - bases <= kinds


def test_the_profile_is_prepared_again() -> None:
    chain = gex.synthetic_chain(n=800)
    profile = gex.sweep_profile(chain, gex.assign_positions(chain))
    again = pickle.loads(pickle.dumps(profile))
    assert isinstance(again._prepared, _core.GammaProfile)
    spots = np.linspace(4500.0, 5500.0, 7)
    left, right = profile._prepared.evaluate(spots), again._prepared.evaluate(spots)
    assert left.tobytes() == right.tobytes()


def test_greeks_of_numbers_stay_open_for_reuse() -> None:
    strikes = np.array([90.0, 100.0, 110.0])
    before = bsm.greeks(100.0, strikes, 0.1, 0.2, which=("delta", "gamma"))
    for again in (pickle.loads(pickle.dumps(before)), copy.deepcopy(before)):
        assert bsm.greeks(100.0, strikes, 0.2, 0.2, which=("delta", "gamma"), out=again) is again
        assert again.gamma[1] != before.gamma[1]


def test_another_process_reads_it() -> None:
    result = gex.analyze(gex.synthetic_chain(n=400))
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer).levels.put_wall.value)"
    done = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(result), capture_output=True, check=True,
        timeout=120,
    )  # fmt: skip
    assert float(done.stdout) == result.levels.put_wall.value


def test_errors_cross_processes() -> None:
    error = pickle.loads(pickle.dumps(gex.InputError("strike: odd", hint="pass prices")))
    assert (type(error), str(error)) == (gex.InputError, "strike: odd. Hint: pass prices")
    assert error.hint == "pass prices"
