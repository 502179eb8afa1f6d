"""Reads what the page of one run shows (`reports.page.views`) from the run's folder.

A file that cannot be read is reported and its part left out; the rest is shown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from markupsafe import Markup

from bench.config.loading import load_config, preset_names
from bench.config.settings import settings_table
from bench.errors import BenchError
from bench.protocol.metrics import metrics
from bench.runs.failures import read_failures
from bench.runs.folds import sealed_fold
from bench.runs.record import Maker, RunRecord
from bench.runs.searches import CannotDraw, Decoded, decoded, space_of
from bench.runs.typed import MALFORMED, lost_form
from bench.system.processes import in_processes, usable_cores
from reports.figures import run_figures, svg
from reports.page.marks import group_marks
from reports.page.network import network_facts
from reports.page.searches import agreement_facts, health_facts
from reports.page.views import (
    COMMAND_LINE,
    Confusion,
    Drawing,
    Edge,
    Prediction,
    RunView,
    ScoreRow,
    Search,
    Setting,
    Subject,
)
from reports.reading.groups import GroupKey, RunGroup
from reports.reading.marks import distinct
from reports.reading.names import DATASETS, place
from reports.tables.html import HtmlMark, html_mark

INPUTS = ("previous cell", "cell before it")
"""Names of the two inputs of a cell, I^{l-1} and I^{l-2}."""

FIGURES = ("network_path", "cell", "search_curves", "architecture")
"""Figures on the page; confusion matrices and subjects are tables there."""

MOST_DRAWN = 24
"""Runs with figures; those of further ones would take minutes and megabytes."""

NOT_DRAWN = "only so many runs have figures here; `bench figures` draws it"

RUNS_A_PROCESS = 4
"""Fewest runs per worker process: starting one takes as long as drawing three runs."""

Piece = TypeVar("Piece")
Fallback = TypeVar("Fallback")


def run_views(
    records: Sequence[RunRecord], progress: Callable[[int, int], None]
) -> tuple[RunView, ...]:
    """The runs as the report shows them; `progress` is called with (runs done, runs in all)."""
    named = list(zip(records, unique_anchors(records), _drawn(records), strict=True))
    workers = min(usable_cores(), len(named) // RUNS_A_PROCESS) or 1
    views = []
    for view in in_processes(_view, named, workers):
        views.append(view)
        progress(len(views), len(named))
    return tuple(views)


def _drawn(records: Sequence[RunRecord]) -> list[bool]:
    """Which runs get figures where there are many: each configuration's first, then its second."""
    seen: Counter[GroupKey] = Counter()
    turns = []
    for record in records:
        key = GroupKey.of(record)
        turns.append(seen[key])
        seen[key] += 1
    first = sorted(range(len(records)), key=turns.__getitem__)[:MOST_DRAWN]
    return [place in first for place in range(len(records))]


def unique_anchors(records: Iterable[RunRecord]) -> list[str]:
    """Unique anchors from folder paths: `run-smic-surrogate-rnas_mer-small-aaaa1111-seed0`."""
    anchors: list[str] = []
    for record in records:
        own = "-".join(record.folder.parts[-4:])
        anchor = "run-" + re.sub(r"[^A-Za-z0-9_.-]+", "-", own)
        while anchor in anchors:
            anchor += "-"
        anchors.append(anchor)
    return anchors


def _view(named: tuple[RunRecord, str, bool]) -> RunView:
    record, anchor, drawn = named
    troubles: list[str] = []

    def read(make: Callable[[RunRecord], Piece], otherwise: Fallback) -> Piece | Fallback:
        try:
            return make(record)
        except BenchError as error:
            troubles.append(str(error))
        except MALFORMED as error:
            name = getattr(make, "__name__", "fold").strip("_").replace("_", " ")
            troubles.append(f"{record.folder}: {name} cannot be read ({lost_form(error)})")
        return otherwise

    done, missing = read(_folds, ((), ()))
    found = [read(partial(_subject, fold), None) for fold in done]
    subjects = tuple(subject for subject in found if subject)
    none: Any = ((), dict.fromkeys(FIGURES, NOT_DRAWN), ())
    drawings, undrawn, broken = read(_drawings, ((), {}, ())) if drawn else none
    return RunView(
        anchor=anchor,
        record=record,
        place=read(place, record.dataset),
        marks=read(_marks, ()),
        scores=read(_scores, ()),
        confusions=read(_confusions, ()),
        settings=read(_settings, ()),
        provenance=read(_provenance, ()),
        origin=read(_origin, ""),
        network=read(network_facts, ()),
        health=read(health_facts, ()),
        agreement=read(agreement_facts, ()),
        searches=read(_searches, ()),
        data_facts=read(_data_facts, ()),
        data_problems=read(_data_problems, ()),
        subjects=subjects,
        missing=missing,
        drawings=drawings,
        undrawn=undrawn,
        profile=read(_profile, ()),
        failures=read(_failures, ()),
        troubles=distinct((*troubles, *broken)),
    )


