"""Run folders found and read: one frozen record a run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

from baselines.fixed import CROSS_ENTROPY, FixedNetwork, Recipe, StillInput
from bench.config.loading import config_from_dict
from bench.config.settings import Config, TrainConfig
from bench.errors import BenchError, DataError, UsageError
from bench.methods.kinds import kind_named
from bench.methods.spaces import Drawn, Searched
from bench.methods.variants import RANDOM_PREFIX, Variant
from bench.protocol.naming import split_title
from bench.runs.checksums import SEALED, require_unchanged, write_run_file
from bench.runs.folder import (
    FOLDS,
    GIVEN,
    MODELS,
    SEARCHES,
    STUDIES,
    RunFolder,
    run_folder,
)
from bench.runs.folds import sealed_fold, trained_share
from bench.runs.scope import Searches
from bench.runs.typed import read_as, read_object
from bench.system.files import is_system_file, read_json


@dataclass(frozen=True, kw_only=True)
class DataRecord:
    """What `run.json` says of the clips; root: None for generated ones.

    fingerprint, apexes: of `ClipSet`; clips: how many are tested; people: how many the set has,
    those left out of the run included; counts: clips per class.
    """

    source: str | None = None
    root: str | None = None
    fingerprint: str | None = None
    apexes: str | None = None
    magnifier: str | None = None
    landmarks: str | None = None
    classes: tuple[str, ...] = ()
    class_map: str = "challenge"
    clips: int | None = None
    people: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Pretrained:
    """The model file that networks started from; generated: whether it saw generated clips only."""

    sha256: str
    model: str
    generated: bool


@dataclass(frozen=True, kw_only=True)
class Maker:
    """Provenance of a run or of its continuation: code, packages, machine, time.

    code: SHA-256 of what installed packages brought (`bench.runs.code`).
    """

    started: str | None = None
    git_commit: str | None = None
    git_dirty: bool | None = None
    packages: Mapping[str, str | None] = field(default_factory=dict)
    python: str | None = None
    platform: str | None = None
    cpu: str | None = None
    device: str | None = None
    gpu: str | None = None
    argv: tuple[str, ...] | None = None
    threads: int | None = None
    processes: int | None = None
    code: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class RunFile:
    """The content of `run.json`. Keys that older runs lack have a default.

    config: settings by section, as they were recorded: other versions have others; format: 1 in
    runs that do not say it; answers: of `bench.engine.first_answers`; machines: that did its folds,
    and how many each, where they are of several kinds.
    """

    what: ClassVar[str] = "run"
    cure: ClassVar[str] = "move it elsewhere"

    dataset: str
    surrogate: bool
    variant: str
    preset: str
    config_hash: str
    seed: int
    folds: tuple[str, ...]
    format: int = 1
    kind: str | None = None
    marks: tuple[str, ...] = ()
    config: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    space: Mapping[str, Any] | None = None
    network: Mapping[str, Any] | None = None
    data: DataRecord = DataRecord()
    pretrained: Pretrained | None = None
    answers: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    started: str | None = None
    provenance: Maker = Maker()
    continued: tuple[Maker, ...] = ()
    machines: tuple[Mapping[str, Any], ...] = ()

    @property
    def method(self) -> type[Variant]:
        """The kind of its variant. Runs that do not name it are older than fixed networks."""
        older = Drawn if self.variant.startswith(RANDOM_PREFIX) else Searched
        return older if self.kind is None else kind_named(self.kind)

    @property
    def searches(self) -> Searches:
        """Which searches the run has."""
        scope = self.setting("protocol", "search_scope", "")
        return Searches(self.method.searches, scope, self.folds)

    @property
    def settings(self) -> Config:
        """The configuration; UsageError where this version of the harness lacks a setting."""
        return config_from_dict({section: dict(each) for section, each in self.config.items()})

    @property
    def stamp(self) -> dict[str, str | int]:
        """Identifies the run in each of its files."""
        return {"variant": self.variant, "config_hash": self.config_hash, "seed": self.seed}

    @property
    def fixed_network(self) -> FixedNetwork | None:
        """The hand-designed network as recorded, without its recipe; None where there is none.

        Keys of other versions are left out.
        """
        if not self.network:
            return None
        names = [each.name for each in fields(FixedNetwork)]
        known = {name: self.network[name] for name in names if name in self.network}
        wanted = self.network["input"]
        if not isinstance(wanted, str):
            shares = tuple(wanted.get("amplifications", ()))
            wanted = StillInput(**{**wanted, "amplifications": shares})
        return FixedNetwork(**{"summary": "", **known, "input": wanted, "recipe": None})

    @property
    def training(self) -> Mapping[str, Any]:
        """How each fold trained its network: by the recipe of a fixed one, else `train.*`."""
        return self.network["recipe"] if self.network else self.config["train"]

    @property
    def fresh(self) -> bool:
        """Whether one network was tested on new people, and no subject was left out."""
        return bool(self.setting("data", "fresh_seed"))

    @property
    def split(self) -> str:
        """What its split is called (`bench.protocol.naming`)."""
        return split_title(self.config)

    @property
    def all_left_out(self) -> bool:
        """Whether everyone is tested, each by a network that everyone else was trained on."""
        some = self.setting("protocol", "test_sets") or self.setting("protocol", "train_sets")
        return not (self.fresh or some)

    def results(self, folder: RunFolder) -> tuple[Path, ...]:
        """The files in a folder that say what the run is and what came out."""
        return (
            folder.run,
            *map(folder.genotype, self.searches.names),
            *map(folder.fold, self.folds),
            folder.metrics,
            folder.profile,
        )

    def foreign(self, folder: RunFolder) -> tuple[str, ...]:
        """Results in a folder, below it, of folds and searches that the run does not have."""
        places = {
            f"{FOLDS}/[!.]*.json": self.folds,
            f"{MODELS}/[!.]*.safetensors": self.folds,
            f"{SEARCHES}/[!.]*/": self.searches.names,
        }
        return tuple(
            path.relative_to(folder.path).as_posix()
            for pattern, known in places.items()
            for path in sorted(folder.path.glob(pattern))
            if (path.name if path.is_dir() else path.stem) not in known
            and not is_system_file(path.name)
        )

    def place(self, runs: Path) -> Path:
        """Its folder below that of all runs, as it is named."""
        where = (self.dataset, self.surrogate, self.variant, self.preset, self.config_hash)
        return run_folder(runs, *where, self.seed).path

    def setting(self, section: str, name: str, otherwise: Any = None) -> Any:
        """A setting as recorded; `otherwise` where it was not."""
        return self.config.get(section, {}).get(name, otherwise)


@dataclass(frozen=True, kw_only=True)
class RunRecord(RunFile):
    """What a finished or unfinished run folder says: the input of every table and figure.

    finished: the folds that have a result; strangers: see `RunFile.foreign`; baseline_uar: the best
    UAR of a classical baseline on the same clips among runs that were read together, None where
    there is none; clips_differ: whether one of those chose the same clips and found others.
    """

    folder: Path
    metrics: dict[str, Any] | None = None
    profile: dict[str, Any] | None = None
    finished: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    baseline_uar: float | None = None
    clips_differ: bool = False

    @property
    def files(self) -> RunFolder:
        """The places of its files."""
        return RunFolder(self.folder)

    @property
    def folds_done(self) -> int:
        """How many folds have a result."""
        return len(self.finished)

    @property
    def trained(self) -> float | None:
        """The share of trained folds; None where it is not known or no share of cross-entropies.

        Older metrics do not state it: the losses in the folds do.
        """
        if self.metrics is not None and "trained" in self.metrics:
            return self.metrics["trained"]
        recipe = (self.network or {}).get("recipe") or {}
        if recipe.get("loss", CROSS_ENTROPY) != CROSS_ENTROPY:
            return None
        try:
            folds = [sealed_fold(self.files, name) for name in self.finished]
        except BenchError:  # `bench validate` says what is wrong with a fold
            return None
        return trained_share(folds, len(self.data.classes))

    @property
    def folds_total(self) -> int:
        """How many folds the run has."""
        return len(self.folds)


def find_runs(runs: Path) -> tuple[list[RunRecord], list[str]]:
    """All runs below a folder, by path, and one line for every folder that is left out.

    Left out are those that cannot be read, copies of a run in another place (they would count as
    further seeds), and runs that lie deeper, as where a folder of runs was copied into another.
    """
    records: list[RunRecord] = []
    unreadable: list[str] = []
    copies: dict[Path, list[Path]] = {}
    for path in sorted(runs.glob("*/*/*/seed*")):
        if not (path / "run.json").exists():
            if not all(is_system_file(each.name) for each in path.glob("*")):
                unreadable.append(f"{path} has results and no run.json: restore it")
            continue
        try:
            record = read_run(RunFolder(path))
        except BenchError as error:
            unreadable.append(str(error))
            continue
        if path.parts[-4:] != (place := record.place(runs)).parts[-4:]:
            copies.setdefault(place, []).append(path)
        else:
            records.append(record)
    unreadable += [_copies_line(place, found) for place, found in copies.items()]
    return records, unreadable + list(_deeper(runs))


def _deeper(runs: Path) -> Iterator[str]:
    """A line for each folder of runs within this one; those of studies are their own."""
    homes = Counter(
        file.parents[4] for file in runs.rglob("run.json") if len(file.relative_to(runs).parts) > 5
    )
    for home, count in sorted(homes.items()):
        if {*home.relative_to(runs).parts}.isdisjoint(STUDIES) and not (home / GIVEN).exists():
            yield (
                f"{count} run(s) below {home} are not counted: name it with --runs, or move what "
                f"is in it up to {runs}"
            )


def _copies_line(place: Path, copies: list[Path]) -> str:
    if len(copies) > 1:
        return f"{len(copies)} folders are copies of {place}: {copies[0]} to {copies[-1]}"
    if place.exists():
        return f"{copies[0]} is a copy: its run.json is that of {place}"
    return f"{copies[0]} was moved: its run.json is that of {place}; move it back there"


def moved_line(run: RunFile, path: Path) -> str | None:
    """The line of `find_runs` on a run that is named alone, where its own folders were renamed.

    None where they are called as its `run.json` says, and of a copy in a place of another kind.
    """
    own = path.absolute()
    place = run.place(own.parents[min(3, len(own.parents) - 1)])
    alike = [a == b for a, b in zip(own.parts[-4:], place.parts[-4:], strict=False)]
    return _copies_line(place, [own]) if alike.count(False) == 1 else None


def read_run(folder: RunFolder) -> RunRecord:
    """The record of one run folder.

    Raises BenchError where a file is corrupt or is not the one that was sealed, or `run.json` has a
    key that is missing, unknown or of the wrong kind.
    """
    run = read_run_file(folder)
    require_unchanged(folder, run.results(folder) if run.format >= SEALED else ())
    return RunRecord(
        **vars(run),
        folder=folder.path,
        metrics=_results(folder.metrics),
        profile=_results(folder.profile),
        finished=tuple(fold for fold in run.folds if folder.fold(fold).exists()),
        strangers=run.foreign(folder),
    )


def read_run_file(folder: RunFolder) -> RunFile:
    """What `run.json` says, without a look at any seal; BenchError as `read_run`."""
    try:
        content = read_json(folder.run)
    except BenchError as error:
        if folder.run.exists():  # to delete it would leave results of which nothing is known
            raise BenchError(
                f"{folder.run} cannot be read: restore it, or start the run anew with `bench run "
                "--force`"
            ) from error
        raise
    run = read_as(RunFile, content, folder.run)
    try:
        _ = run.method
    except UsageError as error:
        raise DataError(f"{folder.run}: 'kind': {error}") from None
    return run


def add_maker(folder: RunFolder, maker: Mapping[str, Any]) -> None:
    """Adds the provenance of a continuation to `run.json`."""
    run = read_json(folder.run)
    write_run_file(folder, {**run, "continued": [*run.get("continued", []), dict(maker)]})


def _results(file: Path) -> dict[str, Any] | None:
    """What a file of results holds, None where there is none; BenchError where it is no object."""
    if not file.exists():
        return None
    return read_object(file)


TRAINED = ("network", "options", "input", "recipe")
"""Keys of a fixed network's record that have an effect on a run."""


def trained_network(record: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Those keys of a network's record; None for a method that is searched.

    What an older record does not say of its input or its own recipe was as it is by default now.
    """
    if not record:
        return None
    trained: dict[str, Any] = {key: record.get(key) for key in TRAINED}
    for key, kind in (("input", StillInput), ("recipe", Recipe), ("recipe", TrainConfig)):
        named = {each.name: each.default for each in fields(kind)}
        stated = trained[key]
        if isinstance(stated, Mapping) and stated.keys() <= named.keys():
            usual = {name: value for name, value in named.items() if value is not MISSING}
            trained[key] = {**json.loads(json.dumps(usual)), **stated}
    return trained
