"""`bench tables`: what the paper reports and what was measured, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import OutFile, runs_option
from bench.cli.output import deliver
from reports.cli.options import config_option, preset_option
from reports.reading.finished import FIRST_RUN, sound_runs
from reports.tables.build import NUMBERS, build_table

if TYPE_CHECKING:
    from reports.tables.table import Table

NAMED = 3
"""Unfinished runs that are named one by one."""


@click.command()
@click.option(
    "--table",
    "numbers",
    type=click.Choice(list(map(str, NUMBERS))),
    multiple=True,
    help="Table of the paper; repeat for several.  [default: all four]",
)
@click.option(
    "--health",
    is_flag=True,
    help="What the searches cost, how decided they were, how far seeds agree; alone, or after "
    "--table.",
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["md", "latex", "csv", "json", "html"]),
    default="md",
    show_default=True,
    help="Markdown, LaTeX (booktabs), CSV, JSON, or an HTML page.",
)
@runs_option
@preset_option
@config_option
@click.option(
    "--out",
    type=OutFile(),
    help="Write to this file instead; CSV to a file per table in this folder, or of one table to "
    "this file.csv.",
)
def tables(
    numbers: tuple[str, ...],
    health: bool,
    style: str,
    runs: Path,
    preset: str | None,
    config: str | None,
    out: Path | None,
) -> None:
    """Print Tables 2-5 of the paper, published beside measured.

    --health prints how the searches went. Of several configurations of a variant on a data set the
    latest is shown; --preset and --config-hash choose another. Run folders that cannot be read are
    named and skipped, and the exit code is then 1.
    """
    from bench.methods.registry import variants

    wanted = [int(number) for number in dict.fromkeys(numbers)] or ([] if health else NUMBERS)
    _check_out(out, style, len(wanted) + health)
    sound, unreadable = sound_runs(runs)
    _say((*unreadable, *_unfinished(sound if wanted else ())))
    there = sound if health else [record for record in sound if _usable(record)]
    chosen = _chosen(there, runs, preset, config)
    usable = [record for record in chosen if _usable(record)]
    registered = variants()
    made = [build_table(number, usable, registered) for number in wanted]
    if health:
        from reports.reading.searches import read_searches
        from reports.tables.health import health_table

        found = read_searches(chosen)
        _say(found.unreadable)
        unreadable += found.unreadable
        made.append(health_table(found, registered))
    _deliver(made, style, out)
    if unreadable:
        click.get_current_context().exit(1)


def _check_out(out: Path | None, style: str, count: int) -> None:
    """Raises UsageError where several tables are to go into one CSV file."""
    from bench.errors import UsageError

    if out and style == "csv" and out.suffix == ".csv" and count > 1:
        raise UsageError(
            f"--out {out} is one CSV file, of one table, for {count} tables; name a folder, or one "
            "--table"
        )


def _deliver(made: Sequence[Table], style: str, out: Path | None) -> None:
    """Prints or writes the tables; CSV goes into a file per table where `out` is a folder."""
    from reports.tables.render import render

    if out is None or style != "csv" or out.suffix == ".csv":
        deliver(render(made, style), out)
        return
    for table in made:
        name = f"table{table.number}" if isinstance(table.number, int) else table.number
        deliver(render([table], style), out / f"{name}.csv")


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line, err=True)


def _usable(record) -> bool:
    return record.metrics is not None or record.profile is not None


def _unfinished(sound: Sequence) -> Iterator[str]:
    """A line about the runs without metrics: how many, and how far the first of them are."""
    records = [record for record in sound if record.metrics is None]
    if not records:
        return
    count = f"{len(records)} runs are" if len(records) > 1 else "1 run is"
    named = [f"{r.folder} ({r.folds_done} of {r.folds_total} folds)" for r in records[:NAMED]]
    if len(records) > NAMED:
        named.append(f"{len(records) - NAMED} more (`bench list runs`)")
    yield (
        f"{count} unfinished, without metrics.json and scores: {', '.join(named)}; "
        "the same `bench run` again goes on where it stopped"
    )


def _chosen(records: list, runs: Path, preset: str | None, config: str | None) -> list:
    """The records asked for; says on stderr in one line why there is none."""
    from reports.reading.groups import select

    chosen = select(records, preset, config)
    if not records:
        click.echo(f"no finished run in {runs}; make one: {FIRST_RUN}", err=True)
    elif not chosen:
        there = ", ".join(sorted({f"{each.preset}-{each.config_hash}" for each in records}))
        asked = [f"--preset {preset}"] * bool(preset) + [f"--config-hash {config}"] * bool(config)
        click.echo(f"no finished run in {runs} for {' '.join(asked)}; there: {there}", err=True)
    return chosen
