"""Models that stand in for each other: after which errors, in which order, and who answered."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from agno_cli import (
    Agent,
    CancelToken,
    ConfigurationError,
    CredentialsError,
    FallbackModel,
    Message,
    Model,
    ModelError,
    ModelRequest,
    ModelResponse,
    RunCancelled,
    ScriptedModel,
    say,
)
from tests.models.asking import by_complete, every_way, question
from tests.models.wrapping import Busy, Clock

DOWN = ModelError("down", provider="acme", status=503, retryable=True)
WRONG = ModelError("no such model", provider="acme", status=404)


class Named(ScriptedModel):
    """A scripted model with a name of its own, which counts its calls."""

    def __init__(self, name: str, *script: Any, native_schema: bool = False) -> None:
        super().__init__(list(script), native_schema=native_schema)
        self.name = name
        self.calls = 0
        line = self._next
        self._next = lambda request: self._counted(line(request))

    def _counted(self, line: Any) -> Any:
        self.calls += 1
        return line


@every_way
@pytest.mark.parametrize("error", [DOWN, WRONG])
def test_the_next_is_asked_when_one_fails(ask, error):
    models = [Named("a", error), Named("b", error), Named("c", "up"), Named("d", "never")]
    assert ask(FallbackModel(*models), question()) == say("up")
    assert [model.calls for model in models] == [1, 1, 1, 0]


@every_way
def test_the_first_is_asked_first_each_time(ask):
    models = [Named("a", "one"), Named("b", "two")]
    fallback = FallbackModel(*models)
    for _ in range(2):
        assert ask(fallback, question()) == say("one")
    assert [model.calls for model in models] == [2, 0]


@every_way
def test_nobody_answers(ask):
    credentials = CredentialsError("acme refused the key")
    fallback = FallbackModel(
        Named("a", DOWN), Named("b", WRONG), Named("c", credentials),
        on=(ModelError, CredentialsError),
    )  # fmt: skip
    with pytest.raises(ModelError) as caught:
        ask(fallback, question())
    assert str(caught.value) == (
        "scripted: no model answered: scripted:a said 'down'; scripted:b said 'no such model';"
        " scripted:c said 'CredentialsError: acme refused the key' (a retry could help)"
    )
    assert isinstance(caught.value.__cause__, CredentialsError)
    lasting = FallbackModel(Named("a", WRONG), Named("b", WRONG))
    with pytest.raises(ModelError, match="a retry would not help"):
        ask(lasting, question())


@pytest.mark.parametrize(("waits", "expected"), [((5.0, 2.0), 2.0), ((5.0, None), None)])
def test_all_are_busy_until(waits, expected):
    errors = []
    for wait in waits:
        error = ModelError("slow down", provider="acme", retryable=True)
        if wait is not None:
            vars(error)["retry_after"] = wait
        errors.append(error)
    with pytest.raises(ModelError) as caught:
        by_complete(FallbackModel(Named("a", errors[0]), Named("b", errors[1])), question())
    assert getattr(caught.value, "retry_after", None) == expected


@every_way
@pytest.mark.parametrize(
    ("on", "falls_back"),
    [
        (ModelError, False),
        (ValueError, True),
        ((OSError, ValueError), True),
        (lambda error: "wrong" in str(error), True),
        (lambda error: "right" in str(error), False),
    ],
)
def test_which_errors(ask, on, falls_back):
    fallback = FallbackModel(Named("a", ValueError("wrong")), Named("b", "up"), on=on)
    if falls_back:
        assert ask(fallback, question()) == say("up")
    else:
        with pytest.raises(ValueError, match="wrong"):
            ask(fallback, question())


@every_way
def test_a_run_that_was_cancelled_never_falls_back(ask):
    second = Named("b", "up")
    fallback = FallbackModel(Named("a", RunCancelled("stop")), second, on=Exception)
    with pytest.raises(RunCancelled):
        ask(fallback, question())
    token = CancelToken()

    def failing(request: ModelRequest) -> Any:
        token.cancel()
        return DOWN

    with pytest.raises(ModelError, match="acme: down"):
        ask(FallbackModel(ScriptedModel(failing), second), question(cancel=token))
    with pytest.raises(ModelError, match="acme: down"):
        ask(FallbackModel(Named("a", DOWN), second), question(timeout=0.0))
    assert second.calls == 0


@pytest.mark.parametrize(
    "on", [(), 3, "ModelError", int, (ModelError, int), None, KeyboardInterrupt]
)
def test_what_names_no_errors(on):
    with pytest.raises(ConfigurationError, match="give types of errors, or a function of one"):
        FallbackModel(Busy(), Busy(), on=on)


def test_what_is_no_fallback():
    with pytest.raises(ConfigurationError, match="a fallback of one model; give those that stand"):
        FallbackModel(Busy())
    with pytest.raises(ConfigurationError, match="`rest_seconds` is -1; give seconds, 0 or more"):
        FallbackModel(Busy(), Busy(), rest_seconds=-1)


class Anonymous(Model):
    provider = "acme"
    name = "m-2"

    def complete(self, request: ModelRequest) -> ModelResponse:
        return ModelResponse(Message("assistant", "hi"))


@every_way
def test_the_response_says_who_answered(ask):
    assert ask(FallbackModel(Named("a", DOWN), Anonymous()), question()).model == "acme:m-2"
    served = ModelResponse(Message("assistant", "hi"), model="b-2026-11")
    assert ask(FallbackModel(Named("a", DOWN), Named("b", served)), question()).model == (
        "b-2026-11"
    )


def test_an_agent_is_told_too():
    output = Agent(FallbackModel(Named("a", DOWN), Anonymous())).run("hi")
    assert (output.content, output.model) == ("hi", "acme:m-2")


@every_way
def test_a_model_that_failed_rests(ask):
    clock = Clock()
    models = [Named("a", DOWN), Named("b", "up"), Named("c", "up")]
    fallback = FallbackModel(*models, rest_seconds=30, clock=clock)
    for now in (0.0, 10.0, 29.0, 31.0):
        clock.now = now
        assert ask(fallback, question()) == say("up")
    assert [model.calls for model in models] == [2, 4, 0]


def test_a_model_that_rests_is_asked_when_the_others_fail():
    clock = Clock()
    script: list[Any] = [DOWN, say("up again")]
    first = ScriptedModel(lambda _: script.pop(0))
    second = Named("b", "up")
    fallback = FallbackModel(first, second, rest_seconds=30, clock=clock)
    assert by_complete(fallback, question()) == say("up")
    second._next = lambda _: DOWN
    assert by_complete(fallback, question()) == say("up again")


def test_a_request_that_is_wrong_in_itself_sends_nobody_to_rest():
    models = [Named("a", WRONG), Named("b", "up")]
    fallback = FallbackModel(*models, rest_seconds=30)
    for _ in range(2):
        by_complete(fallback, question())
    assert [model.calls for model in models] == [2, 2]


@pytest.mark.parametrize("native", [(True, True), (True, False), (False, True)])
def test_a_schema_is_native_where_it_is_for_all(native):
    models = [Named("m", "x", native_schema=schema) for schema in native]
    assert FallbackModel(*models).native_schema == all(native)


def test_it_is_quick_where_all_are():
    assert FallbackModel(ScriptedModel(), ScriptedModel()).quick
    assert not FallbackModel(ScriptedModel(), Busy()).quick


def test_a_pickled_fallback():
    copy = pickle.loads(pickle.dumps(FallbackModel(Anonymous(), Anonymous(), rest_seconds=5)))
    assert by_complete(copy, question()).model == "acme:m-2"
