"""What every data set is read into: clips with frames and labels, and the problems found."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

CHALLENGE_CLASSES = ("negative", "positive", "surprise")
"""The three classes of MEGC2019, in the order of every label, matrix and table here."""

FRESH = "fresh"
"""Name of the only fold where one network is tested on new people (`data.fresh_seed`)."""

_SPECIFIC = re.compile(r"""'[^']*'|"[^"]*"|[^\s:,]+ [^\s:,/]+/[^\s:,]+|[0-9]+""")
"""Names (quoted, or as `clip_title` gives them) and numbers in the text of a problem."""


@dataclass(frozen=True)
class Clip:
    """One micro-expression, onset to offset.

    `label` indexes `ClipSet.classes`; `frames` are image files in temporal order; `apex` is an
    index into `frames`, or None where none is annotated (an apex outside onset..offset is reported
    as a problem, and coded sets replace it by the middle, manifests by None); `emotion` is the data
    set's own word for the label; `fps` is in frames per second. Where one file holds the whole clip
    (.npy, a video), `frames` is that file, `span` is the half-open range of its frames (end None:
    to the end of the file), and `apex` counts from the start of the span. With `ready_flow` the
    file holds not the clip but its optical flow (`bench.data.disk.ready_flow`).
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

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(what)
        self.kind = kind
        self.what = what


DOUBLED = "row {} lists this clip already: leave one of the two rows"
"""What is wrong with a further row of a clip."""


@dataclass(frozen=True)
class Problem:
    """Something missing, extra or odd: `kind` is a short word, `where` names file, row or clip.

    Because of a `fatal` problem a clip is left out; the others are only reported.
    """

    kind: str
    where: str
    what: str
    fatal: bool = False


MOST_PLACES, SOME_PLACES = 6, 4
"""One line on many problems names so many places; of what is fatal, where the first show how."""


def of_each(problems: Iterable[Problem], clips: Sequence[Clip]) -> list[list[Problem]]:
    """Of each clip its problems."""
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.where, []).append(problem)
    return [found.get(clip_title(clip), []) for clip in clips]


def problem_lines(problems: Iterable[Problem]) -> Iterator[str]:
    """A line for each cause, with its count and its places.

    Fatal problems that differ in names and numbers alone have one cause; others are told apart,
    since each says what is done, unless these are many.
    """
    problems = list(problems)
    alike = Counter((p.kind, _SPECIFIC.sub("", p.what)) for p in dict.fromkeys(problems))
    causes: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        cause = _SPECIFIC.sub("", problem.what)
        many = alike[problem.kind, cause] > MOST_PLACES
        cause = cause if problem.fatal or many else problem.what
        causes.setdefault((problem.kind, cause), []).append(problem)
    for (kind, _), found in causes.items():
        first = found[0].what
        others = [problem.what for problem in found if problem.what != first]
        names = dict.fromkeys(m[0] for what in others if (m := _SPECIFIC.search(what)))
        also = f" (also {_some(list(names), SOME_PLACES)})" if names else ""
        times = f"{len(found)} times: " if len(found) > 1 else ""
        most = SOME_PLACES if found[0].fatal else MOST_PLACES
        places = _some(list(dict.fromkeys(problem.where for problem in found)), most)
        yield f"{kind}: {times}{places}: {first}{also}"


def _some(texts: Sequence[str], most: int) -> str:
    shown = ", ".join(texts[:most])
    return f"{shown} and {len(texts) - most} more" if len(texts) > most else shown


@dataclass(frozen=True)
class ClipSet:
    """The clips of one data set (or of several together), sorted by data set, subject, name.

    `class_map` names the map (`bench.data.sets.classes`) from the releases' words to labels;
    `tested`: how many clips at the end are those of new people, whom one network is tested on and
    none is trained on (`data.fresh_seed`); 0 where each subject is left out in turn; `fingerprint`:
    a hash over the clips, where their files have been read.
    """

    dataset: str
    classes: tuple[str, ...]
    clips: tuple[Clip, ...]
    problems: tuple[Problem, ...] = ()
    class_map: str = "challenge"
    tested: int = 0
    fingerprint: str = ""

    @cached_property
    def apexes(self) -> str:
        """A hash over the apex frames of the clips: what `fingerprint` does not say of them."""
        rows = [[clip.dataset, clip.subject, clip.name, clip.apex] for clip in self.clips]
        return sha256(json.dumps(rows).encode()).hexdigest()

    @property
    def subjects(self) -> tuple[str, ...]:
        """The distinct subjects, in the order of their clips."""
        return tuple(dict.fromkeys(clip.subject for clip in self.clips))

    def class_counts(self, dataset: str | None = None, subject: str | None = None) -> dict:
        """Class name -> number of clips (0 included), of one data set or subject where given."""
        counts = Counter(
            clip.label
            for clip in self.clips
            if dataset in (None, clip.dataset) and subject in (None, clip.subject)
        )
        return {name: counts[index] for index, name in enumerate(self.classes)}


def clip_title(clip: Clip) -> str:
    """The clip's name in messages."""
    return f"{clip.dataset} {clip.subject}/{clip.name}"


def people(clip_set: ClipSet) -> list[str]:
    """Per clip data set and subject, since two sets may use the same name."""
    return [f"{clip.dataset}/{clip.subject}" for clip in clip_set.clips]


def subjects_among(clip_set: ClipSet, indices: Sequence[int]) -> list[str]:
    """The distinct subjects of these clips, as `people` names them."""
    owners = people(clip_set)
    return list(dict.fromkeys(owners[index] for index in sorted(indices)))
