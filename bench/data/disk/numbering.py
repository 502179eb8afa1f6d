"""Which files are frames, and their order, by the numbers in their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path, PurePath

from bench.data.clips import Problem, Rejected
from bench.data.disk.tree import Entries, Tree, refused_links
from bench.errors import printable

IMAGE_SUFFIXES = frozenset(
    {
        *(".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm"),
        *(".tif", ".tiff", ".webp"),
    }
)

JPEG_SUFFIXES = frozenset({".jfif", ".jpeg", ".jpg"})

VIDEO_SUFFIXES = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".webm"})

CONTAINER_SUFFIXES = VIDEO_SUFFIXES | {".npy"}
"""Files that hold all frames of a clip."""

LOSSLESS = frozenset({".bmp", ".pgm", ".png", ".ppm", ".tif", ".tiff"})
"""Of a frame that lies there twice, that of such an ending is taken."""

OTHER_MEDIA = frozenset(
    {
        *(".avif", ".cr2", ".dng", ".exr", ".heic", ".heif", ".ico", ".j2k", ".jp2", ".jpe"),
        *(".jpx", ".jxl", ".nef", ".pbm", ".pfm", ".pnm", ".psd", ".raw", ".tga"),
        *(".3gp", ".flv", ".m2ts", ".mpeg", ".mts", ".ogv", ".ts", ".vob", ".wmv"),
        *(".h5", ".hdf5", ".mat", ".npz", ".pt", ".pth"),
    }
)
"""Pictures, videos and arrays that are not read."""


SOME_KINDS = 4
"""Kinds of names that a message lists."""

DECIMAL = re.compile(r"([0-9]+)[.,]([0-9]+)")
"""A number with a point, or a comma, in a name."""


def numbered_frames(tree: Tree, folder: Path) -> tuple[dict[int, Path], list[Problem]]:
    """Frame number -> image of `folder`, in the order of the numbers, and the problems found.

    Releases do not pad the numbers, so that the order of names is not the order in time. Problems
    are images without a number, repeated numbers, and entries that look like frames and cannot be
    read (see `unread`).
    """
    entries = tree.entries(folder)
    images = [path for path in entries.files.values() if is_image(path.name)]
    frames, problems = numbered(tree, images)
    problems += unread(tree, folder, entries) + beside(tree, frames, entries.files.values())
    return frames, problems


def numbered(tree: Tree, images: Iterable[Path]) -> tuple[dict[int, Path], list[Problem]]:
    """Frame number -> image, in order; images without a number of their own are problems.

    Of two with one number that whose name begins the other's is taken: `4`, not `4 - Copy`; of two
    of one name the lossless one.
    """
    frames: dict[int, Path] = {}
    unnumbered, twins = [], []
    paths = sorted(images, key=lambda path: (path.stem, path.suffix.lower() not in LOSSLESS))
    for path, number in zip(paths, frame_numbers(paths), strict=True):
        if number is None:
            unnumbered.append(path)
        elif frames.setdefault(number, path) is not path:
            twins.append((path, number, frames[number]))
    problems = []
    if unnumbered:
        what = f"not used: no number in its name says when it comes{_more(unnumbered)}"
        problems.append(Problem("odd", tree.shown(unnumbered[0]), what))
    if twins:
        path, number, used = twins[0]
        what = f"not used: {tree.shown(used)} has the frame number {number}, too{_more(twins)}"
        if path.with_suffix("") == used.with_suffix(""):
            what = f"not used: the frame lies beside it as {used.suffix}, too{_more(twins)}"
        problems.append(Problem("odd", tree.shown(path), what))
    frames = dict(sorted(frames.items()))
    return frames, problems + _out_of_order(tree, frames)


def _out_of_order(tree: Tree, frames: Mapping[int, Path]) -> list[Problem]:
    """A problem where the numbers in the names, taken together, give another order."""
    for (_, before), (number, path) in pairwise(frames.items()):
        if _numbers(before) > _numbers(path):
            what = (
                f"comes after {before.name} by its frame number {number}, but before it by all "
                "numbers in their names (a time of day, a hash?): give each frame one number"
            )
            return [Problem("odd", tree.shown(path), printable(what))]
    return _fractions(tree, frames)


def _fractions(tree: Tree, frames: Mapping[int, Path]) -> list[Problem]:
    """A problem where the numbers seem to be what follows the points of times: 0.1, 0.15, 0.2.

    Programs write no 0.10 beside 0.15: with one, they are counted (`s01.9`, `s01.10`).
    """
    found = {path: DECIMAL.findall(path.stem) for path in frames.values()}
    if not all(found.values()):
        return []
    behind = [decimals[-1] for decimals in found.values()]
    if any(len(fraction) > 1 and fraction.endswith("0") for _, fraction in behind):
        return []
    times = {path: float(".".join(pair)) for path, pair in zip(found, behind, strict=True)}
    for (before, earlier), (path, later) in pairwise(times.items()):
        if earlier > later:
            what = (
                f"comes after {before.name} by the number behind its point, but before it as a "
                "time: give each frame a whole number"
            )
            return [Problem("odd", tree.shown(path), printable(what))]
    return []


def _numbers(image: Path) -> list[int]:
    return [int(digits) for digits in re.findall(r"[0-9]+", image.stem)]


def _more(found: Sequence[object]) -> str:
    return f" (so it is with {len(found) - 1} more)" * (len(found) > 1)


def frame_numbers(images: Sequence[Path]) -> list[int | None]:
    """The frame number in the name of each image of a clip, None where there is none.

    It is the last number of the name; where all names have as many numbers, the last that is not
    the same in all of them: `img (3)` and `00012_aligned_2` are the frames 3 and 12.
    """
    found = [_numbers(path) for path in images]
    counts = {len(numbers) for numbers in found}
    place = -1
    if len(counts) == 1:
        columns = list(zip(*found, strict=True))
        varying = [index for index, column in enumerate(columns) if len(set(column)) > 1]
        place = varying[-1] if varying else -1
    return [numbers[place] if numbers else None for numbers in found]


def is_image(name: str) -> bool:
    """Whether a file of this name counts as a frame."""
    return PurePath(name).suffix.lower() in IMAGE_SUFFIXES


def unread(tree: Tree, folder: Path, entries: Entries) -> list[Problem]:
    """A problem for each entry that looks like a frame but is none.

    These are links that were not followed, pipes and devices, and folders named like images.
    """
    what = "not used: it is a folder, though named like an image"
    odd = [Problem("odd", tree.shown(folder / n), what) for n in entries.folders if is_image(n)]
    what = "not used: it is neither a file nor a folder"
    odd += [Problem("odd", tree.shown(folder / name), what) for name in entries.special]
    return odd + refused_links(tree, folder, entries)


def beside(tree: Tree, frames: Mapping[int, Path], files: Iterable[Path]) -> list[Problem]:
    """Problems: of the files that lie among frames and are not read, those that may be meant.

    They are named and numbered as one more frame, or are pictures, videos or arrays of some kind.
    """
    others = [path for path in files if not is_image(path.name)] if frames else []
    more = dict(_named_alike(frames, others))
    media = [path for path in others if path not in more.values() and _is_media(path)]
    problems = []
    for found, what in (
        (list(more.values()), "named and numbered like the frames, but of another ending"),
        (media, "a picture, video or array among the frames of a clip"),
    ):
        if found:
            problems.append(Problem("odd", tree.shown(found[0]), f"not used: {what}{_more(found)}"))
    return problems


def refuse_lost(
    frames: Mapping[int, Path], files: Iterable[Path], first: int | None, last: int | None
) -> None:
    """Rejected where a picture that is not read is one of the frames first..last of a clip.

    None: from the first one there is, or to the last.
    """
    others = [path for path in files if not is_image(path.name)]
    lost = [
        path
        for number, path in _named_alike(frames, others)
        if (first is None or number >= first) and (last is None or number <= last)
        if _is_media(path) or _is_media(PurePath(path.stem))
    ]
    if lost:
        shown = printable(lost[0].name)
        what = f"{len(lost)} frame(s) cannot be read, the first is {shown}: its ending is not known"
        raise Rejected("frames", f"{what}; write them as .png, or unpack the clip again")


def _named_alike(frames: Mapping[int, Path], others: Sequence[Path]) -> list[tuple[int, Path]]:
    """Number and file of those whose name is a frame's but for its number, which no frame has."""
    if not others:
        return []
    taken = {_bare(path) for path in frames.values()}
    names = {_without_numbers(name) for name in taken}
    alike = [path for path in others if _without_numbers(_bare(path)) in names]
    alike = [path for path in alike if _bare(path) not in taken]
    whole = [*frames.values(), *(path.with_name(f"{_bare(path)}.png") for path in alike)]
    found = zip(frame_numbers(whole)[len(frames) :], alike, strict=True)
    return [(number, path) for number, path in found if number is not None and number not in frames]


