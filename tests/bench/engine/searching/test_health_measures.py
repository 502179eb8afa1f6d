"""What a finished search measures of itself on Train B."""

from __future__ import annotations

from math import log

import pytest
import torch
import torch.nn.functional as F
from method_cases import MICRO

from bench.config.settings import DataConfig
from bench.engine.searching.health import search_health
from bench.training.tensors import ClipTensors
from rnas.search import Searcher, SearchSettings
from rnas.supernet import Supernet

CLIPS, CLASSES, BATCH = 12, 3, 4

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def searcher():
    torch.manual_seed(0)
    return Searcher(Supernet(MICRO, CLASSES), SearchSettings())


def clips():
    """Two subjects one after the other, the second's clips much brighter."""
    generator = torch.Generator().manual_seed(0)
    videos = torch.randint(0, 60, (CLIPS, 2, 8, 8, 3), dtype=torch.uint8, generator=generator)
    videos[CLIPS // 2 :] += 150
    return ClipTensors(videos, torch.arange(CLIPS) % CLASSES, CLASSES, DataConfig())


def measured(searcher, clips, order):
    genotype = searcher.supernet.architecture.decode()
    return search_health(searcher, genotype, clips, order, BATCH)


def test_batches_mix_subjects_in_an_order_that_is_always_the_same(searcher):
    seen = []

    def evaluate(inputs):
        seen.append(inputs.mean((1, 2, 3, 4)))
        return torch.zeros(len(inputs), CLASSES)

    searcher.evaluate = evaluate
    first, second = (measured(searcher, clips(), range(CLIPS)) for _ in range(2))
    half = len(seen) // 2
    assert first == second
    assert all(map(torch.equal, seen[:half], seen[half:]))
    assert all(float(batch.max() - batch.min()) > 0.2 for batch in seen[:half])


def test_loss_is_over_that_of_equal_chances(searcher):
    searcher.evaluate = lambda inputs: torch.zeros(len(inputs), CLASSES)
    assert measured(searcher, clips(), range(CLIPS))["loss_b"] == pytest.approx(1)
    sure = torch.tensor([5.0, 0.0, 0.0])
    searcher.evaluate = lambda inputs: sure.expand(len(inputs), CLASSES)
    labels = torch.arange(CLIPS) % CLASSES
    expected = float(F.cross_entropy(sure.expand(CLIPS, CLASSES), labels)) / log(CLASSES)
    assert measured(searcher, clips(), range(CLIPS))["loss_b"] == pytest.approx(expected)
