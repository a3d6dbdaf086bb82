"""JSON of anything a message may hold, also of text that UTF-8 cannot carry.

A file name or an argument that was not UTF-8 reaches Python as lone surrogates. msgspec refuses
them; the `json` module writes and reads them as escapes, and steps in for such text only.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
_encode = msgspec.json.Encoder(enc_hook=str).encode


def to_json(value: Any) -> str:
    """Write a value as one line of JSON; what JSON does not know is written as its `str`."""
    try:
        return _encode(value).decode()
    except UnicodeEncodeError:
        import json

        return json.dumps(msgspec.to_builtins(value, enc_hook=str, str_keys=True))


def sorted_json(value: Any) -> str:
    """Write a value as `to_json` does, but so that equal values give one text."""
    return to_json(msgspec.to_builtins(value, enc_hook=str, str_keys=True, order="sorted"))


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
