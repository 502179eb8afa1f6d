"""True and predicted class per clip, from run folders or logs, and their scores."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from bench.errors import BenchError, DataError, printable
from bench.protocol.metrics import fold_mean, pooled_metrics, subject_matrices
from bench.runs.folder import RunFolder
from bench.runs.folds import ClipRecord, FoldRecord, sealed_fold
from bench.runs.record import RunRecord, read_run
from bench.runs.searches import CannotDraw

SEED_FOLDER = re.compile(r"seed\d+")
"""What a run folder is called."""

UNNAMED = "#"
"""First character of the name of a clip that is known by its number alone."""


class ClipKey(NamedTuple):
    """Which clip: clip names repeat between subjects, subjects between data sets."""

    dataset: str
    subject: str
    clip: str

    @property
    def plain(self) -> ClipKey:
        """Without blanks around its names, and whichever way their accents are stored."""
        return ClipKey(*(unicodedata.normalize("NFC", name.strip()) for name in self))

    def __str__(self) -> str:
        return printable(f"{self.dataset} {self.subject} {self.clip}")


@dataclass(frozen=True)
class Answer:
    """The true and the predicted class of a clip, as indices."""

    dataset: str
    subject: str
    clip: str
    true: int
    pred: int

    @property
    def key(self) -> ClipKey:
        """Which clip it answers."""
        return ClipKey(self.dataset, self.subject, self.clip)


@dataclass(frozen=True)
class Predictions:
    """The answers to every clip of a set, each clip once, in the order of the source.

    Raises DataError where a clip is answered twice, or a label is no class.
    """

    classes: tuple[str, ...]
    answers: tuple[Answer, ...]

    def __post_init__(self) -> None:
        told = Counter(a.key.plain for a in self.answers)
        repeated = [key for key, n in told.items() if n > 1]
        if repeated:
            more = f" (and {len(repeated) - 1} more)" if len(repeated) > 1 else ""
            raise DataError(
                f"{repeated[0]}{more} is answered more than once: "
                "no score can say which answer counts; leave one of them"
            )
        known = range(len(self.classes))
        for answer in self.answers:
            if answer.true not in known or answer.pred not in known:
                raise DataError(
                    f"{answer.key}: labels {answer.true} and {answer.pred}, expected 0 to "
                    f"{len(known) - 1} for {', '.join(self.classes)}"
                )

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets of the clips, in their order, each once."""
        return tuple(dict.fromkeys(answer.dataset for answer in self.answers))

    @property
    def people(self) -> tuple[str, ...]:
        """The subject of each answer, with its data set: unique across data sets."""
        return tuple(f"{answer.dataset}/{answer.subject}" for answer in self.answers)

    @property
    def right(self) -> np.ndarray:
        """Per answer, whether it is right."""
        return np.array([answer.true == answer.pred for answer in self.answers], bool)

    @property
    def matrices(self) -> np.ndarray:
        """(S, C, C): a confusion matrix per person, in the order of their names."""
        true, pred = ([getattr(a, name) for a in self.answers] for name in ("true", "pred"))
        return subject_matrices(true, pred, self.people, len(self.classes))

    def of(self, dataset: str) -> Predictions:
        """The answers to one data set's clips."""
        return Predictions(self.classes, tuple(a for a in self.answers if a.dataset == dataset))

    def in_order(self) -> Predictions:
        """The same answers sorted by clip, so that two methods can be paired."""
        return Predictions(self.classes, tuple(sorted(self.answers, key=lambda a: a.key)))

    def metrics(self, parts: Sequence[str] = ()) -> dict[str, Any]:
        """The scores as in `metrics.json`: pooled, slices of several data sets, and fold mean.

        parts: the data sets to slice by; by default those of the clips.
        """
        clips = [asdict(answer) for answer in self.answers]
        scores = pooled_metrics(clips, self.classes, parts or self.datasets)
        if not clips:
            return scores
        return {**scores, "aggregations": {"fold_mean": fold_mean(clips, self.classes)}}


def run_predictions(
    folder: RunFolder, selection: str | None = None, fold: str | None = None
) -> Predictions:
    """The answers of a finished run: those it is scored by, or those of another selection rule.

    fold: the one that is wanted; None for all.

    Raises BenchError where a fold is missing, changed or corrupt, DataError where the run has not
    recorded that rule.
    """
    run = read_run(folder)
    if SEED_FOLDER.fullmatch(folder.path.name) and folder.path.name != f"seed{run.seed}":
        raise BenchError(
            f"{folder.path} holds the run of seed {run.seed}, by a link or a copy: name that one"
        )
    if fold not in (None, *run.folds):
        raise DataError(f"{folder.fold(str(fold))}: a fold that the run does not have")
    missing = [name for name in run.folds if not folder.fold(name).exists()]
    if missing:
        done = len(run.folds) - len(missing)
        raise BenchError(
            f"{folder.path}: {done} of {len(run.folds)} folds are finished, {missing[0]} is "
            "not; finish it with the command that began it"
        )
    answers: list[Answer] = []
    for name in run.folds if fold is None else (fold,):
        answers += fold_answers(sealed_fold(folder, name), folder.fold(name), selection)
    return Predictions(run.data.classes, tuple(answers))


def fold_answers(fold: FoldRecord, where: object, selection: str | None = None) -> list[Answer]:
    """The answers of a fold; DataError, with `where`, where it has not recorded that rule."""
    return [
        Answer(
            clip.dataset,
            fold.subject_of(clip),
            clip.clip,
            clip.true,
            clip.pred if selection is None else _selected(clip, selection, where),
        )
        for clip in fold.clips
    ]


def _selected(clip: ClipRecord, selection: str, where: object) -> int:
    if selection not in clip.selected:
        raise DataError(
            f"{where}: no answers of selection={selection}; the run recorded "
            f"{', '.join(clip.selected) or 'none'}"
        )
    return clip.selected[selection]


def finished_folds(record: RunRecord) -> dict[str, FoldRecord]:
    """The folds that have a result, by name.

    CannotDraw where none has, BenchError where one was changed or is corrupt.
    """
    if not record.finished:
        raise CannotDraw(f"0 of {record.folds_total} folds finished")
    return {fold: sealed_fold(record.files, fold) for fold in record.finished}
