"""Data sets whose clips are the rows of a spreadsheet, with a folder of frames for each."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from bench.data.clips import DOUBLED, Clip, Problem, Rejected
from bench.data.disk.finding import all_folders, is_table, shortened
from bench.data.disk.numbering import frame_problems, numbered_frames, refuse_lost
from bench.data.disk.tree import Tree, refused_links
from bench.data.sets.apex import place_apex
from bench.data.sets.base import ANNOTATION_SETTING, SingleSet, descend
from bench.data.sets.challenge import LEFT_OUT
from bench.data.sets.classes import CHALLENGE, ClassMap
from bench.data.sets.corrections import corrected, read_corrections
from bench.data.sets.spreadsheet import (
    FILLED,
    Row,
    filled_down,
    has_columns,
    hidden_parts,
    other_columns,
    read_rows,
    sheets_with,
)
from bench.errors import DataError, printable, quoted

_UNSAFE = re.compile(r"[/\\\x00]|^\.*$")

MOST_TABLES = 20
"""Tables that are opened to say which one looks like the set's spreadsheet."""

ClipFolders = Mapping[tuple[str, str], Path]
"""(subject, or other folder above; name in lower case) -> folder of a clip's frames."""


@dataclass(frozen=True)
class Coded:
    """A row that the class map keeps, before its frames are read."""

    row: Row
    where: str
    subject: str
    name: str
    label: int
    emotion: str


