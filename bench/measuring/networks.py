"""What is measured: networks of a run, of a genotype file or of a variant, or its supernet."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, TypeVar

from torch import nn

from baselines.fixed import Recipe
from bench.config.settings import ComputeConfig, Config, SearchConfig, TrainConfig
from bench.errors import BenchError, UsageError
from bench.measuring.workload import Workload
from bench.methods import registry
from bench.methods.variants import Variant
from bench.models.pretrained import genotype_in
from bench.runs.folder import RunFolder
from bench.runs.record import read_run
from bench.runs.searches import run_searches
from rnas.genotype import Genotype, check_genotype, random_genotype
from rnas.sizes import count_parameters
from rnas.space import SearchSpace

DRAWN = 2000
"""Random genotypes out of which those to be measured are taken, as in docs/sizes.md."""

SUPERNET, INFERENCE = "supernet", "inference"

Settings = TypeVar("Settings", ComputeConfig, SearchConfig)


@dataclass(frozen=True)
class Target:
    """Networks of a variant that are measured together.

    origin: where the genotypes come from, in words; genotypes: one per network, None of a variant
    that has none.
    """

    variant: str
    origin: str
    config: Config
    classes: int
    genotypes: tuple[Genotype | None, ...]

    @property
    def method(self) -> Variant:
        """The variant, which answers for itself."""
        return registry.variant(self.variant)

    @property
    def kind(self) -> str:
        """What the networks are called."""
        return self.method.network_word

    @property
    def title(self) -> str:
        """The networks in a list."""
        return f"{self.variant}, {self.kind}" + (f" ({self.origin})" if self.origin else "")

    @property
    def marks(self) -> tuple[str, ...]:
        """What a reader must know of the method itself, e.g. that it is a reconstruction."""
        return self.method.marks

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(C, T, H, W) of one clip, (C, S, S) of a still."""
        return self.method.input_shape(self.config)

    @property
    def training(self) -> TrainConfig | Recipe:
        """How the networks are trained; of a supernet, how its weights are kept in a checkpoint."""
        return self.method.training(self.config)

    @property
    def batch(self) -> int:
        """Clips per training batch."""
        return self.training.batch

    @property
    def compute(self) -> ComputeConfig:
        """How the networks are computed."""
        return self.method.compute(self.config)

    @property
    def network_name(self) -> str:
        """What the networks are called where times are compared."""
        return self.kind

    def timed(self, batches: Sequence[int]) -> list[tuple[str, int]]:
        """What is worth a timing, with its clips per batch; `batches`: of inference."""
        return [*((INFERENCE, size) for size in batches), ("training step", self.batch)]

    def computed(self, evaluation: str | None = None, **changes: Any) -> Target:
        """The same with other fields of ComputeConfig; what is None stays as it is.

        evaluation: of a supernet, `fast` or `reference`.
        """
        return self._with(_changed(self.compute, **changes))

    def networks(self) -> list[nn.Module]:
        """The networks whose operations are counted."""
        return [build() for build in self._builders()]

    def workloads(self, device: str) -> list[Workload]:
        """The networks as they run."""
        config = replace(self.config, compute=self.compute)
        return [
            Workload(
                build,
                self.input_shape,
                self.classes,
                device,
                config,
                self.training,
                resizable=self.method.searches,
            )
            for build in self._builders()
        ]

    def _builders(self) -> list[Callable[[], nn.Module]]:
        return [self.method.builder(self.config, self.classes, each) for each in self.genotypes]

    def _with(self, compute: ComputeConfig, **others: Any) -> Self:
        return replace(self, config=replace(self.config, compute=compute, **others))


