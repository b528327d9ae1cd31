"""The formats that can be read, how each is recognised, and one reader for all of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gexcore.errors import ChainFileError, ConventionError
from gexcore.frames import frame_columns, is_frame
from gexcore.io.brokers import read_polygon, read_tradier
from gexcore.io.cboe import read_cboe
from gexcore.io.conclude import Conventions
from gexcore.io.databento import read_databento
from gexcore.io.deribit import read_deribit
from gexcore.io.generic import ALIASES, read_table
from gexcore.io.lean import read_lean
from gexcore.io.orats import read_orats
from gexcore.io.source import (
    Loaded,
    fetch,
    file_error,
    name_vendor,
    read_text,
    refusal_of,
    shown,
)
from gexcore.io.tables import no_rows, plain_records, sources_of
from gexcore.io.yahoo import read_yahoo_cboe, read_yfinance
from gexcore.results import Table

if TYPE_CHECKING:
    from typing import Unpack

    from gexcore.chain import Chain

_KEY = re.compile(r'"([^"\\]{1,60})"\s*:')
_RECORDED = re.compile(r'\A\s*\{[^{]*"kind"\s*:\s*"chain"[^{]*"chain"\s*:\s*\{')
_HEAD, _TAIL = 40_000, 4_000  # of a JSON: where its keys are looked for
_HEADER_LINES = 12


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of source.

    Args:
        name: as given to `read_chain` and `--format`.
        description: what it is, and in which files it comes.
        keys: names that it is recognised by, in lower case; each of them is there.
        read: its reader.
        files: how many files make a chain: "1", "1 or more", "2 or 3".
    """

    name: str
    description: str
    keys: frozenset[str]
    read: Callable[..., Chain]
    files: str = "1"


FORMATS = (
    Format("cboe", "CBOE delayed quotes JSON", frozenset({"option", "iv", "options"}), read_cboe),
    Format("cboe", "CBOE quotedata CSV", frozenset({"calls", "puts"}), read_cboe),
    Format("yfinance", "yfinance frames of calls and puts, or CSV of them",
           frozenset({"contractsymbol", "impliedvolatility"}), read_yfinance, "1 or more"),
    Format("yahoo_cboe", "JSON of Yahoo quotes and vols with CBOE greeks",
           frozenset({"quotes", "underlyingprice", "greekssource"}), read_yahoo_cboe),
    Format("polygon", "Polygon (Massive) option chain snapshot JSON, pages",
           frozenset({"details", "ticker", "contract_type"}), read_polygon, "1 or more"),
    Format("tradier", "Tradier option chain JSON with greeks, one per expiration",
           frozenset({"root_symbol", "option_type", "symbol"}), read_tradier, "1 or more"),
    Format("orats", "ORATS strikes of the data API, CSV or JSON",
           frozenset({"expirdate", "callopeninterest"}), read_orats, "1 or more"),
    Format("orats", "ORATS daily file of SMV strikes, CSV or zip",
           frozenset({"expirdate", "smoothsmvvol", "coi"}), read_orats),
    Format("databento", "Databento OPRA definition, statistics and quotes, CSV or frames",
           frozenset({"instrument_id", "rtype"}), read_databento, "2 or 3"),
    Format("deribit", "Deribit book summary, CSV or JSON",
           frozenset({"instrument_name", "mark_iv"}), read_deribit, "1 or more"),
    Format("lean", "LEAN universe CSV, end of day",
           frozenset({"#expiry", "right"}), read_lean),
    Format("table", "any CSV, Parquet or frame with our column names or a mapping to them",
           frozenset(), read_table, "1 or more"),
)  # fmt: skip
# what comes from the same vendors and is no chain -> what reads it
OTHERS = {
    "minute bars": ("1 or 2", "LEAN zips of trade bars and quote bars, for positions from trades: "
                    "gexcore.io.read_minute_bars"),
    "positions": ("1", "CSV of contracts or weights: --position-file, gexcore.io.read_positions"),
}  # fmt: skip


def read_chain(source: Any, format: str | None = None, **options: Unpack[Conventions]) -> Chain:
    """Read a chain of any known format; the format is recognised by the names in the source.

    Args:
        source: path, bytes, binary file, data frame, decoded JSON; or a list of these, where a
            chain comes in pages or parts.
        format: name of a format, see `list_formats`; None: recognised.
        **options: as for `read_cboe`; for format "table" also `columns`.

    Returns:
        The chain; `chain.manifest["source"]` says what was read and what was found in it.

    Raises:
        ChainFileError: no format fits, or the file cannot be used. ConventionError: no such format.

    Example:
        >>> chain = read_chain(b"strike,option_type,expiry,implied_vol,open_interest\\n"
        ...     b"100,C,2024-01-19,0.2,7", spot=100.5, as_of="2024-01-05T16:00-05:00")
        >>> len(chain)
        1
    """
    known = {entry.name: entry for entry in FORMATS}
    if format is not None and format not in known:
        raise ConventionError(f"format: there is no {format!r}", hint=f"one of {', '.join(known)}")
    parts = [_opened(part) for part in sources_of(source)]
    if not parts:
        raise ConventionError("format: no source was given")
    names = [format or recognise(part) for part in parts]
    other = next((name for name in names if name != names[0]), None)
    if other:
        message = f"two formats in one chain: {names[0]} and {other}"
        raise file_error(_name_of(parts[0]), message, hint="make one chain per vendor")
    entry = known[names[0]]
    if entry.name == "databento":
        return _read_records(parts, options)
    if entry.files == "1" and len(parts) > 1:
        raise file_error(_name_of(parts[1]), f"a chain of format {entry.name} is one file")
    try:
        return entry.read(parts if len(parts) > 1 else parts[0], **options)
    except ChainFileError as error:
        if format in (None, "table") or (likely := _likely(parts[0])) in (None, format):
            raise
        message = f"this is a file of format {likely}, not {format} ({_said(error, parts[0])})"
        hint = "leave format= (--format) out"
        raise file_error(_name_of(parts[0]), message, hint=hint) from None


