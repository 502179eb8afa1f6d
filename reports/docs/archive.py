"""Finished run folders as one small file: `python -m reports.docs.archive RUNS FILE.tar.xz`.

The files are committed under `results/runs/`. `tar xf FILE.tar.xz` gives the folders back, and
every command that reads runs reads them: `bench tables --runs`, `bench compare`, `bench validate`.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

from bench.errors import UsageError
from bench.runs.checksums import sealed_files
from bench.runs.folder import RunFolder
from reports.docs.script import script

KEPT = {".json", ".csv"}
"""Endings of what is packed, and all that a run has sealed: no checkpoint, lease or lock."""


def pack(runs: Path, archive: Path) -> None:
    """Writes the results below `runs`, in a folder of its name; the same files, the same bytes.

    What a run has sealed is packed whatever it is, as model files are: without it the run could not
    be read. UsageError where there is no run, BenchError where one is not as it was made.
    """
    from reports.reading.finished import whole_runs

    homes = [file.parent for file in runs.rglob("run.json")]
    if not homes:
        raise UsageError(f"no run in {runs}: give a folder with runs below it")
    whole_runs(runs)
    sealed = {home / name for home in homes for name in sealed_files(RunFolder(home))}
    every = (file for file in runs.rglob("*") if file.is_file())
    found = sorted(file for file in every if _is_kept(file) or file in sealed)
    with tarfile.open(archive, "w:xz", preset=9) as packed:
        for file in found:
            packed.add(file, Path(runs.name) / file.relative_to(runs), filter=_anonymous)


def unpack(archive: Path, folder: Path) -> Path:
    """Unpacks into `folder`; returns the runs' own folder in it."""
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
        return folder / Path(packed.getnames()[0]).parts[0]


def _is_kept(file: Path) -> bool:
    return file.suffix in KEPT and not file.name.startswith(".")


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


if __name__ == "__main__":
    script(pack, "RUNS", "FILE.tar.xz")
