"""A file of lines that survives a kill: what was written is on the disk within a second."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock, Thread

from gexcore.errors import GexError

PERIOD = 0.5  # seconds between two syncs; half of what may be lost leaves time for the disk
_FULL = 1 << 20  # characters that are handed to the system at once, without waiting


def disk_error(path: Path, error: OSError) -> GexError:
    """The one line that tells why a recording cannot be written."""
    reason = error.strerror or str(error)
    return GexError(
        f"{path}: cannot be written ({reason})", hint="is the folder there, writable, with room?"
    )


class Journal:
    """Lines appended to a new file by any thread; a thread of its own syncs it to the disk.

    Args:
        path: a file that is not there yet.
        period: seconds between two syncs.
        sync: what makes the disk keep a file descriptor's bytes.

    Raises:
        GexError: the file is there already, or cannot be made; names the path.
    """

    def __init__(
        self, path: Path, period: float = PERIOD, sync: Callable[[int], object] = os.fsync
    ) -> None:
        self.path, self._period, self._sync = path, period, sync
        try:
            self._file = path.open("xb", buffering=0)
        except FileExistsError:
            raise GexError(f"{path}: is there already", hint="name a new file") from None
        except OSError as error:
            raise disk_error(path, error) from None
        self._lock, self._stop = Lock(), Event()
        self._pending: list[str] = []
        self._rest = b""  # what the disk had no room for
        self._size, self._dirty = 0, False
        self._owner = os.getpid()
        self._failed: OSError | None = None  # to write
        self._unsynced: OSError | None = None  # the disk did not take what was written
        self._thread = Thread(target=self._keep, name="gexcore journal", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Append a line; it is kept for the next sync even where this raises.

        Raises:
            GexError: an earlier line could not be written and still cannot, or the file is closed,
                or this is a forked child.
        """
        with self._lock:
            if self._file.closed or self._owner != os.getpid():
                why = "is closed" if self._file.closed else "belongs to the parent process"
                raise GexError(f"{self.path}: {why}", hint="make another Recorder")
            self._pending.append(line)
            self._size += len(line)
            if self._size > _FULL or self._failed is not None:
                self._drain()
            error, self._unsynced = self._unsynced, None
            if error is not None:
                raise disk_error(self.path, error)

    def sync(self) -> None:
        """Bring all lines to the disk.

        Raises:
            GexError: they cannot be written; names the path.
        """
        with self._lock:
            self._drain()
            self._dirty = False
        try:
            self._sync(self._file.fileno())
        except OSError as error:
            raise disk_error(self.path, error) from None

    def close(self) -> None:
        """Sync and close; again does nothing.

        Raises:
            GexError: lines cannot be written; the file is open still, to close it again.
        """
        if self._file.closed or self._owner != os.getpid():
            return
        self._stop.set()
        self._thread.join()
        self.sync()
        self._file.close()

    def _drain(self) -> None:
        """Hand all lines to the system; a part that it takes is not handed over twice."""
        self._rest += "".join(self._pending).encode()
        self._pending.clear()
        self._size = 0
        self._failed = None
        try:
            while self._rest:
                self._rest = self._rest[self._file.write(self._rest) or 0 :]
                self._dirty = True
        except OSError as error:
            self._failed = error
            raise disk_error(self.path, error) from None

    def _keep(self) -> None:
        while not self._stop.wait(self._period):
            try:
                with self._lock:
                    if self._pending or self._rest:
                        self._drain()
                    dirty, self._dirty = self._dirty, False
                if dirty:  # outside the lock: a slow disk holds nobody up
                    self._sync(self._file.fileno())
            except GexError:
                pass  # the next write tells
            except OSError as error:
                self._unsynced = error
