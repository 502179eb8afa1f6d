"""Who is trained on and who is tested: splitters that know nothing of training."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.config.settings import Config, ProtocolConfig
from bench.data.clips import FRESH, Clip, ClipSet, Problem
from bench.data.sources import used_labels
from bench.errors import DataError, unknown_name

ABSENT = "absent"
"""Kind of the problem that a class is absent from a fold's training."""

SMALLEST_TRAINING_SET = 2
"""Batch norm cannot be trained on batches of one clip."""


@dataclass(frozen=True)
class Fold:
    """One network's clips, as indices: those to train on and those to test on.

    subject: the only one that is tested; empty where several are.
    """

    name: str
    train: tuple[int, ...]
    test: tuple[int, ...]
    subject: str = ""


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
            subject=subject,
        )
        for (_, subject), name in names.items()
    )
    poor = [fold.name for fold in folds if len(fold.train) < SMALLEST_TRAINING_SET]
    if poor:
        raise DataError(
            f"leaving out subject {poor[0]} leaves fewer than {SMALLEST_TRAINING_SET} clips to "
            "train on; bring clips of others, or allow those that the set has with --subjects or "
            "--set data.subject_count=0"
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


def folds_by_subject(clips: Sequence[Clip], count: int) -> tuple[Fold, ...]:
    """`count` folds of whole subjects, alike in size and classes; the same clips give the same.

    Raises DataError where there are fewer subjects, or too few clips to train on.
    """
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    owners = [f"{clip.dataset}/{clip.subject}" for clip in clips]
    people = len(set(owners))
    if people < count:
        raise DataError(
            f"protocol.split=kfold: {count} folds of {people} subject(s); expected "
            f"--set protocol.folds=K with K from 2 to {people}, or more subjects"
        )
    labels = [clip.label for clip in clips]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")
        try:
            parts = list(StratifiedGroupKFold(count).split(labels, labels, owners))
        except ValueError:  # no class has as many clips as there are folds
            parts = list(GroupKFold(count).split(labels, labels, owners))
    folds = tuple(
        Fold(f"fold-{number:02d}", tuple(train.tolist()), tuple(test.tolist()))
        for number, (train, test) in enumerate(parts, start=1)
    )
    _check_training(folds)
    return folds


def folds_by_data_set(
    clips: Sequence[Clip], tested: Sequence[str] = (), trained: Sequence[str] = ()
) -> tuple[Fold, ...]:
    """A fold per data set, tested by a network that was trained on the others.

    tested, trained: only these data sets, in any case; empty: all. Raises UsageError for a name
    that none has, DataError where there is one data set or too few clips to train on.
    """
    sets = tuple(dict.fromkeys(clip.dataset for clip in clips))
    if len(sets) < 2:
        raise DataError(
            f"protocol.split=lodo: the clips are of {' and '.join(sets)} alone; expected a "
            "composite, or a manifest of several data sets"
        )
    test_sets = [_set_named(name, sets) for name in tested] or sets
    train_sets = [_set_named(name, sets) for name in trained] or sets
    folds = tuple(
        Fold(
            held,
            tuple(
                index
                for index, clip in enumerate(clips)
                if clip.dataset != held and clip.dataset in train_sets
            ),
            tuple(index for index, clip in enumerate(clips) if clip.dataset == held),
        )
        for held in test_sets
    )
    _check_training(folds)
    return folds


def _set_named(name: str, sets: Sequence[str]) -> str:
    found = next((each for each in sets if each.casefold() == name.casefold()), None)
    if found is None:
        raise unknown_name("data set", name, sets)
    return found


def _check_training(folds: Sequence[Fold]) -> None:
    poor = [fold.name for fold in folds if len(fold.train) < SMALLEST_TRAINING_SET]
    if poor:
        raise DataError(
            f"fold {poor[0]} has fewer than {SMALLEST_TRAINING_SET} clips to train on; allow more "
            "subjects or data sets"
        )


def folds_of(clip_set: ClipSet, protocol: ProtocolConfig) -> tuple[Fold, ...]:
    """Which clips each network of a run trains on, and which it tests.

    One fold whose test clips are those of new people (`data.fresh_seed`), or those of the split.
    Raises BenchError where the split cannot be made of these clips.
    """
    clips = clip_set.clips
    if clip_set.tested:
        trained = len(clips) - clip_set.tested
        return (Fold(FRESH, tuple(range(trained)), tuple(range(trained, len(clips)))),)
    if protocol.split == "kfold":
        return folds_by_subject(clips, protocol.folds)
    if protocol.split == "lodo":
        return folds_by_data_set(clips, _names(protocol.test_sets), _names(protocol.train_sets))
    return leave_one_subject_out(clips)


def named_fold(clip_set: ClipSet, protocol: ProtocolConfig, name: str) -> Fold:
    """The fold of a name."""
    return next(fold for fold in folds_of(clip_set, protocol) if fold.name == name)


def absent_classes(clip_set: ClipSet, folds: Sequence[Fold]) -> list[Problem]:
    """A problem for each class that some folds train without."""
    there = [{clip_set.clips[index].label for index in fold.train} for fold in folds]
    found = []
    for label, name in enumerate(clip_set.classes):
        if not clip_set.class_counts()[name]:
            continue  # no clip at all: the scores say so
        without = [
            fold.name for fold, labels in zip(folds, there, strict=True) if label not in labels
        ]
        if without:
            what = f"{len(without)} of {len(folds)} folds train without a clip of it: "
            found.append(Problem(ABSENT, name, what + ", ".join(without)))
    return found


def tested_labels(found: ClipSet, config: Config, seed: int) -> dict[Clip, int]:
    """The clips of a set that a run is to answer, each with the label it uses."""
    labels = used_labels(found.clips, config.data, seed)
    tested = {index for fold in folds_of(found, config.protocol) for index in fold.test}
    return {found.clips[index]: labels[index] for index in sorted(tested)}


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
