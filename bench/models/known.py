"""By what a clip is known again that a network was trained on, whatever it is called.

Its contents tell what was stored again without loss or cut elsewhere. Its look tells copies that
lost something (JPEG, another size, other light), and other clips of the same faces. Both are
hashes: model files are passed on, and no picture of a person can be made from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from hashlib import sha256, shake_256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.data.cache import content_digests
from bench.data.clips import Clip
from bench.data.disk.images import decode, read_frames
from bench.data.disk.ready_flow import SIDE, ReadyFlow

if TYPE_CHECKING:
    import numpy as np

FOUND_AGAIN = 4
"""Frames of each clip with the smallest hashes: of a clip cut elsewhere most are the same."""

BANDS = 8
"""Parts of a look. One in common is enough: each is lost where one of its signs is."""

DIGITS = 8
"""Hexadecimal digits of the hash of one band."""

FACE, FLOW = (16, 128), (8, 96)
"""Side in pixels to which a frame and a flow image are made small, and signs per band.

Of generated frames (SMIC, CASME II, SAMM) at most 6 in 1,000 share a band with one of another set's
people; of 1,000 generated and 442 real flow images none with 9,000 generated ones of other people.
Copies of frames as JPEG of quality 50 or of half the size: 99 in 100 do; of real flow as JPEG of
quality 75: 77, of quality 50: 54.
"""

SAME_SHARE, LEAST_SAME = 0.25, 2
"""Share and number of tested clips from which on looking alike is no accident."""


class _Known(NamedTuple):
    contents: tuple[str, ...]
    look: str
    turned: tuple[str, ...]


def clip_contents(clips: Sequence[Clip], cache: Path) -> list[tuple[str, ...]]:
    """Per clip what it holds: 16 hexadecimal digits each.

    They are of the hash of its files and, where these are not blank, of what some of its frames
    show, however they are stored: its first, middle and last together, as files of earlier versions
    have them, and alone these, its apex and a few more that are there wherever the clip is cut.
    """
    digests = content_digests(clips, cache)
    return [
        tuple(dict.fromkeys((digest[:16], *_known(clip).contents)))
        for clip, digest in zip(clips, digests, strict=True)
    ]


def clip_looks(clips: Iterable[Clip]) -> list[str]:
    """Per clip how its first frame looks: BANDS hashes of DIGITS, empty where it is blank.

    A band holds the signs of random projections of the small grey frame without its mean, which
    light and contrast leave alone (locality-sensitive hashing, Charikar 2002).
    """
    return [_known(clip).look for clip in clips]


def alike(clips: Iterable[Clip], others: Iterable[str]) -> list[bool]:
    """Which of the clips share a band with one of the looks of others.

    Looked at, too, is how they look mirrored, upside down and with light and dark exchanged.
    """
    known = {band for other in others for band in _bands(other)}
    looks = ("".join((found.look, *found.turned)) for found in map(_known, clips))
    return [not known.isdisjoint(_bands(each)) for each in looks]


def _bands(look: str) -> Iterable[tuple[int, str]]:
    """Each band with its place; of several looks joined the bands of each."""
    starts = range(0, len(look), DIGITS)
    return ((start % (BANDS * DIGITS), look[start : start + DIGITS]) for start in starts)


@lru_cache(maxsize=1 << 20)  # a hundred thousand generated clips are gone through twice
def _known(clip: Clip) -> _Known:
    contents = read_frames(clip)
    if clip.ready_flow:
        flow = ReadyFlow(SIDE).make(clip, contents)
        image = flow.transpose(1, 2, 0)
        return _Known(_hashes(flow[None], []), _look(image, *FLOW), _turned_flow(image))
    whole = decode(clip, contents) if len(contents) == 1 else None  # one file holds the clip
    units: Any = contents if whole is None else whole
    last = len(units) - 1
    ends = sorted({0, last // 2, last})
    chosen = sorted(range(len(units)), key=lambda place: sha256(units[place]).digest())
    apex = () if clip.apex is None or clip.apex > last else (clip.apex,)
    alone = [*{*ends, *chosen[:FOUND_AGAIN], *apex}]

    def seen(places: Sequence[int]) -> np.ndarray:
        if whole is not None:
            return whole[places]
        some = replace(clip, frames=tuple(clip.frames[place] for place in places), apex=None)
        return decode(some, [contents[place] for place in places])

    frames = {place: seen([place]) for place in alone}
    first = frames[0][0]
    return _Known(_hashes(seen(ends), [*frames.values()]), _look(first, *FACE), _turned(first))


def _hashes(ends: np.ndarray, alone: Sequence[np.ndarray]) -> tuple[str, ...]:
    """Hashes of frames (n, H, W, C) that are not blank, grey ones as of three colours."""
    found = []
    for frames in (ends, *alone):
        if frames.min() < frames.max():
            frames = frames.repeat(3, axis=-1) if frames.shape[-1] == 1 else frames
            found.append(sha256(repr(frames.shape).encode() + frames.tobytes()).hexdigest()[:16])
    return tuple(found)


def _turned(frame: np.ndarray) -> tuple[str, ...]:
    """The looks of a frame (H, W, C) that is mirrored, upside down, or a negative."""
    small = _small(frame, FACE[0])
    upright = [each[:, ::way] for each in (small, small[::-1]) for way in (1, -1)]
    looks = (_hashed(each, *FACE) for each in (*upright[1:], *(255 - each for each in upright)))
    return tuple(looks)


def _turned_flow(image: np.ndarray) -> tuple[str, ...]:
    """The looks of flow (28, 28, 3) of 0 to 255 that is mirrored, with the sign of u or without."""
    sides = image[:, ::-1]
    return tuple(_look(each, *FLOW) for each in (sides, abs(sides - (255, 0, 0))))


def _look(frame: np.ndarray, side: int, width: int) -> str:
    """See `clip_looks`; frame: (H, W, 1 or 3)."""
    return _hashed(_small(frame, side), side, width)


def _small(frame: np.ndarray, side: int) -> np.ndarray:
    from bench.data.pixels import small_grey

    return small_grey(frame[None], side)[0]


def _hashed(image: np.ndarray, side: int, width: int) -> str:
    import numpy as np

    small = image.ravel()
    if small.min() == small.max():
        return ""
    signs = _projections(side, width) @ (small - small.mean()) > 0
    bands = np.packbits(signs.reshape(BANDS, width), axis=1)
    return "".join(sha256(band.tobytes()).hexdigest()[:DIGITS] for band in bands)


@cache
def _projections(side: int, width: int) -> np.ndarray:
    """Random signs, (BANDS * width, side * side), the same on every machine."""
    import numpy as np

    shape = BANDS * width, side**2
    bits = np.unpackbits(np.frombuffer(shake_256(b"looks").digest(shape[0] * shape[1] // 8), "u1"))
    return bits.reshape(shape).astype(np.float32) * 2 - 1
