"""From what a vendor's file says to the arguments of a chain: one way for all vendors."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from gexcore.clock import AsOf, resolve_as_of
from gexcore.errors import ChainFileError, ConventionError
from gexcore.io.occ import OccColumns, duplicate_rows, number_roots, parse_occ
from gexcore.io.source import RawQuotes, file_error, shown
from gexcore.io.splits import listed_before_a_split, odd_strikes
from gexcore.rates import Rates

if TYPE_CHECKING:
    import numpy.typing as npt

    from gexcore.chain import Chain

    Bool = npt.NDArray[np.bool_]
    Float64 = npt.NDArray[np.float64]

# the Strike column is printed with two decimals
_STRIKE_TOLERANCE = 0.00501
_STANDARD = ("implied_vol", "open_interest", "bid", "ask", "volume")
# endings of roots that settle on the same underlying: SPXW, NDXP, SPXPM
_ENDINGS = frozenset({"", "W", "P", "Q", "AM", "PM"})
_PERCENT_FROM = 3.0  # median vol: no listing of 300%, none below 3%
_MIXED = (0.1, 1.0, 5.0)  # this share of vols below the one and above the other: two units
VOL_UNITS = ("auto", "decimal", "percent")
_PAIRS = 11
_LONGEST = 40  # characters of an underlying's symbol


class Conventions(TypedDict, total=False):
    """Options of every reader.

    Args:
        spot: price of the underlying, for sources that do not say it or say it late.
        underlying: its symbol, for reports.
        rate, dividend_yield, rates, clock: as in `Chain.from_arrays`.
        as_of: "auto", "printed", "session", an ISO time with zone, or an aware datetime.
        vol_unit: "decimal", "percent", or "auto": percent if the median vol is 3 or more.
    """

    spot: float | None
    underlying: str
    rate: Any
    dividend_yield: Any
    rates: str
    clock: str
    as_of: str | datetime | AsOf
    vol_unit: str


def make_chain(raw: RawQuotes, **options: Any) -> Chain:
    """The chain of a file, under conventions.

    Args:
        raw: what the file says.
        **options: see `Conventions`.

    Raises:
        ChainFileError: nothing in the file is usable. InputError, ConventionError: an option
            that cannot be used.
    """
    from gexcore.chain import Chain

    named = ("rate", "dividend_yield", "rates", "clock")
    passed = {name: options[name] for name in named if options.get(name) is not None}
    given = raw.given
    if passed.get("clock", "settlement") != "settlement":
        given = {name: value for name, value in given.items() if name != "time_to_expiry"}
    chain = Chain.from_arrays(**{**conclude(raw, options), **given, **passed})
    if raw.forward is None or passed.keys() & {"rate", "dividend_yield"}:
        return chain
    if passed.get("rates", "auto") != "auto":
        return chain
    return chain._replace(rates=_carry_to(raw, chain))


def _carry_to(raw: RawQuotes, chain: Chain) -> Rates:
    """Rate 0 and the yields that give each contract its forward; 0 where there is none."""
    years = chain.time_to_expiry
    with np.errstate(divide="ignore", invalid="ignore"):
        carry = np.log(raw.forward / chain.spot) / years
    known = np.isfinite(carry) & (years > 0)
    left_out = int((~known & (years > 0)).sum())
    note = f"{left_out} contracts without a forward: the spot is used" if left_out else None
    source = f"rate 0 and forwards: {raw.forward_from}"
    return Rates(0.0, np.where(known, -carry, 0.0), source, note)


def conclude(raw: RawQuotes, options: Any) -> dict[str, Any]:
    """Arguments of `Chain.from_arrays` that follow from a file."""
    contracts = raw.symbols if isinstance(raw.symbols, OccColumns) else parse_occ(raw.symbols)
    columns = dict(raw.columns)
    bad = raw.broken | ~contracts.valid | _disagrees(columns.pop("printed_strike", None), contracts)
    usable = dataclasses.replace(contracts, valid=~bad)
    if bad.all():
        raise _nothing_usable(raw)
    names, number = number_roots(usable)
    bad |= ~np.array([name.isprintable() for name in names])[number]
    counts = np.bincount(number[~bad], minlength=len(names))
    asked = options.get("underlying")
    if not asked or asked.upper() == raw.underlying.upper():
        asked = raw.underlying  # as the file spells it
    underlying = asked or _common_root(names, counts)
    adjusted = np.array([_is_adjusted(root, {*names, underlying}) for root in names])[number]
    _refuse_two_underlyings(raw.name, names, counts)
    # coins have strikes of any size
    listed = np.array(["_" not in root for root in names])[number]
    regular = ~bad & ~adjusted & listed
    odd, odd_note = odd_strikes(contracts, regular)
    old, old_note = listed_before_a_split(contracts, regular, columns["open_interest"])
    vol = np.where(raw.placeholders, np.nan, columns["implied_vol"])
    unit, unit_note = _vol_unit(raw.name, vol[~bad], options.get("vol_unit", "auto"))
    as_of = _decide_as_of(raw, options.get("as_of", "auto"))
    spot, spot_from = _decide_spot(raw, options.get("spot"), contracts, ~bad, as_of)
    duplicate = duplicate_rows(usable)
    notes = {**raw.notes, **(old_note or odd_note), **unit_note}
    notes |= _placeholder_note(raw.placeholders)
    if duplicate.any():
        notes["duplicates"] = f"{int(duplicate.sum())} rows repeat a contract and are not used"
    return {
        "spot": spot,
        # a row is bad when its strike cannot be trusted, so no strike is handed on
        "strike": np.where(bad, np.nan, contracts.strike),
        "is_call": contracts.is_call,
        "expiry": contracts.expiry,
        "root": contracts.root,
        **{name: columns[name] for name in _STANDARD if name in columns},
        "implied_vol": vol * unit,
        "multiplier": raw.multiplier,
        "as_of": as_of,
        "underlying": underlying[:_LONGEST],
        "columns": {name: columns[name] for name in columns if name not in _STANDARD},
        "flags": {
            "bad_row": bad,
            "duplicate": duplicate | old,
            "adjusted_contract": (adjusted | odd | raw.adjusted) & ~bad,
        },
        "source": {
            "vendor": raw.vendor,
            "file": PurePath(raw.name).name,
            "spot": spot_from,
            "printed_time": raw.printed_text,
            "multiplier": raw.multiplier_from or f"100, {raw.vendor.split()[0]} standard contract",
            **notes,
        },
    }


def _nothing_usable(raw: RawQuotes) -> ChainFileError:
    size = raw.broken.size
    vendor = raw.vendor.split()[0]
    if isinstance(raw.symbols, OccColumns):
        message = f"none of the {size} option rows is usable"
    else:
        first = next((text for text in raw.symbols if text), "")
        message = f"none of the {size} option rows is usable (first symbol: {shown(first)})"
    article = "an" if vendor[0] in "AEIO" else "a"
    return file_error(raw.name, message, hint=f"is this {article} {vendor} chain?")


def _decide_as_of(raw: RawQuotes, policy: str | datetime | AsOf) -> AsOf | None:
    printed = raw.printed
    if not isinstance(printed, ChainFileError):
        return resolve_as_of(printed, "printed" if raw.always_open and policy == "auto" else policy)
    if isinstance(policy, str) and policy in ("auto", "printed", "session"):
        if policy == "auto" and "time_to_expiry" in raw.given:
            return None
        raise printed
    return resolve_as_of(None, policy)


def _disagrees(printed: Float64 | None, contracts: OccColumns) -> Any:
    if printed is None:
        return False
    # a missing strike compares as False: it contradicts nothing
    return np.abs(printed - contracts.strike) > _STRIKE_TOLERANCE


def _common_root(names: list[str], counts: npt.NDArray[np.intp]) -> str:
    # SPX for the roots SPX and SPXW: the shortest that begins most rows, else the most frequent
    for root in sorted(filter(None, names), key=len):
        begun = sum(int(n) for name, n in zip(names, counts, strict=True) if name.startswith(root))
        if 2 * begun > int(counts.sum()):
            return root
    return names[int(np.argmax(counts))]


def _is_adjusted(root: str, known: set[str]) -> bool:
    # SPY1 beside SPY delivers something else than 100 shares, and the file does not say what
    stem = root.rstrip("0123456789")
    return bool(stem) and stem != root and stem in known


def _letters(symbol: str) -> str:
    return "".join(filter(str.isalpha, symbol))


def _refuse_two_underlyings(name: str, names: list[str], counts: npt.NDArray[np.intp]) -> None:
    own = _common_root(names, counts)
    # adjusted contracts keep the root of a company that was bought
    found = [
        root
        for root, count in zip(names, counts, strict=True)
        if count and not any(map(str.isdigit, root))
    ]
    strangers = [root for root in found if not _same_underlying(_letters(root), _letters(own))]
    if strangers:
        message = f"two underlyings in one file: {shown(own)} and {shown(strangers[0])}"
        raise file_error(name, message, hint="make one chain per underlying")


def _same_underlying(root: str, underlying: str) -> bool:
    short, long = sorted((root, underlying), key=len)
    return long.startswith(short) and long[len(short) :] in _ENDINGS


def _vol_unit(name: str, vol: Float64, unit: str) -> tuple[float, dict[str, str]]:
    if unit not in VOL_UNITS:
        raise ConventionError(f"vol_unit: there is no {unit!r}", hint=", ".join(VOL_UNITS))
    positive = vol[vol > 0]
    middle = float(np.median(positive)) if positive.size else 0.0
    share, low, high = _MIXED
    counts = int((positive < low).sum()), int((positive >= high).sum())
    if unit == "auto" and min(counts) > share * positive.size:
        message = f"vols in two units: {counts[0]:,} below {low:g} and {counts[1]:,} from {high:g}"
        raise file_error(name, message, hint="read the parts apart, or say vol_unit= (--vol-unit)")
    if unit == "decimal" or (unit == "auto" and middle < _PERCENT_FROM):
        return 1.0, {}
    return 0.01, {"vol_unit": f"percent, divided by 100 (median {middle:.4g})"}


def _placeholder_note(placeholders: Any) -> dict[str, str]:
    count = int(np.sum(placeholders))
    return {"placeholder_vols": f"{count} rows, taken as missing"} if count else {}


def _decide_spot(
    raw: RawQuotes, given: float | None, contracts: OccColumns, good: Bool, as_of: AsOf | None
) -> tuple[float, str]:
    if given is not None:
        return given, "given"
    if raw.spot > 0:
        return raw.spot, raw.spot_from
    price = _prices(raw)
    settled = as_of is not None and contracts.expiry < np.datetime64(as_of.time.date(), "D")
    rows = np.flatnonzero(good & (price > 0) & ~settled)
    key = list(zip(contracts.root[rows].tolist(), contracts.expiry[rows].tolist(),
                   contracts.strike[rows].tolist(), strict=True))  # fmt: skip
    is_call = contracts.is_call[rows]
    calls = {k: p for k, p, c in zip(key, price[rows].tolist(), is_call, strict=True) if c}
    puts = {k: p for k, p, c in zip(key, price[rows].tolist(), is_call, strict=True) if not c}
    pairs = sorted((k[1], abs(calls[k] - puts[k]), k[2] + calls[k] - puts[k])
                   for k in calls.keys() & puts.keys())  # fmt: skip
    nearest = [forward for day, _, forward in pairs if day == pairs[0][0]][:_PAIRS]
    if not nearest or not np.median(nearest) > 0:
        message = "no spot price, and no strike with prices of both a call and a put"
        raise file_error(raw.name, message, hint="pass spot= (--spot)")
    count = f"{len(nearest)} strike{'s' * (len(nearest) > 1)}"
    text = f"forward by put-call parity at {pairs[0][0]} ({count}): "
    return float(np.median(nearest)), text + "the source has no spot, pass spot= for a better one"


def _prices(raw: RawQuotes) -> Float64:
    """The mid where both sides are quoted, else the last price."""
    nothing = np.full(raw.broken.size, np.nan)
    bid, ask, last = (raw.columns.get(name, nothing) for name in ("bid", "ask", "last"))
    return np.where((bid > 0) & (ask >= bid), 0.5 * (bid + ask), last)
