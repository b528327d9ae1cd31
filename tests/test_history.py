"""Levels over time: what is drawn, in which order, with which gaps; and what cannot be drawn."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore import plot
from gexcore.cli import main
from gexcore.errors import InputError, MismatchError

pytest.importorskip("matplotlib")

BEGIN = datetime.fromisoformat("2024-03-04T15:00-05:00")


def book(day: float, spot: float, *, underlying: str = "XYZ", **options: Any) -> gex.Chain:
    """A put wall at 90 and a call wall at 110 some days after BEGIN."""
    given = {
        "spot": spot, "strike": [90.0, 110.0], "is_call": [False, True], "implied_vol": 0.2,
        "open_interest": [1000, 1000], "expiry": "2024-06-21", "underlying": underlying,
        "as_of": BEGIN + timedelta(days=day),
    }  # fmt: skip
    return gex.Chain.from_arrays(**{**given, **options})


def lines(figure: Any) -> dict[str, Any]:
    return {line.get_label().partition(" (")[0]: line for line in figure.axes[0].lines}


def spans(figure: Any) -> list[tuple[float, float, Any]]:
    """Begin, end and colour of each band."""
    return [
        (patch.get_x(), patch.get_x() + patch.get_width(), patch.get_facecolor()[:3])
        for patch in figure.axes[0].patches
    ]


SPOTS = [100.0, 95.0, 104.0, 108.0]
DAYS = [0.0, 1.0, 3.0, 4.0]


@pytest.fixture(scope="module")
def results() -> list[gex.Analysis]:
    return [gex.analyze(book(day, spot)) for day, spot in zip(DAYS, SPOTS, strict=True)]


def test_levels_are_drawn_at_their_times(results: list[gex.Analysis]) -> None:
    figure = plot.plot_history(results)
    found = lines(figure)
    assert list(found) == ["spot", "zero gamma", "call wall", "put wall"]
    for line in found.values():
        assert line.get_xdata().tolist() == [
            (BEGIN + timedelta(days=day, hours=5)).replace(tzinfo=None)
            for day in DAYS  # UTC
        ]
    assert found["spot"].get_ydata().tolist() == SPOTS
    assert found["zero gamma"].get_ydata().tolist() == [
        result.levels.zero_gamma.value for result in results
    ]
    assert found["call wall"].get_ydata().tolist() == [110.0] * 4
    assert found["put wall"].get_ydata().tolist() == [90.0] * 4
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time, New York", "price of the underlying")
    assert figure.get_suptitle() == "XYZ: levels over time"
    assert axes.get_title(loc="left").startswith("naive positions, scope all, clock settlement, 4")


def test_order_does_not_matter_and_quick_levels_do(results: list[gex.Analysis]) -> None:
    shuffled = [gex.quick_levels(results[i].chain) for i in (2, 0, 3, 1)]
    one, other = lines(plot.plot_history(results)), lines(plot.plot_history(iter(shuffled)))
    for name, line in one.items():
        assert line.get_xdata().tolist() == other[name].get_xdata().tolist()
        assert line.get_ydata().tolist() == other[name].get_ydata().tolist()


def test_a_level_that_does_not_exist_is_a_gap(results: list[gex.Analysis]) -> None:
    short = gex.analyze(results[1].chain, "short_all")
    figure = plot.plot_history([results[0], short, *results[2:]])
    values = lines(figure)["zero gamma"].get_ydata()
    assert np.isnan(values).tolist() == [False, True, False, False]
    texts = figure.axes[0].get_legend_handles_labels()[1]
    assert "zero gamma (none at 1 of 4 times)" in texts
    assert "call wall (none at 1 of 4 times)" in texts
    assert "several conventions" in figure.axes[0].get_title(loc="left")


def test_the_regime_is_the_background() -> None:
    kinds = ["long_gamma", "long_gamma", "short_gamma", "no_exposure", "long_gamma"]
    table = {
        "time": [BEGIN + timedelta(days=day) for day in (0, 1, 3, 4, 5)],
        "spot": np.arange(100.0, 105.0), "regime": kinds,
    }  # fmt: skip
    figure = plot.plot_history(table)
    begin = spans(figure)[0][0]
    long, short, again = [(a - begin, b - begin) for a, b, _ in spans(figure)]
    assert (long, short, again) == (
        pytest.approx((0.0, 2.0)), pytest.approx((2.0, 3.5)), pytest.approx((4.5, 5.0)),
    )  # fmt: skip
    colors = [color for _, _, color in spans(figure)]
    assert colors[0] == colors[2] != colors[1]
    texts = figure.axes[0].get_legend_handles_labels()[1]
    assert sorted(texts) == ["long gamma", "short gamma", "spot"]  # each once


@pytest.mark.parametrize("kind", ["mapping", "pandas", "polars", "pyarrow"])
def test_a_table_of_levels(kind: str) -> None:
    columns: Any = {
        "time": [BEGIN + timedelta(minutes=i) for i in (2, 0, 1)],
        "spot": [102.0, 100.0, 101.0],
        "zero_gamma": [103.0, None, 104.0],
        "put_wall": [90.0, 95.0, 90.0],
    }
    if kind != "mapping":
        library = pytest.importorskip(kind)
        columns = (library.table if kind == "pyarrow" else library.DataFrame)(columns)
    found = lines(plot.plot_history(columns))
    assert list(found) == ["spot", "zero gamma", "put wall"]
    assert found["spot"].get_ydata().tolist() == [100.0, 101.0, 102.0]
    assert found["put wall"].get_ydata().tolist() == [95.0, 90.0, 90.0]
    zero = found["zero gamma"].get_ydata()
    assert np.isnan(zero[0]) and zero[1:].tolist() == [104.0, 103.0]


def test_a_recorded_stream_is_a_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As docs/feed.md shows it."""
    monkeypatch.chdir(tmp_path)
    chain = gex.synthetic_chain(n=400)
    with gex.Recorder(chain, "feed.jsonl") as recorder:
        for event in gex.synthetic_feed(chain, 60.0, 20.0):
            recorder.write(event)
    page = (Path(__file__).parents[1] / "docs" / "feed.md").read_text("utf-8")
    (code,) = [b for b in re.findall(r"(?ms)^```python\n(.*?)^```$", page) if "plot_history" in b]
    given = {"gex": gex, "recording": gex.read_recording("feed.jsonl")}
    exec(code, given)
    assert Path("history.png").read_bytes().startswith(b"\x89PNG")
    seen: Any = given["seen"]
    assert len(seen["time"]) >= 7
    assert seen["time"] == sorted(set(seen["time"]))
    found = lines(plot.plot_history(seen))
    assert found["spot"].get_ydata().tolist() == seen["spot"]
    assert found["spot"].get_ydata()[-1] == recorder.book.levels().spot


