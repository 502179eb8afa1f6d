"""Whether the files of a run agree with one another and with its settings.

No clip is looked at, nothing is trained, and no seal is believed: who edits a file and seals it
anew is found where another file tells of the same. For `bench validate`, and before a run is gone
on with.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from math import inf, isclose, isfinite
from pathlib import Path
from typing import Any

from bench.config.settings import Config, recorded_hash, settings_hash
from bench.data.clips import Clip
from bench.data.sets.catalogue import DATASETS
from bench.data.sources import Source
from bench.errors import BenchError
from bench.methods import registry
from bench.methods.spaces import Drawn
from bench.protocol.metrics import BUILT_IN
from bench.runs.checking.answered import some, unlike_data
from bench.runs.checking.files import Finding, RunFiles, below, guarded, read_files
from bench.runs.folder import FOLDS, GIVEN, STUDIES, RunFolder
from bench.runs.folds import FoldRecord
from bench.runs.job import Job
from bench.runs.record import RunFile
from bench.runs.results import run_scores
from bench.runs.searches import SearchRecord, history_columns, read_genotype, recorded_space
from bench.runs.typed import read_object
from bench.seeds import derive_seed
from bench.system.files import stray
from rnas.decode import decode
from rnas.errors import MethodError
from rnas.genotype import check_genotype, random_genotype
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


def require_agreement(
    folder: RunFolder, run: RunFile, labels: Mapping[Clip, int] | None = None
) -> None:
    """BenchError with the first contradiction between the files of a run that are there.

    labels: of the clips that it is to answer, where they are at hand.
    """
    files, found = read_files(folder, run)
    wrong = [each for each in found if each.kind != "incomplete"] + contradictions(files)
    if labels is not None:
        wrong += guarded(lambda files: mislabelled(files, labels), files)
    if wrong:
        first, more = wrong[0], f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise BenchError(
            f"{folder.path / first.where}: {first.what}{more}; `bench validate` lists it all: "
            "restore the files, or start the run anew with `bench run --force`"
        )


def contradictions(files: RunFiles) -> list[Finding]:
    """Every contradiction between the files of a run."""
    checks = (
        _configuration,
        _completeness,
        _separation,
        _space,
        _search,
        _drawn,
        _of_study,
        _models,
        _profile,
        _scores,
    )
    return [finding for check in checks for finding in guarded(check, files)]


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
        if real := files.folder.linked(files.folder.path):
            what += f": that is a symbolic link to {real}"
        yield Finding("configuration", "run.json", what)
    for where, record in _made(files):
        if record.run != run.stamp:
            what = f"was made by another run: {record.run or 'it does not say which'}"
            yield Finding("configuration", where, what)


def _made(files: RunFiles) -> Iterator[tuple[str, FoldRecord | SearchRecord]]:
    for fold, record in files.folds.items():
        yield below(files.folder, files.folder.fold(fold)), record
    for name, search in files.searches.items():
        yield below(files.folder, files.folder.genotype(name)), search


def _completeness(files: RunFiles) -> Iterator[Finding]:
    """Every clip is tested once, in the fold of its subject."""
    run = files.run
    for name in run.foreign(files.folder):
        yield Finding("incomplete", name, stray(name, "of a fold that run.json does not list"))
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
        if not left_out_in_turn:
            continue
        others, seen = everyone - tested, (trained | held) - tested
        for odd, what in (
            (others - seen, "did not train on {}, whom other folds test"),
            (seen - others, "trained on {}, whom no fold tests: each subject is to be left out"),
        ):
            if odd:
                yield Finding("incomplete", where, what.format(some(odd)))
    for name, search in files.searches.items():
        yield from _search_separation(files, name, search)


def _search_separation(files: RunFiles, name: str, record: SearchRecord) -> Iterator[Finding]:
    where = below(files.folder, files.folder.genotype(name))
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


def _space(files: RunFiles) -> Iterator[Finding]:
    """The search space is that of the variant under the settings, where it is installed here."""
    run = files.run
    if not run.space or run.variant not in registry.variants():
        return
    expected = registry.variant(run.variant).record(run.settings, len(run.data.classes))["space"]
    for name in sorted(run.space.keys() & (expected or {}).keys()):
        if run.space[name] != expected[name]:
            what = f"space.{name} is {run.space[name]}, by the settings {expected[name]}"
            yield Finding("configuration", "run.json", what)


def _drawn(files: RunFiles) -> Iterator[Finding]:
    """A genotype is one of the run's space, and a control's that which its seed draws."""
    run = files.run
    for name, search in files.searches.items():
        where = below(files.folder, files.folder.genotype(name))
        space = recorded_space(run, files.folder.run)
        try:
            check_genotype(search.genotype, space)
        except MethodError as error:
            yield Finding("search", where, str(error))
            continue
        seed = derive_seed(run.seed, "random-genotype", name)
        drawn = random_genotype(space, random.Random(seed))
        if run.method is Drawn and not search.given and search.genotype != drawn:
            yield Finding("search", where, f"is not the genotype that seed {run.seed} draws")


def _of_study(files: RunFiles) -> Iterator[Finding]:
    """In the tree of a study, a run has the genotype of the folder in which it lies."""
    above = files.folder.path.absolute().parents
    place = above[min(3, len(above) - 1)]
    there = (place / GIVEN).exists()
    for name, search in files.searches.items():
        given = Path(search.given or "")
        signs = [
            not {*parts}.isdisjoint(STUDIES) for parts in (given.parts[-5:-3], place.parts[-4:-2])
        ]
        if sum((*signs, there)) < 2:  # trees may be renamed, and a user's genotype may lie anywhere
            continue
        where = below(files.folder, files.folder.genotype(name))
        if there and read_genotype(place / GIVEN) != search.genotype:
            what = f"is not the genotype in {place / GIVEN}: one of the two is of another arm"
            yield Finding("search", where, what)
        elif search.given and given.parts[-3:-1] != place.parts[-2:]:
            own, other = "/".join(place.parts[-2:]), "/".join(given.parts[-3:-1])
            yield Finding("search", where, f"is the genotype of {other}, and lies in {own}")


def _models(files: RunFiles) -> Iterator[Finding]:
    """A fold's weights are those of its network, trained on its subjects."""
    from safetensors import SafetensorError, safe_open

    for fold, record in files.folds.items():
        if not (path := files.folder.model(fold)).exists():
            continue
        where = below(files.folder, path)
        try:
            with safe_open(path, framework="numpy") as file:
                said = {
                    key: json.loads(text)
                    for key, text in file.metadata().items()
                    if key in ("fold", "run", "trained_on", "genotype")
                }
        except (SafetensorError, OSError, ValueError) as error:
            yield Finding("unreadable", where, " ".join(str(error).split())[:160])
            continue
        search = files.searches.get(files.run.searches.of(fold))
        made = {key: said["run"].get(key) for key in files.run.stamp}
        if said["fold"] != fold or made != files.run.stamp:
            what = f"holds the weights of fold {said['fold']} of {made}"
            yield Finding("configuration", where, what)
        elif not set(record.trained_on or ()) <= set(said["trained_on"]):
            yield Finding("leak", where, "was trained on other subjects than its fold says")
        elif search and said["genotype"] != search.genotype.to_dict():
            yield Finding("search", where, "is the network of another genotype")


