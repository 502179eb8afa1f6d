"""What a search strategy works with, from the clips of a run: `rnas.strategies.base.Material`."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from math import inf

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.config.settings import SearchConfig, TrainConfig
from bench.data.clips import ClipSet, people
from bench.engine.material import job_clips
from bench.engine.plan import Unit
from bench.errors import BenchError
from bench.methods.strategies import STRATEGIES
from bench.protocol.splits import halve, named_fold
from bench.runs.job import Job
from bench.seeds import derive_seed, seeded
from bench.training.compute import Evaluate, accelerated, refuse_undefined, threads
from bench.training.initial import initialised
from bench.training.loop import predict, train
from bench.training.tensors import SMALLEST_BATCH, ClipTensors, batches
from rnas.errors import LossDiverged
from rnas.genotype import Genotype
from rnas.operations import DERIVED_NORM
from rnas.resample import Stem
from rnas.search import Batch
from rnas.space import SearchSpace
from rnas.strategies.base import Cost, Trial
from rnas.strategies.macs import macs_of
from rnas.supernet import Supernet


def search_halves(job: Job, clip_set: ClipSet, labels: Sequence[int], fold: str) -> Halves:
    """Train A and Train B of a search: of all clips, or with fold scope of its training clips."""
    indices: Sequence[int] = range(len(clip_set.clips))
    if fold:
        indices = named_fold(clip_set, job.config.protocol, fold).train
    return halve(indices, labels, people(clip_set), derive_seed(job.seed, "halves", fold))


def search_steps(clips: int, batch: int) -> int:
    """Batches of an epoch, as `bench.training.tensors.batches` makes them."""
    return clips // batch + (clips % batch >= SMALLEST_BATCH)


Halves = tuple[tuple[int, ...], tuple[int, ...]]
"""Indices of the clips of Train A and of Train B."""


@dataclass(frozen=True)
class SearchMaterial:
    """The clips, halves and settings of one search: its own clips, and nobody else's."""

    unit: Unit
    clip_set: ClipSet
    clips: ClipTensors
    halves: Halves

    @classmethod
    def of(cls, unit: Unit) -> SearchMaterial:
        """What a unit searches on."""
        clip_set, clips = job_clips(unit.job)
        assert isinstance(clips, ClipTensors), "methods that search see clips, not stills"
        halves = search_halves(unit.job, clip_set, clips.labels.tolist(), unit.fold)
        return cls(unit, *_searched(clip_set, clips, halves))

    @property
    def space(self) -> SearchSpace:
        """The search space under the settings of the run."""
        return self.unit.job.method.configured_space(self.unit.job.config)

    @property
    def settings(self) -> SearchConfig:
        """The settings of the search."""
        return self.unit.job.config.search

    @property
    def steps(self) -> int:
        """Batches of Train A in an epoch."""
        return search_steps(len(self.halves[0]), self.settings.batch)

    @property
    def clip_shape(self) -> tuple[int, ...]:
        """(C, T, H, W) of a clip."""
        return self.unit.job.method.input_shape(self.unit.job.config)

    def supernet(self) -> tuple[Supernet, Evaluate]:
        """A fresh supernet on the device of the run."""
        job = self.unit.job
        build = job.method.supernet(job.config, self.clips.classes)
        with seeded(self._seed("supernet")):
            supernet = build().to(job.device)
        compute = replace(job.config.compute, channels_last=self.settings.channels_last)
        refuse_undefined(supernet, compute)
        return supernet, accelerated(supernet, compute)

    def pairs(self, epoch: int) -> Iterator[tuple[Batch, Batch]]:
        """Pairs (batch of Train B, batch of Train A) of one epoch."""
        seed = self._seed("search", epoch)
        return batch_pairs(self.clips, self.halves, self.settings.batch, seed)

    def train_b(self) -> Iterator[Batch]:
        """Train B without augmentation, shuffled once and for all."""
        generator = torch.Generator().manual_seed(self._seed("train-b"))
        for part in batches(self.halves[1], self.settings.batch, generator):
            yield self.clips.evaluation_batch(part), self._labels(part)

    def generator(self, step: int) -> random.Random:
        """A generator for the draws of one step."""
        return random.Random(self._seed("strategy", step))

    def trial(self, genotype: Genotype, epochs: int, name: str) -> Trial:
        """Trains a genotype's network on Train A as folds train theirs; scores it on Train B.

        A network whose loss diverges scores nothing.
        """
        job, (train_a, train_b) = self.unit.job, self.halves
        settings = job.method.training(job.config)
        assert isinstance(settings, TrainConfig), "derived networks have no recipe of their own"
        seed = self._seed(f"trial {name}")
        build = job.method.builder(job.config, self.clips.classes, genotype)
        network = initialised(build, seed, settings.initial_weights).to(job.device)
        cost = Cost.of(
            macs_of(network, self.clip_shape), epochs * len(train_a), len(train_b), networks=1
        )
        with threads(job.method.threads):
            try:
                train(
                    network,
                    self.clips,
                    train_a,
                    replace(settings, epochs=epochs),
                    seed,
                    self.unit.fold,
                    _unwatched,
                    job.method.compute(job.config),
                )
            except LossDiverged:
                return Trial(0.0, inf, cost)
            logits = predict(network, self.clips, train_b)
        labels = self._labels(torch.as_tensor(train_b)).to(logits.device)
        accuracy = float((logits.argmax(1) == labels).double().mean())
        return Trial(accuracy, float(F.cross_entropy(logits, labels)), cost)

    def _labels(self, indices: Tensor) -> Tensor:
        return self.clips.labels[indices.to(self.clips.labels.device)]

    def _seed(self, phase: str, step: int = 0) -> int:
        return derive_seed(self.unit.job.seed, phase, self.unit.fold, step)


