"""Levels across conventions: what each choice does to them, and how far they can be trusted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from gexcore.chain import Chain
from gexcore.choices import DIMENSIONS, Choices, Convention, check_dimensions, declare
from gexcore.dynamics import Dynamics
from gexcore.errors import MismatchError
from gexcore.exposures import compute_exposures
from gexcore.greeks import compute_greeks
from gexcore.levels import find_levels
from gexcore.positions import Positions, assign_positions
from gexcore.profile import sweep_profile
from gexcore.progress import progress
from gexcore.quick import quick_levels
from gexcore.rates import Rates
from gexcore.regime import classify_regime
from gexcore.results import Result, align, frame, money, number, plain

LEVELS = (
    "zero_gamma", "net_gamma", "gross_gamma", "effective_net_gamma", "call_wall", "put_wall",
)  # fmt: skip
PRICES = ("zero_gamma", "call_wall", "put_wall")
ROUNDING = 1e-9  # of a level: below it is the polish of a root and the order of a sum


def _data(result: AcrossRow | Interval) -> dict[str, Any]:
    return dict(plain({field.name: getattr(result, field.name) for field in fields(result)}))


@dataclass(frozen=True, slots=True, repr=False)
class AcrossRow(Result):
    """The levels under one convention; None where one does not exist, `status` says why."""

    convention: Convention
    zero_gamma: float | None
    net_gamma: float
    gross_gamma: float
    effective_net_gamma: float
    call_wall: float | None
    put_wall: float | None
    regime: str
    status: Mapping[str, str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", MappingProxyType(dict(self.status)))

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore levels --across --json`."""
        return _data(self)

    def __repr__(self) -> str:
        return f"<AcrossRow zero gamma {number(self.zero_gamma)}, {self.regime}>"

    def __str__(self) -> str:
        return align([[k.replace("_", " "), v] for k, v in self.convention.labels().items()])


