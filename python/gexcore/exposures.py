"""Exposures: greek x position x unit, summed over a key."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import _core
from gexcore.chain import Chain
from gexcore.coverage import Coverage, cover
from gexcore.errors import ConventionError, InputError, MismatchError, NotComputedError
from gexcore.greeks import ChainGreeks
from gexcore.positions import Positions
from gexcore.results import Result, align, frame, money, plain
from gexcore.units import EXPOSURES, FUTURES, Market, Unit, unit_of

Float64 = npt.NDArray[np.float64]
# code per row, number of codes, which codes hold a used row, and their keys
_Grouping = tuple[npt.NDArray[np.int32], int, npt.NDArray[np.bool_], tuple[npt.NDArray[Any], ...]]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ByKey(Result):
    """An exposure summed by one or more keys; only keys that hold a used contract appear.

    `keys` is an array for one key, a tuple of arrays for several, ascending; `gross` sums
    absolute values.
    """

    names: tuple[str, ...]
    keys: Any
    values: Float64
    gross: Float64
    unit: str

    def to_dict(self) -> dict[str, Any]:
        """Columns by name."""
        return {"unit": self.unit, **plain(self.columns())}

    def columns(self) -> dict[str, Any]:
        """Keys, value and gross by name."""
        keys = self.keys if isinstance(self.keys, tuple) else (self.keys,)
        return {
            **dict(zip(self.names, keys, strict=True)),
            "value": self.values,
            "gross": self.gross,
        }

    def to_frame(self, backend: str = "pandas") -> Any:
        """A data frame with one row per key."""
        return frame(self.columns(), backend)

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"<ByKey {', '.join(self.names)}: {len(self)} keys, {self.unit}>"

    def __str__(self) -> str:
        columns = list(self.columns().values())
        shown = [
            [str(c[i]) for c in columns[:-2]] + [money(columns[-2][i])]
            for i in range(min(len(self), 40))
        ]
        more = [f"... {len(self) - 40} more"] if len(self) > 40 else []
        return "\n".join([align([[*self.names, self.unit], *shown], right=range(9)), *more])


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Exposure(Result):
    """One exposure in one unit: `net` and `gross` over all used contracts, sums by key.

    `values` has one number per contract of the chain; 0 where the row is not used.
    """

    greek: str
    unit: str
    unit_name: str
    net: float
    gross: float
    values: Float64
    used: npt.NDArray[np.bool_]
    _owner: Exposures

    @property
    def chain(self) -> Chain:
        """The contracts that were summed."""
        return self._owner.chain

    def by(self, *names: str) -> ByKey:
        """Sum by key: "strike", "expiry", "option_type", "root", any column, or several.

        Raises:
            InputError: the chain has no such column. ConventionError: no key was named.

        Example:
            >>> import gexcore as gex
            >>> exposures = gex.analyze(gex.synthetic_chain()).exposures
            >>> exposures.gamma.by("option_type").keys.tolist()
            ['C', 'P']
        """
        if not names:
            raise ConventionError("by: no key was named", hint='for example by("strike")')
        codes, count, held, keys = self._owner._grouping(names)
        net = _core.sum_by(self.values, codes, count)[held]
        gross = _core.sum_by(np.abs(self.values), codes, count)[held]
        return ByKey(names, keys if len(keys) > 1 else keys[0], net, gross, self.unit)

    def in_unit(
        self, name: str, *, futures: str | None = None, adv: float | None = None
    ) -> Exposure:
        """The same exposure in another unit of `gexcore.units`.

        Args:
            name: such as "usd_per_point", "futures_per_point" (needs futures=), "pct_adv"
                (needs adv=, average daily volume in dollars).

        Raises:
            ConventionError: no such unit or futures contract. InputError: adv is not positive.
        """
        return self._owner.in_unit(self.greek, name, futures=futures, adv=adv)

    def to_dict(self) -> dict[str, Any]:
        """Net and gross with their unit."""
        return {"greek": self.greek, "unit": self.unit, "net": self.net, "gross": self.gross}

    def __repr__(self) -> str:
        return f"<Exposure {self}>"

    def __str__(self) -> str:
        return f"{self.greek}: net {money(self.net)}, gross {money(self.gross)} ({self.unit})"


def _parameter(unit: Unit, futures: str | None, adv: float | None) -> float:
    if unit.parameter == "futures":
        if futures is None or futures not in FUTURES:
            raise ConventionError(
                f"unit {unit.name}: futures={futures!r} is not known",
                hint=f"one of {', '.join(FUTURES)}",
            )
        return FUTURES[futures]
    if unit.parameter == "adv":
        if adv is None or not 0 < adv < float("inf"):
            raise InputError(f"adv: {adv} is not a volume", hint="average daily volume in dollars")
        return adv
    return 1.0


class Exposures(Result):
    """Every exposure whose greek was computed, by name: `exposures.gamma.net`."""

    __slots__ = ("_cache", "_groupings", "_used", "chain", "coverage", "greeks", "positions")

    chain: Chain
    greeks: ChainGreeks
    positions: Positions
    coverage: Coverage
    _used: npt.NDArray[np.bool_]
    _cache: dict[str, Exposure]
    _groupings: dict[tuple[str, ...], _Grouping]

    def __init__(self, chain: Chain, greeks: ChainGreeks, positions: Positions) -> None:
        coverage, used = cover(chain, positions, greeks)
        fields = {"chain": chain, "greeks": greeks, "positions": positions, "coverage": coverage}
        for name, value in {**fields, "_used": used, "_cache": {}, "_groupings": {}}.items():
            object.__setattr__(self, name, value)

    def _arguments(self) -> dict[str, Any]:
        return {"chain": self.chain, "greeks": self.greeks, "positions": self.positions}

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"exposures are immutable: {name} cannot be set")

    @property
    def names(self) -> tuple[str, ...]:
        """Exposures that can be read."""
        return tuple(n for n in EXPOSURES if all(need in self.greeks for need in unit_of(n).needs))

    @property
    def manifest(self) -> dict[str, Any]:
        """All conventions of these numbers."""
        return {
            **self.chain.manifest,
            **self.positions.manifest,
            "unit": unit_of("gamma").label,
            "greeks": self.greeks.source,
            "dynamics": "sticky_strike",
        }

    def __getattr__(self, name: str) -> Exposure:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in EXPOSURES:
            raise NotComputedError(
                f"there is no {name!r} exposure", hint=f"exposures: {', '.join(EXPOSURES)}"
            )
        if name not in self._cache:
            self._cache[name] = self._compute(unit_of(name), 1.0)
        return self._cache[name]

    def in_unit(
        self, greek: str, name: str, *, futures: str | None = None, adv: float | None = None
    ) -> Exposure:
        """An exposure in a named unit; see `Exposure.in_unit`."""
        unit = unit_of(greek, name)
        return self._compute(unit, _parameter(unit, futures, adv))

    def _compute(self, unit: Unit, parameter: float) -> Exposure:
        for need in unit.needs:
            if need not in self.greeks:
                raise NotComputedError(
                    f"the {unit.greek} exposure needs {need}",
                    hint=f"compute_greeks(which=(..., {need!r}))",
                )
        chain = self.chain
        each = unit.value(self.greeks, Market(chain.spot, chain.implied_vol, parameter))
        values = np.where(self._used, self.positions.weight * each, 0.0)
        values.flags.writeable = False
        return Exposure(
            unit.greek,
            unit.label,
            unit.name,
            _core.sum(values),
            _core.sum_abs(values),
            values,
            self._used,
            self,
        )

    def _grouping(self, names: tuple[str, ...]) -> _Grouping:
        """Number the distinct combinations of some keys; the same for every exposure."""
        if names in self._groupings:
            return self._groupings[names]
        columns = [self.chain.codes(name) for name in names]
        sizes = [len(values) for _, values in columns]
        codes = columns[0][0].astype(np.int64)
        for more, values in columns[1:]:
            codes = codes * len(values) + more
        count = math.prod(sizes)
        present = np.arange(count) if count <= 4 * len(self.chain) else None
        if present is None:
            present, codes = np.unique(codes, return_inverse=True)
        held = np.bincount(codes[self._used], minlength=len(present)) > 0
        parts = np.unravel_index(present[held], sizes)
        keys = tuple(values[part] for (_, values), part in zip(columns, parts, strict=True))
        self._groupings[names] = (codes.astype(np.int32), len(present), held, keys)
        return self._groupings[names]

    def to_dict(self) -> dict[str, Any]:
        """Every exposure, the coverage and the conventions."""
        found = {name: getattr(self, name).to_dict() for name in self.names}
        return {**found, "coverage": self.coverage.to_dict(), "manifest": plain(self.manifest)}

    def __repr__(self) -> str:
        return f"<Exposures {', '.join(self.names)} of {self.chain!r}>"

    def __str__(self) -> str:
        found = [getattr(self, name) for name in self.names]
        return align(
            [["exposure", "net", "gross", "unit"]]
            + [[e.greek, money(e.net), money(e.gross), e.unit] for e in found],
            right=(1, 2),
        )


def compute_exposures(chain: Chain, greeks: ChainGreeks, positions: Positions) -> Exposures:
    """Combine greeks and positions of one chain.

    Args:
        chain, greeks, positions: all of the same chain.

    Returns:
        Exposures; each is summed when first read.

    Raises:
        MismatchError: greeks or positions belong to another chain.

    Source: docs/definitions.md, section 4.

    Example:
        >>> import gexcore as gex
        >>> chain = gex.synthetic_chain()
        >>> greeks, positions = gex.compute_greeks(chain), gex.assign_positions(chain)
        >>> exposures = compute_exposures(chain, greeks, positions)
        >>> exposures.gamma.unit
        '$ per 1% move'
    """
    for name, part in (("greeks", greeks), ("positions", positions)):
        if part.chain is not chain:
            raise MismatchError(
                f"{name} belong to another chain", hint="compute both from one chain"
            )
    return Exposures(chain, greeks, positions)
