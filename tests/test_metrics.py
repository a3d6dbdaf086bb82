"""What runs do, counted exactly and scraped from a real server."""

from __future__ import annotations

import asyncio
import builtins
import socket
import threading
from typing import Any
from urllib.request import urlopen

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from agno_cli import (
    Agent,
    AgnoError,
    CancelToken,
    ConfigurationError,
    Hooks,
    Limits,
    ModelError,
    Rejected,
    RunContext,
    RunOutput,
    ScriptedModel,
    ToolCall,
    ToolResult,
    Usage,
    say,
)
from agno_cli.metrics import Metrics
from tests.faces import every_face


def parsed(text: str) -> dict[str, float]:
    """Give the samples by name and labels, as in `runs_total{clerk,completed}`.

    Of a histogram, the number of values alone: seconds are never the same.
    """
    return {
        f"{sample.name.removeprefix('agno_')}{{{','.join(sample.labels.values())}}}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith(("_created", "_bucket", "_sum"))
    }


def counts(metrics: Metrics) -> dict[str, float]:
    return parsed(metrics.text())


def scraped(metrics: Metrics) -> dict[str, float]:
    """Ask a server, as Prometheus does."""
    with (
        metrics.serve(0) as server,
        urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=10) as answer,
    ):
        return parsed(answer.read().decode())


def seconds(metrics: Metrics, name: str, **labels: str) -> float:
    value = metrics.registry.get_sample_value(f"agno_{name}_sum", labels)
    assert value is not None
    return value


def add(a: int, b: int) -> int:
    return a + b


def clerk(metrics: Metrics, script: Any = ("ok",), **fields: Any) -> Agent:
    return metrics.observe(Agent(ScriptedModel(script), name="clerk", **fields))


def ended(agent: Agent, face: Any, **given: Any) -> None:
    with pytest.raises(AgnoError):
        face(agent, **given)


OF_ONE_RUN = {
    "agent_creations_total{clerk}": 1,
    "agent_runs_in_flight{clerk}": 0,
    "agent_run_duration_seconds_count{clerk}": 1,
    "agent_run_model_seconds_count{clerk}": 1,
    "agent_tokens_total{clerk,input}": 1,
    "agent_tokens_total{clerk,cached}": 0,
    "agent_tokens_total{clerk,output}": 1,
    "agent_tokens_total{clerk,reasoning}": 0,
}
WITHOUT_TOKENS = OF_ONE_RUN | {
    "agent_tokens_total{clerk,input}": 0,
    "agent_tokens_total{clerk,output}": 0,
}


@every_face
def test_a_run_with_a_tool(face):
    metrics = Metrics()
    asked = say("", ("add", {"a": 1, "b": 2}), ("add", {"a": "x"}), usage=Usage(10, 5, 4, 3))
    agent = clerk(metrics, [asked, say("3", usage=Usage(20, 7))], tools=[add])

    output = face(agent)
    assert counts(metrics) == OF_ONE_RUN | {
        "agent_runs_total{clerk,completed}": 1,
        "agent_tokens_total{clerk,input}": 30,
        "agent_tokens_total{clerk,cached}": 4,
        "agent_tokens_total{clerk,output}": 12,
        "agent_tokens_total{clerk,reasoning}": 3,
        "tool_calls_total{ok,add}": 1,
        "tool_calls_total{error,add}": 1,
        "tool_call_duration_seconds_count{add}": 2,
    }
    assert seconds(metrics, "agent_run_duration_seconds", agent="clerk") == output.total_seconds
    assert seconds(metrics, "agent_run_model_seconds", agent="clerk") == output.model_seconds
    assert seconds(metrics, "tool_call_duration_seconds", tool="add") > 0


def refuse(*_: object) -> None:
    raise Rejected("not today")


def crash(*_: object) -> None:
    raise LookupError("a bug")


CALL = say("", ("add", {"a": 1, "b": 2}))


