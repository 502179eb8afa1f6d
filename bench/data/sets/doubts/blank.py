"""What makes a clip's optical flow blank, or the clip absurd."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bench.data.clips import Clip, Problem, clip_title
from bench.data.disk.containers import array_length
from bench.data.disk.numbering import CONTAINER_SUFFIXES

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


def frames_of(clip: Clip) -> int | None:
    """The number of a clip's frames where that takes no decoding."""
    if clip.span and clip.span[1] is not None:
        return clip.span[1] - clip.span[0]
    suffix = clip.frames[0].suffix.lower()
    if suffix not in CONTAINER_SUFFIXES:
        return len(clip.frames)
    whole = array_length(clip) if suffix == ".npy" else None
    return None if whole is None else whole - (clip.span[0] if clip.span else 0)
