"""Readers of chain files; the only place where vendors are named."""

from __future__ import annotations

from gexcore.io.brokers import read_polygon, read_tradier
from gexcore.io.cboe import read_cboe
from gexcore.io.databento import read_databento
from gexcore.io.deribit import read_deribit
from gexcore.io.formats import list_formats, read_chain
from gexcore.io.generic import read_table
from gexcore.io.lean import read_lean
from gexcore.io.minute_bars import read_minute_bars
from gexcore.io.orats import read_orats
from gexcore.io.position_file import read_positions
from gexcore.io.yahoo import read_yahoo_cboe, read_yfinance

__all__ = [
    "list_formats",
    "read_cboe",
    "read_chain",
    "read_databento",
    "read_deribit",
    "read_lean",
    "read_minute_bars",
    "read_orats",
    "read_polygon",
    "read_positions",
    "read_table",
    "read_tradier",
    "read_yahoo_cboe",
    "read_yfinance",
]
