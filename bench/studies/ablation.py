"""Table 3 as a designed experiment: one factor at a time, with what chance does beside it.

A factor is one respect in which an ablation's search space differs from RNAS-MER's. What acts in
the network is measured on genotypes that are drawn once, each trained with the factor and without
it. What acts in the search is measured on several searches of either kind, and random search is
the zero line of both. One factor may act in both places.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import chain, count
from pathlib import Path
from typing import Any, Final, Literal

import torch

from bench.config.settings import Config
from bench.data.clips import ClipSet
from bench.data.sources import Progress
from bench.data.videos import clip_settings
from bench.engine.request import Request, jobs_of
from bench.errors import UsageError
from bench.measuring.profiling import macs_torch
from bench.methods import registry
from bench.methods.variants import WITHOUT_EFFECT
from bench.runs.folder import ABLATION
from bench.runs.job import Job
from bench.seeds import derive_seed
from bench.studies.trials import Trial, given_trials, on_new_people
from rnas.genotype import Genotype, random_genotype
from rnas.space import SearchSpace

BASE = "rnas_mer"
"""The variant whose factors are taken away."""

FOLDER = ABLATION

ZERO_LINE: Final = "random_search"
"""The strategy that every kind of search is measured against."""

NETWORK: Final = "network"
SEARCH: Final = "search"

LOSO: Final = "loso"

Protocol = Literal["loso", "fresh"]

TITLES = {
    "operations": "operation set",
    "partial": "partial channels",
    "edge_norm": "edge normalisation η",
    "attention": "attention",
}
"""The columns of Table 3: field of a search space (and setting `space.<field>`) -> title."""

EQUAL_MACS = "equal MACs"


@dataclass(frozen=True)
class Size:
    """How much is measured: drawn genotypes, searches per cell, and how networks are tested.

    0 leaves out that side; one alone has no spread.
    """

    genotypes: int
    searches: int
    protocol: Protocol


@dataclass(frozen=True)
class Factor:
    """One respect in which Table 3 changes RNAS-MER.

    field: of the search space; value: without the factor; variant: the ablation that has it.
    """

    field: str
    value: Any
    variant: str

    @property
    def title(self) -> str:
        """Its column in Table 3."""
        return TITLES[self.field]

    @property
    def arm(self) -> str:
        """What is left without it."""
        return f"{self.title} as in {self.variant}"

    def acts_in(self, space: SearchSpace) -> tuple[str, ...]:
        """Whether it changes the networks of this space, the search, or both.

        Attention is left to its networks: the search has no other part in it.
        """
        places = {
            "operations": (NETWORK, SEARCH),
            "partial": (NETWORK, SEARCH) if space.derived_partial else (SEARCH,),
            "edge_norm": (SEARCH,),
            "attention": (NETWORK,),
        }
        return places[self.field]

    def removed(self, config: Config) -> Config:
        """The settings without it, and with everything else as it was."""
        value = self.value
        if isinstance(value, tuple):
            value = ",".join(value)
        elif isinstance(value, bool):
            value = str(value).lower()
        return _changed(config, **{self.field: value})


def factors(variants: Sequence[str]) -> tuple[Factor, ...]:
    """The respects in which these variants differ from RNAS-MER, each once, as in Table 3.

    Raises UsageError where a variant differs in another respect, and where none differs.
    """
    base = registry.variant(BASE).configured_space(Config())
    differing = {name: _differing(base, name) for name in variants}
    found: dict[tuple[str, Any], Factor] = {}
    for name in sorted(differing, key=lambda name: len(differing[name])):
        for field, value in differing[name].items():
            found.setdefault((field, value), Factor(field, value, name))
    if not found:
        raise UsageError(
            f"{', '.join(variants)}: no factor of Table 3 differs from {BASE}; name ablations of "
            "it, e.g. --variant ablation"
        )
    return tuple(sorted(found.values(), key=lambda factor: list(TITLES).index(factor.field)))


def _differing(base: SearchSpace, variant: str) -> dict[str, Any]:
    space = registry.variant(variant).configured_space(Config())
    names = {each.name for each in fields(SearchSpace)} - {"name", *WITHOUT_EFFECT}
    values = {name: getattr(space, name) for name in names}
    differing = {name: each for name, each in values.items() if each != getattr(base, name)}
    if strange := differing.keys() - TITLES.keys():
        raise UsageError(
            f"{variant} differs from {BASE} in {', '.join(sorted(strange))}: an ablation changes "
            f"{', '.join(TITLES)}"
        )
    return differing


@dataclass(frozen=True)
class Arm:
    """Networks under one setting of the factors.

    acts: where the factors act on them: in networks of drawn genotypes, or in searches; runs: of
    each replicate (genotype or search) one run per seed; trials: the drawn genotypes.
    """

    name: str
    acts: str
    runs: tuple[tuple[Job, ...], ...]
    trials: tuple[Trial, ...] = ()

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All its runs."""
        return tuple(chain.from_iterable(self.runs))


