"""A run that was stopped goes on: what was finished stands, and the end is the same."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from agno_cli import (
    Agent,
    CancelToken,
    Condition,
    ConfigurationError,
    InputError,
    Loop,
    Memory,
    MemoryCheckpoints,
    Message,
    Parallel,
    Router,
    RunContext,
    RunFailed,
    ScriptedModel,
    Step,
    StepFinished,
    StepInput,
    StepResult,
    StepStarted,
    StorageError,
    Workflow,
    WorkflowOutput,
)
from agno_cli._checkpoints import Ending
from agno_cli.storage import SqliteCheckpoints
from tests.workflows.faces import add, by_run, every_pair, outcome


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "memory":
        yield MemoryCheckpoints()
        return
    with SqliteCheckpoints(tmp_path / "runs.db") as kept:
        yield kept


class Fails:
    """Counts the calls of a workflow's functions, and lets one of them fail."""

    def __init__(self, at: int = -1, error: BaseException | None = None) -> None:
        self.at = at
        self.error = error or ValueError("injected")
        self.calls: Counter[str] = Counter()
        self.number = 0
        self._lock = threading.Lock()

    def note(self, path: str) -> None:
        with self._lock:
            number = self.number
            self.number += 1
            if number != self.at:
                self.calls[path] += 1
                return
        raise self.error


# A random workflow is data, and made anew around what is to fail.
Tree = Any
leaves = st.tuples(st.just("step"), st.integers(0, 2))
trees: st.SearchStrategy[Tree] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(st.just("list"), st.lists(inner, min_size=1, max_size=3)),
        st.tuples(st.just("parallel"), st.lists(inner, min_size=1, max_size=3)),
        st.tuples(st.just("loop"), inner, st.integers(1, 3)),
        st.tuples(st.just("condition"), inner, inner),
        st.tuples(st.just("router"), inner, inner),
        st.tuples(st.just("workflow"), inner),
    ),
    max_leaves=6,
)


def make(tree: Tree, fails: Fails) -> Any:  # noqa: PLR0911 - one for each kind
    """Make the node that a tree describes."""
    kind, *parts = tree
    if kind == "step":
        return Step(_leaf(parts[0], fails), f"leaf{parts[0]}", quick=True)
    if kind == "list":
        return [make(part, fails) for part in parts[0]]
    if kind == "parallel":
        branches = {str(number): make(part, fails) for number, part in enumerate(parts[0])}
        return Parallel(branches, merge="add")
    if kind == "loop":
        return Loop(make(parts[0], fails), lambda given: given.round == parts[1], 4)
    if kind == "workflow":
        return Workflow([make(parts[0], fails)], name="inner")
    even, odd = make(parts[0], fails), make(parts[1], fails)
    if kind == "condition":
        return Condition(_is_even, even, odd)
    return Router(_parity, {"even": even, "odd": odd})


def _is_even(given: StepInput) -> bool:
    return len(given.text) % 2 == 0


def _parity(given: StepInput) -> str:
    return "even" if _is_even(given) else "odd"


def _leaf(kind: int, fails: Fails) -> Callable[[StepInput], Any]:
    def work(given: StepInput) -> Any:
        fails.note(given.path)
        given.state.setdefault("log", []).append(given.path)
        if kind == 0:
            return f"{given.text}."
        if kind == 1:
            return [len(given.text)]
        return StepResult(state={**given.state, "count": given.state.get("count", 0) + 1})

    return work


def whole(output: WorkflowOutput) -> Any:
    paths = [(step.path, step.content) for step in output.steps]
    return output.content, output.data, output.state, paths, output.status


