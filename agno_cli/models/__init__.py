"""Models: the seam to the outside, the providers behind it, and models that wrap others.

The wrappers are imported when they are first used: few programs need one, none all of them.
"""

from ._protocol import Model as Model
from ._protocol import ModelRequest as ModelRequest
from ._protocol import StreamItem as StreamItem
from ._retry import Patience as Patience
from .scripted import ScriptedModel as ScriptedModel
from .scripted import say as say

TYPE_CHECKING = False  # as type checkers know it; `typing` need not be imported for it

if TYPE_CHECKING:
    from .cached import CachedModel as CachedModel
    from .caches import CachedAnswer as CachedAnswer
    from .caches import CacheProtocol as CacheProtocol
    from .caches import MemoryCache as MemoryCache
    from .concurrency import ConcurrencyLimit as ConcurrencyLimit
    from .fallback import FallbackModel as FallbackModel
    from .rate import RateLimit as RateLimit
    from .retrying import RetryPolicy as RetryPolicy
    from .sqlite_cache import SqliteCache as SqliteCache

_WRAPPERS = {
    "CacheProtocol": "caches",
    "CachedAnswer": "caches",
    "CachedModel": "cached",
    "ConcurrencyLimit": "concurrency",
    "FallbackModel": "fallback",
    "MemoryCache": "caches",
    "RateLimit": "rate",
    "RetryPolicy": "retrying",
    "SqliteCache": "sqlite_cache",
}

__all__ = [
    "CacheProtocol",
    "CachedAnswer",
    "CachedModel",
    "ConcurrencyLimit",
    "FallbackModel",
    "MemoryCache",
    "Model",
    "ModelRequest",
    "Patience",
    "RateLimit",
    "RetryPolicy",
    "ScriptedModel",
    "SqliteCache",
    "StreamItem",
    "say",
]


if not TYPE_CHECKING:  # pragma: no branch - else every name would pass for `object`

    def __getattr__(name: str) -> object:
        """Import a wrapper from the module it lives in."""
        from importlib import import_module

        if name not in _WRAPPERS:
            raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
        value: object = getattr(import_module(f".{_WRAPPERS[name]}", __name__), name)
        globals()[name] = value
        return value
