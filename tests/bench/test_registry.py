"""Benchmarks are chosen by name."""

import pytest

from agno_cli import InputError
from agno_cli.bench._registry import Benchmark, select

BENCHMARKS = [
    Benchmark(name="create", summary="", operation="", default=True),
    Benchmark(name="run_tool", summary="", operation="", default=True),
    Benchmark(name="soak", summary="", operation=""),
]


@pytest.mark.parametrize(
    ("names", "everything", "chosen"),
    [
        ([], False, ["create", "run_tool"]),
        ([], True, ["create", "run_tool", "soak"]),
        (["soak", "create", "soak"], False, ["create", "soak"]),
        (["soak"], True, ["create", "run_tool", "soak"]),
    ],
)
def test_names_are_chosen_in_the_order_of_the_registry(names, everything, chosen):
    found = select(BENCHMARKS, names, everything=everything)
    assert [benchmark.name for benchmark in found] == chosen


def test_names_and_parts_of_names_add_up():
    found = select(BENCHMARKS, ["soak"], parts=["TOOL", "run_"])
    assert [benchmark.name for benchmark in found] == ["run_tool", "soak"]
    with pytest.raises(InputError) as caught:
        select(BENCHMARKS, ["soak"], parts=["creat3"])
    message = "no benchmark has `creat3` in its name; did you mean `create`?"
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("creat", "did you mean `create`?"),
        ("tool", "did you mean `run_tool`?"),
        ("x", "the names are create, run_tool, soak"),
        ("", "the names are create, run_tool, soak"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name, hint):
    with pytest.raises(InputError) as caught:
        select(BENCHMARKS, [name], everything=False)
    assert str(caught.value) == f"there is no benchmark `{name}`; {hint}"
