"""What tests read from a report: tables, elements, the policy, the charts' data."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.report import build_report

pytest.importorskip("plotly")

VOID = {"meta", "br", "img", "link", "input", "hr", "wbr"}


@dataclass
class Cell:
    """Text of a cell, and the value for programs."""

    text: str = ""
    value: float | None = None


@dataclass
class ReadPage(HTMLParser):
    """A page read as a browser reads it."""

    tables: dict[str, list[list[Cell]]] = field(default_factory=dict)
    elements: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)  # names only
    attributes: list[tuple[str, str, str]] = field(default_factory=list)  # element, name, value
    scripts: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    text: str = ""
    _open: list[str] = field(default_factory=list)
    _rows: list[list[Cell]] | None = None

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        given = dict(attrs)
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self._rows = self.tables.setdefault(given["id"] or "", [])
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in ("td", "th") and self._rows is not None:
            value = given.get("data-value")
            self._rows[-1].append(Cell("", None if value is None else float(value)))
        elif tag == "script":
            self.scripts.append("")
        elif tag == "style":
            self.styles.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open[-1] == tag, f"</{tag}> closes {self._open[-1:]}"
        self._open.pop()
        self._rows = None if tag == "table" else self._rows

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else ""
        if inside == "script":
            self.scripts[-1] += data
        elif inside == "style":
            self.styles[-1] += data
        else:
            self.text += data
            if self._rows and {"td", "th"} & set(self._open):
                self._rows[-1][-1].text += data

    def table(self, name: str) -> dict[str, list[Cell]]:
        """Rows of a table, without its head, by the text of their first cell."""
        return {row[0].text: row[1:] for row in self.tables[name][1:]}

    @property
    def data(self) -> Any:
        """What the charts are drawn from."""
        return json.loads(self.scripts[0])

    @property
    def policy(self) -> dict[str, list[str]]:
        """Directives of the content security policy."""
        text = next(v for _, name, v in self.attributes if name == "content" and "-src" in v)
        words = [part.split() for part in text.split(";")]
        return {name: values for name, *values in words}


def read(page: str) -> ReadPage:
    """Read a page to its end."""
    found = ReadPage()
    found.feed(page)
    found.close()
    assert not found._open
    return found


def hashed(text: str) -> str:
    """A source as a policy names it."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def without_plotly(page: str) -> str:
    """A page without the largest script, which is plotly.js."""
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    return page.replace(max(scripts, key=len), "")


def traces(read_page: ReadPage, chart: str) -> dict[str, Any]:
    """Traces of a chart by name, or by type where they have none."""
    found = read_page.data["charts"][chart]["data"]
    return {trace.get("name", trace["type"]): trace for trace in found}


def named_chain(word: str, spot: float = 5000.0) -> gex.Chain:
    """A chain whose every name is `word`."""
    chain = gex.synthetic_chain(n=400)
    columns = {name: chain[name] for name in ("strike", "is_call", "expiry", "implied_vol",
                                              "open_interest", "bid", "ask")}  # fmt: skip
    return gex.Chain.from_arrays(
        spot=spot, as_of=chain.as_of, rate=0.04, dividend_yield=0.013, underlying=word,
        root=np.full(len(chain), word), source={"file": word, word: word}, **columns,
    )  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """A report and what it is of."""

    result: gex.Analysis
    across: gex.Across
    page: str
    read_page: ReadPage


@cache
def sample() -> Sample:
    """A report of a synthetic chain, made once."""
    result = gex.analyze(gex.synthetic_chain(n=4000), adv=4e11, kappa=0.1)
    across = gex.levels_across(result.chain)
    page = build_report(result, across=across)
    return Sample(result, across, page, read(page))


@pytest.fixture(scope="session")
def result() -> gex.Analysis:
    """What the report of the sample shows."""
    return sample().result


@pytest.fixture(scope="session")
def across() -> gex.Across:
    """Levels across conventions, of the sample."""
    return sample().across


@pytest.fixture(scope="session")
def page() -> str:
    """The report of the sample."""
    return sample().page


@pytest.fixture(scope="session")
def read_page() -> ReadPage:
    """The report of the sample, read."""
    return sample().read_page
