"""What a live book is fed with: events, each with its time, and which method each one calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from gexcore.book import Book
from gexcore.errors import ConventionError


class Event(NamedTuple):
    """One change of a book.

    Args:
        time: when it was seen, with zone; the book's own clock moves by events of kind "clock".
        kind: one of `KINDS`.
        rows: slots of the book, a number or an int64 array, counted from 0: row numbers until the
            first `compact`, see `slots_of`; None where a kind has no rows.
        values: arguments of the method that the kind calls, by name; numbers, or arrays as long
            as `rows`.
    """

    time: datetime
    kind: str
    rows: Any = None
    values: Mapping[str, Any] = {}


def _update(book: Book, rows: Any, values: Mapping[str, Any]) -> None:
    book.update(rows, **values)


def slots_of(book: Book, rows: Any) -> Any:
    """Slots, from 0, of some row numbers of a book; None and what is no number stay as they are.

    Example:
        >>> import gexcore as gex
        >>> slots_of(gex.Book(gex.synthetic_chain(n=20)), 7)
        7
    """
    first = book._core.first_row
    if not first or rows is None:
        return rows
    return rows - first if isinstance(rows, int) else np.asarray(rows) - first


# What each kind calls; "quote", "open_interest" and "contracts" may name any value of `update`.
_CALLS: Mapping[str, Callable[[Book, Any, Mapping[str, Any]], Any]] = {
    "quote": _update,
    "open_interest": _update,
    "contracts": _update,
    "spot": lambda book, _, values: book.set_spot(values["spot"]),
    "clock": lambda book, _, values: book.set_time(values["when"]),
    "add": lambda book, _, values: book.add_rows(values["chain"], values.get("contracts")),
    "trade": lambda book, _, values: book.apply_trades(**values),
    "remove": lambda book, rows, _: book.remove_rows(rows),
    "compact": lambda book, _, __: book.compact(),
}
KINDS = tuple(_CALLS)
UPDATES = KINDS[:3]


def feed_event(book: Book, event: Event) -> Any:
    """Let one event change a book.

    Args:
        book: to be changed.
        event: by kind "quote", "open_interest", "contracts": `update`; "spot": `set_spot`;
            "clock": `set_time`, its `when`; "trade": `apply_trades`; "add": `add_rows`;
            "remove": `remove_rows`; "compact": `compact`.

    Returns:
        What the method returns.

    Raises:
        ConventionError: no such kind. InputError: as the method; nothing has changed then.

    Example:
        >>> import gexcore as gex
        >>> from datetime import UTC, datetime
        >>> book = gex.Book(gex.synthetic_chain(n=2000))
        >>> feed_event(book, Event(datetime.now(UTC), "spot", None, {"spot": 5010.0}))
        >>> book.levels().spot
        5010.0
    """
    call = _CALLS.get(event.kind)
    if call is None:
        raise ConventionError(
            f"event: there is no kind {event.kind!r}", hint=f"kinds: {', '.join(KINDS)}"
        )
    rows, first = event.rows, book._core.first_row
    return call(book, rows + first if first and rows is not None else rows, event.values)
