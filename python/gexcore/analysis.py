"""The whole path from chain to regime in one call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from typing import Any

from gexcore.chain import Chain
from gexcore.coverage import Coverage
from gexcore.dynamics import Dynamics
from gexcore.exposures import Exposures, compute_exposures
from gexcore.greeks import ChainGreeks, compute_greeks
from gexcore.implied_vols import VOL_SOURCES
from gexcore.landscape import Landscape, compute_landscape
from gexcore.levels import Levels, find_levels
from gexcore.positions import Positions, assign_positions
from gexcore.profile import Profile, sweep_profile
from gexcore.rates import Rates
from gexcore.regime import Regime, classify_regime
from gexcore.results import Result, align, money, number, plain
from gexcore.sign_band import SignBand, levels_band
from gexcore.smiles import Smiles, fit_smiles

ENOUGH_OPEN_INTEREST = 0.9


@dataclass(frozen=True, repr=False, eq=False)
class Analysis(Result):
    """Everything computed on the way, and the two results: `levels` and `regime`."""

    chain: Chain
    greeks: ChainGreeks
    positions: Positions
    exposures: Exposures
    profile: Profile
    levels: Levels
    regime: Regime
    band: SignBand | None = None

    @property
    def coverage(self) -> Coverage:
        """Rows read, used and dropped by reason."""
        return self.exposures.coverage

    @property
    def manifest(self) -> dict[str, Any]:
        """All conventions of these numbers."""
        return self.regime.manifest

    def to_dict(self) -> dict[str, Any]:
        """As printed by `gexcore levels --json`."""
        as_of = self.chain.as_of
        return {
            "spot": self.chain.spot,
            "as_of": as_of.time.isoformat() if as_of else None,
            "net_gamma": self.exposures.gamma.net,
            "gross_gamma": self.exposures.gamma.gross,
            "effective_net_gamma": self.levels.net_gamma[0],
            **self.levels.to_dict(),
            "regime": self.regime.to_dict(),
            **({} if self.band is None else {"band": self.band.to_dict()}),
            "warnings": self.warnings,
            "coverage": self.coverage.to_dict(),
            "manifest": plain(self.manifest),
        }

    def __repr__(self) -> str:
        return f"<Analysis {self.chain!r}: {self.regime.kind}, zero gamma {self.levels.zero_gamma}>"

    def __str__(self) -> str:
        parts = [str(self.chain), self._table(), self.regime.describe()]
        parts += [] if self.band is None else [str(self.band)]
        parts += ["\n".join(f"WARNING {text}" for text in self.warnings)] if self.warnings else []
        return "\n\n".join([*parts, self._footer()])

    @cached_property
    def smiles(self) -> Smiles:
        """The smile of each expiration."""
        return self.profile.smiles or fit_smiles(self.chain)

    @cached_property
    def landscape(self) -> Landscape:
        """How gamma is spread over strikes and expirations."""
        return compute_landscape(self.levels)

    @property
    def rates(self) -> Rates:
        """Rates and how they were obtained; `rates.table` is the parity fit per expiry, if any."""
        return self.chain.rates

    @property
    def warnings(self) -> list[str]:
        """What makes these numbers less sure: low coverage, raised flags."""
        coverage = self.coverage
        found = []
        lost = [(share, reason) for reason, (_, share) in coverage.dropped.items() if share]
        if lost and coverage.used_open_interest_share < ENOUGH_OPEN_INTEREST:
            share, reason = max(lost)
            used = f"only {coverage.used_open_interest_share:.0%} of open interest is used"
            found.append(f"{used}: {reason.replace('_', ' ')} holds {share:.0%}")
            if reason == "no_implied_vol" and (price := _price_of(self.chain)):
                found[-1] += f"; with_implied_vols({price!r}) (--imply {price}) solves for them"
        return found + [str(flag) for flag in self.regime.flags.values() if flag.raised]

    def details(self) -> str:
        """Top strikes, drivers, landscape, expirations, profile and all flags, as text."""
        levels = self.levels
        points = {"profile peak": levels.profile_peak, "profile trough": levels.profile_trough}
        single = [
            [name, "none" if point is None else f"{number(point[0])} ({money(point[1])} $ per 1%)"]
            for name, point in points.items()
        ]
        single.append(["cumulative gamma crossing", number(levels.cumulative_gamma_crossing)])
        for name, value in (("vol", levels.at_the_money_vol), ("25-delta skew", levels.skew)):
            single.append([f"30-day {name}", "none" if value is None else f"{value:.2%}"])
        tops = [["strike", "$ per 1%"]]
        tops += [[number(k), money(v)] for k, v in levels.top_positive + levels.top_negative]
        drivers = [["root", "expiry", "strike", "type", "$ per 1%", "of gross"]]
        for d in levels.drivers:
            cells = [d.root, d.expiry, number(d.strike), d.option_type, money(d.value)]
            drivers.append([*cells, f"{d.share:.1%}"])
        flags = [
            [
                name.replace("_", " "),
                {True: "RAISED", False: "no", None: "?"}[flag.raised],
                flag.evidence,
            ]
            for name, flag in self.regime.flags.items()
        ]
        parts = {
            "levels": align(single),
            "strikes with the largest net gamma": align(tops, right=(0, 1)),
            "contracts that drive net gamma": align(drivers, right=(2, 4, 5)),
            "landscape": self.landscape.summary(),
            "expirations": str(levels.expiries),
            "flags": align(flags),
        }
        return "\n\n".join(f"{title}\n{text}" for title, text in parts.items())

    def _table(self) -> str:
        gamma, regime = self.exposures.gamma, self.regime
        rows = [["net gamma", f"{money(gamma.net)} $ per 1%", _share(gamma.net, gamma.gross)]]
        if self.profile.vols_move:
            net, gross = self.levels.net_gamma
            rows.append(["effective gamma", f"{money(net)} $ per 1%", _share(net, gross)])
        rows += self.levels.rows()
        distance = ""
        if regime.distance_pct is not None:
            distance = f"spot {regime.distance_pct:+.2f}% from zero gamma"
            if regime.distance_deviations is not None:
                distance += f", {regime.distance_deviations:+.1f} daily deviations"
        rows.append(["regime", regime.kind.replace("_", " "), distance])
        if regime.pct_adv is not None:
            volume = f"of {money(regime.adv)} daily volume per 1% move"
            rows.append(["hedging flow", f"{regime.pct_adv:+.2f}%", volume])
        if regime.feedback is not None:
            factor = f"x {regime.feedback:.3f}" if regime.feedback < inf else "runs away"
            rows.append(["feedback", factor, f"on realised vol, kappa {regime.kappa:g}"])
        return align(rows)

    def _footer(self) -> str:
        coverage, manifest = self.coverage, self.manifest
        dropped = ", ".join(
            f"{n:,} {name.replace('_', ' ')} ({share:.1%})"
            for name, (n, share) in coverage.dropped.items()
        )
        share = f"{coverage.used_open_interest_share:.1%} of open interest"
        used = f"{coverage.used:,} of {coverage.read:,} contracts, {share}"
        when, rates = manifest["as_of"] or "given", manifest["rates"]
        rows, held = coverage.implied_from_price
        sized = f"sized by {manifest['size'].replace('_', ' ')}"
        source = _source_text(self.chain)
        lines = [
            *([["source", source]] if source else []),
            ["used", used],
            ["dropped", dropped or "none"],
            ["positions", f"{manifest['positions']}: {manifest['positions_meaning']}; {sized}"],
            ["time", f"{when} ({manifest['as_of_rule']}), clock {manifest['clock']}"],
            ["rates", _rates_text(rates)],
            *([["vols", f"{manifest['vols']}: {rows:,} contracts ({held:.1%})"]] if rows else []),
            ["scope", f"{manifest['scope']}, vols {manifest['dynamics'].replace('_', ' ')}"],
            ["walls", f"by {manifest['wall_side']} gamma{', gated' * manifest['wall_gated']}"],
            ["version", f"gexcore {manifest['version']}, definitions {manifest['definitions']}"],
        ]
        return align(lines)


def _share(net: float, gross: float) -> str:
    return f"{net / gross:+.1%} of gross {money(gross)}" if gross else ""


def _price_of(chain: Chain) -> str:
    """The price that missing vols can be implied from, "" if there is none."""
    for source in ("mid", "last"):
        columns = [chain.columns.get(name) for name in VOL_SOURCES[source]]
        if all(column is not None and (column > 0).any() for column in columns):
            return source
    return ""


def _source_text(chain: Chain) -> str:
    """File and reader, where the spot comes from, and all that was noted; "" without a file."""
    source = {**chain.source}
    if "file" not in source:
        return ""
    text = f"{source.pop('vendor', '')}, {source.pop('file')}"
    for name in ("printed_time", "multiplier"):  # the time has its own line
        source.pop(name, None)
    notes = [f"{name.replace('_', ' ')}: {value}" for name, value in source.items() if value]
    return "; ".join([text, *notes])


def _rates_text(rates: dict[str, Any]) -> str:
    rate, dividend_yield = _percent(rates["rate"]), _percent(rates["dividend_yield"])
    note = f" - NOTE: {rates['note']}" if rates["note"] else ""
    how = "" if rates["source"] in ("given", "not given") else f"{rates['source']}: "
    return f"{how}rate {rate}, dividend yield {dividend_yield}{note}"


def _percent(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.2%}"
    return "none" if value["low"] is None else f"{value['low']:.2%} to {value['high']:.2%}"


def analyze(
    chain: Chain,
    positions: Positions | str = "naive",
    *,
    contracts: Any = None,
    weights: Any = None,
    size: str = "open_interest",
    side: str = "net",
    gated: bool = False,
    dynamics: Dynamics | str = "sticky_strike",
    adv: float | None = None,
    kappa: float | None = None,
    sign_accuracy: float | None = None,
    certify: bool = False,
    threads: int | None = None,
) -> Analysis:
    """Go from a chain to levels and regime.

    Args:
        chain: the contracts.
        positions: a rule of `assign_positions` (with its `contracts`, `weights` or `size`), or
            Positions of this chain.
        side, gated, certify: how walls are chosen and zero gamma is proved, see `find_levels`.
        dynamics: how vols move with spot, see `sweep_profile`.
        adv, kappa: daily volume in dollars and price impact, see `classify_regime`.
        sign_accuracy: probability that signs are right, for `.band`, see `levels_band`.
        threads: as in `bsm.greeks`.

    Returns:
        Analysis; `print` it, or read `.levels`, `.regime`, `.exposures`, `.to_dict()`.

    Raises:
        ConventionError: unknown rule. MismatchError: positions of another chain.

    Example:
        >>> import gexcore as gex
        >>> result = gex.analyze(gex.synthetic_chain())
        >>> result.levels.zero_gamma.status
        'found'
    """
    if isinstance(positions, str):
        positions = assign_positions(
            chain, positions, contracts=contracts, weights=weights, size=size
        )
    greeks = compute_greeks(chain, threads=threads)
    exposures = compute_exposures(chain, greeks, positions)
    profile = sweep_profile(chain, positions, dynamics=dynamics, threads=threads)
    levels = find_levels(exposures, profile, side, gated, certify)
    regime = classify_regime(levels, adv, kappa)
    band = None if sign_accuracy is None else levels_band(levels, sign_accuracy)
    if band is not None:
        regime = replace(regime, probability=band.regime[regime.kind])
    return Analysis(chain, greeks, positions, exposures, profile, levels, regime, band)
