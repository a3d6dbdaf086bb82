"""From stacks to functions, sites and parts."""

import pytest

from agno_cli.profiling._analysis import functions_of, sites_of
from agno_cli.profiling._parts import by_part
from agno_cli.profiling._profile import Cost, Frame, Site, Stack

RUN = Frame("run", "agno_cli/_agent.py", 94, "agno_cli")
HOT = Frame("hot", "shop.py", 7, "yours")
HOT_LATER = Frame("hot", "shop.py", 9, "yours")
JSON = Frame("encode", "msgspec/json.py", 3, "library")


def test_a_function_has_its_own_time_and_all_it_called():
    frames = (RUN, HOT, HOT_LATER)
    stacks = (Stack((0,), 2.0), Stack((0, 1), 2.0), Stack((0, 2), 4.0))
    assert functions_of(frames, stacks) == (
        Cost("hot", "shop.py", 9, "yours", 0.75, 0.75),
        Cost("run", "agno_cli/_agent.py", 94, "agno_cli", 0.25, 1.0),
    )


def test_a_function_that_calls_itself_counts_once():
    (cost,) = functions_of((HOT, HOT_LATER), (Stack((0, 1, 0, 1), 4.0),))
    assert (cost.own, cost.total) == (1.0, 1.0)


def test_a_site_is_the_users_line_whoever_asked_for_the_memory():
    frames = (HOT, RUN, JSON)
    stacks = (Stack((0, 1, 2), 300.0, 6), Stack((1, 2), 900.0, 3), Stack((0,), 100.0, 1))
    assert sites_of(frames, stacks, 10) == (
        Site("hot", "shop.py", 7, "yours", 40.0, 0.7, "encode"),
        Site("run", "agno_cli/_agent.py", 94, "agno_cli", 90.0, 0.3, "encode"),
    )


def test_without_anybodys_line_the_innermost_frame_is_the_site():
    statement = Frame("result = f()", "", 0, "yours")
    (site,) = sites_of((statement,), (Stack((0,), 8.0, 1),), 1)
    assert site == Site("result = f()", "", 0, "yours", 8.0, 1.0)


CALL = Frame("carry_out", "agno_cli/_calls.py", 30, "agno_cli")
WAIT = Frame("value_of", "agno_cli/_calls.py", 50, "agno_cli")


@pytest.mark.parametrize(
    ("stack", "part"),
    [
        ([RUN, Frame("complete", "agno_cli/models/local.py", 1, "agno_cli")], "model"),
        ([RUN, Frame("Mine.complete", "shop.py", 1, "yours")], "model"),
        ([RUN, CALL, HOT], "tools"),
        ([RUN, CALL, WAIT, Frame("wait", "threading.py", 1, "python")], "tools"),
        ([WAIT, Frame("wait", "threading.py", 1, "python")], "tools"),
        ([RUN, CALL, Frame("add", "agno_cli/toolkits/calculator.py", 1, "agno_cli")], "tools"),
        ([RUN, CALL, Frame("prepare_call", "agno_cli/_tools.py", 1, "agno_cli")], "framework"),
        ([RUN, CALL], "framework"),
        ([RUN], "framework"),
    ],
)
def test_a_stack_of_a_real_run_worked_for_one_part(stack, part):
    frames, (found,) = by_part(stack, (Stack(tuple(range(len(stack))), 1.0),))
    assert frames[found.frames[0]].function == part
    assert found.frames[1:] == tuple(range(len(stack)))
