"""Who holds what: signed dealer contracts by rule. The only place where a sign enters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore.chain import Chain
from gexcore.columns import number_column
from gexcore.errors import ConventionError, InputError
from gexcore.results import Result, frame


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Positions(Result):
    """Signed number of contracts held by dealers, dealer long > 0; 0 where unknown.

    `size` names the column that sizes come from, or "contracts" where they were given.
    """

    chain: Chain
    contracts: npt.NDArray[np.float64]
    rule: str
    size: str
    meaning: str

    @property
    def weight(self) -> npt.NDArray[np.float64]:
        """Contracts x multiplier: signed shares (index units) that a delta of 1 stands for."""
        return np.asarray(self.contracts * self.chain.multiplier)

    @property
    def manifest(self) -> dict[str, Any]:
        """Rule and size column, for every result."""
        return {"positions": self.rule, "positions_meaning": self.meaning, "size": self.size}

    def to_dict(self) -> dict[str, Any]:
        """Rule, size column and the total held long and short."""
        long = float(self.contracts[self.contracts > 0].sum())
        return {**self.manifest, "long": long, "short": float(self.contracts.sum()) - long}

    def to_frame(self) -> Any:
        """Contracts as a pandas data frame beside the strikes."""
        return frame({"strike": self.chain.strike, "contracts": self.contracts})

    def __repr__(self) -> str:
        return f"<Positions {self.rule}: {self.meaning}>"

    def __str__(self) -> str:
        return f"{self.rule}: {self.meaning}"


@dataclass(frozen=True, slots=True)
class _Rule:
    meaning: str
    needs: str | None  # argument of assign_positions
    contracts: Callable[[Chain, npt.NDArray[np.float64], Any], npt.NDArray[np.float64]]


def out_of_the_money(chain: Chain) -> npt.NDArray[np.bool_]:
    """Strike at spot counts as out of the money; frozen at the chain's spot."""
    return np.where(chain.is_call, chain.strike >= chain.spot, chain.strike <= chain.spot)


RULES: Mapping[str, _Rule] = {
    "naive": _Rule(
        "dealers long every call and short every put",
        None,
        lambda chain, size, _: np.where(chain.is_call, size, -size),
    ),
    "short_all": _Rule("dealers short everything", None, lambda _, size, __: -size),
    "inverted": _Rule(
        "dealers short every call and long every put",
        None,
        lambda chain, size, _: np.where(chain.is_call, -size, size),
    ),
    "moneyness": _Rule(
        "dealers short out-of-the-money, long in-the-money contracts, as of this spot",
        None,
        lambda chain, size, _: np.where(out_of_the_money(chain), -size, size),
    ),
    "weights": _Rule("given share of each contract", "weights", lambda _, size, w: size * w),
    "contracts": _Rule("dealer contracts given by the caller", "contracts", lambda _, __, q: q),
}
SIZES = ("open_interest", "volume")


def assign_positions(
    chain: Chain,
    rule: str = "naive",
    *,
    contracts: Any = None,
    weights: Any = None,
    size: str = "open_interest",
) -> Positions:
    """Dealer positions by a named rule.

    Args:
        chain: the contracts.
        rule: one of
            "naive": + calls, - puts; the index convention. Wrong for single stocks whose calls
            customers buy; its delta exposure is never negative, whatever the market does.
            "short_all": customers bought everything; never flips, for sizing a squeeze.
            "inverted": the mirror of naive, every regime turned round.
            "moneyness": - out of the money, + in the money at the chain's spot; frozen there, so
            profiles do not jump at strikes.
            "weights": `weights` x size; only as good as the source of the weights.
            "contracts": `contracts` as given.
        contracts: (n,) signed numbers of contracts, dealer long > 0.
        weights: (n,) in [-1, 1].
        size: column that rules are applied to: "open_interest" or "volume" (today's trades, an
            upper bound of what was opened).

    Returns:
        Positions; a missing size is 0 and counted as `no_open_interest`, `no_volume` or
        `no_position`.

    Raises:
        ConventionError: no such rule, or its argument is missing or not wanted.
        InputError: a wrong length or type, a weight outside [-1, 1].

    Example:
        >>> chain = Chain.from_arrays(spot=100.0, strike=[95.0, 105.0], is_call=[False, True],
        ...     implied_vol=[0.22, 0.18], open_interest=[10, 20], time_to_expiry=0.1)
        >>> assign_positions(chain).contracts.tolist()
        [-10.0, 20.0]
    """
    if rule not in RULES:
        raise ConventionError(
            f"positions: there is no rule {rule!r}", hint=f"rules: {', '.join(RULES)}"
        )
    if size not in SIZES:
        raise ConventionError(f"size: there is no {size!r}", hint=f"sizes: {', '.join(SIZES)}")
    chosen = RULES[rule]
    argument = _checked_argument(rule, len(chain), {"contracts": contracts, "weights": weights})
    held = np.maximum(chain[size], 0.0) if rule != "contracts" else argument
    signed = chosen.contracts(chain, held, argument)
    signed = np.where(np.isfinite(signed), signed, 0.0)
    signed.flags.writeable = False
    source = "contracts" if rule == "contracts" else size
    return Positions(chain, signed, rule, source, chosen.meaning)


def _checked_argument(rule: str, rows: int, given: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    """The numbers that a rule needs, and none that it does not take."""
    needs = RULES[rule].needs
    for name, value in given.items():
        if (value is None) == (name == needs):
            wanted = "needs" if value is None else "does not take"
            raise ConventionError(f"positions: rule {rule!r} {wanted} {name}=")
    argument = np.zeros(0)
    if needs:
        argument = number_column(needs, given[needs], rows)
    if rule == "weights" and (np.abs(argument) > 1).any():
        row = int(np.argmax(np.abs(np.nan_to_num(argument)) > 1))
        raise InputError(f"weights: row {row} has {argument[row]:g}", hint="weights lie in [-1, 1]")
    return argument
