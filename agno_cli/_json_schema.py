"""JSON schemas that users write, checked whole before the first answer is paid for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ._errors import ConfigurationError

_REFERENCES = ("$ref", "$dynamicRef")


def make_validator(schema: dict[str, Any], origin: str = "the JSON schema") -> Any:
    """Give the `jsonschema` validator of a schema, which fetches nothing from the network.

    Args:
        schema: of any draft; 2020-12 unless its `$schema` says another.
        origin: what to call it in errors.

    Raises:
        ConfigurationError: it is no valid schema, or one of its references leads nowhere.
    """
    import jsonschema
    import referencing

    kind = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
        # A registry of its own: the default one fetches what a `$ref` points to.
        validator = kind(schema, registry=referencing.Registry())
        for keyword, reference in _dangling(kind, schema):
            raise ConfigurationError(
                f"{origin} has a `{keyword}` that leads nowhere: {reference!r}; point it to a part"
                " of the schema, as in `#/$defs/name`"
            )
        validator.is_valid({})
    except jsonschema.SchemaError as error:
        raise ConfigurationError(
            f"{origin} is not valid: {error.message} - at `{error.json_path}`"
        ) from error
    except RecursionError as error:
        raise ConfigurationError(
            f"{origin} is nested too deeply, or refers to itself without end; make it flatter"
        ) from error
    return validator


def _dangling(kind: Any, schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Find the references that cannot be resolved within a valid schema."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012, specification_with

    specification = specification_with(kind.ID_OF(kind.META_SCHEMA), default=DRAFT202012)
    root: Any = specification.create_resource(schema)
    waiting = [(root, Registry().resolver_with_root(root))]
    while waiting:
        resource, resolver = waiting.pop()
        waiting += [(part, resolver.in_subresource(part)) for part in resource.subresources()]
        for keyword in _REFERENCES:
            reference = isinstance(resource.contents, dict) and resource.contents.get(keyword)
            if isinstance(reference, str):
                try:
                    resolver.lookup(reference)
                except Unresolvable:
                    yield keyword, reference
