"""Readers of chain files; the only place where vendors are named."""

from __future__ import annotations

from gexcore.io.cboe import read_cboe
from gexcore.io.minute_bars import read_minute_bars
from gexcore.io.position_file import read_positions

__all__ = ["read_cboe", "read_minute_bars", "read_positions"]
