"""Output shared by several commands: files, tables, and notes below them."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from bench.cli.options import OutFile

_NAMED = re.compile(r"manifest:|[\w.]+=")
"""What stands before a file in `manifest:FILE` and `data.class_map=FILE`."""


def deliver(text: str, out: Path | None) -> None:
    """Prints the text, or writes it to the file `out`; UsageError where that fails."""
    from bench.errors import BenchError
    from bench.system.files import write_text

    if out is None:
        click.echo(text)
        return
    refuse_input(out)
    try:
        write_text(out, text + "\n")
    except BenchError as error:
        raise _refused(out, error.__cause__) from error


def check_place(out: Path | None) -> None:
    """Raises the UsageError of `deliver` before long work instead of after it.

    What a killed command left of the file is removed.
    """
    from bench.system.files import sweep_left

    if out is None:
        return
    refuse_input(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            pass
        if out.is_dir():
            raise IsADirectoryError(f"{out} is a folder")
        sweep_left(out)
    except OSError as error:
        raise _refused(out, error) from error


def refuse_input(out: Path) -> None:
    """Raises UsageError where a file to be written is one that the command was told to read."""
    from bench.errors import UsageError

    context = click.get_current_context(silent=True)
    if context is None or not out.is_file():
        return
    for source in _inputs(context):
        if source.is_file() and source.samefile(out):
            raise UsageError(f"{out} is a file that is read here: name another to write")


def _inputs(context: click.Context) -> Iterator[Path]:
    """The files and folders that a command's parameters name, those to be written left out."""
    written = {param.name for param in context.command.params if isinstance(param.type, OutFile)}
    for value in (value for name, value in context.params.items() if name not in written):
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, Path):
                yield each
            elif isinstance(each, str) and (found := _NAMED.match(each)):
                yield Path(each[found.end() :])


def sheet(rows: Sequence[Sequence[Any]], headings: Sequence[str], form: str) -> str:
    """Rows as CSV (`csv`), a Markdown table (`md`) or, for any other form, a plain table.

    Tables show escaped what a terminal would obey; CSV keeps it.
    """
    if form == "csv":
        from bench.system.files import csv_text

        return csv_text(headings, rows).rstrip("\n")
    from tabulate import tabulate

    from bench.errors import printable

    return tabulate(
        [[printable(cell) if isinstance(cell, str) else cell for cell in row] for row in rows],
        headers=headings,
        tablefmt="github" if form == "md" else "simple",
        disable_numparse=True,
    )


def origins(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Lines `variants: origin`, one per distinct origin of the networks shown."""
    variants: dict[str, list[str]] = {}
    for row in rows:
        variants.setdefault(row["origin"], []).append(row["variant"])
    for origin, names in variants.items():
        if origin:
            yield f"{', '.join(dict.fromkeys(names))}: {origin}"


def _refused(out: Path, cause: BaseException | None) -> Exception:
    from bench.errors import UsageError

    return UsageError(
        f"--out {out} cannot be written ({cause}); name a file in a folder that may be written"
    )
