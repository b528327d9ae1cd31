"""Answers of brokers and data services in JSON: Polygon (Massive) snapshots, Tradier chains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gexcore.io.cells import Cells, first_price, pick_underlying, printed_time, time_text
from gexcore.io.conclude import Conventions, make_chain
from gexcore.io.source import RawQuotes
from gexcore.io.tables import read_parts

if TYPE_CHECKING:
    from typing import Unpack

    import numpy.typing as npt

    from gexcore.chain import Chain

    Bool = npt.NDArray[np.bool_]


def read_polygon(source: Any, **conventions: Unpack[Conventions]) -> Chain:
    """Read Polygon's (Massive's) option chain snapshot: one page, or all pages of it.

    Args:
        source: path, bytes, binary file, the decoded JSON, or a list of them: the pages; or a
            list of what the vendor's own client gives, `OptionContractSnapshot`.
        **conventions: as for `read_cboe`; `spot` for a plan whose answers leave it out.

    Returns:
        The chain, with the columns last, vendor_delta and vendor_gamma; multipliers are
        shares_per_contract.

    Raises:
        ChainFileError: no such answer, two underlyings, or nothing usable.

    Example:
        >>> page = {"results": [{"details": {"ticker": "O:XYZ240119C00100000"}, "open_interest": 7,
        ...     "implied_volatility": 0.2, "underlying_asset": {"price": 100.5, "ticker": "XYZ"}}]}
        >>> read_polygon([page], as_of="2024-01-05T16:00-05:00").spot
        100.5
    """
    cells = read_parts(source, _results)
    cells, ticker, notes = pick_underlying(
        cells, conventions.get("underlying"), "underlying_asset.ticker"
    )
    # an answer may lack the vol of every contract
    cells.need("Polygon", "details.ticker", "open_interest|implied_volatility")
    when = cells.latest("last_quote.last_updated", "underlying_asset.last_updated")
    when = when or cells.latest("last_trade.sip_timestamp", "day.last_updated")
    shares = cells.numbers("details.shares_per_contract")
    more = cells.cells("details.additional_underlyings", "additional_underlyings") or []
    raw = RawQuotes(
        name=cells.name,
        vendor="Polygon snapshot JSON",
        spot=first_price(cells.numbers("underlying_asset.price", "underlying_asset.value")),
        spot_from="underlying_asset",
        printed=printed_time(cells, when),
        printed_text=time_text(when, "the latest update"),
        underlying=ticker,
        symbols=[text.removeprefix("O:") for text in cells.texts("details.ticker")],
        columns={
            "implied_vol": cells.numbers("implied_volatility"),
            "open_interest": cells.numbers("open_interest"),
            "bid": cells.numbers("last_quote.bid"),
            "ask": cells.numbers("last_quote.ask"),
            "volume": cells.numbers("day.volume"),
            "last": cells.numbers("last_trade.price", "day.close"),
            "vendor_delta": cells.numbers("greeks.delta"),
            "vendor_gamma": cells.numbers("greeks.gamma"),
            **_printed_strike(cells, "details.strike_price"),
        },
        broken=cells.broken,
        multiplier=np.where(shares > 0, shares, 100.0),
        multiplier_from="shares_per_contract",
        adjusted=np.array([bool(cell) for cell in more], dtype=np.bool_) if more else False,
        notes=notes,
    )
    return make_chain(raw, **conventions)


def read_tradier(source: Any, **conventions: Unpack[Conventions]) -> Chain:
    """Read Tradier's option chains: one answer per expiration, with greeks.

    The vol is mid_iv, or smv_vol where that is 0. An answer has no price of the underlying: give
    `spot`, or it follows from put-call parity.

    Args:
        source: path, bytes, binary file, the decoded JSON, or a list of them: the expirations.
        **conventions: as for `read_cboe`.

    Returns:
        The chain, with the columns last, vendor_delta and vendor_gamma.

    Raises:
        ChainFileError: no such answer, two underlyings, or nothing usable.

    Example:
        >>> option = {"symbol": "XYZ240119C00100000", "underlying": "XYZ", "open_interest": 7,
        ...     "contract_size": 100, "greeks": {"mid_iv": 0, "smv_vol": 0.2}}
        >>> chain = read_tradier({"options": {"option": [option]}}, spot=100.5,
        ...     as_of="2024-01-05T16:00-05:00")
        >>> chain.implied_vol
        array([0.2])
    """
    cells = read_parts(source, _options)
    cells.need("Tradier", "symbol", "underlying|root_symbol", "open_interest")
    cells, ticker, notes = pick_underlying(cells, conventions.get("underlying"), "underlying")
    if "greeks.updated_at" in cells:
        notes["vols_updated"] = time_text(cells.latest("greeks.updated_at"), "the latest")
    when = cells.latest("bid_date", "ask_date", "trade_date")
    mid, smooth = cells.numbers("greeks.mid_iv"), cells.numbers("greeks.smv_vol")
    size = cells.numbers("contract_size")
    raw = RawQuotes(
        name=cells.name,
        vendor="Tradier chain JSON",
        spot=float("nan"),
        spot_from="",
        printed=printed_time(cells, when),
        printed_text=time_text(when, "the latest quote"),
        underlying=ticker,
        symbols=cells.texts("symbol"),
        columns={
            "implied_vol": np.where(mid > 0, mid, smooth),
            "open_interest": cells.numbers("open_interest"),
            "bid": cells.numbers("bid"),
            "ask": cells.numbers("ask"),
            "volume": cells.numbers("volume"),
            "last": cells.numbers("last"),
            "vendor_delta": cells.numbers("greeks.delta"),
            "vendor_gamma": cells.numbers("greeks.gamma"),
            **_printed_strike(cells, "strike"),
        },
        broken=cells.broken,
        multiplier=np.where(size > 0, size, 100.0),
        multiplier_from="contract_size",
        notes=notes,
    )
    return make_chain(raw, **conventions)


def _results(document: Any) -> tuple[list[Any], dict[str, Any]]:
    """Records of one page, or of a list of pages."""
    pages = document if isinstance(document, list) else [document]
    if not any(isinstance(page, Mapping) and "results" in page for page in pages):
        return (document, {}) if isinstance(document, list) else ([], document)
    found: list[Any] = []
    for page in pages:
        records = page.get("results") if isinstance(page, Mapping) else None
        # the snapshot of a single contract is one record
        found += records if isinstance(records, list) else [records]
    return found, {}


def _options(document: Any) -> tuple[list[Any], dict[str, Any]]:
    """Records of one answer, or of a list of answers; a single contract stands alone."""
    found: list[Any] = []
    for answer in document if isinstance(document, list) else [document]:
        options = answer.get("options", answer) if isinstance(answer, Mapping) else answer
        records = options.get("option", options) if isinstance(options, Mapping) else options
        # an answer about nothing is null, and a refusal is no contract
        single = [records] if isinstance(records, Mapping) and "symbol" in records else []
        found += records if isinstance(records, list) else single
    return found, {} if isinstance(document, list) else document


def _printed_strike(cells: Cells, name: str) -> dict[str, Any]:
    return {"printed_strike": cells.numbers(name)} if name in cells else {}
