from pathlib import Path

import pytest

from agno_cli import Agent, ConfigurationError, InputError, Tool, Toolkit
from agno_cli._user_code import origin
from agno_cli.cli._load import load, load_tool
from tests.cli.conftest import Agno

pytestmark = pytest.mark.usefixtures("folder")


def load_agent(reference: str) -> Agent:
    agent: Agent = load(reference, "--agent", lambda value: isinstance(value, Agent))
    return agent


def refusal(reference: str) -> str:
    with pytest.raises(InputError) as caught:
        load_agent(reference)
    return str(caught.value)


def test_a_file_and_a_module_are_loaded(folder: Path) -> None:
    assert load_agent("team.py:adder").instructions == "Be brief."
    assert load_agent(f"{folder}/team.py:adder") is load_agent("./team.py:adder")
    assert load_agent("team:adder").instructions == "Be brief."


def test_an_attribute_may_be_dotted(folder: Path) -> None:
    (folder / "shop.py").write_text("import team\nclass Staff:\n    clerk = team.greeter\n")
    assert isinstance(load_agent("shop.py:Staff.clerk"), Agent)


def test_a_file_may_import_its_neighbours(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "helper.py").write_text("from agno_cli import Agent\nmade = Agent()\n")
    (folder / "sub" / "main.py").write_text("from helper import made\n")
    assert isinstance(load_agent("sub/main.py:made"), Agent)


def test_a_missing_file() -> None:
    assert refusal("nowhere.py:agent") == "--agent: there is no file `nowhere.py`"


def test_a_missing_module() -> None:
    assert refusal("nowhere.sub:agent") == (
        "--agent: there is no module `nowhere`, neither installed nor in this folder; for a file"
        " write `path/to/file.py:attribute`"
    )


def test_a_file_that_is_not_python(folder: Path) -> None:
    (folder / "notes.txt").write_text("")
    assert refusal("./notes.txt:agent") == (
        "--agent: `./notes.txt` is not a Python file; name one that ends in `.py`"
    )


def test_neither_module_nor_file() -> None:
    assert refusal("a b:c").startswith("--agent: 'a b' is neither a module nor a file;")


def test_a_missing_attribute_offers_the_nearest() -> None:
    assert refusal("team.py:ader") == (
        "--agent: `team.py` has no `ader`; did you mean `team.py:adder`?"
    )


def test_no_attribute_offers_some() -> None:
    assert refusal("team.py").startswith(
        "--agent: `team.py` names no attribute; it has `team.py:greeter`, `team.py:adder`"
    )


def test_a_name_without_a_colon_is_a_module() -> None:
    assert refusal("team").startswith("--agent: `team` names no attribute; it has `team:greeter`")
    assert refusal("nowhere").startswith("--agent: there is no module `nowhere`, neither")
    assert refusal("").startswith("--agent: '' is neither a module nor a file; give")


def test_the_wrong_type() -> None:
    assert refusal("team.py:number").startswith("--agent: `team.py:number` is of type `int`; it")
    assert refusal("team.py:Agent").startswith("--agent: `team.py:Agent` is a class; it has")


def test_nothing_to_offer(folder: Path) -> None:
    (folder / "empty.py").write_text("")
    assert refusal("empty.py:x") == "--agent: `empty.py` has no `x`; it has nothing that fits"


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import nonexistent_thing", "ModuleNotFoundError: No module named 'nonexistent_thing'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("x = = 1", "SyntaxError: invalid syntax"),
    ],
)
@pytest.mark.parametrize("reference", ["bad_{}.py:x", "bad_{}:x"])
def test_code_that_cannot_be_imported(
    folder: Path, code: str, problem: str, reference: str
) -> None:
    name = str(len(code))
    path = folder / f"bad_{name}.py"
    path.write_text(f"\n{code}\n")
    reference = reference.format(name)
    for _ in range(2):  # a module that failed is tried again, not found half-loaded
        with pytest.raises(ConfigurationError) as caught:
            load_agent(reference)
        assert str(caught.value) == (
            f"--agent: `{reference[:-2]}` cannot be imported: {path}:2: {problem};"
            " `-v` shows the traceback"
        )


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("Limits(turns=0)", "ConfigurationError: limit `turns` is 0; give a whole number from 1"),
        ("json.loads('{')", "JSONDecodeError: Expecting property name enclosed in double quotes"),
        ("Agent().name = 'x'", "AttributeError: an Agent never changes"),
    ],
)
def test_a_mistake_that_a_library_finds_is_in_the_users_line(
    folder: Path, code: str, problem: str
) -> None:
    path = folder / "mistaken.py"
    path.write_text(
        f"import json\nfrom agno_cli import Agent, Limits\ndef make():\n    {code}\nmake()\n"
    )
    with pytest.raises(ConfigurationError) as caught:
        load_agent("mistaken.py:agent")
    assert str(caught.value).startswith(
        f"--agent: `mistaken.py` cannot be imported: {path}:4: {problem}"
    )


def test_code_without_a_line_of_the_users() -> None:
    assert origin(ValueError("never raised")) == ""


def test_a_hook_that_fails_is_found(agno: Agno, folder: Path) -> None:
    (folder / "hooked.py").write_text(
        "from agno_cli import Agent, Hooks, ScriptedModel\n"
        "def check(context, prompt):\n"
        "    return 1 / 0\n"
        "agent = Agent(ScriptedModel(), hooks=Hooks(before_run=(check,)))\n"
    )
    code, out, err = agno("run", "--agent", "hooked.py:agent", "Hi")
    assert (code, out) == (1, "")
    assert err == (
        f"error: ZeroDivisionError: division by zero, at {folder}/hooked.py:3; `-v` shows the"
        " traceback\n"
    )


def test_tools_by_name() -> None:
    assert isinstance(load_tool("calculator"), Toolkit)
    assert isinstance(load_tool("team.py:sums"), Toolkit)
    assert isinstance(load_tool("team.py:add"), Tool)
    double = load_tool("team:double")
    assert callable(double)
    assert double(4) == 8


def test_a_toolkit_that_is_not_there(agno: Agno) -> None:
    code, _, err = agno("run", "-T", "calculater", "Hi")
    assert code == 2
    assert err == (
        "error: -T: there is no toolkit `calculater`; did you mean `calculator`?"
        " (one of your own: `module:function` or `file.py:function`)\n"
    )


def test_what_is_no_tool() -> None:
    with pytest.raises(
        InputError, match=r"`team.py:number` is of type `int`; it has `team.py:add`"
    ):
        load_tool("team.py:number")


def test_imported_functions_are_not_offered() -> None:
    with pytest.raises(InputError) as caught:
        load_tool("team.py:nothing")
    assert str(caught.value) == (
        "-T: `team.py` has no `nothing`; it has `team.py:add`, `team.py:sleep`,"
        " `team.py:double`, `team.py:sums`"
    )
