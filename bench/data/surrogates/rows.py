"""The clips of each release: subjects, names and emotions, in the real numbers.

Subjects, class balance and challenge clips per subject are those of the real releases; rows that
the challenge leaves out are distributed evenly over the subjects.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import cycle
from types import MappingProxyType

import numpy as np

from bench.data.clips import CHALLENGE_CLASSES
from bench.data.sets.challenge import CLASS_MAPS, LEFT_OUT, expected_counts
from bench.data.surrogates.releases import LEFT_OUT_EMOTIONS, ODD_NAMES, RELEASES


@dataclass(frozen=True)
class Row:
    """One row of a release's annotation: a clip to generate."""

    dataset: str
    subject: str
    name: str
    emotion: str

    def stream(self, seed: int, purpose: str) -> np.random.Generator:
        """This clip's random stream for one purpose, independent of its emotion."""
        return random_stream(seed, self.dataset, self.subject, self.name, purpose)


def random_stream(seed: int, *names: str) -> np.random.Generator:
    """The random stream of a seed and names, the same on every machine."""
    digest = hashlib.sha256("/".join(names).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:16], "big")])


def release_rows(dataset: str) -> list[Row]:
    """All rows of one data set's release, by subject and name; the same for every seed."""
    rows = _smic_rows() if dataset == "smic" else _coded_rows(dataset)
    return sorted(rows, key=lambda row: (row.subject, row.name))


def _smic_rows() -> list[Row]:
    short = {"negative": "ne", "positive": "po", "surprise": "sur"}
    return [
        Row("smic", subject, f"{subject}_{short[emotion]}_{number:02d}", emotion)
        for subject, counts in expected_counts()["smic"].items()
        for emotion, count in counts.items()
        for number in range(1, count + 1)
    ]


def _coded_rows(dataset: str) -> list[Row]:
    namer = _NAMERS[dataset]
    fixed = [Row(dataset, *row, LEFT_OUT_EMOTIONS[row]) for row in LEFT_OUT.get(dataset, ())]
    rows = list(fixed)
    for subject, emotions in _emotions_by_subject(dataset).items():
        taken = {row.name for row in fixed if row.subject == subject}
        stream = random_stream(0, dataset, subject, "names")
        names = namer(subject, len(emotions), taken, stream)
        # In random order, so that a name carries no information about the emotion.
        shuffled = stream.permutation(len(emotions))
        rows += [
            Row(dataset, subject, names[k], word)
            for k, word in zip(shuffled, emotions, strict=True)
        ]
    return rows


def _emotions_by_subject(dataset: str) -> dict[str, list[str]]:
    """Subject -> emotion words, with the challenge's counts per class and the release's quota."""
    release = RELEASES[dataset]
    if release.subjects:
        return _distributed_evenly(dataset)
    counts = expected_counts()[dataset]
    words: dict[str, list[str]] = {subject: [] for subject in (*counts, *release.extra_subjects)}
    pools = _pools(dataset)
    for subject, by_class in counts.items():
        for name, count in by_class.items():
            words[subject] += [pools[name].pop() for _ in range(count)]
    for subject, word in zip(cycle(sorted(words)), pools["unmapped"], strict=False):
        words[subject].append(word)
    return words


def _distributed_evenly(dataset: str) -> dict[str, list[str]]:
    """Subject -> emotion words, for a release that is not in the challenge."""
    release = RELEASES[dataset]
    pool = [word for word, count in release.quota.items() for _ in range(count)]
    random_stream(0, dataset, "emotions").shuffle(pool)
    step = len(release.subjects)
    return {subject: pool[place::step] for place, subject in enumerate(release.subjects)}


def _pools(dataset: str) -> dict[str, list[str]]:
    """Class (or 'unmapped') -> the emotion words of its rows in random order."""
    quota = dict(RELEASES[dataset].quota)
    for row in LEFT_OUT.get(dataset, ()):
        quota[LEFT_OUT_EMOTIONS[row]] -= 1
    pools: dict[str, list[str]] = {name: [] for name in (*CHALLENGE_CLASSES, "unmapped")}
    for word, count in quota.items():
        pools[CLASS_MAPS[dataset].get(word, "unmapped")] += [word] * count
    for name, pool in pools.items():
        random_stream(0, dataset, name, "emotions").shuffle(pool)
    return pools


def _casme2_names(
    subject: str, count: int, taken: set[str], stream: np.random.Generator
) -> list[str]:
    """Numbers of film and take, with or without the trailing f: EP02_01f."""
    names = [ODD_NAMES[subject]] if subject in ODD_NAMES else []
    stems = {name.rstrip("f") for name in (*names, *taken)}
    while len(names) < count:
        stem = f"EP{stream.integers(1, 20):02d}_{stream.integers(1, 13):02d}"
        if stem not in stems:
            stems.add(stem)
            names.append(stem + "f" * int(stream.integers(2)))
    return names


def _samm_names(
    subject: str, count: int, taken: set[str], stream: np.random.Generator
) -> list[str]:
    """Subject, inducement (1..7) and take: 006_1_2."""
    places = stream.choice(7 * 12, size=count, replace=False)
    return [f"{subject}_{place // 12 + 1}_{place % 12 + 1}" for place in places]


def _casme3_names(
    subject: str, count: int, taken: set[str], stream: np.random.Generator
) -> list[str]:
    """Recordings, one letter each: a."""
    return sorted(stream.choice(list("abcdefghijklm"), size=count, replace=False).tolist())


def _fourdme_names(
    subject: str, count: int, taken: set[str], stream: np.random.Generator
) -> list[str]:
    """Subject and take: 01_07."""
    return [f"{subject}_{number:02d}" for number in range(1, count + 1)]


def _mmew_names(
    subject: str, count: int, taken: set[str], stream: np.random.Generator
) -> list[str]:
    """Subject, film and take: S13-07-001. The film is random, independent of the emotion."""
    films = stream.integers(1, 8, size=count)
    return [f"{subject}-{film:02d}-{take:03d}" for take, film in enumerate(films, start=1)]


_NAMERS = MappingProxyType(
    {
        "casme2": _casme2_names,
        "samm": _samm_names,
        "casme3": _casme3_names,
        "4dme": _fourdme_names,
        "mmew": _mmew_names,
    }
)
"""How a coded release names the clips of a subject: (subject, count, taken, stream) -> names."""
