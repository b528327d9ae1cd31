"""High-precision table of implied vols: implied_vols.csv.

    python make_implied_vols.py            write the table beside this script
    python make_implied_vols.py --check    verify the roots, the precision and the written table

Independent of the package: mpmath, the standard library and make_greeks.py only. A row is made from
a vol; its price is rounded to float64, and the vol written is the exact root for that rounded price
and the float64 inputs, to 20 significant digits. `condition` = price / (vol vega) is the relative
change of the vol per relative change of the price.
"""

from __future__ import annotations

import argparse
import csv
import io
import math
import random
import sys
from pathlib import Path

from make_greeks import DIGITS, MINUTE, d1_d2, expectation, log_uniform, price, text, tidy
from mpmath import mp, mpf

HERE = Path(__file__).resolve().parent
TABLE = HERE / "implied_vols.csv"
HEADER = (
    "spot",
    "strike",
    "time_to_expiry",
    "rate",
    "dividend_yield",
    "is_call",
    "price",
    "implied_vol",
    "condition",
)
SEED = 19731106
YEARS = 30.0
MOST_CONDITION = 1e10  # above it float64 prices hold fewer than six digits of a vol


def vega(S, K, T, s, r, y):
    """The derivative of the price by the vol, positive for calls and puts."""
    d1, _, _ = d1_d2(S, K, T, s, r, y)
    return S * mp.exp(-y * T - d1 * d1 / 2) * mp.sqrt(T / (2 * mp.pi))


