"""Black-Scholes-Merton price and greeks: arrays in, arrays out, numbers in, numbers out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gexcore import _core
from gexcore.errors import ConventionError, InputError, NotComputedError
from gexcore.results import Result, money, plain

Numbers: TypeAlias = Any  # a real number, or a one-dimensional array of them
Float64: TypeAlias = npt.NDArray[np.float64]

GREEKS: tuple[str, ...] = _core.GREEKS
VOL_STATUS: tuple[str, ...] = _core.VOL_STATUS


class Greeks(Result):
    """Greeks by name: `g.delta` or `g["delta"]`, floats or arrays as long as the input."""

    __slots__ = ("_again", "_buffer", "_rows", "names")

    def __init__(
        self, names: tuple[str, ...], rows: dict[str, int], buffer: Float64, mask: int = 0
    ) -> None:
        self.names = names
        self._rows = rows
        self._buffer = buffer
        again: tuple[tuple[str, ...], int, Float64 | None] = (names, mask, buffer)
        self._again = again  # what a call with out= needs, in one look-up

    def _arguments(self) -> dict[str, Any]:
        return {"names": self.names, "rows": self._rows, "buffer": self._buffer}

    def __getitem__(self, name: str) -> Any:
        try:
            value = self._buffer[self._rows[name]]
        except KeyError:
            raise self._missing(name) from None
        return value if self._buffer.ndim > 1 else float(value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def _missing(self, name: str) -> NotComputedError:
        known = f"add it: which=({', '.join(map(repr, (*self.names, name)))})"
        hint = known if name in GREEKS else f"the greeks are {', '.join(GREEKS)}"
        return NotComputedError(f"{name!r} was not computed", hint=hint)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    def to_dict(self) -> dict[str, Any]:
        """Greeks by name, as floats or arrays."""
        return {name: self[name] for name in self.names}

    def __repr__(self) -> str:
        size = f"{self._buffer.shape[1]} rows" if self._buffer.ndim > 1 else "one contract"
        return f"<Greeks {', '.join(self.names)}: {size}>"

    def __str__(self) -> str:
        return "\n".join(f"{name:8}{self[name]}" for name in self.names)


@lru_cache(maxsize=256)
def greek_rows(which: tuple[str, ...]) -> tuple[int, dict[str, int]]:
    """Bit set of the asked greeks and the row of each in the core's buffer."""
    if not which:
        raise ConventionError("which: is empty", hint=f"the greeks are {', '.join(GREEKS)}")
    for name in which:
        if name not in GREEKS:
            raise ConventionError(
                f"which: there is no greek {name!r}", hint=f"the greeks are {', '.join(GREEKS)}"
            )
    wanted = [name for name in GREEKS if name in which]
    return sum(1 << GREEKS.index(name) for name in wanted), {n: i for i, n in enumerate(wanted)}


def greeks(
    spot: Numbers,
    strike: Numbers,
    time_to_expiry: Numbers,
    implied_vol: Numbers,
    rate: Numbers = 0.0,
    dividend_yield: Numbers = 0.0,
    is_call: Any = True,
    which: Iterable[str] = ("price", "delta", "gamma"),
    out: Greeks | None = None,
    threads: int | None = None,
) -> Greeks:
    """Price and greeks per unit of the underlying; vega and rho per 1.00, times per year.

    Args:
        spot, strike: prices, > 0, (n,) or a number.
        time_to_expiry: years, >= 0.
        implied_vol: decimal, >= 0.
        rate, dividend_yield: continuous, decimal; the yield may be any carry.
        is_call: booleans, True for calls.
        which: names from `GREEKS`. theta, charm and color are with calendar time moving forward.
        out: an earlier result for the same `which` and n, overwritten and returned.
        threads: number of threads; default GEXCORE_NUM_THREADS, or 1. Never changes a bit.

    Returns:
        Greeks, arrays of n, or floats if every argument is a number. A row with an input that is
        NaN, infinite or out of range is NaN in every greek; at time or vol 0 the limit is given
        (gamma NaN exactly at the money there).

    Raises:
        InputError: lengths differ, or a column is not one-dimensional real numbers.
        ConventionError: an unknown greek.

    Source: Haug, The Complete Guide to Option Pricing Formulas, chapter 2; docs/how_it_works.md.

    Example:
        >>> g = greeks(100.0, 105.0, 30 / 365, 0.25, 0.04, 0.01, True, which=("delta", "gamma"))
        >>> round(g.delta, 7), round(g.gamma, 7)
        (0.2705443, 0.0461601)
    """
    mask = 0
    if type(out) is Greeks:
        names, mask, buffer = out._again
    if not mask or which is not names:
        names = (which,) if isinstance(which, str) else tuple(which)
        mask, rows = greek_rows(names)
        if out is not None and (not isinstance(out, Greeks) or out._rows != rows):
            raise InputError("out: holds other greeks", hint="pass a result for the same which=")
        buffer = None if out is None else out._buffer
    result = _core.greeks(
        spot,
        strike,
        time_to_expiry,
        implied_vol,
        rate,
        dividend_yield,
        is_call,
        mask,
        buffer,
        threads,
    )
    return Greeks(names, rows, result, mask) if out is None else out


