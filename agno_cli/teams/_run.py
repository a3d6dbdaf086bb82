"""One run of a team: what every mode does alike, as a generator without I/O."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from time import perf_counter

from msgspec import Struct

from agno_cli._context import RunContext
from agno_cli._errors import (
    AgnoError,
    LimitReached,
    OutputInvalid,
    RunCancelled,
    RunFailed,
    RunRejected,
    copy_of,
)
from agno_cli._loop import check_prompt
from agno_cli._memory import MemoryProtocol
from agno_cli._messages import Message, RunOutput, Status
from agno_cli._orchestration import OStep, RunMember, Together, named, summed
from agno_cli._tools import Invoke
from agno_cli.teams._output import Answer, MemberResult, Subtask, TeamOutput
from agno_cli.teams._plan import Place, TeamPlan

_STATUS: dict[type[AgnoError], Status] = {
    RunCancelled: "cancelled",
    RunRejected: "rejected",
    LimitReached: "limited",
    OutputInvalid: "invalid",
}


class Earlier(Struct, frozen=True, eq=False):
    """The team's conversation as members without a memory of their own are shown it.

    What they say to each other in a run is not committed: the team commits its answer.
    """

    messages: Sequence[Message]

    def load(self) -> Sequence[Message]:
        """Give the conversation as it was when the run began."""
        return self.messages

    def commit(self, messages: Sequence[Message]) -> None:
        """Leave it to the team."""


class TeamRun(Struct, eq=False):
    """The state of one run; modes ask members by it and take down what they gave."""

    plan: TeamPlan
    run_id: str
    prompt: str
    context: RunContext | None
    started: float
    earlier: Earlier | None = None
    results: list[MemberResult] = []
    own: list[MemberResult] = []
    subtasks: tuple[Subtask, ...] = ()

    def ask(self, place: Place, prompt: str) -> RunMember:
        """Make the step that runs a member.

        Raises:
            LimitReached: the run has used so much that there is nothing left for it.
        """
        if self.plan.adds_up:
            try:
                self.plan.limits.check(self.outputs(), further=True)
            except LimitReached as error:
                raise _bare(named(f"before `{place.name}`", error)) from None
        memory = None if place.remembers else self.earlier
        return RunMember(place.runnable, place.name, prompt, memory, self.context)

    def ask_own(self, step: RunMember) -> Generator[OStep, None, RunOutput]:
        """Run one of the team's own agents.

        Raises:
            AgnoError: it failed; that is the team's failure in every case.
        """
        yield step
        self.own.append(_result(step))
        if step.error is not None:
            raise ended(f"`{step.name}`", step)
        self.check()
        return step.result()

    def took(self, step: RunMember, task: str = "", number: int = 1) -> RunOutput | None:
        """Take down what a member gave; None when it failed and the team goes on without it.

        Raises:
            AgnoError: it failed and so does the team, or a limit of the team is reached.
        """
        if step.error is not None:
            self.results.append(_result(step, task, number))
            if self.plan.fails or step.stopped is not None:
                raise ended(f"member `{step.name}`", step)
            return None
        output = step.output
        assert output is not None
        self.results.append(MemberResult(step.name, output, "", task, number))
        if self.plan.adds_up:
            self.check()
        return output

    def took_all(
        self, steps: Sequence[RunMember], together: Together, number: int = 1
    ) -> dict[str, RunOutput]:
        """Take down what parallel members gave; give the outputs by name, in member order.

        Raises:
            AgnoError: the run was stopped, or a member failed and so does the team.
        """
        for step, error in zip(steps, together.errors, strict=True):
            self.note(step, error, "", number)
        self.judge(together, steps)
        self.check()
        return {step.name: step.output for step in steps if step.output is not None}

    def took_votes(self, steps: Sequence[RunMember], together: Together) -> None:
        """Take down what voters gave; a vote that cannot be used fails nothing.

        Raises:
            AgnoError: the run was stopped, or a voter failed otherwise and so does the team.
        """
        for step, error in zip(steps, together.errors, strict=True):
            step.error = error
            self.own.append(_result(step))
        together.first_error = next(
            (
                index
                for index, step in enumerate(steps)
                if step.error is not None and not isinstance(step.error, OutputInvalid)
            ),
            None,
        )
        self.judge(together, steps)
        self.check()

    def note(
        self, step: RunMember, error: BaseException | None, task: str, number: int = 1
    ) -> None:
        """Take down how a branch of a Together ended."""
        step.error = error
        self.results.append(_result(step, task, number))

    def judge(self, together: Together, steps: Sequence[RunMember]) -> None:
        """Raise what stopped the run, or the first failure where it is the team's."""
        first = together.first_error
        if together.stopped is not None:
            who = ", ".join(f"`{s.name}`" for s in steps if s.error is not None)
            raise _stopped(f"members {who}", together.stopped)
        if first is not None and self.plan.fails:
            raise ended(f"member `{steps[first].name}`", steps[first])

    def check(self) -> None:
        """Raise LimitReached when the run has used more than the team may."""
        if self.plan.adds_up:
            self.plan.limits.check(self.outputs())

    def outputs(self) -> list[RunOutput]:
        """Give the outputs of everything that was run."""
        both = (*self.results, *self.own) if self.own else self.results
        return [result.output for result in both if result.output is not None]

    def nobody(self) -> RunFailed:
        """Give the error of a team all of whose members failed."""
        told = "; ".join(f"`{result.name}`: {result.error}" for result in self.results)
        return RunFailed(f"every member failed: {told}")

    def finish(self, answer: Answer, status: Status = "completed") -> TeamOutput:
        """Sum up the run."""
        usage, turns, model_seconds, tool_seconds = summed(self.outputs())
        source = answer.source
        messages = [Message("user", self.prompt)]
        if answer.content or status == "completed":
            messages.append(Message("assistant", answer.content))
        return TeamOutput(
            self.run_id,
            answer.content,
            messages,
            usage,
            turns,
            perf_counter() - self.started,
            model_seconds,
            tool_seconds,
            "stop" if source is None else source.finish_reason,
            "" if source is None else source.model,
            answer.data,
            status,
            tuple(self.results),
            tuple(self.own),
            answer.outcome,
            answer.rounds,
            self.subtasks,
        )

    def failure(self, error: Exception) -> AgnoError:
        """Turn whatever stopped the run into an error of its own that carries the work done."""
        if not isinstance(error, AgnoError):
            failed: AgnoError = RunFailed(f"{type(error).__name__}: {error}")
        else:
            # One error object raised in two runs must not show one user's output to the other.
            failed = error if error.output is None else copy_of(error)
        if failed is not error:
            failed.__cause__ = error
        said = [output.content for output in self.outputs() if output.content]
        answer = Answer(said[-1] if said else "")
        failed.output = self.finish(answer, _STATUS.get(type(failed), "failed"))
        return failed


