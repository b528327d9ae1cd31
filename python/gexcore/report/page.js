"use strict";
// Draws the charts in the colours of the reader's theme, again for paper; copies tables.
(() => {
  const {charts, themes} = JSON.parse(document.getElementById("report-data").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const paper = matchMedia("print");
  const touch = matchMedia("(pointer: coarse)").matches;
  const PAPER_WIDTH = 690; // pixels, of A4 and Letter within their margins
  let printing = false;

  // plotly.js writes some styles as attributes, which the policy refuses; as properties they may be
  const setAttribute = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (name, value) {
    if (name === "style") this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };

  // "@ink" and other roles become colours
  function colored(value, theme) {
    if (typeof value === "string") return value[0] === "@" ? theme[value.slice(1)] : value;
    if (Array.isArray(value)) return value.map((each) => colored(each, theme));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, colored(v, theme)]));
  }

  function draw() {
    const theme = themes[dark.matches && !printing ? "dark" : "light"];
    const config = {
      responsive: !printing, displaylogo: false, displayModeBar: touch ? false : "hover",
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    };
    for (const [name, chart] of Object.entries(charts)) {
      const place = document.getElementById("chart-" + name);
      const {data, layout} = colored(chart, theme);
      layout.font.family = getComputedStyle(document.body).fontFamily;
      if (touch) layout.dragmode = false; // a finger scrolls the page
      if (printing) Object.assign(layout, {width: PAPER_WIDTH, height: place.clientHeight});
      Plotly.react(place, data, layout, config);
    }
  }

  const closed = [];
  function print(on) {
    if (printing === on) return;
    printing = on;
    if (on) closed.push(...document.querySelectorAll("details:not([open])"));
    for (const each of closed) each.open = on;
    if (!on) closed.length = 0;
    draw();
  }

  // numbers with all their digits; text that a spreadsheet would run stays text
  function cellText(cell) {
    if (cell.dataset.value !== undefined) return cell.dataset.value;
    const text = cell.textContent.trim();
    return /^[=+\-@\t]/.test(text) ? "'" + text : text;
  }

  function copy(table) {
    const rows = [...table.rows].map((row) => [...row.cells].map(cellText).join("\t"));
    const put = (event) => {
      event.clipboardData.setData("text/plain", rows.join("\n"));
      event.preventDefault();
    };
    document.addEventListener("copy", put, {once: true});
    const done = document.execCommand("copy");
    document.removeEventListener("copy", put);
    return done;
  }

  for (const table of document.querySelectorAll("table")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "copy";
    button.setAttribute("aria-label", "copy table: " + table.caption.textContent);
    button.addEventListener("click", () => {
      button.textContent = copy(table) ? "copied" : "not copied";
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    });
    table.caption.append(button);
  }

  draw();
  dark.addEventListener("change", draw);
  paper.addEventListener("change", (event) => print(event.matches));
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  document.documentElement.dataset.drawn = String(Object.keys(charts).length);
})();
