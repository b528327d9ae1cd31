"""Measures the errors of the package and writes docs/accuracy.md.

    python docs/make_accuracy.py            write the page
    python docs/make_accuracy.py --check    compare the page with what would be written

Needs mpmath and pytest (extra `test`) and a processor with the variants of ISAS; the tables, the
measures and the limits are those of tests/test_accuracy.py and tests/test_implied_vol.py.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import mpmath
import numpy as np

HERE = Path(__file__).resolve().parent
PAGE = HERE / "accuracy.md"
sys.path.insert(0, str(HERE.parent / "tests"))

import test_accuracy as greek_tests  # noqa: E402
import test_implied_vol as vol_tests  # noqa: E402
from gexcore import bsm, cpu  # noqa: E402

ISAS = ("x86_v4", "x86_v3", "baseline")
POINTS = 10_000


def figure(value):
    """Two digits, as 1.2e-14; 0 as 0."""
    return "0" if value == 0 else f"{value:.1e}".replace("e-0", "e-")


def on(isa, work):
    """What `work` gives on one variant."""
    before = cpu.active()
    cpu.use(isa)
    try:
        return work()
    finally:
        cpu.use(before)


def table(header, rows):
    """A table in Markdown."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


# ------------------------------------------------------------------- greeks


def greek_errors(name, isa):
    """Error per row of every greek on one table, under the tests' own measure."""
    t = greek_tests.table(name)
    columns = [t[key] for key in greek_tests.INPUTS]
    got = on(isa, lambda: bsm.greeks(*columns, which=bsm.GREEKS))
    errors = {}
    for greek in bsm.GREEKS:
        kept = np.abs(t[greek]) >= 1e-280
        error = np.abs(got[greek] - t[greek])[kept] / greek_tests.measure(greek, name)[kept]
        errors[greek] = error
    return errors


def greek_rows(isa):
    """Per greek: max and median on A, on B, max and median on the edge rows, the limits."""
    found = {name: greek_errors(name, isa) for name in ("A", "B", "edge")}
    rows = []
    for greek in bsm.GREEKS:
        cells = [
            f"{figure(e[greek].max())} / {figure(np.median(e[greek]))}" for e in found.values()
        ]
        rows.append([greek, *cells, *map(figure, greek_tests.LIMITS[greek])])
    return rows


def same_bits():
    """Whether the two variants with FMA agree in every bit on all tables."""

    def everything():
        tables = [greek_tests.table(name) for name in ("A", "B", "edge")]
        columns = [[t[key] for key in greek_tests.INPUTS] for t in tables]
        greeks = [bsm.greeks(*c, which=bsm.GREEKS).to_dict().values() for c in columns]
        values = [value for group in greeks for value in group]
        return np.concatenate([*values, vol_tests.solve(vol_tests.table())[0]])

    first, second = (on(isa, everything) for isa in ISAS[:2])
    return np.array_equal(first.view(np.uint64), second.view(np.uint64))


# -------------------------------------------------------------- implied vol


def vol_groups():
    """Rows of the table by what can be seen of them; a row may be in several groups."""
    t = vol_tests.table()
    width = t["implied_vol"] * np.sqrt(t["time_to_expiry"])
    small = t["price"] / t["spot"]
    spot = t["spot"] * np.exp(-t["dividend_yield"] * t["time_to_expiry"])
    strike = t["strike"] * np.exp(-t["rate"] * t["time_to_expiry"])
    inside = (spot - strike) * np.where(t["is_call"], 1, -1) > 0
    level = (t["spot"] == t["strike"]) & (t["rate"] == t["dividend_yield"])
    share = t["price"] / np.where(t["is_call"], spot, strike)
    return {
        "all": np.ones(len(width), bool),
        "out of the money, price from 1e-10 S": ~inside & (small >= 1e-10),
        "out of the money, price from 1e-100 S to 1e-10 S": ~inside
        & (small < 1e-10)
        & (small >= 1e-100),
        "out of the money, price below 1e-100 S": ~inside & (small < 1e-100),
        "in the money": inside,
        "exactly at the forward": level,
        "out of the money, price above 99% of its maximum": ~inside & (share > 0.99),
        "s sqrt T below 1e-3": width < 1e-3,
        "s sqrt T above 3": width > 3,
    }


