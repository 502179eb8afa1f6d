"""Options that choose among runs."""

from __future__ import annotations

import click

from bench.cli.completing import below_runs, variants


def _beginning(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    if value and value.endswith(".toml"):
        raise click.BadParameter(
            f"{value}: here it is the beginning of a configuration hash, by which runs are chosen; "
            "a file of settings is for the commands that make runs"
        )
    return value


preset_option = click.option(
    "--preset",
    metavar="NAME",
    shell_complete=below_runs(lambda path: path.name.rpartition("-")[0]),
    help="Only runs of this preset.",
)

config_option = click.option(
    "--config",
    metavar="HASH",
    callback=_beginning,
    shell_complete=below_runs(lambda path: path.name.rpartition("-")[2]),
    help="Only runs whose configuration hash begins with this.",
)

dataset_filter = click.option(
    "--dataset",
    metavar="NAME",
    shell_complete=below_runs(lambda path: path.parts[0]),
    help="Only runs on it: smic, smic-surrogate, ...",
)

variant_filter = click.option(
    "--variant",
    "patterns",
    multiple=True,
    metavar="NAME|GLOB|GROUP ...",
    shell_complete=variants,
    help="Only runs of these methods.",
)
