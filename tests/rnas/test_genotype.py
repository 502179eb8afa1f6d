import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from method_cases import CLIMBING, MICRO, SPACES

from rnas.errors import MethodError
from rnas.genotype import Genotype, check_genotype, random_genotype
from rnas.space import Edge

ALL = {**SPACES, "micro": MICRO, "climbing": CLIMBING}
seeds = st.integers(0, 2**32)

GOOD = Genotype(
    space="micro",
    path=(2, 4, 4),
    edges=(Edge(0, 0), Edge(1, 0), Edge(0, 1), Edge(2, 1)),
    operations=("skip", "conv_1", "max_1_3", "skip"),
)


@pytest.mark.parametrize("name", ALL)
@given(seed=seeds)
def test_json_and_back(name, seed):
    genotype = random_genotype(ALL[name], random.Random(seed))
    again = Genotype.from_json(genotype.to_json())
    assert again == genotype
    assert all(isinstance(edge, Edge) for edge in again.edges)
    assert hash(again) == hash(genotype)
    assert again.to_dict() == json.loads(genotype.to_json())


@pytest.mark.parametrize("name", ALL)
@given(seed=seeds)
def test_a_random_genotype_lies_in_its_space(name, seed):
    space = ALL[name]
    genotype = random_genotype(space, random.Random(seed))
    assert check_genotype(genotype, space) is genotype
    assert "none" not in genotype.operations
    assert random_genotype(space, random.Random(seed)) == genotype


def test_random_genotypes_reach_every_edge_and_operation():
    space = SPACES["rnas_mer"]
    generator = random.Random(0)
    drawn = [random_genotype(space, generator) for _ in range(300)]
    assert {edge for genotype in drawn for edge in genotype.edges} == set(space.edges)
    assert {name for genotype in drawn for name in genotype.operations} == set(space.choosable)


def test_further_keys_are_ignored():
    text = json.dumps({**GOOD.to_dict(), "path_probability": 0.25})
    assert Genotype.from_json(text) == GOOD


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "null",
        "[]",
        "{}",
        '"micro"',
        json.dumps({key: value for key, value in GOOD.to_dict().items() if key != "path"}),
        json.dumps({**GOOD.to_dict(), "path": 2}),
        json.dumps({**GOOD.to_dict(), "path": ["two", 4, 4]}),
        json.dumps({**GOOD.to_dict(), "path": [2.9, 4, 4]}),
        json.dumps({**GOOD.to_dict(), "path": [float("inf"), 4, 4]}),
        json.dumps({**GOOD.to_dict(), "edges": [[0, 0, 0]]}),
        json.dumps({**GOOD.to_dict(), "edges": [0, 1]}),
        json.dumps({**GOOD.to_dict(), "edges": [["0", 0]]}),
        json.dumps({**GOOD.to_dict(), "operations": None}),
    ],
)
def test_text_that_is_no_genotype_is_refused(text):
    with pytest.raises(MethodError, match="not a genotype"):
        Genotype.from_json(text)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"space": "macro"}, "macro"),
        ({"path": (2, 4)}, "path"),
        ({"path": (2, 4, 2)}, "4->2"),
        ({"path": (2, 4, 8)}, "path"),
        ({"edges": (Edge(0, 0), Edge(1, 0), Edge(0, 1), Edge(3, 1))}, "edge"),
        ({"edges": (Edge(0, 0), Edge(1, 0), Edge(0, 1), Edge(0, 2))}, "edge"),
        ({"edges": (Edge(0, 0), Edge(0, 0), Edge(0, 1), Edge(2, 1))}, "edges"),
        ({"edges": (Edge(0, 1), Edge(1, 1), Edge(2, 1), Edge(0, 0))}, "edges"),
        ({"operations": ("skip", "skip", "skip")}, "3 operations"),
        ({"operations": ("skip", "skip", "skip", "none")}, "none"),
        ({"operations": ("skip", "skip", "skip", "conv_3")}, "conv_3"),
    ],
)
def test_a_genotype_outside_its_space_is_refused(changes, named):
    assert check_genotype(GOOD, MICRO) is GOOD
    with pytest.raises(MethodError, match=named):
        check_genotype(GOOD._replace(**changes), MICRO)


def test_a_node_fed_by_one_edge_is_refused():
    """Where I^{l-2} is missing such a node would be empty."""
    lonely = GOOD._replace(
        edges=(Edge(1, 0), Edge(0, 1), Edge(2, 1)), operations=("skip", "skip", "skip")
    )
    with pytest.raises(MethodError, match="2 incoming edges"):
        check_genotype(lonely, MICRO)
