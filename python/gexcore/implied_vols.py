"""Vols of a chain: the vendor's, and those implied from prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import bsm
from gexcore.columns import number_column
from gexcore.conventions import REASONS, USED
from gexcore.errors import ConventionError, InputError
from gexcore.results import Result

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

# Prices that vols can be implied from, and the columns each needs.
VOL_SOURCES = {
    "mid": ("bid", "ask"),
    "bid": ("bid",),
    "ask": ("ask",),
    "last": ("last",),
    "otm": ("bid", "ask"),
}
_RULES = (
    (None, False),
    *((source, missing) for source in VOL_SOURCES for missing in (True, False)),
)
VENDOR = 0  # code of the rule by which nothing is implied

# Why a row has no vol, by what `bsm.implied_vol` says; 0 is solved, 3 cannot be computed with
_REASON_OF = np.array(
    [USED, *(REASONS.index(r) for r in ("below_intrinsic", "above_maximum", "no_implied_vol"))],
    np.uint8,
)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Vols(Result):
    """The vendor's vol of each row, and the code of the rule for the one that is used instead."""

    vendor: Float64
    rule: npt.NDArray[np.uint8]

    @property
    def label(self) -> str:
        """In words, for the manifest: "vendor", "implied from mid where missing", ..."""
        codes = np.flatnonzero(np.bincount(self.rule)).tolist()
        return " and ".join(map(_label, codes)) or _label(VENDOR)

    def implied(self, status: npt.NDArray[np.uint8]) -> Bool:
        """Usable rows whose vol was solved from a price."""
        always = np.array([source is not None and not missing for source, missing in _RULES])
        missing = (self.rule != VENDOR) & ~(self.vendor > 0)
        return np.asarray((status == USED) & (always[self.rule] | missing))

    def rows(self, mask: npt.NDArray[Any]) -> Vols:
        """The vols of some of the contracts."""
        return Vols(self.vendor[mask], self.rule[mask])

    @classmethod
    def concat(cls, parts: Sequence[Vols]) -> Vols:
        """The vols of several chains, each row with its own rule."""
        return cls(*(np.concatenate([getattr(p, n) for p in parts]) for n in ("vendor", "rule")))

    def to_dict(self) -> dict[str, Any]:
        """The rules, in words."""
        return {"vols": self.label}

    def __repr__(self) -> str:
        return f"<Vols {self.label}>"

    def __str__(self) -> str:
        return self.label


def vendor_vols(vol: Float64) -> Vols:
    """Vols as they were read, nothing implied."""
    return Vols(vol, np.full(len(vol), VENDOR, np.uint8))


def rule_of(source: str, only_missing: bool) -> int:
    """The code of a rule.

    Raises:
        ConventionError: no such source.
    """
    if source not in list(VOL_SOURCES):
        raise ConventionError(
            f"source: there is no {source!r}", hint=f"sources: {', '.join(VOL_SOURCES)}"
        )
    return _RULES.index((source, bool(only_missing)))


def _label(code: int) -> str:
    source, only_missing = _RULES[code]
    if source is None:
        return "vendor"
    price = "out-of-the-money mid" if source == "otm" else source
    return f"implied from {price}{' where missing' * only_missing}"


def imply(chain: Any, rule: npt.NDArray[np.uint8]) -> dict[str, Any]:
    """Fields of a chain with vols implied from its prices.

    Args:
        chain: the contracts, with the vendor's vols and the status that follows from them.
        rule: code of a rule for each row.

    Returns:
        `implied_vol`, `status` and `vols`. A row that is usable but for its vol, or by a rule for
        all rows any usable one, has a solved vol, or NaN and the reason for it.

    Raises:
        InputError: the chain lacks the columns of a price.
    """
    vol, status = chain.implied_vol.copy(), chain.status.copy()
    for code in np.flatnonzero(np.bincount(rule)):
        source, only_missing = _RULES[code]
        if source is None:
            continue
        wanted = chain.status == REASONS.index("no_implied_vol")
        if not only_missing:
            wanted |= chain.status == USED
        rows = np.flatnonzero(wanted & (rule == code))
        vol[rows], status[rows] = _solve(chain, source, rows)
    return {"implied_vol": vol, "status": status, "vols": Vols(chain.vols.vendor, rule)}


def _solve(chain: Any, source: str, rows: Int64) -> tuple[Float64, npt.NDArray[np.uint8]]:
    """Vols and status codes of some rows."""
    price, spot = _price(chain, source), _spot(chain, source)
    donor = rows
    if source == "otm":
        donor = _quoted_out_of_the_money(chain, price, spot)[rows]

    def column(values: Any) -> Float64:
        return np.broadcast_to(values, len(chain))[donor]

    paid = np.where(donor < 0, np.nan, column(price))
    found, why = bsm.implied_vol(
        paid, column(spot), column(chain.strike), column(chain.time_to_expiry),
        column(chain.rate), column(chain.dividend_yield), chain.is_call[donor],
        return_status=True,
    )  # fmt: skip
    return found, np.where(np.isnan(paid), REASONS.index("no_price"), _REASON_OF[why])


def _price(chain: Any, source: str) -> Float64:
    """The price of each row, NaN where there is none."""
    for name in VOL_SOURCES[source]:
        if name not in chain.columns:
            given = "columns={'last': ...}" if name == "last" else f"{name}=..."
            there = [kind for kind, of in VOL_SOURCES.items() if set(of) <= set(chain.columns)]
            hint = f"take {' or '.join(there)}, which it has; or " if there else ""
            raise InputError(
                f"source={source!r}: the chain has no {name} column",
                hint=f"{hint}build it with {given}",
            )
    quotes = [number_column(n, chain.columns[n], len(chain)) for n in VOL_SOURCES[source]]
    good = np.logical_and.reduce([(quote > 0) & (quote < np.inf) for quote in quotes])
    if len(quotes) > 1:
        good &= quotes[1] >= quotes[0]
    return np.where(good, sum(quotes) / len(quotes), np.nan)


def _spot(chain: Any, source: str) -> Any:
    """The spot that prices belong to: of quotes, the one that put-call parity sees in them."""
    return chain.spot if source == "last" else chain.spot * np.exp(chain.rates.basis)


def _quoted_out_of_the_money(chain: Any, price: Float64, spot: Any) -> Int64:
    """Per row the first quoted row of its settlement and strike that is out of the money, or -1."""
    with np.errstate(all="ignore"):  # rows that nothing can be told of
        carry = np.exp((np.asarray(chain.rate) - chain.dividend_yield) * chain.time_to_expiry)
        above = chain.strike - spot * carry
    outside = np.where(chain.is_call, above >= 0, above <= 0) & np.isfinite(price)
    rows = np.flatnonzero(outside & (chain.status > REASONS.index("expired")))
    strike, strikes = chain.codes("strike")
    key = chain.settlements()[0] * len(strikes) + strike
    found = np.full(len(chain), -1)
    if len(rows):
        known, first = np.unique(key[rows], return_index=True)
        slot = np.minimum(np.searchsorted(known, key), len(known) - 1)
        found = np.where(known[slot] == key, rows[first[slot]], -1)
    return found
