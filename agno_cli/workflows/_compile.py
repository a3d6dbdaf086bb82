"""From the nodes of a workflow to what its runs use: checked, named and numbered, once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

import msgspec

from agno_cli._agent import Agent
from agno_cli._checkpoints import is_checkpoints
from agno_cli._errors import ConfigurationError, InputError
from agno_cli._limits import Limits, check_seconds
from agno_cli._memory import is_memory
from agno_cli._orchestration import is_runnable
from agno_cli._output import JsonSchema
from agno_cli.workflows._nodes import (
    Condition,
    Loop,
    Parallel,
    Prompt,
    Retry,
    Router,
    Step,
    StepInput,
    StepResult,
    WorkflowFields,
)
from agno_cli.workflows._plan import (
    ConditionPlan,
    InnerPlan,
    ListPlan,
    LoopPlan,
    NodePlan,
    ParallelPlan,
    RouterPlan,
    StepPlan,
    WorkflowPlan,
)
from agno_cli.workflows._state import MERGES, as_text, check_state_type, fields_of, first_state

# inspect's CO_COROUTINE, and CO_GENERATOR | CO_ASYNC_GENERATOR; importing it takes 10 ms.
_COROUTINE = 0x80
_GENERATOR = 0x20 | 0x200
_LONGEST_NAME = 64
_PLACE = re.compile(r"\{(prompt|previous|round|state(?:\.\w+)*)\}")


def compile_workflow(workflow: WorkflowFields) -> WorkflowPlan:
    """Check a workflow and prepare its nodes.

    Raises:
        ConfigurationError: a node or a field that cannot work as written.
    """
    _check_fields(workflow)
    compiler = _Compiler()
    body = compiler.body(workflow, "", last=True)
    steps = compiler.steps
    line = _line(workflow, body)
    return WorkflowPlan(
        name=workflow.name,
        body=body,
        shape=tuple(compiler.shape),
        line=line,
        async_line=() if any(step.waits for step in line) else line,
        state_type=workflow.state_type,
        limits=workflow.limits,
        seconds=None if workflow.limits is None else workflow.limits.seconds,
        memory=workflow.memory,
        checkpoints=workflow.checkpoints,
        calls_functions=any(step.function is not None for step in steps) or compiler.asks,
        history=max((step.history for step in steps), default=0),
    )


def _line(workflow: WorkflowFields, body: ListPlan) -> tuple[StepPlan, ...]:
    """Give the steps of a workflow that is no more than a row of plain ones, else none."""
    wishes = workflow.limits, workflow.memory, workflow.checkpoints
    if any(wish is not None for wish in wishes):
        return ()
    steps = [node for node in body.nodes if isinstance(node, StepPlan) and _is_plain(node)]
    return tuple(steps) if len(steps) == len(body.nodes) else ()


def _is_plain(step: StepPlan) -> bool:
    wishes = step.prompt, step.retry, step.timeout
    return not any(wish is not None for wish in wishes) and not (step.history or step.into)


class _Compiler:
    """Prepares the nodes of one workflow and collects their paths."""

    def __init__(self) -> None:
        self.shape: list[str] = []
        self._paths: set[str] = set()
        self.steps: list[StepPlan] = []
        self.asks = False  # whether a node asks a function of the user's
        self._within: list[WorkflowFields] = []
        self._kinds: dict[type, Callable[..., NodePlan]] = {
            Parallel: self._parallel,
            Condition: self._condition,
            Loop: self._loop,
            Router: self._router,
        }

    def body(self, workflow: WorkflowFields, prefix: str, *, last: bool) -> ListPlan:
        """Prepare the nodes of a workflow, which may stand within another one."""
        if workflow in self._within:
            raise ConfigurationError(f"workflow `{workflow.name}` is a step of itself")
        self._within.append(workflow)
        body = self._list(workflow.steps, prefix, last=last)
        self._within.pop()
        return body

    def _list(self, nodes: Any, prefix: str, *, last: bool) -> ListPlan:
        if not isinstance(nodes, list | tuple) or not nodes:
            where = f" at `{prefix.rstrip('.')}`" if prefix else ""
            raise ConfigurationError(f"the steps{where} are {nodes!r}; give a list of nodes")
        end = len(nodes)
        made = (
            self._node(node, f"{prefix}{number}", last=last and number == end)
            for number, node in enumerate(nodes, 1)
        )
        return ListPlan(tuple(made))

    def _node(self, node: Any, place: str, *, last: bool) -> NodePlan:
        """Prepare one node; `last` says that the workflow ends with it."""
        if isinstance(node, list | tuple):
            return self._list(node, f"{place}.", last=last)
        for kind, prepare in self._kinds.items():
            if isinstance(node, kind):
                return prepare(node, place, last=last)
        step = node if isinstance(node, Step) else Step(node)
        if isinstance(step.run, WorkflowFields):
            return self._inner(step, step.run, place, last=last)
        return self._step(step, place, last=last)

    def _enter(self, name: Any, kind: str, place: str) -> tuple[str, str]:
        """Give a node its name and its path, which no other may have."""
        if not isinstance(name, str):
            raise ConfigurationError(f"the name of a node at `{place}` is {name!r}; give a text")
        name = name or kind
        path = f"{place}.{_slug(name) or kind}"
        if path in self._paths:
            raise ConfigurationError(f"two nodes have the path `{path}`; rename one")
        self._paths.add(path)
        self.shape.append(f"{kind} {path}")
        return name, path

    def _step(self, step: Step, place: str, *, last: bool) -> StepPlan:
        work = step.run
        runnable = work if is_runnable(work) else None
        if runnable is None and (not callable(work) or isinstance(work, type)):
            raise ConfigurationError(
                f"the node at `{place}` is {work!r}; give a Step, Parallel, Condition, Loop or"
                " Router, an agent, a team, a workflow, a function or a list of these"
            )
        own_name = getattr(work, "name" if runnable else "__name__", "step")
        name, path = self._enter(step.name or own_name, "step", place)
        _check_step(step, path, is_function=runnable is None)
        if isinstance(work, Agent):
            work.check()
        made = StepPlan(
            path=path,
            name=name,
            runnable=runnable,
            function=None if runnable is not None else work,
            waits=runnable is None and not step.quick and not is_async(work),
            quick=_is_quick(runnable) if runnable is not None else step.quick,
            prompt=self._prompt(step.prompt, path),
            retry=_retry(step.retry),
            timeout=step.timeout,
            history=step.history,
            into=self._field(step.into, path),
            returns=_returns(step, path),
            voice=last and runnable is not None and _retry(step.retry) is None,
        )
        self.steps.append(made)
        return made

    def _inner(self, step: Step, inner: WorkflowFields, place: str, *, last: bool) -> InnerPlan:
        name, path = self._enter(step.name or inner.name, "workflow", place)
        _check_fields(inner)
        _check_inner(step, inner, path)
        return InnerPlan(
            path=path,
            name=name,
            body=self.body(inner, f"{path}.", last=last),
            state_type=inner.state_type,
            prompt=self._prompt(step.prompt, path),
            into=self._field(step.into, path),
        )

    def _parallel(self, node: Parallel, place: str, *, last: bool) -> ParallelPlan:  # noqa: ARG002 - none of several is the last
        name, path = self._enter(node.name, "parallel", place)
        if not isinstance(node.branches, list | tuple | Mapping) or not node.branches:
            raise ConfigurationError(
                f"the branches of `{path}` are {node.branches!r}; give a list of nodes or a dict"
            )
        if type(node.at_most) is not int or node.at_most < 1:
            raise ConfigurationError(
                f"`at_most` of `{path}` is {node.at_most!r}; give a whole number from 1 up"
            )
        merge = MERGES.get(node.merge) if isinstance(node.merge, str) else node.merge
        if not callable(merge):
            raise ConfigurationError(
                f"`merge` of `{path}` is {node.merge!r}; give a function or one of"
                f" {', '.join(MERGES)}"
            )
        named = isinstance(node.branches, Mapping)
        nodes = node.branches.values() if isinstance(node.branches, Mapping) else node.branches
        branches = tuple(
            self._node(branch, f"{path}.{number}", last=False)
            for number, branch in enumerate(nodes, 1)
        )
        names = tuple(node.branches) if named else _branch_names(branches, path)
        return ParallelPlan(
            path=path,
            name=name,
            names=tuple(map(str, names)),
            branches=branches,
            merge=merge,
            own_merge=not isinstance(node.merge, str),
            at_most=node.at_most,
            quick=all(map(_never_waits, branches)),
        )

    def _condition(self, node: Condition, place: str, *, last: bool) -> ConditionPlan:
        name, path = self._enter(node.name, "condition", place)
        otherwise = node.otherwise
        return ConditionPlan(
            path=path,
            name=name,
            when=self._question(node.when, "when", path),
            then=self._node(node.then, f"{path}.then", last=last),
            otherwise=None
            if otherwise is None
            else self._node(otherwise, f"{path}.otherwise", last=last),
        )

    def _loop(self, node: Loop, place: str, *, last: bool) -> LoopPlan:  # noqa: ARG002 - which round is the last is not known
        name, path = self._enter(node.name, "loop", place)
        if type(node.max_rounds) is not int or node.max_rounds < 1:
            raise ConfigurationError(
                f"`max_rounds` of `{path}` is {node.max_rounds!r}; give a whole number from 1 up"
            )
        if node.at_limit not in ("go_on", "fail"):
            raise ConfigurationError(
                f"`at_limit` of `{path}` is {node.at_limit!r}; give `go_on` or `fail`"
            )
        return LoopPlan(
            path=path,
            name=name,
            body=self._node(node.body, f"{path}.body", last=False),
            until=None if node.until is None else self._question(node.until, "until", path),
            max_rounds=node.max_rounds,
            fails=node.at_limit == "fail",
        )

    def _router(self, node: Router, place: str, *, last: bool) -> RouterPlan:
        name, path = self._enter(node.name, "router", place)
        if not isinstance(node.routes, Mapping) or not node.routes:
            raise ConfigurationError(
                f"the routes of `{path}` are {node.routes!r}; give a dict of nodes by name"
            )
        asked = is_runnable(node.choose)
        asks = None
        if asked:
            chooser = Step(node.choose, "choose", prompt=node.prompt)
            asks = self._step(chooser, path, last=False)
        return RouterPlan(
            path=path,
            name=name,
            choose=None if asked else self._question(node.choose, "choose", path),
            asks=asks,
            routes={
                key: self._node(route, f"{path}.{_slug(key) or 'route'}", last=last)
                for key, route in _text_keys(node.routes, path)
            },
        )

    def _field(self, into: Any, path: str) -> str:
        kind = self._within[-1].state_type
        names = getattr(kind, "__struct_fields__", None) or getattr(
            kind, "__dataclass_fields__", None
        )
        if not isinstance(into, str) or (into and names is not None and into not in names):
            offer = f"; there are {', '.join(names)}" if names is not None else ""
            raise ConfigurationError(
                f"`into` of `{path}` is {into!r}; name a field of the state{offer}"
            )
        return into

    def _question(self, function: Any, field: str, path: str) -> Callable[[StepInput], Any]:
        if not callable(function) or isinstance(function, type):
            raise ConfigurationError(
                f"`{field}` of `{path}` is {function!r}; give a function of the StepInput"
            )
        self.asks = True
        asked: Callable[[StepInput], Any] = function
        return asked

    def _prompt(self, prompt: Prompt, path: str) -> Callable[[StepInput], Any] | None:
        if isinstance(prompt, str):
            return template(prompt) if prompt else None
        return self._question(prompt, "prompt", path)


def template(text: str) -> Callable[[StepInput], str]:
    """Make a function that fills the places of a text; other braces stay as they are.

    One pass: what is put in is not looked at again, so a model's `{prompt}` stays its own.
    """
    parts = _PLACE.split(text)
    if len(parts) == 1:
        return lambda _: text

    def fill(given: StepInput) -> str:
        filled = [
            part if number % 2 == 0 else _value_of(part, given) for number, part in enumerate(parts)
        ]
        return "".join(filled)

    return fill


def _value_of(place: str, given: StepInput) -> str:
    if place == "prompt":
        return given.prompt
    if place == "previous":
        return given.text
    if place == "round":
        return str(given.round)
    value = given.state
    for name in place.split(".")[1:]:
        fields = fields_of(value)
        if name not in fields:
            raise KeyError(f"`{{{place}}}`: the state has no `{name}`, only {sorted(fields)}")
        value = fields[name]
    return as_text(value)


def is_async(function: Any) -> bool:
    """Tell whether a function is a coroutine function; where it cannot be told, it is not."""
    return bool(_flags(function) & _COROUTINE)


def _flags(function: Any) -> int:
    function = getattr(function, "func", function)  # of a partial
    code = getattr(function, "__code__", None)
    if code is None:
        code = getattr(vars(type(function)).get("__call__"), "__code__", None)
    return getattr(code, "co_flags", 0)


def _is_quick(runnable: Any) -> bool:
    """Tell whether a member's run never waits; of members of other kinds it is not known."""
    plan = runnable._plan if isinstance(runnable, Agent) else None  # noqa: SLF001 - just made
    return plan is not None and plan.quick


