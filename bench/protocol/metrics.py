"""Scores of the confusion matrix pooled over all folds (MEGC2019): one table of metrics.

UF1 is the mean over classes of F1_c = 2 TP_c / (2 TP_c + FP_c + FN_c), UAR the mean of TP_c / n_c.
Names, headings and formulas stand here and nowhere else. A user's own metric enters through the
entry-point group `bench.metrics`. NumPy is imported where something is computed: commands that
only print names and headings start without it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from bench.errors import FAILURES, DataError, printable
from bench.system.entry_points import Door, Unfit
from bench.system.packages import brought, say_once
from bench.system.typed_fields import require_types

if TYPE_CHECKING:
    import numpy as np

ENTRY_POINTS = "bench.metrics"
METRIC = "metric"

RESERVED = (
    *("confusion", "classes", "absent", "clips", "subjects", "slices", "selections"),
    *(
        "aggregations",
        "protocol",
        "trained",
        "contradicted",
        "tied",
        "begins_alike",
        "precision",
        "intervals",
        "chance",
        "complete",
        "problems",
    ),
    "claims",
)
"""Keys beside the scores in `metrics.json` and in what `bench score` prints."""

OTHER_COLUMNS = ("aggregate", "clips", "subjects", "method", "marks")
"""Headings beside those of the scores in tables."""

Statistic = Callable[["np.ndarray"], "np.ndarray"]
"""Confusion matrices (..., C, C), rows true, columns predicted -> scores (...), NaN where none."""


@dataclass(frozen=True)
class Metric:
    """A score of confusion matrices; higher is better (enter an error rate as 1 - rate).

    name: its key in files and options, one lower-case word; heading: what stands over a column;
    function: (..., C, C) -> (...); phrase: its name within a sentence, the heading by default;
    per_class: of a mean over classes the values that are averaged, (..., C, C) -> (..., C), NaN
    where a class has none.
    """

    name: str
    heading: str
    function: Statistic
    phrase: str = ""
    per_class: Statistic | None = None

    @property
    def words(self) -> str:
        """What it is called within a sentence."""
        return self.phrase or self.heading

    def of(self, matrix: np.ndarray) -> float | None:
        """The score of one matrix (C, C); None where it has none."""
        value = float(self.function(matrix))
        return value if math.isfinite(value) else None


def class_recall(matrices: np.ndarray) -> np.ndarray:
    """TP_c / n_c (..., C) of matrices (..., C, C); NaN for a class without a clip."""
    return _ratio(_diagonal(matrices), matrices.sum(axis=-1))


def class_f1(matrices: np.ndarray) -> np.ndarray:
    """F1_c (..., C) of matrices (..., C, C); NaN for a class neither true nor predicted."""
    return _ratio(2 * _diagonal(matrices), matrices.sum(axis=-1) + matrices.sum(axis=-2))


def uar(matrices: np.ndarray) -> np.ndarray:
    """Unweighted average recall of matrices (..., C, C) over the classes that have a clip."""
    return _mean_present(class_recall(matrices), matrices)


def uf1(matrices: np.ndarray) -> np.ndarray:
    """Unweighted F1 of matrices (..., C, C) over the classes that have a clip."""
    return _mean_present(class_f1(matrices), matrices)


def acc(matrices: np.ndarray) -> np.ndarray:
    """Share of the clips that are right, of matrices (..., C, C)."""
    return _ratio(_diagonal(matrices).sum(axis=-1), matrices.sum(axis=(-2, -1)))


UAR = Metric("uar", "UAR", uar, per_class=class_recall)
UF1 = Metric("uf1", "UF1", uf1, per_class=class_f1)
ACC = Metric("acc", "Acc", acc, phrase="accuracy")

BUILT_IN = {metric.name: metric for metric in (UAR, UF1, ACC)}
"""Metrics of the protocol: every `metrics.json` has them."""


def metrics() -> Mapping[str, Metric]:
    """Name -> metric: UAR, UF1 and accuracy, then those of installed packages.

    One that cannot be used is left out with a warning, as are all that share a heading.
    """
    brought = METRICS.values()
    if not brought:
        return BUILT_IN
    own = {_plain(metric.heading) for metric in BUILT_IN.values()}
    told = Counter(_plain(metric.heading) for metric in brought.values())
    kept = {}
    for name, metric in brought.items():
        heading = _plain(metric.heading)
        if heading in {*own, *OTHER_COLUMNS} or told[heading] > 1:
            say_once(
                f"warning: {METRICS.origin(name)} is left out: another column has its heading, "
                f"{printable(metric.heading)!r}"
            )
        else:
            kept[name] = metric
    return {**BUILT_IN, **kept}


def _plain(heading: str) -> str:
    """A heading as the eye reads it."""
    from bench.data.sets.identity import plain_name  # late: few have metrics of their own

    return plain_name(heading)


def _checked(name: str, value: object) -> Metric:
    """The value as a metric; Unfit says why it cannot be used as one."""
    import numpy as np

    from bench.protocol.metric_trials import require_alike, require_scores  # late: few have own

    if not isinstance(value, Metric) or value.name != name:
        raise Unfit(f"expected a bench.protocol.metrics.Metric of that name, got {value!r:.80}")
    require_types(value)
    if not (name.isidentifier() and name.islower()):
        raise Unfit("the name must be one word in lower case")
    if not (isinstance(value.heading, str) and value.heading.strip()):
        raise Unfit("it has no heading")
    if not value.heading.isprintable():
        raise Unfit(f"its heading {printable(value.heading)!r} cannot stand over a column")
    first, *others = np.array(EXAMPLES, int)
    examples = np.array([np.eye(3), np.zeros((3, 3)), first, first[::-1], *others], int)
    count = len(examples)
    fair = np.asarray(value.function(first.copy()))  # before a better and a worse one
    made = np.asarray(value.function(examples.copy()))
    if made.shape != (count,):
        raise Unfit(f"of matrices ({count}, 3, 3) it makes scores {made.shape}, not ({count},)")
    if made.dtype.kind not in "biuf":
        raise Unfit(f"its scores are no real numbers but {made.dtype}")
    if not _same(made, np.asarray(value.function(examples.copy()))):
        raise Unfit("of the same matrices it makes other scores each time")
    if not _same(made, np.array([value.function(each) for each in examples.copy()])):
        raise Unfit("a matrix has another score alone than among others: keep the leading axes")
    if not _same(fair, made[2]):
        raise Unfit("it keeps something from one matrix to the next: the same one has other scores")
    many = np.tile(examples, (2, 3, 50, 1, 1))  # as of seeds and resamples
    if not _same(np.tile(made, (2, 3, 50)), np.asarray(value.function(many))):
        raise Unfit("a matrix has another score among hundreds than among few: keep leading axes")
    if not _of_each_draw(value.function):
        raise Unfit(
            f"a matrix has another score among the {AT_ONCE} of a bootstrap than alone: it may not "
            "rest on the others of a stack (their mean, quantiles or number)"
        )
    require_scores(value.function, value.per_class)
    again = _anew(name)
    if isinstance(again, Metric):
        require_alike(value.function, again.function)
        if value.per_class and again.per_class:
            require_alike(value.per_class, again.per_class)
    per_class = value.per_class and partial(_of_a_copy, name, value.per_class)
    return replace(value, function=partial(_of_a_copy, name, value.function), per_class=per_class)


def _anew(name: str) -> object:
    """The value of a package's metric, made once more; None where its code runs only once."""
    from bench.system.package_code import imported_anew

    try:
        return imported_anew(brought(ENTRY_POINTS)[name])
    except FAILURES:
        return None


