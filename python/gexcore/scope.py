"""Which contracts of a chain are looked at: scopes by name, or a mask."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.clock import as_expiry_dates
from gexcore.errors import ConventionError, InputError

HINT = "scopes: all, next, 0dte, ex-next, dte<=N, root=SPXW, expiry=2024-03-15, or a boolean mask"


def resolve(scope: Any, chain: Any) -> tuple[npt.NDArray[np.bool_], str]:
    """The rows of a scope as a mask, and the scope's name for the manifest.

    Raises:
        ConventionError: there is no such scope.
        InputError: a mask of the wrong type or length, or the chain lacks the needed column.
    """
    if not isinstance(scope, str):
        mask = np.asarray(scope)
        if mask.dtype != np.bool_ or mask.shape != (len(chain),):
            raise InputError(
                f"scope: a mask of {len(chain)} booleans is needed, not {mask.dtype} {mask.shape}",
                hint=HINT,
            )
        return mask, f"mask of {int(mask.sum())} rows"
    text = scope.strip()
    years = chain.time_to_expiry
    if text == "all":
        return np.ones(len(chain), np.bool_), text
    if text in ("next", "ex-next"):
        alive = years > 0
        first = (
            _same_expiry(chain, int(np.argmin(np.where(alive, years, np.inf))))
            if alive.any()
            else ~alive
        )
        return (first & alive if text == "next" else ~first), text
    if match := re.fullmatch(r"0dte|dte<=(\d+)", text):
        return calendar_days(chain) <= int(match[1] or 0), text
    if match := re.fullmatch(r"root=(\S+)", text):
        mask = _column(chain, "root") == match[1]
        if not mask.any():
            roots = ", ".join(chain.codes("root")[1].tolist())
            raise InputError(f"scope: no contract has root {match[1]}", hint=f"roots: {roots}")
        return mask, text
    if match := re.fullmatch(r"expiry=(\d{4}-\d\d-\d\d)", text):
        return _column(chain, "expiry") == as_expiry_dates([match[1]])[0], text
    raise ConventionError(f"there is no scope {scope!r}", hint=HINT)


def _column(chain: Any, name: str) -> npt.NDArray[Any]:
    value: npt.NDArray[Any] | None = getattr(chain, name)
    if value is None:
        raise InputError(
            f"scope: the chain has no {name} column", hint=f"give {name}= to the chain"
        )
    return value


def _same_expiry(chain: Any, row: int) -> npt.NDArray[np.bool_]:
    column = chain.time_to_expiry if chain.expiry is None else chain.expiry
    mask: npt.NDArray[np.bool_] = column == column[row]
    return mask


def calendar_days(chain: Any) -> npt.NDArray[np.float64]:
    """Calendar days to expiration, from the New York date of as_of; NaN where unknown."""
    if chain.expiry is None or chain.as_of is None:
        days: npt.NDArray[np.float64] = np.floor(chain.time_to_expiry * 365)
        return days
    today = np.datetime64(chain.as_of.time.date(), "D")
    delta = (chain.expiry - today).astype(np.float64)
    return np.where(np.isnat(chain.expiry), np.nan, delta)
