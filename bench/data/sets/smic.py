"""SMIC-HS (Li et al., FG 2013): labels are names of folders, there is no spreadsheet."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.data.clips import Clip, Problem, Rejected
from bench.data.disk.numbering import frame_problems, numbered_frames
from bench.data.disk.tree import Tree, refused_links
from bench.data.sets.base import SingleSet, descend
from bench.data.sets.classes import ClassMap
from bench.errors import printable, quoted

_CLASS_CODES = {"ne": "negative", "po": "positive", "sur": "surprise"}
_CLIP = re.compile(r"s([0-9]{1,4})_(ne|po|sur)_([0-9]{1,4})", re.IGNORECASE)


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
    home_prefixes = ("smic",)
    layout = ("SMIC_all_cropped/HS/<subject>/micro/", "SMIC*/SMIC_all_cropped/HS/<subject>/micro/")
    subject_prefix = "s"
    subject_digits = 2
    fps = 100.0

    def is_home(self, tree: Tree, folder: Path) -> bool:
        """Whether `folder` holds the `HS` folder with subjects."""
        return self._high_speed(tree, folder) is not None

    def read(
        self, tree: Tree, home: Path, subjects: Collection[str] | None, class_map: ClassMap
    ) -> tuple[list[Clip], list[Problem]]:
        """Clips and problems of `subjects` (all: None)."""
        high_speed = self._high_speed(tree, home)
        if high_speed is None:
            raise self._not_found(tree, [])
        problems: list[Problem] = []
        clips: dict[str, Clip] = {}
        for folder in self._clip_folders(tree, high_speed, subjects, problems):
            where = tree.shown(folder.path)
            try:
                clip, notes = self._clip(tree, folder, class_map)
                if clip.name in clips:
                    raise Rejected("duplicate", f"clip {clip.name} occurs twice, the first is kept")
            except Rejected as reason:
                problems.append(Problem(reason.kind, where, reason.what, fatal=True))
                continue
            clips[clip.name] = clip
            problems += notes
        return list(clips.values()), problems

    def _high_speed(self, tree: Tree, folder: Path) -> Path | None:
        """The `HS` folder with at least one `<subject>/micro`; None where there is none."""
        for steps in (("SMIC_all_cropped", "HS"), ("HS",)):
            path = descend(tree, folder, steps)
            if path is None:
                continue
            people = tree.entries(path).folders.values()
            if any(descend(tree, person, ("micro",)) for person in people):
                return path
        return None

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
            micro = descend(tree, path, ("micro",))
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
        self, tree: Tree, folder: _ClipFolder, class_map: ClassMap
    ) -> tuple[Clip, list[Problem]]:
        label = class_map.label_of(self.name, folder.emotion)
        if label is None:
            raise Rejected("label", f"class map {class_map.name} leaves out {folder.emotion}")
        name = self._clip_name(folder)
        frames, problems = numbered_frames(tree, folder.path)
        if not frames:
            raise Rejected("missing", "no numbered image in the clip's folder")
        problems += frame_problems(tree.shown(folder.path), frames, min(frames), max(frames))
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
        person, code, number = match[1], match[2].lower(), int(match[3])
        if self.subject_of(person) != folder.subject:
            raise Rejected("odd", f"the clip's name contradicts its subject {folder.subject}")
        if _CLASS_CODES[code] != folder.emotion.lower():
            raise Rejected("label", f"the clip's name says {_CLASS_CODES[code]}, its folder not")
        return f"{folder.subject}_{code}_{number:02d}"
