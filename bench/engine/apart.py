"""A network of a package is asked again in a process of its own.

There nothing is left of what its code may have kept beside its weights: clips that it has trained
on, constants that were drawn at random when its module was imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor, nn

from bench.engine.material import job_clips, network_builder
from bench.engine.plan import Unit
from bench.errors import BenchError
from bench.methods.operations import OPERATIONS
from bench.methods.registry import VARIANTS
from bench.runs.job import Job
from bench.system.processes import in_another_process
from bench.training.answers import asked_answer, differ
from bench.training.compute import threads
from bench.training.tensors import Tensors


def require_own_answers(
    unit: Unit, network: nn.Module, clips: Tensors, asked: Sequence[int]
) -> None:
    """BenchError where the answers of a package's network rest on more than its weights.

    network: trained, on the fold of the unit; asked: the clips. Once per method in this process a
    network with the same weights is asked in another one; after each fold the first network of this
    process is asked again, since what later folds learn of its test clips may have reached it.
    """
    runs = runs_of(unit.job)
    if not _is_foreign(unit.job):
        return
    answer = asked_answer(network, clips, asked)
    if runs not in _earlier:
        _earlier[runs] = network, clips, asked, answer
        weights = BytesIO()
        torch.save(network.state_dict(), weights)
        anew = in_another_process(answer_anew, unit, weights.getvalue(), tuple(asked))
        if differ(answer.cpu(), anew):
            raise BenchError(
                "in a process of its own a new network with the weights of this one answers "
                "otherwise: its answers depend on more than its weights; keep no clips and draw "
                "nothing at random at module level, in a class attribute, in a file or behind a "
                "cache"
            )
    first, its_clips, its_asked, before = _earlier[runs]
    if differ(asked_answer(first, its_clips, its_asked), before):
        raise BenchError(
            "since another fold was trained the network of an earlier one answers otherwise: what "
            "one fold learns reaches others; keep nothing outside the network, in no file either"
        )


def runs_of(job: Job) -> Path:
    """The folder of all runs of the method on the data set."""
    return job.folder.path.parents[1]


def answer_anew(unit: Unit, weights: bytes, asked: Sequence[int]) -> Tensor:
    """Logits (n, classes) of a new network, given weights, to the first of the clips asked."""
    _, clips = job_clips(unit.job)
    network = network_builder(unit.job, unit.fold, clips.classes)().to(clips.labels.device)
    network.load_state_dict(torch.load(BytesIO(weights), clips.labels.device, weights_only=True))
    with threads(unit.job.method.threads):
        return asked_answer(network, clips, asked).cpu()


def _is_foreign(job: Job) -> bool:
    """Whether code of a package is at work in the network."""
    names = job.method.configured_space(job.config).operations if job.method.searches else ()
    return not (VARIANTS.is_own(job.variant) and all(map(OPERATIONS.is_own, names)))


_earlier: dict[Path, tuple[nn.Module, Tensors, Sequence[int], Tensor]] = {}
"""Folder of all runs of a method -> the first network trained here, clips, and its answer."""
