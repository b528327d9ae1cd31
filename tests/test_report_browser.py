"""A report in a real browser: drawn, quiet, offline, readable on every screen, printable."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from browser import Page, browser, program
from gexcore.report import build_report, write_report
from gexcore.report.pdf import print_pdf

pytest.importorskip("plotly")

HOSTILE = "</script><script>window.hit=1</script><img src=x onerror=window.hit=1>\u2028'\"`<b>"
SCREENS = {
    "desk": {"width": 1200, "height": 900},
    "desk, dark": {"width": 1200, "height": 900, "dark": True},
    "phone": {"width": 390, "height": 844, "touch": True},
    "phone, dark": {"width": 390, "height": 844, "touch": True, "dark": True},
}
OVERLAPPING = """(() => {
  const boxes = [...document.querySelectorAll("%s")].map((e) => e.getBoundingClientRect());
  return boxes.map((b) => [b.left, b.top, b.right, b.bottom]);
})()"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    result = gex.analyze(gex.synthetic_chain(n=4000))
    (path,) = write_report(result, tmp_path_factory.mktemp("report") / "spx.html")
    return path


def opened(page: Page, path: Path, screen: str = "desk") -> Page:
    """The page on a screen, drawn."""
    page.look(**SCREENS[screen])  # type: ignore[arg-type]
    page.open(path.as_uri())
    page.settle()
    return page


@pytest.mark.parametrize("screen", SCREENS)
def test_drawn_quiet_and_offline(page: Page, report: Path, screen: str) -> None:
    opened(page, report, screen)
    assert page.faults == []
    assert page.requests == [report.as_uri()]
    assert page.evaluate("document.documentElement.dataset.drawn") == "6"
    for name in ("map", "profile", "strikes", "expiries", "ladder", "scenario"):
        drawn = f"document.querySelectorAll('#chart-{name} :is(.trace, .bars, .hm, .point)').length"
        assert page.evaluate(drawn) > 0, name
    assert page.evaluate("document.documentElement.scrollWidth") <= SCREENS[screen]["width"]


def test_faults_are_seen(page: Page, report: Path, tmp_path: Path) -> None:
    # what the test above rests on: an error, a refused script and a request do not pass unseen
    text = report.read_text("utf-8")
    planted = tmp_path / "planted.html"
    planted.write_text(text.replace("</body>", "<script>nothing()</script></body>"), "utf-8")
    assert any("Content Security Policy" in fault for fault in opened(page, planted).faults)
    planted.write_text(text.replace("</body>", '<p style="color: red">a</p></body>'), "utf-8")
    assert any("inline style" in fault for fault in opened(page, planted).faults)
    planted.write_text(text.replace("</body>", '<img src="other.png"></body>'), "utf-8")
    assert any("other.png" in fault for fault in opened(page, planted).faults)
    free = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    planted.write_text(free.replace("</body>", "<script>nothing()</script></body>"), "utf-8")
    assert any("nothing is not defined" in fault for fault in opened(page, planted).faults)
    planted.write_text(free.replace("</body>", '<img src="other.png"></body>'), "utf-8")
    assert len(opened(page, planted).requests) == 2
    planted.write_text(text, "utf-8")
    assert opened(page, planted).faults == []


def test_the_policy_refuses_the_network_and_evaluation(page: Page, report: Path) -> None:
    opened(page, report)
    # run by an element of the page, which the policy binds
    tried = page.evaluate("""(async () => {
      const said = [];
      document.addEventListener("securitypolicyviolation", (e) => said.push(e.effectiveDirective));
      const put = (tag, more) => document.body.append(
          Object.assign(document.createElement(tag), more));
      put("script", {textContent: "window.hit = 1"});
      put("script", {src: "https://example.invalid/a.js"});
      put("img", {src: "https://example.invalid/a.png"});
      put("iframe", {src: "https://example.invalid/"});
      put("style", {textContent: "body { color: red }"});
      try { setTimeout("window.hit = 2", 0); } catch {}
      await new Promise((f) => setTimeout(f, 200));
      return [window.hit === undefined, ...said.sort()];
    })()""")
    elements = ["script-src-elem"] * 2 + ["style-src-elem"]
    assert tried == [True, "frame-src", "img-src", "script-src", *elements]


