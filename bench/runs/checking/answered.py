"""The answers of a run against its clips: each answered once, with the label of the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from bench.data.clips import Clip
from bench.runs.folds import FoldRecord

LISTED = 3
"""Most names that a message lists; the others are counted."""


def unlike_data(
    folds: Mapping[str, FoldRecord], expected: Mapping[Clip, int], classes: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """(fold, what is wrong) of each answer that does not fit a clip; last, of unanswered clips.

    expected: the label of each clip that is to be tested. A fold "" stands for all.
    """
    labels = {(clip.dataset, clip.subject, clip.name): label for clip, label in expected.items()}
    answered: Counter[tuple[str, str, str]] = Counter()
    for name, fold in folds.items():
        for clip in fold.clips:
            key = (clip.dataset, fold.subject_of(clip), clip.clip)
            answered[key] += 1
            if key not in labels:
                yield name, f"{clip.clip} is no clip of this subject"
            elif answered[key] > 1:
                yield name, f"{clip.clip} is answered more than once"
            elif clip.true != labels[key]:
                right = classes[labels[key]]
                yield name, f"{clip.clip} is {right}, not {_class(classes, clip.true)}"
            elif clip.pred not in range(len(classes)):
                yield name, f"{clip.clip} is answered by class {clip.pred} of {len(classes)}"
    missing = {f"{subject}/{clip}" for _, subject, clip in labels.keys() - answered.keys()}
    if missing:
        yield "", f"clips of the data that nobody tested: {some(missing)}"


def _class(classes: Sequence[str], label: int) -> str:
    return classes[label] if label in range(len(classes)) else f"class {label}"


def some(names: set[str]) -> str:
    """The first names in order, and how many more there are."""
    listed = sorted(names)
    more = f" and {len(listed) - LISTED} more" if len(listed) > LISTED else ""
    return ", ".join(listed[:LISTED]) + more