EXAMPLES = (((5, 1, 0), (2, 7, 1), (0, 3, 4)), ((1, 8, 2), (0, 2, 6), (9, 0, 3)))
"""Confusion matrices to try a metric with."""


AT_ONCE = 2_000
"""Resamples that are scored in one stack: a few megabytes for the subjects of the composite."""

TIMES = 7
"""By how much a draw has more clips than the first example: about as many as a data set."""


def _of_each_draw(function: Statistic) -> bool:
    """Whether a stack of different matrices, as of a bootstrap, has the scores that each has."""
    import numpy as np

    mean = TIMES * np.array(EXAMPLES[0])
    drawn = np.random.default_rng(0).poisson(mean, (AT_ONCE, 1, *mean.shape))
    made = np.asarray(function(drawn.copy()))
    alone = np.array([function(each) for each in drawn[:, 0].copy()])
    return made.shape == (AT_ONCE, 1) and _same(made[:, 0], alone)


def _same(scores: np.ndarray, others: np.ndarray) -> bool:
    import numpy as np

    return scores.shape == others.shape and np.allclose(scores, others, equal_nan=True)


def _of_a_copy(name: str, function: Statistic, matrices: np.ndarray) -> np.ndarray:
    """A user's function cannot change the counts that the other scores are made of."""
    with METRICS.answering(name):
        return function(matrices.copy())


METRICS = Door(ENTRY_POINTS, "metric", _checked, taken=(*BUILT_IN, *RESERVED))


