"""`bench export`: a run's predictions as a file for other tools."""

from __future__ import annotations

from pathlib import Path

import click

from bench.config.settings import SELECTION_RULES


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["megc2019", "csv", "json"]),
    default="megc2019",
    show_default=True,
    help="The challenge's log, a CSV sheet, or JSON with classes and protocol.",
)
@click.option(
    "--selection",
    type=click.Choice(SELECTION_RULES),
    help="The answers of this rule.  [default: the run's own]",
)
@click.option("--out", type=click.Path(path_type=Path), help="Write to this file instead.")
def export(run: Path, form: str, selection: str | None, out: Path | None) -> None:
    """Write the predictions of the run folder RUN.

    `bench score` of the file gives the run's own scores. The log of a surrogate run begins with a
    remark that says so: its clips have the names of real ones.
    """
    from bench.cli.output import deliver
    from bench.runs.folder import RunFolder
    from bench.runs.record import read_run_file
    from bench.scoring.logs import render_log
    from bench.scoring.report import run_log

    log = run_log(run, selection)
    record = read_run_file(RunFolder(run))
    keys = ("variant", "dataset", "surrogate", "preset", "config_hash", "seed")
    deliver(render_log(log, form, {key: getattr(record, key) for key in keys}), out)
    if log.protocol["surrogate"]:
        click.echo("surrogate: predictions of generated clips", err=True)
