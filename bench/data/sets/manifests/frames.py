"""The frames that a cell of a manifest names: a path, or a pattern of paths."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath, PureWindowsPath
from unicodedata import normalize

from bench.data.clips import Problem, Rejected
from bench.data.disk.finding import shortened
from bench.data.disk.numbering import CONTAINER_SUFFIXES, beside, is_image, numbered, unread
from bench.data.disk.tree import Entries, Tree, refused_links
from bench.errors import printable, quoted

WINDOWS = re.compile(r"[A-Za-z]:|\\\\")
"""How a path of Windows begins that is not relative."""


@dataclass(frozen=True)
class ListedFrames:
    """Frames by their paths; root: the folder that these are relative to."""

    root: Path
    allow_outside: bool

    def find(
        self, tree: Tree, text: str, where: str
    ) -> tuple[dict[int, Path] | Path, list[Path], list[Problem]]:
        """Image files by number, or the one file that holds the clip; other files; and problems."""
        tree, steps = self._steps(tree, text)
        problems: list[Problem] = []
        places = [tree.root]
        for step in steps[:-1]:
            here = [(place, tree.entries(place)) for place in places]
            for place, entries in here:
                if any(fnmatchcase(name, step) for name in entries.refused):
                    problems += refused_links(tree, place, entries)
            entered = [_matching(entries.folders, step) for _, entries in here]
            places = _each_once(folder for folders in entered for folder in folders)
        files: list[Path] = []
        others: list[Path] = []
        for place in places:
            entries = tree.entries(place)
            problems += _unread(tree, place, entries, steps[-1])
            files += _matching(entries.files, steps[-1])
            for folder in _matching(entries.folders, steps[-1]):
                below = tree.entries(folder)
                problems += unread(tree, folder, below)
                for path in below.files.values():
                    (files if is_image(path.name) else others).append(path)
        containers = [file for file in files if file.suffix.lower() in CONTAINER_SUFFIXES]
        if len(containers) == 1 and len(files) == 1:
            return containers[0], others, problems
        images = [file for file in files if is_image(file.name)]
        others += [file for file in files if not is_image(file.name)]
        if not images:
            shown = quoted(printable(text), 80)
            links = [problem.where for problem in problems if problem.kind == "link"]
            link = "; links that leave the root are followed by --allow-outside alone" * bool(links)
            raise Rejected("missing", f"frames {shown}: {_no_images(others)}{link}")
        if len(images) == 1:
            return {0: images[0]}, others, problems + beside(tree, {0: images[0]}, others)
        frames, odd = numbered(tree, images)
        folders = sorted({tree.shown(image.parent) for image in images})
        if len(folders) > 1:
            what = f"its frames lie in {len(folders)} folders: {shortened(folders)}"
            problems.append(Problem("odd", where, f"{what}; if it is one clip's, name that alone"))
        if not frames:
            raise Rejected("frames", "no frame number ends the name of any image")
        return frames, others, problems + odd + beside(tree, frames, others)

    def _steps(self, tree: Tree, text: str) -> tuple[Tree, Sequence[str]]:
        """The tree that a path starts in, and its parts; Rejected where it leaves the root."""
        if os.name != "nt" and WINDOWS.match(text):
            raise Rejected("outside", f"{self._elsewhere(text, 'is a path of Windows')}")
        path = PurePosixPath(text.replace("\\", "/"))
        whole = Path(os.path.normpath(self.root / path))
        homes = (Path(os.path.normpath(self.root)), Path(tree.real))
        home = next((home for home in homes if whole.is_relative_to(home)), None)
        if not text or whole == home:
            raise Rejected("missing", "the cell frames is empty, or the manifest's own folder")
        if home:  # links may still lead out
            anywhere = os.path.realpath(tree.root.anchor)
            inside = replace(tree, real=anywhere) if self.allow_outside else tree
            return inside, whole.relative_to(home).parts
        if not self.allow_outside:
            shown = quoted(printable(text), 80)
            if path.is_absolute() and not Path(path.parts[0], *path.parts[1:2]).exists():
                raise Rejected("outside", self._elsewhere(text, "is of another computer"))
            raise Rejected(
                "outside",
                f"frames {shown} leave the manifest's folder; say --allow-outside if you mean it",
            )
        base = Path(whole.anchor)
        return Tree(base, os.path.realpath(base)), whole.parts[1:]

    def _elsewhere(self, text: str, what: str) -> str:
        """What to write instead of a path that means nothing here."""
        parts = PureWindowsPath(text).parts[1:]
        tails = [PurePosixPath(*parts[start:]) for start in range(len(parts))]
        there = next((t for t in tails if ".." not in t.parts and (self.root / t).exists()), None)
        found = f": {printable(there)} is there" if there else ", as in frames/sub01/EP01_2"
        return (
            f"frames {quoted(printable(text), 80)} {what} and means nothing here; write it "
            f"relative to the manifest's folder, with /{found}"
        )


def _no_images(files: Sequence[Path]) -> str:
    """What lies where images, one .npy or one video were expected."""
    if not files:
        return "no image, .npy or video there"
    kinds = shortened(sorted({printable(file.suffix) or "no suffix" for file in files}))
    return (
        f"{len(files)} file(s) there ({kinds}); expected images, or the path of one .npy or video"
    )


def _matching(entries: Mapping[str, Path], pattern: str) -> list[Path]:
    """The entry of exactly that name, else the entries that match it as a glob, sorted by name.

    Of a name that one entry alone has in another composition (`ü` of one or two signs), that one.
    """
    if pattern in entries:
        return [entries[pattern]]
    if not pattern.isascii():
        whole = normalize("NFC", pattern)
        alike = [path for name, path in entries.items() if normalize("NFC", name) == whole]
        if len(alike) == 1:
            return alike
    return [path for name, path in entries.items() if fnmatchcase(name, pattern)]


def _each_once(folders: Iterable[Path]) -> list[Path]:
    """The folders without repetitions through links, since circular links would never end."""
    seen: dict[str, Path] = {}
    for folder in folders:
        seen.setdefault(os.path.realpath(folder), folder)
    return list(seen.values())


def _unread(tree: Tree, folder: Path, entries: Entries, pattern: str) -> list[Problem]:
    """Problems: refused links, and entries matching the pattern that are no file or folder."""
    what = "not used: it is neither a file nor a folder"
    named = [name for name in entries.special if fnmatchcase(name, pattern)]
    odd = [Problem("odd", tree.shown(folder / name), what) for name in named]
    return refused_links(tree, folder, entries) + odd
