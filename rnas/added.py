"""Operations of other packages: where `rnas.operations.operation` looks after its own.

Nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Source = Callable[[str], Any]
"""From a name to its `rnas.operations.Operation`, None where the source has none of that name."""

_SOURCES: list[Source] = []


def add_source(source: Source) -> None:
    """Adds operations; `add_source({"conv_7": CONV_7}.get)` adds one.

    A source is asked again for every edge and must answer with the same value each time. Names of
    `rnas.operations.OPERATIONS` never reach it.
    """
    if source not in _SOURCES:
        _SOURCES.append(source)


def added_operation(name: str) -> Any:
    """The operation that the first source with this name gives, None where there is none."""
    return next((found for source in _SOURCES if (found := source(name)) is not None), None)
