"""What dealers must trade to stay hedged: now, after a move, as time passes, at a settlement."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import _core, bsm
from gexcore.chain import Chain
from gexcore.conventions import USED
from gexcore.coverage import cover
from gexcore.dynamics import Dynamics
from gexcore.errors import ConventionError, InputError, MismatchError
from gexcore.hedges import PARTS, DeltaHedge, HedgeFlow, HedgeLadder, UnwindLadder
from gexcore.horizon import chain_at, closes_ahead, days_ahead, settles_in_cash
from gexcore.positions import Positions, assign_positions
from gexcore.profile import given_grid
from gexcore.repricing import Repricer, delivered_shares, shifted, step_delta
from gexcore.units import FUTURES

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

MOVES = (-0.05, -0.02, -0.01, -0.005, -0.0025, 0.0, 0.0025, 0.005, 0.01, 0.02, 0.05)
_UNWIND_REACH, _UNWIND_SPOTS = 0.03, 25  # in log spot


def _held(chain: Chain, positions: Positions | str) -> Positions:
    held = assign_positions(chain, positions) if isinstance(positions, str) else positions
    if held.chain is not chain:
        raise MismatchError("positions belong to another chain", hint="assign them to this chain")
    return held


def _finite(name: str, value: Any, hint: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise InputError(f"{name}: {value!r} is not a number", hint=hint)
    if not np.isfinite(value):
        raise InputError(f"{name}: {value} is not finite", hint=hint)
    return float(value)


def delta_hedge(
    chain: Chain,
    positions: Positions | str = "naive",
    *,
    hedge_held: float = 0.0,
    futures: str | None = None,
) -> DeltaHedge:
    """What the dealers' book needs now to have no delta.

    Args:
        chain, positions: the book.
        hedge_held: shares of the underlying held against it already, signed.
        futures: contract to hedge with: "ES", "MES", "NQ" or "MNQ"; whole contracts, rounded
            toward zero.

    Returns:
        DeltaHedge; a dealer who sold calls buys, one who sold puts sells.

    Raises:
        ConventionError: no such futures contract or rule. InputError: a hedge that is no number.

    Source: docs/hedging.md.

    Example:
        >>> chain = Chain.from_arrays(spot=100.0, strike=[100.0], is_call=[True],
        ...     implied_vol=0.2, open_interest=[1], time_to_expiry=0.1, dividend_yield=0.02)
        >>> delta_hedge(chain, "short_all").trade > 0
        True
    """
    held = _held(chain, positions)
    already = _finite("hedge_held", hedge_held, "shares of the underlying, signed")
    if futures is not None and futures not in FUTURES:
        raise ConventionError(
            f"futures: {futures!r} is not known", hint=f"one of {', '.join(FUTURES)}"
        )
    coverage, used = cover(chain, held)
    position = _delta_now(chain, np.where(used, held.weight, 0.0))
    trade = 0.0 - position - already
    contracts = None if futures is None else int(trade / FUTURES[futures])
    over = None if contracts is None or futures is None else trade - contracts * FUTURES[futures]
    manifest = {**chain.manifest, **held.manifest}
    return DeltaHedge(
        position, already, trade, trade * chain.spot, futures, contracts, over, coverage, manifest
    )


def hedge_ladder(
    chain: Chain,
    positions: Positions | str = "naive",
    returns: Any = MOVES,
    *,
    days: Any = 0.0,
    vol_points: float = 0.0,
    dynamics: Dynamics | str = "sticky_strike",
    threads: int | None = None,
) -> HedgeLadder:
    """Hedge flows for a ladder of spot moves, all with the same passage of time and vol change.

    Args:
        chain, positions: the book.
        returns: (m,) simple returns of spot, each above -1; default 0, +-0.25, 0.5, 1, 2, 5%.
        days: calendar days that pass, or a time with zone.
        vol_points: added to every vol, 1 = 0.01.
        dynamics: how vols move with spot besides, see `sweep_profile`.
        threads: as in `bsm.greeks`.

    Returns:
        HedgeLadder; each contract is re-priced, nothing is linear but the parts called so.

    Raises:
        InputError: a return at or below -100%, numbers that are not finite, a time before now.
        ConventionError: unknown dynamics or rule. MismatchError: positions of another chain.

    Source: docs/hedging.md.

    Example:
        >>> import gexcore as gex
        >>> ladder = hedge_ladder(gex.synthetic_chain(n=2000), "short_all", [-0.01, 0.01])
        >>> bool(ladder.shares[0] < 0 < ladder.shares[1])  # sell weakness, buy strength
        True
    """
    held = _held(chain, positions)
    moves = _returns(returns)
    points = _finite("vol_points", vol_points, "1 is one vol point")
    ahead = days_ahead(chain, days)
    rule = Dynamics.parse(dynamics).fitted(chain)
    coverage, used = cover(chain, held)
    spots = chain.spot * (1 + moves)
    later = chain_at(chain, days) if ahead else chain
    settling = used & (later.status != USED)
    live = np.where(used & ~settling, held.weight, 0.0)
    shares, parts = _flows(chain, later, live, spots, points / 100, rule, threads)
    gone = np.where(settling, held.weight, 0.0)
    parts["settlement"] = _settlement(chain, later, gone, spots) if ahead else 0.0 * spots
    shares = shares + parts["settlement"]
    manifest = {**chain.manifest, **held.manifest, "dynamics": str(rule)}
    return HedgeLadder(
        chain.spot, ahead, points, moves, spots, shares, shares * spots,
        MappingProxyType({name: parts[name] for name in PARTS}), int(settling.sum()), coverage,
        manifest,
    )  # fmt: skip


def _returns(returns: Any) -> Float64:
    hint = "simple returns, such as [-0.01, 0.01]"
    try:
        moves = np.atleast_1d(np.array(returns, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputError("returns: are not numbers", hint=hint) from None
    if moves.ndim != 1 or not len(moves) or not np.isfinite(moves).all():
        raise InputError("returns: must be finite numbers, one at least", hint=hint)
    if not (moves > -1).all():
        row = int(np.argmax(moves <= -1))
        raise InputError(f"returns: row {row} has {moves[row]:.0%}: no price is left", hint=hint)
    return moves


def _delta_now(chain: Chain, weight: Float64) -> float:
    each = bsm.greeks(
        chain.spot, chain.strike, chain.time_to_expiry, chain.implied_vol, chain.rate,
        chain.dividend_yield, chain.is_call, which="delta",
    ).delta  # fmt: skip
    return _core.sum(np.where(weight != 0.0, weight * each, 0.0))


def _flows(
    chain: Chain, later: Chain, weight: Float64, spots: Float64, shift: float, rule: Dynamics,
    threads: int | None,
) -> tuple[Float64, dict[str, Float64]]:  # fmt: skip
    """Shares for contracts that live on, and the parts of them."""

    def delta(of: Chain, at: Float64, how: Dynamics = rule) -> Float64:
        return Repricer(how, ("delta",), threads).sums(of, weight, at)["delta"]

    still, here = Dynamics("sticky_strike"), np.array([chain.spot])
    now = delta(chain, here, still)[0]
    after = delta(shifted(later, shift), spots)
    spot_only = delta(chain, spots, still) - now
    charm = delta(later, here, still)[0] - now
    vols = shifted(chain, shift)
    if rule.moves:
        brought = (Repricer(rule, (), threads).moved(vols, float(spot)) for spot in spots)
        vanna = np.array([delta(moved, here, still)[0] for moved in brought]) - now
    else:
        vanna = np.full(len(spots), delta(vols, here, still)[0] - now)
    g = bsm.greeks(
        chain.spot, chain.strike, chain.time_to_expiry, chain.implied_vol, chain.rate,
        chain.dividend_yield, chain.is_call, which=("gamma", "speed"),
    )  # fmt: skip
    gamma, speed = (
        _core.sum(np.where(weight != 0.0, weight * g[name], 0.0)) for name in ("gamma", "speed")
    )
    move = spots - chain.spot
    first, second = gamma * move, 0.5 * speed * move**2
    shares = now - after
    parts = {
        "gamma": 0.0 - first,
        "speed": 0.0 - second,
        "residual": first + second - spot_only,
        "charm": np.full(len(spots), 0.0 - charm),
        "vanna": 0.0 - vanna,
    }
    parts["cross"] = shares - sum(parts.values())
    return shares, parts


def _settlement(chain: Chain, later: Chain, weight: Float64, spots: Float64) -> Float64:
    """Shares for contracts that settle on the way: hedges unwound, or delivered at the new spot."""
    if not weight.any():
        return np.zeros(len(spots))
    return _delta_now(chain, weight) - delivered_shares(later, weight, spots)


def hedge_flow(
    chain: Chain,
    positions: Positions | str = "naive",
    *,
    spot_return: float = 0.0,
    days: Any = 0.0,
    vol_points: float = 0.0,
    dynamics: Dynamics | str = "sticky_strike",
    threads: int | None = None,
) -> HedgeFlow:
    """What dealers trade to stay hedged through one move of spot, time and vol.

    Args:
        chain, positions: the book.
        spot_return: simple return of spot, above -1.
        days, vol_points, dynamics, threads: as in `hedge_ladder`.

    Returns:
        HedgeFlow: shares > 0 = dealers buy; `parts` sum to them.

    Raises:
        InputError, ConventionError, MismatchError: as `hedge_ladder`.

    Source: docs/hedging.md.

    Example:
        >>> import gexcore as gex
        >>> flow = hedge_flow(gex.synthetic_chain(n=2000), spot_return=0.01, days=0.25)
        >>> abs(sum(flow.parts.values()) - flow.shares) < 1e-6
        True
    """
    move = _finite("spot_return", spot_return, "0.01 is one percent")
    return hedge_ladder(
        chain, positions, [move], days=days, vol_points=vol_points, dynamics=dynamics,
        threads=threads,
    ).at(0)  # fmt: skip


def charm_flow(chain: Chain, positions: Positions | str = "naive", until: Any = None) -> HedgeFlow:
    """What dealers trade as time passes and nothing else happens.

    Args:
        chain, positions: the book.
        until: calendar days ahead, or a time with zone; default: the next close.

    Returns:
        HedgeFlow; its parts are charm (contracts that live on) and settlement.

    Raises:
        InputError: a time before the chain's, or no time and a chain without as_of.

    Source: docs/hedging.md.

    Example:
        >>> import gexcore as gex
        >>> charm_flow(gex.synthetic_chain(n=2000)).parts["gamma"]
        0.0
    """
    if until is None:
        if chain.as_of is None:
            raise InputError("until: this chain does not know its as_of", hint="give days ahead")
        until = closes_ahead(chain.as_of.time, 1)[0]
    return hedge_flow(chain, positions, days=until)


def unwind_ladder(
    chain: Chain, positions: Positions | str = "naive", spots: Any = None
) -> UnwindLadder:
    """What the next settlement releases, by the price it settles at.

    Args:
        chain, positions: the book.
        spots: (m,) ascending prices; default: 25 over +-3%.

    Returns:
        UnwindLadder: hedges of cash-settled contracts as they are held in the last moment (delta
        0 or 1), to be unwound; physically settled contracts take their hedges with them.

    Raises:
        InputError: spots that are not positive and ascending.

    Source: docs/hedging.md.

    Example:
        >>> import gexcore as gex
        >>> len(unwind_ladder(gex.synthetic_chain(n=2000)))
        25
    """
    held = _held(chain, positions)
    reach = np.linspace(-_UNWIND_REACH, _UNWIND_REACH, _UNWIND_SPOTS)
    grid = chain.spot * np.exp(reach) if spots is None else given_grid(spots)
    coverage, used = cover(chain, held)
    years = np.where(used, chain.time_to_expiry, np.inf)
    first = used & (years <= years.min(initial=np.inf) + 1 / (365 * 86400))
    weight = np.where(first & settles_in_cash(chain), held.weight, 0.0)
    shares = step_delta(chain, weight, grid)
    return UnwindLadder(
        _settles_at(chain, first), int(first.sum()), grid, shares, shares * grid, coverage,
        {**chain.manifest, **held.manifest},
    )  # fmt: skip


def _settles_at(chain: Chain, rows: Bool) -> str:
    if not rows.any() or chain.expiry is None:
        return ""
    roots = "" if chain.root is None else "/".join(sorted(set(chain.root[rows].tolist())))
    return f"{roots} {chain.expiry[rows][0]}".strip()
