"""A plain model of a live book, and the batch computation that its levels must equal."""

from __future__ import annotations

import math
from typing import Any

import gexcore as gex
import numpy as np
from gexcore import bsm
from gexcore.conventions import REASONS, USED
from gexcore.readings import BookSnapshot, followed

NO_VOL = [REASONS.index(n) for n in ("below_intrinsic", "above_maximum", "no_implied_vol")]


def batch(now: BookSnapshot, polish: bool = True, **walls: Any) -> dict[str, Any]:
    chain, positions = now.chain, now.positions
    greeks = gex.compute_greeks(chain, ("gamma",))
    exposures = gex.compute_exposures(chain, greeks, positions)
    profile = gex.sweep_profile(chain, positions)
    return followed(gex.find_levels(exposures, profile, polish=polish, **walls))


def assert_batch(book: gex.Book, **walls: Any) -> None:
    now = book.snapshot()
    assert book.levels(exact=True).to_dict() == batch(now, **walls)
    assert book.levels().to_dict() == batch(now, polish=False, **walls)


def small(n: int = 200, seed: int = 3) -> gex.Chain:
    return gex.synthetic_chain(n=n, seed=seed)


def signs(chain: gex.Chain, rule: str) -> Any:
    """Contracts held per open contract."""
    outside = np.where(chain.is_call, chain.strike >= chain.spot, chain.strike <= chain.spot)
    call = np.where(chain.is_call, 1.0, -1.0)
    named = {"naive": call, "short_all": -1.0, "inverted": -call}
    return named.get(rule, np.where(outside, -1.0, 1.0)) * np.ones(len(chain))


class Mirror:
    """Every contract of a chain in plain columns, whether the book has it or not."""

    def __init__(self, chain: gex.Chain, rule: str, held: Any = None) -> None:
        self.begin = self.moved = chain
        self.derived = rule not in ("contracts", "flow")
        self.share = signs(chain, rule)
        self.spot, self.net = chain.spot, np.zeros(len(chain))
        self.slots = list(range(len(chain)))  # contract in each slot, None where removed
        none = np.zeros(len(chain))
        self.columns = {
            "vendor": chain.vols.vendor.copy(), "vol": chain.implied_vol.copy(),
            "open_interest": chain.open_interest.copy(), "bid": chain["bid"].copy(),
            "ask": chain["ask"].copy(), "held": none if held is None else held.copy(),
            "unsolved": np.where(chain.status == USED, NO_VOL[-1], chain.status),
        }  # fmt: skip
        self.first = {name: column.copy() for name, column in self.columns.items()}
        codes = chain.vols.rule
        self.mid, self.only_missing = bool(codes.any()), bool((codes % 2 == 1).all())

    def update(self, rows: list[int], **values: Any) -> None:
        """The same as `Book.update`, by contract."""
        for name, column in values.items():
            name = {"implied_vol": "vendor", "contracts": "held"}.get(name, name)
            self.columns[name][rows] = np.where(np.isfinite(column), column, 0.0) if (
                name == "held") else column  # fmt: skip
        for row in rows if {"implied_vol", "bid", "ask"} & set(values) else []:
            self.imply(row)

    def imply(self, row: int) -> None:
        column, chain = self.columns, self.moved
        vendor, bid, ask = (column[name][row] for name in ("vendor", "bid", "ask"))
        if not self.mid or (self.only_missing and vendor > 0):
            column["vol"][row] = vendor
            return
        if chain.time_to_expiry[row] <= 0:
            return
        good = 0 < bid <= ask < math.inf
        vol, why = bsm.implied_vol(
            (bid + ask) / 2 if good else math.nan, self.spot, chain.strike[row],
            chain.time_to_expiry[row], 0.04, 0.013, chain.is_call[row], return_status=True,
        )  # fmt: skip
        column["vol"][row] = vol
        column["unsolved"][row] = [0, *NO_VOL][why] if good else REASONS.index("no_price")

    def bad(self, row: int) -> bool:
        vendor, size = self.columns["vendor"][row], self.columns["open_interest"][row]
        return bool(vendor < 0 or size < 0 or math.isinf(vendor) or math.isinf(size))

    def remove(self, slot: int) -> None:
        row = self.slots[slot]
        self.slots[slot] = None
        for name, column in self.columns.items():
            column[row] = self.first[name][row]

    def gone(self) -> Any:
        """Contracts that are not in the book."""
        mask = np.ones(len(self.begin), np.bool_)
        mask[[row for row in self.slots if row is not None]] = False
        return mask

    def contracts(self, rows: Any) -> Any:
        """What dealers hold."""
        held = self.columns["held"][rows]
        if self.derived:
            size = self.columns["open_interest"][rows]
            held = np.where(np.isfinite(size), self.share[rows] * np.maximum(size, 0.0), 0.0)
        return held - self.net[rows]

    def check(self, now: BookSnapshot) -> None:
        """A snapshot shows every number that came in last."""
        chain = now.chain
        assert len(chain) == len(self.slots)
        at = np.array([i for i, row in enumerate(self.slots) if row is not None], np.int64)
        rows = np.array([row for row in self.slots if row is not None], np.int64)
        gone = np.setdiff1d(np.arange(len(chain)), at)
        assert (now.positions.contracts[gone] == 0).all() and (chain.status[gone] != USED).all()
        assert chain.spot == self.spot
        ours = {name: column[rows] for name, column in self.columns.items()}
        for name in ("open_interest", "bid", "ask"):
            np.testing.assert_array_equal(chain[name][at], ours[name], err_msg=name)
        np.testing.assert_array_equal(now.positions.contracts[at], self.contracts(rows))
        years = self.moved.time_to_expiry[rows]
        np.testing.assert_array_equal(chain.time_to_expiry[at], years)
        np.testing.assert_array_equal(chain.vols.vendor[at], ours["vendor"])
        bad = np.array([self.bad(row) for row in rows], np.bool_)
        live = ~bad & (years > 0)
        np.testing.assert_array_equal(chain.implied_vol[at][live], ours["vol"][live])
        reason = ours["unsolved"] if self.mid else np.full(len(rows), NO_VOL[-1])
        reason = np.where(ours["vol"] > 0, USED, reason)
        expired = np.where(years > 0, reason, REASONS.index("expired"))
        np.testing.assert_array_equal(chain.status[at], np.where(bad, 0, expired))
