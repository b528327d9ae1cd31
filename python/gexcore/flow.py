"""What customers did, contract by contract: signed flow of trades, and how sure of it one is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.chain import Chain
from gexcore.clock import parse_time
from gexcore.columns import number_column
from gexcore.errors import ConventionError, InputError
from gexcore.results import Result, align, frame, plain
from gexcore.sides import PUBLISHED_ACCURACY, RULES, check_rule
from gexcore.trades import REASONS, Trades

Float64 = npt.NDArray[np.float64]

ESTIMATES = ("mean", "unbiased")
ERRORS = ("trade", "contract")
# Why a trade is left out, first match counts.
LEFT_OUT = (*REASONS, "unknown_contract", "after_as_of", "complex", "too_small", "too_large")
_DAY = np.timedelta64(86_400_000_000_000, "ns")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class FlowSettings:
    """How trades become flow; the arguments of `gexcore.positions.from_trades`."""

    rule: str = "lee_ready"
    accuracy: Any = None
    estimate: str = "mean"
    errors: str = "trade"
    min_size: float | None = None
    max_size: float | None = None
    skip_complex: bool = False
    half_life: float | None = None
    until: Any = None

    def __post_init__(self) -> None:
        check_rule(self.rule, (*RULES, "given"))
        for name, value, names in (
            ("estimate", self.estimate, ESTIMATES), ("errors", self.errors, ERRORS),
        ):  # fmt: skip
            if value not in names:
                raise ConventionError(
                    f"{name}: there is no {value!r}", hint=f"there are {', '.join(names)}"
                )
        if self.accuracy is None and self.estimate != "mean":
            raise ConventionError(
                f"estimate: {self.estimate!r} needs accuracy=", hint='accuracy=0.8 or "published"'
            )
        for name in ("min_size", "max_size", "half_life"):
            value = getattr(self, name)
            if value is not None and not 0 < value < np.inf:
                raise InputError(f"{name}: is {value}", hint="a positive number, or None")

    def probabilities(self, trades: int) -> Float64 | None:
        """Probability that each side is right; None if nothing is known of it."""
        given = self.accuracy
        if given is None:
            return None
        if isinstance(given, str):
            if given != "published":
                raise ConventionError(f"accuracy: there is no {given!r}", hint='"published", 0.8')
            if self.rule not in PUBLISHED_ACCURACY:
                raise ConventionError(
                    f"accuracy: none is published for rule {self.rule!r}", hint="accuracy=0.8"
                )
            given = PUBLISHED_ACCURACY[self.rule]
        right = number_column("accuracy", given, trades, "price")
        least = 0.5 if self.estimate == "mean" else np.nextafter(0.5, 1.0)
        wrong = ~((right >= least) & (right <= 1.0))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise InputError(
                f"accuracy: {right[row]:g} (row {row}) with estimate {self.estimate!r}",
                hint="from 0.5, a coin, to 1; above 0.5 for an unbiased total",
            )
        return right

    def to_dict(self) -> dict[str, Any]:
        """JSON types; an accuracy per trade is named as such."""
        found = {field.name: plain(getattr(self, field.name)) for field in fields(self)}
        if np.ndim(self.accuracy):
            found["accuracy"] = "per trade"
        elif self.accuracy == "published":
            found["accuracy"] = PUBLISHED_ACCURACY[self.rule]
        if self.accuracy is None:
            found["estimate"] = "observed"
        return found


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Flow(Result):
    """Contracts that customers bought, sold, and traded with unknown side, one row per contract.

    `bought`, `sold`, `unknown` are plain sums over the trades used. `net` is the estimate of
    bought less sold (decayed, reconciled), `deviation` its standard deviation, None without an
    accuracy. `dropped`: reason -> (trades, contracts). `capped` and `unreconciled`: contracts cut
    to their change in open interest, and those traded without one; None where not asked for.
    """

    settings: FlowSettings
    bought: Float64
    sold: Float64
    unknown: Float64
    net: Float64
    deviation: Float64 | None
    sides: Mapping[str, Mapping[str, int]]
    read: int
    used: int
    dropped: Mapping[str, tuple[int, float]]
    capped: int | None = None
    unreconciled: int | None = None

    @property
    def manifest(self) -> dict[str, Any]:
        """How the flow was made, and of how many trades."""
        return {
            **self.settings.to_dict(),
            "read": self.read,
            "used": self.used,
            "dropped": {n: {"trades": t, "contracts": c} for n, (t, c) in self.dropped.items()},
            "capped": self.capped,
            "unreconciled": self.unreconciled,
        }

    def to_dict(self) -> dict[str, Any]:
        """Manifest, sides and totals; the columns are arrays of the flow."""
        names = ("bought", "sold", "unknown", "net")
        totals = {name: float(getattr(self, name).sum()) for name in names}
        return {**plain(self.manifest), "sides": plain(dict(self.sides)), **totals}

    def to_frame(self) -> Any:
        """A pandas data frame with one row per contract of the chain."""
        names = ("bought", "sold", "unknown", "net", "deviation")
        columns = {name: getattr(self, name) for name in names}
        return frame({name: value for name, value in columns.items() if value is not None})

    def __repr__(self) -> str:
        return f"<Flow {self.settings.rule}: {self.used} of {self.read} trades>"

    def __str__(self) -> str:
        dropped = ", ".join(
            f"{trades:,} {name.replace('_', ' ')} ({size:,.0f} contracts)"
            for name, (trades, size) in self.dropped.items()
        )
        totals = [
            f"{getattr(self, name).sum():,.0f} {name}" for name in ("bought", "sold", "unknown")
        ]
        rows = [
            ["rule", self.settings.rule],
            ["trades", f"{self.used:,} of {self.read:,}"],
            ["dropped", dropped or "none"],
            ["contracts", ", ".join(totals)],
        ]
        if self.deviation is not None:
            spread = float(np.sqrt((self.deviation**2).sum()))
            rows.append(
                ["net", f"{self.net.sum():+,.0f} +- {spread:,.0f}, {self.settings.estimate}"]
            )
        return align(rows)


def signed_flow(
    chain: Chain, trades: Trades, settings: FlowSettings, open_interest_change: Any = None
) -> Flow:
    """Sum signed trades over the contracts of a chain; see `gexcore.positions.from_trades`."""
    probability = settings.probabilities(len(trades))
    sides = trades.classify(settings.rule)
    row = trades.rows_in(chain)
    end = _end(chain, settings.until)
    reason = reasons_of(trades, row, end, settings)
    used = reason == len(LEFT_OUT)
    size = sizes_of(trades)
    dropped = {
        name: (int((reason == code).sum()), float(size[reason == code].sum()))
        for code, name in enumerate(LEFT_OUT)
        if (reason == code).any()
    }
    row, size, side = row[used], size[used], sides.side[used].astype(np.float64)

    def total(values: Any) -> Float64:
        return np.bincount(row, values, minlength=len(chain)).astype(np.float64)

    weight = size * _decay(trades, used, end, settings.half_life)
    net, deviation = total(side * weight), None
    if probability is not None:
        value, first, second = worth(side, weight, probability[used], settings)
        net, deviation = total(value), deviation_of(total(first), total(second), settings)
    capped = unreconciled = None
    if open_interest_change is not None:
        if settings.half_life is not None:
            raise ConventionError(
                "open_interest_change: is of whole trades, half_life= shrinks them", hint="give one"
            )
        limit = np.abs(number_column("open_interest_change", open_interest_change, len(chain)))
        capped = int((np.abs(net) > limit).sum())
        unreconciled = int((np.isnan(limit) & (total(size) > 0)).sum())
        limit = np.where(np.isnan(limit), np.inf, limit)
        net = np.clip(net, -limit, limit)
        # whatever is confined to +-limit spreads by no more
        deviation = None if deviation is None else np.minimum(deviation, limit)
    bought, sold = total(size * (side > 0)), total(size * (side < 0))
    unknown = total(size * (side == 0))
    for column in (bought, sold, unknown, net, deviation):
        if column is not None:
            column.flags.writeable = False
    return Flow(settings, bought, sold, unknown, net, deviation, sides.counts, len(trades),
                int(used.sum()), dropped, capped, unreconciled)  # fmt: skip


def sizes_of(trades: Trades) -> Float64:
    """Contracts of each trade; 0 where that is not known."""
    return np.where(np.isfinite(trades.size), np.maximum(trades.size, 0.0), 0.0)


def _end(chain: Chain, until: Any) -> np.datetime64 | None:
    """The moment after which trades do not count, UTC."""
    if until is not None:
        moment = parse_time(until)
    elif chain.as_of is not None:
        moment = chain.as_of.time
    else:
        return None
    microseconds = (moment - _EPOCH) // moment.resolution
    return np.datetime64(microseconds * 1000, "ns")


def reasons_of(
    trades: Trades, row: npt.NDArray[np.int64], end: Any, settings: FlowSettings
) -> npt.NDArray[np.int64]:
    """Why each trade is left out, as a code into `LEFT_OUT`; the number of those where it is not.

    Raises:
        InputError: the trades lack a column that the settings need.
    """
    no = np.zeros(len(trades), np.bool_)
    if settings.skip_complex and trades.is_complex is None:
        raise InputError("skip_complex: the trades have no is_complex", hint="is_complex= booleans")
    if trades.time is None and (settings.until is not None or settings.half_life is not None):
        raise InputError("until and half_life: the trades have no time", hint="time= and zone=")
    found = [trades.status == code for code in range(len(REASONS))]
    found += [
        row < 0,
        no if end is None or trades.time is None else trades.time > end,
        trades.is_complex if settings.skip_complex and trades.is_complex is not None else no,
        no if settings.min_size is None else trades.size < settings.min_size,
        no if settings.max_size is None else trades.size > settings.max_size,
        ~no,
    ]
    return np.asarray(np.argmax(found, axis=0), np.int64)


def _decay(trades: Trades, used: npt.NDArray[np.bool_], end: Any, half_life: float | None) -> Any:
    """What is left of each used trade: a half after every half-life."""
    if half_life is None or trades.time is None or not used.any():
        return 1.0
    times = trades.time[used]
    age = ((times.max() if end is None else end) - times) / _DAY
    return 0.5 ** (age / half_life)


def worth(
    side: Float64, weight: Float64, right: Float64, settings: FlowSettings
) -> tuple[Float64, Float64, Float64]:
    """What each trade adds to the flow, and to the two sums that `deviation_of` reads.

    Under a symmetric prior a trade signed v is truly worth (2p-1) v on average, with variance
    4p(1-p) v^2; one without a side is worth 0 with variance size^2, as at p = 1/2.
    """
    lean = 2.0 * right - 1.0
    known = side != 0.0
    if settings.estimate == "mean":
        factor, spread = lean, 2.0 * np.sqrt(right * (1.0 - right))
    else:
        factor, spread = 1.0 / lean, 2.0 * np.sqrt(right * (1.0 - right)) / lean
    value = side * weight * factor
    if settings.errors == "trade":
        return value, np.where(known, spread * weight, weight) ** 2, np.zeros(len(value))
    return value, side * weight * spread, np.where(known, 0.0, weight)


def deviation_of(first: Float64, second: Float64, settings: FlowSettings) -> Float64:
    """The deviation of flows from the sums over their trades."""
    if settings.errors == "trade":
        return np.sqrt(first)
    return np.sqrt(first**2 + second**2)  # all sides of a contract are right, or wrong, together
