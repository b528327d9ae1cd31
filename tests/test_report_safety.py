"""Reports are harmless: data stays text, the policy lets nothing in, nothing is loaded."""

from __future__ import annotations

import json
import re
from pathlib import Path

import gexcore as gex
import pytest
from gexcore.report import build_report, write_report
from gexcore.report.markup import Markup, escape, script_json, shown, table, tag
from report_pages import (
    ReadPage,
    across,
    hashed,
    named_chain,
    page,
    read,
    read_page,
    result,
    without_plotly,
)

pytest.importorskip("plotly")

HOSTILE = "</script><script>boom()</script>'\"><img src=x onerror=boom()>\u2028\u202e{{7*7}}`${1}`"


def test_hostile_names_change_no_element() -> None:
    calm, wild = (
        build_report(gex.analyze(named_chain(word)), title=word) for word in ("XYZ", HOSTILE)
    )
    page = read(wild)
    assert page.elements == read(calm).elements
    assert page.data == read(calm).data
    assert len(page.scripts) == 3
    for raw in ("<script>boom", "<img", "onerror=boom()>", "\u2028", "\u202e"):
        assert raw not in without_plotly(wild)
    assert "</script><script>boom()</script>" in page.text  # shown as what it is
    drivers = page.tables["drivers-table"][1:]
    assert all(row[0].text.startswith("</script>") for row in drivers)


@pytest.mark.parametrize(
    "word", ["\udcff\udc80", "a\x00b\x1b[31m", "\u202eevil\u2066", "", "x" * 5000]
)
def test_odd_names_are_written(word: str, tmp_path: Path) -> None:
    (path,) = write_report(gex.analyze(named_chain("XYZ")), tmp_path / "a.html", title=word)
    text = path.read_bytes().decode("utf-8")
    unseen = re.compile("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]")
    assert not unseen.search(without_plotly(text))


def test_markup() -> None:
    assert escape("<&>\"'") == "&lt;&amp;&gt;&quot;&#x27;"
    assert escape(Markup("<b>")) == "<b>"
    assert shown("a\u2028b\udc80c") == "a\ufffdb\ufffdc"
    made = tag("p", "<", None, tag("b", 1), class_='"', hidden=True, id=None, tabindex=0)
    assert made == '<p class="&quot;" hidden tabindex="0">&lt;<b>1</b></p>'
    assert "&lt;script&gt;" in table("t", "<script>", ["<script>"], [["<script>"]])
    text = script_json({"</script>": "<!--\u2028&"})
    assert not re.search("[<>&\u2028]", text)
    assert json.loads(text) == {"</script>": "<!--\u2028&"}
    with pytest.raises(ValueError, match="JSON"):
        script_json(float("nan"))


# --- the policy --------------------------------------------------------------------------------


def test_the_policy_lets_in_the_scripts_of_the_page_alone(page: str, read_page: ReadPage) -> None:
    policy = read_page.policy
    assert policy["default-src"] == ["'none'"]
    assert policy["base-uri"] == policy["form-action"] == ["'none'"]
    assert policy["script-src"] == [hashed(text) for text in read_page.scripts[1:]]
    assert policy["style-src"] == [hashed(text) for text in read_page.styles]
    assert policy["img-src"] == ["data:", "blob:"]
    assert set(policy) == {
        "default-src",
        "script-src",
        "style-src",
        "img-src",
        "base-uri",
        "form-action",
    }
    assert "unsafe" not in json.dumps(policy)
    assert page.index("Content-Security-Policy") < page.index("<style") < page.index("<script")


def test_nothing_is_loaded(page: str, read_page: ReadPage) -> None:
    names = {name for _, name, _ in read_page.attributes}
    assert not names & {"src", "href", "srcset", "action", "data", "poster", "style", "ping"}
    assert not [name for name in names if name.startswith("on")]
    assert "link" not in {element for element, _ in read_page.elements}
    style = read_page.styles[0]
    assert "url(" not in style and "@import" not in style
    own = without_plotly(page)
    assert "http:" not in own and "https:" not in own and "//" not in own.replace("// ", "")
    assert page.count("plotly.js v") == 1


def test_size(page: str) -> None:
    assert len(page.encode()) < 6_000_000  # nearly all of it plotly.js
    assert len(without_plotly(page).encode()) < 400_000


def test_the_same_page_again(result: gex.Analysis, across: gex.Across, page: str) -> None:
    assert build_report(result, across=across) == page
