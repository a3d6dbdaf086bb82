"""Workflows in TOML files: the examples run, and mistakes are named where they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from agno_cli import ConfigurationError, InputError, Workflow
from agno_cli.storage import SqliteCheckpoints
from agno_cli.workflows._file import workflow_from_file
from tests.workflows.faces import every_face

EXAMPLES = Path(__file__).parents[2] / "examples"
AGENT = '[agents.a]\nmodel = "scripted:ok"\n'


def read(folder: Path, text: str) -> Workflow:
    file = folder / "flow.toml"
    file.write_text(AGENT + text)
    return workflow_from_file(file)


@every_face
@pytest.mark.parametrize(
    ("name", "prompt", "content", "paths"),
    [
        (
            "article",
            "Why do bees dance?",
            "Bees dance to tell the others where flowers are: a dance is a map, read in 1927.",
            [
                "1.research.1.books",
                "1.research.2.field",
                "2.polish.body.1.writer#1",
                "2.polish.body.2.critic#1",
                "2.polish.body.1.writer#2",
                "2.polish.body.2.critic#2",
                "3.draft",
            ],
        ),
        (
            "support",
            "I paid twice.",
            "We have sent the second payment back.",
            ["1.triage.choose", "1.triage.billing.billing"],
        ),
        (
            "support",
            "I paid twice. Thanks!",
            "We have sent the second payment back. (7 words)",
            ["1.triage.choose", "1.triage.billing.billing", "2.condition.then.count_words"],
        ),
    ],
)
def test_the_examples(face, name, prompt, content, paths):
    output = face(workflow_from_file(EXAMPLES / f"workflow_{name}.toml"), prompt)
    assert (output.content, [step.path for step in output.steps]) == (content, paths)


@pytest.mark.local
def test_the_example_on_the_local_model(smollm2_in_cache):
    output = workflow_from_file(EXAMPLES / "workflow_local.toml").run("Where is Paris?")
    answer, counted = output.steps
    assert output.state == {"answer": answer.content}
    assert counted.content.endswith(" words)")


def test_everything_a_file_may_say(tmp_path):
    (tmp_path / "code.py").write_text(
        "def shout(given): return given.text.upper()\n"
        "def always(given): return True\n"
        "def merge(base, states): return base\n"
        "def choose(given): return 'two'\n"
    )
    (tmp_path / "inner.toml").write_text('steps = [{ run = "a", name = "inside" }]\n' + AGENT)
    workflow = read(
        tmp_path,
        """
        [teams.both]
        mode = "parallel"
        members = ["a"]
        [state]
        seen = ""
        tags = ["x"]
        [[steps]]
        run = "a"
        name = "first"
        prompt = "{prompt} {state.seen}"
        retry = { attempts = 2, backoff = 0 }
        timeout = 5
        into = "seen"
        [[steps]]
        parallel = ["both", ["a", "code.py:shout"], { run = "code.py:shout", quick = true }]
        merge = "code.py:merge"
        at_most = 2
        name = "fork"
        [[steps]]
        parallel = { one = "a", two = "inner.toml" }
        [[steps]]
        if = "code.py:always"
        then = "a"
        else = "a"
        name = "sure"
        [[steps]]
        if = { of = "state.seen", equals = "ok" }
        then = { run = "code.py:shout", retry = 2 }
        [[steps]]
        if = { of = "state.nothing", matches = "^x" }
        then = "a"
        [[steps]]
        loop = "a"
        until = { of = "prompt", contains = "HI" }
        max_rounds = 5
        at_limit = "fail"
        [[steps]]
        route = "code.py:choose"
        routes = { one = "a", two = ["a"] }
        """,
    )
    output = workflow.run("hi")
    assert [step.path for step in output.steps] == [
        "1.first",
        "2.fork.1.both",
        "2.fork.2.1.a",
        "2.fork.2.2.shout",
        "2.fork.3.shout",
        "3.parallel.1.a",
        "3.parallel.2.inner.1.inside",
        "4.sure.then.a",
        "5.condition.then.shout",
        "7.loop.body.a#1",
        "8.router.two.1.a",
    ]
    assert (output.state.seen, output.state.tags) == ("ok", ["x"])
    assert (workflow.name, workflow.limits, workflow.checkpoints) == ("flow", None, None)


def test_bounds_checkpoints_and_a_model_for_those_without(tmp_path):
    file = tmp_path / "flow.toml"
    file.write_text(
        'name = "kept"\ncheckpoints = "runs.db"\nlimits = { seconds = 5, tokens = 100 }\n'
        'steps = ["b", "c", "inner.toml", { if = { contains = "xyz" }, then = "b" }]\n'
        '[agents.b]\n[agents.c]\nmodel = "scripted:own"\n[agents.d]\n'
        '[teams.t]\nmembers = ["d"]\n'
    )
    (tmp_path / "inner.toml").write_text('steps = ["b"]\n[agents.b]\n')
    workflow = workflow_from_file(file, model="scripted:given")
    assert [step.content for step in workflow.run("hi", run_id="it").steps] == [
        "given",
        "own",
        "given",
    ]
    assert isinstance(workflow.checkpoints, SqliteCheckpoints)
    assert workflow.checkpoints.path == tmp_path / "runs.db"
    assert workflow_from_file(file, model="scripted:given").resume("it").content == "given"
    limits = workflow.limits
    assert limits is not None
    assert (limits.seconds, limits.tokens) == (5, 100)
    workflow.checkpoints.close()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "`steps`: there are no steps; write `[[steps]]` for each"),
        ("step = []", "`agents.a.step`: there is no such key"),
        ("[[steps]]\nrun = 'b'", "`steps.1.run`: there is no agent or team `b`; there are: a (a"),
        ("[[steps]]\nrun = 'a'\nretries = 2", "`steps.1.retries`: there is no such key; did you"),
        ("[[steps]]\nrun = 'a'\nretry = { tries = 2 }", "`steps.1.retry.tries`: there is no such"),
        ("[[steps]]\nrun = 'a'\nretry = { attempts = 0 }", "`steps.1.retry`: retry `attempts` is"),
        ("[[steps]]\nrun = 'a'\ntimeout = 'x'", "`steps.1.timeout`: Expected `float | null`, got"),
        ("[[steps]]\nname = 'x'", "`steps.1`: a node has one of `run`, `parallel`, `if`, `loop`,"),
        ("[[steps]]\nrun = 'a'\nloop = 'a'", "this one has `run` and `loop`"),
        ("[[steps]]\nparallel = [7]", "`steps.1.parallel.1`: it is 7; write a table, a list or a"),
        ("[[steps]]\nparallel = { x = 7 }", "`steps.1.parallel.x`: it is 7; write a table"),
        ("[[steps]]\nloop = 'a'\nuntil = 7", "`steps.1.until`: it is 7; write a table"),
        ("[[steps]]\nif = {}\nthen = 'a'", "`steps.1.if`: give one of `contains`, `equals` and"),
        (
            "[[steps]]\nif = { of = 'state', equals = 1 }\nthen = 'a'",
            "`steps.1.if.of`: it is 'state'; write `previous`, `prompt` or `state.FIELD`",
        ),
        (
            "[[steps]]\nif = { matches = '(' }\nthen = 'a'",
            "`steps.1.if.matches`: it is no regular expression: missing )",
        ),
        ("[[steps]]\nrun = 'flow.toml'", "flow.toml`: it is a step of itself"),
        ("[[steps]]\nif = 'x'", "`steps.1`: `then` is missing"),
    ],
)
def test_mistakes_are_named_where_they_stand(tmp_path, text, problem):
    with pytest.raises((ConfigurationError, InputError)) as caught:
        read(tmp_path, text)
    assert problem in str(caught.value)


def test_code_and_files_that_are_not_there(tmp_path):
    with pytest.raises(InputError, match=r"cannot read `.*nothing\.toml`"):
        workflow_from_file(tmp_path / "nothing.toml")
    with pytest.raises(InputError, match=r"steps\.1\.run.*there is no file"):
        read(tmp_path, "[[steps]]\nrun = 'nothing.py:f'")
    with pytest.raises(InputError, match=r"cannot read `.*inner\.toml`"):
        read(tmp_path, "[[steps]]\nrun = 'inner.toml'")
