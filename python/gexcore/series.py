"""The series of a live book: what settles together, and how long it has to go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.chain import Chain
from gexcore.errors import InputError
from gexcore.horizon import chain_at, days_ahead
from gexcore.implied_vols import Vols

Int32 = npt.NDArray[np.int32]
_Key = tuple[str, str, float | None]  # root, expiry, years: what a series is told by
_COLUMNS = ("strike", "is_call", "time_to_expiry", "implied_vol", "open_interest", "multiplier",
            "status", "root", "expiry")  # fmt: skip


@dataclass(frozen=True)
class Series:
    """One contract of each series, in the order of their numbers, and the days gone by."""

    rows: Chain
    days: float = 0.0

    @classmethod
    def of(cls, chain: Chain) -> tuple[Series, Int32, Int32]:
        """The series of a chain; those of its rows, and their settlements."""
        return cls(chain._take(np.zeros(0, np.int64), chain.scope)).joined_by(chain)

    @property
    def as_of(self) -> Any:
        """The time of the book; None where the chain had none."""
        return self.rows.as_of

    @property
    def years(self) -> npt.NDArray[np.float64]:
        """Times to expiry by number."""
        return self.rows.time_to_expiry

    def ahead(self, when: Any) -> Series:
        """The same series later, as `chain_at` has it."""
        days = self.days + days_ahead(self.rows, when)
        return Series(chain_at(self.rows, when), days)

    def meet(self, chain: Chain) -> tuple[Chain, float]:
        """More rows at the time of these, and the days gone by when they were quoted.

        Raises:
            InputError: they are of a later time, or of another one that cannot be moved.
        """
        ours, theirs = self.as_of, chain.as_of
        if chain.clock != self.rows.clock:
            raise InputError(
                f"rows: follow the clock {chain.clock!r}, the book {self.rows.clock!r}",
                hint="chain.with_conventions(clock=...)",
            )
        if ours is None and theirs is None:
            return chain, self.days
        if ours is None or theirs is None or theirs.time > ours.time:
            raise InputError(
                f"rows: are as of {theirs and theirs.time}, the book is as of {ours and ours.time}",
                hint="book.set_time(...) first" if ours and theirs else "give both an as_of",
            )
        if theirs.time == ours.time:
            return chain, self.days
        ago = (ours.time.astimezone(UTC) - theirs.time.astimezone(UTC)) / timedelta(days=1)
        return chain_at(chain, ours.time), self.days - ago

    def joined_by(self, chain: Chain) -> tuple[Series, Int32, Int32]:
        """With the series of more rows; the numbers of those rows' series and settlements."""
        codes, first = _series_in(chain)
        ones = chain._take(first, chain.scope)
        keys = _keys(ones)
        fresh = np.array([i for i, key in enumerate(keys) if key not in self._numbers], np.int64)
        found = self
        if len(fresh):
            found = replace(self, rows=_joined(self.rows, ones._take(fresh, chain.scope)))
        numbers = np.array([found._numbers[key] for key in keys], np.int32)
        settlements = found._settlements[numbers] if len(keys) else numbers
        return found, numbers[codes], settlements[codes]

    @cached_property
    def _numbers(self) -> dict[_Key, int]:
        return {key: number for number, key in enumerate(_keys(self.rows))}

    @cached_property
    def _settlements(self) -> Int32:
        """By number of a series, the first series of its root and date."""
        if self.rows.expiry is None:
            return np.arange(len(self.rows), dtype=np.int32)
        first: dict[tuple[str, str], int] = {}
        named = [first.setdefault(key[:2], number) for key, number in self._numbers.items()]
        return np.array(named, np.int32)


def _series_in(chain: Chain) -> tuple[Int32, npt.NDArray[np.int64]]:
    """Number what settles together in a chain; and the first row of each."""
    codes, _, _ = chain.settlements()
    times, years = chain.codes("time_to_expiry")
    _, first, series = np.unique(
        codes * np.int64(len(years)) + times, return_index=True, return_inverse=True
    )
    return series.astype(np.int32), first


def _keys(rows: Chain) -> list[_Key]:
    empty = [""] * len(rows)
    roots = empty if rows.root is None else rows.root.astype(str).tolist()
    days = empty if rows.expiry is None else rows.expiry.astype(str).tolist()
    years = [None if t != t else t for t in rows.time_to_expiry.tolist()]
    return list(zip(roots, days, years, strict=True))


def _joined(one: Chain, other: Chain) -> Chain:
    """Rows of `other` after those of `one`, in the market of `one`, without users' columns."""
    both = {
        name: np.concatenate([getattr(one, name), getattr(other, name)])
        for name in _COLUMNS
        if getattr(one, name) is not None
    }
    vols = Vols.concat([one.vols, other.vols])
    return one._replace(**both, columns={}, vols=vols)
