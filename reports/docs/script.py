"""What the scripts of this folder share: `python -m reports.docs.NAME PATH...`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from bench.errors import BenchError, UsageError


def script(work: Callable[..., object], *places: str) -> None:
    """Calls `work` with the paths of the command line, which `places` name, and ends the process.

    Other numbers of arguments get a usage line, errors one line.
    """
    given = sys.argv[1:]
    try:
        if len(given) != len(places):
            name = Path(sys.argv[0]).stem.replace("__main__", "")
            command = f"python -m reports.docs.{name}".rstrip(".")
            raise UsageError(" ".join((f"usage: {command}", *places)))
        work(*map(Path, given))
    except BenchError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
