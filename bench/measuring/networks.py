"""What is measured: the networks of a run, of a genotype file, or of a variant's random genotypes;
a fixed network; or the supernet, which is what a search costs."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from torch import nn

from baselines.fixed import FixedNetwork, Recipe
from bench.config.loading import config_from_dict
from bench.config.settings import ComputeConfig, Config, TrainConfig
from bench.errors import BenchError, UsageError
from bench.measuring.workload import Workload
from bench.methods import registry
from bench.methods.configured import (
    EVALUATIONS,
    compute_settings,
    configured_space,
    input_shape,
    training_settings,
)
from bench.runs.folder import RunFolder
from bench.runs.searches import read_genotype
from bench.system.files import read_json
from rnas.derived import DerivedNetwork
from rnas.genotype import Genotype, check_genotype, random_genotype
from rnas.sizes import count_parameters
from rnas.space import SearchSpace
from rnas.supernet import Supernet

DRAWN = 2000
"""Random genotypes out of which those to be measured are taken, as in docs/sizes.md."""

DERIVED, SUPERNET, FIXED = "derived network", "supernet", "fixed network"


@dataclass(frozen=True)
class Target:
    """Networks that are measured together. With neither genotypes nor a fixed network it is the
    supernet of the search space.

    origin: where the genotypes come from, in words.
    """

    variant: str
    origin: str
    config: Config
    classes: int
    space: SearchSpace | None = None
    genotypes: tuple[Genotype, ...] = ()
    network: FixedNetwork | None = None

    @property
    def kind(self) -> str:
        if self.network is not None:
            return FIXED
        return DERIVED if self.genotypes else SUPERNET

    @property
    def title(self) -> str:
        return f"{self.variant}, {self.kind}" + (f" ({self.origin})" if self.origin else "")

    @property
    def marks(self) -> tuple[str, ...]:
        """What a reader must know of the method itself, e.g. that it is a reconstruction."""
        return registry.variant(self.variant).marks

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(C, T, H, W) of one clip, (C, S, S) of a still."""
        return input_shape(self.variant, self.config)

    @property
    def training(self) -> TrainConfig | Recipe:
        """How the networks are trained; of a supernet, how its weights are kept in a checkpoint."""
        return training_settings(self.variant, self.config)

    @property
    def batch(self) -> int:
        """Clips per training batch; of a supernet, per batch of the search."""
        return self.config.search.batch if self.kind == SUPERNET else self.training.batch

    @property
    def compute(self) -> ComputeConfig:
        """How the networks are computed; the search has a memory format of its own."""
        if self.kind == SUPERNET:
            return replace(self.config.compute, channels_last=self.config.search.channels_last)
        return compute_settings(self.variant, self.config)

    def computed(self, evaluation: str | None = None, **changes: object) -> Target:
        """The same computed in another way: fields of ComputeConfig, and for a supernet its
        evaluation (`fast` or `reference`). What is None stays as the settings have it."""
        config = self.config
        compute = replace(self.compute, **{k: v for k, v in changes.items() if v is not None})
        search = replace(
            config.search,
            evaluation=evaluation or config.search.evaluation,
            channels_last=compute.channels_last
            if self.kind == SUPERNET
            else config.search.channels_last,
        )
        return replace(self, config=replace(config, compute=compute, search=search))

    def networks(self) -> list[nn.Module]:
        """The networks whose operations are counted: of the supernet its reference evaluation."""
        if self.kind == SUPERNET:
            return [Supernet(self.space, self.classes)]
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
                resizable=self.network is None,
            )
            for build in self._builders()
        ]

    def _builders(self) -> list[Callable[[], nn.Module]]:
        if self.network is not None:
            return [partial(self.network.build, self.classes)]
        if not self.genotypes:
            evaluation = EVALUATIONS[self.config.search.evaluation]
            return [partial(evaluation, self.space, self.classes)]
        return [partial(DerivedNetwork, self.space, g, self.classes) for g in self.genotypes]


def random_target(variant: str, config: Config, classes: int, seed: int, draws: int) -> Target:
    """`draws` random genotypes of a variant, evenly spaced by parameters; one alone is the median.

    They are taken out of DRAWN uniformly drawn ones, the same for the same seed: sizes differ by a
    factor of a hundred, so that a few plain draws say next to nothing of the median.
    """
    space = configured_space(variant, config)
    ordered = _drawn_by_size(space, classes, seed)
    places = [(2 * number + 1) * DRAWN // (2 * draws) for number in range(draws)]
    spread = "of median size" if draws == 1 else "evenly spaced by size"
    origin = f"{draws} of {DRAWN} random genotypes, {spread}, seed {seed}"
    chosen = tuple(ordered[place] for place in places)
    return Target(variant, origin, config, classes, space, chosen)


@lru_cache(maxsize=16)
def _drawn_by_size(space: SearchSpace, classes: int, seed: int) -> tuple[Genotype, ...]:
    generator = random.Random(seed)
    drawn = [random_genotype(space, generator) for _ in range(DRAWN)]
    return tuple(sorted(drawn, key=lambda genotype: count_parameters(space, genotype, classes)))


def genotype_target(variant: str, config: Config, classes: int, file: Path) -> Target:
    """The network of a genotype file; MethodError where it is none of the variant's space."""
    space = configured_space(variant, config)
    genotype = check_genotype(read_genotype(file), space)
    return Target(variant, str(file), config, classes, space, (genotype,))


def supernet_target(variant: str, config: Config, classes: int) -> Target:
    """The search network; UsageError for a method that searches nothing."""
    kind = registry.variant(variant).kind
    if kind != "search":
        why = "draws its genotype" if kind == "random" else "is a fixed network"
        raise UsageError(f"{variant} {why} and has no supernet: leave out --supernet")
    return Target(variant, "", config, classes, configured_space(variant, config))


def fixed_target(variant: str, config: Config, classes: int, origin: str = "") -> Target:
    """The network of a variant that is one; MethodError where it cannot be loaded."""
    return Target(variant, origin, config, classes, network=registry.variant(variant).network)


def run_target(folder: Path, supernet: bool) -> Target:
    """The derived networks of a run (one, or with fold scope one per finished search).

    Raises BenchError where the folder holds no run or nothing is decoded yet.
    """
    place = RunFolder(folder)
    if not place.run.exists():
        raise UsageError(f"{folder} is no run folder (no run.json in it); see `bench list runs`")
    run = read_json(place.run)
    try:
        variant, classes = run["variant"], len(run["data"]["classes"])
        config, folds = config_from_dict(run["config"]), run["folds"]
    except (KeyError, TypeError, AttributeError) as error:
        raise BenchError(
            f"{place.run}: no run of this harness ({error!r}); move it elsewhere"
        ) from error
    if supernet:
        return supernet_target(variant, config, classes)
    if registry.variant(variant).kind == "fixed":
        return fixed_target(variant, config, classes, str(folder))
    space = configured_space(variant, config)
    searches = folds if config.protocol.search_scope == "fold" else [""]
    files = [place.genotype(fold) for fold in searches if place.genotype(fold).exists()]
    if not files:
        raise BenchError(f"{folder}: nothing decoded yet; the same `bench run` again goes on there")
    genotypes = tuple(check_genotype(read_genotype(file), space) for file in files)
    return Target(variant, str(folder), config, classes, space, genotypes)
