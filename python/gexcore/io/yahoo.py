"""Yahoo's quotes: yfinance frames, and a JSON of the same quotes with CBOE greeks beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gexcore.io.cells import Cells, as_number, first_price, printed_time, time_text
from gexcore.io.conclude import Conventions, make_chain
from gexcore.io.source import RawQuotes
from gexcore.io.tables import join_cells, read_cells, sources_of

if TYPE_CHECKING:
    from typing import Unpack

    import numpy.typing as npt

    from gexcore.chain import Chain

_FLOOR, _CEILING = 1e-4, 5.0  # a vol outside is none
_STEPS = 1e-5 + 0.5 ** np.arange(8) * (1 - 1e-5)  # of the bisection between 1e-5 and 1
_SIZES = {"REGULAR": 100.0, "MINI": 10.0}


def read_yfinance(source: Any, *more: Any, **conventions: Unpack[Conventions]) -> Chain:
    """Read yfinance's option frames: calls, puts, one of both, or CSV, plain or gzip.

    Its placeholders for unknown vols (up to 0.01%, above 500%, and round steps of a bisection
    where nothing is quoted) count as missing. Quotes have no time but that of the latest trade, in
    an option or, where `option_chain` hands it over, in the underlying.

    Args:
        source: frame or file, what `Ticker.option_chain` returns, or a list of these.
        *more: further ones: `read_yfinance(chain.calls, chain.puts)`.
        **conventions: as for `read_cboe`; `spot` where frames come without the underlying and no
            column underlyingPrice was added.

    Returns:
        The chain, with the column last.

    Raises:
        ChainFileError: not yfinance's columns, or nothing usable.

    Example:
        >>> import pandas as pd
        >>> calls = pd.DataFrame({"contractSymbol": ["XYZ240119C00100000"], "openInterest": [7],
        ...     "impliedVolatility": [0.2], "bid": [2.0], "ask": [2.1]})
        >>> read_yfinance(calls, spot=100.5, as_of="2024-01-05T16:00-05:00").strike
        array([100.])
    """
    wholes = [part for each in (source, *more) for part in sources_of(each)]
    cells = join_cells([read_cells(part) for whole in wholes for part in _parts(whole)])
    cells.need("yfinance", "contractsymbol", "impliedvolatility", "openinterest")
    market = _market([whole.underlying for whole in wholes if hasattr(whole, "underlying")])
    when = max(filter(None, (cells.latest("lasttradedate"), market.latest("time"))), default=None)
    spot = first_price(cells.numbers("underlyingprice"))
    bid, ask, vol = (cells.numbers(name) for name in ("bid", "ask", "impliedvolatility"))
    sizes = [_SIZES.get(text.upper(), np.nan) for text in cells.texts("contractsize")]
    standard = "contractsize" not in cells
    raw = RawQuotes(
        name=cells.name,
        vendor="yfinance",
        spot=spot if spot > 0 else first_price(market.numbers("price")[::-1]),
        spot_from="underlyingPrice" if spot > 0 else "regularMarketPrice",
        printed=printed_time(cells, when),
        printed_text=time_text(when, "the latest trade"),
        underlying=next((text.strip("^") for text in market.texts("symbol") if text), ""),
        symbols=cells.texts("contractsymbol"),
        columns={
            "implied_vol": vol,
            "open_interest": cells.numbers("openinterest"),
            "bid": bid,
            "ask": ask,
            "volume": cells.numbers("volume"),
            "last": cells.numbers("lastprice"),
            **({"printed_strike": cells.numbers("strike")} if "strike" in cells else {}),
        },
        broken=cells.broken,
        multiplier=100.0 if standard else np.nan_to_num(np.array(sizes), nan=100.0),
        multiplier_from="" if standard else "contractSize",
        adjusted=False if standard else np.isnan(sizes),
        placeholders=unknown_vols(vol, bid, ask),
    )
    return make_chain(raw, **conventions)


def read_yahoo_cboe(source: Any, **conventions: Unpack[Conventions]) -> Chain:
    """Read a JSON of Yahoo's quotes and vols with CBOE's greeks: symbol, updated, quotes.

    Args:
        source: path, bytes, binary file, or the decoded document.
        **conventions: as for `read_cboe`.

    Returns:
        The chain, with the columns last, vendor_delta and vendor_gamma.

    Raises:
        ChainFileError: no such file, or nothing usable.

    Example:
        >>> chain = read_yahoo_cboe({"symbol": "XYZ", "updated": "2024-01-05T16:00-05:00",
        ...     "underlyingPrice": 100.5, "quotes": [{"symbol": "XYZ240119C00100000", "iv": 0.2,
        ...     "openInterest": None, "bid": 2.0, "ask": 2.1}]})
        >>> chain.spot, chain.open_interest
        (100.5, array([nan]))
    """
    cells = read_cells(source, _quotes)
    cells.need("Yahoo", "symbol", "iv", "openinterest")
    bid, ask, vol = (cells.numbers(name) for name in ("bid", "ask", "iv"))
    head = Cells(cells.name, {k: [v] for k, v in cells.head.items()}, 1, np.zeros(1, np.bool_))
    raw = RawQuotes(
        name=cells.name,
        vendor="Yahoo quotes with CBOE greeks JSON",
        spot=first_price(head.numbers("underlyingprice")),
        spot_from="underlyingPrice",
        printed=printed_time(cells, head.latest("updated")),
        printed_text=head.texts("updated")[0][:60],
        underlying=head.texts("symbol")[0].strip("^_$"),
        symbols=cells.texts("symbol"),
        columns={
            "implied_vol": vol,
            "open_interest": cells.numbers("openinterest"),
            "bid": bid,
            "ask": ask,
            "volume": cells.numbers("volume"),
            "last": cells.numbers("last"),
            "vendor_delta": cells.numbers("delta"),
            "vendor_gamma": cells.numbers("gamma"),
            **({"printed_strike": cells.numbers("strike")} if "strike" in cells else {}),
        },
        broken=cells.broken,
        placeholders=unknown_vols(vol, bid, ask),
    )
    return make_chain(raw, **conventions)


def _parts(source: Any) -> list[Any]:
    """The frames of what the client hands out: calls, puts, or a pair that has both."""
    pair = hasattr(source, "calls") and hasattr(source, "puts")
    return [source.calls, source.puts] if pair else [source]


def _market(quotes: list[Any]) -> Cells:
    """Symbol, price and time of the underlying, as it came with each expiration, by time."""
    names = {"symbol": "symbol", "price": "regularMarketPrice", "time": "regularMarketTime"}
    known = [quote for quote in quotes if isinstance(quote, dict)]
    known.sort(key=lambda quote: as_number(quote.get(names["time"], 0)))
    columns = {ours: [quote.get(theirs) for quote in known] for ours, theirs in names.items()}
    return Cells("<underlying>", columns, len(known), np.zeros(len(known), np.bool_))


def _quotes(document: Any) -> tuple[list[Any], dict[str, Any]]:
    if not isinstance(document, dict):
        return document, {}
    rest = {key: value for key, value in document.items() if key != "quotes"}
    return document.get("quotes") or [], rest


def unknown_vols(
    vol: npt.NDArray[np.float64], bid: npt.NDArray[np.float64], ask: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Vols that Yahoo prints where it has none.

    Example:
        >>> vol, nothing = np.array([1e-5, 0.500005, 0.21]), np.zeros(3)
        >>> unknown_vols(vol, nothing, nothing)
        array([ True,  True, False])
    """
    unquoted = ~((bid > 0) & (ask > 0))
    step = (np.abs(vol[:, None] - _STEPS) < 1e-9).any(axis=1)
    return ((vol > 0) & (vol <= _FLOOR)) | (vol > _CEILING) | (step & unquoted)