@dataclass
class Count:
    """What the bench did for a strategy in one step.

    trials: the cost of the networks that it trained; trained: their genotypes, epochs and names;
    clips: how many were handed out in batches, of a pair those of the smaller.
    """

    trials: Cost = field(default_factory=Cost)
    trained: list[tuple[str, int, str]] = field(default_factory=list)
    clips: int = 0


@dataclass(frozen=True)
class WatchedMaterial(SearchMaterial):
    """What a package's strategy works with: its own copy of the clips, and what it asks for counts.

    digest: of clips, labels and halves as they were.
    """

    digest: str = ""
    counts: list[Count] = field(default_factory=list)

    @classmethod
    def watched(cls, unit: Unit) -> WatchedMaterial:
        """What a unit searches on, apart from the clips that others in this process work with."""
        found = SearchMaterial.of(unit)
        videos, labels = found.clips.videos.clone(), found.clips.labels.clone()
        clips = replace(found.clips, videos=videos, labels=labels)
        return cls(unit, found.clip_set, clips, found.halves, _digest(clips, found.halves))

    @property
    def origin(self) -> str:
        """Whose strategy works with it, for messages."""
        return STRATEGIES.origin(self.settings.strategy)

    @contextmanager
    def counting(self) -> Iterator[Count]:
        """Counts what is asked for in the block."""
        self.counts.append(Count())
        try:
            yield self.counts[-1]
        finally:
            self.counts.pop()

    def pairs(self, epoch: int) -> Iterator[tuple[Batch, Batch]]:
        """See `SearchMaterial.pairs`."""
        for pair in super().pairs(epoch):
            self._hand_out(min(len(labels) for _, labels in pair))
            yield pair

    def train_b(self) -> Iterator[Batch]:
        """See `SearchMaterial.train_b`."""
        for batch in super().train_b():
            self._hand_out(len(batch[1]))
            yield batch

    def trial(self, genotype: Genotype, epochs: int, name: str) -> Trial:
        """See `SearchMaterial.trial`; BenchError outside a step, where nobody counts it."""
        if not self.counts:
            raise BenchError(
                f"{self.origin} has a network trained outside its steps, so that its cost is not "
                "counted: call trial() in step()"
            )
        trial = super().trial(genotype, epochs, name)
        self.counts[-1].trials += trial.cost
        self.counts[-1].trained.append((genotype.to_json(), epochs, name))
        return trial

    def require_unaltered(self) -> None:
        """BenchError where clips, labels or halves are not what they were."""
        if _digest(self.clips, self.halves) != self.digest:
            raise BenchError(
                f"{self.origin} alters the clips or labels of its material in place: let it work "
                "on a copy (.clone())"
            )

    def require_counted(self, cost: Cost, count: Count, step: int) -> None:
        """BenchError where a step costs more than the strategy says."""
        said, known = asdict(cost), asdict(count.trials)
        for name, least in known.items():
            if not said[name] >= least * (1 - ROUNDED):
                raise BenchError(
                    f"{self.origin} says that step {step + 1} cost {said[name]:g} {name}, but the "
                    f"networks trained in it alone cost {least:g}: add the cost of each trial"
                )
        if not count.clips:
            return
        passed = asdict(Cost.of(self._stem_macs(), trained=0, scored=count.clips))
        short = [n for n in PASSES if not said[n] >= (known[n] + passed[n]) * (1 - ROUNDED)]
        if short:
            raise BenchError(
                f"{self.origin} takes batches of clips in step {step + 1}, but counts no "
                f"{' and '.join(short)} for them, or too few ({count.clips} clips through the stem "
                f"of a network cost {' and '.join(f'{passed[name]:.4g}' for name in short)}): add "
                "Cost.of(macs, trained, scored)"
            )

    def _stem_macs(self) -> int:
        """Of one clip in a forward pass of what all networks of the space have in common."""
        with seeded(0):
            return macs_of(Stem(self.space, self.clip_shape[0], DERIVED_NORM), self.clip_shape)

    def _hand_out(self, clips: int) -> None:
        if self.counts:
            self.counts[-1].clips += clips


