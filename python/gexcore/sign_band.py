"""How sure levels are when the signs of positions are not: bands under errors of sign."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import _core, bsm
from gexcore.errors import InputError, NotComputedError
from gexcore.levels import Levels
from gexcore.profile import Profile
from gexcore.progress import progress
from gexcore.regime import kind_of
from gexcore.results import Result, align, money, number, plain

Float64 = npt.NDArray[np.float64]
_Share = tuple[float | None, float]  # strike, share of draws

BLOCKS = ("expiry", "option_type")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
KINDS = ("long_gamma", "transition", "short_gamma", "no_exposure")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class SignBand(Result):
    """Net gamma, zero gamma, walls and regime when each block of positions may have the wrong sign.

    `net_mean` and `net_sd` are exact; the rest is counted over `draws` books. `zero_gamma` holds
    quantiles over the draws that have one (None if none has), `no_zero_gamma` the share of those
    that have not. Walls: (strike, share of draws), the likeliest first; shares of draws without a
    wall are under None.
    """

    accuracy: float
    blocks: tuple[str, ...]  # () = every contract by itself
    block_count: int
    draws: int
    seed: int
    net: float
    net_mean: float
    net_sd: float
    net_quantiles: dict[float, float]
    zero_gamma: dict[float, float] | None
    no_zero_gamma: float
    call_wall: tuple[_Share, ...]
    put_wall: tuple[_Share, ...]
    regime: dict[str, float]
    manifest: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore levels --json`."""
        names = [name for name in self.__slots__ if name not in ("call_wall", "put_wall")]
        walls = {
            name: [{"strike": k, "share": share} for k, share in getattr(self, name)]
            for name in ("call_wall", "put_wall")
        }
        return {**{name: plain(getattr(self, name)) for name in names}, **walls}

    def __repr__(self) -> str:
        return f"<SignBand accuracy {self.accuracy:g}, {self.draws} draws>"

    def __str__(self) -> str:
        by = " x ".join(self.blocks) or "contract"
        flip = "no draw has one"
        if self.zero_gamma is not None:
            low, mid, high = (number(self.zero_gamma[q]) for q in (0.05, 0.5, 0.95))
            flip = f"{low} to {high}, middle {mid}; none in {self.no_zero_gamma:.0%} of draws"
        rows = [
            ["net gamma", f"{money(self.net_mean)} +- {money(self.net_sd).lstrip('+')} $ per 1%"],
            ["zero gamma", flip],
            *([name.replace("_", " "), _walls(getattr(self, name))]
              for name in ("call_wall", "put_wall")),
            ["regime", ", ".join(f"{k.replace('_', ' ')} {p:.0%}" for k, p in self.regime.items()
                                 if p)],
        ]  # fmt: skip
        head = f"signs right with probability {self.accuracy:g}, errors by {by} (90% bands)"
        return f"{head}\n{align(rows)}"


def _walls(shares: Iterable[_Share]) -> str:
    return ", ".join(f"{number(k)} {share:.0%}" for k, share in list(shares)[:4])


def levels_band(
    levels: Levels,
    accuracy: float,
    *,
    blocks: Iterable[str] = BLOCKS,
    draws: int = 1000,
    seed: int = 0,
) -> SignBand:
    """Bands of levels when the sign of each block is right only with probability `accuracy`.

    Args:
        levels: of a book; the signs of its positions are what may be wrong.
        accuracy: probability p in [0.5, 1] that the sign of a block is right.
        blocks: columns whose combinations err together: default ("expiry", "option_type");
            ("strike", "option_type"); () = every contract by itself, which gives false comfort:
            real errors are correlated.
        draws: number of books.
        seed: same seed, same draws.

    Returns:
        SignBand. Of net gamma = sum over blocks of V the true value has mean (2p - 1) net and
        variance 4 p (1 - p) sum V^2.

    Raises:
        InputError: an accuracy outside [0.5, 1], no draws, or no such column.
        NotComputedError: vols move with spot.

    Source: docs/definitions.md, section 9.

    Example:
        >>> import gexcore as gex
        >>> band = levels_band(gex.analyze(gex.synthetic_chain(n=4000)).levels, 0.8, draws=100)
        >>> round(sum(band.regime.values()), 12)
        1.0
    """
    _check(levels, accuracy, draws)
    names = (blocks,) if isinstance(blocks, str) else tuple(blocks)
    codes, count = _blocks(levels, names)
    signs = _signs(count, accuracy, draws, seed)
    profile, gamma = levels.profile, levels.exposures.gamma
    by_block = _core.sum_by(gamma.values, codes, count)
    nets = signs @ by_block
    flips = _flips(profile, codes, signs)
    near = np.isfinite(flips)
    calls, puts = _wall_shares(levels, codes, signs)
    spread = 4 * accuracy * (1 - accuracy)
    kinds = kind_of(nets, gamma.gross, gamma.chain.spot, flips, levels.at_the_money_vol)
    return SignBand(
        float(accuracy), names, count, int(draws), int(seed), gamma.net,
        (2 * accuracy - 1) * gamma.net, float(np.sqrt(spread * (by_block**2).sum())),
        dict(zip(QUANTILES, np.quantile(nets, QUANTILES).tolist(), strict=True)),
        dict(zip(QUANTILES, np.quantile(flips[near], QUANTILES).tolist(), strict=True))
        if near.any() else None,
        float(1 - near.mean()), calls, puts,
        {kind: float((kinds == kind).mean()) for kind in KINDS},
        {**levels.manifest, "sign_accuracy": float(accuracy), "sign_blocks": list(names)},
    )  # fmt: skip


