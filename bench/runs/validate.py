"""Whether a run folder is complete and clean: `bench validate`. Trains nothing, needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from bench.config.settings import Config, recorded_hash, settings_hash
from bench.data.clips import Clip
from bench.data.sets.catalogue import DATASETS
from bench.data.sources import Source, surrogate_folder
from bench.errors import BenchError, DataError
from bench.protocol.metrics import BUILT_IN
from bench.protocol.splits import tested_labels
from bench.runs.answered import some, unlike_data
from bench.runs.checksums import SEALED, changed_files, result_files, sealed_files
from bench.runs.folder import FOLDS, RunFolder
from bench.runs.folds import FoldRecord, read_fold
from bench.runs.job import Job
from bench.runs.record import RunFile, RunRecord, read_run_file
from bench.runs.results import run_scores
from bench.runs.searches import SearchRecord, history_columns, read_search, space_of
from bench.system.files import read_json
from rnas.decode import decode
from rnas.settings import FIRST_ORDER

TOLERANCE = 1e-9
"""Scores are stored to full precision: only the order of a sum may differ."""

LASTING = frozenset(
    [
        *BUILT_IN,
        "confusion",
        "classes",
        "clips",
        "subjects",
        "slices",
        "protocol",
        "aggregation",
        "search_scope",
        "selection",
        "leaky",
        "leaks",
        "surrogate",
        "shuffled_labels",
    ]
)
"""Keys of `metrics.json` that every version writes."""

BY_GRADIENT = (FIRST_ORDER, "second_order")
"""Strategies whose genotype is what α, η and β decode to after the last epoch."""

Found = TypeVar("Found")


@dataclass(frozen=True)
class Finding:
    """Something wrong with a run.

    kind: incomplete, configuration, leak, search, scores, labels, changed or unreadable;
    where: a file below the run folder, or the check that an edited file broke.
    """

    kind: str
    where: str
    what: str


@dataclass(frozen=True)
class Verdict:
    """The findings on a run, and what could not be checked, with the reason."""

    folder: Path
    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As `bench validate --format json` prints it."""
        return {
            "run": str(self.folder),
            "sound": not self.findings,
            "findings": [asdict(finding) for finding in self.findings],
            "unchecked": list(self.unchecked),
        }


@dataclass(frozen=True)
class RunFiles:
    """The files of a run that could be read.

    searches: by the fold that a search belongs to, "" for the run's only one.
    """

    folder: RunFolder
    run: RunFile
    folds: dict[str, FoldRecord]
    searches: dict[str, SearchRecord]
    metrics: dict[str, Any] | None

    @property
    def complete(self) -> bool:
        """Whether every fold could be read."""
        return len(self.folds) == len(self.run.folds)


def validate(folder: RunFolder, data_root: Path | None, cache: Path) -> Verdict:
    """Everything wrong with a run folder.

    data_root: where its clips are, if not where `run.json` says; cache: where surrogates are.
    """
    try:
        run = read_run_file(folder)
    except DataError as error:
        return Verdict(folder.path, (Finding("unreadable", "run.json", str(error)),))
    except BenchError as error:
        return Verdict(folder.path, (Finding("incomplete", "run.json", str(error)),))
    files, findings = _read(folder, run)
    for check in (_configuration, _completeness, _separation, _search, _scores, _seals):
        findings += _guarded(check, files)
    labels, unchecked = _compared_with_data(files, data_root, cache)
    return Verdict(folder.path, (*findings, *labels), unchecked)


def _guarded(check: Callable[[RunFiles], Iterator[Finding]], files: RunFiles) -> list[Finding]:
    """The findings of a check; a file so altered that the check fails is a finding too."""
    findings: list[Finding] = []
    try:
        findings.extend(check(files))
    except BenchError as error:
        findings.append(Finding("unreadable", "run.json", str(error)))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        what = f"a file has lost its form: {type(error).__name__}: {error}"
        findings.append(Finding("unreadable", check.__name__.strip("_"), what))
    return findings


# Reading


def _read(folder: RunFolder, run: RunFile) -> tuple[RunFiles, list[Finding]]:
    """The files of a run, and a finding for every one that is missing or corrupt."""
    findings: list[Finding] = []

    def read(paths: Mapping[str, Path], reader: Callable[[Path], Found]) -> dict[str, Found]:
        found = {}
        for name, path in paths.items():
            try:
                found[name] = reader(path)
            except BenchError as error:
                kind = "unreadable" if path.exists() else "incomplete"
                findings.append(Finding(kind, _below(folder, path), str(error)))
        return found

    folds = read({name: folder.fold(name) for name in run.folds}, read_fold)
    searches = read({name: folder.genotype(name) for name in run.searches.names}, read_search)
    metrics = read({"": folder.metrics}, read_json).get("")
    return RunFiles(folder, run, folds, searches, metrics), findings


# Checks


