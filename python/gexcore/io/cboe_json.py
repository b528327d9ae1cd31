"""CBOE delayed quotes JSON: one object with the underlying and a list of option records."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from gexcore.errors import ChainFileError
from gexcore.io.cboe_fast import FIELDS, Contents, decode_regular
from gexcore.io.source import RawQuotes, file_error, name_vendor, shown

if TYPE_CHECKING:
    import numpy.typing as npt

_PLAIN = {float, int, type(None)}
_SHAPE_HINT = "CBOE's file is {'timestamp': ..., 'data': {'current_price': ..., 'options': [...]}}"


def parse_json(text: str, name: str) -> RawQuotes:
    """Parse the text of a CBOE delayed quotes JSON; rows stay in the order of the file.

    Args:
        text: decoded text.
        name: the file, for messages.

    Returns:
        Quotes with the columns of `RawQuotes`.

    Raises:
        ChainFileError: text that is not JSON, another vendor's keys, no options, or no spot.

    Example:
        >>> try:
        ...     parse_json('{"optionChain": {}}', "a.json")
        ... except ChainFileError as error:
        ...     print(error)
        a.json: this looks like a Yahoo file, not CBOE. Hint: build the chain from a data frame \
instead (Chain.from_frame)
    """
    found = decode_regular(text) or _decode_any(text, name)
    printed = found.timestamp
    spot, spot_from = found.spot
    broken = np.zeros(len(found.symbols), dtype=np.bool_)
    broken[found.broken] = True
    return RawQuotes(
        name=name,
        vendor="CBOE delayed quotes JSON",
        spot=spot,
        spot_from=spot_from,
        printed=_read_timestamp(printed, name),
        printed_text=printed[:60] if isinstance(printed, str) else "",
        underlying=next(filter(None, map(_symbol, found.underlying)), ""),
        symbols=found.symbols,
        columns={field: _numbers(cells) for field, cells in found.cells.items()},
        broken=broken,
    )


def _decode_any(text: str, name: str) -> Contents:
    document = _load(text, name)
    data, options = _find_options(document, name)
    broken = []
    if set(map(type, options)) != {dict}:
        broken = [at for at, option in enumerate(options) if not isinstance(option, dict)]
        options = [option if isinstance(option, dict) else {} for option in options]
    symbols = _values(options, "option")
    return Contents(
        timestamp=document.get("timestamp"),
        underlying=(document.get("symbol"), data.get("symbol")),
        spot=_find_spot(data, name),
        symbols=symbols if set(map(type, symbols)) == {str} else list(map(_text, symbols)),
        cells={field: _values(options, key) for field, key in FIELDS.items()},
        broken=broken,
    )


def _values(records: list[dict[str, Any]], key: str) -> list[Any]:
    try:
        return list(map(itemgetter(key), records))
    except KeyError:
        return [record.get(key) for record in records]


def _load(text: str, name: str) -> dict[str, Any]:
    try:
        document = _loads(text)
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        what = "the JSON is cut short" if cut else f"not JSON ({error.msg})"
        message = f"{what} at column {error.colno}"
        hint = "download the chain again"
        raise file_error(name, message, line=error.lineno, hint=hint) from None
    except RecursionError:
        raise file_error(name, "the JSON is nested too deeply for a chain") from None
    if isinstance(document, dict):
        return document
    first = document[0] if isinstance(document, list) and document else None
    raise _unknown_shape(first if isinstance(first, dict) else {}, name)


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except ValueError:
        # Python refuses whole numbers of thousands of digits; as floats they are infinite
        return json.loads(text, parse_int=float)


def _unknown_shape(keys: dict[str, Any], name: str) -> ChainFileError:
    vendor = name_vendor(keys)
    options = keys.get("options")
    # Tradier nests its list under options.option
    if vendor is None and isinstance(options, dict) and "option" in options:
        vendor = "Tradier"
    data = keys.get("data")
    if vendor is None and isinstance(data, list) and data and isinstance(data[0], dict):
        vendor = name_vendor(data[0])
    if vendor:
        hint = "build the chain from a data frame instead (Chain.from_frame)"
        return file_error(name, f"this looks like a {vendor} file, not CBOE", hint=hint)
    found = shown(", ".join(str(key) for key in list(keys)[:8])) if keys else "none"
    return file_error(name, f"not a CBOE chain (keys found: {found})", hint=_SHAPE_HINT)


def _find_options(document: dict[str, Any], name: str) -> tuple[dict[str, Any], list[Any]]:
    data = document.get("data")
    if not isinstance(data, dict) or "options" not in data:
        raise _unknown_shape(document, name)
    options = data["options"]
    if not isinstance(options, list):
        message = f"data.options is not a list but {type(options).__name__}"
        raise file_error(name, message, hint=_SHAPE_HINT)
    if not options:
        raise file_error(name, "no option rows", hint="download the chain again")
    return data, options


def _find_spot(data: dict[str, Any], name: str) -> tuple[float, str]:
    for key in ("current_price", "close"):
        value = data.get(key)
        # only a gap falls back to the close; a price of 0 is a fault of the file
        if value in (None, "") or (isinstance(value, float) and math.isnan(value)):
            continue
        number = float(_numbers([value])[0])
        if not number > 0:
            message = f"data.{key}, the spot price, is {shown(value)}, not a positive number"
            raise file_error(name, message)
        return number, f"data.{key}"
    raise file_error(name, "no spot price: neither data.current_price nor data.close is given")


def _read_timestamp(value: object, name: str) -> datetime | ChainFileError:
    hint = (
        "give the time yourself: as_of= (--as-of) with an ISO time such as 2024-01-05T16:00-05:00"
    )
    if value is None:
        return file_error(name, "no printed time: timestamp is missing", hint=hint)
    text = str(value).strip()
    try:
        moment = datetime.fromisoformat(text[:-1] + "+00:00" if text[-1:] == "Z" else text)
    except ValueError:
        return file_error(name, f"the timestamp {shown(text)} cannot be read", hint=hint)
    if not 1970 <= moment.year <= 2099:
        return file_error(name, f"the timestamp {shown(text)} is out of range", hint=hint)
    if moment.utcoffset() is None:
        # CBOE prints UTC without saying so
        moment = moment.replace(tzinfo=UTC)
    return moment


def _symbol(value: object) -> str:
    symbol = _text(value).strip().lstrip("_^$")
    return symbol if symbol.isascii() and symbol.isprintable() and len(symbol) <= 12 else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _numbers(cells: list[Any]) -> npt.NDArray[np.float64]:
    try:
        plain = _PLAIN.issuperset(map(type, cells))
        values = np.array(cells if plain else [_number(cell) for cell in cells], dtype=np.float64)
    except OverflowError:
        values = np.array([_number(cell) for cell in cells], dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    return values


def _number(cell: object) -> float:
    # bool is an int to Python and not a number here
    if isinstance(cell, bool) or not isinstance(cell, (int, float)):
        return float("nan")
    try:
        return float(cell)
    except OverflowError:
        return float("nan")
