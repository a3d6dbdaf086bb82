"""What the nodes of a workflow do, through every face."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from agno_cli import (
    Agent,
    Condition,
    Limits,
    Loop,
    Message,
    ModelError,
    ModelRequest,
    Parallel,
    Retry,
    Router,
    RunContext,
    RunFailed,
    ScriptedModel,
    Step,
    StepInput,
    StepResult,
    Usage,
    Workflow,
    say,
)
from tests.workflows.faces import add, every_face, outcome


def echo(request: ModelRequest) -> str:
    return f"<{request.messages[-1].content}>"


def agent(name: str, **fields: Any) -> Agent:
    """Make an agent that puts its prompt into angle brackets."""
    return Agent(ScriptedModel(echo), name=name, **fields)


async def shout(given: StepInput) -> str:
    await asyncio.sleep(0)
    return given.text.upper()


class Length:
    """A function that is an object, asynchronous at that."""

    async def __call__(self, given: StepInput) -> int:
        return len(given.text)


def twice(times: int, given: StepInput) -> str:
    return given.text * times


@every_face
def test_each_step_is_told_what_the_one_before_gave(face):
    workflow = Workflow([agent("draft"), shout, agent("polish")], name="write")
    assert outcome(face, workflow) == [
        "1.draft: <hi>",
        "2.shout: <HI>",
        "3.polish: <<HI>>",
        "[completed] <<HI>>",
    ]


@every_face
def test_an_output_is_a_run_output_with_state_and_steps(face):
    model = ScriptedModel([say("four", usage=Usage(3, 1, 2))])
    output = face(Workflow([Agent(model, name="a"), Step(Agent(model), "b", into="answer")]))
    assert (output.content, output.data, output.state) == ("four", None, {"answer": "four"})
    assert output.messages == [Message("user", "hi"), Message("assistant", "four")]
    assert (output.usage, output.turns) == (Usage(6, 2, 4, 0, 2), 2)
    assert [(step.path, step.name, step.usage) for step in output.steps] == [
        ("1.a", "a", Usage(3, 1, 2)),
        ("2.b", "b", Usage(3, 1, 2)),
    ]
    assert (
        output.total_seconds
        > output.model_seconds
        == sum(step.model_seconds for step in output.steps)
    )


@every_face
def test_functions_of_every_kind_are_steps(face):
    workflow = Workflow([shout, Length(), partial(twice, 3), Step(add("!"), quick=True)])
    assert outcome(face, workflow) == [
        "1.shout: HI",
        "2.step: 2",
        "3.step: 222",
        "4.step: 222!",
        "[completed] 222!",
    ]


@every_face
def test_values_go_on_as_they_are_and_to_agents_as_text(face):
    seen: list[Any] = []
    workflow = Workflow([lambda _: {"n": 1}, lambda given: seen.append(given.previous), agent("a")])
    output = face(workflow)
    assert (seen, output.content) == ([{"n": 1}], '<{"n":1}>')
    assert face(Workflow([lambda _: {"n": 1}])).data == {"n": 1}


@every_face
def test_a_function_that_returns_nothing_leaves_the_output_before(face):
    assert face(Workflow([add("a"), lambda _: None, add("b")])).content == "ab"
    assert face(Workflow([lambda _: None, agent("a")])).content == "<hi>"
    assert face(Workflow([lambda _: None])).content == ""


@every_face
def test_templates_are_filled_in_one_pass(face):
    text = "{prompt} - {previous} - {state.who.name} - {state} - {round} - {other} {}"
    workflow = Workflow([lambda _: "{prompt} {state}", Step(agent("a"), prompt=text)])
    output = face(workflow, state={"who": {"name": "{previous}"}})
    assert output.content == (
        '<hi - {prompt} {state} - {previous} - {"who":{"name":"{previous}"}} - 0 - {other} {}>'
    )


@every_face
def test_a_prompt_may_be_a_constant_or_a_function(face):
    async def prompt(given: StepInput) -> str:
        return f"{given.prompt}, {given.path}"

    workflow = Workflow([Step(agent("a"), prompt="constant"), Step(agent("b"), prompt=prompt)])
    assert outcome(face, workflow)[:2] == ["1.a: <constant>", "2.b: <hi, 2.b>"]


@every_face
def test_a_template_that_names_a_missing_field_fails_its_step(face):
    workflow = Workflow([Step(agent("a"), prompt="{state.b}")])
    assert outcome(face, workflow, state={"c": 1}) == [
        "[failed at 1.a]",
        "RunFailed: step `a` at `1.a`: KeyError: \"`{state.b}`: the state has no `b`, only ['c']\"",
    ]


@every_face
def test_parallel_gives_a_dict_in_the_order_of_its_branches(face):
    async def slow(given: StepInput) -> str:
        await asyncio.sleep(0.02)
        return "slow"

    workflow = Workflow([add("x"), Parallel([slow, add("a"), [add("b"), add("c")]]), agent("end")])
    assert outcome(face, workflow) == [
        "1.x: x",
        "2.parallel.1.slow: slow",
        "2.parallel.2.a: xa",
        "2.parallel.3.1.b: xb",
        "2.parallel.3.2.c: xbc",
        "3.end: <slow:\nslow\n\na:\nxa\n\n3:\nxbc>",
        "[completed] <slow:\nslow\n\na:\nxa\n\n3:\nxbc>",
    ]
    last = face(Workflow([Parallel({"one": add("a"), "two": [add("b")]})]))
    assert last.data == {"one": "a", "two": "b"}


@every_face
def test_branches_are_under_way_at_once(face):
    together = threading.Barrier(3, timeout=5)

    def meet(_: StepInput) -> str:
        together.wait()
        return "met"

    output = face(Workflow([Parallel({"a": meet, "b": meet, "c": meet})]))
    assert output.data == {"a": "met", "b": "met", "c": "met"}


@every_face
def test_quick_branches_run_one_after_the_other_where_the_run_is(face):
    here: set[int] = set()
    quick = Step(lambda _: here.add(threading.get_ident()), quick=True)
    inner = Workflow([quick], name="inner")
    answer = Agent(ScriptedModel(["yes"]), name="answer")
    face(Workflow([Parallel({"a": quick, "b": [quick, answer], "c": inner})]))
    assert here == {threading.get_ident()}


@every_face
def test_at_most_so_many_branches_run_at_once(face):
    running, most = [0], [0]

    async def work(_: StepInput) -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        await asyncio.sleep(0.005)
        running[0] -= 1

    face(Workflow([Parallel({str(number): work for number in range(6)}, at_most=2)]))
    assert most == [2]


@every_face
def test_a_failed_branch_stops_the_others_and_is_named(face):
    async def fail(_: StepInput) -> None:
        await asyncio.sleep(0.01)
        raise ValueError("broken")

    waiting = Agent(ScriptedModel(["late"], delay=30), name="waiting")
    workflow = Workflow([add("x"), Parallel([waiting, [add("a"), fail]])])
    started = time.monotonic()
    assert outcome(face, workflow) == [
        "1.x: x",
        "2.parallel.2.1.a: xa",
        "[failed at 2.parallel.2.2.fail]",
        "RunFailed: step `fail` at `2.parallel.2.2.fail`: ValueError: broken",
    ]
    assert time.monotonic() - started < 10


@every_face
def test_a_condition_chooses_or_lets_the_output_pass(face):
    async def is_short(given: StepInput) -> bool:
        return len(given.text) < 3

    both = Workflow([Condition(is_short, add("!"), [add("a"), add("b")], name="short")])
    assert outcome(face, both, prompt="hi") == ["1.short.then.step: !", "[completed] !"]
    assert outcome(face, both, prompt="hello") == [
        "1.short.otherwise.1.a: a",
        "1.short.otherwise.2.b: ab",
        "[completed] ab",
    ]
    one = Workflow([add("x"), Condition(lambda _: 0, add("!"))])
    assert outcome(face, one) == ["1.x: x", "[completed] x"]


@every_face
def test_a_loop_goes_on_with_its_own_output_until_it_is_done(face):
    workflow = Workflow([Loop(add("a"), until=lambda given: given.previous == "aaa")])
    assert outcome(face, workflow) == [
        "1.loop.body.a#1: a",
        "1.loop.body.a#2: aa",
        "1.loop.body.a#3: aaa",
        "[completed] aaa",
    ]


@every_face
def test_a_loop_ends_at_its_limit(face):
    never = Loop(add("a"), until=lambda _: False, max_rounds=2)
    assert face(Workflow([never])).content == "aa"
    assert face(Workflow([Loop(add("a"), max_rounds=3)])).content == "aaa"
    strict = Loop(add("a"), lambda _: False, 2, "fail", name="polish")
    assert outcome(face, Workflow([strict])) == [
        "1.polish.body.a#1: a",
        "1.polish.body.a#2: aa",
        "[failed at 1.polish]",
        (
            "RunFailed: loop `polish` at `1.polish` was not done after 2 rounds; raise"
            " `max_rounds`, or let it go on with `at_limit='go_on'`"
        ),
    ]


@every_face
def test_loops_in_loops_count_their_rounds(face):
    rounds: list[tuple[str, int]] = []
    inner = Loop(lambda given: rounds.append((given.path, given.round)), max_rounds=2)
    face(Workflow([Loop([inner], max_rounds=2)]))
    assert rounds == [
        ("1.loop.body.1.loop.body.lambda#1.1", 1),
        ("1.loop.body.1.loop.body.lambda#1.2", 2),
        ("1.loop.body.1.loop.body.lambda#2.1", 1),
        ("1.loop.body.1.loop.body.lambda#2.2", 2),
    ]


@every_face
def test_a_router_chooses_by_function(face):
    router = Router(lambda given: given.prompt, {"bill": add("$"), "other things": [add("a")]})
    assert outcome(face, Workflow([router]), prompt="bill") == [
        "1.router.bill.step: $",
        "[completed] $",
    ]
    assert outcome(face, Workflow([router]), prompt="other things") == [
        "1.router.other-things.1.a: a",
        "[completed] a",
    ]
    assert outcome(face, Workflow([router]), prompt="mail") == [
        "[failed at 1.router]",
        (
            "RunFailed: `router` at `1.router`: ValueError: 'mail' is no route; the routes are:"
            " bill, other things"
        ),
    ]


@every_face
def test_a_route_is_a_text(face):
    *_, ending = outcome(face, Workflow([Router(lambda _: 1, {"1": add("a")})]))
    assert ending.endswith("ValueError: 1 is no route; the routes are: 1")


@every_face
def test_plain_rows_of_all_kinds_of_steps(face):
    async def fail(_: StepInput) -> None:
        raise ValueError("broken")

    quick = Step(lambda given: given.text + ".", "quick", quick=True)
    number = Step(lambda _: 7, "number", quick=True)
    silent = Step(lambda _: None, "silent", quick=True)
    row = [quick, agent("a"), number, silent, shout]
    assert outcome(face, Workflow(row)) == [
        "1.quick: hi.",
        "2.a: <hi.>",
        "3.number: 7",
        "4.silent: ",
        "5.shout: 7",
        "[completed] 7",
    ]
    assert outcome(face, Workflow([quick, fail])) == [
        "1.quick: hi.",
        "[failed at 2.fail]",
        "RunFailed: step `fail` at `2.fail`: ValueError: broken",
    ]


@every_face
@pytest.mark.parametrize("answer", ["Bill", ' "bill".\n', "**BILL**"])
def test_a_router_chooses_by_an_agents_answer(face, answer):
    asked: list[str] = []

    def choose(request: ModelRequest) -> str:
        asked.append(request.messages[-1].content)
        return str(answer)

    chooser = Agent(ScriptedModel(choose), name="chooser")
    router = Router(chooser, {"bill": add("$"), "Bill them": add("a")}, prompt="bill? {previous}")
    output = face(Workflow([add("x"), router]))
    assert (output.content, asked) == ("x$", ["bill? x"])
    assert [step.path for step in output.steps] == ["1.x", "2.router.choose", "2.router.bill.step"]


@every_face
def test_an_agent_that_names_no_route_ends_the_run(face):
    chooser = Agent(ScriptedModel(["I would say billing"]))
    assert outcome(face, Workflow([Router(chooser, {"bill": add("$")})])) == [
        "1.router.choose: I would say billing",
        "[failed at 1.router]",
        (
            "RunFailed: router `router` at `1.router`: ValueError: 'I would say billing' is no"
            " route; the routes are: bill"
        ),
    ]


@dataclass
class Count:
    n: int = 0


@every_face
def test_a_workflow_within_a_workflow_has_its_own_prompt_and_state(face):
    def count(given: StepInput) -> str:
        given.state.n += 1
        return f"{given.prompt}{given.previous}{given.state.n}"

    inner = Workflow([count, count], name="inner", state_type=Count)
    workflow = Workflow(
        [add("x"), Step(inner, into="a"), Step(inner, "again", prompt="({previous})")]
    )
    output = face(workflow, state={"n": 7})
    assert outcome(face, workflow) == [
        "1.x: x",
        "2.inner.1.count: xNone1",
        "2.inner.2.count: xxNone12",
        "3.again.1.count: (xxNone12)None1",
        "3.again.2.count: (xxNone12)(xxNone12)None12",
        "[completed] (xxNone12)(xxNone12)None12",
    ]
    assert output.state == {"n": 7, "a": "xxNone12"}


@every_face
def test_a_workflow_within_that_gives_nothing_leaves_the_output_before(face):
    silent = Workflow([lambda _: None], name="silent")
    assert face(Workflow([add("x"), Step(silent, into="a")])).content == "x"


@every_face
def test_a_failed_step_is_tried_again(face):
    tried: list[int] = []

    def work(given: StepInput) -> str:
        tried.append(given.attempt)
        given.state["left"] = "by attempt"
        if given.attempt < 3:
            raise OSError("not yet")
        return f"done with {given.state}"

    output = face(Workflow([Step(work, retry=Retry(attempts=3, backoff=0))]))
    assert (tried, output.content) == ([1, 2, 3], "done with {'left': 'by attempt'}")
    assert output.steps[0].attempts == 3


@every_face
def test_work_of_failed_attempts_is_counted(face):
    answers = iter([say("bad", usage=Usage(5, 5)), ModelError("x", provider="p", retryable=True)])

    def answer(request: ModelRequest) -> Any:
        return next(answers, say('{"n": 1}', usage=Usage(1, 1)))

    strict = Agent(ScriptedModel(answer, native_schema=True), output_type=Count, name="strict")
    output = face(Workflow([Step(strict, retry=Retry(attempts=2, backoff=0))]))
    assert (output.data, output.usage) == (Count(1), Usage(6, 6, requests=2))


@every_face
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModelError("no", provider="p"), "ModelError: p: step `agent` at `1.agent`: no"),
        (ValueError("always"), "RunFailed: step `agent` at `1.agent`: RunFailed: ValueError"),
    ],
)
def test_what_cannot_be_mended_is_not_tried_again(face, error, words):
    calls: list[int] = []

    def answer(_: ModelRequest) -> Any:
        calls.append(1)
        return error

    step = Step(Agent(ScriptedModel(answer)), retry=Retry(attempts=2, backoff=0))
    *_, ending = outcome(face, Workflow([step]))
    assert ending.startswith(words.partition(":")[0])
    assert len(calls) == (1 if isinstance(error, ModelError) else 2)


@every_face
def test_a_step_has_a_time_limit_of_its_own(face):
    async def hang(_: StepInput) -> None:
        await asyncio.sleep(30)

    def block(_: StepInput) -> None:
        time.sleep(0.2)

    slow = Agent(ScriptedModel(["late"], delay=30), name="slow")
    for work in (hang, block, slow):
        step = Step(work, "work", timeout=0.01)
        assert outcome(face, Workflow([step])) == [
            "[limited at 1.work]",
            "LimitReached: step `work` at `1.work`: timed out after 0.01 s",
        ]


@every_face
def test_a_timeout_is_tried_again_and_another_limit_is_not(face):
    attempts: list[int] = []

    async def hang_once(given: StepInput) -> str:
        attempts.append(given.attempt)
        await asyncio.sleep(0 if given.attempt > 1 else 30)
        return "in time"

    step = Step(hang_once, timeout=0.02, retry=Retry(attempts=2, backoff=0))
    assert face(Workflow([step])).content == "in time"
    talker = Agent(ScriptedModel([say("", ("nothing", {}))]), limits=Limits(turns=1))
    *_, ending = outcome(face, Workflow([Step(talker, retry=Retry(backoff=0))]))
    assert ending.startswith("LimitReached: step `agent` at `1.agent`: limit of 1 turns reached")


@every_face
def test_a_timeout_error_of_the_functions_own_stays_one(face):
    def work(_: StepInput) -> None:
        raise TimeoutError("the database took too long")

    assert outcome(face, Workflow([Step(work, timeout=5)])) == [
        "[failed at 1.work]",
        "RunFailed: step `work` at `1.work`: TimeoutError: the database took too long",
    ]


@every_face
def test_a_function_that_exits_fails_its_step(face):
    def leave(_: StepInput) -> None:
        raise SystemExit(3)

    for workflow in (Workflow([leave]), Workflow([Step(leave, timeout=5)])):
        assert outcome(face, workflow) == [
            "[failed at 1.leave]",
            "RunFailed: step `leave` at `1.leave`: SystemExit: 3",
        ]


@every_face
def test_the_whole_run_is_limited_in_tokens_and_time(face):
    spending = Agent(ScriptedModel([say("ok", usage=Usage(40, 10))]), name="spending")
    workflow = Workflow([spending, spending, spending], limits=Limits(tokens=80))
    assert outcome(face, workflow) == [
        "1.spending: ok",
        "2.spending: ok",
        "[limited at 2.spending]",
        (
            "LimitReached: limit of 80 tokens reached, 100 used after step `spending` at"
            " `2.spending`; raise it with `Limits(tokens=...)`"
        ),
    ]
    slow = Agent(ScriptedModel(["late"], delay=30), name="slow")
    steps, where, ending = outcome(face, Workflow([add("x"), slow], limits=Limits(seconds=0.05)))
    assert (steps, where) == ("1.x: x", "[limited at 2.slow]")
    assert ending.startswith("LimitReached: step `slow` at `2.slow`: limit of 0.05 seconds reached")


@every_face
def test_every_part_of_a_run_is_given_its_context(face):
    seen: list[RunContext] = []

    def tool_like(context: RunContext) -> str:
        seen.append(context)
        return "Say who."

    member = Agent(ScriptedModel(["me"]), name="member", instructions=tool_like)
    workflow = Workflow([lambda given: seen.append(given.context), member], name="flow")
    given = RunContext(user="anna", session="s1", dependencies=[1])
    output = face(workflow, context=given)
    mine, members = seen
    assert mine == RunContext(
        user="anna", session="s1", dependencies=[1], run_id=output.run_id, agent="flow"
    )
    assert (members.user, members.agent, members.run_id != output.run_id) == (
        "anna",
        "member",
        True,
    )


def test_a_workflow_can_be_an_agents_equal_in_a_team_or_on_its_own():
    workflow = Workflow([add("x")], name="flow")
    assert workflow.run("hi").run_id != workflow.run("hi").run_id
    assert workflow.run("hi", run_id="mine").run_id == "mine"
    with pytest.raises(RunFailed, match=r"step `b` at `2\.b`: ZeroDivisionError"):
        Workflow([add("a"), Step(lambda _: 1 // 0, "b")]).run("hi")


@every_face
def test_a_step_result_gives_a_value_and_a_state(face):
    def remember(given: StepInput) -> StepResult:
        return StepResult(value=given.text, state={"seen": given.text})

    output = face(Workflow([add("x"), remember, lambda _: StepResult(state={"n": 1})]))
    assert (output.content, output.state) == ("x", {"n": 1})