def _searched(
    clip_set: ClipSet, clips: ClipTensors, halves: Halves
) -> tuple[ClipSet, ClipTensors, Halves]:
    """The clips of the halves alone, in their order, and the halves as indices of these.

    A search inside a fold does not hold the clips of the person that the fold is tested on.
    """
    kept = sorted({*halves[0], *halves[1]})
    if len(kept) == len(clip_set.clips):
        return clip_set, clips, halves
    place = {index: number for number, index in enumerate(kept)}
    train_a, train_b = (tuple(place[index] for index in half) for half in halves)
    named = replace(clip_set, clips=tuple(clip_set.clips[index] for index in kept), tested=0)
    held = replace(clips, videos=clips.videos[kept], labels=clips.labels[kept])
    return named, held, (train_a, train_b)


PASSES = ("clip_passes", "macs")
"""Costs of whatever is computed on a batch."""

ROUNDED = 1e-9
"""Share by which sums of the same costs may differ."""


def _digest(clips: ClipTensors, halves: Halves) -> str:
    total = hashlib.sha256(repr(halves).encode())
    for tensor in (clips.videos, clips.labels):
        total.update(tensor.cpu().numpy().tobytes())
    return total.hexdigest()


def batch_pairs(
    clips: ClipTensors, halves: tuple[Sequence[int], Sequence[int]], size: int, seed: int
) -> Iterator[tuple[Batch, Batch]]:
    """Pairs (batch of Train B, batch of Train A) of one epoch; B starts over where it is short."""
    generator = torch.Generator().manual_seed(seed)
    train_a, train_b = halves
    b_batches = batches(train_b, size, generator)
    a_batches = batches(train_a, size, generator)
    again = [b_batches[step % len(b_batches)] for step in range(len(a_batches))]
    return zip(
        clips.augmented(again, generator), clips.augmented(a_batches, generator), strict=True
    )


def _unwatched(done: int, total: int) -> None:
    """No epoch of a trial is predicted."""
