"""A longer video seen through a window that moves over it: probabilities over time.

This is not spotting: a network of clips names a class for every window, whatever happens in it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.data.clips import Clip, clip_title
from bench.data.disk.images import decode, read_frames
from bench.errors import DataError, UsageError
from bench.models.answers import Answers, check_models, probabilities, trained_clips
from bench.models.inputs import NamedClip

if TYPE_CHECKING:
    from bench.models.model import Model

NOT_SPOTTING = (
    "Not spotting: every window is taken for a micro-expression and given a class, whatever "
    "happens in it."
)

SECONDS = 0.5
"""Length of a window: a micro-expression lasts no longer."""

OVERLAP = 4
"""Windows that a frame is in."""

AT_ONCE = 16
"""Windows that are written and preprocessed together."""


@dataclass(frozen=True)
class Window:
    """How the window moves, in frames."""

    length: int
    stride: int

    @classmethod
    def of(cls, fps: float | None, length: int | None, stride: int | None) -> Window:
        """From what is known; UsageError where neither frame rate nor length is."""
        if length is None and fps is None:
            raise UsageError(
                "the frame rate is not known, so that no window of half a second can be laid: give "
                "--fps, or --window in frames"
            )
        found = length or max(round(SECONDS * (fps or 0)), 2)
        return cls(found, stride or max(found // OVERLAP, 1))

    def starts(self, frames: int) -> range:
        """First frames of the windows in a video of so many frames; UsageError where none fits."""
        if frames < self.length:
            raise UsageError(
                f"the video has {frames} frames, fewer than a window of {self.length}: leave out "
                "--sliding, or give a shorter --window"
            )
        return range(0, frames - self.length + 1, self.stride)


def slide(
    models: Sequence[Model],
    named: NamedClip,
    window: Window,
    progress: Callable[[int, int], None] | None = None,
) -> Answers:
    """The answers to every window of a clip; the clips answered are its windows, by `span`.

    Windows that cannot be answered, since no face is found on their onset, are left out and
    counted. progress: called with (windows done, windows). Raises what `Window.starts` raises,
    UsageError as `check_models`, DataError where the clip cannot be read or no
    window answered.
    """
    check_models(models)
    clip = named.clip
    video = decode(clip, read_frames(clip))
    starts = list(window.starts(len(video)))
    answers: dict[int, np.ndarray | DataError] = {}
    for begin in range(0, len(starts), AT_ONCE):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            part = starts[begin : begin + AT_ONCE]
            cut = list(_cut(clip, video, part, window.length, Path(folder)))
            answers |= dict(zip(part, _answered(models, cut), strict=True))
        if progress:
            progress(min(begin + AT_ONCE, len(starts)), len(starts))
    found = {start: each for start, each in answers.items() if isinstance(each, np.ndarray)}
    if not found:
        raise DataError(f"{clip_title(clip)}: no window can be answered, the first: {answers[0]}")
    first = clip.span[0] if clip.span else 0
    windows = tuple(
        replace(
            clip,
            name=f"{first + start}-{first + start + window.length - 1}",
            span=(first + start, first + start + window.length),
        )
        for start in found
    )
    titles = tuple(model.record.title for model in models)
    chances = np.stack(list(found.values()), axis=1)
    told = ((*named.problems, *trained_clips(models, [clip])[0]),) * len(windows)
    return Answers(models[0].classes, windows, titles, chances, told, len(starts) - len(found))


def _answered(models: Sequence[Model], cut: Sequence[Clip]) -> Iterator[np.ndarray | DataError]:
    """Of each window (models, classes), or why there is none: no face on its onset, say."""
    try:
        yield from _chances(models, cut).swapaxes(0, 1)
    except DataError:
        for clip in cut:
            try:
                yield _chances(models, [clip])[:, 0]
            except DataError as error:
                yield error


def _chances(models: Sequence[Model], clips: Sequence[Clip]) -> np.ndarray:
    return np.stack([probabilities(model, clips) for model in models])


def stated_rate(clip: Clip) -> float | None:
    """Frames per second that the file of a clip states; None of images and arrays."""
    from bench.data.disk.containers import frame_rate
    from bench.data.disk.numbering import CONTAINER_SUFFIXES

    if clip.frames[0].suffix.lower() not in CONTAINER_SUFFIXES:
        return None
    return frame_rate(clip, read_frames(clip)[0])


def _cut(
    clip: Clip, video: np.ndarray, starts: Sequence[int], length: int, folder: Path
) -> Iterator[Clip]:
    """Windows as arrays in a folder."""
    for start in starts:
        file = folder / f"{start}.npy"
        frames = video[start : start + length]  # (length, H, W, C)
        np.save(file, frames[..., 0] if frames.shape[-1] == 1 else frames)
        yield replace(clip, name=str(start), frames=(file,), apex=None, span=None)