def _never_waits(node: NodePlan) -> bool:
    if isinstance(node, StepPlan):
        return node.quick and node.timeout is None
    if isinstance(node, ListPlan):
        return all(map(_never_waits, node.nodes))
    if isinstance(node, InnerPlan):
        return _never_waits(node.body)
    return False  # their questions are the user's


def _slug(name: str) -> str:
    return re.sub(r"[^\w-]+", "-", name).strip("-")[:_LONGEST_NAME]


def _branch_names(branches: tuple[NodePlan, ...], path: str) -> tuple[str, ...]:
    names = [
        str(number) if isinstance(branch, ListPlan) else branch.name
        for number, branch in enumerate(branches, 1)
    ]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(
                f"two branches of `{path}` are named `{name}`; name them:"
                " `Parallel({'one': ..., 'two': ...})`"
            )
    return tuple(names)


def _text_keys(routes: Mapping[str, Any], path: str) -> list[tuple[str, Any]]:
    for key in routes:
        if not isinstance(key, str) or not key.strip():
            raise ConfigurationError(f"a route of `{path}` is named {key!r}; give a text")
    return list(routes.items())


def _retry(given: Retry | int | None) -> Retry | None:
    retry = Retry(attempts=given) if isinstance(given, int) else given
    return None if retry is None or retry.attempts == 1 else retry


