"""The whole protocol of `rnas_mer` at preset `paper` on the composite surrogate.

An epoch of the search and one of a fold are timed; the time of Table 4 is computed from them. The
clips are made here, without the spreadsheets of the releases: those want openpyxl.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice, pairwise
from statistics import median

import numpy as np
import torch

from ablations import RNAS_MER
from bench.config.loading import load_config
from bench.config.settings import Config, Precision
from bench.data.clips import CHALLENGE_CLASSES
from bench.data.pixels import resize
from bench.data.sets.challenge import CLASS_MAPS, LEFT_OUT, expected_counts
from bench.data.steps.tim import interpolate
from bench.data.surrogates.pictures import render_clip
from bench.data.surrogates.plans import Plan, plan_clips
from bench.data.surrogates.plans import Settings as Look
from bench.data.surrogates.writing import DIFFICULTIES
from bench.engine.searching.material import batch_pairs
from bench.measuring.networks import random_target
from bench.methods import registry
from bench.protocol.splits import halve
from bench.seeds import seeded
from bench.system.processes import in_processes, usable_cores
from bench.training.compute import accelerated, float32_arithmetic
from bench.training.loop import train
from bench.training.tensors import ClipTensors, batches
from reports.gpu.correctness import SMALL
from reports.gpu.folds import Watch
from reports.gpu.record import Recorder, Row, Settings
from rnas.search import Searcher

FROZEN, LEARNING = "search epoch, α η β frozen", "search epoch, α η β learning"
FOLD = "training epoch of a fold"
RENDERED, TINY_RENDERED = 128, 32
"""Height and width of a generated face, pixels; 128 in the surrogate's files."""

CLASSES = len(CHALLENGE_CLASSES)

FOLD_EPOCHS = 2
"""Measured, after one that does not count."""

SEARCH_BUDGET_S = 12.0
"""For each of the two kinds of search epoch; one that takes longer is measured in part."""

LEAST_STEPS = 2
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16", "tf32")
LEAST_LEFT_S = 8.0

TINY = (*SMALL, "train.batch=4")
TINY_SUBJECTS = ("s05", "s15", "sub13", "sub15", "037")


def work(settings: Settings, record: Recorder) -> None:
    """Precision by precision: a search epoch, a fold epoch, and what follows for Table 4."""
    config = load_config("smoke", TINY) if settings.tiny else load_config("paper")
    clips, people = composite_clips(settings, config)
    record.say(f"{len(people)} clips of {len(set(people))} subjects are made")
    for precision in PRECISIONS[:1] if settings.tiny else PRECISIONS:
        if record.left_s < LEAST_LEFT_S:
            record.say("the rest is left out")
            return
        compute = replace(config.compute, precision=precision)
        _measure(replace(config, compute=compute), clips, people, record)


def composite_clips(settings: Settings, config: Config) -> tuple[ClipTensors, list[str]]:
    """The surrogate clips of the composite on the device, and whose each is."""
    subjects = TINY_SUBJECTS if settings.tiny else None
    plans = [
        plan
        for plan in plan_clips("composite", config.data.surrogate_seed, subjects)
        if _label(plan) is not None
    ]
    side = TINY_RENDERED if settings.tiny else RENDERED
    jobs = [(plan, config, side) for plan in plans]
    workers = 1 if settings.tiny else usable_cores()
    videos = torch.from_numpy(np.stack(list(in_processes(_video, jobs, workers))))
    labels = torch.tensor([_label(plan) for plan in plans])
    tensors = ClipTensors(
        videos.to(settings.device), labels.to(settings.device), CLASSES, config.data
    )
    return tensors, [f"{plan.row.dataset}/{plan.row.subject}" for plan in plans]


def _label(plan: Plan) -> int | None:
    """The challenge's class of a clip, None for one that it leaves out."""
    row = plan.row
    name = CLASS_MAPS[row.dataset].get(row.emotion)
    if name is None or (row.subject, row.name) in LEFT_OUT.get(row.dataset, ()):
        return None
    return CHALLENGE_CLASSES.index(name)


def _video(job: tuple[Plan, Config, int]) -> np.ndarray:
    """A clip from onset to offset as networks get it: TIM, then resizing; uint8 (T, S, S, 3)."""
    plan, config, side = job
    data = config.data
    look = Look(
        DIFFICULTIES[data.difficulty],
        data.surrogate_seed,
        side,
        version=data.surrogate_version,
    )
    frames = np.stack(list(render_clip(plan, look)))[plan.before :][: plan.length]
    frames = frames if frames.ndim == 4 else frames[..., None]  # SAMM is grey
    video = resize(interpolate(frames, data.frames), data.size)
    return np.rint(np.broadcast_to(video, (*video.shape[:3], 3))).clip(0, 255).astype(np.uint8)


