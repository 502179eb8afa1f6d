"""The deep check: decodes every frame of every clip, to find what a listing cannot show."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.data.clips import Clip, Problem, clip_title
from bench.data.disk.images import decode, is_transparent, read_frames, refuse_dark
from bench.data.disk.numbering import CONTAINER_SUFFIXES, VIDEO_SUFFIXES
from bench.data.disk.oddities import Recording, levels_problem, recording_problems
from bench.data.disk.ready_flow import SIDE, ReadyFlow, channel_problems
from bench.data.pixels import few_levels
from bench.data.sets.doubts.blank import LONGEST, absurdities
from bench.data.sets.doubts.giveaways import told_by
from bench.data.sets.doubts.looks import (
    ALIKE_FLOW,
    flow_look,
    look_of,
    near_copies,
    place_of_apex,
    still,
)
from bench.data.sets.doubts.twins import copies, shared, with_twins
from bench.data.steps.crop import crop_box
from bench.data.steps.landmarks import misplaced
from bench.data.steps.settings import Preprocessing
from bench.data.stills.apex import refuse_beyond
from bench.errors import DataError, printable
from bench.system.processes import in_processes

if TYPE_CHECKING:
    import numpy as np

WRONG = frozenset(
    {
        *("unreadable", "size", "constant", "levels", "part", "repeated"),
        *("twin", "frames", "blank", "transparent"),
    }
)
"""Further kinds of problem that make a set incomplete after a deep check."""

UNCHANGED = Preprocessing()

LEAST_BLANK, SHOWN = 8, 16
"""A part of a frame is blank from an eighth of its rows on that are of one level, where the rows of
most other frames have so many levels."""

GREY, COLOURED = 2, 16
"""Most levels between the channels of a grey frame (of a lossy file), and least of one in
colour."""

CUT, CUT_RATIO, CUT_FRAMES = 0.02, 10, 2
"""Least difference of two scenes in one clip (1 - correlation, frames of `LOOK_SIDE` pixels), alone
and against the median step between like frames; and frames of each scene, since one is a flash.

