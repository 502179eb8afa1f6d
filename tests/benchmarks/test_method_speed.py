"""Decoding, a training step of a derived network, one fold, start-up of the command line."""

import os
import random
import subprocess
import sys

import pytest
import torch

from ablations import RNAS_MER
from baselines import AUTODEEPLAB_3D
from bench.config import DataConfig, TrainConfig
from bench.training import ClipTensors, predict, train
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


def clip_tensors() -> ClipTensors:
    generator = torch.Generator().manual_seed(0)
    return ClipTensors(
        videos=torch.randint(0, 256, (CLIPS, 8, 32, 32, 3), dtype=torch.uint8, generator=generator),
        labels=torch.arange(CLIPS) % CLASSES,
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


def test_training_epoch_of_a_derived_network(benchmark):
    clips = clip_tensors()
    network = DerivedNetwork(RNAS_MER, GENOTYPE, CLASSES)
    settings = TrainConfig(epochs=1, batch=16)
    benchmark.extra_info["steps"] = -(-CLIPS // settings.batch)
    losses = benchmark(
        train, network, clips, range(CLIPS), settings, 0, "fold", lambda done, total: None
    )
    assert len(losses) == 1


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
