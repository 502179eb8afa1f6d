"""Methods whose architecture is a genotype of a search space: searches and their controls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from bench.config.settings import Config, SpaceConfig
from bench.errors import BenchError, unknown_name
from bench.methods.operations import known_operations
from bench.methods.strategies import STRATEGIES
from bench.methods.variants import EVALUATION, RANDOM_PREFIX, Variant, plain
from rnas.genotype import Genotype
from rnas.space import SearchSpace

if TYPE_CHECKING:
    from torch import nn

    from rnas.supernet import Supernet


@dataclass(frozen=True, kw_only=True)
class InSpace(Variant):
    """A method whose architecture is a genotype of a search space."""

    value = SearchSpace
    network_word = "derived network"
    searches = True

    space: SearchSpace

    @classmethod
    def _own_fields(cls, value: SearchSpace) -> dict[str, Any]:
        return {"space": value}

    @property
    def facts(self) -> dict[str, str]:
        """Marks, and what all derived networks have in common."""
        facts = {"parameters": "depend on the genotype (docs/sizes.md)", "input": "clip"}
        return facts | ({"marks": ", ".join(self.marks)} if self.marks else {})

    @property
    def details(self) -> dict[str, Any]:
        """Marks; of a network nothing is known before its genotype."""
        return {
            "parameters": None,
            "input": "clip",
            "recipe": None,
            "pretraining": "none",
            "released_selection": None,
            "deviations": [],
            "marks": list(self.marks),
            "reference": None,
        }

    def check(self, config: Config) -> None:
        """Raises MethodError for settings that the space cannot have."""
        self.configured_space(config)

    def configured_space(self, config: Config) -> SearchSpace:
        """The search space under the settings of a run.

        Raises MethodError for settings it cannot have, BenchError for a size that is not published.
        """
        if config.space.size == "published" and not self.space.size_target:
            raise BenchError(
                f"{self.name}: Table 5 publishes no size for it; use --set space.size=same"
            )
        return _configured(self.space, config.space).for_clips(config.data.size)

    def builder(
        self, config: Config, classes: int, genotype: Genotype | None
    ) -> Callable[[], nn.Module]:
        """Builds the network of a genotype, with weights from torch's global generator."""
        from rnas.derived import DerivedNetwork

        assert genotype is not None, f"{self.name} is built from a genotype"
        return partial(DerivedNetwork, self.configured_space(config), genotype, classes)

    def record(self, config: Config, classes: int) -> dict[str, Any]:
        """The search space with its sizes as a run uses it."""
        return {"space": plain(asdict(self.configured_space(config))), "network": None}


@dataclass(frozen=True, kw_only=True)
class Searched(InSpace):
    """A method that searches its space, by the strategy that `search.strategy` names."""

    kind = "search"
    origin = "searched"
    learns = True
    work = MappingProxyType({"search": "bench.engine.searching.search:search", **EVALUATION})

    def check(self, config: Config) -> None:
        """Raises MethodError for settings that the space cannot have, and for no strategy."""
        STRATEGIES.load(config.search.strategy)
        super().check(config)

    def supernet(self, config: Config, classes: int) -> Callable[[], Supernet]:
        """Builds the search network, in the evaluation that `search.evaluation` names.

        Both evaluations share parameters and checkpoints.
        """
        from rnas.fast.supernet import FastSupernet
        from rnas.supernet import Supernet

        space, start = self.configured_space(config), config.search.start
        if config.search.evaluation == "reference":
            return partial(Supernet, space, classes, start=start)
        _, frames, height, width = self.input_shape(config)
        return partial(FastSupernet, space, classes, start=start, size=(frames, height, width))


@dataclass(frozen=True, kw_only=True)
class Drawn(InSpace):
    """The control of a search: a uniformly drawn genotype of the same space."""

    kind = "random"
    origin = "random"
    work = MappingProxyType({"search": "bench.engine.searching.search:draw", **EVALUATION})
    without_search = "draws its genotype"
    unlearnt = "a random control: its architecture was drawn, nothing was searched"
    unlearnt_many = "random controls"
    control = True

    @classmethod
    def of(cls, value: SearchSpace) -> Self:
        """The control of a search space, with the marks of its search."""
        return cls(
            name=RANDOM_PREFIX + value.name,
            groups=("random",),
            summary=f"Control: a uniformly drawn genotype and path of {value.name}'s search space",
            marks=value.marks,
            space=value,
        )


@lru_cache(maxsize=64)
def _configured(space: SearchSpace, settings: SpaceConfig) -> SearchSpace:
    named = {name: getattr(settings, name) for name in ("kernels", "dilated", "attention_form")}
    changes: dict[str, Any] = {name: value for name, value in named.items() if value != "own"}
    switches = ("derived_partial", "edge_norm", "attention")
    switched = {name: getattr(settings, name) for name in switches}
    changes |= {name: value == "true" for name, value in switched.items() if value != "own"}
    numbers = {name: getattr(settings, name) for name in ("nodes", "channels", "partial")}
    changes |= {name: number for name, number in numbers.items() if number}
    if settings.operations != "own":
        changes["operations"] = _operations(settings.operations)
    space = space.resized(**changes)
    if settings.size != "published" or space.size_target is None:
        return space
    from rnas.sizes import fit_channels  # imports torch

    return fit_channels(space, space.size_target)


def _operations(names: str) -> tuple[str, ...]:
    """Operations in a list with commas; UsageError for an unknown one."""
    found = tuple(name.strip() for name in names.split(","))
    for name in found:
        if name not in known_operations():
            raise unknown_name("operation", name, sorted(known_operations()))
    return found