def implied_vol(
    price: Numbers,
    spot: Numbers,
    strike: Numbers,
    time_to_expiry: Numbers,
    rate: Numbers = 0.0,
    dividend_yield: Numbers = 0.0,
    is_call: Any = True,
    *,
    return_status: bool = False,
    threads: int | None = None,
) -> Any:
    """Implied vol of option prices, decimal per square root of a year; NaN where none exists.

    Args:
        price: option prices, (n,) or a number, in or out of the money.
        spot, strike: prices, > 0. For Black-76 pass the forward as spot and the rate as yield.
        time_to_expiry: years, > 0.
        rate, dividend_yield: continuous, decimal.
        is_call: booleans, True for calls.
        return_status: also return why.
        threads: as in `greeks`.

    Returns:
        Vols, an array or a float; with `return_status` (vols, codes), codes indexing VOL_STATUS:
        0 solved, 1 at or below intrinsic value, 2 at or above the largest possible price,
        3 an input that is not a number or out of range.

    Raises:
        InputError: lengths differ, or a column is not one-dimensional real numbers.

    Source: a rational guess and three steps of Householder's third-order method on ln(price), see
    docs/how_it_works.md; the idea of normalising to out-of-the-money prices is P. Jaeckel's, Let's
    be rational, Wilmott 2015.

    Example:
        >>> price = greeks(100.0, 105.0, 0.25, 0.2, is_call=False, which="price").price
        >>> round(implied_vol(price, 100.0, 105.0, 0.25, is_call=False), 12)
        0.2
    """
    return _core.implied_vol(
        price, spot, strike, time_to_expiry, rate, dividend_yield, is_call, return_status, threads
    )


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class GammaSums(Result):
    """Weighted gammas summed by key: `net`, and `gross` of absolute values; and over all rows."""

    net: Float64
    gross: Float64
    total_net: float
    total_gross: float

    def to_dict(self) -> dict[str, Any]:
        """Sums by key and over all rows."""
        names = ("net", "gross", "total_net", "total_gross")
        return {name: plain(getattr(self, name)) for name in names}

    def __repr__(self) -> str:
        return f"<GammaSums {self}>"

    def __str__(self) -> str:
        totals = f"net {money(self.total_net)}, gross {money(self.total_gross)}"
        return f"{len(self.net)} keys, {totals}"


def gamma_sums(
    spot: Numbers,
    strike: Numbers,
    time_to_expiry: Numbers,
    implied_vol: Numbers,
    rate: Numbers,
    dividend_yield: Numbers,
    weight: Numbers,
    codes: npt.NDArray[np.int32],
    count: int,
    *,
    scale: float = 1.0,
    threads: int | None = None,
) -> GammaSums:
    """Sums of weight x (gamma x scale) by key: exposures by strike, no column in between.

    Args:
        spot, strike, time_to_expiry, implied_vol, rate, dividend_yield: as in `greeks`.
        weight: (n,) signed contracts x multiplier. A row of weight 0 counts for nothing, whatever
            its columns hold; any other row without a gamma makes the sums of its key NaN.
        codes: (n,) int32, the number of each row's key, as from `Chain.codes("strike")`.
        count: number of keys; codes lie in 0 .. count - 1.
        scale: 1.0 gives shares per unit of price, spot**2 / 100 gives $ per 1% move.
        threads: as in `greeks`.

    Returns:
        GammaSums, arrays of `count` and two totals: bit for bit what the exposures of a chain and
        their `by("strike")` have. A key without rows is 0.

    Raises:
        InputError: lengths differ, a column or the codes have the wrong type, a code is out of
            range.

    Source: docs/definitions.md, section 4.

    Example:
        >>> codes = np.array([0, 1, 1], dtype=np.int32)
        >>> sums = gamma_sums(100.0, [95.0, 105.0, 105.0], 30 / 365, 0.25, 0.04, 0.01,
        ...     np.array([100.0, 500.0, -200.0]), codes, 2)
        >>> sums.net.round(4).tolist(), sums.gross.round(4).tolist()
        ([4.084, 13.848], [4.084, 32.3121])
    """
    if getattr(codes, "dtype", None) != np.int32:
        kind = getattr(codes, "dtype", type(codes).__name__)
        hint = "np.unique(keys, return_inverse=True)[1].astype(np.int32)"
        raise InputError(f"codes: are {kind}, not an int32 array", hint=hint)
    sums, net, gross = _core.gamma_sums(
        spot,
        strike,
        time_to_expiry,
        implied_vol,
        rate,
        dividend_yield,
        weight,
        scale,
        codes,
        count,
        threads,
    )
    return GammaSums(sums[0], sums[1], net, gross)
