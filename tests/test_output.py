"""Files are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from gexcore.errors import GexError
from gexcore.output import write_file


def test_an_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "levels.npz"
    target.write_bytes(b"old")

    def breaks(file: object) -> None:
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        write_file(target, breaks)
    assert target.read_bytes() == b"old"
    write_file(target, lambda file: file.write(b"new"))
    assert target.read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["levels.npz"]
    assert target.stat().st_mode & 0o777 == 0o666 & ~umask()


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_full_disk_names_the_path(tmp_path: Path) -> None:
    def full(file: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(GexError, match=r"levels\.npz: cannot be written \(No space left"):
        write_file(tmp_path / "levels.npz", full)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(GexError, match="nowhere"):
        write_file(tmp_path / "nowhere" / "a.npz", lambda file: None)