def _configuration(files: RunFiles) -> Iterator[Finding]:
    """`run.json`, the folder's name and every file name the same configuration."""
    run = files.run
    found = settings_hash(run.config)
    if run.config_hash not in (found, recorded_hash(run.config)):
        yield Finding(
            "configuration",
            "run.json",
            f"its settings hash to {found}, but it names {run.config_hash}: they were edited",
        )
    expected = run.place(Path()).parts[-4:]
    if files.folder.path.absolute().parts[-4:] != expected:
        what = f"describes the run {'/'.join(expected)}, which is not what its folder is called"
        yield Finding("configuration", "run.json", what)
    for where, record in _made(files):
        if record.run != run.stamp:
            what = f"was made by another run: {record.run or 'it does not say which'}"
            yield Finding("configuration", where, what)


def _made(files: RunFiles) -> Iterator[tuple[str, FoldRecord | SearchRecord]]:
    for fold, record in files.folds.items():
        yield _below(files.folder, files.folder.fold(fold)), record
    for name, search in files.searches.items():
        yield _below(files.folder, files.folder.genotype(name)), search


def _completeness(files: RunFiles) -> Iterator[Finding]:
    """Every clip is tested once, in the fold of its subject."""
    run = files.run
    for stray in run.foreign(files.folder):
        yield Finding("incomplete", stray, "of a fold that run.json does not list")
    tested: dict[tuple[str, str, str], str] = {}
    for fold, record in files.folds.items():
        where = f"{FOLDS}/{fold}.json"
        subject = record.subject
        if fold not in {subject, *(f"{clip.dataset}-{subject}" for clip in record.clips)}:
            yield Finding("incomplete", where, f"holds the fold of subject {subject}")
        for clip in record.clips:
            key = (clip.dataset, record.subject_of(clip), clip.clip)
            if key in tested:
                yield Finding("incomplete", where, f"{key[2]} is tested in {tested[key]} already")
            tested[key] = fold
    if files.complete and len(tested) != run.data.clips:
        what = f"{len(tested)} clips are tested, of {run.data.clips} that the run had"
        yield Finding("incomplete", FOLDS, what)


def _separation(files: RunFiles) -> Iterator[Finding]:
    """No network, and no architecture searched in a fold, has seen its test subject."""
    everyone = set().union(*(record.people for record in files.folds.values()))
    left_out_in_turn = files.complete and files.run.all_left_out
    for fold, record in files.folds.items():
        where, tested = f"{FOLDS}/{fold}.json", record.people
        if record.trained_on is None:
            yield Finding("leak", where, "does not say which subjects were trained on")
            continue
        trained, held = set(record.trained_on), set(record.inner_subjects)
        for seen, how in ((trained, "trained on"), (held, "held out for inner_val")):
            if tested & seen:
                yield Finding("leak", where, f"its test subject {some(tested & seen)} was {how}")
        if trained & held:
            what = f"{some(trained & held)} was both trained on and held out for inner_val"
            yield Finding("leak", where, what)
        if left_out_in_turn and (trained | held) - tested != everyone - tested:
            odd = (trained | held) ^ (everyone - tested)
            what = f"trained on other subjects than the rest of the run: {some(odd - tested)}"
            yield Finding("incomplete", where, what)
    for name, search in files.searches.items():
        yield from _search_separation(files, name, search)


def _search_separation(files: RunFiles, name: str, record: SearchRecord) -> Iterator[Finding]:
    where = _below(files.folder, files.folder.genotype(name))
    if record.given:
        return  # nobody knows what it was searched on, which its metrics mark as leaky
    if record.searched_on is None:
        yield Finding("leak", where, "does not say which subjects were searched on")
        return
    searched = set(record.searched_on)
    if searched and not files.run.method.learns:
        yield Finding("leak", where, "a random genotype cannot have been searched on clips")
    tested = files.folds[name].people & searched if name in files.folds else set()
    if tested:
        yield Finding("leak", where, f"the fold's test subject {some(tested)} was searched on")


def _search(files: RunFiles) -> Iterator[Finding]:
    """A search by gradient took its epochs, and its weights decode to its genotype."""
    folder, epochs = files.folder, files.run.setting("search", "epochs")
    strategy = files.run.setting("search", "strategy", FIRST_ORDER)
    for name, search in files.searches.items():
        if not search.given and search.strategy not in (None, strategy):
            what = f"found by the strategy {search.strategy}, that of the run is {strategy}"
            yield Finding("search", _below(folder, folder.genotype(name)), what)
        if search.beta is None or search.strategy not in (None, *BY_GRADIENT):
            continue
        where = _below(folder, folder.genotype(name))
        space = space_of(RunRecord(**vars(files.run), folder=folder.path))
        alpha, eta = search.operation_weights, search.edge_weights
        beta = search.beta_of(space.outer)
        if alpha and eta and beta and decode(space, alpha, eta, beta) != search.genotype:
            yield Finding("search", where, "its weights decode to another genotype")
        logged = {
            folder.history(name): lambda file: len(history_columns(file)["epoch"]),
            folder.architecture(name): lambda file: len(read_json(file)["epochs"]),
        }
        for file, count in logged.items():
            if file.exists() and count(file) != epochs:
                what = f"has {count(file)} epochs, the search has {epochs}"
                yield Finding("search", _below(folder, file), what)


