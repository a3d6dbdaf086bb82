"""The modes that need no more than their members: one after another, all at once, one of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from agno_cli._context import RunContext
from agno_cli._errors import RunFailed
from agno_cli._messages import RunOutput
from agno_cli._orchestration import OStep, Together
from agno_cli._tools import invoke
from agno_cli.teams._output import Answer
from agno_cli.teams._plan import Place
from agno_cli.teams._prompts import after_another, joined
from agno_cli.teams._run import TeamRun, answer_of


def sequential(run: TeamRun) -> Generator[OStep, None, Answer]:
    """Run one member after another; each sees the task and the answer before."""
    answer, prompt = None, run.prompt
    members = run.plan.members
    last = members[-1]
    for place in members:
        step = run.ask(place, prompt)
        step.voice = place is last
        yield step
        output = run.took(step)
        if output is not None:
            answer = output
            if place is not last:
                prompt = after_another(run.prompt, place.name, output.content)
    if answer is None:
        raise run.nobody()
    return answer_of(answer)


def parallel(run: TeamRun) -> Generator[OStep, None, Answer]:
    """Run all members at once, on the same task."""
    plan = run.plan
    steps = [run.ask(place, run.prompt) for place in plan.members]
    together = Together(
        steps, plan.names, plan.limits.parallel_members, plan.fails, plan.members_quick
    )
    yield together
    run.took_all(steps, together)
    return answer_of_all(run)


def answer_of_all(run: TeamRun) -> Answer:
    """Put the answers of all members together, those of them that gave one.

    Raises:
        RunFailed: none did.
    """
    done = [result for result in run.results if not result.error]
    if not done:
        raise run.nobody()
    outputs = [(result.name, result.output) for result in done if result.output is not None]
    return Answer(joined(outputs), data_by_name(outputs) if run.plan.has_data else None)


def data_by_name(outputs: Iterable[tuple[str, RunOutput]]) -> dict[str, Any]:
    """Give the data of members by name."""
    return {name: output.data for name, output in outputs}


class RouteByFunction(Struct, frozen=True, eq=False):
    """What the mode needs when a function of the user's chooses."""

    function: Callable[..., Any]
    takes_context: bool


def route_by_function(run: TeamRun) -> Generator[OStep, None, Answer]:
    """Run the one member that a function names."""
    gear: RouteByFunction = run.plan.gear
    given = (run.context or RunContext(), run.prompt) if gear.takes_context else (run.prompt,)
    name = yield from invoke(gear.function, *given)
    if name not in run.plan.names:
        raise RunFailed(f"`route` gave {name!r}; the members are: {', '.join(run.plan.names)}")
    return (yield from _run_one(run, run.plan.place(name)))


def route_by_model(run: TeamRun) -> Generator[OStep, None, Answer]:
    """Run the one member that a model chooses."""
    output = yield from run.ask_own(run.ask(run.plan.gear, run.prompt))
    return (yield from _run_one(run, run.plan.place(output.data.member)))


def _run_one(run: TeamRun, place: Place) -> Generator[OStep, None, Answer]:
    step = run.ask(place, run.prompt)
    step.voice = True
    yield step
    output = run.took(step)
    if output is None:
        raise run.nobody()
    return answer_of(output)


def choice_type(names: Sequence[str], field: str) -> Any:
    """Make the type of an answer that is one of some names; its schema lists them."""
    return msgspec.defstruct("Choice", [(field, Literal[tuple(names)])], forbid_unknown_fields=True)
