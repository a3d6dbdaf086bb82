"""Graphs of agents: who hears whom, how long it must take, what each must come to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli import ConfigurationError
from agno_cli.scenarios._definition import Topology
from agno_cli.scenarios._topology import make_graph, value_of

topologies: st.SearchStrategy[Topology] = st.sampled_from(
    ["chain", "fan-out", "tree", "all-to-all"]
)


@pytest.mark.parametrize(
    ("topology", "hears"),
    [
        ("chain", ((), (0,), (1,), (2,))),
        ("fan-out", ((), (0,), (0,), (1, 2))),
        ("tree", ((), (), (0,), (2, 1))),
        ("all-to-all", ((), (), (), (), (1, 2, 3), (0, 2, 3), (0, 1, 3), (0, 1, 2))),
    ],
)
def test_who_hears_whom(topology: Topology, hears):
    assert make_graph(topology, 4, rounds=2, fanout=2).hears == hears


def test_two_agents_are_enough():
    pair = ((), (0,))
    for topology in ("chain", "fan-out", "tree"):
        assert make_graph(topology, 2, fanout=2).hears == pair


@given(topologies, st.integers(2, 40), st.integers(1, 3), st.integers(2, 5))
def test_every_run_hears_only_earlier_ones_and_every_message_is_heard(
    topology, agents, rounds, fanout
):
    graph = make_graph(topology, agents, rounds=rounds, fanout=fanout)
    assert all(max(heard, default=-1) < run for run, heard in enumerate(graph.hears))
    assert sum(map(len, graph.heard_by)) == graph.messages
    values = graph.values()
    for run, heard in enumerate(graph.hears):
        told = [value for other in heard if (value := values[other]) is not None]
        assert len(told) == len(heard)
        assert values[run] == value_of(graph.agent_of(run), told)


def test_a_lost_or_doubled_message_changes_the_value():
    whole = value_of(3, [value_of(1, []), value_of(2, [])])
    assert value_of(3, [value_of(1, [])]) != whole
    assert value_of(3, [value_of(1, []), value_of(1, []), value_of(2, [])]) != whole


def test_the_critical_path_is_the_slowest_way_through():
    seconds = [1.0, 2.0, 5.0, 1.0]
    assert make_graph("chain", 4).critical_path(seconds) == 9.0
    assert make_graph("fan-out", 4).critical_path(seconds) == 7.0
    assert make_graph("all-to-all", 4, rounds=2).critical_path([1.0] * 4) == 2.0


def test_who_hears_nobody_comes_to_nothing():
    chain, fan = make_graph("chain", 4), make_graph("fan-out", 4)
    assert chain.values({2})[2:] == [None, None]
    first = value_of(0, [])
    assert fan.values({1}) == [
        first,
        None,
        value_of(2, [first]),
        value_of(3, [fan.values()[2] or 0]),
    ]


def test_more_than_can_be_kept_track_of_is_refused():
    with pytest.raises(ConfigurationError) as caught:
        make_graph("all-to-all", 2_000, rounds=2)
    assert str(caught.value) == (
        "2,000 agents in 2 rounds of all-to-all are 4,000 runs and 3,998,000 messages, more than"
        " the 100,000 and 1,000,000 that are kept track of; lower `agents` or `rounds`"
    )