def _profile(files: RunFiles) -> Iterator[Finding]:
    """The figures of a profile follow from one another, and from the network in `run.json`."""
    path = files.folder.profile
    if not path.exists():
        return
    found, network = read_object(path), files.run.network or {}
    if not {"params", "macs"} <= found.keys():  # another kind of method's
        return
    params, macs, live = found["params"], found["macs"], found.get("live_share")
    expected = {
        "params": network.get("params"),
        "weights_mb": params * 4 / 1e6,
        "gflops": None if macs is None else 2 * macs / 1e9,
        "live_parameters": None if live is None else live * params,
    }
    for name, value in expected.items():
        if value is not None and not isclose(found.get(name, value), value, rel_tol=1e-6):
            yield Finding("scores", path.name, f"{name} does not follow from its other figures")


def _search(files: RunFiles) -> Iterator[Finding]:
    """A search by gradient took its epochs, and its weights decode to its genotype."""
    folder, epochs = files.folder, files.run.setting("search", "epochs")
    strategy = files.run.setting("search", "strategy", FIRST_ORDER)
    for name, search in files.searches.items():
        if not search.given and search.strategy not in (None, strategy):
            what = f"found by the strategy {search.strategy}, that of the run is {strategy}"
            yield Finding("search", below(folder, folder.genotype(name)), what)
        if search.beta is None or search.strategy not in (None, *BY_GRADIENT):
            continue
        where = below(folder, folder.genotype(name))
        if search.reach is not None and search.reach > _most_reach(files.run) + TOLERANCE:
            yield Finding("search", where, f"reach is {search.reach:g}, which no search here has")
        space = recorded_space(files.run, folder.run)
        alpha, eta = search.operation_weights, search.edge_weights
        beta = search.beta_of(space.outer)
        if alpha and eta and beta and decode(space, alpha, eta, beta) != search.genotype:
            yield Finding("search", where, "its weights decode to another genotype")
        logged = {
            folder.history(name): lambda file: len(history_columns(file)["epoch"]),
            folder.architecture(name): lambda file: len(read_object(file, "epochs")["epochs"]),
        }
        for file, count in logged.items():
            if file.exists() and count(file) != epochs:
                what = f"has {count(file)} epochs, the search has {epochs}"
                yield Finding("search", below(folder, file), what)


