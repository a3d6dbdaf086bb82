"""What a workflow's runs need, checked and prepared once: its nodes with their paths.

A path says where a node stands, and is what checkpoints are kept by: `2.parallel.1.draft` is
the first branch of the second node. In loops the rounds are appended, as in `3.loop.1.draft#2`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from agno_cli._checkpoints import Checkpoints
from agno_cli._limits import Limits
from agno_cli._memory import MemoryProtocol
from agno_cli._orchestration import Runnable
from agno_cli.workflows._nodes import Retry, StepInput


class StepPlan(Struct, frozen=True, eq=False, kw_only=True):
    """A step as its runs use it.

    Attributes:
        runnable: what is run; None when `function` is called.
        waits: whether an asynchronous run calls the function in a thread.
        prompt: makes the prompt of a runnable; None: the output before, or the prompt.
        returns: the type by which a checkpoint restores the value.
        voice: whether its text is the workflow's own: nothing comes after it.
    """

    path: str
    name: str
    runnable: Runnable | None
    function: Any
    waits: bool
    quick: bool
    prompt: Callable[[StepInput], Any] | None
    retry: Retry | None
    timeout: float | None
    history: int
    into: str
    returns: Any
    voice: bool


class ListPlan(Struct, frozen=True, eq=False):
    """Nodes, one after the other."""

    nodes: tuple[NodePlan, ...]


class ParallelPlan(Struct, frozen=True, eq=False, kw_only=True):
    """Branches; `own_merge`: the states are left to a function of the user's."""

    path: str
    name: str
    names: tuple[str, ...]
    branches: tuple[NodePlan, ...]
    merge: Callable[[Any, dict[str, Any]], Any]
    own_merge: bool
    at_most: int
    quick: bool


class ConditionPlan(Struct, frozen=True, eq=False, kw_only=True):
    """A question and two nodes; `otherwise` may be nothing."""

    path: str
    name: str
    when: Callable[[StepInput], Any]
    then: NodePlan
    otherwise: NodePlan | None


class LoopPlan(Struct, frozen=True, eq=False, kw_only=True):
    """A node for each round."""

    path: str
    name: str
    body: NodePlan
    until: Callable[[StepInput], Any] | None
    max_rounds: int
    fails: bool


class RouterPlan(Struct, frozen=True, eq=False, kw_only=True):
    """Nodes by name; `asks` is the step that chooses where that is no function."""

    path: str
    name: str
    choose: Callable[[StepInput], Any] | None
    asks: StepPlan | None
    routes: Mapping[str, NodePlan]


class InnerPlan(Struct, frozen=True, eq=False, kw_only=True):
    """A workflow within a workflow: its nodes, with a state of their own."""

    path: str
    name: str
    body: ListPlan
    state_type: Any
    prompt: Callable[[StepInput], Any] | None
    into: str


NodePlan: TypeAlias = (
    StepPlan | ListPlan | ParallelPlan | ConditionPlan | LoopPlan | RouterPlan | InnerPlan
)


class WorkflowPlan(Struct, frozen=True, eq=False, kw_only=True):
    """A workflow's fields in the form its runs use.

    Attributes:
        shape: the paths of all nodes, in order.
        line: the steps, where they are plain ones in a row and nothing is asked for beyond them.
        async_line: the same, where no step is a function that `arun` calls in a thread.
        calls_functions: some node is or asks a function, which is given the RunContext.
        history: how many earlier runs its steps ask for at most.
    """

    name: str
    body: ListPlan
    shape: tuple[str, ...]
    line: tuple[StepPlan, ...]
    async_line: tuple[StepPlan, ...]
    state_type: Any
    limits: Limits | None
    seconds: float | None
    memory: MemoryProtocol | None
    checkpoints: Checkpoints | None
    calls_functions: bool
    history: int
