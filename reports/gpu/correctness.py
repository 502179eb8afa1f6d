"""Whether a GPU computes what a CPU does: the checks that the tests make on the CPU."""

from __future__ import annotations

import csv
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from bench.config.loading import load_config
from bench.config.settings import Config
from bench.data.sources import resolve_source
from bench.data.surrogates.writing import write_surrogate
from bench.engine.executing.executors import SerialExecutor
from bench.engine.opening import open_run, provenance_of
from bench.engine.plan import SEARCH, Unit
from bench.engine.request import Request, prepare_jobs
from bench.engine.searching.search import search
from bench.errors import BenchError
from bench.measuring.workload import Workload, update
from bench.methods import registry
from bench.runs.job import Job
from bench.seeds import seeded
from bench.system.files import read_json
from bench.training.compute import float32_arithmetic
from reports.gpu.record import Recorder, Row, Settings
from rnas.fast.supernet import FastSupernet
from rnas.genotype import random_genotype
from rnas.space import SearchSpace
from rnas.supernet import Supernet
from rnas.trellis import Trellis

CLASSES = 3
EXACT = 1e-8
"""Bound of relative differences in float64."""

FLOAT32 = 1e-4
"""Bound of relative differences in float32, where the reference's own rounding is smaller."""

TIMES_ROUNDING = 10
"""How much farther from float64 the fast supernet may be in float32 than the reference is."""

AGREEMENT = 1e-4
"""Bound of the difference between logits of a CPU and of a GPU, over the largest if above 1."""

CLIPS = (4, 3, 8, 32, 32)
TINY_CLIPS = (2, 3, 4, 16, 16)
SUBJECTS = ("s05", "s06", "s15", "s19")
"""Twelve clips of SMIC, every class in two subjects at least."""

RESUMED = ("rnas_mer", "rnas_mer_1", "autodeeplab_3d")
"""Searches that are broken off: hybrid operations, those of DARTS, and upsampling."""

TINY_VARIANTS = ("rnas_mer", "ststnet", "random_rnas_mer")

SMALL = (
    "data.frames=4",
    "data.size=8",
    "space.nodes=1",
    "space.channels=4",
    "space.kernels=shared",
)
"""Settings of toy size."""


def work(settings: Settings, record: Recorder) -> None:
    """All checks, a row each."""
    # Read when torch first calls cuBLAS; without it there is no deterministic matrix product.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    names = TINY_VARIANTS if settings.tiny else tuple(registry.variants())
    found = {name: registry.variant(name) for name in names}
    spaces = {n: v.configured_space(Config()) for n, v in found.items() if v.learns}
    searched = sorted(spaces, key=lambda name: len(spaces[name].outer.arrows))  # short ones first
    for name in searched:
        about = {"check": "fast = reference", "variant": name}
        record.attempt(about, partial(_supernets, spaces[name], settings))
    for name in names:
        for what, build in _networks(name, settings):
            about = {"check": f"one {what} step", "variant": name}
            record.attempt(about, partial(_one_step, name, build, settings))
    for name in names:
        if found[name].control:  # the network of the search that it controls
            continue
        build = dict(_networks(name, settings))["training"]
        about = {"check": "predictions of CPU and device", "variant": name}
        record.attempt(about, partial(_predictions, name, build, settings))
    for name in RESUMED[:1] if settings.tiny else RESUMED:
        about = {"check": "resumed search = undisturbed", "variant": name}
        record.attempt(about, partial(_resumed, name, settings))
    for name in searched:
        about = {"check": "deterministic mode", "variant": name}
        record.attempt(about, partial(_deterministic, name, settings))


def _supernets(space: SearchSpace, settings: Settings) -> Row:
    """Logits and gradients of both evaluations, in float64 and in float32.

    In float32 both differ from float64 by rounding: the fast one may by TIMES_ROUNDING as much.
    """
    space = _narrow(space, settings)
    with seeded(0):
        networks = {"fast": FastSupernet(space, CLASSES), "reference": Supernet(space, CLASSES)}
    state = {name: value.clone() for name, value in networks["reference"].state_dict().items()}
    found = {
        (name, kind): _evaluated(network, kind, state, settings)
        for name, network in networks.items()
        for kind in (torch.float64, torch.float32)
    }
    exact = found["reference", torch.float64]
    wide = _distance(found["fast", torch.float64], exact)
    own = _distance(found["reference", torch.float32], exact)
    fast = _distance(found["fast", torch.float32], exact)
    return {
        "float64": wide,
        "float32": fast,
        "reference in float32": own,
        "holds": wide <= EXACT and fast <= max(FLOAT32, TIMES_ROUNDING * own),
    }


def _evaluated(
    network: nn.Module, kind: torch.dtype, state: dict[str, Tensor], settings: Settings
) -> Tensor:
    """Logits and the gradients of all parameters in one vector, float64, on the CPU."""
    network.to(settings.device, kind).train()
    network.load_state_dict(state)
    network.zero_grad()
    generator = torch.Generator().manual_seed(0)
    shape = TINY_CLIPS if settings.tiny else CLIPS
    clips = torch.randn(shape, generator=generator, dtype=torch.float64).to(settings.device, kind)
    probe = torch.randn(shape[0], CLASSES, generator=generator, dtype=torch.float64)
    with float32_arithmetic("fp32"):
        logits = network(clips)
        (logits * probe.to(settings.device, kind)).sum().backward()
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in network.parameters()]
    return torch.cat([part.detach().double().cpu().flatten() for part in (logits, *gradients)])


