"""An option chain: columns, one row per contract, and the market they were quoted in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gexcore import clock as clocks
from gexcore import merge
from gexcore import scope as scopes
from gexcore.columns import (
    check_flags,
    contract_type,
    frame_arguments,
    number_column,
    row_count,
    text_column,
    user_columns,
)
from gexcore.contracts import Contracts
from gexcore.conventions import (
    READ,
    check_spot,
    decide_rates,
    exchange_rates,
    expiry_dates,
    status_of,
    years_of,
)
from gexcore.frames import Coded
from gexcore.implied_vols import imply, rule_of, vendor_vols
from gexcore.rates import flat_rates
from gexcore.results import printable


class Chain(Contracts):
    """Contracts as columns, with spot, time and rates; immutable.

    Made by `from_arrays`, `from_frame` or a reader of `gexcore.io`. Every row read is kept; rows
    that cannot be used carry a reason in `status` and are counted in every result's coverage.
    Columns are attributes (`chain.strike`); further ones are items (`chain["bid"]`).
    """

    __slots__ = ()

    @classmethod
    def from_arrays(
        cls,
        *,
        spot: float,
        strike: Any,
        is_call: Any,
        implied_vol: Any,
        open_interest: Any,
        time_to_expiry: Any = None,
        expiry: Any = None,
        as_of: Any = None,
        root: Any = None,
        clock: str = "settlement",
        rates: str = "auto",
        rate: Any = None,
        dividend_yield: Any = None,
        multiplier: Any = 100.0,
        underlying: str = "",
        columns: Mapping[str, Any] | None = None,
        flags: Mapping[str, Any] | None = None,
        source: Mapping[str, Any] | None = None,
        bid: Any = None,
        ask: Any = None,
        volume: Any = None,
    ) -> Chain:
        """Build a chain from arrays of one length, or numbers that hold for every contract.

        Args:
            spot: price of the underlying, > 0.
            strike: (n,) prices.
            is_call: (n,) booleans.
            implied_vol: (n,) decimal; 0 or NaN = missing, see `with_implied_vols`.
            open_interest: (n,) contracts; NaN = missing.
            time_to_expiry: (n,) years; or give `expiry` and `as_of` instead.
            expiry: (n,) dates; settlement time follows from `root` (SPX, NDX, RUT 09:30, others
                16:00 New York).
            as_of: when the quotes were true: ISO text or datetime with zone, or a clock.AsOf.
            root: (n,) or one OCC root.
            clock: "settlement", "calendar/365", "business/252" or "business/262".
            rates: "flat" (as given, 0 where not, noted), "parity" (forwards from bid and ask), or
                "auto": parity if no rate is given and European contracts are quoted, else flat.
            rate, dividend_yield: continuous, decimal; a number or (n,).
            multiplier: shares (index units) per contract, a number or (n,).
            underlying: name, for reports.
            bid, ask, volume: (n,) quotes and contracts traded; NaN = missing.
            columns: further columns by name, such as sector.
            flags: reason -> (n,) booleans, rows a reader found unusable.
            source: where the chain comes from, for the manifest.

        Returns:
            Chain; a row with a number that cannot be is kept and counted, never an error.

        Raises:
            InputError: lengths differ, a column has the wrong type, spot is not positive, or time
                is missing.

        Example:
            >>> chain = Chain.from_arrays(spot=100.0, strike=[95.0, 105.0], is_call=[False, True],
            ...     implied_vol=[0.22, 0.18], open_interest=[10, 20], time_to_expiry=0.1)
            >>> len(chain), chain.multiplier[0]
            (2, np.float64(100.0))
        """
        rows = row_count(strike)
        numbers = {
            name: number_column(name, value, rows)
            for name, value in (
                ("strike", strike), ("implied_vol", implied_vol), ("open_interest", open_interest),
                ("multiplier", multiplier),
            )
        }  # fmt: skip
        roots = None if root is None else text_column("root", root, rows)
        when = None if as_of is None else clocks.resolve_as_of(None, as_of)
        dates = expiry_dates(expiry, rows)
        if time_to_expiry is None:
            years = years_of(dates, root if isinstance(root, Coded) else roots, when, clock)
        else:
            clocks.check_clock(clock)
            years, clock = number_column("time_to_expiry", time_to_expiry, rows), "given"
        chain = cls(
            spot=check_spot(spot),
            is_call=contract_type(is_call, rows),
            time_to_expiry=years,
            expiry=dates,
            root=roots,
            rates=flat_rates(0.0, 0.0, rows),
            vols=vendor_vols(numbers["implied_vol"]),
            as_of=when,
            clock=clock,
            underlying=printable(underlying),
            scope="all",
            source={"multiplier": "given", **(source or {})},
            columns=user_columns(columns or {}, rows, bid=bid, ask=ask, volume=volume),
            status=status_of(check_flags(flags or {}, READ, rows), numbers, years, multiplier),
            **numbers,
        )
        chain._codes.update({"root": (root.codes, root.texts)} if isinstance(root, Coded) else {})
        return chain._replace(rates=decide_rates(chain, rates, rate, dividend_yield))

    @classmethod
    def from_frame(
        cls, df: Any, *, spot: float, columns: Mapping[str, str] | None = None, **options: Any
    ) -> Chain:
        """Build a chain from a pandas data frame, or anything with `columns` and `df[name]`.

        Args:
            df: one row per contract; columns by our names (`strike`, `is_call` or `option_type`
                with C/P, `implied_vol`, `open_interest`, `expiry` or `time_to_expiry`, ...).
                Others are kept as user columns.
            spot: price of the underlying.
            columns: their name -> ours.
            **options: whatever `from_arrays` takes and the frame does not hold (`as_of`, `rate`).

        Returns:
            Chain.

        Raises:
            InputError: a needed column is missing, has the wrong type, or is given twice.

        Example:
            >>> import pandas as pd
            >>> df = pd.DataFrame({"K": [95.0, 105.0], "option_type": ["P", "C"],
            ...     "implied_vol": [0.22, 0.18], "open_interest": [10, 20]})
            >>> names = {"K": "strike"}
            >>> chain = Chain.from_frame(df, spot=100.0, columns=names, time_to_expiry=0.1)
            >>> chain.is_call.tolist()
            [False, True]
        """
        return cls.from_arrays(spot=spot, **frame_arguments(df, columns or {}, options))

    def with_conventions(
        self,
        *,
        as_of: Any = None,
        clock: str | None = None,
        rates: str | None = None,
        rate: Any = None,
        dividend_yield: Any = None,
    ) -> Chain:
        """The same contracts under other conventions; what is not named stays.

        Args:
            as_of: "printed", "session", or a time with zone.
            clock: see `from_arrays`.
            rates, rate, dividend_yield: see `from_arrays`; rates fitted to quotes are fitted again
                when times change. Implied vols are implied again.

        Raises:
            ConventionError: no such convention. InputError: times change, but the chain has no
                expiration dates.

        Example:
            >>> from gexcore import synthetic_chain
            >>> chain = synthetic_chain(n=2000).with_conventions(clock="calendar/365", rate=0.05)
            >>> chain.clock, chain.rate
            ('calendar/365', 0.05)
        """
        changes: dict[str, Any] = {}
        if as_of is not None or clock is not None:
            when = self.as_of
            if as_of is not None:
                when = clocks.resolve_as_of(when.printed if when else None, as_of)
            name = clock or ("settlement" if self.clock == "given" else self.clock)
            years = years_of(self.expiry, self.root, when, name)
            changes = {"as_of": when, "clock": name, "time_to_expiry": years}
        moved = self._replace(**changes)._with_vendor_vols()
        found = exchange_rates(moved, rates, rate, dividend_yield, times_moved=bool(changes))
        return moved._replace(rates=found)._imply(self.vols.rule)

    def with_implied_vols(self, source: str = "mid", only_missing: bool = True) -> Chain:
        """The same contracts with vols implied from their prices; a second call starts afresh.

        Vols are those of European options under the chain's rates and times. An American price
        carries its right of early exercise as vol; one at or below European intrinsic value (it is
        stale, or the rates leave out a dividend) has none and counts as `below_intrinsic`. Where
        forwards come from put-call parity, quotes are solved at the spot they were made at
        (`rates.basis`), so that a call and a put of one strike have one vol.

        Args:
            source: price of a contract, > 0: "mid" (bid > 0 and ask >= bid), "bid", "ask", "last",
                or "otm": for calls and puts alike the vol of the mid of whichever of the two is
                out of the money at the forward.
            only_missing: imply where the vendor has no vol; else everywhere, and a row whose price
                gives no vol has none.

        Returns:
            Chain whose rows without a vol count as `no_price`, `below_intrinsic` or
            `above_maximum`. `with_conventions` implies again.

        Raises:
            ConventionError: no such source. InputError: the chain has no column of that price.

        Source: docs/definitions.md, section 8.

        Example:
            >>> bare = Chain.from_arrays(spot=100.0, strike=[95.0, 105.0], is_call=[False, True],
            ...     implied_vol=0.0, open_interest=1, time_to_expiry=0.1, bid=[0.8, 0.0], ask=0.9)
            >>> chain = bare.with_implied_vols()
            >>> chain.implied_vol.round(4).tolist(), chain.manifest["vols"]
            ([0.2137, nan], 'implied from mid where missing')
        """
        rule = np.full(len(self), rule_of(source, only_missing), np.uint8)
        return self._with_vendor_vols()._imply(rule)

    def _imply(self, rule: npt.NDArray[np.uint8]) -> Chain:
        return self._replace(**imply(self, rule)) if rule.any() else self

    def _with_vendor_vols(self) -> Chain:
        """The chain as read: nothing implied, status by its times."""
        flags = {reason: self.status == code for code, reason in enumerate(READ)}
        names = ("strike", "open_interest", "multiplier")
        numbers = {name: getattr(self, name) for name in names}
        vol = self.vols.vendor
        status = status_of(flags, {**numbers, "implied_vol": vol}, self.time_to_expiry)
        return self._replace(implied_vol=vol, status=status, vols=vendor_vols(vol))

    @classmethod
    def concat(cls, chains: Sequence[Chain], scale: Sequence[float] | None = None) -> Chain:
        """Put chains on one underlying together, in points of the first.

        Args:
            chains: of the same minute, for example SPX, XSP and SPY.
            scale: points of the first per point of each; default: the ratio of their spots.

        Returns:
            Chain with strikes in points of the first and multipliers in shares of it, so that
            dollars stay what they are; roots, settlement times, rates and flags per row are kept.
            `explain()` shows the mapping.

        Raises:
            InputError: no chains, a scale that is not positive or does not fit the spots, or
                as_of further apart than five minutes.

        Example:
            >>> from gexcore import synthetic_chain
            >>> chain = synthetic_chain(n=2000)
            >>> len(Chain.concat([chain, chain]))
            4000
        """
        return cls(**merge.merge_fields(chains, scale))

    def explain(self) -> str:
        """How the parts of a concatenated chain were mapped, as a table."""
        return merge.explain(self)

    def filter(self, scope: Any) -> Chain:
        """Keep the contracts of a scope.

        Args:
            scope: "all", "next" (first expiry not yet settled), "0dte", "ex-next", "dte<=N",
                "root=SPXW", "expiry=2024-03-15", or an (n,) boolean mask.

        Returns:
            Chain of the rows in scope; the scope is named in every manifest.

        Raises:
            ConventionError: no such scope. InputError: a mask of the wrong length or type.

        Example:
            >>> from gexcore import synthetic_chain
            >>> chain = synthetic_chain(n=2000)
            >>> len(chain.filter("dte<=30")) < len(chain)
            True
        """
        mask, name = scopes.resolve(scope, self)
        return self._take(mask, name if self.scope == "all" else f"{self.scope} and {name}")
