"""The layout holds: who may import whom, and how large things may grow."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import agno_cli

PACKAGE = Path(agno_cli.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# Each layer may import only those before it.
LAYERS = [
    {"_errors", "_messages", "_json", "_settings", "_schema_text", "_events"},
    {"_context", "_hooks", "_limits", "_threads", "_signatures", "_tools", "_memory", "_output"},
    {"models", "toolkits", "storage"},
    {"_plan", "_stop", "_loop"},
    {"_drivers", "_async_drivers"},
    {"_agent"},
    {"_team", "_workflow"},
    {"__init__"},
    {"bench", "profiling", "scenarios"},
    {"reports"},
    {"cli"},
    {"__main__"},
]
LAYER_OF = {name: number for number, layer in enumerate(LAYERS) for name in layer}


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE)).removesuffix(".py")


def layer_name(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


RUNTIME = [path for path in FILES if LAYER_OF[layer_name(path)] < LAYER_OF["bench"]]


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Give the full name of every module a file imports, anywhere in it, for typing too."""
    package = ["agno_cli", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def own_layers(path: Path) -> set[str]:
    parts = (name.split(".") for name in imports(path))
    return {
        names[1] for names in parts if names[0] == "agno_cli" and names[1:] and names[1] in LAYER_OF
    }


def test_every_part_has_its_layer():
    assert {layer_name(path) for path in FILES} <= set(LAYER_OF)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_part_imports_only_what_stands_before_it(path):
    mine = LAYER_OF[layer_name(path)]
    later = {name for name in own_layers(path) if LAYER_OF[name] > mine}

    assert later == set()


@pytest.mark.parametrize("path", RUNTIME, ids=name_of)
def test_the_runtime_knows_nothing_of_the_command_line(path):
    roots = {name.split(".")[0] for name in imports(path)}

    assert roots & {"typer", "click", "rich", "pyperf", "memray"} == set()
    assert own_layers(path) & {"bench", "profiling", "scenarios", "reports", "cli"} == set()


def test_only_the_command_line_knows_typer():
    """Of rich, reports make tables too."""
    users = {layer_name(path) for path in FILES if "typer" in set(imports(path))}

    assert users <= {"cli"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_module_has_at_most_500_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_function_has_at_most_60_lines(path):
    """Counted as read: without its decorators and its docstring."""
    functions = [
        node
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = [node.name for node in functions if lines_of(node) > 60]

    assert long == []


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= (first.end_lineno or 0) - first.lineno + 1
    return lines


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_module_says_what_it_is_for(path):
    text = path.read_text(encoding="utf-8")

    assert not text.strip() or ast.get_docstring(ast.parse(text))


def test_the_layers_are_told_apart():
    for before, after in pairwise(LAYERS):
        assert not before & after
    assert sum(map(len, LAYERS)) == len(LAYER_OF)
