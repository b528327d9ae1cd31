"""A small book in plain Python: two snapshots, their mixtures, exposures and levels."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import gexcore as gex
import numpy as np
from gexcore.change import LEVELS

NEW_YORK = ZoneInfo("America/New_York")
FACTORS = ("spot", "time", "rates", "implied_vol", "open_interest", "sign_rule", "expiry_roll",
           "listing", "coverage")  # fmt: skip
EXPOSURES = ("gamma", "delta", "vanna", "charm")

Contract = tuple[str, float, str]  # expiration date, strike, type
Snapshot = dict[str, Any]


def snapshot(as_of: str, spot: float, rates: tuple[float, float], rule: str, rows: str) -> Snapshot:
    """`rows` are lines of expiry strike type vol open_interest; vol 0 is missing."""
    contracts = {}
    for line in rows.strip().splitlines():
        day, strike, kind, vol, size = line.split()
        contracts[day, float(strike), kind] = (float(vol), float(size))
    return {"as_of": as_of, "spot": spot, "rates": rates, "rule": rule, "contracts": contracts}


BEFORE = snapshot("2024-01-04T15:00-05:00", 100.0, (0.04, 0.01), "naive", """
    2024-01-05  98 P 0.16 900
    2024-01-05 102 C 0.14 700
    2024-01-19  90 P 0.24 800
    2024-01-19  95 P 0.21 650
    2024-01-19 100 C 0.18 300
    2024-01-19 100 P 0.18 250
    2024-01-19 105 C 0.16 900
    2024-02-16  95 P 0.22 500
    2024-02-16 104 C 0.17 400
    2024-02-16 107 C 0.15 800
""")  # fmt: skip
AFTER = snapshot("2024-01-08T12:00-05:00", 101.5, (0.05, 0.015), "weights", """
    2024-01-19  90 P 0.25 500
    2024-01-19  95 P 0.22 850
    2024-01-19  97 P 0.20 350
    2024-01-19 100 C 0.17 420
    2024-01-19 100 P 0.00 250
    2024-01-19 105 C 0.15 950
    2024-02-16  95 P 0.21 520
    2024-02-16 104 C 0.17 100
    2024-02-16 110 C 0.14 900
