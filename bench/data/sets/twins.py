"""Clips that show what another clip shows: of two subjects, a fold trains on what it tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from bench.data.clips import Clip, Problem, clip_title
from bench.data.disk.numbering import CONTAINER_SUFFIXES
from bench.data.sets.blank import LONGEST, frames_of

if TYPE_CHECKING:
    import numpy as np

LOOK_SIDE = 16
"""Side in pixels of the frames by which near copies are told: JPEG leaves these alike."""

ALIKE_STILL, ALIKE_MOVING = 0.995, 0.8
"""Least correlation of onset frames, and of what changes to the apex, of two copies of one clip.

Of generated clips (SMIC, CASME II, SAMM, easy to hard) the onsets of two people have at most 0.989;
of JPEG copies of quality 75 and of those of half the size they have at least 0.999, changes 0.86.
"""

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
        strange = [each for each in others if _person(each) != _person(clip)]
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


def look_of(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
    """What two frames (H, W, 1 or 3) show, whatever their size, light and quality: (2, 256).

    The onset and its change to the apex, small and grey, each with mean 0 and norm 1 (0 if blank).
    """
    import numpy as np

    first, last = _small(onset), _small(apex)
    return _levelled(np.stack([first, last - first]))


def still(frame: np.ndarray) -> np.ndarray:
    """The same of one frame (H, W, 1 or 3): (256,)."""
    return _levelled(_small(frame))


def _small(frame: np.ndarray) -> np.ndarray:
    from bench.data.pixels import luminance, resize

    return resize(luminance(frame[None])[..., None], LOOK_SIDE).ravel()


def _levelled(parts: np.ndarray) -> np.ndarray:
    import numpy as np

    parts = parts - parts.mean(-1, keepdims=True)
    return parts / np.maximum(np.linalg.norm(parts, axis=-1, keepdims=True), 1e-6)


def near_copies(clips: Iterable[Clip], looks: Iterable[np.ndarray | None]) -> Iterator[Problem]:
    """A problem for each clip that looks and moves nearly as an earlier one of another subject.

    looks: of each clip `look_of`, None where it is not known. Clips of one subject look alike.
    """
    import numpy as np

    known = [(clip, look) for clip, look in zip(clips, looks, strict=True) if look is not None]
    stacked = np.stack([look for _, look in known]) if known else np.empty((0, 2, LOOK_SIDE**2))
    for place, (clip, look) in enumerate(known):
        mirrored = look.reshape(2, LOOK_SIDE, LOOK_SIDE)[..., ::-1].reshape(look.shape)
        still, moving = (stacked[:place, None] * (look, mirrored)).sum(-1).T  # (2, place) each
        alike = (still >= ALIKE_STILL) & (moving >= ALIKE_MOVING)
        for other in np.flatnonzero(alike.any(0)):
            earlier = known[other][0]
            if _person(earlier) != _person(clip):
                what = (
                    "its onset and apex look nearly the same (as compressed, resized, brightened "
                    f"or mirrored copies) as those of {clip_title(earlier)}{LEAK}"
                )
                yield Problem("twin", clip_title(clip), what)
                break


def with_twins(problems: Iterable[Problem], found: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems and those found, each clip's twin once."""
    known = dict.fromkeys(problems)
    told = {each.where for each in known if each.kind == "twin"}
    new = (each for each in found if each.kind != "twin" or each.where not in told)
    return tuple(known | dict.fromkeys(new))


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
