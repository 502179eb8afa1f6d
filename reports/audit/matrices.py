"""Confusion matrices from their row sums, diagonal and false positives, and their exact scores."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np


def confusion_scores(confusion: Sequence[Sequence[int]]) -> dict[str, Fraction]:
    """Exact Acc, UAR and UF1 of a confusion matrix with clips in every row."""
    counts = [sum(row) for row in confusion]
    hits = [row[index] for index, row in enumerate(confusion)]
    predicted = [sum(column) for column in zip(*confusion, strict=True)]
    return exact_scores(counts, hits, [p - h for p, h in zip(predicted, hits, strict=True)])


def can_arrange(errors: Sequence[int], wrong: Sequence[int]) -> bool:
    """Whether a matrix with these errors per row and false positives per column exists (K >= 2)."""
    total = sum(errors)
    pairs = zip(errors, wrong, strict=True)
    return sum(wrong) == total and all(min(e, f) >= 0 and e + f <= total for e, f in pairs)


def arrange(
    counts: Sequence[int], hits: Sequence[int], wrong: Sequence[int]
) -> tuple[tuple[int, ...], ...]:
    """A confusion matrix with these row sums, diagonal and false positives of each column.

    Raises ValueError where there is none.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_flow

    errors = [n - h for n, h in zip(counts, hits, strict=True)]
    if not can_arrange(errors, wrong):
        raise ValueError(f"errors {errors} cannot be the false positives {list(wrong)}")
    size = len(errors)
    rows, columns = 1 + np.arange(size), 1 + size + np.arange(size)  # between source and sink
    capacity = np.zeros((2 * size + 2, 2 * size + 2), dtype=np.int32)
    capacity[0, rows] = errors
    capacity[np.ix_(rows, columns)] = sum(errors) * (1 - np.eye(size, dtype=np.int32))
    capacity[columns, -1] = wrong
    flow = maximum_flow(csr_array(capacity), 0, 2 * size + 1).flow.toarray()
    matrix = flow[np.ix_(rows, columns)] + np.diag(np.asarray(hits, dtype=np.int32))
    return tuple(tuple(map(int, row)) for row in matrix)


def exact_scores(
    counts: Sequence[int], hits: Sequence[int], wrong: Sequence[int]
) -> dict[str, Fraction]:
    """Acc, UAR and UF1 of row sums, diagonal and false positives per column."""
    triples = list(zip(counts, hits, wrong, strict=True))
    return {
        "acc": Fraction(sum(hits), sum(counts)),
        "uar": sum((Fraction(h, n) for n, h, _ in triples), Fraction()) / len(triples),
        "uf1": sum((Fraction(2 * h, n + h + f) for n, h, f in triples), Fraction()) / len(triples),
    }
