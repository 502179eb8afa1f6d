"""Single path one-shot search with evolution (Guo et al. 2020).

First a supernet's weights are trained, in every step those of one uniformly drawn genotype: a path,
the edges of its cell, an operation on each. Then genotypes evolve, each scored on Train B with
those weights.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F

from rnas.errors import LossDiverged, MethodError
from rnas.genotype import Genotype, random_genotype
from rnas.optimisers import SGD
from rnas.strategies.base import FORWARD, Cost, Material, Step, Strategy, Trial
from rnas.strategies.evolution import Member, children, first_generation, survivors
from rnas.strategies.macs import MacCounter
from rnas.subnet import genotype_logits


class SinglePath(Strategy):
    """The first steps are epochs that train the supernet, the others generations.

    Batch norms use the statistics of the batch, in training and in scoring: each genotype has its
    own, which no running mean over genotypes could replace. α, η and β are not used.
    """

    def __init__(self, material: Material) -> None:
        super().__init__(material)
        settings = material.settings
        self.settings = replace(settings, epochs=settings.path_epochs)
        self.steps = settings.path_epochs + settings.generations
        self.supernet, _ = material.supernet()
        self.weights = self.supernet.weight_parameters()
        self.optimiser = SGD(
            self.weights,
            lr=settings.weight_lr,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )  # not fused: that needs a gradient of every weight with a momentum
        self.population: list[Member] = []

    def title(self, step: int) -> str:
        """What a step is called in messages."""
        return "search epoch" if step < self.settings.epochs else "search generation"

    def step(self, step: int) -> Step:
        """An epoch over Train A, or a generation."""
        with MacCounter(self.supernet) as counter:
            if step < self.settings.epochs:
                row, trained, scored = self._train(step)
            else:
                row, trained, scored = self._evolve(step)
        forward = counter.total * (FORWARD if trained else 1)
        passes = trained + scored / FORWARD
        return Step({"step": step, **row}, Cost(passes, forward, int(step == 0)))

    def _train(self, epoch: int) -> tuple[dict[str, Any], int, int]:
        """The log of an epoch, and its clips: trained, scored."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.cosine_lr(epoch)
        generator = self.material.generator(epoch)
        losses: list[torch.Tensor] = []
        seen = 0
        self.supernet.train()
        for _, (clips, labels) in self.material.pairs(epoch):
            genotype = random_genotype(self.material.space, generator)
            loss = F.cross_entropy(genotype_logits(self.supernet, genotype, clips), labels)
            self.optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.weights, self.settings.clip)
            self.optimiser.step()
            losses.append(loss.detach())
            seen += len(labels)
        if not losses:
            raise MethodError(f"search epoch {epoch + 1} has no batch: it needs two clips or more")
        mean = float(torch.stack(losses).mean())
        if not torch.isfinite(torch.tensor(mean)):
            raise LossDiverged(
                f"the loss of search epoch {epoch + 1} is {mean}: lower the learning rate "
                "(search.weight_lr) or check the clips"
            )
        return {"weight_loss": mean, "best_accuracy": None, "best_loss": None}, seen, 0

    def _evolve(self, step: int) -> tuple[dict[str, Any], int, int]:
        """The log of a generation, and its clips: trained, scored."""
        space, generator = self.material.space, self.material.generator(step)
        if self.population:
            born = children(self.population, space, self.settings, generator)
        else:
            born = first_generation(space, self.settings, generator)
        batches = list(self.material.train_b())
        trials = [self._scored(genotype, batches) for genotype in born]
        new = [
            Member(trial.fitness, genotype) for trial, genotype in zip(trials, born, strict=True)
        ]
        self.population = survivors([*self.population, *new], self.settings.population)
        accuracy, loss = self.population[0].fitness
        row = {"weight_loss": None, "best_accuracy": accuracy, "best_loss": -loss}
        return row, 0, len(born) * sum(len(labels) for _, labels in batches)

    @torch.no_grad()
    def _scored(self, genotype: Genotype, batches: Iterable[tuple]) -> Trial:
        right, loss, seen = 0, 0.0, 0
        for clips, labels in batches:
            logits = genotype_logits(self.supernet, genotype, clips)
            right += int((logits.argmax(1) == labels).sum())
            loss += float(F.cross_entropy(logits, labels, reduction="sum"))
            seen += len(labels)
        return Trial(right / seen, loss / seen)

    def genotype(self) -> Genotype:
        """The best of the population; MethodError before the first generation."""
        if not self.population:
            raise MethodError("single_path has no generation: search.generations is at least 1")
        return self.population[0].genotype

    def state_dict(self) -> dict[str, Any]:
        """Network, optimiser, population."""
        return {
            "supernet": self.supernet.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "population": [
                (list(member.fitness), member.genotype.to_json()) for member in self.population
            ],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what `state_dict` returned."""
        self.supernet.load_state_dict(state["supernet"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.population = [
            Member(tuple(fitness), Genotype.from_json(text))
            for fitness, text in state["population"]
        ]
