"""Databento's OPRA records: definitions, open interest of the statistics, quotes for the vols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gexcore.io.cells import Cells, as_list, printed_time, time_text
from gexcore.io.conclude import Conventions, make_chain
from gexcore.io.source import RawQuotes, file_error
from gexcore.io.tables import read_cells

if TYPE_CHECKING:
    from typing import Unpack

    import numpy.typing as npt

    from gexcore.chain import Chain

    Float64 = npt.NDArray[np.float64]

_OPEN_INTEREST = (9.0, "9", "OPEN_INTEREST")
_FIXED = 1e-9  # prices may come as counts of 1e-9; the largest count means "none"
_QUOTED = ("ts_recv", "ts_event")


def read_databento(
    definition: Any, statistics: Any, quotes: Any = None, **conventions: Unpack[Conventions]
) -> Chain:
    """Read Databento's OPRA definitions with the open interest of the statistics.

    There are no vols in these records: they are implied from the mid of `quotes`. Of several
    records on one instrument the last counts.

    Args:
        definition: schema "definition": frame, or CSV file.
        statistics: schema "statistics"; only open interest is read.
        quotes: schema "cbbo-1m", "cmbp-1" or another with bid_px_00 and ask_px_00; without it,
            give vols by `with_implied_vols` or a frame.
        **conventions: as for `read_cboe`; without quotes `spot` and `as_of` are needed.

    Returns:
        The chain; with quotes, its vols are implied from the mid.

    Raises:
        ChainFileError: records of another schema, two underlyings, or nothing usable.

    Example:
        >>> import pandas as pd
        >>> names = ["XYZ   240119C00100000", "XYZ   240119P00100000"]
        >>> definition = pd.DataFrame({"instrument_id": [1, 2], "raw_symbol": names,
        ...     "instrument_class": ["C", "P"]})
        >>> statistics = pd.DataFrame({"instrument_id": [1, 2], "stat_type": [9, 9],
        ...     "quantity": [7, 8]})
        >>> read_databento(definition, statistics, spot=100.5,
        ...     as_of="2024-01-05T16:00-05:00").open_interest
        array([7., 8.])
    """
    cells, stats = read_cells(definition), read_cells(statistics)
    cells.need("Databento", "instrument_id", "raw_symbol", "instrument_class")
    stats.need("Databento", "instrument_id", "stat_type", "quantity")
    rows = _last_rows(_ids(cells))
    ids = [_ids(cells)[row] for row in rows]
    kind = [text in _OPEN_INTEREST for text in as_list(stats.cells("stat_type"))]
    if not any(kind):
        message = "the statistics hold no open interest (stat_type 9)"
        raise file_error(stats.name, message, hint="fetch them from before 06:30 New York on")
    counts = np.where(kind, stats.numbers("quantity"), np.nan)
    # the largest 32 and 64 bit numbers mean "none"
    counts[counts >= 2**31 - 1] = np.nan
    book = None if quotes is None else read_cells(quotes)
    if book is not None:
        book.need("Databento", "instrument_id", "bid_px_00", "ask_px_00")
    when = book.latest(*_QUOTED) if book is not None else None
    nothing = np.full(len(rows), np.nan)
    raw = RawQuotes(
        name=cells.name,
        vendor="Databento OPRA records",
        spot=float("nan"),
        spot_from="",
        printed=printed_time(cells, when),
        printed_text=time_text(when, "the latest quote"),
        underlying="",
        symbols=[cells.texts("raw_symbol")[row] for row in rows],
        columns={
            "implied_vol": nothing,
            "open_interest": _at(ids, stats, counts, np.asarray(kind)),
            "bid": nothing if book is None else _at(ids, book, _prices(book, "bid_px_00")),
            "ask": nothing if book is None else _at(ids, book, _prices(book, "ask_px_00")),
        },
        broken=cells.broken[rows],
    )
    chain = make_chain(raw, **conventions)
    return chain if book is None else chain.with_implied_vols("mid")


def _ids(cells: Cells) -> list[str]:
    return [text.removesuffix(".0") for text in cells.texts("instrument_id")]


def _last_rows(ids: list[str]) -> list[int]:
    return sorted({name: row for row, name in enumerate(ids)}.values())


def _at(
    ids: list[str], cells: Cells, values: Float64, mask: npt.NDArray[np.bool_] | None = None
) -> Float64:
    """Values of the last record of each instrument."""
    keep = np.ones(cells.rows, np.bool_) if mask is None else mask
    names = _ids(cells)
    found = {names[row]: float(values[row]) for row in np.flatnonzero(keep).tolist()}
    return np.array([found.get(name, np.nan) for name in ids])


def _prices(cells: Cells, name: str) -> Float64:
    prices = cells.numbers(name)
    prices[prices >= 2.0**63] = np.nan
    positive = prices[prices > 0]
    if positive.size and np.median(positive) > 1e6:
        prices = prices * _FIXED
    prices[prices > 1e9] = np.nan
    return prices
