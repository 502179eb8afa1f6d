"""What every data set is read into: clips with their frames, labels and whatever was odd."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CHALLENGE_CLASSES = ("negative", "positive", "surprise")
"""The three classes of MEGC2019, in the order of every label, matrix and table here."""


@dataclass(frozen=True)
class Clip:
    """One micro-expression, onset to offset.

    `label` indexes `ClipSet.classes`; `frames` are image files in temporal order; `apex` is an
    index into `frames`, or None where none is annotated (of one outside onset..offset, which is a
    problem too, coded sets take the middle and manifests none); `emotion` is the data set's own
    word for the label; `fps` is in frames per second. Where one file holds the whole clip (.npy, a
    video), `frames` is that file, `span` says which of its frames are meant (first, behind the
    last; None: to the end), and `apex` counts from the first. With `ready_flow` that one file is
    no clip but its optical flow (`bench.data.disk.ready_flow`).
    """

    dataset: str
    subject: str
    name: str
    label: int
    frames: tuple[Path, ...]
    apex: int | None
    emotion: str
    fps: float
    span: tuple[int, int | None] | None = None
    ready_flow: bool = False


class Rejected(Exception):
    """A clip that has to be left out: the kind and text of the fatal problem to report."""

    def __init__(self, kind: str, what: str):
        super().__init__(what)
        self.kind = kind
        self.what = what


@dataclass(frozen=True)
class Problem:
    """Something missing, extra or odd: `kind` is a short word, `where` names file, row or clip.

    A `fatal` problem leaves a clip out that should be there; the others are reported only.
    """

    kind: str
    where: str
    what: str
    fatal: bool = False


@dataclass(frozen=True)
class ClipSet:
    """The clips of one data set (or of several together), sorted by data set, subject, name.

    `class_map` names the map (`bench.data.sets.classes`) that made labels of the releases' words.
    """

    dataset: str
    classes: tuple[str, ...]
    clips: tuple[Clip, ...]
    problems: tuple[Problem, ...] = ()
    class_map: str = "challenge"

    @property
    def subjects(self) -> tuple[str, ...]:
        """Subjects in the order of their clips, each once."""
        return tuple(dict.fromkeys(clip.subject for clip in self.clips))

    def class_counts(self, dataset: str | None = None, subject: str | None = None) -> dict:
        """Clips per class name, every class named, of one data set or subject where given."""
        counts = Counter(
            clip.label
            for clip in self.clips
            if dataset in (None, clip.dataset) and subject in (None, clip.subject)
        )
        return {name: counts[index] for index, name in enumerate(self.classes)}


def clip_title(clip: Clip) -> str:
    """The clip as messages name it."""
    return f"{clip.dataset} {clip.subject}/{clip.name}"


def people(clip_set: ClipSet) -> list[str]:
    """Per clip its subject with its data set, since two sets may share a name."""
    return [f"{clip.dataset}/{clip.subject}" for clip in clip_set.clips]


def subjects_among(clip_set: ClipSet, indices: Sequence[int]) -> list[str]:
    """The subjects of these clips, each once."""
    owners = people(clip_set)
    return list(dict.fromkeys(owners[index] for index in sorted(indices)))
