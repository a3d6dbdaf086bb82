"""What `agno run` does, once its options are known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agno_cli._agent import Agent
from agno_cli._context import CancelToken, RunContext
from agno_cli._errors import AgnoError, InputError
from agno_cli._events import RunFinished, TextDelta
from agno_cli._json import to_json
from agno_cli._messages import RunOutput
from agno_cli.cli._agent import make_agent
from agno_cli.cli._answer import DataAnswer, NoAnswer, make_answer
from agno_cli.cli._console import Console
from agno_cli.cli._display import Clock, Display, JsonLines, Sink
from agno_cli.cli._dry_run import as_text, make_plan
from agno_cli.cli._errors import as_document
from agno_cli.cli._measures import timing_line, timings, usage_line
from agno_cli.cli._model import make_model, name_model
from agno_cli.cli._prompt import read_prompt
from agno_cli.cli._sessions import open_session
from agno_cli.cli.run import RunOptions
from agno_cli.storage import SqliteMemory

_EXCLUSIVE = (
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
    with _errors_as_data(options, console, clock), _log_on_stderr(enabled=options.verbose):
        _check_exclusive(options)
        prompt = read_prompt(options.prompt or [], console)
        with console.stdout_kept():
            agent = make_agent(options)
        memory = open_session(options.session, newest=options.continue_)
        if options.dry_run:
            _show_plan(options, console, agent, memory, prompt)
            return
        agent = agent.replace(model=make_model(options, agent, console))
        sink = _make_sink(options, console, agent)
        with console.stdout_kept():
            output = _run(agent, prompt, memory, sink, clock, stream=not options.no_stream)
        sink.finish(output)
        if options.json:
            console.document("run", output, timings=timings(output, clock.first_token))
        _tell_cost(options, console, output, clock)


def _run(
    agent: Agent,
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
        if not stream and isinstance(error, AgnoError) and error.output is not None:
            sink.show(TextDelta(error.output.content))
        sink.stop()
        raise
    return output


def _make_sink(options: RunOptions, console: Console, agent: Agent) -> Sink:
    if options.jsonl:
        return JsonLines(console)
    if options.json:
        narrate = console.err_is_terminal and not console.quiet
        return Display(console, NoAnswer(), narrate=narrate)
    answer = make_answer(console) if agent.output_type is None else DataAnswer(console)
    return Display(console, answer, narrate=not console.quiet)


def _check_exclusive(options: RunOptions) -> None:
    for one, other in _EXCLUSIVE:
        if getattr(options, one) and getattr(options, other):
            raise InputError(f"{_flag(one)} and {_flag(other)} exclude each other; leave one out")


def _flag(field: str) -> str:
    return f"--{field.rstrip('_').replace('_', '-')}"


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


def _tell_cost(options: RunOptions, console: Console, output: RunOutput, clock: Clock) -> None:
    if options.usage:
        console.remark(usage_line(output) + "\n", dim=False)
    if options.timing:
        console.remark(timing_line(output, clock.first_token) + "\n", dim=False)


@contextmanager
def _errors_as_data(options: RunOptions, console: Console, clock: Clock) -> Iterator[None]:
    """Write an error of the package where the data goes too, with the work done before it."""
    try:
        yield
    except AgnoError as error:
        output = error.output
        document = as_document(error)
        if options.json:
            measured = None if output is None else timings(output, clock.first_token)
            console.document("run", output, error=document, timings=measured)
        elif options.jsonl:
            event: dict[str, Any] = {"event": "run_failed", "error": document, "output": output}
            console.write(to_json(event) + "\n")
        if output is not None:
            _tell_cost(options, console, output, clock)
        raise


@contextmanager
def _log_on_stderr(*, enabled: bool) -> Iterator[None]:
    if not enabled:
        yield
        return
    import logging

    logger = logging.getLogger("agno_cli")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
