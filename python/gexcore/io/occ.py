"""OCC option symbols (root, yymmdd, C or P, strike x 1000) parsed a whole column at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gexcore.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

# the 21 characters of a padded symbol and one more, so that a longer symbol still looks too long
_WIDTH = 22
_TAIL = 15
_ROOT = 6
_ROOT_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789^."


@dataclass(frozen=True, slots=True)
class OccColumns:
    """Columns read from OCC symbols, one row per symbol.

    Args:
        root: (n,) unicode, without padding; "" in an invalid row.
        expiry: (n,) datetime64[D]; NaT in an invalid row.
        is_call: (n,) bool; False in an invalid row.
        strike: (n,) float64, in the currency of the underlying; NaN in an invalid row.
        valid: (n,) bool.

    Example:
        >>> parse_occ(["BRKB240119P00357500"]).strike
        array([357.5])
    """

    root: npt.NDArray[np.str_]
    expiry: npt.NDArray[np.datetime64]
    is_call: npt.NDArray[np.bool_]
    strike: npt.NDArray[np.float64]
    valid: npt.NDArray[np.bool_]


def parse_occ(symbols: Sequence[str] | npt.NDArray[np.str_]) -> OccColumns:
    """Parse a column of OCC symbols, bare or padded to 21 characters.

    The last 15 characters are fixed, so a root may hold digits. A symbol that cannot be read, a
    lower-case one, an impossible date or a zero strike makes its row invalid, never an error.

    Args:
        symbols: (n,) text; None and other objects are invalid rows.

    Returns:
        Columns as long as the input.

    Raises:
        InputError: symbols that are not one column.

    Example:
        >>> columns = parse_occ(["SPXW  240119C04712500", "2SPX240119P00100000", "junk"])
        >>> columns.root.tolist(), columns.strike.tolist(), columns.valid.tolist()
        (['SPXW', '2SPX', ''], [4712.5, 100.0, nan], [True, True, False])
    """
    characters = _characters(symbols)
    lengths = _WIDTH - np.argmax(characters[:, ::-1] != 0, axis=1)
    valid = (lengths > _TAIL) & (lengths < _WIDTH) & (characters < 128).all(axis=1)
    # an invalid row reads its tail from column 0 on, where every index exists
    starts = np.where(valid, lengths - _TAIL, 0)
    tail = np.take_along_axis(characters, starts[:, None] + np.arange(_TAIL), axis=1)
    root, good_root = _roots(characters[:, :_ROOT], starts)
    digits = tail - np.uint32(ord("0"))
    right = tail[:, 6]
    is_call = right == ord("C")
    valid &= good_root & (is_call | (right == ord("P")))
    valid &= (digits[:, :6] <= 9).all(axis=1) & (digits[:, 7:] <= 9).all(axis=1)
    # wrapped-around non-digits would overflow the sums below
    digits = np.where(valid[:, None], digits, 0).astype(np.int64)
    expiry, good_date = _dates(digits[:, :6] @ np.array([100000, 10000, 1000, 100, 10, 1]))
    mills = digits[:, 7:] @ 10 ** np.arange(7, -1, -1)
    valid &= good_date & (mills > 0)
    return OccColumns(
        root=np.where(valid, root, ""),
        expiry=np.where(valid, expiry, np.datetime64("NaT", "D")),
        is_call=is_call & valid,
        strike=np.where(valid, mills / 1000.0, np.nan),
        valid=valid,
    )


def known_contracts(
    root: npt.NDArray[np.str_],
    expiry: npt.NDArray[np.datetime64],
    is_call: npt.NDArray[np.bool_],
    strike: npt.NDArray[np.float64],
    valid: npt.NDArray[np.bool_] | bool = True,
) -> OccColumns:
    """Columns of contracts that came as columns, not as symbols.

    Args:
        root, expiry, is_call, strike: (n,) each.
        valid: (n,) bool, where `is_call` is known.

    Returns:
        Columns in which a row without root, date or positive strike is invalid.

    Example:
        >>> day = np.array(["2024-01-19", "NaT"], dtype="datetime64[D]")
        >>> known_contracts(np.array(["XYZ"] * 2), day, day == day, np.ones(2)).valid.tolist()
        [True, False]
    """
    good = valid & ~np.isnat(expiry) & (strike > 0) & (root != "")
    return OccColumns(
        root=np.where(good, root, ""),
        expiry=np.where(good, expiry, np.datetime64("NaT", "D")),
        is_call=is_call & good,
        strike=np.where(good, strike, np.nan),
        valid=good,
    )


def _characters(symbols: object) -> npt.NDArray[np.uint32]:
    # a fixed width cuts overlong symbols short instead of widening every row to the longest
    width = f"U{_WIDTH}"
    try:
        column = np.array(symbols, dtype=width)
    except (ValueError, TypeError):
        column = np.array(_texts(symbols), dtype=width)
    if column.ndim != 1:
        raise InputError(f"option symbols have {column.ndim} dimensions instead of 1")
    return column.view(np.uint32).reshape(column.size, _WIDTH)


def _texts(symbols: object) -> list[str]:
    if not isinstance(symbols, (list, tuple, np.ndarray)):
        kind = type(symbols).__name__
        raise InputError(f"option symbols must be one column of text, not {kind}")
    return [symbol[:_WIDTH] if isinstance(symbol, str) else "" for symbol in symbols]


def _roots(
    characters: npt.NDArray[np.uint32], lengths: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.bool_]]:
    positions = np.arange(_ROOT)
    inside = positions < lengths[:, None]
    codes = np.where(inside & (characters != ord(" ")), characters, 0)
    allowed = np.zeros(129, dtype=np.bool_)
    allowed[[0, *_ROOT_CHARACTERS]] = True
    sizes = (codes != 0).sum(axis=1)
    # every character before the first blank, none after it, and blanks only as full padding
    good = allowed[np.minimum(codes, 128)].all(axis=1) & (sizes > 0)
    good &= ((codes != 0) == (positions < sizes[:, None])).all(axis=1)
    good &= (sizes == lengths) | (lengths == _ROOT)
    return np.ascontiguousarray(codes).view(f"U{_ROOT}").reshape(-1), good


def _dates(
    yymmdd: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.bool_]]:
    year, month, day = yymmdd // 10000 + 2000, yymmdd // 100 % 100, yymmdd % 100
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + (day - 1)
    dates = days.view("datetime64[D]")
    real = (month >= 1) & (month <= 12) & (day >= 1)
    # 30 February runs over into March
    return dates, real & (dates.astype("datetime64[M]") == months)


def number_roots(columns: OccColumns) -> tuple[list[str], npt.NDArray[np.intp]]:
    """Number the roots of a column, in alphabetical order.

    Args:
        columns: (n,) rows of `parse_occ`.

    Returns:
        The distinct roots ("" first if there are invalid rows), and for each of the n rows the
        index of its root.

    Example:
        >>> number_roots(parse_occ(["SPXW240119C04700000", "SPX240119C04700000"]))
        (['SPX', 'SPXW'], array([1, 0]))
    """
    if columns.root.dtype.itemsize > 4 * _ROOT:  # no OCC root
        found, number = np.unique(columns.root, return_inverse=True)
        return found.tolist(), number
    codes = columns.root.astype(f"U{_ROOT}").view(np.uint32).reshape(-1, _ROOT).astype(np.int64)
    packed = codes @ 256 ** np.arange(_ROOT - 1, -1, -1)
    distinct = np.unique(packed)
    names = [int(code).to_bytes(_ROOT, "big").rstrip(b"\0").decode("ascii") for code in distinct]
    return names, np.searchsorted(distinct, packed)


def duplicate_rows(columns: OccColumns) -> npt.NDArray[np.bool_]:
    """Mark rows whose root, expiry, strike and type occurred in an earlier row.

    Args:
        columns: (n,) rows of `parse_occ`.

    Returns:
        (n,) bool, True from the second occurrence on; an invalid row is never a duplicate.

    Example:
        >>> duplicate_rows(parse_occ(["SPX240119C04700000"] * 2 + ["SPX240119P04700000"]))
        array([False,  True, False])
    """
    roots = number_roots(columns)[1].astype(np.int64)
    days = columns.expiry.astype("datetime64[D]").astype(np.int64)
    prices = np.where(columns.valid, columns.strike, 0.0)
    mills = np.rint(prices * 1000.0).astype(np.int64)
    if mills.max(initial=0) >= 1 << 27 or (np.abs(mills - prices * 1000.0) > 1e-3).any():
        mills = np.unique(prices, return_inverse=True)[1]  # finer or larger than OCC writes them
    # 16 bits of days since 1970, 27 of strike in thousandths and 1 of type leave 19 for the root
    packed = (((roots << 16 | days) << 27 | mills) << 1) | columns.is_call
    repeated = np.zeros(packed.size, dtype=np.bool_)
    rows = np.flatnonzero(columns.valid)
    keys = packed[rows]
    ordered = np.sort(keys)
    if not (ordered[1:] == ordered[:-1]).any():
        return repeated
    order = np.argsort(keys, kind="stable")
    later = order[1:][keys[order[1:]] == keys[order[:-1]]]
    repeated[rows[later]] = True
    return repeated
