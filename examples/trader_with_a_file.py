"""A trader with a chain file: levels, how sure they are, where they go, what dealers must trade.

python examples/trader_with_a_file.py spx_quotedata.csv     a CBOE CSV or JSON file
python examples/trader_with_a_file.py                       an invented chain
"""

from __future__ import annotations

import sys

import gexcore as gex


def main(*files: str) -> None:
    chain = gex.read_cboe(files[0]) if files else gex.synthetic_chain()
    result = gex.analyze(chain)
    print(result)

    interval = gex.levels_across(chain).intervals["zero_gamma"]
    if interval.found:
        low, high = f"{interval.low:,.2f}", f"{interval.high:,.2f}"
        print(f"\nZero gamma is {low} to {high} across conventions, by {interval.driver} most.")
    for status, count in interval.missing.items():
        print(f"Under {count} conventions there is none: {status.replace('_', ' ')}.")

    print(f"\nIf nothing but time moves:\n{gex.level_path(chain, sessions=2)}")
    print(f"\nTo stay hedged dealers trade:\n{gex.hedge_ladder(chain)}")
    print(f"\nUntil the next close, spot unchanged:\n{gex.charm_flow(chain)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
