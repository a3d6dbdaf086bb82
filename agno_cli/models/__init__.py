"""Models: the seam to the outside, and the providers behind it."""

from ._protocol import Model as Model
from ._protocol import ModelRequest as ModelRequest
from ._protocol import StreamItem as StreamItem
from ._retry import Patience as Patience
from .scripted import ScriptedModel as ScriptedModel
from .scripted import say as say

__all__ = ["Model", "ModelRequest", "Patience", "ScriptedModel", "StreamItem", "say"]
