"""The smile of each expiration: a robust quadratic through out-of-the-money vols."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.chain import Chain
from gexcore.conventions import REASONS
from gexcore.errors import MismatchError
from gexcore.implied_vols import imply, rule_of
from gexcore.results import Result, align, frame, number, plain

Float64 = npt.NDArray[np.float64]

FEWEST_STRIKES = 5
WIDEST = 2.5  # standard deviations from the forward
LEAST_SHARE = 0.2  # of the at-the-money vol: a smile never falls below it
HUBER = 1.345  # 95% as efficient as least squares where errors are normal
ROUNDS = 30


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Smiles(Result):
    """One smile per settlement (root and expiration date), ascending in time.

    With z = ln(strike / forward) / (at_the_money_vol sqrt(T)), clamped to [z_low, z_high],
    vol = max(at_the_money_vol + tilt z + curvature z^2, at_the_money_vol / 5). `slope` =
    d vol / d ln(strike) at the money by Theil-Sen over |z| <= 1, for comparison; `rms` is the
    weighted misfit in vol.
    status: "fitted", "no_smile" (fewer than 5 strikes: flat), "no_vol" (nothing to fit).
    `floored` counts contracts whose smile is at its floor.
    """

    root: npt.NDArray[Any]
    expiry: npt.NDArray[Any]
    time_to_expiry: Float64  # years
    forward: Float64
    at_the_money_vol: Float64
    tilt: Float64
    curvature: Float64
    z_low: Float64
    z_high: Float64
    slope: Float64
    rms: Float64
    strikes: npt.NDArray[np.int64]
    floored: npt.NDArray[np.int64]
    status: npt.NDArray[np.str_]
    _settlement: npt.NDArray[np.int64]  # row of this table for each contract, -1 = none

    @property
    def counts(self) -> dict[str, int]:
        """Number of settlements by status."""
        return dict(sorted(Counter(self.status.tolist()).items()))

    @property
    def tilt_at_the_money(self) -> Float64:
        """d vol / d ln(strike) of the fitted smile at the forward."""
        width = self.at_the_money_vol * np.sqrt(self.time_to_expiry)
        return np.where(self.status == "fitted", self.tilt / width, 0.0)

    def columns(self) -> dict[str, Any]:
        """Columns by name, one value per settlement."""
        names = [field.name for field in fields(self) if not field.name.startswith("_")]
        return {name: getattr(self, name) for name in names}

    def vol(self, strike: Any, row: int) -> Float64:
        """The smile of settlement `row` at strikes, decimal."""
        width = self.at_the_money_vol[row] * np.sqrt(self.time_to_expiry[row])
        z = np.log(np.asarray(strike, np.float64) / self.forward[row]) / width
        z = np.clip(z, self.z_low[row], self.z_high[row])
        fitted = self.at_the_money_vol[row] + (self.tilt[row] + self.curvature[row] * z) * z
        return np.asarray(np.maximum(fitted, LEAST_SHARE * self.at_the_money_vol[row]))

    def per_contract(self, chain: Chain) -> Float64:
        """What the core needs of each contract's smile: 8 columns one after the other.

        Smiles are functions of ln(strike / forward), with the forwards of `chain`: the chain they
        were fitted to, or the same contracts at another time.
        """
        row = self._settlement
        if len(row) != len(chain):
            raise MismatchError("smiles belong to another chain", hint="fit them to this chain")
        known = (row >= 0) & (self.status[row] == "fitted") if len(self) else row >= 0
        out = np.zeros((8, len(chain)))
        out[1] = 1.0
        if known.any():
            row = row[known]
            width = self.at_the_money_vol * np.sqrt(self.time_to_expiry)
            out[0, known] = moneyness_of(chain)[known]
            floor = LEAST_SHARE * self.at_the_money_vol
            columns = (
                1 / width, self.at_the_money_vol, self.tilt, self.curvature, self.z_low,
                self.z_high, floor,
            )  # fmt: skip
            for i, column in enumerate(columns, 1):
                out[i, known] = column[row]
        return out.ravel()

    def to_dict(self) -> dict[str, Any]:
        """Columns by name, one value per settlement."""
        return dict(plain(self.columns()))

    def to_frame(self) -> Any:
        """A pandas data frame with one row per settlement."""
        return frame(self.columns())

    def __len__(self) -> int:
        return len(self.status)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self.counts.items())
        return f"<Smiles {len(self)} settlements: {counts or 'none'}>"

    def __str__(self) -> str:
        head = ["root", "expiry", "days", "forward", "vol", "slope", "curvature", "rms", "strikes",
                "status"]  # fmt: skip
        rows = [
            [
                str(self.root[i]),
                str(self.expiry[i]),
                f"{self.time_to_expiry[i] * 365:.2f}",
                number(self.forward[i]),
                *(_cell(c[i], digits) for c, digits in (
                    (self.at_the_money_vol, 4), (self.slope, 3), (self.curvature, 4),
                    (self.rms, 4),
                )),
                str(self.strikes[i]),
                str(self.status[i]),
            ]
            for i in range(len(self))
        ]  # fmt: skip
        return align([head, *rows], right=range(2, 9))


def _cell(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else "-"


def fit_smiles(chain: Chain) -> Smiles:
    """Fit the smile of each settlement that is still ahead.

    Args:
        chain: the contracts. Vols are implied from the mids of out-of-the-money contracts with
            bid > 0; where the chain has no quotes its own vols are taken.

    Returns:
        Smiles: quadratics in standard deviations from the forward over |z| <= 2.5, weighted by
        vega, outliers held down by Huber's weights, flat outside the data.

    Raises:
        AttributeError: not a chain.

    Source: docs/definitions.md, section 5; P. J. Huber, Robust estimation of a location
    parameter, 1964.

    Example:
        >>> from gexcore import synthetic_chain
        >>> smiles = fit_smiles(synthetic_chain())
        >>> bool(smiles.slope[-1] < 0)  # low strikes carry higher vols
        True
    """
    codes, roots, days = chain.settlements()
    alive = chain.status >= REASONS.index("expired") + 1
    years = np.where(alive, chain.time_to_expiry, 1.0)
    carry = np.broadcast_to(np.asarray(chain.rate) - chain.dividend_yield, len(chain))
    forward = chain.spot * np.exp(carry * years)
    moneyness = np.where(alive, moneyness_of(chain), 0.0)
    vol = np.where(alive, _vols(chain), np.nan)
    usable = np.isfinite(vol) & (chain.is_call == (moneyness >= 0))

    times, forwards = (_per_settlement(c[alive], codes[alive], len(days)) for c in (years, forward))
    order = np.argsort(times, kind="stable")[: len(np.unique(codes[alive]))]  # NaN comes last
    rows = np.flatnonzero(usable)
    rows = rows[np.lexsort((moneyness[rows], codes[rows]))]
    edges = np.searchsorted(codes[rows], np.arange(len(days) + 1))
    parts = [rows[edges[code] : edges[code + 1]] for code in order]
    fits = [
        _fit(moneyness[part], vol[part], float(times[code]))
        for part, code in zip(parts, order, strict=True)
    ]
    columns: dict[str, Any] = {
        name: np.array([fit[i] for fit in fits], kind) for i, (name, kind) in _FITTED
    }
    place = np.full(len(days), -1, np.int64)
    place[order] = np.arange(len(order))
    smiles = Smiles(
        roots[order],
        days[order],
        times[order],
        forwards[order],
        **columns,
        floored=np.zeros(len(order), np.int64),
        _settlement=np.where(alive, place[codes], -1),
    )
    smiles.floored[:] = _floored(smiles, moneyness)
    return smiles


def moneyness_of(chain: Chain) -> Float64:
    """ln(strike / forward) of each contract; NaN where there is none."""
    with np.errstate(all="ignore"):
        carry = (np.asarray(chain.rate) - chain.dividend_yield) * chain.time_to_expiry
        return np.asarray(np.log(chain.strike / chain.spot) - carry)


_FITTED = tuple(
    enumerate(
        [(name, np.float64) for name in (
            "at_the_money_vol", "tilt", "curvature", "z_low", "z_high", "slope", "rms",
        )] + [("strikes", np.int64), ("status", np.str_)]
    )
)  # fmt: skip


def _per_settlement(values: Float64, codes: npt.NDArray[np.int64], count: int) -> Float64:
    found = np.full(count, np.nan)
    found[codes] = values
    return found


def _vols(chain: Chain) -> Float64:
    """Vols implied from mids with a bid; the chain's own where it has no quotes."""
    if "bid" not in chain.columns or "ask" not in chain.columns:
        return np.where(chain.implied_vol > 0, chain.implied_vol, np.nan)
    rule = np.full(len(chain), rule_of("mid", False), np.uint8)
    return np.asarray(imply(chain, rule)["implied_vol"])


