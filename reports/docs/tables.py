"""Markdown tables whose lines are no wider than their cells."""

from __future__ import annotations

from collections.abc import Iterable


def table(headings: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """Markdown: the headings, then a line a row; cells are not padded."""
    head = list(headings)
    lines: list[Iterable[object]] = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in cells)} |" for cells in lines)
