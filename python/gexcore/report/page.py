"""The page: one file that needs nothing else, and lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from gexcore.across import Across
from gexcore.errors import InputError
from gexcore.report import canvas, sections
from gexcore.report.charts import Chart, all_charts
from gexcore.report.contents import Contents
from gexcore.report.markup import Markup, join, script_json, tag
from gexcore.report.summary import header, headline
from gexcore.results import Result

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
        InputError: plotly is not installed, or is older than 6: its script wants inline styles.
    """
    hint = 'pip install --upgrade "gexcore[report]"'
    try:
        source = import_module("plotly.offline").get_plotlyjs()
        version = str(import_module("plotly").__version__)
    except ImportError:
        raise InputError("a report needs plotly", hint=hint) from None
    if int(version.partition(".")[0]) < 6:
        raise InputError(f"a report needs plotly 6 or newer, not {version}", hint=hint)
    text = str(source).replace("\r\n", "\n")  # as HTML reads it, and hashes it
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
    policy = _policy(style, plotly, script)
    guards = sorted(set(re.findall(r'getElementById\("([0-9a-f]{64})"\)', plotly)))
    head = tag(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="color-scheme" content="light dark">'),
        Markup('<meta name="referrer" content="no-referrer">'),
        tag("title", f"{contents.name}: {headline(contents)}"),
        tag("style", Markup(style), id=_STYLE_OF_PLOTLY),
    )  # fmt: skip
    body = tag(
        "body",
        tag("main", header(contents), *_sections(contents, made)),
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
        name = sections.words(across.base.regime)
        return f"The regime is {name} in all {len(across)} sets of conventions."
    kinds = ", ".join(f"{sections.words(kind)} in {n}" for kind, n in across.regimes.items())
    return f"The regime depends on the conventions: {kinds} of {len(across)} sets."


def _footer(contents: Contents) -> Markup:
    manifest = contents.result.manifest
    version = f"gexcore {manifest['version']}, definitions {manifest['definitions']}. "
    return tag("footer", tag("p", version + _DISCLAIMER), tag("noscript", tag(
        "p", "Charts need JavaScript; every number is in the tables.")))  # fmt: skip
