"""Greeks of a chain: columns as long as the chain, computed at its spot or taken from a vendor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from gexcore import bsm
from gexcore.chain import Chain
from gexcore.columns import number_column
from gexcore.conventions import WITHOUT_VOL, codes_of
from gexcore.errors import ConventionError
from gexcore.results import frame

_WITHOUT_GREEKS = codes_of("bad_row", "expired", *WITHOUT_VOL)


class ChainGreeks(bsm.Greeks):
    """Greeks by name of every contract of `chain`; `source` is "computed" or whose they are."""

    __slots__ = ("chain", "source")

    def __init__(self, chain: Chain, values: bsm.Greeks, source: str = "computed") -> None:
        super().__init__(values.names, values._rows, values._buffer)
        self.chain = chain
        self.source = source

    def _arguments(self) -> dict[str, Any]:
        values = bsm.Greeks(self.names, self._rows, self._buffer)
        return {"chain": self.chain, "values": values, "source": self.source}

    @classmethod
    def from_columns(cls, chain: Chain, source: str = "given", **columns: Any) -> ChainGreeks:
        """Greeks that somebody else computed, for example a vendor's.

        Args:
            chain: the contracts.
            source: whose they are, for the manifest.
            **columns: greek name -> (n,) values per unit of the underlying; NaN = missing.

        Returns:
            ChainGreeks; a row needs no implied vol and no time to be used.

        Raises:
            ConventionError: an unknown greek. InputError: a wrong length or type.

        Example:
            >>> chain = Chain.from_arrays(spot=100.0, strike=[100.0], is_call=[True],
            ...     implied_vol=[0.2], open_interest=[10], time_to_expiry=0.1)
            >>> ChainGreeks.from_columns(chain, "vendor", gamma=[0.05]).gamma.tolist()
            [0.05]
        """
        for name in columns:
            if name not in bsm.GREEKS:
                raise ConventionError(
                    f"there is no greek {name!r}", hint=f"the greeks are {', '.join(bsm.GREEKS)}"
                )
        rows = [number_column(name, value, len(chain)) for name, value in columns.items()]
        index = {name: row for row, name in enumerate(columns)}
        buffer = np.array(rows).reshape(len(rows), len(chain))
        buffer.flags.writeable = False
        return cls(chain, bsm.Greeks(tuple(columns), index, buffer), source)

    def to_frame(self, backend: str = "pandas") -> Any:
        """Greeks as a data frame, one row per contract."""
        return frame(bsm.Greeks.to_dict(self), backend)

    def __str__(self) -> str:
        return f"{', '.join(self.names)} of {len(self.chain):,} contracts, {self.source}"


def compute_greeks(
    chain: Chain, which: Iterable[str] = bsm.GREEKS, threads: int | None = None
) -> ChainGreeks:
    """Greeks of every contract at the chain's spot, per unit of the underlying.

    Args:
        chain: the contracts.
        which: names from `bsm.GREEKS`; all of them cost little more than one.
        threads: as in `bsm.greeks`.

    Returns:
        ChainGreeks with arrays as long as the chain; NaN where the inputs do not allow a value.

    Raises:
        ConventionError: an unknown greek.

    Source: as `bsm.greeks`.

    Example:
        >>> from gexcore import synthetic_chain
        >>> greeks = compute_greeks(synthetic_chain(n=2000), which=("gamma",))
        >>> len(greeks.gamma)
        2000
    """
    values = bsm.greeks(
        chain.spot, chain.strike, chain.time_to_expiry, chain.implied_vol,
        chain.rate, chain.dividend_yield, chain.is_call, which=which, threads=threads,
    )  # fmt: skip
    # a missing vol is no vol of 0, and what has settled has no greeks
    values._buffer[:, np.isin(chain.status, _WITHOUT_GREEKS)] = np.nan
    values._buffer.flags.writeable = False
    return ChainGreeks(chain, values)
