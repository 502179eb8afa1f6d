"""Diagnostics of a finished search: entropies, skip share, discretisation gap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.training.tensors import ClipTensors, batches
from rnas.discretise import can_discretise, discretised_logits
from rnas.genotype import Genotype
from rnas.search import Searcher, health

ORDER_SEED = 0
"""Of the order in which Train B is scored."""


def search_health(
    searcher: Searcher,
    genotype: Genotype,
    clips: ClipTensors,
    train_b: Sequence[int],
    batch: int,
) -> dict[str, float | int | None]:
    """What a search measures of itself at its end.

    Entropies of α, η, β and the weight on `none` and `skip` (see `rnas.search.health`), and

    skip_share: of the decoded operations, those that are `skip`;
    supernet_acc, discretised_acc: accuracy on Train B of the mixture, and of the genotype alone
    with the same weights; discretisation_gap: their difference, None where the space does not
    allow the second; loss_b: mean cross-entropy of the mixture on Train B over ln C, above 1 where
    it predicts worse than equal chances for all C classes do.

    Train B comes in batches of the search's size, since the norm uses batch statistics, and in a
    fixed random order: a batch of one subject's clips has other statistics than those trained on.
    """
    found = _on_train_b(searcher, genotype, clips, train_b, batch)
    gap = None
    if found["discretised_acc"] is not None:
        gap = found["supernet_acc"] - found["discretised_acc"]
    skips = genotype.operations.count("skip") / len(genotype.operations)
    return {
        **health(searcher.supernet),
        "skip_share": skips,
        **found,
        "discretisation_gap": gap,
    }


@torch.no_grad()
def _on_train_b(
    searcher: Searcher,
    genotype: Genotype,
    clips: ClipTensors,
    train_b: Sequence[int],
    batch: int,
) -> dict[str, Any]:
    """Accuracies and loss on Train B."""
    supernet = searcher.supernet
    parts = batches(train_b, batch, torch.Generator().manual_seed(ORDER_SEED))
    labels = torch.cat([_labels(clips, part) for part in parts])

    def logits(evaluate: Callable[[Tensor], Tensor]) -> Tensor:
        return torch.cat([evaluate(clips.evaluation_batch(part)) for part in parts])

    def accuracy(predicted: Tensor) -> float:
        return int((predicted.argmax(1) == labels).sum()) / len(labels)

    mixed, alone = logits(searcher.evaluate), None
    if can_discretise(supernet.space):
        alone = accuracy(logits(lambda inputs: discretised_logits(supernet, genotype, inputs)))
    return {
        "supernet_acc": accuracy(mixed),
        "discretised_acc": alone,
        "loss_b": float(F.cross_entropy(mixed.float(), labels)) / log(clips.classes),
        "validation_clips": len(labels),
    }


def _labels(clips: ClipTensors, part: torch.Tensor) -> torch.Tensor:
    return clips.labels[part.to(clips.labels.device)]