@settings(max_examples=60)
@given(tree=trees, data=st.data())
def test_any_step_that_fails_resumes_to_the_same_end(tree, data):
    expected = Fails()
    unbroken = whole(Workflow([make(tree, expected)], checkpoints=MemoryCheckpoints()).run("hi"))
    at = data.draw(st.integers(0, max(expected.number - 1, 0)), label="fails at")
    error = data.draw(st.sampled_from([ValueError("injected"), KeyboardInterrupt()]))
    fails = Fails(at, error)
    workflow = Workflow([make(tree, fails)], checkpoints=MemoryCheckpoints())
    with pytest.raises((RunFailed, KeyboardInterrupt)):
        workflow.run("hi", run_id="it")
    if data.draw(st.booleans(), label="fails twice") and expected.number > fails.number:
        fails.at = fails.number
        with pytest.raises((RunFailed, KeyboardInterrupt)):
            workflow.resume("it")
    fails.at = -1
    assert whole(workflow.resume("it")) == unbroken
    assert fails.calls == expected.calls, "nothing that was finished is done again"
    assert whole(workflow.resume("it")) == unbroken
    assert fails.calls == expected.calls


@every_pair
@pytest.mark.parametrize("at", range(9))
def test_every_position_through_every_face(face, again, at, store):
    tree = (
        "list",
        [
            ("step", 0),
            ("parallel", [("step", 1), ("list", [("step", 2), ("step", 0)])]),
            ("loop", ("condition", ("step", 0), ("step", 2)), 2),
            ("workflow", ("step", 2)),
            ("router", ("step", 1), ("step", 0)),
            ("step", 2),
        ],
    )
    expected = Fails()
    unbroken = whole(face(Workflow([make(tree, expected)], checkpoints=store)))
    assert expected.number == 9
    fails = Fails(at)
    workflow = Workflow([make(tree, fails)], checkpoints=store)
    with pytest.raises(RunFailed, match="injected"):
        face(workflow, run_id="it")
    assert whole(again(workflow, "it")) == unbroken
    assert fails.calls == expected.calls


@every_pair
def test_a_resumed_run_says_what_was_restored(face, again, store):
    broken = [True]

    def flaky(given: StepInput) -> str:
        if broken:
            raise OSError("down")
        return f"{given.previous}c"

    workflow = Workflow([add("a"), Parallel({"x": add("b"), "y": flaky})], checkpoints=store)
    failed = outcome(face, workflow, run_id="it")
    assert failed[0] == "1.a: a"
    assert failed[-2:] == [
        "[failed at 2.parallel.2.flaky]",
        "RunFailed: step `flaky` at `2.parallel.2.flaky`: OSError: down",
    ]
    broken.clear()
    resumed = again(workflow, "it")
    assert (resumed.run_id, resumed.content) == ("it", "x:\nab\n\ny:\nac")
    assert (resumed.steps[0].path, resumed.steps[0].restored) == ("1.a", True)
    done = again(workflow, "it")
    assert [step.restored for step in done.steps] == [True, True, True]
    assert (done.content, done.messages, done.state) == (
        resumed.content,
        resumed.messages,
        resumed.state,
    )


def test_an_unfinished_branch_goes_on_beside_a_finished_one(store):
    done: Counter[str] = Counter()
    finished = threading.Event()
    broken = [True]

    def quick(given: StepInput) -> str:
        done["quick"] += 1
        finished.set()
        return "quick"

    def slow(given: StepInput) -> str:
        assert finished.wait(5)
        done["slow"] += 1
        return "slow"

    def last(given: StepInput) -> str:
        if broken:
            raise OSError("down")
        return f"{given.previous} last"

    workflow = Workflow([Parallel({"a": quick, "b": [slow, last]})], checkpoints=store)
    with pytest.raises(RunFailed):
        workflow.run("hi", run_id="it")
    broken.clear()
    assert workflow.resume("it").data == {"a": "quick", "b": "slow last"}
    assert done == {"quick": 1, "slow": 1}


