"""What was read, what was used, and why the rest was not: rows and share of open interest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.chain import Chain
from gexcore.conventions import REASONS, USED, WITHOUT_VOL, codes_of
from gexcore.greeks import ChainGreeks
from gexcore.positions import Positions
from gexcore.results import Result, align

# A vendor's greek speaks for itself: these do not keep a row from being used.
_ONLY_FOR_COMPUTED = codes_of("expired", *WITHOUT_VOL)


@dataclass(frozen=True, slots=True, repr=False)
class Coverage(Result):
    """Rows read and used, and `dropped`: reason -> (rows, share of all open interest).

    Every row is either used or counted under exactly one reason; `implied_from_price` are those of
    the used rows whose vol was solved from a price.
    """

    read: int
    used: int
    used_open_interest_share: float
    dropped: dict[str, tuple[int, float]]
    implied_from_price: tuple[int, float] = (0, 0.0)

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore levels --json`."""
        return {
            "read": self.read,
            "used": self.used,
            "used_open_interest_share": self.used_open_interest_share,
            "implied_from_price": _rows_and_share(self.implied_from_price),
            "dropped": {name: _rows_and_share(part) for name, part in self.dropped.items()},
        }

    def __repr__(self) -> str:
        return f"<Coverage {self.used} of {self.read} rows used>"

    def __str__(self) -> str:
        parts = {"used": (self.used, self.used_open_interest_share)}
        if self.implied_from_price[0]:
            parts["  implied from price"] = self.implied_from_price
        rows = [
            [k, f"{n:,}", f"{share:.1%}"] for k, (n, share) in {**parts, **self.dropped}.items()
        ]
        table = [["rows", "", "of open interest"], *rows, ["read", f"{self.read:,}", ""]]
        return align(table, right=(1, 2))


def _rows_and_share(part: tuple[int, float]) -> dict[str, Any]:
    return {"rows": part[0], "open_interest_share": part[1]}


def cover(
    chain: Chain, positions: Positions, greeks: ChainGreeks | None = None
) -> tuple[Coverage, npt.NDArray[np.bool_]]:
    """Decide for every row whether it is used, and count the others by reason.

    Args:
        chain, positions: what is summed.
        greeks: None, or greeks whose NaNs are counted as `no_greek`.

    Returns:
        Coverage and the mask of used rows.
    """
    status = chain.status
    missing = positions.contracts == 0.0
    own = greeks is None or greeks.source == "computed"
    ignored = () if own else _ONLY_FOR_COMPUTED
    unsized = f"no_{positions.size}"
    reasons = [*REASONS, unsized, "no_position", "no_greek"]
    reason = status.astype(np.int64)
    reason[np.isin(reason, ignored)] = USED
    reason[reason == USED] = len(reasons)  # used, until found otherwise
    if greeks is not None and len(greeks.names):
        finite = np.isfinite(greeks._buffer).all(axis=0)
        reason[(reason == len(reasons)) & ~finite] = reasons.index("no_greek")
    unheld = (reason == len(reasons)) | np.isin(reason, codes_of(*WITHOUT_VOL))
    unheld |= reason == reasons.index("no_greek")
    unheld &= missing  # a contract nobody holds needs no vol
    sized = (
        np.ones(len(chain), bool) if positions.size == "contracts" else chain[positions.size] > 0
    )
    reason[unheld] = np.where(sized, reasons.index("no_position"), len(REASONS))[unheld]
    rows = np.bincount(reason, minlength=len(reasons) + 1)
    size = np.where(np.isfinite(chain.open_interest), np.maximum(chain.open_interest, 0.0), 0.0)
    size[status == REASONS.index("duplicate")] = 0.0  # counted with the row that it repeats
    held = np.bincount(reason, size, minlength=len(reasons) + 1)
    total = float(size.sum())
    share = held / total if total else held
    used = reason == len(reasons)
    dropped = {
        name: (int(rows[code]), float(share[code]))
        for code, name in enumerate(reasons)
        if rows[code]
    }
    part = (0, 0.0)
    if own and chain.vols.rule.any():
        implied = used & chain.vols.implied(status)
        part = int(implied.sum()), float(size[implied].sum() / (total or 1.0))
    return Coverage(len(chain), int(used.sum()), float(share[-1]), dropped, part), used
