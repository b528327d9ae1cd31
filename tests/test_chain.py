"""Chain: what is taken, what is refused by name, what is kept, and which rows a scope holds."""

from __future__ import annotations

from typing import Any

import gexcore as gex
import numpy as np
import pandas as pd
import pytest
from gexcore.conventions import REASONS, USED
from gexcore.errors import ConventionError, GexError, InputError

THREE: dict[str, Any] = {
    "spot": 100.0,
    "strike": [95.0, 100.0, 105.0],
    "is_call": [False, True, True],
    "implied_vol": [0.22, 0.2, 0.18],
    "open_interest": [10, 20, 30],
    "time_to_expiry": 0.1,
}
YEAR = 365 * 86400


def three(**changes: Any) -> gex.Chain:
    return gex.Chain.from_arrays(**{**THREE, **changes})


def test_numbers_hold_for_every_contract() -> None:
    chain = three(multiplier=10, rate=0.05, root="SPX")
    assert len(chain) == 3
    assert chain.multiplier.tolist() == [10.0] * 3
    assert chain.time_to_expiry.tolist() == [0.1] * 3
    assert chain.root.tolist() == ["SPX"] * 3
    assert chain["rate"].tolist() == [0.05] * 3
    assert chain["dividend_yield"].tolist() == [0.0] * 3
    assert three().multiplier.tolist() == [100.0] * 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.uint64, ">f8"])
def test_any_real_numbers_are_taken(dtype: Any) -> None:
    strike = np.array([95, 100, 105], dtype=dtype)
    chain = three(strike=strike, open_interest=strike)
    assert chain.strike.dtype == np.float64
    assert chain.strike.tolist() == [95.0, 100.0, 105.0]


def test_read_only_and_strided_arrays_are_copied() -> None:
    strike = np.arange(6.0)[::2] + 95
    strike.flags.writeable = False
    free = np.array([0.1, 0.2, 0.3])
    chain = three(strike=strike, implied_vol=free)
    assert chain.strike.tolist() == [95.0, 97.0, 99.0]
    free[0] = 9.0  # still the caller's own
    assert chain.implied_vol[0] == 0.1


REFUSED = [
    ("strike", [[95.0]], "strike: one-dimensional"),
    ("strike", 95.0, "strike: one-dimensional"),
    ("strike", ["95", "100", "105"], "strike: is <U3, not numbers"),
    ("implied_vol", [0.2 + 0j] * 3, "implied_vol: is complex128"),
    ("implied_vol", [True] * 3, "implied_vol: is bool"),
    ("implied_vol", [None, 0.2, 0.2], "implied_vol: is object"),
    ("implied_vol", np.array(["2024-01-01"] * 3, "M8[D]"), "implied_vol: is datetime64"),
    ("implied_vol", np.ma.array([0.2] * 3, mask=[1, 0, 0]), "implied_vol: is a masked array"),
    ("is_call", np.ma.array([True] * 3, mask=[1, 0, 0]), "is_call: is a masked array"),
    ("root", np.ma.array(["SPX"] * 3, mask=[1, 0, 0]), "root: is a masked array"),
    ("open_interest", [1, 2], "open_interest: 2 rows, but strike has 3"),
    ("open_interest", np.ones((3, 1)), "open_interest: has 2 dimensions"),
    ("is_call", [1, 0, 1], "is_call: is int64, not boolean"),
    ("is_call", ["C", "P", "C"], "is_call: is <U1, not boolean"),
    ("is_call", [True, False], "is_call: 2 rows"),
    ("rate", 5.0, "rate: 5 is above 1.*0.05 for 5%"),
    ("rate", float("nan"), "rate: is not finite"),
    ("dividend_yield", [0.0, 0.0, 1.5], "dividend_yield: 1.5 is above 1"),
    ("multiplier", "100", "multiplier: is <U3"),
    ("time_to_expiry", None, "time_to_expiry: is missing"),
    ("bid", [1.0, 2.0], "bid: 2 rows"),
    ("flags", {"lost": [True] * 3}, "flags: there is no reason 'lost'"),
    ("flags", {"expired": [True] * 3}, "no reason 'expired'.*bad_row, duplicate, adjusted"),
    ("as_of", "2024-01-05T16:00", "no zone"),
]


@pytest.mark.parametrize(("name", "value", "message"), REFUSED)
def test_what_cannot_be_used_is_refused_by_name(name: str, value: Any, message: str) -> None:
    with pytest.raises(GexError, match=message):
        three(**{name: value})


