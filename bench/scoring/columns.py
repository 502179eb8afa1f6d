"""Columns beside the predictions in a table that say something else than their scores do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from bench.errors import printable, quoted
from bench.scoring.challenge_log import LogLine
from bench.system.tables import Table, plain_title

SPLITS = ("split", "set", "subset", "partition", "phase", "part", "mode")
_TRAINING = r"train(?:ing|ed)?|trn"
_TESTED = r"test(?:ing|ed)?|tst|te"
_OTHER_PART = r"val(?:id(?:ation)?)?|dev(?:elopment)?"
NOT_TESTED = re.compile(rf"(?:{_TRAINING}|tr|{_OTHER_PART})(?:set|split|data)?[0-9]*")
A_PART = re.compile(rf"{NOT_TESTED.pattern}|(?:{_TESTED})(?:set|split|data)?[0-9]*|")
_FLAG = re.compile(
    rf"(?:is|in|for|usedfor)?(?:(?P<test>test(?:ing|ed)?|heldout)|{_TRAINING})(?:set|split|data)?"
    rf"|(?:is|in|for|usedfor)(?:{_OTHER_PART})(?:set|split|data)?"
)
"""Plain titles of columns that say yes or no. `val` alone may be a valence."""

YES = frozenset({"1", "1.0", "true", "t", "yes", "y", "x"})
NO = frozenset({"0", "0.0", "false", "f", "no", "n", ""})
FOLDS = ("fold", "folds", "foldid", "foldnumber", "cvfold", "cv", "kfold", "split")
CORRECT = re.compile(r"(?:is)?(?:correct|right|hit|match)(?:ed|ly)?")
WEIGHTS = (
    *("count", "counts", "weight", "weights", "sampleweight", "sampleweights"),
    *("frequency", "freq", "repetitions", "multiplicity"),
)
REPEATS = re.compile(
    r"(?:random|model|train|np|numpy|torch)?(?:seed|epoch|run|repeat|model|iter(?:ation)?|check"
    r"point|ckpt|replicate)s?(?:id|no|num|number|index|idx|name)?|randomstate|repetition"
)
"""Plain titles of what a person's clips are answered by several times, where there are several."""


def contradicting(
    table: Table, places: Mapping[str, int], lines: Sequence[LogLine]
) -> Iterator[str]:
    """Notes on columns that say that rows are of training, folds, repetitions, or count more.

    places: the columns that are read; lines: what is scored, one for each of the table's.
    """
    for place, title in enumerate(table.titles):
        if place in places.values():
            continue
        plain, cells = plain_title(title), [line.cells[place] for line in table.lines]
        column = f"{table.name}: column {quoted(printable(title))}"
        if trained := _not_tested(plain, cells):
            yield (
                f"{column} says {quoted(printable(trained[0]))} of {len(trained)} of "
                f"{len(cells)} rows: they are scored, too; leave out what was not tested"
            )
            continue
        if plain in FOLDS and (several := _in_several(cells, lines)):
            yield (
                f"{column} has {len(several)} subject(s) in several folds, first "
                f"{printable(several[0])}: if the folds are those of the test, networks were "
                "trained on people whom they answer for"
            )
        if REPEATS.fullmatch(plain) and (several := _in_several(cells, lines)):
            yield (
                f"{column} has several values for {len(several)} subject(s), first "
                f"{printable(several[0])}: if these are answers of several networks to the same "
                "clips, each clip counts several times; leave one of them"
            )
        if CORRECT.fullmatch(plain) and (wrong := _otherwise(cells, lines)):
            yield (
                f"{column} says otherwise than true and predicted of {wrong} of {len(cells)} rows: "
                "see that these are the right columns, and of the same rows"
            )
        if plain in WEIGHTS and any(cell not in ("", "1", "1.0") for cell in cells):
            yield f"{column} is not used: each row counts once"


def _not_tested(plain: str, cells: Sequence[str]) -> list[str]:
    """The cells, below a plain title, by which a row is none of the test."""
    flag = _FLAG.fullmatch(plain)
    if flag and any(cells) and {cell.lower() for cell in cells} <= YES | NO:
        apart = NO if flag["test"] else YES
        return [cell for cell in cells if cell.lower() in apart]
    named = flag or plain in SPLITS or all(A_PART.fullmatch(plain_title(cell)) for cell in cells)
    return [cell for cell in cells if NOT_TESTED.fullmatch(plain_title(cell))] if named else []


def _otherwise(cells: Sequence[str], lines: Sequence[LogLine]) -> int:
    """Of how many rows a column of yes and no says otherwise than their labels do."""
    said = [cell.lower() for cell in cells]
    apart = {line.true for line in lines}.isdisjoint(line.pred for line in lines)  # two codings
    if apart or not {*said} <= YES | NO - {""}:
        return 0
    return sum(
        (cell in YES) != (line.true == line.pred) for cell, line in zip(said, lines, strict=True)
    )


def _in_several(cells: Sequence[str], lines: Sequence[LogLine]) -> list[str]:
    """The people whose rows have different cells."""
    folds: dict[str, set[str]] = {}
    for cell, line in zip(cells, lines, strict=True):
        folds.setdefault(f"{line.dataset} {line.subject}", set()).add(cell)
    return [person for person, own in folds.items() if len(own) > 1]
