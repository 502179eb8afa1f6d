"""Clips, or rows of a manifest, that name another class or subject than their frames' paths do."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from pathlib import Path

from bench.data.clips import Clip, ClipSet, Problem, clip_title
from bench.data.sets.doubts.people import several_each
from bench.data.sets.identity import plain_name
from bench.errors import printable, quoted

MOST_WORDS = 8
"""Words of a folder's name that are looked at; longer ones name nothing."""

FEWEST = 6
"""People with several clips from which on it is odd that hardly one has clips of two classes.

And folders of several clips from which on it is no chance that each has one class.
"""

MOST = 2 / 3
"""Share of people from which on most of them have it."""

FEW = 1 / 6
"""Share of people up to which they are a few.

More are odd where films or sessions are what folders are called by: people report what they felt,
and see films in other orders.
"""

NAMED = 0.8
"""Share of paths that name a class where classes are what folders are called by."""


@dataclass(frozen=True)
class Place:
    """Where frames lie, and what they are said to be of; `where` names the row or the clip."""

    where: str
    path: str
    subject: str
    classes: tuple[str, ...]


def contradicted(
    source: str, places: Sequence[Place], classes: Collection[str]
) -> Iterator[Problem]:
    """A problem where paths name subjects, or classes, and some of them others than their clips.

    classes: all words for them. Paths are taken to name subjects where at least half name their
    own, and classes where nearly all name one. Classes and subjects that are short numbers are not
    looked for in parts of names, nor what all paths have in common.
    """
    subjects = {plain_name(place.subject) for place in places}
    words = {word for word in map(plain_name, classes) if len(word) > 2 and word.isalpha()}
    found = [_words(place.path) for place in places]
    common: set[str] = reduce(set.__and__, found) if found else set()
    told = False
    for what, known, own in (
        ("subject", subjects - common, [{plain_name(place.subject)} for place in places]),
        ("class", words - common, [set(map(plain_name, place.classes)) for place in places]),
    ):
        named = [each & known for each in found]
        agree = sum(bool(one & each) for one, each in zip(own, named, strict=True))
        other = [
            place
            for place, one, each in zip(places, own, named, strict=True)
            if each and not one & each
        ]
        usual = (
            2 * agree >= len(places)
            if what == "subject"
            else agree + len(other) >= NAMED * len(places) and len(set().union(*named)) > 1
        )
        if other and usual:
            first = f"{other[0].where}: frames {quoted(printable(other[0].path), 80)}"
            text = (
                f"the paths of {agree} clip(s) name their {what}, those of {len(other)} another "
                f"one, first {first}; check that no column was shifted or sorted alone"
            )
            told = True
            yield Problem("path", source, text)
    if not told:
        yield from in_few_people_otherwise(source, places)


def in_few_people_otherwise(source: str, places: Sequence[Place]) -> Iterator[Problem]:
    """A problem where folders of one name are one class in most people, another one in a few.

    Whatever the names are. Looked at are the folders at one depth of the paths, or the words at one
    place of their names, where they tell classes apart: of each name all clips of a person are of
    one class, mostly several, and names differ in the class that most people
    have. The last of a place's classes counts.
    """
    spots: dict[tuple[int, int], list[tuple[str, Place]]] = {}
    for place in places:
        for spot, name in _spots(place.path).items():
            spots.setdefault(spot, []).append((name, place))
    for _, found in sorted(spots.items()):
        other = _otherwise(found) if len(found) >= NAMED * len(places) else []
        odd = {each.subject for _, _, each in other}
        if 0 < len(odd) <= max(1, FEW * len({place.subject for place in places})):
            name, usual, place = other[0]
            people = {each.subject for own, _, each in other if own == name}
            text = (
                f"in the paths {quoted(printable(name), 40)} stands for {printable(usual)} in most "
                f"people, for another class in {len(people)}, first {place.where}: "
                f"{printable(place.classes[-1])}; check the labels of these"
            )
            yield Problem("path", source, text)
            return


def _spots(path: str) -> dict[tuple[int, int], str]:
    """(Depth, word of its name; -1 for all of it) -> what stands there."""
    found: dict[tuple[int, int], str] = {}
    for depth, part in enumerate(plain_name(path).replace("\\", "/").split("/")):
        words = re.findall(r"[^\W_]+", part)[:MOST_WORDS]
        found |= {(depth, -1): part, **{(depth, at): word for at, word in enumerate(words)}}
    return found


