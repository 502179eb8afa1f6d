"""Folds trained together: the same networks as one fold at a time gives, within rounding."""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ablations import RNAS_MER, RNAS_MER_1
from baselines import AUTODEEPLAB_3D
from baselines.fixed import Recipe
from bench.config.settings import ComputeConfig, DataConfig, TrainConfig
from bench.errors import BenchError, UsageError
from bench.training.loop import train
from bench.training.stacked import Member, stackable, train_stacked
from bench.training.tensors import ClipTensors
from rnas.derived import DerivedNetwork
from rnas.errors import LossDiverged
from rnas.genotype import random_genotype
from rnas.trellis import Trellis

CLIPS, CLASSES = 20, 3
FOLDS = {  # with batches of 6: last batches of 4, 2, and one of a single clip that is dropped
    "s01": range(16),
    "s03": range(3, 17),
    "s04": range(7, 20),
}
SETTINGS = TrainConfig(epochs=2, batch=6, lr=0.01, clip=1.0)

pytestmark = pytest.mark.usefixtures("one_thread")


@dataclass(frozen=True)
class WideClips(ClipTensors):
    """Clips in float64."""

    def _input(self, videos):
        return super()._input(videos).double()


def clip_tensors(kind=ClipTensors):
    generator = torch.Generator().manual_seed(0)
    shape = (CLIPS, 4, 8, 8, 3)
    return kind(
        videos=torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8),
        labels=torch.arange(CLIPS) % CLASSES,
        classes=CLASSES,
        settings=DataConfig(frames=4, size=8, shift=1, jitter=1),
    )


LOW, COARSE = Trellis(2, (2, 4), ("stay", "shrink")), Trellis(3, (4, 8), ("up", "stay", "shrink"))
"""Coarse: its second resolution is a single voxel a frame."""


def derived(space, dtype, outer=LOW):
    """A network a fold: one architecture, weights of its own."""
    torch.manual_seed(0)
    space = space.resized(nodes=2, channels=4, outer=outer)
    genotype = random_genotype(space, random.Random(1))
    return [DerivedNetwork(space, genotype, CLASSES).to(dtype) for _ in FOLDS]


def nobody(done, total):
    pass


def both_ways(networks, clips, settings, compute=ComputeConfig()):  # noqa: B008 - frozen
    """Losses and networks, of each fold on its own and of all folds together."""
    alone = [copy.deepcopy(network) for network in networks]
    expected = [
        train(network, clips, list(indices), settings, 0, fold, nobody, compute)
        for network, (fold, indices) in zip(alone, FOLDS.items(), strict=True)
    ]
    members = [
        Member(network, fold, list(indices), nobody)
        for network, (fold, indices) in zip(networks, FOLDS.items(), strict=True)
    ]
    found = train_stacked(members, clips, settings, 0, compute)
    return expected, found, alone, networks


def assert_same(expected, found, alone, networks, tolerance):
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)
    for first, second in zip(alone, networks, strict=True):
        torch.testing.assert_close(
            second.state_dict(), first.state_dict(), rtol=tolerance, atol=tolerance
        )


@pytest.mark.parametrize("space", [RNAS_MER, RNAS_MER_1], ids=lambda space: space.name)
def test_weights_losses_and_running_statistics_are_those_of_each_fold_alone(space):
    networks = derived(space, torch.float64)
    assert_same(*both_ways(networks, clip_tensors(WideClips), SETTINGS), 1e-10)


def test_upsampling_and_single_voxels_too():
    """One epoch: batch statistics of single voxels, as the coarsest level has, soon turn rounding
    errors into differences."""
    settings = TrainConfig(epochs=1, batch=6, lr=1e-4)
    networks = derived(AUTODEEPLAB_3D, torch.float64, COARSE)
    assert_same(*both_ways(networks, clip_tensors(WideClips), settings), 1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_in_float32_within_its_rounding(weighted):
    settings = TrainConfig(epochs=2, batch=6, lr=1e-3, weighted_loss=weighted)
    networks = derived(RNAS_MER, torch.float32)
    assert_same(*both_ways(networks, clip_tensors(), settings), 1e-3)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe("adam", 1e-3, 2, 6, lr_step=1, lr_gamma=0.5),
        Recipe("adam", 1e-3, 2, 6, balance=2),
        Recipe("sgd", 1e-2, 2, 6, momentum=0.9, shuffle=False, clip=0.5),
    ],
    ids=["steps", "balanced", "class by class"],
)
def test_recipes_too(recipe):
    networks = derived(RNAS_MER, torch.float64)
    assert_same(*both_ways(networks, clip_tensors(WideClips), recipe), 1e-9)


