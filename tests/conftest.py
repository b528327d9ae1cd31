"""Fixtures that several tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from gexcore.io import cboe_fast
from hypothesis import settings

settings.register_profile("suite", deadline=None)  # no test fails for the time it took
settings.load_profile("suite")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder with real chains (`data/`) and published numbers (`reference/`)."""
    folder = os.environ.get("GEXCORE_TEST_DATA")
    if not folder:
        pytest.skip("GEXCORE_TEST_DATA is not set: real chains are not at hand")
    path = Path(folder)
    assert (path / "data").is_dir(), f"GEXCORE_TEST_DATA={folder} has no data folder"
    return path


@pytest.fixture(scope="module", params=["json", "msgspec"])
def decoder(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every test that uses it runs with the standard library's decoder and with the extra's."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "json":
            patch.setattr(cboe_fast, "_decoder", lambda: None)
        else:
            pytest.importorskip("msgspec", reason="needs the extra: pip install '.[fast]'")
        yield request.param
