"""Random search with successive halving (Jamieson & Talwalkar 2016; Li & Talwalkar 2019)."""

from __future__ import annotations

from typing import Any

from rnas.genotype import Genotype, random_genotype
from rnas.strategies.base import Material, Step, Strategy


class RandomSearch(Strategy):
    """A step trains one network on Train A and scores it on Train B.

    The first rung holds uniformly drawn genotypes, every further one the better half of the last,
    which train for twice as many epochs; from scratch, since a cosine schedule that has ended
    cannot be prolonged. The best of the last rung wins.
    """

    def __init__(self, material: Material) -> None:
        super().__init__(material)
        settings, generator = material.settings, material.generator(0)
        sizes = [settings.candidates // 2**rung for rung in range(settings.rungs)]
        self.sizes = [size for size in sizes if size > 1] or sizes[:1]  # one alone has won
        self.steps = sum(self.sizes)
        self.left = [random_genotype(material.space, generator) for _ in range(settings.candidates)]
        self.fitness: list[tuple[float, float]] = []  # of the rung's networks so far

    def title(self, step: int) -> str:
        """What a step is called in messages."""
        return "search network"

    def step(self, step: int) -> Step:
        """One network of a rung; with the last of them the worse half goes."""
        rung, number = self._place(step)
        epochs = self.material.settings.brief_epochs * 2**rung
        trial = self.material.trial(self.left[number], epochs, f"{rung}-{number}")
        self.fitness.append(trial.fitness)
        if len(self.fitness) == self.sizes[rung]:
            self._close(self.sizes[min(rung + 1, len(self.sizes) - 1)])
        row = {"rung": rung, "network": number, "epochs": epochs}
        return Step({**row, "accuracy": trial.accuracy, "loss": trial.loss}, trial.cost)

    def _place(self, step: int) -> tuple[int, int]:
        """The rung of a step, and its place there."""
        for rung, size in enumerate(self.sizes):
            if step < size:
                return rung, step
            step -= size
        raise IndexError(step)

    def _close(self, stay: int) -> None:
        """Sorts the rung, the best first, and keeps so many."""
        order = sorted(range(len(self.left)), key=lambda k: self.fitness[k], reverse=True)
        self.left = [self.left[k] for k in order[:stay]]
        self.fitness = []

    def genotype(self) -> Genotype:
        """The best of the last rung."""
        return self.left[0]

    def state_dict(self) -> dict[str, Any]:
        """The genotypes that are left, and what is known of them."""
        return {"left": [each.to_json() for each in self.left], "fitness": list(self.fitness)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what `state_dict` returned."""
        self.left = [Genotype.from_json(text) for text in state["left"]]
        self.fitness = [tuple(each) for each in state["fitness"]]
