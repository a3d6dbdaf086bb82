"""Functions and scripted models of the workflow examples."""

from agno_cli import ModelRequest, ScriptedModel, StepInput


def _write(request: ModelRequest) -> str:
    if "since when" in request.messages[-1].content:
        return "Bees dance to tell the others where flowers are: a dance is a map, read in 1927."
    return "Bees dance to tell the others where flowers are."


def _criticise(request: ModelRequest) -> str:
    return "Fine." if "1927" in request.messages[-1].content else "Say since when we know."


writer = ScriptedModel(_write)
critic = ScriptedModel(_criticise)


def draft(given: StepInput) -> str:
    """Give the draft, in place of what the critic said of it."""
    return str(given.state.draft)


def count_words(given: StepInput) -> str:
    """Say how long the output before is."""
    return f"{given.text} ({len(given.text.split())} words)"
