"""What tells the class of a clip in place of its motion: how its file is made."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from bench.data.clips import Clip, Problem, clip_title
from bench.data.sets.doubts.blank import frames_of
from bench.errors import printable

if TYPE_CHECKING:
    import numpy as np

TOLD, DRAWS = 0.5, 999
"""Least share of what could be told that is told beyond chance, and permutations of the labels, of
which none tells as much.

Lengths of generated clips tell at most 0.1, whose classes have no length of their own.
"""

EXAMPLES = 3
"""Values that a line shows."""

PROPERTIES: Mapping[str, Callable[[Clip], Hashable]] = MappingProxyType(
    {
        "ending of the files": lambda clip: clip.frames[0].suffix.lower(),
        "number of frames": frames_of,
        "frame rate": lambda clip: clip.fps,
    }
)
"""What is known of a clip without decoding it; None where it is not."""


def giveaways(clips: Sequence[Clip]) -> Iterator[Problem]:
    """A problem for each of the `PROPERTIES` that tells the class of clips (`told_by`)."""
    for what, value_of in PROPERTIES.items():
        yield from told_by(what, clips, [value_of(clip) for clip in clips])


def told_by(what: str, clips: Sequence[Clip], values: Sequence[Hashable]) -> Iterator[Problem]:
    """A problem of each data set whose clips' classes a value tells, far beyond chance.

    values: one per clip, None where it is not known. Told is the mutual information of value and
    class, less its mean over permuted classes, as a share of the most that it can be.
    """
    found: dict[str, list[tuple[Clip, Hashable]]] = {}
    for clip, value in zip(clips, values, strict=True):
        if value is not None:
            found.setdefault(clip.dataset, []).append((clip, value))
    for dataset, own in found.items():
        if _tells([value for _, value in own], [clip.label for clip, _ in own]):
            examples: dict[Hashable, Clip] = {}
            for clip, value in own:
                examples.setdefault(value, clip)
            shown = [f"{value} of {clip_title(clip)}" for value, clip in examples.items()]
            text = (
                f"the {what} tells the class of most clips ({', '.join(shown[:EXAMPLES])}): "
                "networks can learn it in place of motion; make it the same for all"
            )
            yield Problem("class", printable(dataset), text)


def _tells(values: Sequence[Hashable], labels: Sequence[int]) -> bool:
    import numpy as np

    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    if not 1 < len(numbers) < len(values):
        return False
    column, classes = np.array([numbers[value] for value in values]), np.array(labels)
    generator = np.random.default_rng(0)
    told = _information(column, classes)
    most = min(_information(column, column), _information(classes, classes))
    if told < TOLD * most:
        return False
    chance = [_information(column, generator.permutation(classes)) for _ in range(DRAWS)]
    mean = float(np.mean(chance))
    return told > max(chance) and told - mean >= TOLD * (most - mean)


def _information(one: np.ndarray, other: np.ndarray) -> float:
    """Mutual information of two columns of numbers from 0, in nats."""
    import numpy as np

    width = int(other.max()) + 1
    joint = np.bincount(one * width + other, minlength=(int(one.max()) + 1) * width)
    shares = joint.reshape(-1, width) / len(one)
    apart = shares.sum(1, keepdims=True) * shares.sum(0)
    there = shares > 0
    return float((shares[there] * np.log(shares[there] / apart[there])).sum())
