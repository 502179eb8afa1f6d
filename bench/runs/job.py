"""A run to be made: one variant with one seed, in one folder."""

from __future__ import annotations

from dataclasses import dataclass

from bench.config.settings import Config
from bench.data.sources import Source
from bench.methods import registry
from bench.methods.variants import Variant
from bench.runs.folder import RunFolder
from bench.runs.scope import Searches


@dataclass(frozen=True)
class Job:
    """One run: a variant on a data set under one configuration and seed, in one folder.

    device: as `--device` names it, where the machine that does a unit chooses, or a torch device;
    clips: how many there are, where that is known.
    """

    folder: RunFolder
    variant: str
    source: Source
    preset: str
    config: Config
    seed: int
    device: str
    folds: tuple[str, ...]
    clips: int = 0

    @property
    def title(self) -> str:
        """The run in a list of runs."""
        return f"{self.variant} on {self.data_name}, seed {self.seed}"

    @property
    def method(self) -> Variant:
        """The variant."""
        return registry.variant(self.variant)

    @property
    def data_name(self) -> str:
        """The data set, and whether its clips are generated."""
        return self.source.label + (" (surrogate)" if self.source.surrogate else "")

    @property
    def stamp(self) -> dict[str, str | int]:
        """Identifies the run in each of its files."""
        return {"variant": self.variant, "config_hash": self.folder.config_hash, "seed": self.seed}

    @property
    def searches(self) -> Searches:
        """Which searches the run has."""
        return Searches(self.method.searches, self.config.protocol.search_scope, self.folds)
