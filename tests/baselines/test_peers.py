"""Every hand-designed network: its parameters to the digit, its shapes, one step of its recipe."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from baselines.fixed import FixedNetwork
from baselines.losses import LOSSES
from baselines.peers import FLOW_CNN, PEERS, STSTNET
from bench.config.settings import ComputeConfig
from bench.training.compute import accelerated

PARAMETERS = {
    "ststnet": 1_683,
    "off_apexnet": 2_664_475,
    "dual_inception": 6_449_963,
    "rcn_a": 55_747,
    "rcn_s": 92_803,
    "rcn_w": 52_675,
    "rcn_f": 52_675,
    "off_tanet": 59_403,
    "learnet": 1_865_539,
    "lei_graph_cnn": 1_046_669,
    "lei_graph_cnn_described": 1_046_669,
    "capsulenet": 13_842_496,
    "nmer": 11_242_953,  # without its discriminator of 10,369
    "ice_gan": 7_385_600,
    "r2plus1d_small": 440_243,
}
"""Counted from the published codes; the last is ours."""

DEAD = {
    "rcn_s": ("block.unused",),
    "lei_graph_cnn": (
        "units.adjacency",
        *(f"{region}.layers.{k}." for region in ("brows", "mouth") for k in range(5)),
    ),
    "lei_graph_cnn_described": ("units.adjacency",),
}
"""Parameters without a gradient in the published codes too."""

CLIP = (3, 8, 32, 32)

pytestmark = pytest.mark.usefixtures("one_thread")
every_network = pytest.mark.parametrize("entry", PEERS, ids=lambda entry: entry.name)


def built(entry: FixedNetwork, classes: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return entry.build(classes)


def inputs(entry: FixedNetwork, count: int = 2) -> torch.Tensor:
    shape = CLIP if entry.input == "clip" else entry.input.shape
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(0))


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@every_network
def test_has_the_parameters_of_the_published_network_the_same_of_the_same_seed(entry):
    network = built(entry)
    assert count(network) == entry.params == PARAMETERS[entry.name]
    again = built(entry).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in network.state_dict().items())


def test_learnet_has_its_published_size_at_the_eight_classes_of_its_paper():
    entry = next(entry for entry in PEERS if entry.name == "learnet")
    assert count(built(entry, classes=8)) == 1_866_824


@every_network
def test_maps_a_batch_to_finite_logits(entry):
    network = built(entry, classes=5).eval()
    with torch.no_grad():
        logits = network(inputs(entry))
        alone = network(inputs(entry)[:1])
    assert logits.shape == (2, 5)
    assert torch.isfinite(logits).all()
    assert torch.allclose(logits[:1], alone, atol=1e-4)  # clips do not see each other


@every_network
def test_a_training_step_moves_its_weights(entry):
    network = built(entry).train()
    labels = torch.tensor([0, 2])
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01)
    before = {name: value.detach().clone() for name, value in network.named_parameters()}
    loss = LOSSES[entry.recipe.loss if entry.recipe else "cross_entropy"]
    loss(network(inputs(entry)), labels).backward()
    optimiser.step()
    after = dict(network.named_parameters())
    assert all(torch.isfinite(value).all() for value in after.values())
    still = {name for name, value in after.items() if torch.equal(value, before[name])}
    dead = {name for name in still if after[name].grad is None}
    assert all(after[name].grad.abs().max() < 1e-5 for name in still - dead)  # biases before norms
    assert all(name.startswith(DEAD.get(entry.name, ())) for name in dead)


@pytest.mark.parametrize(
    "entry", [entry for entry in PEERS if entry.channels_last], ids=lambda entry: entry.name
)
def test_channels_last_changes_the_order_of_sums_alone(entry):
    network = built(entry).eval()
    images = inputs(entry)
    expected = network(images)
    found = accelerated(network, ComputeConfig(channels_last=True))(images)
    assert torch.allclose(found, expected, atol=1e-4)
    formats = (torch.channels_last, torch.channels_last_3d)
    kernels = [weight for weight in network.parameters() if weight.dim() == images.dim()]
    assert all(k.is_contiguous(memory_format=formats[k.dim() - 4]) for k in kernels) and kernels


def test_ststnet_is_its_three_streams_side_by_side():
    network = built(STSTNET).eval()
    images = 255 * inputs(STSTNET)
    convolution, _, norm, *_ = network.streams
    with torch.no_grad():
        norm.weight.copy_(torch.linspace(-1, 2, norm.num_features))
        norm.running_mean.copy_(torch.linspace(0, 50, norm.num_features))
    maps = []
    for filters in torch.arange(16).split((3, 5, 8)):
        stream = nn.Sequential(nn.Conv2d(3, len(filters), 3, padding=2), nn.ReLU())
        stream.extend([nn.BatchNorm2d(len(filters)), nn.MaxPool2d(3, 3, padding=1)])
        for own, joint in ((stream[0], convolution), (stream[2], norm)):
            values = joint.state_dict().items()
            own.load_state_dict({n: v[filters] if v.dim() else v for n, v in values})
        maps.append(stream.eval()(images))
    joined = nn.functional.avg_pool2d(torch.cat(maps, dim=1), 2).flatten(1)
    assert torch.allclose(network(images), network.head(joined), rtol=1e-4, atol=1e-4)


def test_flow_cnn_sees_neither_the_unit_of_flow_nor_a_motion_of_the_whole_face():
    network = built(FLOW_CNN).eval()
    assert count(network) == FLOW_CNN.params
    flow = inputs(FLOW_CNN)
    whole = torch.tensor([3.0, -5.0])[:, None, None]
    assert torch.allclose(network(40 * flow + whole), network(flow), atol=1e-4)
    assert not torch.allclose(network(-flow), network(flow), atol=1e-4)


@pytest.mark.parametrize("name", ["ststnet", "lei_graph_cnn"])
def test_learns_to_tell_stills_of_different_brightness_apart(name):
    """A network that ignored its input, or got no gradient, could not."""
    entry = next(entry for entry in PEERS if entry.name == name)
    network = built(entry).train()
    labels = torch.arange(12) % 3
    images = inputs(entry, 12) * 0.2 + labels[:, None, None, None] * 0.4
    optimiser = torch.optim.Adam(network.parameters(), lr=0.003)
    for _ in range(60):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(images), labels).backward()
        optimiser.step()
    network.eval()
    assert (network(images).argmax(1) == labels).float().mean() > 0.9


class TestValues:
    def test_say_all_that_a_table_shows(self):
        assert sorted(entry.name for entry in PEERS) == sorted(PARAMETERS)
        for entry in PEERS:
            assert entry.groups == ("peers",)
            assert entry.reference and entry.pretraining and entry.released_selection
            assert entry.deviations
            texts = (entry.summary, entry.reference, *entry.deviations, *entry.marks)
            assert all(text and "\n" not in text for text in texts)
            assert not any(", " in mark or ": " in mark for mark in entry.marks)

    def test_what_is_not_the_published_method_is_marked(self):
        marks = {entry.name: entry.marks for entry in PEERS if entry.marks}
        assert marks == {
            "learnet": ("recipe ours",),
            "lei_graph_cnn": ("no MagNet", "no landmarks", "no AU labels"),
            "lei_graph_cnn_described": ("no MagNet", "no landmarks", "no AU labels"),
            "capsulenet": ("from scratch",),
            "nmer": ("no ImageNet or CK+ pretraining", "not magnified"),
            "ice_gan": ("classifier only", "no generator"),
            "r2plus1d_small": ("ours",),
        }
