"""A real Chromium without a window, told over its DevTools protocol what to do."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import requests
import websocket

from tests.conftest import missing
from tests.harness import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",  # it does not start as root otherwise, as in a container
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=800,600",
    "--remote-debugging-port=0",
)


def find() -> str:
    """The executable; skips where there is none, but fails in CI."""
    return next(filter(None, map(shutil.which, NAMES)), None) or missing(
        f"none of {', '.join(NAMES)} is installed (Debian's package is `chromium`)"
    )


@contextlib.contextmanager
def chromium(executable: str) -> Iterator[Path]:
    """A running browser: the folder of its profile, which vanishes with it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [executable, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield Path(folder)
        finally:
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Browser:
    """One page of a browser of its own; use it in a `with` block."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        executable = find()  # before anything is open: it may skip the test
        with contextlib.ExitStack() as opened:
            port_file = opened.enter_context(chromium(executable)) / "DevToolsActivePort"
            port = wait_for(lambda: port_file.exists() and port_file.read_text().split()[:1])[0]
            pages = wait_for(
                lambda: [
                    page
                    for page in requests.get(f"http://127.0.0.1:{port}/json").json()
                    if page["type"] == "page"
                ]
            )
            self._socket = opened.enter_context(
                contextlib.closing(
                    websocket.create_connection(
                        pages[0]["webSocketDebuggerUrl"], suppress_origin=True
                    )
                )
            )
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.close()

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def run(self, script: str) -> Any:
        """The value of a piece of JavaScript on the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        return answer["result"].get("value")

    def open(self, url: str) -> None:
        """Go to an address."""
        self.call("Page.navigate", url=url)

    def click(self, selector: str) -> None:
        """Click an element as soon as it is there."""
        found = f"document.querySelector({json.dumps(selector)})"
        wait_for(lambda: self.run(f"document.readyState === 'complete' && !!{found}"))
        self.run(f"{found}.click()")

    def text(self, selector: str = "body") -> str:
        """The text of an element as soon as it is there."""
        script = (
            "document.readyState === 'complete' "
            f"&& document.querySelector({json.dumps(selector)})?.innerText"
        )
        return wait_for(lambda: self.run(script))

    def picture(self, path: Path, *, scheme: str, width: int = 800) -> None:
        """Take a screenshot in a light or a dark colour scheme."""
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=600,
            deviceScaleFactor=1,
            mobile=False,
        )
        shot = self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def style(self, selector: str, name: str) -> str:
        """A computed style of an element."""
        element = f"document.querySelector({json.dumps(selector)})"
        return self.run(f"getComputedStyle({element}).getPropertyValue({json.dumps(name)})")
