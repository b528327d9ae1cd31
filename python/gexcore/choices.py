"""Conventions as choices: which there are for a chain, and the book under one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gexcore import scope as scopes
from gexcore.chain import Chain
from gexcore.clock import CLOCKS, AsOf, check_clock, resolve_as_of
from gexcore.dynamics import Dynamics
from gexcore.errors import ConventionError, InputError
from gexcore.levels import SIDES
from gexcore.positions import RULES, SIZES, Positions, assign_positions
from gexcore.rates import EUROPEAN_ROOTS, Rates, flat_rates

RATES = ("given", "parity", "zero")
AS_OF = ("printed", "session")
SCOPES = ("all", "ex-next", "dte<=90")


class Convention(NamedTuple):
    """One choice per dimension.

    `as_of` is "printed", "session" or an ISO time (None where the chain knows none); `rates` is
    "given", "parity", "zero", a flat pair (rate, dividend yield), or "own" of a joint chain.
    """

    as_of: str | None
    clock: str
    rates: Any
    scope: str
    positions: str
    size: str
    dynamics: Dynamics
    side: str
    gated: bool

    def to_dict(self) -> dict[str, Any]:
        """By dimension, as JSON types."""
        rates = list(self.rates) if isinstance(self.rates, tuple) else self.rates
        size = "contracts" if self.positions == "contracts" else self.size
        return {**self._asdict(), "rates": rates, "size": size, "dynamics": str(self.dynamics)}

    def labels(self) -> dict[str, str]:
        """By dimension, as text for tables."""
        found = {name: str(value) for name, value in self.to_dict().items()}
        if isinstance(self.rates, tuple):
            found["rates"] = ", ".join(f"{value:.2%}" for value in self.rates)
        return {**found, "as_of": self.as_of or "not known", "gated": "yes" if self.gated else "no"}


DIMENSIONS = Convention._fields


def check_dimensions(names: Iterable[str]) -> None:
    """Raise ConventionError unless all of these are dimensions."""
    for name in names:
        if name not in DIMENSIONS:
            known = ", ".join(DIMENSIONS)
            raise ConventionError(f"conventions: there is no {name!r}", hint=f"known: {known}")


class Choices:
    """What can be chosen for a chain and its positions; `base` is how they are.

    Chains are kept for the next convention, so neighbours should share their first choices.
    """

    def __init__(self, chain: Chain, positions: Positions, size: str, **rest: Any) -> None:
        self.chain, self.positions = chain, positions
        self._kept: dict[str, tuple[Any, Any]] = {}
        self._assigned: dict[tuple[str, str], Positions] = {}
        sized = positions.size if positions.size in SIZES else self._read_size(size)
        self.base = Convention(
            _own_as_of(chain), chain.clock, _own_rates(chain), "all", positions.rule, sized,
            Dynamics("sticky_strike"), "net", False,
        )  # fmt: skip
        self.base = self.base._replace(**{k: self.read(k, value) for k, value in rest.items()})
        for name in ("strike", "expiry", "root"):  # numbered once, for all conventions
            if getattr(chain, name) is not None:
                chain.codes(name)
        # fitted rates would be fitted again whenever times change
        self._flat = chain if chain.rates.table is None else chain.with_conventions(rates="flat")

    def read(self, name: str, value: Any) -> Any:
        """A choice as it stands in a Convention.

        Raises:
            ConventionError: there is no such choice, or not for this chain.
        """
        own = getattr(self.base, name)
        if isinstance(value, str | None) and value == own:
            return own
        found = getattr(self, f"_read_{name}")(value)
        why = None if found == own else self.missing(name, found)
        if why:
            raise ConventionError(f"{name}: {value!r} cannot be chosen, {why}")
        return found

    def _read_as_of(self, value: Any) -> str:
        if isinstance(value, str) and value in AS_OF:
            return value
        try:
            own = self.chain.as_of
            return _as_of_name(resolve_as_of(own.printed if own else None, value))
        except InputError:
            hint = f"{', '.join(AS_OF)}, or an ISO time with its zone"
            raise ConventionError(f"as_of: there is no {value!r}", hint=hint) from None

    def _read_clock(self, value: Any) -> str:
        check_clock(value)
        return str(value)

    def _read_rates(self, value: Any) -> Any:
        if _is_pair(value):
            given = flat_rates(float(value[0]), float(value[1]), len(self.chain))
            return given.rate, given.dividend_yield
        found = _one_of("rates", value, RATES)
        if found == "given" and _were_given(self.chain.rates):
            flat = flat_rates(*self.chain.rates.given, len(self.chain))
            return "zero" if _is_zero(flat) else found
        return found

    def _read_scope(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ConventionError(f"scope: {value!r} is no name", hint=scopes.HINT)
        return value.strip()

    def _read_positions(self, value: Any) -> str:
        rule = _one_of("positions", value, RULES)
        if RULES[rule].needs and rule != self.positions.rule:
            hint = "positions=assign_positions(...)"
            raise ConventionError(f"positions: {rule!r} must be the given ones", hint=hint)
        return rule

    def _read_size(self, value: Any) -> str:
        return _one_of("size", value, SIZES)

    def _read_dynamics(self, value: Any) -> Dynamics:
        return Dynamics.parse(value)

    def _read_side(self, value: Any) -> str:
        return _one_of("side", value, SIDES)

    def _read_gated(self, value: Any) -> bool:
        if not isinstance(value, bool | np.bool_):
            raise ConventionError(f"gated: {value!r} is not True or False")
        return bool(value)

    def missing(self, name: str, value: Any) -> str | None:
        """Why a choice that exists cannot be made for this chain."""
        chain = self.chain
        if name in ("clock", "as_of"):
            if chain.expiry is None:
                return "the chain has no expiration dates"
            if chain.as_of is None:
                return "the chain does not know the time of its quotes"
            if value in AS_OF and chain.as_of.printed is None:
                return "no time is printed in the source"
        if value == "given" and not _were_given(chain.rates):
            return "no rates were given"
        if value == "parity" and not ("bid" in chain.columns and "ask" in chain.columns):
            return "the chain has no quotes"
        return None

    def clash(self, chosen: Convention) -> str | None:
        """Why choices that can be made each by itself do not go together."""
        if chosen.clock not in CLOCKS and chosen.as_of != self.base.as_of:
            return f"as_of does not move times to expiry that are {chosen.clock}"
        if chosen.positions == "weights" and chosen.size != self.base.size:
            return "the size of positions by weights is given with them"
        return None

    def book(self, chosen: Convention) -> tuple[Chain, Positions]:
        """The chain under a convention, and the positions on it."""
        chain, rows = self._once("scope", chosen[:4], self._in_scope)
        key = chosen.positions, chosen.size
        if key not in self._assigned:
            self._assigned[key] = self._assign(*key)
        held = self._assigned[key]
        contracts = held.contracts if rows is None else held.contracts[rows]
        return chain, replace(held, chain=chain, contracts=contracts)

    def _once(self, name: str, key: Any, make: Callable[..., Any]) -> Any:
        if name not in self._kept or self._kept[name][0] != key:
            self._kept[name] = key, make(*key)
        return self._kept[name][1]

    def _assign(self, rule: str, size: str) -> Positions:
        own = rule == self.positions.rule and (RULES[rule].needs or size == self.positions.size)
        return self.positions if own else assign_positions(self.chain, rule, size=size)

    def _in_scope(
        self, as_of: str, clock: str, rates: Any, scope: str
    ) -> tuple[Chain, npt.NDArray[np.bool_] | None]:
        chain: Chain = self._once("rates", (as_of, clock, rates), self._with_rates)
        if scope == "all":
            return chain, None
        return chain.filter(scope), scopes.resolve(scope, chain)[0]

    def _with_rates(self, as_of: str, clock: str, rates: Any) -> Chain:
        own, table = self.chain.rates, self.chain.rates.table
        if (as_of, clock, rates) == self.base[:3]:
            return self.chain
        timed: Chain = self._once("times", (as_of, clock), self._at_times)
        if rates == "parity":
            rate, dividend_yield = own.given if table is not None else (None, None)
            return timed.with_conventions(rates=rates, rate=rate, dividend_yield=dividend_yield)
        if rates == self.base.rates:
            return timed
        rate, dividend_yield = {"zero": (0.0, 0.0), "given": own.given}.get(rates, rates)
        return timed.with_conventions(rates="flat", rate=rate, dividend_yield=dividend_yield)

    def _at_times(self, as_of: str, clock: str) -> Chain:
        if (as_of, clock) == self.base[:2]:
            return self._flat
        moved = None if as_of == self.base.as_of else as_of
        return self._flat.with_conventions(as_of=moved, clock=clock)


def _one_of(name: str, value: Any, known: Iterable[str]) -> str:
    if not isinstance(value, str) or value not in known:
        raise ConventionError(f"{name}: there is no {value!r}", hint=f"known: {', '.join(known)}")
    return value


def _is_pair(value: Any) -> bool:
    number = int | float | np.integer | np.floating
    pair = isinstance(value, tuple | list) and len(value) == 2
    return pair and all(isinstance(v, number) and not isinstance(v, bool) for v in value)


def _were_given(rates: Rates) -> bool:
    return any(value is not None for value in rates.given)


def _is_zero(rates: Rates) -> bool:
    return all(isinstance(v, float) and v == 0.0 for v in (rates.rate, rates.dividend_yield))


def _as_of_name(as_of: AsOf) -> str:
    named = {"printed": "printed", "last session 16:00": "session"}
    return named.get(as_of.rule, as_of.time.isoformat())


def _own_as_of(chain: Chain) -> str | None:
    return None if chain.as_of is None else _as_of_name(chain.as_of)


def _own_rates(chain: Chain) -> str:
    own = chain.rates
    if own.table is not None:
        return "parity"
    if _is_zero(own):
        return "zero"
    return "given" if _were_given(own) else "own"


def declare(choices: Choices, asked: Any) -> tuple[list[Convention], list[str]]:
    """Conventions in the order asked for, the base first, each once; and notes on what is left out.

    Args:
        choices: of a chain.
        asked: None for the default set, dimension -> values, or a list of dimension -> value.

    Raises:
        ConventionError: an unknown dimension or choice, or one that this chain does not have.
    """
    notes: list[str] = []
    if asked is None:
        found = _default(choices, notes)
    elif isinstance(asked, Mapping):
        check_dimensions(asked)
        values = [[choices.read(k, v) for v in _values(k, given)] for k, given in asked.items()]
        found = [
            _over_base(choices, dict(zip(asked, row, strict=True))) for row in product(*values)
        ]
    elif isinstance(asked, Sequence) and not isinstance(asked, str):
        found = [_over_base(choices, _partial(choices, row)) for row in asked]
    else:
        hint = "dimension -> values, or a list of mappings dimension -> value"
        raise ConventionError(f"conventions: {type(asked).__name__} is no set of them", hint=hint)
    once: dict[Convention, Convention] = {}
    for row in (choices.base, *found):
        same = row._replace(size="contracts") if row.positions == "contracts" else row
        once.setdefault(same, row)
    return list(once.values()), notes


def _values(name: str, given: Any) -> list[Any]:
    alone = isinstance(given, str) or not isinstance(given, Iterable)
    values = [given] if alone or (name == "rates" and _is_pair(given)) else list(given)
    if not values:
        raise ConventionError(f"conventions: {name} has no values", hint="leave it out to hold it")
    return values


def _partial(choices: Choices, given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        hint = 'for example {"clock": "business/252"}'
        raise ConventionError(f"conventions: {given!r} is no mapping", hint=hint)
    check_dimensions(given)
    return {name: choices.read(name, value) for name, value in given.items()}


def _over_base(choices: Choices, chosen: Mapping[str, Any]) -> Convention:
    found = choices.base._replace(**chosen)
    why = choices.clash(found)
    if why:
        raise ConventionError(f"conventions: {why}", hint="choose another one as well")
    return found


def _default(choices: Choices, notes: list[str]) -> list[Convention]:
    """Rates x clocks x as_of; scopes and sides of walls one at a time."""
    base, roots = choices.base, choices.chain.root
    values: dict[str, list[Any]] = {}
    for name, known in (("rates", RATES), ("clock", CLOCKS), ("as_of", AS_OF)):
        own = getattr(base, name)
        left_out: dict[str, list[str]] = {}
        values[name] = [own]
        for value in known:
            why = None if value == own else choices.missing(name, value)
            if value == "parity" and own != value and why is None:
                european = roots is not None and np.isin(roots, list(EUROPEAN_ROOTS)).any()
                why = None if european else "no contract is known to be European"
            if why is None:
                values[name].append(choices.read(name, value))
            elif value != "given":
                left_out.setdefault(why, []).append(value)
        notes += [f"{name}: {', '.join(lost)} left out, {why}" for why, lost in left_out.items()]
    grid = [
        base._replace(**dict(zip(values, row, strict=True))) for row in product(*values.values())
    ]
    clashes = [choices.clash(row) for row in grid]
    notes += [f"left out where {why}" for why in dict.fromkeys(filter(None, clashes))]
    rows = [row for row, why in zip(grid, clashes, strict=True) if not why]
    rows += [base._replace(scope=scope) for scope in SCOPES]
    return rows + [base._replace(side=side) for side in SIDES]
