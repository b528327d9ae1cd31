"""Recorded streams: the book that is played back is the one that was recorded, bit for bit."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore import feed
from gexcore.clock import AsOf, parse_time
from gexcore.recording.numbers import floats, written
from gexcore.recording.states import chain_from_dict, chain_to_dict
from gexcore.watch import KINDS

BEGIN = datetime(2026, 3, 18, 14, 30, tzinfo=UTC)
RULES = ("naive", "short_all", "inverted", "moneyness", "weights", "contracts", "flow")


def ticking() -> Callable[[], datetime]:
    """A clock that moves by a quarter of a second whenever it is read."""
    seconds: Iterator[int] = iter(range(10**9))
    return lambda: BEGIN + timedelta(seconds=0.25 * next(seconds))


def same_bits(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and one.dtype.kind == "f":
        return one.shape == other.shape and bool((one.view("i8") == other.view("i8")).all())
    if isinstance(one, np.ndarray) and one.dtype.kind == "M":
        one, other = one.astype("i8"), other.astype("i8")  # NaT is NaT
    return np.array_equal(one, other)


def assert_same(one: gex.Book, other: gex.Book) -> None:
    """Levels, every column that a snapshot has, ages and counts of trades."""
    for exact in (False, True):
        assert one.levels(exact).to_dict() == other.levels(exact).to_dict()
    a, b = one.snapshot(), other.snapshot()
    for name in ("strike", "is_call", "implied_vol", "open_interest", "time_to_expiry", "status",
                 "root", "expiry", "multiplier"):  # fmt: skip
        assert same_bits(getattr(a.chain, name), getattr(b.chain, name)), name
    for name in a.chain.columns:
        assert same_bits(a.chain[name], b.chain[name]), name
    for name in ("rate", "dividend_yield"):
        assert same_bits(np.asarray(getattr(a.chain, name)), np.asarray(getattr(b.chain, name)))
    assert same_bits(a.positions.contracts, b.positions.contracts)
    assert (a.chain.as_of, a.days) == (b.chain.as_of, b.days)
    assert a.to_dict() | {"changes": 0} == b.to_dict() | {"changes": 0}
    for name in ("quoted", "sized"):
        assert same_bits(getattr(a, name), getattr(b, name)), name
    if a.positions.flow is not None:
        assert a.positions.flow.to_dict() == b.positions.flow.to_dict()


def book_of(rule: str, n: int = 300, seed: int = 3, **options: Any) -> gex.Book:
    chain = gex.synthetic_chain(n=n, seed=seed)
    rng = np.random.default_rng(seed)
    given = {
        "weights": {"weights": rng.uniform(-1, 1, n)},
        "contracts": {"contracts": rng.normal(scale=500, size=n)},
    }
    return gex.Book(chain, rule, **given.get(rule, {}), **options)


class Driver:
    """Random operations, the same ones on a book alone and through a recorder."""

    def __init__(self, book: gex.Book, seed: int) -> None:
        self.book, self.rng = book, np.random.default_rng(seed)
        self.gone: list[gex.Chain] = []

    def live(self) -> np.ndarray:
        now = self.book.snapshot()
        removed = self.book._core.state()["removed"].astype(bool)
        return now.rows[~removed]

    def operation(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        rng, rows = self.rng, self.live()
        some = rng.choice(rows, int(rng.integers(1, 9)))
        one = int(some[0])
        now = self.book.snapshot()
        derived = now.positions.rule not in ("contracts", "flow")
        bad = float(rng.choice([math.nan, 0.0, math.inf, -1.0]))
        choices: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
            ("update", (one,), {"implied_vol": float(rng.uniform(0.05, 0.6))}),
            ("update", (one,), {"implied_vol": bad}),
            ("update", (some,), {"implied_vol": rng.uniform(0.05, 0.6, len(some)),
                                 "open_interest": np.floor(rng.uniform(0, 9999, len(some)))}),
            ("update", (one,), {"bid": float(rng.uniform(1, 5)), "ask": float(rng.uniform(5, 6))}),
            ("update", (some,), {"open_interest": rng.choice([math.nan, 5.0, 1e6], len(some))}),
            ("set_spot", (float(now.chain.spot * np.exp(0.002 * rng.normal())),), {}),
            ("set_time", (float(rng.uniform(0, 1e-3)),), {}),
            ("set_time", ((now.chain.as_of.time + timedelta(seconds=7)).isoformat(),), {}),
            ("apply_trades", (trades_of(now.chain, rng),), {"accuracy": "published"}),
            ("remove_rows", (one,), {}),
            ("add_rows", (), {}),
            ("compact", (), {}),
        ]  # fmt: skip
        if not derived:
            choices.append(("update", (one,), {"contracts": float(rng.normal(scale=100))}))
        name, arguments, options = choices[int(rng.integers(len(choices)))]
        if name == "remove_rows":
            self.gone.append(now.chain.filter(now.rows == one))
        if name == "add_rows":
            if not self.gone:
                return "set_spot", (now.chain.spot,), {}
            back = gex.chain_at(self.gone.pop(), now.chain.as_of.time.isoformat())
            arguments = (back._replace(as_of=now.chain.as_of),)
        return name, arguments, options


def trades_of(chain: gex.Chain, rng: np.random.Generator) -> gex.Trades:
    rows = rng.integers(0, len(chain), 4)
    price = rng.uniform(0.5, 9.0, 4).round(2)
    kinds = np.where(chain.is_call[rows], "C", "P")
    kinds[0] = rng.choice(["C", "P", "?"])
    return gex.Trades.from_arrays(
        strike=chain.strike[rows] + np.array([0, 0, 0, rng.choice([0.0, 0.125])]),
        option_type=kinds, root=chain.root[rows], expiry=chain.expiry[rows],
        price=np.where(rng.random(4) < 0.1, np.nan, price), size=rng.integers(1, 50, 4),
        bid=price - rng.choice([0.0, 0.1], 4), ask=price + rng.choice([0.0, 0.1], 4),
        time=np.datetime64("2026-03-18T14:30:00.123456789") + rng.integers(0, 10**9, 4), zone="UTC",
    )  # fmt: skip


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
@pytest.mark.parametrize("rule", RULES)
def test_what_is_played_is_what_was_recorded(rule: str, ending: str, tmp_path: Path) -> None:
    """Against the same operations on a book that nobody records; recording may begin late."""
    alone = book_of(rule, side="gross", gated=rule == "naive")
    book = book_of(rule, side="gross", gated=rule == "naive")
    driver = Driver(alone, seed=RULES.index(rule))
    steps = []
    for _ in range(150):
        name, arguments, options = driver.operation()
        steps.append((name, arguments, options))
        getattr(alone, name)(*arguments, **options)
    first, late = tmp_path / f"first.{ending}", tmp_path / f"late.{ending}"
    with gex.Recorder(book, first, now=ticking()) as recorder:
        for name, arguments, options in steps[:100]:
            getattr(recorder, name)(*arguments, **options)
    with gex.Recorder(book, late, now=ticking()) as recorder:  # a book that has lived already
        for name, arguments, options in steps[100:]:
            getattr(recorder, name)(*arguments, **options)
    assert_same(book, alone)
    recording = gex.read_recording(late)
    replay = gex.Replay(recording.book(), recording, every=math.inf)
    summary = replay.run()
    assert summary.dropped == {}, summary.first
    assert_same(replay.book, alone)
    half = gex.read_recording(first).replay(every=0)
    assert half.summary().dropped == {}
    assert_same(half.book, gex.read_recording(late).book())


def test_every_kind_was_driven() -> None:
    driver = Driver(book_of("contracts"), seed=1)
    names = set()
    for _ in range(200):
        name, arguments, options = driver.operation()
        getattr(driver.book, name)(*arguments, **options)
        names.add(name)
    assert names == {"update", "set_spot", "set_time", "apply_trades", "remove_rows", "add_rows",
                     "compact"}  # fmt: skip


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_a_synthetic_feed_comes_back(ending: str, tmp_path: Path) -> None:
    chain = gex.synthetic_chain(n=2000)
    alone = gex.Book(chain)
    events = list(gex.synthetic_feed(chain, seconds=60.0, rate=50.0))
    for event in events:
        gex.feed_event(alone, event)
    with gex.Recorder(chain, tmp_path / f"feed.{ending}") as recorder:
        for event in events:
            recorder.write(event)
    recording = gex.read_recording(tmp_path / f"feed.{ending}")
    book, read = recording.book(), list(recording)
    assert [(e.time, e.kind) for e in read] == [(e.time, e.kind) for e in events]
    for event in read:
        gex.feed_event(book, event)
    assert_same(book, alone)
    assert sorted(tmp_path.iterdir()) == [tmp_path / f"feed.{ending}"]  # no journal is left


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_every_shape_of_an_update_comes_back(ending: str, tmp_path: Path) -> None:
    """One row or many, numbers or arrays of one, none at all, and what is no finite number."""
    alone, book = book_of("contracts"), book_of("contracts")
    one, none = np.array([4]), np.zeros(0, np.int64)
    calls: list[dict[str, Any]] = [
        {"rows": 0, "implied_vol": 0.11},
        {"rows": 1, "implied_vol": np.array([0.12])},
        {"rows": one, "implied_vol": 0.13},
        {"rows": one, "implied_vol": np.array([0.14]), "bid": np.array([1.0])},
        {"rows": none, "implied_vol": np.zeros(0)},
        {"rows": none},
        {"rows": np.array([5, 6]), "implied_vol": np.array([math.nan, math.inf])},
        {"rows": np.array([7, 8]), "contracts": np.array([-math.inf, -0.0])},
        {"rows": 9, "bid": math.nan, "ask": 2},
        {"rows": 9, "open_interest": 3},
        {"rows": np.arange(10, 16)[::2], "implied_vol": np.array([0.2, 0.3, 0.4], np.float32)},
    ]
    with gex.Recorder(book, tmp_path / f"feed.{ending}") as recorder:
        for call in calls:
            alone.update(**call)
            recorder.update(**call)
    replay = gex.read_recording(tmp_path / f"feed.{ending}").replay()
    assert replay.summary().dropped == {}
    assert replay.summary().events == {"quote": 8, "contracts": 1, "open_interest": 1}
    assert_same(replay.book, alone)


def test_vols_from_prices_are_played(tmp_path: Path) -> None:
    bare = gex.synthetic_chain(n=400)
    chain = bare.with_implied_vols("otm", only_missing=False)
    book = gex.Book(chain)
    rows = np.arange(0, 400, 7)
    with gex.Recorder(book, tmp_path / "feed.jsonl") as recorder:
        for factor in (1.05, 0.97, 1.1):
            recorder.update(rows, bid=chain["bid"][rows] * factor, ask=chain["ask"][rows] * factor)
            recorder.set_spot(5000 * factor)
    played = gex.read_recording(tmp_path / "feed.jsonl").replay().book
    assert_same(played, book)
    assert (played.snapshot().chain.implied_vol[rows] != chain.implied_vol[rows]).any()


CHAINS: dict[str, Callable[[], gex.Chain]] = {
    "parity": lambda: gex.synthetic_chain(n=2000).with_conventions(rates="parity"),
    "implied": lambda: gex.synthetic_chain(n=500).with_implied_vols("mid", only_missing=False),
    "session": lambda: gex.synthetic_chain(n=500)._replace(
        as_of=AsOf(parse_time("2026-03-18T10:30-04:00").astimezone(_zone()), "printed",
                   parse_time("2026-03-18T10:31-04:00").astimezone(_zone())),
    ),
    "business": lambda: gex.synthetic_chain(n=500).with_conventions(clock="business/252"),
    "scope": lambda: gex.synthetic_chain(n=2000).filter("dte<=30"),
    "joined": lambda: gex.Chain.concat([gex.synthetic_chain(n=300), gex.synthetic_chain(n=200)]),
    "years": lambda: gex.Chain.from_arrays(
        spot=100.0, strike=[90.0, 100.0, -1.0, 100.0], is_call=[True, False, True, True],
        implied_vol=[0.2, math.nan, 0.1, math.inf], open_interest=[3, 4, 5, math.nan],
        time_to_expiry=[0.1, 0.2, 0.1, 0.3], multiplier=[100, 10, 100, 100],
        columns={"sector": ["a", "b", None, "d"], "flag": [True, False, True, True],
                 "count": [1, 2, 3, 4], "day": np.array(["2026-01-01", "NaT"] * 2, "M8[D]")},
    ),
    "flags": lambda: gex.Chain.from_arrays(
        spot=100.0, strike=[90.0, 100.0], is_call=[True, False], implied_vol=0.2, open_interest=3,
        expiry=["2026-03-20", None], as_of="2026-03-18T10:30-04:00", root=["SPX", "SPX1"],
        flags={"adjusted_contract": [False, True]}, rate=0.05, source={"vendor": "x", "n": [1]},
    ),
    "none": lambda: gex.synthetic_chain(n=500).filter(np.zeros(500, bool)),
}  # fmt: skip


def _zone() -> Any:
    from gexcore import clock

    return clock.NEW_YORK


@pytest.mark.parametrize("name", CHAINS)
def test_chains_come_back_whole(name: str) -> None:
    chain = CHAINS[name]()
    text = json.dumps(chain_to_dict(chain), allow_nan=False)
    back = chain_from_dict(json.loads(text))
    ours, theirs = chain._arguments(), back._arguments()
    assert ours.keys() == theirs.keys()
    for field, value in ours.items():
        if isinstance(value, np.ndarray):
            assert theirs[field].dtype.kind == value.dtype.kind
            assert same_bits(theirs[field], value), field
    for field in ("spot", "as_of", "clock", "underlying", "scope"):
        assert ours[field] == theirs[field], field
    assert back.manifest == json.loads(json.dumps(chain.manifest))
    for field in ("rate", "dividend_yield", "basis"):
        one, other = getattr(chain.rates, field), getattr(back.rates, field)
        assert type(one) is type(other) and same_bits(np.asarray(one), np.asarray(other))
    for one, other in zip(chain.rates.given, back.rates.given, strict=True):
        assert (one is None) == (other is None) and (one is None or same_bits(one, other))
    assert same_bits(chain.vols.vendor, back.vols.vendor)
    assert same_bits(chain.vols.rule, back.vols.rule)
    if chain.rates.table is not None:
        for field, column in chain.rates.table.columns().items():
            assert same_bits(column, back.rates.table.columns()[field]), field
    for field, column in chain.columns.items():
        wanted = column.astype(str) if column.dtype == object else column
        assert same_bits(back.columns[field], wanted), field


def test_numbers_come_back() -> None:
    values = np.array([0.1, -0.0, 5e-324, 1.7976931348623157e308, math.nan, math.inf, -math.inf])
    back = floats(json.loads(json.dumps(written(values), allow_nan=False)))
    assert same_bits(back[:4], values[:4])
    np.testing.assert_array_equal(back[4:], values[4:])
    assert [written(x) for x in (0.5, math.inf, -math.inf)] == [0.5, "inf", "-inf"]
    assert written(math.nan) is None and math.isnan(floats(None))


def test_the_stream_of_the_page(tmp_path: Path) -> None:
    """What docs/feed.md shows to other programs is played as the methods it names."""
    page = (Path(__file__).parents[1] / "docs" / "feed.md").read_text("utf-8")
    text = page.partition("```json\n")[2].partition("\n```")[0]  # without a last line break
    lines = [json.loads(line) for line in text.splitlines()]
    assert {line["kind"] for line in lines} == {*feed.KINDS, "chain"} - {"contracts"}
    path = tmp_path / "mine.jsonl"
    path.write_text("\ufeff" + text.replace("\n", "\r\n"))  # as some editors save it
    replay = gex.read_recording(path).replay()
    assert replay.summary().dropped == {}
    given = lines[0]["chain"]
    book = gex.Book(gex.Chain.from_arrays(**given))
    book.update(1, implied_vol=0.21)
    book.update(np.array([0, 2]), implied_vol=np.array([0.23, np.nan]), bid=np.array([1.1, 2.05]))
    book.set_spot(100.5)
    book.update(2, open_interest=2700.0)
    book.apply_trades(gex.Trades.from_arrays(**lines[5]["trades"]))
    book.set_time("2026-03-18T10:30:04-04:00")
    book.add_rows(gex.Chain.from_arrays(**lines[7]["chain"]))
    book.remove_rows(0)
    book.compact()
    assert replay.book.levels(exact=True).to_dict() == book.levels(exact=True).to_dict()
    # long every call; the customer bought seven at the ask
    assert replay.book.snapshot().positions.contracts.tolist() == [793.0, 2700.0, 50.0]


def test_a_stream_of_few_words(tmp_path: Path) -> None:
    """A chain and its rule in other programs' numbers: whole ones, lists, single ones."""
    arguments: dict[str, Any] = {
        "spot": 100, "strike": [95, 100, 105], "is_call": [False, True, True],
        "implied_vol": 0.2, "open_interest": [900, 800, 2500], "time_to_expiry": 0.1,
    }  # fmt: skip
    lines = [
        {"time": "2026-03-18T14:30:00Z", "kind": "chain", "version": 1, "chain": arguments,
         "positions": {"rule": "weights", "weights": [-1, 0.5, 1]}, "side": "gross", "gated": True},
        {"time": "2026-03-18T10:30:02-04:00", "kind": "clock", "days": 1, "exchange": "ignored"},
        {"time": "2026-03-18T14:30:03Z", "kind": "trade", "rule": "given", "trades": {
            "strike": [100], "option_type": ["C"], "price": [2.5], "size": [7],
            "true_side": [1], "time": ["2026-03-18T10:30:03-04:00"]}},
    ]  # fmt: skip
    path = tmp_path / "mine.jsonl"
    path.write_text("\n\n".join(json.dumps(line) for line in lines))
    replay = gex.read_recording(path).replay()
    assert replay.summary().dropped == {}
    weights = [-1, 0.5, 1]
    book = gex.Book(
        gex.Chain.from_arrays(**arguments), "weights", weights=weights, side="gross", gated=True
    )
    book.set_time(1.0)
    book.apply_trades(
        gex.Trades.from_arrays(
            strike=[100], option_type=["C"], price=[2.5], size=[7], true_side=[1]
        ),
        "given",
    )
    assert replay.book.levels(exact=True).to_dict() == book.levels(exact=True).to_dict()
    assert replay.book.snapshot().positions.contracts.tolist() == [-900.0, 393.0, 2500.0]


