"""`bench ablate`: Table 3 as a designed experiment, one factor at a time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from bench.cli.completing import folders
from bench.cli.options import format_option
from bench.cli.request import ManySeeds, run_options
from reports.studies.record import conditions, write_study

if TYPE_CHECKING:
    from bench.cli.progress import Steps
    from bench.engine.request import Prepared, Request
    from bench.studies.ablation import Study

EXAMPLES = 4
"""Networks of an arm that a time estimate is made from."""


def _replicates(context: click.Context, option: click.Parameter, value: int) -> int:
    if value == 1:
        raise click.BadParameter("one alone has no spread: 2 or more, or 0 to leave that part out")
    return value


def replicates_option(name: str, default: int, text: str):
    """An option for a number of replicates."""
    return click.option(
        name,
        type=click.IntRange(min=0),
        callback=_replicates,
        default=default,
        show_default=True,
        help=f"{text}; 0: leave that part out.",
    )


@click.command(cls=ManySeeds)
@run_options
@replicates_option(
    "--genotypes",
    12,
    "Genotypes for what acts in the network, each trained with every --seed",
)
@replicates_option("--searches", 6, "Searches of each kind for what acts in the search")
@click.option(
    "--protocol",
    type=click.Choice(["loso", "fresh"]),
    default="loso",
    show_default=True,
    help="Leave one subject out, or (generated clips) train one network and test it on new people.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("ablation"),
    show_default=True,
    shell_complete=folders,
    help="Folder for the JSON file, the table and the picture.",
)
@format_option
def ablate(
    genotypes: int,
    searches: int,
    protocol: Literal["loso", "fresh"],
    out: Path,
    form: str,
    force: bool,
    dry_run: bool,
    **options: Any,
) -> int:
    """Measure the effect of each factor of Table 3 on its own.

    The factors are the respects in which the variants differ from rnas_mer: --variant ablation
    takes all of them, single ablations only theirs. In the network
    (operation set, attention): random genotypes, each trained with and without the factor. In the
    search (partial channels, edge normalisation, operation set): several searches of each kind,
    beside random search. Differences come with intervals over genotypes or searches and subjects.
    All runs lie below RUNS/ablation; the command resumes. --dry-run estimates the time.
    """
    from bench.cli.progress import Steps, bars
    from bench.cli.request import perform_jobs, resolve_request, say_failures, say_found
    from bench.engine.plan import FOLD, METRICS, SEARCH

    request = resolve_request(**options)
    from bench.engine.request import prepare_jobs
    from bench.studies.ablation import BASE, Size, design, factors, measuring
    from bench.studies.trials import written
    from reports.studies.ablation import ablation_page

    factors(request.variants)
    size = Size(genotypes, searches, protocol)
    request = replace(request, config=measuring(request.config, protocol))
    with bars() as display:
        found = prepare_jobs(replace(request, variants=(BASE,)), Steps(display))
        say_found(request, found)
        study = design(request, size, found.clip_set, Steps(display))
        if dry_run:
            _describe(study, found, Steps(display))
            return 0
        scored = (FOLD, METRICS)
        drawn = replace(found, jobs=tuple(trial.job for trial in study.trials))
        failures = perform_jobs(drawn, display, scored, force, written(study.trials))
        searched = replace(found, jobs=study.searches)
        failures += perform_jobs(searched, display, (SEARCH, *scored), force)
    if failures:
        tasks = (*drawn.tasks(scored), *searched.tasks((SEARCH, *scored)))
        return say_failures(failures, tasks)
    record = _write(request, study, out)
    click.echo(json.dumps(record, indent=1) if form == "json" else ablation_page(record))
    return 0


def _describe(study: Study, found: Prepared, progress: Steps) -> None:
    """Per arm the networks and searches that are left, and how long they may take."""
    from tabulate import tabulate

    from bench.studies.ablation import examples
    from bench.studies.estimate import estimate

    rows = []
    for place, arm in enumerate(study.arms, 1):
        like = examples(arm, EXAMPLES)
        left = estimate(arm.jobs, found.clip_set, like, searched=not arm.trials)
        rows.append((arm.name, arm.acts, left.networks, left.searches, left.seconds / 60))
        progress("timing networks", place, len(study.arms))
    totals = [sum(column) for column in list(zip(*rows, strict=True))[2:]]
    headers = ("networks of", "acts in", "networks left", "searches left", "minutes")
    click.echo(tabulate([*rows, ("all", "", *totals)], headers=headers, floatfmt=".1f"))
    processes = found.processes or 1
    click.echo(f"about {totals[-1] / processes:.0f} minutes with {processes} units at a time")


def _write(request: Request, study: Study, out: Path) -> dict[str, Any]:
    """Measures; writes the JSON file, the table as Markdown and CSV, and the picture."""
    from bench.studies.ablation import BASE
    from bench.studies.ablation_results import measure
    from reports.studies.ablation import ablation_csv, ablation_marks, ablation_page, draw_ablation

    measured = {
        "variant": BASE,
        **conditions(request),
        "factors_of": list(request.variants),
        "seeds": list(request.seeds),
        "config": request.config.to_dict(),
        **measure(study),
    }
    measured["marks"] = list(ablation_marks(measured))
    return write_study(measured, request, draw_ablation, out, md=ablation_page, csv=ablation_csv)
