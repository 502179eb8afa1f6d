"""The search phase: Algorithm 1 on the clips of a run, resumable at every epoch, and decoding."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import IO, Any, cast

import torch

from bench.data.clips import ClipSet, people, subjects_among
from bench.engine.material import Report, job_clips
from bench.engine.plan import Unit
from bench.engine.search_health import search_health
from bench.errors import BenchError
from bench.protocol.splits import halve, named_fold
from bench.runs.agreement import summarise
from bench.runs.job import Job
from bench.runs.searches import genotype_record, read_genotype
from bench.seeds import derive_seed, seeded
from bench.system.files import csv_of_records, write_atomic, write_json, write_text
from bench.training.compute import accelerated, float32_arithmetic
from bench.training.tensors import ClipTensors, batches
from rnas.decode import gauge_free
from rnas.genotype import random_genotype
from rnas.search import Batch, EpochLog, Searcher
from rnas.supernet import ArchitectureWeights

NOT_A_NUMBER = ("genotype", "weights")
"""Fields of an epoch's log that no single cell of `history.csv` can hold."""


def search(unit: Unit, report: Report) -> None:
    """Algorithm 1, search stage, and its decoding; resumes at the last finished epoch."""
    job = unit.job
    clip_set, clips = job_clips(job)
    assert isinstance(clips, ClipTensors), "methods that search see clips, not stills"
    indices = _search_indices(job, clip_set, unit.fold)
    searcher, past = _resumed_searcher(unit, clips)
    settings = searcher.settings
    labels, seed = clips.labels.tolist(), derive_seed(job.seed, "halves", unit.fold)
    halves = halve(indices, labels, people(clip_set), seed)
    for epoch in range(len(past.rows), settings.epochs):
        report("search epoch", epoch, settings.epochs)
        started = time.perf_counter()
        seed = derive_seed(job.seed, "search", unit.fold, epoch)
        pairs = batch_pairs(clips, halves, job.config.search.batch, seed)
        with float32_arithmetic(job.config.compute.precision):
            log = searcher.run_epoch(epoch, pairs)
        past.rows.append(_history_row(log, time.perf_counter() - started))
        past.weights.append(_weights_record(log.weights))
        _save_search(unit, searcher, past)
        report("search epoch", epoch + 1, settings.epochs)
    genotype = searcher.supernet.architecture.decode()
    with float32_arithmetic(job.config.compute.precision):
        health = search_health(searcher, genotype, clips, halves[1], job.config.search.batch)
    seen = subjects_among(clip_set, [*halves[0], *halves[1]])
    _write_decoded(unit, searcher, {"searched_on": seen, "health": health})
    summarise_searches(job)


def draw(unit: Unit, report: Report) -> None:
    """Draws a genotype in place of a search: no clip is looked at."""
    job = unit.job
    space = job.method.configured_space(job.config)
    seed = derive_seed(job.seed, "random-genotype", unit.fold)
    genotype = random_genotype(space, random.Random(seed))
    write_json(unit.output, {**genotype_record(job, space, genotype), "searched_on": []})
    summarise_searches(job)


def summarise_searches(job: Job) -> None:
    """Writes what the searches inside all folds decoded to, once every one has; else nothing."""
    if not job.searches.per_fold:
        return
    files = {name: job.folder.genotype(name) for name in job.searches.names}
    if not files or not all(file.exists() for file in files.values()):
        return
    genotypes = {fold: read_genotype(file) for fold, file in files.items()}
    summary = summarise(genotypes, job.method.configured_space(job.config))
    write_json(job.folder.search_summary, summary)


@dataclass(frozen=True)
class Past:
    """What a search has logged so far, an entry per epoch: history rows and weights of α, η, β."""

    rows: list[dict[str, Any]]
    weights: list[dict[str, Any]]


def _search_indices(job: Job, clip_set: ClipSet, fold: str) -> Sequence[int]:
    """Clips that a search may see: all of them, or with fold scope the fold's training clips."""
    return named_fold(clip_set, fold).train if fold else range(len(clip_set.clips))


