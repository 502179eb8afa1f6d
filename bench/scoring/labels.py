"""What the words of a log of predictions mean: classes, data sets, people, clips."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, permutations

import numpy as np

from bench.data.clips import CHALLENGE_CLASSES
from bench.data.sets.catalogue import DATASETS
from bench.data.sets.identity import known_subject
from bench.errors import DataError, printable, quoted
from bench.runs.predictions import Answer, Predictions
from bench.scoring.challenge_log import SINGLE, LogLine, dataset_named

_SMIC_CLIP = re.compile(r"s?([0-9]{1,4})_([a-z]+)_([0-9]{1,4})", re.IGNORECASE)


def labelled(
    lines: Sequence[LogLine], classes: Sequence[str]
) -> tuple[list[Answer], tuple[str, ...]]:
    """The answers of lines, and the classes: those given, the challenge's, or the words found.

    Raises DataError, with the line, for a label of no class or a word that is cut.
    """
    words = sorted({word.lower() for line in lines for word in (line.true, line.pred)})
    names = [word for word in words if not word.isdecimal()]
    if classes:
        known = tuple(classes)
    elif set(names) <= set(CHALLENGE_CLASSES) or names != words:
        known = CHALLENGE_CLASSES
    else:
        known = tuple(names)
        _refuse_cut(lines)
        _refuse_apart(lines)
    answers = [
        Answer(
            line.dataset,
            line.subject,
            line.clip,
            _index(line.true, known, line.where),
            _index(line.pred, known, line.where),
        )
        for line in lines
    ]
    return answers, known


def _refuse_cut(lines: Sequence[LogLine]) -> None:
    """Raises DataError for a label of one row alone that begins the label of others: a cut word."""
    labels = [{line.true.lower(), line.pred.lower()} for line in lines]
    rows = Counter(word for own in labels for word in own)
    for word, longer in pairwise(sorted(rows)):
        if rows[word] == 1 and longer.startswith(word):
            line = next(line for line, own in zip(lines, labels, strict=True) if word in own)
            raise DataError(
                f"{line.where}: label {quoted(printable(word))} has no other row and begins "
                f"{quoted(printable(longer))}: complete it, or name all classes with --classes "
                "A,B,..."
            )


def _refuse_apart(lines: Sequence[LogLine]) -> None:
    """Raises DataError where true and predicted labels are of different words altogether."""
    true, pred = (
        {word.lower() for word in column} for column in zip(*map(_labels, lines), strict=True)
    )
    if min(len(true), len(pred)) > 1 and true.isdisjoint(pred):
        some, others = (", ".join(map(printable, sorted(words)[:6])) for words in (true, pred))
        raise DataError(
            f"{lines[0].where}: no true label ({some}) is ever predicted ({others}): name the "
            "classes, in the order of numbers or columns, with --classes A,B,..., or write both "
            "columns alike"
        )


def unmatched(lines: Sequence[LogLine], answers: Sequence[Answer]) -> Iterator[str]:
    """A note on words that only one of two columns has, where both have some.

    lines: as written, one for each answer.
    """
    true, pred = ({getattr(a, side) for a in answers} for side in ("true", "pred"))
    words = {a.true: line.true for a, line in zip(answers, lines, strict=True)}
    words |= {a.pred: line.pred for a, line in zip(answers, lines, strict=True)}
    some, others = (
        ", ".join(printable(words[place]) for place in sorted(own))
        for own in (true - pred, pred - true)
    )
    if some and others and all(map(str.isalpha, words.values())):
        yield (
            f"true {some} is never predicted, and predicted {others} is never true: if they are "
            "one, write one name"
        )


def recoded(answers: Sequence[Answer], classes: Sequence[str]) -> Iterator[str]:
    """A note on predicted numbers that would be right far more often in another order.

    Right is the mean over the true classes, which an answer that is always the same leaves low.
    """
    if not 1 < len(classes) <= MOST_ORDERED or len(answers) < 2 * FEWEST_MORE:
        return
    matrix = np.zeros((len(classes), len(classes)))
    for answer in answers:
        matrix[answer.true, answer.pred] += 1
    rates = matrix[matrix.sum(axis=1) > 0]
    shares = np.zeros_like(matrix)
    shares[matrix.sum(axis=1) > 0] = rates / rates.sum(axis=1, keepdims=True) / len(rates)
    right = {
        order: float(sum(shares[true, pred] for pred, true in enumerate(order)))
        for order in permutations(range(len(classes)))
    }
    own = tuple(range(len(classes)))
    best = max(right, key=lambda order: right[order])
    if len(rates) > 1 and right[best] >= MOSTLY and right[best] - right[own] >= FAR_MORE:
        numbers = classes if all(map(str.isdecimal, classes)) else own
        meant = ", ".join(f"{numbers[p]} is {numbers[t]}" for p, t in enumerate(best))
        hits = [sum(a.true == order[a.pred] for a in answers) for order in (own, best)]
        yield (
            f"{hits[0]} of {len(answers)} answers are right, and {hits[1]} if predicted {meant}: "
            "true and predicted labels may number the classes differently; write their names"
        )


def numbering(
    words: Sequence[bool], answers: Sequence[Answer], classes: Sequence[str]
) -> Iterator[str]:
    """What a reader has to be told where one of two labels is in words and the other in numbers.

    words: whether the true and the predicted labels are. An order of the classes in which many more
    answers are right than in the one taken is named.
    """
    if words[0] == words[1] or len(classes) > MOST_ORDERED:
        return
    sides = ("true", "pred") if words[0] else ("pred", "true")
    taken = ", ".join(f"{number} is {printable(name)}" for number, name in enumerate(classes))
    right = {
        order: sum(a.true == order[a.pred] for a in answers)
        for order in permutations(range(len(classes)))
    }
    own = right[tuple(range(len(classes)))]
    best = max(right, key=lambda order: right[order])
    better = ""
    if right[best] - own >= max(FEWEST_MORE, len(answers) / 4) and 2 * right[best] >= len(answers):
        meant = best if words[0] else map(best.index, range(len(best)))
        order = ",".join(printable(classes[place]) for place in meant)
        better = (
            f"; {own} of {len(answers)} answers are right so, with --classes {order} {right[best]}"
        )
    yield (
        f"{sides[0]} is in words, {sides[1]} in numbers, of which {taken}: if that is wrong, name "
        f"the classes in the order of the numbers with --classes{better}"
    )


def are_words(labels: Iterable[str]) -> bool:
    """Whether any of the labels is no number."""
    return not all(map(str.isdecimal, labels))


MOST_ORDERED = 6
"""Classes of which every order is tried."""

MOSTLY, FAR_MORE = 0.6, 0.3
"""Mean recall in another order of the classes, and how much more it is, so that it is named."""

FEWEST_MORE = 5
"""Answers that are right in another order only, so that it is named."""


def _labels(line: LogLine) -> tuple[str, str]:
    return line.true, line.pred


def fits(line: LogLine, classes: Sequence[str]) -> bool:
    """Whether both labels of a line are of these classes."""
    return None not in (label_place(line.true, classes), label_place(line.pred, classes))


def label_place(word: str, classes: Sequence[str]) -> int | None:
    """The place of a label by its class's name; by its number where no class is called a number."""
    lower = [name.lower() for name in classes]
    if word.lower() in lower:
        return lower.index(word.lower())
    if not any(map(str.isdecimal, lower)) and word.isdecimal() and int(word) < len(classes):
        return int(word)
    return None


