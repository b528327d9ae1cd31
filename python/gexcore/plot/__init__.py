"""Pictures of results: matplotlib figures, 1200 x 700, safe for the colour-blind, dark or light."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gexcore.plot.canvas import save_figure
from gexcore.plot.history import plot_history
from gexcore.plot.levels import plot_heat_map, plot_profile, plot_strikes
from gexcore.plot.moves import plot_ladder, plot_path, plot_scenario

__all__ = [
    "OF_ANALYSIS",
    "plot_heat_map",
    "plot_history",
    "plot_ladder",
    "plot_path",
    "plot_profile",
    "plot_scenario",
    "plot_strikes",
    "save_figure",
]

OF_ANALYSIS: Mapping[str, Any] = {
    "strikes": plot_strikes,
    "profile": plot_profile,
    "heat_map": plot_heat_map,
}
