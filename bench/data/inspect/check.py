"""Clips found compared with the challenge list, per set, subject and class; and all problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace

from bench.config.settings import DataConfig
from bench.data.clips import CHALLENGE_CLASSES, ClipSet, Problem, clip_title
from bench.data.inspect.deep import WRONG
from bench.data.sets.catalogue import DATASETS, find_dataset
from bench.data.sets.challenge import expected_counts
from bench.data.sets.classes import CHALLENGE
from bench.data.sets.doubts.twins import with_twins
from bench.data.steps.landmarks import has_landmarks, refuse_shared_rows
from bench.data.steps.settings import preprocessing
from bench.errors import printable, quoted

INCOMPLETE = frozenset({"missing", "extra"})
"""Kinds of problem that make a set differ from the challenge's, in addition to fatal ones."""

SubjectCounts = Mapping[str, Mapping[str, int]]
"""subject -> class -> clips."""


def usable(clip_set: ClipSet, config: DataConfig) -> ClipSet:
    """The clips that the settings can make inputs of; a problem for each without landmarks.

    Raises UsageError for settings that do not go together, and as the readers of landmarks and
    of a magnifier's weights do.
    """
    steps = preprocessing(config)
    if steps.magnify == "learned":
        from bench.data.steps.magnet import load_magnifier

        load_magnifier(steps.magnifier_weights)
    if not steps.landmarks:
        return clip_set
    refuse_shared_rows(clip_set.clips, steps.landmarks)
    file, needed = steps.landmarks, steps.crop == "landmarks"
    known = {clip: has_landmarks(clip, file) for clip in clip_set.clips}
    problems = [
        Problem("landmarks", clip_title(clip), f"no row in data.landmarks={file}", needed)
        for clip in known
        if not known[clip]
    ]
    clips = tuple(clip for clip in known if known[clip] or not needed)
    return replace(clip_set, clips=clips, problems=(*clip_set.problems, *problems))


def check_report(
    clip_set: ClipSet,
    subjects: Sequence[str] | None = None,
    decoded: tuple[Sequence[Problem], int] | None = None,
) -> dict:
    """What `bench data check --format json` prints.

    `subjects`: the ones that the clips were restricted to, if any; only they are compared.
    `decoded`: problems and number of frames of a deep check. Counts are given under `clips`,
    `subjects`, `classes` and, per part, `slices`, each with the challenge's under `expected` (None
    for a set that is not in the challenge, a manifest, and other classes than the challenge's);
    `problems`: the loader's, then the differences in counts; `complete`: whether nothing is fatal,
    missing or extra.
    """
    dataset = find_dataset(clip_set.dataset)
    found = {part: _found(clip_set, part) for part in dataset.parts}
    expected = _all_expected(clip_set, subjects)
    problems = list(clip_set.problems)
    for part, counts in expected.items():
        problems += _differences(part, found[part], counts)
    if not expected:
        problems += absent_classes(clip_set)
    if decoded:
        problems = [*with_twins(problems, decoded[0])]
    wrong = INCOMPLETE | (WRONG if decoded else frozenset())
    classes = clip_set.classes
    return {
        "dataset": clip_set.dataset,
        "class_map": clip_set.class_map,
        "complete": not any(problem.fatal or problem.kind in wrong for problem in problems),
        **({"frames": decoded[1]} if decoded else {}),
        **_beside(list(found.values()), list(expected.values()), classes),
        "slices": {
            part: _beside([found[part]], [expected[part]] if expected else [], classes)
            for part in dataset.parts
        },
        "problems": [asdict(problem) for problem in problems],
    }


def absent_classes(clip_set: ClipSet) -> Iterator[Problem]:
    """The problem of classes that no clip has; none where there is no clip at all."""
    absent = [name for name, count in clip_set.class_counts().items() if not count]
    if absent and clip_set.clips:
        named = ", ".join(quoted(printable(name)) for name in absent)
        where = printable(find_dataset(clip_set.dataset).title)
        yield Problem("class", where, f"no clip of the class(es) {named}: scores are of the others")


def _all_expected(clip_set: ClipSet, subjects: Sequence[str] | None) -> Mapping[str, SubjectCounts]:
    """Counts of the challenge list per part; none where there is nothing to compare with."""
    if clip_set.dataset not in DATASETS or clip_set.class_map != CHALLENGE:
        return {}
    dataset = find_dataset(clip_set.dataset)
    if not expected_counts().keys() >= set(dataset.parts):
        return {}
    wanted = None if subjects is None else dataset.resolve_subjects(subjects)
    return {part: _expected(part, wanted) for part in dataset.parts}


def _found(clip_set: ClipSet, part: str) -> SubjectCounts:
    people = {clip.subject: None for clip in clip_set.clips if clip.dataset == part}
    return {person: clip_set.class_counts(part, person) for person in people}


def _expected(part: str, wanted: Sequence[str] | None) -> SubjectCounts:
    counts = expected_counts()[part]
    return {person: counts[person] for person in counts if wanted is None or person in wanted}


def _beside(
    found: Sequence[SubjectCounts], expected: Sequence[SubjectCounts], classes: Sequence[str]
) -> dict:
    listed = _totals(expected, classes) if expected else None
    return {**_totals(found, classes), "expected": listed}


def _totals(parts: Sequence[SubjectCounts], classes: Sequence[str]) -> dict:
    """Clips, subjects and clips per class over the parts (which share no subject)."""
    people = [counts for part in parts for counts in part.values()]
    per_class = {name: sum(counts[name] for counts in people) for name in classes}
    return {"clips": sum(per_class.values()), "subjects": len(people), "classes": per_class}


def _differences(part: str, found: SubjectCounts, expected: SubjectCounts) -> Iterator[Problem]:
    for person in sorted(found.keys() | expected.keys()):
        where = f"{part} {person}"
        if person not in found:
            what = f"no clip of this subject, {_words(expected[person])} expected"
            yield Problem("missing", where, what)
        elif person not in expected:
            what = f"{_words(found[person])} of a subject that is not in the challenge"
            yield Problem("extra", where, what)
        else:
            yield from _class_differences(where, found[person], expected[person])


def _class_differences(
    where: str, found: Mapping[str, int], expected: Mapping[str, int]
) -> Iterator[Problem]:
    for name in CHALLENGE_CLASSES:
        if found[name] != expected[name]:
            kind = "missing" if found[name] < expected[name] else "extra"
            what = f"{found[name]} {name} clip(s) found, {expected[name]} expected"
            yield Problem(kind, where, what)


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)
