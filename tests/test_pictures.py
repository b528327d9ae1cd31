"""Pictures of the pages: each is what the code draws, small, and shown on a page."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from browser import program

pytest.importorskip("matplotlib")
pytest.importorskip("plotly")

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "docs" / "make_pictures.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pictures_show_what_the_code_draws(script: ModuleType) -> None:
    assert script.faults() == []


def test_a_picture_that_is_missing_stale_or_unknown_is_named(
    script: ModuleType, tmp_path: Path
) -> None:
    shutil.copytree(FOLDER, tmp_path / "pictures")
    folder = tmp_path / "pictures"
    (folder / "path.png").unlink()
    data = (folder / "profile.png").read_bytes()
    assert data.count(b"zero gamma 5,065") == 1
    (folder / "profile.png").write_bytes(data.replace(b"zero gamma 5,065", b"zero gamma 5,066"))
    shutil.copy(folder / "ladder.png", folder / "other.png")
    assert [line.split(":")[0] for line in script.faults(folder)] == [
        "path.png", "other.png", "profile.png",
    ]  # fmt: skip


def test_a_drawn_picture_carries_its_text(script: ModuleType, tmp_path: Path) -> None:
    program()  # the report is drawn by a browser
    script.draw(tmp_path)
    assert script.faults(tmp_path) == []


def test_pictures_are_small_and_no_market_is_shown(script: ModuleType) -> None:
    for path in FOLDER.iterdir():
        assert path.suffix == ".png"
        assert 5_000 < path.stat().st_size < 150_000
    assert "synthetic_chain()" in (ROOT / "docs" / "make_pictures.py").read_text("utf-8")


def test_every_picture_is_on_a_page_and_every_link_leads_to_a_file() -> None:
    shown = set()
    for page in (*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"):
        text = re.sub(r"(?ms)^```.*?^```$", "", page.read_text("utf-8"))
        for picture, target in re.findall(r"(!?)\[[^\]]*\]\(([^)#]+?)(?:#[^)]*)?\)", text):
            if "://" in target:
                continue
            path = (page.parent / target).resolve()
            assert path.exists(), f"{page.name} links to {target}"
            shown |= {path} if picture else set()
    assert shown == {path.resolve() for path in FOLDER.iterdir()}
