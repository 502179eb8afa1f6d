"""Options that several commands on runs share."""

from __future__ import annotations

from pathlib import Path

import click

runs_option = click.option(
    "--runs",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder of the runs to show.",
)

preset_option = click.option("--preset", help="Only runs of this preset.")

config_option = click.option(
    "--config", help="Only runs whose configuration hash begins with this."
)
