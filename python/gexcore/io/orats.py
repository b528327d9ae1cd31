"""ORATS strikes: one line per strike with the call and the put."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gexcore.clock import AM_ROOTS
from gexcore.io.cells import Cells, first_price, one_underlying, session_close, time_text
from gexcore.io.conclude import Conventions, make_chain
from gexcore.io.occ import known_contracts
from gexcore.io.source import RawQuotes
from gexcore.io.tables import read_parts

if TYPE_CHECKING:
    from typing import Unpack

    import numpy.typing as npt

    from gexcore.chain import Chain

_AFTERNOON = {"SPX": "SPXW", "NDX": "NDXP", "RUT": "RUTW"}


def read_orats(source: Any, **conventions: Unpack[Conventions]) -> Chain:
    """Read ORATS strikes, CSV or JSON: rows are all calls, then all puts.

    The vol is callMidIv or putMidIv, and smvVol where that is 0. expiryTod tells contracts of an
    index that settle in the morning (SPX) from those that do so in the afternoon (SPXW).

    Args:
        source: path, bytes, binary file, frame, decoded JSON, or a list of them.
        **conventions: as for `read_cboe`.

    Returns:
        The chain, with the columns smooth_vol and residual_rate.

    Raises:
        ChainFileError: no such file, two tickers, or nothing usable.

    Example:
        >>> chain = read_orats(b"ticker,tradeDate,expirDate,strike,stockPrice,callMidIv,putMidIv,"
        ...     b"callOpenInterest,putOpenInterest\\n"
        ...     b"XYZ,2024-01-05,2024-01-19,100,100.5,.2,.21,7,8\\n")
        >>> chain.open_interest, chain.as_of.time.hour
        (array([7., 8.]), 16)
    """
    cells = read_parts(source)
    cells.need("ORATS", "expirdate", "strike", "callopeninterest", "putopeninterest")
    ticker = str(conventions.get("underlying") or one_underlying(cells, "ticker") or "UNKNOWN")
    evening = [_AFTERNOON[ticker] if ticker in AM_ROOTS and text.lower() == "pm" else ticker
               for text in cells.texts("expirytod")]  # fmt: skip
    rows = cells.rows
    is_call = np.repeat([True, False], rows)
    contracts = known_contracts(
        np.tile(np.array(evening, dtype=np.str_), 2),
        np.tile(cells.dates("expirdate"), 2),
        is_call,
        np.tile(cells.numbers("strike"), 2),
    )
    when = cells.latest("quotedate", "updatedat", "snapshotdate")
    days = cells.dates("tradedate")
    days = days[~np.isnat(days)]
    day = str(days.max()) if days.size else ""
    smooth = np.tile(cells.numbers("smvvol"), 2)
    vol = _both(cells, "callmidiv", "putmidiv")
    raw = RawQuotes(
        name=cells.name,
        vendor="ORATS strikes",
        spot=first_price(cells.numbers("spotprice", "stockprice")),
        spot_from="spotPrice" if "spotprice" in cells else "stockPrice",
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
    )
    return make_chain(raw, **conventions)


def _both(cells: Cells, call: str, put: str) -> npt.NDArray[np.float64]:
    return np.concatenate([cells.numbers(call), cells.numbers(put)])
