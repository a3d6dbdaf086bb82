"""The mode in which a leader plans subtasks, members do them, and the leader writes the answer."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from agno_cli._orchestration import OStep, RunMember, Together
from agno_cli.teams._output import Answer, Subtask
from agno_cli.teams._plan import Place
from agno_cli.teams._prompts import missing, result_of, with_results, with_subtask
from agno_cli.teams._run import TeamRun, answer_of

_MOST_SUBTASKS = 100  # a plan is a model's wish; each subtask is a run


class Leader(Struct, frozen=True, eq=False):
    """What the mode needs: one agent that plans and one that writes."""

    planner: Place
    writer: Place


def lead(run: TeamRun) -> Generator[OStep, None, Answer]:
    """Have the task planned, done and summed up."""
    gear: Leader = run.plan.gear
    planned = yield from run.ask_own(run.ask(gear.planner, run.prompt))
    run.subtasks = tuple(
        Subtask(subtask.member, subtask.task, tuple(subtask.after))
        for subtask in planned.data.subtasks
    )
    results = yield from _carry_out(run)
    step = run.ask(gear.writer, with_results(run.prompt, results))
    step.voice = True
    output = yield from run.ask_own(step)
    return answer_of(output)


def _carry_out(run: TeamRun) -> Generator[OStep, None, list[str]]:
    """Run the subtasks, each as soon as those it builds on have ended; give their results."""
    plan, subtasks = run.plan, run.subtasks
    steps: list[RunMember] = [
        run.ask(plan.place(subtask.member), subtask.task) for subtask in subtasks
    ]
    results = [""] * len(subtasks)

    def branch(index: int) -> Generator[OStep, None, None]:
        step, subtask = steps[index], subtasks[index]
        needed = [results[number - 1] for number in subtask.after]
        step.prompt = with_subtask(run.prompt, subtask.task, needed)
        yield step
        told = missing(str(step.error)) if step.output is None else step.output.content
        results[index] = result_of(index + 1, subtask.member, subtask.task, told)
        step.result()

    together = Together(
        [branch(index) for index in range(len(steps))],
        [subtask.member for subtask in subtasks],
        plan.limits.parallel_members,
        plan.fails,
        plan.members_quick,
        [[number - 1 for number in subtask.after] for subtask in subtasks],
    )
    yield together
    in_member_order = sorted(range(len(steps)), key=lambda i: plan.names.index(steps[i].name))
    for index in in_member_order:
        run.note(steps[index], together.errors[index], subtasks[index].task)
    run.judge(together, steps)
    run.check()
    return results


def plan_type(names: Sequence[str]) -> Any:
    """Make the type of a plan; its schema lists the members, and it refuses what cannot be done.

    The leader's own run asks again for a plan that does not fit, and tells it why.
    """
    subtask = msgspec.defstruct(
        "PlannedSubtask",
        [
            ("member", Literal[tuple(names)]),
            ("task", Annotated[str, Meta(min_length=1)]),
            ("after", list[int], msgspec.field(default_factory=list)),
        ],
        forbid_unknown_fields=True,
    )
    return msgspec.defstruct(
        "TeamPlan",
        [("subtasks", Annotated[list[subtask], Meta(min_length=1, max_length=_MOST_SUBTASKS)])],  # type: ignore[valid-type]  # made above
        namespace={"__post_init__": _check_plan},
        forbid_unknown_fields=True,
    )


def _check_plan(plan: Any) -> None:
    """Raise ValueError unless every subtask can be begun at some time."""
    subtasks = plan.subtasks
    for number, subtask in enumerate(subtasks, 1):
        for before in subtask.after:
            if not 1 <= before <= len(subtasks):
                raise ValueError(
                    f"subtask {number} comes after subtask {before}, but there are"
                    f" {len(subtasks)}; they are counted from 1"
                )
    ended: set[int] = set()
    while len(ended) < len(subtasks):
        ready = {
            number
            for number, subtask in enumerate(subtasks, 1)
            if number not in ended and ended.issuperset(subtask.after)
        }
        if not ready:
            stuck = [str(number) for number in range(1, len(subtasks) + 1) if number not in ended]
            raise ValueError(f"subtasks {', '.join(stuck)} wait for each other; break the circle")
        ended |= ready