def _index(word: str, classes: Sequence[str], where: str) -> int:
    """As `_place`; DataError where no class is meant."""
    place = label_place(word, classes)
    if place is not None:
        return place
    numbers = ", ".join(f"{index} {name}" for index, name in enumerate(classes))
    raise DataError(
        f"{where}: label {quoted(printable(word))} is none of {numbers}; "
        "name other classes with --classes A,B,..."
    )


def named_predictions(answers: Sequence[Answer], classes: Sequence[str], name: str) -> Predictions:
    """With the challenge's names and order of classes; DataError that names the file."""
    try:
        return _in_challenge_order(Predictions(tuple(classes), tuple(map(_renamed, answers))))
    except DataError as error:
        raise DataError(f"{name}: {error}") from error


def _in_challenge_order(predictions: Predictions) -> Predictions:
    own = [name.lower() for name in predictions.classes]
    if sorted(own) != sorted(CHALLENGE_CLASSES):
        return predictions
    place = [CHALLENGE_CLASSES.index(name) for name in own]
    answers = (replace(a, true=place[a.true], pred=place[a.pred]) for a in predictions.answers)
    return Predictions(CHALLENGE_CLASSES, tuple(answers))


def _renamed(answer: Answer) -> Answer:
    """With subject and clip as the loaders call them, where the data set is known."""
    dataset = dataset_named(answer.dataset)
    if dataset not in SINGLE:
        return answer
    subject = known_subject(dataset, answer.subject, DATASETS)
    clip = answer.clip
    parts = _SMIC_CLIP.fullmatch(clip) if dataset == "smic" else None
    if parts:
        clip = f"s{int(parts[1]):02d}_{parts[2].lower()}_{int(parts[3]):02d}"
    return replace(answer, dataset=dataset, subject=subject, clip=clip)
