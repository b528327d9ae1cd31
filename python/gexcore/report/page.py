"""The page: one file that needs nothing else, and lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

from gexcore.errors import InputError
from gexcore.report import charts, sections
from gexcore.report.contents import Contents
from gexcore.report.markup import Markup, join, script_json, tag
from gexcore.results import money, number

_FOLDER = Path(__file__).parent
# plotly.js puts its rules into this element if it is there, so one hash covers every style
_STYLE_OF_PLOTLY = "plotly.js-style-global"
_DISCLAIMER = (
    "Levels describe forced hedging under stated assumptions; they predict nothing and are no "
    "investment advice."
)


def plotly_script() -> str:
    """plotly.js, as the installed plotly brings it.

    Raises:
        InputError: plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        hint = 'pip install "gexcore[report]"'
        raise InputError("a report needs plotly", hint=hint) from None
    text = str(get_plotlyjs()).replace("\r\n", "\n")  # as HTML reads it, and hashes it
    return re.sub(r"(?i)<(?=/script|!--)", r"\\x3c", text)


def render(contents: Contents) -> str:
    """The whole page as HTML.

    Raises:
        InputError: plotly is not installed.
    """
    plotly = plotly_script()
    made = charts.all_charts(contents)
    style, script = _style(), (_FOLDER / "page.js").read_text("utf-8")
    data = {
        "charts": made,
        "themes": {name: {**theme, "map": charts.color_map(name)}
                   for name, theme in charts.THEMES.items()},
    }  # fmt: skip
    guards = sorted(set(re.findall(r'getElementById\("([0-9a-f]{64})"\)', plotly)))
    head = tag(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, plotly, script)}">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="color-scheme" content="light dark">'),
        Markup('<meta name="referrer" content="no-referrer">'),
        tag("title", f"{contents.name}: {headline(contents)}"),
        tag("style", Markup(style), id=_STYLE_OF_PLOTLY),
    )  # fmt: skip
    body = tag(
        "body",
        tag("main", _header(contents), *_sections(contents, made)),
        _footer(contents),
        # styles of maps that no chart here uses, and that the policy would refuse, stay out
        *(tag("template", id=guard) for guard in guards),
        tag("script", script_json(data), type="application/json", id="report-data"),
        tag("script", Markup(plotly)),
        tag("script", Markup(script)),
    )  # fmt: skip
    return f'<!DOCTYPE html>\n<html lang="en">{head}{body}</html>\n'


def _style() -> str:
    """The style sheet, with the colours of both themes."""
    rules = []
    for name, theme in charts.THEMES.items():
        colors = "".join(f"--{role}:{color};" for role, color in theme.items())
        rule = f":root{{{colors}}}"
        rules.append(f"@media (prefers-color-scheme:dark){{{rule}}}" if name == "dark" else rule)
    light = rules[0]
    text = (_FOLDER / "page.css").read_text("utf-8")
    return "\n".join([*rules, f"@media print{{{light}}}", text])


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _policy(style: str, *scripts: str) -> str:
    """Nothing but the scripts and the style of this page, and pictures that charts draw."""
    return "; ".join([
        "default-src 'none'",
        f"script-src {' '.join(map(_hash, scripts))}",
        f"style-src {_hash(style)}",
        "img-src data: blob:",
        "base-uri 'none'",
        "form-action 'none'",
    ])  # fmt: skip


# --- head of the page --------------------------------------------------------------------------


def headline(contents: Contents) -> str:
    """Regime, flip and walls in one line."""
    levels = contents.result.levels
    flip, put, call = levels.zero_gamma.value, levels.put_wall.strike, levels.call_wall.strike
    name = sections.WORDS[contents.result.regime.kind][0]
    if contents.result.regime.kind == "no_exposure":
        return name
    return f"{name}, flip {number(flip)}, walls {number(put)} / {number(call)}"


