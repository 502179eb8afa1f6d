"""What installed packages bring to the harness: the values of an entry-point group."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any


class Unfit(Exception):
    """A value that a group cannot take; the message says what was expected."""


@cache
def load_values(
    group: str, take: Callable[[str, Any], Any], taken: tuple[str, ...] = ()
) -> Mapping[str, Any]:
    """All values of an entry-point group by name; one that fails is left out with a warning.

    take: from name and value to what is used, raises Unfit; taken: names that mean something else.
    """
    values = {}
    for entry in entry_points(group=group):
        try:
            if entry.name in taken:
                raise Unfit("the name has another meaning here")
            values[entry.name] = take(entry.name, entry.load())
        except (Exception, SystemExit) as error:  # a plug-in may fail in any way
            package = entry.dist.name if entry.dist else "this checkout"
            reason = " ".join(str(error).split())
            print(
                f"warning: {entry.name} of {group}, package {package} is left out: {reason}",
                file=sys.stderr,
            )
    return values


def forget() -> None:
    """Makes the next look at any group a fresh one: packages have been added or removed."""
    load_values.cache_clear()
