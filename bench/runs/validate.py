"""Whether a run folder is complete and clean: `bench validate`. Trains nothing, needs no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.config.loading import config_from_dict
from bench.config.settings import Config, recorded_hash, recorded_rules, settings_hash
from bench.data.clips import Clip
from bench.data.sets.catalogue import DATASETS
from bench.data.sources import Source, find_clips, surrogate_folder, used_labels
from bench.errors import BenchError
from bench.methods.registry import RANDOM_PREFIX
from bench.protocol.metrics import BUILT_IN
from bench.runs.checksums import file_sums, recorded_sums
from bench.runs.folder import FOLDS, GIVEN, RunFolder, run_folder
from bench.runs.job import Job
from bench.runs.results import protocol_record, run_metrics
from bench.system.files import read_json

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

LISTED = 3
"""Names that a finding spells out before it counts the rest."""


@dataclass(frozen=True)
class Finding:
    """Something wrong with a run.

    kind: incomplete, configuration, leak, scores, labels, changed or unreadable;
    where: a file below the run folder, or the check that an edited file broke.
    """

    kind: str
    where: str
    what: str


@dataclass(frozen=True)
class Verdict:
    """What `validate` found of a run, and what it could not look at, with the reason."""

    folder: Path
    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "run": str(self.folder),
            "sound": not self.findings,
            "findings": [asdict(finding) for finding in self.findings],
            "unchecked": list(self.unchecked),
        }


@dataclass(frozen=True)
class RunFiles:
    """The files of a run that could be read.

    genotypes: by the fold that a search belongs to, "" for the run's only one.
    """

    folder: RunFolder
    run: dict[str, Any]
    folds: dict[str, dict[str, Any]]
    genotypes: dict[str, dict[str, Any]]
    metrics: dict[str, Any] | None

    @property
    def config(self) -> Config:
        """The run's settings; UsageError where this version of the harness lacks one of them."""
        return config_from_dict(self.run["config"])

    @property
    def by_fold(self) -> bool:
        return self.run["config"]["protocol"]["search_scope"] == "fold"

    def people(self, fold: str) -> set[str]:
        """The subjects that a fold tests, with their data sets."""
        record = self.folds[fold]
        return {f"{clip['dataset']}/{record['subject']}" for clip in record["clips"]}


def validate(folder: RunFolder, data_root: Path | None, cache: Path) -> Verdict:
    """Everything wrong with a run folder.

    data_root: where its clips are, if not where `run.json` says; cache: where surrogates are.
    """
    try:
        run = read_json(folder.run)
        named = [*run["folds"], run["config_hash"], *run["config"]]
    except BenchError as error:
        return Verdict(folder.path, (Finding("incomplete", "run.json", str(error)),))
    except (KeyError, TypeError) as error:
        what = f"no run of this harness ({error!r})"
        return Verdict(folder.path, (Finding("unreadable", "run.json", what),))
    if not all(isinstance(name, str) for name in named):
        what = "folds and settings must be named by text"
        return Verdict(folder.path, (Finding("unreadable", "run.json", what),))
    files, findings = _read(folder, run)
    for check in (_configuration, _completeness, _separation, _scores, _sums):
        findings += _guarded(check, files)
    labels, unchecked = _compared_with_data(files, data_root, cache)
    return Verdict(folder.path, (*findings, *labels), unchecked)


def _guarded(check: Callable[[RunFiles], Iterator[Finding]], files: RunFiles) -> list[Finding]:
    """The findings of a check; an edited file may break it in any way, which is one, too."""
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


def _read(folder: RunFolder, run: dict[str, Any]) -> tuple[RunFiles, list[Finding]]:
    """The files of a run, and a finding for every one that is missing or corrupt."""
    findings: list[Finding] = []

    def read(path: Path) -> dict[str, Any] | None:
        try:
            return read_json(path)
        except BenchError as error:
            kind = "unreadable" if path.exists() else "incomplete"
            findings.append(Finding(kind, _below(folder, path), str(error)))
            return None

    folds = {fold: read(folder.fold(fold)) for fold in run["folds"]}
    searches = {fold: read(folder.genotype(fold)) for fold in _searches(run)}
    files = RunFiles(
        folder,
        run,
        {fold: record for fold, record in folds.items() if record is not None},
        {fold: record for fold, record in searches.items() if record is not None},
        read(folder.metrics),
    )
    return files, findings


def _searches(run: dict[str, Any]) -> list[str]:
    """The searches that a run has: none for a fixed network."""
    if not run.get("space"):
        return []
    by_fold = run["config"].get("protocol", {}).get("search_scope") == "fold"
    return list(run["folds"]) if by_fold else [""]


# Checks


