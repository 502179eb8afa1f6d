"""Algorithm 1, search stage: α, η, β and the weights in turn, by first-order gradients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from typing import Any, ClassVar

from rnas.genotype import Genotype
from rnas.search import Batch, EpochLog, Searcher
from rnas.strategies.base import Cost, Material, Step, Strategy
from rnas.strategies.macs import macs_of

NOT_A_NUMBER = ("genotype", "weights")
"""Fields of an epoch's log that no single cell of a history can hold."""


class FirstOrder(Strategy):
    """A step is an epoch over Train A."""

    by_gradient = True

    searcher_class: ClassVar[type[Searcher]] = Searcher

    passes_of_a: ClassVar[int] = 1
    """Forward and backward passes of a batch of Train A in a step that moves α, η and β."""

    searcher: Searcher

    def __init__(self, material: Material) -> None:
        super().__init__(material)
        supernet, evaluate = material.supernet()
        self.settings = replace(
            material.settings, architecture_lr=material.settings.architecture_rate(material.steps)
        )
        self.searcher = self.searcher_class(supernet, self.settings, evaluate)
        self.steps = self.settings.epochs
        self.macs = macs_of(supernet, material.clip_shape)

    def title(self, step: int) -> str:
        """What a step is called in messages."""
        return "search epoch"

    def step(self, step: int) -> Step:
        """One epoch."""
        seen = [0, 0]
        log = self.searcher.run_epoch(step, _counted(self.material.pairs(step), seen))
        on_b, on_a = seen
        if self.settings.learns_architecture(step):
            trained, scored = self.passes_of_a * on_a + on_b, 0
        else:
            trained, scored = on_a, on_b
        cost = Cost.of(self.macs, trained, scored, networks=int(step == 0))
        return Step(_row(log), cost, log.weights)

    def genotype(self) -> Genotype:
        """What α, η and β decode to now."""
        return self.searcher.supernet.architecture.decode()

    def state_dict(self) -> dict[str, Any]:
        """Network and both optimisers."""
        return self.searcher.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what `state_dict` returned."""
        self.searcher.load_state_dict(state)


def _counted(
    pairs: Iterable[tuple[Batch, Batch]], seen: list[int]
) -> Iterator[tuple[Batch, Batch]]:
    """The pairs; adds their clips of Train B and of Train A to `seen` as they pass."""
    for pair in pairs:
        for which, (_, labels) in enumerate(pair):
            seen[which] += len(labels)
        yield pair


def _row(log: EpochLog) -> dict[str, Any]:
    genotype = log.genotype
    numbers = [item.name for item in fields(log) if item.name not in NOT_A_NUMBER]
    return {
        **{name: getattr(log, name) for name in numbers},
        "path": "-".join(map(str, genotype.path)),
        "edges": " ".join(f"{edge.source}>{edge.node}" for edge in genotype.edges),
        "operations": " ".join(genotype.operations),
    }
