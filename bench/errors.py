"""Errors that a person reads: one line that says what is wrong, what was expected, what to do."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable


class BenchError(Exception):
    """Work that failed (exit code 1). The message is one complete line."""

    exit_code = 1


class UsageError(BenchError):
    """An invalid request (exit code 2): unknown name, missing option, wrong value."""

    exit_code = 2


class DataError(BenchError):
    """Clips, spreadsheets or images that cannot be read or are invalid (exit code 1)."""


MOST_NAMES, SOME_NAMES = 100, 8
"""An error lists up to MOST_NAMES known names; of more (clips, say) it lists SOME_NAMES."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for an unknown name: it suggests the nearest known name and lists the others."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(known)
    if len(known) > MOST_NAMES:
        listed = f"{', '.join(known[:SOME_NAMES])} and {len(known) - SOME_NAMES} more"
    return UsageError(f"unknown {kind} {name!r}.{guess} Known: {listed}.")


def printable(text: object) -> str:
    """`text` in one line, with everything that a terminal could not show escaped."""
    encoded = os.fsencode(str(text)).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in encoded)


def quoted(text: str, longest: int = 40) -> str:
    """A spreadsheet cell or a name as a person can recognise it in a message."""
    return repr(text if len(text) <= longest else f"{text[: longest - 3]}...")
