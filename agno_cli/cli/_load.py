"""Tools, named on the command line: by toolkit, `module:function` or `file.py:function`."""

from __future__ import annotations

from typing import Any

from agno_cli._errors import ConfigurationError, InputError
from agno_cli._tools import Tool, Toolkit, ToolLike
from agno_cli._user_code import is_file, load

__all__ = ["load", "load_tool"]


def load_tool(name: str) -> ToolLike:
    """Give the toolkit, the tool or the function that `-T` names.

    Raises:
        InputError: there is no such thing, or it is not a tool.
        ConfigurationError: the code raises when it is imported.
    """
    if ":" not in name and not is_file(name):
        from agno_cli.toolkits import toolkit

        try:
            return toolkit(name)
        except ConfigurationError as error:
            raise InputError(
                f"-T: {error} (one of your own: `module:function` or `file.py:function`)"
            ) from error
    found: ToolLike = load(name, "-T", _is_tool)
    return found


def _is_tool(value: Any) -> bool:
    return isinstance(value, Tool | Toolkit) or (callable(value) and not isinstance(value, type))
