"""The picture of a workflow."""

from __future__ import annotations

from agno_cli import (
    Agent,
    Condition,
    Loop,
    Parallel,
    Router,
    ScriptedModel,
    Step,
    StepInput,
    Workflow,
)
from tests.workflows.faces import add


def holds(given: StepInput) -> bool:
    return True


AGENT = Agent(ScriptedModel(["ok"]), name="agent")


def test_every_kind_of_node():
    workflow = Workflow(
        [
            AGENT,
            Parallel({"fast": add("a"), "agent": AGENT}),
            Condition(holds, [add("b"), add("c")], name="short?"),
            Condition(holds, add("d"), add("e")),
            Loop(add("f"), until=holds),
            Loop(add("g"), max_rounds=3),
            Router(AGENT, {"one": add("h"), "two": add("i")}),
            Workflow([add("j")], name="inner"),
        ],
        name="all",
    )
    assert (
        workflow.to_mermaid()
        == """\
flowchart TD
start(["all"])
n1["agent"]
n2{{"parallel"}}
n3[["a"]]
n4["agent"]
n5{{"merge"}}
n6{"short?"}
n7[["b"]]
n8[["c"]]
n9{"condition"}
n10[["d"]]
n11[["e"]]
n12(["loop"])
n13[["f"]]
n14{"until done, at most 10 times"}
n15(["loop"])
n16[["g"]]
n17{"3 times"}
n18["choose"]
n19{"router"}
n20[["h"]]
n21[["i"]]
subgraph s22["inner"]
n23[["j"]]
end
finish(["end"])
start --> n1
n1 --> n2
n2 -->|"fast"| n3
n2 --> n4
n3 --> n5
n4 --> n5
n5 --> n6
n6 -->|"yes"| n7
n7 --> n8
n8 --> n9
n6 -->|"no"| n9
n9 -->|"yes"| n10
n9 -->|"no"| n11
n10 --> n12
n11 --> n12
n12 --> n13
n13 --> n14
n14 -.->|"again"| n12
n14 -->|"done"| n15
n15 --> n16
n16 --> n17
n17 -.->|"again"| n15
n17 -->|"done"| n18
n18 --> n19
n19 -->|"one"| n20
n19 -->|"two"| n21
n20 --> n23
n21 --> n23
n23 --> finish
"""
    )


def test_a_router_that_asks_a_function_has_no_box_for_it():
    picture = Workflow([Router(holds, {"one": add("a")})]).to_mermaid()
    assert picture.startswith('flowchart TD\nstart(["workflow"])\nn1{"router"}\nn2[["a"]]\n')


def test_names_cannot_end_the_text_they_stand_in():
    picture = Workflow([Step(AGENT, 'a "quoted"\n<b>`name`; #1')], name="x]").to_mermaid()
    assert 'n1["a #34;quoted#34; #60;b#62;#96;name#96;#59; #35;1"]' in picture


def test_conditions_without_another_way():
    picture = Workflow([Condition(holds, Condition(holds, add("a")))]).to_mermaid()
    assert picture.endswith(
        'n1 -->|"yes"| n2\nn2 -->|"yes"| n3\nn3 --> finish\nn2 -->|"no"| finish\n'
        'n1 -->|"no"| finish\n'
    )
