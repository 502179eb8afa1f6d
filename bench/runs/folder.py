"""Run folders: `runs/<dataset>[-surrogate]/<variant>/<preset>-<config hash>/seed<k>/`.

The truth of a run is what lies on disk: a file that exists is complete and is not computed again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.system.files import real_place
from bench.system.leases import leased, refuse_held

FORMAT = 2
"""Version of the layout, in `run.json`: from 2 on, results have seals from the start."""

SURROGATE_SUFFIX = "-surrogate"

LOCK = ".lease"

STUDIES = ABLATION, ENUMERATION, SWEEP = "ablation", "enumeration", "sweep"
"""Folders below that of all runs, where studies train genotypes, each in a folder of its own."""

GIVEN = "genotype.json"
"""In such a genotype's folder, the genotype."""

FOLDS, MODELS, SEARCHES = "folds", "models", "search"


@dataclass(frozen=True)
class RunFolder:
    """The places of one run's files."""

    path: Path

    @property
    def config_hash(self) -> str:
        """The hash in the folder's name, which all files of the run carry."""
        return self.path.parent.name.rpartition("-")[2]

    @property
    def run(self) -> Path:
        """What was asked for, and where it was made."""
        return self.path / "run.json"

    @property
    def metrics(self) -> Path:
        """The scores."""
        return self.path / "metrics.json"

    @property
    def profile(self) -> Path:
        """Parameters, operations and memory of the network."""
        return self.path / "profile.json"

    @property
    def failures(self) -> Path:
        """What failed in the last attempt; missing where nothing did."""
        return self.path / "failures.json"

    @property
    def prepared(self) -> Path:
        """Says that the clips of this run have been prepared, where that was a unit of work."""
        return self.path / ".prepared"

    @property
    def checksums(self) -> Path:
        """The seals of its files (`bench.runs.checksums`)."""
        return self.path / "checksums.json"

    @property
    def kept(self) -> tuple[Path, ...]:
        """Where results lie; what lies elsewhere is a result only where a unit says so."""
        files = (self.run, self.metrics, self.profile, self.failures)
        return (*files, *(self.path / name for name in (FOLDS, MODELS, SEARCHES)))

    def seal(self, unit: str) -> Path:
        """The seals of what a unit of work wrote, until they are gathered."""
        return self.path / ".seals" / f"{unit}.json"

    def suspicion(self, unit: str) -> Path:
        """Says that a unit of work was refused for answers that are not its own."""
        return self.path / ".suspect" / f"{unit}.json"

    def search(self, fold: str | None = None) -> Path:
        """Folder of a search: the run's only one, or that of a fold."""
        return self.path / SEARCHES / fold if fold else self.path / SEARCHES

    def genotype(self, fold: str | None = None) -> Path:
        """What a search decoded to."""
        return self.search(fold) / "genotype.json"

    def history(self, fold: str | None = None) -> Path:
        """Losses and entropies of every search epoch."""
        return self.search(fold) / "history.csv"

    def steps(self, fold: str | None = None) -> Path:
        """What every step of a search logged that moves no α, η, β."""
        return self.search(fold) / "steps.csv"

    def architecture(self, fold: str | None = None) -> Path:
        """Softmax weights of α, η and β at every epoch."""
        return self.search(fold) / "architecture.json"

    @property
    def search_summary(self) -> Path:
        """What the searches of all folds decoded to, and how far they agree."""
        return self.path / SEARCHES / "summary.json"

    def checkpoint(self, fold: str | None = None) -> Path:
        """State of an unfinished search; removed when it has decoded."""
        return self.search(fold) / "checkpoint.pt"

    def fold(self, fold: str) -> Path:
        """The predictions of a fold."""
        return self.path / FOLDS / f"{fold}.json"

    def model(self, fold: str) -> Path:
        """The trained weights of a fold, where the run keeps them (`save.weights`)."""
        return self.path / MODELS / f"{fold}.safetensors"

    def linked(self, path: Path) -> Path | None:
        """The folder of another run that a symbolic link leads to on the way to a file of this one.

        `path` may be the run folder itself: a link to it from a folder of the same name is none to
        another run.
        """
        own, real = real_place(self.path), real_place(path)
        if path == self.path:
            same = own.parts[-4:] == self.path.absolute().parts[-4:]
            return None if same else own
        if real.is_relative_to(own):
            return None
        return next((above for above in real.parents if (above / "run.json").exists()), None)

    def clear(self) -> None:
        """Removes the run's files (`--force`), all but the lock that this process may hold."""
        self._remove(entry for entry in self.path.iterdir() if not entry.name.startswith(LOCK))

    def clear_evaluation(self) -> None:
        """Removes folds, weights, scores, profile, failures; keeps the search and `run.json`."""
        made = (self.path / FOLDS, self.path / MODELS)
        places = (*made, self.metrics, self.profile, self.failures)
        self._remove(place for place in places if place.exists())

    def _remove(self, entries: Iterable[Path]) -> None:
        for entry in list(entries):
            try:
                is_folder = entry.is_dir() and not entry.is_symlink()
                shutil.rmtree(entry) if is_folder else entry.unlink()
            except OSError as error:
                raise BenchError(f"cannot remove {entry}: {error.strerror or error}") from error

    @contextmanager
    def lock(self, folds: Sequence[str] = ()) -> Iterator[None]:
        """Holds the run folder, or some of its folds, for this process.

        BenchError where another process has it, or one of them: who that is, on which machine.
        """
        parts = [self.path / f"{LOCK}-{fold}" for fold in folds] or [self.path / LOCK]
        with ExitStack() as held:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                for part in parts:
                    held.enter_context(leased(part, str(self.path)))
                for other in [self.path / LOCK] if folds else self.path.glob(f"{LOCK}-*"):
                    refuse_held(other, str(self.path))
            except OSError as error:
                raise BenchError(
                    f"cannot write the run folder {self.path}: {error.strerror or error}; "
                    "choose another with --runs"
                ) from error
            yield


def run_folder(
    runs: Path, dataset: str, surrogate: bool, variant: str, preset: str, digest: str, seed: int
) -> RunFolder:
    """Where a run lives below the folder of all runs (made absolute: units may run anywhere)."""
    name = dataset + (SURROGATE_SUFFIX if surrogate else "")
    return RunFolder(runs.absolute() / name / variant / f"{preset}-{digest}" / f"seed{seed}")