def _returns(step: Step, path: str) -> Any:
    """Find the type of a step's value; Any where it is not said."""
    kind = step.returns
    if kind is None:
        if is_runnable(step.run):
            kind = getattr(step.run, "output_type", None)
        else:
            kind = _annotated(step.run)
    if kind is None or kind is type(None) or kind is StepResult or isinstance(kind, JsonSchema):
        return Any
    try:
        msgspec.json.Decoder(kind)
    except Exception as error:
        if step.returns is None:
            return Any
        raise ConfigurationError(f"`returns` of `{path}` cannot be restored: {error}") from error
    return kind


def _annotated(function: Any) -> Any:
    function = getattr(function, "func", function)
    try:
        return get_type_hints(function).get("return")
    except Exception:  # names that are not there, an object without annotations
        return None


def _check_step(step: Step, path: str, *, is_function: bool) -> None:
    if type(step.history) is not int or step.history < 0:
        raise ConfigurationError(
            f"`history` of `{path}` is {step.history!r}; give a whole number from 0 up"
        )
    if step.timeout is not None:
        check_seconds(f"`timeout` of `{path}`", step.timeout)
    if not isinstance(step.retry, Retry | int | None):
        raise ConfigurationError(f"`retry` of `{path}` is {step.retry!r}; give a Retry or a number")
    if not is_function and step.history and getattr(step.run, "memory", None) is not None:
        raise ConfigurationError(
            f"`{path}` asks for history, but has a memory of its own; leave one out"
        )
    if is_function:
        _check_function(step, path)


