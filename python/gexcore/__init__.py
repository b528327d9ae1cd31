"""Dealer gamma exposure, zero gamma, walls and hedging regime from option chains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gexcore import bsm, cpu, positions, trades
from gexcore._core import __version__
from gexcore.across import Across, levels_across
from gexcore.analysis import Analysis, analyze
from gexcore.book import Book
from gexcore.chain import Chain
from gexcore.change import Change, explain_change
from gexcore.cpp import get_cmake_dir, get_include
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
from gexcore.feed import Event, feed_event
from gexcore.greeks import ChainGreeks, compute_greeks
from gexcore.hedges import DeltaHedge, HedgeFlow, HedgeLadder, UnwindLadder
from gexcore.hedging import charm_flow, delta_hedge, hedge_flow, hedge_ladder, unwind_ladder
from gexcore.horizon import chain_at
from gexcore.landscape import Landscape, compute_landscape
from gexcore.level_path import LevelPath, level_path
from gexcore.levels import Levels, find_levels
from gexcore.positions import Positions, assign_positions
from gexcore.profile import Profile, sweep_profile
from gexcore.quick import QuickLevels, quick_levels
from gexcore.regime import Regime, classify_regime
from gexcore.replay import Replay
from gexcore.scenario import ScenarioCube, scenario_cube
from gexcore.sensitivities import Sensitivities, compute_sensitivities
from gexcore.sign_band import SignBand, levels_band
from gexcore.smiles import Smiles, fit_smiles
from gexcore.trades import Trades
from gexcore.watch import LevelChange, LevelWatch

if TYPE_CHECKING:
    from gexcore import io as io
    from gexcore import plot as plot
    from gexcore import report as report
    from gexcore.io import (
        read_cboe,
        read_chain,
        read_databento,
        read_deribit,
        read_lean,
        read_orats,
        read_polygon,
        read_table,
        read_tradier,
        read_yahoo_cboe,
        read_yfinance,
    )
    from gexcore.recording import Recorder, Recording, read_recording
    from gexcore.synthetic import synthetic_chain, synthetic_feed

# Doors to the outside are opened when first used.
_READERS = (
    "read_cboe",
    "read_chain",
    "read_databento",
    "read_deribit",
    "read_lean",
    "read_orats",
    "read_polygon",
    "read_table",
    "read_tradier",
    "read_yahoo_cboe",
    "read_yfinance",
)
_ROOMS = ("io", "plot", "report")  # gex.plot.plot_profile(...)
_DOORS = {
    **dict.fromkeys(_READERS, "gexcore.io"),
    **dict.fromkeys(("Recorder", "Recording", "read_recording"), "gexcore.recording"),
    **dict.fromkeys(("synthetic_chain", "synthetic_feed"), "gexcore.synthetic"),
}

__all__ = [
    "Across",
    "Analysis",
    "Book",
    "Chain",
    "ChainFileError",
    "ChainGreeks",
    "Change",
    "ConventionError",
    "DeltaHedge",
    "Event",
    "Exposures",
    "GexError",
    "HedgeFlow",
    "HedgeLadder",
    "InputError",
    "Landscape",
    "LevelChange",
    "LevelPath",
    "LevelWatch",
    "Levels",
    "MismatchError",
    "NotComputedError",
    "Positions",
    "Profile",
    "QuickLevels",
    "Recorder",
    "Recording",
    "Regime",
    "Replay",
    "ScenarioCube",
    "Sensitivities",
    "SignBand",
    "Smiles",
    "Trades",
    "UnwindLadder",
    "__version__",
    "analyze",
    "assign_positions",
    "bsm",
    "chain_at",
    "charm_flow",
    "classify_regime",
    "compute_exposures",
    "compute_greeks",
    "compute_landscape",
    "compute_sensitivities",
    "cpu",
    "delta_hedge",
    "explain_change",
    "feed_event",
    "find_levels",
    "fit_smiles",
    "get_cmake_dir",
    "get_include",
    "get_num_threads",
    "hedge_flow",
    "hedge_ladder",
    "level_path",
    "levels_across",
    "levels_band",
    "positions",
    "quick_levels",
    "read_cboe",
    "read_chain",
    "read_databento",
    "read_deribit",
    "read_lean",
    "read_orats",
    "read_polygon",
    "read_recording",
    "read_table",
    "read_tradier",
    "read_yahoo_cboe",
    "read_yfinance",
    "scenario_cube",
    "set_num_threads",
    "sweep_profile",
    "synthetic_chain",
    "synthetic_feed",
    "trades",
    "unwind_ladder",
]


def __getattr__(name: str) -> Any:
    if name in _DOORS or name in _ROOMS:
        from importlib import import_module

        if name in _ROOMS:
            return import_module(f"gexcore.{name}")
        return getattr(import_module(_DOORS[name]), name)
    raise AttributeError(f"module 'gexcore' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_ROOMS])
