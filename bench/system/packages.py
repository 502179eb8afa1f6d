"""What packages bring to the entry-point groups of the harness, by name; nothing is imported.

What is found is remembered until `forget`.
"""

from __future__ import annotations

import multiprocessing
import re
import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import EntryPoint
from typing import Any, TypeVar

from bench.system.installed import DISTRIBUTION, registered

T = TypeVar("T")

_REMEMBERED: list[Any] = []


def remembered(function: Callable[..., T]) -> Callable[..., T]:
    """As `functools.cache`, until `forget`."""
    cached = cache(function)
    _REMEMBERED.append(cached)
    return cached


def forget() -> None:
    """Makes the next look at any group a fresh one: packages have been added or removed."""
    for each in _REMEMBERED:
        each.cache_clear()


@remembered
def brought(group: str) -> Mapping[str, EntryPoint]:
    """What packages other than the harness register in a group, by name."""
    return {entry.name: entry for entry in registered(group) if not is_ours(entry)}


def package_of(group: str, name: str) -> str:
    """The package that a name of a group comes from; the harness's own where no other has it."""
    entry = brought(group).get(name)
    return DISTRIBUTION if entry is None else distribution_of(entry)


def is_ours(entry: EntryPoint) -> bool:
    """Whether an entry point is the harness's own."""
    return distribution_of(entry).lower().replace("_", "-") == DISTRIBUTION


def distribution_of(entry: EntryPoint) -> str:
    """The distribution of an entry point; one without is the harness's own checkout."""
    if entry.dist is None:
        return DISTRIBUTION
    # dist.name parses the whole file, of each entry point anew.
    named = re.search(r"^Name: *(\S+)", entry.dist.read_text("METADATA") or "", re.MULTILINE)
    return named[1] if named else str(entry.dist.name)


@remembered
def say_once(line: str) -> None:
    """A line on stderr, once, and not again in every process that works for this one."""
    if multiprocessing.parent_process() is None:
        print(line, file=sys.stderr)