def _check_function(step: Step, path: str) -> None:
    if _flags(step.run) & _GENERATOR:
        raise ConfigurationError(f"`{path}` is a generator; return a value instead")
    if step.prompt:
        raise ConfigurationError(f"`{path}` is a function, which takes no `prompt`; leave it out")
    if step.quick and (is_async(step.run) or step.timeout is not None):
        raise ConfigurationError(
            f"`{path}` is quick, so it can be neither async nor timed; drop `quick=True`"
        )


def _check_inner(step: Step, inner: WorkflowFields, path: str) -> None:
    for field in ("limits", "memory", "checkpoints"):
        if getattr(inner, field) is not None:
            raise ConfigurationError(
                f"the workflow at `{path}` has {field} of its own; give them to the outermost"
                " workflow, where they hold for all of its steps"
            )
    try:
        first_state(inner.state_type, None)
    except InputError as error:
        raise ConfigurationError(
            f"the state of the workflow at `{path}` has no beginning: {error}; give its fields"
            " defaults"
        ) from error
    for field in ("retry", "timeout", "history"):
        if getattr(step, field):
            raise ConfigurationError(
                f"`{path}` is a workflow, which takes no `{field}`; give it to the steps inside"
            )


def _check_fields(workflow: WorkflowFields) -> None:
    def check(field: str, fits: bool, wanted: str) -> None:  # noqa: FBT001 - private
        if not fits:
            value = getattr(workflow, field)
            raise ConfigurationError(f"a workflow's `{field}` is {value!r}; give {wanted}")

    check("name", isinstance(workflow.name, str), "a text")
    limits, memory, store = workflow.limits, workflow.memory, workflow.checkpoints
    check("limits", limits is None or isinstance(limits, Limits), "a `Limits`")
    check("memory", memory is None or is_memory(memory), "a Memory, not its class or name")
    fits = store is None or is_checkpoints(store)
    check("checkpoints", fits, "a MemoryCheckpoints or a SqliteCheckpoints")
    if workflow.state_type is not None:
        check_state_type(workflow.state_type)
