"""Surrogate clips: generated faces with micro-expressions, as files in the official layouts.

Every clip shows one subject's procedural face, moved by the action units of its emotion along an
onset-apex-offset profile, with nuisance: head drift, blinks, drifting light, sensor noise and, from
version 2 on, misaligned crops. Only the motion depends on the emotion. Names, lengths, frame
numbers, poses, light and noise come from random streams that are independent of it, so that the
onset frame carries no information.

This file writes the clips; the other modules of this package make them.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from bench.config.settings import DIFFICULTIES, NEWEST_VERSION, SURROGATE_VERSION
from bench.data.clips import CHALLENGE_CLASSES
from bench.data.surrogates.coded_units import unit_text
from bench.data.surrogates.flows import FlowPlan
from bench.data.surrogates.note import (
    GENERATED_NAME,
    MANIFEST_NAME,
    NOTE_NAME,
    SEAL_NAME,
    UNITS_NAME,
    drawn_name,
)
from bench.data.surrogates.pictures import render_clip
from bench.data.surrogates.plans import Plan, Settings, plan_clips
from bench.data.surrogates.points import landmark_table
from bench.data.surrogates.spreadsheets import write_sheets
from bench.errors import DataError, UsageError
from bench.system.files import csv_text
from bench.system.leases import when_free
from bench.system.processes import in_processes

JPEG_QUALITY = 95

LANDMARKS_NAME = "landmarks.csv"


def write_surrogate(
    dataset: str,
    folder: Path,
    *,
    difficulty: str | float = "easy",
    seed: int = 0,
    version: int = SURROGATE_VERSION,
    size: int = 128,
    subjects: Sequence[str] | None = None,
    raw: bool = False,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
    """Writes the surrogate of `dataset` (a name of `RELEASES`, or 'composite') into `folder`.

    `folder` gets the official layout, `SURROGATE.txt`, and `landmarks.csv`: the true 68 landmarks
    of each clip's onset frame, in the format of `data.landmarks`. The clips are rendered into a
    folder `.NAME.partial` beside it, which is renamed at the end, so that a folder of that name is
    always complete; writing the same clips again goes on where a killed process stopped. A second
    process waits for the first. A folder of earlier surrogate clips is replaced.

    `difficulty` is a name of `DIFFICULTIES` or a number in 0..1; `version` is that of the
    generator, from 1 to `NEWEST_VERSION`: each makes the same clips for ever; `subjects`
    restricts the clips to these, each the same as in the full set; `raw` writes uncropped frames,
    which show a person in front of a background around a face of `size` pixels and are not
    misaligned, since it is the crop that misplaces a face; `workers` is a number of processes
    (default: one per core); `progress` is called with (clips done, clips in all).

    Returns the numbers written: {'clips', 'subjects', 'frames'}; clips include the rows that the
    challenge leaves out. Raises UsageError for invalid arguments or a folder that holds something
    else, DataError where the files cannot be written.
    """
    settings = _settings(difficulty, seed, size, raw, version)
    plans = plan_clips(dataset, settings.seed, subjects, version)
    workers = min(_workers(workers), len(plans))
    with _filled(folder, _note(dataset, settings, subjects)) as partial:
        if partial:
            written = _write_all(dataset, plans, settings, partial, workers)
            for done, _ in enumerate(written, start=1):
                if progress:
                    progress(done, len(plans))
            landmarks = landmark_table(plans, settings)
            (partial / LANDMARKS_NAME).write_text(landmarks, encoding="utf-8")
    return {
        "clips": len(plans),
        "subjects": len({(plan.row.dataset, plan.row.subject) for plan in plans}),
        "frames": sum(plan.frames for plan in plans),
    }


def flows_at(
    home: Path, plan: FlowPlan, progress: Callable[[int, int], None] | None = None
) -> Path:
    """The manifest of flow images in a folder below `home`.

    Written if they are not there, or not as they were made.
    """
    folder = home / plan.folder
    if (folder / SEAL_NAME).is_file() and as_written(folder):
        return folder.resolve() / MANIFEST_NAME
    return write_flows(folder, plan, progress)


def write_flows(
    folder: Path, plan: FlowPlan, progress: Callable[[int, int], None] | None = None
) -> Path:
    """Writes flow images of generated clips into `folder`, and a manifest of them.

    Returns the path of the manifest; people of another seed have other names. Beside it `units.csv`
    says which action units each clip shows, as FACS writes them, and `sha256.txt` what all files
    held. Folders, progress and errors as of `write_surrogate`.
    """
    rows, shown = [], []
    with _filled(folder, plan.note) as partial:
        if partial:
            for done, sample in enumerate(plan.samples(), start=1):
                person, name = drawn_name(plan.seed, sample.person), f"{sample.number:06d}"
                file = Path("images", person, f"{name}.png")
                (partial / file).parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(sample.image).save(partial / file)
                label = CHALLENGE_CLASSES[sample.label]
                rows.append([GENERATED_NAME, person, name, label, file.as_posix()])
                shown.append([person, name, unit_text(sample.units, sample.side)])
                if progress:
                    progress(done, plan.clips)
            for name, columns, table in (
                (MANIFEST_NAME, ("dataset", "subject", "clip", "label", "frames"), rows),
                (UNITS_NAME, ("subject", "clip", "units"), shown),
            ):
                (partial / name).write_text(csv_text(columns, table), encoding="utf-8")
            (partial / SEAL_NAME).write_text(_seal(partial), encoding="utf-8")
    return Path(folder).resolve() / MANIFEST_NAME


def as_written(folder: Path) -> bool:
    """Whether the files of a folder that `write_flows` wrote are what it wrote, and no others."""
    return (folder / SEAL_NAME).read_text(encoding="utf-8") == _seal(folder)


def _seal(folder: Path) -> str:
    """A hash over the names and bytes of all files in a folder but this one and hidden ones."""
    total = hashlib.sha256()
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        if file.name != SEAL_NAME and not file.name.startswith("."):
            content = file.read_bytes()
            total.update(f"{file.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
            total.update(content)
    return total.hexdigest()


# ---------------------------------------------------------------- arguments


def _settings(difficulty: str | float, seed: int, size: int, raw: bool, version: int) -> Settings:
    if not isinstance(seed, int) or seed < 0:
        raise UsageError(f"seed is {seed!r}; expected a whole number from 0 up.")
    if not isinstance(size, int) or not 16 <= size <= 1024:
        raise UsageError(f"size is {size!r}; expected a whole number of pixels from 16 to 1024.")
    if version not in range(1, NEWEST_VERSION + 1):
        raise UsageError(f"version is {version!r}; expected 1 to {NEWEST_VERSION}.")
    return Settings(resolve_difficulty(difficulty), seed, size, raw, version)


def resolve_difficulty(difficulty: str | float) -> float:
    """The number in 0..1 for a name or a number; UsageError for anything else."""
    if isinstance(difficulty, str) and difficulty in DIFFICULTIES:
        return DIFFICULTIES[difficulty]
    try:
        level = float(difficulty)
    except (TypeError, ValueError):
        level = math.nan
    if not 0 <= level <= 1:
        names = ", ".join(DIFFICULTIES)
        raise UsageError(f"difficulty is {difficulty!r}; expected {names} or a number in 0..1.")
    return level


def level_name(difficulty: float) -> str:
    """The name of a difficulty where it has one, else its number."""
    names = {level: name for name, level in DIFFICULTIES.items()}
    return names.get(difficulty, f"{difficulty:g}")


def _workers(workers: int | None) -> int:
    if workers is None:
        return os.cpu_count() or 1
    if workers < 1:
        raise UsageError(f"workers is {workers}; expected at least 1.")
    return workers


def _note(dataset: str, settings: Settings, subjects: Sequence[str] | None) -> str:
    return (
        "These are generated surrogate clips, not recordings of people.\n"
        "They follow the layout, subjects and class counts of the data set named below;\n"
        "results on them say nothing about results on the real data set.\n\n"
        f"dataset: {dataset}\n"
        f"difficulty: {level_name(settings.difficulty)}\n"
        f"seed: {settings.seed}\n"
        f"size: {settings.size}{' (face; frames are uncropped)' if settings.raw else ''}\n"
        f"subjects: {', '.join(sorted(set(subjects))) if subjects is not None else 'all'}\n"
        f"generator version: {settings.version}\n"
    )


# ---------------------------------------------------------------- the folder


@contextmanager
def _filled(folder: Path, note: str) -> Iterator[Path | None]:
    """A temporary folder to fill, which gets the name of `folder` at the end.

    None where another process has just written the same clips. What fails for want of memory or
    room, or of permission to write, is a DataError.
    """
    folder = Path(folder).resolve()
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        _make_way(folder)
        with _alone(folder):
            if _is_there(folder, note):
                yield None
                return
            _begin(partial, note)
            yield partial
            partial.rename(folder)
    except BrokenProcessPool:
        raise DataError(
            f"a process that rendered clips for {folder} died, perhaps for want of memory; repeat "
            "the command: it goes on"
        ) from None
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)  # it may be what fills the disk
        raise DataError(
            f"cannot write surrogate clips to {folder}: {error.strerror or error}. "
            "Name a folder where there is room and permission to write."
        ) from error


def _make_way(folder: Path) -> None:
    """Removes an empty folder or earlier surrogate clips; UsageError for anything else."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a new or empty folder for the clips.")
    if (folder / NOTE_NAME).is_file():
        shutil.rmtree(folder)
    elif any(folder.iterdir()):
        raise UsageError(
            f"{folder} holds files that are no surrogate clips (it has no {NOTE_NAME}); "
            "name a new or empty folder."
        )
    else:
        folder.rmdir()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Waits until no other process writes the folder, and holds it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with when_free(folder.with_name(f".{folder.name}.lock")):
        yield


