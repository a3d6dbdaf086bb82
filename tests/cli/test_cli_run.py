import json
import logging
from pathlib import Path
from typing import Any

import pytest

from agno_cli import __version__
from tests.cli.conftest import Agno


@pytest.mark.parametrize("name", ["version", "help"])
def test_version_and_help_are_data(agno: Agno, name: str) -> None:
    code, out, err = agno(f"--{name}")
    assert (code, err) == (0, "")
    assert out.startswith({"version": f"agno {__version__}", "help": "Usage: agno"}[name])


def test_nothing_asked_gives_the_help(agno: Agno) -> None:
    assert agno() == agno("--help")


def test_the_text_and_one_newline(agno: Agno) -> None:
    assert agno("run", "--agent", "team.py:greeter", "Hi") == (0, "Hello **you**.\n", "")


def test_each_turn_begins_a_line_and_reasoning_goes_to_stderr(agno: Agno) -> None:
    assert agno("run", "--agent", "team.py:adder", "Hi") == (
        0,
        "Let me see.\nIt is 3.\n",
        "Add.\n",
    )


def test_quiet_leaves_the_reasoning_out(agno: Agno) -> None:
    assert agno("run", "-q", "--agent", "team.py:adder", "Hi").err == ""


def test_no_stream_gives_the_final_answer_only(agno: Agno) -> None:
    assert agno("run", "--no-stream", "--agent", "team.py:adder", "Hi") == (0, "It is 3.\n", "")


def test_verbose_tells_of_tools_and_logs(agno: Agno) -> None:
    code, out, err = agno("run", "-v", "--agent", "team.py:adder", "Hi")
    assert (code, out) == (0, "Let me see.\nIt is 3.\n")
    assert err.startswith('Add.\ntool add {"a":1,"b":2}\ntool add gave 3 (')
    assert logging.getLogger("agno_cli").level == logging.NOTSET


def test_usage_and_timing_go_to_stderr(agno: Agno) -> None:
    code, out, err = agno("run", "-q", "-u", "--timing", "--agent", "team.py:adder", "Hi")
    assert (code, out) == (0, "Let me see.\nIt is 3.\n")
    usage, timing = err.splitlines()
    assert usage == "usage: 2 input tokens, 2 output tokens, 2 requests"
    names = ["total", "model", "tools", "framework", "first token", "tokens/s"]
    assert [name for name in names if name in timing] == names


def test_json_is_one_document(agno: Agno) -> None:
    code, out, err = agno("run", "--json", "--agent", "team.py:adder", "Hi")
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert list(document) == ["schema_version", "command", "result", "error", "timings"]
    assert document["schema_version"] == 1
    assert document["command"] == "run"
    assert document["error"] is None
    assert document["result"]["content"] == "It is 3."
    assert document["result"]["usage"]["requests"] == 2
    assert list(document["timings"]) == [
        "total",
        "model",
        "tools",
        "framework",
        "first_token",
        "tokens_per_second",
    ]


def test_json_without_a_stream_knows_no_first_token(agno: Agno) -> None:
    code, out, _ = agno("run", "--json", "--no-stream", "--agent", "team.py:greeter", "Hi")
    assert (code, json.loads(out)["timings"]["first_token"]) == (0, None)


def test_jsonl_is_one_event_a_line(agno: Agno) -> None:
    code, out, err = agno("run", "--jsonl", "--agent", "team.py:greeter", "Hi")
    events = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [event["event"] for event in events] == [
        "run_started",
        "text_delta",
        "text_delta",
        "turn_finished",
        "run_finished",
    ]
    assert events[-1]["output"]["content"] == "Hello **you**."


def test_a_limit_keeps_what_was_written_and_names_the_option(agno: Agno) -> None:
    assert agno("run", "--agent", "team.py:endless", "--max-turns", "2", "Hi") == (
        7,
        "Again.\nAgain.\n",
        "error: limit of 2 turns reached; raise it with `--max-turns`\n",
    )


def test_a_limit_without_a_stream_keeps_the_work_done(agno: Agno) -> None:
    arguments = ("run", "--no-stream", "--agent", "team.py:endless", "--max-turns", "1", "Hi")
    assert agno(*arguments)[:2] == (7, "Again.\n")


def test_json_holds_the_partial_output_and_the_error(agno: Agno) -> None:
    code, out, err = agno("run", "--json", "--agent", "team.py:endless", "--max-tokens", "3", "Hi")
    document = json.loads(out)
    assert code == 7
    assert document["result"]["status"] == "limited"
    assert document["result"]["content"] == "Again."
    assert document["error"] == {
        "type": "LimitReached",
        "message": err.removeprefix("error: ").strip(),
        "exit_code": 7,
        "kind": "tokens",
    }


