"""One variant with one seed: what its run folder holds and needs."""

from __future__ import annotations

from dataclasses import dataclass

from bench.config.settings import Config
from bench.data.sources import Source
from bench.methods import registry
from bench.runs.folder import RunFolder


@dataclass(frozen=True)
class Job:
    """One run: a variant on a data set under one configuration and seed, in one folder."""

    folder: RunFolder
    variant: str
    source: Source
    preset: str
    config: Config
    seed: int
    device: str
    folds: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"{self.variant} on {self.data_name}, seed {self.seed}"

    @property
    def searches(self) -> bool:
        """Whether there is an architecture to find or draw: not for a fixed network."""
        return registry.variant(self.variant).kind != "fixed"

    @property
    def threads(self) -> int | None:
        """Threads of torch that its networks train on, None for as many as the process has.

        Fixed networks are small, and on one thread the same on machines with any number of cores.
        """
        return None if self.searches else 1

    @property
    def data_name(self) -> str:
        return self.source.label + (" (surrogate)" if self.source.surrogate else "")

    @property
    def stamp(self) -> dict[str, str | int]:
        """What the files of a run say of the run that made them."""
        return {"variant": self.variant, "config_hash": self.folder.config_hash, "seed": self.seed}

    def search_fold(self, fold: str) -> str:
        """The search that a fold's architecture comes from: its own, or the run's only one."""
        return fold if self.config.protocol.search_scope == "fold" else ""