def _scores(files: RunFiles) -> Iterator[Finding]:
    """Predictions follow from the logits, and metrics from the predictions."""
    config, run = files.run.settings, files.run
    rule = config.protocol.selection
    for fold, record in files.folds.items():
        for clip in record.clips:
            best = max(range(len(clip.logits)), key=clip.logits.__getitem__)
            if not clip.pred == clip.selected[rule] == best:
                what = f"{clip.clip}: the predicted label is not that of the logits"
                yield Finding("scores", f"{FOLDS}/{fold}.json", what)
    if files.metrics is None or not files.complete:
        return
    folds = [files.folds[fold] for fold in run.folds]
    known = DATASETS.get(run.dataset)
    parts = known.parts if known else tuple(files.metrics["slices"])
    again = run_scores(_job(files), folds, run.data.classes, parts)
    for name in _differing(files.metrics, again, ""):
        what = f"{name.lstrip('.')} does not follow from the folds"
        yield Finding("scores", "metrics.json", what)


def _seals(files: RunFiles) -> Iterator[Finding]:
    """No file has changed since the run made it."""
    folder, sealed = files.folder, sealed_files(files.folder)
    if not sealed and files.run.format < SEALED:
        what = "is missing: repeat the command that made this older run, it seals its files"
        yield Finding("incomplete", folder.checksums.name, what)
        return
    if not sealed:
        yield Finding("changed", folder.checksums.name, "was removed after the run made it")
        return
    for name, what in sorted(changed_files(folder, whole=True).items()):
        yield Finding("changed", name, what)
    if files.complete and files.metrics is not None:
        there = {_below(folder, path) for path in result_files(folder)} - {folder.failures.name}
        for name in sorted(there - sealed.keys()):
            yield Finding("changed", name, "was added after the run was complete")


# Against the clips themselves


def _compared_with_data(
    files: RunFiles, data_root: Path | None, cache: Path
) -> tuple[list[Finding], tuple[str, ...]]:
    """Findings on labels, or the reason why they could not be compared."""
    try:
        config = files.run.settings
        source = run_source(files.run, config, data_root, cache)
        expected = tested_labels(source, config, files.run.seed)
    except (BenchError, KeyError, TypeError) as error:
        return [], (f"labels not compared with the data: {error}",)
    return _guarded(lambda files: _labels(files, expected), files), ()


def run_source(run: RunFile, config: Config, data_root: Path | None, cache: Path) -> Source:
    """Where the run's clips are; BenchError where they are not, or not known to be."""
    data, surrogate = run.data, run.surrogate
    dataset = data.source or run.dataset
    if surrogate and not data.root:
        source = Source(dataset, None, True, cache)
        if not surrogate_folder(source, config.data).exists():
            raise BenchError(f"no such surrogate clips in the cache {cache}")
        return source
    root = data_root or (Path(data.root) if data.root else None)
    if root is None or not root.exists():
        raise BenchError(f"{root} is not there; say where the clips are with --data-root")
    return Source(dataset, root, surrogate, cache)


def _labels(files: RunFiles, expected: dict[Clip, int]) -> Iterator[Finding]:
    """Every clip has the label of the data, under the run's own permutation if it has one."""
    for fold, what in unlike_data(files.folds, expected, files.run.data.classes):
        if fold:
            yield Finding("labels", f"{FOLDS}/{fold}.json", what)
        elif files.complete:
            yield Finding("labels", FOLDS, what)


# Small things


def _job(files: RunFiles) -> Job:
    """The job that made the run, as far as its protocol goes."""
    run = files.run
    source = Source(run.dataset, None, run.surrogate, Path())
    return Job(
        folder=files.folder,
        variant=run.variant,
        source=source,
        preset=run.preset,
        config=run.settings,
        seed=run.seed,
        device="cpu",
        folds=run.folds,
    )


def _differing(found: Any, expected: Any, name: str) -> Iterator[str]:
    """Names of the values that differ, as `slices.smic.uar`.

    A key that later versions write is no difference where an older file lacks it, nor is the score
    of a metric whose package is not installed here.
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        later = {key for key in expected if key not in found and key not in LASTING}
        foreign = {
            key
            for key, value in found.items()
            if key not in expected and isinstance(value, float | None)
        }
        for key in dict.fromkeys([*expected, *found]):
            if key in later | foreign:
                continue
            yield from _differing(found.get(key), expected.get(key), f"{name}.{key}")
    elif isinstance(expected, float) and isinstance(found, int | float):
        if not abs(found - expected) <= TOLERANCE:
            yield name
    elif found != expected:
        yield name


def _below(folder: RunFolder, path: Path) -> str:
    return str(path.relative_to(folder.path))
