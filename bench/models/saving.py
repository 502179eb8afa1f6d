"""What a run keeps of its networks: model files in its folder, which its scores are added to."""

from __future__ import annotations

from dataclasses import replace
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from bench.models.file import (
    ModelRecord,
    lies_channels_last,
    read_model,
    recorded_run,
    weights_of,
    write_model,
)
from bench.runs.checksums import sealing
from bench.runs.folder import RunFolder
from bench.runs.record import read_run_file
from bench.runs.searches import read_genotype

if TYPE_CHECKING:
    from torch import nn

SUMMARY = "reports.reading.summary:score_and_marks"
"""From a run folder to its score with intervals and the marks of it: what tables know of a run.

Tables lie above the engine, and are imported when a run is complete."""


def model_record(
    folder: RunFolder, network: nn.Module, search: str | None, **own: Any
) -> ModelRecord:
    """The record of a network of a run.

    search: the name of the search that its genotype comes from, None of a fixed network; own: the
    other fields of `ModelRecord`.
    """
    genotype = None if search is None else read_genotype(folder.genotype(search)).to_dict()
    return ModelRecord(
        run=recorded_run(read_run_file(folder)),
        genotype=genotype,
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
    with sealing(folder, "scores of models"):
        for file, (record, weights) in found.items():
            write_model(file, replace(record, score=score, marks=marks), weights)
