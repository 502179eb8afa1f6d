"""Clips before they are rendered: length, file names and action units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.config.settings import CODED_VERSION, SURROGATE_VERSION
from bench.data.surrogates.coded_units import coded
from bench.data.surrogates.releases import (
    APEX_OUTSIDE_EVERY,
    APEX_UNKNOWN,
    COMPOSITE,
    RELEASES,
)
from bench.data.surrogates.rows import Row, release_rows
from bench.errors import UsageError, unknown_name


@dataclass(frozen=True)
class Settings:
    """Everything but their names that the clips depend on.

    `size`: side of the square around the face, in pixels. The square is the frame, or with `raw`
    part of a larger frame that shows a person in front of a background. `version`: that of the
    generator, whose older versions are kept.
    """

    difficulty: float
    seed: int
    size: int
    raw: bool = False
    version: int = SURROGATE_VERSION


@dataclass(frozen=True)
class Plan:
    """One clip before it is rendered.

    Its folder holds `before` neutral frames, `length` frames from onset to offset and `after`
    neutral frames, numbered from `start`; `apex` counts from the onset. `noted_apex` is the apex
    in the spreadsheet, which may be wrong (None: not annotated). `side`: the half of the face that
    moves, as in `coded_units`; empty for both.
    """

    row: Row
    units: tuple[int, ...]
    start: int
    before: int
    length: int
    after: int
    apex: int
    noted_apex: int | None
    side: str = ""

    @property
    def onset(self) -> int:
        """File number of the onset frame."""
        return self.start + self.before

    @property
    def offset(self) -> int:
        """File number of the last frame of the expression."""
        return self.onset + self.length - 1

    @property
    def clip_name(self) -> str:
        """The clip's name in loaders: CAS(ME)³ adds the onset, since a recording holds several."""
        return f"{self.row.name}_{self.onset}" if self.row.dataset == "casme3" else self.row.name

    @property
    def frames(self) -> int:
        """Number of frames, each a file."""
        return self.before + self.length + self.after

    def folder(self, raw: bool = False) -> Path:
        """The folder of the clip's frames below the folder of its data set."""
        row, release = self.row, RELEASES[self.row.dataset]
        pattern = (raw and release.raw_folder_pattern) or release.folder_pattern
        return Path(pattern.format(subject=row.subject, emotion=row.emotion, name=row.name))

    def file_names(self, raw: bool = False) -> list[str]:
        """File names in temporal order."""
        release = RELEASES[self.row.dataset]
        pattern = (raw and release.raw_file_pattern) or release.file_pattern
        numbers = range(self.start, self.start + self.frames)
        return [pattern.format(subject=self.row.subject, number=number) for number in numbers]


def plan_clips(
    dataset: str,
    seed: int,
    subjects: Sequence[str] | None = None,
    version: int = SURROGATE_VERSION,
) -> list[Plan]:
    """The clips of `dataset` in the order data set, subject, name; of `subjects` where given.

    version: that of the generator, which from 3 on draws units as the releases code them.

    Raises UsageError for an unknown data set or subject, or an empty list of subjects.
    """
    if dataset != "composite" and dataset not in RELEASES:
        raise unknown_name("data set", dataset, (*RELEASES, "composite"))
    parts = COMPOSITE if dataset == "composite" else (dataset,)
    rows = [row for part in parts for row in release_rows(part)]
    return [plan_clip(row, seed, version) for row in _of_subjects(rows, subjects)]


def _of_subjects(rows: list[Row], subjects: Sequence[str] | None) -> list[Row]:
    if subjects is None:
        return rows
    if not subjects:
        raise UsageError("subjects is empty; name at least one subject or leave the limit out.")
    known = {row.subject for row in rows}
    for subject in subjects:
        if subject not in known:
            raise unknown_name("subject", subject, known)
    return [row for row in rows if row.subject in subjects]


def plan_clip(row: Row, seed: int, version: int = SURROGATE_VERSION) -> Plan:
    """Timing and action units of one clip. Only the units and their side depend on its emotion."""
    release = RELEASES[row.dataset]
    units, side = _shown(row, seed, version)
    timing = row.stream(seed, "timing")
    lengths = release.coded_lengths if version >= CODED_VERSION else release.lengths
    length = int(timing.integers(*lengths, endpoint=True))
    start = int(timing.integers(*release.starts, endpoint=True))
    apex = round(timing.uniform(1 / 3, 2 / 3) * (length - 1))
    margins = timing.integers(0, release.margin + 1, 2) * (timing.random() < 0.15)
    before, after = (int(margin) for margin in margins)
    noted: int | None = start + before + apex
    if row.dataset == "samm" and timing.integers(APEX_OUTSIDE_EVERY) == 0:
        noted = start + before + length + int(timing.integers(1, 10))
    if row.dataset == "smic" or (row.subject, row.name) == APEX_UNKNOWN:
        noted = None
    return Plan(row, units, start, before, length, after, apex, noted, side)


def _shown(row: Row, seed: int, version: int) -> tuple[tuple[int, ...], str]:
    """The clip's action units and the half that moves."""
    stream = row.stream(seed, "units")
    if version >= CODED_VERSION:
        return coded(row.dataset, row.emotion, version).draw(stream)
    choices = RELEASES[row.dataset].units[row.emotion]
    return choices[stream.integers(len(choices))], ""