@dataclass(frozen=True)
class SupernetTarget(Target):
    """The network that a search trains: what a search costs. It has no genotype."""

    @property
    def kind(self) -> str:
        """What the network is called."""
        return SUPERNET

    @property
    def batch(self) -> int:
        """Clips per batch of the search."""
        return self.config.search.batch

    @property
    def compute(self) -> ComputeConfig:
        """How it is computed: the search has a memory format of its own."""
        return replace(self.config.compute, channels_last=self.config.search.channels_last)

    @property
    def network_name(self) -> str:
        """Its two evaluations take different times."""
        return f"{SUPERNET}, {self.config.search.evaluation} evaluation"

    def timed(self, batches: Sequence[int]) -> list[tuple[str, int]]:
        """A step of the search; a supernet is not used for inference."""
        return [("search step", self.batch)]

    def computed(self, evaluation: str | None = None, **changes: Any) -> SupernetTarget:
        """The same with another evaluation, and other fields of ComputeConfig."""
        compute = _changed(self.compute, **changes)
        search = _changed(
            self.config.search, evaluation=evaluation, channels_last=compute.channels_last
        )
        return self._with(compute, search=search)

    def networks(self) -> list[nn.Module]:
        """The reference evaluation alone: its operations are those of the method as published."""
        return [build() for build in self.computed("reference")._builders()]

    def _builders(self) -> list[Callable[[], nn.Module]]:
        return [self.method.supernet(self.config, self.classes)]


def _changed(settings: Settings, **changes: Any) -> Settings:
    """The settings with those of the changes that are not None."""
    return replace(settings, **{name: each for name, each in changes.items() if each is not None})


def usual_target(variant: str, config: Config, classes: int, seed: int, draws: int) -> Target:
    """The network of a variant that has one; of one that searches, networks of random genotypes."""
    if not registry.variant(variant).searches:
        return Target(variant, "", config, classes, (None,))
    return random_target(variant, config, classes, seed, draws)


def random_target(variant: str, config: Config, classes: int, seed: int, draws: int) -> Target:
    """`draws` random genotypes of a variant, evenly spaced by parameters; one alone is the median.

    They are taken out of DRAWN uniformly drawn ones, the same for the same seed: sizes differ by a
    factor of a hundred, so that a few plain draws say next to nothing of the median.
    """
    space = registry.variant(variant).configured_space(config)
    ordered = _drawn_by_size(space, classes, seed)
    places = [(2 * number + 1) * DRAWN // (2 * draws) for number in range(draws)]
    spread = "of median size" if draws == 1 else "evenly spaced by size"
    origin = f"{draws} of {DRAWN} random genotypes, {spread}, seed {seed}"
    chosen = tuple(ordered[place] for place in places)
    return Target(variant, origin, config, classes, chosen)


@lru_cache(maxsize=16)
def _drawn_by_size(space: SearchSpace, classes: int, seed: int) -> tuple[Genotype, ...]:
    generator = random.Random(seed)
    drawn = [random_genotype(space, generator) for _ in range(DRAWN)]
    return tuple(sorted(drawn, key=lambda genotype: count_parameters(space, genotype, classes)))


def genotype_target(variant: str, config: Config, classes: int, file: Path) -> Target:
    """The network of a genotype file; UsageError where it is none of the space."""
    space = registry.variant(variant).configured_space(config)
    genotype = genotype_in(file, space)[0]
    return Target(variant, str(file), config, classes, (genotype,))


def supernet_target(variant: str, config: Config, classes: int) -> Target:
    """The search network; UsageError for a method that learns no architecture."""
    registry.variant(variant).supernet(config, classes)
    return SupernetTarget(variant, "", config, classes, ())


def run_target(folder: Path, supernet: bool) -> Target:
    """The derived networks of a run (one, or with fold scope one per finished search).

    Raises BenchError where the folder holds no run or nothing is decoded yet.
    """
    place = RunFolder(folder)
    if not place.run.exists():
        raise UsageError(f"{folder} is no run folder (no run.json in it); see `bench list runs`")
    run = read_run(place)
    variant, config, classes = run.variant, run.settings, len(run.data.classes)
    if supernet:
        return supernet_target(variant, config, classes)
    if not run.method.searches:
        return Target(variant, str(folder), config, classes, (None,))
    space = registry.variant(variant).configured_space(config)
    found = tuple(
        check_genotype(search.genotype, space) for search in run_searches(place, run.searches)
    )
    if not found:
        raise BenchError(f"{folder}: nothing decoded yet; the same `bench run` again goes on there")
    return Target(variant, str(folder), config, classes, found)
