"""The state of a workflow: how it begins, how branches' states become one, how it is stored.

Steps never change a state in place that another can see: each works on a copy of its own, and
what it leaves replaces the state once it has finished.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy, deepcopy
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import force_setattr

from agno_cli._errors import ConfigurationError, InputError
from agno_cli._json import to_json

MergeStates: TypeAlias = Callable[[Any, dict[str, Any]], Any]
_ABSENT: Any = msgspec.UNSET  # a field that a dict does not have


class Branches(dict[str, Any]):
    """What parallel branches gave, by name; as text, one after the other under their names."""


def as_text(value: Any) -> str:
    """Put a step's value into words for the next one; None is no words."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, Branches):
        return "\n\n".join(f"{name}:\n{as_text(given)}" for name, given in value.items())
    return str.__str__(value) if isinstance(value, str) else to_json(value)


def first_state(kind: Any, given: Any) -> Any:
    """Make the state that a run begins with; what the caller gave is copied.

    Args:
        kind: the workflow's `state_type`, None for a dict of anything.
        given: what the run was given: None, a state, or a dict that fits the type.

    Raises:
        InputError: it does not fit the type.
    """
    if kind is None:
        if given is None:
            return {}
        if not isinstance(given, dict):
            raise InputError(f"the state is {given!r}; give a dict, or the workflow a `state_type`")
        return own_copy(given)
    if _is_of(given, kind):
        return own_copy(given)
    try:
        return msgspec.convert({} if given is None else own_copy(given), kind)
    except msgspec.ValidationError as error:
        what = "no state was given" if given is None else "the state does not fit"
        raise InputError(f"{what}: {error}; give the run `state=` of {_named(kind)}") from error


def check_state_type(kind: Any) -> None:
    """Raise ConfigurationError unless a type can be a state."""
    try:
        described = msgspec.inspect.type_info(kind)
        msgspec.json.Decoder(kind)
    except Exception as error:  # whatever else than a type was given
        raise ConfigurationError(f"`state_type` {kind!r} cannot be stored: {error}") from error
    info = msgspec.inspect
    fit = info.StructType, info.DataclassType, info.TypedDictType, info.DictType
    if not isinstance(described, fit):
        raise ConfigurationError(
            f"`state_type` is {_named(kind)}; give a dataclass, a Struct, a TypedDict or a dict:"
            " a state has fields"
        )


def check_state(kind: Any, state: Any, base: Any) -> Any:
    """Take the state that a function gave.

    Raises:
        TypeError: it is of another type than the state before.
    """
    if kind is None or not _is_class(kind):
        if not isinstance(state, dict):
            raise TypeError(f"the new state is {state!r}; give a dict")
    elif not isinstance(state, type(base)):
        raise TypeError(f"the new state is {state!r}; give {_named(kind)}")
    return state


def own_copy(state: Any) -> Any:
    """Copy a state deeply.

    Raises:
        ConfigurationError: it holds something that cannot be copied.
    """
    try:
        return deepcopy(state)
    except Exception as error:  # `__deepcopy__` and `__reduce__` are anybody's
        raise ConfigurationError(
            f"the state cannot be copied ({type(error).__name__}: {error}); keep data in it, and"
            " clients and handles in `RunContext(dependencies=...)`"
        ) from error


def copy_of_data(value: Any) -> Any:
    """Copy what can be changed in place; objects that are no data stay as they are."""
    if type(value) is str or not (isinstance(value, list | dict | set) or _is_class(type(value))):
        return value
    try:
        return deepcopy(value)
    except Exception:  # it holds an object that is no data
        return value


def fields_of(state: Any) -> dict[str, Any]:
    """Give the fields of a state by name."""
    if isinstance(state, dict):
        return state
    names = getattr(state, "__struct_fields__", None) or state.__dataclass_fields__
    return {name: getattr(state, name) for name in names}


