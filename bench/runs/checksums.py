"""Seals: SHA-256 sum and size of each of a run's files, so that a later change is seen.

A unit of work seals what it wrote as soon as it is done, in a file of its own below `.seals`: units
in several processes do not wait for each other. The command that holds the run gathers them in
`checksums.json`. A file is as the run made it if its seal is among those recorded for it.

Seals guard against accidents and quiet edits, not against a person who also writes new ones.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from bench.errors import BenchError
from bench.runs.folder import RunFolder
from bench.runs.typed import read_as
from bench.system.files import (
    is_system_file,
    json_text,
    read_json,
    real_place,
    write_atomic,
    write_json,
    written,
)

SEALED = 2
"""From this format of a run on, each result has a seal from the start."""

LARGE = 1 << 20
"""Files of more bytes are compared by their size where runs are looked through.

Tables read hundreds of runs, whose weights may be gigabytes. Who loads such a file compares its sum
(`require_sealed`), as `bench validate` does.
"""

DEEPEST = 3
"""Folders above a result, up to its run's: search/<fold>/genotype.json."""

Seals = Mapping[str, str]
"""File below the run folder -> its sum, a blank and its size; earlier versions left out the size"""


@dataclass(frozen=True)
class SealFile:
    """The content of `checksums.json`: the seals by unit, and of files that no unit wrote."""

    what: ClassVar[str] = "file of seals"
    cure: ClassVar[str] = "restore it, or make the run anew with `bench run --force`"

    units: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sha256: Mapping[str, str] = field(default_factory=dict)
    written: str = ""


@dataclass(frozen=True)
class UnitSeals(SealFile):
    """The content of one file below `.seals`, under the name of its unit."""

    cure: ClassVar[str] = "remove it, and what its unit made is made anew by the same command"


# Sealing


@contextmanager
def sealing(folder: RunFolder, unit: str) -> Iterator[None]:
    """Seals, in the name of a unit, the files that the block writes whole into the run folder."""
    with written() as paths:
        yield
    own = [path for path in paths if path.is_relative_to(folder.path) and _is_result(folder, path)]
    write_json(folder.seal(unit), {_below(folder, path): _seal_of(path) for path in own})


GROWING = ("continued", "machines")
"""Lists that are added to `run.json`: each version of it has a seal of its own."""


def write_run_file(folder: RunFolder, content: Mapping[str, Any]) -> None:
    """Writes `run.json` in place of the one that is there."""
    version = " ".join(["run", *(str(len(content.get(key, ()))) for key in GROWING)])
    replace_sealed(folder, version, folder.run, json_text(content).encode())


def replace_sealed(folder: RunFolder, unit: str, path: Path, content: bytes) -> None:
    """Writes a file in place of a sealed one, sealed first, in the name of a unit.

    Both versions have a seal: a kill spoils neither.
    """
    seal = _seal(hashlib.sha256(content), len(content))
    write_json(folder.seal(unit), {_below(folder, path): seal})
    write_atomic(path, lambda file: file.write(content))


def gather(folder: RunFolder, undone: Mapping[str, Path] | None = None) -> None:
    """Brings the seals of units together.

    undone: units that are about to work, with the file or folder that they write: what is sealed
    there, or in their name, is forgotten, and will be written anew. Other seals stay, also those
    of files that somebody has removed. For the process that holds the run.
    """
    undone = undone or {}
    before, pending = _seal_file(folder), _pending(folder)

    def kept(seals: Seals) -> Seals:
        return {
            name: seal
            for name, seal in seals.items()
            if not any((folder.path / name).is_relative_to(place) for place in undone.values())
        }

    units = {**before.units, **pending}
    left = {name: kept(seals) for name, seals in units.items() if name not in undone}
    _write(folder, SealFile({n: seals for n, seals in left.items() if seals}, kept(before.sha256)))
    for unit in pending:
        folder.seal(unit).unlink()
    with suppress(OSError):  # it is not there, or a unit still at work uses it
        folder.seal("").parent.rmdir()


def seal_rest(folder: RunFolder, outputs: Iterable[Path] = ()) -> None:
    """Seals the results that lie there without a seal. For the process that holds the run.

    Not the outputs of units of work: who does a unit seals them, and others are not believed.
    """
    before, known = _seal_file(folder), sealed_files(folder)
    found = {_below(folder, path): path for path in {*result_files(folder)}.difference(outputs)}
    new = {name: _seal_of(path) for name, path in found.items() if name not in known}
    _write(folder, replace(before, sha256={**before.sha256, **new}))


def _write(folder: RunFolder, seals: SealFile) -> None:
    if asdict(seals) != asdict(_seal_file(folder)):
        write_json(folder.checksums, {"units": seals.units, "sha256": seals.sha256})


# Comparing


def sealed_files(folder: RunFolder) -> dict[str, set[str]]:
    """File below the run folder -> the seals recorded for it; empty for a run without seals.

    BenchError where a file of seals is corrupt.
    """
    recorded = _seal_file(folder)
    found: dict[str, set[str]] = {}
    rest = {name: s for name, s in recorded.sha256.items() if _is_kept(folder, folder.path / name)}
    for seals in (rest, *{**recorded.units, **_pending(folder)}.values()):
        for name, seal in seals.items():
            found.setdefault(name, set()).add(seal)
    return found


def changed_files(folder: RunFolder, whole: bool = False) -> dict[str, str]:
    """Sealed files that are not as the run made them -> what is wrong with them.

    whole: whether large files (`LARGE`) are read, too.
    """
    gone = removed_files(folder)
    found = dict.fromkeys(gone, "was removed after the run made it")
    for name, seals in sealed_files(folder).items():
        if name not in gone and not _is_sealed(folder.path / name, seals, whole):
            found[name] = "was changed after the run made it"
    for name in found:
        if other := folder.linked(folder.path / name):
            found[name] = f"is that of another run, {other}, by a symbolic link"
    return found


