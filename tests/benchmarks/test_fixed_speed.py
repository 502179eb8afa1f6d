"""What a fold of a fixed network costs: 435 flow images of 28×28, as LOSO on the composite has."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from baselines.peers import STSTNET
from bench.training.loop import predict, train
from bench.training.tensors import StillTensors

IMAGES, TRAINED = 442, 435
EPOCHS = 5


def flows() -> StillTensors:
    generator = torch.Generator().manual_seed(0)
    images = 255 * torch.rand(IMAGES, *STSTNET.input.shape, generator=generator)
    return StillTensors(images, torch.arange(IMAGES) % 3, 3)


@pytest.mark.parametrize("batch", [64, 256])
def test_training_ststnet(benchmark, batch):
    """Per epoch of the 200 that each of 68 folds trains: `extra_info` has ms per image and step."""
    clips = flows()
    recipe = replace(STSTNET.recipe, epochs=EPOCHS, batch=batch)

    def fold():
        network = STSTNET.build(3)
        losses = train(network, clips, range(TRAINED), recipe, 0, "s01", lambda *_: None)
        return losses, predict(network, clips, range(TRAINED, IMAGES))

    losses, logits = benchmark(fold)
    assert len(losses) == EPOCHS
    assert logits.shape == (IMAGES - TRAINED, 3)
    if benchmark.stats:
        taken = benchmark.stats.stats.median
        benchmark.extra_info["ms_per_image_and_step"] = 1000 * taken / EPOCHS / TRAINED
