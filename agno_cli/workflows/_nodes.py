"""The nodes that a workflow is written with, and what functions in them are given.

Plain values: what they mean is checked and prepared once, by `_plan.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from agno_cli._checkpoints import Checkpoints, PastRun
from agno_cli._context import RunContext
from agno_cli._description import Description
from agno_cli._errors import ConfigurationError
from agno_cli._limits import Limits
from agno_cli._memory import MemoryProtocol
from agno_cli.workflows._state import as_text, copy_of_data, differs, own_copy

Node: TypeAlias = Any
"""A Step, Parallel, Condition, Loop or Router; or an agent, a team, a workflow or a function,
which becomes a Step; or a list of nodes, carried out one after the other."""


class StepInput(Struct, eq=False):
    """What a function in a workflow is given.

    Args:
        prompt: the workflow's prompt.
        context: whom the run is for; its `run_id` is the workflow's.
        path: where the step stands.
        round: the round of the innermost loop, from 1; 0 outside loops.
        attempt: which attempt of its `retry` this is, from 1.
        history: the earlier completed runs that the step asked for, oldest first.
    """

    prompt: str
    _previous: Any
    context: RunContext
    path: str
    round: int = 0
    attempt: int = 1
    history: tuple[PastRun, ...] = ()
    _state: Any = None
    _taken: bool = False
    _looked: bool = False

    @property
    def previous(self) -> Any:
        """What the step before gave; None at the start.

        A text, or the value of a function or of an agent with an `output_type`; after Parallel,
        a dict by branch. A list, a dict or a record is a copy: others are given it too.
        """
        if not self._looked:
            self._previous, self._looked = copy_of_data(self._previous), True
        return self._previous

    @property
    def state(self) -> Any:
        """The state, as a copy that is the function's own.

        What a step changes in it counts once the step has finished: a failed attempt leaves
        the state as it was, and parallel branches never see each other's changes.
        """
        if not self._taken:
            self._state, self._taken = own_copy(self._state), True
        return self._state

    def left(self, state: Any) -> Any:
        """Give the state that the function has left: the one before when it changed nothing."""
        return self._state if self._taken and differs(self._state, state) else state

    @property
    def text(self) -> str:
        """What the step before gave, as text; the prompt at the start."""
        return as_text(self._previous) or self.prompt


class StepResult(Struct, frozen=True, kw_only=True):
    """What a function may return to give a new state, with or without a value.

    Without a value the output of the step before stays.
    """

    value: Any = None
    state: Any = None


class Retry(Struct, frozen=True, kw_only=True):
    """How often a failed step is tried again.

    Args:
        attempts: how many in all, the first one too.
        backoff: seconds before the second attempt; twice as many before each further one.
        longest: the longest wait in seconds.

    What a further attempt cannot mend is not tried again: a cancelled run, an input or a
    configuration that is wrong, a ModelError that is not `retryable`.

    Raises:
        ConfigurationError: a number that cannot be.
    """

    attempts: int = 3
    backoff: float = 0.5
    longest: float = 30.0

    def __post_init__(self) -> None:
        if type(self.attempts) is not int or self.attempts < 1:
            raise ConfigurationError(
                f"retry `attempts` is {self.attempts!r}; give a whole number from 1 up"
            )
        for name in ("backoff", "longest"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not 0 <= value < float("inf"):
                raise ConfigurationError(f"retry `{name}` is {value!r}; give seconds from 0 up")

    def wait(self, failed: int) -> float:
        """Give the seconds to wait after so many failed attempts."""
        return float(min(self.backoff * 2 ** min(failed - 1, 64), self.longest))


Prompt: TypeAlias = str | Callable[[StepInput], Any]
Merge: TypeAlias = Literal["disjoint", "last", "add"] | Callable[[Any, dict[str, Any]], Any]


class Step(Struct, frozen=True, eq=False):
    """One unit of work: an agent, a team, a workflow or a function.

    A function is given a StepInput. It may be asynchronous, and returns a text, a value, a
    StepResult or None, which leaves the output of the step before. A synchronous one is called
    in a thread by `arun`, unless it is `quick`.

    Args:
        run: what does the work.
        name: for paths, events and errors; by default the agent's or the function's own.
        prompt: what an agent, team or workflow is told, by default the output of the step
            before. A text in which `{prompt}`, `{previous}`, `{round}`, `{state}` and
            `{state.field}` are replaced, or a function of the StepInput.
        retry: how often it is tried when it fails: a `Retry` or a number of attempts.
        timeout: seconds one attempt may take.
        history: how many of the newest completed runs of this session it is shown: an agent as
            its conversation, a function as `StepInput.history`.
        into: the field of the state that the value is put into.
        returns: the type of a function's value, by which a checkpoint restores it; by default
            the function's annotation.
        quick: whether a function is called where the run is, never in a thread; for pure
            functions of microseconds.
    """

    run: Any
    name: str = ""
    prompt: Prompt = ""
    retry: Retry | int | None = None
    timeout: float | None = None
    history: int = 0
    into: str = ""
    returns: Any = None
    quick: bool = False


class Parallel(Struct, frozen=True, eq=False):
    """Nodes that are carried out at once, each from the same state and output.

    It gives a dict of what its branches gave, by their names, in their order. When one fails
    the others are stopped.

    Args:
        branches: the nodes, as a list or by name.
        merge: how the states of the branches become one: `disjoint` takes the fields that each
            has changed, and fails where two changed the same; `last` lets the later branch
            win; `add` adds numbers, joins what was appended to lists, and unites sets and
            dicts; or a function of the state before and a dict of the states by branch.
        at_most: how many run at once.
    """

    branches: Sequence[Node] | Mapping[str, Node]
    name: str = ""
    merge: Merge = "disjoint"
    at_most: int = 16


class Condition(Struct, frozen=True, eq=False):
    """A node that is carried out when a function of the StepInput says so, else another."""

    when: Callable[[StepInput], Any]
    then: Node
    otherwise: Node = None
    name: str = ""


class Loop(Struct, frozen=True, eq=False):
    """A node that is carried out again and again, until a function says that it is done.

    Args:
        body: the node of each round, which begins with the output of the round before.
        until: asked after each round, with its output; without one, all rounds are made.
        max_rounds: how many rounds there are at most.
        at_limit: what becomes of a loop that is not done by then.
    """

    body: Node
    until: Callable[[StepInput], Any] | None = None
    max_rounds: int = 10
    at_limit: Literal["go_on", "fail"] = "go_on"
    name: str = ""


class Router(Struct, frozen=True, eq=False):
    """One node of several, chosen by name.

    Args:
        choose: a function of the StepInput that gives the name, or an agent whose answer it is.
        routes: the nodes by name.
        prompt: what a choosing agent is told; see `Step`.
    """

    choose: Any
    routes: Mapping[str, Node]
    prompt: Prompt = ""
    name: str = ""


class _WithSteps(Description, eq=False):
    """Holds the one field of a Workflow that may be given without its name."""

    steps: Sequence[Node]


class WorkflowFields(_WithSteps, kw_only=True, eq=False):
    """What a workflow is written with; see `Workflow`."""

    name: str = "workflow"
    state_type: Any = None
    limits: Limits | None = None
    memory: MemoryProtocol | None = None
    checkpoints: Checkpoints | None = None
