"""Where a command's text goes: to the terminal or into a file."""

from __future__ import annotations

from pathlib import Path

import click


def deliver(text: str, out: Path | None) -> None:
    """Prints the text, or writes it to `out` (UsageError where that cannot be)."""
    from bench.errors import BenchError, UsageError
    from bench.files import write_text

    if out is None:
        click.echo(text)
        return
    try:
        write_text(out, text + "\n")
    except BenchError as error:
        raise UsageError(
            f"--out {out} cannot be written ({error.__cause__}); name a file in a folder that "
            "may be written"
        ) from error