def _without_numbers(name: str) -> str:
    return re.sub(r"[0-9]+", "0", name).lower()


def _bare(path: Path) -> str:
    """A name without its ending, and without that of a picture before it (`img4.png.part`)."""
    stem = PurePath(path.stem)
    return stem.stem if _is_media(stem) else stem.name


def _is_media(path: PurePath) -> bool:
    """Whether a file may be a picture, video or array by its ending, also with signs behind it."""
    ending = re.sub(r"[^.a-z0-9]", "", path.suffix.lower())
    return ending in IMAGE_SUFFIXES | CONTAINER_SUFFIXES | OTHER_MEDIA


def kinds_of_names(where: str, frames: Iterable[Path]) -> list[Problem]:
    """The problem of frames whose names differ by more than their numbers, if they do.

    Pictures of another camera or of rest may lie among them. A number behind a letter (`cam2_7`) is
    part of the kind, but for the frame's own, unless it is another one in most names.
    """
    paths = list(frames)
    numbers = frame_numbers(paths)
    kinds = _by_kind(paths, map(_but_for, paths, numbers))
    if 2 * len(kinds) > len(paths):
        kinds = _by_kind(paths, (_without_numbers(path.stem) for path in paths))
    if len(kinds) < 2:
        return []
    largest = sorted(kinds.values(), key=len, reverse=True)[:SOME_KINDS]
    named = ", ".join(f"{len(names)} as {printable(names[0])}" for names in largest)
    more = ", ..." * (len(kinds) > SOME_KINDS)
    what = f"its frames have names of {len(kinds)} kinds ({named}{more}): all are taken for its own"
    return [Problem("odd", where, what)]


