"""A quant with a data frame: own column names in, exposures by any key out, signs from own model.

python examples/quant_with_a_frame.py
"""

from __future__ import annotations

import gexcore as gex
import numpy as np
import pandas as pd

RATE, DIVIDEND_YIELD = 0.04, 0.013


def vendor_frame() -> pd.DataFrame:
    """Contracts as some vendor names them; invented."""
    chain = gex.synthetic_chain(n=4000)
    return pd.DataFrame(
        {
            "K": chain.strike,
            "exp": chain.expiry.astype(str),
            "cp": np.where(chain.is_call, "C", "P"),
            "iv": chain.implied_vol,
            "oi": chain.open_interest,
            "symbol": chain.root,
            "desk": np.where(chain.strike % 100 == 0, "round strikes", "others"),
        }
    )


def main() -> None:
    names = {"K": "strike", "exp": "expiry", "cp": "option_type", "iv": "implied_vol",
             "oi": "open_interest", "symbol": "root"}  # fmt: skip
    chain = gex.Chain.from_frame(
        vendor_frame(), spot=5000.0, as_of="2026-03-18T10:30-04:00", columns=names, rate=RATE,
        dividend_yield=DIVIDEND_YIELD,
    )  # fmt: skip
    result = gex.analyze(chain)
    print(result.coverage)

    print("\nvanna by expiration and type, first rows")
    print(result.exposures.vanna.by("expiry", "option_type").to_frame().head(6).to_string())
    print("\ngamma by a column of the frame")
    print(result.exposures.gamma.by("desk").to_frame().to_string())

    # signs of one's own: dealers long all calls, short 80% of puts
    weights = np.where(chain.is_call, 1.0, -0.8)
    own = gex.analyze(chain, "weights", weights=weights)
    print(f"\nzero gamma: naive {result.levels.zero_gamma}, own weights {own.levels.zero_gamma}")


if __name__ == "__main__":
    main()
