"""What members, leaders and voters are told.

Answers of others are set between tags, so that a model can tell them from its task.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agno_cli._messages import RunOutput

_LONGEST_DESCRIPTION = 400  # characters of a member's instructions that the roster quotes

PLANNING = """\
You lead a team. Split the user's task into subtasks and give each to the member who is best at it.
A member sees its own subtask, the whole task, and the results of the subtasks listed in `after`;
nothing else. `after` holds the numbers of subtasks, counted from 1 in the order of your list;
subtasks that do not need each other's results run at once, so leave `after` empty where you can.
Use as few subtasks as the task needs."""

WRITING = """\
You lead a team. Its members have done their parts of the user's task. Write the answer to the
user from their results. Say so where a part is missing; do not make up what it might have been."""

CHOOSING = """\
You hand the user's request to the one member of your team who is best at it. Do not answer the
request yourself; choose a member."""

VOTING = "Which of these answers is the best? Name the member who gave it; that may be yourself."


ANSWER_ENDS = "\n</previous_answer>"


def answer_begins(name: str) -> str:
    """Word what stands between the task and the answer of the member before."""
    return f'\n\n<previous_answer member="{name}">\n'


def after_another(prompt: str, name: str, answer: str) -> str:
    """Word the task of a member who follows another."""
    return f"{prompt}{answer_begins(name)}{answer}{ANSWER_ENDS}"


def joined(outputs: Iterable[tuple[str, RunOutput]]) -> str:
    """Put the answers of parallel members together, each under its member's name."""
    return "\n\n".join([f"## {name}\n\n{output.content}" for name, output in outputs])


def with_subtask(prompt: str, task: str, results: Iterable[str]) -> str:
    """Word a subtask: it first, then the whole task and the results it builds on."""
    parts = [task, f"<whole_task>\n{prompt}\n</whole_task>", *results]
    return "\n\n".join(parts)


def with_results(prompt: str, results: Iterable[str]) -> str:
    """Word the leader's last task."""
    return "\n\n".join([prompt, *results])


def result_of(number: int, member: str, task: str, content: str) -> str:
    """Word the result of one subtask."""
    return (
        f'<result number="{number}" member="{member}">\n<task>{task}</task>\n{content}\n</result>'
    )


def missing(error: str) -> str:
    """Word the result of a subtask that failed."""
    return f"(There is no result: {error})"


def with_answers(prompt: str, answers: Mapping[str, str], name: str) -> str:
    """Word the task of a further round."""
    return (
        f"{prompt}\n\n{_all(answers)}\n\nThese are the team's answers so far; yours is that of"
        f" `{name}`. Weigh them, and give your answer to the task anew."
    )


def for_vote(prompt: str, answers: Mapping[str, str]) -> str:
    """Word the question after a round."""
    return f"{prompt}\n\n{_all(answers)}\n\n{VOTING}"


def roster(members: Iterable[tuple[str, object]]) -> str:
    """List the members for whoever chooses among them, by what their instructions say."""
    lines = [f"- `{name}`{_description(instructions)}" for name, instructions in members]
    return "The members of your team:\n" + "\n".join(lines)


def _description(instructions: object) -> str:
    if not isinstance(instructions, str) or not instructions.strip():
        return ""
    text = " ".join(instructions.split())
    return f": {text if len(text) <= _LONGEST_DESCRIPTION else text[:_LONGEST_DESCRIPTION] + '…'}"


def _all(answers: Mapping[str, str]) -> str:
    return "\n\n".join(
        f'<answer member="{name}">\n{answer}\n</answer>' for name, answer in answers.items()
    )
