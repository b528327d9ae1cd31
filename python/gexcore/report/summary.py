"""The head of a report: regime, flip, walls, and how sure, in the time of a glance."""

from __future__ import annotations

from typing import Any

from gexcore.report import sections
from gexcore.report.contents import Contents, where_found
from gexcore.report.markup import Markup, tag
from gexcore.results import money, number


def headline(contents: Contents) -> str:
    """Regime, flip and walls in one line."""
    levels, kind = contents.result.levels, contents.result.regime.kind
    name = sections.WORDS[kind][0]
    if kind == "no_exposure":
        return name
    flip, put, call = levels.zero_gamma.value, levels.put_wall.strike, levels.call_wall.strike
    return f"{name}, flip {number(flip)}, walls {number(put)} / {number(call)}"


def header(contents: Contents) -> Markup:
    """Name, regime, what it does, and a card for each number that counts."""
    result = contents.result
    kind, manifest = result.regime.kind, result.manifest
    name, effect = sections.WORDS[kind]
    held = f"positions {sections.words(manifest['positions'])}: {manifest['positions_meaning']}"
    scope = "" if manifest["scope"] == "all" else f", scope {manifest['scope']}"
    badge = tag("span", name, class_=f"regime {kind}")
    return tag(
        "header",
        tag("p", f"{len(result.chain):,} contracts{scope}, {held}", class_="about"),
        tag("h1", tag("span", contents.name), " ", badge),
        tag("p", effect, class_="effect"),
        tag("div", *_cards(contents), class_="cards"),
        sections.warnings_list(contents),
    )


def _card(name: str, value: Any, *notes: str) -> Markup:
    lines = [tag("p", note) for note in notes if note]
    return tag("section", tag("h2", name), tag("p", value, class_="big"), *lines, class_="card")


def _cards(contents: Contents) -> list[Markup]:
    result = contents.result
    spot, as_of = result.chain.spot, result.chain.as_of
    net, gross = result.levels.net_gamma
    when = f"{as_of.time:%a %Y-%m-%d %H:%M %Z}" if as_of else "at a time not known"
    unit = sections.gamma_text(net).removeprefix(money(net)).strip()
    share = f"{net / gross:+.1%} of gross" if gross else ""
    effective = "effective " * result.profile.vols_move
    return [
        _card("spot", number(spot), when),
        _flip(contents),
        *(_wall(contents, name) for name in ("put_wall", "call_wall")),
        _card(f"{effective}net gamma", money(net), unit, share),
        _sure(contents),
    ]


def _flip(contents: Contents) -> Markup:
    zero, spread = contents.result.levels.zero_gamma, _spread(contents, "zero_gamma", ",.2f")
    if zero.value is None:
        return _card(sections.label_of("zero_gamma"), "none", sections.why(zero), spread)
    away = _away(zero.value, contents.result.chain.spot)
    deviations = contents.result.regime.distance_deviations
    away += "" if deviations is None else f", {abs(deviations):.1f} daily deviations"
    return _card(sections.label_of("zero_gamma"), f"{zero.value:,.2f}", away, spread)


def _wall(contents: Contents, name: str) -> Markup:
    wall, spread = getattr(contents.result.levels, name), _spread(contents, name, ",.6g")
    if wall.strike is None:
        return _card(sections.words(name), "none", sections.why(wall), spread)
    size = sections.gamma_text(wall.value) + ", weak" * bool(wall.weak)
    away = _away(wall.strike, contents.result.chain.spot)
    return _card(sections.words(name), number(wall.strike), away, size, spread)


def _away(price: float, spot: float) -> str:
    share = price / spot - 1
    return f"{abs(share):.1%} {'above' if share > 0 else 'below'} spot" if share else "at spot"


def _spread(contents: Contents, name: str, digits: str) -> str:
    """Where a level lies across conventions, if they move it."""
    each = contents.across.intervals[name] if contents.across else None
    if each is None or each.low is None or each.high is None:
        return ""
    if each.low == each.high and not each.missing:
        return ""
    ends = f"{each.low:{digits}}"
    ends += f" to {each.high:{digits}}" if each.low < each.high else ""
    return f"{ends} {where_found(each)}"


def _sure(contents: Contents) -> Markup:
    """How far to trust the page, in three facts."""
    result, across = contents.result, contents.across
    share = f"{result.coverage.used_open_interest_share:.0%}"
    count = len(result.warnings)
    warnings = f"{count} warning{'s' * (count != 1)}" if count else "no warnings"
    if across is None:
        facts = ("of open interest used", warnings, "conventions not varied")
        return _card("how sure", share, *facts)
    value = f"{across.regimes[across.base.regime]} of {len(across)}"
    agreed = f"sets of conventions say {sections.words(across.base.regime)}"
    return _card("how sure", value, agreed, f"{share} of open interest used", warnings)
