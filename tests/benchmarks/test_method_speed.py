"""Decoding, a training step of a derived network, one fold, start-up of the command line."""

import os
import random
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

from ablations import RNAS_MER, RNAS_MER_1
from baselines import AUTODEEPLAB_3D, AUTOMER_3D
from bench.config.loading import load_config
from bench.config.settings import ComputeConfig, DataConfig, TrainConfig
from bench.training.compute import accelerated
from bench.training.loop import predict, train
from bench.training.tensors import ClipTensors
from rnas.convolution import Convolution
from rnas.decode import viterbi
from rnas.derived import DerivedNetwork
from rnas.genotype import Genotype, random_genotype
from rnas.space import Edge
from rnas.supernet import Architecture

CLASSES = 3
CLIPS = 40
GENOTYPE = Genotype(
    space="rnas_mer",
    path=(2, 4, 4, 8, 8, 16),
    edges=(Edge(0, 0), Edge(1, 0), Edge(0, 1), Edge(2, 1), Edge(0, 2), Edge(3, 2)),
    operations=("add_1_3", "max_3_5", "conv_3", "skip", "avg_1_5", "conv_5"),
)


def clip_tensors(count: int = CLIPS) -> ClipTensors:
    generator = torch.Generator().manual_seed(0)
    return ClipTensors(
        videos=torch.randint(0, 256, (count, 8, 32, 32, 3), dtype=torch.uint8, generator=generator),
        labels=torch.arange(count) % CLASSES,
        classes=CLASSES,
        settings=DataConfig(
            frames=8, size=32, representation="onset_difference", shift=1, jitter=0
        ),
    )


@pytest.mark.parametrize("space", [RNAS_MER, AUTODEEPLAB_3D], ids=lambda space: space.name)
def test_decoding_a_path(benchmark, space):
    beta = Architecture(space).beta_values()
    path, probability = benchmark(viterbi, space.outer, beta)
    assert len(path) == space.outer.layers
    assert 0 < probability <= 1


def test_decoding_a_genotype(benchmark):
    architecture = Architecture(RNAS_MER)
    assert benchmark(architecture.decode).space == "rnas_mer"


def test_drawing_a_random_genotype(benchmark):
    generator = random.Random(0)
    assert benchmark(random_genotype, RNAS_MER, generator).space == "rnas_mer"


def no_report(done, total):
    pass


def plain_epoch(network, loader, optimiser, settings):
    """A training epoch as tutorials write it: a loader of single clips, a loss read every step."""
    losses = []
    for inputs, labels in loader:
        optimiser.zero_grad()
        loss = F.cross_entropy(network(inputs), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
        optimiser.step()
        losses.append(loss.item())
    return losses


class AugmentedClips(Dataset):
    """One clip at a time, augmented by the same functions."""

    def __init__(self, clips):
        self.clips = clips
        self.generator = torch.Generator().manual_seed(0)

    def __len__(self):
        return len(self.clips.videos)

    def __getitem__(self, index):
        [(inputs, labels)] = self.clips.augmented([torch.tensor([index])], self.generator)
        return inputs[0], labels[0]


@pytest.mark.benchmark(group="training epoch of a derived network, 40 clips of 3 x 8 x 32 x 32")
def test_training_epoch_reference(benchmark):
    clips, settings = clip_tensors(), TrainConfig(epochs=1, batch=16)
    network = DerivedNetwork(RNAS_MER, GENOTYPE, CLASSES)
    loader = DataLoader(AugmentedClips(clips), batch_size=settings.batch, shuffle=True)
    optimiser = torch.optim.SGD(network.parameters(), lr=settings.lr, momentum=settings.momentum)
    losses = benchmark(plain_epoch, network, loader, optimiser, settings)
    assert len(losses) == benchmark.extra_info.setdefault("steps", 3)


@pytest.mark.benchmark(group="training epoch of a derived network, 40 clips of 3 x 8 x 32 x 32")
def test_training_epoch(benchmark):
    clips, settings = clip_tensors(), TrainConfig(epochs=1, batch=16)
    network = DerivedNetwork(RNAS_MER, GENOTYPE, CLASSES)
    losses = benchmark(train, network, clips, range(CLIPS), settings, 0, "fold", no_report)
    assert len(losses) == 1


@pytest.mark.parametrize("gradients", ["torch, reference", "ours"])
@pytest.mark.parametrize("taps", [3, 5])
def test_depthwise_convolution(benchmark, taps, gradients):
    """Forward and backward pass of one, as networks of separable convolutions have by the dozen."""
    benchmark.group = f"depthwise convolution of {taps} taps an axis, 16 x 14 x 8 x 6 x 6"
    layer = Convolution(14, 14, taps, padding=taps // 2, groups=14, bias=False)
    layer.train(gradients == "ours")
    x = torch.randn(16, 14, 8, 6, 6, requires_grad=True)

    def step():
        return torch.autograd.grad(layer(x).square().sum(), (x, layer.weight))

    assert all(gradient.isfinite().all() for gradient in benchmark(step))


DRAWS = 50


@pytest.mark.slow
@pytest.mark.parametrize("lies", ["plain, reference", "channels last"])
@pytest.mark.parametrize(
    ("path", "choose"), [("finest", min), ("coarsest", max)], ids=["fine", "coarse"]
)
@pytest.mark.parametrize(
    "space", [RNAS_MER, RNAS_MER_1, AUTODEEPLAB_3D, AUTOMER_3D], ids=lambda s: s.name
)
def test_memory_format(benchmark, space, path, choose, lies):
    """Forward and backward pass of the network with the finest or coarsest path of those drawn."""
    benchmark.group = (
        f"training step, {space.name}, {path} of {DRAWS} genotypes, 16 x 3 x 8 x 24 x 24"
    )
    generator = random.Random(0)
    drawn = choose(
        (random_genotype(space, generator) for _ in range(DRAWS)), key=lambda g: sum(g.path)
    )
    network = DerivedNetwork(space, drawn, CLASSES)
    evaluate = accelerated(network, ComputeConfig(channels_last=lies == "channels last"))
    clips, labels = torch.randn(16, 3, 8, 24, 24), torch.arange(16) % CLASSES

    def step():
        network.zero_grad()
        F.cross_entropy(evaluate(clips), labels).backward()

    benchmark.pedantic(step, rounds=3, warmup_rounds=1)
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)


@pytest.mark.slow
def test_a_fold(benchmark):
    """Training from scratch with the preset `small`, 150 clips, and predicting the other 14."""
    config = load_config("small")
    clips = clip_tensors(164)

    def fold():
        network = DerivedNetwork(RNAS_MER, GENOTYPE, CLASSES)
        train(network, clips, range(150), config.train, 0, "fold", no_report)
        return predict(network, clips, range(150, 164))

    benchmark.extra_info["epochs"] = config.train.epochs
    assert benchmark.pedantic(fold, rounds=1).shape == (14, CLASSES)


def test_predicting_a_set(benchmark):
    network = DerivedNetwork(RNAS_MER, GENOTYPE, CLASSES)
    logits = benchmark(predict, network, clip_tensors(), range(CLIPS))
    assert logits.shape == (CLIPS, CLASSES)


def test_help_from_the_shell(benchmark):
    command = [sys.executable, "-m", "bench", "--help"]
    done = benchmark.pedantic(
        subprocess.run, (command,), {"capture_output": True, "env": os.environ}, rounds=3
    )
    assert done.returncode == 0