def root(row):
    """The vol at which the price is row[6] exactly, and its condition."""
    S, K, T, r, y = (mpf(value) for value in row[:5])
    w, target, s = 1 if row[5] else -1, mpf(row[6]), mpf(row[7])
    for _ in range(60):
        step = (price(S, K, T, s, r, y, w) - target) / vega(S, K, T, s, r, y)
        s = s - step if step < s else s / 2
        if abs(step) < s * mpf(10) ** (-mp.dps // 2):  # the next step would be below 60 digits
            s -= (price(S, K, T, s, r, y, w) - target) / vega(S, K, T, s, r, y)
            return s, target / (s * vega(S, K, T, s, r, y))
    raise ArithmeticError(f"no root: {row}")


def sizes(S, K, T, r, y, is_call, paid):
    """What a price leaves of its two bounds: (time value, 1 - p), in units of the lower leg."""
    spot, strike = mpf(S) * mp.exp(-mpf(y) * T), mpf(K) * mp.exp(-mpf(r) * T)
    lower = min(spot, strike)
    inner = max((spot - strike) * (1 if is_call else -1), 0)
    p = (mpf(paid) - inner) / lower
    return p, 1 - p


def contract(rng, T, vol, deviations, is_call):
    """A row whose strike is so many s sqrt T above the forward; None if its price holds no vol."""
    S = tidy(log_uniform(rng, 1e-2, 1e5))
    r, y = tidy(rng.uniform(-0.02, 0.08)), tidy(rng.uniform(0.0, 0.05))
    T, vol = tidy(T), tidy(vol)
    K = tidy(S * math.exp((r - y) * T + deviations * vol * math.sqrt(T)))
    return priced(S, K, T, r, y, is_call, vol)


def priced(S, K, T, r, y, is_call, vol):
    """The inputs, the float64 price at `vol`, and `vol` as a first guess; None if ill-posed."""
    S_, K_, T_, r_, y_, s_ = (mpf(value) for value in (S, K, T, r, y, vol))
    paid = float(price(S_, K_, T_, s_, r_, y_, 1 if is_call else -1))
    p, complement = sizes(S, K, T, r, y, is_call, paid)
    if paid < 1e-290 or p <= 0 or complement <= 0:
        return None
    if paid / (s_ * vega(S_, K_, T_, s_, r_, y_)) > MOST_CONDITION:
        return None
    return S, K, T, r, y, is_call, paid, vol


def time_for(rng, width):
    """A time for which width / sqrt T is a vol of 1% to 1000%, as far as a minute allows."""
    low = min(max(MINUTE, (width / 10.0) ** 2), YEARS)
    return log_uniform(rng, low, max(low, min(YEARS, (width / 0.01) ** 2)))


def chain(rng):
    """An ordinary chain, in and out of the money: an hour to three years, vol 5% to 150%."""
    T, vol = log_uniform(rng, 60 * MINUTE, 3.0), log_uniform(rng, 0.05, 1.5)
    return contract(rng, T, vol, rng.uniform(-5.0, 5.0), rng.random() < 0.5)


def in_the_money(rng):
    """Every time and vol; the price is mostly intrinsic value."""
    T, vol, is_call = log_uniform(rng, MINUTE, YEARS), log_uniform(rng, 0.01, 10.0), rng.random()
    depth = rng.uniform(0.0, 6.0)
    return contract(rng, T, vol, -depth if is_call < 0.5 else depth, is_call < 0.5)


def out_of_the_money(rng, low, high):
    """Every time and vol; prices from 10^-high to 10^-low of the spot."""
    T, vol, is_call = log_uniform(rng, MINUTE, YEARS), log_uniform(rng, 0.01, 10.0), rng.random()
    depth = math.sqrt(2 * math.log(10) * rng.uniform(low, high))
    row = contract(rng, T, vol, depth if is_call < 0.5 else -depth, is_call < 0.5)
    return row if row and 10**-high <= row[6] / row[0] <= 10**-low else None


def near_maximum(rng):
    """1 - p from 0.3 down to 1e-12, log-uniform."""
    width = rng.uniform(2.0, 15.0)
    T = log_uniform(rng, (width / 10.0) ** 2, YEARS)
    deviations = rng.choice((0.0, rng.uniform(-0.6, 0.6)))
    row = contract(rng, T, width / math.sqrt(T), deviations, rng.random() < 0.5)
    return row if row and 1e-12 <= sizes(*row[:7])[1] <= 0.3 else None


def at_the_forward(rng):
    """Spot = strike and rate = yield: ln(F/K) is exactly 0."""
    S, r = tidy(log_uniform(rng, 1e-2, 1e5)), tidy(rng.uniform(-0.02, 0.08))
    width = log_uniform(rng, 1e-5, 12.0)
    T = time_for(rng, width)
    return priced(S, S, tidy(T), r, r, rng.random() < 0.5, tidy(width / math.sqrt(T)))


def any_width(rng):
    """s sqrt T from 1e-5 to 12, strikes within three of it."""
    width = log_uniform(rng, 1e-5, 12.0)
    T = time_for(rng, width)
    deviations = rng.choice((rng.uniform(-3.0, 3.0), rng.uniform(-0.01, 0.01)))
    return contract(rng, T, width / math.sqrt(T), deviations, rng.random() < 0.5)


REGIONS = (
    (chain, 180),
    (in_the_money, 140),
    (lambda rng: out_of_the_money(rng, 0.0, 10.0), 170),
    (lambda rng: out_of_the_money(rng, 10.0, 200.0), 80),
    (near_maximum, 90),
    (at_the_forward, 60),
    (any_width, 80),
)


def table():
    """Inputs, price and first guess of every row."""
    rng, rows = random.Random(SEED), []
    with mp.workdps(DIGITS):
        for make, count in REGIONS:
            goal = len(rows) + count
            while len(rows) < goal:
                row = make(rng)
                if row is not None:
                    rows.append(row)
    return rows


def line(row, digits=DIGITS):
    """One row of the CSV file as a list of strings."""
    with mp.workdps(digits):
        vol, condition = root(row)
        inputs = [*map(repr, row[:5]), str(int(row[5])), repr(row[6])]
        return [*inputs, text(vol), mp.nstr(condition, 6, min_fixed=0, max_fixed=6)]


def render(rows):
    """The whole table as the text of its CSV file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(line(row) for row in rows)
    return out.getvalue()


def check():
    """All checks; returns the number of failures."""
    rows = table()
    doubled = sum(line(row) != line(row, 2 * DIGITS) for row in rows)
    off = 0
    for row in rows[::20]:  # the price at the root once more, as an integral over the payoff
        S, K, T, r, y = (mpf(value) for value in row[:5])
        vol, condition = root(row)
        with mp.workdps(40):
            paid = expectation(S, K, T, vol, r, y, 1 if row[5] else -1)
        off += abs(paid / row[6] - 1) * min(condition, 1) > mpf("1e-20")
    written = TABLE.read_text() == render(rows)
    print(f"{len(rows)} rows, {doubled} differ at double precision, as written: {written}")
    print(f"{off} of {len(rows[::20])} prices disagree with the integral of the payoff")
    return doubled + off + (not written)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="verify instead of writing")
    mp.dps = DIGITS
    if parser.parse_args().check:
        return 1 if check() else 0
    rows = table()
    TABLE.write_text(render(rows))
    print(f"{TABLE.name}: {len(rows)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
