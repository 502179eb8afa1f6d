"""Many small networks on one card: K folds of a derived RNAS-MER at a time, in four ways.

`stacked` is `compute.folds_at_once`, `processes` is `--jobs`. Streams are threads of one process,
each with a CUDA stream; graphs replay each fold's step on its stream. Clips are noise of the real
sizes, folds those of SMIC: how long a training takes depends on nothing else.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import zip_longest
from multiprocessing.connection import Connection

import torch
from torch import Tensor, nn

from ablations import RNAS_MER
from bench.config.loading import load_config
from bench.config.settings import Config, TrainConfig
from bench.data.surrogates.rows import release_rows
from bench.measuring.memory import MEGA
from bench.measuring.networks import random_target
from bench.seeds import seeded
from bench.system.processes import start_worker
from bench.training.compute import accelerated, float32_arithmetic
from bench.training.loop import Course, train
from bench.training.stacked import Member, train_stacked
from bench.training.tensors import ClipTensors
from reports.gpu.measuring import captured, forget_peaks, on_gpu
from reports.gpu.record import Recorder, Row, Settings, one_line

CLASSES = 3
AT_ONCE = (1, 2, 4, 8, 16)
TINY_AT_ONCE = (2,)
EPOCHS = 2
"""Measured epochs, after one that does not count."""

ANSWER_S = 60.0
"""Seconds after which a process that trains is given up."""

LEAST_LEFT_S = 5.0


@dataclass(frozen=True)
class Case:
    """What a fold trains: the genotype, on clips of the sizes of a preset."""

    name: str
    build: Callable[[], nn.Module]
    config: Config
    device: str
    owners: tuple[str, ...]

    @property
    def folds(self) -> tuple[str, ...]:
        """The subjects, each of which is left out once."""
        return tuple(dict.fromkeys(self.owners))

    def indices(self, fold: str) -> list[int]:
        """The clips that a fold trains on."""
        return [index for index, owner in enumerate(self.owners) if owner != fold]

    def network(self, fold: str) -> nn.Module:
        """A fold's network on the device."""
        with seeded(self.folds.index(fold)):
            return self.build().to(self.device)

    def clips(self) -> ClipTensors:
        """Noise, uint8, and labels that take every class in turn."""
        data = self.config.data
        shape = (len(self.owners), data.frames, data.size, data.size, 3)
        generator = torch.Generator().manual_seed(0)
        videos = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
        labels = torch.arange(len(self.owners)) % CLASSES
        return ClipTensors(videos.to(self.device), labels.to(self.device), CLASSES, data)


@dataclass
class Watch:
    """The moments at which epochs end; the device is idle then."""

    moments: list[float] = field(default_factory=list)

    def on_epoch(self, done: int, total: int) -> None:
        """Notes the moment."""
        self.moments.append(time.perf_counter())


@dataclass(frozen=True)
class Trained:
    """The first and the last moment of the measured epochs, and what memory was reserved."""

    begun: float
    ended: float
    reserved_mb: float | None

    @property
    def epoch_s(self) -> float:
        """Seconds an epoch of all folds together."""
        return (self.ended - self.begun) / EPOCHS


Way = Callable[[Case, ClipTensors, Sequence[str]], Trained]


def work(settings: Settings, record: Recorder) -> None:
    """The preset `small` in every way, then `paper`."""
    for case in _cases(settings):
        clips = case.clips()
        most = TINY_AT_ONCE if settings.tiny else AT_ONCE
        expected = 0.0  # seconds of the next row, from the one before
        for name, way in WAYS.items():
            for at_once in most:
                about = {"clips": case.name, "way": name, "folds at once": at_once}
                if record.left_s < LEAST_LEFT_S + 2 * expected:
                    record.say(f"{about}: no time is left for it")
                    break
                began = time.monotonic()
                record.attempt(about, partial(_row, case, clips, way, at_once))
                expected = time.monotonic() - began
            expected = 0.0
        try:
            with _crew(case, most[-1]) as crew:
                for at_once in most:
                    about = {"clips": case.name, "way": "processes", "folds at once": at_once}
                    if record.left_s > LEAST_LEFT_S:
                        record.attempt(about, partial(_row, case, clips, crew.train, at_once))
        except RuntimeError as error:
            record.add({"clips": case.name, "way": "processes", "reason": one_line(error)})