def vol_rows():
    """Per group: rows, largest condition, then max and median error per variant."""
    t = vol_tests.table()
    scale = t["implied_vol"] * np.maximum(1, t["condition"])
    solved = [on(isa, lambda: vol_tests.solve(t)) for isa in ISAS[1:]]
    errors = [np.abs(vol - t["implied_vol"]) / scale for vol, _ in solved]
    assert not any(status.any() for _, status in solved)
    rows = []
    for name, kept in vol_groups().items():
        cells = [f"{figure(e[kept].max())} / {figure(np.median(e[kept]))}" for e in errors]
        rows.append([name, np.count_nonzero(kept), f"{t['condition'][kept].max():.1g}", *cells])
    return rows


# -------------------------------------------------------- elementary functions


def ulps(got, function, x):
    """Largest error of `got` against a function of mpmath at x, in ulps of the result."""
    with mpmath.workdps(40):
        exact = [function(mpmath.mpf(value)) for value in x.tolist()]
        errors = [abs(mpmath.mpf(g) - e) for g, e in zip(got.tolist(), exact, strict=True)]
        nearest = np.array([float(e) for e in exact])
        return max(
            float(e / u) for e, u in zip(errors, np.spacing(np.abs(nearest)).tolist(), strict=True)
        )


def exponential_rows():
    """At vol 0 a call far in the money has delta e^{-yT}, a put at spot = strike is 1 - e^{-yT}."""
    rng = np.random.default_rng(1)
    wide, small = rng.uniform(-600, 600, POINTS), -(10 ** rng.uniform(-12, 0.5, POINTS))

    def value(x):
        return bsm.greeks(1e10, 1e-270, 1.0, 0.0, 0.0, -x, True, which="delta").delta

    def minus_one(x):
        return -bsm.greeks(1.0, 1.0, 1.0, 0.0, 0.0, -x, False, which="price").price

    rows = []
    for isa in ISAS[1:]:
        a = ulps(on(isa, lambda: value(wide)), mpmath.exp, wide)
        b = ulps(on(isa, lambda: minus_one(small)), mpmath.expm1, small)
        rows.append([isa, f"{a:.2f}", f"{b:.2f}"])
    return rows


# ----------------------------------------------------------------- the page