def test_a_decision_stands_when_its_function_would_now_say_otherwise(store):
    say = {"when": True, "choose": "one", "until": False, "prompt": "first"}
    broken = [True]
    merges: list[int] = []

    def fail_once(given: StepInput) -> str:
        if broken:
            raise OSError("down")
        return given.text

    def merge(base: Any, states: dict[str, Any]) -> Any:
        merges.append(1)
        return {"merged": len(merges)}

    inner = Workflow([lambda given: given.prompt], name="inner")
    workflow = Workflow(
        [
            Condition(lambda _: say["when"], add("t"), add("f")),
            Router(lambda _: say["choose"], {"one": add("1"), "two": add("2")}),
            Loop(add("l"), until=lambda given: say["until"] or given.round == 2),
            Parallel({"a": Step(add("p"), into="x")}, merge=merge),
            Step(inner, prompt=lambda _: say["prompt"]),
            fail_once,
        ],
        checkpoints=store,
    )
    with pytest.raises(RunFailed):
        workflow.run("hi", run_id="it")
    say.update(when=False, choose="two", until=True, prompt="second")
    broken.clear()
    output = workflow.resume("it")
    assert (output.content, output.state, merges) == ("first", {"merged": 1}, [1])
    assert [step.path for step in output.steps] == [
        "1.condition.then.t",
        "2.router.one.1",
        "3.loop.body.l#1",
        "3.loop.body.l#2",
        "4.parallel.1.p",
        "5.inner.1.lambda",
        "6.fail_once",
    ]


@dataclass
class Draft:
    title: str = ""
    tags: list[str] = field(default_factory=list)


class Plan(Struct):
    steps: tuple[str, ...]


class Other(Struct):
    """Not to be told from a Plan where both are JSON."""


def make_plan(given: StepInput) -> Plan:
    return Plan(("a", "b"))


def use_plan(given: StepInput) -> str:
    assert given.previous == Plan(("a", "b"))
    given.state.tags.append("used")
    return ", ".join(given.previous.steps)


@pytest.mark.parametrize("fails_at", [1, 2])
def test_values_and_state_come_back_with_their_types(store, fails_at):
    broken = [True]

    def check(given: StepInput) -> Draft:
        if broken:
            raise OSError("down")
        assert isinstance(given.state, Draft)
        return given.state

    planner = Agent(ScriptedModel(['{"steps": ["a", "b"]}']), name="planner", output_type=Plan)
    first: Any = planner if fails_at == 1 else make_plan
    steps = [first, check, use_plan] if fails_at == 1 else [first, use_plan, check]
    if fails_at == 1:
        steps = [first, Step(lambda given: check(given) and None, "check"), use_plan]
    workflow = Workflow(steps, state_type=Draft, checkpoints=store)
    with pytest.raises(RunFailed, match="down"):
        workflow.run("hi", run_id="it", state={"title": "T"})
    broken.clear()
    output = workflow.resume("it")
    assert output.state == Draft("T", ["used"])
    assert output.steps[0].restored


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (lambda _: (1, 2), "would come back as [1, 2]; annotate what the function returns"),
        (lambda _: {1: "a"}, "would come back as {'1': 'a'}"),
        (lambda _: Plan(("a",)), "would come back as {'steps': ['a']}"),
        (lambda _: float("nan"), "would come back as None"),
        (lambda given: given.state.update(at={1}), "left a state that a checkpoint cannot"),
        (Step(lambda _: 1.5, returns=int), "Expected `int`, got `float`"),
    ],
)
def test_what_cannot_be_restored_fails_the_step_that_gave_it(store, function, problem):
    workflow = Workflow([add("a"), function], checkpoints=store)
    with pytest.raises(ConfigurationError) as caught:
        workflow.run("hi", run_id="it")
    assert problem in str(caught.value)
    assert str(caught.value).startswith("step `<lambda>` at `2.lambda`: it ")
    output = caught.value.output
    assert isinstance(output, WorkflowOutput)
    assert (output.stopped_at, output.status) == ("2.lambda", "failed")


@every_pair
def test_without_a_store_nothing_can_be_resumed(face, again):
    with pytest.raises(ConfigurationError, match=r"workflow `w` keeps no checkpoints"):
        again(Workflow([add("a")], name="w"), "it")


