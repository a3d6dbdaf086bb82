"""Models: the seam to the outside, and the providers behind it."""

from ._protocol import Model as Model
from ._protocol import ModelRequest as ModelRequest
from ._protocol import StreamItem as StreamItem
from .scripted import ScriptedModel as ScriptedModel
from .scripted import say as say

__all__ = ["Model", "ModelRequest", "ScriptedModel", "StreamItem", "say"]
