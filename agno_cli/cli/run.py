"""`agno run`: run an agent once, and stream its answer."""

from typing import Annotated, Any, NamedTuple

from typer import Argument, Option
from typer._click.types import Tuple

from agno_cli.cli._completion import model_names, session_ids, toolkit_names
from agno_cli.cli._options import Json, Quiet, Verbose


class RunOptions(NamedTuple):
    """What `agno run` was asked for."""

    prompt: Annotated[
        list[str] | None,
        Argument(
            metavar="[PROMPT|-]",
            help="What to say. `-` stands for standard input, which follows the words;"
            " 32 MiB of it at most.",
        ),
    ] = None
    model: Annotated[
        str | None,
        Option(
            "-m",
            "--model",
            metavar="PROVIDER:NAME",
            autocompletion=model_names,
            help="Model to ask; `agno models` lists them.",
        ),
    ] = None
    system: Annotated[
        str | None,
        Option(
            "-s",
            "--system",
            metavar="TEXT|@FILE",
            help="Instructions, or a file of them, of 32 MiB at most.",
        ),
    ] = None
    tool: Annotated[
        list[str] | None,
        Option(
            "-T",
            "--tool",
            metavar="TOOL",
            autocompletion=toolkit_names,
            help="Toolkit by name, `module:function` or `file.py:function`; repeatable.",
        ),
    ] = None
    agent: Annotated[
        str | None,
        Option(
            metavar="MODULE:NAME",
            help="Agent to run, or `file.py:attribute`; other options change it.",
        ),
    ] = None
    team: Annotated[
        str | None, Option(metavar="FILE", help="Team to run, written down in a TOML file.")
    ] = None
    workflow: Annotated[
        str | None, Option(metavar="FILE", help="Workflow to run, written down in a TOML file.")
    ] = None
    checkpoints: Annotated[
        str | None,
        Option(metavar="FILE", help="Keep each finished step of the workflow in this file."),
    ] = None
    resume: Annotated[
        str | None,
        Option(metavar="RUN_ID", help="Go on with a run of the workflow that was stopped."),
    ] = None
    take_over: Annotated[
        bool, Option("--take-over", help="Resume although another process holds the run.")
    ] = False
    # Typer itself has no list of pairs.
    option: Annotated[
        list[Any] | None,
        Option(
            "-o",
            "--option",
            metavar="KEY VALUE",
            click_type=Tuple([str, str]),
            help="Option for the provider, such as `-o temperature 0`; repeatable.",
        ),
    ] = None
    schema: Annotated[
        str | None,
        Option(
            metavar="SCHEMA",
            help="Answer as JSON of this schema: a file, JSON, or a short form: 'name, age int'.",
        ),
    ] = None
    json: Json = False
    jsonl: Annotated[
        bool, Option("--jsonl", help="Write events on stdout as they happen, one JSON a line.")
    ] = False
    no_stream: Annotated[
        bool, Option("--no-stream", help="Write the final answer at once, when it is complete.")
    ] = False
    session: Annotated[
        str | None,
        Option(
            metavar="ID", autocompletion=session_ids, help="Continue this session, or begin it."
        ),
    ] = None
    continue_: Annotated[
        bool, Option("-c", "--continue", help="Continue the session that was used last.")
    ] = False
    usage: Annotated[bool, Option("-u", "--usage", help="Write token counts to stderr.")] = False
    timing: Annotated[bool, Option("--timing", help="Write to stderr where the time went.")] = False
    max_turns: Annotated[
        int | None,
        Option(min=1, metavar="N", help="Stop after this many calls of the model; default 10."),
    ] = None
    max_tokens: Annotated[
        int | None,
        Option(min=1, metavar="N", help="Stop after this many tokens, input and output together."),
    ] = None
    timeout: Annotated[
        float | None,
        Option(min=0.001, metavar="SECONDS", help="Stop after this many seconds."),
    ] = None
    record: Annotated[
        str | None, Option(metavar="FILE", help="Write the model's answers to a file, to replay.")
    ] = None
    replay: Annotated[
        str | None, Option(metavar="FILE", help="Answer from such a file instead of a model.")
    ] = None
    force: Annotated[bool, Option("--force", help="Let --record replace a file.")] = False
    dry_run: Annotated[
        bool, Option("--dry-run", help="Write what would be sent, and call nothing.")
    ] = False
    quiet: Quiet = False
    verbose: Verbose = False


def run(options: RunOptions) -> None:
    """Run an agent and stream its answer.

    The prompt comes from the argument, from standard input, or from both. Markdown is shown on
    a terminal; a pipe gets the model's text as it is. A run that fails or is interrupted leaves
    its error and the work done too: in the one document of --json, in the last event of --jsonl,
    `run_failed`.

    \b
    agno run "What is the capital of France?"
    git diff | agno run "Write a commit message" -s @style.txt
    agno run "What is 17 * 23?" -T calculator --timing
    """  # noqa: D301 - a backspace is Typer's mark for lines that stay as they are
    from agno_cli.cli._run import execute

    execute(options)
