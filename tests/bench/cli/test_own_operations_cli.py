"""Operations of packages in a search: what it learns rests on the state that is saved."""

import pytest
from tiny_runs import only_run

SOURCE = """
import random

import torch
from torch import nn

from rnas import SearchSpace
from rnas.operations import Operation
from rnas.trellis import Trellis

FACTOR = random.SystemRandom().random()


class Planar(nn.Module):
    def __init__(self, channels, norm):
        super().__init__()
        self.body = nn.Conv3d(channels, channels, (1, 3, 3), padding=(0, 1, 1), bias=False)
        self.norm = norm(channels)
        {begin}

    def forward(self, x):
        found = self.norm(self.body(x))
        if self.training:
            {training}
        return found


SPACE = SearchSpace(
    name="counting_space", summary="", operations=("counting", "conv_1", "skip"), nodes=2,
    outer=Trellis(3, (2, 4), ("stay", "shrink")),
)
COUNTING = Operation(Planar, lambda channels: 9 * channels**2 + 2 * channels)
"""
GROUPS = {
    "bench.operations": {"counting": "counting_operation:COUNTING"},
    "bench.variants": {"counting_space": "counting_operation:SPACE"},
}


@pytest.fixture
def search(bench, runs, install_package):
    def found(begin, training, *options):
        source = SOURCE.format(begin=begin, training=training)
        install_package(source, GROUPS, "counting_operation")
        return bench.small(runs, "counting_space", *options, command="search")

    return found


SINGLE = [
    word
    for each in ("strategy=single_path", "path_epochs=1", "population=2", "generations=1")
    for word in ("--set", each)
]

KEPT = [
    ("self.calls = 0", "self.calls += 1; found = found * (1 + self.calls)"),
    ("self.drawn = torch.Generator()", "found = found * torch.rand((), generator=self.drawn)"),
]


@pytest.mark.parametrize("options", [(), SINGLE])
@pytest.mark.parametrize(("begin", "training"), KEPT)
def test_what_a_killed_search_would_lose_is_refused(search, runs, begin, training, options):
    outcome = search(begin, training, *options)
    assert outcome.code == 1
    assert "operation counting of bench.operations" in outcome.err
    assert "a new supernet with the state that is saved learns otherwise" in outcome.err
    assert not list(only_run(runs).path.glob("**/genotype.json"))


def test_what_another_process_would_not_have_is_refused(search):
    outcome = search("pass", "found = found * FACTOR")
    assert outcome.code == 1 and "in a process of its own, so that a search depends" in outcome.err


def test_a_count_in_a_buffer_is_part_of_the_state(search):
    begin = "self.register_buffer('calls', torch.zeros(()))"
    outcome = search(begin, "self.calls += 1; found = found * (1 + self.calls)")
    assert outcome.code == 0, outcome.err