def test_hostile_names_stay_text(page: Page, tmp_path: Path) -> None:
    chain = gex.synthetic_chain(n=400)
    columns = {name: chain[name] for name in ("strike", "is_call", "expiry", "implied_vol",
                                              "open_interest")}  # fmt: skip
    wild = gex.Chain.from_arrays(
        spot=5000.0, as_of=chain.as_of, underlying=HOSTILE, root=np.full(len(chain), HOSTILE),
        source={"file": HOSTILE}, **columns,
    )  # fmt: skip
    (path,) = write_report(gex.analyze(wild), tmp_path / "wild.html", title=HOSTILE)
    opened(page, path)
    assert page.evaluate("window.hit") is None
    assert page.faults == []
    assert page.requests == [path.as_uri()]
    assert "<script>window.hit=1" in page.evaluate("document.querySelector('h1').textContent")
    assert page.evaluate("document.querySelectorAll('h1 b, main img').length") == 0


@pytest.mark.parametrize("screen", ["desk", "phone"])
def test_labels_do_not_cover_each_other(page: Page, report: Path, screen: str) -> None:
    opened(page, report, screen)
    for chart in ("profile", "strikes", "expiries"):
        for part in (".annotation-text-g", ".xaxislayer-above .xtick text", ".legendtext"):
            boxes = page.evaluate(OVERLAPPING % f"#chart-{chart} {part}")
            assert boxes or part == ".legendtext", (chart, part)
            for a, b in combinations(boxes, 2):
                apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] + 2 or b[3] <= a[1] + 2
                assert apart, (chart, part, a, b)
            width = SCREENS[screen]["width"]
            assert all(box[0] >= 0 and box[2] <= width for box in boxes), (chart, part)


def test_theme_follows_the_reader(page: Page, report: Path) -> None:
    opened(page, report)
    color = "document.querySelector('#chart-profile .main-svg').style.background"
    body = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(color), page.evaluate(body)
    page.look(1200, 900, dark=True)  # while the page is open
    page.settle()
    assert (page.evaluate(color), page.evaluate(body)) != light
    assert "rgb(20, 23, 28)" in page.evaluate(color)
    assert page.faults == []


def test_tables_are_copied_with_all_digits(page: Page, report: Path) -> None:
    opened(page, report)
    copied = page.evaluate("""(() => {
      let text = null;
      addEventListener("copy", (e) => { text = e.clipboardData.getData("text/plain"); });
      document.querySelector("#levels-table button").click();
      return [document.querySelector("#levels-table button").textContent, text];
    })()""")
    assert copied[0] == "copied"
    rows = [line.split("\t") for line in copied[1].split("\n")]
    result = gex.analyze(gex.synthetic_chain(n=4000))
    assert rows[0][:3] == ["level", "price", "from spot"]
    own = {row[0]: row for row in rows}
    assert float(own["zero gamma (flip)"][1]) == result.levels.zero_gamma.value
    assert float(own["call wall"][4]) == result.levels.call_wall.value
    assert not page.evaluate("document.body.innerText.includes('copytable')")


def test_text_that_a_spreadsheet_would_run_is_copied_as_text(page: Page, tmp_path: Path) -> None:
    chain = gex.synthetic_chain(n=400)._replace(underlying="=cmd()")
    (path,) = write_report(gex.analyze(chain), tmp_path / "a.html", across=False)
    opened(page, path)
    copied = page.evaluate("""(() => {
      let text = null;
      addEventListener("copy", (e) => { text = e.clipboardData.getData("text/plain"); });
      document.querySelector("#manifest-table button").click();
      return text;
    })()""")
    assert "underlying\t'=cmd()" in copied.split("\n")


def test_no_button_sends_a_chart_away(page: Page, report: Path) -> None:
    opened(page, report)
    # the browser here has no mouse, so the bar of buttons is asked for
    titles = page.evaluate("""(async () => {
      const place = document.getElementById("chart-profile");
      const config = {...place._context, displayModeBar: true};
      await Plotly.react(place, place.data, place.layout, config);
      return [...place.querySelectorAll(".modebar-btn")].map((b) => b.dataset.title);
    })()""")
    assert len(titles) == 6
    assert not [title for title in titles if re.search("(?i)cloud|share|edit|plotly", title)]
    assert page.evaluate("document.querySelectorAll('a[href]').length") == 0


