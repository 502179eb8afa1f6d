"""`bench run`, and its phases alone: `bench search`, `bench evaluate`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from bench.cli.request import (
    ManySeeds,
    describe,
    perform_jobs,
    resolve_request,
    run_options,
    say_failures,
    say_found,
    shown,
)
from bench.errors import UsageError
from bench.protocol.metrics import UAR, UF1
from bench.protocol.metrics import metrics as known_metrics

folds_option = click.option(
    "--fold",
    "folds",
    metavar="A,B",
    help="Only these folds and what they need; several such commands may work on one run at a "
    "time. The same command without it scores the run.",
)


@click.command(cls=ManySeeds)
@run_options
@folds_option
@click.option(
    "--only",
    type=click.Choice(["plan"]),
    help="Open the run folders, prepare the clips, and print the units of work that are left, one "
    "a line: variant, seed, phase, fold.",
)
def run(**request) -> int:
    """Run methods: search, decode, cross-validate, score, profile.

    Resumes: what a run folder holds already is not computed again.
    """
    from bench.engine.plan import ALL_PHASES

    return _work(ALL_PHASES, **request)


@click.command(cls=ManySeeds)
@run_options
def search(**request) -> int:
    """Search and decode alone, without evaluation.

    Leaves search/genotype.json in each run folder.
    """
    from bench.engine.plan import SEARCH_PHASES

    return _work(SEARCH_PHASES, **request)


@click.command(cls=ManySeeds)
@run_options
@folds_option
@click.option(
    "--genotype",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Evaluate this genotype file instead of the run's own search.",
)
def evaluate(genotype: Path | None, **request) -> int:
    """Train and test the networks that `bench search` decoded."""
    from bench.engine.plan import EVALUATION_PHASES

    return _work(EVALUATION_PHASES, genotype=genotype, **request)


def _work(
    phases: Sequence[str],
    force: bool,
    dry_run: bool,
    genotype: Path | None = None,
    only: str | None = None,
    **options,
) -> int:
    """Resolves the request (every cheap mistake is found before any work), then does it."""
    from bench.cli.progress import Steps, bars
    from bench.engine.plan import SEARCH_PHASES

    request = resolve_request(**options)
    if force and request.only:
        raise UsageError("--force starts whole runs over: leave it out, or --fold")
    if tuple(phases) == SEARCH_PHASES:
        request = _searching(request)

    # From here on torch is needed: importing it is most of the start-up time.
    from bench.engine.execute import open_runs
    from bench.engine.opening import require_genotypes
    from bench.engine.request import check_genotype_file, laid_out, prepare_jobs

    if genotype is not None:
        check_genotype_file(request, genotype)
    if dry_run:
        planned = laid_out(request)
        say_found(request, planned)
        describe(planned, planned.tasks(phases))
        return 0
    if genotype is None and "search" not in phases:
        require_genotypes(laid_out(request).jobs)
    with bars() as display:
        prepared = prepare_jobs(request, Steps(display))
        say_found(request, prepared)
        tasks = prepared.tasks(phases)
        if only:
            open_runs(prepared)
            _say_left(tasks)
            return 0
        given = dict.fromkeys(prepared.jobs, genotype) if genotype else None
        failures = perform_jobs(prepared, display, phases, force, given)
    _report(prepared.jobs)
    return say_failures(failures, tasks)


def _say_left(tasks) -> None:
    """Prints a line for each unit that is not done, for the scripts of array jobs."""
    from bench.engine.plan import done_units

    done = done_units(tasks)
    for unit in (task.unit for task in tasks if task.unit not in done):
        click.echo("\t".join([unit.job.variant, str(unit.job.seed), unit.phase, unit.fold]))


def _searching(request):
    """The request without methods that search nothing, which are named; UsageError if all are."""
    from dataclasses import replace

    from bench.engine.request import searching_variants
    from bench.methods.registry import variant

    left = searching_variants(request.variants)
    for name in (name for name in request.variants if name not in left):
        click.echo(f"{name} {variant(name).without_search}, nothing to search", err=True)
    return replace(request, variants=left)


def _report(jobs) -> None:
    """Prints one line per run: its scores, leaks and other conditions."""
    from bench.runs.record import read_run
    from bench.runs.results import GENERATED

    for job in jobs:
        record = read_run(job.folder)
        where = shown(job.folder.path)
        if record.metrics is None:
            click.echo(f"{job.title}: {record.folds_done}/{record.folds_total} folds -> {where}")
            continue
        metrics, protocol = record.metrics, record.metrics["protocol"]
        notes = [f"leaky: {', '.join(protocol['leaks'])}"] if protocol["leaky"] else []
        if protocol["genotype"] == GENERATED:
            notes.append("architecture given, searched on generated clips")
        notes += ["labels shuffled"] if protocol["shuffled_labels"] else []
        notes += _released_notes(metrics)
        notes += [f"made on {len(record.machines)} different machines"] if record.machines else []
        if contradicted := metrics.get("contradicted"):
            notes.append(f"its own predict differs on {contradicted} clips: the scores decide")
        if tied := metrics.get("tied"):
            notes.append(
                f"several classes have the largest score of {tied} clips: the first counts"
            )
        if alike := metrics.get("begins_alike"):
            notes.append(f"{alike:.0%} of the weights begin alike with every seed")
        if record.trained is not None:
            notes.append(f"{math.floor(100 * record.trained)} % of folds trained")
        click.echo(
            f"{job.title}: {_told(metrics)} over {metrics['clips']} clips of "
            f"{metrics['subjects']} subjects "
            f"({record.split}, pooled{''.join('; ' + note for note in notes)}) -> {where}"
        )


def _released_notes(metrics) -> list[str]:
    """What was done as in a network's released code; means over folds where it takes them."""
    ways = metrics["protocol"].get("as_released", ())
    notes = [f"as released: {', '.join(ways)}"] if ways else []
    if "fold_mean" in ways:
        mean = metrics["aggregations"]["fold_mean"]
        notes.append(f"fold mean {_told({name: mean[name] for name in (UAR.name, UF1.name)})}")
    return notes


def _told(scores: Mapping[str, Any]) -> str:
    """`UAR 0.5000, UF1 0.4000`: the scores that there are."""
    there = ((metric.heading, scores.get(name)) for name, metric in known_metrics().items())
    return ", ".join(f"{heading} {score:.4f}" for heading, score in there if score is not None)
