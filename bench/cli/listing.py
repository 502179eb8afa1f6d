"""`bench list`: what there is to choose from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

FORMAT = click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)


@click.group("list")
def list_group() -> None:
    """List variants, data sets, presets or runs."""


@list_group.command()
@FORMAT
def variants(form: str) -> None:
    """Methods that `--variant` knows."""
    from bench import registry

    _show(
        form,
        [
            {
                "name": entry.name,
                "group": entry.group,
                "kind": entry.kind,
                "summary": entry.summary,
            }
            for entry in registry.variants().values()
        ],
    )


@list_group.command()
@FORMAT
def datasets(form: str) -> None:
    """Data sets that `--dataset` knows."""
    from bench.data import DATASETS

    rows = [
        {"name": name, "title": entry.title, "summary": entry.summary}
        for name, entry in DATASETS.items()
    ]
    _show(form, rows)


@list_group.command()
@FORMAT
@click.argument("preset", required=False)
def presets(form: str, preset: str | None) -> None:
    """Presets, or with PRESET every setting with its value there."""
    from bench.config import load_config, preset_names, preset_summary, settings_table

    if preset is None:
        _show(form, [{"name": name, "summary": preset_summary(name)} for name in preset_names()])
        return
    values = load_config(preset).to_dict()
    rows = []
    for key, _, published, meaning in settings_table():
        section, name = key.split(".")
        rows.append(
            {
                "setting": key,
                "value": values[section][name],
                "published": published,
                "meaning": meaning,
            }
        )
    _show(form, rows)


@list_group.command()
@FORMAT
@click.option(
    "--runs", "folder", type=click.Path(path_type=Path), default=Path("runs"), show_default=True
)
def runs(form: str, folder: Path) -> int:
    """Run folders and how far they are."""
    from bench.store import find_runs

    records, unreadable = find_runs(folder)
    rows = [
        {
            "variant": record.variant,
            "dataset": record.dataset + (" (surrogate)" if record.surrogate else ""),
            "preset": record.preset,
            "config": record.config_hash,
            "seed": record.seed,
            "folds": f"{record.folds_done}/{record.folds_total}",
            "uar": record.metrics and record.metrics["uar"],
            "uf1": record.metrics and record.metrics["uf1"],
            "folder": str(record.folder),
        }
        for record in records
    ]
    _show(form, rows)
    for line in unreadable:
        click.echo(f"skipped: {line}", err=True)
    return 1 if unreadable else 0


def _show(form: str, rows: Sequence[dict[str, Any]]) -> None:
    if form == "json":
        click.echo(json.dumps(rows, indent=1))
        return
    from tabulate import tabulate

    click.echo(tabulate(rows, headers="keys") if rows else "none")
