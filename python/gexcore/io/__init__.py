"""Readers of vendor files, one function per vendor."""

from __future__ import annotations

from gexcore.io.cboe import read_cboe

__all__ = ["read_cboe"]
