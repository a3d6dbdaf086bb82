"""A chat server for the HTTP benchmarks: `python -P -m agno_cli.bench._server`.

It answers every POST by repeating the last message, in OpenAI's form or, on a path that ends in
`/messages`, in Anthropic's; where a stream is asked for, it repeats it in 1,000 events. It keeps
connections alive, prints its port and ends when its standard input does: it cannot outlive its
parent.
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
STREAMED = 1_000


class _Part(msgspec.Struct):
    text: str


class _Said(msgspec.Struct):
    content: str | list[_Part]


class _Question(msgspec.Struct):
    messages: list[_Said]
    stream: bool = False


class _Form(msgspec.Struct, frozen=True):
    """How an answer is written: whole, and streamed as a beginning, repeated events, an end."""

    whole: str
    beginning: str
    event: str
    end: str


_decode = msgspec.json.Decoder(_Question).decode
_OPENAI = _Form(
    whole=(
        '{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"bench","choices":'
        '[{"index":0,"message":{"role":"assistant","content":CONTENT},"finish_reason":"stop"}],'
        '"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'
    ),
    beginning="",
    event=(
        'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench",'
        '"choices":[{"index":0,"delta":{"content":CONTENT},"finish_reason":null}]}\n\n'
    ),
    end=(
        'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench",'
        '"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],'
        '"usage":{"prompt_tokens":1,"completion_tokens":1000,"total_tokens":1001}}\n\n'
        "data: [DONE]\n\n"
    ),
)
_ANTHROPIC = _Form(
    whole=(
        '{"id":"msg_1","type":"message","role":"assistant","model":"bench","content":'
        '[{"type":"text","text":CONTENT}],"stop_reason":"end_turn","stop_sequence":null,'
        '"usage":{"input_tokens":1,"output_tokens":1}}'
    ),
    beginning=(
        'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1",'
        '"type":"message","role":"assistant","model":"bench","content":[],"stop_reason":null,'
        '"usage":{"input_tokens":1,"output_tokens":1}}}\n\n'
        'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
        '"content_block":{"type":"text","text":""}}\n\n'
    ),
    event=(
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        '"delta":{"type":"text_delta","text":CONTENT}}\n\n'
    ),
    end=(
        'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
        'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
        '"usage":{"output_tokens":1000}}\n\n'
        'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    ),
)


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n%b\r\n\r\n"


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
            head = self._received[:end]
            length = _content_length(head)
            if len(self._received) < end + 4 + length:
                return
            body = self._received[end + 4 : end + 4 + length]
            self._received = self._received[end + 4 + length :]
            assert isinstance(self._transport, asyncio.WriteTransport)
            self._transport.write(answer(head, body))


def answer(head: bytes, body: bytes) -> bytes:
    """Make the whole HTTP response to a chat request."""
    form = _ANTHROPIC if b"/messages " in head.partition(b"\r\n")[0] else _OPENAI
    question = _decode(body)
    said = question.messages[-1].content
    text = said if isinstance(said, str) else "".join(part.text for part in said)
    content = msgspec.json.encode(text).decode()
    if question.stream:
        return _streamed(form, content)
    whole = form.whole.replace("CONTENT", content).encode()
    return _HEAD % (b"application/json", b"Content-Length: %d" % len(whole)) + whole


def _streamed(form: _Form, content: str) -> bytes:
    """Write one chunk for each event, as servers do that have them one by one."""
    event = form.event.replace("CONTENT", content)
    events = _chunk(form.beginning) + _chunk(event) * STREAMED + _chunk(form.end)
    return _HEAD % (b"text/event-stream", b"Transfer-Encoding: chunked") + events + b"0\r\n\r\n"


def _chunk(text: str) -> bytes:
    data = text.encode()
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


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
