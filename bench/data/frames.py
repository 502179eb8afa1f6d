"""Listing a data root without leaving it, and frames in the order of their numbers.

Names from spreadsheets are looked up in these listings and never joined to a path, so no cell
can lead outside the root.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from bench.data.clips import Problem
from bench.errors import DataError, printable

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"})

VIDEO_SUFFIXES = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".webm"})

CONTAINER_SUFFIXES = VIDEO_SUFFIXES | {".npy"}
"""Files that hold all frames of a clip."""

_JUNK = frozenset({"thumbs.db", "desktop.ini", "__macosx"})

_LAST_NUMBER = re.compile(r"([0-9]+)$")


@dataclass(frozen=True)
class Entries:
    """What a folder holds, sorted by name: hidden files and the systems' own are left out.

    `refused` names links that lead out of the data root or nowhere, `special` what is neither
    file nor folder: to open a pipe is to wait for whoever writes into it.
    """

    folders: Mapping[str, Path]
    files: Mapping[str, Path]
    refused: tuple[str, ...]
    special: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tree:
    """A data root; nothing listed through it lies outside it."""

    root: Path
    real: str

    @classmethod
    def at(cls, root: Path) -> Tree:
        """The tree of an existing folder; DataError where there is none."""
        try:
            path = Path(root).expanduser().absolute()
            found = path.is_dir()
            what = "is no folder" if path.exists() else "does not exist"
        except (OSError, RuntimeError) as error:  # locked away, too long, nobody's home
            path, found = Path(root), False
            what = f"cannot be looked at ({getattr(error, 'strerror', None) or error})"
        if not found:
            raise DataError(
                f"data root {printable(path)} {what}: give the folder that holds the data set "
                "with --data-root or BENCH_DATA."
            )
        return cls(path, os.path.realpath(path))

    def entries(self, folder: Path) -> Entries:
        """What `folder` holds; DataError where it cannot be listed."""
        folders, files, refused, special = {}, {}, [], []
        for entry in self._scan(folder):
            if entry.is_symlink() and not self._holds(entry.path):
                refused.append(entry.name)
            elif entry.is_dir():
                folders[entry.name] = folder / entry.name
            elif entry.is_file():
                files[entry.name] = folder / entry.name
            else:
                special.append(entry.name)
        return Entries(folders, files, tuple(refused), tuple(special))

    def shown(self, path: Path) -> str:
        """`path` relative to the root, safe to print in one line."""
        return printable(path.relative_to(self.root).as_posix())

    def _scan(self, folder: Path) -> list[os.DirEntry]:
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            raise DataError(
                f"folder {printable(folder)} cannot be listed ({error.strerror}): "
                "check that it exists and may be read."
            ) from error
        return [entry for entry in entries if not _is_junk(entry.name)]

    def _holds(self, path: str) -> bool:
        """Whether a link ends inside the root (a loop or a dangling link ends nowhere)."""
        target = os.path.realpath(path)
        inside = target == self.real or target.startswith(self.real.rstrip(os.sep) + os.sep)
        return inside and Path(path).exists()


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


def refused_links(tree: Tree, folder: Path, entries: Entries) -> list[Problem]:
    """One problem for all links of a folder that were not followed, none where there is none."""
    if not entries.refused:
        return []
    first = printable(entries.refused[0])
    what = (
        f"{len(entries.refused)} link(s) not followed because they leave the data root or lead "
        f"nowhere, the first is {first}: put the files themselves below the root"
    )
    return [Problem("link", tree.shown(folder), what)]


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


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name.lower() in _JUNK
