"""The note that marks a folder of generated clips, however the folder is reached."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

NOTE_NAME = "SURROGATE.txt"
"""The file that marks a folder of generated clips and says how they were made."""

SEAL_NAME = "sha256.txt"
"""Of a folder of generated flow images: what its files held when they were written."""

MANIFEST_NAME, UNITS_NAME = "generated.csv", "units.csv"
"""Of the same folder: the clips, and the action units that they show."""

GENERATED_NAME = "generated"
"""Data set of generated flow images in their manifest."""

_DRAWN = re.compile(r"s\d+-\d{5,}")


def drawn_name(seed: int, person: int) -> str:
    """The name of a person of generated flow images."""
    return f"s{seed}-{person:05d}"


def is_drawn(dataset: str, subject: str) -> bool:
    """Whether a subject is a person of generated flow images, by its name and its set's."""
    return dataset == GENERATED_NAME and bool(_DRAWN.fullmatch(subject))


@dataclass(frozen=True)
class Generated:
    """How the clips of a folder were generated; empty where the note does not say."""

    difficulty: str = ""
    seed: str = ""
    version: str = ""

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a run on these clips that record how they were generated."""
        known = {
            "data.difficulty": self.difficulty,
            "data.surrogate_seed": self.seed,
            "data.surrogate_version": self.version,
        }
        return {key: value for key, value in known.items() if value}


def generated(places: Iterable[Path]) -> Generated | None:
    """The note in one of `places` or in a folder above it; None where the clips are real.

    Links are followed, too: the folders above their targets are searched as well.
    """
    folders: dict[Path, None] = {}
    for place in places:
        folders |= dict.fromkeys((place, *place.parents))
        with suppress(OSError, ValueError):  # not a valid path
            real = Path(os.path.realpath(place))
            folders |= dict.fromkeys((real, *real.parents))
    for folder in folders:
        note = folder / NOTE_NAME
        try:
            if note.is_file():
                return _read(note)
        except OSError:  # the name is too long, or the folder may not be read: no note there
            continue
    return None


def _read(note: Path) -> Generated:
    lines = note.read_text(encoding="utf-8", errors="replace").splitlines()
    said = dict(line.split(": ", 1) for line in lines if ": " in line)
    return Generated(
        said.get("difficulty", ""), said.get("seed", ""), said.get("generator version", "")
    )