def removed_files(folder: RunFolder) -> set[str]:
    """Sealed files that are gone."""
    return {name for name in sealed_files(folder) if not (folder.path / name).exists()}


def require_unchanged(folder: RunFolder, expected: Sequence[Path] = ()) -> None:
    """BenchError where a sealed file has changed or is gone, or an `expected` one has no seal."""
    wrong, known = changed_files(folder), sealed_files(folder)
    if expected and not known:
        wrong[folder.checksums.name] = "is missing, which says what the run's files are"
    for path in expected:
        if path.exists() and (name := _below(folder, path)) not in known:
            wrong[name] = "has no seal: made by another hand, or by a command that was stopped"
    if not wrong:
        return
    if fits_nothing(folder, wrong):
        raise BenchError(f"{folder.checksums} {FITS_NOTHING}; {SealFile.cure}")
    name, what = next(iter(wrong.items()))
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    raise BenchError(f"{folder.path / name}{more} {what}; {_advice(folder, name)}")


FITS_NOTHING = "is another run's, or all was changed: neither run.json nor any score fits it"


def fits_nothing(folder: RunFolder, wrong: Mapping[str, str]) -> bool:
    """Whether of all files that say what was run and how it ended none is as its seal says.

    wrong: the files that are not.
    """
    folds = folder.fold("x").parent
    own = [
        name
        for name in sealed_files(folder)
        if (path := folder.path / name).exists()
        and (path in (folder.run, folder.metrics) or path.parent == folds)
    ]
    return len(own) > 1 and wrong.keys() >= {*own}


def _advice(folder: RunFolder, name: str) -> str:
    if name == folder.checksums.name:
        return SealFile.cure
    anew = "repeat the command that made the run"
    path = folder.path / name
    if path.exists():
        return f"restore it, or move it elsewhere and {anew} (with --force everything is made anew)"
    if path == folder.model(path.stem):
        beside = _below(folder, folder.fold(path.stem))
        return f"restore it, or move {beside} elsewhere, too, and {anew}: both are made anew"
    if path.is_relative_to(folder.search()) and path != folder.search_summary:
        return f"restore it, or {anew} with --force: everything is made anew"
    return f"restore it, or {anew}: it is made anew"


def require_sealed(folder: RunFolder, path: Path) -> None:
    """BenchError where a large file, which `require_unchanged` did not read, was changed."""
    large = path.stat().st_size > LARGE
    seals = sealed_files(folder).get(_below(folder, path)) if large else None
    if seals and not _is_sealed(path, seals, whole=True):
        raise BenchError(f"{path} was changed after the run made it; restore it")


def require_as_made(path: Path) -> None:
    """BenchError where a file lies in a run folder whose seals say that it was changed since.

    For files that a user names alone; those in no run folder, and without a seal there, pass.
    """
    for place in dict.fromkeys((path.absolute(), real_place(path))):
        homes = [above for above in place.parents[:DEEPEST] if (above / "run.json").exists()]
        for folder in map(RunFolder, homes):
            seals = sealed_files(folder).get(_below(folder, place))
            if seals and place.exists() and not _is_sealed(place, seals, whole=True):
                raise BenchError(
                    f"{path} was changed after the run made it, as {folder.checksums} says; "
                    "restore it, or name a copy elsewhere of an edit that is meant"
                )


def result_files(folder: RunFolder) -> list[Path]:
    """What lies where runs keep results, but systems' own files and the states of searches.

    Anything else that no unit wrote is its user's, and may change.
    """
    every = sorted(folder.path.rglob("*"))
    return [path for path in every if _is_kept(folder, path) and path.is_file()]


def _is_kept(folder: RunFolder, path: Path) -> bool:
    return _is_result(folder, path) and any(map(path.is_relative_to, folder.kept))


def _is_result(folder: RunFolder, path: Path) -> bool:
    hidden = any(map(is_system_file, path.relative_to(folder.path).parts))
    return not hidden and path != folder.checksums and path.name != folder.checkpoint().name


def _is_sealed(path: Path, seals: Iterable[str], whole: bool) -> bool:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            return False
        if found.st_size > LARGE and not whole:
            sizes = {seal.partition(" ")[2] for seal in seals}
            return str(found.st_size) in sizes or "" in sizes
        seal = _seal_of(path)
        return seal in seals or seal.partition(" ")[0] in seals  # earlier seals were the sum alone
    except OSError:
        return False


def _seal_of(path: Path) -> str:
    with path.open("rb") as file:
        return _seal(hashlib.file_digest(file, "sha256"), path.stat().st_size)


def _seal(digest: Any, size: int) -> str:
    return f"{digest.hexdigest()} {size}"


def _seal_file(folder: RunFolder) -> SealFile:
    file = folder.checksums
    return read_as(SealFile, _seals_in(file), file) if file.exists() else SealFile()


def _seals_in(file: Path, kind: type[SealFile] = SealFile) -> Any:
    try:
        return read_json(file)
    except BenchError:  # without it nothing is known of the files that it is about
        raise BenchError(f"{file} cannot be read; {kind.cure}") from None


def _pending(folder: RunFolder) -> dict[str, Seals]:
    """The seals of units that are not gathered yet, by unit."""
    files = sorted(folder.seal("x").parent.glob("*.json"))
    found: dict[str, Seals] = {}
    for file in files:
        content = {"units": {file.stem: _seals_in(file, UnitSeals)}}
        found |= read_as(UnitSeals, content, file).units
    return found


def _below(folder: RunFolder, path: Path) -> str:
    return path.relative_to(folder.path).as_posix()