@every_pair
def test_a_run_that_is_not_there(face, again, store):
    with pytest.raises(InputError, match=r"there is no run `it` in .*; it cannot be resumed"):
        again(Workflow([add("a")], checkpoints=store), "it")


@every_pair
def test_an_id_that_is_taken(face, again, store):
    workflow = Workflow([add("a")], checkpoints=store)
    face(workflow, run_id="it")
    with pytest.raises(InputError, match=r"there is a run `it` in .* already; resume it, or give"):
        face(workflow, run_id="it")
    assert again(workflow, "it").content == "a"


@pytest.mark.parametrize("run_id", ["", "x" * 201, "a\nb", "a\x00", "\ud800", 7])
def test_ids_that_cannot_be_used(run_id):
    workflow = Workflow([add("a")], checkpoints=MemoryCheckpoints())
    for call in (lambda: workflow.run("hi", run_id=run_id), lambda: workflow.resume(run_id)):
        with pytest.raises(InputError, match="cannot be used; give a text of 1 to 200"):
            call()


@every_pair
def test_a_changed_workflow_does_not_go_on(face, again, store):
    def fail(given: StepInput) -> None:
        raise OSError("down")

    with pytest.raises(RunFailed):
        face(Workflow([add("a"), add("b"), fail], checkpoints=store), run_id="it")
    changed = Workflow([add("a"), add("c"), fail], checkpoints=store)
    with pytest.raises(ConfigurationError) as caught:
        again(changed, "it")
    assert str(caught.value) == (
        "run `it` cannot go on: the workflow `workflow` has changed since (now without `step 2.b`,"
        " with `step 2.c`); resume it with the workflow as it was, or begin a new run"
    )
    with pytest.raises(InputError, match="is one of the workflow `workflow`, not of `other`"):
        again(changed.replace(name="other"), "it")
    strict = Workflow([add("a"), add("b"), fail], state_type=Plan, checkpoints=store)
    with pytest.raises(StorageError, match="the state it began with does not fit"):
        again(strict, "it")
    with pytest.raises(RunFailed, match="down"):
        again(Workflow([add("a"), add("b"), fail], checkpoints=store), "it")


def test_a_completed_run_of_another_shape_says_so_too(store):
    Workflow([add("a")], checkpoints=store).run("hi", run_id="it")
    with pytest.raises(ConfigurationError, match="has changed since"):
        Workflow([add("b")], checkpoints=store).resume("it")


def test_a_checkpoint_of_another_type_says_so(store):
    def fail(given: StepInput) -> None:
        raise OSError("down")

    def number(given: StepInput) -> int:
        return 7

    with pytest.raises(RunFailed):
        Workflow([Step(number, "n"), fail], checkpoints=store).run("hi", run_id="it")
    other = Workflow([Step(number, "n", returns=Plan), fail], checkpoints=store)
    with pytest.raises(StorageError, match=r"the checkpoint at `1\.n` cannot be read"):
        other.resume("it")


@every_pair
def test_a_run_is_its_users_alone(face, again, store):
    seen: list[RunContext] = []

    def fail_once(given: StepInput) -> str:
        seen.append(given.context)
        if len(seen) == 1:
            raise OSError("down")
        return "done"

    workflow = Workflow([fail_once], checkpoints=store, name="w")
    with pytest.raises(RunFailed):
        face(workflow, run_id="it", context=RunContext(user="anna", session="s"))
    for other in (RunContext(user="bert"), RunContext(session="t")):
        with pytest.raises(InputError, match=r"is of (user 'anna'|session 's'), not of"):
            again(workflow, "it", context=other)
    assert again(workflow, "it", context=RunContext(dependencies=7)).content == "done"
    assert seen[1] == RunContext(user="anna", session="s", dependencies=7, run_id="it", agent="w")


