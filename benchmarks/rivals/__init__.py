"""Other libraries doing the same work: one module per work, one factory per library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Run = Callable[[], Any]


class Rival(NamedTuple):
    """`make(inputs)` imports the library, prepares and returns the call to be timed."""

    work: str
    library: str
    make: Callable[[Any], Run]
    rows: int | None  # slow ones are timed on fewer rows
    remark: str


RIVALS: list[Rival] = []


def rival(
    work: str, library: str, rows: int | None = None, remark: str = ""
) -> Callable[[Callable[[Any], Run]], Callable[[Any], Run]]:
    """Register a factory."""

    def register(make: Callable[[Any], Run]) -> Callable[[Any], Run]:
        RIVALS.append(Rival(work, library, make, rows, remark))
        return make

    return register
