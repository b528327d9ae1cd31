"""A bar on the terminal for work of more than two seconds, drawn by tqdm or rich, if installed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from importlib import import_module
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE = 2.0  # seconds of work before a bar appears
_shown: list[_Bar] = []  # at most one: an inner loop stays silent under an outer one


def progress(iterable: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """The same items, with a bar on standard error once they have taken two seconds.

    The bar needs a terminal, and tqdm or rich; it is gone when the work is done.

    Args:
        iterable: what is worked through.
        what: the items in a word or two, plain text.
        total: how many; default the length of `iterable`, if it has one.

    Returns:
        Iterator over the items.

    Example:
        >>> list(progress([1, 2, 3], "steps"))
        [1, 2, 3]
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield from iterable
        return
    if total is None:
        total = len(iterable) if isinstance(iterable, Sized) else None
    begin, bar = time.monotonic(), None
    try:
        for done, item in enumerate(iterable):
            if bar is not None:
                bar.advance()
            elif time.monotonic() - begin > PATIENCE and not _shown:
                bar = _Bar(what, total, done)
            yield item
    finally:
        if bar is not None:
            bar.close()


def end_progress() -> None:
    """Take the bar away, for what is to be printed instead."""
    for bar in [*_shown]:
        bar.close()


class _Bar:
    def __init__(self, what: str, total: int | None, done: int) -> None:
        self.advance, self._close = _drawn(what, total, done)
        _shown.append(self)

    def close(self) -> None:
        if self in _shown:
            _shown.remove(self)
            self._close()


def _drawn(what: str, total: int | None, done: int) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """How a bar is moved on by one item, and ended."""
    try:
        options = {"total": total, "initial": done, "leave": False, "file": sys.stderr}
        bar = import_module("tqdm").tqdm(desc=what, **options)
        return bar.update, bar.close
    except ImportError:
        pass
    try:
        console = import_module("rich.console").Console(stderr=True)
        live = import_module("rich.progress").Progress(console=console, transient=True)
    except ImportError:
        return (lambda: None), (lambda: None)
    task = live.add_task(what, total=total, completed=done)
    live.start()
    return (lambda: live.advance(task)), live.stop
