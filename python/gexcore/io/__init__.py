"""Readers of chain files; the only place where vendors are named."""

from __future__ import annotations

from gexcore.io.cboe import read_cboe
from gexcore.io.deribit import read_deribit
from gexcore.io.lean import read_lean
from gexcore.io.position_file import read_positions
from gexcore.io.yahoo import read_yahoo_cboe, read_yfinance

__all__ = ["read_cboe", "read_deribit", "read_lean", "read_positions", "read_yahoo_cboe", "read_yfinance"]
