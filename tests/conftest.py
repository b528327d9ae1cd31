"""Fixtures that several tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder with real chains (`data/`) and published numbers (`reference/`)."""
    folder = os.environ.get("GEXCORE_TEST_DATA")
    if not folder:
        pytest.skip("GEXCORE_TEST_DATA is not set: real chains are not at hand")
    path = Path(folder)
    assert (path / "data").is_dir(), f"GEXCORE_TEST_DATA={folder} has no data folder"
    return path
