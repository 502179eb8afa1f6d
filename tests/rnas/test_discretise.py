"""A supernet restricted to a genotype: only what the genotype chose has a say."""

from __future__ import annotations

import random

import pytest
import torch
from method_cases import SPACES, shallow

from rnas.discretise import can_discretise, discretised_logits
from rnas.errors import MethodError
from rnas.fast.supernet import FastSupernet
from rnas.genotype import random_genotype
from rnas.supernet import Supernet

pytestmark = pytest.mark.usefixtures("one_thread")


SMALL = {name: shallow(space) for name, space in SPACES.items()}
POSSIBLE = [name for name, space in SMALL.items() if can_discretise(space)]


def case(name, evaluation=Supernet):
    torch.manual_seed(0)
    supernet = evaluation(SMALL[name], 3)
    clips = torch.randn(2, 3, 4, 16, 16)
    return supernet, random_genotype(SMALL[name], random.Random(1)), clips


@pytest.mark.parametrize("name", ["rnas_mer", "rnas_mer_1", "rnas_mer_4"])
def test_does_not_hear_what_was_not_chosen(name):
    supernet, genotype, clips = case(name)
    before = discretised_logits(supernet, genotype, clips)
    space = supernet.space
    with torch.no_grad():
        supernet.architecture.operation_logits.normal_()
        supernet.architecture.path_logits.normal_()
        kept = {space.edges.index(edge): op for edge, op in zip(*genotype[2:], strict=True)}
        for cell in supernet.cells.values():
            for number, mixed in enumerate(cell.mixed):
                if number not in kept:
                    for weight in mixed.parameters():
                        weight.normal_()
        on_path = {
            f"{arrow.target.layer}_{arrow.target.level}"
            for arrow in space.outer.arrows_of(genotype.path)
        }
        for name, module in [*supernet.cells.items(), *supernet.heads.items()]:
            if name not in on_path:
                for weight in module.parameters():
                    weight.normal_()
    assert torch.allclose(discretised_logits(supernet, genotype, clips), before, atol=1e-5)


@pytest.mark.parametrize("name", POSSIBLE)
def test_hears_what_was_chosen_and_leaves_the_supernet_alone(name):
    supernet, genotype, clips = case(name)
    mixture = supernet(clips)
    before = discretised_logits(supernet, genotype, clips)
    assert before.shape == (2, 3)
    assert torch.equal(supernet(clips), mixture)
    assert before.isfinite().all()
    other = random_genotype(supernet.space, random.Random(2))
    assert other != genotype
    assert not torch.allclose(discretised_logits(supernet, other, clips), before)


def test_is_the_same_of_both_evaluations():
    supernet, genotype, clips = case("rnas_mer")
    fast, _, _ = case("rnas_mer", FastSupernet)
    fast.load_state_dict(supernet.state_dict())
    expected = discretised_logits(supernet, genotype, clips)
    assert torch.allclose(discretised_logits(fast, genotype, clips), expected, atol=1e-6)


def test_is_refused_where_channels_bypass_edges_that_nothing_shuts():
    supernet, genotype, clips = case("rnas_mer_4b")
    with pytest.raises(MethodError, match="partial channels without edge normalisation"):
        discretised_logits(supernet, genotype, clips)
