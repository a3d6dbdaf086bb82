"""Prometheus metrics of agents, through their hooks. Needs the extra `metrics`."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct

from ._agent import Agent
from ._context import RunContext
from ._errors import ConfigurationError, LimitReached
from ._hooks import Hooks
from ._messages import RunOutput, ToolCall, ToolResult

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

# From a run on a fast local model to one of many turns; Prometheus' own end at 10 s.
_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_MOST_NAMES = 100  # agents and, as many, tools: models make tools' names up, users agents'
_LONGEST_NAME = 64
_MOST_OVER = 1000  # stopped within the microseconds that a hook takes to begin
_OTHER = "other"


class Metrics:
    """Counts what agents do, in a registry of `prometheus_client`.

    Each metric's name begins with the namespace:

    - `agent_creations_total{agent}`: agents given to `observe`; others are not known of.
    - `agent_runs_total{agent,status}`: runs that ended, by `RunOutput.status`.
    - `agent_run_errors_total{agent,kind}`: runs that failed, by class of error; limits with
      their kind, as in `LimitReached.turns`. Cancelled runs are none.
    - `agent_runs_in_flight{agent}`: runs that have begun and not ended.
    - `agent_run_duration_seconds{agent}`, `agent_run_model_seconds{agent}`: histograms of a run's
      wall time and of the part in which it waited for its model.
    - `agent_tokens_total{agent,kind}`: `input`, of which `cached`; `output`, of which
      `reasoning`. Also of runs that failed.
    - `tool_calls_total{tool,outcome}`: `ok`, `error`, or `unfinished` for calls that another hook
      refused or that their run did not wait for.
    - `tool_call_duration_seconds{tool}`: a histogram of the wall time of calls that ended.

    The first 100 names of agents, and of tools, get series of their own, all others share
    `other`. In an agent that is not observed there is nothing: no hook, no cost.

    Args:
        registry: where to register; None for a registry of its own. Give
            `prometheus_client.REGISTRY` to a service that serves that one already.
        namespace: how the names begin.
        buckets: upper bounds of the histograms, in seconds.

    >>> from agno_cli import ScriptedModel
    >>> metrics = Metrics()
    >>> agent = metrics.observe(Agent(ScriptedModel(["Hi"]), name="clerk"))
    >>> _ = agent.run("Hello")
    >>> 'agno_agent_runs_total{agent="clerk",status="completed"} 1.0' in metrics.text()
    True

    Raises:
        ConfigurationError: the library is not installed, a name is none, or the registry has
            these metrics already.
    """

    def __init__(
        self,
        registry: CollectorRegistry | None = None,
        *,
        namespace: str = "agno",
        buckets: Sequence[float] = _BUCKETS,
    ) -> None:
        library = _library()
        self.registry: CollectorRegistry = registry or library.CollectorRegistry()
        self._agents, self._tools = _Names(), _Names()
        self._lock = Lock()
        self._runs: dict[str, _Run] = {}
        # Ids of runs that ended unseen. A hook of a stopped run may still be under way in its
        # thread, or about to be, and must not bring the run back.
        self._over: deque[str] = deque(maxlen=_MOST_OVER)
        if not (namespace.isidentifier() and namespace.isascii()):
            raise ConfigurationError(
                f"`namespace` is {namespace!r}; give letters, digits and underscores"
            )
        try:
            self._register(library, namespace, buckets)
        except ValueError as error:
            for series in [item for item in vars(self).values() if isinstance(item, _Series)]:
                self.registry.unregister(series.metric)
            raise ConfigurationError(
                f"metrics of the namespace {namespace!r} cannot be registered: {error};"
                " share one `Metrics`, or give another `namespace` or `registry`"
            ) from error
        self.hooks = Hooks(
            before_run=(self._begin,),
            before_tool=(self._begin_call,),
            after_tool=(self._end_call,),
            on_end=(self._end,),
        )

    def _register(self, library: Any, namespace: str, buckets: Sequence[float]) -> None:
        common = {"namespace": namespace, "registry": self.registry}

        def counter(name: str, text: str, *labels: str) -> _Series:
            return _Series(library.Counter(name, text, labels, **common))

        def histogram(name: str, text: str, *labels: str) -> _Series:
            return _Series(library.Histogram(name, text, labels, buckets=buckets, **common))

        self._creations = counter("agent_creations", "Agents given to observe.", "agent")
        self._ended = counter("agent_runs", "Runs that ended.", "agent", "status")
        self._errors = counter("agent_run_errors", "Runs that failed.", "agent", "kind")
        self._in_flight = _Series(
            library.Gauge("agent_runs_in_flight", "Runs under way.", ["agent"], **common)
        )
        self._seconds = histogram("agent_run_duration_seconds", "Wall time of a run.", "agent")
        self._model_seconds = histogram(
            "agent_run_model_seconds", "Wall time that a run waited for its model.", "agent"
        )
        self._tokens = counter(
            "agent_tokens", "Tokens; input has cached, output has reasoning.", "agent", "kind"
        )
        self._calls = counter("tool_calls", "Tool calls.", "tool", "outcome")
        self._call_seconds = histogram(
            "tool_call_duration_seconds", "Wall time of a tool call.", "tool"
        )

    def observe(self, agent: Agent) -> Agent:
        """Count an agent as created and give one like it that is observed.

        Its hooks come after those of the metrics, so that what they refuse is counted.

        Raises:
            ConfigurationError: it is observed by these metrics already.
        """
        if self.hooks.on_end[0] in agent.hooks.on_end:
            raise ConfigurationError(
                f"{agent!r} is observed already; runs would count twice, so observe it once"
            )
        self._creations[self._agents.label(agent.name),].inc()
        return agent.replace(hooks=self.hooks + agent.hooks)

    def text(self) -> str:
        """Write the registry's metrics in Prometheus' text format."""
        text: str = _library().generate_latest(self.registry).decode()
        return text

    def serve(self, port: int, *, address: str = "127.0.0.1") -> MetricsServer:
        """Serve the registry over HTTP, in a thread, until the server is closed.

        Args:
            port: where to listen, 0 for a free one.
            address: on which address; `0.0.0.0` lets others in, without any password.

        Raises:
            ConfigurationError: it cannot listen there.
        """
        try:
            server, thread = _library().start_http_server(port, address, self.registry)
        except (OSError, OverflowError) as error:
            raise ConfigurationError(
                f"metrics cannot be served on {address}:{port}: {error}; give another port,"
                " or 0 for a free one"
            ) from error
        return MetricsServer(server, thread)

    def _begin(self, context: RunContext, _: str) -> None:
        agent = self._agents.label(context.agent)
        with self._lock:
            if context.run_id not in self._over:
                self._runs[context.run_id] = _Run(agent, {})
                self._in_flight[agent,].inc()

    def _begin_call(self, context: RunContext, call: ToolCall) -> None:
        run = self._runs.get(context.run_id)
        if run is not None:
            run.calls[call.id] = call.name

    def _end_call(self, context: RunContext, result: ToolResult) -> None:
        run = self._runs.get(context.run_id)
        if run is None:  # it has been counted as unfinished
            return
        run.calls.pop(result.call_id, None)
        tool = self._tools.label(result.name)
        self._calls[tool, "error" if result.is_error else "ok"].inc()
        self._call_seconds[tool,].observe(result.seconds)

    def _end(self, context: RunContext, output: RunOutput) -> None:
        agent = self._agents.label(context.agent)
        for name in self._forget(context.run_id):
            self._calls[self._tools.label(name), "unfinished"].inc()
        self._ended[agent, output.status].inc()
        kind = _error_kind(output)
        if kind is not None:
            self._errors[agent, kind].inc()
        self._seconds[agent,].observe(output.total_seconds)
        self._model_seconds[agent,].observe(output.model_seconds)
        usage = output.usage
        self._tokens[agent, "input"].inc(usage.input_tokens)
        self._tokens[agent, "cached"].inc(usage.cached_tokens)
        self._tokens[agent, "output"].inc(usage.output_tokens)
        self._tokens[agent, "reasoning"].inc(usage.reasoning_tokens)

    def _forget(self, run_id: str) -> Iterable[str]:
        """Take a run out of those in flight and give the tools of its open calls."""
        with self._lock:
            run = self._runs.pop(run_id, None)
            if run is None:  # stopped, or refused by another hook, before it was seen
                self._over.append(run_id)
                return ()
            self._in_flight[run.agent,].dec()
            return run.calls.values()


class MetricsServer:
    """Serves metrics until it is closed; also a context manager."""

    def __init__(self, server: Any, thread: Any) -> None:
        self._server = server
        self._thread = thread
        self.port: int = server.server_address[1]

    def close(self) -> None:
        """Stop listening; closing it again does nothing."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Run(Struct, eq=False):
    """A run that has begun: its agent's label, and the open calls' tools by the calls' ids."""

    agent: str
    calls: dict[str, str]


