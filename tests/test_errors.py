"""Errors: what they say, and that they survive the trip to another process."""

from __future__ import annotations

import copy
import pickle

import pytest

from agno_cli import (
    Agent,
    AgnoError,
    ConfigurationError,
    CredentialsError,
    LimitReached,
    ModelError,
    OutputInvalid,
    RunError,
    RunFailed,
    ScriptedModel,
    StorageError,
)
from agno_cli._errors import copy_of


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ModelError("down", provider="acme"), "acme: down (a retry would not help)"),
        (
            ModelError("busy", provider="acme", status=429, request_id="r-1", retryable=True),
            "acme: busy (status 429, request id r-1, a retry could help)",
        ),
        (LimitReached("turns", "limit of 2 turns reached"), "limit of 2 turns reached"),
    ],
)
def test_what_an_error_says(error, text):
    assert str(error) == text


@pytest.mark.parametrize("rebuilt", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy_of])
@pytest.mark.parametrize(
    "error",
    [
        ModelError("busy", provider="acme", status=429, request_id="r-1", retryable=True),
        LimitReached("tokens", "too many"),
        OutputInvalid("does not fit"),
        ConfigurationError("wrong"),
    ],
    ids=repr,
)
def test_an_error_is_the_same_elsewhere(error, rebuilt):
    other = rebuilt(error)

    assert other is not error
    assert (type(other), str(other), vars(other)) == (type(error), str(error), vars(error))


def test_an_error_takes_the_work_done_along():
    with pytest.raises(RunFailed) as caught:
        Agent(ScriptedModel([ValueError("x")])).run("hi")

    assert pickle.loads(pickle.dumps(caught.value)).output == caught.value.output


def test_the_tree_is_as_drawn():
    assert issubclass(CredentialsError, ConfigurationError)
    assert issubclass(StorageError, ConfigurationError)
    assert issubclass(LimitReached, RunError)
    assert issubclass(RunError, AgnoError)
    assert not issubclass(ModelError, RunError)