def test_one_of_two_that_resume_at_once_wins(store):
    entered, leave = threading.Event(), threading.Event()
    broken = [True]

    def wait(given: StepInput) -> str:
        if broken:
            raise OSError("down")
        entered.set()
        assert leave.wait(5)
        return "done"

    workflow = Workflow([wait], checkpoints=store)
    with pytest.raises(RunFailed):
        workflow.run("hi", run_id="it")
    broken.clear()
    outputs: list[WorkflowOutput] = []
    winner = threading.Thread(target=lambda: outputs.append(workflow.resume("it")))
    winner.start()
    assert entered.wait(5)
    with pytest.raises(InputError) as caught:
        workflow.resume("it")
    assert str(caught.value).startswith("run `it` is being carried out by ")
    assert str(caught.value).endswith(
        "; wait until it has ended, or - when you know that it is dead - resume with"
        " `take_over=True`"
    )
    leave.set()
    winner.join()
    assert [output.content for output in outputs] == ["done"]
    assert workflow.resume("it").content == "done"


def test_of_many_that_resume_at_once_one_wins(store):
    calls: Counter[str] = Counter()
    broken = [True]

    def work(given: StepInput) -> str:
        if broken:
            raise OSError("down")
        calls["work"] += 1
        return "done"

    workflow = Workflow([work], checkpoints=store)
    with pytest.raises(RunFailed):
        workflow.run("hi", run_id="it")
    broken.clear()
    start = threading.Barrier(8)
    ends: list[str] = []

    def resume() -> None:
        start.wait()
        try:
            ends.append(workflow.resume("it").content)
        except InputError:
            ends.append("refused")

    threads = [threading.Thread(target=resume) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(ends) <= {"done", "refused"}
    assert "done" in ends
    assert calls == {"work": 1}


def test_who_was_taken_over_cannot_write_any_more(store):
    entered, leave = threading.Event(), threading.Event()
    first = [True]

    def wait(given: StepInput) -> str:
        if first.pop() if first else False:
            entered.set()
            assert leave.wait(5)
            return "first"
        return "second"

    workflow = Workflow([wait, add("!")], checkpoints=store)
    errors: list[BaseException] = []

    def run() -> None:
        try:
            workflow.run("hi", run_id="it")
        except StorageError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert entered.wait(5)
    assert workflow.resume("it", take_over=True).content == "second!"
    leave.set()
    thread.join()
    assert [str(error) for error in errors] == [
        (
            "step `wait` at `1.wait`: run `it` was taken over by another holder, so this one"
            " stops; what it finished before is kept"
        )
    ]
    assert workflow.resume("it").content == "second!"


def test_a_token_stops_a_run_and_says_where(store):
    token = CancelToken()

    def stop(given: StepInput) -> str:
        token.cancel()
        return "b"

    workflow = Workflow([add("a"), stop, add("c")], checkpoints=store)
    assert outcome(by_run, workflow, cancel=token, run_id="it") == [
        "1.a: a",
        "[cancelled at 2.stop]",
        "RunCancelled: step `stop` at `2.stop`: the run was cancelled",
    ]
    assert workflow.resume("it").content == "bc"


async def test_a_cancelled_task_is_kept_with_all_the_places_it_was_at(store):
    entered = [asyncio.Event(), asyncio.Event()]
    calls: Counter[str] = Counter()

    async def wait(given: StepInput) -> str:
        calls[given.path] += 1
        if calls[given.path] == 1:
            entered[len(calls) - 1].set()
            await asyncio.sleep(30)
        return "done"

    workflow = Workflow([add("a"), Parallel({"x": wait, "y": wait})], checkpoints=store)
    task = asyncio.create_task(workflow.arun("hi", run_id="it"))
    for event in entered:
        await event.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    output = await workflow.aresume("it")
    assert output.data == {"x": "done", "y": "done"}
    if isinstance(store, SqliteCheckpoints):
        (kept,) = store.recent()
        assert (kept.status, kept.steps) == ("completed", 3)


async def test_where_a_cancelled_task_was_is_kept(tmp_path):
    async def wait(given: StepInput) -> None:
        await asyncio.sleep(30)

    with SqliteCheckpoints(tmp_path / "runs.db") as store:
        workflow = Workflow([add("a"), Parallel({"x": wait, "y": wait})], checkpoints=store)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(workflow.arun("hi"), 0.1)
        (kept,) = store.recent()
    assert (kept.status, kept.steps) == ("cancelled", 1)
    assert kept.stopped_at == "2.parallel.1.wait, 2.parallel.2.wait"
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("pieces", range(1, 9))
def test_a_stream_that_is_closed_early_can_be_resumed(store, pieces):
    agent = Agent(ScriptedModel(["one two"]), name="agent")
    workflow = Workflow([add("a"), agent, add("b")], checkpoints=store)
    stream = workflow.stream("hi", run_id="it")
    for _ in range(pieces):
        next(stream)
    stream.close()
    if pieces == 1:  # nothing had begun
        with pytest.raises(InputError, match="no run"):
            workflow.resume("it")
        return
    assert workflow.resume("it").content == "one twob"


async def test_an_async_stream_that_is_closed_early_can_be_resumed(store):
    agent = Agent(ScriptedModel(["one two"]), name="agent")
    workflow = Workflow([add("a"), agent, add("b")], checkpoints=store)
    stream = workflow.astream("hi", run_id="it")
    async for event in stream:
        if isinstance(event, StepFinished):
            break
    await stream.aclose()
    assert (await workflow.aresume("it")).content == "one twob"


def test_a_generator_that_is_dropped_lets_its_run_go(store):
    from agno_cli.workflows._loop import Asked, workflow_loop

    workflow = Workflow([add("a"), add("b")], checkpoints=store)
    plan = workflow._make_plan()
    steps = workflow_loop(plan, Asked("it", "hi", None, None))
    begin: Any = next(steps)
    begin.value = begin.function(*begin.args)
    next(steps)
    del steps
    gc.collect()
    assert workflow.resume("it").content == "ab"


def test_ctrl_c_in_a_question_is_kept_where_it_was(tmp_path):
    def interrupted(given: StepInput) -> bool:
        raise KeyboardInterrupt

    with SqliteCheckpoints(tmp_path / "runs.db") as store:
        workflow = Workflow([add("a"), Condition(interrupted, add("b"))], checkpoints=store)
        with pytest.raises(KeyboardInterrupt):
            workflow.run("hi")
        (kept,) = store.recent()
    assert (kept.status, kept.stopped_at, kept.steps) == ("cancelled", "2.condition", 1)


def test_ctrl_c_where_nothing_is_kept():
    def interrupted(given: StepInput) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Workflow([add("a"), Condition(interrupted, add("b"))]).run("hi")


def odd(given: StepInput) -> Plan | Other:
    return Plan(())


def test_an_annotation_that_no_checkpoint_knows_is_as_none(store):
    with pytest.raises(ConfigurationError, match=r"step `odd` at `1\.odd`: it gave a value that a"):
        Workflow([odd], checkpoints=store).run("hi")


def test_an_error_of_the_store_names_the_step_and_does_not_hide_the_first():
    class Broken(MemoryCheckpoints):
        def begin(self, run: Any) -> Any:
            journal = super().begin(run)

            class BrokenJournal:
                def save(self, checkpoint: Any) -> None:
                    raise StorageError("disk full")

                def end(self, ending: Ending) -> None:
                    raise StorageError("disk still full")

            return BrokenJournal() if journal else None

    workflow = Workflow([add("a")], checkpoints=Broken())
    with pytest.raises(StorageError, match=r"^step `a` at `1\.a`: disk full$"):
        workflow.run("hi")


def test_streams_tell_what_is_restored_and_what_is_done(store):
    broken = [True]

    def flaky(given: StepInput) -> str:
        if broken:
            raise OSError("down")
        return "c"

    workflow = Workflow([add("a"), add("b"), flaky], checkpoints=store)
    with pytest.raises(RunFailed):
        workflow.run("hi", run_id="it")
    broken.clear()
    told = [
        (type(event).__name__, event.path)
        if isinstance(event, StepStarted)
        else (type(event).__name__, event.output.path, event.output.restored)
        for event in workflow.resume_stream("it")
        if isinstance(event, StepStarted | StepFinished)
    ]
    assert told == [
        ("StepFinished", "1.a", True),
        ("StepFinished", "2.b", True),
        ("StepStarted", "3.flaky"),
        ("StepFinished", "3.flaky", False),
    ]


@every_pair
def test_memory_is_committed_once_by_whoever_completes_the_run(face, again, store):
    memory = Memory()
    broken = [True]

    def flaky(given: StepInput) -> str:
        if broken:
            raise OSError("down")
        return "done"

    workflow = Workflow([flaky], checkpoints=store)
    with pytest.raises(RunFailed):
        face(workflow, run_id="it", memory=memory)
    assert memory.load() == []
    broken.clear()
    again(workflow, "it", memory=memory)
    again(workflow, "it", memory=memory)
    assert memory.load() == [Message("user", "hi"), Message("assistant", "done")]


def test_200_runs_in_eight_threads_leave_each_state_whole():
    def note(given: StepInput) -> str:
        given.state.setdefault("log", []).append(f"{given.prompt} {given.path}")
        return f"{given.previous or given.prompt}."

    agent = Agent(ScriptedModel(lambda request: f"<{request.messages[-1].content}>"), name="a")
    quick = Step(note, quick=True)
    workflow = Workflow([quick, Parallel({"a": note, "b": [quick, agent]}, merge="add"), note])

    def runs(thread: int) -> list[tuple[str, WorkflowOutput]]:
        prompts = [f"p{thread}.{number}" for number in range(25)]
        return [(prompt, workflow.run(prompt)) for prompt in prompts]

    with ThreadPoolExecutor(8) as pool:
        done = [each for some in pool.map(runs, range(8)) for each in some]
    assert len(done) == 200
    for prompt, output in done:
        assert output.state["log"] == [
            f"{prompt} 1.note",
            f"{prompt} 2.parallel.1.note",
            f"{prompt} 2.parallel.2.1.note",
            f"{prompt} 3.note",
        ]
        assert output.messages[0] == Message("user", prompt)


@pytest.mark.parametrize("seed", range(3))
async def test_200_interleaved_runs_leave_each_state_and_conversation_whole(store, seed):
    chance = random.Random(seed)

    async def nap(given: StepInput) -> str:
        await asyncio.sleep(chance.random() / 100)
        given.state.setdefault("log", []).append(f"{given.prompt} {given.path}")
        return f"{given.previous or given.prompt}."

    def answer(request: Any) -> str:
        return f"<{request.messages[-1].content}>"

    agent = Agent(ScriptedModel(answer), name="agent")
    workflow = Workflow(
        [nap, Parallel({"a": nap, "b": [nap, agent]}, merge="add"), Loop(nap, max_rounds=2)],
        checkpoints=store,
    )
    memories = [Memory() for _ in range(10)]

    async def one(number: int) -> WorkflowOutput:
        context = RunContext(user=f"u{number % 10}", session="s")
        memory = memories[number % 10]
        return await workflow.arun(f"p{number}", context=context, memory=memory)

    outputs = await asyncio.gather(*[one(number) for number in range(200)])
    for number, output in enumerate(outputs):
        mine = f"p{number}"
        assert {line.split(" ")[0] for line in output.state["log"]} == {mine}
        assert len(output.state["log"]) == 5
        assert mine in output.content
    for number, memory in enumerate(memories):
        messages = memory.load()
        assert len(messages) == 40
        for asked, answered in zip(messages[::2], messages[1::2], strict=True):
            assert int(asked.content[1:]) % 10 == number
            assert f"{asked.content}." in answered.content