def test_jsonl_ends_with_the_error(agno: Agno) -> None:
    code, out, _ = agno("run", "--jsonl", "--agent", "team.py:endless", "--max-turns", "1", "Hi")
    last = json.loads(out.splitlines()[-1])
    assert code == 7
    assert last["event"] == "run_failed"
    assert last["error"]["kind"] == "turns"
    assert last["output"]["turns"] == 1


def test_usage_is_told_of_a_run_that_failed_too(agno: Agno) -> None:
    _, _, err = agno("run", "-u", "--agent", "team.py:endless", "--max-turns", "1", "Hi")
    assert err.splitlines()[0] == "usage: 1 input tokens, 1 output tokens, 1 request"


def test_time_is_limited(agno: Agno) -> None:
    code, out, err = agno("run", "--agent", "team.py:sleeper", "--timeout", "0.05", "Hi")
    assert (code, out) == (7, "Wait.\n")
    assert err == "error: limit of 0.05 seconds reached; raise it with `--timeout`\n"


def test_an_endless_timeout_is_none(agno: Agno) -> None:
    assert agno("run", "--agent", "team.py:greeter", "--timeout", "inf", "Hi").code == 0


def test_structured_output_is_json(agno: Agno) -> None:
    assert agno("run", "--agent", "team.py:counter", "Hi") == (0, '{"n":3}\n', "")


def test_output_that_never_fits(agno: Agno) -> None:
    code, out, err = agno("run", "--agent", "team.py:babbler", "Hi")
    assert (code, out) == (8, "")
    assert err.startswith("error: ")


def test_a_schema_in_short_form(agno: Agno) -> None:
    arguments = ("run", "--agent", "team.py:greeter", "--schema", "n int", "--dry-run", "--json")
    document = json.loads(agno(*arguments, "Hi").out)
    schema = document["result"]["output_schema"]
    assert schema["properties"]["n"]["type"] == "integer"


def test_dry_run_calls_nothing(agno: Agno) -> None:
    arguments = ("-T", "team.py:double", "-o", "temperature", "0", "-o", "user", "me")
    code, out, err = agno("run", "--dry-run", "--agent", "team.py:adder", *arguments, "Hi")
    assert (code, err) == (0, "")
    assert out == (
        "model: scripted:scripted\n"
        "option: temperature = 0\n"
        'option: user = "me"\n'
        "limit: turns = 10\n"
        "limit: parallel_tools = 16\n"
        "limit: output_retries = 2\n"
        "tool: add - Add two numbers.\n"
        '  {"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},'
        '"required":["a","b"],"additionalProperties":false}\n'
        "tool: double - Double a number.\n"
        '  {"type":"object","properties":{"number":{"type":"integer"}},'
        '"required":["number"],"additionalProperties":false}\n'
        "\n[system]\nBe brief.\n\n[user]\nHi\n"
    )


def test_dry_run_shows_the_schema_and_leaves_computed_instructions(agno: Agno) -> None:
    _, out, _ = agno("run", "--dry-run", "--agent", "team.py:counter", "Hi")
    assert 'output schema: {"type":"object"' in out
    _, out, _ = agno("run", "--dry-run", "--agent", "team.py:personal", "Hi")
    assert "[system]\n(a function of the agent's, which the run would call)\n" in out


def test_instructions_from_a_file(agno: Agno, folder: Path) -> None:
    (folder / "style.txt").write_text("Be kind.", encoding="utf-8")
    arguments = ("run", "--dry-run", "--agent", "team.py:adder", "Hi", "-s")
    assert "[system]\nBe kind.\n" in agno(*arguments, "@style.txt").out
    assert "[system]\n@all\n" in agno(*arguments, "@@all").out
    assert "[system]" not in agno(*arguments, "").out


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["--json", "--jsonl"], 2, "--json and --jsonl exclude each other; leave one out"),
        (["--session", "a", "-c"], 2, "--session and --continue exclude each other; leave one out"),
        (
            ["-s", "@nowhere"],
            2,
            "-s: cannot read `nowhere`: No such file or directory; a text that",
        ),
        (["--schema", "n hint"], 2, "--schema: "),
        (["-m", "nobody:x"], 5, ""),
        (["--max-turns", "0"], 2, "Invalid value for '--max-turns'"),
        (["--nonsense"], 2, "No such option: --nonsense"),
        (["-c"], 2, "there is no session to continue in `"),
        (["--session", "x" * 201], 2, "a session id has 1 to 200 characters"),
        (["--replay", "nowhere"], 2, "--replay: cannot replay `nowhere`"),
        (["--record", "no/where"], 2, "--record: cannot record to `no/where`"),
        (["--timeout", "nan"], 2, "--timeout is nan; give seconds above 0"),
        (["-T", "files", "-T", "files"], 2, "-T files is given twice; leave one out"),
        (["--schema", '{"$ref": "#a"}'], 2, "--schema: the schema has a `$ref` that leads nowhere"),
        (["-s", "@huge"], 2, "-s: `huge` holds more than 32 MiB; give the model a part"),
        (["-s", "@latin"], 2, "-s: `latin` is not UTF-8 text (byte 0xfc at offset 1); convert"),
        (["-s", "@."], 2, "-s: cannot read `.`: Is a directory; a text that"),
        (["-o", "temperature"], 2, "Option '-o' requires 2 arguments"),
    ],
)
def test_bad_input_is_one_line(
    agno: Agno, folder: Path, arguments: list[str], code: int, error: str
) -> None:
    (folder / "latin").write_bytes(b"M\xfcsli")
    with (folder / "huge").open("wb") as huge:
        huge.truncate(32 * 2**20 + 1)
    result = agno("run", "--agent", "team.py:greeter", "Hi", *arguments)
    assert (result.code, result.out.count("\n")) == (code, 1 if "--json" in arguments else 0)
    assert result.err.startswith(f"error: {error}")
    assert result.err.count("\n") == 1


