"""`bench sweep`: which training settings train every network of a search space."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bench.cli.completing import folders
from bench.cli.options import Numbers, format_option
from bench.cli.request import ManySeeds, run_options
from reports.studies.record import conditions, write_study


@click.command(cls=ManySeeds)
@run_options
@click.option(
    "--genotypes",
    type=click.IntRange(min=2),
    default=12,
    show_default=True,
    help="Genotypes drawn per search space, each trained with every --seed.",
)
@click.option(
    "--lr",
    "rates",
    type=Numbers(float, 1e-9, 1e3),
    default="0.005,0.01,0.02,0.05",
    show_default=True,
    help="Learning rates to try, with commas.",
)
@click.option(
    "--warmup",
    "warmups",
    type=Numbers(float, 0, 1),
    default="0,0.1",
    show_default=True,
    help="Shares of the epochs in which the rate climbs, with commas.",
)
@click.option(
    "--epochs",
    type=Numbers(int, 1, 1e6),
    default="20,40",
    show_default=True,
    help="Numbers of epochs to try, with commas.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("sweep"),
    show_default=True,
    shell_complete=folders,
    help="Folder for the JSON file, the table and the picture.",
)
@format_option
def sweep(
    genotypes: int,
    rates: tuple[float, ...],
    warmups: tuple[float, ...],
    epochs: tuple[int, ...],
    out: Path,
    form: str,
    force: bool,
    dry_run: bool,
    **options: Any,
) -> int:
    """Choose learning rate, warm-up and epochs of training.

    Random genotypes are trained under each combination. Losses alone choose: the fewest epochs
    under which 95 % of the networks of every space are trained (last loss below 0.7 ln(classes)),
    then the smallest spread between seeds. One network per genotype, seed and setting learns from
    all clips; generated people of another seed test it, for the record. Needs --surrogate and two
    seeds or more, e.g. --seed 0 1. Runs lie below RUNS/sweep; the command resumes.
    """
    from bench.cli.progress import Steps, bars
    from bench.cli.request import perform_jobs, resolve_request, say_failures, say_found
    from bench.engine.plan import FOLD, METRICS
    from bench.errors import UsageError

    request = resolve_request(**options)
    if len(request.seeds) < 2 or not request.source.surrogate:
        raise UsageError("bench sweep needs generated clips and two seeds: --surrogate --seed 0 1")
    from bench.engine.request import prepare_jobs
    from bench.studies.sweep import design, measure, settings
    from bench.studies.trials import on_new_people, written
    from reports.studies.sweep import draw_sweep, sweep_csv, sweep_page

    request = replace(request, config=on_new_people(request.config))
    with bars() as display:
        found = prepare_jobs(request, Steps(display))
        say_found(request, found)
        groups = design(request, settings(epochs, rates, warmups), genotypes, found.clip_set)
        trials = [trial for group in groups for trial in group.trials]
        if dry_run:
            click.echo(f"{len(trials)} networks: {len(groups)} groups of {genotypes} genotypes")
            return 0
        prepared, phases = replace(found, jobs=tuple(t.job for t in trials)), (FOLD, METRICS)
        failures = perform_jobs(prepared, display, phases, force, written(trials))
    if failures:
        return say_failures(failures, prepared.tasks(phases))
    measured: Mapping[str, Any] = {
        "variant": "+".join(dict.fromkeys(group.variant for group in groups)),
        **conditions(request),
        "seeds": list(request.seeds),
        "genotypes": genotypes,
        "config": request.config.to_dict(),
        **measure(groups, len(found.clip_set.classes)),
    }
    record = write_study(measured, request, draw_sweep, out, md=sweep_page, csv=sweep_csv)
    click.echo(json.dumps(record, indent=1) if form == "json" else sweep_page(record))
    return 0
