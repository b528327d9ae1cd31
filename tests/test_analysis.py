"""Analysis and what all results share: stable keys, plain JSON, one-line repr, safe HTML."""

from __future__ import annotations

import json
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.errors import MismatchError
from gexcore.results import Result, align, money, number, plain

HOSTILE = '<script>alert("x")</script>&'


def small(underlying: str = "XYZ", held: Any = (-50.0, 30.0, 60.0)) -> gex.Analysis:
    chain = gex.Chain.from_arrays(
        spot=100.0,
        strike=[95.0, 100.0, 105.0],
        is_call=[False, True, True],
        implied_vol=[0.22, 0.2, 0.18],
        open_interest=np.abs(held),
        expiry="2024-04-19",
        as_of="2024-03-14T15:00-04:00",
        root="XYZ",
        rate=0.05,
        underlying=underlying,
    )
    return gex.analyze(chain, "contracts", contracts=np.array(held))


def parts(result: gex.Analysis) -> dict[str, Result]:
    """One of every kind of result."""
    gamma = result.exposures.gamma
    return {
        "analysis": result,
        "chain": result.chain,
        "greeks": result.greeks,
        "positions": result.positions,
        "exposures": result.exposures,
        "exposure": gamma,
        "by_key": gamma.by("strike"),
        "by_keys": gamma.by("expiry", "option_type"),
        "profile": result.profile,
        "levels": result.levels,
        "zero_gamma": result.levels.zero_gamma,
        "call_wall": result.levels.call_wall,
        "regime": result.regime,
        "coverage": result.coverage,
    }


def strict(value: Any) -> Any:
    """Through JSON and back, where NaN and infinity do not exist."""
    return json.loads(json.dumps(value, allow_nan=False))


LEVEL = {"strike", "value", "share"}


def test_stable_keys() -> None:
    data = strict(small().to_dict())
    assert {
        "spot", "as_of", "net_gamma", "gross_gamma", "zero_gamma", "call_wall", "put_wall",
        "absolute_gamma_strike", "regime", "coverage", "manifest",
    } <= set(data)  # fmt: skip
    assert {"value", "status", "crossings"} <= set(data["zero_gamma"])
    assert data["zero_gamma"]["crossings"]
    for crossing in data["zero_gamma"]["crossings"]:
        assert {"spot", "direction", "slope"} <= set(crossing)
    for name in ("call_wall", "put_wall", "absolute_gamma_strike"):
        assert set(data[name]) >= LEVEL
    assert {"kind", "net_to_gross", "distance_pct"} <= set(data["regime"])
    assert {"read", "used", "dropped"} <= set(data["coverage"])
    manifest = (
        "as_of", "as_of_rule", "clock", "rates", "positions", "size", "scope", "dynamics",
        "source", "version", "definitions",
    )  # fmt: skip
    assert set(manifest) <= set(data["manifest"])


def test_values_are_those_of_the_parts() -> None:
    result = small()
    data = result.to_dict()
    assert data["spot"] == 100.0
    assert data["as_of"] == "2024-03-14T15:00:00-04:00"
    assert data["net_gamma"] == result.exposures.gamma.net
    assert data["gross_gamma"] == result.exposures.gamma.gross
    assert data["zero_gamma"]["value"] == result.levels.zero_gamma.value
    assert data["call_wall"]["strike"] == result.levels.call_wall.strike == 105.0
    assert data["put_wall"]["strike"] == result.levels.put_wall.strike == 95.0
    assert data["regime"]["kind"] == result.regime.kind
    assert data["coverage"] == result.coverage.to_dict()


def test_what_does_not_exist_is_null() -> None:
    data = strict(small(held=(0.0, 30.0, 60.0)).to_dict())
    assert data["zero_gamma"] == {
        "value": None,
        "status": "always_long",
        "crossings": [],
        "searched": data["zero_gamma"]["searched"],
    }
    assert data["put_wall"] is None
    assert data["missing"] == {"put_wall": "no_negative_strike", "hvl": "at_end_strike"}
    assert data["coverage"]["dropped"] == {
        "no_position": {"rows": 1, "open_interest_share": 0.0},
    }
    empty = strict(small(held=(0.0, 0.0, 0.0)).to_dict())
    assert empty["net_gamma"] == 0.0
    assert empty["regime"]["kind"] == "no_exposure"


def test_json_without_nan_even_for_bad_rows() -> None:
    nan, inf = float("nan"), float("inf")
    chain = gex.Chain.from_arrays(
        spot=100.0,
        strike=[100.0, nan, inf, -1.0],
        is_call=True,
        implied_vol=[0.2, nan, inf, 0.2],
        open_interest=[1.0, nan, 1.0, inf],
        time_to_expiry=[0.1, nan, inf, 0.1],
    )
    result = gex.analyze(chain)
    data = strict(result.to_dict())
    assert data["coverage"]["used"] == 1
    assert data["as_of"] is None
    assert strict(result.exposures.to_dict())["gamma"]["net"] > 0
    assert len(strict(result.profile.to_dict())["gamma"]) == len(result.profile.spots)


