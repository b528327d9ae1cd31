"""How implied vols move with spot: one parameter, taken wherever a chain is re-priced."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from gexcore import _core
from gexcore.chain import Chain
from gexcore.errors import ConventionError
from gexcore.smiles import Smiles, fit_smiles

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Kind:
    meaning: str
    takes_value: bool
    # value -> (1 - skew-stickiness ratio, vol per unit of ln spot, relative vol per ln spot)
    parameters: Callable[[float], tuple[float, float, float]]


KINDS: Mapping[str, _Kind] = {
    "sticky_strike": _Kind("every contract keeps its vol", False, lambda _: (0.0, 0.0, 0.0)),
    "ssr": _Kind(
        "the smile moves with spot, at the money by R times its slope",
        True,
        lambda r: (1.0 - r, 0.0, 0.0),
    ),
    "sticky_moneyness": _Kind("the smile moves with spot", False, lambda _: (1.0, 0.0, 0.0)),
    "dvol_dlogspot": _Kind(
        "every vol moves by b per unit of ln spot", True, lambda b: (0.0, b, 0.0)
    ),
    "relative": _Kind(
        "every vol is multiplied by e^(a ln spot), held beyond 5%", True, lambda a: (0.0, 0.0, a)
    ),
}


@dataclass(frozen=True, slots=True)
class Dynamics:
    """A rule by name, with its value where it takes one; `str()` gives it back as text.

    Where vols follow smiles these are fitted when a chain is first re-priced; `fitted(chain)` does
    it now, so that the same smiles serve for the chain at other times.

    Example:
        >>> str(Dynamics.parse("ssr=1.5")), Dynamics.parse("sticky_strike").moves
        ('ssr=1.5', False)
    """

    name: str
    value: float | None = None
    smiles: Smiles | None = field(default=None, repr=False, compare=False)

    @classmethod
    def parse(cls, given: Dynamics | str) -> Dynamics:
        """Read "sticky_strike", "sticky_moneyness", "ssr=R", "dvol_dlogspot=b" or "relative=a".

        Raises:
            ConventionError: no such dynamics, or a value that is missing or not a finite number.
        """
        if isinstance(given, Dynamics):
            return given
        text = given if isinstance(given, str) else repr(given)
        name, equals, number = (part.strip() for part in text.partition("="))
        hint = f"known: {', '.join(n + '=number' * k.takes_value for n, k in KINDS.items())}"
        if name not in KINDS:
            raise ConventionError(f"dynamics: there is no {text!r}", hint=hint)
        if bool(equals) != KINDS[name].takes_value:
            wanted = "does not take a value" if equals else "needs a value"
            raise ConventionError(f"dynamics: {name} {wanted}", hint=hint)
        if not equals:
            return cls(name)
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise ConventionError(f"dynamics: {number!r} is not a finite number", hint=hint)
        return cls(name, value)

    @property
    def parameters(self) -> tuple[float, float, float]:
        """1 - skew-stickiness ratio, vol per ln spot, relative vol per ln spot."""
        return KINDS[self.name].parameters(self.value or 0.0)

    def fitted(self, chain: Chain) -> Dynamics:
        """The same rule with the smiles of a chain, where it needs them and has none."""
        if self.smiles is not None or self.parameters[0] == 0.0:
            return self
        return replace(self, smiles=fit_smiles(chain))

    @property
    def moves(self) -> bool:
        """Whether any vol changes with spot."""
        return any(self.parameters)

    @property
    def meaning(self) -> str:
        """The rule in words."""
        return KINDS[self.name].meaning

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}={self.value:g}"


class VolModel:
    """A chain whose vols follow a rule: vols at another spot, and sums of greeks under them."""

    __slots__ = ("_smile", "chain", "dynamics")

    def __init__(self, chain: Chain, dynamics: Dynamics) -> None:
        self.chain, self.dynamics = chain, dynamics.fitted(chain)
        smiles = self.dynamics.smiles
        self._smile = None if smiles is None else smiles.per_contract(chain)

    def vols_at(self, spot: float, threads: int | None = None) -> tuple[Float64, Float64]:
        """Vol of each contract when spot is there, and d vol / d spot."""
        chain = self.chain
        vol, slope = _core.move_vols(
            chain.implied_vol, self._smile, *self.dynamics.parameters, chain.spot, spot, threads
        )
        return vol, slope / spot

    def sweep(
        self,
        weight: Float64,
        spots: Float64,
        which: int,
        effective_gamma: bool = False,
        threads: int | None = None,
    ) -> Float64:
        """Sums of weight x greek with vols moved to each spot, one row per greek of `which`.

        With `effective_gamma` one more row: sum of weight x (gamma + vanna d vol / d spot).
        """
        chain = self.chain
        return _core.sweep_dynamics(
            chain.strike, chain.time_to_expiry, chain.implied_vol, chain.rate,
            chain.dividend_yield, chain.is_call, weight, self._smile, *self.dynamics.parameters,
            chain.spot, np.ascontiguousarray(spots), which, effective_gamma, threads,
        )  # fmt: skip
