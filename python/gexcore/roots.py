"""Zeros of a function that is dear to evaluate: a bracketed root, and the slope there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Function = Callable[[Float64], Float64]


def find_root(function: Function, low: float, high: float, tolerance: float = 1e-12) -> float:
    """The root in [low, high], where `function` (arrays in, arrays out) changes sign.

    Regula falsi with the Illinois weights, bisecting whenever three steps do not halve the bracket.

    Example:
        >>> round(find_root(lambda x: x * x - 2, 1.0, 2.0), 12)
        1.414213562373
    """
    value_low, value_high = (float(function(np.array([end]))[0]) for end in (low, high))
    if value_low == 0.0 or value_high == 0.0:
        return low if value_low == 0.0 else high
    if (value_low < 0) == (value_high < 0):
        raise ValueError(f"no change of sign from {low} to {high}")
    widths = [high - low]
    side = 0
    while high - low > tolerance * abs(high):
        stuck = len(widths) > 3 and widths[-1] > 0.5 * widths[-4]
        middle = 0.5 * (low + high)
        at = middle if stuck else low + (high - low) * value_low / (value_low - value_high)
        if not low < at < high:
            at = middle
        if not low < at < high:
            break
        value = float(function(np.array([at]))[0])
        if value == 0.0:
            return at
        if (value < 0) == (value_low < 0):
            value_high *= 0.5 if side == -1 else 1.0
            low, value_low, side = at, value, -1
        else:
            value_low *= 0.5 if side == 1 else 1.0
            high, value_high, side = at, value, 1
        widths.append(high - low)
    return low if abs(value_low) < abs(value_high) else high


def slope_at(function: Function, at: float, step: float = 1e-5) -> float:
    """d function / d x by central differences of fourth order; `step` is relative.

    Example:
        >>> round(slope_at(lambda x: x**3, 2.0), 8)
        12.0
    """
    h = step * abs(at)
    below2, below, above, above2 = function(at + h * np.array([-2.0, -1.0, 1.0, 2.0]))
    return float((8 * (above - below) - (above2 - below2)) / (12 * h))