def _cases(settings: Settings) -> Iterator[Case]:
    """A genotype of median size, at the sizes of two presets."""
    if settings.tiny:
        overrides = ("data.frames=4", "data.size=8", "space.channels=4", "space.nodes=1")
        yield _case("4×8×8", "smoke", (*overrides, "train.batch=4"), settings, clips=12)
        return
    yield _case("8×24×24 (small)", "small", (), settings)
    yield _case("16×112×112 (paper)", "paper", (), settings)


def _case(
    name: str, preset: str, overrides: Sequence[str], settings: Settings, clips: int | None = None
) -> Case:
    config = load_config(preset, overrides)
    target = random_target(RNAS_MER.name, config, CLASSES, seed=0, draws=1)
    owners = tuple(row.subject for row in release_rows("smic"))[:clips]
    return Case(
        name,
        target.method.builder(config, CLASSES, target.genotypes[0]),
        config,
        settings.device,
        owners,
    )


def _row(case: Case, clips: ClipTensors, way: Way, at_once: int) -> Row:
    """Folds a minute at the preset's epochs, and the memory that was reserved for all of them."""
    if at_once > len(case.folds):
        return {"reason": f"there are {len(case.folds)} folds"}
    forget_peaks(case.device)
    found = way(case, clips, case.folds[:at_once])
    epochs = case.config.train.epochs
    return {
        "s an epoch of all": found.epoch_s,
        "folds a minute": 60 * at_once / (epochs * found.epoch_s),
        "epochs a fold": epochs,
        "reserved MB": found.reserved_mb,
    }


def one_after_the_other(case: Case, clips: ClipTensors, folds: Sequence[str]) -> Trained:
    """As `bench run` does by default: K folds take K times as long as one."""
    watch = _train(case, clips, folds[0])
    begun, ended = watch.moments[0], watch.moments[-1]
    return Trained(begun, begun + len(folds) * (ended - begun), _reserved_mb(case.device))


def stacked(case: Case, clips: ClipTensors, folds: Sequence[str]) -> Trained:
    """`bench.training.stacked`: one network of K times the width, so to speak."""
    watches = [Watch() for _ in folds]
    members = [
        Member(case.network(fold), fold, case.indices(fold), watch.on_epoch)
        for fold, watch in zip(folds, watches, strict=True)
    ]
    train_stacked(members, clips, _settings(case), 0, case.config.compute)
    return _trained(watches, case.device)


def in_streams(case: Case, clips: ClipTensors, folds: Sequence[str]) -> Trained:
    """Threads that train a fold each, on a stream each."""
    with float32_arithmetic(case.config.compute.precision), ThreadPoolExecutor(len(folds)) as pool:
        if on_gpu(case.device):
            torch.cuda.synchronize()
        watches = list(pool.map(partial(_train_on_stream, case, clips), folds))
    return _trained(watches, case.device)


def as_graphs(case: Case, clips: ClipTensors, folds: Sequence[str]) -> Trained:
    """Each fold's step on a full batch as a CUDA graph, replayed on the fold's stream.

    A last, smaller batch is computed without a graph.
    """
    watch = Watch()
    with float32_arithmetic(case.config.compute.precision):
        runs = [GraphedFold(case, clips, fold) for fold in folds]
        for epoch in range(1 + EPOCHS):
            queues = [run.batches(clips, epoch) for run in runs]
            for round_ in zip_longest(*queues):
                for run, batch in zip(runs, round_, strict=True):
                    if batch is not None:
                        run.step(batch)
            if on_gpu(case.device):
                torch.cuda.synchronize()
            watch.on_epoch(epoch + 1, 1 + EPOCHS)
    return _trained([watch], case.device)


