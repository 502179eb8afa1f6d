"""Numbers for each class beside predictions: probabilities, logits, scores."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from operator import eq

from bench.data.clips import CHALLENGE_CLASSES
from bench.errors import DataError, printable, quoted
from bench.protocol.metrics import UAR, scores
from bench.runs.predictions import Answer
from bench.scoring.labels import FAR_MORE, FEWEST_MORE, MOSTLY
from bench.system.tables import Table, plain_title

CHANCE_LISTS = ("probabilities", "probs", "logits", "softmax", "scores")
"""Plain titles of a column that holds a list with a number for each class."""

_PROBABILITIES = re.compile(r"p(?=\d|_)|prob|softmax")
"""How a title begins by which numbers are probabilities."""

LARGEST = 1.001
"""Of probabilities; 1 may be rounded up."""

ROUNDED = 0.05
"""How far a number of one digit may be from what it was."""


@dataclass(frozen=True)
class Chances:
    """A number for each class: columns of a table, or one of lists.

    title: of the column, or of the first; cells: class, lower case -> its cells, one a line;
    numbered: whether the numbers or the order of the columns say which class each is of.
    """

    title: str
    cells: Mapping[str, Sequence[str]]
    numbered: bool

    def rows(self, classes: Sequence[str]) -> list[tuple[float, ...]]:
        """By line the numbers of these classes, NaN for a cell that holds none; none of others."""
        names = [name.lower() for name in classes]
        if sorted(names) != sorted(self.cells):
            return []
        return list(zip(*(map(_number, self.cells[name]) for name in names), strict=True))


def _number(cell: str) -> float:
    """The number in a cell, with a point or a decimal comma, also in per cent; NaN for none."""
    try:
        return float(cell.replace(",", ".").removesuffix("%"))
    except ValueError:
        return nan


def chances_of(table: Table, places: Mapping[str, int], classes: Sequence[str]) -> list[Chances]:
    """All numbers for each class that the table holds: probabilities, logits, or both.

    A title of a column per class is the class's name or its beginning (`neg`), or its number, also
    as `p0` or `prob_0`; one of lists is in `CHANCE_LISTS`. DataError for labels in place of pred.
    """
    names = [name.lower() for name in classes or CHALLENGE_CLASSES]
    found: list[Chances] = []
    groups: dict[str, list[tuple[str, int]]] = {}
    numbered: set[int] = set()
    for place, title in enumerate(table.titles):
        if place in places.values():
            continue
        if plain_title(title) in CHANCE_LISTS:
            rows = [_listed(line.cells[place]) for line in table.lines]
            if set(map(len, rows)) == {len(names)}:
                cells = dict(zip(names, zip(*rows, strict=True), strict=True))
                found.append(Chances(title, cells, True))
            continue
        plain = re.sub(r"^(prob|probability|logit|score|p)(?=[0-9]+$|_)_?", "", title.lower())
        fits = [name for name in names if len(plain) > 1 and name.startswith(plain)]
        if plain.isdecimal():
            fits = names[int(plain) :][:1] or [title]  # a number of no class spoils its columns
        if len(fits) == 1:
            prefix = title.lower().removesuffix(plain)
            groups.setdefault(prefix, []).append((fits[0], place))
            numbered |= {place} if plain.isdecimal() else set()
    for group in groups.values():
        if sorted(name for name, _ in group) == sorted(names):
            columns = {
                name: tuple(line.cells[place] for line in table.lines) for name, place in group
            }
            by_number = any(place in numbered for _, place in group)
            found.append(Chances(table.titles[group[0][1]], columns, by_number))
    for each in found:
        if "pred" not in places and are_labels(each.rows(names), len(names)):
            raise DataError(
                f"{table.name}: column {quoted(printable(each.title))} and those that belong to it "
                "hold labels, as it seems, not a number for each class: call a column of "
                "predictions pred, and leave the others out"
            )
    return found


def are_labels(rows: Sequence[Sequence[float]], classes: int) -> bool:
    """Whether rows with a number for each of so many classes hold numbers of classes instead.

    One 1 among 0 is a class, and so many votes for each are of one sum.
    """
    places = set(map(float, range(classes)))
    sums = {sum(row) for row in rows}
    alike = bool(rows) and all(len(set(row)) == 1 for row in rows)
    return all(places.issuperset(row) for row in rows) and (len(sums) > 1 or alike)


def _listed(cell: str) -> list[str]:
    """The cells of a list in one cell: `[0.1, 0.7, 0.2]`."""
    return cell.strip("[]()").replace(",", " ").split()


def against(
    answers: Sequence[Answer], rows: Sequence[Sequence[float]], name: str, title: str = "logits"
) -> Iterator[str]:
    """Notes on answers that are not those of the numbers for each class beside them.

    rows: these numbers, by answer, or none; nothing where an answer has none; title: of them.
    """
    told = [(answer.pred, row) for answer, row in zip(answers, rows, strict=bool(rows)) if row]
    unclear = sum(not all(map(isfinite, row)) for _, row in told)
    wrong = sum(row[pred] < max(row) for pred, row in told if all(map(isfinite, row)))
    for count, what in (
        (wrong, "pred is not the class with the largest number"),
        (unclear, "the classes have no finite numbers"),
    ):
        if count:
            yield f"{name}: {what} in {count} row(s) ({printable(title)}); scored is pred"


def doubtful(
    answers: Sequence[Answer], chances: Chances, classes: Sequence[str], name: str
) -> Iterator[str]:
    """Notes on answers taken from numbers of which the largest may not be meant."""
    rows = chances.rows(classes)
    if not rows:  # a class has no column of its own
        return
    columns = f"{name}: column {quoted(printable(chances.title))} and those that belong to it"
    none = [row for row in rows if not _are_probabilities(row)]
    whole = all(number >= 0 and number.is_integer() for row in rows for number in row)
    votes = whole and len(set(map(sum, rows))) == 1
    if none and not votes and _PROBABILITIES.match(chances.title.lower()):
        shown = ", ".join(f"{number:g}" for number in none[0])
        yield (
            f"{columns} are no probabilities in {len(none)} of {len(rows)} rows, first {shown}: "
            "the class with the largest number is taken; if they are losses or distances, that is "
            "the wrong one"
        )
    true, lowest = [a.true for a in answers], [row.index(min(row)) for row in rows]
    own = [answer.pred for answer in answers]
    right = [scores(true, each, classes)[UAR.name] or 0 for each in (own, lowest)]
    if len(rows) >= 2 * FEWEST_MORE and right[1] >= max(MOSTLY, right[0] + FAR_MORE):
        hits = [sum(map(eq, true, each)) for each in (own, lowest)]
        yield (
            f"{columns}: {hits[0]} of {len(rows)} answers are right, and {hits[1]} if the class "
            "with the smallest number is taken: they may be losses or distances; write a column "
            "pred"
        )


def _are_probabilities(row: Sequence[float]) -> bool:
    """Whether numbers are of 0 to 1, or per cent, and add up to that, as rounded to a digit."""
    whole = 100 if max(row) > LARGEST else 1
    in_range = min(row) >= 0 and max(row) <= whole * LARGEST
    return in_range and abs(sum(row) / whole - 1) <= ROUNDED * len(row)


def most_probable(chances: Chances, number: int, where: str) -> list[str]:
    """The classes with the largest number in a line; DataError where one is no number."""
    cells = {name: column[number] for name, column in chances.cells.items()}
    numbers = {name: _number(cell) for name, cell in cells.items()}
    if not all(map(isfinite, numbers.values())):
        shown = ", ".join(printable(cell)[:20] for cell in cells.values())
        raise DataError(f"{where}: {shown}: expected a number for each class")
    return [name for name, number in numbers.items() if number == max(numbers.values())]