@every_face
@pytest.mark.parametrize(
    ("script", "fields", "expected"),
    [
        (
            [ModelError("down", provider="p")],
            {},
            WITHOUT_TOKENS
            | {
                "agent_runs_total{clerk,failed}": 1,
                "agent_run_errors_total{clerk,ModelError}": 1,
            },
        ),
        (
            ["ok"],
            {"hooks": Hooks(before_run=(refuse,))},
            WITHOUT_TOKENS
            | {
                "agent_runs_total{clerk,rejected}": 1,
                "agent_run_errors_total{clerk,Rejected}": 1,
            },
        ),
        (
            ["ok"],
            {"hooks": Hooks(after_run=(crash,))},
            OF_ONE_RUN
            | {
                "agent_runs_total{clerk,failed}": 1,
                "agent_run_errors_total{clerk,LookupError}": 1,
            },
        ),
        (
            [CALL],
            {"tools": [add], "limits": Limits(turns=1)},
            OF_ONE_RUN
            | {
                "agent_runs_total{clerk,limited}": 1,
                "agent_run_errors_total{clerk,LimitReached.turns}": 1,
            },
        ),
        (
            ["no number"],
            {"output_type": int, "limits": Limits(output_retries=0)},
            OF_ONE_RUN
            | {
                "agent_runs_total{clerk,invalid}": 1,
                "agent_run_errors_total{clerk,OutputInvalid}": 1,
            },
        ),
    ],
    ids=["model", "rejected", "bug", "limit", "output"],
)
def test_a_run_that_fails(face, script, fields, expected):
    metrics = Metrics()
    ended(clerk(metrics, script, **fields), face)

    assert counts(metrics) == expected


@every_face
def test_a_run_stopped_by_its_token(face):
    metrics, token = Metrics(), CancelToken()
    token.cancel()
    ended(clerk(metrics), face, cancel=token)

    expected = WITHOUT_TOKENS | {"agent_runs_total{clerk,cancelled}": 1}
    del expected["agent_runs_in_flight{clerk}"]  # it was stopped before its first hook
    assert counts(metrics) == expected


def test_a_hook_that_comes_after_the_end_of_its_run_brings_nothing_back():
    """Hooks of a run that can be stopped run in threads, which cannot be."""
    metrics, context = Metrics(), RunContext(run_id="1", agent="clerk")
    output = RunOutput("1", "", [], Usage(0, 0), 0, 0.0, 0.0, 0.0, status="cancelled")

    metrics.hooks.before_run[0](context, "hi")
    assert counts(metrics)["agent_runs_in_flight{clerk}"] == 1
    metrics.hooks.on_end[0](context, output)
    metrics.hooks.on_end[0](replace(context, run_id="2"), output)
    metrics.hooks.before_run[0](replace(context, run_id="2"), "hi")
    assert counts(metrics)["agent_runs_in_flight{clerk}"] == 0


async def test_cancelled_tasks_and_streams_closed_early():
    metrics = Metrics()
    slow = metrics.observe(Agent(ScriptedModel(["ok"], delay=60), name="clerk"))

    task = asyncio.create_task(slow.arun("hi"))
    await asyncio.sleep(0.01)
    assert counts(metrics)["agent_runs_in_flight{clerk}"] == 1
    task.cancel()
    await asyncio.wait([task])

    agent = slow.replace(model=ScriptedModel(["two words"]))
    stream = agent.stream("hi")
    assert [type(next(stream)).__name__ for _ in range(2)] == ["RunStarted", "TextDelta"]
    assert counts(metrics)["agent_runs_in_flight{clerk}"] == 1
    stream.close()
    events = agent.astream("hi")
    assert [type(await anext(events)).__name__ for _ in range(2)] == ["RunStarted", "TextDelta"]
    await events.aclose()

    assert scraped(metrics) == WITHOUT_TOKENS | {
        "agent_runs_total{clerk,cancelled}": 3,
        "agent_run_duration_seconds_count{clerk}": 3,
        "agent_run_model_seconds_count{clerk}": 3,
    }


@every_face
def test_calls_that_another_hook_refuses(face):
    metrics = Metrics()
    face(clerk(metrics, [CALL, "ok"], tools=[add], hooks=Hooks(before_tool=(refuse,))))

    tools = {name: value for name, value in counts(metrics).items() if name.startswith("tool")}
    assert tools == {"tool_calls_total{unfinished,add}": 1}


