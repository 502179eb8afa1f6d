"""Classical baselines: a classifier on features of a clip, without a network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from baselines.classical.baseline import ClassicalBaseline, ClipInput
from baselines.fixed import StillInput
from bench.config.settings import Config, DataConfig
from bench.methods.variants import Variant, footnote


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
        return footnote(self.facts)

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