def _marks(record: RunRecord) -> tuple[HtmlMark, ...]:
    return tuple(map(html_mark, group_marks(RunGroup((record,)))))


def _scores(record: RunRecord) -> tuple[ScoreRow, ...]:
    return tuple(
        ScoreRow(
            name,
            {metric: _number(part.get(metric)) for metric in metrics()},
            clips=part.get("clips"),
            subjects=part.get("subjects"),
            absent=tuple(part.get("absent", ())),
        )
        for name, part in (*_scored_parts(record), *_alternative_scores(record))
    )


def _alternative_scores(record: RunRecord) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, scores) of the same folds under the other selection rules and aggregations."""
    metrics = record.metrics or {}
    scored = metrics.get("protocol", {}).get("selection")
    for rule, part in metrics.get("selections", {}).items():
        if rule != scored:
            yield f"selection={rule}{' (leaky)' if rule == 'oracle' else ''}", part
    for name, part in metrics.get("aggregations", {}).items():
        yield f"{name.replace('_', ' ')}, as some papers report", part


def _scored_parts(record: RunRecord) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, metrics) of all clips and of the slices; nothing without metrics."""
    if record.metrics is None:
        return
    yield "all clips", record.metrics
    for name, part in record.metrics["slices"].items():
        yield f"slice: {DATASETS.get(name, name)}", part


def _confusions(record: RunRecord) -> tuple[Confusion, ...]:
    return tuple(_confusion(record, name, part) for name, part in _scored_parts(record))


def _confusion(record: RunRecord, name: str, part: Mapping[str, Any]) -> Confusion:
    try:
        classes = tuple(map(str, part["classes"]))
        counts = tuple(tuple(map(int, row)) for row in part["confusion"])
    except MALFORMED:
        classes, counts = (), ()
    if not classes or [len(row) for row in counts] != [len(classes)] * len(classes):
        raise BenchError(
            f"{record.folder / 'metrics.json'}: 'classes' and 'confusion' of {name} are no square "
            "matrix; move the file elsewhere and repeat the command that wrote it"
        )
    return Confusion(name, classes, counts)


def _number(value: Any) -> float | None:
    """A finite number; None for null, NaN and infinity, which JSON cannot hold."""
    return float(value) if isinstance(value, int | float) and abs(value) < float("inf") else None


def _settings(record: RunRecord) -> tuple[Setting, ...]:
    """The settings of a run that are not the defaults: of `--set`, then of its preset."""
    known = {key: rest for key, *rest in settings_table()}
    preset = _flat(load_config(record.preset).to_dict()) if record.preset in preset_names() else {}
    rows = []
    for key, value in _flat(record.config).items():
        default, published, meaning = known.get(key, (None, False, "setting of another version"))
        if key in preset and value != preset[key]:
            origin = COMMAND_LINE
        elif key not in known or value != default:
            origin = f"preset {record.preset}"
        else:
            continue
        rows.append(Setting(key, value, default, origin, meaning, published))
    return tuple(sorted(rows, key=lambda row: row.origin != COMMAND_LINE))


def _flat(config: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        f"{section}.{name}": value
        for section, entries in config.items()
        for name, value in entries.items()
    }