@dataclass(frozen=True)
class Comparison:
    """A row of the table: what `first` has over `second`.

    title: what differs, on the zero line the kind of search; variant: the ablation that it comes
    from, empty for the zero line. Drawn genotypes are paired, replicate by replicate; searches are
    not.
    """

    title: str
    variant: str
    first: Arm
    second: Arm


@dataclass(frozen=True)
class Study:
    """The comparisons of factors, and those of searches with random search, their zero line.

    place: the folder of all runs.
    """

    size: Size
    place: Path
    factors: tuple[Comparison, ...]
    zero_line: tuple[Comparison, ...]

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Every arm once: drawn genotypes, then searches, then random search."""
        compared = [(row.first, row.second) for row in (*self.factors, *self.zero_line)]
        return tuple(dict.fromkeys(chain.from_iterable(compared)))

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The drawn genotypes with their runs, whole pairs before the next."""
        arms = [arm.trials for arm in self.arms if arm.trials]
        return tuple(chain.from_iterable(zip(*arms, strict=True)))

    @property
    def searches(self) -> tuple[Job, ...]:
        """The runs of the other arms, a search of each before the next."""
        arms = [arm.jobs for arm in self.arms if not arm.trials]
        return tuple(chain.from_iterable(zip(*arms, strict=True)))


def measuring(config: Config, protocol: Protocol) -> Config:
    """The settings of all networks of a study: layers of one name start alike.

    With `fresh`, people of the generator's next seed are tested, and searches see nobody of them.
    """
    config = replace(config, train=replace(config.train, initial_weights="by_name"))
    if protocol == LOSO:
        return replace(config, data=replace(config.data, fresh_seed=0))
    return on_new_people(config)


def design(request: Request, size: Size, clips: ClipSet, progress: Progress) -> Study:
    """The experiment on the factors of the request's variants; nothing is written.

    request: with the settings of `measuring`; every drawn genotype is trained with each of its
    seeds. Searches have the seeds 0, 1, ... and train under them. Raises UsageError where no
    factor acts on what is asked for.
    """
    chosen = factors(request.variants)
    config = replace(request.config, data=clip_settings(request.config.data, clips.clips))
    own = replace(request.under(config, BASE), runs=request.runs / FOLDER)
    networks = _of_networks(own, chosen, size.genotypes, clips, progress) if size.genotypes else []
    searches, zero_line = _of_searches(own, chosen, size.searches, clips)
    if not (networks or searches):
        raise UsageError(
            f"nothing to compare: {', '.join(factor.title for factor in chosen)} with "
            f"{size.genotypes} genotypes and {size.searches} searches; what acts in the network "
            "alone needs genotypes, what acts in the search alone needs searches"
        )
    return Study(size, own.runs.absolute(), (*networks, *searches), zero_line)


def _of_networks(
    request: Request, chosen: Sequence[Factor], genotypes: int, clips: ClipSet, progress: Progress
) -> list[Comparison]:
    """The factors that act in the network, on the same drawn genotypes."""
    config, classes = request.config, len(clips.classes)

    def arm(name: str, configs: Sequence[Config]) -> Arm:
        runs = [
            given_trials(
                request.under(own, BASE),
                request.runs / f"genotype{number}" / own.hash,
                drawn(_space(own), number),
                _space(own),
                clips,
            )
            for number, own in enumerate(configs)
        ]
        jobs = tuple(tuple(trial.job for trial in trials) for trials in runs)
        return Arm(name, NETWORK, jobs, tuple(chain.from_iterable(runs)))

    def fitted(removed: Config) -> Iterator[Config]:
        for number in range(genotypes):
            progress("fitting widths", number, genotypes)
            macs = network_macs(config, drawn(_space(config), number), classes)
            yield with_macs(removed, drawn(_space(removed), number), macs, classes)

    base = arm(BASE, [config] * genotypes)
    found = []
    for factor in chosen:
        if NETWORK not in factor.acts_in(_space(config)):
            continue
        removed = factor.removed(config)
        without = arm(factor.arm, [removed] * genotypes)
        found.append(Comparison(factor.title, factor.variant, base, without))
        if factor.field == "operations":
            alike = arm(f"{factor.arm}, {EQUAL_MACS}", list(fitted(removed)))
            title = f"{factor.title}, {EQUAL_MACS}"
            found.append(Comparison(title, factor.variant, base, alike))
    return found