def _header(contents: Contents) -> Markup:
    result = contents.result
    chain, regime = result.chain, result.regime
    name, effect = sections.WORDS[regime.kind]
    when = f"{chain.as_of.time:%A %Y-%m-%d %H:%M %Z}" if chain.as_of else "time not known"
    held = f"positions {sections.words(result.manifest['positions'])}"
    about = f"{when}, spot {number(chain.spot)}, {len(chain):,} contracts, {held}"
    scope = result.manifest["scope"]
    about += "" if scope == "all" else f", scope {scope}"
    return tag(
        "header",
        tag("p", about, class_="about"),
        tag("h1", tag("span", contents.name), " ", tag("span", name, class_=f"regime {regime.kind}")),
        tag("p", effect, class_="effect"),
        tag("div", *_cards(contents), class_="cards"),
        sections.warnings_list(contents),
    )  # fmt: skip


def _card(name: str, value: Any, *notes: str) -> Markup:
    lines = [tag("p", note) for note in notes if note]
    return tag("section", tag("h2", name), tag("p", value, class_="big"), *lines, class_="card")


def _away(price: float, spot: float, deviations: float | None = None) -> str:
    share = price / spot - 1
    text = f"{abs(share):.1%} {'above' if share > 0 else 'below'} spot" if share else "at spot"
    return text if deviations is None else f"{text}, {abs(deviations):.1f} daily deviations"


def _cards(contents: Contents) -> list[Markup]:
    result = contents.result
    levels, spot, gamma = result.levels, result.chain.spot, result.exposures.gamma
    net, gross = levels.net_gamma
    zero, intervals = levels.zero_gamma, contents.across.intervals if contents.across else {}

    def spread(name: str) -> str:
        each = intervals.get(name)
        if each is None or each.low is None or each.low == each.high:
            return ""
        return f"{number(each.low)} to {number(each.high)} across conventions"

    flip = [sections.words(zero), spread("zero_gamma")]
    if zero.value is not None:
        flip[0] = _away(zero.value, spot, result.regime.distance_deviations)
    cards = [
        _card("zero gamma (flip)", "none" if zero.value is None else f"{zero.value:,.2f}", *flip)
    ]
    for name in ("put_wall", "call_wall"):
        wall = getattr(levels, name)
        notes = [str(wall)]
        if wall.strike is not None:
            weak = ", weak" * bool(wall.weak)
            notes = [_away(wall.strike, spot), f"{sections.gamma_text(wall.value)}{weak}"]
        cards.append(_card(sections.words(name), number(wall.strike), *notes, spread(name)))
    share = f"{net / gross:+.1%} of gross" if gross else ""
    effective = "effective, " * result.profile.vols_move
    cards.append(_card(f"{effective}net gamma", f"{money(net)} $", "per 1% move", share))
    return [*cards, _sure(contents)]


def _sure(contents: Contents) -> Markup:
    """How far to trust the page, in three facts."""
    result, across = contents.result, contents.across
    covered = f"{result.coverage.used_open_interest_share:.0%} of open interest used"
    warned = len(result.warnings)
    warning = f"{warned} warning{'s' * (warned != 1)}" if warned else "no warnings"
    if across is None:
        return _card("how sure", covered, warning, "conventions were not varied")
    agree = across.regimes[across.base.regime]
    value = f"{agree} of {len(across)}"
    name = sections.words(across.base.regime)
    return _card("how sure", value, f"sets of conventions say {name}", covered, warning)


# --- body --------------------------------------------------------------------------------------


def _figure(name: str, caption: str, made: dict[str, Any]) -> Markup | None:
    """A chart with its words; nothing where it could not be drawn."""
    if name not in made:
        return None
    words = tag("figcaption", caption, id=f"words-{name}")
    chart = tag("div", id=f"chart-{name}", class_="chart", role="img",
                aria_labelledby=f"words-{name}")  # fmt: skip
    return tag("figure", chart, words, class_=f"of-{name}")


def _section(title: str, *parts: Any) -> Markup:
    name = title.lower().replace(" ", "-")
    return tag("section", tag("h2", title, id=name), *parts, aria_labelledby=name)


