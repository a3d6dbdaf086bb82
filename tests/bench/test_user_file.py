"""Functions of a user's file become benchmarks."""

from pathlib import Path

import pytest

from agno_cli import ConfigurationError, InputError
from agno_cli.bench import benchmark
from agno_cli.bench._measure import measure
from agno_cli.bench._operations import Workbench, WorkNotDoneError
from agno_cli.bench._registry import Benchmark, Source
from agno_cli.bench._results import Settings
from agno_cli.bench._sources import load_benchmarks

MINE = '''
"""A user's benchmarks."""

import asyncio

from agno_cli.bench import benchmark

log = []


@benchmark(expected=[1, 2, 3], unrolled=10)
def sort_three():
    """Sort three numbers.

    In place.
    """
    return sorted([3, 1, 2])


def numbers():
    log.append("opened")
    yield [1, 2, 3]
    log.append("closed")


@benchmark(name="add_up", setup=numbers, expected=lambda total: total == 6)
def add(given):
    return sum(given)


async def queue():
    given = asyncio.Queue()
    yield given
    log.append(given.qsize())


@benchmark(setup=queue, expected=7)
async def put_and_get(queue):
    await queue.put(7)
    return await queue.get()


async def connected():
    return "connection"


@benchmark(setup=connected, expected="connection")
async def use(connection):
    return connection


@benchmark
def wrong():
    return use("never awaited")


@benchmark(setup=list, expected=lambda made: False)
def refused(given):
    return given


same = add
'''


@pytest.fixture
def mine(tmp_path: Path) -> Source:
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return Source("file", str(path))


def named(source: Source, name: str) -> Benchmark:
    return next(found for found in load_benchmarks(source) if found.name == name)


def test_they_are_found_in_their_order(mine):
    found = load_benchmarks(mine)
    assert [(one.name, one.summary, one.operation, one.default) for one in found] == [
        ("sort_three", "Sort three numbers", "call", True),
        *((name, "", "call", True) for name in ("add_up", "put_and_get", "use", "wrong")),
        ("refused", "", "call", True),
    ]


@pytest.mark.parametrize("name", ["sort_three", "add_up", "put_and_get", "use"])
def test_their_work_is_timed_and_checked(mine, name):
    prepare = named(mine, name).prepare
    assert prepare is not None
    with Workbench(prepare()) as bench:
        bench.verify()
        assert bench.time(2) > 0


def test_a_setup_with_a_yield_cleans_up(mine):
    import sys

    for name in ("add_up", "put_and_get"):
        prepare = named(mine, name).prepare
        assert prepare is not None
        with Workbench(prepare()) as bench:
            bench.verify()
    assert sys.modules[f"agno_cli file {mine.reference}"].log == ["opened", "closed", 0]


@pytest.mark.filterwarnings("ignore:coroutine 'use' was never awaited")
@pytest.mark.parametrize(
    ("name", "message"),
    [("wrong", "which nobody awaits; write `async def wrong`"), ("refused", r"\[\] was refused")],
)
def test_wrong_results_end_the_measurement(mine, name, message):
    prepare = named(mine, name).prepare
    assert prepare is not None
    with (
        Workbench(prepare()) as bench,
        pytest.raises(WorkNotDoneError, match=message),
    ):
        bench.verify()


def test_they_are_measured_in_processes_that_see_the_whole_environment(mine, monkeypatch):
    """One that reads a variable which pyperf would keep from its workers."""
    Path(mine.reference).write_text(
        "import os\nfrom agno_cli.bench import benchmark\n"
        "@benchmark(expected='1')\ndef read():\n    return os.environ['SHOP_KEY']\n"
    )
    monkeypatch.setenv("SHOP_KEY", "1")
    settings = Settings(rounds=1, processes=1, values=1, min_seconds=1e-9)
    (result,) = measure([named(mine, "read")], settings).results
    assert result.problem == ""
    assert result.timing is not None
    assert len(result.timing.cpu) == len(result.timing.relative) == 1


def test_a_decorated_function_stays_what_it_was():
    @benchmark(expected=3)
    def add() -> int:
        return 3

    assert add() == 3


def generator():
    yield 1


async def asynchronous():
    return 1


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (generator, {}, "benchmark `generator` is a generator, and calling it does no work"),
        (len, {"name": "size", "unrolled": 0}, "`unrolled` of benchmark `size` is 0"),
        (
            lambda given: given,
            {"name": "plain", "setup": asynchronous},
            "the setup of benchmark `plain` is asynchronous, but `plain` is not",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused_at_once(function, options, message):
    with pytest.raises(ConfigurationError, match=message):
        benchmark(**options)(function)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("x = 1", InputError, "has no benchmark; put `@benchmark` from agno_cli.bench"),
        ("1 / 0", ConfigurationError, "cannot be imported: .*ZeroDivisionError"),
        (
            "from agno_cli.bench import benchmark\n@benchmark\ndef run(): pass",
            ConfigurationError,
            "benchmark `run` of .* has the name of a built-in one; rename it",
        ),
        (
            (
                "from agno_cli.bench import benchmark\n@benchmark\ndef a(): pass\n"
                "@benchmark(name='a')\ndef b(): pass"
            ),
            ConfigurationError,
            "benchmark `a` of .* has the name of another",
        ),
    ],
)
def test_a_bad_file_is_refused(tmp_path, text, error, message):
    path = tmp_path / "bad.py"
    path.write_text(text)
    with pytest.raises(error, match=message):
        load_benchmarks(Source("file", str(path)))


def test_a_missing_file_is_refused():
    with pytest.raises(InputError, match=r"there is no file `nowhere\.py`"):
        load_benchmarks(Source("file", "nowhere.py"))