PARTS = (
    """# Accuracy

Written by `python docs/make_accuracy.py`; `--check` compares. Errors are against tables with 60
correct digits (`tests/reference`, made by mpmath scripts that import nothing of the package).
Cells: largest / median.

## What is measured

The error of a row is |computed - exact| divided by the size of the exact value, so 1e-14 means
about 14 correct digits and 2.2e-16 (one rounding of float64) is the best a number can be expected
to be. Three remarks:

- Where a greek is itself a difference that passes through 0 (theta, vanna, charm, vomma, speed,
  zomma, color), a relative error next to the zero says nothing; the divisor is then at least a
  thousandth of the terms that are subtracted (vanna and charm on A: of 1e-3 gamma). Price, delta,
  gamma, vega and rho have the plain relative error on A and B.
- On the edge rows, chosen to sit on such zeros, every divisor is the size of the terms.
- Values below 1e-280 are left out: there only smallness is promised.

Regions (600 rows each, spot 5000, rates 0-6%, yields 0-3%, calls and puts):
- **A**, an ordinary chain: 1 hour to 3 years, vol 5% to 150%, strikes within 6 standard deviations
  and 2,500-7,500.
- **B**, the wings: 1 minute to 3 years, vol to 500%, strikes within 36 standard deviations and
  50-500,000.
- **Edge**, 90 rows: a second to expiry, vol 1e-4 or 1000%, 30 years, negative rates, roots, F = K
  to the last bit.
""",
    """
The largest errors on B come from the input side: with d1 near 36 a rounding in the width s sqrt T
moves the density by 36 x 36 roundings. The limits are what `tests/test_accuracy.py` enforces on
every variant; on edge rows it allows 16 roundings times their natural magnification, D (1 + d),
with D the sum of the absolute terms of d1 and d the larger |d|.
""",
    """
## Implied vol

The table has 800 prices, each rounded to float64, each with the exact root *for that rounded
price*. A price can hold less of a vol than 16 digits: `condition` = price / (vol x vega) says how
many times a relative change of the price is seen in the vol. Deep in the money, or close to the
largest possible price, it reaches 1e9: no method can do better than 1e9 roundings there. The error
is therefore |vol - exact| / exact / max(1, condition). Vols 1% to 1000%, one minute to 30 years.
""",
    """
Enforced: 5e-13 under every variant, and no row without a root (`tests/test_implied_vol.py`). There
is no NaN without a status: 1 at or below intrinsic value, 2 at or above the maximum, 3 an input
that is no number in range. A time value below 1e-280 of the smaller leg counts as none. A price
within a few roundings of a bound may fall on either side of it.
""",
    """
## Exponential

Errors in ulps over 10,000 points, seen through public functions: at vol 0 a call far in the money
has delta e^{-yT}, and a put at spot = strike is worth 1 - e^{-yT}. x in [-600, 600]; x from -3 to
-1e-12 for e^x - 1. The logarithm and the Mills ratio cannot be seen alone; what they add is in the
tables above.
""",
    """
## Beside other packages

Largest relative errors of other packages on samples of the same two regions, A / B:

| quantity | package | error |
|---|---|---:|
| price | gexcore, this page | @PRICE@ |
| price | pyvolr | 2.8e-13 / 1.4e-10 |
| price | textbook formula in NumPy, JAX, torch, numba | 1e-11 / 1.5e-7 |
| price | fast-vollib, QuantLib | 2% / 20%, in deep wings |
| price | blackscholes | 3% / 38% |
| delta, gamma | gexcore, this page | @DELTA@ |
| delta, gamma | the best of the others | 1.4e-13 / 1e-10 |
| gamma | py_vollib_vectorized | 80% (a finite difference) |
| implied vol | fast-vollib, default solver | wrong without notice in 0.7% of rows |
| implied vol | quantforge | NaN in 40% of rows |

The usual 1e-10 is the rounding of ln(S/K) divided by a small s sqrt T; the usual lost percents are
a difference of two normal distributions far out of the money. `docs/how_it_works.md` shows how
both are avoided.

## What is guaranteed

- The limits in the tables, under `x86_v4`, `x86_v3` and `baseline`; `x86_v4` and `x86_v3` give the
  same bits, and so do any number of threads and any neighbours of a row.
- Parity, bounds, signs, homogeneity, the pricing equation and the limits at time or vol 0
  (`tests/test_bsm_properties.py`); implied vol as the inverse of the price, both ways round,
  rising with the price (`tests/test_implied_vol.py`).
- Domain: prices and their ratio within 1e-290..1e290, |rate x time| and |yield x time| up to 700,
  times 0 or normal numbers (implied vol: from 1e-250). A row outside, or with a NaN or infinity, is
  NaN, and no other row changes by a bit. A width s sqrt T up to 1e-60 counts as 0.
- Flush to zero: e^x below x = -708 is 0, so densities beyond 37.6 standard deviations and results
  below about 1e-307 are 0 instead of subnormal; the density is taken together with the discount of
  the lower leg, so it ends earlier where rate x time or yield x time is in the hundreds. The
  floating-point mode of the process is never changed.
""",
)


def render():
    """The whole page."""
    head = ["greek", "A", "B", "edge", "limit A", "limit B"]
    fma, plain = greek_rows(ISAS[1]), greek_rows(ISAS[2])
    best = {row[0]: [cell.split(" ")[0] for cell in row[1:3]] for row in fma}
    both = [max(best["delta"][i], best["gamma"][i], key=float) for i in range(2)]
    bits = "measured with `x86_v3`, on a processor without `x86_v4`"
    if ISAS[0] in cpu.available():
        bits = "equal bits on every row here" if same_bits() else "DIFFERENT bits: a defect"
    what, greek_end, vol, vol_end, exponential, end = PARTS
    end = end.replace("@PRICE@", " / ".join(best["price"])).replace("@DELTA@", " / ".join(both))
    return "\n".join(
        [
            what,
            f"## Greeks with `x86_v3` and `x86_v4` ({bits})\n",
            table(head, fma),
            "\n## Greeks with `baseline` (no fused multiply-add)\n",
            table(head, plain),
            greek_end + vol,
            table(["rows", "count", "max condition", "x86_v3, x86_v4", "baseline"], vol_rows()),
            vol_end + exponential,
            table(["variant", "e^x", "e^x - 1"], exponential_rows()),
            end.rstrip() + "\n",
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    missing = [isa for isa in ISAS[1:] if isa not in cpu.available()]
    if missing:
        print(f"this processor has no {', '.join(missing)}: the page cannot be measured here")
        return 2
    page = render()
    if not check:
        PAGE.write_text(page)
        print(f"{PAGE.name}: {page.count(chr(10))} lines")
        return 0
    same = PAGE.exists() and PAGE.read_text() == page
    print(f"{PAGE.name}: {'up to date' if same else 'differs; run docs/make_accuracy.py'}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
