"""Fixed networks as values: what they say of themselves, and what they refuse."""

from __future__ import annotations

import pytest

from baselines.fixed import FixedNetwork, Recipe, StillInput
from rnas.errors import MethodError

RECIPE = Recipe("sgd", 5e-4, epochs=100, batch=64, momentum=0.9, lr_step=10, lr_gamma=0.5)


def fixed(network: str, **changes) -> FixedNetwork:
    return FixedNetwork("mine", "A module", network, StillInput("flow", 28), RECIPE, **changes)


@pytest.mark.parametrize(
    ("kind", "channels"),
    [
        *(("flow", 3), ("flow_pair", 2), ("flow_colour", 3)),
        *(("dynamic_image", 3), ("apex", 3), ("landmark_patches", 30)),
    ],
)
def test_a_still_knows_its_shape(kind, channels):
    assert StillInput(kind, 7).shape == (channels, 7, 7)


def test_values_describe_themselves():
    assert StillInput("flow", 28).text == "optical flow u, v and strain 28×28"
    assert RECIPE.text == "SGD 0.0005, momentum 0.9, ×0.5 every 10, batch 64, 100 epochs"
    ordered = Recipe("adam", 5e-5, epochs=800, batch=256, shuffle=False, loss="margin")
    assert ordered.text == "Adam 5e-05, batch 256, class by class, 800 epochs, margin loss"
    falling = Recipe("adam", 0.1, epochs=9, batch=2, loss="linear_margin", clip=1.0, cosine=True)
    assert falling.text == "Adam 0.1, cosine, clipped at 1, batch 2, 9 epochs, linear margin loss"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StillInput("flows", 28), r"kind='flows'; expected one of flow, flow_pair"),
        (lambda: StillInput("flow", 28, scale="max"), "scale='max'; expected one of raw, minmax"),
        (lambda: StillInput("flow", 0), "size 0"),
        (lambda: StillInput("flow", 28, divisor=0), "divisor 0"),
        (lambda: StillInput("flow", 28, amplifications=(1,)), "flow input with amplifications"),
        (lambda: StillInput("landmark_patches", 7, amplifications=(2,)), "1 among them"),
        (lambda: StillInput("landmark_patches", 7, amplifications=(0, 1)), "above zero"),
        (lambda: StillInput("landmark_patches", 7, amplifications=[0.5, 1.0]), "a tuple of"),
        (lambda: StillInput("landmark_patches", 7, amplifications=("a", 1)), "shares above zero"),
        (lambda: StillInput("landmark_patches", 7, amplifications=5), "a tuple of shares"),
        (lambda: StillInput("flow", 28, neighbours=2), "neighbours=2; expected kind apex"),
        (lambda: StillInput("apex", 28, neighbours=-1), "a whole number from 0"),
        (lambda: StillInput("apex", 28, neighbours=2.0), "a whole number from 0"),
        (lambda: Recipe("sgd", 0.1, epochs=1, batch=2, balance=-1), "balance=-1"),
        (lambda: Recipe("sgd", 0.1, epochs=1, batch=2, balance="5"), "balance='5'"),
        (lambda: Recipe("sgd", 0.1, 1, 2, shuffle=False, balance=2), "shuffled clips"),
        (lambda: Recipe("rmsprop", 1e-3, 1, 2), "optimiser='rmsprop'; expected one of adam, sgd"),
        (lambda: Recipe("adam", 1e-3, 1, 2, loss="hinge"), "loss='hinge'"),
        (lambda: Recipe("adam", -1, 1, 2), "lr=-1"),
        (lambda: Recipe("adam", float("nan"), 1, 2), "lr=nan"),
        (lambda: Recipe("adam", 1e-3, 0, 2), "epochs=0"),
        (lambda: FixedNetwork("mine", "", "torch.nn:Linear", "clips", None), "input 'clips'"),
    ],
)
def test_values_that_mean_nothing_are_refused(make, message):
    with pytest.raises(MethodError, match=message):
        make()


def test_builds_a_module_of_anyone_with_its_options():
    network = fixed("torch.nn:Linear", options=(("out_features", 5), ("bias", False))).build(3)
    assert network.weight.shape == (5, 3)
    assert network.bias is None


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("nowhere_to_be_found:Net", "mine: 'nowhere_to_be_found:Net' cannot be loaded"),
        ("torch.nn:NoSuchLayer", "cannot be loaded"),
        ("not a name", "cannot be loaded"),
        ("math:pi", "'math:pi' is no class or function"),
    ],
)
def test_what_cannot_be_built_is_named(network, message):
    with pytest.raises(MethodError, match=message):
        fixed(network).build(3)


def test_says_of_itself_what_is_known():
    entry = fixed("torch.nn:Linear", params=1683, deviations=("one", "two"), marks=("ours",))
    assert entry.facts == {
        "parameters": "1,683",
        "input": "optical flow u, v and strain 28×28",
        "recipe": RECIPE.text,
        "pretraining": "none",
        "deviations": "(1) one (2) two",
        "marks": "ours",
    }
    clips = FixedNetwork("mine", "A module", "torch.nn:Linear", "clip", None)
    assert clips.facts["recipe"] == "as derived networks (train.*)"
    assert clips.facts["input"] == "clip"
