"""Small files of every vendor: what is read, and how faults are told."""

from __future__ import annotations

import io
import json
import math
import statistics
import sys
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pandas as pd
import pytest
from gexcore.cli import main
from gexcore.errors import ChainFileError, ConventionError, GexError, InputError
from gexcore.io import list_formats
from vendor_samples import (
    AS_OF,
    CALL,
    LEAN,
    PUT,
    STAMP,
    TABLE,
    csv_of,
    deribit,
    orats,
    polygon,
    samples,
    tradier,
    yahoo_cboe,
    yfinance,
)  # fmt: skip

KINDS = list(samples())


@pytest.mark.parametrize("kind", KINDS)
def test_two_contracts(kind: str) -> None:
    source, options = samples()[kind]
    chain = gex.read_chain(source, **options)
    assert chain.spot == 100.5
    assert chain["option_type"].tolist() == ["C", "P"]
    assert chain.strike.tolist() == [100.0, 100.0]
    assert np.allclose(chain.implied_vol, [0.2, 0.21], rtol=1e-14)
    assert chain.open_interest.tolist() == [7.0, 8.0]
    assert chain["volume"].tolist() == [3.0, 3.0]
    assert chain.expiry is not None
    assert chain.expiry.astype(str).tolist() == ["2024-01-19"] * 2
    assert chain.as_of is not None
    assert chain.as_of.time.timestamp() == STAMP
    assert set(chain.manifest["source"]) >= {"vendor", "file", "spot", "multiplier"}
    assert chain.multiplier.tolist() == ([1.0, 1.0] if kind == "deribit" else [100.0, 100.0])
    if kind != "lean":
        bids = [2.02, 1.515] if kind == "deribit" else [2.0, 1.5]
        assert np.allclose(chain["bid"], bids, rtol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_a_format_may_be_named_and_a_wrong_one_is_told(kind: str) -> None:
    source, options = samples()[kind]
    assert len(gex.read_chain(source, kind, **options)) == 2
    for other in {"yfinance", "orats", "deribit", "lean"} - {kind}:
        with pytest.raises(ChainFileError) as caught:
            gex.read_chain(source, other, **options)
        message = str(caught.value)
        assert "\n" not in message
        assert message.isascii()
        assert any(text in message for text in ("looks like a", "missing column", "no records"))
        assert "Hint: " in message


@pytest.mark.parametrize("kind", KINDS)
def test_files_streams_and_the_command(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, options = samples()[kind]
    path = tmp_path / "chain.txt"
    path.write_bytes(source)
    whole = gex.read_chain(source, **options)
    for other in (path, io.BytesIO(source)):
        assert gex.read_chain(other, **options).to_dict() | {"source": 0} == (
            whole.to_dict() | {"source": 0}
        )
    words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    assert main(["greeks", str(path), "--csv", *words]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9])
def test_a_cut_file_is_refused_or_counted(kind: str, cut: float) -> None:
    source, options = samples()[kind]
    part = source[: int(cut * len(source))]
    try:
        chain = gex.read_chain(part, **options)
    except GexError as error:
        assert "\n" not in str(error)
    else:
        assert len(chain) <= 2


HOSTILE = "\x1b[31m<script>alert(1)</script>\n" + "x" * 500


@pytest.mark.parametrize(
    ("reader", "source"),
    [
        (gex.read_yfinance, lambda text: pd.DataFrame(yfinance(contractSymbol=text)[:1])),
        (gex.read_yahoo_cboe, lambda text: {**yahoo_cboe(), "quotes": [{
            "symbol": text, "iv": 0.2, "openInterest": 1}]}),
        (gex.read_polygon, lambda text: {"results": [polygon(text)]}),
        (gex.read_tradier, lambda text: {"options": {"option": tradier(text)}}),
        (gex.read_deribit, lambda text: [deribit(instrument_name=text)]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("text", [HOSTILE, "", "XYZ240199C00100000", None, 7])
def test_hostile_symbols(reader: Any, source: Any, text: Any) -> None:
    with pytest.raises(ChainFileError) as caught:
        reader(source(text), as_of=AS_OF)
    message = str(caught.value)
    assert "none of the 1 option rows is usable" in message
    assert message.isascii()
    assert "\n" not in message
    assert "\x1b" not in message
    assert len(message) < 400


# ---- what is particular to a vendor


def test_yfinance_frames_pairs_and_csv() -> None:
    rows = yfinance(openInterest=float("nan"), impliedVolatility=1e-5)
    calls, puts = pd.DataFrame(rows[:1]), pd.DataFrame(rows[1:])

    class Pair:
        def __init__(self) -> None:
            self.calls, self.puts = calls, puts

    stacked = pd.concat([calls, puts], ignore_index=True)
    read = [
        gex.read_yfinance(calls, puts, spot=100.5),
        gex.read_yfinance([calls, puts], spot=100.5),
        gex.read_yfinance(stacked, spot=100.5),
        gex.read_yfinance(Pair(), spot=100.5),
        gex.read_chain(stacked, spot=100.5),
        gex.read_chain([calls, puts], spot=100.5),
        gex.read_chain(Pair(), spot=100.5),
    ]
    for chain in read:
        assert np.isnan(chain.open_interest).tolist() == [True, False]
        assert np.isnan(chain.implied_vol).tolist() == [True, False]
        assert chain["option_type"].tolist() == ["C", "P"]
    # no column for the spot: 100 + 2.1 - 1.6 by parity
    chain = gex.read_yfinance(stacked)
    assert np.isclose(chain.spot, 100.5)
    assert "put-call parity" in chain.manifest["source"]["spot"]


@pytest.mark.parametrize(
    ("vol", "quoted", "known"),
    [(1e-5, True, False), (5.5, True, False), (0.500005, False, False), (0.500005, True, True),
     (0.0156, True, True), (4.9, True, True)],
)  # fmt: skip
def test_placeholder_vols(vol: float, quoted: bool, known: bool) -> None:
    rows = yfinance(impliedVolatility=vol, **({} if quoted else {"bid": 0.0, "ask": 0.0}))
    chain = gex.read_yfinance(pd.DataFrame(rows), spot=100.5)
    assert np.isfinite(chain.implied_vol).tolist() == [known, True]
    assert ("placeholder_vols" in chain.manifest["source"]) != known


def test_polygon_pages_and_gaps() -> None:
    pages = [{"results": [polygon()]}, {"results": [polygon(PUT, greeks={}, last_quote=None)]}]
    for source in (pages, [json.dumps(page).encode() for page in pages]):
        chain = gex.read_chain(source)
        assert len(chain) == 2
        assert np.isnan(chain["vendor_gamma"]).tolist() == [False, True]
        assert np.isnan(chain["bid"]).tolist() == [False, True]
    record = polygon()
    del record["implied_volatility"]
    assert np.isnan(gex.read_polygon([record, polygon(PUT)]).implied_vol).tolist() == [True, False]


def test_polygon_multipliers_and_adjusted_contracts() -> None:
    odd = polygon(PUT)
    odd["details"] = {**odd["details"], "shares_per_contract": 150}
    odd["additional_underlyings"] = [{"amount": 3.0}]
    chain = gex.read_polygon([polygon(), odd])
    assert chain.multiplier.tolist() == [100.0, 150.0]
    assert gex.analyze(chain).coverage.dropped["adjusted_contract"][0] == 1


def test_two_underlyings_are_refused() -> None:
    other = polygon(PUT, underlying_asset={"price": 50.0, "ticker": "ABC"})
    cases: list[tuple[Any, Any]] = [
        (gex.read_polygon, [polygon(), other]),
        (gex.read_tradier, [tradier(), tradier(PUT, underlying="ABC")]),
        (gex.read_orats, csv_of([orats(), orats(ticker="ABC")])),
        (gex.read_deribit, [deribit(), deribit(instrument_name="ABC-19JAN24-100-P")]),
        (gex.read_yfinance, csv_of(yfinance(contractSymbol="ABC240119C00100000"))),
        (gex.read_table, TABLE.replace(b"XYZ,tech\n", b"ABC,tech\n", 1)),
    ]
    for reader, source in cases:
        with pytest.raises(ChainFileError, match=r"two underlyings in one file: '.*' and '.*'"):
            reader(source, as_of=AS_OF, spot=100.0)


def test_tradier_falls_back_to_the_smooth_vol() -> None:
    none = tradier(PUT, greeks=None)
    zero = tradier(greeks={"mid_iv": 0, "smv_vol": 0.3})
    chain = gex.read_tradier([{"options": {"option": zero}}, {"options": {"option": [none]}}])
    assert chain.implied_vol[0] == 0.3
    assert np.isnan(chain.implied_vol[1])
    assert np.isclose(chain.spot, 100.5)  # parity: 100 + 2.1 - 1.6


def test_orats_morning_and_evening() -> None:
    rows = [orats(ticker="SPX", expiryTod=tod) for tod in ("am", "pm")]
    chain = gex.read_orats(csv_of(rows))
    assert chain.root is not None
    assert chain.root.tolist() == ["SPX", "SPXW"] * 2
    hours = np.diff(chain.time_to_expiry[:2])[0] * 365 * 24
    assert np.isclose(hours, 6.5)  # 09:30 to 16:00
    missing = gex.read_orats(csv_of([orats(callMidIv=0, putMidIv="")]))
    assert missing.implied_vol.tolist() == [0.3, 0.3]
    late = orats()
    del late["quoteDate"]
    assert str(gex.read_orats(csv_of([late])).as_of.time) == "2024-01-05 16:00:00-05:00"  # type: ignore[union-attr]


def test_deribit_keeps_the_later_row_wherever_it_stands() -> None:
    old = deribit(creation_timestamp=(STAMP - 60) * 1000, open_interest=1)
    for rows in ([old, deribit()], [deribit(), old]):
        chain = gex.read_deribit(rows)
        assert chain.open_interest.tolist() == [7.0]
        assert chain.manifest["source"]["superseded"].startswith("1 rows")


def test_deribit_linear_contracts_and_small_strikes() -> None:
    name = "XRP_USDC-19JAN24-0d55-C"
    chain = gex.read_deribit([deribit(instrument_name=name, bid_price=0.03)], spot=0.6)
    assert chain.strike.tolist() == [0.55]
    assert chain["bid"].tolist() == [0.03]  # in dollars already
    large = gex.read_deribit(
        [deribit(instrument_name=f"BTC-19JAN24-{k}-C") for k in (140000, 150000)]
    )
    assert large.strike.tolist() == [140000.0, 150000.0]
    assert not (large.status == 1).any()


def test_deribit_on_a_weekend_is_open() -> None:
    saturday = deribit(creation_timestamp=1704542400000)  # 2024-01-06 12:00 UTC
    chain = gex.read_deribit([saturday])
    assert chain.as_of is not None
    assert chain.as_of.time.timestamp() == 1704542400


def test_lean_names_and_missing_dates(tmp_path: Path) -> None:
    folder = tmp_path / "xyz"
    folder.mkdir()
    for path in (folder / "20240105.csv", tmp_path / "lean_xyz_2024-01-05.csv"):
        path.write_bytes(LEAN)
        chain = gex.read_chain(path)
        assert chain.underlying == "XYZ"
        assert str(chain.as_of.time) == "2024-01-05 16:00:00-05:00"  # type: ignore[union-attr]
    with pytest.raises(ChainFileError, match="which underlying"):
        gex.read_chain(LEAN)
    with pytest.raises(ChainFileError, match="no time of the quotes"):
        gex.read_chain(LEAN, underlying="XYZ")


def black_scholes(spot: float, strike: float, years: float, vol: float, is_call: bool) -> float:
    """Price at rate and yield 0, in plain Python."""
    normal = statistics.NormalDist()
    width = vol * math.sqrt(years)
    d1 = math.log(spot / strike) / width + width / 2
    call = spot * normal.cdf(d1) - strike * normal.cdf(d1 - width)
    return call if is_call else call - spot + strike


def databento(fixed: bool = False) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    scale = 10**9 if fixed else 1
    names = [f"XYZ   {symbol[3:]}" for symbol in (CALL, PUT)]
    definition = pd.DataFrame({
        "rtype": 19, "instrument_id": [11, 12], "raw_symbol": names,
        "instrument_class": ["C", "P"]})  # fmt: skip
    counts = pd.DataFrame({
        "rtype": 24, "instrument_id": [11, 11, 12, 12], "stat_type": [9, 1, 9, 9],
        "quantity": [7, 2147483647, 5, 8]})  # fmt: skip
    quotes = pd.DataFrame({
        "rtype": 193, "instrument_id": [11, 12], "ts_recv": [STAMP * 10**9] * 2,
        "bid_px_00": [int(2.0 * scale), int(1.5 * scale)] if fixed else [2.0, 1.5],
        "ask_px_00": [int(2.2 * scale), int(1.7 * scale)] if fixed else [2.2, 1.7]})  # fmt: skip
    return definition, counts, quotes


@pytest.mark.parametrize("fixed", [False, True])
def test_databento_vols_are_implied_from_the_mid(fixed: bool) -> None:
    frames = databento(fixed)
    files = [frame.to_csv(index=False).encode() for frame in frames]
    for source in (gex.read_databento(*frames), gex.read_chain(files[::-1])):
        assert source.open_interest.tolist() == [7.0, 8.0]
        assert np.isclose(source.spot, 100.5)
        prices = [
            black_scholes(source.spot, strike, years, vol, call)
            for strike, years, vol, call in zip(
                source.strike, source.time_to_expiry, source.implied_vol, source.is_call,
                strict=True,
            )
        ]  # fmt: skip
        assert np.allclose(prices, [2.1, 1.6])
        assert source.manifest["vols"] == "implied from mid where missing"
    with pytest.raises(ChainFileError, match="no records of the schema statistics"):
        gex.read_chain([files[0], files[2]])


def test_table_mapping_further_columns_and_symbols() -> None:
    frame = pd.DataFrame({"occ": [CALL, PUT], "sig": [0.2, 0.21], "n": [7, 8], "desk": ["a", "b"]})
    names = {"occ": "symbol", "sig": "implied_vol", "n": "open_interest"}
    chain = gex.read_table(frame, names, spot=100.5, as_of=AS_OF)
    assert chain.strike.tolist() == [100.0, 100.0]
    assert chain["desk"].tolist() == ["a", "b"]
    with pytest.raises(InputError, match="the table has no 'delta'"):
        gex.read_table(frame, {"delta": "strike"}, spot=100.5)
    with pytest.raises(ChainFileError, match="missing column: option_type or is_call"):
        gex.read_table(b"strike,expiry,iv,oi\n1,2024-01-19,0.2,3", spot=1.0)
    assert gex.read_table(TABLE)["sector"].tolist() == ["tech", "tech"]


def test_a_table_with_times_needs_no_dates() -> None:
    text = b"strike,is_call,time_to_expiry,iv,oi\n100,true,0.1,0.2,3\n100,maybe,0.1,0.2,3"
    chain = gex.read_table(text, spot=100.0)
    assert chain.time_to_expiry.tolist() == [0.1, 0.1]
    assert gex.analyze(chain).coverage.dropped["bad_row"][0] == 1


@pytest.mark.parametrize("unit", ["auto", "decimal", "percent"])
def test_percent_against_decimal(unit: str) -> None:
    text = b"strike,type,time_to_expiry,iv,oi\n100,C,0.1,20,3\n100,P,0.1,22,3"
    chain = gex.read_table(text, spot=100.0, vol_unit=unit)
    assert chain.implied_vol.tolist() == ([20.0, 22.0] if unit == "decimal" else [0.2, 0.22])
    said = chain.manifest["source"].get("vol_unit", "")
    assert said.startswith("percent") == (unit != "decimal")
    with pytest.raises(ConventionError, match="there is no 'bp'"):
        gex.read_table(text, spot=100.0, vol_unit="bp")


def test_duplicates_are_counted() -> None:
    chain = gex.read_yfinance(csv_of(yfinance() + yfinance()), spot=100.5)
    assert gex.analyze(chain).coverage.dropped["duplicate"][0] == 2
    assert chain.manifest["source"]["duplicates"].startswith("2 rows")


def test_parquet_without_a_reader_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ChainFileError, match="this Parquet file cannot be read"):
        gex.read_table(b"PAR1" + bytes(8))
    for name in ("polars", "pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r'polars or pyarrow.*pip install "gexcore\[parquet\]"'):
        gex.read_table(b"PAR1" + bytes(8))


def test_mixed_vendors_and_unknown_names() -> None:
    first, second = samples()["polygon"][0], samples()["tradier"][0]
    with pytest.raises(ChainFileError, match="two formats in one chain: polygon and tradier"):
        gex.read_chain([first, second])
    with pytest.raises(ConventionError, match="there is no 'bloomberg'"):
        gex.read_chain(first, "bloomberg")
    with pytest.raises(ChainFileError, match="is one file"):
        gex.read_chain([LEAN, LEAN], underlying="XYZ")
    with pytest.raises(ChainFileError, match="no known format of a chain"):
        gex.read_chain(b"a,b,c\n1,2,3\n")


def test_formats_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["formats", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["name"] for row in rows] == list(list_formats()["name"])
    assert set(KINDS) <= {row["name"] for row in rows}
    assert main(["formats"]) == 0
    assert "databento" in capsys.readouterr().out