def _measure(config: Config, clips: ClipTensors, people: list[str], record: Recorder) -> None:
    """The rows of one precision; the last is computed from the others."""
    precision = config.compute.precision
    seconds: dict[str, float] = {}

    def keep(what: str, measure: Callable[[], Row]) -> None:
        if record.attempt({"what": what, "precision": precision}, measure):
            seconds[what] = record.rows[-1]["s"]

    budget = min(SEARCH_BUDGET_S, record.left_s / 4)
    search = SearchMeasure(config, clips, people)
    keep(FROZEN, partial(search.epoch, 0, budget))
    keep(LEARNING, partial(search.epoch, config.search.epochs - 1, budget))
    del search
    keep(FOLD, partial(_fold_epoch, config, clips, people))
    if len(seconds) == len((FROZEN, LEARNING, FOLD)):
        record.add({"what": table4_text(), "precision": precision, "s": _table4(config, seconds)})


class SearchMeasure:
    """The search of `rnas_mer` as `bench search` does it, in parts of an epoch."""

    def __init__(self, config: Config, clips: ClipTensors, people: list[str]) -> None:
        settings = config.search
        build = registry.variant(RNAS_MER.name).supernet(config, CLASSES)
        with seeded(0):
            supernet = build().to(clips.videos.device)
        compute = replace(config.compute, channels_last=settings.channels_last)
        self.searcher = Searcher(supernet, settings, accelerated(supernet, compute))
        self.clips, self.config = clips, config
        indices = range(len(people))
        self.halves = halve(indices, clips.labels.tolist(), people, 0)
        self.steps = len(batches(self.halves[0], settings.batch, torch.Generator()))

    def epoch(self, number: int, budget_s: float) -> Row:
        """Seconds of an epoch, extrapolated from as many of its steps as the budget allows."""
        self._run(number, 1)  # kernels are chosen, optimisers make their state
        least = min(LEAST_STEPS, self.steps)
        probe = self._run(number, least) / least
        steps = min(self.steps, max(least, int(budget_s / probe)))
        seconds = self._run(number, steps) * self.steps / steps
        return {"s": seconds, "steps measured": f"{steps} of {self.steps}"}

    def _run(self, number: int, steps: int) -> float:
        """Seconds of the first steps of an epoch; its losses are read at the end, which waits."""
        pairs = batch_pairs(self.clips, self.halves, self.config.search.batch, number)
        begun = time.perf_counter()
        with float32_arithmetic(self.config.compute.precision):
            self.searcher.run_epoch(number, islice(pairs, steps))
        return time.perf_counter() - begun


def _fold_epoch(config: Config, clips: ClipTensors, people: list[str]) -> Row:
    """Seconds of a training epoch of a fold: a derived network of median size, one subject out."""
    target = random_target(RNAS_MER.name, config, CLASSES, seed=0, draws=1)
    with seeded(0):
        network = target.method.builder(config, CLASSES, target.genotypes[0])()
    network.to(clips.videos.device)
    training = replace(config.train, epochs=1 + FOLD_EPOCHS)
    indices = [index for index, person in enumerate(people) if person != people[0]]
    watch = Watch()
    train(network, clips, indices, training, 0, people[0], watch.on_epoch, config.compute)
    lengths = [after - before for before, after in pairwise(watch.moments)]
    return {"s": median(lengths), "steps measured": f"{FOLD_EPOCHS} epochs"}


def table4_text() -> str:
    """What the computed time is of."""
    return (
        f"Table 4, computed: {len(_searched())} variants, each a search and {_folds()} folds, "
        "all as these"
    )


def _searched() -> list[str]:
    """The searches of the paper's tables, and our one beside them."""
    groups = {"nas", "ablation"}
    return [n for n, each in registry.variants().items() if each.learns and groups & {*each.groups}]


def _folds() -> int:
    """Folds of the composite: the challenge's subjects."""
    return sum(map(len, expected_counts().values()))


def _table4(config: Config, seconds: dict[str, float]) -> float:
    """Seconds of all searches and folds, if every variant took what `rnas_mer` takes."""
    epochs = config.search.epochs
    frozen = round(config.search.warmup * epochs)
    search = frozen * seconds[FROZEN] + (epochs - frozen) * seconds[LEARNING]
    return len(_searched()) * (search + _folds() * config.train.epochs * seconds[FOLD])