def with_fields(state: Any, changes: Mapping[str, Any]) -> Any:
    """Make a state like this one with some of its fields changed; UNSET takes a key away."""
    if isinstance(state, dict):
        merged = {**state, **changes}
        return {name: value for name, value in merged.items() if value is not _ABSENT}
    changed = copy(state)
    put = force_setattr if isinstance(state, Struct) else object.__setattr__
    for name, value in changes.items():
        put(changed, name, value)
    return changed


def merge_disjoint(base: Any, branches: Mapping[str, Any]) -> Any:
    """Take what each branch changed.

    Raises:
        ValueError: two branches changed the same field.
    """
    changes: dict[str, Any] = {}
    changed_by: dict[str, str] = {}
    conflicts = []
    for branch, state in branches.items():
        for name, value in changed_fields(base, state).items():
            if name in changed_by:
                conflicts.append(f"`{name}` (by `{changed_by[name]}` and `{branch}`)")
            changes[name] = value
            changed_by.setdefault(name, branch)
    if conflicts:
        raise ValueError(
            f"branches changed the same fields of the state: {', '.join(conflicts)}; let only"
            " one change each, or say with `merge=` what is to become of them"
        )
    return with_fields(base, changes) if changes else base


def merge_last(base: Any, branches: Mapping[str, Any]) -> Any:
    """Take what each branch changed, and the later one's where several did."""
    changes: dict[str, Any] = {}
    for state in branches.values():
        changes.update(changed_fields(base, state))
    return with_fields(base, changes) if changes else base


def merge_add(base: Any, branches: Mapping[str, Any]) -> Any:
    """Add up what the branches changed.

    Raises:
        TypeError: a field changed by several branches that cannot be added up.
    """
    before = fields_of(base)
    changes: dict[str, Any] = {}
    for state in branches.values():
        for name, value in changed_fields(base, state).items():
            start = before.get(name, _ABSENT)
            so_far = changes.get(name, start)
            changes[name] = _added(name, start, so_far, value)
    return with_fields(base, changes) if changes else base


MERGES: dict[str, MergeStates] = {
    "disjoint": merge_disjoint,
    "last": merge_last,
    "add": merge_add,
}


def changed_fields(base: Any, state: Any) -> dict[str, Any]:
    """Give the fields that differ, with UNSET for a key that was taken away."""
    if state is base:
        return {}
    before, after = fields_of(base), fields_of(state)
    changed = {
        name: value
        for name, value in after.items()
        if name not in before or differs(before[name], value)
    }
    return changed | {name: _ABSENT for name in before if name not in after}


def differs(one: Any, other: Any) -> bool:
    """Tell whether two values differ; what cannot be compared does."""
    if one is other:
        return False
    try:
        return bool(one != other)
    except Exception:  # arrays have no truth
        return True


def _added(name: str, start: Any, so_far: Any, value: Any) -> Any:
    """Add what one branch did to a field to what the branches before it did."""
    if so_far is start or so_far is _ABSENT:
        return value
    if isinstance(value, bool) or type(value) is not type(so_far):
        pass
    elif isinstance(value, int | float):
        return so_far + value - (0 if start is _ABSENT else start)
    elif isinstance(value, list):
        old = [] if start is _ABSENT else start
        if value[: len(old)] == old:
            return so_far + value[len(old) :]
    elif isinstance(value, set | dict):
        return so_far | value
    raise TypeError(
        f"`{name}` was changed by several branches, and {so_far!r} and {value!r} cannot be added"
        " up; say with `merge=` what is to become of them"
    )


def _is_class(kind: Any) -> bool:
    return hasattr(kind, "__struct_fields__") or hasattr(kind, "__dataclass_fields__")


def _is_of(value: Any, kind: Any) -> bool:
    return _is_class(kind) and isinstance(value, kind)


def _named(kind: Any) -> str:
    return f"`{getattr(kind, '__name__', kind)}`"