@dataclass(frozen=True, slots=True, repr=False)
class Interval(Result):
    """Where a level lies under all conventions, and which choice moves it most.

    `effects` has the points (or $) by which each choice moves it, see `levels_across`; `missing`
    counts the conventions without such a level by status.
    """

    low: float | None
    high: float | None
    driver: str | None
    effects: Mapping[str, float]
    found: int
    missing: Mapping[str, int]

    def __post_init__(self) -> None:
        for name in ("effects", "missing"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore levels --across --json`."""
        return _data(self)

    def __repr__(self) -> str:
        return f"<Interval {self}>"

    def __str__(self) -> str:
        ends = "none" if self.low is None else f"{number(self.low)} to {number(self.high)}"
        return ends + (f", driven by {self.driver}" if self.driver else "")


@dataclass(frozen=True, repr=False, eq=False)
class Across(Result):
    """The levels of a book under a set of conventions; `rows[0]` is the base.

    `intervals` has one `Interval` per level; `notes` say what the chain does not allow.
    """

    chain: Chain
    positions: Positions
    rows: tuple[AcrossRow, ...]
    intervals: Mapping[str, Interval]
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "intervals", MappingProxyType(dict(self.intervals)))

    @property
    def base(self) -> AcrossRow:
        """The chain's own convention."""
        return self.rows[0]

    @property
    def regimes(self) -> dict[str, int]:
        """Number of conventions by kind of regime, most frequent first."""
        return dict(Counter(row.regime for row in self.rows).most_common())

    @property
    def unanimous_regime(self) -> bool:
        """Whether every convention gives the same kind of regime."""
        return len(self.regimes) == 1

    @property
    def manifest(self) -> dict[str, Any]:
        """All conventions of the base."""
        own = self.base.convention
        walls = {"wall_side": own.side, "wall_gated": own.gated, "dynamics": str(own.dynamics)}
        return {**self.chain.manifest, **self.positions.manifest, **walls}

    def where(self, **choices: Any) -> tuple[AcrossRow, ...]:
        """The rows of these choices.

        Raises:
            ConventionError: there is no such dimension.

        Example:
            >>> import gexcore as gex
            >>> across = gex.levels_across(gex.synthetic_chain(n=2000))
            >>> len(across.where(clock="business/252", rates="zero"))
            1
        """
        check_dimensions(choices)
        wanted = plain(choices)
        found = []
        for row in self.rows:
            own = row.convention.to_dict()
            if all(own[name] == value for name, value in wanted.items()):
                found.append(row)
        return tuple(found)

    def columns(self) -> dict[str, list[Any]]:
        """Dimensions, levels, regime and statuses by name, one value per convention."""
        chosen = [row.convention.labels() for row in self.rows]
        found: dict[str, list[Any]] = {n: [labels[n] for labels in chosen] for n in DIMENSIONS}
        found["gated"] = [row.convention.gated for row in self.rows]
        found |= {n: [getattr(row, n) for row in self.rows] for n in (*LEVELS, "regime")}
        return found | {f"{n}_status": [row.status[n] for row in self.rows] for n in PRICES}

    def to_frame(self, backend: str = "pandas") -> Any:
        """A data frame with one row per convention, the base first."""
        return frame(self.columns(), backend)

    def to_dict(self) -> dict[str, Any]:
        """As printed by `gexcore levels --across --json`."""
        as_of = self.chain.as_of
        return {
            "spot": self.chain.spot,
            "as_of": as_of.time.isoformat() if as_of else None,
            "across": plain(self.rows),
            "interval": plain(self.intervals),
            "unanimous_regime": self.unanimous_regime,
            "regimes": self.regimes,
            "notes": list(self.notes),
            "manifest": plain(self.manifest),
        }

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        agreed = "one regime" if self.unanimous_regime else f"{len(self.regimes)} regimes"
        return (
            f"<Across {len(self)} conventions: zero gamma {self.intervals['zero_gamma']}, {agreed}>"
        )

    def __str__(self) -> str:
        kinds = [f"{kind.replace('_', ' ')} {count}" for kind, count in self.regimes.items()]
        title = "regime: the same everywhere" if self.unanimous_regime else "regime: not unanimous"
        parts = [str(self.chain), self._conventions(), self._intervals()]
        return "\n\n".join([*parts, "\n".join([f"{title}, {', '.join(kinds)}", *self._footer()])])

    def _conventions(self) -> str:
        """One line per convention: the choices that differ, and the levels."""
        labels = [row.convention.labels() for row in self.rows]
        shown = [name for name in DIMENSIONS if len({each[name] for each in labels}) > 1]
        head = ["", *shown, "zero gamma", "net gamma", "call wall", "put wall", "regime"]
        table = [[cell.replace("_", " ") for cell in head]]
        for i, row in enumerate(self.rows):
            zero, call, put = (_level(row, name) for name in PRICES)
            cells = ["base" if i == 0 else "", *(labels[i][name] for name in shown)]
            cells += [zero, money(row.net_gamma), call, put, row.regime.replace("_", " ")]
            table.append(cells)
        first = 1 + len(shown)
        return align(table, right=range(first, first + 4))

    def _intervals(self) -> str:
        table = [["", "low", "high", "driver", "moved by", "missing"]]
        for name, each in self.intervals.items():
            if name == "effective_net_gamma" and each == self.intervals["net_gamma"]:
                continue
            text, size = _TEXTS.get(name, (number, number))
            effects = sorted(each.effects.items(), key=lambda item: -item[1])
            moved = [f"{k.replace('_', ' ')} {size(v)}" for k, v in effects if v]
            missing = [f"{why.replace('_', ' ')} {n}" for why, n in each.missing.items()]
            driver = each.driver.replace("_", " ") if each.driver else "-"
            ends = [text(each.low), text(each.high)]
            label = name.replace("_", " ")
            table.append([label, *ends, driver, ", ".join(moved) or "-", ", ".join(missing) or "-"])
        return align(table, right=(1, 2))

    def _footer(self) -> list[str]:
        labels = [row.convention.labels() for row in self.rows]
        held = [n for n in DIMENSIONS if len({each[n] for each in labels}) == 1]
        same = [f"{n.replace('_', ' ')} {labels[0][n]}" for n in held]
        lines = [f"everywhere: {', '.join(same)}"] if same else []
        if any(each["rates"] == "given" for each in labels):
            lines.append(_given(self.chain.rates))
        return [*lines, *(f"NOTE: {note}" for note in self.notes)]


def _unsigned(value: float | None) -> str:
    return money(value).lstrip("+")


def _level(row: AcrossRow, name: str) -> str:
    value = getattr(row, name)
    if value is None:
        return row.status[name].replace("_", " ")
    return _point(value) if name == "zero_gamma" else number(value)


def _point(value: float | None) -> str:
    return "none" if value is None else f"{value:,.2f}"


def _given(rates: Rates) -> str:
    """What "given" stands for."""
    both = {"rate": rates.given[0], "dividend yield": rates.given[1]}
    known = {name: value for name, value in both.items() if value is not None}
    texts = [f"{k} {v:.2%}" if isinstance(v, float) else f"{k} by row" for k, v in known.items()]
    return f"rates given: {', '.join(texts)}"


_TEXTS = {
    "zero_gamma": (_point, _point),
    "net_gamma": (money, _unsigned),
    "gross_gamma": (_unsigned, _unsigned),
    "effective_net_gamma": (money, _unsigned),
}


def levels_across(
    chain: Chain,
    positions: Positions | str = "naive",
    conventions: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    *,
    scope: str = "all",
    size: str = "open_interest",
    side: str = "net",
    gated: bool = False,
    dynamics: Dynamics | str = "sticky_strike",
    threads: int | None = None,
) -> Across:
    """Compute the levels of a book under many conventions.

    The base is the chain with its own times and rates and the arguments given here; it is always
    the first row. Dimensions and choices: `as_of` ("printed", "session", an ISO time), `clock`,
    `rates` ("given": the chain's flat ones, "parity", "zero", or a pair (rate, dividend yield)),
    `scope`, `positions` (a rule), `size`, `dynamics`, `side`, `gated`.

    The default set is the full product of rates (given, parity where European contracts are
    quoted, zero), clocks (settlement, calendar/365, business/252, business/262) and as_of (printed,
    session), and one at a time from the base: scopes all, ex-next and dte<=90, net and gross walls.
    What the chain does not allow is left out and named in `notes`.

    The effect of a choice on a level: among conventions that differ in that choice alone, the
    range of the level where it exists (two conventions at least), averaged over all such groups.
    The driver is the choice with the largest effect; None if none moves the level by more than
    1e-9 of it, or no two conventions differ in one choice alone.

    Args:
        chain: the contracts.
        positions: a rule of `assign_positions`, or Positions of this chain.
        conventions: None for the default set, a mapping dimension -> values (their full product),
            or a list of mappings dimension -> value; what is not named is as in the base.
        scope, size, side, gated, dynamics: of the base, see `Chain.filter` and `analyze`.
        threads: as in `bsm.greeks`.

    Returns:
        Across; each row is what `analyze` gives for the chain under that convention. A level that
        does not exist somewhere is counted in its interval's `missing`.

    Raises:
        ConventionError: an unknown dimension or choice, or one that this chain does not have.
        MismatchError: positions of another chain.

    Source: docs/across.md.

    Example:
        >>> import gexcore as gex
        >>> chain = gex.synthetic_chain(n=4000)
        >>> across = levels_across(chain, conventions={"rates": ["given", "zero"]})
        >>> len(across), across.intervals["zero_gamma"].driver
        (2, 'rates')
    """
    if isinstance(positions, str):
        positions = assign_positions(chain, positions, size=size)
    if positions.chain is not chain:
        raise MismatchError("positions belong to another chain", hint="assign them to this chain")
    rest = {"scope": scope, "side": side, "gated": gated, "dynamics": dynamics}
    choices = Choices(chain, positions, size, **rest)
    asked, notes = declare(choices, conventions)
    found: dict[Convention, AcrossRow] = {}
    # in an order in which neighbours share times, rates and rows
    ordered = sorted(asked, key=lambda each: tuple(map(str, each)))
    for convention in progress(ordered, "conventions"):
        moved, held = choices.book(convention)
        found[convention] = _evaluate(moved, held, convention, threads)
        if moved.rates.source == "flat fallback":
            notes.append(f"rates parity: {moved.rates.note}")
    rows = tuple(found[each] for each in asked)
    intervals = {name: _interval(rows, name) for name in LEVELS}
    return Across(chain, positions, rows, intervals, tuple(dict.fromkeys(notes)))


def _evaluate(
    chain: Chain, positions: Positions, convention: Convention, threads: int | None
) -> AcrossRow:
    """The levels of a book that is under the convention already."""
    side, gated = convention.side, convention.gated
    if not convention.dynamics.moves:
        quick = quick_levels(chain, positions, side=side, gated=gated, threads=threads)
        net, zero, call, put = quick.net_gamma, quick.zero_gamma, quick.call_wall, quick.put_wall
        gross, effective, regime = quick.gross_gamma, net, quick.regime
    else:
        exposures = compute_exposures(chain, compute_greeks(chain, ("gamma",), threads), positions)
        profile = sweep_profile(chain, positions, dynamics=convention.dynamics, threads=threads)
        levels = find_levels(exposures, profile, side, gated)
        net, gross = exposures.gamma.net, exposures.gamma.gross
        zero, call, put = levels.zero_gamma, levels.call_wall, levels.put_wall
        effective, regime = levels.net_gamma[0], classify_regime(levels).kind
    return AcrossRow(
        convention, zero.value, net, gross, effective, call.strike, put.strike, regime,
        {"zero_gamma": zero.status, "call_wall": call.status, "put_wall": put.status},
    )  # fmt: skip


def _interval(rows: Sequence[AcrossRow], name: str) -> Interval:
    pairs = [(row, getattr(row, name)) for row in rows]
    values = [value for _, value in pairs if value is not None]
    missing = Counter(row.status[name] for row, value in pairs if value is None)
    if not values:
        return Interval(None, None, None, {}, 0, missing)
    least = ROUNDING * max(map(abs, values))
    effects = {}
    for place, dimension in enumerate(DIMENSIONS):
        groups: dict[Any, list[float]] = {}
        for row, value in pairs:
            if value is not None:
                key = row.convention[:place] + row.convention[place + 1 :]
                groups.setdefault(key, []).append(value)
        ranges = [max(group) - min(group) for group in groups.values() if len(group) > 1]
        if ranges:
            effect = sum(ranges) / len(ranges)
            effects[dimension] = effect if effect > least else 0.0
    driver = max(effects, key=lambda each: effects[each], default=None)
    driver = driver if driver and effects[driver] else None
    return Interval(min(values), max(values), driver, effects, len(values), missing)
