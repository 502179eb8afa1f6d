"""One fold: train without a subject, predict that subject's clips under each selection rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from baselines.fixed import Recipe
from bench.config.settings import INNER_VAL, LAST, TrainConfig, recorded_rules
from bench.data.clips import ClipSet, people, subjects_among
from bench.engine.apart import require_own_answers, runs_of
from bench.engine.material import initial_network, job_clips, made_on, network_builder
from bench.engine.plan import Report, Unit
from bench.errors import BenchError, DataError, SuspectError
from bench.methods.released import trains_on_other_sets
from bench.models.file import write_model
from bench.models.saving import Keeper, model_record
from bench.protocol.selection import best_epoch
from bench.protocol.splits import Fold, hold_out, named_fold
from bench.runs.checksums import sealing
from bench.runs.folds import is_trained
from bench.runs.job import Job
from bench.runs.record import read_run_file
from bench.runs.searches import read_genotype
from bench.seeds import derive_seed
from bench.system.files import write_json
from bench.training.answers import check_answer, require_alike
from bench.training.beginning import Beginning
from bench.training.compute import threads
from bench.training.doubling import lengths, until_trained
from bench.training.loop import DIVERGED, predict, train
from bench.training.stacked import Member, stackable, train_stacked
from bench.training.tensors import Tensors
from rnas.errors import LossDiverged
from rnas.genotype import Genotype


def evaluate_fold(unit: Unit, report: Report) -> None:
    """Trains the network without one subject, and predicts that subject's clips."""
    clip_set, clips = job_clips(unit.job)
    attempts = lengths(unit.job.method.training(unit.job.config))
    opened, losses = _trained_alone(unit, clip_set, clips, report, attempts)
    opened.write(losses)


def _trained_alone(
    unit: Unit,
    clip_set: ClipSet,
    clips: Tensors,
    report: Report,
    attempts: Sequence[TrainConfig | Recipe],
) -> tuple[OpenFold, list[float]]:
    """The fold with its network, by the first of the attempts that trains it, and the losses."""
    job = unit.job

    def attempt(settings: TrainConfig | Recipe) -> tuple[OpenFold, list[float]]:
        opened = open_fold(unit, clip_set, clips, report)
        losses = train(
            opened.watch.network,
            opened.watch.clips,
            opened.watch.parts.train,
            settings,
            job.seed,
            unit.fold,
            opened.on_epoch,
            job.method.compute(job.config),
        )
        return opened, losses

    with threads(job.method.threads):
        return until_trained(attempts, clips.classes, attempt)


def like_networks(units: Sequence[Unit]) -> list[list[Unit]]:
    """Folds of one run in groups that can be trained together.

    Those with the same genotype can, except networks with dropout, which train alone.
    """
    job = units[0].job
    classes = len(read_run_file(job.folder).data.classes)
    groups: dict[Genotype | None, list[Unit]] = {}
    for unit in units:
        file = job.folder.genotype(job.searches.of(unit.fold))
        groups.setdefault(read_genotype(file) if job.searches.there else None, []).append(unit)
    parts: list[list[Unit]] = []
    for group in groups.values():
        together = stackable(network_builder(job, group[0].fold, classes)())
        parts += [group] if together else [[unit] for unit in group]
    return parts


def evaluate_together(units: Sequence[Unit], reports: Sequence[Report]) -> dict[Unit, Exception]:
    """Evaluates folds of one run, whose networks are alike, in one training.

    Those that it leaves untrained are trained alone, longer, as often as the settings say. Returns
    the errors of those that failed; the others are complete.
    """
    job = units[0].job
    clip_set, clips = job_clips(job)
    opened = [
        open_fold(unit, clip_set, clips, report)
        for unit, report in zip(units, reports, strict=True)
    ]
    members = [
        Member(each.watch.network, each.unit.fold, each.watch.parts.train, each.on_epoch)
        for each in opened
    ]
    training, *longer = lengths(job.method.training(job.config))
    compute = job.method.compute(job.config)
    with threads(job.method.threads):
        outcomes = train_stacked(members, clips, training, job.seed, compute)
    errors: dict[Unit, Exception] = {}
    for each, outcome in zip(opened, outcomes, strict=True):
        try:
            if isinstance(outcome, LossDiverged):
                raise outcome
            found, losses = each, outcome
            if longer and not is_trained(losses[-1], clips.classes):
                found, losses = _trained_alone(each.unit, clip_set, clips, each.report, longer)
            with sealing(job.folder, each.unit.name):
                found.write(losses)
        except (BenchError, LossDiverged) as error:
            errors[each.unit] = error
    return errors


