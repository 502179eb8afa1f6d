"""Clips that look nearly as another one, or its mirror image: compressed, resized or flipped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.cache import load_arrays
from bench.data.clips import Clip, Problem, clip_title
from bench.data.disk.images import decode
from bench.data.disk.numbering import CONTAINER_SUFFIXES
from bench.data.disk.ready_flow import SIDE, ReadyFlow
from bench.data.disk.video_files import reader_key
from bench.data.sets.doubts.twins import LEAK, person
from bench.errors import DataError

if TYPE_CHECKING:
    import numpy as np

LOOK_SIDE = 16
"""Side in pixels of the frames by which near copies are told: JPEG leaves these alike."""

ALIKE = (0.995, 0.8)
"""Least correlation of onset frames, and of what changes to the apex, of two copies of one clip.

Of generated clips (SMIC, CASME II, SAMM, easy to hard) the onsets of two people have at most 0.989,
and one with the mirror image of another of the same person 0.9942; of JPEG copies of quality 75 and
of those of half the size they have at least 0.999, changes 0.84.
"""

ALIKE_FLOW = (0.98, 0.98)
"""The same of v and strain of ready flow: of 442 real ones the lesser of both is 0.79 at most.

Of one person's it is 0.74 at most, of generated ones 0.86, of copies with noise of 8 levels 0.88.
"""

FLAT = 8
"""Most levels within a row of a border, of lossy files too."""

AT_ONCE = 256
"""Clips that are held against all earlier ones at a time."""


def look_of(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
    """What two frames (H, W, 1 or 3) show, whatever their size, light and quality: (2, 256).

    The onset and its change to the apex, small and grey, each with mean 0 and norm 1 (0 if blank).
    """
    import numpy as np

    first, last = map(_small, _without_border(onset, apex))
    return _normal(np.stack([first, last - first]))


def _without_border(onset: np.ndarray, apex: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The frames without outer rows and columns that are of one level in both: all have those."""
    import numpy as np

    box = []
    for axis in (0, 1):
        ranges = [np.ptp(frame, axis=1 - axis).max(-1) for frame in (onset, apex)]
        varied = np.flatnonzero(np.maximum(*ranges) > FLAT)
        box.append(slice(varied[0], varied[-1] + 1) if len(varied) else slice(None))
    return onset[tuple(box)], apex[tuple(box)]


def still(frame: np.ndarray) -> np.ndarray:
    """The same of one frame (H, W, 1 or 3): (256,)."""
    return _normal(_small(frame))


def _small(frame: np.ndarray) -> np.ndarray:
    from bench.data.pixels import small_grey

    return small_grey(frame[None], LOOK_SIDE).ravel()


def flow_look(flow: np.ndarray) -> np.ndarray:
    """The same of ready flow (3, S, S), of v and strain: (2, S·S). They have no sign to mirror."""
    return _normal(flow[1:].reshape(2, -1))


def _normal(parts: np.ndarray) -> np.ndarray:
    import numpy as np

    parts = parts - parts.mean(-1, keepdims=True)
    return parts / np.maximum(np.linalg.norm(parts, axis=-1, keepdims=True), 1e-6)


@dataclass(frozen=True)
class Look:
    """For the clip cache: `look_of` a clip, an unknown apex taken to be in the middle; (2, 256)."""

    shape: tuple[int, ...] = (2, LOOK_SIDE**2)
    dtype: str = "float32"

    def clip_key(self, clip: Clip) -> str:
        """Names the apex."""
        return f"look, version 2, apex {clip.apex}{reader_key(clip)}"

    def make(self, clip: Clip, contents: Sequence[bytes]) -> np.ndarray:
        """The look; zeros of frames that cannot be read, as their reader will say."""
        import numpy as np

        try:
            return look_of(*_onset_and_apex(clip, contents))
        except (DataError, IndexError):
            return np.zeros(self.shape)


def _onset_and_apex(clip: Clip, contents: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
    if clip.frames[0].suffix.lower() in CONTAINER_SUFFIXES:
        video = decode(clip, contents)
        return video[0], video[place_of_apex(clip, len(video))]
    onset, apex = (
        decode(replace(clip, frames=clip.frames[p : p + 1]), contents[p : p + 1])[0]
        for p in (0, place_of_apex(clip, len(contents)))
    )
    return onset, apex


def place_of_apex(clip: Clip, count: int) -> int:
    """The index of a clip's apex among `count` frames, where it is not known the middle."""
    return count // 2 if clip.apex is None else clip.apex


def clips_alike(clips: Sequence[Clip], cache: Path) -> Iterator[Problem]:
    """The problems of `near_copies`, frames and ready flow read through the clip cache."""
    framed = [clip for clip in clips if not clip.ready_flow]
    ready = [clip for clip in clips if clip.ready_flow]
    yield from near_copies(framed, load_arrays(framed, Look(), cache))
    flows = load_arrays(ready, ReadyFlow(SIDE), cache)
    yield from near_copies(ready, map(flow_look, flows), ALIKE_FLOW)


def near_copies(
    clips: Iterable[Clip],
    looks: Iterable[np.ndarray | None],
    alike: tuple[float, float] = ALIKE,
) -> Iterator[Problem]:
    """A problem for each clip that looks and moves nearly as earlier ones; it names one.

    Of another subject, or of the same where they are flow images; of the same subject's frames,
    which look alike, where it looks more so mirrored.
    looks: of each clip (2, S·S), None where it is not known; alike: least correlation of both.
    """
    import numpy as np

    known = [(clip, look) for clip, look in zip(clips, looks, strict=True) if look is not None]
    if not known:
        return
    plain = np.stack([look for _, look in known], dtype=np.float32)
    side = round(plain.shape[-1] ** 0.5)
    mirrored = plain.reshape(-1, 2, side, side)[..., ::-1].reshape(plain.shape)
    people = np.array([hash(person(clip)) for clip, _ in known])
    framed = np.array([not clip.ready_flow for clip, _ in known])
    for start in range(0, len(known), AT_ONCE):
        new, before = slice(start, start + AT_ONCE), slice(start + AT_ONCE)
        same, turned = (
            np.stack([each[new, part] @ plain[before, part].T for part in (0, 1)])
            for each in (plain, mirrored)
        )
        least = np.array(alike)[:, None, None]
        own = people[new, None] == people[None, before]
        repeats = (same >= least).all(0) & ~(own & framed[before])
        flipped = (turned >= least).all(0) & (~own | (turned > same).all(0))
        likeness = np.maximum(repeats * same.sum(0), flipped * turned.sum(0))
        likeness *= 2 - own  # of another subject it is worse, however near those of the same are
        for place, found in enumerate(likeness, start):
            if found[:place].max(initial=0):
                yield _near(known[place][0], known[int(found[:place].argmax())][0])


def _near(clip: Clip, earlier: Clip) -> Problem:
    if person(clip) == person(earlier):
        parts, how = (
            ("its flow image looks nearly the same as that", " (brighter, with noise, mirrored?)")
            if clip.ready_flow
            else ("it looks nearly the same as the mirror image", "")
        )
        what = f"{parts} of {clip_title(earlier)}{how}: one movement, counted twice?"
        return Problem("twin", clip_title(clip), what)
    parts, those = (
        ("flow image looks", "that") if clip.ready_flow else ("onset and apex look", "those")
    )
    what = (
        f"its {parts} nearly the same (as compressed, resized, brightened "
        f"or mirrored copies) as {those} of {clip_title(earlier)}{LEAK}"
    )
    return Problem("twin", clip_title(clip), what)