def _more(title: str, *parts: Any) -> Markup:
    return tag("details", tag("summary", title), *parts)


def _sections(contents: Contents, made: dict[str, Any]) -> list[Markup]:
    result, across = contents.result, contents.across
    net = sections.gamma_text(result.levels.net_gamma[0])
    zero = result.levels.zero_gamma
    spot = number(result.chain.spot)
    parts = [
        _figure("map", _map_words(contents), made),
        _section(
            "Levels",
            _figure("profile", f"Net gamma re-priced over spot: {net} at {spot}; zero gamma "
                    f"{zero}. {_band_words(contents)}", made),
            sections.levels_table(contents),
        ),
        _section(
            "Regime", tag("p", result.regime.describe(), class_="describe"),
            sections.strength_table(contents), sections.flags_table(contents),
            _more("Contracts that drive net gamma", sections.drivers_table(contents)),
        ),
        _section("How sure", *_sure_parts(contents)),
        _section(
            "Strikes and expirations",
            _figure("strikes", "Gamma by strike, all expirations together: calls, puts and net.",
                    made),
            _more("Largest strikes", sections.strikes_table(contents)),
            _figure("expiries", "Net gamma by expiration and strike, the nearest above; blue: "
                    "dealers long, red: short; colours grow with the root of the amount.", made),
            _no_dates(contents),
            sections.buckets_table(contents),
        ),
        _section(
            "Hedging",
            _figure("ladder", "Shares that dealers buy (above 0) or sell (below 0) to stay hedged "
                    "when spot moves at once, by exact re-pricing.", made),
            sections.ladder_table(contents),
            _figure("scenario", "Net gamma by time and price if vols stay: blue: dealers long, "
                    "red: short. The solid line is zero gamma, the dotted one spot now.", made),
            _more("Numbers of the map", sections.scenario_table(contents)),
        ),
        _section("Coverage", sections.coverage_table(contents)),
        _section("Conventions", sections.manifest_table(contents)),
    ]  # fmt: skip
    return [part for part in parts if part is not None]


def _map_words(contents: Contents) -> str:
    across = contents.across
    bars = "" if across is None else f"; bars: across {len(across)} sets of conventions"
    return f"Levels on the axis of prices, dotted: spot{bars}."


def _band_words(contents: Contents) -> str:
    band = contents.across.intervals["zero_gamma"] if contents.across else None
    if band is None or band.low is None:
        return ""
    return f"Shaded: zero gamma across conventions, {number(band.low)} to {number(band.high)}."


def _no_dates(contents: Contents) -> Markup | None:
    if contents.result.chain.expiry is not None:
        return None
    return tag("p", "No map by expiration: the chain has no expiration dates.", class_="quiet")


def _sure_parts(contents: Contents) -> list[Any]:
    across, parts = contents.across, []
    if across is None:
        parts.append(tag("p", "Conventions were not varied.", class_="quiet"))
    else:
        kinds = [f"{sections.words(kind)} {count}" for kind, count in across.regimes.items()]
        agreed = "the same everywhere" if across.unanimous_regime else "not unanimous"
        parts += [
            tag("p", f"Regime across {len(across)} sets of conventions: {agreed}: "
                f"{', '.join(kinds)}."),
            sections.intervals_table(contents),
            *(tag("p", note, class_="quiet") for note in across.notes),
            _more("Every set of conventions", sections.conventions_table(contents)),
        ]  # fmt: skip
    pulls = sections.pulls_table(contents)
    parts.append(sections.sensitivities_table(contents))
    return [*parts, _more("Contracts that move zero gamma", pulls) if pulls else None]


def _footer(contents: Contents) -> Markup:
    manifest = contents.result.manifest
    version = f"gexcore {manifest['version']}, definitions {manifest['definitions']}. "
    return tag("footer", tag("p", version + _DISCLAIMER), tag("noscript", tag(
        "p", "Charts need JavaScript; every number is in the tables.")))  # fmt: skip
