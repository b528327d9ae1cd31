"""A caller that cannot wait: columns stay, spot ticks, results go into the same memory.

    python examples/caller_in_process.py

Per tick: greeks of all contracts at the new spot, net gamma, and the side of zero gamma. On a
slower clock: the levels, for which every contract is re-priced over all prices.
"""

from __future__ import annotations

import time

import gexcore as gex
import numpy as np
from gexcore import bsm

WHICH = ("delta", "gamma")


def main(ticks: int = 200) -> None:
    chain = gex.synthetic_chain(n=4000)
    result = gex.analyze(chain)  # the slow clock
    zero = result.levels.zero_gamma.value
    weight = result.profile.weight  # contracts x multiplier, signed; 0 for rows not used
    held = np.flatnonzero(weight)
    columns = [
        np.ascontiguousarray(column[held])
        for column in (chain.strike, chain.time_to_expiry, chain.implied_vol)
    ]
    is_call, weight = chain.is_call[held], weight[held]
    rate, dividend_yield = 0.04, 0.013

    def tick(spot: float, out: bsm.Greeks | None = None) -> bsm.Greeks:
        return bsm.greeks(spot, *columns, rate, dividend_yield, is_call, WHICH, out=out)

    reused = tick(chain.spot)
    rng = np.random.default_rng(1)
    elapsed = []
    net = 0.0
    spots = chain.spot * np.exp(np.cumsum(rng.normal(0.0, 1e-4, ticks)))
    for spot in spots.tolist():
        start = time.perf_counter_ns()
        tick(spot, reused)
        net = float(weight @ reused.gamma) * spot**2 / 100
        elapsed.append(time.perf_counter_ns() - start)
    (exact,) = gex.sweep_profile(chain, result.positions, [spot]).gamma
    assert abs(net / exact - 1) < 1e-9, "two ways to net gamma"
    if zero is None:
        print(f"zero gamma {result.levels.zero_gamma}")
    else:
        side = "above" if spot > zero else "below"
        print(f"spot {spot:,.2f} is {side} zero gamma {zero:,.2f}")
    print(f"net gamma {net / 1e9:,.3f} bn $ per 1%, {len(held):,} contracts")
    print(f"fastest tick {min(elapsed) / 1e3:,.1f} us")


if __name__ == "__main__":
    main()
