"""An HTTP server that misbehaves as told, over raw sockets, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Self, TypeAlias

import msgspec
from msgspec import Struct

# Bytes to send, seconds to be silent, or a word: hang up, or wait until the client does.
Action: TypeAlias = bytes | float | str
Reply: TypeAlias = list[Action]

HANG_UP = "hang up"
WAIT_FOR_CLIENT = "wait for client"


class Request(Struct):
    """What a client sent; `connection` counts the connections."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    connection: int


def answer(
    body: object,
    status: int = 200,
    content_type: str = "application/json",
    **headers: str,
) -> Reply:
    """A whole answer; anything but bytes is written as JSON."""
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return [head(status, content_type, **headers, content_length=str(len(data))), data]


def head(status: int = 200, content_type: str = "application/json", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Status", f"content-type: {content_type}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def events(*data: object, end: bool = True) -> Reply:
    """A stream of events in chunks, with `[DONE]` unless it is to stay open."""
    reply: Reply = [head(200, "text/event-stream", transfer_encoding="chunked")]
    reply += [chunk(event(item)) for item in data]
    return [*reply, chunk(event(b"[DONE]")), b"0\r\n\r\n"] if end else reply


def event(data: object, name: str = "") -> bytes:
    text = data if isinstance(data, bytes) else msgspec.json.encode(data)
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + text + b"\n\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class FaultServer:
    """Serves `replies` in order, the last one again and again.

    Attributes:
        requests: what came, in order.
        came: set when a request was read.
        left: set when a client closed a connection that was kept waiting.
    """

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.requests: list[Request] = []
        self.came = threading.Event()
        self.left = threading.Event()
        self.url = ""
        self._connections = 0
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(5)

    def reply(self, *replies: Reply) -> FaultServer:
        self.replies = list(replies)
        return self

    async def _run(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._started.set()
        try:
            await self._over.wait()
        finally:
            server.close()  # leaving `async with` would wait for open connections, from 3.12 on

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        connection = self._connections
        try:
            while request := await _read_request(reader, connection):
                self.requests.append(request)
                self.came.set()
                number = min(len(self.requests), len(self.replies)) - 1
                if not await self._play(self.replies[number], reader, writer):
                    return
        except (ConnectionError, asyncio.CancelledError):
            self.left.set()
        finally:
            writer.close()

    async def _play(
        self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        for action in reply:
            if isinstance(action, bytes):
                writer.write(action)
                await writer.drain()
            elif isinstance(action, float):
                await asyncio.sleep(action)
            elif action == WAIT_FOR_CLIENT:
                await reader.read()
                self.left.set()
                return False
            else:
                return False
        return True


async def _read_request(reader: asyncio.StreamReader, connection: int) -> Request | None:
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    pairs = (line.split(": ", 1) for line in lines[1:] if line)
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    path = lines[0].split()[1]
    return Request(path, headers, msgspec.json.decode(body), connection)


def completion(content: object = "Paris.", **fields: Any) -> dict[str, Any]:
    """A Chat Completions answer."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **fields}}
    return {
        "id": "c1",
        "model": "m-1",
        "choices": [{**choice, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    }


def delta(finish_reason: str | None = None, **fields: Any) -> dict[str, Any]:
    """A chunk of a streamed Chat Completions answer."""
    choice = {"index": 0, "delta": fields, "finish_reason": finish_reason}
    return {"id": "c1", "model": "m-1", "choices": [choice]}


def usage_chunk() -> dict[str, Any]:
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    return {"id": "c1", "model": "m-1", "choices": [], "usage": usage}
