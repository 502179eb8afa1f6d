"""`bench list`: what there is to choose from; runs are listed by `reports.cli.listing`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import click

from bench.cli import completing
from bench.cli.hints import Commands
from bench.cli.options import format_option

if TYPE_CHECKING:
    from bench.methods.registry import Variant
    from bench.system.entry_points import Door


WORD_WIDTH, LINE_WIDTH = 22, 100
"""Characters of the first column and of a line of `bench list variants --long`."""


@click.group("list", cls=Commands)
def list_group() -> None:
    """List variants, data sets, presets, runs and more."""


@list_group.command()
@format_option
@click.option(
    "--long",
    "in_full",
    is_flag=True,
    help="Also show parameters, input, recipe, pretraining, released scores and deviations.",
)
def variants(form: str, in_full: bool) -> None:
    """Methods that `--variant` knows."""
    from bench.methods import registry

    entries = registry.variants().values()
    rows = [
        {"name": entry.name, "group": entry.group, "kind": entry.kind, "summary": entry.summary}
        for entry in entries
    ]
    if not in_full:
        show(form, rows)
    elif form == "json":
        about = [row | entry.details for row, entry in zip(rows, entries, strict=True)]
        click.echo(json.dumps(about, indent=1, ensure_ascii=False))
    else:
        click.echo("\n\n".join(map(_described, entries)))


def _described(entry: Variant) -> str:
    """The facts of a method for readers."""
    lines = [_hanging(what, text) for what, text in entry.facts.items()]
    return "\n".join([f"{entry.name} ({entry.group}, {entry.kind}): {entry.summary}", *lines])


def _hanging(word: str, text: str) -> str:
    """A word and a text beside it, wrapped with a hanging indent."""
    first, further = f"  {word:<{WORD_WIDTH}}", " " * (WORD_WIDTH + 2)
    return fill(text, LINE_WIDTH, initial_indent=first, subsequent_indent=further)


@list_group.command()
@format_option
def datasets(form: str) -> None:
    """Data sets that `--dataset` knows."""
    from bench.data.sets.catalogue import DATASETS

    rows = [
        {"name": name, "title": entry.title, "summary": entry.summary}
        for name, entry in DATASETS.items()
    ]
    show(form, rows)


@list_group.command()
@format_option
def strategies(form: str) -> None:
    """Search strategies that `--set search.strategy` knows."""
    from bench.methods.strategies import STRATEGIES

    show(form, [_registered(STRATEGIES, name) for name in STRATEGIES.names()])


@list_group.command()
@format_option
def operations(form: str) -> None:
    """Operations that a search space can choose from."""
    from bench.methods.operations import OPERATIONS
    from bench.system.installed import DISTRIBUTION
    from rnas.space import OPERATION_WORDS

    own = [
        {"name": name, "summary": words, "package": DISTRIBUTION}
        for name, words in OPERATION_WORDS.items()
    ]
    show(form, [*own, *(_registered(OPERATIONS, name) for name in OPERATIONS.names())])


def _registered(door: Door[Any], name: str) -> dict[str, str]:
    """A name of an entry-point group, the first line of its module, and its package."""
    from bench.system.installed import registered
    from bench.system.package_code import summary
    from bench.system.packages import package_of

    entry = next(each for each in registered(door.group) if each.name == name)
    return {"name": name, "summary": summary(entry), "package": package_of(door.group, name)}


@list_group.command()
@format_option
@click.argument("preset", required=False, shell_complete=completing.presets)
def presets(form: str, preset: str | None) -> None:
    """Presets, or the settings of one."""
    from bench.config.loading import load_config, preset_names, preset_summary
    from bench.config.settings import settings_table

    if preset is None:
        show(form, [{"name": name, "summary": preset_summary(name)} for name in preset_names()])
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
    show(form, rows)


def show(form: str, rows: Sequence[dict[str, Any]]) -> None:
    """Prints rows of the same keys as a table or as JSON."""
    if form == "json":
        click.echo(json.dumps(rows, indent=1))
        return
    from tabulate import tabulate

    if not rows:
        click.echo("none")
        return
    # tabulate would show a configuration hash such as 12345e67 as a number.
    texts = [i for i, key in enumerate(rows[0]) if all(isinstance(row[key], str) for row in rows)]
    click.echo(tabulate(rows, headers="keys", disable_numparse=texts))