def test_calls_that_outlive_their_run():
    """A thread cannot be killed: the call ends later, and is not counted twice."""
    metrics, begun, go_on, done = (Metrics(), *(threading.Event() for _ in range(3)))

    def slow() -> str:
        begun.set()
        go_on.wait(10)
        return "late"

    def note(*_: object) -> None:
        done.set()

    model, token = ScriptedModel([say("", ("slow", {})), "ok"]), CancelToken()
    hooks = metrics.hooks + Hooks(after_tool=(note,))
    agent = Agent(model, name="clerk", tools=[slow], hooks=hooks)
    run = threading.Thread(
        target=ended, args=(agent, Agent.run), kwargs={"prompt": "hi", "cancel": token}
    )
    run.start()
    begun.wait(10)
    token.cancel()
    run.join()
    go_on.set()
    assert done.wait(10)

    tools = {name: value for name, value in counts(metrics).items() if name.startswith("tool")}
    assert tools == {"tool_calls_total{unfinished,slow}": 1}


def test_a_call_of_a_run_that_is_over_is_not_counted():
    metrics = Metrics()
    context = RunContext(run_id="gone", agent="clerk")

    metrics.hooks.before_tool[0](context, ToolCall("1", "add", "{}"))
    metrics.hooks.after_tool[0](context, ToolResult("1", "add", "3"))
    assert counts(metrics) == {}


def test_a_run_that_an_earlier_hook_refuses_was_not_in_flight():
    metrics = Metrics()
    agent = Agent(ScriptedModel(), name="clerk", hooks=Hooks(before_run=(refuse,)) + metrics.hooks)

    ended(agent, Agent.run, prompt="hi")
    assert counts(metrics) == {
        name: value
        for name, value in WITHOUT_TOKENS.items()
        if "creations" not in name and "in_flight" not in name
    } | {
        "agent_runs_total{clerk,rejected}": 1,
        "agent_run_errors_total{clerk,Rejected}": 1,
    }


def test_a_run_within_the_handling_of_another_error():
    metrics = Metrics()
    agent = clerk(metrics)
    try:
        crash()
    except LookupError:
        agent.run("hi")

    assert counts(metrics) == OF_ONE_RUN | {"agent_runs_total{clerk,completed}": 1}


def test_an_ending_reported_by_hand_has_its_status_for_a_kind():
    """As a team may: outside of the handling of the error."""
    metrics = Metrics()
    output = RunOutput("id", "", [], Usage(0, 0), 1, 0.0, 0.0, 0.0, status="limited")
    metrics.hooks.on_end[0](RunContext(agent="clerk"), output)

    assert counts(metrics)["agent_run_errors_total{clerk,limited}"] == 1


async def test_a_thousand_concurrent_runs():
    metrics = Metrics()

    async def work(number: int) -> int:
        await asyncio.sleep(0.001 * (number % 5))
        if number % 10 == 0:
            raise LookupError
        return number

    def script(request: Any) -> Any:
        number = int(request.messages[0].content)
        if request.turn == 1:
            return say("", ("work", {"number": number}))
        if number % 4 == 0:
            raise ModelError("down", provider="p")
        return "ok"

    agent = metrics.observe(Agent(ScriptedModel(script), name="clerk", tools=[work]))
    in_thread = asyncio.to_thread(
        lambda: [agent.run(str(number)).content for number in range(1, 100, 2)]
    )
    tasks = [asyncio.create_task(agent.arun(str(number))) for number in range(1000)]
    await asyncio.gather(*tasks, in_thread, return_exceptions=True)

    assert scraped(metrics) == {
        "agent_creations_total{clerk}": 1,
        "agent_runs_in_flight{clerk}": 0,
        "agent_runs_total{clerk,completed}": 750 + 50,
        "agent_runs_total{clerk,failed}": 250,
        "agent_run_errors_total{clerk,ModelError}": 250,
        "agent_run_duration_seconds_count{clerk}": 1050,
        "agent_run_model_seconds_count{clerk}": 1050,
        "agent_tokens_total{clerk,input}": 1050 + 800,
        "agent_tokens_total{clerk,cached}": 0,
        "agent_tokens_total{clerk,output}": 1050 + 800,
        "agent_tokens_total{clerk,reasoning}": 0,
        "tool_calls_total{ok,work}": 900 + 50,
        "tool_calls_total{error,work}": 100,
        "tool_call_duration_seconds_count{work}": 1050,
    }


