"""The kinds of methods under test: what the harness asks of a variant, its class answers.

Nothing here imports torch before a network is built, so that variants are listed without it.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

from baselines.classical.baseline import ClassicalBaseline, ClipInput
from baselines.fixed import FLOWS, FixedNetwork, Recipe, StillInput
from bench.config.settings import ComputeConfig, Config, DataConfig, SpaceConfig, TrainConfig
from bench.errors import FAILURES, BenchError, UsageError, unknown_name
from bench.methods.operations import known_operations
from bench.methods.strategies import STRATEGIES
from bench.system.entry_points import brought, package_of, remembered
from rnas.errors import MethodError
from rnas.genotype import Genotype
from rnas.space import SearchSpace

if TYPE_CHECKING:
    from torch import nn

    from rnas.supernet import Supernet

ENTRY_POINTS = "bench.variants"
RANDOM_PREFIX = "random_"

EVALUATION = MappingProxyType(
    {
        "fold": "bench.engine.fold:evaluate_fold",
        "metrics": "bench.engine.units:score",
        "profile": "bench.engine.units:measure",
    }
)
"""The work of every kind whose folds train a network."""

WITHOUT_EFFECT = ("summary", "groups", "marks", "size_target", "least_voxels")
"""Fields of a search space or a fixed network that change no run beside what others of them say."""


@dataclass(frozen=True, kw_only=True)
class Variant(ABC):
    """A method under test; each kind of method is a subclass.

    groups: the names by which `--variant` selects it together with others.
    """

    value: ClassVar[type]
    """Type of what an entry point of this kind names."""

    kind: ClassVar[str]
    """The word for this kind in `run.json` and in listings."""

    origin: ClassVar[str]
    """Where its architecture comes from, as `metrics.json` says it."""

    network_word: ClassVar[str]
    """What its trained network is called."""

    searches: ClassVar[bool]
    """Whether a search or a draw gives each run its architecture before folds are trained."""

    learns: ClassVar[bool] = False
    """Whether that search learns from clips (Algorithm 1)."""

    without_search: ClassVar[str] = ""
    """What it does or is instead of learning an architecture: a verb phrase for messages."""

    unlearnt: ClassVar[str] = ""
    unlearnt_many: ClassVar[str] = ""
    """Why there is no search to show, of one run and of many; empty where there is one."""

    has_epochs: ClassVar[bool] = True
    """Whether its training has epochs, of which a selection rule chooses one."""

    control: ClassVar[bool] = False
    """Whether it is the random control of another variant, which `all` leaves out."""

    work: ClassVar[Mapping[str, str]]
    """Phase of a run -> `module:function` that does its units. It is imported when a unit is done:
    to list a variant needs neither torch nor the engine."""

    threads: ClassVar[int | None] = None
    """Threads that a fold is trained on; None for as many as the process has."""

    name: str
    groups: tuple[str, ...]
    summary: str
    marks: tuple[str, ...] = ()

    @classmethod
    def of(cls, value: Any) -> Self:
        """The variant of a registered value."""
        return cls(
            name=value.name,
            groups=value.groups,
            summary=value.summary,
            marks=value.marks,
            **cls._own_fields(value),
        )

    @classmethod
    @abstractmethod
    def _own_fields(cls, value: Any) -> dict[str, Any]:
        """Fields of this kind alone."""

    @property
    def group(self) -> str:
        """The first of its groups: the one listings show."""
        return self.groups[0] if self.groups else "own"

    @property
    def still(self) -> StillInput | None:
        """The image per clip that it wants; None where it sees clips."""
        return None

    @property
    def inputs(self) -> tuple[StillInput | None, ...]:
        """What is prepared of each clip, None for the clip itself; empty where nothing is seen."""
        return (self.still,)

    @property
    def needs_frames(self) -> bool:
        """Whether it has no input where clips are ready flow images."""
        return self.still is not None and self.still.kind not in FLOWS

    def data(self, config: Config) -> DataConfig:
        """How the clips of a run become its input."""
        return config.data

    @property
    def reference(self) -> str:
        """The publication, where tables name it."""
        return ""

    @property
    def released_ways(self) -> tuple[str, ...]:
        """How its released code scores where it does not do it as here: `RELEASED_WAYS`."""
        return ()

    @property
    @abstractmethod
    def facts(self) -> dict[str, str]:
        """What `bench list variants --long` says of it beside its name."""

    @property
    @abstractmethod
    def details(self) -> dict[str, Any]:
        """The same as plain values for JSON; None where it is not known or depends on the run."""

    @property
    def pretrained(self) -> bool:
        """Whether it says that not all weights of its networks are drawn."""
        return self.details["pretraining"].strip().lower() not in ("", "none")

    @property
    def footnote(self) -> str:
        """What a table says of it below its rows."""
        return ""

    @abstractmethod
    def check(self, config: Config) -> None:
        """Raises BenchError or MethodError where it cannot be built under these settings."""

    def configured_space(self, config: Config) -> SearchSpace:
        """The search space under the settings of a run; UsageError where it has none."""
        raise UsageError(f"{self.name} {self.without_search} and has no search space")

    def supernet(self, config: Config, classes: int) -> Callable[[], Supernet]:
        """Builds the network that Algorithm 1 searches; UsageError where nothing is learnt."""
        raise UsageError(
            f"{self.name} {self.without_search} and has no supernet: leave out --supernet"
        )

    def builder(
        self, config: Config, classes: int, genotype: Genotype | None
    ) -> Callable[[], nn.Module]:
        """Builds the network that a fold trains, untrained; can be pickled.

        genotype: None for a variant that does not search. Raises UsageError where no fold trains a
        network.
        """
        raise UsageError(f"{self.name} trains no network that could be built or measured")

    def training(self, config: Config) -> TrainConfig | Recipe:
        """How a run trains its networks."""
        return config.train

    def compute(self, config: Config) -> ComputeConfig:
        """How a run computes the networks that it trains fold by fold."""
        return config.compute

    def input_shape(self, config: Config) -> tuple[int, ...]:
        """Of one clip, (C, T, H, W)."""
        return (3, config.data.frames, config.data.size, config.data.size)

    def record(self, config: Config, classes: int) -> dict[str, Any]:
        """What `run.json` keeps of the method: `space` and `network`, null where it has none."""
        return {"space": None, "network": None}


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
        return {"space": _plain(asdict(self.configured_space(config))), "network": None}


@dataclass(frozen=True, kw_only=True)
class Searched(InSpace):
    """A method that searches its space, by the strategy that `search.strategy` names."""

    kind = "search"
    origin = "searched"
    learns = True
    work = MappingProxyType({"search": "bench.engine.search:search", **EVALUATION})

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
    work = MappingProxyType({"search": "bench.engine.search:draw", **EVALUATION})
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
        return _footnote(self.facts)

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
        return {"space": None, "network": _plain(network)}

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


@dataclass(frozen=True, kw_only=True)
class Estimated(Variant):
    """A classical baseline: a scikit-learn classifier on features of a clip, without a network.

    It has no epochs, no losses and no profile. Every seed gives the same answers, except that a
    seed decides how `data.shuffle_labels` permutes the labels.
    """

    value = ClassicalBaseline
    kind = "estimator"
    origin = "fixed"
    network_word = "classifier"
    searches = False
    work = MappingProxyType(
        {"fold": "bench.engine.estimate:evaluate_fold", "metrics": "bench.engine.units:score"}
    )
    without_search = "is a classical baseline"
    unlearnt = "a classical baseline: nothing is searched"
    unlearnt_many = "classical baselines"
    threads = 1
    has_epochs = False

    baseline: ClassicalBaseline

    @classmethod
    def _own_fields(cls, value: ClassicalBaseline) -> dict[str, Any]:
        return {"baseline": value}

    @property
    def still(self) -> StillInput | None:
        """The image per clip that it wants; None where it sees clips or nothing."""
        return self.baseline.input if isinstance(self.baseline.input, StillInput) else None

    @property
    def inputs(self) -> tuple[StillInput | None, ...]:
        """Its still, or the clip; empty where it looks at labels alone."""
        return (self.still,) if self.baseline.input else ()

    @property
    def needs_frames(self) -> bool:
        """Whether it has no input where clips are ready flow images: flow has no grey levels."""
        return isinstance(self.baseline.input, ClipInput) or super().needs_frames

    @property
    def reference(self) -> str:
        """The publication."""
        return self.baseline.reference

    def data(self, config: Config) -> DataConfig:
        """As the settings say, but frames, whose number and size may be of its own."""
        wanted = self.baseline.input
        if not isinstance(wanted, ClipInput):
            return config.data
        data = replace(config.data, representation="rgb")  # flow has no grey levels
        return replace(data, frames=wanted.frames, size=wanted.size) if wanted.frames else data

    @property
    def facts(self) -> dict[str, str]:
        """What the baseline says of itself."""
        return self.baseline.facts

    @property
    def footnote(self) -> str:
        """Its facts in one line, without those that have a column of their own."""
        return _footnote(self.facts)

    @property
    def details(self) -> dict[str, Any]:
        """What the baseline says of itself, as plain values."""
        return {
            "parameters": None,
            "input": self.facts["input"],
            "recipe": None,
            "pretraining": "none",
            "released_selection": None,
            "deviations": list(self.baseline.deviations),
            "marks": list(self.marks),
            "reference": self.reference or None,
        }

    def check(self, config: Config) -> None:
        """Raises MethodError where clips of these settings have no features."""
        import numpy as np

        data = self.data(config)
        shape = self.still.shape if self.still else (data.frames, data.size, data.size, 3)
        self.baseline.features(np.zeros(shape, np.float32 if self.still else np.uint8))


KINDS: tuple[type[Variant], ...] = (Searched, Fixed, Estimated, Drawn)
"""Every kind, in the order of listings. A registered value has a variant of each kind that takes
its type."""


def variants_of(values: Mapping[str, Any]) -> list[Variant]:
    """The variants of registered values, in the order of listings."""
    found = values.values()
    listed = [kind.of(value) for kind in KINDS for value in found if isinstance(value, kind.value)]
    controls: dict[SearchSpace, str] = {}
    return [_one_experiment(v, controls) if isinstance(v, Drawn) else v for v in listed]


def _one_experiment(control: Drawn, earlier: dict[SearchSpace, str]) -> Drawn:
    """The control, marked where an earlier one derives the same networks; adds it to `earlier`."""
    same = earlier.setdefault(control.space.network, control.name)
    if same == control.name:
        return control
    return replace(control, marks=(*control.marks, f"same networks as {same} at equal F"))


def is_registrable(value: Any) -> bool:
    """Whether some kind of variant takes a value of this type."""
    return isinstance(value, tuple(kind.value for kind in KINDS))


def kind_named(word: str) -> type[Variant]:
    """The kind of a word in `run.json`; UsageError where there is no such kind."""
    known = {kind.kind: kind for kind in KINDS}
    if word not in known:
        raise unknown_name("kind of method", word, known)
    return known[word]


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


def _footnote(facts: Mapping[str, str]) -> str:
    hidden = ("marks", "reference")
    return "; ".join(f"{what}: {text}" for what, text in facts.items() if what not in hidden)


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """As JSON gives it back, without what has no effect on a run."""
    return {key: json.loads(json.dumps(record[key])) for key in record if key not in WITHOUT_EFFECT}
