"""Real end-of-day files as chains: one stock, every contract with its closing price."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np


def end_of_day(path: Path, as_of: str, keep: Any = None, **options: Any) -> gex.Chain:
    """The contracts of a file, vendor_gamma and last beside them; rows by `keep` if given.

    The first line below the header is the stock's; its close is the spot.
    """
    lines = path.read_text().splitlines()
    first, *rows = csv.DictReader([lines[0].lstrip("#"), *lines[1:]])
    names = ("strike", "implied_volatility", "open_interest", "gamma", "close")
    number = {name: np.array([float(row[name] or "nan") for row in rows]) for name in names}
    day = np.array([f"{row['expiry']:.4}-{row['expiry'][4:6]}-{row['expiry'][6:]}" for row in rows])
    call = np.array([row["right"] == "C" for row in rows])
    kept = np.ones(len(rows), bool) if keep is None else keep(day, number["strike"], call)
    number = {name: column[kept] for name, column in number.items()}
    return gex.Chain.from_arrays(
        spot=float(first["close"]),
        strike=number["strike"],
        is_call=call[kept],
        implied_vol=number["implied_volatility"],
        open_interest=number["open_interest"],
        expiry=day[kept],
        root=path.name.split("_")[1].upper(),
        as_of=as_of,
        columns={"last": number["close"], "vendor_gamma": number["gamma"]},
        **options,
    )


def of_the_living(day: Any, strike: Any, call: Any) -> Any:
    """Rows that are no contract from before the stock was split 7 for 1.

    The old contract at strike K lives on at K / 7, to the cent, in the same file.
    """
    keys = list(zip(day.tolist(), np.round(100 * strike).astype(int).tolist(), call, strict=True))
    listed = set(keys)
    near = [{int(np.floor(cents / 7)), int(np.ceil(cents / 7))} for _, cents, _ in keys]
    return np.array([
        not any((d, cents, c) in listed for cents in twins)
        for (d, _, c), twins in zip(keys, near, strict=True)
    ])  # fmt: skip
