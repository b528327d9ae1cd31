"""High-precision tables of twelve greeks: greeks_A.csv, greeks_B.csv, greeks_edge.csv.

    python make_greeks.py            write the three tables beside this script
    python make_greeks.py --check    verify the closed forms, the precision and the written tables

Independent of the package: mpmath and the standard library only. Inputs are float64 values taken
exactly; outputs have 20 significant digits, and magnitudes below 1e-300 are written as 0.
"""

from __future__ import annotations

import argparse
import csv
import io
import math
import random
import sys
from pathlib import Path

from mpmath import mp, mpf

HERE = Path(__file__).resolve().parent
INPUTS = ("spot", "strike", "time_to_expiry", "implied_vol", "rate", "dividend_yield", "is_call")
GREEKS = (
    "price",
    "delta",
    "gamma",
    "vega",
    "theta",
    "rho",
    "vanna",
    "charm",
    "vomma",
    "speed",
    "zomma",
    "color",
)
DIGITS = 60
SEEDS = {"A": 20240107, "B": 19730501}
ROWS = 600
HOUR = 1 / (365 * 24)
MINUTE = HOUR / 60
SECOND = MINUTE / 60


def d1_d2(S, K, T, s, r, y):
    """The two normal arguments and s sqrt T."""
    x = s * mp.sqrt(T)
    d1 = (mp.log(S / K) + (r - y + s * s / 2) * T) / x
    return d1, d1 - x, x


def tail(z):
    """Normal distribution function; erfc keeps full relative precision in the left wing."""
    return mp.erfc(-z / mp.sqrt(2)) / 2


def price(S, K, T, s, r, y, w):
    """The one formula from which every other column is a derivative."""
    d1, d2, _ = d1_d2(S, K, T, s, r, y)
    return w * (S * mp.exp(-y * T) * tail(w * d1) - K * mp.exp(-r * T) * tail(w * d2))


def closed_forms(S, K, T, s, r, y, w):
    """All twelve greeks; theta, charm and color are derivatives to -T."""
    d1, d2, x = d1_d2(S, K, T, s, r, y)
    carry, discount = mp.exp(-y * T), mp.exp(-r * T)
    density = carry * mp.exp(-d1 * d1 / 2) / mp.sqrt(2 * mp.pi)
    share, cash = carry * tail(w * d1), K * discount * tail(w * d2)
    gamma = density / (S * x)
    vega = S * density * mp.sqrt(T)
    d1_by_time = (2 * (r - y) * T - d2 * x) / (2 * T * x)
    return {
        "price": w * (S * share - cash),
        "delta": w * share,
        "gamma": gamma,
        "vega": vega,
        "theta": -S * density * s / (2 * mp.sqrt(T)) + w * (y * S * share - r * cash),
        "rho": w * T * cash,
        "vanna": -density * d2 / s,
        "charm": w * y * share - density * d1_by_time,
        "vomma": vega * d1 * d2 / s,
        "speed": -gamma / S * (d1 / x + 1),
        "zomma": gamma * (d1 * d2 - 1) / s,
        "color": gamma * (y + d1 * d1_by_time + 1 / (2 * T)),
    }


def exact(row):
    """The float64 inputs as exact mpf values, the type as w = +1 or -1."""
    return (*(mpf(value) for value in row[:6]), 1 if row[6] else -1)


def tidy(value):
    """12 digits: the same double on every platform, whatever its libm rounds to."""
    return float(f"{value:.12g}")


def log_uniform(rng, low, high):
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def sample(name, low_T, high_vol, deviations, low_K, high_K):
    """Spot 5000, T and vol log-uniform, K uniform in standard deviations inside its two bounds."""
    rng = random.Random(SEEDS[name])
    rows = []
    while len(rows) < ROWS:
        T = tidy(log_uniform(rng, low_T, 3.0))
        vol = tidy(log_uniform(rng, 0.05, high_vol))
        r, y = tidy(rng.uniform(0.0, 0.06)), tidy(rng.uniform(0.0, 0.03))
        forward, x = 5000.0 * math.exp((r - y) * T), vol * math.sqrt(T)
        low = max(-deviations, math.log(low_K / forward) / x)
        high = min(deviations, math.log(high_K / forward) / x)
        K = tidy(forward * math.exp(rng.uniform(low, high) * x))
        rows.append((5000.0, K, T, vol, r, y, rng.random() < 0.5))
    return rows


