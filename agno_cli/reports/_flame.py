"""Flame graphs, the root on top: whole without a script, livelier with the one beside this."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import Struct

from agno_cli.profiling._profile import Frame, Module, Origin, Stack
from agno_cli.reports._markup import EMPTY, Markup, element, joined
from agno_cli.reports._plots import percent

Tint: TypeAlias = Origin | Literal["more", "less", "same"]

STYLE = Path(__file__).with_name("_flame.css")
SCRIPT = Path(__file__).with_name("_flame.js")

_ROW_PX = 22
_BASELINE_PX = 15
# Less than a pixel of two thousand.
_NARROWEST = 0.0005
# Without a script nobody knows the width of the window; a phone's has three letters in this.
_NAMED = 0.07
_DEEPEST = 150
_NAMES: dict[Tint, str] = {
    "yours": "your code",
    "agno_cli": "agno-cli",
    "library": "other libraries",
    "python": "Python's own",
    "native": "native code",
    "module": "modules",
    "more": "takes more than before",
    "less": "takes less than before",
    "same": "as before, as far as can be told",
}


class Node(Struct, eq=False):
    """A function at one place of the tree; its value includes what it called."""

    name: str
    place: str
    tint: Tint
    value: float = 0.0
    own: float = 0.0
    children: dict[tuple[str, str], Node] = {}


def tree_of(
    frames: Sequence[Frame],
    stacks: Iterable[Stack],
    tints: Mapping[tuple[str, str], Tint] | None = None,
) -> Node:
    """Merge stacks; lines of one function are one.

    Args:
        frames: what stacks refer to.
        stacks: those of positive weight count.
        tints: colours by function and file, in place of those by whose code it is.
    """
    root = Node("all", "", "python")
    for stack in stacks:
        if stack.weight <= 0:
            continue
        root.value += stack.weight
        node = root
        for index in stack.frames[:_DEEPEST]:
            node = _child(node, frames[index], tints)
            node.value += stack.weight
        node.own += stack.weight
    return root


def _child(node: Node, frame: Frame, tints: Mapping[tuple[str, str], Tint] | None) -> Node:
    key = frame.function, frame.file
    found = node.children.get(key)
    if found is None:
        tint = frame.origin if tints is None else tints.get(key, "same")
        place = f"{frame.file}:{frame.line}" if frame.line else frame.file
        found = node.children[key] = Node(frame.function or "?", place, tint)
    return found


def tree_of_modules(modules: Sequence[Module]) -> Node:
    """Give the tree of an import, whose widths are seconds."""
    root = Node("all", "", "python")
    nodes = [Node(module.name, "", "module", module.own, module.own) for module in modules]
    for module, node in zip(modules, nodes, strict=True):
        above = root if module.parent < 0 else nodes[module.parent]
        above.children[module.name, str(len(above.children))] = node
    # A module stands after the one that loads it.
    for module, node in zip(reversed(modules), reversed(nodes), strict=True):
        if module.parent >= 0:
            nodes[module.parent].value += node.value
    root.value = sum(node.value for node in root.children.values())
    return root


class _Place(Struct):
    node: Node
    start: float
    depth: int
    parent: int


def flame(root: Node, in_words: Callable[[float], str], title: str) -> Markup:
    """Draw a tree, with its legend, and room for what its script says.

    Args:
        root: of the tree.
        in_words: writes a value with its unit.
        title: says what the drawing shows to those who hear the page.
    """
    if not root.value:
        return element("p", "There is nothing to draw.", class_="lead")
    places = list(_layout(root))
    height = _ROW_PX * (1 + max(place.depth for place in places))
    drawing = element(
        "svg",
        *(_frame(place, root.value, in_words) for place in places),
        class_="flame",
        height=height,
        role="img",
        aria_label=title,
    )
    hidden = _count(root) - len(places)
    frames = "1 frame is" if hidden == 1 else f"{hidden:,} frames are"
    omitted = f"{frames} not drawn, under {100 * _NARROWEST:g} % each." if hidden else ""
    return joined(
        [
            _tools(),
            element(
                "output",
                "Choose a frame for its figures; the wider, the more. Click to zoom.",
                class_="flame-detail",
            ),
            element(
                "div", drawing, class_="flame-box", tabindex="0", role="group", aria_label=title
            ),
            _legend({place.node.tint for place in places[1:]}),
            element("p", omitted, class_="lead") if omitted else EMPTY,
        ]
    )


def _layout(root: Node) -> Iterator[_Place]:
    """Place the frames that can be seen, each after its parent."""
    waiting = [_Place(root, 0.0, 0, -1)]
    number = 0
    while waiting:
        place = waiting.pop()
        yield place
        start = place.start
        below = []
        for child in sorted(place.node.children.values(), key=lambda n: (-n.value, n.name)):
            share = child.value / root.value
            if share >= _NARROWEST:
                below.append(_Place(child, start, place.depth + 1, number))
            start += share
        waiting += reversed(below)
        number += 1


def _count(root: Node) -> int:
    count, waiting = 0, [root]
    while waiting:
        node = waiting.pop()
        count += 1
        waiting += node.children.values()
    return count


def _frame(place: _Place, whole: float, in_words: Callable[[float], str]) -> Markup:
    node = place.node
    share = node.value / whole
    own = f", {100 * node.own / whole:.1f} % by itself" if node.children and node.own else ""
    where = f" - {node.place}" if node.place else ""
    said = f"{node.name}{where}: {100 * share:.1f} %, {in_words(node.value)}{own}"
    narrow = " narrow" if share < _NAMED else ""
    return element(
        "svg",
        element("title", said),
        element("rect", width="100%", height="100%"),
        element("text", node.name, x="5", y=str(_BASELINE_PX)),
        class_=f"frame {node.tint}{narrow}",
        x=percent(place.start),
        y=place.depth * _ROW_PX,
        width=percent(share),
        height=_ROW_PX,
        data_n=node.name,
        data_x=f"{place.start:.6f}",
        data_w=f"{share:.6f}",
        data_d=str(place.depth),
        data_p=str(place.parent),
    )


def _tools() -> Markup:
    """Write what only the script can serve, hidden until it does."""
    return element(
        "div",
        element("input", type="search", placeholder="Search", aria_label="Search names"),
        element("button", "Show all", type="button"),
        element("span", "", class_="found", role="status"),
        class_="flame-tools",
        hidden="hidden",
    )


def _legend(tints: Iterable[Tint]) -> Markup:
    present = set(tints)
    return element("ul", *(_key(tint) for tint in _NAMES if tint in present), class_="legend")


def _key(tint: Tint) -> Markup:
    patch = element("rect", width="100%", height="100%")
    drawn = element("svg", patch, class_=f"key {tint}", aria_hidden="true")
    return element("li", drawn, _NAMES[tint])
