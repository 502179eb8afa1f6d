"""What a method answered, clip by clip: read from run folders, from logs, and compared by clip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path as File
from typing import Any, NamedTuple

import numpy as np

from bench.errors import BenchError, DataError, printable
from bench.protocol.metrics import fold_mean, pooled_metrics, subject_matrices
from bench.runs.folder import RunFolder
from bench.runs.record import RunRecord
from bench.runs.searches import CannotDraw, mapping, unfit
from bench.system.files import read_json

UNNAMED = "#"
"""What the name of a clip begins with that has only a number."""


class ClipKey(NamedTuple):
    """Which clip: clip names repeat between subjects, subjects between data sets."""

    dataset: str
    subject: str
    clip: str

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
        return ClipKey(self.dataset, self.subject, self.clip)


@dataclass(frozen=True)
class Predictions:
    """The answers to every clip of a set, each clip once, in the order of the source.

    Raises DataError where a clip is answered twice, or a label is no class.
    """

    classes: tuple[str, ...]
    answers: tuple[Answer, ...]

    def __post_init__(self) -> None:
        repeated = [key for key, n in Counter(a.key for a in self.answers).items() if n > 1]
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
        """Per answer, whose it is: a name that no other person has in any data set."""
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
        """The same, sorted by clip: two such with the same clips are paired entry by entry."""
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


def run_predictions(folder: RunFolder, selection: str | None = None) -> Predictions:
    """The answers of a finished run: those it is scored by, or those of another selection rule.

    Raises BenchError where a fold is missing or corrupt, DataError where the run has not recorded
    that rule.
    """
    run = read_json(folder.run)
    missing = [name for name in run["folds"] if not folder.fold(name).exists()]
    if missing:
        done = len(run["folds"]) - len(missing)
        raise BenchError(
            f"{folder.path}: {done} of {len(run['folds'])} folds are finished, {missing[0]} is "
            "not; finish it with the command that began it"
        )
    answers: list[Answer] = []
    for name in run["folds"]:
        answers += fold_answers(read_json(folder.fold(name)), str(folder.fold(name)), selection)
    return Predictions(tuple(run["data"]["classes"]), tuple(answers))


def fold_answers(fold: Any, where: str, selection: str | None = None) -> list[Answer]:
    """The answers in a fold's file; DataError, with `where`, for anything that is none."""
    try:
        return [
            Answer(
                str(clip["dataset"]),
                str(fold["subject"]),
                str(clip["clip"]),
                _label(clip["true"]),
                _label(clip["pred"] if selection is None else clip["selected"][selection]),
            )
            for clip in fold["clips"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        if selection is not None and error.args == (selection,):
            raise DataError(
                f"{where}: no answers of selection={selection}; the run recorded "
                f"{', '.join(_recorded(fold)) or 'none'}"
            ) from None
        raise DataError(
            f"{where}: no fold of this harness ({error!r}); expected subject and clips of dataset, "
            "clip, true, pred"
        ) from None


def _label(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"label {value!r} is no whole number")
    return value


def _recorded(fold: Any) -> Sequence[str]:
    return list(fold["clips"][0].get("selected", ()))


def predictions(record: RunRecord) -> dict[str, list[dict[str, Any]]]:
    """Fold -> its clips with `dataset`, `true`, `pred`, of the folds that are finished."""
    folder = RunFolder(record.folder)
    files = {fold: folder.fold(fold) for fold in record.run["folds"]}
    found = {fold: _clips(file) for fold, file in files.items() if file.exists()}
    if not found:
        raise CannotDraw(f"0 of {record.folds_total} folds finished")
    return found


def _clips(file: File) -> list[dict[str, Any]]:
    try:
        return [
            {key: clip[key] for key in ("dataset", "true", "pred")}
            for clip in mapping(file)["clips"]
        ]
    except (KeyError, TypeError) as error:
        raise unfit(file, error) from None
