"""CBOE chain files, delayed quotes JSON and quotedata CSV, read into a Chain."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from gexcore.clock import AsOf
from gexcore.io.cboe_csv import parse_csv
from gexcore.io.cboe_json import parse_json
from gexcore.io.conclude import Conventions, conclude, make_chain
from gexcore.io.source import FileSource, RawQuotes, read_text

if TYPE_CHECKING:
    from typing import Unpack

    from gexcore.chain import Chain


def read_cboe(source: FileSource, **conventions: Unpack[Conventions]) -> Chain:
    """Read a CBOE chain, delayed quotes JSON or quotedata CSV, plain or gzip.

    Every contract of the file becomes a row: a JSON in its own order, a CSV with all calls and
    then all puts. Rows that cannot be used are flagged (bad_row, duplicate, adjusted_contract).

    Args:
        source: path, bytes, or an open binary file such as sys.stdin.buffer.
        **conventions: spot, underlying, vol_unit, rate, dividend_yield, rates, clock, as_of: see
            `gexcore.io.conclude.Conventions`.

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
    return make_chain(read_quotes(source), **conventions)


def _parse(source: FileSource, as_of: str | datetime | AsOf) -> dict[str, Any]:
    return conclude(read_quotes(source), {"as_of": as_of})


def read_quotes(source: FileSource) -> RawQuotes:
    """What a CBOE file of either kind says."""
    text, name = read_text(source)
    return parse_json(text, name) if text.lstrip()[0] in "{[" else parse_csv(text, name)
