"""LEAN universe files: one line per contract at the end of a day, the underlying first."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from gexcore.io.cells import session_close
from gexcore.io.conclude import Conventions, make_chain
from gexcore.io.occ import known_contracts
from gexcore.io.source import FileSource, RawQuotes, file_error
from gexcore.io.tables import read_cells

if TYPE_CHECKING:
    from typing import Unpack

    from gexcore.chain import Chain

# LEAN's own spx/20151223.csv, or any name that ends in a symbol and a date
_NAME = re.compile(r"(?:^|[_\-])([A-Za-z.]{1,6})[_\-](\d{4})-?(\d\d)-?(\d\d)$", re.ASCII)
_DAY = re.compile(r"()(\d{4})(\d\d)(\d\d)", re.ASCII)


def read_lean(source: FileSource, **conventions: Unpack[Conventions]) -> Chain:
    """Read a LEAN universe CSV; symbol and date come from its name (spx/20151223.csv).

    The quotes are those of the close of that day. A file of an index has no line for the
    underlying: its spot is given, or follows from put-call parity.

    Args:
        source: path, bytes, or binary file.
        **conventions: as for `read_cboe`; `as_of` and `underlying` where the name lacks them.

    Returns:
        The chain, with the columns last, vendor_delta and vendor_gamma.

    Raises:
        ChainFileError: no such file, no date in its name, or nothing usable.

    Example:
        >>> chain = read_lean(b"#expiry,strike,right,close,volume,open_interest,"
        ...     b"implied_volatility\\n,,,100.5,9,,\\n20240119,100,C,2.1,0,7,0.2",
        ...     underlying="XYZ", as_of="2024-01-05T16:00-05:00")
        >>> chain.spot, len(chain)
        (100.5, 1)
    """
    cells = read_cells(source)
    cells.need("LEAN", "#expiry|expiry", "strike", "right", "implied_volatility")
    symbol, day = _of_name(cells.name)
    root = str(conventions.get("underlying") or symbol)
    if not root:
        hint = "pass underlying=, or keep the name of the file (spx/20151223.csv)"
        raise file_error(cells.name, "the file does not say which underlying it is of", hint=hint)
    strike, close = cells.numbers("strike"), cells.numbers("close")
    own = np.isnan(strike) & (close > 0)  # the line of the underlying
    keep = np.flatnonzero(~own)
    if not keep.size:
        raise file_error(cells.name, "no option rows", hint="fetch the chain again")
    right = np.array([text.upper()[:1] for text in cells.texts("right")])
    contracts = known_contracts(
        np.full(keep.size, root.upper()),
        cells.dates("#expiry", "expiry")[keep],
        right[keep] == "C",
        strike[keep],
        np.isin(right[keep], ["C", "P"]),
    )
    names = {
        "implied_vol": "implied_volatility", "open_interest": "open_interest", "volume": "volume",
        "last": "close", "vendor_delta": "delta", "vendor_gamma": "gamma",
    }  # fmt: skip
    raw = RawQuotes(
        name=cells.name,
        vendor="LEAN universe CSV",
        spot=float(close[own][0]) if own.any() else float("nan"),
        spot_from="close in the line of the underlying",
        printed=session_close(cells, day),
        printed_text=f"{day}, the close of the day in the name" if day else "",
        underlying=root.upper(),
        symbols=contracts,
        columns={ours: cells.numbers(theirs)[keep] for ours, theirs in names.items()},
        broken=cells.broken[keep],
    )
    return make_chain(raw, **conventions)


def _of_name(name: str) -> tuple[str, str]:
    """Symbol and day from the name of the file and of its folder."""
    path = PurePath(name)
    stem = path.name.partition(".")[0]
    found = _NAME.search(stem) or _DAY.fullmatch(stem)
    if not found:
        return "", ""
    folder = path.parent.name
    symbol = found[1] or (folder if re.fullmatch(r"[A-Za-z.]{1,6}", folder) else "")
    return symbol, "-".join(found.groups()[1:])
