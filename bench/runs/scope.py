"""Which searches a run has: none, one for all folds, or one in every fold."""

from __future__ import annotations

from dataclasses import dataclass

ONCE, PER_FOLD = "all", "fold"
"""Values of the setting `protocol.search_scope`."""


@dataclass(frozen=True)
class Searches:
    """The searches of a run.

    there: whether its method has an architecture to find or draw; scope: `protocol.search_scope`;
    folds: names of the run's folds.
    """

    there: bool
    scope: str
    folds: tuple[str, ...]

    @property
    def per_fold(self) -> bool:
        """Whether every fold has a search of its own."""
        return self.scope == PER_FOLD

    @property
    def names(self) -> tuple[str, ...]:
        """One name per search: its fold, or the empty text for the only search of a run."""
        if not self.there:
            return ()
        return self.folds if self.per_fold else ("",)

    def of(self, fold: str) -> str:
        """The name of the search that a fold's architecture comes from."""
        return fold if self.per_fold else ""

    @property
    def leaks(self) -> tuple[str, ...]:
        """The setting by which an architecture learnt from clips has seen the test subjects."""
        return (f"search_scope={ONCE}",) if self.scope == ONCE else ()