def test_callbacks_write_in_order(tmp_path: Path) -> None:
    """A callback that changes the book through its recorder comes after what it was called for."""
    book = gex.Book(gex.synthetic_chain(n=500))
    recorder = gex.Recorder(book, tmp_path / "feed.jsonl")
    zero = book.levels().zero_gamma.value
    book.on_change(lambda change: recorder.update(7, implied_vol=0.2 + 0.01 * change.sequence))
    for factor in (1.05, 0.95, 1.05):
        recorder.set_spot(zero * factor)
    recorder.close()
    kinds = [event.kind for event in gex.read_recording(tmp_path / "feed.jsonl")]
    assert kinds[0] == "spot" and kinds.count("spot") == 3 and "quote" in kinds
    assert_same(gex.read_recording(tmp_path / "feed.jsonl").replay().book, book)


@pytest.mark.parametrize("kinds", [{"zero_gamma_crossed"}, set(KINDS)])  # one fails, or several
def test_a_failing_callback_loses_nothing(kinds: set[str], tmp_path: Path) -> None:
    book = gex.Book(gex.synthetic_chain(n=500))

    def fail(change: gex.LevelChange) -> None:
        if change.kind in kinds:
            raise gex.InputError("callback")

    book.on_change(fail)
    zero = book.levels().zero_gamma.value
    with gex.Recorder(book, tmp_path / "feed.jsonl") as recorder:
        with pytest.raises((gex.InputError, ExceptionGroup), match="callback"):
            recorder.set_spot(zero * 1.05)
        with pytest.raises(gex.InputError, match="no row"):
            recorder.update(10**6, implied_vol=0.2)
    events = list(gex.read_recording(tmp_path / "feed.jsonl"))
    assert [(event.kind, event.values) for event in events] == [("spot", {"spot": zero * 1.05})]
