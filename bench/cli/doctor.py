"""`bench doctor`: what is installed and found here, and what is missing for which command."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import data_root_option, format_option, runs_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measuring.doctor import Finding

COLOURS = {"ok": "green", "missing": "red", "note": "yellow"}
TOPICS = ("software", "machine", "folders", "data", "tools", "commands")
"""In the order of the report."""


@click.command()
@data_root_option
@runs_option
@format_option
def doctor(data_root: Path | None, runs: Path, form: str) -> int:
    """Check the installation, the machine and the data sets.

    Says what is missing, and for which command.

    Exit code 1 where something that every run needs is missing or broken.
    """
    import json

    from bench.measuring.doctor import broken, examine

    findings = examine(data_root, runs)
    if form == "json":
        click.echo(json.dumps([finding.to_dict() for finding in findings], indent=1))
    else:
        _show(findings)
    return 1 if broken(findings) else 0


def _show(findings: Sequence[Finding]) -> None:
    """Prints the findings by topic: state, name, what was found; below it the advice."""
    margin = max(len(finding.name) for finding in findings) + 13
    room = max(40, shutil.get_terminal_size().columns - margin)
    topic = ""
    for finding in sorted(findings, key=lambda each: TOPICS.index(each.topic)):
        if finding.topic != topic:
            click.echo(f"{finding.topic}:" if not topic else f"\n{finding.topic}:")
            topic = finding.topic
        state = click.style(f"{finding.state:<7}", fg=COLOURS[finding.state])
        click.echo(f"  {state}  {finding.name:<{margin - 13}}  {finding.found}")
        for line in textwrap.wrap(finding.advice, room, break_on_hyphens=False):
            click.echo(" " * margin + line)
