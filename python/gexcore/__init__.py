"""Dealer gamma exposure, zero gamma, walls and hedging regime from option chains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gexcore import bsm, cpu
from gexcore._core import __version__
from gexcore.analysis import Analysis, analyze
from gexcore.chain import Chain
from gexcore.cpu import get_num_threads, set_num_threads
from gexcore.errors import (
    ChainFileError,
    ConventionError,
    GexError,
    InputError,
    MismatchError,
    NotComputedError,
)
from gexcore.exposures import Exposures, compute_exposures
from gexcore.greeks import ChainGreeks, compute_greeks
from gexcore.levels import Levels, find_levels
from gexcore.positions import Positions, assign_positions
from gexcore.profile import Profile, sweep_profile
from gexcore.regime import Regime, classify_regime

if TYPE_CHECKING:
    from gexcore.io import read_cboe
    from gexcore.synthetic import synthetic_chain

# Doors to the outside are opened when first used.
_DOORS = {"read_cboe": "gexcore.io", "synthetic_chain": "gexcore.synthetic"}

__all__ = [
    "Analysis",
    "Chain",
    "ChainFileError",
    "ChainGreeks",
    "ConventionError",
    "Exposures",
    "GexError",
    "InputError",
    "Levels",
    "MismatchError",
    "NotComputedError",
    "Positions",
    "Profile",
    "Regime",
    "__version__",
    "analyze",
    "assign_positions",
    "bsm",
    "classify_regime",
    "compute_exposures",
    "compute_greeks",
    "cpu",
    "find_levels",
    "get_num_threads",
    "read_cboe",
    "set_num_threads",
    "sweep_profile",
    "synthetic_chain",
]


def __getattr__(name: str) -> Any:
    if name in _DOORS:
        from importlib import import_module

        return getattr(import_module(_DOORS[name]), name)
    raise AttributeError(f"module 'gexcore' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
