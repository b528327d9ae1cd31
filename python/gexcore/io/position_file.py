"""A CSV of dealer positions, one contract per line, matched to a chain by its keys."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.chain import Chain
from gexcore.errors import ChainFileError

KEYS = ("root", "expiry", "strike", "option_type")
HINT = (
    f"the first line is {','.join(KEYS)},contracts or ...,weights; `greeks --csv` prints the keys"
)


def read_positions(path: str | Path, chain: Chain, name: str) -> npt.NDArray[np.float64]:
    """Read one signed number per contract of a chain.

    Args:
        path: CSV with the columns root, expiry (2024-03-15), strike, option_type (C or P) and
            `name`; root and expiry only if the chain has them.
        chain: the contracts to match.
        name: "contracts" or "weights".

    Returns:
        (n,) numbers, NaN for contracts that the file does not name.

    Raises:
        ChainFileError: the file cannot be read, lacks a column, has a line that is no number, or
            names a contract that the chain does not have or that it named before.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ChainFileError(f"{path}: cannot be read ({error})", hint=HINT) from None
    keys = [key for key in KEYS if key not in ("root", "expiry") or getattr(chain, key) is not None]
    missing = [key for key in (*keys, name) if not lines or key not in lines[0]]
    if missing:
        raise ChainFileError(f"{path}, line 1: no column {', '.join(missing)}", hint=HINT)
    rows = {
        _key(values): row for row, values in enumerate(zip(*_columns(chain, keys), strict=True))
    }
    found = np.full(len(chain), np.nan)
    for number, line in enumerate(lines, start=2):
        place = f"{path}, line {number}"
        try:
            row = rows[_key([line[key] for key in keys])]
            value = float(line[name])
        except KeyError:
            text = " ".join(str(line[key]) for key in keys)
            raise ChainFileError(f"{place}: the chain has no contract {text}", hint=HINT) from None
        except (TypeError, ValueError):
            raise ChainFileError(f"{place}: is not a contract and a number", hint=HINT) from None
        if not np.isnan(found[row]):
            raise ChainFileError(f"{place}: the contract stands in the file twice", hint=HINT)
        found[row] = value
    return found


def _columns(chain: Chain, keys: list[str]) -> list[Any]:
    return [chain[key].astype(np.str_) if key != "strike" else chain.strike for key in keys]


def _key(values: Any) -> tuple[Any, ...]:
    """Root, expiry, strike as a number of thousandths, type."""
    *front, strike, option_type = values
    price = float(strike)
    exact = round(price * 1000) if np.isfinite(price) else None
    return (*(str(value).strip() for value in front), exact, str(option_type).strip())
