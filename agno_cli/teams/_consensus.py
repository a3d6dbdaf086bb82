"""The mode in which all members answer, round after round, until they agree."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from agno_cli._agent import Agent
from agno_cli._errors import RunFailed
from agno_cli._messages import RunOutput
from agno_cli._orchestration import OStep, Together
from agno_cli._tools import invoke
from agno_cli.teams._modes import choice_type
from agno_cli.teams._output import Answer, Outcome
from agno_cli.teams._plan import Place
from agno_cli.teams._prompts import for_vote, with_answers
from agno_cli.teams._run import TeamRun

# A common quorum: half is what any two of three reach by chance, and language models seldom all
# choose the same answer.
_QUORUM = (2, 3)


class Consensus(Struct, frozen=True, eq=False):
    """What the mode needs.

    Attributes:
        agree: the user's function, None where the members vote.
        voters: the members as voters, in the same order.
    """

    max_rounds: int
    agree: Any
    voters: tuple[Place, ...]
    voters_quick: bool


class _Verdict(Struct, frozen=True):
    agreed: bool
    content: str


def agree_in_rounds(run: TeamRun) -> Generator[OStep, None, Answer]:
    """Ask all members, and again with each other's answers, until they agree or rounds end."""
    gear: Consensus = run.plan.gear
    judge = _vote if gear.agree is None else _ask_function
    answers: dict[str, str] = {}
    for number in range(1, gear.max_rounds + 1):
        outputs = yield from _round(run, answers, number)
        answers = {name: output.content for name, output in outputs.items()}
        verdict = yield from judge(run, answers)
        if verdict.agreed:
            break
    source = next((o for o in outputs.values() if o.content == verdict.content), None)
    data = None if source is None else source.data
    outcome: Outcome = "agreed" if verdict.agreed else "round limit"
    return Answer(verdict.content, data, None, outcome, number)


def _round(
    run: TeamRun, answers: Mapping[str, str], number: int
) -> Generator[OStep, None, dict[str, RunOutput]]:
    members = run.plan.members
    steps = [
        run.ask(place, with_answers(run.prompt, answers, place.name) if answers else run.prompt)
        for place in members
    ]
    plan = run.plan
    together = Together(
        steps, plan.names, plan.limits.parallel_members, plan.fails, plan.members_quick
    )
    yield together
    outputs = run.took_all(steps, together, number)
    if not outputs:
        raise run.nobody()
    return outputs


def _ask_function(run: TeamRun, answers: Mapping[str, str]) -> Generator[OStep, None, _Verdict]:
    said = yield from invoke(run.plan.gear.agree, dict(answers))
    if not isinstance(said, bool | str):
        raise RunFailed(f"`agree` gave {said!r}; let it return True, False or the agreed answer")
    if isinstance(said, str):
        return _Verdict(agreed=True, content=said)
    ((most_given, _),) = Counter(answers.values()).most_common(1)
    return _Verdict(said, most_given)


def _vote(run: TeamRun, answers: Mapping[str, str]) -> Generator[OStep, None, _Verdict]:
    """Let each member whose answer is there choose among all of them.

    A vote that cannot be read, or is for an answer that is not there, is an abstention.
    """
    gear: Consensus = run.plan.gear
    question = for_vote(run.prompt, answers)
    steps = [run.ask(voter, question) for voter in gear.voters if voter.name in answers]
    names = [step.name for step in steps]
    at_most = run.plan.limits.parallel_members
    together = Together(steps, names, at_most, False, gear.voters_quick)  # noqa: FBT003 - see Together
    yield together
    run.took_votes(steps, together)
    votes = Counter(dict.fromkeys(answers, 0))
    for step in steps:
        choice = None if step.output is None else read_vote(step.output, answers)
        if choice is not None:
            votes[choice] += 1
    # Of equally many votes, those for the earlier member's answer come first.
    ((chosen, count),) = votes.most_common(1)
    needed, of = _QUORUM
    agreed = count * of >= needed * len(run.plan.members)
    return _Verdict(agreed, answers[chosen])


def read_vote(output: RunOutput, answers: Mapping[str, str]) -> str | None:
    """Give the name that was voted for, None for an abstention."""
    if output.data is not None:
        choice = getattr(output.data, "answer_of", None)
        return choice if choice in answers else None
    named = [n for n in answers if re.search(rf"(?<!\w){re.escape(n)}(?!\w)", output.content)]
    return named[0] if len(named) == 1 else None


def make_voter(place: Place, names: tuple[str, ...], retries: int) -> Place:
    """Make a member that chooses among answers.

    An agent votes with its instructions and its model, and without its tools and its memory. A
    member that is no agent is asked as it is; a name must be the only one in its answer.
    """
    member = place.runnable
    if not isinstance(member, Agent):
        return place
    voter = member.replace(
        output_type=choice_type(names, "answer_of"),
        tools=(),
        memory=None,
        limits=replace(member.limits, output_retries=retries),
    )
    return Place(place.name, voter)
