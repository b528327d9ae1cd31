"""Why exposures and levels changed between two snapshots: exact parts that sum to the whole."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.analysis import Analysis
from gexcore.chain import Chain
from gexcore.errors import ConventionError, MismatchError, NotComputedError
from gexcore.exposures import compute_exposures
from gexcore.greeks import compute_greeks
from gexcore.levels import find_levels
from gexcore.pairing import Pair, pair_books
from gexcore.positions import RULES, Positions, assign_positions
from gexcore.profile import sweep_profile
from gexcore.progress import progress
from gexcore.results import Result, align, frame, money, number, plain
from gexcore.units import unit_of

Float64 = npt.NDArray[np.float64]

LEVELS = ("zero_gamma", "call_wall", "put_wall", "absolute_gamma_strike")

_COUNTED = {
    "both": "used in both",
    "expiry_roll_before": "settled in between",
    "expiry_roll_after": "settled in between, going back",
    "listing_before": "listed before only",
    "listing_after": "listed after only",
    "coverage_before": "usable before only",
    "coverage_after": "usable after only",
}


@dataclass(frozen=True, slots=True, repr=False)
class Attribution(Result):
    """The change of one number, split: `before` + `parts` = `after`.

    `status` is "split", or why there are no parts: the number does not exist in some of the mixed
    books. Then all `parts` are None; `before`, `after` and `change` are given where they exist.
    """

    name: str
    unit: str
    before: float | None
    after: float | None
    parts: Mapping[str, float | None]
    status: str

    @property
    def change(self) -> float | None:
        """After - before; None if one of them does not exist."""
        if self.before is None or self.after is None:
            return None
        return self.after - self.before

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore diff --json`."""
        return {
            "unit": self.unit,
            "before": self.before,
            "after": self.after,
            "change": self.change,
            "parts": dict(self.parts),
            "status": self.status,
        }

    def shown(self, value: float | None, signed: bool = False) -> str:
        """A value of this kind as text."""
        if value is None:
            return "-"
        if self.name not in LEVELS:
            return money(value)
        near = round(value, 2) + 0.0  # no -0
        return "+" * (signed and near > 0) + number(near)

    def __repr__(self) -> str:
        return f"<Attribution {self.name}: {self.shown(self.before)} to {self.shown(self.after)}>"

    def __str__(self) -> str:
        rows = [["before", self.shown(self.before)]]
        rows += [[name, self.shown(value, True)] for name, value in self.parts.items()]
        rows += [["after", self.shown(self.after)]]
        return f"{self.name} ({self.unit}), {self.status}\n{align(rows, right=(1,))}"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Change(Result):
    """What changed between two snapshots and why: `change["gamma"].parts["spot"]`.

    `factors` says of each part "changed" or "unchanged" (its parts are 0); `contracts` counts those
    in both snapshots and in one of them by reason; `notes` is what a reader should know.
    """

    before: Chain
    after: Chain
    attributions: Mapping[str, Attribution]
    factors: Mapping[str, str]
    contracts: Mapping[str, int]
    books: int  # mixed books that were computed
    notes: tuple[str, ...]
    manifest: Mapping[str, Any]

    def __getitem__(self, name: str) -> Attribution:
        """The attribution of an exposure or level by name."""
        if name not in self.attributions:
            hint = f"split: {', '.join(self.attributions)}; exposures by which="
            raise NotComputedError(f"the change of {name!r} was not split", hint=hint)
        return self.attributions[name]

    def columns(self) -> dict[str, list[Any]]:
        """Rows before, one per part, after; one column per exposure and level."""
        found: dict[str, list[Any]] = {"part": ["before", *self.factors, "after"]}
        for name, each in self.attributions.items():
            values = [each.before, *(each.parts[part] for part in self.factors), each.after]
            found[name] = [math.nan if value is None else value for value in values]
        return found

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore diff --json`."""
        return {
            "spot": {"before": self.before.spot, "after": self.after.spot},
            "quantities": plain(self.attributions),
            "factors": dict(self.factors),
            "contracts": dict(self.contracts),
            "books": self.books,
            "notes": list(self.notes),
            "manifest": plain(self.manifest),
        }

    def to_frame(self, backend: str = "pandas") -> Any:
        """A data frame: rows before, one per part, after; NaN where there is none."""
        return frame(self.columns(), backend)

    def __repr__(self) -> str:
        changed = [name for name, status in self.factors.items() if status == "changed"]
        return f"<Change {', '.join(self.attributions)}: {', '.join(changed) or 'nothing changed'}>"

    def __str__(self) -> str:
        all_of = list(self.attributions.values())
        table = [["", *(each.name.replace("_", " ") for each in all_of)]]
        table.append(["", *(each.unit for each in all_of)])
        table.append(["before", *(each.shown(each.before) for each in all_of)])
        for part, status in self.factors.items():
            if status == "changed":
                cells = [each.shown(each.parts[part], True) for each in all_of]
                table.append([part.replace("_", " "), *cells])
        table.append(["after", *(each.shown(each.after) for each in all_of)])
        same = [n.replace("_", " ") for n, status in self.factors.items() if status == "unchanged"]
        lines = [f"before  {self.before}", f"after   {self.after}", ""]
        lines += [align(table, right=range(1, len(all_of) + 1)), ""]
        lines += [f"unchanged: {', '.join(same)}"] if same else []
        held = [f"{n:,} {_COUNTED[name]}" for name, n in self.contracts.items() if n]
        lines += [f"contracts: {', '.join(held) or 'none'}", *self.notes]
        lines += [f"{each.name}: {each.status}" for each in all_of if each.status != "split"]
        return "\n".join(lines)


def shapley(values: Float64) -> Float64:
    """Shapley values of k factors.

    Args:
        values: (2^k, m), row S holds the m numbers when factor i is in for each bit i of S.

    Returns:
        (k, m): the mean effect of each factor over all orders in which the factors can come in;
        rows sum to values[-1] - values[0], the largest takes what rounding leaves.

    Source: L. S. Shapley, A value for n-person games, 1953.

    Example:
        >>> shapley(np.array([[0.0], [1.0], [2.0], [5.0]])).ravel().tolist()
        [2.0, 3.0]
    """
    count = len(values).bit_length() - 1
    sets = np.arange(len(values))
    size = np.array([int(s).bit_count() for s in sets])
    parts = np.zeros((count, values.shape[1]))
    for i in range(count):
        without = sets[sets >> i & 1 == 0]
        orders = [1 / (count * math.comb(count - 1, int(n))) for n in size[without]]
        parts[i] = np.array(orders) @ (values[without | 1 << i] - values[without])
    if count:
        for column in range(values.shape[1]):
            whole = (values[-1, column], -values[0, column], *-parts[:, column])
            parts[np.argmax(np.abs(parts[:, column])), column] += math.fsum(whole)
    return parts


def explain_change(
    before: Chain | Analysis,
    after: Chain | Analysis,
    positions: Positions | str | None = None,
    positions_after: Positions | str | None = None,
    *,
    size: str = "open_interest",
    which: Iterable[str] = ("gamma",),
    side: str | None = None,
    gated: bool | None = None,
    threads: int | None = None,
) -> Change:
    """Split the change of net exposures and levels between two snapshots into its causes.

    Every mixture of the two snapshots is a book of its own: what has changed (spot, time, rates,
    vols, ...) is taken from `after` for some causes and from `before` for the others. The part of a
    cause is its mean effect over all orders in which the causes can come in (Shapley value), so no
    order is preferred and the parts sum to the change.

    Args:
        before, after: two snapshots of one underlying; either may be the earlier one.
        positions: a rule of `assign_positions`, or Positions of `before`; default naive, or those
            of the Analysis.
        positions_after: the same for `after`; default the rule of `before`.
        size: column that rules are applied to.
        which: exposures to split; gamma is always among them.
        side, gated: how walls are chosen, see `find_levels`; default net, ungated, or as in the
            Analysis.
        threads: as in `bsm.greeks`.

    Returns:
        Change, with parts "spot", "time", "rates" (rate and dividend yield of each contract),
        "implied_vol", the size column ("open_interest"), "sign_rule" (share and sign of the size
        that dealers hold), "expiry_roll" (contracts that settled in between), "listing" (contracts
        in one list only) and "coverage" (in both lists, usable in one). docs/change.md has them
        exactly.

    Raises:
        MismatchError: two underlyings, or positions of another chain. InputError: expiration dates
        are missing. ConventionError: unknown or contradicting conventions.

    Source: docs/change.md.

    Example:
        >>> import gexcore as gex
        >>> chain = gex.synthetic_chain(n=2000)
        >>> later = chain.with_conventions(as_of="2026-03-18T15:30-04:00")
        >>> change = explain_change(chain, later)
        >>> change["gamma"].parts["time"] == change["gamma"].change
        True
    """
    books = _books(before, after, positions, positions_after, size)
    side, gated = _walls((before, after), side, gated)
    names = tuple(dict.fromkeys(("gamma", *((which,) if isinstance(which, str) else which))))
    units = {name: unit_of(name).label for name in names}
    units.update(dict.fromkeys(LEVELS, "price"))
    pair = pair_books(*books)
    changed = pair.changed()
    active = [name for name, differs in changed.items() if differs]
    values, missing = _mixtures(pair, active, names, side, gated, threads)
    parts = shapley(values)
    sizes = {book.size for book in books}
    label = {"size": sizes.pop() if len(sizes) == 1 else "size"}
    factors = {label.get(name, name): differs for name, differs in changed.items()}
    zeros: dict[str, float | None] = dict.fromkeys(factors, 0.0)
    found = {}
    for column, name in enumerate(units):
        split: dict[str, float | None] = {
            **zeros,
            **{label.get(a, a): float(parts[i, column]) for i, a in enumerate(active)},
        }
        status = "split"
        if missing[name]:
            split, status = dict.fromkeys(factors), _why(missing[name], len(values))
        start, end = (_number(values[row, column]) for row in (0, -1))
        found[name] = Attribution(name, units[name], start, end, MappingProxyType(split), status)
    first, last = (book.chain for book in books)
    about = [{**book.chain.manifest, **book.manifest} for book in books]
    walls = {"wall_side": side, "wall_gated": gated, "dynamics": "sticky_strike"}
    return Change(
        first, last, MappingProxyType(found),
        MappingProxyType({n: "changed" if d else "unchanged" for n, d in factors.items()}),
        MappingProxyType(pair.counts()), len(values), tuple(_notes(books)),
        MappingProxyType({"before": about[0], "after": about[1], **walls}),
    )  # fmt: skip


def _mixtures(
    pair: Pair, active: list[str], names: tuple[str, ...], side: str, gated: bool,
    threads: int | None,
) -> tuple[Float64, dict[str, list[str]]]:  # fmt: skip
    """Every number in every mixture, and why a level was missing, once per mixture."""
    needs = tuple(dict.fromkeys(need for name in names for need in unit_of(name).needs))
    values = np.full((2 ** len(active), len(names) + len(LEVELS)), np.nan)
    missing: dict[str, list[str]] = {name: [] for name in (*names, *LEVELS)}
    for row in progress(range(len(values)), "books"):
        chain, held = pair.book([name for i, name in enumerate(active) if row >> i & 1])
        exposures = compute_exposures(chain, compute_greeks(chain, needs, threads), held)
        levels = find_levels(exposures, sweep_profile(chain, held, threads=threads), side, gated)
        values[row, : len(names)] = [getattr(exposures, name).net for name in names]
        for column, name in enumerate(LEVELS, len(names)):
            level = getattr(levels, name)
            value = level.value if name == "zero_gamma" else level.strike
            if value is None:
                missing[name].append(level.status)
            else:
                values[row, column] = value
    return values, missing


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _why(reasons: list[str], books: int) -> str:
    counts = {reason: reasons.count(reason) for reason in dict.fromkeys(reasons)}
    listed = ", ".join(f"{reason} in {count}" for reason, count in counts.items())
    return f"not split: of {books} mixed books {listed}"


def _books(
    before: Chain | Analysis, after: Chain | Analysis, positions: Any, later: Any, size: str
) -> tuple[Positions, Positions]:
    first = _book("positions", before, positions, size)
    if later is None and not isinstance(after, Analysis):
        rule = RULES.get(first.rule)
        if rule is None or rule.needs is not None:
            raise ConventionError(
                f"positions_after: rule {first.rule!r} cannot be applied to another chain",
                hint="positions_after=assign_positions(after, ...)",
            )
        return first, assign_positions(after, first.rule, size=first.size)
    return first, _book("positions_after", after, later, size)


def _book(name: str, given: Chain | Analysis, positions: Any, size: str) -> Positions:
    if isinstance(given, Analysis):
        if positions is not None:
            raise ConventionError(f"{name}: the analysis has its own", hint="pass its chain")
        if given.profile.vols_move:
            raise ConventionError(
                f"dynamics: levels under {given.profile.dynamics} cannot be split",
                hint='analyze(dynamics="sticky_strike"), or pass the chain',
            )
        return given.positions
    if not isinstance(positions, Positions):
        return assign_positions(given, positions or "naive", size=size)
    if positions.chain is not given:
        raise MismatchError(f"{name}: belong to another chain", hint="assign them to this chain")
    return positions


def _walls(
    given: tuple[Chain | Analysis, ...], side: str | None, gated: bool | None
) -> tuple[str, bool]:
    """How walls are chosen: as asked for, else as in the analyses, else by net gamma."""
    ways = [(g.levels.side, g.levels.gated) for g in given if isinstance(g, Analysis)]
    if len(set(ways)) > 1 and (side is None or gated is None):
        raise ConventionError(
            f"the walls of before are {ways[0]}, those of after {ways[1]}",
            hint="side= and gated= choose one way for both",
        )
    usual = ways[0] if ways else ("net", False)
    return usual[0] if side is None else side, usual[1] if gated is None else gated


def _notes(books: tuple[Positions, Positions]) -> list[str]:
    before, after = (book.chain for book in books)
    notes = []
    if before.clock != after.clock:
        notes.append(f"clock {before.clock} before, {after.clock} after: part of time")
    sources = [chain.rates.source for chain in (before, after)]
    if sources[0] != sources[1]:
        notes.append(f"rates {sources[0]} before, {sources[1]} after: part of rates")
    if before.scope != "all" or after.scope != "all":
        scopes = " and ".join(dict.fromkeys((before.scope, after.scope)))
        notes.append(f"scope {scopes}: what it lets in or out counts as listing")
    if before.as_of and after.as_of and after.as_of.time < before.as_of.time:
        notes.append("after is earlier than before")
    return notes
