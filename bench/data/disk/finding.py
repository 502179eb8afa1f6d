"""Finding the folders and tables of a data set below a data root, by the names that they have."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path, PurePath
from types import MappingProxyType

from bench.data.clips import Problem
from bench.data.disk.tree import Tree
from bench.errors import DataError, UsageError, printable, quoted

DEPTH = 5
"""Floors of folders that are looked at below a data root."""

MOST_FOLDERS = 300
"""Folders that are looked at for what lies there instead of a data set."""

SHOWN = 4
"""Names that an error lists."""

TABLE_SUFFIXES = frozenset({".xlsx", ".xlsm", ".xls", ".csv", ".tsv"})


@dataclass(frozen=True)
class Names:
    """What the folders and tables of a data set are called, as released and as unpacked.

    `homes`: how the names of its own folders begin; `inside`: of folders within them that lead to
    its files; `others`: of folders and tables that begin alike and are not this set. All three in
    lower case, letters and digits only. `frames`: patterns of the path to the frames below the
    set's folder, `sheets`: patterns of the name of its table without suffix, both in lower case,
    the preferred one first.
    """

    homes: tuple[str, ...]
    inside: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()

    def is_own(self, name: str) -> bool:
        """Whether a folder or table is called after the set."""
        return self._begins(name, self.homes)

    def leads(self, name: str) -> bool:
        """Whether the files of the set may lie below a folder of that name."""
        return self._begins(name, self.homes + self.inside)

    def folders(self, tree: Tree, start: Path) -> Iterator[Path]:
        """`start` and the folders below it that names lead to, the nearest first, then by name.

        So folders that unpacking doubled (`CASME2/CASME2`) are passed through.
        """
        return folders_below(tree, start, self.leads)

    def frame_rank(self, path: str) -> int:
        """The place of a path below the set's folder among the preferred ones."""
        return _rank(path.lower(), self.frames)

    def sheet_rank(self, name: str) -> int:
        """The place of a table's name among the preferred ones; their number for another name."""
        return _rank(PurePath(name).stem.lower(), self.sheets)

    def _begins(self, name: str, starts: tuple[str, ...]) -> bool:
        plain = letters(name)
        return plain.startswith(starts) and not plain.startswith(self.others)


@dataclass(frozen=True)
class Candidate:
    """A folder or table that may be the one looked for; a lower rank is preferred."""

    path: Path
    folder: Path
    rank: int


SPELLINGS = MappingProxyType({"casmeii": "casme2", "smichs": "smic", "casmesquared": "casmesq"})
"""Other usual names of data sets, `without_signs`."""

_SIGNS = re.compile(r"""[\s_()\[\]{}^$.:'"\-\u2010-\u2015]""")
"""What is written within a data set's name or not: blanks, hyphens, brackets, powers."""

_SQUARED = re.compile(r"cas(?:\(me\)|me(?=[\W_]*\^))[\W_]*2(?!\d)")


def folded(name: str) -> str:
    """A name of a data set in lower case and plain signs: `CASME Ⅱ` is `casme ii`.

    CAS(ME)^2, which is not CASME II, is `casmesq`, with or without the sign of a power.
    """
    plain = unicodedata.normalize("NFKC", name.replace("²", "^2")).casefold()
    return _SQUARED.sub("casmesq", plain)


def usual_name(text: str) -> str:
    """A data set's name as the harness spells it, if it has it: `CAS(ME)^3` is `casme3`."""
    plain = without_signs(text)
    return SPELLINGS.get(plain, plain)


def without_signs(text: str) -> str:
    """A name of a data set in lower case, without blanks, hyphens and brackets."""
    return _SIGNS.sub("", folded(text))


def letters(name: str) -> str:
    """A name in lower case without spaces, punctuation and letters of other scripts."""
    return re.sub(r"[^a-z0-9]", "", folded(name))


def is_table(name: str) -> bool:
    """Whether a file of this name may hold a table of a spreadsheet program or its export."""
    return PurePath(name).suffix.lower() in TABLE_SUFFIXES and not name.startswith("~$")


