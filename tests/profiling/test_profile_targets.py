"""What a target means, before any of the user's code is loaded."""

import sys

import pytest

from agno_cli import ConfigurationError, InputError
from agno_cli.profiling._commands import Command, inside, read_command
from agno_cli.profiling._targets import Target, find_target
from agno_cli.profiling._work import find_work


@pytest.mark.parametrize(
    ("words", "options", "target"),
    [
        ([], {}, Target(text="run", kind="benchmark", name="run")),
        (["create"], {}, Target(text="create", kind="benchmark", name="create")),
        (
            ["scenario:batch-1000"],
            {},
            Target(text="scenario:batch-1000", kind="scenario", name="batch-1000"),
        ),
        (
            ["shop:support"],
            {"call_tools": True},
            Target(text="shop:support", kind="attribute", name="shop:support", call_tools=True),
        ),
        (
            ["script.py", "-x", "a b"],
            {},
            Target(
                text="script.py -x 'a b'",
                kind="program",
                command=(sys.executable, "script.py", "-x", "a b"),
            ),
        ),
        (
            [],
            {"command": ["python", "-c", "pass"]},
            Target(text="python -c pass", kind="program", command=("python", "-c", "pass")),
        ),
        (
            ["shop:support", "Hello"],
            {"model": "scripted:Hi"},
            Target(
                text="shop:support on scripted:Hi",
                kind="real",
                name="shop:support",
                model="scripted:Hi",
                prompt="Hello",
            ),
        ),
    ],
)
def test_a_target_is_told_by_its_form(words, options, target, shop):
    assert find_target(words, **options) == target


@pytest.mark.parametrize(
    ("words", "options", "message"),
    [
        (["creat"], {}, "there is no benchmark `creat`; did you mean `create`"),
        (["run", "create"], {}, "`run` and `create` are two targets"),
        (["no.py"], {}, "there is no file `no.py`"),
        (["run"], {"command": ["ls"]}, "`run` and `-- ls` are two targets"),
        ([], {"model": "scripted:Hi"}, "a real run needs a prompt"),
        (["a:b", "c:d", "Hi"], {"model": "scripted:Hi"}, "give one agent and one prompt"),
    ],
)
def test_what_cannot_be_meant_is_refused(words, options, message, shop):
    with pytest.raises(InputError, match=message):
        find_target(words, **options)


@pytest.mark.parametrize(
    ("name", "noun", "summary"),
    [
        ("shop.py:work", "call", "Spend 30 % in hot, and the rest in cold"),
        ("shop:marked", "call", "Add"),
        ("shop:support", "run", "a run on a scripted model"),
    ],
)
def test_code_of_the_users_is_work(name, noun, summary, shop):
    work = find_work(Target(text=name, kind="attribute", name=name))
    assert (work.noun, work.summary) == (noun, summary)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shop.py:takes", "`shop.py:takes` takes arguments"),
        ("shop.py:number", "is of type `int`"),
        ("shop.py:nope", "has no `nope`"),
        ("nowhere:nope", "there is no module `nowhere`"),
    ],
)
def test_what_is_no_work_is_refused(name, message, shop):
    with pytest.raises(InputError, match=message):
        find_work(Target(text=name, kind="attribute", name=name))


@pytest.mark.parametrize(
    ("name", "noun"),
    [("batch-1000", "batch"), ("multi-agent-100", "round"), ("api-10k", "request")],
)
def test_a_scenario_is_work(name, noun):
    work = find_work(Target(text=name, kind="scenario", name=name))
    assert work.noun == noun
    assert "result = " in work.prepare().statement


def test_a_command_is_taken_apart(shop):
    python = sys.executable
    found = read_command([python, "-X", "dev", "-m", "http.server", "0"])
    assert (found.options, found.kind, found.what, found.arguments, found.is_ours) == (
        ("-X", "dev"),
        "module",
        "http.server",
        ("0",),
        True,
    )
    assert inside(found, "{}", "memray") == [
        *(python, "-X", "dev", "-P", "-m", "agno_cli.profiling._runner"),
        "{}",
    ]
    assert read_command([python, "-c", "pass"]).kind == "code"
    assert read_command([python, "script.py", "-m"]).arguments == ("-m",)


def test_a_script_names_its_python(shop):
    program = shop / "tool"
    program.write_text(f"#!{sys.executable}\nprint()\n")
    program.chmod(0o755)
    found = read_command([str(program), "x"])
    assert found == Command(
        words=(str(program), "x"),
        interpreter=sys.executable,
        what=str(program),
        arguments=("x",),
    )


def test_a_program_without_python_can_only_be_seen_from_outside():
    found = read_command(["sh", "-c", "true"])
    assert not found.is_ours
    with pytest.raises(ConfigurationError, match="install agno-cli there"):
        inside(found, "{}", "memray")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["no-such-program-here"], "there is no program `no-such-program-here`"),
        ([sys.executable, "no.py"], "there is no file `no.py`"),
        ([sys.executable, "-X", "dev"], "runs no program"),
    ],
)
def test_a_command_that_cannot_run_is_refused(words, message, shop):
    with pytest.raises(InputError, match=message):
        read_command(words)