def _most_reach(run: RunFile) -> float:
    """The reach that is set, else that of an architecture step for each clip of each epoch."""
    search = run.settings.search
    return search.reach or search.epochs * (run.data.clips or 0) * search.architecture_lr


def _scores(files: RunFiles) -> Iterator[Finding]:
    """Predictions follow from the logits, and metrics from the predictions."""
    config, run = files.run.settings, files.run
    rule = config.protocol.selection
    for fold, record in files.folds.items():
        where = f"{FOLDS}/{fold}.json"
        last = record.epochs.get("last")
        if record.losses and (last != len(record.losses) or not all(map(isfinite, record.losses))):
            what = f"has {len(record.losses)} losses for {last} epochs, or one that is no number"
            yield Finding("scores", where, what)
        for clip in record.clips:
            count = len(run.data.classes) or len(clip.logits)
            if len(clip.logits) != max(count, 1) or not all(each < inf for each in clip.logits):
                what = f"{clip.clip}: expected {count} logits, each a number"  # a log of 0 is one
                yield Finding("scores", where, what)
                continue
            best = max(range(len(clip.logits)), key=clip.logits.__getitem__)
            if not clip.pred == clip.selected[rule] == best:
                what = f"{clip.clip}: the predicted label is not that of the logits"
                yield Finding("scores", where, what)
    if files.metrics is None or not files.complete:
        return
    folds = [files.folds[fold] for fold in run.folds]
    known = DATASETS.get(run.dataset)
    parts = known.parts if known else tuple(files.metrics["slices"])
    again = run_scores(_job(files, config), folds, run.data.classes, parts)
    for name in _differing(files.metrics, again, ""):
        what = f"{name.lstrip('.')} does not follow from the folds"
        yield Finding("scores", "metrics.json", what)


def mislabelled(files: RunFiles, expected: Mapping[Clip, int]) -> Iterator[Finding]:
    """Every clip has the label of the data, under the run's own permutation if it has one."""
    for fold, what in unlike_data(files.folds, expected, files.run.data.classes):
        if fold:
            yield Finding("labels", f"{FOLDS}/{fold}.json", what)
        elif files.complete:
            yield Finding("labels", FOLDS, what)


# Small things


def _job(files: RunFiles, config: Config) -> Job:
    """The job that made the run, as far as its protocol goes."""
    run = files.run
    source = Source(run.dataset, None, run.surrogate, Path())
    return Job(
        folder=files.folder,
        variant=run.variant,
        source=source,
        preset=run.preset,
        config=config,
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
