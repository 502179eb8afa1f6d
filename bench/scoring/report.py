"""Scores of predictions, wherever they were made: what `bench score` says of a file or a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.data.clips import CHALLENGE_CLASSES, Problem
from bench.errors import DataError, UsageError
from bench.protocol.metrics import UAR, matrix_scores, tell_missing
from bench.runs.folder import RunFolder
from bench.runs.folds import sealed_fold
from bench.runs.predictions import Predictions, run_predictions
from bench.runs.record import moved_line, read_run
from bench.runs.typed import read_object
from bench.scoring.challenge_list import UNCHECKED, list_problems, parts_of
from bench.scoring.claims import Claim, aggregates, judge, macro_precision, per_cent_hint
from bench.scoring.logs import (
    AS_STATED,
    Log,
    Reading,
    parse_json,
    read_log,
    stated_protocol,
    text_of,
)
from bench.scoring.script_output import TIED
from bench.scoring.statistics import DRAWS, against_chance, score_intervals
from bench.seeds import derive_seed


@dataclass(frozen=True)
class Scored:
    """Scores as in `metrics.json`; without `predictions` the file held their matrix alone.

    notes: those of the log (`bench.scoring.logs.Log`).
    """

    metrics: Mapping[str, Any]
    protocol: Mapping[str, Any]
    predictions: Predictions | None = None
    notes: tuple[str, ...] = ()

    def part(self, name: str) -> Scored:
        """The slice of a data set, whatever its case; UsageError where there is none."""
        slices = self.metrics["slices"]
        known = [*(self.predictions.datasets if self.predictions else ()), *slices]
        if name not in known:
            name = next((each for each in known if each.lower() == name.lower()), name)
        own = self.predictions.of(name) if self.predictions else None
        if own is not None and own.answers:
            return Scored(own.metrics(), self.protocol, own)
        if name in slices and slices[name]["clips"]:
            return Scored({**slices[name], "slices": {}}, self.protocol)
        there = ", ".join(self.predictions.datasets if self.predictions else slices) or "none"
        raise UsageError(f"no clip of data set {name!r} to score; there: {there}")


def read_scored(path: Path, reading: Reading = AS_STATED) -> Scored:
    """The scores of a run folder or a fold in it, of a log, or of a `metrics.json`.

    reading: `selection` also chooses among the answers that a run recorded. Raises what reading the
    log or the run raises; UsageError for options that do not fit.
    """
    if path.is_dir() or _is_fold(path):
        if reading.classes or reading.dataset:
            raise UsageError("a run knows classes and data set: leave out --classes and --dataset")
        return scored(run_log(path, reading.selection))
    text = text_of(path)
    if text.lstrip()[:1] == "{":
        content = parse_json(text, path.name)
        if isinstance(content, dict) and "confusion" in content:
            if reading != AS_STATED:
                raise UsageError(
                    f"{path.name} holds matrices, no answers: leave out --classes, --dataset and "
                    "--selection"
                )
            return _of_matrix(content, path.name)
    return scored(read_log(path, reading))


def _is_fold(path: Path) -> bool:
    """Whether a file lies where a run keeps its folds: the run says what they are."""
    folder = RunFolder(path.absolute().parent.parent)
    return path.is_file() and path.absolute() == folder.fold(path.stem) and folder.run.exists()


def run_log(path: Path, selection: str | None = None) -> Log:
    """The answers of a finished run, or of one of its folds, with its protocol.

    Raises UsageError where the folder is no run's, BenchError where the run is not finished.
    """
    fold = path.stem if _is_fold(path) else None
    folder = RunFolder(path.absolute().parent.parent if fold else path)
    if not folder.run.exists():
        raise UsageError(f"{path} is no run folder (no run.json); `bench list runs` names them")
    predictions = run_predictions(folder, selection, fold)
    protocol = read_object(folder.metrics, "protocol")["protocol"]
    run = read_run(folder)
    moved = moved_line(run, folder.path)
    notes = (moved,) if moved else ()
    if selection:  # whose scores of the classes are not recorded
        return Log(predictions, selected_protocol(protocol, selection), notes)
    tied = sum(sealed_fold(folder, name).tied for name in ([fold] if fold else run.folds))
    return Log(predictions, protocol, (*notes, TIED.format(tied)) if tied else notes)


def refuse_copies(paths: Iterable[Path]) -> None:
    """UsageError where a run folder or a log is another one again."""
    seen: dict[bytes, Path] = {}
    for path in paths:
        content = (path / "run.json" if path.is_dir() else path).read_bytes()
        if content in seen:
            raise UsageError(f"{path} is {seen[content]} again (a copy or a link): name it once")
        seen[content] = path


def selected_protocol(protocol: Mapping[str, Any], selection: str) -> dict[str, Any]:
    """The protocol of the same run scored by another selection rule."""
    leaks = [leak for leak in protocol.get("leaks", ()) if not leak.startswith("selection=")]
    leaks += ["selection=oracle"] if selection == "oracle" else []
    return {**protocol, "selection": selection, "leaks": leaks, "leaky": bool(leaks)}


def scored(log: Log) -> Scored:
    """The scores of the predictions of a log: pooled, slices, mean over folds."""
    predictions = log.predictions
    parts = tuple(dict.fromkeys((*parts_of(predictions), *predictions.datasets)))
    return Scored(predictions.metrics(parts), log.protocol, predictions, log.notes)


def score_report(
    source: Scored, claims: Sequence[Claim] = (), draws: int = DRAWS, seed: int = 0
) -> dict[str, Any]:
    """What `bench score --format json` prints: the keys of `metrics.json` and what was checked.

    `precision` is the macro precision; `intervals` hold each score's 95 % interval over subjects
    (without draws, or without clips, none), `chance` the UAR's permutation test against
    chance; `problems` every difference from the challenge's list,
    `complete` whether there is none (None: not checked); `claims` the verdicts; `notes` what is
    odd about the file itself.
    """
    matrix = np.array(source.metrics["confusion"])
    problems = _problems(source)
    checked = all(problem.kind != UNCHECKED for problem in problems)
    return {
        **source.metrics,
        "precision": float(macro_precision(matrix)),
        "protocol": dict(source.protocol),
        "intervals": _intervals(source, draws, seed),
        "chance": _chance(source, draws, seed),
        "complete": not problems if checked else None,
        "problems": [asdict(problem) for problem in problems],
        "claims": [_verdict(source, claim) for claim in claims],
        "notes": list(source.notes),
    }


def _verdict(source: Scored, claim: Claim) -> dict[str, Any]:
    part = source.part(claim.part) if claim.part else source
    matrix = np.array(part.metrics["confusion"])
    if not matrix.sum():
        raise DataError("no clip is answered: there is no score to compare the claim with")
    verdict = judge(claim, aggregates(claim.metric, matrix, part.predictions))
    text = "; ".join(filter(None, (str(verdict), per_cent_hint(claim.text))))
    return {**verdict.to_dict(), "text": text}


def _chance(source: Scored, draws: int, seed: int) -> dict[str, Any]:
    if source.predictions is None or not draws:
        return {}
    generator = np.random.default_rng(derive_seed(seed, "chance"))
    matrices = source.predictions.matrices
    return {UAR.name: against_chance(matrices, draws=draws, generator=generator).to_dict()}


def _intervals(source: Scored, draws: int, seed: int) -> dict[str, Any]:
    if source.predictions is None or not draws:
        return {}
    found = score_intervals(source.predictions.matrices, draws=draws, seed=seed)
    return {name: interval.to_dict() for name, interval in found.items()}


def _problems(source: Scored) -> list[Problem]:
    if source.predictions is None:
        what = "only a confusion matrix: there is no list of clips to check"
        return [Problem(UNCHECKED, "clips", what)]
    return list_problems(source.predictions, parts_of(source.predictions))


def _of_matrix(content: Mapping[str, Any], name: str) -> Scored:
    """The scores of the matrices in a `metrics.json`, computed anew."""
    try:
        classes = list(content.get("classes", CHALLENGE_CLASSES))
        overall = _matrix_metrics(content, classes)
        slices = content.get("slices", {}).items()
        parts = {part: _matrix_metrics(each, classes) for part, each in slices}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{name}: confusion is no square matrix of counts, a row and a column for each of its "
            "classes; expected a metrics.json of a run or of `bench score --format json`"
        ) from error
    sums = {sum(row) for row in overall["confusion"]} - {0}
    percent = len(overall["confusion"]) > 1 and sums == {100}
    note = (
        f"{name}: each row of its matrix adds up to 100: if these are per cent, there are not so "
        "many clips, and accuracy and UF1 are those of classes of one size; give a matrix of counts"
    )
    notes = (note,) if percent else ()
    return Scored({**overall, "slices": parts}, stated_protocol(content, name), notes=notes)


def _matrix_metrics(content: Mapping[str, Any], classes: Sequence[str]) -> dict[str, Any]:
    matrix = np.array(content["confusion"])
    if matrix.shape != (len(classes),) * 2 or matrix.dtype.kind != "i" or matrix.min() < 0:
        raise ValueError
    found = {
        **matrix_scores(matrix, classes),
        "clips": int(matrix.sum()),
        "subjects": content.get("subjects"),
    }
    tell_missing(found)
    return found
