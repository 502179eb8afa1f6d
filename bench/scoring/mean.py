"""The mean of several runs' answers to the same clips: late fusion, or an ensemble of seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from bench.errors import DataError
from bench.runs.folder import RunFolder
from bench.runs.folds import sealed_fold
from bench.runs.predictions import Answer, ClipKey, Predictions
from bench.runs.record import read_run_file
from bench.scoring.logs import Log
from bench.scoring.report import refuse_copies, run_log


def mean_log(runs: Sequence[Path], other_frames: bool = False) -> Log:
    """The answers by the mean of what the runs' folds give each class (softmax of their logits).

    No run may have trained on whom it tests, so neither has the mean, however the runs divided the
    people into folds. It has the marks of all of them. Raises what reading a run raises, UsageError
    for one that is named twice, DataError where classes, clips or labels differ, where frames do
    and not `other_frames`, or where a run recorded no logits.
    """
    refuse_copies(runs)
    logs = [run_log(run) for run in runs]
    first = logs[0].predictions
    truth = {answer.key: answer.true for answer in first.answers}
    for run, log in zip(runs, logs, strict=True):
        if log.predictions.classes != first.classes:
            raise DataError(f"{run} has other classes than {runs[0]}: no mean of both")
        if {answer.key: answer.true for answer in log.predictions.answers} != truth:
            raise DataError(f"{run} has other clips or labels than {runs[0]}: no mean of both")
        if log.protocol["surrogate"] != logs[0].protocol["surrogate"]:
            raise DataError(f"one of {run} and {runs[0]} has generated clips: no mean of both")
    seen = {read_run_file(RunFolder(run)).data.fingerprint for run in runs} - {None}
    if len(seen) > 1 and not other_frames:
        raise DataError(
            "the runs have clips of the same names with other frames (data.fingerprint in "
            "run.json): other files, or generated ones of another difficulty, seed or version; "
            "average runs on frames that were cropped anew with --other-frames"
        )
    chances = [_chances(run) for run in runs]
    keys = [answer.key for answer in first.answers]
    mean = np.mean([[each[key] for key in keys] for each in chances], axis=0)
    best = mean.argmax(1)
    answers = [Answer(*key, truth[key], int(b)) for key, b in zip(keys, best, strict=True)]
    return Log(
        Predictions(first.classes, tuple(answers)), _protocol([log.protocol for log in logs])
    )


def _chances(run: Path) -> dict[ClipKey, np.ndarray]:
    """Of each clip what a run gives each class, in all 1."""
    folder = RunFolder(run)
    given = {}
    for name in read_run_file(folder).folds:
        fold = sealed_fold(folder, name)
        for clip in fold.clips:
            if not clip.logits:
                raise DataError(
                    f"{folder.fold(name)} records no logits of {clip.clip}: it cannot be part of a "
                    "mean; make the run anew"
                )
            key = ClipKey(clip.dataset, fold.subject_of(clip), clip.clip)
            given[key] = softmax(clip.logits)
    return given


def _protocol(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the runs have in common (None: they differ), with the marks of each."""
    common = {
        key: value if all(part.get(key) == value for part in parts) else None
        for key, value in parts[0].items()
    }
    leaks = list(dict.fromkeys(leak for part in parts for leak in part.get("leaks", ())))
    marked = ("surrogate", "shuffled_labels", "leaky")
    told = {key: True for key in marked if any(part.get(key) for part in parts)}
    return {**common, **told, "leaks": leaks}
