import pytest
from method_cases import MICRO, SPACES

from rnas.errors import MethodError
from rnas.space import DARTS_OPERATIONS, HYBRID_OPERATIONS, Edge, incoming


def test_three_nodes_have_nine_edges():
    assert SPACES["rnas_mer"].edges == (
        *[Edge(source, 0) for source in range(2)],
        *[Edge(source, 1) for source in range(3)],
        *[Edge(source, 2) for source in range(4)],
    )


@pytest.mark.parametrize("nodes", range(1, 7))
def test_every_node_hears_all_that_come_before(nodes):
    space = MICRO.resized(nodes=nodes)
    groups = list(incoming(space.edges, nodes))
    assert [len(group) for group in groups] == [node + 2 for node in range(nodes)]
    assert sorted(index for group in groups for index in group) == list(range(len(space.edges)))


def test_the_sets_of_operations_are_those_of_table_1_and_of_darts():
    pairs = [f"{join}_{sizes}" for join in ("add", "max", "avg") for sizes in ("1_3", "3_5", "1_5")]
    assert (*pairs, "conv_1", "conv_3", "conv_5", "skip", "none") == HYBRID_OPERATIONS
    assert len(HYBRID_OPERATIONS) == 14
    assert len(DARTS_OPERATIONS) == len(set(DARTS_OPERATIONS)) == 8


def test_the_width_doubles_with_every_level():
    space = SPACES["rnas_mer"]
    assert [space.width(level) for level in range(4)] == [8, 16, 32, 64]
    assert [space.output_width(level) for level in range(4)] == [8, 16, 32, 64]
    joined = space.resized(reduction="concat", nodes=5)
    assert [joined.output_width(level) for level in range(2)] == [40, 80]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"kernels": "own"}, "per_op"),
        ({"dilated": "half"}, "separable"),
        ({"attention_form": "squeeze"}, "gated"),
        ({"reduction": "mean"}, "concat"),
        ({"nodes": 0}, "nodes"),
        ({"channels": 0}, "channels"),
        ({"channels": 6, "partial": 4}, "multiple of 4"),
        ({"partial": 0}, "partial"),
        ({"operations": ("skip", "skip")}, "distinct"),
        ({"operations": ("none",)}, "none"),
    ],
)
def test_settings_that_make_no_space_are_refused(changes, named):
    with pytest.raises(MethodError, match=named):
        MICRO.resized(**changes)


@pytest.mark.parametrize("name", SPACES)
def test_no_softmax_runs_over_a_single_element(name):
    """A softmax of one element is a constant: as a parameter it would never learn."""
    space = SPACES[name]
    assert len(space.operations) > 1
    assert all(len(group) > 1 for group in incoming(space.edges, space.nodes))
    assert all(len(space.outer.out_of(state)) > 1 for state in space.outer.choices)
