"use strict";
// Draws the charts in the colours of the reader's theme, again for paper; copies tables.
(() => {
  const {charts, themes} = JSON.parse(document.getElementById("report-data").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const paper = matchMedia("print");
  const mouse = matchMedia("(hover: hover)").matches;
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

  // lines of levels, and their labels above the plot in as few rows as keep them apart
  function mark(layout, marks, width) {
    const ROW = 19, LETTER = 6.9, [low, high] = layout.xaxis.range;
    const left = 62, right = width - 12, ends = [], boxes = [];
    for (const each of marks) {
      const size = each.text.length * LETTER + 12;
      const at = left + (right - left) * (each.x - low) / (high - low);
      const middle = Math.min(Math.max(at, left - 40 + size / 2), right - size / 2);
      let row = ends.findIndex((end) => end < middle - size / 2 - 4);
      if (row < 0) row = ends.length;
      ends[row] = middle + size / 2;
      boxes.push({each, row, shift: middle - at});
    }
    boxes.sort((a, b) => b.row - a.row); // what is lower covers the stems of what is higher
    layout.shapes = (layout.shapes || []).concat(marks.map((each) => ({
      type: "line", xref: "x", yref: "paper", x0: each.x, x1: each.x, y0: 0, y1: 1,
      line: {color: each.color, width: 2, dash: each.dash},
    })));
    layout.annotations = boxes.map(({each, row, shift}) => ({
      xref: "x", yref: "paper", x: each.x, y: 1, ax: shift, ay: -(row * ROW + 13), text: each.text,
      showarrow: true, arrowhead: 0, arrowwidth: 1.5, arrowcolor: each.color,
      font: {size: 12}, bgcolor: layout.paper_bgcolor, bordercolor: each.color, borderpad: 1,
    }));
    layout.margin.t = ends.length * ROW + 12;
  }

  function draw() {
    const theme = themes[dark.matches && !printing ? "dark" : "light"];
    const config = {
      responsive: !printing, displaylogo: false, displayModeBar: mouse ? "hover" : false,
      // nothing that would send a chart somewhere
      modeBarButtons: [["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
      showSendToCloud: false, plotlyServerURL: "",
    };
    for (const [name, chart] of Object.entries(charts)) {
      const place = document.getElementById("chart-" + name);
      const {data, layout, marks} = colored(chart, theme);
      const width = printing ? PAPER_WIDTH : place.clientWidth;
      layout.font.family = getComputedStyle(document.body).fontFamily;
      if (!mouse) layout.dragmode = false; // a finger scrolls the page
      if (width < 600 && layout.xaxis.nticks) Object.assign(layout.xaxis, {nticks: 5, tickangle: 0});
      if (printing) Object.assign(layout, {width, height: place.clientHeight});
      if (marks) mark(layout, marks, width);
      Plotly.react(place, data, layout, config);
      for (const svg of place.querySelectorAll(".main-svg")) svg.setAttribute("aria-hidden", "true");
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
