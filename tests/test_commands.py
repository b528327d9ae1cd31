"""Commands for tables and every option of levels: what is printed is what Python computes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.cli import main
from gexcore.units import EXPOSURES, UNITS

SIDE = "Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest"


def sheet(chain: gex.Chain) -> str:
    """A chain of calls and puts by turns as a CBOE quotedata CSV."""
    lines = [
        "",
        f"XYZ WIDGET INDEX,Last: {chain.spot},Change:  0.5",
        '"Date: March 18, 2026 at 10:30 AM EDT",Bid: 1,Ask: 2,Size: 1*1,Volume: 0',
        f"Expiration Date,Calls,{SIDE},Strike,Puts,{SIDE}",
    ]
    columns = zip(
        chain.expiry.tolist(), chain.root, chain.strike, chain["bid"], chain["ask"],
        chain["volume"], chain.implied_vol, chain.open_interest, strict=True,
    )  # fmt: skip
    rows = list(columns)
    for call, put in zip(rows[::2], rows[1::2], strict=True):
        day, name, strike = call[:3]
        cells = [f"{day:%a %b %d %Y}"]
        for kind, (*_, bid, ask, volume, vol, size) in (("C", call), ("P", put)):
            symbol = f"{name}{day:%y%m%d}{kind}{round(strike * 1000):08d}"
            cells += [symbol, f"{ask}", "0", f"{bid}", f"{ask}", f"{volume}", f"{vol}", "0", "0"]
            cells += [f"{size}"] + ([f"{strike:.2f}"] if kind == "C" else [])
        lines.append(",".join(cells))
    return "\n".join([*lines, ""])


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("chain") / "xyz.csv"
    path.write_text(sheet(gex.synthetic_chain(n=3000)))
    return str(path)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    def never(constant: str) -> float:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(printed(capsys, *arguments, "--json"), parse_constant=never)


def as_csv(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, str]]:
    text = printed(capsys, *arguments, "--csv")
    head, *rows = csv.reader(io.StringIO(text))
    assert all(len(row) == len(head) for row in rows)
    assert len(set(head)) == len(head)
    return [dict(zip(head, row, strict=True)) for row in rows]


def body(text: str) -> tuple[str, list[list[str]]]:
    """Title and cells of a printed table."""
    title, _, rest = text.partition("\n\n")
    return title, [line.split() for line in rest.splitlines()]


def numbers(rows: Any, name: str) -> list[float]:
    return [float(row[name]) if row[name] not in ("", None) else np.nan for row in rows]


# --- tables ------------------------------------------------------------------------------------


@pytest.mark.parametrize("greek", EXPOSURES)
def test_exposures_agree_with_python(
    greek: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = gex.read_cboe(file)
    expected = getattr(gex.analyze(chain).exposures, greek)
    table = expected.by("expiry", "option_type")
    words = ("exposures", file, "--greek", greek, "--by", "expiry, option_type")
    data, rows = as_json(capsys, *words), as_csv(capsys, *words)
    assert (data["greek"], data["unit"]) == (greek, expected.unit)
    assert (data["net"], data["gross"]) == (expected.net, expected.gross)
    assert list(rows[0]) == ["expiry", "option_type", "value", "gross", "share"]
    assert [row["expiry"] for row in rows] == table.keys[0].astype(str).tolist()
    assert [row["option_type"] for row in rows] == table.keys[1].tolist()
    for column, values in (("value", table.values), ("gross", table.gross)):
        assert numbers(rows, column) == values.tolist()  # every digit survives
        assert numbers(data["rows"], column) == values.tolist()
    assert sum(numbers(rows, "share")) == pytest.approx(1.0, abs=1e-12)
    title, lines = body(printed(capsys, *words))
    assert expected.unit in title
    assert lines[0] == list(rows[0])
    assert len(lines) == len(rows) + 1


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: f"{unit.greek}-{unit.name}")
def test_exposures_in_every_unit(unit: Any, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    more = {"futures": {"futures": "MES"}, "adv": {"adv": 2e11}}.get(unit.parameter, {})
    words = [word for name, value in more.items() for word in (f"--{name}", str(value))]
    data = as_json(capsys, "exposures", file, "--greek", unit.greek, "--unit", unit.name, *words)
    exposures = gex.analyze(gex.read_cboe(file)).exposures
    expected = getattr(exposures, unit.greek).in_unit(unit.name, **more)
    assert (data["net"], data["gross"], data["unit"]) == (expected.net, expected.gross, unit.label)
    table = expected.by("strike")
    assert numbers(data["rows"], "strike") == table.keys.tolist()
    assert numbers(data["rows"], "value") == table.values.tolist()


def test_profile_agrees_with_python(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("profile", file, "--which", "vanna,delta", "--from", "4500", "--to", "5500",
             "--steps", "5", "--positions", "short_all", "--size", "volume")  # fmt: skip
    chain = gex.read_cboe(file)
    positions = gex.assign_positions(chain, "short_all", size="volume")
    spots = [4500.0, 4750.0, 5000.0, 5250.0, 5500.0]
    expected = gex.sweep_profile(chain, positions, spots=spots, which=("vanna", "delta"))
    data, rows = as_json(capsys, *words), as_csv(capsys, *words)
    assert list(rows[0]) == ["spot", "vanna", "delta"]  # in the order asked for
    for table in (rows, data["rows"]):
        assert numbers(table, "spot") == spots
        assert numbers(table, "vanna") == expected.vanna.tolist()
        assert numbers(table, "delta") == expected.delta.tolist()
    assert data["units"] == {"vanna": "$ per vol point", "delta": "$"}
    assert (data["manifest"]["positions"], data["manifest"]["size"]) == ("short_all", "volume")
    title, lines = body(printed(capsys, *words))
    assert title == "vanna: $ per vol point, delta: $"
    assert [line[0] for line in lines] == ["spot", "4,500", "4,750", "5,000", "5,250", "5,500"]
    default = numbers(as_csv(capsys, "profile", file), "spot")
    np.testing.assert_allclose(default, np.linspace(4500, 5500, 41), rtol=1e-14)


def test_greeks_agree_with_python(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("greeks", file, "--which", "delta,color", "--scope", "dte<=3")
    chain = gex.read_cboe(file).filter("dte<=3")
    expected = gex.compute_greeks(chain, ("delta", "color"))
    data, rows = as_json(capsys, *words), as_csv(capsys, *words)
    assert list(rows[0]) == [
        "root", "expiry", "strike", "option_type", "implied_vol", "delta", "color",
    ]  # fmt: skip
    for table in (rows, data["rows"]):
        assert len(table) == len(chain)
        assert numbers(table, "strike") == chain.strike.tolist()
        assert [row["root"] for row in table] == chain.root.tolist()
        assert [row["expiry"] for row in table] == chain.expiry.astype(str).tolist()
        assert [row["option_type"] for row in table] == chain["option_type"].tolist()
        for name in ("delta", "color"):
            np.testing.assert_array_equal(numbers(table, name), expected[name])
    assert data["manifest"]["scope"] == "dte<=3"
    assert "theta, charm and color per year" in printed(capsys, *words)


def test_rates_agree_with_python(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    expected = gex.read_cboe(file).rates  # roots SPX and SPXW: European
    data, rows = as_json(capsys, "rates", file), as_csv(capsys, "rates", file)
    assert data["source"] == "parity"
    assert data["spot_basis"] == expected.spot_basis
    assert sum(data["series"].values()) == len(rows) == len(data["rows"])
    for table in (rows, data["rows"]):
        for name in ("forward", "discount", "rate", "dividend_yield", "time_to_expiry"):
            np.testing.assert_array_equal(numbers(table, name), getattr(expected.table, name))
        assert [row["status"] for row in table] == expected.table.status.tolist()
    # the chain was made with 4% and 1.3%
    assert np.median(numbers(rows, "rate")) == pytest.approx(0.04, abs=0.005)
    title, lines = body(printed(capsys, "rates", file))
    assert "spot basis" in title
    assert lines[0] == list(rows[0])


# --- options of levels -------------------------------------------------------------------------

OPTIONS: list[tuple[list[str], dict[str, Any], dict[str, Any]]] = [
    # words, how the chain is read, how it is analyzed
    (["--clock", "calendar/365"], {"clock": "calendar/365"}, {}),
    (["--clock", "business/262"], {"clock": "business/262"}, {}),
    (["--rates", "flat"], {"rates": "flat"}, {}),
    (["--rates", "parity", "--rate", "3%"], {"rates": "parity", "rate": 0.03}, {}),
    (["--rate", "5%", "--dividend-yield", "0.01"], {"rate": 0.05, "dividend_yield": 0.01}, {}),
    (["--as-of", "session"], {"as_of": "session"}, {}),
    (["--positions", "short_all"], {}, {"positions": "short_all"}),
    (["--positions", "inverted"], {}, {"positions": "inverted"}),
    (["--positions", "moneyness"], {}, {"positions": "moneyness"}),
    (["--size", "volume"], {}, {"size": "volume"}),
    (["--side", "gross"], {}, {"side": "gross"}),
    (["--side", "gross", "--gated"], {}, {"side": "gross", "gated": True}),
    (["--adv", "2e11"], {}, {"adv": 2e11}),
    (["--adv", "2e11", "--kappa", "0.1"], {}, {"adv": 2e11, "kappa": 0.1}),
]


@pytest.mark.parametrize(("words", "reading", "analyzing"), OPTIONS, ids=str)
def test_options_of_levels(
    words: list[str], reading: Any, analyzing: Any, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = as_json(capsys, "levels", file, *words)
    expected = gex.analyze(gex.read_cboe(file, **reading), **analyzing).to_dict()
    assert data == json.loads(json.dumps(expected))
    assert data != as_json(capsys, "levels", file)  # the option does something
    rows = as_csv(capsys, "levels", file, *words)
    assert [row["level"] for row in rows] == ["zero_gamma", *gex.Levels.STRIKES]
    found = {row["level"]: row["price"] for row in rows}
    zero = data["zero_gamma"]["value"]
    assert found["zero_gamma"] == ("" if zero is None else repr(zero))
    for name in gex.Levels.STRIKES:
        assert found[name] == (repr(data[name]["strike"]) if data[name] else "")
    assert printed(capsys, "levels", file, *words).count("\nregime ") == 1


@pytest.mark.parametrize(
    "scope",
    ["next", "0dte", "ex-next", "dte<=7", "root=SPX", "expiry=2026-03-20", "expiry=2031-01-01"],
)
def test_scopes_of_levels(scope: str, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = as_json(capsys, "levels", file, "--scope", scope)
    chain = gex.read_cboe(file).filter(scope)
    assert data == json.loads(json.dumps(gex.analyze(chain).to_dict()))
    assert data["manifest"]["scope"] == scope
    assert data["coverage"]["read"] == len(chain)
    assert (len(chain) == 0) == (scope == "expiry=2031-01-01")


@pytest.mark.parametrize("source", ["mid", "bid", "ask", "last", "otm"])
def test_vols_from_prices(source: str, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    for option, only_missing in (("--imply", True), ("--imply-all", False)):
        words = [option, source, "--scope", "dte<=40"]
        chain = gex.read_cboe(file).with_implied_vols(source, only_missing).filter("dte<=40")
        result = gex.analyze(chain)
        data = as_json(capsys, "levels", file, *words)
        assert data == json.loads(json.dumps(result.to_dict()))
        rows, share = result.coverage.implied_from_price
        assert rows > 0
        assert data["coverage"]["implied_from_price"]["open_interest_share"] == share
        name = "out-of-the-money mid" if source == "otm" else source
        label = f"implied from {name}" + " where missing" * only_missing
        assert data["manifest"]["vols"] == label
        line = f"vols       {label}: {rows:,} contracts ({share:.1%})"
        assert line in printed(capsys, "levels", file, *words).splitlines()
    plain = as_json(capsys, "levels", file)
    assert plain["manifest"]["vols"] == "vendor"
    assert plain["coverage"]["implied_from_price"] == {"rows": 0, "open_interest_share": 0.0}
    assert "\nvols " not in printed(capsys, "levels", file)
    vols = {row["implied_vol"] for row in as_csv(capsys, "greeks", file, "--imply-all", source)}
    assert len(vols) > len({row["implied_vol"] for row in as_csv(capsys, "greeks", file)}) > 100


# --- coverage ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["cboe_*.csv", "cboe_*.json.gz"])
def test_every_real_file_adds_up(
    kind: str, test_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = sorted((test_data / "data").glob(kind))
    assert paths
    for path in paths:
        data = as_json(capsys, "exposures", str(path), "--by", "expiry,option_type")
        coverage, dropped = data["coverage"], data["coverage"]["dropped"].values()
        assert coverage["read"] == coverage["used"] + sum(part["rows"] for part in dropped)
        shares = [
            coverage["used_open_interest_share"],
            *(d["open_interest_share"] for d in dropped),
        ]
        assert sum(shares) == pytest.approx(1.0, abs=1e-12)
        assert all(0 <= share <= 1 for share in shares)
        assert sum(row["share"] for row in data["rows"]) == pytest.approx(1.0, abs=1e-12)
        assert sum(numbers(data["rows"], "value")) == pytest.approx(
            data["net"], abs=1e-12 * data["gross"]
        )


@pytest.mark.parametrize(("lost", "warned"), [(0.08, False), (0.12, True)])
def test_warning_when_open_interest_is_lost(
    lost: float, warned: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = gex.synthetic_chain(n=400)
    held = np.where(chain.implied_vol > 0, chain.open_interest, 0.0)
    share = np.cumsum(held) / held.sum()
    row = int(np.searchsorted(share, lost))
    vols = np.where(np.arange(len(chain)) <= row, 0.0, chain.implied_vol)
    columns = {name: chain[name] for name in ("strike", "is_call", "expiry", "root", "bid", "ask")}
    made = gex.Chain.from_arrays(
        spot=chain.spot, implied_vol=vols, open_interest=held, as_of=chain.as_of,
        volume=chain["volume"], **columns,
    )  # fmt: skip
    path = tmp_path / "xyz.csv"
    path.write_text(sheet(made))
    data = as_json(capsys, "levels", str(path))
    used = 1 - held[: row + 1].sum() / held.sum()
    assert data["coverage"]["used_open_interest_share"] == pytest.approx(used, rel=1e-12)
    line = f"WARNING only {used:.0%} of open interest is used: no implied vol holds {1 - used:.0%}"
    line += "; with_implied_vols('mid') (--imply mid) solves for them"
    assert (line in printed(capsys, "levels", str(path)).splitlines()) is warned
    assert (line.removeprefix("WARNING ") in data["warnings"]) is warned
    assert data["manifest"]["source"]["file"] == "xyz.csv"


def test_a_book_without_open_interest_has_nothing_to_warn_of() -> None:
    # sized by volume: shares of open interest do not exist
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=[95.0, 105.0], is_call=[False, True], implied_vol=0.2,
        open_interest=float("nan"), time_to_expiry=0.1, volume=[3.0, 4.0],
    )  # fmt: skip
    result = gex.analyze(chain, size="volume")
    assert result.coverage.used == 2
    assert result.warnings == []
    assert gex.analyze(chain).coverage.used == 0


# --- what is refused ---------------------------------------------------------------------------

REFUSED = [
    (["levels", "--scope", "weekly"], "there is no scope 'weekly'"),
    (["levels", "--scope", "expiry=soon"], "there is no scope"),
    (["levels", "--clock", "lunar"], "invalid choice: 'lunar'"),
    (["levels", "--rates", "free"], "invalid choice: 'free'"),
    (["levels", "--imply", "close"], "source: there is no 'close'"),
    (["levels", "--imply-all", ""], "source: there is no ''"),
    (["levels", "--positions", "contracts"], "needs --position-file"),
    (["levels", "--size", "bids"], "invalid choice: 'bids'"),
    (["levels", "--side", "left"], "invalid choice: 'left'"),
    (["levels", "--adv", "much"], "invalid float value: 'much'"),
    (["levels", "--adv", "0"], "adv: 0.0 is not a volume"),
    (["levels", "--adv", "nan"], "adv: nan is not a volume"),
    (["levels", "--kappa", "0.1"], "kappa: 0.1 cannot be used"),
    (["levels", "--kappa=-1", "--adv", "1e9"], "kappa: -1.0 cannot be used"),
    (["levels", "--json", "--csv"], "not allowed with argument --json"),
    (["exposures", "--greek", "rho"], "invalid choice: 'rho'"),
    (["exposures", "--by", "sectr"], "no column 'sectr'"),
    (["exposures", "--by", ","], "no key was named"),
    (["exposures", "--unit", "yen"], "gamma has no unit 'yen'"),
    (["exposures", "--greek", "delta", "--unit", "usd_per_point"], "delta has no unit"),
    (["exposures", "--unit", "futures_per_point"], "futures=None is not known"),
    (["exposures", "--unit", "pct_adv"], "adv: None is not a volume"),
    (["profile", "--steps", "0"], "0 steps"),
    (["profile", "--steps=-3"], "-3 steps"),
    (["profile", "--steps", "2.5"], "invalid int value: '2.5'"),
    (["profile", "--from", "5000", "--to", "4000"], "from 5000 to 4000"),
    (["profile", "--from", "0"], "spots"),
    (["profile", "--from", "nan"], "profile: 41 steps from nan"),
    (["profile", "--which", "gama"], "no 'gama'"),
    (["greeks", "--which", "gama"], "no greek 'gama'"),
    (["greeks", "--which", ""], "which: is empty"),
    (["rates", "--rates", "flat"], "rates are flat, nothing was fitted: rate and dividend_yield"),
    (["rates", "--rate", "5%"], "rates are flat, nothing was fitted: dividend_yield was not"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED, ids=str)
def test_refusals_are_one_line(
    words: list[str], message: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command, *options = words
    assert main([command, file, *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("gexcore: error: ")
    assert err.count("\n") == 1
    assert message in err
    assert "Hint: " in err
