"""Listing a data root without leaving it.

Names from spreadsheets are looked up in these listings and never joined to a path, so no cell
can lead outside the root.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.data.clips import Problem
from bench.errors import DataError, printable
from bench.system.files import is_system_file


@dataclass(frozen=True)
class Entries:
    """The content of a folder, sorted by name, without hidden and operating systems' own files.

    `refused`: links that lead out of the data root or nowhere; `special`: entries that are neither
    file nor folder, such as pipes, where reading would wait for a writer.
    """

    folders: Mapping[str, Path]
    files: Mapping[str, Path]
    refused: tuple[str, ...]
    special: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """What a person says of a data root where the names there do not.

    `frames`: the folder of the frames, `annotation`: the file with the coding, both below the root,
    and for several sets at once as `casme2=A,samm=B`; `corrections`: `known`, or a CSV file
    (`bench.data.sets.corrections`).
    """

    frames: str = ""
    annotation: str = ""
    corrections: str = ""


AS_RELEASED = Layout()


@dataclass(frozen=True)
class Tree:
    """A data root; nothing listed through it lies outside it."""

    root: Path
    real: str
    layout: Layout = AS_RELEASED
    seen: dict[tuple[str, Path], Entries] | None = field(default=None, compare=False, repr=False)

    @classmethod
    def at(cls, root: Path, layout: Layout = AS_RELEASED) -> Tree:
        """The tree of an existing folder; DataError where there is none."""
        try:
            path = Path(root).expanduser().absolute()
            found = path.is_dir()
            what = "is no folder" if path.exists() else "does not exist"
        except (OSError, RuntimeError) as error:  # no permission, name too long, unknown ~user
            path, found = Path(root), False
            what = f"cannot be looked at ({getattr(error, 'strerror', None) or error})"
        if not found:
            raise DataError(
                f"data root {printable(path)} {what}: give the folder that holds the data set "
                "with --data-root or BENCH_DATA."
            )
        return cls(path, os.path.realpath(path), layout)

    def listed_once(self) -> Tree:
        """The same, which lists each folder once: for as long as nothing in it changes."""
        return replace(self, seen={})

    def entries(self, folder: Path) -> Entries:
        """The content of `folder`; DataError where it cannot be listed."""
        if self.seen is None:
            return self._listed(folder)
        if (known := self.seen.get((self.real, folder))) is None:
            known = self.seen[self.real, folder] = self._listed(folder)
        return known

    def _listed(self, folder: Path) -> Entries:
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
        """`path` relative to the root, printable in one line."""
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
        return [entry for entry in entries if not is_system_file(entry.name)]

    def _holds(self, path: str) -> bool:
        """Whether a link leads to an existing file or folder inside the root."""
        target = os.path.realpath(path)
        inside = target == self.real or target.startswith(self.real.rstrip(os.sep) + os.sep)
        return inside and Path(path).exists()


def refused_links(tree: Tree, folder: Path, entries: Entries) -> list[Problem]:
    """One problem for all links of a folder that were not followed."""
    if not entries.refused:
        return []
    first = printable(entries.refused[0])
    what = (
        f"{len(entries.refused)} link(s) not followed because they leave the data root or lead "
        f"nowhere, the first is {first}: put the files themselves below the root"
    )
    return [Problem("link", tree.shown(folder), what)]
