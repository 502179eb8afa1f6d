"""Compares predictions with the challenge's list of clips: missing, extra, mislabelled.

The list holds counts per subject and class. SMIC numbers its clips, so those are checked one by
one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations

from bench.data.clips import CHALLENGE_CLASSES, Problem
from bench.data.sets.challenge import LEFT_OUT, expected_counts
from bench.runs.predictions import UNNAMED, Answer, Predictions

MISSING, EXTRA, MISLABELLED, UNCHECKED = "missing", "extra", "mislabelled", "unchecked"
CODES = {"negative": "ne", "positive": "po", "surprise": "sur"}
"""Class -> its code in the names of SMIC's clips: s01_ne_01."""

Counts = Mapping[str, int]


def list_problems(predictions: Predictions, parts: Sequence[str]) -> list[Problem]:
    """Every difference of the predictions from the challenge's list of some data sets.

    Classes and data sets that the challenge does not have cannot be checked: a problem of the kind
    `unchecked` says so.
    """
    if predictions.classes != CHALLENGE_CLASSES:
        named = ", ".join(predictions.classes)
        what = f"classes {named} are not the challenge's: the list of clips is not checked"
        return [Problem(UNCHECKED, "classes", what)]
    problems: list[Problem] = []
    coded = _other_coding(predictions, parts)
    if coded:
        what = (
            f"every count fits the list if {', '.join(CHALLENGE_CLASSES)} are read as "
            f"{', '.join(coded)}: say with --classes what the numbers mean"
        )
        return [Problem(MISLABELLED, "labels", what)]
    for part in parts:
        problems += _of_part(part, predictions.of(part).answers)
    for name in predictions.datasets:
        if name not in expected_counts():
            what = "not of the challenge: its clips are not checked"
            problems.append(Problem(UNCHECKED, name, what))
    return problems


def parts_of(predictions: Predictions) -> tuple[str, ...]:
    """The challenge's data sets to compare with: the only one that there are clips of, or all."""
    known = tuple(expected_counts())
    there = tuple(name for name in known if name in predictions.datasets)
    return known if len(there) > 1 else there


def _of_part(part: str, answers: Sequence[Answer]) -> Iterator[Problem]:
    people: dict[str, list[Answer]] = {}
    for answer in answers:
        people.setdefault(answer.subject, []).append(answer)
    expected = expected_counts()[part]
    for person in sorted(people.keys() | expected.keys()):
        own = people.get(person, [])
        where = f"{part} {person}"
        if person not in expected:
            yield Problem(EXTRA, where, f"{len(own)} clip(s) of a subject that is not listed")
        elif not own:
            yield Problem(MISSING, where, f"no clip of this subject, {_words(expected[person])}")
        else:
            yield from _of_person(part, person, own, expected[person])


def _of_person(
    part: str, person: str, answers: Sequence[Answer], expected: Counts
) -> Iterator[Problem]:
    where = f"{part} {person}"
    excess = [a for a in answers if (person, a.clip) in LEFT_OUT.get(part, ())]
    for answer in excess:
        yield Problem(EXTRA, f"{where} {answer.clip}", "the challenge leaves this clip out")
    kept = [answer for answer in answers if answer not in excess]
    if part == "smic" and not _unnamed(kept):
        yield from _smic(where, person, kept, expected)
        return
    if part == "samm" and not _unnamed(kept):
        for answer in kept:
            if not answer.clip.startswith(f"{person}_"):
                what = f"this clip is not one of subject {person}"
                yield Problem(MISLABELLED, f"{where} {answer.clip}", what)
    found = _found(kept)
    if found == expected:
        return
    if len(kept) == sum(expected.values()):
        what = f"{_words(found)}; listed are {_words(expected)}"
        yield Problem(MISLABELLED, where, what)
        return
    for name in CHALLENGE_CLASSES:
        if found[name] != expected[name]:
            kind = MISSING if found[name] < expected[name] else EXTRA
            what = f"{found[name]} {name} clip(s), {expected[name]} listed"
            yield Problem(kind, where, what)


def _unnamed(answers: Sequence[Answer]) -> bool:
    """Whether the source had no names of clips, so that only their number can be checked."""
    return all(answer.clip.startswith(UNNAMED) for answer in answers)


def _smic(
    where: str, person: str, answers: Sequence[Answer], expected: Counts
) -> Iterator[Problem]:
    listed = {
        f"{person}_{CODES[name]}_{number:02d}": name
        for name, count in expected.items()
        for number in range(1, count + 1)
    }
    there = {answer.clip: CHALLENGE_CLASSES[answer.true] for answer in answers}
    for clip in sorted(listed.keys() | there.keys()):
        if clip not in there:
            yield Problem(MISSING, f"{where} {clip}", "listed, but not answered")
        elif clip not in listed:
            yield Problem(EXTRA, f"{where} {clip}", "not listed")
        elif there[clip] != listed[clip]:
            what = f"labelled {there[clip]}, listed as {listed[clip]}"
            yield Problem(MISLABELLED, f"{where} {clip}", what)


def _other_coding(predictions: Predictions, parts: Sequence[str]) -> tuple[str, ...]:
    """The order of classes in which every count fits the list; empty where it is the usual one."""
    listed = {(part, person): c for part in parts for person, c in expected_counts()[part].items()}
    found: dict[tuple[str, str], list[Answer]] = {}
    for answer in predictions.answers:
        found.setdefault((answer.dataset, answer.subject), []).append(answer)
    if not parts or found.keys() != listed.keys():
        return ()
    for order in permutations(range(len(CHALLENGE_CLASSES))):
        recoded = {
            person: _found([replace(a, true=order[a.true]) for a in own])
            for person, own in found.items()
        }
        if recoded == listed:
            names = tuple(CHALLENGE_CLASSES[index] for index in order)
            return () if names == CHALLENGE_CLASSES else names
    return ()


def _found(answers: Sequence[Answer]) -> Counts:
    counts = Counter(CHALLENGE_CLASSES[answer.true] for answer in answers)
    return {name: counts[name] for name in CHALLENGE_CLASSES}


def _words(counts: Counts) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)
