"""ORATS strikes of its data API and of its daily files: one line per strike, call and put."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gexcore.clock import AM_ROOTS
from gexcore.io.cells import Cells, first_price, pick_underlying, session_close, time_text
from gexcore.io.conclude import Conventions, make_chain
from gexcore.io.occ import OccColumns, known_contracts, parse_occ
from gexcore.io.source import RawQuotes, file_error, shown
from gexcore.io.tables import read_parts

if TYPE_CHECKING:
    from typing import Unpack

    import numpy.typing as npt

    from gexcore.chain import Chain

_AFTERNOON = {"SPX": "SPXW", "NDX": "NDXP", "RUT": "RUTW"}
# names in the daily files -> those of the data API; their spot_px is left out, it is no spot
_DAILY = {
    "stkpx": "stockprice", "cvolu": "callvolume", "coi": "callopeninterest", "pvolu": "putvolume",
    "poi": "putopeninterest", "cbidpx": "callbidprice", "caskpx": "callaskprice",
    "pbidpx": "putbidprice", "paskpx": "putaskprice", "cmidiv": "callmidiv", "pmidiv": "putmidiv",
    "smoothsmvvol": "smvvol", "residualratedata": "residualrate", "trade_date": "tradedate",
}  # fmt: skip


def read_orats(source: Any, **conventions: Unpack[Conventions]) -> Chain:
    """Read ORATS strikes, CSV or JSON: rows are all calls, then all puts.

    The vol is callMidIv or putMidIv, and smvVol where that is 0. Contracts of an index that settle
    in the morning (SPX) are told from those of the afternoon (SPXW) by the OPRA symbols of the
    daily files, else by expiryTod; without either, third Fridays count as morning.

    Args:
        source: path, bytes, binary file, frame, decoded JSON, or a list of them.
        **conventions: as for `read_cboe`; `underlying` picks one ticker of several.

    Returns:
        The chain, with the columns smooth_vol and residual_rate.

    Raises:
        ChainFileError: no such file, two tickers, two days, or nothing usable.

    Example:
        >>> chain = read_orats(b"ticker,tradeDate,expirDate,strike,stockPrice,callMidIv,putMidIv,"
        ...     b"callOpenInterest,putOpenInterest\\n"
        ...     b"XYZ,2024-01-05,2024-01-19,100,100.5,.2,.21,7,8\\n")
        >>> chain.open_interest, chain.as_of.time.hour
        (array([7., 8.]), 16)
    """
    cells = read_parts(source)
    cells = replace(cells, columns={_DAILY.get(k, k): v for k, v in cells.columns.items()})
    cells.need("ORATS", "expirdate", "strike", "callopeninterest", "putopeninterest")
    cells, ticker, notes = pick_underlying(cells, conventions.get("underlying"), "ticker")
    ticker = ticker or str(conventions.get("underlying") or "UNKNOWN")
    for name in ("tradedate", "snapshotdate"):
        _refuse_two(cells, name)
    when = cells.latest("quotedate", "updatedat", "snapshotdate")
    day = _first_text(cells.texts("tradedate"))
    contracts, morning = _contracts(cells, ticker)
    smooth = np.tile(cells.numbers("smvvol"), 2)
    vol = _both(cells, "callmidiv", "putmidiv")
    raw = RawQuotes(
        name=cells.name,
        vendor="ORATS strikes",
        spot=_spot(cells),
        spot_from="spotPrice" if "spotprice" in cells else "stockPrice of the nearest expiration",
        printed=when or session_close(cells, day),
        printed_text=time_text(when, "the latest quote") or f"{day}, the close of tradeDate",
        underlying=ticker,
        symbols=contracts,
        columns={
            "implied_vol": np.where(vol > 0, vol, smooth),
            "open_interest": _both(cells, "callopeninterest", "putopeninterest"),
            "bid": _both(cells, "callbidprice", "putbidprice"),
            "ask": _both(cells, "callaskprice", "putaskprice"),
            "volume": _both(cells, "callvolume", "putvolume"),
            "smooth_vol": smooth,
            "residual_rate": np.tile(cells.numbers("residualrate"), 2),
        },
        broken=np.tile(cells.broken, 2),
        notes={**notes, **morning},
    )
    return make_chain(raw, **conventions)


def _contracts(cells: Cells, ticker: str) -> tuple[OccColumns, dict[str, str]]:
    """All calls, then all puts; a note where morning and afternoon were told by the date."""
    if "copra" in cells and "popra" in cells:
        return parse_occ(cells.texts("copra") + cells.texts("popra")), {}
    days, note = cells.dates("expirdate"), {}
    root = ticker.replace("_", "")  # BRK_B: an underscore is for coins
    roots = np.full(cells.rows, root, dtype="U6")
    if ticker in AM_ROOTS and "expirytod" in cells:
        roots[[text.lower() == "pm" for text in cells.texts("expirytod")]] = _AFTERNOON[ticker]
    elif ticker in AM_ROOTS:
        weekday = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
        day = (days - days.astype("datetime64[M]")).astype(np.int64)
        roots[~((weekday == 4) & (day >= 14) & (day < 21))] = _AFTERNOON[ticker]
        note = {"settlement": "no expiryTod: third Fridays in the morning, others at the close"}
    contracts = known_contracts(
        np.tile(roots, 2),
        np.tile(days, 2),
        np.repeat([True, False], cells.rows),
        np.tile(cells.numbers("strike"), 2),
    )
    return contracts, note


def _refuse_two(cells: Cells, name: str) -> None:
    """One chain is one moment."""
    found = sorted(set(cells.texts(name)) - {""})
    if len(found) > 1:
        message = f"two moments in one file: {name} {shown(found[0])} and {shown(found[-1])}"
        raise file_error(cells.name, message, hint="make one chain per snapshot")


def _first_text(texts: list[str]) -> str:
    return next(filter(None, texts), "")


def _spot(cells: Cells) -> float:
    """spotPrice; else stockPrice, which for an index differs by expiration: the nearest."""
    spot = first_price(cells.numbers("spotprice"))
    if spot > 0:
        return spot
    days, prices = cells.dates("expirdate"), cells.numbers("stockprice")
    order = np.argsort(
        np.where(np.isnat(days), np.datetime64("9999-12-31", "D"), days), kind="stable"
    )
    return first_price(prices[order])


def _both(cells: Cells, call: str, put: str) -> npt.NDArray[np.float64]:
    return np.concatenate([cells.numbers(call), cells.numbers(put)])
