"""Run folders: `runs/<dataset>[-surrogate]/<variant>/<preset>-<config hash>/seed<k>/`.

The truth of a run is what lies on disk: a file that exists is complete and is not computed again.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.system.files import read_json

FORMAT = 1
"""Version of the layout, in `run.json`."""

SURROGATE_SUFFIX = "-surrogate"
LOCK = ".lock"
FOLDS = "folds"

GIVEN = "given"
"""The key of a genotype file that says where the user's own genotype came from."""


@dataclass(frozen=True)
class RunFolder:
    """The places of one run's files."""

    path: Path

    @property
    def run(self) -> Path:
        return self.path / "run.json"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.json"

    @property
    def profile(self) -> Path:
        return self.path / "profile.json"

    @property
    def failures(self) -> Path:
        return self.path / "failures.json"

    @property
    def checksums(self) -> Path:
        """SHA-256 sums of all files of a finished run."""
        return self.path / "checksums.json"

    def search(self, fold: str | None = None) -> Path:
        """Folder of a search: the run's only one, or that of a fold."""
        return self.path / "search" / fold if fold else self.path / "search"

    def genotype(self, fold: str | None = None) -> Path:
        return self.search(fold) / "genotype.json"

    def history(self, fold: str | None = None) -> Path:
        return self.search(fold) / "history.csv"

    def architecture(self, fold: str | None = None) -> Path:
        """α, η and β of every epoch, as the weights they amount to."""
        return self.search(fold) / "architecture.json"

    @property
    def search_summary(self) -> Path:
        """What the searches of all folds decoded to, and how far they agree."""
        return self.path / "search" / "summary.json"

    def checkpoint(self, fold: str | None = None) -> Path:
        """State of an unfinished search; removed when it has decoded."""
        return self.search(fold) / "checkpoint.pt"

    def fold(self, fold: str) -> Path:
        return self.path / FOLDS / f"{fold}.json"

    def clear(self) -> None:
        """Removes the run's files (`--force`), all but the lock that this process may hold."""
        self._remove(entry for entry in self.path.iterdir() if entry.name != LOCK)

    def clear_evaluation(self) -> None:
        """Removes what follows from the search, and leaves the search and `run.json`."""
        places = (self.path / FOLDS, self.metrics, self.profile, self.failures)
        self._remove(place for place in places if place.exists())

    def _remove(self, entries: Iterable[Path]) -> None:
        for entry in list(entries):
            try:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            except OSError as error:
                raise BenchError(f"cannot remove {entry}: {error.strerror or error}") from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the run folder for this process; BenchError where another process has it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            handle = (self.path / LOCK).open("w")
        except OSError as error:
            raise BenchError(
                f"cannot write the run folder {self.path}: {error.strerror or error}; "
                "choose another with --runs"
            ) from error
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise BenchError(
                    f"another process is working on {self.path}; wait for it, or choose another "
                    "folder with --runs"
                ) from None
            yield


def run_folder(
    runs: Path, dataset: str, surrogate: bool, variant: str, preset: str, digest: str, seed: int
) -> RunFolder:
    """Where a run lives below the folder of all runs (made absolute: units may run anywhere)."""
    name = dataset + (SURROGATE_SUFFIX if surrogate else "")
    return RunFolder(runs.absolute() / name / variant / f"{preset}-{digest}" / f"seed{seed}")


@dataclass(frozen=True)
class RunRecord:
    """What a finished or unfinished run folder says: the input of every table and figure."""

    folder: Path
    dataset: str
    surrogate: bool
    variant: str
    preset: str
    config_hash: str
    seed: int
    run: dict[str, Any]
    metrics: dict[str, Any] | None
    profile: dict[str, Any] | None
    folds_done: int
    folds_total: int


def find_runs(runs: Path) -> tuple[list[RunRecord], list[str]]:
    """All runs below a folder, by path, and one line for every folder that cannot be read."""
    records: list[RunRecord] = []
    unreadable: list[str] = []
    for path in sorted(runs.glob("*/*/*/seed*/run.json")):
        try:
            records.append(read_run(RunFolder(path.parent)))
        except BenchError as error:
            unreadable.append(str(error))
        except (KeyError, TypeError) as error:
            unreadable.append(f"{path}: no run of this harness ({error!r}); move it elsewhere")
    return records, unreadable


def read_run(folder: RunFolder) -> RunRecord:
    """The record of one run folder; BenchError where a file of it is corrupt."""
    run = read_json(folder.run)
    done = [fold for fold in run["folds"] if folder.fold(fold).exists()]
    return RunRecord(
        folder=folder.path,
        dataset=run["dataset"],
        surrogate=run["surrogate"],
        variant=run["variant"],
        preset=run["preset"],
        config_hash=run["config_hash"],
        seed=run["seed"],
        run=run,
        metrics=_results(folder.metrics),
        profile=_results(folder.profile),
        folds_done=len(done),
        folds_total=len(run["folds"]),
    )


def _results(file: Path) -> dict[str, Any] | None:
    """What a file of results holds, None where there is none; BenchError where it is no object."""
    if not file.exists():
        return None
    content = read_json(file)
    if not isinstance(content, dict):
        raise BenchError(f"{file} holds no results; delete it and repeat the command")
    return content