def _distance(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


def _narrow(space: SearchSpace, settings: Settings) -> SearchSpace:
    """The space with few channels and nodes; at toy size with few layers, too."""
    channels = max(space.partial, 2)
    if not settings.tiny:
        return space.resized(channels=2 * channels, nodes=min(space.nodes, 2))
    outer = Trellis(3, space.outer.factors[:2], space.outer.moves)
    return space.resized(channels=channels, nodes=1, outer=outer)


def _networks(variant: str, settings: Settings) -> Iterator[tuple[str, Callable[[], nn.Module]]]:
    """What a variant trains: (search, its supernet) and (training, its network)."""
    entry, config = registry.variant(variant), _config(settings)
    if entry.learns:
        yield "search", entry.supernet(config, CLASSES)
    genotype = None
    if entry.searches:
        genotype = random_genotype(entry.configured_space(config), random.Random(0))
    yield "training", entry.builder(config, CLASSES, genotype)


def _config(settings: Settings) -> Config:
    return load_config("smoke", SMALL if settings.tiny else ())


def _workload(variant: str, network: nn.Module, settings: Settings) -> Workload:
    entry, config = registry.variant(variant), _config(settings)
    return Workload(
        lambda: network,
        entry.input_shape(config),
        CLASSES,
        settings.device,
        config,
        entry.training(config),
    )


def _one_step(variant: str, build, settings: Settings) -> Row:
    """An update moves the weights, to finite numbers."""
    with seeded(0):
        network = build().to(settings.device)
    before = _weights(network)
    update(_workload(variant, network, settings), 2 if settings.tiny else 4)()
    after = _weights(network)
    return {"holds": bool(after.isfinite().all()) and not torch.equal(before, after)}


def _weights(network: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten().cpu() for p in network.parameters()])


@torch.no_grad()
def _predictions(variant: str, build, settings: Settings) -> Row:
    """Logits of the same weights on the CPU and on the device."""
    with seeded(0):
        network = build().eval()
    clips, _ = _workload(variant, nn.Identity(), settings).batch(2)
    with float32_arithmetic("fp32"):
        expected = network(clips.cpu())
        found = network.to(settings.device)(clips).cpu()
    largest = max(1.0, float(expected.abs().max()))
    difference = float((found - expected).abs().max()) / largest
    return {"float32": difference, "holds": difference <= AGREEMENT}


class Interrupted(Exception):
    """A search that is broken off on purpose."""


def _resumed(variant: str, settings: Settings) -> Row:
    """A search of two epochs against one that is stopped after the first and resumed.

    The first is repeated, which shows how well the device repeats anything at all.
    """
    with _deterministic_where_possible():
        whole, again = (
            _searched(variant, settings, f"{name}-{variant}") for name in ("whole", "again")
        )
        broken = _searched(variant, settings, f"broken-{variant}", interrupt=True)
    repeats = float((again - whole).abs().max())
    difference = float((broken - whole).abs().max())
    return {
        "difference": difference,
        "between two undisturbed": repeats,
        "holds": difference <= TIMES_ROUNDING * repeats,
    }


def _searched(variant: str, settings: Settings, name: str, interrupt: bool = False) -> Tensor:
    """Losses and weights of α, η, β after every epoch of a search in a folder of its own."""
    job = _search_job(variant, settings, settings.work / "correctness" / f"{name}-{os.getpid()}")
    unit = Unit(job, SEARCH)

    def break_off(what: str, done: int, total: int) -> None:
        if done == 1:
            raise Interrupted

    if interrupt:
        with suppress(Interrupted):
            search(unit, break_off)
        if not job.folder.checkpoint().exists():
            raise BenchError("the search was not broken off after its first epoch")
    search(unit, lambda *what: None)
    rows = list(csv.DictReader(job.folder.history().read_text().splitlines()))
    losses = [float(row[name]) for row in rows for name in ("weight_loss", "architecture_loss")]
    epochs = read_json(job.folder.architecture())["epochs"]
    weights = [value for epoch in epochs for row in epoch["operation_weights"] for value in row]
    return torch.tensor(losses + weights, dtype=torch.float64)


def _search_job(variant: str, settings: Settings, runs: Path) -> Job:
    root = settings.work / "smic"
    if not root.exists():
        write_surrogate("smic", root, size=32, subjects=SUBJECTS, workers=1)
    request = Request(
        variants=(variant,),
        source=resolve_source("smic", root, False, settings.work / "cache"),
        preset="smoke",
        config=load_config(
            "smoke",
            ["search.epochs=2", "search.warmup=0", *(SMALL if settings.tiny else ())],
        ),
        seeds=(0,),
        runs=runs,
        device=settings.device,
        processes=1,
    )
    prepared = prepare_jobs(request, lambda *what: None)
    (job,) = prepared.jobs
    open_run(job, prepared, provenance_of(prepared, SerialExecutor()))
    return job


def _deterministic(variant: str, settings: Settings) -> Row:
    """Whether torch has a deterministic form of each operation of a search step.

    The first that has none is named.
    """
    (_, build), *_ = _networks(variant, settings)
    torch.use_deterministic_algorithms(True)
    try:
        with seeded(0):
            network = build().to(settings.device)
        update(_workload(variant, network, settings), 2)()
        if settings.on_gpu:
            torch.cuda.synchronize()
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        return {"deterministic": False, "for want of": str(error).split(" ", 1)[0]}
    finally:
        torch.use_deterministic_algorithms(False)
    return {"deterministic": True}


@contextmanager
def _deterministic_where_possible() -> Iterator[None]:
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)
