"""A page printed by a browser that is installed: headless, offline, with a profile of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from gexcore.errors import GexError, InputError

TIMEOUT = 120.0  # seconds
NAMES = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
    "microsoft-edge", "microsoft-edge-stable", "msedge", "brave-browser",
)  # fmt: skip
_PLACES = {
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ),
    "win32": (
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
        r"C:\Program Files\Microsoft\Edge\Application\msedge.exe",
    ),
}
_FLAGS = (
    "--headless", "--disable-gpu", "--disable-quic", "--disable-extensions", "--no-first-run",
    "--no-default-browser-check", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-default-apps", "--metrics-recording-only", "--mute-audio",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip


def find_browser() -> str:
    """The program of an installed browser that can print; GEXCORE_BROWSER names another.

    Raises:
        InputError: there is none.
    """
    named = os.environ.get("GEXCORE_BROWSER")
    for name in (named,) if named else NAMES:
        found = shutil.which(name)
        if found:
            return found
    for place in () if named else _PLACES.get(sys.platform, ()):
        if Path(place).exists():
            return place
    if named:
        raise InputError(f"GEXCORE_BROWSER: there is no program {named!r}")
    raise InputError(
        "a PDF needs a browser: none was found",
        hint="install Chromium, Chrome or Edge, or name one: GEXCORE_BROWSER=/path/to/chrome",
    )


def headless(browser: str, profile: Path) -> list[str]:
    """The command of a browser without window, network and past; `profile` must not exist."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # who cannot have the sandbox
    words = ["--no-sandbox"] if root else []
    return [browser, *_FLAGS, *words, f"--user-data-dir={profile}"]


def print_pdf(page: bytes, browser: str, timeout: float = TIMEOUT) -> bytes:
    """Print a page.

    Args:
        page: HTML that needs nothing else.
        browser: of `find_browser`.
        timeout: seconds, then the browser is ended.

    Raises:
        GexError: the browser failed, or took too long.
    """
    with tempfile.TemporaryDirectory(prefix="gexcore-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        source, target = folder / "page.html", folder / "page.pdf"
        source.write_bytes(page)
        words = ["--no-pdf-header-footer", f"--print-to-pdf={target}", source.as_uri()]
        said = _run([*headless(browser, folder / "profile"), *words], timeout)
        if not target.exists() or not target.stat().st_size:
            raise GexError(
                f"{browser}: no PDF came out{said}",
                hint="GEXCORE_BROWSER=/path/to/chrome names another browser",
            )
        return target.read_bytes()


def _run(command: list[str], timeout: float) -> str:
    """Run a browser to its end; what it said last."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            said = process.communicate(timeout=timeout)[1].decode("utf-8", "replace").split("\n")
        except subprocess.TimeoutExpired:
            _end(process)
            raise GexError(f"{command[0]}: not done after {timeout:g} s, ended") from None
        except BaseException:
            _end(process)
            raise
    last = next((line.strip() for line in reversed(said) if line.strip()), "")
    return f" ({last[:200]})" if last else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a browser and its children, by the id of their group where there is one."""
    if hasattr(os, "killpg"):
        import signal

        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
