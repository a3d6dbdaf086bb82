"""JSON of anything a message may hold, also of text that UTF-8 cannot carry.

A file name or an argument that was not UTF-8 reaches Python as lone surrogates. msgspec refuses
them; the `json` module writes and reads them as escapes, and steps in for such text only.
"""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import msgspec

T = TypeVar("T")


def to_json(value: Any, *, order: Literal["sorted"] | None = None) -> str:
    """Write a value as one line of JSON; what JSON does not know is written as its `str`.

    Two equal values give one text when `order` is "sorted".
    """
    try:
        return msgspec.json.encode(value, enc_hook=str, order=order).decode()
    except UnicodeEncodeError:
        import json

        return json.dumps(msgspec.to_builtins(value, enc_hook=str, order=order, str_keys=True))


def from_json(text: str | bytes, type_: type[T]) -> T:
    """Read what `to_json` wrote.

    Raises:
        ValueError: it is not JSON, or does not fit the type; msgspec's errors are ValueErrors.
    """
    try:
        return msgspec.json.decode(text, type=type_)
    except msgspec.DecodeError:
        import json

        return msgspec.convert(json.loads(text), type_)
