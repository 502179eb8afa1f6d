"""What metrics of packages are tried with: that right answers score highest, of any classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bench.system.entry_points import Unfit

if TYPE_CHECKING:
    import numpy as np

    Function = Callable[[np.ndarray], np.ndarray]

CLASSES = (3, 2, 5)
"""Numbers of classes; one that fails with other than three says so where it is used."""

TRIED = 8
"""Matrices of each; every class has clips and is answered."""

MORE = (10, 100)
"""How many times as many clips they are tried with, too: up to thousands a cell."""

ROUNDED = 1e-9


def require_scores(function: Function, per_class: Function | None) -> None:
    """Unfit where mistakes score higher than none, or other numbers of classes count otherwise.

    function: (..., C, C) -> (...). With three classes a metric may look at one of them, or at their
    order; where it does not, it may not with more. per_class: (..., C, C) -> (..., C), of which it
    is the mean.
    """
    symmetric = True
    for classes in CLASSES:
        matrices = _matrices(classes)
        try:
            symmetric = _tried(function, matrices, symmetric)
            for times in MORE:
                _try_many(function, matrices, times)
            if per_class is not None:
                _try_parts(function, per_class, matrices)
        except Unfit:
            raise
        except Exception:  # a package's may fail in any way
            if classes == CLASSES[0]:
                raise


def require_alike(function: Function, anew: Function) -> None:
    """Unfit where the same code, imported anew, scores matrices otherwise in another order."""
    import numpy as np

    for classes in reversed(CLASSES):
        matrices = _matrices(classes)
        try:
            made = function(matrices.copy())
            others = [anew(each.copy()) for each in matrices[::-1]]
        except Exception:  # as in `require_scores`
            continue
        if not np.allclose(made, others[::-1], equal_nan=True):
            raise Unfit(
                "imported anew, with the matrices in another order, it makes other scores: keep "
                "nothing of the first that it is given, and draw nothing at random"
            )


def _tried(function: Function, matrices: np.ndarray, symmetric: bool) -> bool:
    """Whether the order of the classes makes no difference; it may not where `symmetric` is set."""
    import numpy as np

    count, classes, _ = matrices.shape
    made, best = _made(function, matrices, (count,)), _made(function, all_right(matrices), (count,))
    worse = above(made, best)
    if worse.any():
        which = int(worse.argmax())
        raise Unfit(
            f"clips of {classes} classes score {best[which]:.4g} where all answers are right and "
            f"{made[which]:.4g} where some are wrong: higher has to be better (1 - error)"
        )
    orders = [np.roll(range(classes), 1), np.array([1, 0, *range(2, classes)])]
    others = [_made(function, matrices[:, order][:, :, order], (count,)) for order in orders]
    alike = all(np.allclose(made, other, equal_nan=True) for other in others)
    if symmetric and not alike and classes != CLASSES[0]:
        raise Unfit(
            f"the order of {classes} classes changes its score, that of three does not: count the "
            "classes of the matrix (.shape[-1])"
        )
    return symmetric and alike


def all_right(matrices: np.ndarray) -> np.ndarray:
    """The same clips (..., C, C) where every answer is right."""
    import numpy as np

    return matrices.sum(-1, keepdims=True) * np.eye(matrices.shape[-1], dtype=int)


def above(scores: np.ndarray | float, best: np.ndarray | float) -> np.ndarray:
    """Where scores are higher than the best ones by more than rounding."""
    import numpy as np

    return np.asarray(scores > best + ROUNDED * np.maximum(1, np.abs(best)))


def _try_many(function: Function, matrices: np.ndarray, times: int) -> None:
    """Unfit where scores of few clips are sound, and those of many such clips are not."""
    import numpy as np

    count, many = len(matrices), times * matrices
    few = _made(function, matrices, (count,))
    made, best = _made(function, many, (count,)), _made(function, all_right(many), (count,))
    odd = above(made, best) | (np.isfinite(few) & ~(np.isfinite(made) & np.isfinite(best)))
    if odd.any():
        which = int(odd.argmax())
        raise Unfit(
            f"{many[which].sum()} clips score {made[which]:.4g}, and {best[which]:.4g} where all "
            f"answers are right ({few[which]:.4g} of {matrices[which].sum()} such clips): it may "
            "count in integers that are too small; compute with matrices.astype(float)"
        )


def _try_parts(function: Function, per_class: Function, matrices: np.ndarray) -> None:
    import numpy as np

    values = _made(per_class, matrices, matrices.shape[:2])
    alone = np.array([per_class(each) for each in matrices.copy()])
    if not np.allclose(values, alone, equal_nan=True):
        raise Unfit("its per_class of a matrix is another alone than among others")
    if not np.allclose(values.mean(-1), function(matrices.copy()), equal_nan=True):
        raise Unfit(
            f"of {matrices.shape[-1]} classes, all with clips, the mean of its per_class is not "
            "its score: per_class is for means over classes, leave it out of another metric"
        )


def _made(function: Function, matrices: np.ndarray, expected: tuple[int, ...]) -> np.ndarray:
    import numpy as np

    with np.errstate(all="ignore"):  # what is no number is told by its caller
        made = np.asarray(function(matrices.copy()))
    if made.shape != expected or made.dtype.kind not in "biuf":
        raise Unfit(
            f"of matrices {matrices.shape} it makes {made.dtype} {made.shape}, expected real "
            f"numbers {expected}"
        )
    return made.astype(float)


def _matrices(classes: int) -> np.ndarray:
    """(TRIED, classes, classes) counts, from good answers to poor ones."""
    import numpy as np

    generator = np.random.default_rng(classes)
    wrong = generator.poisson(5, (TRIED, classes, classes)) + 1
    right = np.arange(TRIED)[::-1, None, None] * 5 * np.eye(classes, dtype=int)
    return wrong + right