def _by_kind(paths: Sequence[Path], kinds: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path, kind in zip(paths, kinds, strict=True):
        found.setdefault(kind, []).append(path.name)
    return found


def _but_for(image: Path, number: int | None) -> str:
    """A name without its frame number and numbers that stand alone; others stay."""
    stem, shown = image.stem.lower(), list(re.finditer(r"[0-9]+", image.stem.lower()))
    own = next((each for each in reversed(shown) if int(each[0]) == number), None)
    if own:
        stem = f"{stem[: own.start()]}0{stem[own.end() :]}"
    return re.sub(r"(?<![^\W_])[0-9]+", "0", stem)


def first_gap(numbers: Iterable[int], first: int, last: int) -> tuple[int, int | None]:
    """How many numbers of first..last are missing, and the smallest missing one (None if none)."""
    present = sorted({number for number in numbers if first <= number <= last})
    # Loops over the present numbers, not over the range: a mistyped offset may be a billion.
    smallest = next((first + i for i, n in enumerate(present) if n != first + i), None)
    absent = last - first + 1 - len(present)
    if absent and smallest is None:
        smallest = first + len(present)
    return absent, smallest


def frame_problems(where: str, numbers: Iterable[int], first: int, last: int) -> list[Problem]:
    """The problem of frames that are missing between `first` and `last`, if there are any."""
    numbers = [number for number in numbers if first <= number <= last]
    absent, smallest = first_gap(numbers, first, last)
    if not absent:
        return []
    steps = {after - before for before, after in pairwise(sorted(set(numbers)))}
    step = min(steps, default=1)
    whole = len(numbers) > 2 and min(numbers) - first < step > last - max(numbers)
    if whole and len(steps) == 1 and step > 1:
        what = f"the numbers of its frames rise by {step}: those between are missing, or one in"
        return [Problem("frames", where, f"{what} {step} was kept; used as they are")]
    what = f"{absent} of the {last - first + 1} frames {first}..{last} missing, "
    return [Problem("frames", where, f"{what}the first is number {smallest}")]