""")  # fmt: skip
SIGNS = {"naive": {"C": 1.0, "P": -1.0}, "weights": {"C": 0.7, "P": -0.9}}


def chain_of(given: Snapshot, **changes: Any) -> gex.Chain:
    keys = list(given["contracts"])
    vol, size = zip(*given["contracts"].values(), strict=True)
    rate, dividend_yield = given["rates"]
    fields: dict[str, Any] = {
        "spot": given["spot"], "strike": [k[1] for k in keys], "expiry": [k[0] for k in keys],
        "is_call": [k[2] == "C" for k in keys], "implied_vol": vol, "open_interest": size,
        "rate": rate, "dividend_yield": dividend_yield, "root": "XYZ", "as_of": given["as_of"],
        "underlying": "XYZ",
    }  # fmt: skip
    return gex.Chain.from_arrays(**{**fields, **changes})


def positions_of(given: Snapshot) -> gex.Positions:
    chain = chain_of(given)
    if given["rule"] == "naive":
        return gex.assign_positions(chain)
    weights = [SIGNS["weights"][kind] for kind in chain["option_type"]]
    return gex.assign_positions(chain, "weights", weights=weights)


def years(given: Snapshot, key: Contract) -> float:
    close = datetime.fromisoformat(f"{key[0]}T16:00").replace(tzinfo=NEW_YORK)
    as_of = datetime.fromisoformat(given["as_of"])
    return (close - as_of).total_seconds() / (365 * 86400)


def usable(given: Snapshot, key: Contract) -> bool:
    return key in given["contracts"] and given["contracts"][key][0] > 0 and years(given, key) > 0


def gate(pair: tuple[Snapshot, Snapshot], key: Contract) -> tuple[str | None, int]:
    """What a contract comes or goes with, and the snapshot that has it."""
    having = [usable(end, key) for end in pair]
    if all(having):
        return None, 0
    own = having.index(True)
    other = pair[1 - own]
    if years(other, key) <= 0:
        return "expiry_roll", own
    return ("coverage" if key in other["contracts"] else "listing"), own


def mixture(pair: tuple[Snapshot, Snapshot], taken: tuple[str, ...]) -> list[tuple[float, ...]]:
    """(strike, sign of type, T, vol, r, y, weight) of each contract of a mixed book."""
    late = {factor: int(factor in taken) for factor in FACTORS}
    rows = []
    for key in sorted({k for end in pair for k in end["contracts"] if usable(end, k)}):
        name, own = gate(pair, key)
        if name is not None and late[name] != own:
            continue
        # what settles keeps all it had; what the other snapshot does not know is held
        source = {
            factor: own if name == "expiry_roll" else late[factor]
            for factor in ("time", "rates", "implied_vol", "open_interest")
        }
        t = years(pair[source["time"]], key)
        known = pair[source["implied_vol"]]["contracts"].get(key, (0.0, 0.0))[0]
        vol = known if known > 0 else pair[own]["contracts"][key][0]
        here = pair[source["open_interest"]]["contracts"]
        size = here[key][1] if key in here else pair[own]["contracts"][key][1]
        # weights are told of listed contracts alone, naive signs of all
        sides = [SIGNS[end["rule"]][key[2]] for end in pair]
        told = late["sign_rule"] == 0 or key in pair[1]["contracts"]
        sign = sides[late["sign_rule"] if told else 0]
        rate = pair[source["rates"]]["rates"]
        w = 1.0 if key[2] == "C" else -1.0
        rows.append((key[1], w, t, vol, *rate, 100 * size * sign))
    return rows


def normal(x: Any) -> Any:
    return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def gamma_at(rows: list[tuple[float, ...]], spot: Any) -> Any:
    total: Any = 0.0
    for k, _, t, v, r, y, q in rows:
        d1 = (np.log(spot / k) + (r - y + v * v / 2) * t) / (v * math.sqrt(t))
        total = total + q * math.exp(-y * t) * normal(d1) / (spot * v * math.sqrt(t))
    return total * spot * spot / 100


def exposures_of(rows: list[tuple[float, ...]], spot: float) -> dict[str, float]:
    found = {"gamma": float(gamma_at(rows, spot)), "delta": 0.0, "vanna": 0.0, "charm": 0.0}
    for k, w, t, v, r, y, q in rows:
        root = v * math.sqrt(t)
        d1 = (math.log(spot / k) + (r - y + v * v / 2) * t) / root
        d2, e = d1 - root, math.exp(-y * t)
        cdf = 0.5 * math.erfc(-w * d1 / math.sqrt(2))
        drift = (2 * (r - y) * t - d2 * root) / (2 * t * root)
        found["delta"] += q * spot * w * e * cdf
        found["vanna"] += q * 0.01 * spot * -e * float(normal(d1)) * d2 / v
        found["charm"] += q * spot / 365 * (w * y * e * cdf - e * float(normal(d1)) * drift)
    return found


def levels_of(rows: list[tuple[float, ...]], spot: float) -> dict[str, float]:
    grid = spot * np.exp(np.linspace(-0.15, 0.15, 301))
    values = gamma_at(rows, grid)
    roots = []
    for i in np.flatnonzero(np.diff(np.sign(values))):
        low, high = float(grid[i]), float(grid[i + 1])
        for _ in range(60):
            middle = (low + high) / 2
            if (gamma_at(rows, middle) < 0) == (values[i] < 0):
                low = middle
            else:
                high = middle
        roots.append(low)
    net: dict[float, float] = {}
    gross: dict[float, float] = {}
    for row in rows:
        one = float(gamma_at([row], spot))
        net[row[0]] = net.get(row[0], 0.0) + one
        gross[row[0]] = gross.get(row[0], 0.0) + abs(one)
    return {
        "zero_gamma": min(roots, key=lambda z: abs(z - spot)),
        "call_wall": max(net, key=lambda k: net[k]),
        "put_wall": min(net, key=lambda k: net[k]),
        "absolute_gamma_strike": max(gross, key=lambda k: gross[k]),
    }


def subsets(factors: tuple[str, ...]) -> list[tuple[str, ...]]:
    """In the order of the bits of 0, 1, 2, ..."""
    return [
        tuple(f for i, f in enumerate(factors) if code >> i & 1)
        for code in range(2 ** len(factors))
    ]


def expected_table(pair: tuple[Snapshot, Snapshot], factors: tuple[str, ...]) -> Any:
    table = []
    for taken in subsets(factors):
        rows, spot = mixture(pair, taken), pair["spot" in taken]["spot"]
        found = {**exposures_of(rows, spot), **levels_of(rows, spot)}
        table.append([found[name] for name in (*EXPOSURES, *LEVELS)])
    return np.array(table)


def explain(before: Snapshot, after: Snapshot, **options: Any) -> gex.Change:
    books = positions_of(before), positions_of(after)
    return gex.explain_change(books[0].chain, books[1].chain, *books, **options)


def partly(active: tuple[str, ...]) -> Snapshot:
    """After, where only these factors differ from before; what settles stays listed."""

    def pick(name: str, factor: str) -> Any:
        return (AFTER if factor in active else BEFORE)[name]

    old, new = BEFORE["contracts"], AFTER["contracts"]
    contracts = {}
    for key, (vol, size) in old.items():
        settled = years(AFTER, key) <= 0
        if key not in new and not settled and "listing" in active:
            continue
        late_vol, late_size = new.get(key, (vol, size))
        taken = late_vol if "implied_vol" in active and late_vol > 0 else vol
        taken = 0.0 if late_vol == 0 and "coverage" in active else taken
        contracts[key] = (taken, late_size if "open_interest" in active else size)
        if settled and "time" in active:  # still listed, with what nobody should read
            contracts[key] = (9.9, 2 * size)
    if "listing" in active:
        contracts |= {key: value for key, value in new.items() if key not in old}
    return {
        "as_of": pick("as_of", "time"), "spot": pick("spot", "spot"),
        "rates": pick("rates", "rates"), "rule": pick("rule", "sign_rule"), "contracts": contracts,
    }  # fmt: skip


def altered(chain: gex.Chain, **changes: Any) -> gex.Chain:
    fields: dict[str, Any] = {
        name: getattr(chain, name)
        for name in ("spot", "strike", "is_call", "implied_vol", "open_interest", "expiry", "root",
                     "as_of", "rate", "dividend_yield", "multiplier", "underlying")
    }  # fmt: skip
    return gex.Chain.from_arrays(**{**fields, **changes})
