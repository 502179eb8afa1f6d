"""Which files are frames, and their order: by the number that ends a name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePath

from bench.data.clips import Problem
from bench.data.disk.tree import Entries, Tree, refused_links
from bench.errors import printable

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"})

VIDEO_SUFFIXES = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".webm"})

CONTAINER_SUFFIXES = VIDEO_SUFFIXES | {".npy"}
"""Files that hold all frames of a clip."""

_LAST_NUMBER = re.compile(r"([0-9]+)$")


def numbered_frames(tree: Tree, folder: Path) -> tuple[dict[int, Path], list[Problem]]:
    """Images of `folder` by the number that ends their name, in the order of the numbers.

    The releases do not pad numbers, so that the order of names is not the order in time. Images
    without a number, a number that occurs twice and all that only looks like a frame (see
    `unread`) are problems.
    """
    entries = tree.entries(folder)
    images = [path for path in entries.files.values() if is_image(path.name)]
    frames, problems = numbered(tree, images)
    problems += unread(tree, folder, entries)
    return frames, problems


def numbered(tree: Tree, images: Iterable[Path]) -> tuple[dict[int, Path], list[Problem]]:
    """Images by the number that ends their name, in order; those without one are problems."""
    frames: dict[int, Path] = {}
    problems = []
    for path in images:
        number = frame_number(path)
        if number is None:
            problems.append(Problem("odd", tree.shown(path), "no frame number ends the name"))
        elif (twin := frames.setdefault(number, path)) is not path:
            what = f"has the frame number of {printable(twin.name)}, which is used"
            problems.append(Problem("odd", tree.shown(path), what))
    return dict(sorted(frames.items())), problems


def frame_number(path: Path) -> int | None:
    """The number that ends an image's name, None where none does."""
    match = _LAST_NUMBER.search(path.stem)
    return int(match[1]) if match else None


def is_image(name: str) -> bool:
    """Whether a file of this name is taken for a frame."""
    return PurePath(name).suffix.lower() in IMAGE_SUFFIXES


def unread(tree: Tree, folder: Path, entries: Entries) -> list[Problem]:
    """What a folder of frames holds that looks like a frame and cannot be one.

    Links that were not followed, pipes and devices, folders named like images.
    """
    what = "is a folder, though named like an image: no frame is read from it"
    odd = [Problem("odd", tree.shown(folder / n), what) for n in entries.folders if is_image(n)]
    what = "is neither a file nor a folder: it is not read"
    odd += [Problem("odd", tree.shown(folder / name), what) for name in entries.special]
    return odd + refused_links(tree, folder, entries)


def first_gap(numbers: Iterable[int], first: int, last: int) -> tuple[int, int | None]:
    """How many numbers of first..last are absent, and the smallest absent one (None if none)."""
    present = sorted({number for number in numbers if first <= number <= last})
    # The present numbers are walked, not the span: a mistyped offset may be a billion.
    smallest = next((first + i for i, n in enumerate(present) if n != first + i), None)
    absent = last - first + 1 - len(present)
    if absent and smallest is None:
        smallest = first + len(present)
    return absent, smallest


def frame_problems(where: str, numbers: Iterable[int], first: int, last: int) -> list[Problem]:
    """Frames absent between `first` and `last`, and a clip that is left with a single frame."""
    numbers = list(numbers)
    problems = []
    absent, smallest = first_gap(numbers, first, last)
    if absent:
        what = f"{absent} of the {last - first + 1} frames {first}..{last} missing, "
        problems.append(Problem("frames", where, f"{what}the first is number {smallest}"))
    if len(numbers) == 1:
        problems.append(Problem("single_frame", where, "one frame only: the clip cannot move"))
    return problems
