"""llama.cpp in the process: models loaded once, asked from any thread, silent, ended cleanly.

An engine generates in the thread that calls it, chunk by chunk, until it is told to stop. Threads
that call at once take turns: one slot keeps the whole context for each answer.

llama.cpp calls back from C++, where an exception has nowhere to go and a thread that the ending
interpreter kills takes the process with it. So callbacks never raise, and at exit every answer
under way is stopped, waited for, and the engines are freed while Python still runs.
"""

from __future__ import annotations

import atexit
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from agno_cli._errors import ConfigurationError, ModelError

# A prompt is read in batches, and only between two of them can it be stopped: 128 tokens of
# SmolLM2 take 1 s on two slow cores; larger batches were not faster there.
_BATCH_TOKENS = 128
# Conversations that take turns find their prompts read already; llama.cpp would take 8 GiB.
_PROMPT_CACHE_MIB = 256
_SECONDS_AT_EXIT = 30.0
_GGUF_MAGIC = b"GGUF"


class EngineSettings(Struct, frozen=True):
    """What an engine is loaded with; equal settings share one engine.

    `context` is in tokens, bounded by what the model was made for. `threads` 0 leaves the choice
    to llama.cpp.
    """

    path: str
    context: int
    threads: int


class Engine:
    """A loaded model.

    Raises:
        ConfigurationError: the package `xllamacpp` is missing, or the file is no model.
    """

    def __init__(self, settings: EngineSettings, gate: Gate) -> None:
        self._gate = gate
        self._server = _load(settings)

    def generate(self, body: dict[str, Any], receive: Callable[[dict[str, Any]], bool]) -> None:
        """Answer a chat request in OpenAI's format, as a stream.

        Args:
            body: the request.
            receive: called with each chunk, in this thread; True stops the generation.

        Raises:
            ModelError: the request cannot be answered.
        """
        failure: list[BaseException] = []

        def callback(chunk: dict[str, Any]) -> bool:
            try:
                _raise_error(chunk)
                return self._gate.closed or receive(chunk)
            except BaseException as error:
                failure.append(error)
                return True

        # With the progress of the prompt reported, a request can be stopped while it is read.
        request = {**body, "stream": True, "return_progress": True}
        with self._gate.entered():
            try:
                self._server.handle_chat_completions(request, callback)
            except (RuntimeError, ValueError, TypeError) as error:
                raise ModelError(str(error), provider="local", status=400) from error
        if failure:
            raise failure[0]


def _raise_error(chunk: dict[str, Any]) -> None:
    error = chunk.get("error")
    if error is None:
        return
    message = error.get("message", "unknown error")
    if error.get("type") == "exceed_context_size_error":
        message = (
            f"the conversation has {error['n_prompt_tokens']} tokens, the context holds"
            f" {error['n_ctx']}; shorten it, or raise it with `LocalModel(..., context=...)`"
        )
    raise ModelError(message, provider="local", status=error.get("code"))


def _load(settings: EngineSettings) -> Any:
    _check_file(Path(settings.path))
    try:
        import xllamacpp
    except ImportError as error:
        raise ConfigurationError(
            f"local models need the package `xllamacpp` ({error}): pip install 'agno-cli[local]'"
        ) from error
    params = xllamacpp.CommonParams()
    params.model.path = settings.path
    params.verbosity = -1
    params.n_ctx = settings.context
    params.n_batch = params.n_ubatch = _BATCH_TOKENS
    params.cache_ram_mib = _PROMPT_CACHE_MIB
    params.warmup = False
    params.ui = False
    params.endpoint_slots = False
    # It listens on a port of the loopback address whether asked to or not: a key that nobody
    # knows keeps other users and web pages out.
    params.api_keys = [secrets.token_hex(16)]
    if settings.threads:
        params.cpuparams.n_threads = settings.threads
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        raise ConfigurationError(
            f"llama.cpp cannot load `{settings.path}`;"
            " the file is damaged, or of a kind it does not know, or too large for the memory"
        ) from error


def _check_file(path: Path) -> None:
    try:
        with path.open("rb") as file:
            magic = file.read(len(_GGUF_MAGIC))
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the model `{path}`: {error.strerror}; give the path of a GGUF file"
        ) from error
    if magic != _GGUF_MAGIC:
        raise ConfigurationError(f"`{path}` is not a GGUF file; give the path of one")


def usable_cores(cpu_max: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Count the cores to compute on.

    Threads beyond them wait for each other at every step: ten times slower, not a bit.

    Args:
        cpu_max: where Linux keeps the bound of a container, as in `200000 100000` for two.

    Returns:
        0, llama.cpp's own choice, unless this process may not use all cores of the machine.
    """
    mine = all_cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        mine = len(os.sched_getaffinity(0))
    try:
        quota, period = map(int, cpu_max.read_text("ascii").split())
        mine = min(mine, max(1, quota // period))
    except (OSError, ValueError):  # no container, or none with a bound
        pass
    return mine if mine < all_cores else 0


class Gate:
    """Counts the threads that are inside llama.cpp, and closes behind them at the end."""

    def __init__(self) -> None:
        self.closed = False
        self._inside = 0
        self._changed = threading.Condition()

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be counted."""
        with self._changed:
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def close(self, seconds: float) -> bool:
        """Have those inside stop, and tell whether all have left after so many seconds at most."""
        self.closed = True
        with self._changed:
            return self._changed.wait_for(lambda: self._inside == 0, timeout=seconds)


class Engines:
    """The engines of this process, each loaded once."""

    def __init__(self, load: Callable[[EngineSettings, Gate], Engine] = Engine) -> None:
        self._load = load
        self._reset()

    def _reset(self) -> None:
        self._gate = Gate()
        self._lock = threading.Lock()
        self._loaded: dict[EngineSettings, Engine] = {}

    def get(self, settings: EngineSettings) -> Engine:
        """Give the engine of these settings, loading it at the first call.

        Raises:
            ConfigurationError: it cannot be loaded.
        """
        found = self._loaded.get(settings)
        if found is not None:
            return found
        with self._gate.entered(), self._lock:
            if settings not in self._loaded:
                self._loaded[settings] = self._load(settings, self._gate)
            return self._loaded[settings]

    def end(self, seconds: float = _SECONDS_AT_EXIT) -> None:
        """Stop the answers under way, wait for them, and free the engines."""
        if self._gate.close(seconds):
            self._loaded.clear()

    def forget(self) -> None:
        """Start afresh in a forked child: llama.cpp's threads stayed with the parent.

        Freeing an engine would wait for them without end, so the child keeps its copies for good.
        For the same reason a child that forked after an engine was loaded must end by `os._exit`,
        as those of `multiprocessing` do: llama.cpp's own clean-up at `exit` waits too.
        """
        import ctypes

        for engine in self._loaded.values():
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(engine))
        self._reset()


ENGINES = Engines()
atexit.register(ENGINES.end)
if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has none
    os.register_at_fork(after_in_child=ENGINES.forget)
