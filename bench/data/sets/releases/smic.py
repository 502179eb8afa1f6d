"""SMIC-HS (Li et al., FG 2013): labels are names of folders, there is no spreadsheet."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from bench.data.clips import Clip, Problem, Rejected
from bench.data.disk.finding import Names, shortened
from bench.data.disk.numbering import frame_problems, kinds_of_names, numbered_frames, refuse_lost
from bench.data.disk.tree import Tree, refused_links
from bench.data.sets.base import ANNOTATION_SETTING, SingleSet, descend
from bench.data.sets.classes import ClassMap
from bench.data.sets.spreadsheet import has_columns, hidden_parts, read_rows
from bench.errors import DataError, printable, quoted

_CLASS_CODES = {"ne": "negative", "po": "positive", "sur": "surprise"}
_OTHER_CAMERAS = ("nir", "vis")
EXTENDED_COLUMNS = MappingProxyType({"clip": "Filename", "onset": "OnsetF", "offset": "OffsetF"})
"""Titles of the columns of the annotation of SMIC-HS-E."""

_CLIP = re.compile(r"s([0-9]{1,4})_(ne|po|sur)_([0-9]{1,4})", re.IGNORECASE)

Spans = Mapping[str, tuple[int, int]]
"""Clip -> the numbers of its onset and offset frame."""


@dataclass(frozen=True)
class _ClipFolder:
    subject: str
    emotion: str
    path: Path


class Smic(SingleSet):
    """`SMIC_all_cropped/HS/<subject>/micro/<class>/<clip>/*.jpg`, numbers padded or not."""

    name = "smic"
    title = "SMIC-HS"
    summary = "164 clips of 16 subjects at 100 frames/s, University of Oulu"
    how_to_get = (
        "SMIC is licensed by the Center for Machine Vision and Signal Analysis (CMVS), University "
        "of Oulu, on an agreement signed by a permanent academic; unpack it so that "
        "SMIC_all_cropped/HS/s01/micro/{negative,positive,surprise}/ lies in the data root or in "
        "a SMIC* folder below it."
    )
    names = Names(
        homes=("smic",),
        inside=("hs", "raw"),
        others=("smicnir", "smicvis"),
        frames=("*smic_all_cropped/hs", "*crop*", "hs", "*/hs", "*"),
        sheets=("smic-hs-e_annotation*", "smic-hs-e*", "smic*annotation*"),
    )
    layout = ("SMIC_all_cropped/HS/<subject>/micro/", "SMIC*/SMIC_all_cropped/HS/<subject>/micro/")
    subject_prefix = "s"
    subject_digits = 2
    fps = 100.0

    def find_home(self, tree: Tree) -> Path:
        """The folder of the subjects."""
        return self._high_speed(tree)[0]

    def read(
        self, tree: Tree, subjects: Collection[str] | None, class_map: ClassMap
    ) -> tuple[list[Clip], list[Problem]]:
        """Clips and problems of `subjects` (all: None)."""
        high_speed, problems = self._high_speed(tree)
        spans = None
        folders = self._clip_folders(tree, high_speed, subjects, problems)
        if not any(_micro(tree, path) for path in tree.entries(high_speed).folders.values()):
            spans = self._spans(tree, high_speed, problems)
            folders = self._long_clips(tree, high_speed, subjects)
        found = list(folders)
        labels = ((self.name, folder.emotion) for folder in found)
        problems += class_map.own_oddities(tree.shown(high_speed), labels)
        clips: dict[str, Clip] = {}
        for folder in found:
            where = tree.shown(folder.path)
            try:
                clip, notes = self._clip(tree, folder, class_map, spans)
                if clip is None:
                    continue
                if clip.name in clips:
                    raise Rejected(
                        "duplicate", f"clip {clip.name} has two folders: leave one of them"
                    )
            except Rejected as reason:
                problems.append(Problem(reason.kind, where, reason.what, fatal=True))
                continue
            clips[clip.name] = clip
            problems += notes
        return list(clips.values()), problems

    def holds_clips(self, tree: Tree, folder: Path) -> bool:
        """Whether `<subject>/micro`, or clips of SMIC-HS-E, lie in `folder`.

        It is not one of the slower cameras.
        """
        if folder.name.lower() in _OTHER_CAMERAS:
            return False
        people = [
            path for name, path in tree.entries(folder).folders.items() if self.subject_of(name)
        ]
        return any(
            _micro(tree, path) or any(map(_CLIP.fullmatch, tree.entries(path).folders))
            for path in people
        )

    def _high_speed(self, tree: Tree) -> tuple[Path, list[Problem]]:
        """The folder of the subjects; DataError where there is none."""
        found, problems = self.frames_below(tree, tree.root)
        if found is None:
            raise self.not_found(tree)
        return found, problems

    def _spans(self, tree: Tree, extended: Path, problems: list[Problem]) -> Spans:
        """Clip -> onset and offset in SMIC-HS-E, whose clips are longer than their expressions.

        Of a clip that holds several expressions the first is taken, which is a problem. Raises
        DataError where there is no annotation.
        """
        sheet, notes = self.find_sheet(tree, EXTENDED_COLUMNS)
        if sheet is None:
            raise DataError(
                f"{printable(extended)} holds the long clips of SMIC-HS-E, which need their "
                "annotation: put SMIC-HS-E_annotation*.xlsx (columns Filename, OnsetF, OffsetF) "
                f"there, or name it with --set {ANNOTATION_SETTING}=..."
            )
        problems += notes
        second = {**EXTENDED_COLUMNS, "onset": "Onset2F"}
        rows = read_rows(sheet, second) if has_columns(sheet, second) else []
        more = [printable(row.text("clip")) for row in rows if row.text("onset")]
        if more:
            what = f"a second expression in {shortened(more)} is not read"
            problems.append(Problem("layout", tree.shown(sheet), what))
        if hidden := hidden_parts(sheet, EXTENDED_COLUMNS):
            problems.append(Problem("hidden", tree.shown(sheet), hidden))
        spans: dict[str, tuple[int, int]] = {}
        for row in read_rows(sheet, EXTENDED_COLUMNS):
            where = f"{tree.shown(sheet)} row {row.number}"
            match = _CLIP.fullmatch(row.text("clip"))
            onset, offset = row.frame_number("onset"), row.frame_number("offset")
            if match is None or onset is None or offset is None or offset < onset:
                problems.append(Problem("odd", where, "no clip with onset and offset: not used"))
                continue
            name = _clip_name(f"s{int(match[1]):02d}", match)
            if name in spans:
                problems.append(Problem("duplicate", where, f"second row of {name}: not used"))
            else:
                spans[name] = onset, offset
        return spans

    def _clip_folders(
        self,
        tree: Tree,
        high_speed: Path,
        subjects: Collection[str] | None,
        problems: list[Problem],
    ) -> Iterator[_ClipFolder]:
        """Clip folders of the wanted subjects; deviations from the layout go to `problems`."""
        people = tree.entries(high_speed)
        problems += refused_links(tree, high_speed, people)
        for name, path in people.folders.items():
            subject = self.subject_of(name)
            micro = _micro(tree, path)
            if subject is None:
                what = "no subject's name such as s01 or s1; what it holds is not read"
                # A folder without `micro` holds no clips.
                problems.append(Problem("odd", tree.shown(path), what, fatal=micro is not None))
            elif subjects is not None and subject not in subjects:
                continue
            elif micro is None:
                what = f"subject {subject} has no folder micro/"
                problems.append(Problem("missing", tree.shown(path), what, fatal=True))
            else:
                yield from self._folders_of(tree, subject, micro, problems)

    def _long_clips(
        self, tree: Tree, extended: Path, subjects: Collection[str] | None
    ) -> Iterator[_ClipFolder]:
        """The clips of SMIC-HS-E of the wanted subjects."""
        for person, path in tree.entries(extended).folders.items():
            subject = self.subject_of(person)
            for name, folder in tree.entries(path).folders.items():
                match = _CLIP.fullmatch(name)
                if match and subject and (subjects is None or subject in subjects):
                    yield _ClipFolder(subject, _CLASS_CODES[match[2].lower()], folder)

    def _folders_of(
        self, tree: Tree, subject: str, micro: Path, problems: list[Problem]
    ) -> Iterator[_ClipFolder]:
        emotions = tree.entries(micro)
        problems += refused_links(tree, micro, emotions)
        for emotion, path in emotions.folders.items():
            entries = tree.entries(path)
            problems += refused_links(tree, path, entries)
            for folder in entries.folders.values():
                yield _ClipFolder(subject, emotion, folder)

    def _clip(
        self,
        tree: Tree,
        folder: _ClipFolder,
        class_map: ClassMap,
        spans: Spans | None,
    ) -> tuple[Clip | None, list[Problem]]:
        """The clip of a folder, of the frames that `spans` names (None: all), and problems.

        None where the class map leaves it out.
        """
        label = class_map.label_of(self.name, folder.emotion)
        if label is None:
            return None, []
        name = self._clip_name(folder)
        frames, problems = numbered_frames(tree, folder.path)
        if not frames:
            raise Rejected("missing", "no numbered image in the clip's folder")
        if spans is not None and name not in spans:
            raise Rejected("missing", "no row of the annotation names this clip")
        first, last = spans[name] if spans else (min(frames), max(frames))
        frames = {number: path for number, path in frames.items() if first <= number <= last}
        if not frames:
            raise Rejected("missing", f"no frame between {first} and {last}")
        files = tree.entries(folder.path).files.values()
        refuse_lost(frames, files, *(spans[name] if spans else (None, None)))
        problems += frame_problems(tree.shown(folder.path), frames, first, last)
        problems += [] if spans else kinds_of_names(tree.shown(folder.path), frames.values())
        clip = Clip(
            dataset=self.name,
            subject=folder.subject,
            name=name,
            label=label,
            frames=tuple(frames.values()),
            apex=None,
            emotion=folder.emotion.lower(),
            fps=self.fps,
        )
        return clip, problems

    def _clip_name(self, folder: _ClipFolder) -> str:
        """The challenge's name, `s01_ne_01`; Rejected where it contradicts the folders above."""
        match = _CLIP.fullmatch(folder.path.name)
        if match is None:
            shown = quoted(printable(folder.path.name))
            raise Rejected("odd", f"{shown} is no clip's name such as s01_ne_01")
        person, code = match[1], match[2].lower()
        if self.subject_of(person) != folder.subject:
            raise Rejected("odd", f"the clip's name contradicts its subject {folder.subject}")
        if _CLASS_CODES[code] != folder.emotion.lower():
            raise Rejected("label", f"the clip's name says {_CLASS_CODES[code]}, its folder not")
        return _clip_name(folder.subject, match)


def _clip_name(subject: str, match: re.Match[str]) -> str:
    return f"{subject}_{match[2].lower()}_{int(match[3]):02d}"


def _micro(tree: Tree, person: Path) -> Path | None:
    return descend(tree, person, ("micro",))
