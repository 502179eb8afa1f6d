"""`bench config show`: the settings of a run, and where each has its value from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.hints import Commands
from bench.cli.options import out_option, settings_options

if TYPE_CHECKING:
    from bench.config.loading import Settings

VALUE_WIDTH = 42
"""Characters of `name = value`, behind which its origin stands."""


@click.group(cls=Commands)
def config() -> None:
    """Show settings and where their values come from."""


@config.command()
@settings_options()
@click.option(
    "--format",
    "form",
    type=click.Choice(["toml", "json"]),
    default="toml",
    show_default=True,
    help="TOML that --config reads, or JSON.",
)
@click.option("--variant", default="", help="Show what the preset sets for this method alone, too.")
@out_option
def show(
    preset: str,
    config_file: Path | None,
    overrides: tuple[str, ...],
    form: str,
    variant: str,
    out: Path | None,
) -> None:
    """Show every setting with its value and where that comes from.

    --set replaces what --config says, --config what the preset says, the preset the default.
    """
    from bench.cli.output import deliver
    from bench.config.loading import load_settings

    if variant:
        from bench.methods.registry import variant as registered

        registered(variant)  # raises for an unknown one
    settings = load_settings(preset, overrides, config_file, variant=variant)
    deliver(_json(settings) if form == "json" else _toml(settings), out)


def _json(settings: Settings) -> str:
    rows = [
        {"setting": f"{section}.{name}", "value": value, "origin": _origin(settings, section, name)}
        for section, entries in settings.config.to_dict().items()
        for name, value in entries.items()
    ]
    return json.dumps({"preset": settings.preset, "settings": rows}, indent=1, ensure_ascii=False)


def _toml(settings: Settings) -> str:
    """Every setting in its table, its origin as a comment behind it."""
    from bench.errors import printable

    lines = []
    for section, entries in settings.config.to_dict().items():
        lines += ["", f"[{section}]"]
        for name, value in entries.items():
            assigned = f"{name} = {json.dumps(value, ensure_ascii=False)}"
            origin = printable(_origin(settings, section, name))
            lines.append(f"{assigned:<{VALUE_WIDTH}}  # {origin}")
    return "\n".join(lines[1:])


def _origin(settings: Settings, section: str, name: str) -> str:
    from bench.config.loading import DEFAULT

    return settings.origins.get(f"{section}.{name}", DEFAULT)
