"""How commands print: text for people, JSON and CSV for programs."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from gexcore.results import align, number, plain, printable

_COLORS = {"long gamma": "32", "short gamma": "31", "transition": "33", "no exposure": "33"}


def print_result(result: Any, options: argparse.Namespace) -> None:
    """A result with `columns`, the way that was asked for."""
    if options.json:
        print(json.dumps(result.to_dict(), indent=2))
    elif options.csv:
        columns = result.columns()
        print_csv(list(columns), list(columns.values()))
    else:
        print(result)


def colored(text: str) -> str:
    """Mark the regime, on terminals that want it."""
    if (
        sys.stdout is None
        or not sys.stdout.isatty()
        or os.environ.get("NO_COLOR")
        or os.environ.get("TERM") == "dumb"
    ):
        return text

    def paint(match: re.Match[str]) -> str:
        return f"{match[1]}\033[1;{_COLORS[match[2]]}m{match[2]}\033[0m"

    return re.sub(rf"(?m)^(regime\s+)({'|'.join(_COLORS)})", paint, text, count=1)


def print_csv(names: Sequence[str], columns: Sequence[Any]) -> None:
    """Columns as CSV."""
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for row in zip(*(plain(list(column)) for column in columns), strict=True):
        writer.writerow([printable(cell) if isinstance(cell, str) else cell for cell in row])


def print_table(
    columns: dict[str, Any], about: dict[str, Any], manifest: Any, options: Any, title: str
) -> None:
    """Columns as a table, JSON or CSV."""
    if options.csv:
        return print_csv(list(columns), list(columns.values()))
    values = {name: plain(np.asarray(column)) for name, column in columns.items()}
    if options.json:
        rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
        return print(json.dumps({**about, "rows": rows, "manifest": plain(manifest)}, indent=2))
    text = [[cell(name, value) for value in column] for name, column in values.items()]
    numeric = [
        i for i, column in enumerate(columns.values()) if np.asarray(column).dtype.kind in "fiu"
    ]
    body = align([list(values), *map(list, zip(*text, strict=True))], right=numeric)
    return print(f"{title}\n\n{body}")


def cell(name: str, value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return "-"
    if not isinstance(value, float):
        return str(value)
    if name in ("strike", "spot", "forward"):
        return number(value)
    return f"{value:,.0f}" if abs(value) >= 1e5 else f"{value + 0.0:.6g}"  # no -0
