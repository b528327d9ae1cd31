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
from gexcore.flow import Flow, FlowSettings, signed_flow
from gexcore.results import Result, frame
from gexcore.trades import Trades


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Positions(Result):
    """Signed number of contracts held by dealers, dealer long > 0; 0 where unknown.

    `size` names the column that sizes come from, or "contracts" where they were given or traded.
    `deviation` is the standard deviation of each number, None where nothing is known of it; `flow`
    what positions from trades were made of.
    """

    chain: Chain
    contracts: npt.NDArray[np.float64]
    rule: str
    size: str
    meaning: str
    deviation: npt.NDArray[np.float64] | None = None
    flow: Flow | None = None

    @property
    def weight(self) -> npt.NDArray[np.float64]:
        """Contracts x multiplier: signed shares (index units) that a delta of 1 stands for."""
        return np.asarray(self.contracts * self.chain.multiplier)

    @property
    def manifest(self) -> dict[str, Any]:
        """Rule and size column, for every result; how flow was made where it was."""
        made = {} if self.flow is None else {"flow": self.flow.manifest}
        return {"positions": self.rule, "positions_meaning": self.meaning, "size": self.size,
                **made}  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Rule, size column and the total held long and short."""
        long = float(self.contracts[self.contracts > 0].sum())
        return {**self.manifest, "long": long, "short": float(self.contracts.sum()) - long}

    def to_frame(self) -> Any:
        """Contracts, and their deviation if known, as a pandas data frame beside the strikes."""
        spread = {} if self.deviation is None else {"deviation": self.deviation}
        return frame({"strike": self.chain.strike, "contracts": self.contracts, **spread})

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
    "flow": _Rule(
        "dealers took the other side of customers' trades", "trades", lambda _, __, f: -f
    ),
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
            "flow" is not assigned but made of trades: `from_trades`.
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
    if chosen.needs == "trades":
        raise ConventionError(
            f"positions: rule {rule!r} needs trades",
            hint="pass positions=gexcore.positions.from_trades(chain, trades)",
        )
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


def from_trades(
    chain: Chain,
    trades: Trades,
    rule: str = "lee_ready",
    accuracy: Any = None,
    *,
    estimate: str = "mean",
    errors: str = "trade",
    open_interest_change: Any = None,
    min_size: float | None = None,
    max_size: float | None = None,
    skip_complex: bool = False,
    half_life: float | None = None,
    until: Any = None,
) -> Positions:
    """Dealer positions from customer flow: what customers bought net, dealers sold.

    The rule is "flow". What dealers held before the first trade is unknown and left out; so is
    whether a trade opened or closed a position. Every customer is taken to trade with a dealer.

    Args:
        chain: the contracts; trades are matched by strike, type, and whichever of expiry and root
            the chain has. Trades of other contracts are counted as `unknown_contract`.
        trades: what was traded.
        rule: how trades are signed, see `gexcore.trades.classify`, or "given" for their true_side.
            All usable trades are signed, in time order, before any is left out.
        accuracy: probability p that a found side is right: a number, one per trade (0.5 for the
            legs of complex orders, whose sides are near random), or "published": quote .83,
            lee_ready .80, emo .77, tick .59. None: sides are taken as they are, without a band.
        estimate: given an accuracy, "mean": each signed size v counts (2p - 1) v with variance
            4p(1 - p) v^2, the mean and variance of its true value if buys and sells were as likely
            before looking; totals are drawn towards 0. "unbiased": v / (2p - 1) with variance
            4p(1 - p) v^2 / (2p - 1)^2: right on average whatever customers do, and wider. A trade
            whose side is unknown counts 0, with variance size^2.
        errors: "trade": independent, what the variances above add up to; "contract": all found
            sides of a contract are right or wrong together. Contracts are independent.
        open_interest_change: (n,) change in open interest over the period of the trades, NaN where
            unknown. Net inventory is then cut to its absolute value, and the deviation too: this
            ASSUMES that whatever stayed overnight opened or closed contracts, so that the rest
            went round within the period. A dealer who passes a position from one customer to
            another breaks it.
        min_size, max_size: contracts; smaller and larger trades are left out.
        skip_complex: leave out trades with `is_complex`.
        half_life: days after which a trade counts half, back from `until`; None: all count whole.
        until: time with zone after which trades do not count (`after_as_of`); default: as_of of
            the chain, where it is known.

    Returns:
        Positions with `deviation` (None without accuracy), and `flow`: bought, sold, unknown per
        contract, and the trades left out by reason.

    Raises:
        ConventionError: an unknown name, or arguments that exclude each other.
        InputError: a wrong length or type, a number out of range, a column that the trades lack.

    Source: Savickas and Wilson (2003) for the accuracies.

    Example:
        >>> from gexcore.trades import Trades
        >>> chain = Chain.from_arrays(spot=100.0, strike=[95.0, 105.0], is_call=[False, True],
        ...     implied_vol=[0.22, 0.18], open_interest=[10, 20], time_to_expiry=0.1)
        >>> trades = Trades.from_arrays(strike=[105.0, 105.0, 95.0], option_type=["C", "C", "P"],
        ...     price=[1.10, 1.00, 0.80], size=[5, 1, 2], bid=[1.00, 1.00, 0.80], ask=1.10)
        >>> from_trades(chain, trades).contracts.tolist()
        [2.0, -4.0]
        >>> likely = from_trades(chain, trades, accuracy="published")
        >>> likely.contracts.round(2).tolist(), likely.deviation.round(2).tolist()
        ([1.2, -2.4], [1.6, 4.08])
    """
    settings = FlowSettings(
        rule, accuracy, estimate, errors, min_size, max_size, skip_complex, half_life, until
    )
    flow = signed_flow(chain, trades, settings, open_interest_change)
    contracts = RULES["flow"].contracts(chain, flow.net, flow.net) + 0.0  # no -0
    contracts.flags.writeable = False
    meaning = RULES["flow"].meaning
    return Positions(chain, contracts, "flow", "contracts", meaning, flow.deviation, flow)
