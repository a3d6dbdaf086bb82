"""Opens a page in headless Chromium, and tells what a person would see of it.

The browser is driven over its debugging port, because `--window-size` makes no window narrower
than 500 pixels, and phones are.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",  # tests may run as root, and open nothing but our own page
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-port=0",
)
_WAIT = 60.0
# Read now: tests run without the variables of whoever started them.
_REQUIRED = os.environ.get("AGNO_REQUIRE_BROWSER") == "1"


def installed() -> str:
    """Give the path of Chromium; where there is none, skip the test or, if told to, fail."""
    for name in _NAMES:
        path = shutil.which(name)
        if path is not None:
            return path
    reason = "Chromium is not installed (Debian: apt-get install chromium)"
    if _REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


class Tab:
    """One page; `events` is all that the browser reported of it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0
        self.events: list[dict[str, Any]] = []

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        number = self._number
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        return await self._until(lambda message: message.get("id") == number)

    async def _until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while True:
            message: dict[str, Any] = await self._socket.receive_json(timeout=_WAIT)
            if "method" in message:
                self.events.append(message)
            if wanted(message):
                assert "error" not in message, message
                return dict(message.get("result", {}))

    async def open(self, page: Path, *, width: int, scheme: str) -> None:
        for domain in ("Page", "Network", "Log", "Runtime"):
            await self.send(f"{domain}.enable")
        await self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=800,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.send("Emulation.setEmulatedMedia", features=features)
        await self.send("Page.navigate", url=page.as_uri())
        if "Page.loadEventFired" not in [event["method"] for event in self.events]:
            await self._until(lambda message: message.get("method") == "Page.loadEventFired")

    async def evaluate(self, script: str) -> Any:
        found = await self.send("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def screenshot(self) -> bytes:
        """Give the whole page as PNG."""
        shot = await self.send("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    def requested(self) -> list[str]:
        """Give the addresses of all requests."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event["method"] == "Network.requestWillBeSent"
        ]

    def complaints(self) -> list[str]:
        """Give what the browser logged: refused styles, failed requests, errors."""
        return [
            msgspec.json.encode(event["params"]).decode()
            for event in self.events
            if event["method"] in {"Log.entryAdded", "Runtime.exceptionThrown"}
        ]


class Browser:
    """A running Chromium."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self._session = session
        self._address = address

    @asynccontextmanager
    async def tab(self) -> AsyncIterator[Tab]:
        async with self._session.put(f"http://{self._address}/json/new?about:blank") as answer:
            target = await answer.json(content_type=None)
        url = target["webSocketDebuggerUrl"]
        async with self._session.ws_connect(url, max_msg_size=0) as socket:
            yield Tab(socket)


@asynccontextmanager
async def browser(profile: Path) -> AsyncIterator[Browser]:
    """Start Chromium with an empty profile, and end it."""
    process = await asyncio.create_subprocess_exec(
        *(installed(), *_FLAGS, f"--user-data-dir={profile}"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        address = await _address(process)
        async with aiohttp.ClientSession() as session:
            yield Browser(session, address)
    finally:
        if process.returncode is None:
            process.terminate()
        # Reads to the end: a full pipe would keep it from ending.
        await process.communicate()


async def _address(process: asyncio.subprocess.Process) -> str:
    """Wait until the debugging port is open; give its host and number."""
    assert process.stderr is not None
    said = b""
    async with asyncio.timeout(_WAIT):
        async for line in process.stderr:
            said += line
            if b"DevTools listening on ws://" in line:
                return line.decode().split("ws://")[1].split("/")[0]
    raise AssertionError(f"Chromium ended before it listened: {said.decode(errors='replace')}")
