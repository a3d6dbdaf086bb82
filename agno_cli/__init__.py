"""Agents that cost what a C struct costs, and a command line that measures them honestly.

Names are imported when they are first used: `agno --help` needs none of them, and msgspec and
the runtime would be a third of its time.
"""

TYPE_CHECKING = False  # as type checkers know it; `typing` takes 15 ms, with Ctrl-C a traceback

if TYPE_CHECKING:
    from ._agent import Agent as Agent
    from ._checkpoints import Checkpoints as Checkpoints
    from ._checkpoints import MemoryCheckpoints as MemoryCheckpoints
    from ._context import CancelToken as CancelToken
    from ._context import RunContext as RunContext
    from ._errors import AgnoError as AgnoError
    from ._errors import ConfigurationError as ConfigurationError
    from ._errors import CredentialsError as CredentialsError
    from ._errors import InputError as InputError
    from ._errors import LimitReached as LimitReached
    from ._errors import ModelError as ModelError
    from ._errors import OutputInvalid as OutputInvalid
    from ._errors import Rejected as Rejected
    from ._errors import RunCancelled as RunCancelled
    from ._errors import RunError as RunError
    from ._errors import RunFailed as RunFailed
    from ._errors import RunRejected as RunRejected
    from ._errors import StorageError as StorageError
    from ._events import Event as Event
    from ._events import MemberEvent as MemberEvent
    from ._events import ReasoningDelta as ReasoningDelta
    from ._events import RunFinished as RunFinished
    from ._events import RunStarted as RunStarted
    from ._events import StepFailed as StepFailed
    from ._events import StepFinished as StepFinished
    from ._events import StepStarted as StepStarted
    from ._events import TextDelta as TextDelta
    from ._events import ToolCallFinished as ToolCallFinished
    from ._events import ToolCallStarted as ToolCallStarted
    from ._events import TurnFinished as TurnFinished
    from ._hooks import Hooks as Hooks
    from ._limits import Limits as Limits
    from ._memory import Memory as Memory
    from ._memory import MemoryProtocol as MemoryProtocol
    from ._messages import Message as Message
    from ._messages import ModelResponse as ModelResponse
    from ._messages import RunOutput as RunOutput
    from ._messages import Timings as Timings
    from ._messages import ToolCall as ToolCall
    from ._messages import ToolResult as ToolResult
    from ._messages import Usage as Usage
    from ._output import JsonSchema as JsonSchema
    from ._pool import AgentPool as AgentPool
    from ._step_output import StepOutput as StepOutput
    from ._step_output import WorkflowOutput as WorkflowOutput
    from ._tools import Tool as Tool
    from ._tools import Toolkit as Toolkit
    from ._tools import tool as tool
    from .models import CachedModel as CachedModel
    from .models import ConcurrencyLimit as ConcurrencyLimit
    from .models import FallbackModel as FallbackModel
    from .models import MemoryCache as MemoryCache
    from .models import Model as Model
    from .models import ModelRequest as ModelRequest
    from .models import RateLimit as RateLimit
    from .models import RetryPolicy as RetryPolicy
    from .models import ScriptedModel as ScriptedModel
    from .models import SqliteCache as SqliteCache
    from .models import say as say
    from .teams._file import team_from_file as team_from_file
    from .teams._limits import TeamLimits as TeamLimits
    from .teams._output import MemberResult as MemberResult
    from .teams._output import Subtask as Subtask
    from .teams._output import TeamOutput as TeamOutput
    from .teams._team import Team as Team
    from .teams._tool import as_tool as as_tool
    from .workflows._nodes import Condition as Condition
    from .workflows._nodes import Loop as Loop
    from .workflows._nodes import Parallel as Parallel
    from .workflows._nodes import Retry as Retry
    from .workflows._nodes import Router as Router
    from .workflows._nodes import Step as Step
    from .workflows._nodes import StepInput as StepInput
    from .workflows._nodes import StepResult as StepResult
    from .workflows._workflow import Workflow as Workflow

__version__ = "0.1.0"