def test_verbose_shows_the_traceback_before_the_line(agno: Agno) -> None:
    err = agno("run", "-v", "--agent", "team.py:greeter", "-s", "@nowhere", "Hi").err
    assert err.startswith("Traceback (most recent call last):")
    assert err.splitlines()[-1].startswith("error: -s: cannot read `nowhere`")


def test_an_error_before_the_run_is_a_document_too(agno: Agno) -> None:
    code, out, _ = agno("run", "--json", "--agent", "team.py:nobody", "Hi")
    document = json.loads(out)
    assert code == 2
    assert (document["result"], document["error"]["type"]) == (None, "InputError")


def test_options_meet_an_agent_that_cannot_work(agno: Agno, folder: Path) -> None:
    (folder / "odd.py").write_text("from agno_cli import Agent\nagent = Agent(limits=5)\n")
    assert agno("run", "--agent", "odd.py:agent", "--max-turns", "2", "Hi") == (
        5,
        "",
        "error: an agent's `limits` is 5; give a `Limits`\n",
    )


@pytest.mark.parametrize("form", ["--json", "--jsonl"])
def test_an_error_that_nobody_foresaw_is_data_too(agno: Agno, folder: Path, form: str) -> None:
    (folder / "odd.py").write_text(
        "from agno_cli import Agent, ScriptedModel\n"
        "class Nameless(ScriptedModel):\n"
        "    name = property(lambda self: 1 / 0)\n"
        "agent = Agent(Nameless())\n"
    )
    code, out, err = agno("run", form, "--agent", "odd.py:agent", "Hi")
    assert (code, json.loads(out)["error"]) == (
        1,
        {"type": "ZeroDivisionError", "message": err[7:-1], "exit_code": 1},
    )
    assert err.startswith("error: internal error: ZeroDivisionError: division by zero; run again")


def test_other_options_change_the_agent(agno: Agno) -> None:
    changes = ("-s", "Other.", "-m", "scripted:changed", "--max-turns", "3")
    _, out, _ = agno("run", "--dry-run", "--json", "--agent", "team.py:adder", *changes, "Hi")
    plan: dict[str, Any] = json.loads(out)["result"]
    assert (plan["model"], plan["system"], plan["limits"]["turns"]) == (
        "scripted:changed",
        "Other.",
        3,
    )


def test_a_model_by_name(agno: Agno) -> None:
    assert agno("run", "-m", "scripted:Good day.", "Hi") == (0, "Good day.\n", "")


def test_a_recording_is_replayed(agno: Agno) -> None:
    arguments = ("run", "--agent", "team.py:adder", "Hi")
    recorded = agno(*arguments, "--record", "tape.jsonl")
    assert agno(*arguments, "--replay", "tape.jsonl") == recorded
    assert agno(*arguments, "--replay", "tape.jsonl", "--dry-run").out.startswith(
        "model: replay of tape.jsonl\n"
    )


def test_a_recording_is_replaced_by_force_only(agno: Agno) -> None:
    arguments = ("run", "--agent", "team.py:greeter", "Hi", "--record", "tape.jsonl")
    assert [agno(*arguments).code, agno(*arguments).code] == [0, 2]
    assert agno(*arguments, "--force").code == 0


def test_what_an_agent_s_code_prints_is_not_data(agno, tmp_path):
    (tmp_path / "chatty.py").write_text(
        "from agno_cli import Agent, ScriptedModel, say\n"
        "print('loading')\n"
        "def look() -> str:\n"
        "    print('looking')\n"
        "    return 'seen'\n"
        "agent = Agent(ScriptedModel([say('', ('look', {})), 'Done.']), tools=[look])\n"
    )

    code, out, err = agno("run", "--agent", f"{tmp_path / 'chatty.py'}:agent", "hi", "-q")

    assert (code, out, err) == (0, "Done.\n", "loading\nlooking\n")
