"""What the harness asks of a method under test; each kind of method answers in its class.

Nothing in this folder imports torch before a network is built: variants are listed without it.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

from baselines.fixed import FLOWS, Recipe, StillInput
from bench.config.settings import ComputeConfig, Config, DataConfig, TrainConfig
from bench.errors import UsageError
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


def footnote(facts: Mapping[str, str]) -> str:
    """Facts in one line, without those that have a column of their own."""
    hidden = ("marks", "reference")
    return "; ".join(f"{what}: {text}" for what, text in facts.items() if what not in hidden)


def plain(record: dict[str, Any]) -> dict[str, Any]:
    """As JSON gives it back, without what has no effect on a run."""
    return {key: json.loads(json.dumps(record[key])) for key in record if key not in WITHOUT_EFFECT}
