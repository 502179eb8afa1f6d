"""Tiny trees in the official layouts. Frames are empty files: the loaders only list them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from own_packages import installing

CASME2_HEADER = (
    "Subject",
    "Filename",
    None,
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    None,
    "Action Units",
    "Estimated Emotion",
)
SAMM_HEADER = (
    "Subject",
    "Filename",
    "Inducement Code",
    "Onset Frame",
    "Apex Frame",
    "Offset Frame",
    "Duration",
    "Micro",
    "Action Units",
    "Estimated Emotion",
    "Objective Classes",
    "Notes",
)


class Trees:
    """Writers of trees; clips are given as in the releases."""

    def frames(self, folder: Path, numbers: Iterable[int], pattern: str = "reg_img{}.jpg") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for number in numbers:
            (folder / pattern.format(number)).touch()

    def smic(
        self, high_speed: Path, clips: Iterable[str], numbers: Iterable[int] = range(8, 13)
    ) -> Path:
        """`clips` are paths such as `s1/micro/negative/s1_ne_01`."""
        for clip in clips:
            self.frames(high_speed / clip, numbers, "reg_image{:05d}.jpg")
        return high_speed

    def sheet(self, path: Path, rows: Iterable[Sequence], preamble: int = 0) -> Path:
        """An .xlsx file of `rows` after `preamble` rows of prose."""
        import openpyxl

        path.parent.mkdir(parents=True, exist_ok=True)
        book = openpyxl.Workbook()
        for index in range(preamble):
            book.active.append([f"About this file, {index}", "Subject"])
        for row in rows:
            book.active.append(list(row))
        book.save(path)
        return path

    def casme2(
        self, home: Path, rows: Iterable[Sequence], header: Sequence = CASME2_HEADER
    ) -> Path:
        """`rows` are (subject, filename, onset, apex, offset, emotion)."""
        cells = [(s, f, None, on, apex, off, None, "4", word) for s, f, on, apex, off, word in rows]
        return self.sheet(home / "CASME2-coding-20140508.xlsx", [header, *cells])

    def samm(self, home: Path, rows: Iterable[Sequence], preamble: int = 13) -> Path:
        """`rows` are (subject, filename, onset, apex, offset, emotion)."""
        cells = [
            (s, f, 1, on, apex, off, 9, "M", 4, word, 2, "") for s, f, on, apex, off, word in rows
        ]
        return self.sheet(home / "SAMM_Micro_FACS_Codes_v2.xlsx", [SAMM_HEADER, *cells], preamble)


@pytest.fixture(scope="session")
def trees() -> Trees:
    return Trees()


@pytest.fixture
def install_package(tmp_path):
    """Installs packages for a test."""
    with installing(tmp_path) as put:
        yield put


@pytest.fixture
def install(install_package):
    """Installs variants, as `install_package` does."""
    from bench.methods import registry

    def put(source: str, entries: dict[str, str]) -> None:
        install_package(source, {registry.ENTRY_POINTS: entries}, "their_methods")

    return put
