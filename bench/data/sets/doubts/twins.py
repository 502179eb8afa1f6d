"""Clips that show what another clip shows: of two subjects, a fold trains on what it tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.data.clips import Clip, Problem, clip_title
from bench.data.disk.numbering import CONTAINER_SUFFIXES
from bench.data.sets.doubts.blank import LONGEST, frames_of

if TYPE_CHECKING:
    import numpy as np

ENDS = 1
"""Frames that an expression may share with the next one of the same subject: where both end."""

LEAK = ", of another subject: a fold trains on what it tests"


def twins(clips: Sequence[Clip]) -> Iterator[Problem]:
    """A problem for each clip with the very frames of an earlier one, or some of them (`shared`).

    Of two subjects it is a leak: the fold that tests the one trains on the other.
    """
    whole = [*_alike(((clip, _files(clip)) for clip in clips), "the same files as")]
    parts = shared(clips, map(_places, clips), "also frames of")
    yield from with_twins(whole, parts)


def shared(
    clips: Iterable[Clip], frames: Iterable[Iterable[Hashable]], said: str
) -> Iterator[Problem]:
    """A problem for each clip with frames of an earlier one of another subject.

    Of the same subject where they are most of its frames, or more than ENDS and the two have other
    labels. frames: what tells the frames of each clip from others.
    """
    first: dict[Hashable, Clip] = {}
    for clip, keys in zip(clips, frames, strict=True):
        others = [first.setdefault(key, clip) for key in keys]
        strange = [each for each in others if person(each) != person(clip)]
        if strange:
            what = f"{len(strange)} of its frames are {said} {clip_title(strange[0])}{LEAK}"
            yield Problem("twin", clip_title(clip), what)
            continue
        again = Counter(clip_title(each) for each in others if each is not clip)
        labels = {clip_title(each): each.label for each in others if each is not clip}
        for title, count in again.most_common():
            unlike = count > ENDS and labels[title] != clip.label
            if unlike or 2 * count > len(others):
                what = f"{count} of its {len(others)} frames are {said} {title}"
                twice = ", of another class" * unlike + ": one movement, counted twice?"
                yield Problem("twin", clip_title(clip), what + twice)
                break


def _places(clip: Clip) -> Iterator[Hashable]:
    """Where each frame lies: its file, of a video or an array with its number.

    A file may claim any number of frames: the first are enough.
    """
    if clip.frames[0].suffix.lower() not in CONTAINER_SUFFIXES:
        return iter(clip.frames)
    first = clip.span[0] if clip.span else 0
    count = min(frames_of(clip) or LONGEST, LONGEST)
    return ((clip.frames[0], first + number) for number in range(count))


def copies(clips: Iterable[Clip], contents: Iterable[str]) -> Iterator[Problem]:
    """The same of clips in other files, by a hash of their content (empty: not known)."""
    apart: dict[Hashable, tuple[Clip, str]] = {}
    for clip, content in zip(clips, contents, strict=True):
        apart.setdefault(_files(clip), (clip, content))
    yield from _alike((each for each in apart.values() if each[1]), "copies of")


def seen_alike(clips: Iterable[Clip], inputs: np.ndarray) -> Iterator[Problem]:
    """The same of clips that networks see alike, however they are stored. inputs: one per clip."""
    moving = zip(clips, inputs, strict=True)
    contents = [(clip, each.tobytes()) for clip, each in moving if each.min() < each.max()]
    yield from _alike(contents, "made into the same input as")


def with_twins(problems: Iterable[Problem], found: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems and those found, each clip's twin once."""
    known = dict.fromkeys(problems)
    told = {each.where for each in known if each.kind == "twin"}
    new = (each for each in found if each.kind != "twin" or each.where not in told)
    return tuple(known | dict.fromkeys(new))


def without_folds(problems: Iterable[Problem]) -> Iterator[Problem]:
    """The problems as they are told where nothing is trained on the clips: no fold leaks."""
    for each in problems:
        yield replace(each, what=each.what.replace(LEAK, ""))


def person(clip: Clip) -> tuple[str, str]:
    """Data set and subject of a clip."""
    return clip.dataset, clip.subject


def _files(clip: Clip) -> Hashable:
    return clip.frames, clip.span


def _alike(clips: Iterable[tuple[Clip, Hashable]], said: str) -> Iterator[Problem]:
    """A problem for each clip with what an earlier one has."""
    first: dict[Hashable, Clip] = {}
    for clip, key in clips:
        other = first.setdefault(key, clip)
        if other is not clip:
            leak = "" if person(other) == person(clip) else LEAK
            what = f"its frames are {said} those of {clip_title(other)}{leak}"
            yield Problem("twin", clip_title(clip), what)