def scores(true: Sequence[int], predicted: Sequence[int], classes: Sequence[str]) -> dict[str, Any]:
    """Every metric, `confusion` (rows true, columns predicted), `classes`, `absent` and `clips`.

    A class without a clip has no recall: it is named in `absent` and left out of means over
    classes, and the scores are None where no class is left.
    """
    import numpy as np

    count = len(classes)
    unknown = {*true, *predicted} - set(range(count))
    if unknown:
        raise DataError(f"label {min(unknown)} is none of the {count} classes {', '.join(classes)}")
    matrix = np.zeros((count, count), int)
    np.add.at(matrix, (np.asarray(true, int), np.asarray(predicted, int)), 1)
    return {**matrix_scores(matrix, classes), "clips": int(matrix.sum())}


def matrix_scores(matrix: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """The scores of a confusion matrix, rows true, columns predicted."""
    present = matrix.sum(axis=1) > 0
    return {
        **{name: _score_of(metric, matrix) for name, metric in metrics().items()},
        "confusion": matrix.tolist(),
        "classes": list(classes),
        "absent": [name for name, here in zip(classes, present, strict=True) if not here],
    }


def _score_of(metric: Metric, matrix: np.ndarray) -> float | None:
    """The score of a matrix; None, with a warning, where right answers alone would score lower."""
    score = metric.of(matrix)
    if score is None or metric.name in BUILT_IN:
        return score
    from bench.protocol.metric_trials import above, all_right  # late: few have own

    best = metric.of(all_right(matrix))
    if best is None or not above(score, best):
        return score
    say_once(
        f"warning: {METRICS.origin(metric.name)} gives {score:.4g} for {matrix.sum()} clips, and "
        f"{best:.4g} where all answers are right: left out (none)"
    )
    return None


def tell_missing(scored: Mapping[str, Any]) -> None:
    """Says once which metrics of packages have no score of all the clips."""
    for name in metrics().keys() - BUILT_IN.keys():
        if scored["clips"] and scored.get(name, 0) is None:
            say_once(
                f"note: {METRICS.origin(name)} has no score (none) of the {scored['clips']} clips: "
                "it gives no finite number for their confusion matrix, or more than for right "
                "answers alone"
            )


def pooled_metrics(
    clips: Sequence[dict[str, Any]], classes: Sequence[str], parts: Sequence[str]
) -> dict[str, Any]:
    """Scores over the clips of all folds, and over each data set's clips where there are several.

    A metric of a package without a score of all clips is told on stderr.

    clips: {`dataset`, `subject`, `true`, `pred`}; parts: the data sets of a composite.
    """
    overall = _scored(clips, classes)
    tell_missing(overall)
    slices = {
        part: _scored([clip for clip in clips if clip["dataset"] == part], classes)
        for part in (parts if len(parts) > 1 else ())
    }
    return {**overall, "slices": slices}


def fold_mean(clips: Sequence[dict[str, Any]], classes: Sequence[str]) -> dict[str, float | None]:
    """Mean over subjects of each one's own scores: what some papers report.

    A class that a subject does not show is left out of that subject's means, a subject without a
    score out of the mean.
    """
    people: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for clip in clips:
        people.setdefault((clip["dataset"], clip["subject"]), []).append(clip)
    folds = [_scored(own, classes) for own in people.values()]
    return {name: _mean_of(fold[name] for fold in folds) for name in metrics()}


def _mean_of(values: Iterable[float | None]) -> float | None:
    import numpy as np

    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else None


def _scored(clips: Sequence[dict[str, Any]], classes: Sequence[str]) -> dict[str, Any]:
    true, predicted = ([clip[key] for clip in clips] for key in ("true", "pred"))
    subjects = {(clip["dataset"], clip["subject"]) for clip in clips}
    return {**scores(true, predicted, classes), "subjects": len(subjects)}


def subject_matrices(
    true: Sequence[int], pred: Sequence[int], subject: Sequence[str], classes: int
) -> np.ndarray:
    """(S, C, C) counts: one confusion matrix per subject, in the order of their names.

    subject: names that differ wherever the people do (`smic/s01`, not `s01`, in a composite).
    """
    import numpy as np

    people, place = np.unique(np.asarray(subject), return_inverse=True)
    matrices = np.zeros((len(people), classes, classes), dtype=np.int64)
    np.add.at(matrices, (place, np.asarray(true, int), np.asarray(pred, int)), 1)
    return matrices


def _diagonal(matrices: np.ndarray) -> np.ndarray:
    return matrices.diagonal(axis1=-2, axis2=-1)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Quotients, NaN where the divisor is 0."""
    import numpy as np

    below = np.asarray(below)
    return np.divide(above, below, out=np.full(below.shape, math.nan), where=below > 0)


def _mean_present(values: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Mean of values (..., C) over the classes with clips: a class without one has no recall."""
    import numpy as np

    present = matrices.sum(axis=-1) > 0
    return _ratio(np.where(present, values, 0.0).sum(axis=-1), present.sum(axis=-1))