Steps of generated clips (all versions, easy to hard) are at most 0.01, people differ by 0.05.
"""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class _Frame:
    """A decoded frame: name, size (width, height), lowest and highest level, content hash.

    colour: levels between the channels of a pixel, the most of all; rows: per row how many levels
    lie between its pixels, uint8 (height,); few: its `few_levels`; look: what it shows,
    small and grey (`still`).
    """

    name: str
    size: tuple[int, int]
    colour: int
    levels: tuple[int, int]
    content: str
    rows: np.ndarray
    few: int
    look: np.ndarray

    @property
    def constant(self) -> bool:
        """Whether it is of one level all over."""
        return self.levels[0] == self.levels[1]


def deep_problems(
    clips: Sequence[Clip],
    workers: int,
    progress: Progress | None = None,
    settings: Preprocessing = UNCHANGED,
) -> tuple[list[Problem], int]:
    """Problems in the frames of the clips, and how many frames were decoded.

    Kinds: `unreadable` (truncated, damaged, missing), `dark` (all but black) and `apex` (behind the
    last frame), as runs refuse them, `size` (differs from the first frame's),
    `constant` (all pixels equal), `levels` (few of them), `part` (many rows of one level that
    others lack), `transparent` (viewers hide pixels), `mixed` (grey and in colour), `cut` (several
    scenes in one clip),
    `repeated` (equal to an earlier frame), `blank` (all frames the same), `twin` (all
    frames equal to those of another clip, in other files; some to those of another subject, or
    onset and apex nearly equal, of the same subject mirrored), `crop` (`settings` cannot crop it),
    `landmarks` (see `misplaced`), `turned`, `profile` and `times` (see `Recording`), `flow` (see
    `channel_problems`), and what `absurdities` says of clips in one file; `class` (the size of
    frames tells it). `progress` is called with (clips done, clips in all).
    """
    import numpy as np

    looks: list[_Look] = []
    look = partial(_look_through, settings)
    for seen in in_processes(look, clips, max(min(workers, len(clips)), 1)):
        looks.append(seen)
        if progress:
            progress(len(looks), len(clips))
    problems = [problem for seen in looks for problem in seen.problems]
    if settings.crop == "landmarks":
        framed = {clip: seen.size for clip, seen in zip(clips, looks, strict=True) if seen.size}
        problems += misplaced(list(framed), list(framed.values()), settings.landmarks)
    sizes = [seen.size and f"{seen.size[1]}×{seen.size[0]}" for seen in looks]
    problems += told_by("size of the frames", clips, sizes)
    twins = with_twins(
        copies(clips, (seen.content for seen in looks)),
        shared(clips, [seen.shown for seen in looks], "copies of frames of"),
    )
    flows = {
        clip: seen.flow for clip, seen in zip(clips, looks, strict=True) if seen.flow is not None
    }
    near = [
        *near_copies(clips, (seen.onset_and_apex for seen in looks)),
        *near_copies(flows, map(flow_look, flows.values()), ALIKE_FLOW),
    ]
    problems += channel_problems(np.stack([*flows.values()])) if flows else ()
    return [*problems, *with_twins(twins, near)], sum(seen.frames for seen in looks)


class _Look(NamedTuple):
    """What a look through a clip gives.

    frames: how many were decoded; content: a hash of all, empty where one is missing; shown: one of
    each that is not of one level all over; onset_and_apex: see `look_of`, an unknown apex taken to
    be in the middle; size: height and width in pixels; flow: of ready flow, (3, 28, 28).
    """

    problems: list[Problem]
    frames: int
    content: str
    shown: tuple[str, ...]
    onset_and_apex: np.ndarray | None
    size: tuple[int, int] | None
    flow: np.ndarray | None


def _look_through(settings: Preprocessing, clip: Clip) -> _Look:
    """A look at all frames of a clip."""
    kept: list[np.ndarray] = []
    flow: np.ndarray | None = None
    frames: list[_Frame] = []
    unreadable: list[str] = []
    hidden: list[str] = []
    uncropped: list[Problem] = []
    for path, read in _readers(clip):
        try:
            video = read()
            flow = video[0].transpose(2, 0, 1) if clip.ready_flow else None
            if not (frames or clip.ready_flow):
                uncropped += _uncropped(clip, video[0], settings)
            kept += _onset_and_apex(clip, video, len(frames))
            frames += [_described(path.name, pixels) for pixels in video]
        except DataError as error:
            unreadable.append(str(error))
        else:
            hidden += [path.name] * is_transparent(path)
    problems = [
        *_problems(clip, frames, unreadable),
        *uncropped,
        *_shown_otherwise(clip, frames, hidden),
        *([] if unreadable else _recorded(clip)),
    ]
    whole = hashlib.sha256("".join(frame.content for frame in frames).encode()).hexdigest()
    shown = tuple(frame.content for frame in frames if not frame.constant)
    known = len(kept) == 2 and not (unreadable or clip.ready_flow)
    seen = look_of(*kept) if known else None
    size = frames[0].size[::-1] if frames and not clip.ready_flow else None
    return _Look(problems, len(frames), "" if unreadable else whole, shown, seen, size, flow)


def _onset_and_apex(clip: Clip, video: np.ndarray, before: int) -> list[np.ndarray]:
    """Which of some frames (n, H, W, C) are onset and apex; before: how many came earlier."""
    count = len(clip.frames) if len(clip.frames) > 1 else len(video)
    places = (0, place_of_apex(clip, count))
    return [video[p - before] for p in places if 0 <= p - before < len(video)]


def _recorded(clip: Clip) -> Iterator[Problem]:
    found = recording_problems(clip, Recording().make(clip, read_frames(clip)))
    told = {"constant", "levels", "part"}  # of all frames, by their pixels
    return (problem for problem in found if problem.kind not in told)


def _readers(clip: Clip) -> Iterator[tuple[Path, Callable[[], np.ndarray]]]:
    """Per file its path and a function that decodes it to (n, H, W, C), n = 1 for an image."""
    if clip.ready_flow:
        flow = ReadyFlow(SIDE)
        yield clip.frames[0], lambda: flow.make(clip, read_frames(clip)).transpose(1, 2, 0)[None]
        return
    in_one_file = clip.frames[0].suffix.lower() in CONTAINER_SUFFIXES
    for path in clip.frames:
        part = replace(clip, frames=(path,), span=clip.span if in_one_file else None)
        yield path, partial(_decoded, part)


def _decoded(clip: Clip) -> np.ndarray:
    return decode(clip, read_frames(clip))


def _described(name: str, pixels: np.ndarray) -> _Frame:
    import numpy as np

    height, width = pixels.shape[:2]
    content = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
    planes = np.ascontiguousarray(np.moveaxis(pixels, -1, 0))  # (C, H, W), faster to go through
    colour = int((planes.max(0) - planes.min(0)).max())
    rows = (planes.max(-1) - planes.min(-1)).max(0)
    levels = int(planes.min()), int(planes.max())
    few = few_levels(pixels)
    return _Frame(name, (width, height), colour, levels, content, rows, few, still(pixels))


def _problems(clip: Clip, frames: Sequence[_Frame], unreadable: Sequence[str]) -> Iterator[Problem]:
    where = clip_title(clip)
    if not (unreadable or clip.ready_flow):
        yield from _refused(clip, frames)
    if unreadable:
        what = f"{len(unreadable)} file(s) cannot be decoded, the first: {unreadable[0]}"
        yield Problem("unreadable", where, what, fatal=True)
    if not frames:
        return
    width, height = frames[0].size
    others = [frame for frame in frames if frame.size != frames[0].size]
    if others:
        what = (
            f"{len(others)} frame(s) of another size than the first ({width}×{height}), the "
            f"first of them {_named(others[0])} ({others[0].size[0]}×{others[0].size[1]})"
        )
        yield Problem("size", where, what, fatal=True)
    if clip.frames[0].suffix.lower() in VIDEO_SUFFIXES:
        yield from absurdities(replace(clip, apex=None), len(frames))
    even = [frame for frame in frames if frame.constant]
    if even:
        first = _named(even[0])
        what = f"{len(even)} frame(s) of one level all over, the first {first}; used as they are"
        yield Problem("constant", where, what)
    few = [frame for frame in frames if frame.few]
    if few and not clip.ready_flow:
        most = max(frame.few for frame in few)
        what = f"{len(few)} frame(s) have at most {most} levels, the first {_named(few[0])}"
        yield levels_problem(clip, what)
    if len(frames) > 1 and len({frame.content for frame in frames}) == 1:
        what = "all its frames show the same picture: the clip does not move, its flow is blank"
        yield Problem("blank", where, what)
    else:
        yield from _repeated(where, frames)
    if others or clip.ready_flow:
        return
    lost = _with_blank_parts(frames)
    if lost:
        first = f"{_named(lost[0])} (number {frames.index(lost[0])})"
        what = f"a part of {len(lost)} frame(s) is blank, and not of the others, the first {first}"
        yield Problem("part", where, f"{what} (a file that was copied in part?); used as they are")
    yield from _scenes(where, frames, lost)


def _with_blank_parts(frames: Sequence[_Frame]) -> list[_Frame]:
    """The frames with many rows of one level that are a picture in most of the others."""
    import numpy as np

    rows = np.stack([frame.rows for frame in frames])  # (T, H)
    lost = ((rows == 0) & (np.quantile(rows, 0.75, axis=0) >= SHOWN)).sum(1)
    return [
        frame
        for frame, count in zip(frames, lost, strict=True)
        if count * LEAST_BLANK >= rows.shape[1] and not frame.constant
    ]


def _scenes(where: str, frames: Sequence[_Frame], lost: Sequence[_Frame]) -> Iterator[Problem]:
    """The problem of a clip whose frames, but those lost, fall into groups that look unlike."""
    import numpy as np
    from scipy.cluster.hierarchy import fcluster, linkage

    shown = [frame for frame in frames if not frame.constant and frame not in lost]
    if not 2 * CUT_FRAMES <= len(shown) <= LONGEST:
        return
    steps = linkage(np.stack([frame.look for frame in shown]), "single", "sqeuclidean")
    least = max(CUT, CUT_RATIO * float(np.median(steps[:, 2])) / 2)  # half of it: 1 - correlation
    groups = fcluster(steps, 2 * least, "distance")
    sizes = np.bincount(groups)
    scenes = [group for group in np.unique(groups) if sizes[group] >= CUT_FRAMES]
    if len(scenes) < 2:
        return
    usual = max(scenes, key=lambda group: (sizes[group], group == groups[0]))
    other = [frame for frame, group in zip(shown, groups, strict=True) if group != usual]
    what = (
        f"{len(other)} of {len(frames)} frames look unlike the others (a cut, another person, "
        f"upside down?), the first {_named(other[0])} (number {frames.index(other[0])}); used as "
        "they are"
    )
    yield Problem("cut", where, what)


def _refused(clip: Clip, frames: Sequence[_Frame]) -> Iterator[Problem]:
    """What runs refuse of a clip whose frames can each be decoded."""
    least = min(frame.levels[0] for frame in frames)
    most = max(frame.levels[1] for frame in frames)
    checks: tuple[tuple[str, Callable[[], None]], ...] = (
        ("dark", partial(refuse_dark, clip, least, most)),
        ("apex", partial(refuse_beyond, clip, len(frames))),
    )
    for kind, check in checks[len(frames) == 1 :]:
        try:
            check()
        except DataError as error:
            yield Problem(kind, clip_title(clip), str(error), fatal=True)


def _uncropped(clip: Clip, onset: np.ndarray, settings: Preprocessing) -> Iterator[Problem]:
    """The problem of a clip whose onset frame the settings cannot crop."""
    try:
        crop_box(clip, onset, settings)
    except DataError as error:
        yield Problem("crop", clip_title(clip), str(error), fatal=True)


def _shown_otherwise(
    clip: Clip, frames: Sequence[_Frame], hidden: Sequence[str]
) -> Iterator[Problem]:
    """What viewers show of frames in another way than networks see it."""
    where = clip_title(clip)
    if hidden:
        first = printable(hidden[0])
        what = f"{len(hidden)} frame(s) with transparent pixels, the first {first}"
        yield Problem("transparent", where, f"{what}; used are the colours that viewers hide")
    grey = [frame for frame in frames if frame.colour <= GREY and not frame.constant]
    if grey and any(frame.colour >= COLOURED for frame in frames):
        what = f"{len(grey)} of {len(frames)} frames are grey, the first {_named(grey[0])}"
        yield Problem("mixed", where, f"{what}, the others in colour; used as they are")


def _repeated(where: str, frames: Sequence[_Frame]) -> Iterator[Problem]:
    first_with: dict[str, int] = {}
    again = [
        (place, earlier)
        for place, frame in enumerate(frames)
        if (earlier := first_with.setdefault(frame.content, place)) != place
    ]
    if again:
        place, earlier = again[0]
        what = (
            f"{len(again)} of {len(frames)} frames repeat the picture of an earlier one, the first "
            f"{_named(frames[place])} (number {place}) that of {_named(frames[earlier])} "
            f"(number {earlier}): nothing moves between them; the clip is used as it is"
        )
        yield Problem("repeated", where, what)


def _named(frame: _Frame) -> str:
    return printable(frame.name)
