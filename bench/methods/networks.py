"""Hand-designed networks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from baselines.fixed import FixedNetwork, Recipe, StillInput
from bench.config.settings import ComputeConfig, Config, TrainConfig
from bench.errors import FAILURES, BenchError
from bench.methods.variants import ENTRY_POINTS, EVALUATION, Variant, footnote, plain
from bench.system.packages import brought, package_of, remembered
from rnas.errors import MethodError
from rnas.genotype import Genotype

if TYPE_CHECKING:
    from torch import nn


@remembered
def _harmless() -> set[str]:
    """The networks that were built in this process, and replaced nothing of it."""
    return set()


@dataclass(frozen=True, kw_only=True)
class Fixed(Variant):
    """A hand-designed network, trained as it is.

    Its networks are small: they train on one thread each, which also gives the same result on
    machines with any number of cores.
    """

    value = FixedNetwork
    kind = "fixed"
    origin = "fixed"
    network_word = "fixed network"
    searches = False
    work = EVALUATION
    without_search = "is a fixed network"
    unlearnt = "a fixed network: nothing is searched"
    unlearnt_many = "fixed networks"
    threads = 1

    network: FixedNetwork

    @classmethod
    def _own_fields(cls, value: FixedNetwork) -> dict[str, Any]:
        return {"network": value}

    @property
    def still(self) -> StillInput | None:
        """The image per clip that it wants; None where it sees clips."""
        return None if self.network.input == "clip" else self.network.input

    @property
    def reference(self) -> str:
        """The publication."""
        return self.network.reference

    @property
    def released_ways(self) -> tuple[str, ...]:
        """Words of `baselines.fixed.RELEASED_WAYS`: how its released code scores."""
        return self.network.released_ways

    @property
    def facts(self) -> dict[str, str]:
        """What the network says of itself."""
        return self.network.facts

    @property
    def footnote(self) -> str:
        """Its facts in one line, without those that have a column of their own."""
        return footnote(self.facts)

    @property
    def details(self) -> dict[str, Any]:
        """What the network says of itself, as plain values."""
        network = self.network
        return {
            "parameters": network.params,
            "input": network.input_text,
            "recipe": network.recipe.text if network.recipe else None,
            "pretraining": network.pretraining,
            "released_selection": network.released_selection or None,
            "deviations": list(network.deviations),
            "marks": list(self.marks),
            "reference": network.reference or None,
        }

    def check(self, config: Config) -> None:
        """Raises MethodError where its module cannot be loaded, BenchError where not built."""
        self._built(config, classes=3)

    def builder(
        self, config: Config, classes: int, genotype: Genotype | None
    ) -> Callable[[], nn.Module]:
        """Builds the network, with weights from torch's global generator."""
        return partial(self._built, config, classes)

    def training(self, config: Config) -> TrainConfig | Recipe:
        """Its own recipe, shortened as `train.recipe_epochs` says; `train.*` where it has none."""
        recipe, settings = self.network.recipe, config.train
        if recipe is None or settings.recipe == "harness":
            return settings
        return replace(
            recipe,
            epochs=min(settings.recipe_epochs or recipe.epochs, recipe.epochs),
            lr=settings.recipe_lr or recipe.lr,
        )

    def compute(self, config: Config) -> ComputeConfig:
        """As the settings say, but in a memory format that the network can take."""
        wanted = config.compute.channels_last and self.network.channels_last
        return replace(config.compute, channels_last=wanted)

    def input_shape(self, config: Config) -> tuple[int, ...]:
        """Of one clip, (C, S, S) of a still or (C, T, H, W)."""
        return self.still.shape if self.still else super().input_shape(config)

    def record(self, config: Config, classes: int) -> dict[str, Any]:
        """The network, its parameters and the recipe that a run trains it by."""
        parameters = self._built(config, classes).parameters()
        network = {
            **asdict(self.network),
            "recipe": asdict(self.training(config)),
            "params": sum(parameter.numel() for parameter in parameters),
        }
        return {"space": None, "network": plain(network)}

    def _built(self, config: Config, classes: int) -> nn.Module:
        """The network; BenchError where it cannot be built.

        That of a package changes nothing of the process, here or when it is called, and replaces
        nothing of it when it is first built.
        """
        from bench.system.guarding import PROCESS, guard, undisturbed
        from bench.system.libraries import replacing, unreplaced

        who = f"network {self.name} of package {package_of(ENTRY_POINTS, self.name)}"
        foreign = self.name in brought(ENTRY_POINTS)
        first = foreign and self.name not in _harmless()
        try:
            with (
                undisturbed(who, PROCESS),
                unreplaced() if first else nullcontext(()) as replaced,
            ):
                network = self.network.build(classes)
            if foreign:
                guard(network, who)
            _take_sizes(network, self.input_shape(config))
        except MethodError:
            raise
        except FAILURES as error:  # a user's module may fail in any way; say whose it is
            raise BenchError(
                f"{self.name}: {self.network.network} cannot be built for {classes} classes: "
                f"{type(error).__name__}: {' '.join(str(error).split())}"
            ) from error
        if replaced:
            raise BenchError(f"{who} cannot be used: {replacing(replaced)}")
        _harmless().add(self.name)
        return network


def _take_sizes(network: nn.Module, shape: tuple[int, ...]) -> None:
    """Lazy layers take their sizes from clips of a shape; nothing where there are none."""
    import torch
    from torch.nn.parameter import is_lazy

    if any(map(is_lazy, (*network.parameters(), *network.buffers()))):
        with torch.no_grad():
            network.eval()(torch.zeros(2, *shape))
        network.train()
