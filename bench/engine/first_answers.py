"""What networks and operations of packages compute of a fixed input, before any training.

It is kept in `run.json`: code that reads an environment variable or a file elsewhere may compute
something else by the next command, or on another machine, with the same source.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial

import torch
from torch import Tensor, nn

from bench.config.settings import Config
from bench.errors import FAILURES, BenchError
from bench.methods import registry
from bench.methods.operations import OPERATIONS, TRIAL_CHANNELS, TRIAL_SIZES
from bench.runs.job import Job
from bench.runs.record import read_run_file
from bench.seeds import seeded
from bench.training.beginning import stirred
from rnas.operations import DERIVED_NORM, operation

CLIPS = 2

NUMBERS = 4
"""Sums, each over all that is computed with random factors, that are kept of it."""

DIGITS = 6

ALIKE = 1e-3
"""Most that two such sums may differ, as a share of the largest: machines round otherwise."""

Answers = Mapping[str, tuple[float, ...]]
"""By name, mode and what random numbers depend on: torch's version and build, and the machine."""


def first_answers(job: Job, classes: int) -> Answers:
    """Of a run's network or operations, of packages alone; without what differs each time."""
    once, again = (_answers.__wrapped__(job.variant, job.config, classes) for _ in range(2))
    return {name: found for name, found in once.items() if found == again.get(name)}


def forget_answers() -> None:
    """What code answers now is asked anew: it may have kept something of a training."""
    _answers.cache_clear()


def require_first_answers(job: Job) -> None:
    """BenchError where a package's code computes otherwise here than where the run began.

    It is asked once in a process, until `forget_answers`.
    """
    run = read_run_file(job.folder)
    if not run.answers:
        return
    here = _answers(job.variant, job.config, len(run.data.classes))
    for name, began in run.answers.items():
        if name in here and _differ(began, here[name]):
            raise BenchError(
                f"{job.folder.path}: {name.partition(',')[0]} computes otherwise than where the "
                "run began, with the same source: its code reads something that is another here "
                "(an environment variable, a file elsewhere, a library of another version) or "
                "draws at random when it is imported; put that back, start anew with `bench run "
                "--force`, or choose another folder with --runs"
            )


@lru_cache(maxsize=256)
def _answers(variant: str, config: Config, classes: int) -> Answers:
    return {
        f"{what}, {mode}": sums
        for what, build, shape in _asked(variant, config, classes)
        for mode, sums in _sums(build, shape).items()
    }


def _asked(
    variant: str, config: Config, classes: int
) -> Iterator[tuple[str, Callable[[], nn.Module], tuple[int, ...]]]:
    """What packages bring to the networks of a run: its name, what builds it, its input's shape."""
    method = registry.variant(variant)
    if method.searches:
        for name in method.configured_space(config).operations:
            if not OPERATIONS.is_own(name):
                built = partial(operation(name).build, TRIAL_CHANNELS[0], DERIVED_NORM)
                yield f"operation {name}", built, (TRIAL_CHANNELS[0], *TRIAL_SIZES[0])
    elif "profile" in method.work and not registry.VARIANTS.is_own(variant):
        shape = method.input_shape(config)
        yield f"network {variant}", method.builder(config, classes, None), shape


@torch.no_grad()
def _sums(build: Callable[[], nn.Module], shape: tuple[int, ...]) -> dict[str, tuple[float, ...]]:
    """Of a new network with stirred weights, in both modes; less of one that fails."""
    math = "with MKL" if torch.backends.mkl.is_available() else "without MKL"  # draws otherwise
    version = f"torch {torch.__version__.partition('+')[0]} {math}, {platform.machine()}"
    inputs = torch.rand(CLIPS, *shape, generator=torch.Generator().manual_seed(0))
    found = {}
    try:
        with seeded(0), torch.compiler.set_stance("force_eager"):
            network = stirred(build())
            found[version] = _sums_of(network.eval()(inputs.clone()))
            found[f"in training, {version}"] = _sums_of(network.train()(inputs.clone()))
    except FAILURES:  # where it is trained it says what is wrong with it
        pass
    return {mode: sums for mode, sums in found.items() if sums}


def _sums_of(output: Tensor) -> tuple[float, ...]:
    """NUMBERS sums; none where one is not finite."""
    generator = torch.Generator().manual_seed(0)
    factors = torch.randn(NUMBERS, output.numel(), generator=generator, dtype=torch.double)
    sums = factors @ output.double().flatten()
    if not sums.isfinite().all():
        return ()
    return tuple(float(f"{each:.{DIGITS}g}") for each in sums.tolist())


def _differ(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    scale = max(map(abs, (*one, *other)))
    return any(abs(a - b) > ALIKE * scale for a, b in zip(one, other, strict=True))
