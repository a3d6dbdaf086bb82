"""What is profiled: how it is named, checked as far as that needs none of the user's code."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import Struct

from agno_cli._errors import InputError
from agno_cli._user_code import is_file

Kind: TypeAlias = Literal["benchmark", "attribute", "scenario", "program", "real"]

DEFAULT = "run"
_SCENARIO = "scenario:"
_LONGEST = 80


class Target(Struct, frozen=True, kw_only=True):
    """One thing to profile.

    Args:
        text: as it was asked for.
        kind: a built-in benchmark, an agent or function by `module:attribute`, a scenario, a
            whole program, or one real run.
        name: of the benchmark or scenario; the reference of an agent or a function.
        call_tools: whether an agent's own tool functions are called.
        command: a program's, with its arguments.
        model: that a real run asks.
        prompt: of a real run.
    """

    text: str
    kind: Kind
    name: str = ""
    call_tools: bool = False
    command: tuple[str, ...] = ()
    model: str = ""
    prompt: str = ""


def find_target(
    words: Sequence[str],
    *,
    command: Sequence[str] = (),
    model: str | None = None,
    call_tools: bool = False,
) -> Target:
    """Say what is meant.

    Args:
        words: the target, and a script's arguments or, with a model, the prompt.
        command: what stood behind `--`.
        model: that a real run is to ask.
        call_tools: whether an agent's own tool functions are called.

    Raises:
        InputError: there is no such benchmark or file, or more is given than one target.
    """
    if command:
        if words or model is not None:
            raise InputError(
                f"`{' '.join(words) or '--model'}` and `-- {command[0]}` are two targets; give one"
            )
        return Target(text=_short(command), kind="program", command=tuple(command))
    if model is not None:
        return _real_run(words, model, call_tools=call_tools)
    first, *others = words or [DEFAULT]
    if first.endswith(".py"):
        return _script(first, others)
    if others:
        raise InputError(f"`{first}` and `{others[0]}` are two targets; give one at a time")
    if first.startswith(_SCENARIO):
        return Target(text=first, kind="scenario", name=first.removeprefix(_SCENARIO))
    if ":" in first or is_file(first):
        return Target(text=first, kind="attribute", name=first, call_tools=call_tools)
    _check_benchmark(first)
    return Target(text=first, kind="benchmark", name=first)


def _short(words: Sequence[str]) -> str:
    text = " ".join(shlex.join(words).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _real_run(words: Sequence[str], model: str, *, call_tools: bool) -> Target:
    *agents, prompt = words or [""]
    if not prompt.strip():
        raise InputError(
            'a real run needs a prompt, as in `agno profile cpu --model local:smollm2 "Hello"`'
        )
    if len(agents) > 1:
        raise InputError("give one agent and one prompt; put quotes around the prompt")
    name = agents[0] if agents else ""
    return Target(
        text=f"{name or 'an agent'} on {model}",
        kind="real",
        name=name,
        call_tools=call_tools,
        model=model,
        prompt=prompt,
    )


def _script(path: str, arguments: Sequence[str]) -> Target:
    if not Path(path).expanduser().is_file():
        raise InputError(f"there is no file `{path}`")
    command = (sys.executable, str(Path(path).expanduser()), *arguments)
    return Target(text=_short([path, *arguments]), kind="program", command=command)


def _check_benchmark(name: str) -> None:
    from agno_cli.bench._registry import nearest
    from agno_cli.bench.benchmarks import BENCHMARKS

    known = [benchmark.name for benchmark in BENCHMARKS if benchmark.prepare is not None]
    if name not in known:
        raise InputError(
            f"there is no benchmark `{name}`; {nearest(name, known)} Also: `module:attribute`,"
            " `script.py`, `scenario:NAME`, `-- command`"
        )