class GraphedFold:
    """A fold whose step on a full batch is captured once. WARM_UP further updates precede it."""

    def __init__(self, case: Case, clips: ClipTensors, fold: str) -> None:
        self.course = Course.of(clips, case.indices(fold), _settings(case), 0, fold)
        network = case.network(fold).train()
        self.way = self.course.way
        self.evaluate = accelerated(network, case.config.compute)
        self.optimiser = self.way.optimiser(network)
        self.rate = torch.tensor(self.way.rate(0), device=case.device)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate  # a tensor, so that a graph sees it change
        indices, generator = self.course.batches(0)
        inputs, labels = next(iter(clips.augmented(indices, generator)))
        self.inputs, self.labels = inputs.clone(), labels.clone()
        self.stream = torch.cuda.Stream() if on_gpu(case.device) else None
        self.replay = captured(self._step, case.device)

    def batches(self, clips: ClipTensors, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of an epoch, and its learning rate set."""
        self.rate.fill_(self.way.rate(epoch))
        indices, generator = self.course.batches(epoch)
        return clips.augmented(indices, generator)

    def step(self, batch: tuple[Tensor, Tensor]) -> None:
        """One update, on the fold's stream."""
        if self.stream:
            self.stream.wait_stream(torch.cuda.current_stream())  # which has made the batch
            for tensor in batch:
                tensor.record_stream(self.stream)
        with on_stream(self.stream):
            if len(batch[1]) == len(self.labels):
                self.inputs.copy_(batch[0])
                self.labels.copy_(batch[1])
                self.replay()
            else:
                self.way.step(self.evaluate, self.optimiser, batch)

    def _step(self) -> None:
        self.way.step(self.evaluate, self.optimiser, (self.inputs, self.labels))


WAYS: dict[str, Way] = {
    "one after the other": one_after_the_other,
    "stacked": stacked,
    "graphs": as_graphs,
    "streams": in_streams,
}
"""All but processes, which are started once and then train as many folds as are asked for."""


def on_stream(stream: torch.cuda.Stream | None) -> AbstractContextManager:
    """Work on a CUDA stream; on a CPU, where there is none, plain work."""
    return torch.cuda.stream(stream) if stream else nullcontext()


@dataclass(frozen=True)
class Crew:
    """Processes that have the clips on the device and wait for a fold to train."""

    ends: tuple[Connection, ...]

    def train(self, case: Case, clips: ClipTensors, folds: Sequence[str]) -> Trained:
        """A fold a process, all begun at the same moment."""
        busy = self.ends[: len(folds)]
        for end, fold in zip(busy, folds, strict=True):
            end.send(fold)
        parts = [_answer(end) for end in busy]
        reserved = [part.reserved_mb for part in parts if part.reserved_mb is not None]
        return Trained(
            min(part.begun for part in parts),
            max(part.ended for part in parts),
            sum(reserved) if len(reserved) == len(parts) else None,
        )


@contextmanager
def _crew(case: Case, processes: int) -> Iterator[Crew]:
    """So many processes, ready to train; they end with the block."""
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in range(processes)]
    started = [context.Process(target=_serve, args=(there, case)) for _, there in pipes]
    for process in started:
        process.start()
    for _, there in pipes:
        there.close()  # so that the end of a process is the end of its pipe
    ends = tuple(here for here, _ in pipes)
    try:
        for end in ends:
            _answer(end)  # it is ready
        yield Crew(ends)
    finally:
        for process in started:
            process.kill()
            process.join()


def _answer(end: Connection) -> Trained:
    """What a process says; RuntimeError where it fails, dies or says nothing for too long."""
    try:
        if not end.poll(ANSWER_S):
            raise RuntimeError(f"a process at work said nothing for {ANSWER_S:.0f} s")
        said = end.recv()
    except EOFError:
        raise RuntimeError("a process at work died, perhaps for want of memory") from None
    if isinstance(said, Exception):
        raise said
    return said


def _serve(end: Connection, case: Case) -> None:
    """Trains the folds that it is sent; first says that it is ready."""
    start_worker()
    torch.set_num_threads(1)
    clips = case.clips()
    _train(case, clips, case.folds[0])  # libraries choose their kernels
    end.send(None)
    while True:
        fold = end.recv()
        try:
            forget_peaks(case.device)
            end.send(_trained([_train(case, clips, fold)], case.device))
        except Exception as error:
            end.send(RuntimeError(one_line(error)))


def _train(case: Case, clips: ClipTensors, fold: str) -> Watch:
    """A fold as `bench run` trains it, on the current stream."""
    watch = Watch()
    network, indices = case.network(fold), case.indices(fold)
    compute = case.config.compute
    train(network, clips, indices, _settings(case), 0, fold, watch.on_epoch, compute)
    return watch


def _train_on_stream(case: Case, clips: ClipTensors, fold: str) -> Watch:
    with on_stream(torch.cuda.Stream() if on_gpu(case.device) else None):
        return _train(case, clips, fold)


def _settings(case: Case) -> TrainConfig:
    """The preset's training, as many epochs long as are measured, and one before."""
    return replace(case.config.train, epochs=1 + EPOCHS)


def _trained(watches: Sequence[Watch], device: str) -> Trained:
    """From the first end of an epoch that does not count to the last end of all."""
    return Trained(
        min(watch.moments[0] for watch in watches),
        max(watch.moments[-1] for watch in watches),
        _reserved_mb(device),
    )


def _reserved_mb(device: str) -> float | None:
    """The most that torch's allocator took from the card since `forget_peaks`."""
    return torch.cuda.max_memory_reserved() / MEGA if on_gpu(device) else None
