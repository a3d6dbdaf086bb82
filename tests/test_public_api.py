"""The public names, pinned, and the rule that keeps calls readable."""

from __future__ import annotations

import ast
import inspect
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import Struct

import agno_cli

PUBLIC = [
    "Agent",
    "AgentPool",
    "AgnoError",
    "CachedModel",
    "CancelToken",
    "Checkpoints",
    "ConcurrencyLimit",
    "Condition",
    "ConfigurationError",
    "CredentialsError",
    "Event",
    "FallbackModel",
    "Hooks",
    "InputError",
    "JsonSchema",
    "LimitReached",
    "Limits",
    "Loop",
    "MemberEvent",
    "MemberResult",
    "Memory",
    "MemoryCache",
    "MemoryCheckpoints",
    "MemoryProtocol",
    "Message",
    "Model",
    "ModelError",
    "ModelRequest",
    "ModelResponse",
    "OutputInvalid",
    "Parallel",
    "RateLimit",
    "ReasoningDelta",
    "Rejected",
    "Retry",
    "RetryPolicy",
    "Router",
    "RunCancelled",
    "RunContext",
    "RunError",
    "RunFailed",
    "RunFinished",
    "RunOutput",
    "RunRejected",
    "RunStarted",
    "ScriptedModel",
    "SqliteCache",
    "Step",
    "StepFailed",
    "StepFinished",
    "StepInput",
    "StepOutput",
    "StepResult",
    "StepStarted",
    "StorageError",
    "Subtask",
    "Team",
    "TeamLimits",
    "TeamOutput",
    "TextDelta",
    "Timings",
    "Tool",
    "ToolCall",
    "ToolCallFinished",
    "ToolCallStarted",
    "ToolResult",
    "Toolkit",
    "TurnFinished",
    "Usage",
    "Workflow",
    "WorkflowOutput",
    "as_tool",
    "say",
    "team_from_file",
    "tool",
]


def test_the_public_names_are_these():
    assert agno_cli.__all__ == PUBLIC == sorted(PUBLIC)
    assert agno_cli.__version__


def test_what_is_public_is_there_and_nothing_else_is():
    names = {name for name in dir(agno_cli) if not name.startswith("_")}
    modules = {name for name in names if inspect.ismodule(getattr(agno_cli, name))}

    assert names - modules == set(PUBLIC)


def test_type_checkers_are_shown_the_same_names():
    """They see the imports that happen, name by name, when a name is first used."""
    tree = ast.parse(inspect.getsource(agno_cli))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]

    assert sorted(alias.asname or "" for node in imports for alias in node.names) == PUBLIC


def test_a_name_that_there_is_not():
    with pytest.raises(AttributeError, match="nonsense"):
        getattr(agno_cli, "nonsense")  # noqa: B009 - type checkers know it is not there


# Values whose fields are read like words of a sentence: Message("user", "Hi"), Usage(3, 4).
VALUES = {
    name
    for name in PUBLIC
    if isinstance(getattr(agno_cli, name), type) and issubclass(getattr(agno_cli, name), Struct)
} - {"Team", "TeamLimits", "Agent", "Hooks", "Limits", "RunContext", "Tool"}


def callables() -> Iterator[Any]:
    for name in PUBLIC:
        item = getattr(agno_cli, name)
        if name in VALUES or not callable(item) or typing.get_origin(item):
            continue
        own_init = not inspect.isclass(item) or issubclass(item, Struct) or _has_own_init(item)
        if own_init:
            yield pytest.param(item, id=name)
        if inspect.isclass(item):
            for method, function in inspect.getmembers(item, inspect.isfunction):
                if not method.startswith("_") and function.__module__.startswith("agno_cli"):
                    yield pytest.param(function, id=f"{name}.{method}")


def _has_own_init(kind: type) -> bool:
    return "__init__" in vars(kind)


@pytest.mark.parametrize("function", list(callables()))
def test_parameters_after_the_first_are_named(function):
    parameters = [
        parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name != "self" and parameter.kind != parameter.VAR_POSITIONAL
    ]
    positional = [
        parameter.name
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]

    # An error, (kind, message); and what a limit is, which reads as one: (model, 8).
    allowed = 2 if function in (agno_cli.LimitReached, agno_cli.ConcurrencyLimit) else 1
    assert len(positional) <= allowed, f"give {positional[1:]} by name"


@pytest.mark.parametrize("name", [name for name in PUBLIC if name != "Event"])
def test_everything_public_says_what_it_is(name):
    assert inspect.getdoc(getattr(agno_cli, name))
