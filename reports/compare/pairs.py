"""Two entries on the same clips: differences, intervals, tests; and the control by chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from bench.errors import unknown_name
from bench.protocol.metrics import metrics
from bench.scoring.statistics import (
    Difference,
    Interval,
    combined_p,
    holm,
    mcnemar,
    paired_bootstrap,
    permutation_test,
)
from bench.seeds import derive_seed
from reports.compare.entries import Entry

SIGNIFICANT = 0.05

Advance = Callable[[int, int], None]
"""Called with (pairs done, pairs in all)."""


@dataclass(frozen=True)
class Pair:
    """first - second, over the seeds that they are paired by.

    differences: metric -> interval; permutation: of the metric that is tested; mcnemar: per pair
    of seeds, with `mcnemar_p` for all of them; the `_holm` values are corrected for all the pairs
    compared together.
    """

    first: str
    second: str
    seeds: tuple[tuple[int, int], ...]
    differences: dict[str, Interval]
    permutation: Difference
    mcnemar: tuple[Difference, ...]
    mcnemar_p: float
    permutation_holm: float
    mcnemar_holm: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "first": self.first,
            "second": self.second,
            "seeds": [list(pair) for pair in self.seeds],
            "differences": {name: each.to_dict() for name, each in self.differences.items()},
            "permutation": {**self.permutation.to_dict(), "p_holm": self.permutation_holm},
            "mcnemar": {
                "p": self.mcnemar_p,
                "p_holm": self.mcnemar_holm,
                "seeds": [each.to_dict() for each in self.mcnemar],
            },
        }


@dataclass(frozen=True)
class Control:
    """An entry beside random architectures of its own search space.

    relative: (score - mean) / mean of the random ones' scores, in per cent (Yang, Esperança and
    Carlucci, ICLR 2020); better: how many of them the entry's mean score is above.
    """

    name: str
    random: str
    metric: str
    score: float
    random_mean: float
    random_scores: tuple[float, ...]
    relative: float | None
    better: int
    difference: Interval

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            **{name: getattr(self, name) for name in self.__dataclass_fields__},
            "random_scores": list(self.random_scores),
            "difference": self.difference.to_dict(),
        }


def paired_seeds(first: Entry, second: Entry) -> tuple[tuple[int, int], ...]:
    """The seeds that both have; where they share none, the seeds in order, as many as both have."""
    shared = sorted(set(first.seeds) & set(second.seeds))
    if shared:
        return tuple((seed, seed) for seed in shared)
    return tuple(zip(first.seeds, second.seeds, strict=False))


def seed_notes(first: Entry, second: Entry) -> list[str]:
    """What a reader must know of how the seeds of two entries were paired."""
    pairs = paired_seeds(first, second)
    who = f"{first.name} and {second.name}"
    if any(one != two for one, two in pairs):
        told = ", ".join(f"{one} with {two}" for one, two in pairs)
        return [f"{who} share no seed: paired in order, {told}"]
    if len(pairs) < max(len(first.seeds), len(second.seeds)):
        told = ", ".join(str(one) for one, _ in pairs)
        return [f"{who} are compared on the seeds that both have: {told}"]
    return []


def couples_of(entries: Sequence[Entry], reference: str = "") -> list[tuple[Entry, Entry]]:
    """All pairs of entries in order; with a reference that one with each other.

    Raises UsageError where no entry has its name.
    """
    if not reference:
        return list(combinations(entries, 2))
    names = [entry.name for entry in entries]
    if reference not in names:
        raise unknown_name("reference", reference, names)
    first = entries[names.index(reference)]
    return [(first, entry) for entry in entries if entry is not first]


def compare_pairs(
    couples: Sequence[tuple[Entry, Entry]], metric: str, draws: int, seed: int, advance: Advance
) -> list[Pair]:
    """The pairs of entries, their p values corrected together by Holm's method."""
    pairs = []
    for number, (first, second) in enumerate(couples, 1):
        pairs.append(_pair(first, second, metric, draws, seed))
        advance(number, len(couples))
    permuted = holm([pair.permutation.p for pair in pairs])
    counted = holm([pair.mcnemar_p for pair in pairs])
    return [
        replace(pair, permutation_holm=one, mcnemar_holm=two)
        for pair, one, two in zip(pairs, permuted, counted, strict=True)
    ]


def least_note(pairs: Sequence[Pair], subjects: int, draws: int) -> list[str]:
    """What a reader must know where so few subjects cannot show a difference between so many pairs.

    Of the 2^S assignments of S subjects at least two are as extreme as the one found.
    """
    least = max(2 / 2**subjects, 1 / (draws + 1))
    if len(pairs) * least <= SIGNIFICANT:
        return []
    told = "a pair" if len(pairs) == 1 else f"the first of {len(pairs)} pairs by Holm"
    return [
        f"with {subjects} subjects p is at least {len(pairs) * least:.3f} for {told}: no "
        f"difference can be significant at {SIGNIFICANT}; compare fewer pairs (--reference)"
    ]


def beside_random(entry: Entry, random: Entry, metric: str, draws: int, seed: int) -> Control:
    """The relative improvement of an entry over the average of its space's random networks.

    The interval is that of the difference of the mean scores, over subjects.
    """
    score = float(entry.scores(metric).mean())
    others = random.scores(metric)
    mean = float(others.mean())
    return Control(
        name=entry.name,
        random=random.name,
        metric=metric,
        score=score,
        random_mean=mean,
        random_scores=tuple(others.tolist()),
        relative=100 * (score - mean) / mean if mean > 0 else None,
        better=int((score > others).sum()),
        difference=_interval(entry.matrices, random.matrices, metric, draws, seed),
    )


def _pair(first: Entry, second: Entry, metric: str, draws: int, seed: int) -> Pair:
    seeds = paired_seeds(first, second)
    one = [first.seeds.index(own) for own, _ in seeds]
    two = [second.seeds.index(other) for _, other in seeds]
    left, right = first.matrices[one], second.matrices[two]
    tests = tuple(
        mcnemar(first.predictions[i].right, second.predictions[j].right)
        for i, j in zip(one, two, strict=True)
    )
    permutation = permutation_test(
        left,
        right,
        metrics()[metric].function,
        draws=draws,
        generator=_generator(seed, "permutation"),
    )
    clips_p = combined_p([test.p for test in tests])
    return Pair(
        first=first.name,
        second=second.name,
        seeds=seeds,
        differences={name: _interval(left, right, name, draws, seed) for name in metrics()},
        permutation=permutation,
        mcnemar=tests,
        mcnemar_p=clips_p,
        permutation_holm=permutation.p,
        mcnemar_holm=clips_p,
    )


def _interval(
    first: np.ndarray, second: np.ndarray, metric: str, draws: int, seed: int
) -> Interval:
    """The same subjects are drawn for every metric and pair."""
    generator = _generator(seed, "bootstrap")
    return paired_bootstrap(
        first, second, metrics()[metric].function, draws=draws, generator=generator
    )


def _generator(seed: int, phase: str) -> np.random.Generator:
    return np.random.default_rng(derive_seed(seed, phase))
