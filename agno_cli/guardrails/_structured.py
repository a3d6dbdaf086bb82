"""Rewrite the texts inside JSON and decoded data, and keep their form.

A check that replaced something in the text of a JSON document could break it, and would not see
what stands there as an escape. So it rewrites the strings inside, one by one, and judges the
document as a whole; where it would still change the whole - a number, a key - it is refused.
"""

from __future__ import annotations

import copy
from typing import Any

import msgspec
from msgspec import Struct

from agno_cli._errors import Rejected
from agno_cli._json import from_json, to_json
from agno_cli.guardrails._checks import Check, apply


def apply_to_json(check: Check, text: str) -> str:
    """Give a JSON document as a check leaves it; what is no JSON is a text like any other.

    Raises:
        Rejected: the check refuses it, or would change what is no string.
    """
    changed = apply(check, text)
    try:
        value: Any = from_json(text, object)
    except (ValueError, RecursionError):
        return changed
    rewritten = rewrite(check, value)
    return text if rewritten == value and changed == text else _settled(check, to_json(rewritten))


def apply_to_data(check: Check, data: Any) -> Any:
    """Give decoded data as a check leaves the strings in it.

    Raises:
        Rejected: the check refuses one, or would change what is no string.
    """
    rewritten = rewrite(check, data)
    _settled(check, to_json(rewritten))
    return rewritten


def _settled(check: Check, text: str) -> str:
    if apply(check, text) != text:
        raise Rejected("what is to be rewritten stands in a key or a number, which cannot be")
    return text


def rewrite(check: Check, value: Any) -> Any:
    """Rewrite the strings in builtin containers, Structs and dataclasses, deeply."""
    if type(value) is str:
        return apply(check, value)
    if isinstance(value, dict):
        return {key: rewrite(check, item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = [rewrite(check, item) for item in value]
        return value._make(items) if hasattr(value, "_make") else type(value)(items)
    return _rewrite_fields(check, value)


def _rewrite_fields(check: Check, value: Any) -> Any:
    if isinstance(value, Struct):
        fields = {name: rewrite(check, getattr(value, name)) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **fields)
    if not hasattr(value, "__dataclass_fields__"):
        return value
    changed = copy.copy(value)
    for name in value.__dataclass_fields__:
        object.__setattr__(changed, name, rewrite(check, getattr(value, name)))  # frozen too
    return changed
