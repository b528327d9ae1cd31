"""Rates by put-call parity: forwards, one discount rate and dividend yields from quotes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gexcore.rates import ParityTable, Rates, flat_rates

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NEAREST, FEWEST = 11, 5  # strikes around the forward; nothing is told from fewer than 5 points
SHORT = 60 / 365  # years: up to here ln(F/S) is close to a line in T
LARGEST_MAD = 5e-4  # of F, up to SHORT; from there growing with sqrt(T), as spreads do
POOLED_FROM, POOLED_CAP = 30 / 365, 0.25  # years: first expiration to pool, cap of its weight
RATE_RANGE = (-0.02, 0.15)
SLOPE_WINDOW = 0.2  # in ln(K/F): beyond it quotes are wide and often stale
BASIS_FLAG_BP = 3.0
MAD_TO_SD = 1.4826  # of a normal distribution
SMALLEST_SCATTER, LARGEST_SCATTER = 0.5e-4, 10e-4  # of ln(F/S); above (VIX) there is no line
UNKNOWN_BASIS = 5e-4  # standard deviation of a basis that cannot be told
CARRY_SPREAD = 0.01  # per year: how far carries differ along the line, dividends being lumpy
LARGEST_CARRY, MOST = 50.0, 200  # MOST series in the line: all pairs of them are formed


class _Pairs(NamedTuple):
    """Strikes with a good call and put, by series, then strike; series i begins at start[i]."""

    series: Int64
    strike: Float64
    difference: Float64  # call mid - put mid
    start: Int64


class _Fit(NamedTuple):
    """Per series: forward of the quotes, strikes behind it, MAD over F; for all: pooled rate."""

    forward: Float64
    strikes: Int64
    mad: Float64
    accepted: Mask
    carry: Float64
    rate: float
    basis: float | None
    notes: list[str]


def _pair(
    spot: float, strike: Float64, is_call: Mask, bid: Float64, ask: Float64, series: Int64,
    usable: Mask, count: int,
) -> _Pairs:  # fmt: skip
    """Match calls with puts; of rows that say the same contract the first counts."""
    good = usable & (bid > 0) & (ask >= bid) & (ask < np.inf)
    good &= (strike > spot / 4) & (strike < spot * 4)
    rows = np.flatnonzero(good)
    strikes, code = np.unique(strike[rows], return_inverse=True)
    contract = 2 * (series[rows] * len(strikes) + code) + is_call[rows]
    # the row number inside the key makes a plain sort a stable one
    key = np.sort(contract * len(strike) + rows)
    contract, rows = np.divmod(key, max(len(strike), 1))
    first = np.ones(len(rows), bool)
    first[1:] = contract[1:] != contract[:-1]
    contract, rows = contract[first], rows[first]
    put = np.flatnonzero(contract[1:] // 2 == contract[:-1] // 2)
    mid = 0.5 * (bid[rows] + ask[rows])
    start = np.searchsorted(series[rows[put]], np.arange(count + 1))
    return _Pairs(series[rows[put]], strike[rows[put]], mid[put + 1] - mid[put], start)


def _row_medians(values: Float64, count: Int64) -> Float64:
    """Median of the first `count` values of each row; NaN where there is none."""
    inside = np.arange(values.shape[1]) < count[:, None]
    ordered = np.sort(np.where(inside, values, np.inf), axis=1)
    row, last = np.arange(len(count)), np.maximum(count - 1, 0)
    middle = 0.5 * (ordered[row, last // 2] + ordered[row, (last + 1) // 2])
    return np.where(count > 0, middle, np.nan)


def _weighted_median(values: Float64, weights: Float64) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(total, total[-1] / 2)]])


def _forwards(pairs: _Pairs, near: Float64, discount: Float64) -> tuple[Float64, Int64, Float64]:
    """Median of K + (C - P)/D over the strikes nearest `near`: forward, strikes, MAD over F."""
    begin, end = pairs.start[:-1], pairs.start[1:]
    below = np.bincount(pairs.series, pairs.strike < near[pairs.series], len(near))
    index = (begin + below.astype(np.int64))[:, None] + np.arange(-NEAREST, NEAREST)
    inside = (index >= begin[:, None]) & (index < end[:, None])
    index = np.where(inside, index, -1)  # the last element, which is padding
    strike = np.append(pairs.strike, np.inf)[index]
    value = strike + np.append(pairs.difference, 0.0)[index] / discount[:, None]
    chosen = np.argsort(np.abs(strike - near[:, None]), axis=1, kind="stable")[:, :NEAREST]
    value = np.take_along_axis(value, chosen, axis=1)
    strikes = np.minimum(end - begin, NEAREST)
    forward = _row_medians(value, strikes)
    mad = _row_medians(np.abs(value - forward[:, None]), strikes)
    return forward, strikes, mad / forward


def _pooled_rate(pairs: _Pairs, near: Float64, years: Float64) -> float | None:
    """One rate from the slopes of C - P in K, as a weighted median over expirations.

    Each strike of the lower half of the window is paired with one of the upper half: the long
    baselines of Theil-Sen at linear cost. An error of the slope is T times one of the rate, hence
    the weight T; capped, as from there on the term structure matters more, and gamma is short.
    """
    wide = np.abs(np.log(pairs.strike / near[pairs.series])) < SLOPE_WINDOW
    index = np.flatnonzero(wide & (years[pairs.series] >= POOLED_FROM))
    series = pairs.series[index]
    start = np.searchsorted(series, np.arange(len(years) + 1))
    count = np.diff(start)
    half = count // 2
    low = np.flatnonzero(np.arange(len(index)) - start[series] < half[series])
    series = series[low]
    low, high = index[low], index[low + (count - half)[series]]
    fall = pairs.difference[low] - pairs.difference[high]
    slope = fall / (pairs.strike[high] - pairs.strike[low])
    slope = slope[np.lexsort((slope, series))]
    edge = np.concatenate([[0], np.cumsum(half)])
    found = np.flatnonzero(half >= FEWEST)
    middle = edge[found] + (half[found] - 1) // 2
    discount = 0.5 * (slope[middle] + slope[edge[found] + half[found] // 2])
    t, discount = years[found[discount > 0]], discount[discount > 0]
    return _weighted_median(-np.log(discount) / t, np.minimum(t, POOLED_CAP)) if len(t) else None


def _fit_line(years: Float64, log_ratio: Float64) -> tuple[float, float, float] | None:
    """Theil-Sen of ln(F/S) on T up to SHORT, slopes weighted by |dT|: intercept, slope, scatter.

    None if the expirations are too few, or all too far from T = 0 to say what is there.
    """
    near = np.flatnonzero(years <= SHORT)
    if len(near) > MOST:
        near = near[np.linspace(0, len(near) - 1, MOST).astype(np.int64)]
    t, x = years[near], log_ratio[near]
    if len(t) < FEWEST or t.max() < 2 * t.min():
        return None
    i, j = np.triu_indices(len(t), 1)
    i, j = i[t[i] != t[j]], j[t[i] != t[j]]
    slope = _weighted_median((x[j] - x[i]) / (t[j] - t[i]), np.abs(t[j] - t[i]))
    basis = float(np.median(x - slope * t))
    return basis, slope, MAD_TO_SD * float(np.median(np.abs(x - slope * t - basis)))


def _carries(
    years: Float64, log_ratio: Float64, rate: float
) -> tuple[Float64, float | None, list[str]]:
    """Carry of each accepted series, the spot basis (None where it cannot be told), notes.

    An error e of ln(F/S) is an error e/T of the carry: 1 bp is 3.7% a year on the last day. So
    each carry is the precision-weighted mean of its own and of the line's slope, around which
    true carries spread by CARRY_SPREAD: the slope decides on the last days, its own later on.
    """
    line = _fit_line(years, log_ratio)
    if line and line[2] > LARGEST_SCATTER:
        return log_ratio / years, None, ["ln(F/S) is no line in T: no spot basis removed"]
    basis, slope, scatter = line or (0.0, rate, UNKNOWN_BASIS)
    own = log_ratio - basis
    error = max(scatter, SMALLEST_SCATTER) / years
    pull = (slope * years - own) / (1 + (CARRY_SPREAD / error) ** 2)
    if line:
        return (own + pull) / years, basis, []
    pull = np.clip(pull, -3 * UNKNOWN_BASIS, 3 * UNKNOWN_BASIS)  # further off is not timing
    return (own + pull) / years, None, ["too few expirations near T = 0 to tell a spot basis"]


def _fit(pairs: _Pairs, spot: float, years: Float64, rate: Float64 | None) -> _Fit:
    """Forwards and carries of all series; `rate` per series, or None to pool one."""
    near, _, _ = _forwards(pairs, np.full(len(years), spot), np.ones(len(years)))
    found = _pooled_rate(pairs, near, years) if rate is None else None
    pooled = float(np.clip(found or 0.0, *RATE_RANGE))
    held = found is not None and pooled != found
    notes = [f"the pooled rate {found:.2%} is held at {pooled:.2%}"] if held else []
    discount = np.exp(-(pooled if rate is None else rate) * years)
    for _ in range(2):
        near, strikes, mad = _forwards(pairs, near, discount)
    log_ratio = np.log(near / spot)
    accepted = (strikes >= FEWEST) & np.isfinite(log_ratio)
    accepted &= mad <= LARGEST_MAD * np.sqrt(np.maximum(years / SHORT, 1))
    if not accepted.any():
        return _Fit(near, strikes, mad, accepted, np.zeros(len(years)), pooled, None, notes)
    prior = pooled if rate is None else float(np.median(rate[accepted]))
    t = years[accepted]
    carry, basis, more = _carries(t, log_ratio[accepted], prior)
    carry = np.clip(np.nan_to_num(carry), -LARGEST_CARRY, LARGEST_CARRY)
    order = np.argsort(t, kind="stable")
    if rate is None and found is None:
        pooled = float(np.clip(carry[order[-1]], *RATE_RANGE))
        notes.append("no expiration tells the rate: as if the longest paid no dividends")
    everywhere = np.interp(np.nan_to_num(years), t[order], carry[order])
    everywhere[accepted] = carry  # two series may share one T
    return _Fit(near, strikes, mad, accepted, everywhere, pooled, basis, notes + more)


def _table(
    fit: _Fit, names: Sequence[tuple[Any, Any]], spot: float, years: Float64,
    rate: Float64, dividend_yield: Float64, european: Float64,
) -> ParityTable:  # fmt: skip
    missing = "interpolated" if fit.accepted.any() else "flat"
    status = np.where(fit.accepted, "fitted", missing)
    status = np.where(european > 0, status, "american: flat")
    with np.errstate(all="ignore"):
        discount = np.exp(-rate * years)
        basis = european * (fit.basis or 0.0)
        implied = spot * np.exp(basis + (rate - dividend_yield) * years)
    labels = [np.array([str(name[i]) for name in names], np.str_) for i in (0, 1)]
    return ParityTable(
        root=labels[0], expiry=labels[1], time_to_expiry=years,
        forward=np.where(fit.accepted, fit.forward, implied), discount=discount,
        rate=rate, dividend_yield=dividend_yield, strikes=fit.strikes, mad_bp=1e4 * fit.mad,
        status=np.where(np.isnan(years), "not used", status),
    )  # fmt: skip


def _spread(column: Any, code: Int64, count: int) -> Float64:
    values = np.zeros(count)
    values[code] = column  # constant within each series
    return values


def _report(
    given: Rates, columns: tuple[Any, Float64], table: ParityTable, fit: _Fit, inside: Mask
) -> Rates:
    """Rates with what the reader must know: flags, and a note if anything is out of the way."""
    american, missing = (table.counts.get(s, 0) for s in ("american: flat", "interpolated"))
    otherwise = given.note or "rate and dividend_yield as given"
    if not fit.accepted.any():
        only = american and "flat" not in table.counts
        why = "american exercise" if only else "too few good quotes"
        note = f"NO FORWARDS FROM PUT-CALL PARITY ({why}): {otherwise}"
        return Rates(*columns, "flat fallback", note, table, None, ("no_parity",), given.given)
    basis = 1e4 * (fit.basis or 0.0)
    flags = ("spot_basis",) if abs(basis) > BASIS_FLAG_BP else ()
    notes = [f"quotes and spot differ in time: spot basis {basis:+.1f} bp removed"] if flags else []
    notes += fit.notes + ([f"{missing} of {len(table)} series interpolated"] if missing else [])
    notes += [f"{american} of {len(table)} series american: {otherwise}"] if american else []
    text = "; ".join(notes) or None
    each = np.where(inside, fit.basis or 0.0, 0.0)
    return Rates(*columns, "parity", text, table, fit.basis, flags, given.given, each)


def fit_parity(
    *, spot: float, strike: Float64, is_call: Mask, bid: Float64, ask: Float64,
    time_to_expiry: Float64, series: npt.NDArray[np.integer[Any]],
    names: Sequence[tuple[Any, Any]], usable: Mask, rate: Any = None, dividend_yield: Any = None,
    european: Mask | None = None,
) -> Rates:  # fmt: skip
    """Rate and dividend yield per contract such that forwards are those of the quotes.

    One flat rate, given or pooled from the slopes of C - P in K; per series F is the median of
    K + (C - P)/D near the money. ln(F/S) without its limit at T = 0 (the spot basis) is carry T,
    and dividend_yield = rate - carry. With `dividend_yield` given alone, rate = carry + it.

    Args:
        spot: price of the underlying.
        strike, bid, ask: (n,) prices; a quote counts if 0 < bid <= ask.
        is_call: (n,) booleans.
        time_to_expiry: (n,) years, one value per series.
        series: (n,) code of root and expiry; `names` has both by code.
        usable: (n,) rows to fit on; others get rates too.
        rate, dividend_yield: decimal, continuous; a number, (n,), or None to fit it.
        european: (n,) rows exercised at expiry only; None = all. Others get what is given, or 0.

    Returns:
        Rates, never NaN; `table` tells per series what was found.

    Raises:
        InputError: rate or dividend_yield is not a finite decimal.

    Example:
        >>> strike, is_call = np.repeat(np.arange(90.0, 111.0, 2.0), 2), np.arange(22) % 2 == 0
        >>> mid = 12 + np.where(is_call, 101.0 - strike, 0.0)  # F = 101, no discount
        >>> rates = fit_parity(spot=100.0, strike=strike, is_call=is_call, bid=mid, ask=mid,
        ...     time_to_expiry=np.full(22, 0.5), series=np.zeros(22, int), rate=0.0,
        ...     names=[("XYZ", "2026-06-19")], usable=np.ones(22, bool))
        >>> float(rates.table.forward[0]), rates.table.counts
        (101.0, {'fitted': 1})
    """
    code, rows, count = np.asarray(series, np.int64), len(strike), len(names)
    given = flat_rates(rate, dividend_yield, rows)
    inside = np.ones(rows, bool) if european is None else european
    usable = usable & (time_to_expiry > 0) & (time_to_expiry < np.inf)
    years, known = np.full(count, np.nan), np.flatnonzero(usable)[::-1]
    years[code[known]] = time_to_expiry[known]
    with np.errstate(all="ignore"):  # junk quotes end as NaN, which nothing accepts
        pairs = _pair(spot, strike, is_call, bid, ask, code, usable & inside, count)
        fit = _fit(pairs, spot, years, None if rate is None else _spread(given.rate, code, count))
    fitted, carry = bool(fit.accepted.any()), fit.carry[code]
    r, y = given.rate, given.dividend_yield
    if fitted and dividend_yield is None:
        r = fit.rate if rate is None else r
        y = np.where(inside, r - carry, y)
    if fitted and rate is None and (dividend_yield is not None or not inside.all()):
        r = np.where(inside, r if dividend_yield is None else carry + y, 0.0)
    y = np.array(np.broadcast_to(y, rows))
    per_series = [_spread(column, code, count) for column in (r, y, inside)]
    return _report(given, (r, y), _table(fit, names, spot, years, *per_series), fit, inside)