def test_names_are_bounded():
    metrics = Metrics()
    for number in range(150):
        metrics.observe(Agent(ScriptedModel(), name=f"user {number}"))
    for name in ("", "x" * 65, "line\nbreak", "\ud800"):
        metrics.observe(Agent(ScriptedModel(), name=name))
    metrics.observe(Agent(ScriptedModel(), name="user 7"))

    found = counts(metrics)
    assert len(found) == 101
    assert found["agent_creations_total{user 7}"] == 2
    assert found["agent_creations_total{other}"] == 54


def test_odd_names_do_not_use_up_the_place_of_others():
    metrics = Metrics()
    for name in ("", "x" * 65, "line\nbreak", "\ud800", "Jürgen"):
        metrics.observe(Agent(ScriptedModel(), name=name))

    assert counts(metrics) == {
        "agent_creations_total{other}": 4,
        "agent_creations_total{Jürgen}": 1,
    }


def test_an_agent_is_observed_once():
    metrics = Metrics()
    agent = metrics.observe(Agent(ScriptedModel()))

    with pytest.raises(ConfigurationError, match=r"<Agent 'agent' .* is observed already"):
        metrics.observe(agent)
    assert Metrics().observe(agent).hooks.on_end[1:] == metrics.hooks.on_end


def test_a_registry_is_shared_by_namespaces():
    registry = CollectorRegistry()
    one = Metrics(registry, namespace="one")
    assert one.registry is registry
    Metrics(registry, namespace="two", buckets=[0.1, 1]).observe(Agent(ScriptedModel()))

    assert 'two_agent_creations_total{agent="agent"} 1.0' in one.text()
    with pytest.raises(ConfigurationError, match="the namespace 'one' cannot be registered: Dupl"):
        Metrics(registry, namespace="one")


@pytest.mark.parametrize("namespace", ["a b", "", "7", "é", "a-b"])
def test_a_namespace_that_is_none(namespace):
    with pytest.raises(ConfigurationError, match=r"`namespace` is .*; give letters, digits"):
        Metrics(namespace=namespace)


def test_what_cannot_be_registered_leaves_nothing_behind():
    registry = CollectorRegistry()

    with pytest.raises(ConfigurationError, match="'agno' cannot be registered: Buckets not"):
        Metrics(registry, buckets=[2, 1])
    assert Metrics(registry, buckets=[1, 2]).text().count("# TYPE") == 9


def test_it_is_scraped_like_it_is_written():
    metrics = Metrics()
    ended(clerk(metrics, [CALL], tools=[add], limits=Limits(turns=1)), Agent.run, prompt="hi")
    clerk(metrics).run("hi")

    assert scraped(metrics) == counts(metrics)


def test_a_port_that_is_taken_or_none():
    metrics = Metrics()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            ConfigurationError, match=f"served on 127.0.0.1:{port}: .* another port"
        ):
            metrics.serve(port)
    with pytest.raises(ConfigurationError, match="70000"):
        metrics.serve(70_000)


def test_a_server_that_is_closed_is_gone():
    server = Metrics().serve(0)
    server.close()
    server.close()

    with (
        pytest.raises(ConnectionRefusedError),
        socket.create_connection(("127.0.0.1", server.port)),
    ):
        pytest.fail("nobody listens")


def test_without_the_library(monkeypatch):
    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "prometheus_client":
            raise ImportError("No module named 'prometheus_client'")
        return real(name, *args, **kwargs)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError) as caught:
        Metrics()
    assert str(caught.value) == (
        "metrics need the package `prometheus-client` (No module named 'prometheus_client'):"
        " pip install 'agno-cli[metrics]'"
    )
