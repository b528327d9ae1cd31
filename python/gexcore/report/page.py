"""The page: one file that needs nothing else, and lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

from gexcore.across import Across
from gexcore.errors import InputError
from gexcore.report import canvas, sections
from gexcore.report.charts import Chart, all_charts
from gexcore.report.contents import Contents
from gexcore.report.markup import Markup, join, script_json, tag
from gexcore.results import Result, money, number

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
    made = all_charts(contents)
    style, script = _style(), (_FOLDER / "page.js").read_text("utf-8")
    data = {
        "charts": {name: each.spec for name, each in made.items()},
        "themes": {name: {**theme, "map": canvas.color_map(name)}
                   for name, theme in canvas.THEMES.items()},
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
    for name, theme in canvas.THEMES.items():
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
    name, effect = sections.WORDS[result.regime.kind]
    manifest = result.manifest
    about = [f"{len(result.chain):,} contracts", f"positions {sections.words(manifest['positions'])}: {manifest['positions_meaning']}"]
    about += [] if manifest["scope"] == "all" else [f"scope {manifest['scope']}"]
    return tag(
        "header",
        tag("p", ", ".join(about), class_="about"),
        tag("h1", tag("span", contents.name), " ", tag("span", name, class_=f"regime {result.regime.kind}")),
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
        if each is None or each.low is None or each.high is None:
            return ""
        digits = ",.2f" if name == "zero_gamma" else ",.6g"
        ends = f"{each.low:{digits}}"
        ends += f" to {each.high:{digits}}" if each.low < each.high else ""
        if each.missing:
            return f"{ends} in {each.found} of {each.found + sum(each.missing.values())} conventions"
        return f"{ends} across conventions" if each.low < each.high else ""

    flip = [str(zero).removeprefix("none: "), spread("zero_gamma")]
    if zero.value is not None:
        flip[0] = _away(zero.value, spot, result.regime.distance_deviations)
    as_of = result.chain.as_of
    when = f"{as_of.time:%a %Y-%m-%d %H:%M %Z}" if as_of else "at a time not known"
    cards = [
        _card("spot", number(spot), when),
        _card("zero gamma (flip)", "none" if zero.value is None else f"{zero.value:,.2f}", *flip),
    ]
    for name in ("put_wall", "call_wall"):
        wall = getattr(levels, name)
        notes = [str(wall).removeprefix("none: ")]
        if wall.strike is not None:
            weak = ", weak" * bool(wall.weak)
            notes = [_away(wall.strike, spot), f"{sections.gamma_text(wall.value)}{weak}"]
        cards.append(_card(sections.words(name), number(wall.strike), *notes, spread(name)))
    share = f"{net / gross:+.1%} of gross" if gross else ""
    unit = sections.gamma_text(net).removeprefix(money(net)).strip()
    effective = "effective, " * result.profile.vols_move
    cards.append(_card(f"{effective}net gamma", money(net), unit, share))
    return [*cards, _sure(contents)]


def _sure(contents: Contents) -> Markup:
    """How far to trust the page, in three facts."""
    result, across = contents.result, contents.across
    share = f"{result.coverage.used_open_interest_share:.0%}"
    covered = f"{share} of open interest used"
    warned = len(result.warnings)
    warning = f"{warned} warning{'s' * (warned != 1)}" if warned else "no warnings"
    if across is None:
        return _card("how sure", share, "of open interest used", warning, "conventions not varied")
    agree = across.regimes[across.base.regime]
    value = f"{agree} of {len(across)}"
    name = sections.words(across.base.regime)
    return _card("how sure", value, f"sets of conventions say {name}", covered, warning)


# --- body --------------------------------------------------------------------------------------


def _figure(name: str, made: dict[str, Chart]) -> Markup | None:
    """A chart under its words; nothing where it could not be drawn."""
    if name not in made:
        return None
    title, sentence = tag("strong", made[name].title), made[name].sentence
    words = tag("figcaption", title, " ", sentence, id=f"words-{name}")
    chart = tag("div", id=f"chart-{name}", class_="chart", role="group",
                aria_labelledby=f"words-{name}")  # fmt: skip
    return tag("figure", words, chart, class_=f"of-{name}")


def _section(title: str, *parts: Any) -> Markup:
    name = title.lower().replace(" ", "-")
    return tag("section", tag("h2", title, id=name), *parts, aria_labelledby=name)


def _more(title: str, *parts: Any) -> Markup:
    return tag("details", tag("summary", title), *parts)


def _sections(contents: Contents, made: dict[str, Chart]) -> list[Markup]:
    drivers = contents.result.levels.drivers
    parts = [
        _figure("map", made),
        _section("Levels", _figure("profile", made), sections.levels_table(contents)),
        _section(
            "Regime", tag("p", contents.result.regime.describe()),
            sections.strength_table(contents), sections.flags_table(contents),
            _more("Contracts that drive net gamma", sections.drivers_table(contents))
            if drivers else None,
        ),
        _section("How sure", *_sure_parts(contents)),
        None if not made else _section(
            "Strikes and expirations",
            _figure("strikes", made),
            _more("Largest strikes", sections.strikes_table(contents)),
            _figure("expiries", made),
            _no_dates(contents),
            sections.buckets_table(contents),
        ),
        None if not made else _section(
            "Hedging",
            _figure("ladder", made),
            sections.ladder_table(contents),
            _figure("scenario", made),
            _more("Numbers of the map", sections.scenario_table(contents)),
        ),
        _section("Coverage", sections.coverage_table(contents)),
        _section("Conventions", sections.manifest_table(contents)),
    ]  # fmt: skip
    return [part for part in parts if part is not None]


def _no_dates(contents: Contents) -> Markup | None:
    if contents.result.chain.expiry is not None:
        return None
    return tag("p", "No map by expiration: the chain has no expiration dates.", class_="quiet")


def _sure_parts(contents: Contents) -> list[Any]:
    across, parts = contents.across, []
    if across is None:
        parts.append(tag("p", "Conventions were not varied.", class_="quiet"))
    else:
        parts += [
            tag("p", _agreement(across)),
            sections.intervals_table(contents),
            *(tag("p", note, class_="quiet") for note in across.notes),
            _more("Every set of conventions", sections.conventions_table(contents)),
        ]
    if contents.result.band is not None:
        parts += [tag("h3", "Errors of sign"), tag("pre", _lines(contents.result.band))]
    pulls = sections.pulls_table(contents)
    parts.append(sections.sensitivities_table(contents))
    return [*parts, _more("Contracts that move zero gamma", pulls) if pulls else None]


def _lines(result: Result) -> Markup:
    """The text of a result, line by line."""
    return join(str(result).splitlines(), "\n")


def _agreement(across: Across) -> str:
    if across.unanimous_regime:
        return f"The regime is {sections.words(across.base.regime)} in all {len(across)} sets of conventions."
    kinds = ", ".join(f"{sections.words(kind)} in {n}" for kind, n in across.regimes.items())
    return f"The regime depends on the conventions: {kinds} of {len(across)} sets."


def _footer(contents: Contents) -> Markup:
    manifest = contents.result.manifest
    version = f"gexcore {manifest['version']}, definitions {manifest['definitions']}. "
    return tag("footer", tag("p", version + _DISCLAIMER), tag("noscript", tag(
        "p", "Charts need JavaScript; every number is in the tables.")))  # fmt: skip