@dataclass(frozen=True)
class OpenFold:
    """A fold in training: its unit, its clips, and what its network says of them."""

    unit: Unit
    clip_set: ClipSet
    fold: Fold
    watch: Watch
    report: Report
    beginning: Beginning

    def on_epoch(self, done: int, total: int) -> None:
        """Predicts what the selection rules need, and reports."""
        self.watch.predict(done, total)
        self.report("training epoch", done, total)

    def write(self, losses: Sequence[float]) -> None:
        """The fold's file; LossDiverged where a prediction is no finite number.

        BenchError where the trained network's answers are not each clip's own or depend on more
        than its weights, or where what it has learnt reaches networks that are built after it.
        """
        job, clip_set, parts = self.unit.job, self.clip_set, self.watch.parts
        predictions = _predictions(job, clip_set, self.fold, self.watch)
        try:
            self.watch.check_answers()
            self.beginning.require_kept()
            asked = parts.test + parts.train
            require_own_answers(self.unit, self.watch.network, self.watch.clips, asked)
        except BenchError as error:
            _spoiled[runs_of(job)] = str(error)
            raise
        self._save_weights()
        record = {
            "run": job.stamp,
            "made_on": made_on(job),
            "subject": self.fold.subject or self.fold.name,
            "trained_on": subjects_among(clip_set, parts.train),
            "losses": list(losses),
            "epochs": self.watch.epochs(),
            **_inner_record(clip_set, parts),
            **({"begins_alike": self.beginning.alike} if self.beginning.alike else {}),
            "clips": predictions,
        }
        write_json(self.unit.output, record)

    def _save_weights(self) -> None:
        """The fold's model file, where the run keeps one: before its result, which says: done."""
        watch, job, fold = self.watch, self.unit.job, self.unit.fold
        if watch.keeper is None:
            return
        record = model_record(
            job,
            watch.network,
            fold,
            self.clip_set,
            watch.parts.train,
            fold=fold,
            rule=watch.saved,
            epoch=watch.epochs()[watch.saved],
        )
        write_model(job.folder.model(fold), record, watch.keeper.kept)


_spoiled: dict[Path, str] = {}
"""Folders of the methods whose networks keep more than their weights, and what was said of it.

In this process no other fold of theirs is trained: it could begin with what the first has learnt.
"""


def open_fold(unit: Unit, clip_set: ClipSet, clips: Tensors, report: Report) -> OpenFold:
    """A fold with its clips divided and its network built, on the clips of its run."""
    if (said := _spoiled.get(runs_of(unit.job))) is not None:
        raise SuspectError(said)
    fold = named_fold(clip_set, unit.job.config.protocol, unit.fold)
    parts = _parts(unit.job, clip_set, clips, fold)
    tested = [clip_set.clips[place] for place in fold.test]
    build = partial(initial_network, unit.job, unit.fold, clips.classes, unit.fold, tested)
    unseeded = network_builder(unit.job, unit.fold, clips.classes)
    beginning = Beginning.of(
        build,
        unseeded,
        clips,
        parts.test + parts.train,
        pretrained=unit.job.method.pretrained,
        loss=unit.job.method.training(unit.job.config).loss,
    )
    save, protocol = unit.job.config.save.weights, unit.job.config.protocol
    watch = Watch(
        beginning.network,
        clips,
        parts,
        recorded_rules(protocol),
        keeper=None if save == "none" else Keeper(beginning.network),
        saved=LAST if save == "last" else protocol.selection,
    )
    return OpenFold(unit, clip_set, fold, watch, report, beginning)


@dataclass(frozen=True)
class Parts:
    """Indices of the clips that a fold trains on, tests on, and holds out for inner_val."""

    train: tuple[int, ...]
    test: tuple[int, ...]
    inner: tuple[int, ...] = ()


