"""The bytes of a chain file: fetched, unpacked, decoded, and refused when they are no chain."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from gexcore.errors import ChainFileError, InputError

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    import numpy.typing as npt

    from gexcore.io.occ import OccColumns


@dataclass(frozen=True, slots=True)
class Loaded:
    """The text of a file that has been read already, and its name."""

    text: str
    name: str


FileSource = str | os.PathLike[str] | bytes | BinaryIO | Loaded

# a chain of 30,000 contracts is 10 MB; beyond this a small archive is a trap
_MAX_BYTES = 1 << 30

_MAGIC = {
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"%PDF": "a PDF document",
    b"SQLite": "a SQLite database",
    b"\x1f\x8b": "a gzip file inside a gzip file",
    b"BZh": "a bzip2 file",
    b"\x28\xb5\x2f\xfd": "a zstandard file",
    b"\xfd7zXZ": "an xz file",
}

# a key of the file, in lower case -> who writes it
_VENDORS = {
    "contractsymbol": "yfinance",
    "optionchain": "Yahoo",
    "root_symbol": "Tradier",
    "option_type": "Tradier",
    "results": "Polygon",
    "details": "Polygon",
    "details.ticker": "Polygon",
    "details.strike_price": "Polygon",
    "instrument_name": "Deribit",
    "jsonrpc": "Deribit",
    "expirdate": "ORATS",
    "raw_symbol": "Databento",
    "instrument_class": "Databento",
    "#expiry": "LEAN",
    "callexpdatemap": "Schwab",
    "putexpdatemap": "Schwab",
}


@dataclass(frozen=True, slots=True)
class RawQuotes:
    """What one vendor file says, before anything is concluded from it.

    Args:
        name: the file, for messages.
        vendor: whose file it is, and of which kind.
        spot: price of the underlying, > 0; NaN if the file does not say.
        spot_from: where the spot was found.
        printed: printed time, or the error to raise if that time is needed.
        printed_text: the printed time as it stands in the file.
        underlying: symbol of the underlying; "" if the file does not say.
        symbols: n OCC symbols, or the columns that they would be parsed into.
        columns: (n,) float64 arrays by name, NaN where missing.
        broken: (n,) bool, rows that were cut short or are not records.
        multiplier: shares or coins per contract, one number or (n,).
        multiplier_from: where that comes from; "": the vendor's standard contract.
        given: further arguments of `Chain.from_arrays`.
        forward: (n,) forwards that vols and greeks of the file were made with, at rate 0; or None.
        forward_from: where they were found.
        adjusted: (n,) bool, contracts whose deliverable is not the standard one; or False.
        placeholders: (n,) bool, vols that stand for "unknown"; or False.
        always_open: there is no weekend: the printed time is the time of the quotes.
        notes: what else should be known about the file, for the manifest.
    """

    name: str
    vendor: str
    spot: float
    spot_from: str
    printed: datetime | ChainFileError
    printed_text: str
    underlying: str
    symbols: Sequence[str] | OccColumns
    columns: dict[str, npt.NDArray[np.float64]]
    broken: npt.NDArray[np.bool_]
    multiplier: Any = 100.0
    multiplier_from: str = ""
    given: dict[str, Any] = field(default_factory=dict)
    forward: Any = None
    forward_from: str = ""
    adjusted: Any = False
    placeholders: Any = False
    always_open: bool = False
    notes: dict[str, str] = field(default_factory=dict)


def file_error(
    name: str, message: str, *, line: int | None = None, hint: str | None = None
) -> ChainFileError:
    """Build the error of a file that cannot be read, always one line.

    Args:
        name: the file.
        message: what is wrong.
        line: line number from 1, where there is one.
        hint: what the caller can do.

    Returns:
        The error, to be raised.

    Example:
        >>> str(file_error("a.csv", "no spot", line=2))
        'a.csv, line 2: no spot'
    """
    place = name if line is None else f"{name}, line {line}"
    return ChainFileError(f"{place}: {message}", hint=hint)


def shown(value: object, limit: int = 60) -> str:
    """Quote something found in a file: printable ASCII, one line, cut to a length.

    Args:
        value: what was found.
        limit: characters kept.

    Returns:
        Quoted text.

    Example:
        >>> shown("a" * 9, limit=5)
        "'aaaaa...'"
    """
    text = str(value)
    return ascii(text if len(text) <= limit else text[:limit] + "...")


def read_text(source: FileSource, name: str | None = None) -> tuple[str, str]:
    """Read a chain file into text, unpacking gzip or a zip of one file, without byte order mark.

    Args:
        source: path, bytes, or an open binary file.
        name: of the file, where the bytes have been fetched already.

    Returns:
        The text, and the name of the file for messages.

    Raises:
        ChainFileError: a file that cannot be opened, is empty, or does not hold text.
        InputError: a source of another type, or a file opened as text.

    Example:
        >>> read_text(b"\\xef\\xbb\\xbfDate")
        ('Date', '<bytes>')
    """
    if isinstance(source, Loaded):
        return source.text, source.name
    data, found = fetch(source)
    name = name or found
    if data[:2] == b"\x1f\x8b":
        data = _unpack(data, name)
    elif data[:4] == b"PK\x03\x04":
        data, name = _unzip(data, name)
    if not data.strip(b" \t\r\n\0"):
        raise file_error(name, "the file is empty", hint="download the chain again")
    text = _decode(data, name)
    head = text.lstrip()[:1]
    if head == "<":
        raise file_error(
            name,
            "this is a web page (HTML or XML), not a chain",
            hint="the site answered with a page; download the quotes again",
        )
    if not head:
        raise file_error(name, "the file is empty", hint="download the chain again")
    return text, name


def fetch(source: FileSource) -> tuple[bytes, str]:
    """The bytes of a file as they are, and its name for messages."""
    if isinstance(source, Loaded):
        return source.text.encode(), source.name
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source), "<bytes>"
    if isinstance(source, (str, os.PathLike)):
        return _fetch_path(os.fspath(source))
    if not hasattr(source, "read"):
        kind = type(source).__name__
        raise InputError(f"a chain file must be a path, bytes or a binary file, not {kind}")
    name = str(getattr(source, "name", "<stream>"))
    data: object = None
    try:
        data = source.read()
    except OSError as error:
        raise file_error(name, f"cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        # only a text stream decodes; the check below names the mistake
        pass
    if not isinstance(data, bytes):
        raise InputError(
            f"{name} was opened as text", hint="open it with 'rb', or pass sys.stdin.buffer"
        )
    return data, name


def _fetch_path(path: str) -> tuple[bytes, str]:
    name = path if path.isprintable() and len(path) < 400 else shown(path)
    try:
        return Path(path).read_bytes(), name
    except OSError as error:
        reason = error.strerror or str(error)
    except ValueError:
        reason = "not a path"
    hint = "check the path"
    raise file_error(name, f"cannot be read ({reason})", hint=hint) from None


def _unpack(data: bytes, name: str) -> bytes:
    import gzip
    import io
    import zlib

    try:
        with gzip.open(io.BytesIO(data)) as packed:
            plain = packed.read(_MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        message = f"the gzip data is damaged or cut short ({error})"
        raise file_error(name, message, hint="download the chain again") from None
    if len(plain) > _MAX_BYTES:
        raise file_error(name, "the gzip data unpacks to more than 1 GiB, which no chain does")
    return plain


def _unzip(data: bytes, name: str) -> tuple[bytes, str]:
    """The only file in a zip archive, and its name; anything else is refused.

    Raises:
        ChainFileError: no sound archive of one file; bars of trades are told by name.
    """
    import io
    import zipfile
    import zlib

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            names = [member.filename for member in members]
            if any("_minute_" in each for each in names):
                message = "this zip archive holds minute bars of trades and quotes, not a chain"
                hint = (
                    "gexcore.io.read_minute_bars reads them; docs/flow.md makes positions of trades"
                )
                raise file_error(name, message, hint=hint)
            if len(members) != 1 or members[0].file_size > _MAX_BYTES:
                message = f"this is a zip archive of {len(members):,} files, not one chain"
                raise file_error(name, message, hint="unpack it first")
            return archive.read(members[0]), names[0]
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        message = f"the zip archive is damaged or locked ({shown(error)})"
        raise file_error(name, message, hint="download the chain again") from None


def _decode(data: bytes, name: str) -> str:
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            hint = "unpack it, or export the chain as JSON or CSV"
            raise file_error(name, f"this is {kind}, not a chain", hint=hint)
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = None if wide else data.count(b"\n", 0, error.start) + 1
        message = f"this is not text (byte {error.start} is not {error.encoding})"
        raise file_error(name, message, line=line, hint="save the file as UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise file_error(name, "this is a binary file, not a chain", line=line)
    return text


def refusal_of(document: Any) -> str:
    """What an answer without data says: the words of its error, or "".

    Example:
        >>> refusal_of({"status": "ERROR", "error": {"message": "no such key", "code": 7}})
        'no such key'
    """
    if isinstance(document, list):
        return next(filter(None, map(refusal_of, document)), "")
    if not isinstance(document, dict):
        return ""
    for key in ("message", "error", "fault", "faultstring", "errors", "detail", "description"):
        said = document.get(key)
        found = said if isinstance(said, str) else refusal_of(said)
        if found:
            return found
    return ""


def name_vendor(keys: Iterable[object]) -> str | None:
    """Tell whose file this is from its keys or column names.

    Args:
        keys: names found in the file.

    Returns:
        Name of a vendor other than CBOE, None if no key is known.

    Example:
        >>> name_vendor(["strike", "contractSymbol"])
        'yfinance'
    """
    for key in keys:
        vendor = _VENDORS.get(str(key).strip().lower())
        if vendor is not None:
            return vendor
    return None
