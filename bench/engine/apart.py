"""A network of a package is asked again in a process of its own.

There nothing is left of what its code may have kept beside its weights: clips that it has trained
on, constants that were drawn at random when its module was imported, a count of its calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor, nn

from bench.engine.material import job_clips, network_builder
from bench.engine.plan import Unit
from bench.errors import FAILURES, SuspectError, printable
from bench.methods.operations import OPERATIONS
from bench.methods.registry import VARIANTS
from bench.runs.job import Job
from bench.system.processes import in_another_process
from bench.training.answers import (
    ASKED,
    asked_answer,
    differ,
    learn_otherwise,
    training_gradient,
)
from bench.training.compute import threads
from bench.training.initial import initialised
from bench.training.tensors import Tensors

MOST_SHOWN = 160
"""Characters of an error that a message shows."""

LEARNS_OTHERWISE = (
    "in a process of its own {} learns otherwise from a batch: a fold depends on what was trained "
    "before it; count and keep nothing at module level, in a class attribute or behind a cache, "
    "and draw in training from the global generators of torch, NumPy or Python"
)


def require_own_answers(
    unit: Unit, network: nn.Module, clips: Tensors, asked: Sequence[int]
) -> None:
    """SuspectError where the answers of a package's network rest on more than its weights.

    network: trained, on the fold of the unit; asked: the clips that it tests, then others. Once per
    method in this process a network with the same weights is asked in another one, and what a new
    network and a copy of the trained one learn from a batch is compared; after each fold the first
    network of this process is asked again, since what later folds learn of its test clips may have
    reached it.
    """
    runs = runs_of(unit.job)
    if not _is_foreign(unit.job):
        return
    if runs not in _earlier:
        weights, known = BytesIO(), tuple(asked)
        torch.save(network.state_dict(), weights)
        learnt = _learnt_anew(unit, clips, known)
        answer = asked_answer(network, clips, known)
        _earlier[runs] = Earlier(unit, network, clips, known, answer, learnt)
        whole = _whole(network)
        late = _learnt_late(unit, whole, clips, known)
        anew, learnt_there, late_there = in_another_process(
            answer_anew, unit, weights.getvalue(), whole, known
        )
        if differ(answer.cpu(), anew):
            raise SuspectError(
                "in a process of its own a new network with the weights of this one answers "
                "otherwise: its answers depend on more than its weights; keep no clips and draw "
                "nothing at random at module level, in a class attribute, in a file or behind a "
                "cache"
            )
        if learn_otherwise(learnt, learnt_there):
            raise SuspectError(LEARNS_OTHERWISE.format("a new network of the same seed"))
        if late is not None and late_there is not None and learn_otherwise(late, late_there):
            raise SuspectError(LEARNS_OTHERWISE.format("a copy of the trained network"))
    _earlier[runs].require_same()


@dataclass(frozen=True)
class Earlier:
    """The first network of a method that was trained here, its clips, and what it answers.

    learnt: `training_gradient` of a new network like it.
    """

    unit: Unit
    network: nn.Module
    clips: Tensors
    asked: tuple[int, ...]
    answer: Tensor
    learnt: Tensor

    def require_same(self) -> None:
        """SuspectError where it answers, or a new one with its weights learns, otherwise by now."""
        answer = asked_answer(self.network, self.clips, self.asked)
        if differ(answer, self.answer):
            what = "the network of an earlier one answers otherwise"
        elif learn_otherwise(_learnt_anew(self.unit, self.clips, self.asked), self.learnt):
            what = "a new network of an earlier one learns otherwise from a batch"
        else:
            return
        raise SuspectError(
            f"since another fold was trained {what}: what one fold learns reaches others; keep "
            "nothing outside the network, in no file either"
        )


def runs_of(job: Job) -> Path:
    """The folder of all runs of the method on the data set."""
    return job.folder.path.parents[1]


def answer_anew(
    unit: Unit, weights: bytes, whole: bytes, asked: Sequence[int]
) -> tuple[Tensor, Tensor, Tensor | None]:
    """What a new network answers, given weights, to the first of the clips asked, and learns there.

    Logits (n, classes), the gradient of `training_gradient`, and that of the network `whole`.
    """
    _, clips = job_clips(unit.job)
    network = network_builder(unit.job, unit.fold, clips.classes)().to(clips.labels.device)
    take_weights(network, torch.load(BytesIO(weights), clips.labels.device, weights_only=True))
    with threads(unit.job.method.threads):
        answer = asked_answer(network, clips, asked).cpu()
    learnt = _learnt_anew(unit, clips, asked)
    return answer, learnt, _learnt_late(unit, whole, clips, asked)


def take_weights(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Gives a new network the weights of one of another process; SuspectError if they do not fit.

    The weights of a large network are not listed.
    """
    try:
        network.load_state_dict(weights)
    except FAILURES as error:
        lines = [line.strip() for line in str(error).splitlines()]
        reason = printable(" ".join(lines[:2]))[:MOST_SHOWN]
        raise SuspectError(
            "in a process of its own a new network cannot take the weights of this one: its "
            "modules have other names or sizes, or another order, there (as of a set of strings); "
            f"build them in a fixed order, from a tuple or list ({type(error).__name__}: {reason})"
        ) from error


def _whole(network: nn.Module) -> bytes:
    """A network with all that it counts and keeps in itself; empty where it cannot be pickled."""
    kept = BytesIO()
    try:
        torch.save(network, kept)
    except FAILURES:
        return b""
    return kept.getvalue()


def _learnt_late(unit: Unit, whole: bytes, clips: Tensors, asked: Sequence[int]) -> Tensor | None:
    """`training_gradient` of a copy of a trained network, on the last of the clips asked.

    None where there is no copy, or it fails.
    """
    try:
        network = torch.load(BytesIO(whole), clips.labels.device, weights_only=False)
        return _gradient(unit, network, clips, asked)
    except FAILURES:
        return None


def _learnt_anew(unit: Unit, clips: Tensors, asked: Sequence[int]) -> Tensor:
    """`training_gradient` of a new network of a fold, always with the same weights."""
    build = network_builder(unit.job, unit.fold, clips.classes)
    network = initialised(build, 0, "in_order").to(clips.labels.device)
    return _gradient(unit, network, clips, asked)


def _gradient(unit: Unit, network: nn.Module, clips: Tensors, asked: Sequence[int]) -> Tensor:
    """`training_gradient` of a network on the last clips: those that are tested come first."""
    with threads(unit.job.method.threads):
        return training_gradient(network, clips.evaluation_batch(torch.as_tensor(asked[-ASKED:])))


def _is_foreign(job: Job) -> bool:
    """Whether code of a package is at work in the network."""
    names = job.method.configured_space(job.config).operations if job.method.searches else ()
    return not (VARIANTS.is_own(job.variant) and all(map(OPERATIONS.is_own, names)))


_earlier: dict[Path, Earlier] = {}
"""Folder of all runs of a method -> the first network trained here."""
