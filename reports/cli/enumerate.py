"""`bench enumerate`: every path of a trellis trained separately, compared with β."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.completing import folders
from bench.cli.options import format_option
from bench.cli.request import ManySeeds, run_options
from reports.studies.record import (
    SCORES,
    conditions,
    heading,
    trained_folds,
    with_interval,
    write_study,
)

if TYPE_CHECKING:
    from bench.engine.request import Prepared, Request
    from bench.studies.enumeration import Beta, Trial
    from rnas.genotype import Genotype
    from rnas.space import SearchSpace

RANKINGS = {
    "beta": "β of the search",
    "uniform": "uniform β",
    "gain": "β less uniform β",
    "params": "parameters",
}
SHOWN = 5
"""Number of best paths in the table."""


@click.command("enumerate", cls=ManySeeds)
@run_options
@click.option(
    "--beta",
    "beta_run",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Run folder with the search.  [default: that of the same options, run if missing]",
)
@click.option(
    "--cell",
    "cell_kind",
    type=click.Choice(["decoded", "random"]),
    default="decoded",
    show_default=True,
    help="The cell on every path: that of the search, or a random one drawn with the seed.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("enumeration"),
    show_default=True,
    shell_complete=folders,
    help="Folder for the JSON file and the picture.",
)
@format_option
def enumerate_paths(
    beta_run: Path | None,
    cell_kind: str,
    out: Path,
    form: str,
    force: bool,
    dry_run: bool,
    **options: Any,
) -> int:
    """Train every path of an outer search space, and compare with β.

    OPEN has 42 paths. All have the same cell and protocol, each in its own run folder below
    RUNS/enumeration; the command resumes. Shows Kendall's τ between path probability under β and
    score, and for comparison under uniform β and with the parameter count. A random_<variant> has
    no β. --force trains the paths again and keeps the search.
    """
    from bench.cli.progress import Steps, bars
    from bench.cli.request import perform_jobs, resolve_request, say_failures, say_found
    from bench.engine.plan import FOLD, METRICS, SEARCH_PHASES

    request = resolve_request(**options)
    space = _space(request)
    from bench.engine.request import prepare_jobs
    from bench.studies.enumeration import trials
    from bench.studies.trials import written

    with bars() as display:
        found = prepare_jobs(request, Steps(display))
        say_found(request, found)
        searches = beta_run is None and _is_searched(request)
        if dry_run:
            _describe(found, space, searches)
            return 0
        if searches:
            failures = perform_jobs(found, display, SEARCH_PHASES)
            if failures:
                return say_failures(failures, found.tasks(SEARCH_PHASES))
        cell, beta = _cell_and_beta(request, space, found, beta_run, cell_kind)
        planned = trials(request, cell, space, found.clip_set)
        phases = (FOLD, METRICS)
        prepared = replace(found, jobs=tuple(trial.job for trial in planned))
        failures = perform_jobs(prepared, display, phases, force, written(planned))
    if failures:
        return say_failures(failures, prepared.tasks(phases))
    record = _write(request, planned, space, beta, out)
    click.echo(json.dumps(record, indent=1) if form == "json" else "\n".join(_lines(record)))
    return 0


def _space(request: Request) -> SearchSpace:
    """The requested search space; UsageError where the request has none or several."""
    from bench.errors import UsageError
    from bench.methods import registry
    from bench.studies.enumeration import check_paths

    if len(request.variants) != 1 or len(request.seeds) != 1:
        raise UsageError("bench enumerate works on one --variant with one --seed")
    (name,) = request.variants
    method = registry.variant(name)
    if not method.searches:
        raise UsageError(f"{name} {method.without_search} without paths; name a searched variant")
    space = method.configured_space(request.config)
    check_paths(space)
    return space


def _is_searched(request: Request) -> bool:
    from bench.methods import registry

    return registry.variant(request.variants[0]).learns


def _describe(found: Prepared, space: SearchSpace, searches: bool) -> None:
    (job,) = found.jobs
    first = "a search, then " if searches else ""
    paths = len(list(space.outer.paths()))
    click.echo(f"{job.title}: {first}{paths} paths of {len(job.folds)} folds each")


def _cell_and_beta(
    request: Request,
    space: SearchSpace,
    found: Prepared,
    beta_run: Path | None,
    cell_kind: str,
) -> tuple[Genotype, Beta | None]:
    """The cell of every path, and β (None where nothing was searched)."""
    from bench.runs.folder import RunFolder
    from bench.studies.enumeration import random_cell, read_searches, shared_cell

    if beta_run is None and not _is_searched(request):
        return random_cell(space, request.seeds[0]), None
    folder = found.jobs[0].folder if beta_run is None else RunFolder(beta_run)
    genotypes, beta = read_searches(folder, space)
    if cell_kind == "random":
        return random_cell(space, request.seeds[0]), beta
    return shared_cell(genotypes), beta


def _write(
    request: Request, planned: Sequence[Trial], space: SearchSpace, beta: Beta | None, out: Path
) -> dict[str, Any]:
    """Measures, writes the JSON file and the picture; returns the JSON record."""
    from bench.studies.enumeration import measure
    from reports.studies.enumeration import draw_enumeration

    measured = {
        "variant": request.variants[0],
        **conditions(request),
        "seed": request.seeds[0],
        "config": request.config.to_dict(),
        **trained_folds(trial.job for trial in planned),
        **measure(planned, space, beta),
    }
    return write_study(measured, request, draw_enumeration, out)


def _lines(record: Mapping[str, Any]) -> Iterator[str]:
    """Kendall's τ, the best paths, and the ranks of the decoded and the uniform path."""
    from tabulate import tabulate

    from bench.studies.enumeration import path_name

    yield (
        f"{heading(record)}, seed {record['seed']}: {len(record['paths'])} paths with one cell, "
        f"{record['subjects']} subjects"
    )
    yield ""
    names = [name for name in RANKINGS if name in record["tau"]["uar"]]
    rows = [
        (
            RANKINGS[name],
            *(with_interval(record["tau"][score][name]) for score in SCORES),
            f"{record['ceiling'][name]:.2f}" if name in record["ceiling"] else "",
        )
        for name in names
    ]
    titles = (f"{title} (95 % over subjects)" for title in SCORES.values())
    headers = ("Kendall's τ with", *titles, "at most, for ties")
    yield tabulate(rows, headers=headers, disable_numparse=True)
    yield ""
    keys = [key for key in ("beta", "uniform") if key in record["paths"][0]]
    best = sorted(record["paths"], key=lambda path: -path["uar"])[:SHOWN]
    yield tabulate(
        [
            (
                path_name(path["path"]),
                *(f"{path[score]:.4f}" for score in SCORES),
                *(f"{path[key]:.4f}" for key in keys),
                f"{path['params']:,}",
            )
            for path in best
        ],
        headers=("best paths", *SCORES.values(), *(RANKINGS[key] for key in keys), "parameters"),
        disable_numparse=True,
    )
    yield ""
    for key, title in (("decoded", "decoded path"), ("uniform", "path of uniform β")):
        if record[key]:
            ranks = ", ".join(f"{record[key]['rank'][s]} by {t}" for s, t in SCORES.items())
            name = path_name(record[key]["path"])
            yield f"{title} {name}: rank of {len(record['paths'])}: {ranks}"