@dataclass(frozen=True)
class Watch:
    """Predictions during training, for the epochs and clips that the selection rules need.

    Where no rule looks at another epoch, the last one alone is predicted. `test` and `inner` are
    logits (clips, classes) by epoch, the first is 1. keeper: where weights are to be kept, those of
    the epoch that the rule `saved` chooses.
    """

    network: nn.Module
    clips: Tensors
    parts: Parts
    rules: tuple[str, ...]
    test: dict[int, Tensor] = field(default_factory=dict)
    inner: dict[int, Tensor] = field(default_factory=dict)
    keeper: Keeper | None = None
    saved: str = LAST

    def predict(self, epoch: int, epochs: int) -> None:
        """Predicts at this epoch what the rules need."""
        if epoch == epochs or self.rules != (LAST,):
            self.test[epoch] = predict(self.network, self.clips, self.parts.test)
        if INNER_VAL in self.rules:
            self.inner[epoch] = predict(self.network, self.clips, self.parts.inner)
        # Of the epochs so far the best is this one each time that it is better than all before.
        last_one = epoch == epochs or self.saved != LAST
        if self.keeper and last_one and self._chosen(self.saved) == epoch:
            self.keeper.keep()

    def epochs(self) -> dict[str, int]:
        """The epoch that each rule chooses."""
        return {rule: self._chosen(rule) for rule in self.rules}

    def _chosen(self, rule: str) -> int:
        """The epoch that a rule chooses among those so far."""
        if rule == LAST:
            return max(self.test)
        if rule == INNER_VAL:
            return self._best(self.inner, self.parts.inner)
        return self._best(self.test, self.parts.test)

    def logits(self) -> dict[str, Tensor]:
        """The test clips' logits by rule; LossDiverged where a number is not finite."""
        found = {rule: self.test[epoch] for rule, epoch in self.epochs().items()}
        odd = [not clip.isfinite().all() for clip in torch.stack([*found.values()], 1)]
        if any(odd):
            larger = f"; if the last step was too large, {DIVERGED}" if all(odd) else ""
            raise LossDiverged(
                "all training losses are finite, but in evaluation mode the trained network's "
                f"answer to {sum(odd)} of {len(odd)} test clips is not: look in its forward for "
                f"what these clips bring out of range (a division, logarithm or root){larger}"
            )
        return found

    def check_answers(self) -> None:
        """BenchError where the answers of the last epoch are not each test clip's own."""
        last = self.test[max(self.test)]
        answer = check_answer(self.network, self.clips, self.parts.test + self.parts.train)
        asked = min(len(answer), len(last))
        require_alike(last[:asked], answer[:asked].double().cpu())

    def _best(self, logits: dict[int, Tensor], indices: Sequence[int]) -> int:
        return best_epoch(logits, self.clips.labels[list(indices)].tolist(), self.clips.classes)


def _parts(job: Job, clip_set: ClipSet, clips: Tensors, fold: Fold) -> Parts:
    """The fold's clips; a part of its training subjects is held out where inner_val is wanted."""
    if trains_on_other_sets(job.variant, job.config):
        return _by_data_set(clip_set, fold)
    if INNER_VAL not in recorded_rules(job.config.protocol):
        return Parts(fold.train, fold.test)
    train, inner = hold_out(
        fold.train,
        clips.labels.tolist(),
        people(clip_set),
        job.config.protocol.inner_share,
        derive_seed(job.seed, "inner", fold.name),
    )
    return Parts(train, fold.test, inner)


def _by_data_set(clip_set: ClipSet, fold: Fold) -> Parts:
    """Trained on the other data sets; held out are the other subjects of the test subject's own.

    Raises DataError where there is nobody else in its data set.
    """
    own = clip_set.clips[fold.test[0]].dataset
    train = tuple(index for index in fold.train if clip_set.clips[index].dataset != own)
    inner = tuple(index for index in fold.train if clip_set.clips[index].dataset == own)
    if not inner:
        raise DataError(
            f"{fold.name} is the only subject of {own} here: as released, the epoch is chosen on "
            "the others of its data set; allow more subjects"
        )
    return Parts(train, fold.test, inner)


def _inner_record(clip_set: ClipSet, parts: Parts) -> dict[str, Any]:
    """Who was held out of training for inner_val; nothing where nobody was."""
    if not parts.inner:
        return {}
    return {"inner_subjects": subjects_among(clip_set, parts.inner)}


def _predictions(job: Job, clip_set: ClipSet, fold: Fold, watch: Watch) -> list[dict[str, Any]]:
    """The true label of each test clip, and the predicted label under every rule."""
    by_rule = watch.logits()
    logits = by_rule[job.config.protocol.selection]
    labels = {rule: each.argmax(1).tolist() for rule, each in by_rule.items()}
    return [
        {
            "dataset": clip_set.clips[index].dataset,
            **({} if fold.subject else {"subject": clip_set.clips[index].subject}),
            "clip": clip_set.clips[index].name,
            "true": int(watch.clips.labels[index]),
            "pred": labels[job.config.protocol.selection][place],
            "selected": {rule: found[place] for rule, found in labels.items()},
            "logits": logits[place].tolist(),
        }
        for place, index in enumerate(watch.parts.test)
    ]
