"""Any table with one row per contract, CSV, Parquet or frame, by a mapping of its column names."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from gexcore.errors import InputError
from gexcore.frames import is_frame
from gexcore.io.cells import Cells, as_list, first_price, pick_underlying, printed_time, time_text
from gexcore.io.conclude import Conventions, make_chain
from gexcore.io.occ import OccColumns, known_contracts
from gexcore.io.source import Loaded, RawQuotes, fetch, file_error, shown
from gexcore.io.tables import join_cells, read_cells, sources_of

if TYPE_CHECKING:
    from typing import Unpack

    from gexcore.chain import Chain

# our column -> other names it goes by, in lower case and without blanks or underscores
ALIASES = {
    "symbol": ("occsymbol", "contractsymbol", "optionsymbol", "contract", "option"),
    "strike": ("strikeprice", "k"),
    "option_type": ("type", "right", "cpflag", "callput", "putcall", "side", "contracttype", "cp"),
    "is_call": ("iscall",),
    "expiry": ("expiration", "expirationdate", "expirydate", "exdate", "maturity"),
    "implied_vol": ("iv", "impliedvolatility", "implvolatility", "vol", "sigma", "impliedvol"),
    "open_interest": ("oi", "openinterest"),
    "time_to_expiry": ("timetoexpiry", "t", "tte", "years"),
    "root": ("rootsymbol", "optionroot"),
    "multiplier": ("contractsize", "sharespercontract"),
    "bid": ("bidprice", "bestbid"),
    "ask": ("askprice", "bestask", "offer", "bestoffer"),
    "volume": ("tradevolume",),
    "last": ("lastprice", "lasttradeprice"),
    "spot": ("underlyingprice", "stockprice", "underlyinglast", "indexprice", "s"),
    "underlying": ("underlyingsymbol", "ticker"),
    "quote_time": ("timestamp", "quotetime", "asof", "updated", "quotedate"),
}  # fmt: skip
_CALLS, _PUTS = ("c", "call", "calls", "1", "true"), ("p", "put", "puts", "0", "-1", "false")


def read_table(
    source: Any, columns: Mapping[str, str] | None = None, **conventions: Unpack[Conventions]
) -> Chain:
    """Read a table with one row per contract, by our names of columns or by a mapping to them.

    Contracts are OCC symbols (`symbol`) or `strike`, `expiry` (or `time_to_expiry`) and
    `option_type` (or `is_call`), with `root` if there is one. Common other names are known; columns
    that are not become columns of the chain.

    Args:
        source: CSV or Parquet file, path, bytes or binary file; a frame, JSON records, or a list.
        columns: their name -> ours: {"K": "strike"}; ours are those of `Chain.from_frame`, and
            symbol, last, spot, underlying, quote_time.
        **conventions: as for `read_cboe`.

    Returns:
        The chain.

    Raises:
        ChainFileError: a column is missing, two underlyings, or nothing usable.
        InputError: the mapping names a column that is not there; Parquet without a reader.

    Example:
        >>> chain = read_table(b"K,type,expiry,iv,oi\\n"
        ...     b"95,P,2024-01-19,22,10\\n105,C,2024-01-19,18,20",
        ...     spot=100.0, as_of="2024-01-05T16:00-05:00")
        >>> chain.implied_vol, chain.manifest["source"]["vol_unit"]
        (array([0.22, 0.18]), 'percent, divided by 100 (median 20)')
    """
    parts = [read_cells(_unpacked(part)) for part in sources_of(source)]
    cells = _renamed(join_cells(parts), columns or {})
    cells.need("table", "implied_vol", "open_interest")
    asked = conventions.get("underlying")
    cells, symbol, notes = pick_underlying(cells, asked, "underlying")
    contracts = _contracts(cells, symbol or str(asked or "UNKNOWN"))
    when, multiplier = cells.latest("quote_time"), cells.numbers("multiplier")
    numbers = ("implied_vol", "open_interest", "bid", "ask", "volume", "last")
    known = {name: cells.numbers(name) for name in numbers if name in cells}
    if "symbol" in cells and "strike" in cells:
        known["printed_strike"] = cells.numbers("strike")
    given = {}
    if "time_to_expiry" in cells:
        given["time_to_expiry"] = cells.numbers("time_to_expiry")
        known.pop("printed_strike", None)
    raw = RawQuotes(
        name=cells.name,
        vendor="table",
        spot=first_price(cells.numbers("spot")),
        spot_from="column spot",
        printed=printed_time(cells, when),
        printed_text=time_text(when, "the latest quote_time"),
        underlying=symbol,
        symbols=contracts,
        columns={**known, **_further(cells)},
        broken=cells.broken,
        multiplier=np.where(multiplier > 0, multiplier, 100.0) if "multiplier" in cells else 100.0,
        multiplier_from="column multiplier" if "multiplier" in cells else "",
        given=given,
        notes=notes,
    )
    return make_chain(raw, **conventions)


def _renamed(cells: Cells, mapping: Mapping[str, str]) -> Cells:
    wanted = {str(theirs).lower(): ours for theirs, ours in mapping.items()}
    absent = [theirs for theirs in wanted if theirs not in cells]
    if absent:
        known = shown(", ".join(cells.columns), 200)
        raise InputError(f"columns: the table has no {absent[0]!r}", hint=f"it has {known}")
    aliases = {alias: ours for ours, names in ALIASES.items() for alias in names}
    out: dict[str, Any] = {}
    for name in sorted(cells.columns, key=lambda name: name not in wanted):
        plain = name.replace("_", "").replace(" ", "")
        ours = wanted.get(name) or (name if name in ALIASES else aliases.get(plain, name))
        # what is mapped, or called by our name, goes before an alias
        if ours in out:
            ours = name
        out[ours] = cells.columns[name]
    return replace(cells, columns=out)


def _contracts(cells: Cells, fallback: str) -> Any:
    if "symbol" in cells:
        return cells.texts("symbol")
    wanted = ("strike", "option_type|is_call", "expiry|time_to_expiry")
    cells.need("table", *wanted)
    texts = [text.lower() for text in cells.texts("option_type", "is_call")]
    is_call = np.isin(texts, _CALLS)
    roots = [text or fallback for text in cells.texts("root")]
    expiry = cells.dates("expiry")
    strike = cells.numbers("strike")
    valid = is_call | np.isin(texts, _PUTS)
    contracts = known_contracts(np.array(roots, dtype=np.str_), expiry, is_call, strike, valid)
    if "expiry" not in cells:
        good = valid & (strike > 0)
        contracts = OccColumns(np.array(roots), expiry, is_call, strike, good)
    return contracts


def _further(cells: Cells) -> dict[str, Any]:
    """Columns without a meaning here: numbers where all cells are, else text."""
    extra: dict[str, Any] = {}
    for name, column in cells.columns.items():
        if not name or name in ALIASES or name in ("rate", "dividend_yield"):
            continue
        numbers = cells.numbers(name)
        filled = np.array([text != "" for text in cells.texts(name)])
        known = np.isfinite(numbers)
        extra[name] = numbers if known[filled].all() else np.array(as_list(column)).astype(np.str_)
    return extra


def _unpacked(source: Any) -> Any:
    """A Parquet file as a frame; anything else as it is."""
    if is_frame(source) or isinstance(source, list | Mapping | Loaded):
        return source
    data, name = fetch(source)
    if not data.startswith(b"PAR1"):
        return data if name == "<bytes>" else source if not hasattr(source, "read") else data
    for library, read in (("polars", "read_parquet"), ("pyarrow.parquet", "read_table")):
        try:
            return getattr(import_module(library), read)(io.BytesIO(data))
        except ImportError:
            continue
        except Exception as error:  # whatever the library calls a damaged file
            raise file_error(name, f"this Parquet file cannot be read ({shown(error)})") from None
    hint = 'pip install "gexcore[parquet]"'
    raise InputError(f"{name}: reading Parquet needs polars or pyarrow", hint=hint)
