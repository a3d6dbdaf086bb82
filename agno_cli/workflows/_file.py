"""A workflow written down in a TOML file.

    name = "article"
    checkpoints = "runs.db"

    [agents.writer]
    instructions = "Write in plain words."

    [agents.critic]
    instructions = "Say `fine`, or what to improve."

    [[steps]]
    run = "writer"
    into = "draft"

    [[steps]]
    loop = ["critic", { run = "writer", prompt = "{state.draft}: {previous}" }]
    until = { of = "previous", contains = "fine" }
    max_rounds = 3

A node is a table with `run`, `parallel`, `if`, `loop` or `route`, the name of an agent or a
team, `file.py:function`, another workflow's file, or a list of nodes. Files are looked for beside
the TOML file. `[state]` holds what the state begins with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from agno_cli._agent import Agent
from agno_cli._definitions import Place, check_keys, nearest, read_code, read_document, read_table
from agno_cli._limits import Limits
from agno_cli._orchestration import Runnable
from agno_cli.teams._file import TABLES, read_members
from agno_cli.teams._team import Team
from agno_cli.workflows._nodes import Condition, Loop, Parallel, Retry, Router, Step, StepInput
from agno_cli.workflows._state import as_text, fields_of
from agno_cli.workflows._workflow import Workflow

_Known = Mapping[str, Runnable]
_Question = Callable[[StepInput], Any]


class _Bounds(Struct, frozen=True):
    seconds: float | None = None
    tokens: int | None = None


class _WorkflowEntry(Struct, frozen=True):
    steps: list[Any] = []
    name: str | None = None
    checkpoints: str | None = None
    limits: _Bounds = _Bounds()
    state: dict[str, Any] = {}


class _StepEntry(Struct, frozen=True):
    run: str
    name: str = ""
    prompt: str = ""
    retry: Any = None
    timeout: float | None = None
    history: int = 0
    into: str = ""
    quick: bool = False


class _ParallelEntry(Struct, frozen=True):
    parallel: list[Any] | dict[str, Any]
    name: str = ""
    merge: str = "disjoint"
    at_most: int = 16


class _ConditionEntry(Struct, frozen=True):
    when: Any = field(name="if")
    then: Any
    otherwise: Any = field(name="else", default=None)
    name: str = ""


class _LoopEntry(Struct, frozen=True):
    loop: Any
    until: Any = None
    max_rounds: int = 10
    at_limit: Literal["go_on", "fail"] = "go_on"
    name: str = ""


class _RouterEntry(Struct, frozen=True):
    route: str
    routes: dict[str, Any]
    prompt: str = ""
    name: str = ""


class _Test(Struct, frozen=True):
    """A question that needs no code: one of the three, of a text or of a field of the state."""

    of: str = "previous"
    contains: str | None = None
    equals: Any = None
    matches: str | None = None


def workflow_from_file(path: str | Path, *, model: str | None = None) -> Workflow:
    """Read a workflow from a TOML file; its models are made at its first run.

    Args:
        path: the file.
        model: for the agents and teams that name none.

    Raises:
        InputError: the file, or code that it names, is not there.
        ConfigurationError: the file cannot be used; the message names the key.
    """
    return _read_file(Path(path), model, ())


def _read_file(path: Path, model: str | None, within: tuple[Path, ...]) -> Workflow:
    document, where = read_document(path)
    if where.file.resolve() in within:
        raise where.error("it is a step of itself")
    check_keys(document, [*_WorkflowEntry.__struct_fields__, *TABLES], where)
    known = read_members(document, where)
    if model is not None:
        known = {name: _with_model(member, model) for name, member in known.items()}
    reader = _Reader(known, model, (*within, where.file.resolve()))
    own = {key: value for key, value in document.items() if key not in TABLES}
    entry = read_table(own, _WorkflowEntry, where)
    limits = entry.limits
    bounded = limits.seconds is not None or limits.tokens is not None
    return Workflow(
        reader.nodes(entry.steps, where.inside("steps")),
        name=where.file.stem if entry.name is None else entry.name,
        state_type=_state_type(entry.state) if entry.state else None,
        limits=Limits(seconds=limits.seconds, tokens=limits.tokens) if bounded else None,
        checkpoints=_checkpoints(entry.checkpoints, where),
    )


def _with_model(member: Runnable, model: str) -> Runnable:
    if isinstance(member, Agent | Team) and member.model is None:
        return member.replace(model=model)
    return member


def _checkpoints(name: str | None, where: Place) -> Any:
    if name is None:
        return None
    from agno_cli.storage import SqliteCheckpoints

    return SqliteCheckpoints(where.file.parent / Path(name).expanduser())


def _state_type(state: dict[str, Any]) -> Any:
    """Make a type whose fields begin with these values."""
    fields = [
        (name, type(value), field(default_factory=partial(deepcopy, value)))
        for name, value in state.items()
    ]
    return msgspec.defstruct("State", fields)


class _Reader:
    """Makes the nodes of one file.

    Raises, from each method:
        InputError: code that is named is not there.
        ConfigurationError: what is written cannot be used.
    """

    def __init__(self, known: _Known, model: str | None, within: tuple[Path, ...]) -> None:
        self._known = known
        self._model = model
        self._within = within
        self._kinds: dict[str, Callable[[Any, Place], Any]] = {
            "run": self._step,
            "parallel": self._parallel,
            "if": self._condition,
            "loop": self._loop,
            "route": self._router,
        }

    def nodes(self, values: list[Any], where: Place) -> list[Any]:
        """Make the nodes of a list."""
        if not values:
            raise where.error("there are no steps; write `[[steps]]` for each")
        return [
            self.node(value, where.inside(str(number))) for number, value in enumerate(values, 1)
        ]

    def node(self, value: Any, where: Place) -> Any:
        """Make one node."""
        if isinstance(value, str):
            return self._work(value, where)
        if isinstance(value, list):
            return self.nodes(value, where)
        if not isinstance(value, dict):
            raise where.error(f"it is {value!r}; write a table, a list or a name")
        kinds = [kind for kind in self._kinds if kind in value]
        if len(kinds) != 1:
            said = " and ".join(f"`{kind}`" for kind in kinds) or "none"
            wanted = ", ".join(f"`{kind}`" for kind in self._kinds)
            raise where.error(f"a node has one of {wanted}; this one has {said}")
        return self._kinds[kinds[0]](value, where)

    def _work(self, name: str, where: Place) -> Any:
        """Give the agent, team, function or workflow that a name stands for."""
        if name in self._known:
            return self._known[name]
        if name.endswith(".toml"):
            return _read_file(where.file.parent / name, self._model, self._within)
        if ":" in name:
            return read_code(name, where, _is_function)
        raise where.error(
            f"there is no agent or team `{name}`; {nearest(name, self._known)} (a function is"
            " `module:function` or `file.py:function`, a workflow is `file.toml`)"
        )

    def _step(self, value: Any, where: Place) -> Step:
        entry = read_table(value, _StepEntry, where)
        retry = entry.retry
        if isinstance(retry, dict):
            retry = read_table(retry, Retry, where.inside("retry"))
        return Step(
            self._work(entry.run, where.inside("run")),
            entry.name,
            entry.prompt,
            retry,
            entry.timeout,
            entry.history,
            entry.into,
            quick=entry.quick,
        )

    def _parallel(self, value: Any, where: Place) -> Parallel:
        entry = read_table(value, _ParallelEntry, where)
        inside = where.inside("parallel")
        merge: Any = entry.merge
        if ":" in merge:
            merge = read_code(merge, where.inside("merge"), _is_function)
        branches: Any = entry.parallel
        if isinstance(branches, dict):
            branches = {key: self.node(node, inside.inside(key)) for key, node in branches.items()}
        else:
            branches = self.nodes(branches, inside)
        return Parallel(branches, entry.name, merge, entry.at_most)

    def _condition(self, value: Any, where: Place) -> Condition:
        entry = read_table(value, _ConditionEntry, where)
        otherwise = None
        if entry.otherwise is not None:
            otherwise = self.node(entry.otherwise, where.inside("else"))
        return Condition(
            _question(entry.when, where.inside("if")),
            self.node(entry.then, where.inside("then")),
            otherwise,
            entry.name,
        )

    def _loop(self, value: Any, where: Place) -> Loop:
        entry = read_table(value, _LoopEntry, where)
        until = None if entry.until is None else _question(entry.until, where.inside("until"))
        body = self.node(entry.loop, where.inside("loop"))
        return Loop(body, until, entry.max_rounds, entry.at_limit, entry.name)

    def _router(self, value: Any, where: Place) -> Router:
        entry = read_table(value, _RouterEntry, where)
        inside = where.inside("routes")
        routes = {key: self.node(node, inside.inside(key)) for key, node in entry.routes.items()}
        choose = self._work(entry.route, where.inside("route"))
        return Router(choose, routes, entry.prompt, entry.name)


def _question(value: Any, where: Place) -> _Question:
    """Make the function that answers a question: the user's own, or one that is written down."""
    if isinstance(value, str):
        found: _Question = read_code(value, where, _is_function)
        return found
    test = read_table(value, _Test, where)
    answers = [
        answer for answer in (test.contains, test.equals, test.matches) if answer is not None
    ]
    if len(answers) != 1:
        raise where.error("give one of `contains`, `equals` and `matches`")
    if not re.fullmatch(r"previous|prompt|state\.\w+", test.of):
        raise where.inside("of").error(
            f"it is {test.of!r}; write `previous`, `prompt` or `state.FIELD`"
        )
    if test.matches is not None:
        return _matching(test, where.inside("matches"))
    if test.contains is not None:
        part = test.contains
        return lambda given: part.casefold() in as_text(_subject(test.of, given)).casefold()
    return lambda given: _subject(test.of, given) == test.equals


def _matching(test: _Test, where: Place) -> _Question:
    try:
        pattern = re.compile(test.matches or "")
    except re.error as error:
        raise where.error(f"it is no regular expression: {error}") from error
    return lambda given: pattern.search(as_text(_subject(test.of, given))) is not None


def _subject(of: str, given: StepInput) -> Any:
    if of == "previous":
        return given.text if given.previous is None else given.previous
    if of == "prompt":
        return given.prompt
    return fields_of(given.state).get(of.removeprefix("state."))


def _is_function(value: Any) -> bool:
    return callable(value) and not isinstance(value, type)
