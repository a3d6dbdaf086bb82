"""A real HTTP server for the tests of the http toolkit, and short ways to call its tools."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from agno_cli.toolkits.http import http


class Handler(BaseHTTPRequestHandler):
    """Answers by path, and keeps what it was asked."""

    server: "Server"
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        length = int(self.headers.get("Content-Length", 0))
        self.server.seen.append(
            (self.command, self.path, dict(self.headers), self.rfile.read(length).decode())
        )
        answer = self.server.answers.get(self.path, (404, {"Content-Type": "text/plain"}, b"none"))
        if callable(answer):
            answer(self)
            return
        status, headers, body = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the base class looks for this name

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    """Serves on a free port of this machine."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = answers
        self.seen: list[Any] = []
        self.port = self.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def handle_error(self, *args):
        pass


@contextmanager
def serving(answers: dict[str, Any], certificate: Path | None = None) -> Iterator[Server]:
    server = Server(answers)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def text(content: bytes, content_type: str = "text/plain", **headers: str) -> Any:
    return 200, {"Content-Type": content_type} | headers, content


def redirect(location: str, status: int = 302) -> Any:
    return status, {"Location": location}, b""


def tools(**settings: Any) -> Any:
    return http(**{"allow_private": True, "timeout": 5} | settings).tools


def get(url: str, headers: Any = None, **settings: Any) -> Any:
    return tools(**settings)[0](url, headers)


def post(url: str, *arguments: Any, **settings: Any) -> Any:
    return tools(**settings)[1](url, *arguments)