def _configuration(files: RunFiles) -> Iterator[Finding]:
    """One configuration: that of `run.json`, of the folder's name and of every file."""
    run = files.run
    found = settings_hash(run["config"])
    if run["config_hash"] not in (found, recorded_hash(run["config"])):
        yield Finding(
            "configuration",
            "run.json",
            f"its settings hash to {found}, but it names {run['config_hash']}: they were edited",
        )
    keys = ("dataset", "surrogate", "variant", "preset", "config_hash", "seed")
    expected = run_folder(Path(), *(run[key] for key in keys)).path.parts[-4:]
    if files.folder.path.absolute().parts[-4:] != expected:
        what = f"describes the run {'/'.join(expected)}, which is not what its folder is called"
        yield Finding("configuration", "run.json", what)
    own = {key: run[key] for key in ("variant", "config_hash", "seed")}
    for where, record in _made(files):
        if record.get("run") != own:
            what = f"was made by another run: {record.get('run', 'it does not say which')}"
            yield Finding("configuration", where, what)


def _made(files: RunFiles) -> Iterator[tuple[str, dict[str, Any]]]:
    for fold, record in files.folds.items():
        yield _below(files.folder, files.folder.fold(fold)), record
    for fold, record in files.genotypes.items():
        yield _below(files.folder, files.folder.genotype(fold)), record


def _completeness(files: RunFiles) -> Iterator[Finding]:
    """Every clip is tested once, in the fold of its subject."""
    run = files.run
    there = {path.stem for path in (files.folder.path / FOLDS).glob("*.json")}
    for stray in sorted(there - set(run["folds"])):
        yield Finding("incomplete", f"{FOLDS}/{stray}.json", "a fold that run.json does not list")
    tested: dict[tuple[str, str, str], str] = {}
    for fold, record in files.folds.items():
        where = f"{FOLDS}/{fold}.json"
        subject = record["subject"]
        if fold not in {subject, *(f"{clip['dataset']}-{subject}" for clip in record["clips"])}:
            yield Finding("incomplete", where, f"holds the fold of subject {subject}")
        for clip in record["clips"]:
            key = (clip["dataset"], subject, clip["clip"])
            if key in tested:
                yield Finding("incomplete", where, f"{key[2]} is tested in {tested[key]} already")
            tested[key] = fold
    if len(files.folds) == len(run["folds"]) and len(tested) != run["data"]["clips"]:
        what = f"{len(tested)} clips are tested, of {run['data']['clips']} that the run had"
        yield Finding("incomplete", FOLDS, what)


def _separation(files: RunFiles) -> Iterator[Finding]:
    """Nobody is tested by a network, or an architecture of its own, that has seen them."""
    everyone = set().union(*map(files.people, files.folds))
    complete = len(files.folds) == len(files.run["folds"])
    for fold, record in files.folds.items():
        where, tested = f"{FOLDS}/{fold}.json", files.people(fold)
        if "trained_on" not in record:
            yield Finding("leak", where, "does not say which subjects were trained on")
            continue
        trained, held = set(record["trained_on"]), set(record.get("inner_subjects", ()))
        for seen, how in ((trained, "trained on"), (held, "held out for inner_val")):
            if tested & seen:
                yield Finding("leak", where, f"its test subject {_some(tested & seen)} was {how}")
        if trained & held:
            what = f"{_some(trained & held)} was both trained on and held out for inner_val"
            yield Finding("leak", where, what)
        if complete and (trained | held) - tested != everyone - tested:
            odd = (trained | held) ^ (everyone - tested)
            what = f"trained on other subjects than the rest of the run: {_some(odd - tested)}"
            yield Finding("incomplete", where, what)
    for fold, record in files.genotypes.items():
        yield from _search_separation(files, fold, record)


def _search_separation(files: RunFiles, fold: str, record: dict[str, Any]) -> Iterator[Finding]:
    where = _below(files.folder, files.folder.genotype(fold))
    if GIVEN in record:
        return  # nobody knows what it was searched on, which its metrics mark as leaky
    if "searched_on" not in record:
        yield Finding("leak", where, "does not say which subjects were searched on")
        return
    searched = set(record["searched_on"])
    if searched and files.run["variant"].startswith(RANDOM_PREFIX):
        yield Finding("leak", where, "a random genotype cannot have been searched on clips")
    tested = files.people(fold) & searched if fold in files.folds else set()
    if files.by_fold and tested:
        yield Finding("leak", where, f"the fold's test subject {_some(tested)} was searched on")


