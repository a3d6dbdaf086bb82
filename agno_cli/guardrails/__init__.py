"""Checks of what goes into a model and its tools, and of what comes out.

`guard` makes Hooks of checks; a check is any function of a text that gives a replacement, or
None to leave it, or raises `Rejected`. Those here judge by regular expressions of linear time:
they catch accidents, not someone who means to get past them.

>>> from agno_cli import Agent, ScriptedModel
>>> hooks = guard(redact(), prompt=[max_length(1000)])
>>> Agent(ScriptedModel(["Write to ada@example.com."]), hooks=hooks).run("Hi").content
'Write to [redacted email address].'
"""

from agno_cli.guardrails._checks import Check as Check
from agno_cli.guardrails._checks import allow as allow
from agno_cli.guardrails._checks import deny as deny
from agno_cli.guardrails._checks import max_length as max_length
from agno_cli.guardrails._guard import guard as guard
from agno_cli.guardrails._hold_back import ahold_back as ahold_back
from agno_cli.guardrails._hold_back import hold_back as hold_back
from agno_cli.guardrails._injection import injection_cues as injection_cues
from agno_cli.guardrails._injection import injection_heuristics as injection_heuristics
from agno_cli.guardrails._patterns import PATTERNS as PATTERNS
from agno_cli.guardrails._patterns import Pattern as Pattern
from agno_cli.guardrails._redact import Finding as Finding
from agno_cli.guardrails._redact import find as find
from agno_cli.guardrails._redact import redact as redact
from agno_cli.guardrails._redact import refuse as refuse

__all__ = [
    "PATTERNS",
    "Check",
    "Finding",
    "Pattern",
    "ahold_back",
    "allow",
    "deny",
    "find",
    "guard",
    "hold_back",
    "injection_cues",
    "injection_heuristics",
    "max_length",
    "redact",
    "refuse",
]
