"""Who is who: one person under one name, behind every door.

A set's subjects and its own name are written in many ways (`1`, `001`, `sub01`, `Sub01`, `s1`);
where the set is known they become one. Elsewhere names that may mean one person are problems, and
those that a disk may take for one (`Anna`, `anna`) are refused: a run has a file per subject.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from bench.data.clips import Clip, Problem
from bench.data.sets.base import DataSet, SingleSet
from bench.errors import printable, quoted

SPELLINGS = MappingProxyType({"casmeii": "casme2", "smichs": "smic"})
"""Other usual names of data sets, lower case, letters and digits only."""

_PREFIX = re.compile(r"^(?:subject|subj|sub|spno|participant|person|id|s|p)(?=[0-9]+$)")


def known_name(text: str, sets: Mapping[str, DataSet]) -> str:
    """The harness's name of a data set that clips belong to, other names as they are."""
    letters = re.sub(r"[^a-z0-9]", "", text.lower())
    name = SPELLINGS.get(letters, letters)
    return name if name in sets and sets[name].parts == (name,) else text


def known_subject(dataset: str, text: str, sets: Mapping[str, DataSet]) -> str:
    """The name of a subject in a set that is known, else the text as it is."""
    found = sets.get(dataset)
    return (found.person(text) if isinstance(found, SingleSet) else None) or text


def refuse_collisions(clips: Sequence[Clip]) -> tuple[tuple[Clip, ...], list[Problem]]:
    """The clips without those whose names a disk may take for another's, each a fatal problem.

    Disks of Windows and macOS do not tell `Anna` from `anna`, nor two spellings of `ü`.
    """
    first: dict[tuple[str, ...], tuple[str, ...]] = {}
    kept, problems = [], []
    for clip in clips:
        names = (clip.dataset, clip.subject, clip.name)
        levels = [names[:1], names[:2], names]
        taken = [first.setdefault(tuple(map(_on_disk, level)), level) for level in levels]
        twin = next((t for t, level in zip(taken, levels, strict=True) if t != level), None)
        if twin is None:
            kept.append(clip)
            continue
        what = (
            f"collides with {quoted(printable('/'.join(twin)), 80)} on disks that do not tell "
            "upper from lower case: write one name, or rename one of the two"
        )
        problems.append(Problem("identity", printable("/".join(names)), what, fatal=True))
    return tuple(kept), problems


class OfPerson(Protocol):
    """What is known by its data set and subject: a clip, or the answer to one."""

    @property
    def dataset(self) -> str:
        """The data set's name."""
        ...

    @property
    def subject(self) -> str:
        """The subject's name in it."""
        ...


def look_alikes(clips: Iterable[OfPerson]) -> Iterator[Problem]:
    """A problem for subjects of one data set whose names differ by case, zeros or prefix alone.

    And one for data sets whose names differ by case alone.
    """
    people: dict[tuple[str, str], dict[str, None]] = {}
    sets: dict[str, dict[str, None]] = {}
    for clip in clips:
        sets.setdefault(_on_disk(clip.dataset), {})[clip.dataset] = None
        key = (clip.dataset, _plain(clip.subject))
        people.setdefault(key, {})[clip.subject] = None
    for (dataset, _), names in people.items():
        if len(names) < 2:
            continue
        what = (
            f"subjects {_listed(names)} may be one person: if they are, write one name, or "
            "folds train on the person that they test"
        )
        yield Problem("identity", printable(dataset), what)
    for names in sets.values():
        if len(names) > 1:
            what = f"data sets {_listed(names)} may be one: if they are, write one name"
            yield Problem("identity", "dataset", what)


def _listed(names: Iterable[str]) -> str:
    return " and ".join(quoted(printable(name)) for name in names)


def _on_disk(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold().rstrip(" .")


def _plain(subject: str) -> str:
    """A name without case, punctuation, usual prefix and leading zeros."""
    folded = re.sub(r"\.0+$", "", unicodedata.normalize("NFKC", subject).casefold())
    plain = re.sub(r"[\W_]", "", folded)
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", _PREFIX.sub("", plain))
