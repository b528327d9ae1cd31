"""`df.gex` on frames of pandas and polars: chains and levels, once this module is imported."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

from gexcore.analysis import Analysis, analyze
from gexcore.chain import Chain
from gexcore.io.formats import read_chain

_OF_ANALYZE = frozenset(inspect.signature(analyze).parameters) - {"chain", "positions"}


class GexFrame:
    """What a frame of option contracts can do: `df.gex.chain(...)`, `df.gex.analyze(...)`."""

    def __init__(self, df: Any) -> None:
        self._df = df

    def chain(self, *, spot: float, **options: Any) -> Chain:
        """The chain of a frame with our column names, or `columns={"theirs": "ours"}`.

        Args:
            spot: price of the underlying.
            **options: see `Chain.from_frame`.

        Example:
            >>> import pandas as pd, gexcore.io.frames
            >>> df = pd.DataFrame({"strike": [95.0, 105.0], "option_type": ["P", "C"],
            ...     "implied_vol": [0.22, 0.18], "open_interest": [10, 20]})
            >>> len(df.gex.chain(spot=100.0, time_to_expiry=0.1))
            2
        """
        return Chain.from_frame(self._df, spot=spot, **options)

    def read(self, format: str | None = None, **options: Any) -> Chain:
        """The chain of a vendor's frame, or of one with common other names.

        Args:
            format: see `gexcore.list_formats`; None: recognised by the names of the columns.
            **options: see `gexcore.read_chain`.

        Example:
            >>> import pandas as pd, gexcore.io.frames
            >>> df = pd.DataFrame({"K": [95.0, 105.0], "type": ["P", "C"], "iv": [22.0, 18.0],
            ...     "oi": [10, 20], "expiry": ["2024-01-19"] * 2})
            >>> df.gex.read(spot=100.0, as_of="2024-01-05T16:00-05:00").implied_vol
            array([0.22, 0.18])
        """
        return read_chain(self._df, format, **options)

    def analyze(self, positions: Any = "naive", *, spot: float, **options: Any) -> Analysis:
        """Levels and regime of the chain of a frame.

        Args:
            positions: see `gexcore.analyze`.
            spot: price of the underlying.
            **options: of `gexcore.analyze` and of `chain`.

        Example:
            >>> import pandas as pd, gexcore.io.frames
            >>> df = pd.DataFrame({"strike": [95.0, 105.0], "option_type": ["P", "C"],
            ...     "implied_vol": [0.22, 0.18], "open_interest": [10, 20]})
            >>> df.gex.analyze(spot=100.0, time_to_expiry=0.1, side="gross").levels.call_wall.strike
            105.0
        """
        own = {name: options.pop(name) for name in [*options] if name in _OF_ANALYZE}
        return analyze(self.chain(spot=spot, **options), positions, **own)


def _register() -> None:
    """The name `gex` on frames of each library that is installed."""
    for library, registry, register in (
        ("pandas", "pandas.api.extensions", "register_dataframe_accessor"),
        ("polars", "polars.api", "register_dataframe_namespace"),
    ):
        try:
            import_module(library)
        except ImportError:
            continue
        getattr(import_module(registry), register)("gex")(GexFrame)


_register()