def _provenance(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """(what, value) of the folder, the start and the provenance of a run and its resumptions."""
    return tuple(
        (name, str(value))
        for name, value in (
            ("folder", record.folder),
            ("started", record.started),
            *_maker(record.provenance),
            *(
                (f"continued: {name}", value)
                for maker in record.continued
                for name, value in (("started", maker.started), *_maker(maker))
            ),
            *(
                (f"folds made on {machine['host']}", _machine(machine))
                for machine in record.machines
            ),
        )
        if value not in (None, "")
    )


def _machine(machine: Mapping[str, Any]) -> str:
    """A machine of a run whose folds were made on several kinds."""
    threads = f"{machine['threads']} threads"
    return f"{machine['folds']}: {machine['gpu'] or machine['cpu']}, {threads}"


def _data_facts(record: RunRecord) -> tuple[tuple[str, str], ...]:
    data = record.data
    named = (
        ("clips", data.clips),
        ("per class", ", ".join(f"{name} {count}" for name, count in data.counts.items())),
        ("folds", ", ".join(record.folds)),
        ("root", data.root or ("generated clips" if record.surrogate else None)),
        ("fingerprint", data.fingerprint),
    )
    return tuple((name, str(value)) for name, value in named if value not in (None, ""))


def _data_problems(record: RunRecord) -> tuple[str, ...]:
    """A line for each problem that the loader found in the data set."""
    problems = record.data.problems
    return tuple(f"{each['kind']}: {each['where']}: {each['what']}" for each in problems)


def _maker(maker: Maker) -> Iterator[tuple[str, Any]]:
    commit, packages = maker.git_commit, maker.packages.items()
    dirty = " with uncommitted changes" if maker.git_dirty else ""
    yield "commit", f"{commit}{dirty}" if commit else "not recorded"
    yield "command", None if maker.argv is None else " ".join(("bench", *maker.argv))
    yield "device", maker.gpu or maker.device
    yield "processor", maker.cpu
    yield "threads", maker.threads
    yield "processes", maker.processes
    yield "platform", maker.platform
    yield "Python", maker.python
    yield "packages", ", ".join(f"{name} {version}" for name, version in packages)
    yield "code of packages", _code(maker.code)


def _code(sums: Mapping[str, str] | None) -> str:
    """The beginnings of the sums of what packages brought; empty where it was nothing."""
    if sums is None:
        return "not recorded"
    return ", ".join(f"{name} {code[:12]}" for name, code in sums.items())


def _origin(record: RunRecord) -> str:
    """The origin of the architecture: `searched`, `random`, `given`, `generated` or `fixed`."""
    if record.metrics and "genotype" in record.metrics["protocol"]:
        return record.metrics["protocol"]["genotype"]
    return record.method.origin


def _searches(record: RunRecord) -> tuple[Search, ...]:
    try:
        found = decoded(record, space_of(record))
    except CannotDraw:
        return ()
    return tuple(map(_search, found))


def _search(found: Decoded) -> Search:
    genotype = found.genotype
    pairs = zip(genotype.edges, genotype.operations, strict=True)
    return Search(
        fold=found.fold,
        path=_path(genotype.path),
        probability=found.probability,
        uniform_path=_path(found.uniform_path),
        uniform_probability=found.uniform_probability,
        gauge_free_path=_path(found.gauge_free_path) if found.gauge_free_path else None,
        edges=tuple(Edge(edge.node + 1, _source(edge.source), name) for edge, name in pairs),
    )


def _path(factors: Iterable[int]) -> str:
    return " → ".join(map(str, factors))


def _source(source: int) -> str:
    return INPUTS[source] if source < len(INPUTS) else f"node {source - len(INPUTS) + 1}"


def _folds(record: RunRecord) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Folds with a result, and those without."""
    return record.finished, tuple(fold for fold in record.folds if fold not in record.finished)


def _subject(fold: str, record: RunRecord) -> Subject:
    found = sealed_fold(record.files, fold)
    predictions = tuple(Prediction(clip.clip, clip.true, clip.pred) for clip in found.clips)
    dataset = found.clips[0].dataset if found.clips else record.dataset
    return Subject(fold, found.subject, dataset, predictions)


def _drawings(
    record: RunRecord,
) -> tuple[tuple[Drawing, ...], Mapping[str, str], tuple[str, ...]]:
    """The figures, why others are missing, and a line for each whose files are corrupt."""
    made = run_figures(record, FIGURES)
    drawings = tuple(Drawing(name, Markup(svg(figure))) for name, figure in made.figures.items())
    return drawings, made.missing, tuple(made.missing[name] for name in made.broken)


def _profile(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """(what, value with its unit) of a profile."""
    profile = dict(record.profile or {})
    if "input_shape" in profile:
        profile["input_shape"] = " × ".join(map(str, profile["input_shape"]))
    profile["uncounted"] = ", ".join(profile.get("uncounted", ())) or None
    return tuple(
        (name, style.format(profile[key]))
        for key, (name, style) in PROFILE.items()
        if profile.get(key) is not None
    )


PROFILE = {
    "params": ("parameters", "{:,}"),
    "live_parameters": ("live parameters: a gradient can reach them at this size", "{:,}"),
    "live_share": ("live share of the parameters", "{:.1%}"),
    "live_taps": ("live share of the kernels' taps", "{:.1%}"),
    "macs": ("MACs of one clip (torch)", "{:,}"),
    "macs_fvcore": ("MACs (fvcore)", "{:,}"),
    "macs_ptflops": ("MACs (ptflops)", "{:,}"),
    "uncounted": ("operators that no counter knows", "{}"),
    "gflops": ("GFLOPs", "{:.4g}"),
    "weights_mb": ("weights", "{:.3f} MB"),
    "checkpoint_mb": ("checkpoint: weights and optimiser state", "{:.3f} MB"),
    "peak_train_mb": ("peak memory of a training step", "{:.1f} MB"),
    "peak_infer_mb": ("peak memory of inference", "{:.1f} MB"),
    "input_shape": ("input: channels, (frames,) height, width", "{}"),
    "peak_batch": ("clips per batch at the peak", "{}"),
    "peak_device": ("device of the peak", "{}"),
    "peak_threads": ("threads at the peak", "{}"),
    "peak_measured_by": ("peak measured by", "{}"),
}
"""Key of `profile.json` -> (name, format of the value), in the order shown."""


def _failures(record: RunRecord) -> tuple[Mapping[str, Any], ...]:
    """The failures of the run's last attempt: phase, fold, reason, traceback."""
    return tuple(
        {key: getattr(failure, key) or "" for key in ("phase", "fold", "reason", "traceback")}
        for failure in read_failures(record.files)
    )
