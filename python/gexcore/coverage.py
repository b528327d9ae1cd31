"""What was read, what was used, and why the rest was not: rows and share of open interest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.chain import Chain
from gexcore.conventions import REASONS, USED
from gexcore.greeks import ChainGreeks
from gexcore.positions import Positions
from gexcore.results import Result, align

# A vendor's greek speaks for itself: these do not keep a row from being used.
_ONLY_FOR_COMPUTED = ("expired", "no_implied_vol")


@dataclass(frozen=True, slots=True, repr=False)
class Coverage(Result):
    """Rows read and used, and `dropped`: reason -> (rows, share of all open interest).

    Every row is either used or counted under exactly one reason.
    """

    read: int
    used: int
    used_open_interest_share: float
    dropped: dict[str, tuple[int, float]]

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore levels --json`."""
        return {
            "read": self.read,
            "used": self.used,
            "used_open_interest_share": self.used_open_interest_share,
            "dropped": {
                reason: {"rows": rows, "open_interest_share": share}
                for reason, (rows, share) in self.dropped.items()
            },
        }

    def __repr__(self) -> str:
        return f"<Coverage {self.used} of {self.read} rows used>"

    def __str__(self) -> str:
        rows = [["used", f"{self.used:,}", f"{self.used_open_interest_share:.1%}"]]
        rows += [[name, f"{n:,}", f"{share:.1%}"] for name, (n, share) in self.dropped.items()]
        table = [["rows", "", "of open interest"], *rows, ["read", f"{self.read:,}", ""]]
        return align(table, right=(1, 2))


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
    ignored = () if own else tuple(REASONS.index(reason) for reason in _ONLY_FOR_COMPUTED)
    unsized = f"no_{positions.size}"
    reasons = [*REASONS, unsized, "no_position", "no_greek"]
    reason = status.astype(np.int64)
    reason[np.isin(reason, ignored)] = USED
    reason[reason == USED] = len(reasons)  # used, until found otherwise
    if greeks is not None and len(greeks.names):
        finite = np.isfinite(greeks._buffer).all(axis=0)
        reason[(reason == len(reasons)) & ~finite] = reasons.index("no_greek")
    unheld = (reason == len(reasons)) | (reason == REASONS.index("no_implied_vol"))
    unheld |= reason == reasons.index("no_greek")
    unheld &= missing  # a contract nobody holds needs no vol
    sized = (
        np.ones(len(chain), bool) if positions.size == "contracts" else chain[positions.size] > 0
    )
    reason[unheld] = np.where(sized, reasons.index("no_position"), len(REASONS))[unheld]
    rows = np.bincount(reason, minlength=len(reasons) + 1)
    size = np.where(np.isfinite(chain.open_interest), np.maximum(chain.open_interest, 0.0), 0.0)
    held = np.bincount(reason, size, minlength=len(reasons) + 1)
    total = float(size.sum())
    share = held / total if total else held
    used = reason == len(reasons)
    dropped = {
        name: (int(rows[code]), float(share[code]))
        for code, name in enumerate(reasons)
        if rows[code]
    }
    return Coverage(len(chain), int(used.sum()), float(share[-1]), dropped), used