def _otherwise(found: Sequence[tuple[str, Place]]) -> list[tuple[str, str, Place]]:
    """(Name, its class in most people, a place of another one); empty where names tell none."""
    groups: dict[tuple[str, str], list[Place]] = {}
    for name, place in found:
        groups.setdefault((name, plain_name(place.subject)), []).append(place)
    several = [each for each in groups.values() if len(each) > 1]
    pure = all(len({place.classes[-1] for place in each}) == 1 for each in several)
    if not pure or len(several) < max(FEWEST, len(groups) / 2):
        return []
    labels: dict[str, Counter[str]] = {}
    for (name, _), each in groups.items():
        labels.setdefault(name, Counter())[each[0].classes[-1]] += 1
    usual: dict[str, str] = {}
    for name, found_classes in labels.items():
        [(label, count)] = found_classes.most_common(1)
        if count < max(2, MOST * found_classes.total()):
            return []
        usual[name] = label
    if len({*usual.values()}) < 2:
        return []
    return [
        (name, usual[name], each[0])
        for (name, _), each in groups.items()
        if len(each) > 1 and each[0].classes[-1] != usual[name]
    ]


def contradicted_clips(found: ClipSet, source: str) -> Iterator[Problem]:
    """The problems of `contradicted` of clips, by whatever door they came.

    Of a manifest the rows are looked at instead, which are told by their numbers.
    """
    if not found.clips:
        return
    paths = _below_all(map(_named, found.clips))
    places = [
        Place(clip_title(clip), path, clip.subject, (clip.emotion, found.classes[clip.label]))
        for clip, path in zip(found.clips, paths, strict=True)
    ]
    words = {*found.classes, *(clip.emotion for clip in found.clips)}
    yield from contradicted(source, places, words)


def people_in_paths(clips: Sequence[Clip], known: Collection[str]) -> Iterator[Problem]:
    """The problems of `several_each` by clips' paths; known: sets whose subjects are people."""
    sets: dict[str, list[Clip]] = {}
    for clip in clips:
        if clip.dataset not in known and clip.frames:
            sets.setdefault(clip.dataset, []).append(clip)
    for dataset, own in sets.items():
        named: dict[str, list[str]] = {}
        for clip, path in zip(own, _below_all(map(_named, own)), strict=True):
            named.setdefault(clip.subject, []).append(path)
        yield from several_each(dataset, named)


def _below_all(paths: Iterable[Path]) -> list[str]:
    """The paths below the folder that holds all of them; whole where they are on several drives."""
    whole = [path.absolute() for path in paths]
    try:
        home = os.path.commonpath([path.parent for path in whole])
    except ValueError:  # Windows: no folder holds two drives
        return [path.as_posix() for path in whole]
    return [Path(os.path.relpath(path, home)).as_posix() for path in whole]


def _named(clip: Clip) -> Path:
    """The path of a clip's file; of several images their folder, and how their names begin."""
    first = clip.frames[0]
    return first if len(clip.frames) == 1 else first.parent / re.sub(r"[\W_]*\d*$", "", first.stem)


def sorted_labels(source: str, places: Sequence[Place]) -> Iterator[Problem]:
    """A problem where rows are in the order of the labels, and so hardly a person has two of them.

    That is how a table looks whose column of labels was sorted alone.
    """
    labels = [place.classes[0].strip().lower() for place in places]
    several = len(set(labels))
    of_person: dict[str, list[str]] = {}
    for place, label in zip(places, labels, strict=True):
        of_person.setdefault(place.subject, []).append(label)
    mixed = [len(set(found)) > 1 for found in of_person.values() if len(found) > 1]
    in_order = len([*groupby(labels)]) == several
    if in_order and several > 1 and len(mixed) >= FEWEST and sum(mixed) < several:
        text = (
            f"the rows are in the order of their labels, and {len(mixed) - sum(mixed)} of the "
            f"{len(mixed)} people with several clips have one label alone; check that the column "
            "of labels was not sorted alone"
        )
        yield Problem("path", source, text)


def _words(path: str) -> set[str]:
    """What a path may name: folders, the file, and runs of words in their names."""
    found: set[str] = set()
    for part in plain_name(path).replace("\\", "/").split("/"):
        spans = [match.span() for match in re.finditer(r"[^\W_]+", part)][:MOST_WORDS]
        for first, (start, _) in enumerate(spans):
            found |= {part[start:end] for _, end in spans[first:]}
        found = {word for word in found if not (word.isdecimal() and len(word) < 3)}
        found |= {part, part.rpartition(".")[0]} - {""}
    return found