def test_a_chart_is_saved_as_a_picture(page: Page, report: Path) -> None:
    opened(page, report)
    for name in ("profile", "scenario"):
        url = page.evaluate(
            f"Plotly.toImage('chart-{name}', {{format: 'png', width: 600, height: 400}})"
        )
        data = base64.b64decode(url.removeprefix("data:image/png;base64,"))
        assert struct.unpack(">II", data[16:24]) == (600, 400)
    assert page.faults == []


def test_a_pointer_reads_numbers(page: Page, report: Path) -> None:
    opened(page, report)
    for name, words in (("profile", r"at 5,.*\$ per 1% move"), ("scenario", "price 5,")):
        box = f"document.querySelector('#chart-{name} .nsewdrag').getBoundingClientRect()"
        page.evaluate(f"document.getElementById('chart-{name}').scrollIntoView()")
        left, top, width, height = page.evaluate(
            f"(() => {{ const b = {box}; return [b.left, b.top, b.width, b.height]; }})()"
        )
        x, y = left + 0.7 * width, top + 0.4 * height
        for step in (0, 3):
            page.call("Input.dispatchMouseEvent", type="mouseMoved", x=x + step, y=y)
        page.settle()
        said = page.evaluate(f"document.querySelector('#chart-{name} .hoverlayer').textContent")
        assert re.search(words, said), said
    assert page.faults == []


def test_a_finger_scrolls(page: Page, report: Path) -> None:
    opened(page, report, "phone")
    assert page.evaluate("document.getElementById('chart-profile').layout.dragmode") is False
    assert page.evaluate("document.querySelectorAll('.modebar-btn').length") == 0


def test_print_is_light_open_and_fits(page: Page, report: Path) -> None:
    opened(page, report, "desk, dark")
    page.look(1200, 900, dark=True, media="print")
    page.settle()
    assert page.evaluate("document.querySelectorAll('details:not([open])').length") == 0
    assert page.evaluate("document.getElementById('chart-profile').layout.width") <= 700
    fill = page.evaluate("document.querySelector('#chart-profile .main-svg').style.background")
    assert "rgb(255, 255, 255)" in fill
    page.look(1200, 900, dark=True)
    page.settle()
    assert page.evaluate("document.querySelectorAll('details[open]').length") == 0
    assert page.evaluate("document.getElementById('chart-profile').layout.width") is None
    assert page.faults == []


def test_pdf(report: Path) -> None:
    data = print_pdf(report.read_bytes(), program())
    assert data.startswith(b"%PDF")
    assert 5 <= len(re.findall(rb"/Type\s*/Page\b", data)) <= 15
    assert len(data) < 3_000_000


def test_pages_of_odd_chains_are_quiet(page: Page, tmp_path: Path) -> None:
    chain = gex.synthetic_chain(n=400)
    tiny = gex.Chain.from_arrays(
        spot=100.0, strike=[95.0, 105.0], is_call=[False, True], time_to_expiry=0.08,
        implied_vol=0.2, open_interest=[900.0, 500.0],
    )  # fmt: skip
    bare = gex.Chain.from_arrays(
        spot=100.0, strike=[95.0], is_call=[False], time_to_expiry=0.08, implied_vol=np.nan,
        open_interest=[900.0],
    )  # fmt: skip
    odd: dict[str, Any] = {"tiny": tiny, "bare": bare}
    texts = {name: build_report(gex.analyze(each)) for name, each in odd.items()}
    texts["short"] = build_report(gex.analyze(chain, "short_all"), across=False)
    for name, text in texts.items():
        path = tmp_path / f"{name}.html"
        path.write_text(text, "utf-8")
        for screen in ("desk", "phone"):
            opened(page, path, screen)
            assert page.faults == [], name
            assert page.evaluate("document.documentElement.scrollWidth") <= SCREENS[screen]["width"]


def test_real_chains_are_quiet(page: Page, test_data: Path, tmp_path: Path) -> None:
    for name in ("cboe_spx_2024-01-07.csv", "deribit_eth_2021-02-11.csv"):
        (path,) = write_report(
            gex.analyze(gex.read_chain(test_data / "data" / name)), tmp_path / f"{name}.html"
        )
        for screen in ("desk", "phone, dark"):
            opened(page, path, screen)
            assert page.faults == [], (name, screen)
            assert page.requests == [path.as_uri()]
