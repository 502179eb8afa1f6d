"""The result of a fold: what it trained on, and its answers to the held-out subject's clips."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import log
from pathlib import Path
from typing import Any, ClassVar

from bench.errors import DataError
from bench.runs.checksums import require_sealed
from bench.runs.folder import RunFolder
from bench.runs.typed import read_as
from bench.system.files import read_json

TRAINED_BELOW = 0.7
"""A fold is trained if its last epoch's mean cross-entropy is below this times ln(classes)."""

ENOUGH_TRAINED = 0.95
"""Least share of trained folds of a score that says something of its method."""


@dataclass(frozen=True, kw_only=True)
class ClipRecord:
    """The true and the predicted class of a clip, as indices.

    selected: the predicted class by selection rule; logits: of the scored rule, one per class;
    subject: where the fold tests several.
    """

    dataset: str
    clip: str
    true: int
    pred: int
    selected: Mapping[str, int] = field(default_factory=dict)
    logits: tuple[float, ...] = ()
    subject: str = ""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where a unit was done: host, processor, torch device, GPU, threads of torch."""

    host: str
    cpu: str
    device: str
    gpu: str | None = None
    threads: int

    @property
    def kind(self) -> tuple[str, str | None, int]:
        """What may change the last digits of a result: the host's name does not."""
        return (self.cpu, self.gpu, self.threads)


@dataclass(frozen=True, kw_only=True)
class FoldRecord:
    """The content of `folds/<fold>.json`.

    run: the run that made it; made_on: the machine, None in files that do not say it; trained_on,
    inner_subjects: `dataset/subject` of those trained on, None in files that do not say it, and of
    those held out for inner_val; epochs: by selection rule the epoch it chose; losses: one per
    epoch; contradicted: about how many clips a classifier's own `predict` answers otherwise;
    begins_alike: share of the numbers in the network that no seed changes before training.
    """

    what: ClassVar[str] = "fold"
    cure: ClassVar[str] = "move it elsewhere and repeat the run"

    subject: str
    clips: tuple[ClipRecord, ...]
    run: Mapping[str, Any] | None = None
    made_on: Machine | None = None
    trained_on: tuple[str, ...] | None = None
    inner_subjects: tuple[str, ...] = ()
    losses: tuple[float, ...] = ()
    epochs: Mapping[str, int] = field(default_factory=dict)
    contradicted: int = 0
    begins_alike: float = 0.0

    @property
    def people(self) -> set[str]:
        """`dataset/subject` of those tested."""
        return {f"{clip.dataset}/{self.subject_of(clip)}" for clip in self.clips}

    @property
    def tied(self) -> int:
        """How many clips have several classes with the largest logit, of which the first counts."""
        return sum(clip.logits.count(max(clip.logits)) > 1 for clip in self.clips if clip.logits)

    def subject_of(self, clip: ClipRecord) -> str:
        """Whose clip it is."""
        return clip.subject or self.subject


def read_fold(file: Path) -> FoldRecord:
    """The result of a fold; BenchError where its file is missing, corrupt or none."""
    return read_as(FoldRecord, read_json(file), file)


def sealed_fold(folder: RunFolder, name: str) -> FoldRecord:
    """As `read_fold`, of a run; BenchError also where the file is large and was changed."""
    file = folder.fold(name)
    if file.exists():
        require_sealed(folder, file)
    return read_fold(file)


def trained_share(folds: Iterable[FoldRecord], classes: int) -> float | None:
    """Share of the folds that are trained (`TRAINED_BELOW`); None where no loss is recorded."""
    last = [fold.losses[-1] for fold in folds if fold.losses]
    if not last:
        return None
    return sum(is_trained(loss, classes) for loss in last) / len(last)


def is_trained(loss: float, classes: int) -> bool:
    """Whether a last epoch's mean cross-entropy is that of a trained network (`TRAINED_BELOW`)."""
    return loss < TRAINED_BELOW * log(classes)


def fold_of(content: Any, where: object) -> FoldRecord:
    """A fold in a file of the user's, who may have added keys; DataError where it is none.

    run: only where the file says so in full, as those of run folders do.
    """
    try:
        clips = tuple(
            ClipRecord(
                dataset=str(clip["dataset"]),
                clip=str(clip["clip"]),
                true=_label(clip["true"]),
                pred=_label(clip["pred"]),
                logits=tuple(map(float, clip.get("logits") or ())),
            )
            for clip in content["clips"]
        )
        run = content.get("run")
        made = run if isinstance(run, dict) and "config_hash" in run else None
        return FoldRecord(subject=str(content["subject"]), clips=clips, run=made)
    except KeyError as error:
        what = f"it has no {error.args[0]}"
    except (AttributeError, TypeError):
        what = "a value in it is of another kind"
    except (ValueError, OverflowError) as error:
        what = str(error)
    raise DataError(
        f"{where}: no fold of this harness ({what}); expected subject and clips of dataset, clip, "
        "true, pred, or a list of records of dataset, subject, clip, true, pred"
    )


def _label(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"label {json.dumps(value)[:40]} is no whole number")
    return value