def _scores(files: RunFiles) -> Iterator[Finding]:
    """Predictions are those of the logits, and the metrics those of the predictions."""
    config, run = files.config, files.run
    rule = config.protocol.selection
    for fold, record in files.folds.items():
        for clip in record["clips"]:
            best = max(range(len(clip["logits"])), key=clip["logits"].__getitem__)
            if not clip["pred"] == clip["selected"][rule] == best:
                what = f"{clip['clip']}: the predicted label is not that of the logits"
                yield Finding("scores", f"{FOLDS}/{fold}.json", what)
    if files.metrics is None or len(files.folds) < len(run["folds"]):
        return
    folds = [files.folds[fold] for fold in run["folds"]]
    known = DATASETS.get(run["dataset"])
    parts = known.parts if known else tuple(files.metrics["slices"])
    again = run_metrics(folds, run["data"]["classes"], parts, recorded_rules(config.protocol))
    again["protocol"] = protocol_record(_job(files))
    for name in _differing(files.metrics, again, ""):
        what = f"{name.lstrip('.')} does not follow from the folds"
        yield Finding("scores", "metrics.json", what)


def _sums(files: RunFiles) -> Iterator[Finding]:
    """Every file is the one that was there when the run was complete."""
    if not files.folder.checksums.exists():
        what = "is missing: repeat the command that made the run, it writes the sums of its files"
        yield Finding("incomplete", files.folder.checksums.name, what)
        return
    recorded, found = recorded_sums(files.folder), file_sums(files.folder)
    for name in sorted(recorded.keys() | found.keys()):
        if name not in found:
            yield Finding("changed", name, "was removed after the run was complete")
        elif name not in recorded:
            yield Finding("changed", name, "was added after the run was complete")
        elif recorded[name] != found[name]:
            yield Finding("changed", name, "was changed after the run was complete")


# Against the clips themselves


def _compared_with_data(
    files: RunFiles, data_root: Path | None, cache: Path
) -> tuple[list[Finding], tuple[str, ...]]:
    """Findings on labels, or the reason why they could not be compared."""
    try:
        config = files.config
        clips = find_clips(_source(files, config, data_root, cache), config.data)
    except (BenchError, KeyError, TypeError) as error:
        return [], (f"labels not compared with the data: {error}",)
    labels = used_labels(clips.clips, config.data, files.run["seed"])
    expected = dict(zip(clips.clips, labels, strict=True))
    return _guarded(lambda files: _labels(files, expected), files), ()


def _source(files: RunFiles, config: Config, data_root: Path | None, cache: Path) -> Source:
    """Where the run's clips are; BenchError where they are not, or not known to be."""
    data, surrogate = files.run["data"], files.run["surrogate"]
    dataset = data.get("source", files.run["dataset"])
    if surrogate and not data["root"]:
        source = Source(dataset, None, True, cache)
        if not surrogate_folder(source, config.data).exists():
            raise BenchError(f"no such surrogate clips in the cache {cache}")
        return source
    root = data_root or (Path(data["root"]) if data["root"] else None)
    if root is None or not root.exists():
        raise BenchError(f"{root} is not there; say where the clips are with --data-root")
    return Source(dataset, root, surrogate, cache)


def _labels(files: RunFiles, expected: dict[Clip, int]) -> Iterator[Finding]:
    """Every clip has the label of the data, under the run's own permutation if it has one."""
    true = {(clip.dataset, clip.subject, clip.name): label for clip, label in expected.items()}
    tested: Counter[tuple[str, str, str]] = Counter()
    for fold, record in files.folds.items():
        where = f"{FOLDS}/{fold}.json"
        for clip in record["clips"]:
            key = (clip["dataset"], record["subject"], clip["clip"])
            tested[key] += 1
            if key not in true:
                yield Finding("labels", where, f"{clip['clip']} is no clip of this subject")
            elif clip["true"] != true[key]:
                names = files.run["data"]["classes"]
                what = f"{clip['clip']} is {names[true[key]]}, not {names[clip['true']]}"
                yield Finding("labels", where, what)
    missing = [key for key in true if key not in tested]
    if missing and len(files.folds) == len(files.run["folds"]):
        names = _some({f"{subject}/{clip}" for _, subject, clip in missing})
        yield Finding("labels", FOLDS, f"clips of the data that nobody tested: {names}")


# Small things


def _job(files: RunFiles) -> Job:
    """The job that made the run, as far as its protocol goes."""
    run = files.run
    source = Source(run["dataset"], None, run["surrogate"], Path())
    return Job(
        folder=files.folder,
        variant=run["variant"],
        source=source,
        preset=run["preset"],
        config=files.config,
        seed=run["seed"],
        device="cpu",
        folds=tuple(run["folds"]),
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


def _some(names: set[str]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - LISTED} more" if len(listed) > LISTED else ""
    return ", ".join(listed[:LISTED]) + more


def _below(folder: RunFolder, path: Path) -> str:
    return str(path.relative_to(folder.path))
