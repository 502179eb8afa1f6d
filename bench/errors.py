"""Errors that a person reads: one line that says what is wrong, what was expected, what to do."""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from collections.abc import Iterable


class BenchError(Exception):
    """Work that failed (exit code 1). The message is one complete line."""

    exit_code = 1


class UsageError(BenchError):
    """An invalid request (exit code 2): unknown name, missing option, wrong value."""

    exit_code = 2


class DataError(BenchError):
    """Clips, spreadsheets or images that cannot be read or are invalid (exit code 1)."""


class SuspectError(BenchError):
    """A network or baseline whose answers are not its own: those that passed are suspect, too."""


FAILURES = (Exception, SystemExit)
"""What other people's code may raise: its `exit()` must not end a command without a word."""

MOST_NAMES, SOME_NAMES = 100, 8
"""An error lists up to MOST_NAMES known names; of more (clips, say) it lists SOME_NAMES."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a misspelt one probably means; None where no name is like it.

    Case, spaces and punctuation do not count: `RNAS-MER` is `rnas_mer`.
    """
    plain = {_letters(each): each for each in sorted(known, reverse=True)}
    near = difflib.get_close_matches(_letters(name), plain, n=1, cutoff=0.5)
    return plain[near[0]] if near else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The question that ends a message on a misspelt name, after a space; empty without answer."""
    near = nearest(name, known)
    return f" Did you mean {near!r}?" if near else ""


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for an unknown name: it suggests the nearest known name and lists the others."""
    known = sorted(known)
    parts = name.split(",")
    hint = did_you_mean(name, known)
    if len(parts) > 1 and {part.strip() for part in parts} <= {*known}:
        hint = " Give each name by itself: repeat the option."
    listed = ", ".join(known)
    if len(known) > MOST_NAMES:
        listed = f"{', '.join(known[:SOME_NAMES])} and {len(known) - SOME_NAMES} more"
    return UsageError(f"unknown {kind} {name!r}.{hint} Known: {listed or 'none'}.")


def printable(text: object) -> str:
    """`text` in one line, with everything that a terminal could not show escaped."""
    encoded = os.fsencode(str(text)).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in encoded)


def quoted(text: str, longest: int = 40) -> str:
    """A spreadsheet cell or a name as a person can recognise it in a message.

    Among Latin letters those that only look like them are named by number.
    """
    shown = repr(text if len(text) <= longest else f"{text[: longest - 3]}...")
    mixed = any(letter.isascii() and letter.isalpha() for letter in text)
    odd = [each for each in text if unicodedata.name(each, "").startswith(("CYRILLIC", "GREEK"))]
    return f"{shown} ({numbered(odd)})" if odd and mixed else shown


def numbered(letters: Iterable[str]) -> str:
    """`U+0430, U+0435`: letters by number, each once, the first of many."""
    return ", ".join(list(dict.fromkeys(f"U+{ord(letter):04X}" for letter in letters))[:SOME_NAMES])
