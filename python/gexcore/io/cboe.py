"""CBOE chain files, delayed quotes JSON and quotedata CSV, read into a Chain."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from gexcore.clock import AsOf, resolve_as_of
from gexcore.errors import ChainFileError
from gexcore.io.cboe_csv import parse_csv
from gexcore.io.cboe_json import parse_json
from gexcore.io.occ import OccColumns, duplicate_rows, number_roots, parse_occ
from gexcore.io.source import FileSource, RawQuotes, file_error, read_text, shown

if TYPE_CHECKING:
    import numpy.typing as npt

    from gexcore.chain import Chain

# the Strike column is printed with two decimals
_STRIKE_TOLERANCE = 0.00501

_USER_COLUMNS = ("vendor_delta", "vendor_gamma", "last")


def read_cboe(
    source: FileSource,
    *,
    rate: float | None = None,
    dividend_yield: float | None = None,
    as_of: str | datetime | AsOf = "auto",
    clock: str = "settlement",
    rates: str = "auto",
) -> Chain:
    """Read a CBOE chain, delayed quotes JSON or quotedata CSV, plain or gzip.

    Every contract of the file becomes a row: a JSON in its own order, a CSV with all calls and
    then all puts. Rows that cannot be used are flagged (bad_row, duplicate, adjusted_contract).

    Args:
        source: path, bytes, or an open binary file such as sys.stdin.buffer.
        rate, dividend_yield, rates, clock: as in `Chain.from_arrays`.
        as_of: "auto", "printed", "session", an ISO time with zone, or an aware datetime.

    Returns:
        The chain, with the columns vendor_delta, vendor_gamma and last beside the usual ones.

    Raises:
        ChainFileError: a file that cannot be opened or is not a CBOE chain.
        InputError: a source of the wrong type, or an as_of that cannot be used.

    Example:
        >>> chain = read_cboe(
        ...     b'{"timestamp": "2024-01-05 21:00:00", "symbol": "_XYZ", "data": {'
        ...     b'"current_price": 100.5, "options": [{"option": "XYZ240119C00100000",'
        ...     b'"iv": 0.2, "open_interest": 7.0, "bid": 2.0, "ask": 2.1}]}}'
        ... )
        >>> chain.spot
        100.5
    """
    from gexcore.chain import Chain

    arguments = _parse(source, as_of)
    return Chain.from_arrays(
        rate=rate, dividend_yield=dividend_yield, rates=rates, clock=clock, **arguments
    )


def _parse(source: FileSource, as_of: str | datetime | AsOf) -> dict[str, Any]:
    text, name = read_text(source)
    raw = parse_json(text, name) if text.lstrip()[0] in "{[" else parse_csv(text, name)
    return _conclude(raw, _decide_as_of(raw, as_of))


def _decide_as_of(raw: RawQuotes, policy: str | datetime | AsOf) -> AsOf:
    printed = raw.printed
    if not isinstance(printed, ChainFileError):
        return resolve_as_of(printed, policy)
    if isinstance(policy, str) and policy in ("auto", "printed", "session"):
        raise printed
    return resolve_as_of(None, policy)


def _conclude(raw: RawQuotes, as_of: AsOf) -> dict[str, Any]:
    symbols = parse_occ(raw.symbols)
    columns = dict(raw.columns)
    bad = raw.broken | ~symbols.valid | _disagrees(columns.pop("printed_strike", None), symbols)
    usable = dataclasses.replace(symbols, valid=~bad)
    if bad.all():
        first = next((text for text in raw.symbols if text), "")
        message = f"none of the {bad.size} option rows is usable (first symbol: {shown(first)})"
        raise file_error(raw.name, message, hint="is this a CBOE chain?")
    names, number = number_roots(usable)
    underlying = raw.underlying or _common_root(
        names, np.bincount(number[~bad], minlength=len(names))
    )
    adjusted = np.array([_is_adjusted(root, {*names, underlying}) for root in names])[number]
    return {
        "spot": raw.spot,
        # a row is bad when its strike cannot be trusted, so no strike is handed on
        "strike": np.where(bad, np.nan, symbols.strike),
        "is_call": symbols.is_call,
        "expiry": symbols.expiry,
        "root": symbols.root,
        **{field: values for field, values in columns.items() if field not in _USER_COLUMNS},
        "multiplier": 100.0,
        "as_of": as_of,
        "underlying": underlying,
        "columns": {field: columns[field] for field in _USER_COLUMNS},
        "flags": {
            "bad_row": bad,
            "duplicate": duplicate_rows(usable),
            "adjusted_contract": adjusted & ~bad,
        },
        "source": _describe(raw),
    }


def _disagrees(printed: npt.NDArray[np.float64] | None, symbols: OccColumns) -> Any:
    if printed is None:
        return False
    # a missing strike compares as False: it contradicts nothing
    return np.abs(printed - symbols.strike) > _STRIKE_TOLERANCE


def _common_root(names: list[str], counts: npt.NDArray[np.intp]) -> str:
    # SPX for the roots SPX and SPXW: the shortest that begins most rows, else the most frequent
    for root in sorted(filter(None, names), key=len):
        begun = sum(int(n) for name, n in zip(names, counts, strict=True) if name.startswith(root))
        if 2 * begun > int(counts.sum()):
            return root
    return names[int(np.argmax(counts))]


def _is_adjusted(root: str, known: set[str]) -> bool:
    # SPY1 beside SPY delivers something else than 100 shares, and the file does not say what
    stem = root.rstrip("0123456789")
    return bool(stem) and stem != root and stem in known


def _describe(raw: RawQuotes) -> dict[str, str]:
    return {
        "vendor": raw.vendor,
        "file": PurePath(raw.name).name,
        "spot": raw.spot_from,
        "printed_time": raw.printed_text,
        "multiplier": "100, CBOE standard contract",
    }
