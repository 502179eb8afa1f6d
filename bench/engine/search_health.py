"""Diagnostics of a finished search: entropies, skip share, discretisation gap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from bench.training.tensors import ClipTensors, batches
from rnas.discretise import can_discretise, discretised_logits
from rnas.genotype import Genotype
from rnas.search import Searcher, health


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
    allow the second.
    """
    found = _accuracies(searcher, genotype, clips, train_b, batch)
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
def _accuracies(
    searcher: Searcher,
    genotype: Genotype,
    clips: ClipTensors,
    train_b: Sequence[int],
    batch: int,
) -> dict[str, Any]:
    """Accuracies on Train B, in batches of the search's size: its norm uses batch statistics."""
    supernet = searcher.supernet
    ways = {"supernet_acc": searcher.evaluate}
    if can_discretise(supernet.space):
        ways["discretised_acc"] = lambda inputs: discretised_logits(supernet, genotype, inputs)
    parts = batches(train_b, batch, torch.Generator(), shuffle=False)
    seen = sum(map(len, parts))
    found: dict[str, Any] = {"discretised_acc": None, "validation_clips": seen}
    for name, evaluate in ways.items():
        right = sum(
            int((evaluate(clips.evaluation_batch(part)).argmax(1) == _labels(clips, part)).sum())
            for part in parts
        )
        found[name] = right / seen
    return found


def _labels(clips: ClipTensors, part: torch.Tensor) -> torch.Tensor:
    return clips.labels[part.to(clips.labels.device)]
