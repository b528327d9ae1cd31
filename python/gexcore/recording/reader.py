"""Recordings read back: the book they begin with, then their events."""

from __future__ import annotations

import json
import os
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from gexcore.book import Book
from gexcore.errors import ChainFileError, InputError
from gexcore.feed import Event
from gexcore.recording.lines import HEAD, VERSION, Unusable, event_of
from gexcore.recording.numbers import Json
from gexcore.recording.parquet import read_parquet
from gexcore.recording.recorder import journal_of
from gexcore.recording.states import book_from_dict
from gexcore.replay import Drops, Replay

_decode = json.JSONDecoder().decode
_MAGIC = {
    b"\x1f\x8b": "a gzip file: unpack it first",
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"\x28\xb5\x2f\xfd": "a zstandard file: unpack it first",
    b"%PDF": "a PDF document",
    b"<": "a web page",
}
_HINT = "`gexcore record --synthetic -o feed.jsonl` makes one; docs/feed.md says what is in it"


class Recording:
    """A recorded stream: the book that it begins with, then its events; see `read_recording`.

    Iterate over it once; at its end the file is closed. `drops` counts what was left out so far,
    `share` is how much of the file has been read (None where that is unknown), `place` names the
    line of the last event.
    """

    def __init__(
        self,
        name: str,
        records: Iterator[tuple[int, Any, float | None]],
        close: Callable[[], Any],
    ) -> None:
        self.close = weakref.finalize(self, close)
        self.name, self.drops = name, Drops()
        self.share: float | None = 0.0
        self._line, self._records = 1, records
        self._head = self._begin()

    def _begin(self) -> Json:
        line, head, _ = next(self._records, (1, None, None))
        if isinstance(head, Unusable):
            what = f"is no recording ({head})"
            if head.reason == "torn":
                what = "is cut short in its first line, the chain"
            raise ChainFileError(f"{self.name}, line {line}: {what}", hint=_HINT)
        if head is None:
            raise ChainFileError(f"{self.name}: the file is empty", hint=_HINT)
        if not isinstance(head, dict) or head.get("kind") != HEAD:
            message = f"is no recording: it does not begin with a {HEAD}"
            raise ChainFileError(f"{self.name}, line {line}: {message}", hint=_HINT)
        version = head.get("version")
        if version != VERSION:
            raise ChainFileError(
                f"{self.name}, line {line}: version {str(version)[:20]!r} of the stream, "
                f"{VERSION} can be read",
                hint="use the gexcore that recorded it",
            )
        self._line = line
        return head

    @property
    def place(self) -> str:
        """The file, and the line of the last event."""
        return f"{self.name}, line {self._line}"

    def book(self) -> Book:
        """A new book as it was when the recording began, bit for bit.

        Raises:
            ChainFileError: the chain cannot be used; names the file.
        """
        try:
            return book_from_dict(self._head)
        except KeyError as error:
            why = f"{error.args[0]} is missing"
        except (TypeError, ValueError, AttributeError, OverflowError, IndexError) as error:
            why = str(error)[:300]
        raise ChainFileError(f"{self.place}: the chain cannot be used: {why}")

    def __iter__(self) -> Iterator[Event]:
        for line, record, share in self._records:
            self._line, self.share = line, share
            try:
                if isinstance(record, Unusable):
                    raise record
                yield event_of(record)
            except Unusable as error:
                self.drops.add(error.reason, self.place, str(error))
        self.close()

    def replay(self, **options: Any) -> Replay:
        """Feed all events to a new book; see `Replay` for the options."""
        replay = Replay(self.book(), self, **options)
        replay.run()
        return replay

    def __repr__(self) -> str:
        return f"<Recording {self.name}>"


def read_recording(source: str | os.PathLike[str] | BinaryIO) -> Recording:
    """Open a recorded stream.

    Args:
        source: path of JSON lines or Parquet, or an open binary file. Of a Parquet recording that
            was not closed, because its recorder was killed or still runs, the lines are read from
            which it grows.

    Returns:
        Recording.

    Raises:
        ChainFileError: no such file, empty, cut short in its first line, no recording, or one of
            another version; names the file and the line. InputError: Parquet without pyarrow.

    Example:
        >>> import gexcore as gex
        >>> with gex.Recorder(gex.synthetic_chain(n=2000), "feed.jsonl") as recorder:
        ...     recorder.set_spot(5010.0)
        >>> recording = gex.read_recording("feed.jsonl")
        >>> book = recording.book()
        >>> [(event.kind, event.values["spot"]) for event in recording]
        [('spot', 5010.0)]
    """
    if hasattr(source, "read"):
        return _opened(source, str(getattr(source, "name", "<stream>")), lambda: None)
    if not isinstance(source, str | os.PathLike):
        kind = type(source).__name__
        raise InputError(f"a recording must be a path or a binary file, not {kind}")
    path = Path(source)
    if not path.exists() and journal_of(path).exists():
        path = journal_of(path)
    name = str(path) if str(path).isprintable() else ascii(str(path))
    try:
        file = path.open("rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise ChainFileError(f"{name}: cannot be read ({reason})", hint="check the path") from None
    try:
        return _opened(file, name, file.close)
    except BaseException:
        file.close()
        raise


def _opened(file: Any, name: str, close: Callable[[], Any]) -> Recording:
    start = file.peek(4)[:4] if hasattr(file, "peek") else b""
    if start == b"PAR1":
        events = enumerate(read_parquet(name, file), start=1)
        return Recording(name, ((at, record, share) for at, (record, share) in events), close)
    for magic, kind in _MAGIC.items():
        if start.startswith(magic):
            raise ChainFileError(f"{name}: is {kind}, not a recording", hint=_HINT)
    return Recording(name, _lines(file, name), close)


def _lines(file: Any, name: str) -> Iterator[tuple[int, Any, float | None]]:
    """Number, JSON value or why there is none, and share of the file read, of each line."""
    try:
        size = os.fstat(file.fileno()).st_size  # 0 of a pipe
    except (OSError, AttributeError):
        size = 0
    done = number = 0
    try:
        for number, line in enumerate(file, start=1):
            done += len(line)
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")  # some editors begin UTF-8 with it
            if line.isspace():
                continue
            yield number, _value(line), done / size if size else None
    except OSError as error:
        message = f"{name}, line {number + 1}: cannot be read ({error.strerror})"
        raise ChainFileError(message) from None


def _value(line: bytes) -> Any:
    try:
        return _decode(str(line, "utf-8"))
    except (ValueError, RecursionError) as error:
        if line.lstrip()[:1] == b"{" and not line.endswith(b"\n"):
            return Unusable("torn", "the last line is cut short")
        why = error.msg if isinstance(error, json.JSONDecodeError) else "not text"
        return Unusable("unreadable", f"not JSON: {why}")
