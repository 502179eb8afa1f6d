"""`bench leakage`: how much leaky protocols inflate scores, on true and on shuffled labels."""

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
from reports.studies.record import SCORES, conditions, heading, trained_folds, write_study

if TYPE_CHECKING:
    from bench.engine.request import Request
    from bench.studies.leakage import Study

FEWEST_PERMUTATIONS = 20


@click.command(cls=ManySeeds)
@run_options
@click.option(
    "--permutations",
    type=click.IntRange(min=FEWEST_PERMUTATIONS),
    default=FEWEST_PERMUTATIONS,
    show_default=True,
    help="Runs with labels shuffled over all clips, each with its own seed.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("leakage"),
    show_default=True,
    shell_complete=folders,
    help="Folder for the JSON file and the picture of each variant.",
)
@format_option
def leakage(
    permutations: int, out: Path, form: str, force: bool, dry_run: bool, **options: Any
) -> int:
    """Measure how much leaky protocols raise scores.

    They are {fold, all} x {last, inner_val, oracle}, on true and on shuffled labels. Writes
    ordinary run folders, reuses existing ones, and resumes. One training run records all three
    selection rules. Leaky by design: search_scope=all searches on the test subjects, and
    selection=oracle picks the epoch by their labels. With search_scope=fold every fold of every
    permutation is searched. To save time, use random_<variant> or a fixed network, which have no
    search, or make the search short with --set.
    """
    from bench.cli.progress import Steps, bars
    from bench.cli.request import describe, perform_jobs, resolve_request, say_failures, say_found
    from bench.engine.plan import FOLD, METRICS, SEARCH

    request = resolve_request(**options)
    from bench.engine.request import prepare_jobs
    from bench.studies.leakage import studies

    phases = (SEARCH, FOLD, METRICS)
    with bars() as display:
        found = prepare_jobs(request, Steps(display))
        say_found(request, found)
        planned = studies(request, permutations, found.clip_set)
        jobs = tuple(job for study in planned for job in study.jobs)
        found = replace(found, jobs=jobs)
        tasks = found.tasks(phases)
        if dry_run:
            describe(found, tasks)
            return 0
        failures = perform_jobs(found, display, phases, force)
    records = [_write(study, request, out) for study in planned if _scored(study)]
    if form == "json":
        click.echo(json.dumps(records, indent=1))
    else:
        for record in records:
            click.echo("\n".join(_lines(record)))
    return say_failures(failures, tasks)


def _scored(study: Study) -> bool:
    return all(job.folder.metrics.exists() for jobs in study.true.values() for job in jobs)


def _write(study: Study, request: Request, out: Path) -> dict[str, Any]:
    """Measures a study, writes its JSON file and its picture; returns the JSON record."""
    from bench.studies.leakage import measure
    from reports.studies.leakage import draw_leakage

    measured = {
        **conditions(request),
        **trained_folds(job for jobs in study.true.values() for job in jobs),
        "config": study.jobs[0].config.to_dict(),
        **measure(study),
    }
    return write_study(measured, request, draw_leakage, out)


def _lines(record: Mapping[str, Any]) -> Iterator[str]:
    """The tables of a study: scores per protocol, and what each leak adds."""
    from tabulate import tabulate

    yield (
        f"{heading(record)}, {record['subjects']} subjects, {len(record['seeds'])} seeds, "
        f"{record['permutations']} permutations of the labels"
    )
    for name, title in SCORES.items():
        yield ""
        yield tabulate(
            [_row(cell, name) for cell in record["cells"]],
            headers=(
                "search_scope",
                "selection",
                "protocol",
                f"{title} (95 % over subjects)",
                "shuffled: mean (95 %)",
                "band of 95 %",
                "within clean band",
                "p",
            ),
            disable_numparse=True,
        )
    yield ""
    yield tabulate(
        [_inflation_row(entry) for entry in record["inflation"]],
        headers=(
            "inflation",
            *(f"{t}, {k}" for t in SCORES.values() for k in ("true", "shuffled")),
        ),
        disable_numparse=True,
    )


def _row(cell: Mapping[str, Any], name: str) -> Sequence[str]:
    score = cell[name]
    shuffled = score["shuffled"]
    inside = shuffled["inside"]
    return (
        cell["search_scope"],
        cell["selection"],
        "leaky" if cell["leaky"] else "clean",
        _interval(score["true"], "estimate"),
        _interval(shuffled, "mean"),
        f"{_number(shuffled['band_low'])} to {_number(shuffled['band_high'])}",
        "-" if inside is None else f"{inside:.0%}",
        f"{score['p']:.3f}",
    )


def _inflation_row(entry: Mapping[str, Any]) -> Sequence[str]:
    of, over = entry["of"], entry["over"]
    if entry["same_weights"]:
        what = f"{of['selection']} over {over['selection']} (search_scope={of['search_scope']})"
    else:
        what = f"{of['search_scope']} over {over['search_scope']} (selection={of['selection']})"
    columns = [
        _interval(entry[name][kind], key, signed=True)
        for name in SCORES
        for kind, key in (("true", "estimate"), ("shuffled", "mean"))
    ]
    return (what, *columns)


def _interval(score: Mapping[str, Any], key: str, signed: bool = False) -> str:
    value = _number(score[key], signed)
    if score["low"] is None:
        return value
    return f"{value} ({_number(score['low'], signed)} to {_number(score['high'], signed)})"


def _number(value: float | None, signed: bool = False) -> str:
    if value is None:
        return "-"
    return f"{value:+.3f}" if signed else f"{value:.3f}"
