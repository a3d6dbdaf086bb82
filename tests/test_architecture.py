"""The layout holds: who may import whom, and how large things may grow."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import agno_cli

PACKAGE = Path(agno_cli.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# Each layer may import only those before it.
LAYERS = [
    {"_errors", "_messages", "_json", "_json_schema", "_settings", "_schema_text"},
    {"_user_code", "_step_output"},
    {"_events"},
    {"_context", "_hooks", "_limits", "_threads", "_signatures", "_tools", "_memory", "_output"},
    {"_checkpoints", "_description"},
    {"models", "toolkits", "storage", "guardrails"},
    {"_plan", "_stop", "_loop", "_calls", "_shortcut"},
    {"_drivers", "_async_drivers"},
    {"_orchestration", "_orchestration_drivers", "_async_orchestration_drivers"},
    {"_agent"},
    {"_definitions", "_pool", "metrics"},
    {"teams"},
    {"workflows"},
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


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> frozenset[str]:
    """Give the full name of every module a file imports, anywhere in it, for typing too."""
    package = ["agno_cli", *path.relative_to(PACKAGE).parts[:-1]]
    names: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names.update([module, *(f"{module}.{alias.name}" for alias in node.names)])
    return frozenset(names)


def own_layers(path: Path) -> set[str]:
    parts = (name.split(".") for name in imports(path))
    return {
        names[1] for names in parts if names[0] == "agno_cli" and names[1:] and names[1] in LAYER_OF
    }


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count as one reads: without decorators and docstring."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= (first.end_lineno or 0) - first.lineno + 1
    return lines


def test_every_part_has_its_layer():
    assert {layer_name(path) for path in FILES} <= set(LAYER_OF)
    assert sum(map(len, LAYERS)) == len(LAYER_OF), "a part stands in one layer"


def test_a_part_imports_only_what_stands_before_it():
    wrong = {
        name_of(path): later
        for path in FILES
        if (later := {x for x in own_layers(path) if LAYER_OF[x] > LAYER_OF[layer_name(path)]})
    }

    assert wrong == {}


def test_the_runtime_knows_nothing_of_the_command_line():
    foreign = {"typer", "click", "rich", "pyperf", "memray"}
    wrong = {
        name_of(path): known
        for path in RUNTIME
        if (known := {name.split(".")[0] for name in imports(path)} & foreign)
    }

    assert wrong == {}


def test_only_the_command_line_knows_typer():
    assert {layer_name(path) for path in FILES if "typer" in imports(path)} <= {"cli"}


def test_a_module_has_at_most_500_lines():
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}

    assert {name: lines for name, lines in lengths.items() if lines > 500} == {}


def test_a_function_has_at_most_60_lines():
    long = {
        f"{name_of(path)}.{function.name}": lines_of(function)
        for path in FILES
        for function in functions(path)
        if lines_of(function) > 60
    }

    assert long == {}


def test_a_module_says_what_it_is_for():
    silent = [
        name_of(path)
        for path in FILES
        if path.read_text(encoding="utf-8").strip() and not ast.get_docstring(parsed(path))
    ]

    assert silent == []