def _resumed_searcher(unit: Unit, clips: ClipTensors) -> tuple[Searcher, Past]:
    """A searcher as its checkpoint left it (or fresh), with the epochs logged so far."""
    job = unit.job
    config = job.config.search
    build = job.method.supernet(job.config, clips.classes)
    with seeded(derive_seed(job.seed, "supernet", unit.fold)):
        supernet = build().to(job.device)
    compute = replace(job.config.compute, channels_last=config.channels_last)
    searcher = Searcher(supernet, config, accelerated(supernet, compute))
    checkpoint = job.folder.checkpoint(unit.fold)
    if not checkpoint.exists():
        return searcher, Past([], [])
    try:
        # To the CPU: Adam waits for the GPU at every step where its step counters lie there.
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        searcher.load_state_dict(state["searcher"])
        return searcher, Past(state["rows"], state["weights"])
    except Exception as error:
        raise BenchError(
            f"{checkpoint} cannot be read ({type(error).__name__}); delete it and repeat the "
            "command: the search starts anew"
        ) from error


def _save_search(unit: Unit, searcher: Searcher, past: Past) -> None:
    """Saves a search; the checkpoint comes first, since the history is derived from it."""
    folder = unit.job.folder
    state = {"searcher": searcher.state_dict(), "rows": past.rows, "weights": past.weights}
    write_atomic(folder.checkpoint(unit.fold), lambda file: _save(state, file))
    write_text(folder.history(unit.fold), csv_of_records(past.rows))
    space = searcher.supernet.space
    labels = {
        "operations": space.operations,
        "edges": [[edge.source, edge.node] for edge in space.edges],
    }
    write_json(folder.architecture(unit.fold), {**labels, "epochs": past.weights})


def _save(state: dict[str, Any], file: IO[bytes]) -> None:
    """torch.save, but with the OSError where a file could not be written, which it hides."""
    failed: list[OSError] = []

    class Watched:
        def write(self, data: bytes) -> int:
            try:
                return file.write(data)
            except OSError as error:
                failed.append(error)
                raise

        def flush(self) -> None:
            file.flush()

    try:
        torch.save(state, cast(IO[bytes], Watched()))
    except Exception:
        if failed:
            raise failed[0] from None
        raise


def _write_decoded(unit: Unit, searcher: Searcher, about: dict[str, Any]) -> None:
    """Writes the genotype, the weights it was decoded from, and facts about the search."""
    architecture = searcher.supernet.architecture
    space = architecture.space
    weights = architecture.weights()
    genotype = architecture.decode()
    record = {
        **genotype_record(unit.job, space, genotype),
        **about,
        "path_probability": space.outer.probability(genotype.path, weights.beta),
        "gauge_free_path": gauge_free(space.outer, weights.beta, architecture.start),
        **_weights_record(weights),
        "beta": [
            {
                "layer": arrow.target.layer,
                "from": space.outer.factors[arrow.source.level],
                "to": space.outer.factors[arrow.target.level],
                "probability": probability,
                "identifiable": arrow.source not in space.outer.unidentifiable,
            }
            for arrow, probability in weights.beta.items()
        ],
    }
    write_json(unit.output, record)
    unit.job.folder.checkpoint(unit.fold).unlink(missing_ok=True)


def _weights_record(weights: ArchitectureWeights) -> dict[str, Any]:
    """Weights as JSON: β in the order of the trellis's arrows."""
    return {
        "operation_weights": weights.operations,
        "edge_weights": weights.edges,
        "beta": list(weights.beta.values()),
    }


def batch_pairs(
    clips: ClipTensors, halves: tuple[Sequence[int], Sequence[int]], size: int, seed: int
) -> Iterator[tuple[Batch, Batch]]:
    """Pairs (batch of Train B, batch of Train A) of one epoch; B starts over where it is short."""
    generator = torch.Generator().manual_seed(seed)
    train_a, train_b = halves
    b_batches = batches(train_b, size, generator)
    a_batches = batches(train_a, size, generator)
    again = [b_batches[step % len(b_batches)] for step in range(len(a_batches))]
    return zip(
        clips.augmented(again, generator), clips.augmented(a_batches, generator), strict=True
    )


def _history_row(log: EpochLog, seconds: float) -> dict[str, Any]:
    genotype = log.genotype
    numbers = [item.name for item in fields(log) if item.name not in NOT_A_NUMBER]
    return {
        **{name: getattr(log, name) for name in numbers},
        "path": "-".join(map(str, genotype.path)),
        "edges": " ".join(f"{edge.source}>{edge.node}" for edge in genotype.edges),
        "operations": " ".join(genotype.operations),
        "seconds": round(seconds, 3),
    }