@pytest.mark.parametrize("spot", [0, -1.0, float("nan"), float("inf"), True, "100", None, [1.0]])
def test_spot_is_a_positive_number(spot: Any) -> None:
    with pytest.raises(InputError, match=r"^spot: "):
        three(spot=spot)


def test_bad_numbers_are_kept_and_say_why() -> None:
    nan, inf = float("nan"), float("inf")
    columns = {
        "strike": [100.0, 0.0, -5.0, nan, inf, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0],
        "implied_vol": [0.2] * 5 + [0.0, nan, -0.1, inf, 0.2, 0.2, 0.2],
        "open_interest": [1.0] * 9 + [nan, -1.0, 1.0],
        "time_to_expiry": [0.1] * 11 + [0.0],
    }
    chain = gex.Chain.from_arrays(spot=100.0, is_call=True, **columns)
    names = [*REASONS, "used"]
    assert [names[code] for code in chain.status] == [
        "used", "bad_row", "bad_row", "bad_row", "bad_row", "no_implied_vol", "no_implied_vol",
        "bad_row", "bad_row", "used", "bad_row", "expired",
    ]  # fmt: skip
    assert len(names) - 1 == USED


def test_the_first_reason_counts() -> None:
    # strike -1 is bad, a duplicate and expired at once
    chain = three(
        strike=[-1.0, 100.0, 105.0], time_to_expiry=-1.0, flags={"duplicate": [True, True, False]}
    )
    assert [REASONS[code] for code in chain.status] == ["bad_row", "duplicate", "expired"]


def test_a_chain_cannot_be_changed() -> None:
    chain = three(bid=[1.0, 2.0, 3.0], rate=[0.01, 0.02, 0.03], root=["A", "B", "C"])
    with pytest.raises(AttributeError, match="immutable"):
        chain.spot = 1.0
    for name in ("strike", "is_call", "implied_vol", "open_interest", "root", "bid", "rate"):
        with pytest.raises(ValueError, match="read-only"):
            chain[name][0] = 0
    with pytest.raises(TypeError):
        chain.columns["bid"] = None
    with pytest.raises(TypeError):
        chain.source["vendor"] = "me"


def test_user_columns_are_items() -> None:
    chain = three(columns={"sector": ["a", "b", "a"], "lot": 7})
    assert chain["sector"].tolist() == ["a", "b", "a"]
    assert chain["lot"].tolist() == [7, 7, 7]
    assert chain["option_type"].tolist() == ["P", "C", "C"]
    codes, values = chain.codes("sector")
    assert (codes.tolist(), values.tolist()) == ([0, 1, 0], ["a", "b"])
    with pytest.raises(InputError, match=r"no column 'sektor'.*sector"):
        chain["sektor"]
    # a missing text is a key of its own, not a crash
    mixed = three(columns={"sector": np.array(["b", None, "b"], object)})
    assert mixed.codes("sector")[0].tolist() == [1, 0, 1]


# --- frames ------------------------------------------------------------------------------------

FRAME = pd.DataFrame(
    {
        "K": [95.0, 100.0, 105.0, 110.0],
        "type": ["put", "CALL", " c", "?"],
        "iv": [0.22, 0.2, 0.18, 0.2],
        "oi": [10, 20, 30, 40],
        "expiry": ["2024-02-16"] * 4,
        "sector": list("abab"),
    }
)
NAMES = {"K": "strike", "type": "option_type", "iv": "implied_vol", "oi": "open_interest"}
NEW_YEAR = "2024-01-02T16:00-05:00"


def from_frame(frame: pd.DataFrame = FRAME, names: Any = NAMES, **more: Any) -> gex.Chain:
    return gex.Chain.from_frame(frame, spot=100.0, columns=names, as_of=NEW_YEAR, **more)


def test_frame_with_its_own_names() -> None:
    chain = from_frame(rate=0.05)
    assert chain.strike.tolist() == [95.0, 100.0, 105.0, 110.0]
    assert chain.is_call.tolist() == [False, True, True, False]
    assert [REASONS[code] for code in chain.status if code != USED] == ["bad_row"]
    assert chain.status[3] != USED  # neither call nor put
    assert chain["sector"].tolist() == list("abab")
    assert chain.time_to_expiry.tolist() == [45 / 365] * 4
    assert chain.manifest["source"]["vendor"] == "data frame"


