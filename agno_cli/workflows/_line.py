"""The shortest way through a workflow: plain steps in a row, of which nothing is kept.

Most workflows are such, and the generator takes three times as long for them. What is made of a
step's value and of its failure is the generator's: the same functions.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

from agno_cli import _context
from agno_cli._calls import value_of
from agno_cli._context import RunContext
from agno_cli._step_output import StepOutput, WorkflowOutput
from agno_cli._tools import Invoke
from agno_cli.workflows._loop import own_context, stopped, sum_up
from agno_cli.workflows._nodes import StepInput
from agno_cli.workflows._plan import WorkflowPlan
from agno_cli.workflows._run import NO_CONTEXT, Place, Run
from agno_cli.workflows._state import as_text, first_state
from agno_cli.workflows._steps import function_output, left_by, member_output


def run_line(plan: WorkflowPlan, prompt: str, context: RunContext | None) -> WorkflowOutput:
    """Carry a run out in this thread."""
    run_id = next(_context.run_ids)
    own = own_context(plan, context, run_id) if plan.calls_functions else NO_CONTEXT
    state = first_state(plan.state_type, None)
    outputs: list[StepOutput] = []
    previous: Any = None
    started = begun = perf_counter()
    try:
        for step in plan.line:
            if step.runnable is not None:
                told = previous if type(previous) is str else as_text(previous)
                output = step.runnable.run(told or prompt, context=context)
                ended = perf_counter()
                previous = output.content if output.data is None else output.data
                made = member_output(step, step.path, output, ended - begun)
            else:
                given = StepInput(prompt, previous, own, step.path, 0, 1, (), state)
                value = value_of(Invoke(step.function, (given,)))
                value, state = left_by(value, given, state, plan.state_type)
                ended = perf_counter()
                previous = previous if value is None else value
                made = function_output(step, step.path, value, ended - begun)
            outputs.append(made)
            begun = ended
    except (Exception, SystemExit) as error:
        run = Run(prompt, context, state=state, outputs=outputs)
        raise stopped(run.failed(step, Place(step.path), error), run_id, run, started) from error
    return sum_up(run_id, prompt, outputs, previous, state, started)


async def arun_line(plan: WorkflowPlan, prompt: str, context: RunContext | None) -> WorkflowOutput:
    """Carry a run out in this task: `run_line` with awaits."""
    run_id = next(_context.run_ids)
    own = own_context(plan, context, run_id) if plan.calls_functions else NO_CONTEXT
    state = first_state(plan.state_type, None)
    outputs: list[StepOutput] = []
    previous: Any = None
    started = begun = perf_counter()
    try:
        for step in plan.async_line:
            if step.runnable is not None:
                told = previous if type(previous) is str else as_text(previous)
                output = await step.runnable.arun(told or prompt, context=context)
                ended = perf_counter()
                previous = output.content if output.data is None else output.data
                made = member_output(step, step.path, output, ended - begun)
            else:
                given = StepInput(prompt, previous, own, step.path, 0, 1, (), state)
                value = step.function(given)
                if type(value) is not str and hasattr(value, "__await__"):
                    value = await value
                value, state = left_by(value, given, state, plan.state_type)
                ended = perf_counter()
                previous = previous if value is None else value
                made = function_output(step, step.path, value, ended - begun)
            outputs.append(made)
            begun = ended
    except (Exception, SystemExit) as error:
        run = Run(prompt, context, state=state, outputs=outputs)
        raise stopped(run.failed(step, Place(step.path), error), run_id, run, started) from error
    return sum_up(run_id, prompt, outputs, previous, state, started)