def test_what_is_no_history(results: list[gex.Analysis]) -> None:
    with pytest.raises(InputError, match="two times at least, not none"):
        plot.plot_history([])
    with pytest.raises(InputError, match="two times at least, not reading 0 alone"):
        plot.plot_history(results[:1])
    with pytest.raises(
        InputError, match=r"reading 1 and reading 2 are of the same time, 2024-03-05"
    ):
        plot.plot_history([results[0], results[1], results[1]])
    with pytest.raises(InputError, match="reading 1 is of type Chain"):
        plot.plot_history([results[0], results[1].chain])
    timeless = book(0, 100.0, expiry=None, as_of=None, time_to_expiry=0.3)
    with pytest.raises(InputError, match="reading 1 has no time"):
        plot.plot_history([results[0], gex.analyze(timeless)])
    other = gex.analyze(book(2.0, 99.0, underlying="ABC"))
    with pytest.raises(MismatchError, match="reading 0 is of XYZ, reading 1 is of ABC"):
        plot.plot_history([results[0], other])


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"spot": [1.0, 2.0]}, "no column 'time'"),
        ({"time": ["2024-03-04T15:00Z"] * 2}, "no column 'spot'"),
        ({"time": ["2024-03-04T15:00Z", ""], "spot": [1.0, 2.0]}, "row 1 has no time"),
        ({"time": ["2024-03-04T15:00", "2024-03-05T15:00"], "spot": [1.0, 2.0]}, "no zone"),
        ({"time": ["2024-03-04T15:00Z"] * 2, "spot": [1.0, 2.0]}, "row 0 and row 1 are of the"),
        (
            {"time": ["2024-03-04T15:00Z", "2024-03-05T15:00Z"], "spot": [1.0, 2.0],
             "put_wall": [1.0]},
            "put_wall: has 1 values, not 2",
        ),
        (
            {"time": ["2024-03-04T15:00Z", "2024-03-05T15:00Z"], "spot": ["a", "b"]},
            "spot: is not numbers",
        ),
    ],
)  # fmt: skip
def test_tables_that_are_no_history(table: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        plot.plot_history(table)


def write(path: Path, day: str, spot: float, symbol: str = "XYZ") -> str:
    """A chain file of a day, 16:00 New York."""
    head = (
        "underlying,underlying_price,quote_time,expiry,strike,option_type,implied_vol,open_interest"
    )
    rows = [
        f"{symbol},{spot},{day}T16:00:00-05:00,2024-06-21,{strike},{kind},0.2,1000"
        for strike, kind in ((90, "P"), (110, "C"))
    ]
    path.write_text("\n".join([head, *rows]) + "\n")
    return str(path)


def run(capsys: Any, *words: str) -> tuple[int, str]:
    code = main(["plot", "--kind", "history", *words])
    return code, capsys.readouterr().err


def test_command(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"b": ("2024-03-05", 95.0), "a": ("2024-03-04", 100.0), "c": ("2024-03-07", 104.0)}
    files = [write(tmp_path / f"{name}.csv", *each) for name, each in names.items()]
    out = tmp_path / "history.png"
    drawn: list[Any] = []
    save = plot.save_figure
    monkeypatch.setattr(plot, "save_figure", lambda f, path: (drawn.append(f), save(f, path)))
    assert run(capsys, *files, "-o", str(out)) == (0, f"{out}: history\n")
    assert out.read_bytes().startswith(b"\x89PNG")
    assert lines(drawn[0])["spot"].get_ydata().tolist() == [100.0, 95.0, 104.0]
    assert run(capsys, *files, "-o", str(out), "--dynamics", "sticky_moneyness")[0] == 0


def test_command_that_cannot_draw(tmp_path: Path, capsys: Any) -> None:
    a, b = write(tmp_path / "a.csv", "2024-03-04", 100.0), str(tmp_path / "b.csv")
    out = ["-o", str(tmp_path / "x.png")]
    assert run(capsys, a, *out) == (
        2, "gexcore: error: history: needs two times at least, not a.csv alone. "
        "Hint: a file of each\n",
    )  # fmt: skip
    write(tmp_path / "b.csv", "2024-03-04", 101.0)
    code, err = run(capsys, a, b, *out)
    assert code == 2 and "a.csv and b.csv are of the same time" in err and "--as-of printed" in err
    write(tmp_path / "b.csv", "2024-03-05", 101.0, "ABC")
    code, err = run(capsys, a, b, *out)
    assert code == 2 and "a.csv is of XYZ, b.csv is of ABC" in err
    assert run(capsys, a, b, *out, "--underlying", "XYZ")[0] == 0
    code, err = run(capsys, a, *out, "--also", b)
    assert code == 2 and "--also joins parts of one chain" in err
    assert main(["plot", a, b, *out]) == 2
    assert "--kind strikes is of one chain, not of 2 files" in capsys.readouterr().err
