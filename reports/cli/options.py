"""Options that choose among runs."""

from __future__ import annotations

import click

from bench.cli.completing import below_runs, variants
from bench.cli.options import together

FORMER = "--config"
"""What `--config-hash` was called; `--config` names a file of settings elsewhere."""


def _renamed(context: click.Context, option: click.Parameter, value: str | None) -> None:
    """Takes the option by its former name, and says the new one."""
    if value is None:
        return
    if value.endswith(".toml"):
        raise click.BadParameter(
            f"{value}: a file of settings is for the commands that make runs; runs are chosen by "
            "--config-hash HASH"
        )
    click.echo(f"note: {FORMER} {value} is --config-hash {value} from now on", err=True)
    context.meta[FORMER] = value


def _of_either_name(
    context: click.Context, option: click.Parameter, value: str | None
) -> str | None:
    return context.meta.get(FORMER) if value is None else value


preset_option = click.option(
    "--preset",
    metavar="NAME",
    shell_complete=below_runs(lambda path: path.name.rpartition("-")[0]),
    help="Only runs of this preset.",
)

config_option = together(
    click.option(
        "--config-hash",
        "config",
        metavar="HASH",
        callback=_of_either_name,
        shell_complete=below_runs(lambda path: path.name.rpartition("-")[2]),
        help="Only runs whose configuration hash begins with this.",
    ),
    click.option(
        FORMER,
        "former",
        hidden=True,
        is_eager=True,
        expose_value=False,
        callback=_renamed,
        help="Former name of --config-hash.",
    ),
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