def _of_searches(
    request: Request, chosen: Sequence[Factor], searches: int, clips: ClipSet
) -> tuple[list[Comparison], tuple[Comparison, ...]]:
    """The factors that act in the search; each kind of search against random search."""
    acting = [factor for factor in chosen if SEARCH in factor.acts_in(_space(request.config))]
    if not (searches and acting):
        return [], ()
    request = replace(request, seeds=tuple(range(searches)), runs=request.runs / SEARCH)

    def arm(name: str, config: Config) -> Arm:
        jobs = jobs_of(request.under(config, BASE), clips)
        return Arm(name, SEARCH, tuple((job,) for job in jobs))

    configs = {BASE: request.config, **{f.arm: f.removed(request.config) for f in acting}}
    arms = {name: arm(name, config) for name, config in configs.items()}
    blind: dict[SearchSpace, Arm] = {}
    zero_line = []
    for name, config in configs.items():
        space = _space(config).network
        if space not in blind:  # one experiment for all searches of the same networks
            blind[space] = arm(f"{ZERO_LINE}, {name}", random_search(config))
        zero_line.append(Comparison(name, "", arms[name], blind[space]))
    compared = [Comparison(f.title, f.variant, arms[BASE], arms[f.arm]) for f in acting]
    return compared, tuple(zero_line)


def examples(arm: Arm, most: int) -> list[tuple[Job, Genotype]]:
    """A few networks as the arm trains them, with a run that does; of searches, random ones."""
    if arm.trials:
        apart = max(1, len(arm.trials) // most)
        return [(trial.job, trial.genotype) for trial in arm.trials[::apart]]
    return [(arm.jobs[0], drawn(_space(arm.jobs[0].config), number)) for number in range(most)]


def random_search(config: Config) -> Config:
    """The settings of the zero line: random search, at the cost that `search.candidates` sets."""
    return replace(config, search=replace(config.search, strategy=ZERO_LINE))


def drawn(space: SearchSpace, number: int) -> Genotype:
    """Drawn genotype `number`, uniform over paths and cells.

    In every space of one trellis it has the same path and edges, and operations from the same
    uniform numbers.
    """
    genotype = random_genotype(space, random.Random(derive_seed(number, "ablation-cell")))
    generator = random.Random(derive_seed(number, "ablation-operations"))
    names = space.choosable
    operations = tuple(names[int(generator.random() * len(names))] for _ in genotype.edges)
    return genotype._replace(operations=operations)


@lru_cache(maxsize=4096)
def network_macs(config: Config, genotype: Genotype, classes: int) -> int:
    """MACs of a genotype's network for one clip."""
    method = registry.variant(BASE)
    with torch.no_grad():  # a third of the time
        return macs_torch(method.builder(config, classes, genotype)(), method.input_shape(config))


def with_macs(config: Config, genotype: Genotype, macs: int, classes: int) -> Config:
    """The settings with the width F at which the genotype's network comes nearest to `macs`.

    Where partial channels act in the search alone, F is any number and no multiple of b.
    """
    start = _space(config)
    step = start.network.partial

    def of_width(width: int) -> Config:
        return _changed(config, size="same", partial=step, channels=width)

    def size(width: int) -> int:
        return network_macs(of_width(width), genotype, classes)

    # MACs grow with F at least in proportion and at most with its square.
    ratio = macs / size(start.channels)
    low = int(start.channels * min(ratio, ratio**0.5)) // step * step
    high = next(width for width in count(max(low, step), step) if size(width) >= macs)
    return of_width(min((high - step or step, high), key=lambda width: abs(size(width) - macs)))


def _space(config: Config) -> SearchSpace:
    return registry.variant(BASE).configured_space(config)


def _changed(config: Config, **settings: Any) -> Config:
    return replace(config, space=replace(config.space, **settings))
