"""Deribit's book of options on coins: per-contract forwards, vols in percent, prices in coins."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from gexcore.clock import settlement_times
from gexcore.io.cells import Cells, each, pick_underlying, printed_time, time_text
from gexcore.io.conclude import Conventions, make_chain
from gexcore.io.occ import OccColumns, known_contracts
from gexcore.io.source import RawQuotes
from gexcore.io.tables import read_parts

if TYPE_CHECKING:
    from typing import Unpack

    import numpy.typing as npt

    from gexcore.chain import Chain

_NAME = re.compile(
    r"([A-Z0-9]{2,8})(?:_([A-Z]{3,5}))?-(\d{1,2})([A-Z]{3})(\d\d)-(\d+(?:[d.]\d+)?)-([CP])",
    re.ASCII,
)
_OTHER = re.compile(r"[A-Z0-9_]+-(PERPETUAL|\d{1,2}[A-Z]{3}\d\d|[A-Z]+-.*)$", re.ASCII)
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_YEAR = 365 * 86400
_TIMES = ("timestamp", "creation_timestamp")
_NOTHING = ("", np.datetime64("NaT", "D"), float("nan"), "")


def read_deribit(source: Any, **conventions: Unpack[Conventions]) -> Chain:
    """Read Deribit's book summary (or order books) of one coin, CSV or JSON.

    Contracts are on one coin and settle at 08:00 UTC. Rates are those of the file: rate 0 and per
    contract the carry to its own forward, over the time from its own stamp. Prices of coin-settled
    contracts are turned into the currency of the index. Of two snapshots the
    later is read, the other counted.

    Args:
        source: path, bytes, binary file, frame, decoded JSON, or a list of them.
        **conventions: as for `read_cboe`; rates given here replace those of the file.

    Returns:
        The chain, with the columns forward, last, mark and those greeks that the file has.

    Raises:
        ChainFileError: no such file, two coins, or nothing usable.

    Example:
        >>> chain = read_deribit([{"instrument_name": "ETH-29MAR24-2500-C", "mark_iv": 62.0,
        ...     "open_interest": 10.0, "underlying_price": 2600.0, "index_price": 2500.0,
        ...     "timestamp": 1704488400000, "bid_price": 0.1, "ask_price": 0.11}])
        >>> chain.implied_vol, chain["bid"], chain.multiplier
        (array([0.62]), array([260.]), array([1.]))
    """
    cells = read_parts(source, _results)
    cells.need("Deribit", "instrument_name", "mark_iv", "underlying_price", "open_interest")
    notes = {"settlement": "08:00 UTC"}
    cells = _keep(cells, _options(cells.texts("instrument_name")), "no_options",
                  "rows of futures and spreads, left out", notes)  # fmt: skip
    cells = _keep(cells, _newest(cells.texts("instrument_name"), _stamps(cells)), "superseded",
                  "rows of an earlier snapshot, left out", notes)  # fmt: skip
    coins = [_coin(name) for name in cells.texts("instrument_name")]
    cells = replace(cells, columns={**cells.columns, "coin": coins})
    cells, _, others = pick_underlying(cells, conventions.get("underlying"), "coin")
    contracts, linear = _contracts(cells.texts("instrument_name"))
    stamps, forward = _stamps(cells), cells.numbers("underlying_price")
    index = cells.numbers("index_price", "estimated_delivery_price")
    when = cells.latest(*_TIMES)
    years = _years(contracts, stamps, when)
    price = np.where(linear, 1.0, forward)
    raw = RawQuotes(
        name=cells.name,
        vendor="Deribit book summary",
        spot=_latest(index, stamps),
        spot_from="index_price of the latest row",
        printed=printed_time(cells, when),
        printed_text=time_text(when, "the latest row"),
        underlying=_underlying(contracts),
        symbols=contracts,
        columns=_columns(cells, price, forward),
        broken=cells.broken,
        multiplier=1.0,
        multiplier_from="1 coin",
        given={"time_to_expiry": years} if when else {},
        forward=forward,
        always_open=True,
        forward_from="underlying_price of each contract",
        notes={**notes, **others},
    )
    return make_chain(raw, **conventions)


def _results(document: Any) -> tuple[list[Any], dict[str, Any]]:
    if isinstance(document, list):
        return document, {}
    found = document.get("result", [])
    head = {key: value for key, value in document.items() if key != "result"}
    return found if isinstance(found, list) else [found], head


def _keep(
    cells: Cells, rows: npt.NDArray[np.intp], reason: str, what: str, notes: dict[str, str]
) -> Cells:
    """Some of the rows, with a note about the others."""
    if len(rows) == cells.rows:
        return cells
    notes[reason] = f"{cells.rows - len(rows)} {what}"
    return cells.take(rows)


def _options(names: list[str]) -> npt.NDArray[np.intp]:
    """Rows that are no future (BTC-28MAR25, BTC-PERPETUAL) and no spread (BTC-CS-28MAR25-...)."""
    return np.flatnonzero([not _OTHER.match(name) for name in names])


def _coin(name: str) -> str:
    """BTC_USD of BTC-28MAR25-90000-C, BTC_USDC of BTC_USDC-..."""
    coin = name.partition("-")[0]
    return coin if "_" in coin or not _NAME.fullmatch(name) else f"{coin}_USD"


def _contracts(names: list[str]) -> tuple[OccColumns, npt.NDArray[np.bool_]]:
    """Contracts from names such as BTC-28MAR25-90000-C, and which are not settled in the coin."""
    read = each(names, _read_name)
    root, expiry, strike, right = zip(*read, strict=True)
    roots = np.array(root, dtype=np.str_)
    contracts = known_contracts(
        roots,
        np.array(expiry, dtype="datetime64[D]"),
        np.array(right) == "C",
        np.array(strike, dtype=np.float64),
    )
    return contracts, ~np.char.endswith(roots, "_USD")


def _read_name(name: str) -> tuple[str, Any, float, str]:
    found = _NAME.fullmatch(name)
    if not found or found[4] not in _MONTHS:
        return _NOTHING
    coin, currency, day, month, year, strike, right = found.groups()
    try:
        moment = datetime(2000 + int(year), _MONTHS.index(month) + 1, int(day), tzinfo=UTC)
    except ValueError:
        return _NOTHING
    # the root is the index that settles the contract; a price of 0.55 is written 0d55
    price = float(strike.replace("d", "."))
    return f"{coin}_{currency or 'USD'}", np.datetime64(moment.date(), "D"), price, right


def _stamps(cells: Cells) -> npt.NDArray[np.float64]:
    found = next((name for name in _TIMES if name in cells), None)
    return cells.moments(found) if found else np.full(cells.rows, np.nan)


def _newest(names: list[str], stamps: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """The latest row of each instrument; rows without a name stay."""
    order = np.argsort(np.nan_to_num(stamps), kind="stable").tolist()
    found = {names[row] or str(row): row for row in order}
    return np.array(sorted(found.values()), dtype=np.intp)


def _latest(values: npt.NDArray[np.float64], stamps: npt.NDArray[np.float64]) -> float:
    rows = np.flatnonzero(values > 0)
    if not rows.size:
        return float("nan")
    return float(values[rows[np.argmax(np.nan_to_num(stamps[rows]))]])


def _years(
    contracts: OccColumns, stamps: npt.NDArray[np.float64], when: datetime | None
) -> npt.NDArray[np.float64]:
    since = np.where(np.isnan(stamps), when.timestamp() if when else np.nan, stamps)
    moments = settlement_times(contracts.expiry, contracts.root)
    left: npt.NDArray[np.float64] = np.where(np.isnat(moments), np.nan, moments.astype(np.int64))
    return (left - since) / _YEAR


def _columns(
    cells: Cells, price: npt.NDArray[np.float64], forward: npt.NDArray[np.float64]
) -> dict[str, npt.NDArray[np.float64]]:
    greeks = ("delta", "gamma", "vega", "theta")
    return {
        "implied_vol": cells.numbers("mark_iv"),
        "open_interest": cells.numbers("open_interest"),
        "bid": cells.numbers("bid_price", "best_bid_price") * price,
        "ask": cells.numbers("ask_price", "best_ask_price") * price,
        "volume": cells.numbers("volume", "stats.volume"),
        "last": cells.numbers("last", "last_price") * price,
        "mark": cells.numbers("mark_price") * price,
        "forward": forward,
        **{f"vendor_{g}": cells.numbers(f"greeks.{g}") for g in greeks if f"greeks.{g}" in cells},
    }


def _underlying(contracts: OccColumns) -> str:
    names, counts = np.unique(contracts.root[contracts.valid], return_counts=True)
    return str(names[np.argmax(counts)]) if names.size else ""