def edge_rows():
    """Hand-made rows where a formula in float64 likes to go wrong; each as call and as put."""
    rows = [(100.0, 100.0, T, s, 0.0, 0.0) for T, s in ((1.0, 0.2), (30.0, 0.3), (0.25, 1e-4))]
    rows += [(100.0, 100.0, T, 0.2, 0.05, 0.05) for T in (SECOND, 1.0)]
    rows += [(5000.0, K, SECOND, 0.15, 0.05, 0.01) for K in (5000.0, 5000.25, 4999.5, 5003.0)]
    rows += [(100.0, K, 1.0, 1e-4, 0.0, 0.0) for K in (100.01, 99.97, 100.3)]
    rows += [(100.0, K, 1.0, 1e-4, 0.05, 0.01) for K in (104.081, 104.1, 50.0)]
    rows += [(100.0, K, 1.0, s, 0.02, 0.0) for s in (5.0, 10.0) for K in (1e-3, 100.0, 1e6)]
    rows += [(100.0, 100.0, 4.0, 5.0, 0.0, 0.0)]
    rates = ((-0.01, 0.02), (0.03, -0.05), (-0.02, -0.02))
    rows += [(100.0, K, 0.5, 0.3, r, y) for r, y in rates for K in (90.0, 115.0)]
    rows += [(S, S * m, 0.1, 0.4, 0.03, 0.01) for S in (1e-6, 1e6) for m in (0.9375, 1.25)]
    rows += [(100.0, K, 30.0, 0.2, 0.03, 0.01) for K in (40.0, 100.0, 500.0)]
    rows += [(100.0, 180.0, 30.0, 0.01, 0.03, 0.01)]
    near = 100.0 * (1.0 + 1e-12)
    rows += [(100.0, near, T, s, 0.0, 0.0) for T, s in ((SECOND, 1e-4), (1e-4, 0.2), (1.0, 0.5))]
    # d1 = 0 and d2 = 0 to within rounding of the strike
    rows += [(100.0, tidy(100 * math.exp(0.02 + h)), 0.5, 0.4, 0.05, 0.01) for h in (0.04, -0.04)]
    rows += [(100.0, K, 0.1, 0.2, 0.04, 0.01) for K in (20.0, 75.0, 140.0, 900.0)]
    return [(*row, is_call) for row in rows for is_call in (True, False)]


def tables():
    """Inputs of every table by name."""
    return {
        "A": sample("A", HOUR, 1.5, 6.0, 2500.0, 7500.0),
        "B": sample("B", MINUTE, 5.0, 36.0, 50.0, 500000.0),
        "edge": edge_rows(),
    }


def text(value):
    """20 significant digits, so that reading it as a double adds half an ulp at most."""
    return "0" if abs(value) < mpf("1e-300") else mp.nstr(value, 20, min_fixed=0, max_fixed=6)


def line(row, digits=DIGITS):
    """One row of the CSV file as a list of strings."""
    with mp.workdps(digits):
        values = closed_forms(*exact(row))
        inputs = [repr(value) for value in row[:6]] + [str(int(row[6]))]
        return inputs + [text(values[name]) for name in GREEKS]