def test_kernels_in_3d_are_not_trained_in_bfloat16_on_a_cpu():
    """Their gradients are undefined there; see `refuse_undefined`."""
    settings, compute = TrainConfig(epochs=1), ComputeConfig(precision="bf16")
    network, *_ = networks = derived(RNAS_MER, torch.float32)
    members = [
        Member(network, fold, list(indices), nobody)
        for network, (fold, indices) in zip(networks, FOLDS.items(), strict=True)
    ]
    with pytest.raises(UsageError, match="take fp32"):
        train_stacked(members, clip_tensors(), settings, 0, compute)
    with pytest.raises(UsageError, match="take fp32"):
        train(network, clip_tensors(), [0], settings, 0, "s01", nobody, compute)


def test_one_that_diverges_takes_no_other_with_it():
    networks = derived(RNAS_MER, torch.float64)
    alone = copy.deepcopy(networks[0])
    with torch.no_grad():
        networks[1].head.bias.fill_(torch.inf)
    clips, folds = clip_tensors(WideClips), list(FOLDS.items())[:2]
    members = [
        Member(network, fold, list(indices), nobody)
        for network, (fold, indices) in zip(networks, folds, strict=False)
    ]
    found = train_stacked(members, clips, SETTINGS, 0)
    expected = train(alone, clips, list(folds[0][1]), SETTINGS, 0, folds[0][0], nobody)
    torch.testing.assert_close(found[0], expected)
    assert isinstance(found[1], LossDiverged)


def test_a_fold_may_predict_after_each_epoch():
    networks = derived(RNAS_MER, torch.float32)
    clips, heard = clip_tensors(), []

    def hear(number):
        def on_epoch(done, total):
            networks[number].eval()
            heard.append((number, done, total, networks[number](clips.evaluation_batch(probe))))

        return on_epoch

    probe = torch.arange(4)
    members = [Member(networks[k], f"s0{k}", list(range(12)), hear(k)) for k in (0, 1)]
    train_stacked(members, clips, TrainConfig(epochs=2, batch=6), 0)
    assert [entry[:3] for entry in heard] == [(0, 1, 2), (1, 1, 2), (0, 2, 2), (1, 2, 2)]
    assert not torch.equal(heard[0][3], heard[2][3])  # the weights that it sees have moved


def test_dropout_and_spectral_norm_are_not_stacked():
    assert stackable(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.0)))
    assert not stackable(nn.Sequential(nn.Linear(2, 2), nn.Dropout2d(0.5)))
    assert not stackable(nn.Sequential(spectral_norm(nn.Linear(2, 2))))


class Counting(nn.Module):
    """A network whose training depends on how often it was called."""

    def __init__(self, begin, called):
        super().__init__()
        self.head, self.called = nn.Linear(3, CLASSES), called
        self.register_buffer("batches", torch.zeros(()))
        self.kept = begin

    def forward(self, clips):
        found = self.head(clips.mean((2, 3, 4)))
        if not self.training:
            return found
        self.batches.add_(1)
        self.kept = self.called(self.kept)
        return found * self.kept + self.batches


@pytest.mark.parametrize(
    ("begin", "called", "shared"),
    [
        (1, lambda calls: calls + 1, True),
        (1.0, lambda rate: rate / 2, True),
        (1.0, lambda rate: rate, False),
    ],
)
def test_what_folds_would_share_is_refused(begin, called, shared):
    networks = [Counting(begin, called) for _ in FOLDS]
    members = [
        Member(network, name, indices, lambda done, total: None)
        for network, (name, indices) in zip(networks, FOLDS.items(), strict=True)
    ]
    if not shared:
        train_stacked(members, clip_tensors(), SETTINGS, 0)
        assert [int(network.batches) for network in networks] == [6, 6, 4]
        return
    with pytest.raises(BenchError, match=r"which folds trained together share"):
        train_stacked(members, clip_tensors(), SETTINGS, 0)
