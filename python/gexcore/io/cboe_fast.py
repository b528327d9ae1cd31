"""CBOE's JSON through the extra msgspec: only the keys that are read, only in a regular file."""

from __future__ import annotations

from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

# our column -> key of an option record
FIELDS = {
    "implied_vol": "iv",
    "open_interest": "open_interest",
    "bid": "bid",
    "ask": "ask",
    "volume": "volume",
    "last": "last_trade_price",
    "vendor_delta": "delta",
    "vendor_gamma": "gamma",
}


class Contents(NamedTuple):
    """What is read of a file, as the decoder left it.

    Args:
        timestamp: printed time.
        underlying: what may name the underlying, most trusted first.
        spot: price of the underlying and the key it was found under.
        symbols: the symbol of each record.
        cells: our column -> the value of each record.
        broken: indices of records that are not objects.
    """

    timestamp: object
    underlying: tuple[object, ...]
    spot: tuple[float, str]
    symbols: list[Any]
    cells: dict[str, list[Any]]
    broken: list[int]


def decode_regular(text: str) -> Contents | None:
    """Decode a file in which every value has the type it should have.

    Args:
        text: decoded text.

    Returns:
        What is read of it; None without msgspec, and for any file that is out of the ordinary,
        which the standard library's decoder then reads or refuses.

    Example:
        >>> decode_regular('{"data": {}}') is None
        True
    """
    decoder = _decoder()
    if decoder is None:
        return None
    import msgspec

    try:
        document = decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return None
    data = document.data
    if not data.options or not data.current_price > 0:
        return None
    return Contents(
        timestamp=document.timestamp,
        underlying=(document.symbol, data.symbol),
        spot=(data.current_price, "data.current_price"),
        symbols=list(map(attrgetter("option"), data.options)),
        cells={name: list(map(attrgetter(key), data.options)) for name, key in FIELDS.items()},
        broken=[],
    )


@cache
def _decoder() -> Any:
    try:
        import msgspec
    except ImportError:
        return None
    # older ones read whole numbers of 20 digits wrongly
    if tuple(map(int, msgspec.__version__.split(".")[:2])) < (0, 19):
        return None
    numbers = [(key, float | None, None) for key in FIELDS.values()]
    # numbers and text hold no references, so there is nothing for the collector to follow
    record: Any = msgspec.defstruct("Record", [("option", str, ""), *numbers], gc=False)
    data = msgspec.defstruct(
        "Data", [("options", list[record]), ("current_price", float), ("symbol", str, "")]
    )
    document = msgspec.defstruct(
        "Document", [("data", data), ("timestamp", str), ("symbol", str, "")]
    )
    return msgspec.json.Decoder(document)
