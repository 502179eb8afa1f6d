"""What every data set declares, and how its folder is found below a data root."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from bench.data.clips import Clip, ClipSet, Problem
from bench.data.disk.finding import (
    Candidate,
    Names,
    all_folders,
    is_table,
    nearest,
    shortened,
    stated,
)
from bench.data.disk.tree import Tree
from bench.data.sets.challenge import expected_counts
from bench.data.sets.classes import CHALLENGE, ClassMap
from bench.data.sets.names import dataset_names
from bench.data.sets.spreadsheet import has_columns
from bench.errors import DataError, UsageError, printable, quoted, unknown_name

FRAMES_SETTING = "data.frames_folder"
ANNOTATION_SETTING = "data.annotation"


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

    @property
    def people(self) -> int:
        """How many people the set has, before any are chosen; 0 where that is not known."""
        return len(self.subjects)

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
    """A data set with folders of its own, in the data root or below it."""

    names: ClassVar[Names]
    """What its folders and tables are called."""
    layout: ClassVar[tuple[str, ...]]
    """Paths below the data root to name when nothing is found."""
    subject_prefix: ClassVar[str]
    subject_digits: ClassVar[int]
    fps: ClassVar[float]

    @abstractmethod
    def find_home(self, tree: Tree) -> Path:
        """The folder of this data set; DataError where there is none, or more than one."""

    @abstractmethod
    def read(
        self, tree: Tree, subjects: Collection[str] | None, class_map: ClassMap
    ) -> tuple[list[Clip], list[Problem]]:
        """Clips and problems of `subjects` (all: None), in any order of the clips.

        Raises DataError as `find_home`.
        """

    @abstractmethod
    def holds_clips(self, tree: Tree, folder: Path) -> bool:
        """Whether folders of subjects, or of other groups of clips, lie directly in `folder`."""

    @property
    def subjects(self) -> tuple[str, ...]:
        """The challenge's subjects; none where the challenge does not have the set."""
        return tuple(expected_counts().get(self.name, ()))

    @property
    def example_subject(self) -> str:
        """A subject's name as this set writes it."""
        return self.subjects[0] if self.subjects else self._padded("1")

    @property
    def example_group(self) -> str:
        """The name of a folder above the clips'."""
        return self.example_subject

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
        clips, problems = self.read(tree, subjects, mapping)
        clips.sort(key=lambda clip: (clip.subject, clip.name))
        return ClipSet(self.name, mapping.classes, tuple(clips), tuple(problems), mapping.name)

    def _stated(self, tree: Tree, value: str, setting: str) -> Path | None:
        return stated(tree, value, self.name, setting, dataset_names())

    def frames_below(self, tree: Tree, start: Path) -> tuple[Path | None, list[Problem]]:
        """The folder of frames at or below `start`, None where there is none, and problems.

        That of the setting `data.frames_folder`, if it is given.
        """
        given = self._stated(tree, tree.layout.frames, FRAMES_SETTING)
        if given:
            if not (given.is_dir() and self.holds_clips(tree, given)):
                raise UsageError(
                    f"{FRAMES_SETTING}={tree.layout.frames}: {printable(given)} holds no folder of "
                    f"{self.title} such as {self.example_group}/"
                )
            return given, []
        found = [
            Candidate(path, path, self.names.frame_rank(path.relative_to(start).as_posix()))
            for path in self.names.folders(tree, start)
            if self.holds_clips(tree, path)
        ]
        if not found:
            return None, []
        return nearest(tree, f"the frames of {self.title}", found, FRAMES_SETTING)

    def find_sheet(
        self, tree: Tree, columns: Mapping[str, str]
    ) -> tuple[Path | None, list[Problem]]:
        """The table that lists the clips, None where there is none, and problems.

        That of the setting `data.annotation`, if it is given. A table that is called after the set
        and has the columns is taken where none has the release's name.
        """
        given = self._stated(tree, tree.layout.annotation, ANNOTATION_SETTING)
        if given:
            return given, []
        tables = [
            Candidate(path, folder, self.names.sheet_rank(name))
            for folder in self.names.folders(tree, tree.root)
            for name, path in tree.entries(folder).files.items()
            if is_table(name)
        ]
        usual = [each for each in tables if each.rank < len(self.names.sheets)]
        if usual:
            return nearest(tree, self.title, usual, ANNOTATION_SETTING)
        own = [each for each in tables if self.names.is_own(each.path.name)]
        alike = [each for each in own if has_columns(each.path, columns)]
        if not alike:
            return None, []
        sheet, problems = nearest(tree, self.title, alike, ANNOTATION_SETTING)
        what = "taken for the set's spreadsheet, since it has its columns"
        return sheet, [Problem("layout", tree.shown(sheet), what), *problems]

    def _padded(self, digits: str) -> str:
        return f"{self.subject_prefix}{int(digits):0{self.subject_digits}d}"

    def not_found(self, tree: Tree) -> DataError:
        """The error that says what was looked for, what lies there, and which setting helps."""
        sentences = (
            f"{self.title} not found in {printable(tree.root)} or below it: looked for "
            f"{' and '.join(self.layout)}; there lies {_content(tree)}.",
            *self.near_misses(tree),
            "Give the folder that holds them with --data-root.",
        )
        return DataError(" ".join(sentences))

    def near_misses(self, tree: Tree) -> list[str]:
        """Sentences on what looks like the set under other names."""
        refused = [name for name in tree.entries(tree.root).refused if self.names.is_own(name)]
        places = [tree.shown(path) for path in all_folders(tree) if self.holds_clips(tree, path)]
        found = []
        if refused:
            name = printable(refused[0])
            found.append(f"{name} is a link that leaves the root and is not followed.")
        if places:
            found.append(
                f"Folders such as {self.example_group}/ lie in {shortened(places)}: if they are "
                f"it, say --set {FRAMES_SETTING}={quoted(places[0], 80)}."
            )
        return found


def _content(tree: Tree) -> str:
    """What lies in the root, for a message."""
    entries = tree.entries(tree.root)
    names = [*(f"{name}/" for name in entries.folders), *entries.files]
    return shortened([printable(name)[:60] for name in names]) or "nothing"


def descend(tree: Tree, folder: Path, steps: Sequence[str]) -> Path | None:
    """The folder reached by the names in `steps`, in any case; None where one is not listed."""
    for step in steps:
        below = {name.lower(): path for name, path in tree.entries(folder).folders.items()}
        if step.lower() not in below:
            return None
        folder = below[step.lower()]
    return folder
