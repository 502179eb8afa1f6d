"""What makes a clip's optical flow blank, or the clip absurd."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from bench.data.clips import Clip, Problem, clip_title
from bench.data.disk.containers import array_length
from bench.data.disk.numbering import CONTAINER_SUFFIXES

if TYPE_CHECKING:
    import numpy as np

LONGEST = 1000
"""Frames of the longest usual clip: a micro-expression takes half a second, and cameras of this
field up to 200 frames/s."""


def absurd_clips(clips: Iterable[Clip]) -> Iterator[Problem]:
    """A problem for each clip of one frame, with its apex at its onset, or of too many frames.

    A ready flow image is legitimately one frame. Frames of videos are counted by the deep check.
    """
    for clip in clips:
        if not clip.ready_flow:
            yield from absurdities(clip, frames_of(clip))


def absurdities(clip: Clip, frames: int | None) -> Iterator[Problem]:
    """The same of one clip of so many frames (None: not known)."""
    where = clip_title(clip)
    if frames == 1:
        what = "one frame only: the clip cannot move, and its optical flow is blank"
        yield Problem("single_frame", where, what)
    elif clip.apex == 0:
        what = "the apex is the onset frame: optical flow from onset to apex is blank"
        yield Problem("blank", where, what)
    if frames is not None and frames > LONGEST:
        what = (
            f"{frames} frames, {frames / clip.fps:.1f} s at {clip.fps:g} frames/s: a "
            "micro-expression takes half a second; check onset and offset"
        )
        yield Problem("long", where, what)


def twins(clips: Sequence[Clip]) -> Iterator[Problem]:
    """A problem for each clip with the very frames of an earlier one.

    Of two subjects it is a leak, even where they are some of its frames: the fold that tests the
    one trains on the other.
    """
    whole = [*_alike(((clip, _files(clip)) for clip in clips), "the same files as")]
    parts = shared(clips, map(_places, clips), "also frames of")
    yield from with_twins(whole, parts)


def shared(
    clips: Iterable[Clip], frames: Iterable[Iterable[Hashable]], said: str
) -> Iterator[Problem]:
    """A problem for each clip with frames of an earlier one of another subject.

    frames: what tells the frames of each clip from others.
    """
    first: dict[Hashable, Clip] = {}
    for clip, keys in zip(clips, frames, strict=True):
        others = [first.setdefault(key, clip) for key in keys]
        strange = [each for each in others if _person(each) != _person(clip)]
        if strange:
            what = f"{len(strange)} of its frames are {said} {clip_title(strange[0])}{LEAK}"
            yield Problem("twin", clip_title(clip), what)


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


LEAK = ", of another subject: a fold trains on what it tests"


def _person(clip: Clip) -> tuple[str, str]:
    return clip.dataset, clip.subject


def _files(clip: Clip) -> Hashable:
    return clip.frames, clip.span


def _alike(clips: Iterable[tuple[Clip, Hashable]], said: str) -> Iterator[Problem]:
    """A problem for each clip with what an earlier one has."""
    first: dict[Hashable, Clip] = {}
    for clip, key in clips:
        other = first.setdefault(key, clip)
        if other is not clip:
            leak = "" if _person(other) == _person(clip) else LEAK
            what = f"its frames are {said} those of {clip_title(other)}{leak}"
            yield Problem("twin", clip_title(clip), what)


def frames_of(clip: Clip) -> int | None:
    """The number of a clip's frames where that takes no decoding."""
    if clip.span and clip.span[1] is not None:
        return clip.span[1] - clip.span[0]
    suffix = clip.frames[0].suffix.lower()
    if suffix not in CONTAINER_SUFFIXES:
        return len(clip.frames)
    whole = array_length(clip) if suffix == ".npy" else None
    return None if whole is None else whole - (clip.span[0] if clip.span else 0)