def _check(levels: Levels, accuracy: float, draws: int) -> None:
    if isinstance(accuracy, bool) or not isinstance(accuracy, int | float | np.floating):
        raise InputError(f"accuracy: {accuracy!r} is not a number", hint="such as 0.8")
    if not 0.5 <= accuracy <= 1:
        raise InputError(
            f"accuracy: {accuracy} is not in [0.5, 1]", hint="0.5 is a coin, 1 is certain"
        )
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer) or draws < 1:
        raise InputError(f"draws: {draws!r} is not a number of draws", hint="such as 1000")
    if levels.profile.vols_move:
        raise NotComputedError(
            "bands are drawn with vols that stay at their strikes", hint="sticky_strike"
        )


def _blocks(levels: Levels, names: tuple[str, ...]) -> tuple[npt.NDArray[np.int32], int]:
    """Number the blocks: a code per row."""
    chain = levels.exposures.chain
    if not names:
        return np.arange(len(chain), dtype=np.int32), len(chain)
    joint = np.zeros(len(chain), np.int64)
    for name in names:
        codes, values = chain.codes(name)
        joint = joint * len(values) + codes
    present, inverse = np.unique(joint, return_inverse=True)
    return inverse.astype(np.int32), len(present)


def _signs(count: int, accuracy: float, draws: int, seed: int) -> Float64:
    """+1 right, -1 wrong; one row per draw, one column per block."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random((draws, count)) < accuracy, 1.0, -1.0)


def _flips(profile: Profile, codes: npt.NDArray[np.int32], signs: Float64) -> Float64:
    """Zero gamma nearest spot of each draw, NaN where there is none.

    The profiles of the draws are sums of those of the blocks; between nodes of the search grid
    cubic Hermite interpolation of the sum and its slope.
    """
    chain, spots, count = profile.chain, profile.spots, signs.shape[1]
    values, slopes = (np.empty((count, len(spots))) for _ in range(2))
    used = profile.weight != 0.0
    for j, spot in enumerate(progress(spots.tolist(), "spots")):
        g = bsm.greeks(
            spot, chain.strike, chain.time_to_expiry, chain.implied_vol, chain.rate,
            chain.dividend_yield, chain.is_call, which=("gamma", "speed"),
        )  # fmt: skip
        for out, each in ((values, g.gamma), (slopes, g.speed)):
            out[:, j] = _core.sum_by(np.where(used, profile.weight * each, 0.0), codes, count)
    held = values.any(axis=1)  # blocks that nobody holds have no sign
    chosen = signs[:, held]
    return nearest_roots(spots, chosen @ values[held], chosen @ slopes[held], chain.spot)


def nearest_roots(spots: Float64, values: Float64, slopes: Float64, spot: float) -> Float64:
    """The zero nearest `spot` of each row, from values and slopes at the nodes; NaN for none."""
    found = np.full(len(values), np.nan)
    row, cell = np.nonzero(np.diff(np.signbit(values), axis=1))
    if not len(row):
        return found
    width = spots[cell + 1] - spots[cell]
    left, right = values[row, cell], values[row, cell + 1]
    up, down = slopes[row, cell] * width, slopes[row, cell + 1] * width
    second, third = 3 * (right - left) - 2 * up - down, 2 * (left - right) + up + down
    low, high = np.zeros(len(row)), np.ones(len(row))
    for _ in range(40):  # bisection: exact to the grid's interpolation, whatever the shape
        middle = 0.5 * (low + high)
        at = left + middle * (up + middle * (second + middle * third))
        same = np.signbit(at) == np.signbit(left)
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    roots = spots[cell] + 0.5 * (low + high) * width
    order = np.lexsort((-np.abs(roots - spot), row))  # the nearest is written last
    found[row[order]] = roots[order]
    return found


def _wall_shares(
    levels: Levels, codes: npt.NDArray[np.int32], signs: Float64
) -> list[tuple[_Share, ...]]:
    """How often each strike is the call wall and the put wall, by net gamma of a strike."""
    gamma = levels.exposures.gamma
    strike_codes, strikes = gamma.chain.codes("strike")
    used = np.flatnonzero(gamma.values)
    cells, inverse = np.unique(
        codes[used].astype(np.int64) * len(strikes) + strike_codes[used], return_inverse=True
    )
    amounts = np.bincount(inverse, gamma.values[used], minlength=len(cells))
    block, strike = cells // len(strikes), cells % len(strikes)
    sums = np.zeros((len(strikes), len(signs)))
    order = np.argsort(strike, kind="stable")
    edges = np.searchsorted(strike[order], np.arange(len(strikes) + 1))
    for k in np.flatnonzero(np.diff(edges)):
        part = order[edges[k] : edges[k + 1]]
        sums[k] = signs[:, block[part]] @ amounts[part]
    found: list[tuple[_Share, ...]] = []
    for sign in (1.0, -1.0):
        best = np.argmax(sign * sums, axis=0) if len(strikes) else np.zeros(len(signs), int)
        missing = (sign * sums).max(axis=0, initial=0.0) <= 0
        chosen, times = np.unique(best[~missing], return_counts=True)
        ranked = np.argsort(-times, kind="stable")
        shares: list[_Share] = [
            (float(strikes[chosen[i]]), float(times[i] / len(signs))) for i in ranked
        ]
        none: list[_Share] = [(None, float(missing.mean()))] if missing.any() else []
        found.append((*shares, *none))
    return found
