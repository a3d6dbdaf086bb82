"""A chat server for the HTTP benchmarks: `python -P -m agno_cli.bench._server`.

It answers every POST with a chat completion that repeats the last message, keeps connections
alive, prints its port and ends when its standard input does: it cannot outlive its parent.
As little as an HTTP server can be, so that the client is what is measured; it trusts its
client, so it listens on loopback only.
"""

from __future__ import annotations

import asyncio  # noqa: TID253 - a program of its own
import subprocess
import sys
from collections.abc import Callable

import msgspec

# Room for a thousand clients that connect at once.
_BACKLOG = 4096


class _Said(msgspec.Struct):
    content: str


class _Question(msgspec.Struct):
    messages: list[_Said]


_decode = msgspec.json.Decoder(_Question).decode
_ANSWER = (
    '{{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"bench","choices":'
    '[{{"index":0,"message":{{"role":"assistant","content":{content}}},"finish_reason":"stop"}}],'
    '"usage":{{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}}}'
)


class Connection(asyncio.Protocol):
    """One connection: any number of requests, each answered as soon as it is whole."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer what has come in whole."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            length = _content_length(self._received[:end])
            if len(self._received) < end + 4 + length:
                return
            body = self._received[end + 4 : end + 4 + length]
            self._received = self._received[end + 4 + length :]
            assert isinstance(self._transport, asyncio.WriteTransport)
            self._transport.write(answer(body))


def answer(body: bytes) -> bytes:
    """Make the whole HTTP response to the body of a chat request."""
    content = msgspec.json.encode(_decode(body).messages[-1].content).decode()
    text = _ANSWER.format(content=content).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(text) + text


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def serve() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=_BACKLOG)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - to the parent process
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def start_server() -> tuple[str, Callable[[], None]]:
    """Start a server in a process of its own; give its base URL, and what stops it."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "agno_cli.bench._server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    port = int(process.stdout.readline())

    def stop() -> None:
        with process:  # closes the pipes, which ends it, and waits
            pass

    return f"http://127.0.0.1:{port}/v1", stop


def allow_connections(count: int) -> None:
    """Raise this process's limit of open files, which is often 1,024, to hold `count` more."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + 256
    if soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


if __name__ == "__main__":
    allow_connections(_BACKLOG)
    asyncio.run(serve())
