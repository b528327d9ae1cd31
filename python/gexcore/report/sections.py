"""Tables and sentences of a report; every number is that of a result, with all its digits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

import numpy as np

from gexcore.report.charts import time_labels
from gexcore.report.contents import Contents
from gexcore.report.markup import Markup, Number, escape, join, table, tag
from gexcore.results import money, number, plain

WORDS = {
    "long_gamma": ("long gamma", "Moves are dampened: dealers sell strength and buy weakness."),
    "short_gamma": ("short gamma", "Moves are amplified: dealers buy strength, sell weakness."),
    "transition": ("near balance", "A small move or new trades can turn dealers' hedging."),
    "no_exposure": ("no exposure", "No dealer gamma was found: look at the coverage."),
}
LABELS = {"hvl": "high-volatility level", "absolute_gamma_strike": "absolute gamma strike (pin)",
          "zero_gamma": "zero gamma (flip)"}  # fmt: skip
RAISED = {True: "RAISED", False: "no", None: "cannot be told"}


def words(name: Any) -> str:
    """A name of the library as words."""
    return str(name).replace("_", " ")


def label_of(name: str) -> str:
    """A level as traders call it."""
    return LABELS.get(name, words(name))


def why(level: Any) -> str:
    """Why a level does not exist."""
    return str(level).removeprefix("none: ")


def gamma_text(value: float | None, unit: str = "$ per 1%") -> str:
    """Dollars with sign, unit, and which side dealers are on."""
    if value is None:
        return "none"
    side = " (long)" if value > 0 else " (short)" if value < 0 else ""
    return f"{money(value)} {unit}{side}"


def price(value: float | None) -> Number:
    """A price to two places."""
    return Number("none" if value is None else f"{value:,.2f}", value)


def cell(value: float | None, form: str, after: str = "") -> Number:
    """A number in a format, zero without a sign; a dash where there is none."""
    if value is None:
        return Number("-", None)
    text = format(value, form)
    plain_zero = not any(digit in text for digit in "123456789")
    return Number((text.lstrip("+-") if plain_zero else text) + after, float(value))


def percent(value: float | None, digits: int = 1, sign: str = "") -> Number:
    """A share, given as a fraction."""
    return cell(value, f"{sign}.{digits}%")


def flag(name: str, raised: bool | None) -> Markup:
    """A word that does not need its colour."""
    kind = {True: "bad", False: "good", None: "quiet"}[raised]
    return tag("span", name, class_=f"mark {kind}")


# --- levels ------------------------------------------------------------------------------------


def _level_rows(contents: Contents) -> Iterator[tuple[str, float | None, Any, Any, str]]:
    """Label, price, amount, share of gross, remark."""
    levels = contents.result.levels
    zero = levels.zero_gamma
    for crossing in zero.crossings:
        head = crossing.spot == zero.value
        label = label_of("zero_gamma") if head else "zero gamma, further crossing"
        yield label, crossing.spot, "", "", words(crossing.direction) + " when crossed upward"
    if zero.value is None:
        yield label_of("zero_gamma"), None, "", "", why(zero)
    for name in levels.STRIKES:
        level = getattr(levels, name)
        if level.strike is None:
            yield label_of(name), None, "", "", why(level)
            continue
        unit = "$ of delta" if name == "key_delta_strike" else "$ per 1%"
        remark = "weak: below 0.5% of gross" if level.weak else ""
        if level.runner_up is not None and level.margin is not None:
            lead = f"{level.margin:.1%} ahead of {number(level.runner_up)}"
            remark = f"{remark}; {lead}" if remark else lead
        if name == "hvl":
            remark = "sum of all strikes up to here is lowest"
        amount = Number(gamma_text(level.value, unit), level.value)
        if name == "absolute_gamma_strike":  # calls and puts are not netted: no side
            amount = Number(f"{money(level.value).lstrip('+')} {unit}, gross", level.value)
        yield label_of(name), level.strike, amount, percent(level.share), remark


def levels_table(contents: Contents) -> Markup:
    """All levels and spot, the highest price first, as on a ladder."""
    result = contents.result
    spot, vol = result.chain.spot, result.levels.at_the_money_vol
    rows = [*_level_rows(contents), ("spot", spot, "", "", "")]
    rows.sort(key=lambda row: (row[1] is None, -(row[1] or 0.0)))
    shown = []
    for label, at, amount, share, remark in rows:
        away = None if at is None else at / spot - 1
        deviations = None if at is None or not vol else np.log(at / spot) / (vol / 252**0.5)
        here = label == "spot"
        shown.append([
            tag("strong", label) if here else label,
            price(at),
            "" if here else percent(away, 2, "+"),
            "" if here else cell(deviations, "+.1f"),
            amount, share, remark,
        ])  # fmt: skip
    head = ["level", "price", "from spot", "daily deviations", "gamma", "of gross", "remark"]
    return table("levels-table", "Levels and spot, the highest price first", head, shown)


def strikes_table(contents: Contents) -> Markup:
    """The strikes with the largest net gamma of each sign."""
    levels, gross = contents.result.levels, contents.result.exposures.gamma.gross
    rows = [
        [Number(number(k), k), Number(gamma_text(v), v), percent(abs(v) / gross)]
        for k, v in levels.top_positive + levels.top_negative
    ]
    title = "Strikes with the largest net gamma, all expirations together"
    return table("strikes-table", title, ["strike", "net gamma", "of gross"], rows)


def drivers_table(contents: Contents) -> Markup:
    """The ten contracts that drive net gamma most."""
    rows = [
        [f"{d.root} {d.expiry} {d.option_type}".strip(), Number(number(d.strike), d.strike),
         Number(gamma_text(d.value), d.value), percent(d.share)]
        for d in contents.result.levels.drivers
    ]  # fmt: skip
    title = "Contracts that drive net gamma most"
    return table("drivers-table", title, ["contract", "strike", "gamma", "of gross"], rows)


# --- regime ------------------------------------------------------------------------------------


def strength_table(contents: Contents) -> Markup:
    """How strong the regime is."""
    result = contents.result
    regime, gamma = result.regime, result.exposures.gamma
    rows: list[list[Any]] = [
        ["net gamma", Number(gamma_text(gamma.net), gamma.net)],
        ["gross gamma", Number(f"{money(gamma.gross).lstrip('+')} $ per 1%", gamma.gross)],
    ]
    if result.profile.vols_move:
        net = result.levels.net_gamma[0]
        rows.append(["effective net gamma", Number(gamma_text(net), net)])
    away, deviations = regime.distance_pct, regime.distance_deviations
    rows += [
        ["net / gross", percent(regime.net_to_gross, 1, "+")],
        ["spot from zero gamma", cell(away, "+.2f", "%")],
        ["in daily deviations", cell(deviations, "+.1f")],
    ]
    if regime.pct_adv is not None:
        rows.append(["net gamma, % of daily volume", cell(regime.pct_adv, "+.2f", "%")])
    if regime.feedback is not None:
        rows.append(["feedback, times realised vol", _factor(regime.feedback)])
    if regime.probability is not None:
        rows.append(["holds under errors of sign", percent(regime.probability, 0)])
    return table("strength-table", "Strength", ["measure", "value"], rows)


def _factor(value: float) -> Number:
    return cell(value, ".3f") if value < inf else Number("without limit: runs away", None)


def flags_table(contents: Contents) -> Markup:
    """Warnings, raised or not, with their evidence."""
    rows = [
        [words(name), flag(RAISED[each.raised], each.raised), each.evidence]
        for name, each in contents.result.regime.flags.items()
    ]
    title = "Flags and their evidence"
    return table("flags-table", title, ["flag", "raised", "evidence"], rows)


# --- how sure ----------------------------------------------------------------------------------

_AMOUNTS = ("net_gamma", "gross_gamma", "effective_net_gamma")


def _amount(name: str, value: float | None) -> Number:
    if name not in _AMOUNTS:
        return price(value)
    text = money(value)
    return Number(text.lstrip("+") if name == "gross_gamma" else text, value)


def intervals_table(contents: Contents) -> Markup:
    """The interval of each level across conventions, and what moves it."""
    assert contents.across is not None
    intervals, rows = contents.across.intervals, []
    for name, each in intervals.items():
        if name == "effective_net_gamma" and each == intervals["net_gamma"]:
            continue
        size = money if name in _AMOUNTS else number
        effects = sorted(each.effects.items(), key=lambda item: -item[1])
        moved = ", ".join(f"{words(k)} {size(v).lstrip('+')}" for k, v in effects if v)
        missing = ", ".join(f"{words(why)} in {n}" for why, n in each.missing.items())
        base = getattr(contents.across.base, name)
        rows.append([
            label_of(name) + (", $ per 1%" if name in _AMOUNTS else ""), _amount(name, base),
            _amount(name, each.low), _amount(name, each.high),
            words(each.driver or "nothing"), moved or "-", missing or "-",
        ])  # fmt: skip
    head = ["level", "base", "low", "high", "moved most by", "each choice moves it by", "missing"]
    title = f"Levels across {len(contents.across)} sets of conventions"
    return table("intervals-table", title, head, rows)


def conventions_table(contents: Contents) -> Markup:
    """The levels under each set of conventions, the base first."""
    assert contents.across is not None
    columns = contents.across.columns()
    names = contents.across.base.convention._fields
    varied = [name for name in names if len({*map(str, columns[name])}) > 1]
    levels = ("zero_gamma", "net_gamma", "call_wall", "put_wall")
    rows = []
    for i in range(len(contents.across)):
        cells: list[Any] = ["base" if i == 0 else str(i + 1)]
        cells += [words(columns[name][i]) for name in varied]
        for name in levels:
            value = columns[name][i]
            missing = value is None and words(columns[f"{name}_status"][i])
            cells.append(missing or _amount(name, value))
        rows.append([*cells, words(columns["regime"][i])])
    head = ["set", *map(words, varied), *(f"{words(n)}" for n in levels), "regime"]
    return table("conventions-table", "Every set of conventions", head, rows)


def sensitivities_table(contents: Contents) -> Markup:
    """How levels move."""
    found, rows = contents.sensitivities, []
    for name in ("zero_gamma", "call_wall", "put_wall", "absolute_gamma_strike"):
        each = getattr(found, name)
        wall = each.lead is not None
        found_moves = (each.per_day, each.per_vol_point, each.per_rate_point)
        moves = [Number(money(v), v) if wall else cell(v, "+.3f") for v in found_moves]
        what = "" if each.per_day is None else "lead, $ per 1%" if wall else "points of price"
        rows.append([label_of(name), price(each.value), what, *moves,
                     Number(money(each.lead) if wall else "-", each.lead)])  # fmt: skip
    units = ("per day", "per vol point", "per rate point")
    head = ["level", "value", "what moves", *units, "lead now"]
    return table("sensitivities-table", "Sensitivities", head, rows)


def pulls_table(contents: Contents) -> Markup | None:
    """The contracts with the strongest pull on zero gamma."""
    pulls = contents.sensitivities.zero_gamma.contracts
    rows = [
        [f"{p.root} {p.expiry} {p.option_type}".strip(), Number(number(p.strike), p.strike),
         cell(p.per_1000_contracts, "+.3f")]
        for p in pulls
    ]  # fmt: skip
    head = ["contract", "strike", "points per 1,000 contracts more"]
    title = "Contracts that move zero gamma most"
    return table("pulls-table", title, head, rows) if rows else None


# --- hedging and maps --------------------------------------------------------------------------


def ladder_table(contents: Contents) -> Markup:
    """What dealers trade by move of spot."""
    found = contents.ladder
    parts = [name for name, part in found.parts.items() if np.abs(part).max(initial=0.0) > 0]
    rows = []
    for i in range(len(found)):
        shares, dollars = float(found.shares[i]), float(found.dollars[i])
        verb = "buy" if shares > 0 else "sell" if shares < 0 else "nothing"
        rows.append([
            percent(float(found.returns[i]), 2, "+"), price(float(found.spots[i])), verb,
            cell(shares, "+,.0f"), Number(f"{money(dollars)} $", dollars),
            *(cell(float(found.parts[n][i]), "+,.0f") for n in parts),
        ])  # fmt: skip
    head = ["move", "spot", "dealers", "shares", "dollars", *(f"{n}, shares" for n in parts)]
    return table("ladder-table", "Hedge ladder, by exact re-pricing", head, rows)


def buckets_table(contents: Contents) -> Markup:
    """Gamma by time to expiration."""
    buckets = contents.result.landscape.buckets
    rows = []
    for row in buckets.to_dict():
        first, last = row["first_day"], row["last_day"]
        days = f"{first:.0f} days on" if last is None else f"{first:.0f} to {last:.0f} days"
        days = "today" if last == 0 else days
        rows.append([
            words(row["bucket"]), days, Number(f"{row['contracts']:,}", row["contracts"]),
            Number(gamma_text(row["net"]), row["net"]),
            Number(money(row["gross"]).lstrip("+"), row["gross"]), percent(row["share"]),
        ])  # fmt: skip
    head = ["expires", "days ahead", "contracts", "net gamma", "gross, $ per 1%", "of gross"]
    return table("buckets-table", "Gamma by time to expiration", head, rows)


def scenario_table(contents: Contents) -> Markup:
    """The scenario at a few prices and times."""
    cube = contents.cube
    picks = [
        np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int))
        for n, most in ((len(cube.spots), 9), (len(cube.days), 7))
    ]
    labels = time_labels(cube)
    times = [labels[j] for j in picks[1]]
    rows = []
    for i in picks[0][::-1]:
        values = (float(cube.values[i, j, 0]) for j in picks[1])
        rows.append([price(float(cube.spots[i])), *(Number(money(v), v) for v in values)])
    title = f"Net gamma by price and time, {cube.unit}"
    return table("scenario-table", title, ["price", *times], rows)


# --- basis -------------------------------------------------------------------------------------


def coverage_table(contents: Contents) -> Markup:
    """Rows used and dropped, by reason, with their share of open interest."""
    coverage = contents.result.coverage
    parts = {"used": (coverage.used, coverage.used_open_interest_share)}
    if coverage.implied_from_price[0]:
        parts["of these: vol implied from price"] = coverage.implied_from_price
    parts |= {f"dropped: {words(k)}": part for k, part in coverage.dropped.items()}
    rows: list[list[Any]] = [
        [name, Number(f"{count:,}", count), percent(share)]
        for name, (count, share) in parts.items()
    ]
    rows.append(["read", Number(f"{coverage.read:,}", coverage.read), ""])
    head = ["contracts", "rows", "of open interest"]
    return table("coverage-table", "Coverage: every row is used or counted", head, rows)


def manifest_table(contents: Contents) -> Markup:
    """All conventions of these numbers, by name."""
    flat = _flat("", plain(contents.result.manifest))
    rows = [[_breakable(name), "none" if value is None else str(value)] for name, value in flat]
    title = "Every convention of these numbers"
    return table("manifest-table", title, ["convention", "value"], rows)


def _breakable(name: str) -> Markup:
    """A long name that a narrow column may break."""
    return Markup(escape(name).replace("_", "_<wbr>").replace(".", ".<wbr>"))


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Names and values of nested mappings, names joined by a point."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else str(key), inner)
    elif isinstance(value, list):
        yield prefix, ", ".join(map(str, value))
    else:
        yield prefix, value


def warnings_list(contents: Contents) -> Markup | None:
    """What makes these numbers less sure."""
    found = contents.result.warnings
    if not found:
        return None
    items = join([tag("li", text) for text in found])
    return tag("ul", items, class_="warnings", aria_label="Warnings")