def folders_below(tree: Tree, start: Path, leads: Callable[[str], bool]) -> Iterator[Path]:
    """`start` and folders below it whose names all lead on, each once in spite of links."""
    seen: set[str] = set()
    level = [start]
    for _ in range(DEPTH + 1):
        following = []
        for folder in level:
            if (real := os.path.realpath(folder)) in seen:
                continue
            seen.add(real)
            yield folder
            below = tree.entries(folder).folders
            following += [path for name, path in below.items() if leads(name)]
        level = following


def nearest(
    tree: Tree, title: str, found: Sequence[Candidate], setting: str
) -> tuple[Path, list[Problem]]:
    """The preferred and least deep of one or more, and a problem that names the others.

    Raises DataError where two in different folders are preferred alike; `setting` is the one that
    tells them apart.
    """

    def place(each: Candidate) -> tuple[int, int]:
        return each.rank, len(each.folder.parts)

    ordered = sorted(found, key=lambda each: (*place(each), each.path))
    best = ordered[0]
    rival = next((each for each in ordered if each.folder != best.folder), None)
    if rival and place(rival) == place(best):
        twice = f"{tree.shown(best.path)} and {tree.shown(rival.path)}"
        raise DataError(
            f"{printable(tree.root)} holds {title} more than once ({twice}): give the one meant "
            f"with --set {setting}={quoted(tree.shown(best.path), 80)}, or as --data-root."
        )
    if len(ordered) == 1:
        return best.path, []
    others = shortened([tree.shown(each.path) for each in ordered[1:]])
    what = f"this is read; also there: {others} (choose with --set {setting}=...)"
    return best.path, [Problem("layout", tree.shown(best.path), what)]


def stated(
    tree: Tree, value: str, dataset: str, setting: str, known: Container[str]
) -> Path | None:
    """The file or folder that a setting names for a data set; None where it names none.

    value: a path, or `casme2=PATH,samm=PATH`; known: the names of data sets. Raises UsageError for
    a path that leaves the data root or that is not there, and for what is no data set.
    """
    if "=" in value and _followed(tree, value)[1]:
        value = _of_sets(value, setting, known).get(dataset, "")
    if not value:
        return None
    here, lost = _followed(tree, value)
    if lost:
        raise UsageError(
            f"{setting}={value}: {quoted(printable(lost))} is not in {printable(here)}; give a "
            "path below the data root"
        )
    return here


def _of_sets(value: str, setting: str, known: Container[str]) -> dict[str, str]:
    """Data set -> path of a setting that names several."""
    found: dict[str, str] = {}
    for part in value.split(","):
        name, separator, path = part.strip().partition("=")
        usual = usual_name(name)
        if not separator or usual not in known or usual in found:
            raise UsageError(
                f"{setting}={printable(value)}: {quoted(printable(part))} is no path below the "
                "data root; expected one, or each data set once with its own, as in "
                f"{setting}=casme2=PATH,samm=PATH (`bench list datasets` names them)"
            )
        found[usual] = path
    return found


def _followed(tree: Tree, value: str) -> tuple[Path, str]:
    """As far as a path below the root is there, and its first step that is not (empty: all are)."""
    path = PurePath(value)
    if path.is_absolute() and path.is_relative_to(tree.root):
        path = path.relative_to(tree.root)
    here = tree.root
    for step in path.parts:
        entries = tree.entries(here) if here.is_dir() else None
        below = {**entries.files, **entries.folders} if entries else {}
        if step not in below:
            return here, step
        here = below[step]
    return here, ""


def all_folders(tree: Tree) -> Iterator[Path]:
    """Folders below the root, the nearest first, as far as they can be listed: for messages."""
    try:
        yield from islice(folders_below(tree, tree.root, lambda name: True), MOST_FOLDERS)
    except DataError:  # of a folder that may not be read
        return


def shortened(names: Sequence[str]) -> str:
    """Names in one line, the first few of many."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _rank(text: str, patterns: Sequence[str]) -> int:
    fits = (place for place, pattern in enumerate(patterns) if fnmatchcase(text, pattern))
    return next(fits, len(patterns))