def test_nullable_columns_become_numbers_with_gaps() -> None:
    frame = FRAME.assign(
        oi=pd.array([10, None, 30, 40], dtype="Int64"),
        iv=pd.array([0.22, 0.2, None, 0.2], dtype="Float64"),
        type=pd.Categorical(["P", "C", "C", "P"]),
        sector=pd.array(["a", None, "a", "b"], dtype="string"),
    )
    chain = from_frame(frame)
    assert np.isnan(chain.open_interest).tolist() == [False, True, False, False]
    assert np.isnan(chain.implied_vol).tolist() == [False, False, True, False]
    assert chain.is_call.tolist() == [False, True, True, False]
    assert chain.open_interest[0] == 10.0
    assert len(gex.analyze(chain).exposures.gamma.by("sector")) == 2  # the gap has no interest
    flags = pd.array([True, False, True, False], dtype="boolean")
    direct = frame.drop(columns="type").assign(is_call=flags)
    assert from_frame(direct, {k: v for k, v in NAMES.items() if k != "type"}).is_call[0]


def test_read_only_frames_and_timestamps() -> None:
    frame = FRAME.assign(expiry=pd.to_datetime(FRAME["expiry"]))
    for name in ("K", "iv"):
        values = frame[name].to_numpy().copy()
        values.flags.writeable = False
        frame[name] = values
    chain = from_frame(frame)
    assert chain.expiry.dtype == "datetime64[D]"
    assert chain.expiry[0] == np.datetime64("2024-02-16")


def test_frame_errors() -> None:
    with pytest.raises(InputError, match="implied_vol, open_interest: missing from the frame"):
        from_frame(FRAME.drop(columns=["iv", "oi"]), {"K": "strike", "type": "option_type"})
    with pytest.raises(InputError, match=r"the frame has no 'strikes'.*it has K, type"):
        from_frame(names={**NAMES, "strikes": "strike"})
    with pytest.raises(InputError, match="strike: is given twice"):
        from_frame(names={**NAMES, "sector": "strike"})
    with pytest.raises(InputError, match="expiry: is given twice"):
        from_frame(expiry="2024-03-15")
    with pytest.raises(InputError, match="K: is given twice"):
        from_frame(pd.concat([FRAME, FRAME[["K"]]], axis=1), {})


def test_flags_source_and_numbered_labels() -> None:
    frame = FRAME.rename(columns={"K": 0})
    names = {**NAMES, 0: "strike"}
    del names["K"]
    flags = {"duplicate": [False, True, False, False], "bad_row": [True, False, False, False]}
    chain = from_frame(frame, names, flags=flags, source={"file": "a.parquet"})
    found = ["used" if code == USED else REASONS[code] for code in chain.status]
    assert found == ["bad_row", "duplicate", "used", "bad_row"]
    assert chain.source["file"] == "a.parquet"


def test_frame_and_back() -> None:
    chain = three(bid=[1.0, 2.0, 3.0], root="SPX")
    again = gex.Chain.from_frame(chain.to_frame(), spot=chain.spot)
    for name in ("strike", "is_call", "implied_vol", "time_to_expiry", "root", "bid", "status"):
        left, right = (getattr(c, name, None) if name != "bid" else c[name] for c in (chain, again))
        np.testing.assert_array_equal(left, right)


# --- time --------------------------------------------------------------------------------------


def test_settlement_by_root() -> None:
    # Thursday 15:00 to Friday 09:30 and 16:00 in New York
    chain = gex.Chain.from_arrays(
        spot=100.0,
        strike=[100.0] * 5,
        is_call=True,
        implied_vol=0.2,
        open_interest=1,
        expiry=["2024-03-15", "2024-03-15", "2024-03-15", "2024-03-14", "2024-03-14"],
        root=["SPX", "SPXW", "RUT", "SPX", "XSP"],
        as_of="2024-03-14T15:00-04:00",
    )
    seconds = [18.5 * 3600, 25 * 3600, 18.5 * 3600, -5.5 * 3600, 3600]
    np.testing.assert_allclose(chain.time_to_expiry * YEAR, seconds, rtol=1e-14)
    assert [code == USED for code in chain.status] == [True, True, True, False, True]
    assert chain.manifest["clock"] == "settlement"


def test_a_night_of_23_hours() -> None:
    # clocks go forward on Sunday 10 March 2024
    chain = three(time_to_expiry=None, expiry="2024-03-11", as_of="2024-03-08T16:00-05:00")
    np.testing.assert_allclose(chain.time_to_expiry * YEAR, [71 * 3600] * 3, rtol=1e-14)


def test_given_times_are_not_called_settlement() -> None:
    chain = three(expiry="2024-03-15", as_of="2024-03-14T15:00-04:00")
    assert chain.time_to_expiry.tolist() == [0.1] * 3
    assert chain.manifest["clock"] == "given"
    assert three().manifest["as_of"] is None


