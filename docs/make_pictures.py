"""Draws the pictures of the pages and of the README: docs/pictures/*.png.

    python docs/make_pictures.py            draw them all
    python docs/make_pictures.py --check    fail if one is missing, unknown, or shows something else

Needs matplotlib (extra `plot`), and for the report plotly (`report`) and a browser. All are of
`gexcore.synthetic_chain()`: no market is shown. Bytes differ between versions of matplotlib, so
each file carries what it shows as text (axes, legends with their numbers, limits, counts of marks;
the words of the report's head), and that is what `--check` compares.
"""

from __future__ import annotations

import argparse
import html
import re
import struct
import subprocess
import sys
import tempfile
import zlib
from datetime import timedelta
from pathlib import Path

import gexcore as gex
import numpy as np
from gexcore import plot
from gexcore.report import build_report
from gexcore.report.pdf import find_browser, headless

FOLDER = Path(__file__).resolve().parent / "pictures"
KEY = "Description"
DPI = 80  # 960 x 560


def figures():
    """Every picture by name."""
    chain = gex.synthetic_chain()
    result = gex.analyze(chain)
    around = np.arange(4720.0, 5281.0, 10.0)
    move = {"days": 0.25, "vol_points": -1.0}
    return {
        "strikes": plot.plot_strikes(result),
        "profile": plot.plot_profile(result, across=gex.levels_across(chain)),
        "heat_map": plot.plot_heat_map(result, reach=0.05, expiries=16),
        "path": plot.plot_path(gex.level_path(chain)),
        "scenario": plot.plot_scenario(gex.scenario_cube(chain, spots=around)),
        "history": plot.plot_history(invented_days()),
        "ladder": plot.plot_ladder(gex.hedge_ladder(chain, **move)),
    }


def invented_days():
    """Levels at ten times: the same contracts, spot goes as invented here."""
    chain, days = gex.synthetic_chain(), [0, 1, 2, 5, 6, 7, 8, 9, 12, 13]
    moves = [0.0, 0.6, 2.1, 3.4, 4.2, 3.7, 2.9, 1.1, -0.8, 0.3]
    for day, move in zip(days, moves, strict=True):
        later = gex.chain_at(chain, chain.as_of.time + timedelta(days=day))
        yield gex.quick_levels(later._replace(spot=chain.spot * (1 + move / 100)))


def structure(figure):
    """What a figure shows, as text."""
    lines = [figure.get_suptitle()]
    for axes in figure.axes:
        limits = " ".join(f"{value:.3g}" for value in (*axes.get_xlim(), *axes.get_ylim()))
        marks = f"{len(axes.lines)} lines {len(axes.patches)} bars {len(axes.images)} images"
        legend = axes.get_legend_handles_labels()[1]
        lines += [axes.get_title("left"), axes.get_xlabel(), axes.get_ylabel(), *legend]
        lines += [limits, marks]
    return " | ".join(line for line in lines if line)


def described(path):
    """The text that a picture carries."""
    data, at = path.read_bytes(), 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        at += 12 + size
        key, _, rest = body.partition(b"\0")
        if kind in (b"tEXt", b"iTXt") and key == KEY.encode():
            return text_of(kind, rest)
    return None


def text_of(kind, rest):
    """Text of a PNG chunk, plain or international."""
    if kind == b"tEXt":
        return rest.decode("latin-1")
    packed, text = rest[0], rest[2:].split(b"\0", 2)[2]
    return (zlib.decompress(text) if packed else text).decode("utf-8")


def report():
    """A report, and what its head says."""
    page = build_report(gex.analyze(gex.synthetic_chain()))
    head = page[page.index("<header>") : page.index("</header>")]
    words = (html.unescape(word).strip() for word in re.split("<[^>]*>", head))
    return page, " | ".join(word for word in words if word)


def draw_report(path):
    """Take a picture of the head of a report."""
    page, words = report()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        source, picture = Path(name) / "page.html", Path(name) / "page.png"
        source.write_text(page, "utf-8")
        size = ["--hide-scrollbars", "--window-size=1200,1200", "--force-device-scale-factor=0.8"]
        command = headless(find_browser(), Path(name) / "profile")
        command += [*size, f"--screenshot={picture}", source.as_uri()]
        subprocess.run(command, check=True, timeout=120, stderr=subprocess.DEVNULL)
        data = picture.read_bytes()
    body = b"tEXt" + KEY.encode() + b"\0" + words.encode("latin-1")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    path.write_bytes(data[:33] + chunk + data[33:])  # behind the header of a PNG


def draw(folder=FOLDER):
    """Write every picture."""
    for name, figure in figures().items():
        figure.savefig(folder / f"{name}.png", dpi=DPI, metadata={KEY: structure(figure)})
    draw_report(folder / "report.png")


def faults(folder=FOLDER):
    """One line for each picture that is missing, unknown or stale."""
    wanted = {f"{name}.png": structure(figure) for name, figure in figures().items()}
    wanted["report.png"] = report()[1]
    there = {path.name for path in folder.iterdir()}
    found = [f"{name}: missing" for name in sorted(set(wanted) - there)]
    found += [f"{name}: drawn by nobody" for name in sorted(there - set(wanted))]
    for name in sorted(there & set(wanted)):
        if described(folder / name) != wanted[name]:
            found.append(f"{name}: shows something else than the code")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of drawing")
    if not parser.parse_args().check:
        draw()
        return 0
    found = faults()
    print("\n".join(found) or "pictures: up to date")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
