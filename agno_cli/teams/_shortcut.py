"""The straight way through a team whose members never wait, one after another in this thread.

A team without a memory, a token or a bound on its whole, in mode `sequential` or `parallel`, needs
none of the steps of `_run.py` and its drivers, which take as long as the members' runs
themselves. A property test holds both ways to the same outputs.
"""

from __future__ import annotations

from time import perf_counter

from agno_cli._context import RunContext
from agno_cli._errors import RunCancelled
from agno_cli._loop import check_prompt
from agno_cli._messages import Message, RunOutput, Usage
from agno_cli.teams._modes import answer_of_all, data_by_name
from agno_cli.teams._output import MemberResult, TeamOutput
from agno_cli.teams._plan import TeamPlan
from agno_cli.teams._prompts import ANSWER_ENDS, after_another, joined
from agno_cli.teams._run import TeamRun, answer_of, ended


def run_straight(
    plan: TeamPlan, run_id: str, prompt: str, context: RunContext | None
) -> TeamOutput:
    """Run a team to its end.

    Raises:
        InputError: the prompt is empty.
        AgnoError: whatever stopped the run; `output` carries the work done.
    """
    started = perf_counter()
    outputs: list[RunOutput] = []
    told, follows = prompt, plan.follows
    # Sums are kept here: `summed` would go through the outputs once more, for a microsecond.
    read = written = cached = reasoned = requests = turns = 0
    model_seconds = tool_seconds = 0.0
    try:
        for run, begins in plan.runs:
            output = run(told, context=context)
            outputs.append(output)
            usage = output.usage
            read += usage.input_tokens
            written += usage.output_tokens
            cached += usage.cached_tokens
            reasoned += usage.reasoning_tokens
            requests += usage.requests
            turns += output.turns
            model_seconds += output.model_seconds
            tool_seconds += output.tool_seconds
            if begins:
                told = f"{prompt}{begins}{output.content}{ANSWER_ENDS}"
    except Exception as error:
        results = list(map(MemberResult, plan.names, outputs))
        return _go_on(TeamRun(plan, run_id, prompt, context, started, None, results), error)
    content, data = output.content, output.data
    if not follows:
        content = joined(zip(plan.names, outputs))  # noqa: B905 - as many of both
        data = data_by_name(zip(plan.names, outputs, strict=True)) if plan.has_data else None
    return TeamOutput(
        run_id,
        content,
        [Message("user", prompt), Message("assistant", content)],
        Usage(read, written, cached, reasoned, requests),
        turns,
        perf_counter() - started,
        model_seconds,
        tool_seconds,
        output.finish_reason if follows else "stop",
        output.model if follows else "",
        data,
        "completed",
        tuple(map(MemberResult, plan.names, outputs)),
    )


def _go_on(run: TeamRun, error: Exception) -> TeamOutput:
    """Take down that a member has failed, and go on as far as the team may.

    Raises:
        AgnoError: the failure is the team's, or every member failed.
    """
    check_prompt(run.prompt)  # the first member has, and is not to blame
    plan, results = run.plan, run.results
    try:
        _take_down(run, error)
        while len(results) < len(plan.members):
            try:
                place = plan.members[len(results)]
                output = place.runnable.run(_task(run), context=run.context)
            except Exception as another:
                _take_down(run, another)
            else:
                results.append(MemberResult(place.name, output))
        if not plan.follows:
            return run.finish(answer_of_all(run))
        return run.finish(answer_of(_last(run)[1]))
    except Exception as failed:
        raise run.failure(failed)  # noqa: B904 - it knows its cause


def _task(run: TeamRun) -> str:
    """Word the task of the next member."""
    if not run.plan.follows or all(result.error for result in run.results):
        return run.prompt
    name, output = _last(run)
    return after_another(run.prompt, name, output.content)


def _last(run: TeamRun) -> tuple[str, RunOutput]:
    for result in reversed(run.results):
        if not result.error and result.output is not None:
            return result.name, result.output
    raise run.nobody()


def _take_down(run: TeamRun, error: Exception) -> None:
    """Note the failure of the member whose turn it was, and raise where it is the team's."""
    plan = run.plan
    index = len(run.results)
    step = run.ask(plan.members[index], run.prompt)
    run.note(step, error, "")
    if not plan.fails:
        return
    if not plan.follows:
        for later in plan.members[index + 1 :]:
            not_begun = RunCancelled(f"`{later.name}` was not begun")
            run.note(run.ask(later, run.prompt), not_begun, "")
    raise ended(f"member `{step.name}`", step)
