"""Scripted models of the examples: what a language model might say, without one."""

from agno_cli import ModelRequest, ModelResponse, ScriptedModel, say

PLAN = """{"subtasks": [
  {"member": "mathematician", "task": "Compute 17 * 23."},
  {"member": "explainer", "task": "Say what a prime is."}
]}"""


def _lead(request: ModelRequest) -> str:
    plans = any(tool.name == "final_answer" for tool in request.tools)
    return PLAN if plans else "No: 17 * 23 = 391 has the divisors 17 and 23."


def _compute(request: ModelRequest) -> ModelResponse:
    if request.turn == 1:
        return say("", ("calculate", {"expression": "17 * 23"}))
    return say(f"The calculator says {request.messages[-1].content}.")


def _vote(request: ModelRequest) -> str:
    votes = any(tool.name == "final_answer" for tool in request.tools)
    if votes:
        return '{"answer_of": "thrifty"}'
    return "SQLite." if "pay the bills" in request.system else "PostgreSQL."


leader = ScriptedModel(_lead)
mathematician = ScriptedModel(_compute)
voter = ScriptedModel(_vote)
router = ScriptedModel(['{"member": "calculator"}'])
