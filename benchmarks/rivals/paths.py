"""W7 and W8: whole paths, from a chain in memory and from a CBOE file."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import books

from rivals import Run, rival


@rival("W7", "gexcore")
def analyze(rows: int) -> Run:
    import gexcore as gex

    chain = gex.synthetic_chain(rows)
    return lambda: gex.analyze(chain)


class File:
    """The synthetic chain in CBOE's schema, in a folder that goes with the object."""

    def __init__(self, rows: int) -> None:
        import gexcore as gex

        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "spx.json"
        self.path.write_text(books.cboe_text(gex.synthetic_chain(rows)), encoding="utf-8")


@rival("W8", "gexcore", remark="with the extra `fast` if it is installed")
def file_to_levels(rows: int) -> Run:
    import gexcore as gex

    file = File(rows)
    return lambda: gex.analyze(gex.read_cboe(file.path))


@rival("W8", "gexcore, without `fast`")
def file_to_levels_by_json(rows: int) -> Run:
    whole_path = file_to_levels(rows)

    def run() -> Any:
        with books.without_fast():
            return whole_path()

    return run


@rival("W8", "json.load alone")
def read_json(rows: int) -> Run:
    file = File(rows)

    def load() -> Any:
        with file.path.open(encoding="utf-8") as stream:
            return json.load(stream)

    return load


@rival("W8", "msgspec alone", remark="decodes everything")
def read_msgspec(rows: int) -> Run:
    import msgspec

    file = File(rows)
    return lambda: msgspec.json.decode(file.path.read_bytes())
