"""Who is trained on and who is tested: splitters that know nothing of training."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.data.clips import FRESH, Clip, ClipSet
from bench.errors import DataError

SMALLEST_TRAINING_SET = 2
"""Batch norm cannot be trained on batches of one clip."""


@dataclass(frozen=True)
class Fold:
    """One network's clips, as indices: those to train on and those to test on."""

    name: str
    train: tuple[int, ...]
    test: tuple[int, ...]


def fold_names(clips: Sequence[Clip]) -> dict[tuple[str, str], str]:
    """(data set, subject) -> fold name: the subject, with the data set where two sets share it.

    Raises DataError where that leaves two people with one name.
    """
    people = dict.fromkeys((clip.dataset, clip.subject) for clip in clips)
    taken = Counter(subject for _, subject in people)
    names = {
        (dataset, subject): subject if taken[subject] == 1 else f"{dataset}-{subject}"
        for dataset, subject in people
    }
    twice = [name for name, count in Counter(names.values()).items() if count > 1]
    if twice:  # one fold would take both for one person
        raise DataError(f"two people would share the fold {twice[0]}: rename one of the subjects")
    return names


def leave_one_subject_out(clips: Sequence[Clip]) -> tuple[Fold, ...]:
    """One fold per subject, in the order of the clips (LOSO, Algorithm 1, line 3).

    Raises DataError where there is nobody to train on.
    """
    names = fold_names(clips)
    owner = [names[clip.dataset, clip.subject] for clip in clips]
    folds = tuple(
        Fold(
            name,
            train=tuple(index for index, other in enumerate(owner) if other != name),
            test=tuple(index for index, other in enumerate(owner) if other == name),
        )
        for name in names.values()
    )
    poor = [fold.name for fold in folds if len(fold.train) < SMALLEST_TRAINING_SET]
    if poor:
        raise DataError(
            f"leaving out subject {poor[0]} leaves fewer than {SMALLEST_TRAINING_SET} clips to "
            "train on; allow more with --subjects or --set data.subject_count=0"
        )
    return folds


def hold_out(
    indices: Sequence[int],
    labels: Sequence[int],
    subjects: Sequence[str],
    share: float,
    seed: int,
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(kept, held out): about `share` of the clips is held out, by whole subjects, stratified.

    Of the possible parts one is taken that leaves every class in training, and then one that holds
    every class itself, where there is one. labels and subjects are those of all clips; indices says
    which of them to split. Raises DataError where the clips are of fewer than two subjects, or too
    few remain to train on.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    chosen = np.asarray(indices)
    classes, people = np.asarray(labels)[chosen], np.asarray(subjects)[chosen]
    everyone = set(classes.tolist())
    commonest = max(Counter(classes.tolist()).values())
    parts = min(round(1 / share), len(set(people)), commonest)
    if parts < 2:
        raise DataError(
            f"{len(indices)} clips of {len(set(people))} subjects cannot be held out in part for "
            "selection=inner_val; allow more subjects, or choose protocol.selection=last"
        )
    splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=seed % 2**32)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")
        splits = list(splitter.split(chosen, classes, people))
    splits = [split for split in splits if min(len(split[0]) - 1, len(split[1])) >= 1]
    if not splits:
        raise DataError(
            f"{len(indices)} clips leave fewer than {SMALLEST_TRAINING_SET} to train on beside "
            "those of selection=inner_val; allow more subjects"
        )
    kept, held = min(
        splits, key=lambda split: [len(everyone - set(classes[part])) for part in split]
    )
    return tuple(chosen[kept].tolist()), tuple(chosen[held].tolist())


def halve(
    indices: Sequence[int], labels: Sequence[int], subjects: Sequence[str], seed: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Train A and Train B of Algorithm 1: stratified by class, disjoint by subject.

    Where the disjoint split leaves a class, or all but one clip, to one side, the split is by
    class alone.
    labels and subjects are those of all clips; indices says which of them to split.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # late: most work needs no sklearn

    chosen = np.asarray(indices)
    classes = np.asarray(labels)[chosen]
    people = np.asarray(subjects)[chosen]
    if len(indices) < 4:
        raise DataError(
            f"only {len(indices)} clips to search on: Train A and Train B need two each; "
            "allow more subjects"
        )
    state = seed % 2**32
    splitter = StratifiedGroupKFold(2, shuffle=True, random_state=state)
    if len(set(people)) >= 2 and min(Counter(classes.tolist()).values()) >= 2:
        first, second = next(splitter.split(chosen, classes, people))
        enough = min(len(first), len(second)) >= SMALLEST_TRAINING_SET
        if enough and set(classes[first]) == set(classes[second]):
            return tuple(chosen[first].tolist()), tuple(chosen[second].tolist())
    return _halve_by_class(chosen, classes, state)


def _halve_by_class(
    indices: np.ndarray, classes: np.ndarray, state: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    from sklearn.model_selection import StratifiedKFold

    generator = np.random.default_rng(state)
    if min(Counter(classes.tolist()).values()) >= 2:
        splitter = StratifiedKFold(2, shuffle=True, random_state=state)
        first, second = next(splitter.split(indices, classes))
    else:  # a class of one clip cannot be on both sides
        order = generator.permutation(len(indices))
        first, second = order[::2], order[1::2]
    return tuple(indices[np.sort(first)].tolist()), tuple(indices[np.sort(second)].tolist())


def folds_of(clip_set: ClipSet) -> tuple[Fold, ...]:
    """Leave-one-subject-out, or one fold whose test clips are those of new people.

    Raises DataError as `leave_one_subject_out`.
    """
    if not clip_set.tested:
        return leave_one_subject_out(clip_set.clips)
    trained = len(clip_set.clips) - clip_set.tested
    return (Fold(FRESH, tuple(range(trained)), tuple(range(trained, len(clip_set.clips)))),)


def named_fold(clip_set: ClipSet, name: str) -> Fold:
    """The fold of a name."""
    return next(fold for fold in folds_of(clip_set) if fold.name == name)
