"""What an Agent, a Team and a Workflow have in common: each is a description that never changes."""

from __future__ import annotations

from typing import Any, NoReturn, Self

from msgspec import Struct
from msgspec.structs import replace

from ._errors import ConfigurationError


class Description(Struct, eq=False):
    """Base of what is run, which is never the run itself.

    Fields whose names begin with `_` are filled at the first run and belong to no copy.
    """

    def replace(self, **changes: Any) -> Self:
        """Make another like this one, with some fields changed.

        Raises:
            ConfigurationError: no such field.
        """
        fields = self._fields()
        unknown = sorted(set(changes) - set(fields))
        if unknown:
            raise ConfigurationError(
                f"{_with_article(self).lower()} has no field `{unknown[0]}`;"
                f" the fields are: {', '.join(fields)}"
            )
        return replace(self, **changes, _plan=None)

    __replace__ = replace

    @classmethod
    def _fields(cls) -> list[str]:
        return [name for name in cls.__struct_fields__ if not name.startswith("_")]

    def __reduce__(self) -> tuple[Any, ...]:
        # The plan stays behind: it holds closures, and another process makes its own.
        return _rebuilt, (type(self), {name: getattr(self, name) for name in self._fields()})

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(
            f"{_with_article(self)} never changes, so `{name}` cannot be set;"
            f" make another: `{type(self).__name__.lower()}.replace({name}=...)`"
        )

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{_with_article(self)} never changes, so `{name}` cannot be deleted")


def _with_article(described: Description) -> str:
    kind = type(described).__name__
    return f"{'an' if kind[0] in 'AEIOU' else 'a'} {kind}"


def _rebuilt(kind: type[Description], fields: dict[str, Any]) -> Description:
    return kind(**fields)