# --- scopes ------------------------------------------------------------------------------------

DAYS = ["2024-03-13", "2024-03-14", "2024-03-15", "2024-03-15", "2024-04-19"]
SCOPES = [
    ("all", [1, 1, 1, 1, 1]),
    ("next", [0, 1, 0, 0, 0]),
    ("ex-next", [1, 0, 1, 1, 1]),
    ("0dte", [1, 1, 0, 0, 0]),  # what has expired stays and is counted as expired
    ("dte<=1", [1, 1, 1, 1, 0]),
    ("dte<=36", [1, 1, 1, 1, 1]),
    ("dte<=35", [1, 1, 1, 1, 0]),
    ("root=SPX", [0, 0, 1, 0, 1]),
    ("root=SPXW", [1, 1, 0, 1, 0]),
    ("expiry=2024-03-15", [0, 0, 1, 1, 0]),
    (" all ", [1, 1, 1, 1, 1]),
]


def five(as_of: str = "2024-03-14T10:00-04:00") -> gex.Chain:
    return gex.Chain.from_arrays(
        spot=100.0,
        strike=np.arange(98.0, 103.0),
        is_call=True,
        implied_vol=0.2,
        open_interest=[1, 2, 3, 4, 5],
        expiry=DAYS,
        root=["SPXW", "SPXW", "SPX", "SPXW", "SPX"],
        rate=[0.01, 0.02, 0.03, 0.04, 0.05],
        as_of=as_of,
        columns={"tag": list("abcde")},
    )


@pytest.mark.parametrize(("scope", "kept"), SCOPES)
def test_scopes(scope: str, kept: list[int]) -> None:
    chain, mask = five(), np.array(kept, bool)
    part = chain.filter(scope)
    assert part.strike.tolist() == chain.strike[mask].tolist()
    assert part["tag"].tolist() == np.array(list("abcde"))[mask].tolist()
    assert part["rate"].tolist() == chain["rate"][mask].tolist()
    assert part.status.tolist() == chain.status[mask].tolist()
    assert part.manifest["scope"] == scope.strip()


def test_next_skips_what_settles_while_we_look() -> None:
    # at 10:00 on Friday the morning contracts are gone, the afternoon ones are next
    part = five("2024-03-15T10:00-04:00").filter("next")
    assert part.strike.tolist() == [101.0]
    assert len(five("2025-01-01T10:00-05:00").filter("next")) == 0


def test_an_empty_scope_still_gives_a_result() -> None:
    result = gex.analyze(five().filter(np.zeros(5, bool)))
    assert result.regime.kind == "no_exposure"
    assert result.manifest["rates"]["rate"] == {"low": None, "high": None}
    assert "none" in str(result)


def test_masks_and_chains_of_scopes() -> None:
    chain = five()
    part = chain.filter(chain.strike > 100)
    assert part.strike.tolist() == [101.0, 102.0]
    assert part.manifest["scope"] == "mask of 2 rows"
    assert chain.filter("root=SPX").filter("dte<=1").scope == "root=SPX and dte<=1"
    assert chain.scope == "all"  # the old one is untouched


@pytest.mark.parametrize(
    "scope",
    ["0DTE", "dte<=", "dte<=-1", "weekly", "", "expiry=2024-13-01", "expiry=March", "root="],
)
def test_unknown_scopes_are_refused(scope: str) -> None:
    with pytest.raises(GexError, match="Hint"):
        five().filter(scope)


def test_masks_must_be_booleans_of_the_same_length() -> None:
    for mask in ([True], [1, 0, 1, 0, 1], np.ones((5, 1), bool), None):
        with pytest.raises(InputError, match="a mask of 5 booleans is needed"):
            five().filter(mask)
    with pytest.raises(InputError, match="the chain has no root column"):
        three().filter("root=SPX")
    with pytest.raises(InputError, match="no contract has root NDX"):
        five().filter("root=NDX")
    with pytest.raises(ConventionError, match="there is no scope 'front'"):
        three().filter("front")


def test_misspelt_arguments_and_shadowing_columns_are_refused() -> None:
    with pytest.raises(TypeError, match="dividend_yeild"):
        three(dividend_yeild=0.05)
    with pytest.raises(InputError, match="strike is a column of the chain"):
        three(columns={"strike": [1.0, 2.0, 3.0]})
    with pytest.raises(ConventionError, match="clock: there is no 'foo'"):
        three(clock="foo")
