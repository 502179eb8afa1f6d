"""Parts of the hand-designed networks that are no plain layers, against what is known of them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from baselines.capsulenet import CapsuleNet, RoutedCapsules, Trunk, squash
from baselines.ice_gan import ICEGANClassifier
from baselines.learnet import SameConvolution
from baselines.lei_graph_cnn import UNITS, LeiGraphCNN, UnitGraph, normalised
from baselines.nmer import NMER, ResNet18
from baselines.off_tanet import MapAttention, positions
from baselines.rcn import MAPS, POOLED, RCNF, RCNS, class_attention
from baselines.weights import glorot_uniform, kaiming_fan_out
from rnas.errors import MethodError

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def seed(one_thread):
    torch.manual_seed(0)


class TestRCN:
    def test_attention_is_the_mean_over_classes_of_maps_stretched_to_0_1(self):
        features, weight = torch.rand(2, 4, 3, 3), torch.randn(3, 4 * 9)
        expected = torch.zeros(2, 3, 3)
        for image in range(2):
            for row in weight:
                plane = (features[image] * row.reshape(4, 3, 3)).mean(0)
                plane = plane - plane.min()
                expected[image] += plane / plane.max() / 3
        assert torch.allclose(class_attention(features, weight)[:, 0], expected, atol=1e-6)

    def test_attention_of_a_constant_map_is_zero_with_a_finite_gradient(self):
        weight = torch.ones(3, 4 * 9, requires_grad=True)
        attention = class_attention(torch.ones(1, 4, 3, 3), weight)
        attention.sum().backward()
        assert not attention.any()
        assert torch.isfinite(weight.grad).all()

    def test_attention_sends_gradient_to_the_classifier(self):
        weight = torch.randn(3, MAPS * POOLED**2, requires_grad=True)
        class_attention(torch.rand(2, MAPS, POOLED, POOLED), weight).sum().backward()
        assert weight.grad.abs().sum() > 0

    def test_f_uses_its_attention(self):
        network, images = RCNF(3).eval(), torch.rand(2, 3, 60, 60)
        plain = network.classifier(network.pool(network.block(network.stem(images))).flatten(1))
        assert not torch.allclose(network(images), plain)

    def test_s_has_one_layer_that_is_never_used(self):
        network = RCNS(3).train()
        network(torch.rand(2, 3, 60, 60)).sum().backward()
        dead = [name for name, value in network.named_parameters() if value.grad is None]
        assert dead and all(name.startswith("block.unused") for name in dead)
        assert sum(network.get_parameter(name).numel() for name in dead) == 37_056

    def test_classifier_starts_small(self):
        classifier = RCNS(3).classifier
        assert classifier.weight.std().item() == pytest.approx(0.01, rel=0.05)
        assert not classifier.bias.any()


class TestLEARNet:
    @pytest.mark.parametrize("size", [7, 14, 56, 112])
    @pytest.mark.parametrize("kernel", [1, 3, 5])
    def test_same_padding_halves_and_rounds_up(self, size, kernel):
        output = SameConvolution(1, 1, kernel)(torch.rand(1, 1, size, size + 1))
        assert output.shape[2:] == (math.ceil(size / 2), math.ceil((size + 1) / 2))

    def test_odd_padding_goes_to_the_end(self):
        """As in Keras: on an even axis a 3×3 kernel of stride 2 starts at the first pixel."""
        layer = SameConvolution(1, 1, 3)
        with torch.no_grad():
            layer.convolution.weight.zero_()[0, 0, 0, 0] = 1
            layer.convolution.bias.zero_()
        image = torch.arange(16.0).reshape(1, 1, 4, 4)
        assert layer(image).flatten().tolist() == [0, 2, 8, 10]


class TestOffTANet:
    def test_positions_by_hand(self):
        code = positions(3)
        first, second = math.sin(1), math.cos(1)
        third = math.sin(10000 ** (-1 / 3))
        assert code[0].tolist() == pytest.approx([2 * first, first + second, first + third])
        assert torch.equal(code, code.t())

    def test_self_attention_is_the_released_formula(self):
        head, x = MapAttention(28, 7), torch.randn(2, 28, 14, 14)
        query, key, value = head.query(x), head.key(x), head.value(x)
        scores = query @ key.mT + query @ positions(14).mT
        weights = scores.flatten(2).softmax(2).reshape(scores.shape)
        assert torch.allclose(head(x), weights * value, atol=1e-6)


class TestGraphCNN:
    def test_as_released_only_the_last_encoder_layer_counts(self):
        assert live_layers("released") == {5}

    def test_as_described_all_do(self):
        assert live_layers("described") == set(range(6))

    def test_another_depth_is_refused(self):
        with pytest.raises(MethodError, match="depth='deep'; expected one of released, described"):
            LeiGraphCNN(3, depth="deep")

    def test_adjacency_is_normalised_by_its_row_sums(self):
        matrix = torch.rand(4, 4) + torch.eye(4)
        root = torch.diag(matrix.sum(1) ** -0.5)
        assert torch.allclose(normalised(matrix), (matrix @ root).t() @ root)

    def test_units_share_what_they_have_in_common_and_the_adjacency_is_not_learned(self):
        graph = UnitGraph()
        assert graph.adjacency.sum(1).tolist() == pytest.approx([2.0] * UNITS)
        graph().sum().backward()
        assert graph.adjacency.grad is None
        assert graph.embedding.weight.grad.any()

    def test_brows_and_mouth_are_apart(self):
        """The first ten patches speak for the first three action units alone."""
        network, patches = LeiGraphCNN(3).eval(), torch.rand(1, 30, 7, 7)
        other = patches.clone()
        other[:, :10] += 1
        products = {}
        network.norm.register_forward_pre_hook(lambda _, args: products.setdefault("x", args[0]))
        network(patches)
        before = products.pop("x")
        network(other)
        after = products.pop("x")
        assert torch.equal(before[:, 3:], after[:, 3:])
        assert not torch.equal(before[:, :3], after[:, :3])


def live_layers(depth: str) -> set[int]:
    network = LeiGraphCNN(3, depth=depth).train()
    network(torch.rand(4, 30, 7, 7)).square().sum().backward()
    layers = {"brows": set(), "mouth": set()}
    for name, value in network.named_parameters():
        region, _, rest = name.partition(".layers.")
        if rest and value.grad is not None:
            layers[region].add(int(rest.split(".")[0]))
    assert layers["brows"] == layers["mouth"]
    return layers["brows"]


class TestCapsuleNet:
    def test_squash_keeps_the_direction_and_shortens(self):
        vectors = torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
        lengths = squash(vectors).norm(dim=1)
        assert lengths.tolist() == pytest.approx([25 / 26, 0.25 / 1.25, 0])
        assert torch.allclose(squash(vectors)[0] / lengths[0], vectors[0] / 5)

    @pytest.mark.parametrize(("count", "axis"), [(1152, 1), (1024, 2)])
    def test_routing_is_that_of_a_plain_loop(self, count, axis):
        layer, capsules = RoutedCapsules(3, count, axis), torch.randn(2, count, 8)
        with torch.no_grad():
            layer.weight.mul_(20)  # so that the routes differ
        votes = torch.einsum("cnoi,bni->bcno", layer.weight, capsules)
        routes = torch.zeros(2, 3, count)
        for _ in range(3):
            joined = squash(torch.einsum("bcn,bcno->bco", routes.softmax(axis), votes))
            routes = routes + torch.einsum("bco,bcno->bcn", joined, votes)
        assert torch.allclose(layer(capsules), joined, atol=1e-5)

    def test_the_trunk_takes_a_residual_networks_state_and_passes_over_the_rest(self, tmp_path):
        state = Trunk().state_dict() | {"fc.weight": torch.rand(1000, 512)}
        torch.save(state, tmp_path / "resnet18.pth")
        trunk = CapsuleNet(3, weights=str(tmp_path / "resnet18.pth")).trunk
        assert all(torch.equal(value, state[name]) for name, value in trunk.state_dict().items())

    @pytest.mark.parametrize("content", [None, b"not a state", {"conv1.weight": torch.rand(2)}])
    def test_other_weights_are_refused(self, tmp_path, content):
        file = tmp_path / "weights.pth"
        if isinstance(content, bytes):
            file.write_bytes(content)
        elif content is not None:
            torch.save(content, file)
        with pytest.raises(MethodError, match=r"weights .*weights\.pth: .*expected the state of"):
            CapsuleNet(3, weights=str(file))


class TestNMER:
    def test_the_trunk_is_a_residual_network_of_18_layers(self):
        trunk = ResNet18()
        layers = [part for part in trunk.modules() if isinstance(part, nn.Conv2d)]
        assert sum(layer.kernel_size != (1, 1) for layer in layers) == 17  # and its head
        assert sum(weight.numel() for weight in trunk.parameters()) == 11_176_512
        assert trunk(torch.rand(1, 3, 224, 224)).shape == (1, 512, 7, 7)

    def test_each_half_has_rows_of_its_own_and_answers_are_of_both(self, monkeypatch):
        network, maps = NMER(3), torch.rand(2, 512, 7, 7)
        monkeypatch.setattr(ResNet18, "forward", lambda *_: maps)
        for part in (network.upper, network.lower):
            part[2].p = 0.0  # dropout
        halves = (network.upper, maps[:, :, :3]), (network.lower, maps[:, :, 3:])
        upper, lower = (part(rows.mean((2, 3))) for part, rows in halves)
        seen = torch.cat([upper, lower], 1), upper, lower
        expected = [head(features) for head, features in zip(network.heads, seen, strict=True)]
        images = torch.rand(2, 3, 224, 224)
        assert torch.allclose(network.train()(images), torch.stack(expected, 2), atol=1e-6)
        assert torch.allclose(network.eval()(images), expected[0], atol=1e-6)


class TestICEGAN:
    def test_kernels_have_norm_1_and_frames_are_seen_grey(self):
        network, frames = ICEGANClassifier(3), torch.rand(1, 3, 128, 128)
        network.train()(frames)
        for layer in network.patches:
            if isinstance(layer, nn.Conv2d) and layer.weight.numel() < 200_000:  # quick to factor
                norm = torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item()
                assert norm == pytest.approx(1, abs=0.05)
        network.eval()
        grey = (frames * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1, keepdim=True)
        assert network.patches(grey).shape == (1, 128, 8, 8)
        assert torch.allclose(network(frames), network(grey.expand_as(frames)), atol=1e-6)


class TestWeights:
    def test_glorot_fills_its_interval_and_zeroes_biases(self):
        layer = nn.Linear(400, 200)
        glorot_uniform(nn.Sequential(layer))
        bound = math.sqrt(6 / 600)
        assert layer.weight.abs().max().item() == pytest.approx(bound, rel=0.01)
        assert not layer.bias.any()

    def test_kaiming_scales_by_the_fan_out(self):
        layer = nn.Conv2d(16, 64, 3)
        kaiming_fan_out(nn.Sequential(layer))
        assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / (64 * 9)), rel=0.05)
