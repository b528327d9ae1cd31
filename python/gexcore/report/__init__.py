"""Reports: one self-contained page of an analysis, and the same printed as PDF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gexcore.across import Across
from gexcore.analysis import Analysis
from gexcore.errors import ConventionError
from gexcore.output import write_file
from gexcore.report.contents import gather
from gexcore.report.page import plotly_script, render
from gexcore.report.pdf import find_browser, print_pdf

__all__ = ["build_report", "write_report"]


def build_report(
    result: Analysis, *, across: Across | bool = True, title: str | None = None
) -> str:
    """Make a page of an analysis.

    Args:
        result: of `analyze`.
        across: of `levels_across`; True computes it for the chain of the analysis, False leaves it
            out.
        title: instead of the underlying's name.

    Returns:
        HTML, about 5 MB, most of it plotly.js; it loads nothing.

    Raises:
        InputError: plotly is not installed. MismatchError: across belongs to another chain.

    Example:
        >>> import gexcore as gex
        >>> page = build_report(gex.analyze(gex.synthetic_chain(n=2000)))
        >>> page.startswith("<!DOCTYPE html>"), "Content-Security-Policy" in page
        (True, True)
    """
    return render(gather(result, across, title))


def write_report(
    result: Analysis,
    path: Any,
    *,
    across: Across | bool = True,
    title: str | None = None,
    pdf: bool = False,
) -> list[Path]:
    """Write a page of an analysis, whole or not at all, and the same as PDF if asked for.

    Args:
        result: of `analyze`.
        path: .html for the page, .pdf for a PDF instead.
        across, title: as in `build_report`.
        pdf: also a PDF beside the page; a browser that can print must be installed.

    Returns:
        The paths written.

    Raises:
        ConventionError: another ending. InputError: plotly or a browser is not installed.
        GexError: a file cannot be written, or the browser failed.

    Example:
        >>> import gexcore as gex
        >>> result = gex.analyze(gex.synthetic_chain(n=2000))
        >>> [path.name for path in write_report(result, "spx.html")]
        ['spx.html']
    """
    target = Path(path)
    check_output(target, pdf)
    page = build_report(result, across=across, title=title).encode("utf-8")
    return write_page(page, target, pdf)


def check_output(target: Path, pdf: bool) -> None:
    """Refuse what cannot be written before anything is computed.

    Raises:
        ConventionError: an ending that is neither .html nor .pdf. InputError: plotly or a browser
        is not installed.
    """
    if target.suffix.lower() not in (".html", ".htm", ".pdf"):
        raise ConventionError(f"{target}: a report is .html or .pdf")
    plotly_script()
    if pdf or target.suffix.lower() == ".pdf":
        find_browser()


def write_page(page: bytes, target: Path, pdf: bool) -> list[Path]:
    """Write a page, or its PDF, or both."""
    only = target.suffix.lower() == ".pdf"
    written = [] if only else [write_file(target, lambda file: file.write(page))]
    if only or pdf:
        printed = print_pdf(page, find_browser())
        written.append(write_file(target.with_suffix(".pdf"), lambda file: file.write(printed)))
    return written
