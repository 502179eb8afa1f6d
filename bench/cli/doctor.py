"""`bench doctor`: what is installed and found here, and what is missing for which command."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    envvar="BENCH_DATA",
    show_envvar=True,
    help="Folder with the licensed data sets.",
)
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)
def doctor(data_root: Path | None, form: str) -> None:
    """Versions, device, memory, data sets found, and what is missing for which command.

    Exit code 1 where something that every command needs is broken.
    """
