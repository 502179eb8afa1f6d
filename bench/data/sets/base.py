"""What every data set declares, and how its folder is found below a data root."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import ClassVar

from bench.data.clips import Clip, ClipSet, Problem
from bench.data.disk.tree import Tree
from bench.data.sets.challenge import expected_counts
from bench.data.sets.classes import CHALLENGE, ClassMap
from bench.errors import DataError, UsageError, printable, unknown_name


class DataSet(ABC):
    """A data set as the command line lists it and the loaders read it.

    `how_to_get` is one sentence: who licenses the set and which layout is expected.
    """

    name: str
    title: str
    summary: ClassVar[str]
    how_to_get: str

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the data sets that the clips come from."""
        return (self.name,)

    @property
    @abstractmethod
    def subjects(self) -> tuple[str, ...]:
        """Its subjects, in order: of a set of the challenge, those that the challenge lists."""

    def subject_of(self, text: str) -> str | None:
        """The name in `subjects` of a subject written in any usual way, None where it is none."""
        return text if text in self.subjects else None

    def person(self, text: str) -> str | None:
        """As `subject_of`, in any way that people write it."""
        return self.subject_of(text)

    @abstractmethod
    def load(
        self, tree: Tree, subjects: Collection[str] | None = None, class_map: str = CHALLENGE
    ) -> ClipSet:
        """Clips of `subjects` (all: None) with all that was missing, extra or odd.

        Raises DataError where the layout is not there or a spreadsheet cannot be read.
        """

    def resolve_subjects(self, names: Sequence[str]) -> tuple[str, ...]:
        """The challenge's names for `names`, each once; UsageError for a subject it lacks."""
        resolved: dict[str, None] = {}
        for name in names:
            subject = name if name in self.subjects else self.person(name)
            if subject not in self.subjects:
                raise unknown_name(f"{self.name} subject", name, self.subjects)
            resolved[subject] = None
        return tuple(resolved)


class SingleSet(DataSet):
    """A data set with a folder of its own: the data root itself or one folder below it."""

    home_prefixes: ClassVar[tuple[str, ...]]
    """How the name of that folder begins: lower case, letters and digits only."""
    layout: ClassVar[tuple[str, ...]]
    """Paths below the data root to name when nothing is found."""
    subject_prefix: ClassVar[str]
    subject_digits: ClassVar[int]
    fps: ClassVar[float]

    @abstractmethod
    def is_home(self, tree: Tree, folder: Path) -> bool:
        """Whether the files of this data set lie directly in `folder`."""

    @abstractmethod
    def read(
        self, tree: Tree, home: Path, subjects: Collection[str] | None, class_map: ClassMap
    ) -> tuple[list[Clip], list[Problem]]:
        """Clips and problems of `subjects` (all: None), in any order of the clips."""

    @property
    def subjects(self) -> tuple[str, ...]:
        """The challenge's subjects; none where the challenge does not have the set."""
        return tuple(expected_counts().get(self.name, ()))

    @property
    def example_subject(self) -> str:
        """A subject's name as this set writes it."""
        return self.subjects[0] if self.subjects else self._padded("1")

    def subject_of(self, text: str) -> str | None:
        """Padded, unpadded or bare number: `s01`, `S1` and `1` are all subject s01 of SMIC."""
        pattern = f"(?:{re.escape(self.subject_prefix)})?([0-9]{{1,4}})"
        match = re.fullmatch(pattern, text.strip(), re.IGNORECASE | re.ASCII)
        return self._padded(match[1]) if match else None

    def person(self, text: str) -> str | None:
        """As `subject_of`, also with the prefix of another set: where the set is known anyway."""
        bare = re.sub(r"^(?:subject|sub|s)[ _-]?(?=[0-9])|\.0+$", "", text.strip().lower())
        return self.subject_of(text) or self.subject_of(bare)

    def resolve_subjects(self, names: Sequence[str]) -> tuple[str, ...]:
        """As every data set; of one without a challenge list any subject's name is taken."""
        if self.subjects:
            return super().resolve_subjects(names)
        resolved: dict[str, None] = {}
        for name in names:
            subject = self.person(name)
            if subject is None:
                raise UsageError(
                    f"{name!r} is no subject of {self.name}; expected a name such as "
                    f"{self.example_subject}"
                )
            resolved[subject] = None
        return tuple(resolved)

    def load(
        self, tree: Tree, subjects: Collection[str] | None = None, class_map: str = CHALLENGE
    ) -> ClipSet:
        """As every data set, sorted by subject and name."""
        mapping = ClassMap.named(class_map, self.name)
        clips, problems = self.read(tree, self.find_home(tree), subjects, mapping)
        clips.sort(key=lambda clip: (clip.subject, clip.name))
        return ClipSet(self.name, mapping.classes, tuple(clips), tuple(problems), mapping.name)

    def find_home(self, tree: Tree) -> Path:
        """The folder of this data set; DataError where there is none, or more than one."""
        if self.is_home(tree, tree.root):
            return tree.root
        below = tree.entries(tree.root)
        homes = [
            path
            for name, path in below.folders.items()
            if _letters(name).startswith(self.home_prefixes) and self.is_home(tree, path)
        ]
        if not homes:
            linked = [
                name for name in below.refused if _letters(name).startswith(self.home_prefixes)
            ]
            raise self._not_found(tree, linked)
        if len(homes) > 1:
            found = " and ".join(tree.shown(home) for home in homes)
            raise DataError(
                f"{printable(tree.root)} holds {self.title} more than once ({found}): "
                "leave one of them there, or give the one meant as --data-root."
            )
        return homes[0]

    def _padded(self, digits: str) -> str:
        return f"{self.subject_prefix}{int(digits):0{self.subject_digits}d}"

    def _not_found(self, tree: Tree, linked: Sequence[str]) -> DataError:
        looked = " and ".join(self.layout)
        if linked:
            link = f" {printable(linked[0])} is a link that leaves the root and is not followed."
        else:
            link = ""
        return DataError(
            f"{self.title} not found in {printable(tree.root)} or one folder below it: "
            f"looked for {looked}.{link} Give the folder that holds them with --data-root."
        )


def descend(tree: Tree, folder: Path, steps: Sequence[str]) -> Path | None:
    """The folder reached by the names in `steps`, in any case; None where one is not listed."""
    for step in steps:
        below = {name.lower(): path for name, path in tree.entries(folder).folders.items()}
        if step.lower() not in below:
            return None
        folder = below[step.lower()]
    return folder


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
