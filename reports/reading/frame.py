"""Runs and predictions as pandas frames: tidy, a row a run or a clip."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.config.settings import changed_settings, setting_fields
from bench.data.clips import CHALLENGE_CLASSES
from bench.errors import DataError
from bench.protocol.metrics import metrics
from bench.runs.folder import RunFolder
from bench.runs.folds import read_fold
from bench.runs.predictions import Answer, Predictions, run_predictions
from bench.runs.record import read_run_file
from bench.scoring.logs import of_answers, read_log
from bench.scoring.report import score_report, scored
from reports.reading.finished import sound_runs
from reports.reading.groups import gather, run_marks

if TYPE_CHECKING:
    from bench.runs.record import RunRecord
    from reports.reading.groups import RunGroup

COSTS = (
    "params",
    "macs",
    "gflops",
    "weights_mb",
    "checkpoint_mb",
    "peak_train_mb",
    "peak_infer_mb",
)
ANSWER = ("dataset", "subject", "clip", "true", "pred")
CLASSES = "classes"
"""Key of a frame's `attrs` with the order of its classes."""


def frame_of(runs: Path) -> pd.DataFrame:
    """A row a run, by path; see `bench.load_runs`."""
    records, corrupt = sound_runs(runs)
    for line in corrupt:
        warnings.warn(line, stacklevel=3)
    groups = {id(record): group for group in gather(records) for record in group.records}
    names = list(setting_fields())
    rows = [_row(record, groups[id(record)], names) for record in records]
    return pd.DataFrame(rows, columns=[*_identity(), *metrics(), "trained", *COSTS, *names])


def _identity() -> tuple[str, ...]:
    return (
        *("variant", "dataset", "surrogate", "preset", "seed", "marks"),
        *("folds_done", "folds", "config_hash", "folder", "changed"),
    )


def _row(record: RunRecord, group: RunGroup, names: Sequence[str]) -> dict[str, Any]:
    found, costs = record.metrics or {}, record.profile or {}
    known = setting_fields()
    settings = {key: record.setting(*_parts(key), known[key].default) for key in names}
    return {
        "variant": record.variant,
        "dataset": record.dataset,
        "surrogate": record.surrogate,
        "preset": record.preset,
        "seed": record.seed,
        "marks": "; ".join(run_marks(group, record)),
        "folds_done": record.folds_done,
        "folds": record.folds_total,
        "config_hash": record.config_hash,
        "folder": str(record.folder.absolute()),
        "changed": ", ".join(f"{k}={v}" for k, v in changed_settings(record.config).items()),
        **{name: found.get(name) for name in metrics()},
        "trained": record.trained,
        **{name: costs.get(name) for name in COSTS},
        **settings,
    }


def _parts(key: str) -> tuple[str, str]:
    section, _, name = key.partition(".")
    return section, name


def predictions_of(path: Path, selection: str | None = None) -> pd.DataFrame:
    """A row a clip; see `bench.predictions`."""
    folder = RunFolder(path)
    if not folder.run.exists():
        log = read_log(path)
        for note in log.notes:
            warnings.warn(note, stacklevel=3)
        return _answers_frame(log.predictions)
    frame = _answers_frame(run_predictions(folder, selection))
    if selection is not None:
        return frame
    run = read_run_file(folder)
    logits = [clip.logits for name in run.folds for clip in read_fold(folder.fold(name)).clips]
    if all(map(len, logits)):
        frame[[f"logit {name}" for name in run.data.classes]] = logits
    return frame


def _answers_frame(found: Predictions) -> pd.DataFrame:
    names = found.classes
    rows = [(a.dataset, a.subject, a.clip, names[a.true], names[a.pred]) for a in found.answers]
    frame = pd.DataFrame(rows, columns=list(ANSWER))
    frame.attrs[CLASSES] = names
    return frame


def scores_of(
    frame: pd.DataFrame, classes: Sequence[str] | None, draws: int, seed: int = 0
) -> dict[str, Any]:
    """The report of predictions in a frame; see `bench.score`."""
    missing = [name for name in ANSWER if name not in frame]
    if missing:
        raise DataError(f"the frame lacks {', '.join(missing)}; expected {', '.join(ANSWER)}")
    empty = frame[list(ANSWER)].isna()
    if empty.to_numpy().any():
        column = next(name for name in ANSWER if empty[name].any())
        raise DataError(
            f"{empty[column].sum()} row(s) of the frame have no {column}: pandas also reads names "
            "such as NA and None as missing, unless told keep_default_na=False"
        )
    order = tuple(classes or frame.attrs.get(CLASSES, CHALLENGE_CLASSES))
    strange = {*frame["true"], *frame["pred"]} - {*order}
    if strange:
        raise DataError(
            f"label {min(map(str, strange))!r} is none of {', '.join(order)}; name the classes "
            "with classes="
        )
    answers = tuple(
        Answer(
            str(row.dataset),
            str(row.subject),
            str(row.clip),
            order.index(row.true),
            order.index(row.pred),
        )
        for row in frame[list(ANSWER)].itertuples(index=False)
    )
    log = of_answers(answers, order, "the frame")
    return score_report(scored(log), draws=draws, seed=seed)
