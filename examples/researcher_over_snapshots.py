"""A researcher over many snapshots: one row per chain, and why the last two differ.

    python examples/researcher_over_snapshots.py snapshots/*.csv > levels.csv
    python examples/researcher_over_snapshots.py                             invented snapshots

Conventions are fixed once for the whole series; a file that cannot be read is named on standard
error and left out, a level that does not exist is an empty cell.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator

import gexcore as gex

CONVENTIONS = {"rates": "flat", "rate": 0.04, "dividend_yield": 0.013}
COLUMNS = ("as_of", "spot", "net_gamma", "gross_gamma", "zero_gamma", "call_wall", "put_wall",
           "regime", "used_open_interest_share")  # fmt: skip


def snapshots(files: tuple[str, ...]) -> Iterator[gex.Chain]:
    """Chains one at a time, so that memory holds two."""
    if not files:
        first = gex.synthetic_chain(n=4000)
        yield from (gex.chain_at(first, days) for days in (0.0, 1.0, 2.0, 5.0))
    for file in files:
        try:
            yield gex.read_cboe(file, **CONVENTIONS)
        except gex.GexError as error:
            print(f"{file}: {error}", file=sys.stderr)


def row(result: gex.Analysis) -> dict[str, object]:
    levels, (net, gross) = result.levels, result.levels.net_gamma
    return {
        "as_of": result.manifest["as_of"],
        "spot": result.chain.spot,
        "net_gamma": net,
        "gross_gamma": gross,
        "zero_gamma": levels.zero_gamma.value,
        "call_wall": levels.call_wall.strike,
        "put_wall": levels.put_wall.strike,
        "regime": result.regime.kind,
        "used_open_interest_share": result.coverage.used_open_interest_share,
    }


def main(*files: str) -> None:
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    before: gex.Analysis | None = None
    change = None
    for chain in snapshots(files):
        result = gex.analyze(chain)
        writer.writerow(row(result))
        if before is not None:
            change = (before, result)
        before = result
    if change is not None:
        print(gex.explain_change(*change), file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
