"""The recorder: what a live book is fed with, kept in a file that survives a kill."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from gexcore.book import Book
from gexcore.chain import Chain
from gexcore.errors import GexError
from gexcore.feed import Event, feed_event, slots_of
from gexcore.recording.journal import Journal
from gexcore.recording.lines import HEAD, VERSION, event_line, line_of, time_text
from gexcore.recording.parquet import need_pyarrow, write_parquet
from gexcore.recording.states import book_to_dict
from gexcore.trades import Trades


def journal_of(path: Path) -> Path:
    """Where a recording grows: Parquet, whose footer comes last, is made of lines when closed."""
    return path.with_name(f"{path.name}.jsonl") if path.suffix == ".parquet" else path


class Recorder:
    """Feeds a book and records what it is fed with; `recording.read` gives it back.

    The methods that change a `Book` are here under their names: each event is written as it is
    read again, then fed. What the book refuses is not recorded. Events may come from any thread.
    Within a second an event is on the disk, so that a killed recorder loses at most the last one.

    Args:
        source: the book to be fed, as it is now; or a chain, of which a Book is made.
        path: a new file. "*.parquet" (needs the extra "live") grows as "*.parquet.jsonl" and
            becomes Parquet when closed; a killed one is read from there. Else JSON lines.
        now: the time of events that are given without one.

    Raises:
        GexError: the file is there already or cannot be written; names the path.

    Example:
        >>> import gexcore as gex
        >>> with gex.Recorder(gex.synthetic_chain(n=2000), "feed.jsonl") as recorder:
        ...     recorder.set_spot(5010.0)
        ...     recorder.update(7, implied_vol=0.15)
        >>> book = gex.read_recording("feed.jsonl").replay().book
        >>> book.levels().to_dict() == recorder.book.levels().to_dict()
        True
    """

    def __init__(
        self,
        source: Book | Chain,
        path: str | os.PathLike[str],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.book = source if isinstance(source, Book) else Book(source)
        self.path, self._now, self._lock = Path(path), now, RLock()
        self._lines: list[str] = []
        self._depth = 0
        if self.path.suffix == ".parquet":
            need_pyarrow(str(self.path))
            if self.path.exists():
                raise GexError(f"{self.path}: is there already", hint="name a new file")
        with self._lock:
            head = {"kind": HEAD, "version": VERSION, "time": time_text(now())}
            self._journal = Journal(journal_of(self.path))
            self._journal.write(line_of({**head, **book_to_dict(self.book)}))
            self._journal.sync()
        self._close = weakref.finalize(self, self._journal.close)  # also when the program ends

    def write(self, event: Event) -> Any:
        """Feed and record one event, whose rows are slots; returns what the book's method does.

        Raises:
            InputError, ConventionError: as `feed_event`; nothing is recorded then.
            GexError: the file cannot be written; the book has been fed, and the event is written
                once there is room.
        """
        line = event_line(event)
        with self._lock:
            at = len(self._lines)
            self._lines.append(line)  # before what a callback of the book may write
            self._depth += 1
            try:
                return feed_event(self.book, event)
            except Exception as error:
                told = isinstance(error, ExceptionGroup) or hasattr(error, "__notes__")
                if not told:  # else callbacks failed, and the book was fed
                    self._lines[at] = ""
                raise
            finally:
                self._depth -= 1
                if not self._depth:
                    lines, self._lines = self._lines, []
                    for line in filter(None, lines):
                        self._journal.write(line)

    def _write(self, kind: str, rows: Any = None, **values: Any) -> Any:
        given = {name: value for name, value in values.items() if value is not None}
        with self._lock:  # rows are not renumbered on the way
            return self.write(Event(self._now(), kind, slots_of(self.book, rows), given))

    def update(
        self,
        rows: Any,
        implied_vol: Any = None,
        open_interest: Any = None,
        contracts: Any = None,
        bid: Any = None,
        ask: Any = None,
    ) -> None:
        """As `Book.update`."""
        quoted = any(value is not None for value in (implied_vol, bid, ask))
        if not quoted and open_interest is None and contracts is None:
            self.book.update(rows)  # nothing to record
            return
        kind = "quote" if quoted else "contracts" if open_interest is None else "open_interest"
        self._write(
            kind, rows, implied_vol=implied_vol, open_interest=open_interest, contracts=contracts,
            bid=bid, ask=ask,
        )  # fmt: skip

    def apply_trades(self, trades: Trades, *signing: Any, **options: Any) -> dict[str, int]:
        """As `Book.apply_trades`."""
        given = dict(zip(("rule", "accuracy"), signing, strict=False)) | options
        return self._write("trade", trades=trades, **given)  # type: ignore[no-any-return]

    def set_spot(self, spot: float) -> None:
        """As `Book.set_spot`."""
        self._write("spot", spot=spot)

    def set_time(self, when: Any) -> None:
        """As `Book.set_time`."""
        self._write("clock", when=when)

    def add_rows(self, chain: Chain, contracts: Any = None) -> npt.NDArray[np.int64]:
        """As `Book.add_rows`."""
        return self._write("add", chain=chain, contracts=contracts)  # type: ignore[no-any-return]

    def remove_rows(self, rows: Any) -> None:
        """As `Book.remove_rows`."""
        self._write("remove", rows)

    def compact(self) -> npt.NDArray[np.int64]:
        """As `Book.compact`."""
        return self._write("compact")  # type: ignore[no-any-return]

    def sync(self) -> None:
        """Bring all events to the disk now."""
        self._journal.sync()

    def close(self) -> None:
        """Finish the file; again does nothing.

        Raises:
            GexError: it cannot be written; what was recorded is kept beside it and can be read.
        """
        with self._lock:
            self._journal.close()
            grown = self._journal.path
            if grown != self.path and grown.exists():
                write_parquet(self.path, grown)
                grown.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Recorder {self.path}: {self.book!r}>"