class _Names:
    """Bounds the values of a label: each costs memory here and in Prometheus, for ever."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def label(self, name: str) -> str:
        """Give a name as a label. One that cannot be printed could not be scraped either."""
        if name in self._known:
            return name
        if len(self._known) >= _MOST_NAMES or not (name.isprintable() and name):
            return _OTHER
        if len(name) > _LONGEST_NAME:
            return _OTHER
        self._known.add(name)
        return name


class _Series(dict[tuple[str, ...], Any]):
    """A metric's series by their labels; the library's own look-up takes five times as long."""

    def __init__(self, metric: Any) -> None:
        super().__init__()
        self.metric = metric

    def __missing__(self, labels: tuple[str, ...]) -> Any:
        series = self[labels] = self.metric.labels(*labels)
        return series


def _error_kind(output: RunOutput) -> str | None:
    """Name what stopped a run; None for one that completed or was cancelled."""
    if output.status in {"completed", "cancelled"}:
        return None
    error = sys.exception()  # observers are called while the loop handles it
    if isinstance(error, LimitReached):
        return f"LimitReached.{error.kind}"
    return output.status if error is None else type(error).__name__


def _library() -> Any:
    try:
        import prometheus_client
    except ImportError as error:
        raise ConfigurationError(
            f"metrics need the package `prometheus-client` ({error}):"
            " pip install 'agno-cli[metrics]'"
        ) from error
    return prometheus_client
