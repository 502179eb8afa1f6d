import random
from functools import cache
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from method_cases import CLIMBING, MICRO, SPACES

from rnas import sizes
from rnas.derived import DerivedNetwork
from rnas.errors import MethodError
from rnas.genotype import random_genotype
from rnas.sizes import count_parameters, fit_channels, sample_sizes

CASES = {name: space.resized(channels=space.partial * 2) for name, space in SPACES.items()} | {
    "climbing": CLIMBING,
    "partial channels": SPACES["rnas_mer"].resized(derived_partial=True),
    "partial DARTS": SPACES["rnas_mer_2"].resized(derived_partial=True),
    "full dilation": SPACES["rnas_mer_1"].resized(dilated="full", channels=4),
    "literal attention": SPACES["rnas_mer"].resized(attention_form="literal", nodes=4),
    "cbam attention": SPACES["rnas_mer_2"].resized(attention_form="cbam", nodes=1),
    "joined with attention": MICRO.resized(reduction="concat"),
}


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=4)
@given(seed=st.integers(0, 2**32), classes=st.integers(2, 5), in_channels=st.integers(1, 3))
def test_the_count_is_that_of_the_built_network(name, seed, classes, in_channels):
    space = CASES[name]
    genotype = random_genotype(space, random.Random(seed))
    net = DerivedNetwork(space, genotype, classes, in_channels)
    built = sum(parameter.numel() for parameter in net.parameters() if parameter.requires_grad)
    assert count_parameters(space, genotype, classes, in_channels) == built


@cache
def typical(name):
    """Median of 2,000 random genotypes and paths, as in docs/sizes.md."""
    return median(sample_sizes(SPACES[name], 2000, seed=0))


def test_the_median_method_has_about_2_2_million_parameters():
    assert 1.9e6 < typical("rnas_mer") < 2.5e6


@pytest.mark.parametrize("name", ["rnas_mer_1", "rnas_mer_2"])
def test_darts_operations_make_networks_about_ten_times_smaller(name):
    assert 6 < typical("rnas_mer") / typical(name) < 16


@pytest.mark.parametrize(("name", "published"), [("autodeeplab_3d", 7.07), ("automer_3d", 11.51)])
def test_the_peers_come_within_20_percent_of_their_published_size(name, published):
    drawn = sample_sizes(SPACES[name], 300, seed=0)
    assert abs(median(drawn) / (published * 1e6) - 1) < 0.2


def test_draws_repeat():
    space = SPACES["rnas_mer"]
    assert sample_sizes(space, 20, seed=1) == sample_sizes(space, 20, seed=1)
    assert sample_sizes(space, 20, seed=1) != sample_sizes(space, 20, seed=2)


def distance(space, target):
    return abs(median(sample_sizes(space, sizes.FIT_DRAWS, sizes.FIT_SEED)) - target)


@pytest.mark.parametrize("name", ["micro", *(n for n in SPACES if SPACES[n].size_target)])
def test_no_width_is_nearer_than_the_fitted_one(name, monkeypatch):
    """Judged by its neighbours: the median grows with the width."""
    monkeypatch.setattr(sizes, "FIT_DRAWS", 40)
    space = {**SPACES, "micro": MICRO}[name]
    target = space.size_target or 50_000
    fitted = fit_channels(space, target)
    assert fitted.resized(channels=space.channels) == space
    reached = distance(fitted, target)
    for step in (-space.partial, space.partial):
        assert reached <= distance(fitted.resized(channels=fitted.channels + step), target)


def test_a_size_out_of_reach_is_refused(monkeypatch):
    monkeypatch.setattr(sizes, "FIT_DRAWS", 10)
    with pytest.raises(MethodError, match="no width"):
        fit_channels(MICRO, 10**12)
