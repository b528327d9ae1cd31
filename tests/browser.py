"""A headless browser driven over a pipe: what it says, asks the network for, shows and prints."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions",
    "--remote-debugging-pipe",
)  # fmt: skip
# the browser's end of the pipe is its file descriptors 3 and 4; first out of the way, then there
_START = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(ends[0], 3), os.dup2(ends[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def program() -> str:
    """The browser, or a skip that `.ci/run` does not let pass."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no headless Chromium: apt-get install chromium")
    return found


class Page:
    """One page of a browser; `faults` is what must stay empty."""

    def __init__(self, send: int, receive: int) -> None:
        self._send, self._receive, self._rest, self._id = send, receive, b"", 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the browser for something."""
        self._id += 1
        message = {"id": self._id, "method": method, "params": parameters}
        message |= {"sessionId": self._session} if self._session else {}
        os.write(self._send, json.dumps(message).encode() + b"\0")
        wanted = self._id
        answer = self._until(lambda each: each.get("id") == wanted)
        assert "error" not in answer, f"{method}: {answer}"
        return dict(answer["result"])

    def _until(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = 240.0) -> Any:
        end = time.monotonic() + seconds
        while True:
            while b"\0" not in self._rest:
                ready, _, _ = select.select([self._receive], [], [], end - time.monotonic())
                assert ready, "the browser does not answer"
                data = os.read(self._receive, 1 << 20)
                assert data, "the browser is gone"
                self._rest += data
            line, _, self._rest = self._rest.partition(b"\0")
            message = json.loads(line)
            self.events.append(message)
            if wanted(message):
                return message

    def open(self, url: str) -> None:
        """Load a page to its end."""
        self.events.clear()
        self.call("Page.navigate", url=url)
        if not any(each.get("method") == "Page.loadEventFired" for each in self.events):
            self._until(lambda each: each.get("method") == "Page.loadEventFired")

    def evaluate(self, code: str) -> Any:
        """The value of a script; the policy of the page does not bind it."""
        found = self.call("Runtime.evaluate", expression=code, returnByValue=True,
                          awaitPromise=True, userGesture=True)  # fmt: skip
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def settle(self) -> None:
        """Wait until what was asked for is drawn."""
        self.evaluate("new Promise(f => requestAnimationFrame(() => setTimeout(f, 150)))")

    def look(
        self, width: int, height: int, *, dark: bool = False, media: str = "", touch: bool = False
    ) -> None:
        """Size of the screen, theme, medium."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=touch)  # fmt: skip
        self.call("Emulation.setTouchEmulationEnabled", enabled=touch)
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def picture(self, whole: bool = False) -> bytes:
        """A PNG of what is seen, or of the whole page."""
        found = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        return base64.b64decode(found["data"])

    @property
    def faults(self) -> list[str]:
        """Console errors and warnings, exceptions, violations of the policy."""
        found = []
        for each in self.events:
            method, told = each.get("method"), each.get("params", {})
            if method == "Runtime.exceptionThrown":
                details = told["exceptionDetails"]
                found.append(f"exception: {details.get('exception', details)}")
            elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning"):
                found.append(f"console {told['type']}: {told['args']}")
            elif method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
                found.append(f"{told['entry']['source']}: {told['entry']['text']}")
        return found

    @property
    def requests(self) -> list[str]:
        """Everything asked for, the page itself first; what stands in the page is not counted."""
        urls = [
            each["params"]["request"]["url"]
            for each in self.events
            if each.get("method") == "Network.requestWillBeSent"
        ]
        return [url for url in urls if not url.startswith(("data:", "blob:"))]


@contextmanager
def browser() -> Iterator[Page]:
    """A browser with an empty profile, ended by its own id."""
    found = program()
    commands, answers = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        more = ["--no-sandbox"] if os.geteuid() == 0 else []
        process = subprocess.Popen(
            [sys.executable, "-c", _START, str(commands[0]), str(answers[1]), found, *FLAGS, *more,
             f"--user-data-dir={Path(folder) / 'profile'}"],
            pass_fds=(commands[0], answers[1]), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(commands[0])
        os.close(answers[1])
        try:
            yield Page(commands[1], answers[0])
        finally:
            os.killpg(process.pid, 9)
            process.wait()
            os.close(commands[1])
            os.close(answers[0])