KINDS = (
    "analysis", "chain", "greeks", "positions", "exposures", "exposure", "by_key", "by_keys",
    "profile", "levels", "zero_gamma", "call_wall", "regime", "coverage",
)  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_every_result_shows_itself(name: str) -> None:
    one = parts(small())[name]
    assert isinstance(one, Result)
    line = repr(one)
    assert line.startswith("<")
    assert line.endswith(">")
    assert "\n" not in line
    assert len(line) < 200
    assert str(one)
    assert "0x" not in line + str(one)  # not the default of Python
    assert one._repr_html_().startswith("<pre>")
    data = one.to_dict()
    assert isinstance(data, dict)
    assert strict(plain(data)) == plain(data)


def test_hostile_names_are_escaped() -> None:
    shown = {name: one._repr_html_() for name, one in parts(small(HOSTILE)).items()}
    assert all("<script" not in text for text in shown.values())
    assert "&lt;script&gt;" in shown["analysis"]
    assert "&lt;script&gt;" in shown["chain"]
    assert HOSTILE in str(small(HOSTILE))  # text needs no escaping


def test_the_table_names_every_convention() -> None:
    text = str(small())
    words = (
        "XYZ", "net gamma", "zero gamma", "call wall", "put wall", "regime", "used", "dropped",
        "positions", "settlement", "rate 5.00%", "NOTE", "scope", "sticky strike",
        "2024-03-14T15:00:00-04:00",
    )  # fmt: skip
    for word in words:
        assert word in text
    assert all(line == line.rstrip() for line in text.split("\n"))


def test_analyze_is_the_steps_one_by_one() -> None:
    chain = gex.synthetic_chain(n=3000)
    positions = gex.assign_positions(chain)
    exposures = gex.compute_exposures(chain, gex.compute_greeks(chain), positions)
    levels = gex.find_levels(exposures, gex.sweep_profile(chain, positions))
    regime = gex.classify_regime(levels, adv=1e11)
    result = gex.analyze(chain, positions, adv=1e11)
    assert result.positions is positions
    assert result.levels.to_dict() == levels.to_dict()
    assert result.regime.to_dict() == regime.to_dict()
    assert result.to_dict() == gex.analyze(chain, "naive", adv=1e11, threads=3).to_dict()


def test_positions_of_another_chain_are_refused() -> None:
    positions = gex.assign_positions(gex.synthetic_chain(n=10))
    with pytest.raises(MismatchError, match="another chain"):
        gex.analyze(gex.synthetic_chain(n=10), positions)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-10_998_700_000.0, "-10.999 bn"),
        (202.5e6, "+202.500 mm"),
        (17_224.08, "+17.224 k"),
        (574.136, "+574.14"),
        (0.0, "0"),
        (None, "none"),
    ],
)
def test_money(value: float | None, text: str) -> None:
    assert money(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(4721.908, "4,721.91"), (4700.0, "4,700"), (0.5, "0.5"), (100.0, "100"), (None, "none")],
)
def test_number(value: float | None, text: str) -> None:
    assert number(value) == text


def test_plain_turns_everything_into_json() -> None:
    value = {
        "nan": np.float64("nan"),
        "inf": float("inf"),
        "count": np.int64(3),
        "flag": np.bool_(True),
        "day": np.datetime64("2024-03-15"),
        "gap": np.array([1.0, np.nan]),
        "days": np.array(["2024-03-15", "NaT"], "M8[D]"),
        "moments": np.array(["2024-03-15T10:00"], "M8[ns]"),
        "texts": ("a", np.str_("b")),
        1: None,
    }
    assert strict(plain(value)) == {
        "nan": None,
        "inf": None,
        "count": 3,
        "flag": True,
        "day": "2024-03-15",
        "gap": [1.0, None],
        "days": ["2024-03-15", None],
        "moments": ["2024-03-15T10:00:00"],
        "texts": ["a", "b"],
        "1": None,
    }


def test_align_pads_columns() -> None:
    assert align([["a", "1"], ["bbb", "22"]], right=(1,)) == "a     1\nbbb  22"
    assert align([["a", ""], ["bbb", "x"]]) == "a\nbbb  x"
    assert align([]) == ""


def test_the_text_names_the_conventions_it_used() -> None:
    chain = gex.synthetic_chain(n=2000)
    text = str(gex.analyze(chain, side="gross", gated=True, size="volume", adv=4e11, kappa=0.1))
    for words in ("sized by volume", "by gross gamma, gated", "definitions 1", "% ", "kappa 0.1"):
        assert words in text
    manifest = gex.analyze(chain, adv=4e11, kappa=0.1).manifest
    assert (manifest["adv"], manifest["kappa"]) == (4e11, 0.1)