def _fit(moneyness: Float64, vol: Float64, years: float) -> tuple[Any, ...]:
    """The columns of `_FITTED` of one settlement, from points ascending in moneyness."""
    if not len(vol):
        return (np.nan, 0.0, 0.0, 0.0, 0.0, np.nan, np.nan, 0, "no_vol")
    nearest = np.argsort(np.abs(moneyness), kind="stable")[:FEWEST_STRIKES]
    typical = float(np.median(vol[nearest]))  # one bad quote at the money must not set the scale
    width = typical * np.sqrt(years)
    near = np.abs(moneyness) <= WIDEST * width
    k, v = moneyness[near], vol[near]
    count = len(np.unique(k))
    flat = (typical, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, count, "no_smile")
    if count < FEWEST_STRIKES:
        return flat
    z = k / width
    own = v * np.sqrt(years)
    vega = np.exp(-0.5 * (k / own - 0.5 * own) ** 2)
    powers = np.stack([np.ones_like(z), z, z * z])
    weights = vega
    fitted = np.zeros(3)
    for _ in range(ROUNDS):
        before = fitted
        fitted = np.linalg.solve((powers * weights) @ powers.T, (powers * weights) @ v)
        if np.abs(fitted - before).max() <= 1e-12:
            break
        size = np.abs(v - fitted @ powers)
        limit = HUBER * max(1.4826 * float(np.median(size)), 1e-6)
        weights = vega * np.minimum(1.0, limit / np.maximum(size, 1e-300))
    misfit = float(np.sqrt(np.average((v - fitted @ powers) ** 2, weights=weights)))
    level, tilt, curvature = map(float, fitted)
    if level < LEAST_SHARE * typical:
        return flat
    unit = level / typical  # z counts deviations of the fitted vol at the money
    inner = np.abs(z) <= 1
    slope = _theil_sen(k[inner], v[inner]) if inner.sum() > 1 else np.nan
    return (level, tilt * unit, curvature * unit**2, float(z[0]) / unit, float(z[-1]) / unit,
            slope, misfit, count, "fitted")  # fmt: skip


def _theil_sen(x: Float64, y: Float64) -> float:
    """The median of the slopes between all pairs of points."""
    low, high = np.triu_indices(len(x), 1)
    apart = x[high] > x[low]
    slopes = (y[high] - y[low])[apart] / (x[high] - x[low])[apart]
    return float(np.median(slopes)) if len(slopes) else np.nan


def _floored(smiles: Smiles, moneyness: Float64) -> npt.NDArray[np.int64]:
    """Contracts per settlement whose smile lies at its floor."""
    row = smiles._settlement
    known = np.flatnonzero(row >= 0)
    known = known[smiles.status[row[known]] == "fitted"]
    row = row[known]
    width = smiles.at_the_money_vol * np.sqrt(smiles.time_to_expiry)
    z = np.clip(moneyness[known] / width[row], smiles.z_low[row], smiles.z_high[row])
    raw = smiles.at_the_money_vol[row] + (smiles.tilt[row] + smiles.curvature[row] * z) * z
    below = raw < LEAST_SHARE * smiles.at_the_money_vol[row]
    return np.bincount(row[below], minlength=len(smiles))
