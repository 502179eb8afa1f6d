"""Generated clips are what they are said to be: as written, of their folder's name, not real."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from bench.config.settings import DataConfig
from bench.data.clips import Clip, Problem
from bench.data.surrogates.note import (
    MANIFEST_NAME,
    NOTE_NAME,
    SEAL_NAME,
    UNITS_NAME,
    Generated,
    generated,
    is_drawn,
)
from bench.errors import BenchError, DataError
from bench.system.files import read_json, real_place, write_json

SUMS_NAME = "sums.json"
"""What the generated clips of the cache held when they were first read, by class map."""

LOOKED_AT = 5
"""People of whom a frame is looked at for drawn faces."""

CHANGED = "generated"
"""Kind of the problem that generated clips are not as they were written."""


def changed_flows(clips: Sequence[Clip], *places: Path) -> Iterator[Problem]:
    """A problem per folder of `bench data synth --people` that is not as it was written.

    Folders are looked at that hold the clips, wherever their manifest lies, or are named in places.
    DataError where the note is gone that says that a folder's clips are generated.
    """
    homes = {real_place(folder) for folder in {f.parent for clip in clips for f in clip.frames}}
    above = {folder for home in homes for folder in (home, *home.parents)}
    for folder in sorted(above.union(map(real_place, places))):
        yield from _changed_flow(folder)


def _changed_flow(root: Path) -> Iterator[Problem]:
    if sum((root / name).is_file() for name in (SEAL_NAME, MANIFEST_NAME, UNITS_NAME)) < 2:
        return
    if not (root / NOTE_NAME).is_file():
        raise DataError(
            f"{root} has the files of generated clips ({MANIFEST_NAME}, {UNITS_NAME}), but no "
            f"{NOTE_NAME}, which says so: put it back, or make them again (bench data synth)"
        )
    seal = root / SEAL_NAME
    if not (seal.is_file() and _as_written(root, seal.stat().st_mtime_ns)):
        what = f"these generated clips are not as they were written ({SEAL_NAME})"
        yield Problem(CHANGED, str(root), what)


@lru_cache(maxsize=4)
def _as_written(root: Path, sealed: int) -> bool:
    from bench.data.surrogates.writing import as_written

    return as_written(root)


def require_folder_as_made(
    folder: Path, config: DataConfig, clips: Sequence[Clip], digests: Sequence[str]
) -> None:
    """DataError where generated clips of the cache have changed since they were first read.

    folder: of the clips, with a list of the sums of what they held; digests: of each clip now.
    """
    made: dict[str, dict[str, str]] = {}
    for clip, digest in zip(clips, digests, strict=True):
        if clip.frames[0].is_relative_to(folder):
            own = made.setdefault(f"{clip.dataset} {clip.subject}", {})
            own[clip.frames[0].parent.relative_to(folder).as_posix()] = digest
    file = folder / SUMS_NAME
    sums = read_json(file) if file.is_file() else {}
    known = sums.get(config.class_map, {})
    chosen = bool(config.subject_count or config.subjects or config.fresh_seed)
    expected = {person: known.get(person, {}) for person in (made if chosen else known)}
    wrong = [
        clip
        for person, clips_of in expected.items()
        for clip in clips_of and {**clips_of, **made.get(person, {})}
        if made.get(person, {}).get(clip) != clips_of.get(clip)
    ]
    if wrong:
        raise DataError(
            f"{folder}: {len(wrong)} generated clip(s) are not as they were made, first "
            f"{wrong[0]}; move this folder elsewhere, and the clips are made again"
        )
    if made.keys() - known.keys():
        with suppress(BenchError):  # a cache that may only be read
            write_json(file, {**sums, config.class_map: {**made, **known}})


def require_named(folder: Path, config: DataConfig) -> None:
    """DataError where a folder of the cache holds other generated clips than its name says."""
    from bench.data.surrogates.writing import level_name, resolve_difficulty

    level, seed = resolve_difficulty(config.difficulty), config.surrogate_seed
    named = Generated(level_name(level), f"{seed}", f"{config.surrogate_version}").settings
    made = generated([folder])
    other = [
        f"{key} {value}"
        for key, value in (made.settings if made else {}).items()
        if value != named[key]
    ]
    if other:
        raise DataError(
            f"{folder} holds other clips than it is named for ({', '.join(other)}): move it "
            "elsewhere, and they are made again"
        )


def refuse_disguised(root: Path | None, clips: Sequence[Clip]) -> None:
    """DataError for generated clips that tables would show as real: linked, or without a note."""
    if generated(dict.fromkeys(clip.frames[0].parent for clip in clips if clip.frames)):
        raise DataError(
            f"{root} leads to generated clips by a link; name their own folder, so that "
            "results say surrogate"
        )
    people = {(clip.dataset, clip.subject): clip for clip in clips if clip.frames}
    if any(is_drawn(*person) for person in people) or _show_drawn([*people.values()]):
        raise DataError(
            f"{root}: these are generated clips, and no {NOTE_NAME} says so: put back the "
            "one that was made with them, or make them again (bench data synth)"
        )


def _show_drawn(clips: Sequence[Clip]) -> bool:
    """Whether some of the clips show faces of the generator; a frame of each is looked at."""
    from bench.data.disk.images import decode, read_frames
    from bench.data.surrogates.recognising import are_drawn

    frames = []
    for clip in clips[:: max(1, len(clips) // LOOKED_AT)]:
        begin = clip.span[0] if clip.span else 0
        first = replace(clip, frames=clip.frames[:1], span=clip.span and (begin, begin + 1))
        with suppress(DataError):  # it is told where the clip is read
            frames.append(decode(first, read_frames(first))[0])
    return are_drawn(frames)