def answer_of(output: RunOutput) -> Answer:
    """Make one member's output the answer of the team."""
    return Answer(output.content, output.data, output)


def team_loop(
    plan: TeamPlan,
    run_id: str,
    prompt: str,
    memory: MemoryProtocol | None,
    context: RunContext | None,
) -> Generator[OStep, None, None]:
    """Yield the steps of one run, then its TeamOutput.

    Raises:
        InputError: the prompt is empty.
        AgnoError: whatever stopped the run; `output` carries the work done.
    """
    started = perf_counter()
    check_prompt(prompt)
    run = TeamRun(plan, run_id, prompt, context, started)
    memory = plan.memory if memory is None else memory
    try:
        if memory is not None:
            run.earlier = Earlier((yield from _load(memory)))
        answer = yield from plan.conduct(run)
        output = run.finish(answer)
        if memory is not None:
            yield from _commit(memory, output.messages)
    except Exception as error:
        raise run.failure(error)  # noqa: B904 - it knows its cause
    yield output


def _load(memory: MemoryProtocol) -> Generator[OStep, None, Sequence[Message]]:
    step = Invoke(memory.load, (), blocking=getattr(memory, "blocking", False))
    yield step
    # A tuple: members at once must not see each other's changes.
    return tuple(step.result())


def _commit(memory: MemoryProtocol, messages: list[Message]) -> Generator[OStep, None, None]:
    blocking = getattr(memory, "blocking", False)
    step = Invoke(memory.commit, (messages,), blocking, must_finish=True)
    yield step
    step.result()


def _result(step: RunMember, task: str = "", number: int = 1) -> MemberResult:
    error = step.error
    if error is None:
        return MemberResult(step.name, step.output, "", task, number)
    words = str(error) if isinstance(error, AgnoError) else f"{type(error).__name__}: {error}"
    output = getattr(error, "output", None)
    return MemberResult(step.name, output, words, task, number)


def ended(who: str, step: RunMember) -> BaseException:
    """Give the error to raise for a step that failed or was stopped."""
    if step.stopped is not None:
        return _stopped(who, step.stopped)
    assert step.error is not None
    return _bare(named(who, step.error))


def _stopped(who: str, error: BaseException) -> BaseException:
    """Say where a run was stopped; an interrupt or a cancelled task stays what it is."""
    return _bare(named(f"at {who}", error)) if isinstance(error, AgnoError) else error


def _bare(error: AgnoError) -> AgnoError:
    """Leave the member's output out: it is among the results; the team's takes its place."""
    error.output = None
    return error
