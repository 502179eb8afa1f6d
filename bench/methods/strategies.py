"""Search strategies, through the entry-point group `bench.strategies`.

An entry point names a subclass of `rnas.strategies.base.Strategy`; the setting `search.strategy`
chooses one. They are imported when a search is planned or made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.system.entry_points import Door, Unfit

if TYPE_CHECKING:
    from rnas.strategies.base import Strategy


def _usable(name: str, value: Any) -> type[Strategy]:
    """The value of an entry point; Unfit where it is no strategy."""
    from rnas.strategies.base import Strategy

    if not (isinstance(value, type) and issubclass(value, Strategy)):
        raise Unfit(f"expected a subclass of rnas.strategies.base.Strategy, got {value!r}")
    if value.__abstractmethods__:
        raise Unfit(f"it lacks {', '.join(sorted(value.__abstractmethods__))}")
    return value


STRATEGIES = Door("bench.strategies", "search strategy", _usable)