def _is_there(folder: Path, note: str) -> bool:
    """Whether another process has just written the same clips."""
    theirs = folder / NOTE_NAME
    return theirs.is_file() and theirs.read_text(encoding="utf-8") == note


def _begin(partial: Path, note: str) -> None:
    """Makes the temporary folder, or keeps the one that a killed process left of the same clips."""
    if _is_there(partial, note):
        return
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir()
    (partial / NOTE_NAME).write_text(note, encoding="utf-8")


# ---------------------------------------------------------------- the clips


def _write_all(
    dataset: str, plans: list[Plan], settings: Settings, folder: Path, workers: int
) -> Iterator[None]:
    """Writes the spreadsheets, then the clips; yields after each clip."""
    write_sheets(plans, folder)
    # The layouts of CASME II and SAMM include a folder of the set's name; SMIC's does not.
    homes = {"smic": folder / "SMIC"} if dataset == "composite" else {}
    jobs = [(plan, settings, homes.get(plan.row.dataset, folder)) for plan in plans]
    yield from in_processes(_write_clip, jobs, workers)


def _write_clip(job: tuple[Plan, Settings, Path]) -> None:
    plan, settings, home = job
    folder = home / plan.folder(settings.raw)
    if folder.exists():  # whole: a process killed later wrote it
        return
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, frame in zip(plan.file_names(settings.raw), render_clip(plan, settings), strict=True):
        Image.fromarray(frame).save(partial / name, quality=JPEG_QUALITY)
    partial.rename(folder)