def render(rows):
    """The whole table as the text of its CSV file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(INPUTS + GREEKS)
    writer.writerows(line(row) for row in rows)
    return out.getvalue()


def derivatives(S, K, T, s, r, y, w):
    """Each greek but the price as numerical partial derivative of `price`, nothing else."""
    orders = {  # (S, s, T, r) orders and sign
        "delta": ((1, 0, 0, 0), 1),
        "gamma": ((2, 0, 0, 0), 1),
        "vega": ((0, 1, 0, 0), 1),
        "theta": ((0, 0, 1, 0), -1),
        "rho": ((0, 0, 0, 1), 1),
        "vanna": ((1, 1, 0, 0), 1),
        "charm": ((1, 0, 1, 0), -1),
        "vomma": ((0, 2, 0, 0), 1),
        "speed": ((3, 0, 0, 0), 1),
        "zomma": ((2, 1, 0, 0), 1),
        "color": ((2, 0, 1, 0), -1),
    }
    values = {}
    for name, (order, sign) in orders.items():
        free = [i for i in range(4) if order[i]]
        base = [S, s, T, r]

        def along(*moved, free=free, base=base):
            at = list(base)
            for i, value in zip(free, moved, strict=True):
                at[i] = value
            return price(at[0], K, at[2], at[1], at[3], y, w)

        point, steps = tuple(base[i] for i in free), tuple(order[i] for i in free)
        single = len(free) == 1
        values[name] = sign * mp.diff(along, *(point + steps if single else (point, steps)))
    return values


def expectation(S, K, T, s, r, y, w):
    """The price once more, as the integral of the discounted payoff over the normal density."""
    _, d2, x = d1_d2(S, K, T, s, r, y)
    start = max(-w * d2, mpf(-16))
    stop = max(start, x) + 16
    # quad stops at an absolute error: bring a wing to size 1 first
    peak = max(start, mpf(0)) ** 2 / 2
    size, forward = K * x, S * mp.exp((r - y) * T)

    def integrand(u):
        payoff = w * (forward * mp.exp(w * x * u - x * x / 2) - K) / size
        return payoff * mp.exp(peak - u * u / 2) / mp.sqrt(2 * mp.pi)

    knots = [start + (stop - start) * k / 48 for k in range(49)]
    return mp.exp(-r * T - peak) * size * mp.quad(integrand, knots)


def agreement(a, b):
    """Matching decimal digits of two values."""
    return 999 if a == b else float(-mp.log10(abs(a - b) / max(abs(a), abs(b))))


def check_forms(rows):
    """Worst agreement, in digits, of closed forms with derivatives and with the expectation."""
    worst, points = {}, 0
    for row in rows:
        at = exact(row)
        reach = max(abs(d) for d in d1_d2(*at[:6])[:2])
        if reach > 40:
            continue  # every derivative is below 1e-340: differences cannot see it
        points += 1
        # in the money a derivative of size n(d) hides under a price of size 1: pay for the gap
        with mp.workdps(DIGITS + int(reach * reach / 4.6)):
            forms, diffs = closed_forms(*at), derivatives(*at)
        with mp.workdps(40):
            diffs["price"] = expectation(*at)
        for name in GREEKS:
            digits = agreement(forms[name], diffs[name])
            worst[name] = min(digits, worst.get(name, 999))
    return worst, points


def check():
    """All checks; returns the number of failures."""
    made, failures = tables(), 0
    picked = [
        row for name, step in (("A", 40), ("B", 40), ("edge", 4)) for row in made[name][::step]
    ]
    picked += made["edge"][3::4]
    worst, points = check_forms(picked)
    print(f"closed forms against derivatives of the price, {points} points, worst digits:")
    for name in GREEKS:
        print(f"  {name:6s} {worst[name]:6.1f}")
        failures += worst[name] < 20
    for name, rows in made.items():
        doubled = sum(line(row) != line(row, 2 * DIGITS) for row in rows)
        written = (HERE / f"greeks_{name}.csv").read_text() == render(rows)
        print(
            f"{name}: {len(rows)} rows, {doubled} differ at double precision, as written: {written}"
        )
        failures += doubled + (not written)
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="verify instead of writing")
    mp.dps = DIGITS
    if parser.parse_args().check:
        return 1 if check() else 0
    for name, rows in tables().items():
        (HERE / f"greeks_{name}.csv").write_text(render(rows))
        print(f"greeks_{name}.csv: {len(rows)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
