"""Files that the library writes: whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

from gexcore.errors import GexError

if TYPE_CHECKING:
    from pathlib import Path


def write_file(path: Any, write: Callable[[BinaryIO], object]) -> Path:
    """Let `write` fill a new file, then put it in the place of `path`.

    Args:
        path: where to; an older file stays as it is until the new one is complete.
        write: gets a binary file.

    Returns:
        The path.

    Raises:
        GexError: the folder does not exist, is read-only or full; names the path.

    Example:
        >>> write_file("greeting.txt", lambda file: file.write(b"hello")).read_bytes()
        b'hello'
    """
    import tempfile  # slow to import, and seldom needed
    from pathlib import Path

    target = Path(path)
    part = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        part = Path(name)
        with os.fdopen(handle, "wb") as file:
            write(file)
        mask = os.umask(0)
        os.umask(mask)
        part.chmod(0o666 & ~mask)  # as if it had been opened plainly
        part.replace(target)
    except BaseException as error:
        if part is not None:
            part.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        reason = error.strerror or str(error)
        raise GexError(
            f"{target}: cannot be written ({reason})", hint="is the folder there, with room?"
        ) from None
    return target
