"""What a worker does, wherever it is: a job in, what came of it out, both as JSON.

Workers are asked through this one function by all engines, so that a job, and a share of it that
is done again, is the same on any of them.
"""

from __future__ import annotations

import gc
from typing import TypeAlias

import msgspec
from msgspec import Struct

from agno_cli._errors import ConfigurationError, InputError
from agno_cli.scenarios._batch_job import BatchDone, BatchJob
from agno_cli.scenarios._multi_agent_job import MultiAgentDone, MultiAgentJob
from agno_cli.scenarios._process import clock_name

Job: TypeAlias = BatchJob | MultiAgentJob
Done: TypeAlias = BatchDone | MultiAgentDone


class Ready(Struct, frozen=True):
    """What a worker says first: the clock of its machine; see `clock_name`."""

    clock: str


class Answer(Struct, frozen=True):
    """What came of a job: `done`, or why not, with the kind of the error."""

    done: Done | None = None
    kind: str = ""
    problem: str = ""

    def result(self) -> Done:
        """Give what was done.

        Raises:
            InputError, ConfigurationError: what the user gave cannot be used.
            WorkFailedError: it failed for another reason.
        """
        if self.done is not None:
            return self.done
        kinds = {"InputError": InputError, "ConfigurationError": ConfigurationError}
        if self.kind in kinds:
            raise kinds[self.kind](self.problem)
        raise WorkFailedError(f"{self.kind}: {self.problem}")


class WorkFailedError(Exception):
    """A job could not be done; its text says why."""


def greet() -> bytes:
    """Give what a worker says first."""
    gc.collect()
    return msgspec.json.encode(Ready(clock_name()))


def perform(job: bytes) -> bytes:
    """Do a job; an error is an answer too."""
    try:
        return msgspec.json.encode(Answer(_perform(msgspec.json.decode(job, type=Job))))
    except Exception as error:  # it runs the user's code, and its words are all that gets back
        text = " ".join(str(error).split())
        return msgspec.json.encode(Answer(kind=type(error).__name__, problem=text))


def _perform(job: Job) -> Done:
    if isinstance(job, BatchJob):
        from agno_cli.scenarios._batch_work import make_batch

        return make_batch(job)
    from agno_cli.scenarios._multi_agent_work import work_together

    return work_together(job)
