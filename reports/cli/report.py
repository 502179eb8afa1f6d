"""`bench report`: all runs on one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import OutFile, runs_option
from reports.cli.options import config_option, preset_option

if TYPE_CHECKING:
    from bench.runs.record import RunRecord
    from reports.page.views import RunView


@click.command()
@runs_option
@click.option(
    "--out",
    type=OutFile(),
    default=Path("report.html"),
    show_default=True,
    help="The page to write.",
)
@preset_option
@config_option
@click.option("--title", default="RNAS-MER bench", show_default=True, help="Heading of the page.")
@click.option(
    "--faces",
    is_flag=True,
    help="Embed thumbnails of real clips, too: look what their licence says before you pass it on.",
)
def report(
    runs: Path, out: Path, preset: str | None, config: str | None, title: str, faces: bool
) -> None:
    """Write leaderboards, tables and figures to one HTML page.

    The page needs no network and no other file, and lists unfinished runs. Files that cannot be
    read are reported and left out; the exit code is then 1.
    """
    from bench.cli.output import deliver
    from bench.cli.progress import Steps, bars
    from bench.methods.registry import variants
    from reports.page.build import build_report
    from reports.reading.finished import FIRST_RUN, sound_runs
    from reports.reading.groups import select

    if out.is_dir():
        out = out / "report.html"
    sound, corrupt = sound_runs(runs)
    chosen = select(sound, preset, config)
    if not chosen:
        click.echo(_nothing(runs, sound, FIRST_RUN), err=True)
    with bars() as shown:
        page = build_report(chosen, variants(), title, corrupt, Steps(shown), faces)
    deliver(page.html, out)
    click.echo(_summary(out, page.views, corrupt))
    for line in (*corrupt, *page.troubles):
        click.echo(line, err=True)
    if corrupt or page.troubles:
        click.get_current_context().exit(1)


def _nothing(runs: Path, sound: Sequence[RunRecord], first_run: str) -> str:
    """One line: why no run is shown."""
    if not sound:
        return f"no run in {runs}; make one: {first_run}"
    there = ", ".join(sorted({f"{each.preset}-{each.config_hash}" for each in sound}))
    return f"no run in {runs} for this --preset and --config-hash; there: {there}"


def _summary(out: Path, views: Sequence[RunView], corrupt: Sequence[str]) -> str:
    """One line: the file written, its size, the number of runs."""
    megabytes = out.stat().st_size / 1e6
    unfinished = sum(not view.finished for view in views)
    counts = [f"{len(views)} runs" if len(views) != 1 else "1 run"]
    counts += [f"{unfinished} unfinished"] * bool(unfinished)
    counts += [f"{len(corrupt)} left out"] * bool(corrupt)
    return f"wrote {out}: {megabytes:.1f} MB, {', '.join(counts)}"