class CodedSet(SingleSet):
    """A data set with a spreadsheet; a new one is a subclass that sets the values below."""

    columns: ClassVar[Mapping[str, str]]
    """Titles of the columns subject, clip, onset, apex, offset and emotion; a release may have no
    apex."""
    inner_folder: ClassVar[str] = ""
    """Name of the folder of frames within a clip's folder, where there is one."""
    clip_pattern: ClassVar[str]
    """Regular expression of the release's clip names; another name is a problem."""
    synonyms: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Other spellings of the release's emotion words, lower case -> the word."""

    def find_home(self, tree: Tree) -> Path:
        """The folder called after the set that its spreadsheet lies in or below, else the root."""
        return self._home(tree, self._sheet(tree)[0])

    def read(
        self, tree: Tree, subjects: Collection[str] | None, class_map: ClassMap
    ) -> tuple[list[Clip], list[Problem]]:
        """Clips and problems of `subjects` (all: None), in the order of the rows."""
        sheet, problems = self._sheet(tree)
        rows, notes = self._rows(tree, sheet)
        frames_home, others = self._frames_home(tree, self._home(tree, sheet))
        folders, odd = self._clip_folders(tree, frames_home, subjects)
        wanted = [row for row in rows if self._is_wanted(row, subjects)]
        labels = ((self.name, self.word(row)) for row in wanted)
        left_out = class_map.own_oddities(tree.shown(sheet), labels)
        problems = [*problems, *notes, *others, *odd, *left_out]
        clips: dict[tuple[str, str], Clip] = {}
        first: dict[tuple[str, str], int] = {}
        for row in wanted:
            where = f"{tree.shown(sheet)} row {row.number}"
            try:
                coded = self._coded(row, where, class_map)
                key = self.person(row.text("subject")) or "", self._clip_name(row)
                if key in first and (coded or key in clips):  # also where a label is left out
                    raise Rejected("duplicate", DOUBLED.format(first[key]))
                found = self._clip(tree, coded, folders) if coded else None
            except Rejected as reason:
                problems.append(Problem(reason.kind, _who(where, row), reason.what, fatal=True))
                continue
            first.setdefault(key, row.number)
            if found:
                clips[key], notes = found
                problems += notes
        return list(clips.values()), problems + self._unlisted(tree, rows, folders)

    def _sheet(self, tree: Tree) -> tuple[Path, list[Problem]]:
        """The spreadsheet, and problems; DataError where there is none."""
        sheet, problems = self.find_sheet(tree, self.columns)
        if sheet is None:
            raise self.not_found(tree)
        return sheet, problems

    def _home(self, tree: Tree, sheet: Path) -> Path:
        top = tree.root / sheet.relative_to(tree.root).parts[0]
        return top if top != sheet and self.names.is_own(top.name) else tree.root

    def near_misses(self, tree: Tree) -> list[str]:
        """As every set, and tables elsewhere that have its columns."""
        tables = [
            tree.shown(path)
            for folder in all_folders(tree)
            for name, path in tree.entries(folder).files.items()
            if is_table(name)
        ]
        fitting = [
            name for name in tables[:MOST_TABLES] if has_columns(tree.root / name, self.columns)
        ]
        if not fitting:
            return super().near_misses(tree)
        table = (
            f"{shortened(fitting)} has the columns of its spreadsheet: if that is it, say --set "
            f"{ANNOTATION_SETTING}={quoted(fitting[0], 80)}."
        )
        return [table, *super().near_misses(tree)]

    def holds_clips(self, tree: Tree, folder: Path) -> bool:
        """Whether folders of subjects (or emotions) lie directly in `folder`."""
        return any(self._group_of(name) is not None for name in tree.entries(folder).folders)

    def _rows(self, tree: Tree, sheet: Path) -> tuple[list[Row], list[Problem]]:
        """The rows of the spreadsheet with merged cells filled down and corrections made.

        And the problems that tell it.
        """
        rows, filled = filled_down(read_rows(sheet, self.columns), ("subject", "clip"))
        wanted = read_corrections(tree.layout.corrections, self.name)
        rows, problems = corrected(rows, wanted, self.subject_of, tree.shown(sheet))
        first, *others = sheets_with(sheet, self.columns)
        if others:
            named = shortened([quoted(printable(name)) for name in others])
            what = (
                f"sheet {quoted(printable(first))} is read; also there, with its columns: {named}"
            )
            problems.insert(0, Problem("layout", tree.shown(sheet), what))
        for what in other_columns(sheet, self.columns):
            problems.insert(0, Problem("layout", tree.shown(sheet), what))
        if hidden := hidden_parts(sheet, self.columns):
            problems.insert(0, Problem("hidden", tree.shown(sheet), hidden))
        if filled:
            what = f"{len(filled)} blank cell(s) of subject or clip {FILLED.format(filled[0])}"
            problems.insert(0, Problem("merged", tree.shown(sheet), what))
        return rows, problems

    def _frames_home(self, tree: Tree, home: Path) -> tuple[Path, list[Problem]]:
        """The folder that holds subjects, in the set's folder or elsewhere below the root.

        One for the whole set, so that cropped and raw clips never mix. DataError where there is
        none.
        """
        for start in dict.fromkeys((home, tree.root)):
            found, problems = self.frames_below(tree, start)
            if found:
                return found, problems
        looked = " and ".join(
            f"{place}/{self.group_title}/".removeprefix("./") for place in self.frame_folders
        )
        misses = "".join(f" {sentence}" for sentence in SingleSet.near_misses(self, tree))
        raise DataError(
            f"{self.title} has its spreadsheet but no frames in {printable(home)}: looked for "
            f"{looked}; unpack the frames beside the spreadsheet (links that leave the data root "
            f"are not followed).{misses}"
        )

    frame_folders: ClassVar[tuple[str, ...]]
    """The usual folders of the frames, for messages."""

    group_title: ClassVar[str] = "<subject>"
    """How messages name the folders above the clips'."""

    def _group_of(self, folder: str) -> str | None:
        """The subject that a folder above the clips' belongs to; None for another folder."""
        return self.subject_of(folder)

    def _key(self, subject: str | None, clip: str) -> tuple[str, str]:
        """The key of a row's frames in the clip folders; no folder has an empty subject."""
        return subject or "", clip.lower()

    def _clip_name(self, row: Row) -> str:
        """The clip's name, unique within its subject."""
        return row.text("clip")

    def word(self, row: Row) -> str:
        """The release's word for the emotion."""
        word = row.text("emotion").lower()
        return self.synonyms.get(word, word)

    def _within(self, numbered: Mapping[int, Path], onset: int, offset: int) -> dict[int, Path]:
        """The clip's frames, onset to offset."""
        return {number: path for number, path in numbered.items() if onset <= number <= offset}

    def _clip_folders(
        self, tree: Tree, frames_home: Path, subjects: Collection[str] | None
    ) -> tuple[ClipFolders, list[Problem]]:
        folders: dict[tuple[str, str], Path] = {}
        people = tree.entries(frames_home)
        problems = refused_links(tree, frames_home, people)
        for name, path in people.folders.items():
            group = self._group_of(name)
            if group is None or (subjects is not None and group and group not in subjects):
                continue
            entries = tree.entries(path)
            problems += refused_links(tree, path, entries)
            for clip, folder in entries.folders.items():
                first = folders.setdefault((group, clip.lower()), folder)
                if first is not folder:
                    what = f"same subject and clip as {tree.shown(first)}, which is used"
                    problems.append(Problem("duplicate", tree.shown(folder), what))
        return folders, problems

    def _is_wanted(self, row: Row, subjects: Collection[str] | None) -> bool:
        """Whether a row is of the wanted subjects, or of an unknown one (a problem to report)."""
        subject = self.person(row.text("subject"))
        return subjects is None or subject is None or subject in subjects

    def _coded(self, row: Row, where: str, class_map: ClassMap) -> Coded | None:
        """The row, None where the class map leaves it out; Rejected where it is invalid."""
        emotion = self.word(row)
        label = class_map.label_of(self.name, emotion)
        if label is None:
            return None
        file, cell = row.text("clip"), row.text("subject")
        subject = self.person(cell)
        if subject is None:
            example = self.example_subject
            raise Rejected("odd", f"subject {quoted(cell)} is no name such as {example}")
        if _UNSAFE.search(file):
            raise Rejected("odd", f"file name {quoted(file)} is empty or a path, not a clip's name")
        name = self._clip_name(row)
        if class_map.name == CHALLENGE and (subject, name) in LEFT_OUT.get(self.name, ()):
            return None
        return Coded(row, where, subject, name, label, emotion)

    def _clip(self, tree: Tree, coded: Coded, folders: ClipFolders) -> tuple[Clip, list[Problem]]:
        onset, offset = _span(coded.row)
        folder = folders.get(self._key(coded.subject, coded.row.text("clip")))
        if folder and self.inner_folder:
            folder = descend(tree, folder, (self.inner_folder,))
        if folder is None:
            inner = f" {self.inner_folder}/" if self.inner_folder else ""
            raise Rejected("missing", f"the clip has no folder{inner} of frames")
        numbered, problems = numbered_frames(tree, folder)
        frames = self._within(numbered, onset, offset)
        if not frames:
            raise Rejected("missing", _no_frames(tree.shown(folder), numbered, onset, offset))
        refuse_lost(frames, tree.entries(folder).files.values(), onset, offset)
        who = _who(coded.where, coded.row)
        problems += frame_problems(who, frames, onset, offset)
        apex, oddity = place_apex(coded.row.text("apex"), onset, offset, list(frames))
        if "apex" not in self.columns:  # the set has none: nothing is replaced
            oddity = ""
        if oddity:
            problems.append(Problem("apex", who, oddity))
        if not re.fullmatch(self.clip_pattern, coded.row.text("clip")):
            what = f"the clip's name is not of the release's pattern {self.clip_pattern}"
            problems.append(Problem("odd", who, what))
        problems += [Problem("odd", who, what) for what in self._contradictions(coded, folder)]
        clip = Clip(
            dataset=self.name,
            subject=coded.subject,
            name=coded.name,
            label=coded.label,
            frames=tuple(frames.values()),
            apex=apex,
            emotion=coded.emotion,
            fps=self.fps,
        )
        return clip, problems

    def _contradictions(self, coded: Coded, folder: Path) -> Iterator[str]:
        """What a clip's name and the folder of its frames say otherwise than its row."""
        yield from ()

    def _unlisted(self, tree: Tree, rows: Sequence[Row], folders: ClipFolders) -> list[Problem]:
        """A problem for each clip folder that no row names, used or left out."""
        listed = {self._key(self.person(r.text("subject")), r.text("clip")) for r in rows}
        what = "folder without a row in the spreadsheet; it is not read"
        return [
            Problem("extra", tree.shown(folder), what)
            for key, folder in sorted(folders.items())
            if key not in listed
        ]


def _span(row: Row) -> tuple[int, int]:
    """Onset and offset, both inclusive; Rejected where they are not valid."""
    onset, offset = _number(row, "onset"), _number(row, "offset")
    if offset < onset:
        raise Rejected("numbers", f"offset {offset} comes before onset {onset}")
    return onset, offset


def _number(row: Row, field: str) -> int:
    number = row.frame_number(field)
    if number is None:
        raise Rejected("numbers", f"{field} {quoted(row.text(field))} is no frame number")
    return number


def _no_frames(folder: str, numbered: Mapping[int, Path], onset: int, offset: int) -> str:
    if not numbered:
        return f"{folder} holds no numbered image"
    return f"{folder} holds frames {min(numbered)}..{max(numbered)}, none of {onset}..{offset}"


def _who(where: str, row: Row) -> str:
    return f"{where} ({printable(row.text('subject'))} {printable(row.text('clip'))})"
