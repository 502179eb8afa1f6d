"""`bench report`: all runs on one self-contained HTML page."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--runs",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder of the runs to show.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="The page to write.",
)
@click.option("--preset", help="Only runs of this preset.")
@click.option("--config", help="Only runs whose configuration hash begins so.")
@click.option("--title", default="RNAS-MER bench", show_default=True, help="Heading of the page.")
def report(runs: Path, out: Path, preset: str | None, config: str | None, title: str) -> None:
    """Tables, figures, every run and a comparison of two on one HTML page.

    The page needs no network and no other file. Run folders that cannot be read are named and
    skipped, and the exit code is then 1.
    """
