"""What a run keeps of its networks: model files in its folder, which its scores are added to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from bench.data.clips import ClipSet, subjects_among
from bench.models.file import (
    ModelRecord,
    lies_channels_last,
    model_content,
    read_model,
    recorded_run,
    weights_of,
)
from bench.models.known import clip_contents, clip_looks
from bench.runs.checksums import replace_sealed
from bench.runs.folder import RunFolder
from bench.runs.job import Job
from bench.runs.record import read_run_file
from bench.runs.searches import read_genotype

if TYPE_CHECKING:
    from torch import nn

SUMMARY = "reports.reading.summary:score_and_marks"
"""From a run folder to its score with intervals and the marks of it: what tables know of a run.

Tables lie above the engine, and are imported when a run is complete."""


def model_record(
    job: Job,
    network: nn.Module,
    search_of: str,
    clip_set: ClipSet,
    trained: Sequence[int],
    **own: Any,
) -> ModelRecord:
    """The record of a network of a run.

    search_of: the fold whose search its genotype comes from, where there is one; trained: the clips
    that it was trained on; own: the other fields of `ModelRecord`.
    """
    there = job.searches.there
    file = job.folder.genotype(job.searches.of(search_of)) if there else None
    seen = subjects_among(clip_set, trained)
    clips = [clip_set.clips[place] for place in trained]
    contents = [*chain.from_iterable(clip_contents(clips, job.source.cache))]
    looks = clip_looks(clips)
    if job.config.train.pretrained:
        before, _ = read_model(Path(job.config.train.pretrained).expanduser())
        seen, contents = [*before.trained_on, *seen], [*before.clips, *contents]
        looks = [*before.looks, *looks]
    return ModelRecord(
        run=recorded_run(read_run_file(job.folder)),
        genotype=read_genotype(file).to_dict() if file else None,
        trained_on=tuple(dict.fromkeys(seen)),
        clips=tuple(dict.fromkeys(contents)),
        looks=tuple(dict.fromkeys(filter(None, looks))),
        channels_last=lies_channels_last(network),
        **own,
    )


class Keeper:
    """Keeps a network's weights of one of its epochs; kept: those of the last call of `keep`.

    Raises BenchError, before the network is trained, where its state cannot be saved.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.keep()

    def keep(self) -> None:
        """Takes a copy of the weights as they are now."""
        self.kept = weights_of(self.network)


def add_scores(folder: RunFolder) -> None:
    """Adds the run's score and marks to its model files, where it is finished and scored."""
    folds = read_run_file(folder).folds
    files = [folder.model(fold) for fold in folds if folder.model(fold).exists()]
    finished = folder.metrics.exists() and all(folder.fold(fold).exists() for fold in folds)
    found = {file: read_model(file) for file in files} if finished else {}
    if all(record.score is not None for record, _ in found.values()):
        return
    score, marks = resolve_name(SUMMARY)(folder)
    for file, (record, weights) in found.items():
        content = model_content(replace(record, score=score, marks=marks), weights)
        replace_sealed(folder, f"score of {file.stem}", file, content)
