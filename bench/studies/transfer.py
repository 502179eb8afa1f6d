"""Networks tested on a data set of which they have seen nothing, with two controls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.config.loading import load_config
from bench.data.clips import Clip, ClipSet, Problem
from bench.data.inspect.check import absent_classes
from bench.data.sets.catalogue import BUILT_IN
from bench.data.sets.doubts.people import same_people
from bench.data.sets.doubts.twins import with_twins, without_folds
from bench.data.sources import Progress, Source, find_clips, load_input, prepare
from bench.errors import DataError, UsageError, printable
from bench.models.answers import check_models
from bench.models.model import Model, load_network
from bench.models.pretrained import refuse_seen
from bench.protocol.metrics import metrics
from bench.runs.marks import CLIPS_NOT_RECORDED, PRETRAINED_GENERATED
from bench.runs.predictions import Answer, Predictions
from bench.scoring.statistics import DRAWS, against_chance, score_intervals
from bench.seeds import derive_seed
from bench.training.augment import V, mirrored
from bench.training.tensors import StillTensors, Tensors

OF_CLIPS = (
    *("class_map", "skip_bad_clips", "frames_folder", "annotation", "corrections", "landmarks"),
)
"""Settings that say how the files of a data set are read, not what a network sees of them."""

UPRIGHT, UPSIDE_DOWN = "as it is", "upside down"

BELOW = 0.975
"""Least p value of the permutation test of a score that lies below chance."""


@dataclass(frozen=True)
class Answered:
    """What one network, or the mean of several, says of every clip: (clips, classes)."""

    model: str
    flow: str
    probabilities: np.ndarray


def transfer_report(
    files: Sequence[Path],
    source: Source,
    subjects: str,
    allow_outside: bool,
    device: str,
    progress: Progress,
    draws: int = DRAWS,
    settings: Sequence[str] = (),
) -> dict[str, Any]:
    """Scores of the networks in model files on all clips of a source, as `bench transfer` prints.

    settings: `data.NAME=VALUE` of those in `OF_CLIPS`; all others are the networks' own.

    `models`: what each file holds; `rows`: for each network (several: also for the mean of their
    probabilities), for flow as it is and mirrored upside down, and for all clips and every data set
    among them: the metrics, their 95 % `intervals` over subjects, and `shuffled`, the UAR of the
    same answers against labels permuted within subjects, with its p value; `problems`: of the clips
    and of what the networks see of them, and `turned_scores`. Raises DataError where a
    network was trained on a person or a clip of the source, or knows other classes; UsageError
    where two files have one name or the same weights.
    """
    if len({file.stem for file in files}) < len(files):
        raise UsageError("two model files have one name: name each once, or rename one")
    models = [load_network(file, device) for file in files]
    check_models(models)
    own = of_clips(settings)
    clip_set, answered, problems = None, [], tuple[Problem, ...]()
    for done, (file, model) in enumerate(zip(files, models, strict=True)):
        progress("testing models", done, len(models))
        config = replace(
            model.data, subjects=subjects, subject_count=0, allow_outside=allow_outside, **own
        )
        clip_set = find_clips(source, config)
        _refuse_other_classes(model, clip_set, file)
        refuse_seen(file, model.record, clip_set.clips, source.cache)
        clip_set, _ = prepare(source, config, progress, (model.still,))
        arrays = load_input(clip_set, config, model.still, source.cache)
        again = trained_people(model.record.trained_on, clip_set.clips)
        odd = (*clip_set.problems, *absent_classes(clip_set), *again)
        problems = with_twins(problems, without_folds(odd))
        for flow, tensors in _controls(model, model.of_arrays(clip_set.clips, arrays)):
            chances = model.logits(tensors).softmax(1).numpy()
            answered.append(Answered(file.stem, flow, chances))
    progress("testing models", len(models), len(models))
    assert clip_set is not None, "at least one model file"
    if len(models) > 1:
        answered += _means(answered, len(models))
    rows = [row for each in answered for row in _rows(each, clip_set, draws)]
    problems = with_twins(problems, turned_scores(rows))
    generated = all(model.record.generated for model in models)
    told = [mark for model in models for mark in model.record.marks]
    told += [CLIPS_NOT_RECORDED for model in models if not model.record.clips]
    marks = ["surrogate"] * source.surrogate + told + [PRETRAINED_GENERATED] * generated
    return {
        "dataset": source.label,
        "classes": list(clip_set.classes),
        "models": {
            file.stem: model.record.title for file, model in zip(files, models, strict=True)
        },
        "marks": list(dict.fromkeys(marks)),
        "rows": rows,
        "problems": [asdict(problem) for problem in problems],
    }


def of_clips(settings: Sequence[str]) -> dict[str, Any]:
    """Settings of a tested data set by their names; UsageError for those of what networks see."""
    names = [text.partition("=")[0].strip().removeprefix("data.") for text in settings]
    if odd := [name for name in names if name not in OF_CLIPS]:
        raise UsageError(
            f"--set {printable(odd[0])}: a network sees the tested clips as it saw its own; only "
            f"data.{', data.'.join(OF_CLIPS)} are of the tested set"
        )
    data = load_config("smoke", settings).data
    return {name: getattr(data, name) for name in names}


def turned_scores(rows: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    """A problem for each score below chance, and where flow upside down is answered better.

    rows: as in `transfer_report`. Below: 97.5 % of permuted labels give as much or more, and the
    interval ends below their mean. Better: the score upside down is above chance in the same way,
    and its interval begins above the UAR as it is.
    """
    turned = {(row["model"], row["part"]): row for row in rows if row["flow"] == UPSIDE_DOWN}
    for row in rows:
        who, uar = (row["model"], row["part"]), row["uar"]
        if row["flow"] != UPRIGHT or uar is None:
            continue
        high, chance = row["intervals"]["uar"]["high"], row["shuffled"]
        told = []
        if chance["p"] >= BELOW and high is not None and high < chance["expected"]:
            told.append(f"lies below that of shuffled labels ({chance['expected']:.3f})")
        if who in turned and _clearly_above(turned[who], uar):
            told.append(f"is less than that of flow upside down ({turned[who]['uar']:.3f})")
        if told:
            what = f"its UAR ({uar:.3f}) {' and '.join(told)}"
            yield Problem(
                "chance",
                ", ".join(map(printable, who)),
                f"{what}: look for flow that is upside down or of the other sign, u and v "
                "exchanged, and classes exchanged",
            )


def _clearly_above(row: Mapping[str, Any], uar: float) -> bool:
    low = row["intervals"]["uar"]["low"]
    return low is not None and low > uar and row["shuffled"]["p"] <= 1 - BELOW


def trained_people(trained_on: Iterable[str], tested: Iterable[Clip]) -> Iterator[Problem]:
    """A problem where people tested have the names of those that a network was trained on.

    trained_on: `dataset/subject`. Of known releases the subjects are known, too.
    """
    seen = (name.partition("/")[::2] for name in trained_on)
    yield from same_people(_by_set(seen), _by_set((c.dataset, c.subject) for c in tested))


def _by_set(people: Iterable[tuple[str, ...]]) -> dict[str, set[str]]:
    """The subjects of each data set that is no known release."""
    found: dict[str, set[str]] = {}
    for dataset, subject in people:
        if dataset not in BUILT_IN:
            found.setdefault(dataset, set()).add(subject)
    return found


def _refuse_other_classes(model: Model, clip_set: ClipSet, file: Path) -> None:
    if clip_set.classes != model.classes:
        raise DataError(
            f"{file}: the network knows {', '.join(model.classes)}, and the clips are of "
            f"{', '.join(clip_set.classes)}; train it with the same data.class_map"
        )


def _controls(model: Model, tensors: Tensors) -> Iterator[tuple[str, Tensors]]:
    """The clips as they are, and flow mirrored upside down, which a face never shows."""
    yield UPRIGHT, tensors
    if isinstance(tensors, StillTensors):
        if tensors.tops is not None:
            turned = mirrored(tensors.images, -2, V, tensors.tops)
            yield UPSIDE_DOWN, replace(tensors, images=turned)
    elif model.data.representation == "flow":
        videos = tensors.videos.flip(2)
        videos[..., V].neg_()
        yield UPSIDE_DOWN, replace(tensors, videos=videos)


def _means(answered: Sequence[Answered], count: int) -> Iterator[Answered]:
    for flow in dict.fromkeys(each.flow for each in answered):
        alike = [each.probabilities for each in answered if each.flow == flow]
        if len(alike) == count:
            yield Answered(f"mean of {count}", flow, np.mean(alike, axis=0))


def _rows(answered: Answered, clip_set: ClipSet, draws: int) -> Iterator[dict[str, Any]]:
    chosen = answered.probabilities.argmax(1).tolist()
    answers = tuple(
        Answer(clip.dataset, clip.subject, clip.name, clip.label, found)
        for clip, found in zip(clip_set.clips, chosen, strict=True)
    )
    whole = Predictions(clip_set.classes, answers)
    parts = {"all": whole} | (
        {name: whole.of(name) for name in whole.datasets} if len(whole.datasets) > 1 else {}
    )
    for part, predictions in parts.items():
        scores, matrices = predictions.metrics(), predictions.matrices
        names = {"model": answered.model, "flow": answered.flow, "part": part}
        yield {
            **names,
            "clips": scores["clips"],
            "subjects": scores["subjects"],
            **{name: scores.get(name) for name in metrics()},
            "confusion": scores["confusion"],
            "intervals": {
                name: interval.to_dict()
                for name, interval in score_intervals(matrices, draws=draws).items()
            },
            "shuffled": against_chance(
                matrices,
                generator=np.random.default_rng(derive_seed(0, "chance")),
                draws=draws,
            ).to_dict(),
        }
