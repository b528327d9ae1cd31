"""Dealer gamma in interval arithmetic: what is proved here is true of every spot of an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from mpmath import iv, mp, mpf


@dataclass
class Gaussians:
    """S gamma as a sum of Gaussians in ln S, each number an interval that holds the exact one."""

    rows: list[tuple[Any, Any, Any]]  # center, inverse width, amplitude

    @classmethod
    def of(
        cls, held: Any, strike: Any, years: Any, vol: Any, rate: float = 0.0, carry: float = 0.0
    ) -> Gaussians:
        """The textbook gamma of each contract, from the numbers a chain is made of."""
        iv.prec = 100
        columns = np.broadcast_arrays(*(np.asarray(x, float) for x in (held, strike, years, vol)))
        netted: dict[Any, Any] = {}  # equal contracts cancel before they are enclosed
        for q, *contract in zip(*(column.tolist() for column in columns), strict=True):
            netted[tuple(contract)] = netted.get(tuple(contract), 0) + iv.mpf(q)
        r, y, rows = iv.mpf(rate), iv.mpf(carry), []
        for (k, t, s), q in netted.items():
            k, t, s = iv.mpf(k), iv.mpf(t), iv.mpf(s)
            width = s * iv.sqrt(t)
            center = iv.log(k) - (r - y + s * s / 2) * t
            rows.append((center, 1 / width, q * iv.exp(-y * t) / width))
        return cls(rows)

    def value_and_slope(self, x: Any, tilt: tuple[Any, Any] = (0, 0)) -> tuple[Any, Any]:
        """Enclosures over an interval of ln S of the sum times exp((inverse (x - center))^2 / 2),
        tilt = (center, inverse): a positive factor that changes no sign.
        """
        held, steep = tilt
        value = slope = iv.mpf(0)
        for center, inverse, amplitude in self.rows:
            # products of sums that are linear in x, each with x once
            apart = x * (steep - inverse) - (steep * held - inverse * center)
            both = x * (steep + inverse) - (steep * held + inverse * center)
            each = amplitude * iv.exp(apart * both / 2)
            value += each
            slope += each * (apart * (steep + inverse) + both * (steep - inverse)) / 2
        return value, slope

    def decides(self, low: float, high: float, wanted: Any) -> bool:
        """Whether `wanted` of (value, slope) holds over [low, high], halved as often as needed, of
        the sum itself or of the sum over its nearest row.
        """
        todo = [iv.mpf([iv.log(iv.mpf(low)).a, iv.log(iv.mpf(high)).b])]
        for _ in range(5_000):
            if not todo:
                return True
            whole = todo.pop()
            nearest = min(self.rows, key=lambda row: abs((whole.mid - row[0]) * row[1]).b)
            if any(self._holds(whole, tilt, wanted) for tilt in ((0, 0), nearest[:2])):
                continue
            if whole.delta.b < 1e-16:
                return False
            middle = whole.mid
            todo += [iv.mpf([whole.a, middle.b]), iv.mpf([middle.a, whole.b])]
        return False

    def _holds(self, x: Any, tilt: tuple[Any, Any], wanted: Any) -> bool:
        value, slope = self.value_and_slope(x, tilt)
        around = self.value_and_slope(x.mid, tilt)[0] + slope * (x - x.mid)
        return bool(wanted(value, slope) or wanted(around, slope))

    def sign_at(self, spot: float) -> int:
        """The sign of gamma at a spot, 0 if not even this precision can tell."""
        x = iv.log(iv.mpf(spot))
        nearest = min(self.rows, key=lambda row: abs((x.mid - row[0]) * row[1]).b)
        return sign_of(self.value_and_slope(x, nearest[:2])[0])

    def keeps_sign(self, low: float, high: float, sign: int) -> bool:
        """Gamma has this sign on all of [low, high]."""
        return self.decides(low, high, lambda value, _: sign_of(value) == sign)

    def crosses_once(self, low: float, high: float) -> bool:
        """The signs at the ends are opposite, and wherever gamma could be zero it goes one way."""
        first, last = self.sign_at(low), self.sign_at(high)
        if first * last != -1:
            return False
        return self.decides(
            low, high, lambda value, slope: last == sign_of(slope) or sign_of(value)
        )


def sign_of(value: Any) -> int:
    """The sign that all of an interval has, else 0."""
    return 1 if value.a > 0 else -1 if value.b < 0 else 0


def exact_root(function: Any, low: float, high: float) -> float:
    """The root between two places of opposite signs, with 50 digits."""
    with mp.workdps(50):
        a, b = mpf(low), mpf(high)
        upward = function(b) > 0
        for _ in range(120):
            middle = (a + b) / 2
            a, b = (a, middle) if (function(middle) > 0) == upward else (middle, b)
        return float(a)
