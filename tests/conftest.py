"""What all tests share: a clean environment, no network, and a real model on request."""

from __future__ import annotations

import errno
import ipaddress
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from agno_cli._errors import ConfigurationError
from agno_cli.models._download import DOWNLOADS, pull

# A shell's background job is born deaf to Ctrl-C, and so would be the programs that tests
# interrupt; a handler of ours becomes the default in them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Read before the tests' own environment hides it.
_MODEL_REQUIRED = os.environ.get("AGNO_REQUIRE_LOCAL_MODEL") == "1"
_FOREIGN = ("AGNO_", "OLLAMA_", "XDG_")
_FOREIGN_ENDS = ("_API_KEY", "_BASE_URL", "_TOKEN", "_PROXY", "_proxy")


# Times say nothing on a shared machine. CI repeats the same examples, so that a change is not
# held up by a fault it did not make; on a developer's machine each run tries others.
settings.register_profile(
    "agno",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.load_profile("agno")


@pytest.fixture(autouse=True)
def clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Hide the user's keys, settings, sessions and models; put empty folders in their place."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN) or name.endswith(_FOREIGN_ENDS):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("AGNO_CONFIG", str(home / "config.toml"))
    monkeypatch.setenv("AGNO_DATA", str(home / "data"))
    monkeypatch.setenv("AGNO_CACHE", str(home / "cache"))


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that leaves this machine; names beyond it do not resolve."""
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_here(address[0]):
            pytest.fail(f"a test tried to connect to {address}")
        connect(self, address)

    def guarded_resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host is None or _is_address(host) or _is_here(host):
            return resolve(host, *args, **kwargs)
        raise socket.gaierror(errno.ENOENT, f"tests resolve no names: {host!r}")

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_resolve)


def _is_here(host: Any) -> bool:
    text = host.decode() if isinstance(host, bytes) else str(host)
    return text == "localhost" or (_is_address(text) and ipaddress.ip_address(text).is_loopback)


def _is_address(host: Any) -> bool:
    try:
        ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host)
    except ValueError:
        return False
    return True


@pytest.fixture(scope="session")
def smollm2_path() -> Path:
    """SmolLM2's GGUF file, in the user's own cache; without it and xllamacpp the test skips."""
    try:
        import xllamacpp  # noqa: F401 - only whether it is there

        return pull("smollm2")
    except (ConfigurationError, ImportError) as error:
        if _MODEL_REQUIRED:
            pytest.fail(f"the local model is required here: {error}")
        pytest.skip(f"no local model: {error}")


@pytest.fixture
def smollm2_in_cache(smollm2_path: Path, clean_environment: None) -> Path:
    """Put SmolLM2 into the test's own cache, so that `local:smollm2` works, also in children."""
    cached = Path(os.environ["AGNO_CACHE"], "models", DOWNLOADS["smollm2"].file)
    cached.parent.mkdir(parents=True)
    cached.symlink_to(smollm2_path)
    return cached


@pytest.fixture(scope="session")
def llama_server(smollm2_path: Path) -> Iterator[str]:
    """llama.cpp's own HTTP server with SmolLM2; the base URL, as in `http://127.0.0.1:4711`."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(smollm2_path)
    params.model_alias = {"smollm2"}
    params.verbosity = -1
    params.n_parallel = 2
    params.n_ctx = 2 * 4096
    params.warmup = False
    params.ui = False
    params.cpuparams.n_threads = 1  # two wait for each other when other work has a core
    server = xllamacpp.Server(params)
    yield server.listening_address
    del server
