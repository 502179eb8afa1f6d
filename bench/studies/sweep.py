"""Which learning rate, warm-up and number of epochs train every network of a search space?

Genotypes are drawn uniformly, and each is trained under every setting with every seed. A setting is
chosen by training losses alone, never by a score: the fewest epochs under which nearly all networks
of every space are trained, then the smallest spread of the last loss between seeds.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import log
from typing import Any

import numpy as np

from bench.config.settings import Config
from bench.data.clips import ClipSet
from bench.engine.request import Request
from bench.methods import registry
from bench.protocol.metrics import UAR
from bench.runs.folder import SWEEP
from bench.runs.folds import ENOUGH_TRAINED, TRAINED_BELOW, sealed_fold
from bench.runs.predictions import run_predictions
from bench.seeds import derive_seed
from bench.studies.trials import Trial, given_trials
from rnas.genotype import random_genotype
from rnas.space import SearchSpace

FOLDER = SWEEP


@dataclass(frozen=True)
class Setting:
    """A training setting: epochs, learning rate after the warm-up, its share of the epochs."""

    epochs: int
    lr: float
    warmup: float

    def of(self, config: Config) -> Config:
        """The settings with this training."""
        train = replace(config.train, epochs=self.epochs, lr=self.lr, warmup=self.warmup)
        return replace(config, train=train)


def settings(
    epochs: Sequence[int], rates: Sequence[float], warmups: Sequence[float]
) -> tuple[Setting, ...]:
    """Every combination, each once."""
    return tuple(dict.fromkeys(Setting(*each) for each in product(epochs, rates, warmups)))


@dataclass(frozen=True)
class Group:
    """The networks of one space under one setting: a trial per seed of each drawn genotype."""

    variant: str
    setting: Setting
    genotypes: tuple[tuple[Trial, ...], ...]

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All of them, genotype by genotype."""
        return tuple(trial for seeds in self.genotypes for trial in seeds)


def design(
    request: Request, chosen: Sequence[Setting], genotypes: int, clips: ClipSet
) -> tuple[Group, ...]:
    """The networks to train, setting by setting; nothing is written.

    Variants whose networks are the same are one space.
    """
    spaces: dict[SearchSpace, str] = {}
    for name in request.variants:
        space = registry.variant(name).configured_space(request.config)
        spaces.setdefault(space.network, name)

    def trials(name: str, setting: Setting, number: int) -> tuple[Trial, ...]:
        own = request.under(setting.of(request.config_of(name)), name)
        space = registry.variant(name).configured_space(own.config)
        genotype = random_genotype(space, random.Random(derive_seed(number, "sweep")))
        place = request.runs / FOLDER / name / f"genotype{number}" / own.config.hash
        return given_trials(own, place, genotype, space, clips)

    return tuple(
        Group(name, setting, tuple(trials(name, setting, each) for each in range(genotypes)))
        for setting in chosen
        for name in spaces.values()
    )


def measure(groups: Sequence[Group], classes: int) -> dict[str, Any]:
    """What finished networks say.

    `rows`: per space and setting the share of `trained` networks, quantiles of the `loss` of the
    last epoch over ln(classes), its standard deviation between seeds of a genotype (`seed_sd`) and
    between genotypes (`genotype_sd`), and the same of UAR, which no choice looks at; `chosen`: the
    setting, None where none trains enough networks of every space. Raises BenchError where a
    network is not finished.
    """
    rows = [_row(group, classes) for group in groups]
    return {"rows": rows, "chosen": choose(rows), "trained_below": TRAINED_BELOW}


def choose(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The setting that trains nearly all networks of every space in the fewest epochs.

    Among those the one whose last losses differ least between seeds, on average over spaces.
    """
    by_setting: dict[tuple[int, float, float], list[dict[str, Any]]] = {}
    for row in rows:
        by_setting.setdefault((row["epochs"], row["lr"], row["warmup"]), []).append(row)

    def cost(setting: tuple[int, float, float]) -> tuple[int, float]:
        return setting[0], float(np.mean([row["loss"]["seed_sd"] for row in by_setting[setting]]))

    fit = [
        setting
        for setting, found in by_setting.items()
        if min(row["trained"] for row in found) >= ENOUGH_TRAINED
    ]
    if not fit:
        return None
    epochs, lr, warmup = min(fit, key=cost)
    return {"epochs": epochs, "lr": lr, "warmup": warmup}


def _row(group: Group, classes: int) -> dict[str, Any]:
    losses = np.array([[_last_loss(trial) for trial in each] for each in group.genotypes])
    losses = losses / log(classes)  # (genotypes, seeds)
    scores = np.array([[_uar(trial) for trial in each] for each in group.genotypes])
    low, median, high = np.quantile(losses, (0.05, 0.5, 0.95))
    setting = group.setting
    return {
        "variant": group.variant,
        "epochs": setting.epochs,
        "lr": setting.lr,
        "warmup": setting.warmup,
        "networks": losses.size,
        "trained": float((losses < TRAINED_BELOW).mean()),
        "loss": {"low": low, "median": median, "high": high, **spread(losses)},
        "losses": losses.tolist(),
        "uar": {"mean": float(scores.mean()), **spread(scores)},
        "uars": scores.tolist(),
    }


def spread(values: np.ndarray) -> dict[str, float]:
    """Standard deviations of values (genotypes, seeds) as one-way random effects.

    `seed_sd`: between seeds of a genotype; `genotype_sd`: between genotypes, the share of seeds
    taken off the variance of their means (0 where it exceeds it).
    """
    within = values.var(axis=1, ddof=1).mean()
    between = values.mean(axis=1).var(ddof=1) - within / values.shape[1]
    return {"seed_sd": float(within**0.5), "genotype_sd": float(max(between, 0.0) ** 0.5)}


def _last_loss(trial: Trial) -> float:
    """The mean over the folds of a run."""
    folder = trial.job.folder
    return float(np.mean([sealed_fold(folder, fold).losses[-1] for fold in trial.job.folds]))


def _uar(trial: Trial) -> float:
    matrix = run_predictions(trial.job.folder).matrices.sum(axis=0)
    return float(UAR.function(matrix))
