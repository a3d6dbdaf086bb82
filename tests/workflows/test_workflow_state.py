"""The state of a run: how it begins, what steps do to it, how branches' states become one."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Any, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from agno_cli import (
    ConfigurationError,
    InputError,
    Parallel,
    Retry,
    RunFailed,
    Step,
    StepInput,
    StepResult,
    Workflow,
)
from agno_cli.workflows._state import merge_add, merge_disjoint, merge_last
from tests.workflows.faces import add, every_face, outcome


class Article(Struct, frozen=True):
    title: str = ""
    words: int = 0


@dataclass
class Notes:
    lines: list[str] = field(default_factory=list)


class Typed(TypedDict):
    title: str


def test_a_state_is_each_runs_own():
    def note(given: StepInput) -> None:
        given.state["seen"] = given.prompt

    workflow = Workflow([note])
    mine = {"seen": "nothing"}
    assert workflow.run("a", state=mine).state == {"seen": "a"}
    assert workflow.run("b").state == {"seen": "b"}
    assert mine == {"seen": "nothing"}


@every_face
def test_a_state_begins_with_what_the_run_is_given(face):
    workflow = Workflow([add("x")], state_type=Article)
    assert face(workflow).state == Article()
    assert face(workflow, state=Article("T")).state == Article("T")
    assert face(workflow, state={"title": "T"}).state == Article("T")
    assert face(Workflow([add("x")], state_type=Typed), state={"title": "T"}).state == {
        "title": "T"
    }
    assert face(Workflow([add("x")], state_type=dict[str, int])).state == {}


@every_face
@pytest.mark.parametrize(
    ("kind", "state", "problem"),
    [
        (None, [1], r"the state is \[1\]; give a dict, or the workflow a `state_type`"),
        (Article, {"title": 7}, "the state does not fit: Expected `str`, got `int`"),
        (Typed, None, "no state was given: .* missing required field `title`; give the run"),
        (dict[str, int], {"a": "b"}, "the state does not fit"),
    ],
)
def test_a_state_that_does_not_fit(face, kind, state, problem):
    with pytest.raises(InputError, match=problem):
        face(Workflow([add("x")], state_type=kind), state=state)


@every_face
def test_changes_in_place_count_when_the_step_has_finished(face):
    def change(given: StepInput) -> None:
        given.state.lines.append("kept")

    def fail(given: StepInput) -> None:
        given.state.lines.append("lost")
        raise ValueError("broken")

    with pytest.raises(RunFailed) as caught:
        face(Workflow([change, fail], state_type=Notes))
    assert caught.value.output.state == Notes(["kept"])  # type: ignore[union-attr]


@every_face
def test_questions_and_prompts_cannot_change_the_state(face):
    def look(given: StepInput) -> bool:
        given.state["looked"] = True
        return True

    from agno_cli import Condition

    assert face(Workflow([Condition(look, add("x"))])).state == {}


@every_face
@pytest.mark.parametrize(
    ("kind", "new", "problem"),
    [
        (None, [1], "TypeError: the new state is [1]; give a dict"),
        (Article, {"title": "T"}, "TypeError: the new state is {'title': 'T'}; give `Article`"),
    ],
)
def test_a_new_state_of_another_type(face, kind, new, problem):
    workflow = Workflow([Step(lambda _: StepResult(state=new), "s")], state_type=kind)
    assert outcome(face, workflow)[-1] == f"RunFailed: step `s` at `1.s`: {problem}"


@every_face
def test_a_new_state_takes_the_place_of_the_old(face):
    def write(given: StepInput) -> StepResult:
        return StepResult(value="T", state=Article(given.prompt, 1))

    assert face(Workflow([write], state_type=Article)).state == Article("hi", 1)


@every_face
def test_values_are_put_into_fields_of_every_kind_of_state(face):
    step = Step(add("T"), into="title")
    assert face(Workflow([step])).state == {"title": "T"}
    assert face(Workflow([step], state_type=Article)).state == Article("T")
    into_lines = Step(lambda _: ["a"], into="lines")
    assert face(Workflow([into_lines], state_type=Notes)).state == Notes(["a"])


@every_face
def test_a_state_that_cannot_be_copied(face):
    def keep(given: StepInput) -> StepResult:
        return StepResult(state={"lock": asyncio})

    workflow = Workflow([keep, Step(lambda given: given.state, "s")])
    with pytest.raises(ConfigurationError, match="the state cannot be copied"):
        face(workflow)


@every_face
def test_branches_do_not_see_each_others_changes(face):
    async def note(given: StepInput) -> str:
        mine = given.state.setdefault("seen", [])
        await asyncio.sleep(0)
        mine.append(given.path)
        return str(len(mine))

    workflow = Workflow([Parallel({"a": note, "b": [note, note]}, merge="add")])
    output = face(workflow)
    assert output.data == {"a": "1", "b": "2"}
    assert output.state == {
        "seen": ["1.parallel.1.note", "1.parallel.2.1.note", "1.parallel.2.2.note"]
    }


@every_face
def test_a_value_cannot_be_changed_for_others(face):
    def take(given: StepInput) -> int:
        given.previous.append(given.path)
        return len(given.previous)

    retried: list[int] = []

    def fail_once(given: StepInput) -> int:
        given.previous["a"] = 7
        retried.append(1)
        if len(retried) == 1:
            raise OSError("not yet")
        return len(given.previous)

    workflow = Workflow(
        [
            lambda _: [1],
            Parallel({"a": take, "b": take}),
            Step(fail_once, retry=Retry(attempts=2, backoff=0)),
        ]
    )
    output = face(workflow)
    assert [step.content for step in output.steps] == ["[1]", "2", "2", "2"]


def test_what_is_no_data_is_handed_on_as_it_is():
    lock = threading.Lock()
    seen: list[Any] = []
    for value in (lock, [lock], (1, 2)):
        Workflow([lambda _, value=value: value, lambda g: seen.append(g.previous)]).run("hi")
    assert (seen[0] is lock, seen[1], seen[2]) == (True, [lock], (1, 2))


@every_face
def test_branches_that_change_the_same_field_conflict(face):
    a, b = Step(add("a"), into="x"), Step(add("b"), into="x")
    assert outcome(face, Workflow([Parallel({"one": a, "two": b})]))[2:] == [
        "[failed at 1.parallel]",
        (
            "RunFailed: `parallel` at `1.parallel`: ValueError: branches changed the same fields"
            " of the state: `x` (by `one` and `two`); let only one change each, or say with"
            " `merge=` what is to become of them"
        ),
    ]
    assert face(Workflow([Parallel({"one": a, "two": b}, merge="last")])).state == {"x": "b"}


@every_face
def test_a_function_merges_copies(face):
    seen: list[Any] = []

    async def merge(base: Any, states: dict[str, Any]) -> Any:
        seen.append((base, states))
        base["x"] = states["one"].pop("x") + states["two"]["x"]
        return base

    branches = {"one": Step(add("a"), into="x"), "two": Step(add("b"), into="x")}
    output = face(Workflow([Parallel(branches, merge=merge)]), state={"x": ""})
    assert output.state == {"x": "ab"}
    wrong = Workflow([Parallel(branches, merge=lambda base, states: None)])
    assert outcome(face, wrong)[-1].endswith("TypeError: the new state is None; give a dict")


BASE = {"n": 1, "f": 1.5, "log": ["a"], "tags": {"x"}, "by": {"k": 1}, "gone": 1}


def changed(**changes: Any) -> dict[str, Any]:
    return {**BASE, **changes}


def test_disjoint_changes_are_all_taken():
    one, two = changed(n=2), changed(log=["a", "b"])
    del two["gone"]
    assert merge_disjoint(BASE, {"one": one, "two": two, "three": BASE}) == {
        "n": 2,
        "f": 1.5,
        "log": ["a", "b"],
        "tags": {"x"},
        "by": {"k": 1},
    }
    assert merge_disjoint(BASE, {"one": dict(BASE), "two": BASE}) is BASE
    assert merge_disjoint(Article(), {"a": Article("T"), "b": Article(words=3)}) == Article("T", 3)


def test_the_last_change_wins():
    assert merge_last(BASE, {"one": changed(n=2, f=0.0), "two": changed(n=3)}) == changed(
        n=3, f=0.0
    )
    assert merge_last(BASE, {"one": BASE}) is BASE


def test_changes_are_added_up():
    one = changed(n=2, f=2.0, log=["a", "b"], tags={"x", "y"}, by={"k": 1, "one": 1}, new=[1])
    two = changed(n=5, f=1.0, log=["a", "c"], tags={"x", "z"}, by={"k": 1, "two": 2}, new=[2])
    assert merge_add(BASE, {"one": one, "two": two}) == {
        "n": 6,
        "f": 1.5,
        "log": ["a", "b", "c"],
        "tags": {"x", "y", "z"},
        "by": {"k": 1, "one": 1, "two": 2},
        "gone": 1,
        "new": [1, 2],
    }
    assert merge_add(BASE, {"one": BASE}) is BASE
    assert merge_add({}, {"one": {"n": 1}, "two": {"n": 2}}) == {"n": 3}


@pytest.mark.parametrize(
    ("one", "two"), [("a", "b"), (True, False), (1, "b"), (["b"], ["c"]), (2, True)]
)
def test_what_cannot_be_added_up(one, two):
    with pytest.raises(TypeError, match=r"`log` was changed by several branches, and .* cannot"):
        merge_add(BASE, {"one": changed(log=one), "two": changed(log=two)})


class Array:
    """Compares as arrays do: the answer is no truth."""

    def __ne__(self, other: object) -> Any:
        return self

    def __bool__(self) -> bool:
        raise ValueError("ambiguous")

    __hash__ = None  # type: ignore[assignment]


def test_what_cannot_be_compared_has_changed():
    array = Array()
    assert merge_last({"a": Array()}, {"one": {"a": array}}) == {"a": array}
    assert merge_last({"a": array}, {"one": {"a": array}}) == {"a": array}


@given(
    base=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3)),
    data=st.data(),
)
def test_disjoint_is_the_same_in_any_order(base, data):
    owner = {name: data.draw(st.integers(0, 2)) for name in "abcdef"}
    branches = {}
    for branch in range(3):
        state = dict(base)
        for name in "abcdef":
            if owner[name] == branch:
                value = data.draw(st.none() | st.integers(0, 3))
                state.pop(name, None)
                if value is not None:
                    state[name] = value
        branches[str(branch)] = state
    merged = merge_disjoint(base, branches)
    assert merged == merge_disjoint(base, dict(reversed(branches.items())))
    assert merged == merge_last(base, branches)
    assert merged == {
        name: branches[str(owner[name])][name]
        for name in "abcdef"
        if name in branches[str(owner[name])]
    }