_HOMES = {
    "_agent": ("Agent",),
    "_context": (
        "CancelToken",
        "RunContext",
    ),
    "_errors": (
        "AgnoError",
        "ConfigurationError",
        "CredentialsError",
        "InputError",
        "LimitReached",
        "ModelError",
        "OutputInvalid",
        "Rejected",
        "RunCancelled",
        "RunError",
        "RunFailed",
        "RunRejected",
        "StorageError",
    ),
    "_events": (
        "Event",
        "MemberEvent",
        "ReasoningDelta",
        "RunFinished",
        "RunStarted",
        "StepFailed",
        "StepFinished",
        "StepStarted",
        "TextDelta",
        "ToolCallFinished",
        "ToolCallStarted",
        "TurnFinished",
    ),
    "_hooks": ("Hooks",),
    "_limits": ("Limits",),
    "_memory": (
        "Memory",
        "MemoryProtocol",
    ),
    "_messages": (
        "Message",
        "ModelResponse",
        "RunOutput",
        "Timings",
        "ToolCall",
        "ToolResult",
        "Usage",
    ),
    "_output": ("JsonSchema",),
    "_pool": ("AgentPool",),
    "teams._team": ("Team",),
    "teams._output": (
        "MemberResult",
        "Subtask",
        "TeamOutput",
    ),
    "teams._limits": ("TeamLimits",),
    "teams._file": ("team_from_file",),
    "teams._tool": ("as_tool",),
    "_tools": (
        "Tool",
        "Toolkit",
        "tool",
    ),
    "workflows._workflow": ("Workflow",),
    "_checkpoints": (
        "Checkpoints",
        "MemoryCheckpoints",
    ),
    "workflows._nodes": (
        "Condition",
        "Loop",
        "Parallel",
        "Retry",
        "Router",
        "Step",
        "StepInput",
        "StepResult",
    ),
    "_step_output": (
        "StepOutput",
        "WorkflowOutput",
    ),
    "models": (
        "CachedModel",
        "ConcurrencyLimit",
        "FallbackModel",
        "MemoryCache",
        "Model",
        "ModelRequest",
        "RateLimit",
        "RetryPolicy",
        "ScriptedModel",
        "SqliteCache",
        "say",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Agent",
    "AgentPool",
    "AgnoError",
    "CachedModel",
    "CancelToken",
    "Checkpoints",
    "ConcurrencyLimit",
    "Condition",
    "ConfigurationError",
    "CredentialsError",
    "Event",
    "FallbackModel",
    "Hooks",
    "InputError",
    "JsonSchema",
    "LimitReached",
    "Limits",
    "Loop",
    "MemberEvent",
    "MemberResult",
    "Memory",
    "MemoryCache",
    "MemoryCheckpoints",
    "MemoryProtocol",
    "Message",
    "Model",
    "ModelError",
    "ModelRequest",
    "ModelResponse",
    "OutputInvalid",
    "Parallel",
    "RateLimit",
    "ReasoningDelta",
    "Rejected",
    "Retry",
    "RetryPolicy",
    "Router",
    "RunCancelled",
    "RunContext",
    "RunError",
    "RunFailed",
    "RunFinished",
    "RunOutput",
    "RunRejected",
    "RunStarted",
    "ScriptedModel",
    "SqliteCache",
    "Step",
    "StepFailed",
    "StepFinished",
    "StepInput",
    "StepOutput",
    "StepResult",
    "StepStarted",
    "StorageError",
    "Subtask",
    "Team",
    "TeamLimits",
    "TeamOutput",
    "TextDelta",
    "Timings",
    "Tool",
    "ToolCall",
    "ToolCallFinished",
    "ToolCallStarted",
    "ToolResult",
    "Toolkit",
    "TurnFinished",
    "Usage",
    "Workflow",
    "WorkflowOutput",
    "as_tool",
    "say",
    "team_from_file",
    "tool",
]


if not TYPE_CHECKING:  # pragma: no branch - else every name would pass for `object`

    def __getattr__(name: str) -> object:
        """Import a public name from the module it lives in."""
        from importlib import import_module

        if name not in _HOME_OF:
            raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
        value: object = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


del TYPE_CHECKING
