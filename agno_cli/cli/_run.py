"""What `agno run` does, once its options are known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from agno_cli._agent import Agent
from agno_cli._context import CancelToken, RunContext
from agno_cli._errors import AgnoError, InputError, RunCancelled
from agno_cli._events import RunFinished, TextDelta
from agno_cli._json import to_json
from agno_cli._messages import RunOutput
from agno_cli.cli._agent import make_agent
from agno_cli.cli._answer import DataAnswer, NoAnswer, make_answer
from agno_cli.cli._console import Console
from agno_cli.cli._display import Clock, Display, JsonLines, Sink
from agno_cli.cli._dry_run import as_text, make_plan
from agno_cli.cli._errors import as_document, one_line
from agno_cli.cli._interrupts import cancelled_by_interrupt
from agno_cli.cli._log import log_on_stderr
from agno_cli.cli._measures import timing_line, timings, usage_line
from agno_cli.cli._model import make_model, name_model
from agno_cli.cli._prompt import read_prompt
from agno_cli.cli._sessions import open_session
from agno_cli.cli._team import make_team
from agno_cli.cli.run import RunOptions
from agno_cli.storage import SqliteMemory
from agno_cli.teams._output import TeamOutput
from agno_cli.teams._team import Team

if TYPE_CHECKING:
    from agno_cli.cli._workflow import WorkflowCall

_EXCLUSIVE = (
    ("team", "workflow"),
    ("json", "jsonl"),
    ("jsonl", "no_stream"),
    ("session", "continue_"),
    ("record", "replay"),
)


def execute(options: RunOptions) -> None:
    """Run, and write what was asked for.

    Raises:
        AgnoError: whatever ended the run; it has been written as data where that was asked for.
    """
    console = Console(quiet=options.quiet, verbose=options.verbose)
    clock = Clock()
    with _errors_as_data(options, console, clock), log_on_stderr(console):
        _check_exclusive(options)
        prompt = "" if options.resume else read_prompt(options.prompt or [], console)
        with console.stdout_kept():
            agent = _make_runnable(options, console)
        memory = open_session(options.session, newest=options.continue_)
        if options.dry_run:
            _show(options, console, agent, memory, prompt)
            return
        if isinstance(agent, Agent):
            agent = agent.replace(model=make_model(options, agent, console))
        sink = _make_sink(options, console, agent)
        with console.stdout_kept():
            output = _run(agent, prompt, memory, sink, clock, stream=not options.no_stream)
        sink.finish(output)
        _tell_failures(console, output)
        if options.json:
            console.document("run", output, timings=timings(output, clock.first_token))
        _tell_cost(options, console, output, clock)


def _make_runnable(options: RunOptions, console: Console) -> Agent | Team | WorkflowCall:
    if options.workflow is not None:
        from agno_cli.cli._workflow import make_workflow

        return make_workflow(options, console)
    for field in ("resume", "checkpoints", "take_over"):
        if getattr(options, field):
            raise InputError(f"{_flag(field)} is for workflows; name one with --workflow FILE")
    return make_agent(options) if options.team is None else make_team(options, console)


def _run(
    agent: Agent | Team | WorkflowCall,
    prompt: str,
    memory: SqliteMemory | None,
    sink: Sink,
    clock: Clock,
    *,
    stream: bool,
) -> RunOutput:
    """Run to the end; whatever stops the run stops the model too."""
    cancel = CancelToken()
    context = RunContext(session="" if memory is None else memory.session_id)
    face = agent.stream if stream else agent.run
    try:
        with cancelled_by_interrupt(cancel):
            outcome = face(prompt, memory=memory, context=context, cancel=cancel)
            if isinstance(outcome, RunOutput):
                sink.show(TextDelta(outcome.content))
                return outcome
            for event in outcome:
                clock.note(event)
                sink.show(event)
                if isinstance(event, RunFinished):
                    output = event.output
    except BaseException as error:
        cancel.cancel()
        # Members' answers may be there when nothing of the whole's has been written.
        several = not isinstance(agent, Agent) and isinstance(sink, Display)
        untold = several and clock.first_token is None
        if (untold or not stream) and isinstance(error, AgnoError) and error.output is not None:
            sink.show(TextDelta(error.output.content))
        sink.stop()
        raise
    return output


def _make_sink(options: RunOptions, console: Console, agent: Agent | Team | WorkflowCall) -> Sink:
    if options.jsonl:
        return JsonLines(console)
    if options.json:
        narrate = console.err_is_terminal and not console.quiet
        return Display(console, NoAnswer(), narrate=narrate)
    has_data = isinstance(agent, Agent) and agent.output_type is not None
    answer = DataAnswer(console) if has_data else make_answer(console)
    return Display(console, answer, narrate=not console.quiet)


def _check_exclusive(options: RunOptions) -> None:
    for one, other in _EXCLUSIVE:
        if getattr(options, one) and getattr(options, other):
            raise InputError(f"{_flag(one)} and {_flag(other)} exclude each other; leave one out")


def _flag(field: str) -> str:
    return f"--{field.rstrip('_').replace('_', '-')}"


def _show(
    options: RunOptions,
    console: Console,
    agent: Agent | Team | WorkflowCall,
    memory: SqliteMemory | None,
    prompt: str,
) -> None:
    """Show what would be done: an agent's request, or a picture of a workflow."""
    if isinstance(agent, Agent):
        _show_plan(options, console, agent, memory, prompt)
    elif not isinstance(agent, Team):
        picture = agent.workflow.to_mermaid()
        if options.json:
            console.document("run --dry-run", {"mermaid": picture})
        else:
            console.write(picture)


def _show_plan(
    options: RunOptions,
    console: Console,
    agent: Agent,
    memory: SqliteMemory | None,
    prompt: str,
) -> None:
    history = [] if memory is None else memory.load()
    plan = make_plan(agent, name_model(options, agent, console), history, prompt)
    if options.json:
        console.document("run --dry-run", plan)
    else:
        console.write(as_text(plan))


def _tell_failures(console: Console, output: RunOutput) -> None:
    """Name the members that a team went on without."""
    for result in output.members if isinstance(output, TeamOutput) else ():
        if result.error:
            console.note(f"warning: member `{result.name}` failed: {one_line(result.error)}")


def _tell_cost(options: RunOptions, console: Console, output: RunOutput, clock: Clock) -> None:
    if options.usage:
        console.remark(usage_line(output) + "\n", dim=False)
    if options.timing:
        console.remark(timing_line(output, clock.first_token) + "\n", dim=False)


@contextmanager
def _errors_as_data(options: RunOptions, console: Console, clock: Clock) -> Iterator[None]:
    """Write what ended the run where the data goes too, with the work done before it."""
    try:
        yield
    except BrokenPipeError:  # nobody reads any more
        raise
    except KeyboardInterrupt:  # before the run began, or for the second time
        _write_error(options, console, clock, RunCancelled("interrupted"))
        raise
    except Exception as error:
        _write_error(options, console, clock, error)
        raise


def _write_error(options: RunOptions, console: Console, clock: Clock, error: Exception) -> None:
    output = error.output if isinstance(error, AgnoError) else None
    document = as_document(error)
    if options.json:
        measured = None if output is None else timings(output, clock.first_token)
        console.document("run", output, error=document, timings=measured)
    elif options.jsonl:
        event: dict[str, Any] = {"event": "run_failed", "error": document, "output": output}
        console.write(to_json(event) + "\n")
    if output is not None:
        _tell_cost(options, console, output, clock)