def _likely(source: Any) -> str | None:
    try:
        return recognise(source)
    except ChainFileError:
        return None


def _said(error: ChainFileError, source: Any) -> str:
    """An error without the file's name and hint."""
    return str(error).partition(". Hint:")[0].removeprefix(_name_of(source)).lstrip(",: ")


def recognise(source: Any) -> str:
    """Name of the format of a source, by the names in it.

    Raises:
        ChainFileError: none fits; the message says whose file it looks like.

    Example:
        >>> recognise(Loaded("#expiry,strike,right,close\\n", "a.csv"))
        'lean'
    """
    if isinstance(source, Loaded) and _RECORDED.search(source.text[:_HEAD]):
        message = "this is a recorded stream, not a chain"
        hint = "`gexcore replay` plays it, gexcore.read_recording reads it"
        raise file_error(source.name, message, hint=hint)
    names = _names(source)
    for entry in FORMATS:
        if entry.keys and entry.keys <= names:
            return entry.name
    plain = {name.replace("_", "").replace(" ", "") for name in names}
    ours = [key for key, aliases in ALIASES.items() if key in names or plain & set(aliases)]
    if len(set(ours) & {"symbol", "strike", "implied_vol", "open_interest"}) >= 3:
        return "table"
    document = _document(source)
    if refusal_of(document):
        raise no_rows(document, _name_of(source))
    vendor = name_vendor(names)
    found = shown(", ".join(sorted(names)[:12]), 160) if names else "none"
    message = f"no known format of a chain (names found: {found})"
    if vendor:
        message = f"this looks like a {vendor} file, but not like a chain that can be read"
    hint = "`gexcore formats` lists them; name one with format= (--format)"
    raise file_error(_name_of(source), message, hint=hint)


def list_formats() -> Table:
    """The formats that `read_chain` reads, and what else can be read, as a table.

    Returns:
        Table with the columns name, reads ("chain", or "other"), files (how many make one) and
        description.

    Example:
        >>> "deribit" in list_formats()["name"]
        True
    """
    rows = [(entry.name, "chain", entry.files, entry.description) for entry in FORMATS]
    rows += [(name, "other", files, text) for name, (files, text) in OTHERS.items()]
    names = ("name", "reads", "files", "description")
    return Table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def _opened(source: Any) -> Any:
    """A file as its text, read once; frames, decoded JSON and Parquet as they are."""
    if is_frame(source) or isinstance(source, dict | Loaded):
        return source
    if isinstance(source, list):
        return plain_records(source)
    if hasattr(source, "calls") and hasattr(source, "puts"):
        return source
    data, name = fetch(source)
    if data.startswith(b"PAR1"):
        return data
    return Loaded(*read_text(data, name))


def _names(source: Any) -> set[str]:
    if is_frame(source):
        return {str(name).lower() for name, _ in frame_columns(source)}
    if hasattr(source, "calls"):
        return _names(source.calls)
    if isinstance(source, bytes):  # Parquet
        return {"symbol", "strike", "implied_vol", "open_interest"}
    if isinstance(source, Loaded):
        text = source.text.lstrip()
        if text[0] in "{[":
            return {key.lower() for key in _KEY.findall(text[:_HEAD] + text[-_TAIL:])}
        # a quotation mark may be open in a line that is no header
        cells = (c for line in text.split("\n", _HEADER_LINES)[:_HEADER_LINES] for c in
                 line[:_HEAD].split(","))  # fmt: skip
        return {cell.strip(' "\r').lower() for cell in cells}
    return set(_keys(source))


def _keys(document: Any, depth: int = 6) -> list[str]:
    if isinstance(document, dict) and depth:
        inner = [key for value in document.values() for key in _keys(value, depth - 1)]
        return [*(str(key).lower() for key in document), *inner]
    if isinstance(document, list) and document and depth:
        return _keys(document[0], depth - 1)
    return []


def _document(source: Any) -> Any:
    """Short JSON as Python has it: an answer that may say why there is no chain."""
    if not isinstance(source, Loaded):
        return source
    try:
        return json.loads(source.text) if len(source.text) < _HEAD else None
    except ValueError:
        return None


def _name_of(source: Any) -> str:
    return source.name if isinstance(source, Loaded) else f"<{type(source).__name__}>"


def _read_records(parts: list[Any], options: Any) -> Chain:
    """Definition, statistics and quotes, in any order."""
    kinds = {"definition": "raw_symbol", "statistics": "stat_type", "quotes": "bid_px_00"}
    found = {
        kind: next((part for part in parts if key in _names(part)), None)
        for kind, key in kinds.items()
    }
    missing = [kind for kind in ("definition", "statistics") if found[kind] is None]
    if missing:
        message = f"no records of the schema {missing[0]}"
        hint = "give definition and statistics together (and quotes, to imply vols from)"
        raise file_error(_name_of(parts[0]), message, hint=hint)
    return read_databento(found["definition"], found["statistics"], found["quotes"], **options)
