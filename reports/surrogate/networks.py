"""A trained network on surrogate clips, beside a linear classifier on the same input and folds."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np

from bench.config.loading import load_config
from bench.config.settings import Config, TrainConfig
from bench.data.clips import CHALLENGE_CLASSES
from bench.data.sources import Source, load
from reports.surrogate.measures import Level, Progress, Result, config_of, regression

VARIANT = "rnas_mer"

GENOTYPE = 106
"""Seed of a random genotype whose path soon gets coarse (4-4-8-8-8-16), so that it trains fast."""

TRAINING = TrainConfig(epochs=30, lr=0.01)

SUBJECTS = 8

FOLDS = 3
"""Groups of subjects, each left out once."""


class Inputs:
    """What networks see of the N clips of a level under the preset `small`."""

    def __init__(self, level: Level, cache: Path) -> None:
        config = load_config("small", [f"data.subject_count={SUBJECTS}"])
        made = config_of(level)
        data = replace(
            config.data,
            difficulty=made.difficulty,
            surrogate_seed=made.surrogate_seed,
            surrogate_version=made.surrogate_version,
        )
        self.config: Config = replace(config, data=data)
        source = Source(level.dataset, None, True, cache.absolute())
        clip_set, self.videos = load(source, data)  # uint8 (N, T, S, S, 3)
        self.labels = np.array([clip.label for clip in clip_set.clips])
        self.people = [f"{clip.dataset} {clip.subject}" for clip in clip_set.clips]

    @cached_property
    def differences(self) -> np.ndarray:
        """Grey levels of every frame minus those of the onset frame (N, T·S·S)."""
        grey = self.videos.astype(np.float32).mean(axis=-1)
        return (grey - grey[:, :1]).reshape(len(grey), -1)


@dataclass(frozen=True)
class Learner:
    """A method in words, and a function (inputs, train, test) -> classes of the test clips."""

    title: str
    predict: Callable[[Inputs, np.ndarray, np.ndarray], np.ndarray]


def input_results(
    level: Level, cache: Path, progress: Progress, known: Collection[tuple[str, str]] = ()
) -> Iterator[Result]:
    """Yields each learner's `input_uar`, pooled over FOLDS groups of subjects, unless `known`."""
    from sklearn.metrics import recall_score
    from sklearn.model_selection import GroupKFold

    missing = [name for name in LEARNERS if ("input_uar", name) not in known]
    if not missing:
        return
    seen = Inputs(level, cache)
    folds = list(GroupKFold(FOLDS).split(seen.labels, groups=seen.people))
    for name in missing:
        predicted = np.empty_like(seen.labels)
        for number, (train, test) in enumerate(folds):
            progress(LEARNERS[name].title, number, FOLDS)
            predicted[test] = LEARNERS[name].predict(seen, train, test)
        score = float(recall_score(seen.labels, predicted, average="macro"))
        yield Result("input_uar", name, score, 0.0, 1)


def _linear(seen: Inputs, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    fitted = regression().fit(seen.differences[train], seen.labels[train])
    return fitted.predict(seen.differences[test])


def _network(seen: Inputs, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """By a new network of the genotype, trained on the other clips."""
    import torch

    from bench.methods import registry
    from bench.seeds import seeded
    from bench.training import loop
    from bench.training.tensors import ClipTensors
    from rnas.genotype import random_genotype

    variant, classes = registry.variant(VARIANT), len(CHALLENGE_CLASSES)
    genotype = random_genotype(variant.configured_space(seen.config), random.Random(GENOTYPE))
    with seeded(0):
        network = variant.builder(seen.config, classes, genotype)()
    videos, labels = torch.from_numpy(seen.videos), torch.from_numpy(seen.labels)
    clips = ClipTensors(videos, labels, classes, seen.config.data)
    loop.train(network, clips, train.tolist(), TRAINING, 0, "surrogate", lambda *_: None)
    return loop.predict(network, clips, test.tolist()).argmax(1).numpy()


LEARNERS: Mapping[str, Learner] = MappingProxyType(
    {
        "linear": Learner("linear classifier on all differences from the onset frame", _linear),
        "network": Learner("trained network on the same differences", _network),
    }
)
